"""Sentence ends in Chinese and English."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.cleaning import clean
from embeddings.sentences import LONGEST, ends_sentence, split


def texts(original: str) -> list[str]:
    return [part.text for part in split(clean(original))]


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        ("完成签约。总投资77.57亿元。", ["完成签约。", "总投资77.57亿元。"]),
        ("他说:“好。”然后走了。", ["他说:“好。”然后走了。"]),
        ("“有没有成立党支部?”刘斌问。", ["“有没有成立党支部?”刘斌问。"]),
        ("互动常态化。定期联系!好吗?好", ["互动常态化。", "定期联系!", "好吗?", "好"]),
        ("见《关于加强。的意见》。完", ["见《关于加强。的意见》。", "完"]),
        ("Dr. Li came. He left.", ["Dr. Li came.", "He left."]),
        ("The U.S. economy grew 2.5 percent.", ["The U.S. economy grew 2.5 percent."]),
        ("等等……后来呢？", ["等等……", "后来呢？"]),
        ("第一行\n第二行", ["第一行", "第二行"]),
        ("。", ["。"]),
        ("", []),
    ],
)
def test_where_sentences_end(original: str, expected: list[str]) -> None:
    assert texts(original) == expected


def test_a_long_quotation_is_split_inside() -> None:
    inside = "我们始终把项目建设作为经济工作的生命线,不断攻坚克难、争优创先。" * 3
    assert len(texts(f"“{inside}”")) == 3


def test_an_endless_sentence_is_split_at_semicolons() -> None:
    clause = "推进党建工作与业务工作深度融合发展;"
    parts = texts(clause * 60)
    assert all(len(part) <= LONGEST and part.endswith(";") for part in parts)
    assert "".join(parts) == clause * 60


def test_an_endless_sentence_without_marks_is_cut() -> None:
    assert [len(part) for part in texts("济" * 1000)] == [LONGEST, LONGEST, 1000 - 2 * LONGEST]


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("完成任务。", True),
        ("“双胜利”。”", True),
        ("销售额", False),
        ("有温度的智", False),
        ("", False),
    ],
)
def test_ends_sentence(text: str, ends: bool) -> None:
    assert ends_sentence(text) is ends


@given(st.text(alphabet="中文。？“”《》(), .ab1\n;", max_size=300))
def test_no_character_is_lost_or_doubled(original: str) -> None:
    cleaned = clean(original)
    kept = [o for part in split(cleaned) for o in part.offsets]
    solid = [o for o, c in zip(cleaned.offsets, cleaned.text, strict=True) if not c.isspace()]
    assert [o for o in kept if not original[o].isspace()] == solid
