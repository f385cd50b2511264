"""Many unit vectors that lie to each other as the vectors of real sentences do.

Texts come in topics, and within these in families that say nearly the same. A family's middle is
its topic's vector turned some way in a random direction, a member its family's middle turned
again. Directions are sums of four real vectors without their mean, so mean, covariance and local
dimension are those of real ones. How far members are turned (median and spread of a lognormal)
and families (one number) is fitted until the cosines to the 1st, 10th and 100th neighbour are
those of the real vectors among themselves, whatever the number of rows. The real vectors stand
among the others as they are, a quarter of all at most, so that real questions find what answers
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

REAL = 20_000
"""Real vectors that are used at most, and compared with."""

MEMBERS = 24
"""Vectors of a family, about."""

FAMILIES = 16
"""Families of a topic, about."""

SAMPLE = 500
"""Rows whose neighbours are looked for."""

MOST_ROUNDS = 6
"""Of the fit."""

CLOSE = 0.02
"""Error of the 1st and the 10th neighbour at which it ends."""

RANKS = (1, 10, 100)

_BLOCK = 16_384
_FARTHEST = 0.98


class Nearness(NamedTuple):
    """Mean cosines to the 1st, the 10th and the 100th neighbour."""

    first: float
    tenth: float
    hundredth: float

    def error(self, wanted: Nearness) -> float:
        """Return by what share a cosine is off, the worse of 1st and 10th."""
        return max(abs(a / b - 1) for a, b in list(zip(self, wanted, strict=True))[:2])

    def error_of_angles(self, wanted: Nearness) -> float:
        """Return the same of what is missing to a cosine of 1, which is far stricter."""
        return float(np.abs(np.exp(self._ratios(wanted)[:2]) - 1).max())

    def _ratios(self, wanted: Nearness) -> NDArray[np.float64]:
        """Return log((1 - own) / (1 - wanted)) of each."""
        return np.asarray(np.log((1 - np.array(self)) / (1 - np.array(wanted))))


@dataclass(frozen=True)
class Corpus:
    """Synthetic vectors, made again and alike whenever they are asked for.

    Attributes:
        real: real unit vectors, shape (n, dimensions).
        rows: how many vectors there are.
        member: sine of the angle that members are turned by, the median.
        spread: of that sine, its standard deviation in nats.
        family: sine of the angle that families are turned by.
        seed: which ones they are.
    """

    real: Floats
    rows: int
    member: float = 0.79
    spread: float = 0.2
    family: float = 0.82
    seed: int = 8

    def blocks(self) -> Iterator[tuple[int, Floats]]:
        """Yield first row and vectors, some at a time."""
        drawn = np.random.default_rng(self.seed)
        kept = self.real[: self.rows // 4]
        places = drawn.permutation(self.rows)[: len(kept)]
        for start in range(0, self.rows, _BLOCK):
            block = self._members(min(_BLOCK, self.rows - start), drawn)
            here = np.flatnonzero((places >= start) & (places < start + len(block)))
            block[places[here] - start] = kept[here]
            yield start, block

    def vectors(self) -> Floats:
        """Return all at once, shape (rows, dimensions)."""
        found = np.empty((self.rows, self.real.shape[1]), dtype=np.float32)
        for start, block in self.blocks():
            found[start : start + len(block)] = block
        return found

    def others(self, count: int, seed: int = 1) -> Floats:
        """Return so many of the same kind that are not among them, always the same by `seed`."""
        return self._members(count, np.random.default_rng([self.seed, seed]))

    def near(self, vectors: Floats, cosine: float, drawn: np.random.Generator) -> Floats:
        """Return a vector for each row whose cosine with it is `cosine`, about."""
        common = float(self._mean @ self._mean)
        kept = min(max((cosine - common) / (1 - common), 0.0), 1.0)
        sines = np.full(len(vectors), np.sqrt(1 - kept * kept))
        return unit(self._mean + self._turned(vectors - self._mean, sines, drawn))

    @cached_property
    def _mean(self) -> Floats:
        return np.asarray(self.real.mean(axis=0), dtype=np.float32)

    @cached_property
    def _families(self) -> Floats:
        """The middles of families without the mean of all."""
        drawn = np.random.default_rng(self.seed + 2)
        count = max(1, self.rows // MEMBERS)
        topics = drawn.integers(0, len(self.real), max(1, count // FAMILIES))
        middles = self.real[topics[drawn.integers(0, len(topics), count)]] - self._mean
        return self._turned(middles, np.full(count, self.family), drawn)

    def _members(self, count: int, drawn: np.random.Generator) -> Floats:
        middles = self._families[drawn.integers(0, len(self._families), count)]
        sines = self.member * np.exp(self.spread * drawn.standard_normal(count))
        return unit(self._mean + self._turned(middles, sines.clip(0, _FARTHEST), drawn))

    def _turned(
        self, middles: Floats, sines: NDArray[np.float64], drawn: np.random.Generator
    ) -> Floats:
        own = sines.astype(np.float32)[:, None]
        return np.asarray(
            np.sqrt(1 - own * own) * middles + own * self._directions(len(own), drawn)
        )

    def _directions(self, count: int, drawn: np.random.Generator) -> Floats:
        """Return vectors around 0 with the covariance of real ones; hardly any two share a part."""
        one, two, three, four = drawn.integers(0, len(self.real), (4, count))
        real = self.real
        return np.asarray((real[one] - real[two] + real[three] - real[four]) / 2)


def unit(vectors: Floats) -> Floats:
    """Return rows of length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def nearness(vectors: Floats) -> Nearness:
    """Return how near to each other the rows of `vectors` lie, by some of them."""
    at = np.linspace(0, len(vectors) - 1, min(SAMPLE, len(vectors))).round().astype(np.int64)
    return _mean_of(best_cosines(vectors, vectors[at], max(RANKS) + 1)[:, 1:])  # 0 is itself


