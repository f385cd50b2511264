"""Which line follows which: columns, tables, skew, indents; worked out by places alone."""

from __future__ import annotations

import numpy as np
import pytest

from embeddings.readers.reading_order import Line, straightened, text_of


def line(text: str, left: float, top: float, width: float = 300, height: float = 20) -> Line:
    return Line(text, left, top, left + width, top + height)


def column(texts: str, left: float, top: float, step: float = 30, width: float = 300) -> list[Line]:
    return [line(text, left, top + step * at, width) for at, text in enumerate(texts)]


@pytest.mark.parametrize("shift", [0, 7, 15])
def test_columns_below_a_title_and_above_a_last_line(shift: float) -> None:
    lines = [
        *column("丁戊己", 340, 60 + shift),
        line("末", 0, 200, 640),
        *column("甲乙丙", 0, 60),
        line("题", 0, 0, 640),
    ]
    assert text_of(lines) == "题\n\n甲\n乙\n丙\n\n丁\n戊\n己\n\n末"


def test_a_column_may_be_longer_than_its_neighbour() -> None:
    lines = [*column("甲乙丙丁戊", 0, 0), *column("己庚辛", 340, 0), *column("壬癸子丑", 680, 0)]
    assert text_of(lines) == "甲\n乙\n丙\n丁\n戊\n\n己\n庚\n辛\n\n壬\n癸\n子\n丑"


def test_two_lines_found_as_one_do_not_close_a_gap_but_a_headline_does() -> None:
    texts = [
        "甲乙丙丁戊己庚辛壬癸子丑寅卯",
        "一二三四五六七八九十百千万亿",
        "天地玄黄宇宙洪荒日月盈昃辰宿",
    ]
    lines = [each for at, text in enumerate(texts) for each in column(text, 340 * at, 0)]
    merged = [each for each in lines if each.text not in "寅万"] + [line("寅万", 0, 360, 640)]
    first, second, third = ("\n".join(text) for text in texts)
    assert text_of(merged) == "\n\n".join(
        (first.replace("寅", "寅万"), second.replace("万\n", "\n"), third)
    )
    lower = [line(each.text, each.left, each.top + 600) for each in lines]
    columns = f"{first}\n\n{second}\n\n{third}"
    assert text_of([*lines, line("题", 100, 500, 800), *lower]) == f"{columns}\n\n题\n\n{columns}"


def test_cells_of_a_table_are_read_row_by_row() -> None:
    lines = [*column("区天济", 0, 0, width=60), *column("家二三", 340, 0, width=40)]
    assert text_of(lines) == "区\t家\n天\t二\n济\t三"


def test_two_pieces_of_one_line_do_not_make_a_block() -> None:
    lines = [
        line("记者", 0, 0, 60),
        line("于悦", 75, 2, 60),
        *column("甲乙", 0, 30),
        line("丙", 0, 90, 100),
        line("丁", 130, 90, 170),
    ]
    assert text_of(lines) == "记者 于悦\n甲\n乙\n丙 丁"


def test_a_wide_gap_is_a_blank_line_and_a_set_in_line_keeps_its_indent() -> None:
    lines = [
        *column("甲乙", 0, 0),
        line("丙", 40, 60, 260),
        *column("丁戊", 0, 90),
        line("己", 0, 190),
    ]
    assert text_of(lines) == "甲\n乙\n\u3000\u3000丙\n丁\n戊\n\n己"


def test_nothing_is_nothing() -> None:
    assert text_of([]) == ""


@pytest.mark.parametrize("degrees", [-3.0, -1.0, 0.0, 2.0])
def test_a_page_that_lies_askew_is_straightened(degrees: float) -> None:
    flat = [*column("甲乙丙丁戊己庚辛", 0, 0), *column("壬癸子丑寅卯辰巳", 340, 0)]
    corners = np.array(
        [[[x.left, x.top], [x.right, x.top], [x.right, x.bottom], [x.left, x.bottom]] for x in flat]
    )
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    lines = straightened(corners @ turn, [x.text for x in flat])
    assert [round(x.height) for x in lines] == [20] * 16
    assert text_of(lines) == "\n".join("甲乙丙丁戊己庚辛") + "\n\n" + "\n".join("壬癸子丑寅卯辰巳")
