"""Centred cosines against plain numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from embeddings.centre import Centre, without
from embeddings.errors import IndexDamagedError


def test_cosines_equal_numpy(tmp_path: Path) -> None:
    drawn = np.random.default_rng(3).normal(size=(50, 8)).astype(np.float32) + 1.0
    vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    scripts = (np.arange(50) % 2 + 1).astype(np.uint8)
    Centre.of(vectors, scripts).write(tmp_path, "passage")
    centre = Centre.open(tmp_path, "passage")
    query = vectors[7]
    rows = np.array([0, 7, 20, 33])
    got = centre.cosines(query, vectors[rows] @ query, rows, scripts[rows])
    for row, cosine in zip(rows, got, strict=True):
        left = vectors[row] - vectors[scripts == scripts[row]].mean(axis=0)
        assert cosine == pytest.approx(left @ query / np.linalg.norm(left), abs=1e-5)


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_slices_change_nothing(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    vectors: NDArray[np.float32] = np.random.default_rng(5).normal(size=(50, 8)).astype(kind)
    scripts = (np.arange(50) % 3).astype(np.uint8)
    means = np.stack([vectors[scripts == n].mean(axis=0, dtype=np.float64) for n in range(3)])
    lengths = np.linalg.norm(vectors - means[scripts], axis=1)
    for size in (7, 50, 4096):
        monkeypatch.setattr("embeddings.centre._SLICE", size)
        centre = Centre.of(vectors, scripts)
        np.testing.assert_allclose(centre.means, means, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(centre.lengths, lengths, rtol=1e-5)


def test_a_script_without_rows_and_a_lone_row() -> None:
    centre = Centre.of(np.eye(2, dtype=np.float32)[:1], np.zeros(1, np.uint8))
    assert centre.means.tolist() == [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    assert np.isfinite(
        centre.cosines(
            np.ones(2, np.float32), np.ones(1, np.float32), np.array([0]), np.zeros(1, np.uint8)
        )
    ).all()


def test_without_takes_a_share_of_the_mean() -> None:
    vector, mean = np.array([1.0, 1.0], np.float32), np.array([0.0, 1.0], np.float32)
    np.testing.assert_allclose(without(vector, mean, 1.0), [1.0, 0.0])
    np.testing.assert_allclose(without(vector, mean, 0.0), [2**-0.5, 2**-0.5], rtol=1e-6)
    assert np.isfinite(without(vector, vector, 1.0)).all()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(IndexDamagedError, match="passage_means.npy.*wenju build"):
        Centre.open(tmp_path, "passage")
