"""Tokens of rows -> the arrays of an inverted index, in bounded memory.

Postings are sorted in parts. All but the last part wait on the disk until all are merged, a range
of terms after the other.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from embeddings.matches import distinct

PART = 4_000_000
"""Postings that are sorted at once, about; some 40 bytes of memory each."""

_MOST = 65535
"""How often a term is counted in a row at most."""

_ROW_BITS = np.uint64(32)
_ROW = np.uint64(2**32 - 1)

Rows = NDArray[np.int32]
Counts = NDArray[np.uint16]
Terms = NDArray[np.uint64]
Numbers = NDArray[np.int64]
Arrays = Mapping[str, NDArray[Any]]


def term_hash(term: str) -> int:
    """Return the 64-bit key under which a term's postings are kept."""
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=8).digest(), "little")


def write_arrays(
    folder: Path, rows: Iterable[Sequence[str] | int], previous: Arrays | None
) -> None:
    """Write terms, starts, rows, counts and lengths of row 0, 1, … as .npy into `folder`.

    Args:
        folder: an existing one.
        rows: the tokens of each row, or the number of one of `previous`; see `Postings.write`.
        previous: the arrays of an inverted index.

    Raises:
        ValueError: when a number comes twice, or there is no `previous`.
    """
    with TemporaryFile(dir=folder) as file:
        found = _Inversion(file)
        for row in rows:
            found.add(row)
        runs, lengths = found.runs(), np.array(found.lengths)
        old_rows = np.array(found.old_rows)
        taken = np.flatnonzero(old_rows >= 0)
        if len(taken):
            if previous is None or np.bincount(old_rows[taken]).max() > 1:
                raise ValueError("A row of the previous postings comes twice, or there are none")
            lengths[taken] = previous["lengths"][old_rows[taken]]
            runs.insert(0, _taken_over(previous, old_rows, taken))
        np.save(folder / "lengths.npy", lengths, allow_pickle=False)
        _write_merged(folder, runs)


class _Part(NamedTuple):
    """Postings of some terms, by term: its place among `terms`, row and count of each."""

    terms: Terms
    owners: Numbers
    rows: Rows
    counts: Counts


class _Run(NamedTuple):
    """Postings by term, then row, read as far as they are asked for.

    Attributes:
        terms: rising.
        starts: of each term its first posting, and the end of all.
        read: first posting and end -> rows and counts.
        renumber: by row its number in what is written, or -1; None where they are equal.
    """

    terms: Terms
    starts: Numbers
    read: Callable[[int, int], tuple[Rows, Counts]]
    renumber: Rows | None = None

    def part(self, first: int, end: int) -> _Part:
        """Return the postings of the terms from number `first` to before `end`."""
        starts = self.starts[first : end + 1]
        rows, counts = self.read(int(starts[0]), int(starts[-1]))
        found = _Part(
            self.terms[first:end], np.repeat(np.arange(end - first), np.diff(starts)), rows, counts
        )
        return found if self.renumber is None else _renumbered(found, self.renumber)


def _renumbered(part: _Part, numbers: Rows) -> _Part:
    rows = numbers[part.rows]
    kept = rows >= 0
    return _Part(part.terms, part.owners[kept], rows[kept], part.counts[kept])


def _taken_over(previous: Arrays, old_rows: Numbers, taken: Numbers) -> _Run:
    """Return the postings of the previous rows that are taken over, with their new rows."""
    numbers = np.full(len(previous["lengths"]), -1, dtype=np.int32)
    numbers[old_rows[taken]] = taken

    def read(first: int, end: int) -> tuple[Rows, Counts]:
        return previous["rows"][first:end], previous["counts"][first:end]

    return _Run(np.asarray(previous["terms"]), np.asarray(previous["starts"]), read, numbers)


