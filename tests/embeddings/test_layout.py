"""Lines, gaps, indents and repeated page headers."""

from __future__ import annotations

from embeddings.cleaning import clean
from embeddings.layout import Line, lines, usual_gap, width


def of(original: str) -> list[Line]:
    return lines(clean(original), original)


def test_lines_know_the_blank_lines_above_and_their_indent() -> None:
    found = of("标题\r\n\r\n\r\n　　第一段。\n第二段。\n\n\t第三段。")
    assert [(line.text, line.gap, line.indented) for line in found] == [
        ("标题", 0, False),
        ("第一段。", 2, True),
        ("第二段。", 0, False),
        ("第三段。", 1, True),
    ]


def test_a_line_that_comes_back_is_a_page_header() -> None:
    page = "济南日报\n第{}页\n正文一。\n正文二。\n正文三。\n正文四。\n"
    found = of("".join(page.format(number) for number in (1, 2, 3)))
    headers = [line.text for line in found if line.header]
    assert headers == ["济南日报", "第1页", "济南日报", "第2页", "济南日报", "第3页"]


def test_sentences_and_near_repeats_are_no_headers() -> None:
    assert not any(
        line.header for line in of("同一句话。\n" + "别的。\n甲\n乙\n丙\n同一句话。\n" * 4)
    )
    assert not any(line.header for line in of("是\n否\n是\n否\n是\n否\n"))
    assert not any(line.header for line in of("表头\n表头\n表头\n"))


def test_the_usual_gap_is_the_median() -> None:
    assert usual_gap(of("甲\n\n乙\n\n丙\n丁\n\n戊")) == 1
    assert usual_gap(of("甲\n乙\n丙")) == 0
    assert usual_gap(of("甲")) == usual_gap([]) == 0


def test_the_width_of_wrapped_lines() -> None:
    wrapped = of("山东省济南市天桥区委组\n织部到药山街道开展区管\n班子专题调研并召开座谈\n会。\n")
    assert width(wrapped, [False, False, False, True]) == 11
    assert width(wrapped, [True, True, True, True]) == 0
    assert width(of("一段。\n二段。"), [True, True]) == 0
