"""Vectors as half-precision numbers in one file, of which only the rows asked for are read."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from embeddings.errors import IndexDamagedError

MAPPED = 1024 * 1024 * 1024
"""Bytes of a file up to which rows are taken out of its map; of a bigger one they are read.

Reading a row costs four times as much. But the kernel maps 16 pages around each one that is touched
and counts them all: 1,000 questions map the whole file. What is read stays in its cache for all
processes alike, and belongs to none.
"""


class Halves:
    """The rows that `write_halves` wrote; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        mapped = open_halves(path)
        self._name = path.name
        self.shape: tuple[int, int] = (len(mapped), mapped.shape[1])
        self._mapped: NDArray[np.float16] | None = mapped
        if mapped.nbytes > MAPPED and hasattr(os, "preadv"):
            self._start = path.stat().st_size - mapped.nbytes
            self._mapped = None
            self._file = os.open(path, os.O_RDONLY)
            weakref.finalize(self, os.close, self._file)

    def rows(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors of `rows`, shape (len(rows), dimensions).

        Raises:
            IndexDamagedError: when the file has become shorter than it was.
        """
        wanted = np.asarray(rows, dtype=np.int64)
        if self._mapped is not None:
            return np.asarray(self._mapped[wanted], dtype=np.float32)
        return self._read(wanted).astype(np.float32)

    def _read(self, rows: NDArray[np.int64]) -> NDArray[np.float16]:
        """Read rows, those that follow each other at once."""
        found = np.empty((len(rows), self.shape[1]), dtype="<f2")
        bounds = np.flatnonzero(np.diff(rows, prepend=-2, append=-2) != 1).tolist()
        for first, end in pairwise(bounds):
            part = found[first:end]
            at = self._start + int(rows[first]) * self.shape[1] * found.itemsize
            if os.preadv(self._file, [part.data], at) != part.nbytes:
                raise IndexDamagedError(
                    f"The vectors in {self._name!r} have become fewer; build the index again: "
                    "wenju build"
                )
        return found


def write_halves(path: Path, slices: Iterable[NDArray[np.float32]], shape: tuple[int, int]) -> None:
    """Write vectors as half-precision numbers.

    Args:
        path: the file, in numpy's format.
        slices: some rows at a time, so that never all are in memory.
        shape: rows, in all slices together, and dimensions.
    """
    header = {"descr": "<f2", "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for vectors in slices:
            file.write(vectors.astype("<f2").tobytes())


def open_halves(path: Path) -> NDArray[np.float16]:
    """Map the vectors that `write_halves` wrote into memory.

    Raises:
        IndexDamagedError: when the file is missing or cut short.
    """
    try:
        mapped: NDArray[np.float16] = open_memmap(path, mode="r")
        if mapped.dtype != np.float16 or mapped.ndim != 2:
            raise ValueError(f"{path.name} holds {mapped.dtype} of {mapped.ndim} dimensions")
    except (OSError, ValueError, EOFError) as error:
        raise IndexDamagedError(
            f"The vectors in {path.name!r} cannot be read; build the index again: wenju build"
        ) from error
    return mapped
