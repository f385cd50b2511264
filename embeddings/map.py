"""A picture of the corpus: every passage a point, near to the passages that say the like.

Made at build from the passages' vectors alone: t-SNE (van der Maaten and Hinton 2008) over their
first principal components, its repulsion estimated in each step from some of the points, so that a
step costs rows x sample and not rows x rows. Of a big corpus only the landmarks are laid out; any
other passage stands among the landmarks nearest to it. Equal vectors in equal order give equal
pictures.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

FILE = "map.npy"
"""Of a generation: a position for each passage, shape (passages, 2)."""

VERSION = 1
"""Of the rules below; when it rises the next build draws the picture again."""

LANDMARKS = 3000
"""Passages that are laid out against each other; of more, so many, spread over all rows."""

NEIGHBOURS = 12
"""Nearest landmarks that a landmark is drawn to."""

PLACED_BY = 4
"""Points among which one stands that is not laid out itself."""

COMPONENTS = 48
"""Principal components that distances are measured in."""

_ITERATIONS = 4
_STEPS = 240
_EARLY_STEPS = 80
_EARLY_PULL = 12.0
_SAMPLE = 200
_BLOCK = 256
_LONGEST_STEP = 5.0
_START = 1e-2
_SLICE = 8192
_SEED = 20_240_501
_GOLDEN_ANGLE = 2.399963

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


def write_map(folder: Path, vectors: Floats | NDArray[np.float16]) -> None:
    """Lay out the passages with these vectors and write their positions into `folder`."""
    np.save(folder / FILE, layout(vectors), allow_pickle=False)


def open_map(folder: Path) -> Floats:
    """Map the positions that `write_map` wrote into memory.

    Raises:
        OSError, ValueError: when the file is missing or is not one of ours.
    """
    mapped: Floats = open_memmap(folder / FILE, mode="r")
    if mapped.dtype != np.float32:
        raise ValueError(f"{FILE} holds {mapped.dtype}, not float32")
    return mapped


def layout(vectors: Floats | NDArray[np.float16]) -> Floats:
    """Return a position for each row: each coordinate from -1 to 1, the picture's middle at 0.

    Near rows stand near each other; how far apart far ones stand means little.

    Args:
        vectors: unit rows, shape (rows, dimensions).

    Returns:
        shape (rows, 2); a row alone stands in the middle.
    """
    rows = len(vectors)
    if rows < 2:
        return np.zeros((rows, 2), dtype=np.float32)
    chosen = _landmarks(rows)
    space = _Space.of(np.asarray(vectors[chosen], dtype=np.float32))
    landmarks = space.points(vectors[chosen])
    laid_out = _fitted(_laid_out(landmarks))
    if len(chosen) == rows:
        return laid_out
    found = _placed(space, vectors, landmarks, laid_out)
    found[chosen] = laid_out
    return found


def place_among(
    vectors: Floats | NDArray[np.float16], landmarks: Floats, positions: Floats
) -> Floats:
    """Return positions for rows that join a picture, among those that stand in it already.

    Args:
        vectors: unit rows, shape (rows, dimensions).
        landmarks: of some that stand in it, shape (n, dimensions).
        positions: where these stand, shape (n, 2).

    Returns:
        shape (rows, 2).
    """
    if len(landmarks) < 2 or not len(vectors):
        return np.zeros((len(vectors), 2), dtype=np.float32)
    space = _Space.of(landmarks)
    return _placed(space, vectors, space.points(landmarks), positions)


def _placed(
    space: _Space, vectors: Floats | NDArray[np.float16], landmarks: Floats, positions: Floats
) -> Floats:
    found = np.empty((len(vectors), 2), dtype=np.float32)
    for start in range(0, len(vectors), _SLICE):
        own = space.points(vectors[start : start + _SLICE])
        squares, nearest = _nearest(own, landmarks, PLACED_BY)
        found[start : start + len(own)] = among(positions[nearest], squares)
    return found


def among(positions: Floats, squares: Floats) -> Floats:
    """Return where points stand that are not laid out, the nearer of others counting more.

    Args:
        positions: of the others, shape (points, others, 2).
        squares: squared distances to them between the vectors, shape (points, others).

    Returns:
        shape (points, 2), inside what the others enclose.
    """
    least = squares.min(axis=1, keepdims=True)
    weights = np.exp(-(squares - least) / (0.2 * least + 1e-6))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray((weights[:, :, None] * positions).sum(axis=1), dtype=np.float32)


def spread(rows: int, most: int) -> Numbers:
    """Return at most `most` of `rows` row numbers, evenly spread and rising."""
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).round().astype(np.int64))


def _landmarks(rows: int) -> Numbers:
    return spread(rows, LANDMARKS)


class _Space(NamedTuple):
    """Where distances are measured: mean, and principal axes as columns, the strongest first."""

    mean: Floats
    axes: Floats

    @classmethod
    def of(cls, vectors: Floats) -> _Space:
        """Find the axes by subspace iteration; their last digits do not matter."""
        mean = vectors.mean(axis=0)
        left = vectors - mean
        covered = (left.T @ left).astype(np.float64)
        size = min(COMPONENTS, len(covered))
        axes = np.random.default_rng(_SEED).normal(size=(len(covered), size))
        for _ in range(_ITERATIONS):
            axes = _orthonormal(covered @ axes)
        _, turn = np.linalg.eigh(axes.T @ covered @ axes)
        axes = axes @ turn[:, ::-1]
        # An axis has no direction of its own: its largest part points up.
        largest = axes[np.abs(axes).argmax(axis=0), np.arange(size)]
        return cls(mean, np.asarray(axes * np.where(largest < 0, -1, 1), dtype=np.float32))

    def points(self, vectors: Floats | NDArray[np.float16]) -> Floats:
        """Return the rows of `vectors` in this space."""
        left = np.asarray(vectors, dtype=np.float32) - self.mean
        return np.ascontiguousarray(left @ self.axes)


def _orthonormal(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return columns that span the same; a direction that none of them has becomes 0."""
    columns = columns / max(float(np.abs(columns).max()), 1e-300)
    values, turn = np.linalg.eigh(columns.T @ columns)
    lengths = np.sqrt(np.where(values > max(float(values[-1]), 1e-9) * 1e-14, values, np.inf))
    return np.asarray(columns @ (turn / lengths))


