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
_Found = tuple[Numbers, Floats]

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
        return self.search_each(query[None, :], k, rows)[0]

    def search_each(
        self, queries: Floats, k: int, rows: Numbers | None = None
    ) -> list[tuple[Numbers, Floats]]:
        """Return what `search` returns for each of several queries that lie close together.

        Args:
            queries: unit vectors, shape (n, dimensions).
            k: as in `search`.
            rows: as in `search`.
        """
        if rows is None:
            found = [(at, self._among_all(at, queries, k)) for at in range(len(self._parts))]
        else:
            found = [
                (piece, self._among(piece, queries, k, rows[at] - self._offsets.of(piece)))
                for piece, at in self._offsets.places(rows)
            ]
        return [
            self._best([(piece, own[at]) for piece, own in found], k) for at in range(len(queries))
        ]

    def _best(self, found: Sequence[tuple[int, _Found]], k: int) -> _Found:
        """Return the best of what was found in pieces, given with the piece's number."""
        if not found:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        numbers = [rows + self._offsets.of(piece) for piece, (rows, _) in found]
        return best(
            np.concatenate(numbers), np.concatenate([near for _, (_, near) in found]), max(0, k)
        )

    def _among_all(self, piece: int, queries: Floats, k: int) -> list[_Found]:
        mask = self._deleted[piece]
        if mask is None:
            return self._parts[piece].search_each(queries, k)
        wanted = k + _MORE
        while True:
            found = self._parts[piece].search_each(queries, wanted)
            kept = [~mask[rows] for rows, _ in found]
            if all(own.sum() >= k or len(own) < wanted for own in kept):
                return [(r[own], near[own]) for own, (r, near) in zip(kept, found, strict=True)]
            wanted *= 2

    def _among(self, piece: int, queries: Floats, k: int, rows: Numbers) -> list[_Found]:
        mask = self._deleted[piece]
        kept = rows if mask is None else rows[~mask[rows]]
        return self._parts[piece].search_each(queries, k, kept)

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
