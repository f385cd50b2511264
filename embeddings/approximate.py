"""Approximate search over many unit vectors: lists of near ones, a bit a number, exact re-scoring.

An inverted file of FAISS (IVF; of what is left of each vector without its list's middle one bit a
number, with two factors that correct the estimate: RaBitQ, Gao and Long 2024) finds more rows than
wanted; their cosines are then worked out from the vectors themselves. Processes share both files:
the first is mapped, the second read where it is big (see `halves.MAPPED`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import IndexDamagedError
from embeddings.halves import Halves, open_halves
from embeddings.partition import blocks, centroids, nearest
from embeddings.vectors import best

KIND = "ivf-rabitq"

LISTS = 4.0
"""Lists for the square root of the rows."""

TARGET = 0.995
"""Share of the true nearest rows that stand in the lists looked into, on the sample."""

LEAST_SCANNED = 400_000
"""Rows that a question is compared with at least, about; all of fewer: 14 ms (`benchmarks.scale`).

Questions lie apart from the sentences that a build measures with. Among a million passages 0.987 of
the rows nearest to a question stand in as many lists, 0.963 in half of them.
"""

MOST_SCANNED = 500_000
"""Rows that a question is compared with at most, about, whatever the sample asks for.

Of the ten nearest to each form of a question 0.985 are found in 2,339 of 4,000 lists of a million
passages, and 0.977 in 1,600 of them, which takes 4 of 29 ms less time for each 300.
"""

AT = 10
"""Nearest rows whose recall is measured."""

AMONG = 1000
"""Of so many rows, or fewer, the cosines are worked out one by one; of more, lists are faster."""

FETCHED = 4
"""Rows that are re-scored for each one wanted, and `LEAST_FETCHED` at least."""

LEAST_FETCHED = 1000
"""Half as many lose 0.033 of the sixty nearest among a million, and save 0.6 ms."""

QUERY_BITS = 4
"""Bits of each number of a question as it is compared with those of the rows."""

_MAPS = os.name != "nt"
"""Whether FAISS can map an inverted file; elsewhere each process reads it whole."""

INDEX, VECTORS = "vectors.faiss", "vectors.npy"

_BLOCK = 16_384
_WIDER = 2
"""Under a filter so many times the lists, for its rows may lie on one side."""

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Approximation:
    """How an approximate index is made and how good it is, as the manifest has it.

    Attributes:
        lists: how many lists there are.
        probed: how many a question looks into.
        recall: share of the true nearest `at` rows that is found, 0 to 1.
        at: how many nearest rows that is about.
        sample: how many queries it was measured on.
        kind: what it is.
    """

    lists: int
    probed: int
    recall: float
    at: int
    sample: int
    kind: str = KIND

    def to_json(self) -> dict[str, Any]:
        """Return it as plain numbers."""
        return asdict(self)

    @classmethod
    def read(cls, found: dict[str, Any]) -> Approximation:
        """Return what `to_json` gave.

        Raises:
            ValueError: when it is not that.
        """
        if found.keys() != {field.name for field in fields(cls)} or found["kind"] != KIND:
            raise ValueError(f"{found} describes no index of the kind {KIND}")
        about = cls(**found)
        if not 1 <= about.probed <= about.lists:
            raise ValueError(f"{about.probed} of {about.lists} lists cannot be looked into")
        return about


class ApproximateIndex:
    """Nearly exact inner-product search over unit vectors, opened by memory map.

    Rows keep their order; cosines are exact; which rows are found is not. Of rows with equal
    vectors the first come first, unless there are more than `LEAST_FETCHED`.
    """

    rounding = 1e-3
    """How far a number of a vector may be from what was given to `write`."""

    def __init__(self, index: Any, vectors: Halves, about: Approximation) -> None:
        self._index, self._vectors, self.about = index, vectors, about
        self.size, self.dimensions = int(index.ntotal), int(index.d)

    @classmethod
    def write(cls, folder: Path, queries: Floats) -> Approximation:
        """Write the index over the vectors that stand in `folder` already (`VECTORS`).

        Args:
            folder: where `write_halves` put the vectors.
            queries: what is searched for to find out how many lists to look into, and the recall
                of that; shape (n, dimensions). Not rows of the index: those lie in its lists'
                middles.

        Raises:
            OSError: when FAISS cannot write it.
        """
        import faiss

        vectors = open_halves(folder / VECTORS)
        middles = centroids(vectors, lists_for(len(vectors)))
        index = _filled(vectors, middles)
        try:
            faiss.write_index(index, str(folder / INDEX))
        except RuntimeError as error:
            raise OSError(f"FAISS cannot write {INDEX!r}") from error
        del index
        wanted = exact(vectors, queries, AT)
        probed = _probed(vectors, middles, queries, wanted)
        about = Approximation(len(middles), probed, 1.0, AT, len(queries))
        return cls.open(folder, about).measured(queries, wanted)

    @classmethod
    def open(cls, folder: Path, about: Approximation) -> ApproximateIndex:
        """Map the index in `folder` into memory.

        Raises:
            IndexDamagedError: when a file cannot be read, or they do not belong together.
        """
        vectors = Halves(folder / VECTORS)
        index = _read(folder / INDEX)
        if (index.ntotal, index.d) != vectors.shape or index.nlist != about.lists:
            raise IndexDamagedError(
                f"The vectors in {INDEX!r} and {VECTORS!r} do not belong together; "
                "build the index again: wenju build"
            )
        return cls(index, vectors, about)

    def search(self, query: Floats, k: int, rows: Numbers | None = None) -> tuple[Numbers, Floats]:
        """Return rows near to `query` and their cosines, best first, ties by row.

        Args:
            query: unit vector, shape (dimensions,).
            k: how many at most; fewer come back when there are fewer.
            rows: search among these rows only, each once; None for all. Up to `AMONG` of them,
                this is exact.
        """
        return self.search_each(query[None, :], k, rows)[0]

    def search_each(
        self, queries: Floats, k: int, rows: Numbers | None = None
    ) -> list[tuple[Numbers, Floats]]:
        """Return the same for each of several queries that lie close together.

        The rows whose cosines are worked out are those near to the middle of the queries: to look
        for them is what takes long.

        Args:
            queries: unit vectors, shape (n, dimensions).
            k: as in `search`.
            rows: as in `search`.
        """
        size = self.size if rows is None else len(rows)
        k = min(k, size)
        if k <= 0:
            return [(np.empty(0, np.int64), np.empty(0, np.float32)) for _ in queries]
        if rows is not None and size <= AMONG:
            near = np.asarray(rows, dtype=np.int64)
        else:
            near = self._near(_middle(queries), min(size, max(FETCHED * k, LEAST_FETCHED)), rows)
        own = self.vectors(near)
        return [best(near, np.asarray(own @ query, np.float32), k) for query in queries]

    def vectors(self, rows: Sequence[int] | Numbers) -> Floats:
        """Return the vectors of `rows`, shape (len(rows), dimensions)."""
        found = self._vectors.rows(rows)
        lengths = np.sqrt(np.einsum("ij,ij->i", found, found))
        found /= np.maximum(lengths, 1e-12)[:, None]
        return found

    def cosines(self, query: Floats, rows: Numbers) -> Floats:
        """Return the cosine of `query` with each of `rows`, shape (len(rows),)."""
        return np.asarray(self.vectors(rows) @ query, dtype=np.float32)

    def measured(self, queries: Floats, wanted: Numbers) -> Approximation:
        """Return how this index is made, with its recall.

        Args:
            queries: shape (n, dimensions).
            wanted: the true nearest rows of each, shape (n, k).
        """
        shares = [self._share(query, rows) for query, rows in zip(queries, wanted, strict=True)]
        recall = float(np.mean(shares)) if shares else 1.0
        about = self.about
        return Approximation(about.lists, about.probed, round(recall, 4), AT, len(queries))

    def _share(self, query: Floats, wanted: Numbers) -> float:
        """Return how many of the rows found are as near as the last of `wanted`, as a share."""
        found = self.search(query, len(wanted))[1]
        return float((found >= self.cosines(query, wanted).min() - 1e-6).sum() / len(wanted))

    def _near(self, query: Floats, count: int, rows: Numbers | None) -> Numbers:
        """Return about `count` rows whose quantised vectors are nearest, in any order."""
        lists, size = self.about.lists, self.size if rows is None else len(rows)
        wider = 1 if rows is None else _WIDER * self.size / size
        probed = min(lists, int(np.ceil(self.about.probed * wider)))
        kept = None if rows is None else _bits(rows, self.size)
        found = self._probe(query, count, probed, kept)
        if len(found) < count and probed < lists:
            found = self._probe(query, count, lists, kept)
        return found

    def _probe(
        self, query: Floats, count: int, probed: int, kept: NDArray[np.uint8] | None
    ) -> Numbers:
        import faiss

        making: Any = faiss.IVFRaBitQSearchParameters  # whose Python form takes what it is to hold
        among: Any = faiss.IDSelectorBitmap  # and this one an array
        chosen = {} if kept is None else {"sel": among(kept)}
        how = making(nprobe=probed, qb=QUERY_BITS, centered=False, **chosen)
        _, found = self._index.search(query[None, :], count, params=how)
        return np.asarray(found[0][found[0] >= 0], dtype=np.int64)


def lists_for(rows: int) -> int:
    """Return into how many lists so many rows are parted; 1 or more."""
    return max(1, min(round(LISTS * float(rows**0.5)), rows // 8))


def exact(vectors: NDArray[np.float16], queries: Floats, k: int) -> Numbers:
    """Return the `k` nearest rows of each query, in any order, shape (queries, at most k)."""
    k = min(k, len(vectors))
    rows = np.empty((len(queries), 0), dtype=np.int64)
    cosines = np.empty((len(queries), 0), dtype=np.float32)
    for start, block in blocks(vectors, _BLOCK):
        more = np.broadcast_to(np.arange(start, start + len(block)), (len(queries), len(block)))
        rows = np.concatenate([rows, more], axis=1)
        cosines = np.concatenate([cosines, queries @ block.T], axis=1)
        kept = np.argpartition(-cosines, min(k, cosines.shape[1]) - 1, axis=1)[:, :k]
        rows = np.take_along_axis(rows, kept, axis=1)
        cosines = np.take_along_axis(cosines, kept, axis=1)
    return rows


def _filled(vectors: NDArray[np.float16], middles: Floats) -> Any:
    """Return the inverted file with all rows in it; each in the list that `nearest` says."""
    import faiss

    lists, dimensions = middles.shape
    quantizer = faiss.IndexFlatIP(dimensions)
    quantizer.add(middles)
    index = faiss.IndexIVFRaBitQ(quantizer, dimensions, lists, faiss.METRIC_INNER_PRODUCT)
    index.train(middles)
    for start, block in blocks(vectors, _BLOCK):
        numbers = np.arange(start, start + len(block), dtype=np.int64)
        lists_of = nearest(block, middles)[0]
        pointers = [faiss.swig_ptr(array) for array in (block, numbers, lists_of)]
        index.add_core(len(block), *pointers)
    return index


def _probed(vectors: NDArray[np.float16], middles: Floats, queries: Floats, wanted: Numbers) -> int:
    """Return in how many lists, the nearest first, a share of `TARGET` of `wanted` stands.

    It is as many as hold `LEAST_SCANNED` rows, about, or more, and `MOST_SCANNED` or fewer: a
    sample of odd sentences may ask for all lists; the recall then says what is missing.
    """
    least, most = (_lists_of(rows, vectors, middles) for rows in (LEAST_SCANNED, MOST_SCANNED))
    if not wanted.size:
        return least
    nearness = queries @ middles.T
    lists = nearest(vectors[wanted.ravel()], middles)[0].reshape(wanted.shape)
    own = np.take_along_axis(nearness, lists, axis=1)
    ranks = np.sort(((nearness[:, None, :] > own[:, :, None]).sum(axis=2) + 1).ravel())
    last = int(np.ceil(TARGET * len(ranks))) - 1
    return min(most, max(least, int(ranks[last])))


def _lists_of(rows: int, vectors: NDArray[np.float16], middles: Floats) -> int:
    """Return how many lists hold so many rows, about."""
    return max(1, min(len(middles), len(middles) * rows // len(vectors)))


def _middle(queries: Floats) -> Floats:
    """Return the unit vector between several; one alone as it is."""
    if len(queries) == 1:
        return np.asarray(queries[0], np.float32)
    between = queries.mean(axis=0)
    return np.asarray(between / max(float(np.linalg.norm(between)), 1e-12), np.float32)


def _read(path: Path) -> Any:
    """Map an inverted file into memory; where that cannot be, read it."""
    import faiss

    try:
        index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP if _MAPS else 0)
        lists = faiss.downcast_InvertedLists(index.invlists)
    except (RuntimeError, MemoryError, AttributeError) as error:
        raise IndexDamagedError(
            f"The vectors in {path.name!r} cannot be read; build the index again: wenju build"
        ) from error
    if hasattr(lists, "prefetch_nthread"):
        lists.prefetch_nthread = 0  # 32 threads started for each question take three times as long
    return index


def _bits(rows: Numbers, size: int) -> NDArray[np.uint8]:
    """Return a bit for each row, set where it is among `rows`, as FAISS wants them."""
    kept = np.zeros(size, dtype=bool)
    kept[rows] = True
    return np.packbits(kept, bitorder="little")
