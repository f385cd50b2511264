"""BM25 over an inverted index in memory-mapped arrays.

Knows terms as strings only: what a word is, `embeddings.lexical` says.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

K1 = 1.2
"""Term frequency saturation of BM25."""

B = 0.75
"""Length normalisation of BM25, 0 (none) to 1 (full)."""


def origins_of(parts: Iterable[bytes]) -> NDArray[np.uint64]:
    """Return a hash of each item, shape (items, 2): what the tokens of a row were made from."""
    hashes = b"".join(hashlib.blake2b(part, digest_size=16).digest() for part in parts)
    return np.frombuffer(hashes, dtype="<u8").reshape(-1, 2)


def term_hash(term: str) -> int:
    """Return the 64-bit key under which a term's postings are kept."""
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=8).digest(), "little")


@dataclass(frozen=True, slots=True)
class Matches:
    """BM25 scores of all rows for one question.

    Attributes:
        scores: shape (rows,), float32, 0 where no term matches.
        weights: idf of each distinct question term, also of those that no row holds.
        rows: for each distinct question term the rows that hold it, rising.
    """

    scores: NDArray[np.float32]
    weights: dict[str, float]
    rows: dict[str, NDArray[np.int32]]

    def best(self, k: int, among: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return the rows with the at most `k` highest scores above 0, best first, ties by row.

        Args:
            k: 1 or more.
            among: choose from these rows only; None for all.
        """
        if among is None:
            rows = np.flatnonzero(self.scores >= self._floor(k))
        else:
            rows = np.asarray(among[self.scores[among] > 0], dtype=np.int64)
        scores = self.scores[rows]
        if len(rows) > k:
            last = np.partition(scores, len(rows) - k)[len(rows) - k]
            rows, scores = rows[scores >= last], scores[scores >= last]
        found: NDArray[np.int64] = rows[np.lexsort((rows, -scores))[:k]]
        return found

    def _floor(self, k: int) -> float:
        """Return a score above 0 that the best `k` rows reach, if so many match at all.

        They do as well as the best `k` of the rows that hold one term, the rarest with so many.
        """
        enough = [rows for rows in self.rows.values() if len(rows) >= k]
        if not enough:
            return float(np.finfo(np.float32).tiny)
        scores = self.scores[min(enough, key=len)]
        return float(np.partition(scores, len(scores) - k)[len(scores) - k])

    def words(self, row: int) -> tuple[str, ...]:
        """Return the question's terms that `row` holds, rarest first."""
        held = [term for term, rows in self.rows.items() if _holds(rows, row)]
        return tuple(sorted(held, key=lambda term: (-self.weights[term], term)))

    def coverage(self, row: int, *, known: bool = False) -> float:
        """Return the share of the question's idf mass that `row` holds, 0 to 1.

        Args:
            row: row of the postings.
            known: leave out of the mass the terms that no row holds.
        """
        terms = self.rows if known else self.weights
        total = sum(self.weights[term] for term in terms)
        return sum(self.weights[term] for term in self.words(row)) / total if total else 0.0


def _holds(rows: NDArray[np.int32], row: int) -> bool:
    at = int(rows.searchsorted(row))
    return at < len(rows) and int(rows[at]) == row


_ROW_BITS = np.uint64(32)
_ROW = np.uint64(2**32 - 1)
_MOST = 65535
"""How often a term is counted in a row at most."""

_ARRAYS = ("terms", "starts", "rows", "counts", "lengths")

_ORIGINS = "origins.npy"
"""What each row was made from; postings of older versions have none."""


class Postings:
    """An inverted index in five arrays, opened by memory map.

    Score of a row d for question terms q (Robertson and Zaragoza 2009, with Lucene's idf, which is
    never negative):
    ``sum over q of idf(q) * tf / (tf + K1 * (1 - B + B * |d| / mean |d|))`` with
    ``idf(q) = ln(1 + (N - df + 0.5) / (df + 0.5))``.
    """

    def __init__(
        self, arrays: dict[str, NDArray[Any]], origins: NDArray[np.uint64] | None = None
    ) -> None:
        self._arrays, self._origins = arrays, origins
        self.size = len(arrays["lengths"])
        lengths = arrays["lengths"]
        mean = float(lengths.mean()) if lengths.any() else 1.0
        damping = K1 * (1 - B + B * np.asarray(lengths, np.float64) / mean)
        self._damping = damping.astype(np.float32)

    @classmethod
    def write(
        cls,
        folder: Path,
        rows: Iterable[Sequence[str] | int],
        previous: Postings | None = None,
        origins: NDArray[np.uint64] | None = None,
    ) -> None:
        """Write the postings of row 0, 1, … into `folder`.

        Args:
            folder: made where it is missing; not the one that `previous` was opened from.
            rows: the tokens of each row, or a number: the row of `previous` that has the same
                tokens, which costs next to nothing. No number may come twice.
            previous: postings that were written before.
            origins: what the tokens of each row were made from (`origins_of`), for `rows_of`.

        Raises:
            ValueError: when a number comes twice, or there is no `previous`.
        """
        arrays = _arrays(rows, previous._arrays if previous else None)
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in arrays.items():
            np.save(folder / f"{name}.npy", values, allow_pickle=False)
        if origins is not None:
            np.save(folder / _ORIGINS, origins, allow_pickle=False)
        (folder / "postings.json").write_text(json.dumps({"k1": K1, "b": B}), encoding="utf-8")

    @classmethod
    def open(cls, folder: Path, *, for_rows: bool = False) -> Postings:
        """Map the postings of `folder` into memory; what `rows_of` needs, only when it is asked."""
        # As plain arrays: a slice of numpy's own class for maps takes ten times as long.
        arrays = {
            name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))
            for name in _ARRAYS
        }
        path = folder / _ORIGINS
        known = for_rows and path.exists()
        return cls(arrays, np.load(path, allow_pickle=False) if known else None)

    def rows_of(self, origins: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the row that was made from each of `origins`, or -1; no row comes twice.

        Older postings, and such as were opened without `for_rows`, have none.
        """
        found = np.full(len(origins), -1, dtype=np.int64)
        if self._origins is None or self._origins.shape != (self.size, 2) or not self.size:
            return found
        order = np.argsort(self._origins[:, 0], kind="stable")
        at = np.searchsorted(self._origins[order, 0], origins[:, 0])
        rows = order[np.minimum(at, self.size - 1)]
        same = np.flatnonzero((self._origins[rows] == origins).all(axis=1))
        # Rows of different roles may have the same words: the others are then counted anew.
        _, first = np.unique(rows[same], return_index=True)
        found[same[first]] = rows[same[first]]
        return found

    def match(self, tokens: Iterable[str]) -> Matches:
        """Score all rows against the distinct `tokens` of a question."""
        scores = np.zeros(self.size, dtype=np.float32)
        weights: dict[str, float] = {}
        held: dict[str, NDArray[np.int32]] = {}
        for term in dict.fromkeys(tokens):
            rows, counts = self._postings(term)
            weights[term] = self.idf(len(rows))
            if len(rows):
                held[term] = rows
                self._add(scores, weights[term], rows, counts)
        return Matches(scores, weights, held)

    def _add(
        self,
        scores: NDArray[np.float32],
        weight: float,
        rows: NDArray[np.int32],
        counts: NDArray[np.float32],
    ) -> None:
        # Indices of the machine's own width and `take` halve the time of plain indexing.
        at = rows.astype(np.intp)
        gains = self._damping.take(at)
        gains += counts
        np.divide(counts, gains, out=gains)
        gains *= np.float32(weight)
        gains += scores.take(at)
        scores[at] = gains

    def idf(self, rows: int) -> float:
        """Return the inverse document frequency of a term that `rows` rows hold."""
        return float(np.log1p((self.size - rows + 0.5) / (rows + 0.5)))

    def _postings(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        terms = self._arrays["terms"]
        key = np.uint64(term_hash(term))
        at = int(terms.searchsorted(key))
        if at == len(terms) or terms[at] != key:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        start, end = (int(i) for i in self._arrays["starts"][at : at + 2])
        return (
            np.asarray(self._arrays["rows"][start:end]),
            np.asarray(self._arrays["counts"][start:end], dtype=np.float32),
        )


class _Inverted(NamedTuple):
    """Postings by term, then row: `keys` holds the term's number << 32 | row, rising."""

    terms: NDArray[np.uint64]
    keys: NDArray[np.uint64]
    counts: NDArray[np.uint16]


def _arrays(
    rows: Iterable[Sequence[str] | int], previous: dict[str, NDArray[Any]] | None
) -> dict[str, NDArray[Any]]:
    old_rows, lengths, inverted = _invert(rows)
    taken = np.flatnonzero(old_rows >= 0)
    if len(taken):
        if previous is None or np.bincount(old_rows[taken]).max() > 1:
            raise ValueError("A row of the previous postings comes twice, or there are none")
        lengths[taken] = previous["lengths"][old_rows[taken]]
        inverted = _merge(_select(previous, old_rows, taken), inverted)
    terms, keys, counts = inverted
    starts = np.searchsorted(keys, np.arange(len(terms) + 1, dtype=np.uint64) << _ROW_BITS)
    used = np.flatnonzero(np.diff(starts))
    return {
        "terms": terms[used],
        "starts": np.append(starts[used], len(keys)).astype(np.int64),
        "rows": (keys & _ROW).astype(np.int32),
        "counts": counts,
        "lengths": lengths,
    }


def _invert(
    rows: Iterable[Sequence[str] | int],
) -> tuple[NDArray[np.int64], NDArray[np.int32], _Inverted]:
    """Return of each row its number in the previous postings or -1, its length, and postings.

    Of rows that are numbers, length and postings are still to be filled in.
    """
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    old_rows, lengths, distinct = array("q"), array("i"), array("i")
    terms, counts = array("I"), array("I")
    for row in rows:
        tokens: Sequence[str] = () if isinstance(row, int) else row
        counted = Counter(tokens)
        old_rows.append(row if isinstance(row, int) else -1)
        lengths.append(len(tokens))
        distinct.append(len(counted))
        terms.extend(map(numbers.__getitem__, counted))
        counts.extend(counted.values())
    owners = np.repeat(np.arange(len(lengths), dtype=np.uint32), np.asarray(distinct))
    inverted = _sorted(list(numbers), np.asarray(terms), owners, np.asarray(counts))
    return np.array(old_rows), np.array(lengths), inverted


def _sorted(
    terms: list[str],
    numbers: NDArray[np.uint32],
    owners: NDArray[np.uint32],
    counts: NDArray[np.uint32],
) -> _Inverted:
    """Return postings by term; they come by row, as term number, row and count."""
    hashes = np.array([term_hash(term) for term in terms], dtype=np.uint64)
    kept, ranks = np.unique(hashes, return_inverse=True)
    # Sorting numbers is many times faster than sorting their indices, which ride along instead.
    keys = ranks.astype(np.uint64)[numbers]
    keys <<= _ROW_BITS
    keys |= np.arange(len(keys), dtype=np.uint64)
    keys.sort()
    order = keys.astype(np.uint32)
    keys &= ~_ROW
    keys |= owners[order]
    return _Inverted(kept, keys, np.minimum(counts[order], _MOST).astype(np.uint16))


def _select(
    previous: dict[str, NDArray[Any]], old_rows: NDArray[np.int64], taken: NDArray[np.int64]
) -> _Inverted:
    """Return the postings of the previous rows that are taken over, with their new rows."""
    new_rows = np.full(len(previous["lengths"]), -1, dtype=np.int64)
    new_rows[old_rows[taken]] = taken
    rows = new_rows[previous["rows"]]
    kept = rows >= 0
    numbers = np.arange(len(previous["terms"]), dtype=np.uint64) << _ROW_BITS
    keys = np.repeat(numbers, np.diff(previous["starts"]))[kept] | rows[kept].astype(np.uint64)
    return _Inverted(np.asarray(previous["terms"]), keys, previous["counts"][kept])


def _merge(*both: _Inverted) -> _Inverted:
    terms = np.unique(np.concatenate([one.terms for one in both]))
    keys = np.concatenate([_renumbered(one, terms) for one in both])
    # Stable sorting finds the runs that are in order already: this is a merge, not a sort.
    order = np.argsort(keys, kind="stable")
    return _Inverted(terms, keys[order], np.concatenate([one.counts for one in both])[order])


def _renumbered(one: _Inverted, terms: NDArray[np.uint64]) -> NDArray[np.uint64]:
    numbers = np.searchsorted(terms, one.terms).astype(np.uint64)
    renumbered: NDArray[np.uint64] = numbers[one.keys >> _ROW_BITS] << _ROW_BITS | one.keys & _ROW
    return renumbered
