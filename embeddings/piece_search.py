"""Search over the vectors of several pieces as over one; `embeddings.piece_words` is for words.

Rows of the whole are those of the pieces, counted on from piece to piece. Deleted rows come out of
no search and count nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings.passage_vectors import PassageVectors
from embeddings.pieces import Offsets
from embeddings.vectors import best

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

_MORE = 16
"""Rows fetched beyond those wanted where some are deleted; more where too few are left."""


def mask_of(rows: Numbers, size: int) -> NDArray[np.bool_] | None:
    """Return for each of `size` rows whether it is among `rows`; None where there are none."""
    if not len(rows):
        return None
    mask = np.zeros(size, dtype=bool)
    mask[rows] = True
    return mask


class NearestPieces:
    """Nearest neighbours over the vectors of several pieces.

    Args:
        parts: the vectors of each piece.
        deleted: of each piece whether each row is deleted, or None where none is.
    """

    def __init__(
        self, parts: Sequence[PassageVectors], deleted: Sequence[NDArray[np.bool_] | None]
    ) -> None:
        self._parts, self._deleted = parts, deleted
        self._offsets = Offsets([part.size for part in parts])
        gone = sum(int(mask.sum()) for mask in deleted if mask is not None)
        self.size = sum(part.size for part in parts) - gone
        self.dimensions = parts[0].dimensions
        self.rounding = max(part.rounding for part in parts)

    def search(self, query: Floats, k: int, rows: Numbers | None = None) -> tuple[Numbers, Floats]:
        """Return the rows nearest to `query` and their cosines, best first, ties by row.

        Args:
            query: unit vector, shape (dimensions,).
            k: how many at most; fewer come back when there are fewer.
            rows: search among these rows only, each once; None for all.
        """
        if rows is None:
            found = [(at, *self._among_all(at, query, k)) for at in range(len(self._parts))]
        else:
            found = [
                (piece, *self._among(piece, query, k, rows[at] - self._offsets.of(piece)))
                for piece, at in self._offsets.places(rows)
            ]
        numbers = [own + self._offsets.of(piece) for piece, own, _ in found]
        cosines = [near for _, _, near in found]
        if not found:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        return best(np.concatenate(numbers), np.concatenate(cosines), max(0, k))

    def _among_all(self, piece: int, query: Floats, k: int) -> tuple[Numbers, Floats]:
        mask = self._deleted[piece]
        if mask is None:
            return self._parts[piece].search(query, k)
        wanted = k + _MORE
        while True:
            rows, cosines = self._parts[piece].search(query, wanted)
            kept = ~mask[rows]
            if kept.sum() >= k or len(rows) < wanted:
                return rows[kept], cosines[kept]
            wanted *= 2

    def _among(self, piece: int, query: Floats, k: int, rows: Numbers) -> tuple[Numbers, Floats]:
        mask = self._deleted[piece]
        kept = rows if mask is None else rows[~mask[rows]]
        return self._parts[piece].search(query, k, kept)

    def vectors(self, rows: Sequence[int] | Numbers) -> Floats:
        """Return the vectors of `rows`, shape (len(rows), dimensions)."""
        wanted = np.asarray(rows, dtype=np.int64)
        found = np.empty((len(wanted), self.dimensions), dtype=np.float32)
        for piece, at in self._offsets.places(wanted):
            found[at] = self._parts[piece].vectors(wanted[at] - self._offsets.of(piece))
        return found

    def cosines(self, query: Floats, rows: Numbers) -> Floats:
        """Return the cosine of `query` with each of `rows`, shape (len(rows),)."""
        return np.asarray(self.vectors(rows) @ query, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class CentrePieces:
    """Vectors without the mean of their script; what is left of each is worked out when asked.

    Attributes:
        means: shape (3, dimensions), by `lexical.Script`, of all that is not deleted.
        vectors: returns the vectors of rows.
    """

    means: Floats
    vectors: Callable[[Numbers], Floats]

    def cosines(
        self, query: Floats, products: Floats, rows: Numbers, scripts: NDArray[np.uint8]
    ) -> Floats:
        """Return the cosine of `query` with each row without its script's mean.

        The arguments are those of `centre.Centre.cosines`.
        """
        lengths = np.linalg.norm(self.vectors(rows) - self.means[scripts], axis=1)
        common = (self.means @ query)[scripts]
        return np.asarray((products - common) / np.maximum(lengths, 1e-6), dtype=np.float32)