def _nearest(queries: Floats, points: Floats, k: int) -> tuple[Floats, Numbers]:
    """Return squared distances and numbers of the `k` points nearest to each query."""
    import faiss

    squares, numbers = faiss.knn(queries, points, min(k, len(points)))
    return np.maximum(squares, 0), numbers


class _Edges(NamedTuple):
    """Who is drawn to whom, both ways, ordered by head; `starts` of the edges of each head.

    All draw alike: weights by distance change next to nothing (Boehm, Berens and Kobak 2022).
    """

    heads: Numbers
    tails: Numbers
    starts: Numbers

    @classmethod
    def of(cls, points: Floats) -> _Edges:
        """Draw each point to its nearest ones."""
        rows = len(points)
        _, near = _nearest(points, points, NEIGHBOURS + 1)
        pairs = np.stack([np.repeat(np.arange(rows), near.shape[1]), near.ravel()], axis=1)
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        both = np.concatenate([pairs, pairs[:, ::-1]])
        heads, tails = both[np.argsort(both[:, 0], kind="stable")].T
        return cls(heads, tails, np.searchsorted(heads, np.arange(rows)))


def _laid_out(points: Floats) -> Floats:
    """Return positions by t-SNE, which begins with the first two components."""
    edges = _Edges.of(points)
    chance = np.random.default_rng(_SEED)
    at = _first(points)
    step, gain = np.zeros_like(at), np.ones_like(at)
    rate = max(len(points) / 3, 200.0)
    for number in range(_STEPS):
        early = number < _EARLY_STEPS
        drawn = _pull(at, edges) * ((_EARLY_PULL if early else 1.0) / len(edges.heads))
        force = drawn + _push(at, chance)
        gain = np.where(force * step > 0, gain + 0.2, gain * 0.8).clip(0.01)
        step = _shortened((0.5 if early else 0.8) * step + rate * gain * force)
        at = (at + step).astype(np.float32)
        at -= at.mean(axis=0)
    return at


def _shortened(step: Floats) -> Floats:
    length = np.linalg.norm(step, axis=1, keepdims=True)
    return np.asarray(step * np.minimum(1, _LONGEST_STEP / np.maximum(length, 1e-9)))


def _first(points: Floats) -> Floats:
    """Return small positions by the first two components; equal points are set apart a little."""
    rows = len(points)
    at = np.zeros((rows, 2))
    at[:, : points.shape[1]] = points[:, :2]
    at *= _START / max(float(at.std()), 1e-9)
    angle = np.arange(rows) * _GOLDEN_ANGLE  # a spiral that fills a disc evenly
    disc = np.sqrt(np.arange(rows) / rows)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return np.asarray(at + 0.1 * _START * disc, dtype=np.float32)


def _pull(at: Floats, edges: _Edges) -> Floats:
    """Return the sum of what draws each point, not normalised."""
    x, y = np.ascontiguousarray(at[:, 0]), np.ascontiguousarray(at[:, 1])
    right = x[edges.tails] - x[edges.heads]
    up = y[edges.tails] - y[edges.heads]
    near = 1 / (1 + right * right + up * up)
    sums = [np.add.reduceat(part * near, edges.starts) for part in (right, up)]
    return np.stack(sums, axis=1)


def _push(at: Floats, chance: np.random.Generator) -> Floats:
    """Return what pushes each point away, normalised; estimated from some of the points."""
    rows = len(at)
    some = at if rows <= _SAMPLE else at[chance.choice(rows, _SAMPLE, replace=False)]
    found = np.empty_like(at)
    total = 0.0
    for start in range(0, rows, _BLOCK):  # a block at a time stays in the processor's cache
        own = at[start : start + _BLOCK]
        near = _nearness(own, some)
        total += float(near.sum(dtype=np.float64))
        near *= near
        # Not a matrix product: threads would wait for each other longer than they work.
        drift = np.einsum("ij,jk->ik", near, some)
        found[start : start + _BLOCK] = own * near.sum(axis=1, keepdims=True) - drift
    return np.asarray(found / max(total - len(some), 1e-9), dtype=np.float32)


def _nearness(own: Floats, some: Floats) -> Floats:
    """Return 1 / (1 + squared distance) of each pair, worked out in place."""
    near, up = own[:, :1] - some[:, 0], own[:, 1:] - some[:, 1]
    near *= near
    up *= up
    near += up
    near += 1
    np.reciprocal(near, out=near)
    return near


def _fitted(at: Floats) -> Floats:
    """Return positions moved and scaled, both axes alike, to fill -1 to 1."""
    low, high = at.min(axis=0), at.max(axis=0)
    at = at - (low + high) / 2
    return np.asarray(at / max(float(np.abs(at).max()), 1e-9), dtype=np.float32)
