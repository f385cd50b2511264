"""A long sentence is cut at its semicolons or commas to what answers; its place stays exact."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.cleaning import clean
from embeddings.records import Span
from qa.shortening import LONGEST, answering_part, spans_of

FILLING = "积极开展各项活动解决企业的问题" * 10
FAST = "仅用29分06秒为企业完成了注册手续"
SENTENCE = f"{FILLING};{FAST}；兑现资金1544万元。"
ASKED = ["企业", "注册", "手续"]


def marks(*texts: str) -> list[Span]:
    return [Span(SENTENCE.index(text), SENTENCE.index(text) + len(text)) for text in texts]


def test_the_part_that_holds_the_mark() -> None:
    part = answering_part(SENTENCE, marks("29分06秒"), ASKED)
    assert part is not None
    assert part.of(SENTENCE) == FAST


def test_of_several_the_one_with_the_questions_words() -> None:
    part = answering_part(SENTENCE, marks("29分06秒", "1544万元"), ["资金", "兑现"])
    assert part is not None
    assert part.of(SENTENCE) == "兑现资金1544万元。"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{FAST};另有8家。", [Span(2, 8)]),
        (FILLING + FAST, [Span(len(FILLING) + 2, len(FILLING) + 8)]),  # nowhere to cut
        ("；" * (LONGEST + 1), [Span(3, 4)]),
    ],
)
def test_said_whole(text: str, found: list[Span]) -> None:
    assert answering_part(text, found, ASKED) is None


CLAUSES = "，".join([*["园区开展了各项服务活动"] * 12, "企业总数达到1,544家", "职工3000人", FAST])


def test_without_semicolons_the_clauses_around_the_mark() -> None:
    at = CLAUSES.index("1,544")
    part = answering_part(CLAUSES, [Span(at, at + 6)], ["企业"])
    assert part is not None
    assert len(part) <= LONGEST
    assert "企业总数达到1,544家，" in part.of(CLAUSES)
    assert CLAUSES[part.start - 1] == "，"
    assert part.end == len(CLAUSES) or CLAUSES[part.end] == "，"


def test_without_a_mark_the_clauses_with_the_questions_words() -> None:
    part = answering_part(CLAUSES, [], ["职工", "手续"])
    assert part is not None
    assert part.of(CLAUSES).endswith(f"职工3000人，{FAST}")
    assert answering_part(CLAUSES, [], ["学校"]) is None


@given(st.text("甲乙，；,;3a ", max_size=400), st.lists(st.sampled_from("甲乙3a"), max_size=2))
def test_what_is_cut_is_short_or_between_semicolons(text: str, words: list[str]) -> None:
    part = answering_part(text, [], words)
    if len(text) <= LONGEST:
        assert part is None
    elif part is not None:
        assert 0 < len(part) <= LONGEST
        assert any(word in part.of(text) for word in words)


def test_the_place_of_a_part_with_glosses_and_line_breaks() -> None:
    original = f"前文。{FILLING};濟(jì)陽(yáng)區(qū)\n走訪190余家。後文"
    whole = Span(3, len(original) - 2)
    text = clean(whole.of(original)).text
    at = text.index("濟陽區")
    (span,) = spans_of(Span(at, len(text)), text, whole, original)
    assert span.of(original) == "濟(jì)陽(yáng)區(qū)\n走訪190余家。"
    assert clean(span.of(original)).text == text[at:]


def test_an_original_that_reads_otherwise_is_not_cut() -> None:
    assert spans_of(Span(0, 1), "甲乙", Span(0, 9), "<b>甲</b>乙") == ()


@given(st.text(alphabet="甲乙1;；。 \n", min_size=1, max_size=400), st.data())
def test_a_part_lies_inside_and_holds_a_mark(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    mark = Span(start, data.draw(st.integers(start + 1, len(text))))
    part = answering_part(text, [mark], ["甲"])
    if part is not None:
        assert 0 <= part.start <= mark.start < mark.end <= part.end <= len(text)
        assert len(part) < len(text)
        assert not set(";；") & set(part.of(text))
