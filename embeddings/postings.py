"""BM25 over an inverted index in memory-mapped arrays.

Knows terms as strings only: what a word is, `embeddings.lexical` says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from embeddings.inversion import term_hash, write_arrays
from embeddings.matches import Holding, Matches

__all__ = ["K1", "B", "Corpus", "Groups", "Postings", "origins_of", "term_hash"]

K1 = 1.2
"""Term frequency saturation of BM25."""

B = 0.75
"""Length normalisation of BM25, 0 (none) to 1 (full)."""


def origins_of(parts: Iterable[bytes]) -> NDArray[np.uint64]:
    """Return a hash of each item, shape (items, 2): what the tokens of a row were made from."""
    hashes = b"".join(hashlib.blake2b(part, digest_size=16).digest() for part in parts)
    return np.frombuffer(hashes, dtype="<u8").reshape(-1, 2)


Groups = Mapping[str, Sequence[Sequence[str]]]
"""By key, what may stand for it: one or another of these, each with all of its terms."""


class Corpus(NamedTuple):
    """What the idf of terms and the mean length of rows are made from.

    Attributes:
        size: number of rows.
        total_length: of all of them, in tokens.
        frequencies: how many rows hold each term of the question.
    """

    size: int
    total_length: int
    frequencies: Mapping[str, int]

    def idf(self, rows: int) -> float:
        """Return the inverse document frequency of a term that `rows` rows hold."""
        return float(np.log1p((self.size - rows + 0.5) / (rows + 0.5)))

    @property
    def mean(self) -> float:
        """Tokens of a row, 1 where no row has any."""
        return self.total_length / self.size if self.total_length else 1.0


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
        self.total_length = int(arrays["lengths"].sum(dtype=np.int64))
        self._damping: tuple[float, NDArray[np.float32]] | None = None

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
        folder.mkdir(parents=True, exist_ok=True)
        write_arrays(folder, rows, previous._arrays if previous else None)
        if origins is not None:
            np.save(folder / _ORIGINS, origins, allow_pickle=False)
        (folder / "postings.json").write_text(json.dumps({"k1": K1, "b": B}), encoding="utf-8")

    @classmethod
    def open(cls, folder: Path, *, for_rows: bool = False) -> Postings:
        """Map the postings of `folder` into memory; what `rows_of` needs, only when it is asked."""
        # As plain arrays: a slice of numpy's own class for maps takes ten times as long.
        arrays = {
            name: np.asarray(open_memmap(folder / f"{name}.npy", mode="r")) for name in _ARRAYS
        }
        path = folder / _ORIGINS
        known = for_rows and path.exists()
        return cls(arrays, np.array(open_memmap(path, mode="r")) if known else None)

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

    def frequency(self, term: str) -> int:
        """Return how many rows hold a term."""
        return len(self._rows(term))

    def idf(self, rows: int) -> float:
        """Return the inverse document frequency of a term that `rows` rows hold."""
        return self._corpus({}).idf(rows)

    def match(self, tokens: Iterable[str], corpus: Corpus | None = None) -> Matches:
        """Score the rows against the distinct `tokens` of a question.

        Args:
            tokens: the question's.
            corpus: what terms weigh and rows are long by, with the frequency of every token; None
                for these rows alone.
        """
        found = {term: self._at(term) for term in dict.fromkeys(tokens)}
        corpus = corpus or self._corpus({term: at.stop - at.start for term, at in found.items()})
        weights = {term: corpus.idf(corpus.frequencies[term]) for term in found}
        damping = self._damping_by(corpus.mean)
        rows, counts = self._arrays["rows"], self._arrays["counts"]
        held = {
            term: Holding(rows[at], weights[term], counts[at], damping)
            for term, at in found.items()
            if at.stop > at.start
        }
        return Matches(weights, held, self.size)

    def group_rows(self, groups: Groups) -> dict[str, NDArray[np.int32]]:
        """Return the rows that hold each key of `groups`: all terms of one of its alternatives."""
        return {key: _union(map(self._common, some), self.size) for key, some in groups.items()}

    def match_groups(self, groups: Groups) -> Matches:
        """Score the rows by the keys of `groups`; see `searchable.Words`."""
        rows = self.group_rows(groups)
        return self.matches_of(rows, {key: self.idf(len(own)) for key, own in rows.items()})

    def matches_of(
        self, rows: Mapping[str, NDArray[np.int32]], weights: Mapping[str, float]
    ) -> Matches:
        """Score rows that hold a key of `group_rows` by what it weighs, and nothing else.

        Args:
            rows: what `group_rows` returned.
            weights: idf of each key.
        """
        held = {key: Holding(own, weights[key]) for key, own in rows.items() if len(own)}
        return Matches(weights, held, self.size)

    def _common(self, terms: Sequence[str]) -> NDArray[np.int32]:
        """Return the rows that hold all of one or more terms, rising."""
        first, *others = sorted(map(self._rows, terms), key=len)
        for other in others:
            first = first[Holding(other, 0.0).find(first)[1]]
        return first

    def _corpus(self, frequencies: Mapping[str, int]) -> Corpus:
        return Corpus(self.size, self.total_length, frequencies)

    def _damping_by(self, mean: float) -> NDArray[np.float32]:
        """Return of each row what BM25 adds to a count, by the mean length of rows."""
        known = self._damping
        if known is None or known[0] != mean:
            lengths = np.asarray(self._arrays["lengths"], np.float64)
            known = mean, (K1 * (1 - B + B * lengths / mean)).astype(np.float32)
            self._damping = known
        return known[1]

    def _rows(self, term: str) -> NDArray[np.int32]:
        rows: NDArray[np.int32] = self._arrays["rows"][self._at(term)]
        return rows

    def _at(self, term: str) -> slice:
        """Return where the postings of a term are, which may be nowhere."""
        terms = self._arrays["terms"]
        key = np.uint64(term_hash(term))
        at = int(terms.searchsorted(key))
        if at == len(terms) or terms[at] != key:
            return slice(0, 0)
        start, end = (int(i) for i in self._arrays["starts"][at : at + 2])
        return slice(start, end)


def _union(rows: Iterable[NDArray[np.int32]], size: int) -> NDArray[np.int32]:
    held = np.zeros(size, dtype=bool)
    for some in rows:
        held[some] = True
    return np.flatnonzero(held).astype(np.int32)
