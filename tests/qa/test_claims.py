"""Sentences as words, numbers and negations: one form for every way of writing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.lexical import Tokenizer
from qa.claims import LONGEST, tokens


def numbers(text: str, tokenizer: Tokenizer) -> list[str]:
    return [token.text[1:] for token in tokens(text, tokenizer) if token.number]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("签约项目22个", ["22"]),
        ("签约项目二十二个", ["22"]),
        ("簽約項目２２個", ["22"]),
        ("总投资2400万元", ["24000000"]),
        ("总投资24,000,000元", ["24000000"]),
        ("总投资2,400万元", ["24000000"]),
        ("财政拨款约三亿美元", ["300000000"]),
        ("占三%", ["3%"]),
        ("占百分之三", ["3%"]),
        ("距边界六英里", ["6"]),
        ("全长只有十cm", ["10"]),
        ("twenty-two projects and 5 million people", ["22", "5000000"]),
        ("77.57亿元", ["7757000000"]),
        ("一直如此", []),
        ("几百家", []),
    ],
)
def test_a_number_is_its_value(text: str, expected: list[str], tokenizer: Tokenizer) -> None:
    assert numbers(text, tokenizer) == expected


@pytest.mark.parametrize(
    "text",
    ["2021年3月5日", "二〇二一年三月五日", "２０２１年３月５号", "2021-03-05", "2021/3/5",
     "March 5, 2021", "5 March 2021", "the 5th of March 2021"],
)  # fmt: skip
def test_a_date_is_year_month_and_day(text: str, tokenizer: Tokenizer) -> None:
    found = [one.text for one in tokens(text, tokenizer) if one.text != "the"]
    assert found == ["#2021", "年", "#3", "月", "#5", "日"]


def test_a_month_without_a_day_and_a_day_without_a_year(tokenizer: Tokenizer) -> None:
    assert [one.text for one in tokens("March 2021", tokenizer)] == ["#2021", "年", "#3", "月"]
    assert [one.text for one in tokens("March 5", tokenizer)] == ["#3", "月", "#5", "日"]
    assert numbers("in March", tokenizer) == []


@pytest.mark.parametrize("text", ["12-3", "v1.2.3.4", "2021-99-99", "10.0.0.1"])
def test_digits_that_are_no_date(text: str, tokenizer: Tokenizer) -> None:
    assert "年" not in [one.text for one in tokens(text, tokenizer)]


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("该项目没有完成", True), ("他並未參加", True), ("he did not come", True),
        ("he doesn't know", True), ("非常多", False), ("未来的无锡", False), ("不过如此", False),
        ("whether he came", False),
    ],
)  # fmt: skip
def test_negations(text: str, negated: bool, tokenizer: Tokenizer) -> None:
    assert any(token.negation for token in tokens(text, tokenizer)) is negated


def test_both_scripts_are_one(tokenizer: Tokenizer) -> None:
    assert tokens("東羅馬帝國滅亡", tokenizer) == tokens("东罗马帝国灭亡", tokenizer)


def test_names_side_by_side_are_one_item(tokenizer: Tokenizer) -> None:
    found = {token.text: token.item for token in tokens("He met James Watt in Glasgow.", tokenizer)}
    assert found["jam"] == found["watt"] != found["glasgow"]


def test_marks_part_what_they_stand_between(tokenizer: Tokenizer) -> None:
    found = tokens("李明，王芳。赵刚（项目）U.S. 3.5", tokenizer)
    pauses = {token.text: token.pause for token in found}
    assert pauses == {"李明": 0, "王芳": 2, "赵刚": 6, "项目": 2, "u": 2, "s": 0, "#3.5": 6}


def test_a_long_text_is_read_in_part(tokenizer: Tokenizer) -> None:
    assert tokens("字" * LONGEST + "末尾", tokenizer) == tokens("字" * LONGEST, tokenizer)


@settings(deadline=None, max_examples=150)
@given(st.text(st.characters(), max_size=60))
def test_any_text_can_be_read(tokenizer: Tokenizer, text: str) -> None:
    for token in tokens(text, tokenizer):
        assert token.text
        assert token.weight > 0
        assert not token.number or token.text[0] == "#"


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 10**12))
def test_thousands_separators_change_nothing(tokenizer: Tokenizer, value: int) -> None:
    assert (
        numbers(f"共{value:,}元", tokenizer) == numbers(f"共{value}元", tokenizer) == [str(value)]
    )
