"""Exact search over unit vectors by FAISS; `embeddings.approximate` is for many of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import IndexDamagedError

SMALL = 1000
"""Of so many rows, or fewer, the cosines are worked out one by one, without FAISS."""


class VectorIndex:
    """Exact inner-product search over unit vectors, opened by memory map; rows keep their order."""

    rounding = 1e-6
    """How far a number of a vector may be from what was given to `write`."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self.size = int(index.ntotal)
        self.dimensions = int(index.d)

    @classmethod
    def write(cls, path: Path, vectors: NDArray[np.float32]) -> None:
        """Write `vectors`, shape (rows, dimensions), to `path`.

        Raises:
            OSError: when FAISS cannot write it; of an error as it closes the file it says nothing.
        """
        import faiss

        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        try:
            faiss.write_index(index, str(path))
        except RuntimeError as error:
            raise OSError(f"FAISS cannot write {path.name!r}") from error

    @classmethod
    def open(cls, path: Path) -> VectorIndex:
        """Map the index at `path` into memory.

        Raises:
            IndexDamagedError: when FAISS cannot read it.
        """
        import faiss

        try:
            return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC))
        except (RuntimeError, MemoryError) as error:
            raise IndexDamagedError(
                f"The vectors in {path.name!r} cannot be read; build the index again: wenju build"
            ) from error

    def search(
        self, query: NDArray[np.float32], k: int, rows: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the rows nearest to `query` and their cosines, best first, ties by row.

        This is exact, also where the last of them ties with the next.

        Args:
            query: unit vector, shape (dimensions,).
            k: how many at most; fewer come back when there are fewer.
            rows: search among these rows only, each once; None for all.
        """
        size = self.size if rows is None else len(rows)
        k = min(k, size)
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if rows is not None and size <= SMALL:
            return best(np.asarray(rows, dtype=np.int64), self.cosines(query, rows), k)
        among = _among(rows)
        found = self._index.search(query[None, :], min(k + 1, size), **among)
        cosines, nearest = found[0][0], found[1][0]
        if len(cosines) > k and cosines[k - 1] == cosines[k]:  # FAISS takes any of those that tie
            least = float(np.nextafter(cosines[k], np.float32(-np.inf)))
            _, cosines, nearest = self._index.range_search(query[None, :], least, **among)
        return best(nearest, cosines, k)

    def search_each(
        self, queries: NDArray[np.float32], k: int, rows: NDArray[np.int64] | None = None
    ) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Return what `search` returns for each of several queries, shape (n, dimensions)."""
        return [self.search(query, k, rows) for query in queries]

    def vectors(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors of `rows`, shape (len(rows), dimensions)."""
        if not len(rows):
            return np.empty((0, self.dimensions), np.float32)
        return np.asarray(self._index.reconstruct_batch(np.asarray(rows, dtype=np.int64)))

    def cosines(self, query: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the cosine of `query` with each of `rows`, shape (len(rows),)."""
        return np.asarray(self.vectors(rows) @ query, dtype=np.float32)


def best(
    rows: NDArray[np.int64], cosines: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the `k` rows of the highest cosines, and these, best first, ties by row."""
    if len(rows) > k:
        kept = cosines >= np.partition(cosines, len(rows) - k)[len(rows) - k]
        rows, cosines = rows[kept], cosines[kept]
    order = np.lexsort((rows, -cosines))[:k]
    return rows[order], cosines[order]


def _among(rows: NDArray[np.int64] | None) -> dict[str, Any]:
    if rows is None:
        return {}
    import faiss

    selector = faiss.IDSelectorBatch(rows)
    return {"params": faiss.SearchParameters(sel=selector)}  # type: ignore[call-arg]
