"""The benchmark of scale on few rows: synthetic vectors lie as those they are made of."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import scale
from benchmarks.scale import (
    FILTERS,
    RIVALS_HEADER,
    SAMPLE,
    VECTORS_HEADER,
    Real,
    Work,
    distinct,
    lines,
    overlap,
)
from benchmarks.scale_rivals import FaissFlat
from benchmarks.scale_whole import PARTS, Clock
from benchmarks.synthetic_vectors import Corpus, Nearness, fitted, nearness, nearness_to

Floats = NDArray[np.float32]


def sentences(count: int, seed: int, dimensions: int = 24) -> Floats:
    """Return unit rows that share much, as those of a language model do."""
    topics = np.random.default_rng(1).normal(size=(40, dimensions))
    drawn = np.random.default_rng(seed)
    noise = 0.7 * drawn.normal(size=(count, dimensions))
    own = topics[drawn.integers(0, 40, count)] + noise + 1.5
    return np.asarray(own / np.linalg.norm(own, axis=1, keepdims=True), np.float32)


TEXT = "济南的泉水很多，来看的人也很多；有的来自北京、上海。公司成立于一九九八年，员工有三千人。"


@pytest.fixture(scope="module")
def real() -> Real:
    return Real(distinct(sentences(2000, 2)), sentences(30, 3), [TEXT], ["济南有什么？"])


@pytest.mark.parametrize("rows", [2000, 10_000])
def test_synthetic_vectors_lie_as_real_ones_do(real: Real, rows: int) -> None:
    corpus, found, wanted = fitted(real.sentences, rows)
    vectors = corpus.vectors()
    assert vectors.shape == (rows, 24)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert wanted == nearness(real.sentences)
    assert found == nearness(vectors)
    assert found.error_of_angles(wanted) < 0.1
    assert found.error(wanted) < 0.01
    np.testing.assert_array_equal(vectors, corpus.vectors())


def test_they_vary_in_the_directions_of_real_ones(real: Real) -> None:
    flat = real.sentences.copy()
    flat[:, 20:] = 0
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    made = Corpus(flat, 2000).vectors()
    np.testing.assert_allclose(made[:, 20:], 0, atol=1e-6)
    np.testing.assert_allclose(made.mean(axis=0), flat.mean(axis=0), atol=0.06)


def test_others_are_of_the_same_kind_and_new(real: Real) -> None:
    corpus = Corpus(real.sentences, 2000)
    others, again = corpus.others(300, 5), corpus.others(300, 5)
    np.testing.assert_array_equal(others, again)
    assert (corpus.others(300, 6) != others).any(axis=1).all()
    assert (corpus.vectors() @ others.T).max() < 0.9999
    near, among = nearness_to(corpus.vectors(), others), nearness(corpus.vectors())
    assert near.tenth == pytest.approx(among.tenth, abs=0.02)


@pytest.mark.parametrize("cosine", [0.85, 0.95, 1.0])
def test_sentences_lie_as_far_from_their_passage_as_wanted(real: Real, cosine: float) -> None:
    corpus = Corpus(real.sentences, 1000)
    vectors = corpus.vectors()
    near = corpus.near(vectors, cosine, np.random.default_rng(1))
    found = np.einsum("ij,ij->i", near, vectors)
    assert found.mean() == pytest.approx(cosine, abs=0.02)


def test_nearness_by_hand() -> None:
    plane = np.array([[np.cos(a), np.sin(a)] for a in 0.01 * np.arange(12)], np.float32)
    tenth = np.mean([np.cos(0.01 * max(10 - at, at - 1)) for at in range(12)])
    last = np.mean([np.cos(0.01 * max(11 - at, at)) for at in range(12)])
    assert nearness(plane) == pytest.approx((np.cos(0.01), tenth, last), abs=1e-6)
    wanted = (1, np.cos(0.09), np.cos(0.11))
    assert nearness_to(plane, plane[:1]) == pytest.approx(wanted, abs=1e-6)


def test_errors_are_shares() -> None:
    assert Nearness(0.9, 0.8, 0.5).error(Nearness(0.9, 0.82, 0.7)) == pytest.approx(0.02 / 0.82)
    angles = Nearness(0.9, 0.8, 0.5).error_of_angles(Nearness(0.9, 0.82, 0.7))
    assert angles == pytest.approx(0.02 / 0.18)


def test_real_vectors_stand_among_them(real: Real) -> None:
    vectors = Corpus(real.sentences, 2000).vectors()
    products = (real.sentences[:500] @ vectors.T).max(axis=1)
    np.testing.assert_allclose(products, 1, atol=1e-5)


def test_a_table_of_2000_rows(tmp_path: Path, real: Real) -> None:
    work = Work(real, ["vectors"], sys.executable, ["approximate", "flat"])
    fit, questions, header, *rows = lines(tmp_path, work, 2000, {})
    assert fit.startswith("\n2,000 passages; mean cosines to the 1st, 10th, 100th neighbour 0.")
    assert questions.startswith("of questions 0.")
    assert header == VECTORS_HEADER
    flat, approximate = ([cell.strip() for cell in row.split("|")[1:-1]] for row in rows)
    assert flat[0] == "**flat**"
    assert [flat[at] for at in (9, 11, 13, 15, 17)] == ["1.000"] * 5
    assert approximate[0] == "approximate"
    assert all(float(approximate[at]) >= 0.97 for at in (9, 11, 13, 15, 17))
    assert " lists; at build " in approximate[18]


def test_filters_keep_their_share_and_clusters_lie_far(
    tmp_path: Path, real: Real, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale, "FILTERED", 5)
    list(lines(tmp_path, Work(real, ["vectors"], sys.executable, []), 2000, {}))
    vectors = np.load(tmp_path / "passages.npy").astype(np.float32)
    with np.load(tmp_path / "filters.npz") as kept:
        assert {name: len(kept[name]) for name in FILTERS} == {
            "any 1%": 20, "topic 1%": 20, "any 20%": 400, "topic 20%": 400
        }  # fmt: skip
        questions = real.questions[kept["asked topic 1%"]]
        near = (questions @ vectors[kept["topic 1%"]].T).mean()
        assert near < (questions @ vectors.T).mean()
    assert len(np.load(tmp_path / "sample.npy")) == SAMPLE


def test_a_rival_finds_the_nearest(tmp_path: Path, real: Real) -> None:
    vectors = Corpus(real.sentences, 500).vectors()
    np.save(tmp_path / "passages.npy", vectors.astype(np.float16))
    (tmp_path / "passages.txt").write_text("".join(f"第{row}段。\n" for row in range(500)))
    flat = FaissFlat(tmp_path)
    flat.folder.mkdir()
    flat.build()
    flat.open()
    wanted = np.argsort(-(vectors @ real.questions[0]))[:10].tolist()
    assert overlap([flat.use(0, real.questions[0])], [wanted]) >= 0.9
    assert RIVALS_HEADER.count("|") == RIVALS_HEADER.partition("\n|---")[0].count("|") * 2


@pytest.mark.model
def test_the_whole_of_300_passages(tmp_path: Path) -> None:
    real = Real(
        distinct(sentences(600, 2, 384)), sentences(4, 3, 384), [TEXT] * 30, ["济南有什么？"] * 4
    )
    work = Work(real, ["whole"], sys.executable, [])
    _, _, summary, header, *rows = lines(tmp_path, work, 300, {})
    assert "recall@10 of the vectors 1.0000" in summary
    assert "of its ten hits 1.0000 are those of exact vectors" in summary
    assert header.startswith("\n| part of bot.retrieve | p50 ms")
    names = [row.split("|")[1].strip() for row in rows]
    assert names == ["whole", "whole, by the clock", *PARTS, "ranking"]
    middles = [float(row.split("|")[2]) for row in rows]
    assert all(0 < middle < middles[0] for middle in middles[2:])


def work_for(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_the_clock_counts_inner_calls_for_their_own_part() -> None:
    class Inner:
        def wait(self) -> None:
            work_for(0.02)

    class Outer:
        def work(self) -> None:
            work_for(0.01)
            Inner().wait()

    clock = Clock()
    clock.wrap(Inner, ["wait", "missing"], "dense")
    clock.wrap(Outer, ["work"], "text")
    Outer().work()
    found = clock.take()
    assert 20 <= found["dense"] < 30
    assert 10 <= found["text"] < 20
    assert not any(clock.take().values())


def test_overlap_counts_the_first_ten() -> None:
    wanted = [list(range(20))]
    assert overlap([list(range(20))], wanted) == 1
    assert overlap([[9, 8, 30, 31]], wanted) == 0.2
    assert overlap([[*range(100, 110), *range(10)]], wanted) == 0
