"""BM25 scores of one question: of the rows that are asked for, and the best of all rows.

The best rows are found without scoring every row that holds a word (MaxScore, Turtle and Flood
1995): the rarest terms propose rows, and the common ones are looked up only for proposed rows that
can still be among the best. The result is that of scoring everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]
Places = NDArray[np.intp]
_Number = TypeVar("_Number", bound=np.integer[Any])

_DENSE = 16
"""Of a list that is so many times as long as another one, only the other's rows are looked up."""


class Holding(NamedTuple):
    """The rows that hold a term, rising, and what it weighs.

    Attributes:
        rows: shape (n,), rising.
        weight: idf of the term.
        counts: how often each row holds it; None where that does not count.
        damping: of all rows what BM25 adds to a count; None without counts.
    """

    rows: NDArray[np.int32]
    weight: float
    counts: NDArray[np.uint16] | None = None
    damping: Floats | None = None

    def find(self, rows: NDArray[np.int32]) -> tuple[Places, Places]:
        """Return where some of `rows` stand in `self.rows`, and where these are in `rows`."""
        if not len(self.rows):
            return np.empty(0, np.intp), np.empty(0, np.intp)
        # Rows of another width would make numpy convert the whole list.
        places = self.rows.searchsorted(rows)
        np.minimum(places, len(self.rows) - 1, out=places)
        found = np.flatnonzero(self.rows.take(places) == rows)
        return places.take(found), found

    def has(self, row: int) -> bool:
        """Tell whether it holds one row; `find` takes three times as long for it."""
        place = int(self.rows.searchsorted(np.int32(row)))
        return place < len(self.rows) and int(self.rows[place]) == row

    def only(self, at: Places) -> Holding:
        """Return it with the rows at these places."""
        counts = None if self.counts is None else self.counts.take(at)
        return self._replace(rows=self.rows.take(at), counts=counts)

    def gains(self) -> Floats:
        """Return what the term adds to the score of each row, shape (n,)."""
        weight = np.float32(self.weight)
        if self.counts is None or self.damping is None:
            return np.full(len(self.rows), weight)
        own = self.counts.astype(np.float32)
        # Indices of the machine's own width and `take` halve the time of plain indexing.
        gains = self.damping.take(self.rows.astype(np.intp))
        gains += own
        np.divide(own, gains, out=gains)
        gains *= weight
        return gains


class Matches:
    """BM25 scores for one question.

    Attributes:
        weights: idf of each distinct question term, also of those that no row holds.
    """

    def __init__(
        self, weights: Mapping[str, float], held: Mapping[str, Holding], size: int
    ) -> None:
        self.weights = weights
        self._holdings, self._size = held, size

    @classmethod
    def unlisted(cls, weights: Mapping[str, float], held: Iterable[str]) -> Matches:
        """Return what is left of a question's matches where no row is asked for any more."""
        return cls(weights, {one: Holding(np.empty(0, np.int32), 0.0) for one in held}, 0)

    @property
    def held(self) -> Collection[str]:
        """Terms that some row holds."""
        return self._holdings.keys()

    def best(self, k: int, among: Numbers | None = None) -> Numbers:
        """Return the rows with the at most `k` highest scores above 0, best first, ties by row.

        Args:
            k: 1 or more.
            among: choose from these rows only; None for all.
        """
        allowed = None if among is None else _Allowed(among, self._size)
        rows = self._likely(k, allowed)
        scores = self.scores(rows)
        found: Numbers = rows[np.lexsort((rows, -scores))[:k]]
        return found

    def scores(self, rows: Numbers) -> Floats:
        """Return the scores of rows, shape (len(rows),); 0 where no term matches."""
        found = np.zeros(len(rows), dtype=np.float32)
        wanted = np.asarray(rows, dtype=np.int32)
        for holding in self._holdings.values():
            _add(found, holding, wanted)
        return found

    def holds(self, term: str, rows: Numbers) -> NDArray[np.bool_]:
        """Tell of each row whether it holds a term, shape (len(rows),)."""
        found = np.zeros(len(rows), dtype=bool)
        holding = self._holdings.get(term)
        if holding is not None and len(holding.rows):
            found[holding.find(np.asarray(rows, dtype=np.int32))[1]] = True
        return found

    def words(self, row: int) -> tuple[str, ...]:
        """Return the question's terms that `row` holds, rarest first."""
        held = [term for term, holding in self._holdings.items() if holding.has(row)]
        return tuple(sorted(held, key=lambda term: (-self.weights[term], term)))

    def coverage(self, row: int, *, known: bool = False) -> float:
        """Return the share of the question's idf mass that `row` holds, 0 to 1.

        Args:
            row: row of the postings.
            known: leave out of the mass the terms that no row holds.
        """
        terms = self._holdings if known else self.weights
        total = sum(self.weights[term] for term in terms)
        return sum(self.weights[term] for term in self.words(row)) / total if total else 0.0

    def _likely(self, k: int, allowed: _Allowed | None) -> Numbers:
        """Return rows that hold a term, the best `k` among them, rising."""
        # The weight alone is what a term adds at most: no count is endless.
        lists = sorted(self._holdings.values(), key=lambda one: -one.weight)
        # Sums of rounded numbers are compared with sums in another order.
        slack = 1 + 1e-6 * (8 + len(lists))
        left = np.append(np.cumsum([one.weight * slack for one in lists][::-1])[::-1], 0.0)
        top, scores = _Top(k), np.zeros(self._size, np.float32)
        written: list[Places] = []
        for one in lists:
            if top.floor > left[len(written)] * slack:
                break
            own = one if allowed is None else allowed.of(one)
            places = own.rows.astype(np.intp)
            scores[places] = gains = own.gains() + scores.take(places)
            written.append(places)
            top.add(places, gains, scores)
        tried = len(written)
        rows = _reaching(scores, written, top.floor / slack - left[tried])
        found = scores.take(rows)
        for at in range(tried, len(lists)):
            _add(found, lists[at], rows.astype(np.int32))
            kept = found + left[at + 1] >= max(top.floor, _nth(found, k)) / slack
            rows, found = rows[kept], found[kept]
        return rows.astype(np.int64)


