"""Numbers with what they count, in any writing; what is not certain has no value."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.records import Span
from qa.amounts import amount
from qa.values import Range, Value, differ


def read(text: str) -> Value | None:
    return amount(text, Span(0, len(text)))


def both(one: str, other: str) -> bool:
    """Tell whether both are read as numbers of one unit, and differ."""
    first, second = read(one), read(other)
    assert first is not None
    assert second is not None
    assert first.keys() == second.keys()
    return differ(first, second)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("300家", {"家": Range(300, 300)}),
        ("三百户", {"家": Range(300, 300)}),
        ("１００餘家", {"家": Range(100, 200)}),
        ("一百二十名", {"人": Range(120, 120)}),
        ("两千零五人", {"人": Range(2005, 2005)}),
        ("3.5万人", {"人": Range(35000, 35000, 1000)}),
        ("三點五萬人", {"人": Range(35000, 35000, 1000)}),
        ("300万元", {"元": Range(3_000_000, 3_000_000, 10_000)}),
        ("一億三千萬元", {"元": Range(130_000_000, 130_000_000, 10_000)}),
        ("100-120家", {"家": Range(100, 120)}),
        ("不足一百家", {"家": Range(0, 100)}),
        ("約100家", {"家": Range(90, 110)}),
        ("百分之三点五", {"%": Range(3.5, 3.5, 0.1)}),
        ("3年半", {"年": Range(3.5, 3.5, 0.5)}),
        ("歷時三年", {"年": Range(3, 3)}),
        ("半年", {"年": Range(0.5, 0.5, 0.1)}),
        ("第3名", {"第人": Range(3, 3)}),
        ("$3.5 million", {"美元": Range(3_500_000, 3_500_000, 100_000)}),
        ("twenty-five years", {"年": Range(25, 25)}),
    ],
)
def test_what_is_read(text: str, value: Value) -> None:
    found = read(text)
    assert found is not None
    assert {unit: pytest.approx(meant) for unit, meant in found.items()} == value


@pytest.mark.parametrize(
    "text",
    ["数百家", "幾百家", "數十家", "三五百家", "二三十家", "三分之二", "一半", "1小时30分钟", "300", "上万人", "多家"],
)  # fmt: skip
def test_what_is_not_certain(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("约1000家", "1,000家"),
        ("100余家", "100多家"),
        ("一百餘家", "120家"),
        ("超过100家", "100余家"),
        ("近300家", "290家"),
        ("3.5万人", "34987人"),
        ("12.4%", "12%"),
        ("3万人", "28000人"),
        ("百分之十二", "12%"),
        ("三年", "3年"),
    ],
)
def test_what_says_the_same(one: str, other: str) -> None:
    assert not both(one, other)
    assert not both(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("100余家", "300余家"),
        ("一百餘家", "３００多户"),
        ("3.5万人", "36000人"),
        ("12%", "13%"),
        ("6万亩", "6.5万亩"),
        ("3年", "3年半"),
        ("约1000家", "1,200家"),
        ("三年", "5年"),
        ("近300家", "400余家"),
    ],
)
def test_what_differs(one: str, other: str) -> None:
    assert both(one, other)
    assert both(other, one)


def test_an_english_noun_counts_like_a_unit() -> None:
    text = "The park is home to about 1,200 tech companies."
    mark = Span(text.index("1,200"), text.index(" tech"))
    found = amount(text, mark, ["companies", "个"])
    assert found == {"companie": Range(1080, 1320)}
    assert amount(text, mark, ["schools"]) is None


def test_a_rank_is_one_of_its_kind() -> None:
    assert amount("获第七届文学奖", Span(1, 3)) == {"第届": Range(7, 7)}
    assert amount("第二次世界大战", Span(0, 2)) == {"第次": Range(2, 2)}


def test_words_before_the_mark_say_how_exact_it_is() -> None:
    text = "现已突破100家。"
    assert amount(text, Span(4, 8)) == {"家": Range(100, 200)}
    assert amount("总数100家", Span(2, 6)) == {"家": Range(100, 100)}
    assert amount("数十家", Span(1, 3)) is None


@settings(deadline=None)
@given(st.integers(1, 99_999_999))
def test_both_writings_say_the_same(number: int) -> None:
    assert not both(f"{number}家", f"{number:,}家")
    assert not both(f"{number}家", f"{number}余家")
    assert both(f"{number}家", f"{number + 1}家")


@settings(deadline=None)
@given(
    st.text(
        alphabet="0123456789一二三百千万亿半点.,余多约超$ %年家人第分之 million-",
        min_size=1,
        max_size=14,
    )
)
def test_never_raises_and_every_range_holds_something(text: str) -> None:
    for meant in (read(text) or {}).values():
        assert meant.low <= meant.high
        assert meant.place > 0
