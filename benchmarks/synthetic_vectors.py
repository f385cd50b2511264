"""Many unit vectors that lie to each other as the vectors of real sentences do.

A vector is a real sentence's vector moved by the difference of two others, then brought back to
length 1, so that it varies in the directions in which real ones do. How far it is moved (median
and spread of a lognormal) is fitted until the cosines to the 1st and 10th neighbour are those of
the real vectors among themselves. Real vectors stand among them as they are, a quarter of all at
most, so that real questions find what answers them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

REAL = 20_000
"""Real vectors that are used at most, and compared with."""

MEMBERS = 24
"""Vectors around each real one, at least."""

SAMPLE = 500
"""Rows whose neighbours are looked for."""

MOST_ROUNDS = 8
"""Of the fit."""

_BLOCK = 16_384


class Nearness(NamedTuple):
    """Mean cosines to the 1st and the 10th neighbour."""

    first: float
    tenth: float

    def error(self, wanted: Nearness) -> float:
        """Return by what share of a cosine the worse of both is off."""
        return max(abs(a / b - 1) for a, b in zip(self, wanted, strict=True))

    def error_of_angles(self, wanted: Nearness) -> float:
        """Return the same of what is missing to a cosine of 1, which is far stricter."""
        return max(abs((1 - a) / (1 - b) - 1) for a, b in zip(self, wanted, strict=True))


@dataclass(frozen=True)
class Corpus:
    """Synthetic vectors, made again and alike whenever they are asked for.

    Attributes:
        real: real unit vectors, shape (n, dimensions).
        rows: how many vectors there are.
        median, spread: how far they are moved, as a factor, and its standard deviation in nats.
        seed: which ones they are.
    """

    real: Floats
    rows: int
    median: float = 0.55
    spread: float = 0.3
    seed: int = 8

    def blocks(self) -> Iterator[tuple[int, Floats]]:
        """Yield first row and vectors, some at a time."""
        drawn = np.random.default_rng(self.seed)
        kept = self.real[: min(len(self.real) // 2, self.rows // 4)]
        places = drawn.permutation(self.rows)[: len(kept)]
        middles = self._middles()
        for start in range(0, self.rows, _BLOCK):
            block = self._moved(middles, min(_BLOCK, self.rows - start), drawn)
            here = np.flatnonzero((places >= start) & (places < start + len(block)))
            block[places[here] - start] = kept[here]
            yield start, block

    def vectors(self) -> Floats:
        """Return all at once, shape (rows, dimensions)."""
        return np.concatenate([block for _, block in self.blocks()])

    def others(self, count: int) -> Floats:
        """Return so many of the same kind that are not among them."""
        return self._moved(self._middles(), count, np.random.default_rng(self.seed + 1))

    def _middles(self) -> Floats:
        """Return real vectors that are not among the rows themselves, nearer than any sibling."""
        half = self.real[len(self.real) // 2 :]
        return half[: max(1, self.rows // MEMBERS)]

    def _moved(self, middles: Floats, count: int, drawn: np.random.Generator) -> Floats:
        at = drawn.integers(0, len(middles), count)
        one, other = drawn.integers(0, len(self.real), (2, count))
        steps = np.exp(np.log(self.median) + self.spread * drawn.standard_normal(count))
        moved = middles[at] + steps[:, None].astype(np.float32) * (
            self.real[one] - self.real[other]
        )
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


def nearness(vectors: Floats) -> Nearness:
    """Return how near to each other the rows of `vectors` lie, by some of them."""
    at = np.linspace(0, len(vectors) - 1, min(SAMPLE, len(vectors))).round().astype(np.int64)
    nearest = best_cosines(vectors, vectors[at], 11)
    return Nearness(float(nearest[:, 1].mean()), float(nearest[:, 10].mean()))  # 0 is itself


def nearness_to(vectors: Floats, queries: Floats) -> Nearness:
    """Return how near to `queries` the nearest rows of `vectors` lie."""
    nearest = best_cosines(vectors, queries, 10)
    return Nearness(float(nearest[:, 0].mean()), float(nearest[:, 9].mean()))


def best_cosines(vectors: Floats, queries: Floats, k: int) -> Floats:
    """Return the `k` highest cosines of each query, falling, shape (queries, k)."""
    best = np.empty((len(queries), 0), dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK):
        best = np.concatenate([best, queries @ vectors[start : start + _BLOCK].T], axis=1)
        best = -np.partition(-best, min(k, best.shape[1]) - 1, axis=1)[:, :k]
    return np.asarray(-np.sort(-best, axis=1), dtype=np.float32)


def fitted(real: Floats, rows: int) -> tuple[Corpus, Nearness, Nearness]:
    """Return synthetic vectors that lie as `real` do, how near they lie, and how near real ones do.

    Each round moves median and spread by Newton's method, from differences of the rounds before.
    """
    wanted = nearness(real)
    corpus = Corpus(real, rows)
    found = nearness(corpus.vectors())
    for _ in range(MOST_ROUNDS):
        if found.error_of_angles(wanted) < 0.02:
            break
        corpus = _nearer(corpus, found, wanted)
        found = nearness(corpus.vectors())
    return corpus, found, wanted


def _nearer(corpus: Corpus, found: Nearness, wanted: Nearness) -> Corpus:
    """Return a corpus whose median and spread fit better.

    What is missing to a cosine of 1 grows with the square of the way; the spread parts the first
    from the tenth neighbour.
    """
    first, tenth = (float(np.log((1 - a) / (1 - b))) for a, b in zip(found, wanted, strict=True))
    median = corpus.median * float(np.exp(-0.5 * (0.3 * first + 0.7 * tenth)))
    spread = corpus.spread + 0.5 * (first - tenth)
    return Corpus(corpus.real, corpus.rows, median, float(np.clip(spread, 0.02, 1.0)), corpus.seed)
