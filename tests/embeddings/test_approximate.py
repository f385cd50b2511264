"""Approximate search against plain numpy: near the truth, exact in what it says."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from embeddings import approximate, passage_vectors
from embeddings.approximate import ApproximateIndex, Approximation, exact
from embeddings.build import build
from embeddings.errors import IndexDamagedError
from embeddings.halves import open_halves, write_halves
from embeddings.lexical import Tokenizer
from embeddings.partition import _moved, centroids, nearest
from embeddings.store import Generation, IndexFolder
from embeddings.vectors import VectorIndex
from embeddings.verify import verify
from tests.embeddings.building import Recording, write

Floats = NDArray[np.float32]

ROWS, DIMENSIONS, TOPICS = 4000, 64, 100
INNER = 8  # dimensions in which they differ, as texts differ in fewer than their vectors have


def unit(vectors: NDArray[np.float64]) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def around_topics(seed: int, count: int) -> Floats:
    known = np.random.default_rng(1)
    topics, turn = known.normal(size=(TOPICS, INNER)), known.normal(size=(INNER, DIMENSIONS))
    drawn = np.random.default_rng(seed)
    return unit(
        (topics[drawn.integers(0, TOPICS, count)] + drawn.normal(size=(count, INNER))) @ turn
    )


@pytest.fixture(scope="module")
def vectors() -> Floats:
    return around_topics(2, ROWS)


@pytest.fixture(scope="module")
def questions() -> Floats:
    return around_topics(3, 100)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, vectors: Floats) -> Path:
    path = tmp_path_factory.mktemp("index")
    write_halves(path / "vectors.npy", [vectors[:1000], vectors[1000:]], vectors.shape)
    (path / "about.json").write_text(json.dumps(written(path).to_json()))
    return path


def written(folder: Path) -> Approximation:
    """Write few lists, of which the sample says how many are looked into."""
    with pytest.MonkeyPatch.context() as bounds:
        bounds.setattr(approximate, "LISTS", 1.0)
        bounds.setattr(approximate, "LEAST_SCANNED", 1)
        return ApproximateIndex.write(folder, around_topics(4, 200))


@pytest.fixture(scope="module")
def index(folder: Path) -> ApproximateIndex:
    return ApproximateIndex.open(
        folder, Approximation.read(json.loads((folder / "about.json").read_text()))
    )


def plain(vectors: Floats, query: Floats, rows: NDArray[np.int64], k: int) -> set[int]:
    return set(rows[np.argsort(-(vectors[rows] @ query), kind="stable")[:k]].tolist())


def recall(
    index: ApproximateIndex, vectors: Floats, questions: Floats, rows: NDArray[np.int64] | None
) -> float:
    among = np.arange(len(vectors)) if rows is None else rows
    found = [set(index.search(query, 10, rows)[0].tolist()) for query in questions]
    wanted = [plain(vectors, query, among, 10) for query in questions]
    return float(np.mean([len(a & b) / len(b) for a, b in zip(found, wanted, strict=True)]))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two of these small lists be enough: of too few rows all lists are looked into."""
    monkeypatch.setattr(approximate, "LEAST_FETCHED", 100)
    monkeypatch.setattr(approximate, "AMONG", 0)


def test_it_looks_into_some_lists_and_finds_nearly_all(
    index: ApproximateIndex, vectors: Floats, questions: Floats, few: None
) -> None:
    assert index.about.lists == 63
    assert index.about.probed < index.about.lists / 2
    found = recall(index, vectors, questions, None)
    assert found >= 0.97
    assert index.about.recall == pytest.approx(found, abs=0.02)
    assert (index.about.at, index.about.sample) == (10, 200)


def test_its_recall_falls_with_the_lists_looked_into(
    index: ApproximateIndex,
    folder: Path,
    vectors: Floats,
    questions: Floats,
    few: None,
) -> None:
    fewer = ApproximateIndex.open(folder, replace(index.about, probed=2))
    wanted = exact(open_halves(folder / "vectors.npy"), questions, 10)
    about = fewer.measured(questions, wanted)
    assert about.recall < 0.9 < index.about.recall
    assert about.recall == pytest.approx(recall(fewer, vectors, questions, None), abs=0.01)


