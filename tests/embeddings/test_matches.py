"""The best rows found by bounds, against scoring every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from embeddings.matches import distinct
from embeddings.piece_words import WordPieces
from embeddings.postings import K1, B, Corpus, Postings

Scores = NDArray[np.float64]
Texts = list[list[str]]

# From rare to common, so that there are terms to skip.
WORD = st.sampled_from("济南市党建" + "园区" * 3 + "的" * 12)
TEXTS = st.lists(st.lists(WORD, max_size=9), max_size=60)
QUESTION = st.lists(st.sampled_from([*"济南市党建园区的", "没有"]), max_size=9)
AMONG = st.one_of(st.none(), st.sets(st.integers(0, 59)))
many = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def opened(folder: Path, rows: Texts) -> Postings:
    Postings.write(folder, rows)
    return Postings.open(folder)


def weight(size: int, held: int) -> float:
    return float(np.log1p((size - held + 0.5) / (held + 0.5)))


def every_score(rows: Texts, terms: Sequence[str], corpus: Corpus) -> Scores:
    scores = np.zeros(len(rows))
    for at, row in enumerate(rows):
        damping = K1 * (1 - B + B * len(row) / corpus.mean)
        for term in dict.fromkeys(terms):
            count = row.count(term)
            scores[at] += corpus.idf(corpus.frequencies[term]) * count / (count + damping)
    return scores


def corpus_of(rows: Texts, terms: Sequence[str]) -> Corpus:
    held = {term: sum(term in row for row in rows) for term in terms}
    return Corpus(len(rows), sum(map(len, rows)), held)


def numbers(among: set[int] | None, size: int) -> NDArray[np.int64] | None:
    if among is None:
        return None
    return np.array(sorted(row for row in among if row < size), dtype=np.int64)


def check_best(
    found: NDArray[np.int64], scores: Scores, k: int, among: NDArray[np.int64] | None
) -> None:
    """Hold the best rows to all scores; sums of rounded numbers may order equals either way."""
    allowed = np.arange(len(scores)) if among is None else among
    wanted = np.sort(scores[allowed][scores[allowed] > 0])[::-1][:k]
    assert len(set(found.tolist())) == len(found) == len(wanted)
    assert set(found.tolist()) <= set(allowed.tolist())
    np.testing.assert_allclose(scores[found], wanted, rtol=1e-5)


@many
@given(TEXTS, QUESTION, st.integers(1, 80), AMONG)
def test_the_best_are_those_of_scoring_every_row(
    tmp_path: Path, rows: Texts, terms: list[str], k: int, among: set[int] | None
) -> None:
    matches = opened(tmp_path, rows).match(terms)
    allowed, every = numbers(among, len(rows)), np.arange(len(rows))
    scores = every_score(rows, terms, corpus_of(rows, terms))
    np.testing.assert_allclose(matches.scores(every), scores, rtol=1e-5)
    found = matches.best(k, allowed)
    check_best(found, scores, k, allowed)
    # With the very numbers, ties are by row.
    own = matches.scores(every if allowed is None else allowed)
    order = np.lexsort((every if allowed is None else allowed, -own))
    rows_in_order = (every if allowed is None else allowed)[order[own[order] > 0]]
    assert found.tolist() == rows_in_order[:k].tolist()


@many
@given(TEXTS, TEXTS, QUESTION, st.integers(1, 30))
def test_terms_weigh_what_they_do_in_a_larger_corpus(
    tmp_path: Path, rows: Texts, others: Texts, terms: list[str], k: int
) -> None:
    corpus = corpus_of(rows + others, terms)
    matches = opened(tmp_path, rows).match(terms, corpus)
    scores = every_score(rows, terms, corpus)
    np.testing.assert_allclose(matches.scores(np.arange(len(rows))), scores, rtol=1e-5)
    assert dict(matches.weights) == {t: weight(corpus.size, corpus.frequencies[t]) for t in terms}
    check_best(matches.best(k), scores, k, None)


def pieces(folder: Path, texts: Sequence[Texts], deleted: set[int]) -> tuple[WordPieces, list[int]]:
    """Return the words of pieces of which some rows are deleted, and the rows that are left."""
    masks, gone, offset = [], [], 0
    for number, rows in enumerate(texts):
        mask = np.array([offset + at in deleted for at in range(len(rows))], dtype=bool)
        out = [row for row, is_out in zip(rows, mask, strict=True) if is_out]
        gone.append(opened(folder / f"gone {number}", out) if out else None)
        masks.append(mask if out else None)
        offset += len(rows)
    parts = [opened(folder / str(number), rows) for number, rows in enumerate(texts)]
    return WordPieces(parts, masks, gone), [row for row in range(offset) if row not in deleted]


@settings(many, max_examples=80)
@given(
    st.lists(TEXTS, min_size=1, max_size=3),
    QUESTION,
    st.integers(1, 30),
    st.sets(st.integers(0, 99)),
    AMONG,
)
def test_pieces_with_deleted_rows_are_as_one_without_them(
    tmp_path: Path,
    texts: list[Texts],
    terms: list[str],
    k: int,
    deleted: set[int],
    among: set[int] | None,
) -> None:
    words, left = pieces(tmp_path, texts, deleted)
    rows = [row for piece in texts for row in piece]
    kept = [rows[at] for at in left]
    matches = words.match(terms)
    scores = np.zeros(len(rows))
    scores[left] = every_score(kept, terms, corpus_of(kept, terms))
    np.testing.assert_allclose(matches.scores(np.array(left, np.int64)), scores[left], rtol=1e-5)
    allowed = numbers(among, len(rows))
    check_best(matches.best(k, allowed), scores, k, allowed)


GROUPS: Mapping[str, list[tuple[str, ...]]] = {
    "city": [("济", "南"), ("市",)],
    "party": [("党", "建")],
    "none": [("没有",)],
    "park": [("园",), ("区",), ("园", "区")],
}


@settings(many, max_examples=80)
@given(st.lists(TEXTS, min_size=1, max_size=3), st.integers(1, 30), st.sets(st.integers(0, 99)))
def test_groups_over_pieces_with_deleted_rows(
    tmp_path: Path, texts: list[Texts], k: int, deleted: set[int]
) -> None:
    words, left = pieces(tmp_path, texts, deleted)
    rows = [row for piece in texts for row in piece]
    holding = {
        key: [at for at in left if any(set(one) <= set(rows[at]) for one in some)]
        for key, some in GROUPS.items()
    }
    matches = words.match_groups(GROUPS)
    weights = {key: weight(len(left), len(held)) for key, held in holding.items()}
    scores = np.zeros(len(rows))
    for key, held in holding.items():
        scores[held] += weights[key]
    assert matches.weights == pytest.approx(weights)
    assert list(matches.held) == [key for key, held in holding.items() if held]
    np.testing.assert_allclose(matches.scores(np.array(left, np.int64)), scores[left], rtol=1e-5)
    check_best(matches.best(k), scores, k, None)


@given(st.lists(st.integers(-9, 9)))
def test_distinct(values: list[int]) -> None:
    assert distinct(np.array(values, np.int64)).tolist() == sorted(set(values))


@pytest.mark.parametrize("seed", range(4))
def test_skipped_terms_lose_no_row(tmp_path: Path, seed: int) -> None:
    generator = np.random.default_rng(seed)
    # Common terms come often in a row: there they add nearly all that they weigh.
    lengths = generator.integers(0, 12, 2000)
    draws = [np.minimum(generator.geometric(0.12, size), 40) for size in lengths]
    repeats = generator.integers(1, 9, 2000)
    rows = [[str(one) for one in own] * int(n) for own, n in zip(draws, repeats, strict=True)]
    postings, every = opened(tmp_path, rows), np.arange(len(rows))
    for _ in range(60):
        asked = [str(one) for one in generator.integers(1, 41, generator.integers(2, 12))]
        among = np.sort(generator.choice(2000, 400, replace=False))
        matches, k = postings.match(asked), int(generator.integers(1, 20))
        scores = matches.scores(every)
        order = np.lexsort((every, -scores))
        order = order[scores[order] > 0]
        assert matches.best(k).tolist() == order[:k].tolist()
        assert matches.best(k, among).tolist() == order[np.isin(order, among)][:k].tolist()
