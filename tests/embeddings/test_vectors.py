"""FAISS against plain numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from embeddings.errors import IndexDamagedError
from embeddings.halves import open_halves, write_halves
from embeddings.vectors import VectorIndex


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    drawn = np.random.default_rng(7).normal(size=(300, 16)).astype(np.float32)
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


@pytest.fixture
def index(tmp_path: Path, vectors: NDArray[np.float32]) -> VectorIndex:
    VectorIndex.write(tmp_path / "vectors.faiss", vectors)
    return VectorIndex.open(tmp_path / "vectors.faiss")


def test_search_equals_numpy(index: VectorIndex, vectors: NDArray[np.float32]) -> None:
    for query in vectors[:20]:
        rows, cosines = index.search(query, 10)
        expected = np.argsort(-(vectors @ query), kind="stable")[:10]
        assert rows.tolist() == expected.tolist()
        np.testing.assert_allclose(cosines, (vectors @ query)[expected], rtol=1e-5)


def test_search_among_some_rows(index: VectorIndex, vectors: NDArray[np.float32]) -> None:
    among = np.array([5, 17, 250], dtype=np.int64)
    rows, _ = index.search(vectors[17], 10, among)
    order = np.argsort(-(vectors[among] @ vectors[17]), kind="stable")
    assert rows.tolist() == among[order].tolist()


def test_k_beyond_the_size_and_none(index: VectorIndex, vectors: NDArray[np.float32]) -> None:
    assert len(index.search(vectors[0], 10_000)[0]) == 300
    assert len(index.search(vectors[0], 0)[0]) == 0
    assert len(index.search(vectors[0], 5, np.empty(0, np.int64))[0]) == 0


def test_cosines_of_rows(index: VectorIndex, vectors: NDArray[np.float32]) -> None:
    rows = np.array([3, 1, 2], dtype=np.int64)
    np.testing.assert_allclose(
        index.cosines(vectors[0], rows), vectors[rows] @ vectors[0], rtol=1e-5
    )


def test_halves_come_back(tmp_path: Path, vectors: NDArray[np.float32]) -> None:
    write_halves(tmp_path / "sentences.npy", [vectors[:70], vectors[70:]], vectors.shape)
    mapped = open_halves(tmp_path / "sentences.npy")
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, vectors.astype(np.float16))


@pytest.mark.parametrize("name", ["vectors.faiss", "sentences.npy"])
def test_a_file_cut_short_is_named(tmp_path: Path, vectors: NDArray[np.float32], name: str) -> None:
    VectorIndex.write(tmp_path / "vectors.faiss", vectors)
    write_halves(tmp_path / "sentences.npy", [vectors[:70], vectors[70:]], vectors.shape)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:60])
    opener = VectorIndex.open if name.endswith("faiss") else open_halves
    with pytest.raises(IndexDamagedError, match=f"{name}.*wenju build"):
        opener(path)
