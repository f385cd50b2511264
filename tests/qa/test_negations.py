"""A sentence and its opposite: by the word that is negated, and by its place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.lexical import Tokenizer
from qa.claims import tokens
from qa.negations import is_opposite

PARK = "2019年园区动工。李明担任园区主任，王芳担任书记，园区不生产水泥。"


def opposite(claim: str, told: str, tokenizer: Tokenizer) -> bool:
    return is_opposite(tokens(claim, tokenizer), tokens(told, tokenizer))


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ("园区生产水泥。", PARK),
        ("園區生產水泥。", PARK),
        ("园区没有动工。", PARK),
        ("李明不担任园区主任。", PARK),
        ("会议同意了这个方案。", "会议没有同意这个方案。"),
        ("天桥区有直播电商企业。", "天桥区没有直播电商企业，历城区有100家。"),
        ("该公司对外销售水泥产品。", "该公司未对外销售水泥产品，只供内部使用。"),
        ("他是园区主任。", "他不是园区主任。"),
        ("The park makes cement.", "The park does not make cement."),
        ("The park never makes cement.", "The park makes cement."),
    ],
)
def test_an_opposite_is_known(claim: str, told: str, tokenizer: Tokenizer) -> None:
    assert opposite(claim, told, tokenizer)
    assert opposite(told.partition("，")[0], claim, tokenizer) or told == PARK


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ("园区不生产水泥。", PARK),
        ("李明担任园区主任。", PARK),
        ("園區並不生產水泥。", PARK),
        ("他参加了会议。", "主任没有参加会议，他参加了会议。"),
        ("会议不得不同意方案。", "会议同意方案。"),  # two negations
        ("没有人不同意方案。", "人人同意方案。"),
        ("园区用地不足。", "园区用地不足100亩。"),  # is no negation
        ("无线电台建成。", "电台建成。"),
        ("园区种植蔬菜。", PARK),  # says nothing of it
        ("园区生产玻璃。", "园区不生产水泥，生产玻璃。"),
        ("水泥。", PARK),  # stands beside nothing
        ("", PARK),
        ("园区生产水泥。", ""),
    ],
)
def test_what_is_none_is_none(claim: str, told: str, tokenizer: Tokenizer) -> None:
    assert not opposite(claim, told, tokenizer)


def test_both_said_is_no_opposite(tokenizer: Tokenizer) -> None:
    told = "一期园区不生产水泥。二期园区生产水泥。"
    assert not opposite("园区生产水泥。", told, tokenizer)
    assert not opposite("园区不生产水泥。", told, tokenizer)


_WORDS = ["园区", "不", "生产", "没有", "水泥", "，", "。", "2019", "not", "makes", "是", "无"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(_WORDS), max_size=12))
def test_no_text_is_its_own_opposite(tokenizer: Tokenizer, words: list[str]) -> None:
    found = tokens(" ".join(words), tokenizer)
    assert not is_opposite(found, found)
