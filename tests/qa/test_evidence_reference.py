"""The numbers of any texts: those of a slow reference, and finite whatever is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qa.evidence import PASSAGE_FEATURES, SENTENCE_FEATURES, Numbers, Signals
from tests.rankings import Passages, about, numbers_of, of_passages, of_sentences

# A slow reference that shares no code with what it checks.

ALPHABET = "济南泉水湖的有"
CHINESE = st.text(ALPHABET, max_size=12)
MIXED = st.lists(st.sampled_from([*ALPHABET, " art", " party ", " won ", " 5g", "。"]), max_size=10)
SENTENCES = st.lists(MIXED.map("".join), min_size=1, max_size=4)
PASSAGES = st.lists(st.tuples(MIXED.map("".join), SENTENCES), min_size=1, max_size=4)
WORDS = st.dictionaries(
    st.sampled_from(["济南", "泉水", "泉", "南泉", "的", "湖", "水湖的", "济南泉水", "art", "5g"]),
    st.floats(0.01, 20),
    max_size=6,
)


def stands(word: str, text: str) -> bool:
    """Whether a word stands in a text; one of Latin script as a whole, or as a part (5 of 5g)."""
    if not word.isascii():
        return word in text
    runs = "".join(mark if mark.isascii() and mark.isalnum() else " " for mark in text).split()
    return any(word == part for run in runs for part in (run, *re.split(r"(?<=\d)(?=[a-z])", run)))


def under_titles(passages: Passages) -> list[str]:
    """Every sentence below the title of its passage."""
    return [f"{title}\n{sentence}" for title, sentences in passages for sentence in sentences]


def slow_share(parts: Mapping[str, float], held: Iterable[str]) -> float:
    total = sum(parts.values())
    return sum(parts[part] for part in set(held)) / total if total else 0.0


def slow_pairs(question: str, words: Mapping[str, float]) -> dict[str, float]:
    """The pairs of a Chinese question and their weights."""
    each = [0.0] * len(question)
    for word, weight in words.items():
        for at in range(len(question)):
            if question[at : at + len(word)] == word:
                for place in range(at, at + len(word)):
                    each[place] = max(each[place], weight / len(word))
    found: dict[str, float] = {}
    for at in range(len(question) - 1):
        pair = question[at : at + 2]
        if not set(pair) <= set("的有"):
            found[pair] = max(found.get(pair, 0.0), each[at] + each[at + 1] + 0.3)
    return found


@settings(deadline=None)
@given(CHINESE, WORDS, PASSAGES)
@example("济南泉水", {"济南": 2.0, "泉水": 3.0}, [("泉水", ["济南。", "泉水湖"]), ("", [""])])
def test_shares_are_those_of_a_slow_reference(
    question: str, words: dict[str, float], passages: list[tuple[str, list[str]]]
) -> None:
    found = numbers_of(question, words, passages)
    asked = {word: words[word] for word in words if word in question and word not in "的有"}
    pairs = slow_pairs(question, asked)
    for number, (title, sentences) in enumerate(passages):
        parts = [title, *sentences]
        terms = slow_share(asked, (t for t in asked if any(stands(t, p) for p in parts)))
        assert of_passages(found, "terms")[number] == pytest.approx(terms, abs=1e-5)
        share = slow_share(pairs, (pair for pair in pairs if any(pair in p for p in parts)))
        assert of_passages(found, "pairs")[number] == pytest.approx(share, abs=1e-5)
    for number, sentence in enumerate(under_titles(passages)):
        terms = slow_share(asked, (term for term in asked if stands(term, sentence)))
        assert of_sentences(found, "terms")[number] == pytest.approx(terms, abs=1e-5)
        share = slow_share(pairs, (pair for pair in pairs if pair in sentence))
        assert of_sentences(found, "pairs")[number] == pytest.approx(share, abs=1e-5)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["art", "won", "5g"]), max_size=5), WORDS, PASSAGES)
def test_latin_shares_are_those_of_a_slow_reference(
    question: list[str], words: dict[str, float], passages: list[tuple[str, list[str]]]
) -> None:
    found = numbers_of(" ".join(question), words, passages)
    asked = {word: weight for word, weight in words.items() if word in question}
    every = under_titles(passages)
    shares = [slow_share(asked, (t for t in asked if stands(t, text))) for text in every]
    assert of_sentences(found, "terms") == about(*shares)


@settings(deadline=None)
@given(PASSAGES)
def test_neighbours_are_those_of_a_slow_reference(
    passages: list[tuple[str, list[str]]],
) -> None:
    words = {"济南": 1.0, "泉水": 2.0, "湖": 4.0}
    found = numbers_of("济南泉水湖", words, passages)
    before, behind, together = [], [], []
    for title, sentences in passages:
        for at, sentence in enumerate(sentences):
            last = f"{title}\n{sentences[at - 1]}" if at else ""
            follows = f"{title}\n{sentences[at + 1]}" if at + 1 < len(sentences) else ""
            before.append(slow_share(words, (word for word in words if word in last)))
            behind.append(slow_share(words, (word for word in words if word in follows)))
            either = (word for word in words if word in f"{title}\n{last}\n{sentence}")
            together.append(slow_share(words, either))
    assert of_sentences(found, "terms_before") == about(*before)
    assert of_sentences(found, "terms_behind") == about(*behind)
    assert of_sentences(found, "terms_with_before") == about(*together)


# Anything at all.

ANY_TEXT = st.text(max_size=30) | st.text("济濟2０.％《》“”a-Aé\u0301\x00 ？", max_size=30)
ANY_PASSAGES = st.lists(
    st.tuples(ANY_TEXT, st.lists(ANY_TEXT, min_size=1, max_size=3)), min_size=1, max_size=3
)


def signals_of(passages: Passages, cosine: float, bm25: float) -> Signals:
    """The first candidate has these, the others 0."""
    dense, cosines, words = (
        np.zeros(n, np.float32)
        for n in (len(passages), sum(len(own) for _, own in passages), len(passages))
    )
    dense[0], cosines[0], words[0] = cosine, cosine, bm25
    return Signals(dense, words, cosines)


def is_share(values: Numbers) -> bool:
    return bool((values >= -1e-6).all() and (values <= 1 + 1e-5).all())


@settings(deadline=None)
@given(
    ANY_TEXT,
    st.dictionaries(ANY_TEXT.filter(bool), st.floats(0, 50, width=32), max_size=5),
    ANY_PASSAGES,
    st.floats(-1, 1, width=32),
    st.floats(0, 1e6, width=32),
)
@example("", {}, [("", [""])], 0.0, 0.0)
@example("的了", {"的": 0.0, "了": 0.0}, [("", ["", ""])], -1.0, 0.0)
def test_every_number_is_finite(
    question: str,
    weights: dict[str, float],
    passages: list[tuple[str, list[str]]],
    cosine: float,
    bm25: float,
) -> None:
    found = numbers_of(question, weights, passages, signals_of(passages, cosine, bm25))
    count = sum(len(sentences) for _, sentences in passages)
    assert found.passages.shape == (len(passages), len(PASSAGE_FEATURES))
    assert found.sentences.shape == (count, len(SENTENCE_FEATURES))
    assert found.starts.shape == (len(passages),)
    assert found.passages.dtype == found.sentences.dtype == np.float32
    assert np.isfinite(found.passages).all()
    assert np.isfinite(found.sentences).all()
    plain = [at for at, name in enumerate(PASSAGE_FEATURES) if name not in UNBOUNDED]
    assert is_share(found.passages[:, plain])
    plain = [at for at, name in enumerate(SENTENCE_FEATURES) if name not in UNBOUNDED]
    assert is_share(found.sentences[:, plain])


UNBOUNDED = {
    *("dense", "sentence", "cosine", "bm25_log", "mass", "missing", "length", "new_length"),
}
"""Cosines, idf, logarithms; all others are shares, strengths, or 0 and 1."""