def test_an_odd_sample_does_not_make_it_slow(
    tmp_path: Path, folder: Path, questions: Floats, few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approximate, "LEAST_SCANNED", 1)
    monkeypatch.setattr(approximate, "MOST_SCANNED", 100)
    os.link(folder / "vectors.npy", tmp_path / "vectors.npy")
    about = ApproximateIndex.write(tmp_path, -questions)  # which lie near to nothing
    assert about.probed == 253 * 100 // ROWS
    assert about.recall < 0.95


@pytest.mark.parametrize(
    ("share", "least", "most", "probed"),
    [(1.0, 1, 20, 20), (0.9, 1, 20, 18), (0.05, 1, 20, 1), (0.9, 1, 7, 7), (0.05, 12, 20, 12)],
)
def test_as_many_lists_as_hold_the_wanted_share(
    monkeypatch: pytest.MonkeyPatch, share: float, least: int, most: int, probed: int
) -> None:
    for name, value in (("TARGET", share), ("LEAST_SCANNED", least), ("MOST_SCANNED", most)):
        monkeypatch.setattr(approximate, name, value)
    rows = np.eye(20, dtype=np.float16)  # each the middle of its own list
    query = np.linspace(1, 0.1, 20, dtype=np.float32)[None]  # the first is nearest, then the second
    wanted = np.arange(20)[None]
    assert approximate._probed(rows, rows.astype(np.float32), query, wanted) == probed
    none = np.empty((0, 10), dtype=np.int64)
    assert approximate._probed(rows, rows.astype(np.float32), query[:0], none) == least


def test_cosines_are_exact_and_fall(
    index: ApproximateIndex, vectors: Floats, questions: Floats
) -> None:
    for query in questions[:10]:
        rows, cosines = index.search(query, 20)
        np.testing.assert_allclose(cosines, vectors[rows] @ query, atol=2e-4)
        assert (np.diff(cosines) <= 0).all()
        np.testing.assert_array_equal(cosines, index.cosines(query, rows))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("among", [0, approximate.AMONG], ids=["lists", "one by one"])
def test_among_rows_drawn_at_random(
    index: ApproximateIndex,
    vectors: Floats,
    questions: Floats,
    monkeypatch: pytest.MonkeyPatch,
    share: float,
    among: int,
) -> None:
    monkeypatch.setattr(approximate, "AMONG", among)
    rows = np.flatnonzero(np.random.default_rng(6).random(ROWS) < share)
    assert recall(index, vectors, questions[:40], rows) >= 0.97
    assert set(index.search(questions[0], 30, rows)[0].tolist()) <= set(rows.tolist())


def test_the_fewer_rows_a_filter_keeps_the_more_lists(
    index: ApproximateIndex, folder: Path, vectors: Floats, questions: Floats, few: None
) -> None:
    fewer = ApproximateIndex.open(folder, replace(index.about, probed=6))
    rows = np.flatnonzero(np.random.default_rng(6).random(ROWS) < 0.5)
    everywhere = recall(fewer, vectors, questions, None)
    assert recall(fewer, vectors, questions, rows) > everywhere + 0.03


