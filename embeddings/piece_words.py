"""BM25 over the words of several pieces as over one.

A term weighs what it does in all pieces together. Deleted rows come out of no search and count
nowhere: what they hold has postings of its own, which is taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings.matches import Matches
from embeddings.pieces import Offsets
from embeddings.postings import Corpus, Groups, Postings

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

_MORE = 16
"""Rows fetched beyond those wanted where some are deleted; more where too few are left."""


@dataclass(frozen=True, slots=True)
class MatchPieces:
    """What `postings.Matches` tells, over several pieces.

    Attributes:
        weights: idf of each distinct question term, also of those that no row holds.
        held: terms that some row holds.
    """

    weights: dict[str, float]
    held: Collection[str]
    _parts: Sequence[Matches]
    _deleted: Sequence[NDArray[np.bool_] | None]
    _offsets: Offsets

    def best(self, k: int, among: Numbers | None = None) -> Numbers:
        """Return the rows with the at most `k` highest scores above 0, best first, ties by row.

        Args:
            k: 1 or more.
            among: choose from these rows only; None for all.
        """
        if among is None:
            found = [self._best(piece, k) for piece in range(len(self._parts))]
        else:
            found = [
                self._best_among(piece, k, among[at]) for piece, at in self._offsets.places(among)
            ]
        rows = np.concatenate([np.empty(0, np.int64), *found])
        order = np.lexsort((rows, -self.scores(rows)))[:k]
        return np.asarray(rows[order], dtype=np.int64)

    def _best(self, piece: int, k: int) -> Numbers:
        mask, matches = self._deleted[piece], self._parts[piece]
        if mask is None:
            return matches.best(k) + self._offsets.of(piece)
        wanted = k + _MORE
        while True:
            rows = matches.best(wanted)
            kept = rows[~mask[rows]]
            if len(kept) >= k or len(rows) < wanted:
                return np.asarray(kept + self._offsets.of(piece))
            wanted *= 2

    def _best_among(self, piece: int, k: int, among: Numbers) -> Numbers:
        own = among - self._offsets.of(piece)
        mask = self._deleted[piece]
        kept = own if mask is None else own[~mask[own]]
        return self._parts[piece].best(k, kept) + self._offsets.of(piece)

    def scores(self, rows: Numbers) -> Floats:
        """Return the scores of rows, shape (len(rows),); 0 where no term matches."""
        found = np.zeros(len(rows), dtype=np.float32)
        for piece, at in self._offsets.places(rows):
            found[at] = self._parts[piece].scores(rows[at] - self._offsets.of(piece))
        return found

    def holds(self, term: str, rows: Numbers) -> NDArray[np.bool_]:
        """Tell of each row whether it holds a term, shape (len(rows),)."""
        found = np.zeros(len(rows), dtype=bool)
        for piece, at in self._offsets.places(rows):
            found[at] = self._parts[piece].holds(term, rows[at] - self._offsets.of(piece))
        return found

    def words(self, row: int) -> tuple[str, ...]:
        """Return the question's terms that `row` holds, rarest first."""
        matches, own = self._of(row)
        return matches.words(own)

    def coverage(self, row: int, *, known: bool = False) -> float:
        """Return the share of the question's idf mass that `row` holds, 0 to 1.

        Args:
            row: a passage.
            known: leave out of the mass the terms that no row holds.
        """
        terms = self.held if known else self.weights
        total = sum(self.weights[term] for term in terms)
        return sum(self.weights[term] for term in self.words(row)) / total if total else 0.0

    def _of(self, row: int) -> tuple[Matches, int]:
        piece = int(self._offsets.pieces(np.array([row]))[0])
        return self._parts[piece], row - self._offsets.of(piece)


class WordPieces:
    """BM25 over the words of several pieces, by what all of them hold together.

    Args:
        parts: the postings of each piece.
        deleted: of each piece whether each row is deleted, or None where none is.
        gone: of each piece the postings of what is deleted, or None.
    """

    def __init__(
        self,
        parts: Sequence[Postings],
        deleted: Sequence[NDArray[np.bool_] | None],
        gone: Sequence[Postings | None],
    ) -> None:
        self._parts, self._deleted = parts, deleted
        self._gone = [one for one in gone if one is not None]
        self._offsets = Offsets([part.size for part in parts])
        self.size = self._sum(lambda one: one.size)
        self._length = self._sum(lambda one: one.total_length)

    def _sum(self, value: Callable[[Postings], int]) -> int:
        return sum(map(value, self._parts)) - sum(map(value, self._gone))

    def match(self, tokens: Iterable[str]) -> MatchPieces:
        """Score the passages against the distinct `tokens` of a question, by BM25."""
        terms = tuple(dict.fromkeys(tokens))
        held = {term: self._sum(lambda one, term=term: one.frequency(term)) for term in terms}  # type: ignore[misc]
        corpus = Corpus(self.size, self._length, held)
        found = [part.match(terms, corpus) for part in self._parts]
        weights = {term: self.idf(held[term]) for term in terms}
        some = [term for term in terms if held[term]]
        return MatchPieces(weights, some, found, self._deleted, self._offsets)

    def match_groups(self, groups: Groups) -> MatchPieces:
        """Score the passages by the keys of `groups`; see `searchable.Words`."""
        found = [part.group_rows(groups) for part in self._parts]
        gone = [part.group_rows(groups) for part in self._gone]
        held = {
            key: sum(len(one[key]) for one in found) - sum(len(one[key]) for one in gone)
            for key in groups
        }
        weights = {key: self.idf(held[key]) for key in groups}
        parts = [
            part.matches_of(rows, weights) for part, rows in zip(self._parts, found, strict=True)
        ]
        some = [key for key in groups if held[key]]
        return MatchPieces(weights, some, parts, self._deleted, self._offsets)

    def idf(self, rows: int) -> float:
        """Return the inverse document frequency of a term that `rows` passages hold."""
        return float(np.log1p((self.size - rows + 0.5) / (rows + 0.5)))