def _add(scores: Floats, holding: Holding, rows: NDArray[np.int32]) -> None:
    places, found = holding.find(rows)
    scores[found] += holding.only(places).gains()


class _Top:
    """A score that the best `k` rows reach for sure, as more terms are added."""

    def __init__(self, k: int) -> None:
        self._k, self._rows = k, np.empty(0, np.intp)
        self.floor = 0.0

    def add(self, places: Places, found: Floats, scores: Floats) -> None:
        """Take up the rows of one more term: where they are, and what they have so far."""
        high = np.flatnonzero(found >= self.floor)
        if len(high) > self._k:
            high = high[np.argpartition(found.take(high), len(high) - self._k)[-self._k :]]
        rows = distinct(np.concatenate([self._rows, places.take(high)]))
        values = scores.take(rows)
        if len(rows) >= self._k:
            best = np.argpartition(values, len(rows) - self._k)[-self._k :]
            rows, self.floor = rows.take(best), float(values.take(best).min())
        self._rows = rows


class _Allowed:
    """The rows that a filter lets through."""

    def __init__(self, rows: Numbers, size: int) -> None:
        self._rows = distinct(rows.astype(np.int32))
        self._mask: NDArray[np.bool_] | None = None
        # A mask is worth it only where it is no longer than what was given.
        if _DENSE * len(self._rows) > size:
            self._mask = np.zeros(size, dtype=bool)
            self._mask[self._rows] = True

    def of(self, holding: Holding) -> Holding:
        """Return what of a holding is let through."""
        if self._mask is not None:
            at = np.flatnonzero(self._mask.take(holding.rows))
        elif len(holding.rows) > len(self._rows):
            at = holding.find(self._rows)[0]
        else:
            at = Holding(self._rows, 0.0).find(holding.rows)[1]
        return holding.only(at)


def _reaching(scores: Floats, written: list[Places], least: float) -> Places:
    """Return the rows among `written` that have at least this score, rising."""
    high = (places[scores.take(places) >= least] for places in written)
    return distinct(np.concatenate([np.empty(0, np.intp), *high]))


def distinct(numbers: NDArray[_Number]) -> NDArray[_Number]:
    """Return whole numbers rising, each once; `np.unique` takes many times as long for them."""
    ordered = np.sort(numbers)
    first = np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]
    found: NDArray[_Number] = ordered[first]
    return found


def _nth(values: Floats, n: int) -> float:
    return float(np.partition(values, len(values) - n)[len(values) - n]) if len(values) >= n else 0