def test_among_rows_on_the_other_side(
    index: ApproximateIndex, vectors: Floats, questions: Floats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approximate, "AMONG", 0)
    monkeypatch.setattr(approximate, "LEAST_FETCHED", 500)
    found = []
    for query in questions[:40]:
        rows = np.sort(np.argsort(vectors @ query)[: ROWS // 5])
        found.append(recall(index, vectors, query[None, :], rows))
    assert np.mean(found) >= 0.97


@pytest.mark.parametrize("share", [None, 0.3])
def test_one_look_finds_what_two_close_queries_would(
    index: ApproximateIndex, vectors: Floats, questions: Floats, few: None, share: float | None
) -> None:
    """As the two forms of a Chinese question: their cosine is 0.97 or so."""
    drawn = np.random.default_rng(8)
    every = np.arange(ROWS)
    rows = None if share is None else np.flatnonzero(drawn.random(ROWS) < share)
    shares, alone = list[float](), list[float]()
    for query in questions[:40]:
        other = unit((query + 0.25 * unit(drawn.normal(size=(1, DIMENSIONS)))[0])[None, :])[0]
        found = index.search_each(np.stack([query, other]), 10, rows)
        for own, (near, cosines) in zip((query, other), found, strict=True):
            np.testing.assert_allclose(cosines, vectors[near] @ own, atol=2e-4)
            assert (np.diff(cosines) <= 0).all()
            wanted = plain(vectors, own, every if rows is None else rows, 10)
            shares.append(len(set(near.tolist()) & wanted) / 10)
            alone.append(len(set(index.search(own, 10, rows)[0].tolist()) & wanted) / 10)
    assert np.mean(shares) >= max(0.95, float(np.mean(alone)) - 0.02)


def test_one_query_alone_is_searched_for_as_it_is(
    index: ApproximateIndex, questions: Floats
) -> None:
    for rows in (None, np.arange(0, ROWS, 3)):
        for query in questions[:5]:
            one, (other,) = index.search(query, 10, rows), index.search_each(query[None], 10, rows)
            for own, same in zip(one, other, strict=True):
                np.testing.assert_array_equal(own, same)


def test_opposite_queries_have_no_middle_and_are_answered(
    index: ApproximateIndex, questions: Floats
) -> None:
    found = index.search_each(np.stack([questions[0], -questions[0]]), 5)
    assert [len(rows) for rows, _ in found] == [5, 5]


def test_fewer_rows_than_wanted(index: ApproximateIndex, questions: Floats) -> None:
    assert len(index.search(questions[0], 0)[0]) == 0
    assert len(index.search(questions[0], 5, np.empty(0, np.int64))[0]) == 0
    assert sorted(index.search(questions[0], 5, np.array([9, 3]))[0].tolist()) == [3, 9]
    assert [len(rows) for rows, _ in index.search_each(questions[:2], 0)] == [0, 0]
    everything = index.search(questions[0], 2 * ROWS)[0]
    assert sorted(everything.tolist()) == list(range(ROWS))


def test_equal_vectors_come_by_row(tmp_path: Path, questions: Floats) -> None:
    vectors = np.repeat(around_topics(5, 100), 10, axis=0)
    write_halves(tmp_path / "vectors.npy", [vectors], vectors.shape)
    about = ApproximateIndex.write(tmp_path, questions)
    index = ApproximateIndex.open(tmp_path, about)
    for query in questions[:20]:
        rows, cosines = index.search(query, 25)
        tens = rows[:20].reshape(2, 10)
        assert (np.diff(tens, axis=1) == 1).all()
        assert (cosines[:20].reshape(2, 10) == cosines[[0, 10], None]).all()


def test_equal_vectors_give_equal_files(tmp_path: Path, vectors: Floats, folder: Path) -> None:
    write_halves(tmp_path / "vectors.npy", [vectors], vectors.shape)
    about = written(tmp_path)
    assert about.to_json() == json.loads((folder / "about.json").read_text())
    for name in ("vectors.faiss", "vectors.npy"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("name", ["vectors.faiss", "vectors.npy"])
def test_a_file_cut_short_is_named(
    tmp_path: Path, folder: Path, index: ApproximateIndex, name: str
) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    os.truncate(tmp_path / name, 60)
    with pytest.raises(IndexDamagedError, match=f"{name}.*wenju build"):
        ApproximateIndex.open(tmp_path, index.about)


def test_files_of_two_indexes_are_refused(
    tmp_path: Path, folder: Path, index: ApproximateIndex, vectors: Floats
) -> None:
    (tmp_path / "vectors.faiss").write_bytes((folder / "vectors.faiss").read_bytes())
    write_halves(tmp_path / "vectors.npy", [vectors[1:]], (ROWS - 1, DIMENSIONS))
    with pytest.raises(IndexDamagedError, match="do not belong together"):
        ApproximateIndex.open(tmp_path, index.about)


@pytest.mark.parametrize("change", [{"kind": "hnsw"}, {"probed": 0}, {"probed": 999}, {"more": 1}])
def test_a_description_that_is_none(index: ApproximateIndex, change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"describes no index|cannot be looked into"):
        Approximation.read({**index.about.to_json(), **change})


def test_lists_hold_the_rows_near_their_middles(vectors: Floats) -> None:
    middles = centroids(vectors, 100)
    np.testing.assert_allclose(np.linalg.norm(middles, axis=1), 1, rtol=1e-5)
    numbers, cosines = nearest(vectors, middles)
    np.testing.assert_array_equal(numbers, (vectors @ middles.T).argmax(axis=1))
    drawn = vectors[np.random.default_rng(0).choice(ROWS, 100, replace=False)]
    assert cosines.mean() > nearest(vectors, drawn)[1].mean() + 0.03


def test_a_list_without_rows_takes_the_row_that_lies_farthest_off() -> None:
    rows = unit(np.array([[1, 0, 0], [1, 0.1, 0], [1, 0, 0.1], [0.5, 0.5, 0.7]]))
    middles = unit(np.array([[1, 0, 0], [-1, 0, 0]]))
    np.testing.assert_array_equal(_moved(rows, middles)[1], rows[3])
    np.testing.assert_allclose(_moved(rows, middles)[0], unit(rows.sum(axis=0)[None])[0], rtol=1e-6)


def test_more_lists_than_distinct_rows() -> None:
    middles = centroids(np.repeat(np.eye(4, dtype=np.float32), 5, axis=0), 8)
    assert sorted(nearest(np.eye(4, dtype=np.float32), middles)[1].tolist()) == [1, 1, 1, 1]
    np.testing.assert_allclose(np.linalg.norm(middles, axis=1), 1)


def documents(root: Path) -> Path:
    characters = "济南天桥高新区党建园产业企"
    drawn = np.random.default_rng(8)
    for number in range(120):
        words = ["".join(drawn.choice(list(characters), 9)) for _ in range(3)]
        write(root / f"{number:03}.txt", f"第{number}号。" + "。".join(words) + "。\n")
    return root


@pytest.fixture
def built(tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index that is approximate."""
    monkeypatch.setattr(passage_vectors, "EXACT_UP_TO", 100)
    build(documents(tmp_path / "documents"), tmp_path / "index", Recording(), tokenizer)
    return tmp_path / "index"


def test_a_build_above_the_bound_says_so_and_finds_the_same(built: Path) -> None:
    generation = Generation(IndexFolder(built).current())
    about = generation.manifest.search
    assert about is not None
    assert (about["kind"], about["at"], about["sample"]) == ("ivf-rabitq", 10, 200)
    assert 0.9 < about["recall"] <= 1
    assert {"vectors.faiss", "vectors.npy"} <= generation.manifest.files.keys()
    query = Recording().encode_query("天桥区的产业园")
    stored = generation.vectors.vectors(range(generation.vectors.size))
    rows, cosines = generation.vectors.search(query, 5)
    np.testing.assert_allclose(cosines, np.sort(stored @ query)[::-1][:5], atol=1e-5)
    assert len(rows) == 5


def test_verify_reads_the_new_files(built: Path) -> None:
    assert verify(built, Recording()).problems == ()
    path = IndexFolder(built).current() / "vectors.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    (problem,) = verify(built, Recording()).problems
    assert "'vectors.npy' differs from its checksum" in problem.what


def test_an_index_of_another_kind_is_published_anew(
    built: Path, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    manifest = IndexFolder(built).current() / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace("ivf-rabitq", "ivf-sq8"), "utf-8")
    with pytest.raises(IndexDamagedError, match="wenju build"):
        Generation(IndexFolder(built).current())
    assert build(tmp_path / "documents", built, Recording(), tokenizer).published
    Generation(IndexFolder(built).current()).close()


def test_below_the_bound_nothing_is_said(tmp_path: Path, tokenizer: Tokenizer) -> None:
    build(documents(tmp_path / "documents"), tmp_path / "index", Recording(), tokenizer)
    folder = IndexFolder(tmp_path / "index").current()
    assert "search" not in json.loads((folder / "manifest.json").read_text())
    assert not (folder / "vectors.npy").exists()
    assert isinstance(Generation(folder).vectors, VectorIndex)


def test_an_index_that_crosses_the_bound_is_published_anew(
    tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, index = documents(tmp_path / "documents"), tmp_path / "index"
    assert build(root, index, Recording(), tokenizer).published
    assert not build(root, index, Recording(), tokenizer).published
    monkeypatch.setattr(passage_vectors, "EXACT_UP_TO", 100)
    report = build(root, index, Recording(), tokenizer)
    assert (report.published, report.encoded) == (True, 0)
    assert Generation(IndexFolder(index).current()).manifest.search is not None
    assert not build(root, index, Recording(), tokenizer).published


def test_an_index_whose_rows_are_mixed_up_is_not_published(
    tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passage_vectors, "EXACT_UP_TO", 100)
    monkeypatch.setattr(approximate, "LEAST_FETCHED", 10)  # not all: these would be put right
    own = approximate._filled
    monkeypatch.setattr(
        approximate, "_filled", lambda vectors, middles: own(np.roll(vectors, 7, 0), middles)
    )
    with pytest.raises(IndexDamagedError, match="is not found by its own vector"):
        build(documents(tmp_path / "documents"), tmp_path / "index", Recording(), tokenizer)
