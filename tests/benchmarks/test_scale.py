"""The benchmark of scale on 2,000 rows: synthetic vectors lie as those they are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.scale import FILTERS, HEADER, SAMPLE, Real, distinct, lines, overlap
from benchmarks.synthetic_vectors import Corpus, Nearness, fitted, nearness, nearness_to

Floats = NDArray[np.float32]


def sentences(count: int, seed: int) -> Floats:
    """Return unit rows that share much, as those of a language model do."""
    topics = np.random.default_rng(1).normal(size=(40, 24))
    drawn = np.random.default_rng(seed)
    own = topics[drawn.integers(0, 40, count)] + 0.7 * drawn.normal(size=(count, 24)) + 1.5
    return np.asarray(own / np.linalg.norm(own, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def real() -> Real:
    return Real(distinct(sentences(2000, 2)), sentences(30, 3))


@pytest.mark.parametrize("rows", [2000, 10_000])
def test_synthetic_vectors_lie_as_real_ones_do(real: Real, rows: int) -> None:
    corpus, found, wanted = fitted(real.sentences, rows)
    vectors = corpus.vectors()
    assert vectors.shape == (rows, 24)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert wanted == nearness(real.sentences)
    assert found == nearness(vectors)
    assert found.error(wanted) < 0.05
    np.testing.assert_array_equal(vectors, corpus.vectors())


def test_nearness_by_hand() -> None:
    plane = np.array([[np.cos(a), np.sin(a)] for a in 0.01 * np.arange(12)], np.float32)
    mean = np.mean([np.cos(0.01 * max(10 - at, at - 1)) for at in range(12)])
    assert nearness(plane).first == pytest.approx(np.cos(0.01), abs=1e-6)
    assert nearness(plane).tenth == pytest.approx(mean, abs=1e-6)
    assert nearness_to(plane, plane[:1]) == pytest.approx((1, np.cos(0.09)), abs=1e-6)


def test_errors_are_shares() -> None:
    assert Nearness(0.9, 0.8).error(Nearness(0.9, 0.82)) == pytest.approx(0.02 / 0.82)
    assert Nearness(0.9, 0.8).error_of_angles(Nearness(0.9, 0.82)) == pytest.approx(0.02 / 0.18)


def test_real_vectors_stand_among_them(real: Real) -> None:
    vectors = Corpus(real.sentences, 2000).vectors()
    products = (real.sentences[:500] @ vectors.T).max(axis=1)
    np.testing.assert_allclose(products, 1, atol=1e-5)


def test_a_table_of_2000_rows(tmp_path: Path, real: Real) -> None:
    fit, questions, header, *rows = lines(tmp_path, real, 2000, ["approximate", "flat"])
    assert fit.startswith("\n2,000 passages; cosine to the 1st and 10th neighbour 0.")
    assert questions.startswith("cosine of questions to the 1st and 10th 0.")
    assert header == HEADER
    flat, approximate = ([cell.strip() for cell in row.split("|")[1:-1]] for row in rows)
    assert flat[0] == "**flat**"
    assert [flat[at] for at in (9, 11, 13)] == ["1.000"] * 3
    assert approximate[0] == "approximate"
    assert float(approximate[9]) >= 0.9
    assert [approximate[at] for at in (11, 13)] == ["1.000"] * 2
    assert " lists; at build " in approximate[14]


def test_filters_keep_a_hundredth(tmp_path: Path, real: Real) -> None:
    list(lines(tmp_path, real, 2000, []))
    with np.load(tmp_path / "filters.npz") as kept:
        assert {name: len(kept[name]) for name in FILTERS} == {"any": 20, "topic": 20}
    assert len(np.load(tmp_path / "sample.npy")) == SAMPLE


def test_overlap_counts_the_first_ten() -> None:
    wanted = [list(range(20))]
    assert overlap([list(range(20))], wanted) == 1
    assert overlap([[9, 8, 30, 31]], wanted) == 0.2
    assert overlap([[*range(100, 110), *range(10)]], wanted) == 0
