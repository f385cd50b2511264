"""Unit vectors parted into lists of near ones, by spherical k-means.

Plain numpy: its matrix products are four times as fast as FAISS's own k-means, and equal vectors
in equal order give equal lists.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

ROUNDS = 6
"""Of k-means; four more lower its objective by 0.2%."""

SAMPLE = 40
"""Rows for each centroid that it is fitted to; of more rows, so many are drawn."""

_BLOCK = 2048
_SEED = 20_261_123

Floats = NDArray[np.float32]
Stored = NDArray[np.float32] | NDArray[np.float16]


def centroids(vectors: Stored, count: int) -> Floats:
    """Return the middles of `count` lists, unit rows, shape (count, dimensions).

    Args:
        vectors: unit rows, shape (rows, dimensions); mapped ones are read as far as needed.
        count: 1 to rows.
    """
    chance = np.random.default_rng(_SEED)
    among = chance.choice(len(vectors), min(len(vectors), SAMPLE * count), replace=False)
    sample = np.asarray(vectors[np.sort(among)], dtype=np.float32)
    middles = sample[np.sort(chance.choice(len(sample), count, replace=False))]
    for _ in range(ROUNDS):
        middles = _moved(sample, middles)
    return middles


def nearest(vectors: Stored, middles: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the number of the middle nearest to each row, and the cosine with it."""
    numbers = np.empty(len(vectors), dtype=np.int64)
    cosines = np.empty(len(vectors), dtype=np.float32)
    for start, block in blocks(vectors, _BLOCK):
        products = block @ middles.T
        best = products.argmax(axis=1)
        numbers[start : start + len(block)] = best
        cosines[start : start + len(block)] = products[np.arange(len(block)), best]
    return numbers, cosines


def blocks(vectors: Stored, rows: int) -> Iterator[tuple[int, Floats]]:
    """Yield first row and single-precision values of `rows` rows at a time."""
    for start in range(0, len(vectors), rows):
        yield start, np.asarray(vectors[start : start + rows], dtype=np.float32)


def _moved(sample: Floats, middles: Floats) -> Floats:
    """Return the mean direction of each list; a list without rows takes a row that lies far off."""
    numbers, cosines = nearest(sample, middles)
    order = np.argsort(numbers, kind="stable")
    held, starts = np.unique(numbers[order], return_index=True)
    moved = np.empty_like(middles)
    moved[held] = np.add.reduceat(sample[order], starts, axis=0)
    empty = np.setdiff1d(np.arange(len(middles)), held)
    moved[empty] = sample[np.argsort(cosines, kind="stable")[: len(empty)]]
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(moved / np.maximum(lengths, 1e-12), dtype=np.float32)
