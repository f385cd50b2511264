"""BM25 against the textbook formula."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embeddings.postings import K1, B, Postings, origins_of, term_hash


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


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(st.lists(WORDS, min_size=1, max_size=12), WORDS)
def test_scores_equal_the_textbook(tmp_path: Path, rows: list[list[str]], query: list[str]) -> None:
    Postings.write(tmp_path / "postings", rows)
    matches = Postings.open(tmp_path / "postings").match(query)
    found = matches.scores(np.arange(len(rows)))
    np.testing.assert_allclose(found, textbook(rows, query), rtol=1e-5)


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
    assert matches.best(3).tolist() == []
    assert (list(matches.held), list(matches.weights)) == ([], ["济南"])
    Postings.write(tmp_path, [["济南"]])
    nothing = Postings.open(tmp_path).match([])
    assert nothing.scores(np.arange(1)).tolist() == [0.0]
    assert nothing.coverage(0) == 0.0


def test_rows_without_words(tmp_path: Path) -> None:
    Postings.write(tmp_path, [[], []])
    matches = Postings.open(tmp_path).match(["济南"])
    assert matches.scores(np.arange(2)).tolist() == [0.0, 0.0]
    assert matches.best(5).tolist() == []


def test_term_hash_is_stable() -> None:
    assert term_hash("济南") == 10903269402505314493
    assert len({term_hash(str(number)) for number in range(10_000)}) == 10_000


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(st.lists(WORDS, max_size=40), WORDS, st.integers(1, 30), st.sets(st.integers(0, 39)))
def test_the_best_rows_are_those_of_a_full_sort(
    tmp_path: Path, rows: list[list[str]], query: list[str], k: int, among: set[int]
) -> None:
    Postings.write(tmp_path / "postings", rows)
    matches = Postings.open(tmp_path / "postings").match(query)
    scores = matches.scores(np.arange(len(rows)))
    order = [int(row) for row in np.lexsort((np.arange(len(rows)), -scores))]
    order = [row for row in order if scores[row] > 0]
    assert matches.best(k).tolist() == order[:k]
    allowed = np.array(sorted(row for row in among if row < len(rows)), dtype=np.int64)
    chosen = [row for row in order if row in among]
    assert matches.best(k, allowed).tolist() == chosen[:k]


PLANS = st.lists(st.one_of(WORDS, st.integers(0, 9)), max_size=12, unique_by=str)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(st.lists(WORDS, max_size=10), PLANS)
def test_rows_of_previous_postings_are_as_if_written_anew(
    tmp_path: Path, old: list[list[str]], plan: list[list[str] | int]
) -> None:
    plan = [row for row in plan if not isinstance(row, int) or row < len(old)]
    Postings.write(tmp_path / "old", old)
    Postings.write(tmp_path / "new", plan, Postings.open(tmp_path / "old"))
    Postings.write(tmp_path / "anew", [old[row] if isinstance(row, int) else row for row in plan])
    for name in ("terms", "starts", "rows", "counts", "lengths"):
        new, anew = ((tmp_path / at / f"{name}.npy").read_bytes() for at in ("new", "anew"))
        assert new == anew, name


def test_a_row_of_previous_postings_comes_once(tmp_path: Path) -> None:
    Postings.write(tmp_path / "old", [["济南"], ["党建"]])
    with pytest.raises(ValueError, match="comes twice, or there are none"):
        Postings.write(tmp_path / "new", [1, 1], Postings.open(tmp_path / "old"))
    with pytest.raises(ValueError, match="comes twice, or there are none"):
        Postings.write(tmp_path / "new", [0])


def test_rows_are_found_by_what_they_were_made_from(tmp_path: Path) -> None:
    made_from = [b"one", b"two", b"two", b"three"]
    Postings.write(tmp_path / "old", [["济南"]] * 4, None, origins_of(made_from))
    postings = Postings.open(tmp_path / "old", for_rows=True)
    wanted = [b"three", b"new", b"two", b"two", b"two", b"one"]
    # of equal rows one is found, and once
    assert postings.rows_of(origins_of(wanted)).tolist() == [3, -1, 1, -1, -1, 0]
    assert postings.rows_of(origins_of([])).tolist() == []
    Postings.write(tmp_path / "without", [["济南"]])
    without = Postings.open(tmp_path / "without", for_rows=True)
    assert without.rows_of(origins_of([b"one"])).tolist() == [-1]


def test_a_term_counts_65535_times_at_most(tmp_path: Path) -> None:
    Postings.write(tmp_path, [["济南"] * 70_000, ["党建"]])
    assert sorted(np.load(tmp_path / "counts.npy").tolist()) == [1, 65535]
    assert np.load(tmp_path / "lengths.npy").tolist() == [70_000, 1]
