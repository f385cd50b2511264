"""Dates as far as they are said; parts that only one says do not differ."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.records import Span
from qa.days import day
from qa.values import Value, differ


def read(text: str, date: str | None = None) -> Value | None:
    return day(text, Span(0, len(text)), date)


def middles(text: str, date: str | None = None) -> Mapping[str, object] | None:
    value = read(text, date)
    return value and {part: (meant.low + meant.high) / 2 for part, meant in value.items()}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("2022年6月5日", {"year": 2022, "month": 6, "day": 5}),
        ("二〇二二年六月五日", {"year": 2022, "month": 6, "day": 5}),
        ("２０２２年１２月", {"year": 2022, "month": 12}),
        ("6月8日上午9点", {"month": 6, "day": 8, "minute": 540}),
        ("早上八點半", {"minute": 510}),
        ("9:30", {"minute": 570}),
        ("下午3点", {"minute": 180}),
        ("今年六月八日", {"year": 2023, "month": 6, "day": 8}),
        ("去年底", {"year": 2022}),
        ("1990年代", {"year": 1994.5}),
        ("十九世紀", {"year": 1850.5}),
        ("March 5, 1999", {"year": 1999, "month": 3, "day": 5}),
        ("March 1999", {"year": 1999, "month": 3}),
        ("19th century", {"year": 1850.5}),
    ],
)
def test_what_is_read(text: str, parts: dict[str, float]) -> None:
    assert middles(text, "2023-01-02") == parts


@pytest.mark.parametrize(
    "text", ["康熙年间", "公元前221年", "1949年前后", "当年", "戰前", "上午", "年初", "500 BC"]
)
def test_what_is_not_certain(text: str) -> None:
    assert read(text, "2023-01-02") is None


def test_about_a_year_is_not_certain() -> None:
    assert day("約1949年建成", Span(1, 6)) is None
    assert day("1949年前建成", Span(0, 5)) is None
    assert day("于1949年建成", Span(1, 6)) is not None


def test_a_year_of_its_own_needs_the_documents_date() -> None:
    assert middles("今年6月8日") == {"month": 6, "day": 8}
    assert read("今年") is None


@pytest.mark.parametrize(
    ("one", "other", "different"),
    [
        ("1949年", "1949年10月1日", False),
        ("1949年10月1日", "10月1日", False),
        ("1949年", "1940年代", False),
        ("1949年", "二十世纪", False),
        ("9点", "21:00", False),
        ("1949年", "10月1日", False),
        ("1949年", "1950年", True),
        ("10月1日", "1949年10月2日", True),
        ("9:00", "9点半", True),
        ("March 5, 1999", "March 6", True),
    ],
)
def test_parts_of_one_date_do_not_differ(one: str, other: str, different: bool) -> None:
    first, second = read(one), read(other)
    assert first is not None
    assert second is not None
    assert differ(first, second) is differ(second, first) is different


@settings(deadline=None)
@given(st.dates(datetime.date(1000, 1, 1)), st.dates(datetime.date(1000, 1, 1)))
def test_whole_dates_differ_when_they_are_not_the_same(
    one: datetime.date, other: datetime.date
) -> None:
    first, second = (read(f"{at.year}年{at.month}月{at.day}日") for at in (one, other))
    assert first is not None
    assert second is not None
    assert differ(first, second) is (one != other)


@settings(deadline=None)
@given(
    st.text(
        alphabet="0123456789一二十年月日世纪代今去初:点分半上下午 March,sth",
        min_size=1,
        max_size=14,
    )
)
def test_never_raises(text: str) -> None:
    read(text, "2023")
