"""Tokens in search form, and BM25 against the textbook formula."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embeddings.lexical import K1, B, Postings, Tokenizer, search_form, term_hash, to_traditional


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return Tokenizer(tmp_path_factory.mktemp("jieba"))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("“2510”倍增计划", ["2510", "倍增", "计划"]),
        ("濟陽區產業鏈", ["济阳", "区", "产业", "产业链"]),
        ("５Ｇ光通信", ["5g", "5", "g", "光通", "通信", "光通信"]),
        ("1+5+N模式", ["1+5+n", "1", "5", "n", "模式"]),
        ("总投资77.57亿元", ["总", "投资", "77.57", "77", "57", "亿元"]),
        ("12,000余人", ["12000", "余人"]),
        ("1—2个", ["1-2", "1", "2", "个"]),
        ("KPI绩效考核", ["kpi", "绩效", "绩效考核", "考核"]),
        ("。？！ \n", []),
        ("", []),
    ],
)
def test_tokens(tokenizer: Tokenizer, text: str, tokens: list[str]) -> None:
    assert sorted(tokenizer.tokens(text)) == sorted(tokens)


def test_traditional_and_simplified_have_the_same_tokens(tokenizer: Tokenizer) -> None:
    text = "天桥区有多少家直播电商企业"
    assert tokenizer.tokens(to_traditional(text)) == tokenizer.tokens(text)


def test_search_form_folds_width_case_and_dashes() -> None:
    assert search_form("ＡＰＰ１—２") == "app1-2"


def test_the_dictionary_cache_stays_in_its_folder(tmp_path: Path) -> None:
    Tokenizer(tmp_path).tokens("济南")
    assert [path.name for path in tmp_path.iterdir()] == ["jieba.cache"]


def textbook(rows: list[list[str]], query: list[str]) -> list[float]:
    mean = sum(map(len, rows)) / len(rows)
    scores = []
    for row in rows:
        counts, score = Counter(row), 0.0
        for term in set(query):
            holding = sum(term in other for other in rows)
            idf = math.log(1 + (len(rows) - holding + 0.5) / (holding + 0.5))
            tf = counts[term]
            score += idf * tf / (tf + K1 * (1 - B + B * len(row) / mean)) if tf else 0.0
        scores.append(score)
    return scores


WORDS = st.lists(st.sampled_from("济南市党建园区"), min_size=1, max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(WORDS, min_size=1, max_size=12), WORDS)
def test_scores_equal_the_textbook(tmp_path: Path, rows: list[list[str]], query: list[str]) -> None:
    Postings.write(tmp_path / "postings", rows)
    matches = Postings.open(tmp_path / "postings").match(query)
    np.testing.assert_allclose(matches.scores, textbook(rows, query), rtol=1e-5)


def test_matches_say_which_words(tmp_path: Path) -> None:
    Postings.write(tmp_path, [["济南", "党建"], ["济南"], ["济南", "园区"]])
    matches = Postings.open(tmp_path).match(["济南", "党建", "苏州"])
    assert matches.words(0) == ("党建", "济南")
    assert matches.words(1) == ("济南",)
    weights = matches.weights
    assert weights["苏州"] > weights["党建"] > weights["济南"] > 0
    assert matches.coverage(0) == pytest.approx(
        (weights["党建"] + weights["济南"]) / sum(weights.values())
    )


def test_no_rows_and_no_words(tmp_path: Path) -> None:
    Postings.write(tmp_path, [])
    matches = Postings.open(tmp_path).match(["济南"])
    assert matches.scores.shape == (0,)
    Postings.write(tmp_path, [["济南"]])
    nothing = Postings.open(tmp_path).match([])
    assert nothing.scores.tolist() == [0.0]
    assert nothing.coverage(0) == 0.0


def test_term_hash_is_stable() -> None:
    assert term_hash("济南") == 10903269402505314493
    assert len({term_hash(str(number)) for number in range(10_000)}) == 10_000