class _Inversion:
    """Takes up rows one after the other.

    Attributes:
        old_rows: of each row its number in the previous postings, or -1.
        lengths: tokens of each row, 0 of those with a number.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.old_rows, self.lengths = array("q"), array("i")
        self._file = file
        self._runs: list[_Run] = []
        self._begin()

    def _begin(self) -> None:
        self._numbers: defaultdict[str, int] = defaultdict()
        self._numbers.default_factory = self._numbers.__len__
        self._first, self._distinct = len(self.lengths), array("i")
        self._terms, self._counts = array("I"), array("I")

    def add(self, row: Sequence[str] | int) -> None:
        """Take up the next row: its tokens, or its number in the previous postings."""
        tokens: Sequence[str] = () if isinstance(row, int) else row
        counted = Counter(tokens)
        self.old_rows.append(row if isinstance(row, int) else -1)
        self.lengths.append(len(tokens))
        self._distinct.append(len(counted))
        self._terms.extend(map(self._numbers.__getitem__, counted))
        self._counts.extend(counted.values())
        if len(self._counts) >= PART:
            self._runs.append(_put_down(self._file, *self._inverted()))
            self._begin()

    def runs(self) -> list[_Run]:
        """Return the postings of all rows so far; those of each come before those of the next."""
        terms, starts, rows, counts = self._inverted()
        last = _Run(terms, starts, lambda first, end: (rows[first:end], counts[first:end]))
        return [*self._runs, last]

    def _inverted(self) -> tuple[Terms, Numbers, Rows, Counts]:
        hashes = np.array([term_hash(term) for term in self._numbers], dtype=np.uint64)
        terms, ranks = np.unique(hashes, return_inverse=True)
        owners = np.arange(self._first, len(self.lengths), dtype=np.int32)
        rows = np.repeat(owners, np.asarray(self._distinct))
        keys, order = _sorted(ranks.astype(np.uint64)[np.asarray(self._terms)])
        counts = np.minimum(np.asarray(self._counts)[order], _MOST).astype(np.uint16)
        return terms, _starts(keys, len(terms)), rows[order], counts


def _sorted(numbers: Terms) -> tuple[Terms, NDArray[np.uint32]]:
    """Return numbers below 2 ** 32 in order, << 32, and where each of them was."""
    # Sorting numbers is many times faster than sorting their indices, which ride along instead.
    numbers <<= _ROW_BITS
    numbers |= np.arange(len(numbers), dtype=np.uint64)
    numbers.sort()
    order = numbers.astype(np.uint32)
    numbers &= ~_ROW
    return numbers, order


def _starts(keys: Terms, terms: int) -> Numbers:
    """Return where each of so many terms begins in rising `term << 32`, and the end."""
    return np.searchsorted(keys, np.arange(terms + 1, dtype=np.uint64) << _ROW_BITS)


def _put_down(file: IO[bytes], terms: Terms, starts: Numbers, rows: Rows, counts: Counts) -> _Run:
    at = file.seek(0, 2)
    file.write(rows.data)
    file.write(counts.data)
    read_rows = partial(_read, file, at, rows.dtype)
    read_counts = partial(_read, file, at + rows.nbytes, counts.dtype)
    return _Run(terms, starts, lambda *both: (read_rows(*both), read_counts(*both)))


def _read(file: IO[bytes], at: int, kind: np.dtype[Any], first: int, end: int) -> NDArray[Any]:
    file.seek(at + first * kind.itemsize)
    return np.frombuffer(file.read((end - first) * kind.itemsize), kind)


def _write_merged(folder: Path, runs: Sequence[_Run]) -> None:
    terms, lengths = [], []
    with (
        _Growing(folder / "rows.npy", np.int32) as rows,
        _Growing(folder / "counts.npy", np.uint16) as counts,
    ):
        for parts in _by_terms(runs):
            merged = _merge(parts)
            held = np.bincount(merged.owners, minlength=len(merged.terms))
            terms.append(merged.terms[held > 0])
            lengths.append(held[held > 0])
            rows.add(merged.rows)
            counts.add(merged.counts)
    starts = np.cumsum(np.concatenate([[0], *lengths]), dtype=np.int64)
    np.save(folder / "terms.npy", np.concatenate(terms), allow_pickle=False)
    np.save(folder / "starts.npy", starts, allow_pickle=False)


def _by_terms(runs: Sequence[_Run]) -> Iterator[list[_Part]]:
    """Yield about `PART` postings of one range of terms after the other, by run."""
    ranges = max(1, -(-sum(int(run.starts[-1]) for run in runs) // PART))
    # Hashes are spread evenly.
    inner = np.array([2**64 * n // ranges for n in range(1, ranges)], dtype=np.uint64)
    cuts = [[0, *run.terms.searchsorted(inner).tolist(), len(run.terms)] for run in runs]
    for at in range(ranges):
        yield [run.part(*own[at : at + 2]) for run, own in zip(runs, cuts, strict=True)]


def _merge(parts: Sequence[_Part]) -> _Part:
    terms = distinct(np.concatenate([part.terms for part in parts]))
    keys = np.concatenate([_keys(part, terms) for part in parts])
    # Stable sorting finds the runs that are in order already: this is a merge, not a sort.
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    counts = np.concatenate([part.counts for part in parts])[order]
    return _Part(
        terms, (keys >> _ROW_BITS).astype(np.int64), (keys & _ROW).astype(np.int32), counts
    )


def _keys(part: _Part, terms: Terms) -> Terms:
    """Return of each posting its term's place among `terms` << 32 | its row."""
    numbers = np.searchsorted(terms, part.terms).astype(np.uint64) << _ROW_BITS
    found: Terms = numbers[part.owners] | part.rows.astype(np.uint64)
    return found


class _Growing:
    """An .npy file of one dimension that is written piece by piece."""

    def __init__(self, path: Path, kind: type[np.generic]) -> None:
        self._file, self._kind, self._length = path.open("wb"), np.dtype(kind), 0

    def __enter__(self) -> _Growing:
        self._write_head()
        return self

    def __exit__(self, *_: object) -> None:
        with self._file:
            self._file.seek(0)
            # As long as before: numpy leaves room for the largest length.
            self._write_head()

    def add(self, values: NDArray[Any]) -> None:
        """Append values of the file's own kind."""
        self._file.write(values.data)
        self._length += len(values)

    def _write_head(self) -> None:
        about = {"descr": self._kind.str, "fortran_order": False, "shape": (self._length,)}
        np.lib.format.write_array_header_1_0(self._file, about)