def nearness_to(vectors: Floats, queries: Floats) -> Nearness:
    """Return how near to `queries` the nearest rows of `vectors` lie."""
    return _mean_of(best_cosines(vectors, queries, max(RANKS)))


def _mean_of(nearest: Floats) -> Nearness:
    at = [min(rank, nearest.shape[1]) - 1 for rank in RANKS]
    return Nearness(*nearest[:, at].mean(axis=0).tolist())


def best_cosines(vectors: Floats, queries: Floats, k: int) -> Floats:
    """Return the `k` highest cosines of each query, falling, shape (queries, k)."""
    best = np.empty((len(queries), 0), dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK):
        best = np.concatenate([best, queries @ vectors[start : start + _BLOCK].T], axis=1)
        best = -np.partition(-best, min(k, best.shape[1]) - 1, axis=1)[:, :k]
    return np.asarray(-np.sort(-best, axis=1), dtype=np.float32)


def fitted(real: Floats, rows: int) -> tuple[Corpus, Nearness, Nearness]:
    """Return synthetic vectors that lie as `real` do, how near they lie, and how near real ones do.

    Of all rounds the best counts.
    """
    wanted = nearness(real)
    corpus = Corpus(real, rows)
    tried: list[tuple[float, Corpus, Nearness]] = []
    for _ in range(MOST_ROUNDS):
        found = nearness(corpus.vectors())
        tried.append((found.error_of_angles(wanted), corpus, found))
        if tried[-1][0] < CLOSE:
            break
        corpus = _nearer(corpus, found._ratios(wanted))
    _, corpus, found = min(tried, key=lambda one: one[0])
    return corpus, found, wanted


def _nearer(corpus: Corpus, ratios: NDArray[np.float64]) -> Corpus:
    """Return a corpus that fits better.

    What is missing to a cosine of 1 grows with the square of the sines. The spread parts the first
    neighbour from the tenth, which are of one family; the hundredth is of another.
    """
    first, tenth, hundredth = ratios.tolist()
    member = corpus.member * float(np.exp(-0.5 * (0.3 * first + 0.7 * tenth)))
    family = corpus.family * float(np.exp(-0.6 * hundredth))
    return replace(
        corpus,
        member=float(np.clip(member, 0.01, _FARTHEST)),
        spread=float(np.clip(corpus.spread + 0.5 * (first - tenth), 0.005, 1.0)),
        family=float(np.clip(family, 0.01, _FARTHEST)),
    )
