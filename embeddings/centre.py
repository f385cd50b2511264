"""Vectors with the mean of their script taken out, for questions in another language.

A multilingual model puts texts of one language, and short texts, near each other whatever they
say. Between two languages this common part outweighs the meaning; without it cosines compare
meanings again (Mu and Viswanath 2018, "All-but-the-Top").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from embeddings.errors import IndexDamagedError

_SCRIPTS = 3

_SLICE = 4096
"""Rows that are in memory at a time, as single-precision numbers."""


@dataclass(frozen=True, slots=True)
class Centre:
    """The mean vector of each script, and what is left of each row without it.

    Attributes:
        means: shape (3, dimensions), by `lexical.Script`; 0 for a script that has no row.
        lengths: shape (rows,), length of each row's vector minus the mean of its script.
    """

    means: NDArray[np.float32]
    lengths: NDArray[np.float32]

    @classmethod
    def of(
        cls, vectors: NDArray[np.float32] | NDArray[np.float16], scripts: NDArray[np.uint8]
    ) -> Centre:
        """Compute it from unit rows, shape (rows, dimensions), and the script of each.

        Mapped rows are read some at a time.
        """
        means = Sums.of(vectors, scripts).means
        lengths = np.zeros(len(vectors), dtype=np.float32)
        for at, (own, among) in enumerate(_slices(vectors, scripts)):
            found = np.linalg.norm(own - means[among], axis=1)
            lengths[at * _SLICE : at * _SLICE + len(own)] = np.maximum(found, 1e-6)
        return cls(means, lengths)

    def write(self, folder: Path, name: str) -> None:
        """Write both arrays into `folder`."""
        np.save(folder / f"{name}_means.npy", self.means, allow_pickle=False)
        np.save(folder / f"{name}_lengths.npy", self.lengths, allow_pickle=False)

    @classmethod
    def open(cls, folder: Path, name: str) -> Centre:
        """Read what `write` wrote; the lengths by memory map.

        Raises:
            IndexDamagedError: when a file is missing or cut short.
        """
        try:
            means = np.array(open_memmap(folder / f"{name}_means.npy", mode="r"))
            lengths = open_memmap(folder / f"{name}_lengths.npy", mode="r")
        except (OSError, ValueError) as error:
            raise IndexDamagedError(
                f"The vectors in '{name}_means.npy' cannot be read; "
                "build the index again: wenju build"
            ) from error
        return cls(means, lengths)

    def cosines(
        self,
        query: NDArray[np.float32],
        products: NDArray[np.float32],
        rows: NDArray[np.int64],
        scripts: NDArray[np.uint8],
    ) -> NDArray[np.float32]:
        """Return the cosine of `query` with each row without its script's mean.

        Args:
            query: unit vector, shape (dimensions,).
            products: inner product of `query` with each row's unit vector, shape (n,).
            rows: the rows, shape (n,).
            scripts: the script of each, shape (n,).
        """
        common = (self.means @ query)[scripts]
        return np.asarray((products - common) / self.lengths[rows], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of vectors by script, which a small change is added to without a look at the others.

    Attributes:
        of_each: shape (3, dimensions), by `lexical.Script`.
        counts: of how many vectors each is, shape (3,).
    """

    of_each: NDArray[np.float64]
    counts: NDArray[np.float64]

    @staticmethod
    def file(name: str) -> str:
        """Return the file of ``passage`` or ``sentence`` sums."""
        return f"{name}_sums.npy"

    @classmethod
    def of(
        cls, vectors: NDArray[np.float32] | NDArray[np.float16], scripts: NDArray[np.uint8]
    ) -> Sums:
        """Sum rows, shape (rows, dimensions), by the script of each."""
        sums = np.zeros((_SCRIPTS, vectors.shape[1]))
        for own, among in _slices(vectors, scripts):
            for script in range(_SCRIPTS):
                sums[script] += own[among == script].sum(axis=0, dtype=np.float64)
        return cls(sums, np.bincount(scripts, minlength=_SCRIPTS).astype(np.float64))

    @classmethod
    def of_means(cls, means: NDArray[np.float32], counts: NDArray[np.int64]) -> Sums:
        """Return the sums by the means, and of how many vectors they are."""
        both = (means.astype(np.float64) * counts[:, None], counts.astype(np.float64))
        return cls(*both)

    @property
    def means(self) -> NDArray[np.float32]:
        """The mean vector of each script, shape (3, dimensions); 0 for one that has no row."""
        means = self.of_each / np.maximum(self.counts, 1)[:, None]
        return np.asarray(means, dtype=np.float32)

    def plus(self, other: Sums, times: int = 1) -> Sums:
        """Return the sums with `other` added, or taken off with -1."""
        return Sums(self.of_each + times * other.of_each, self.counts + times * other.counts)

    def write(self, folder: Path, name: str) -> None:
        """Write them into `folder`."""
        both = np.concatenate([self.of_each, self.counts[:, None]], axis=1)
        np.save(folder / self.file(name), both, allow_pickle=False)

    @classmethod
    def open(cls, folder: Path, name: str) -> Sums:
        """Read what `write` wrote.

        Raises:
            OSError, ValueError: when the file is missing or is not one of ours.
        """
        both = np.array(open_memmap(folder / cls.file(name), mode="r"))
        if both.dtype != np.float64 or both.ndim != 2 or len(both) != _SCRIPTS:
            raise ValueError(f"{cls.file(name)} holds {both.dtype} of shape {both.shape}")
        return cls(both[:, :-1], both[:, -1])


def _slices(
    vectors: NDArray[np.float32] | NDArray[np.float16], scripts: NDArray[np.uint8]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.uint8]]]:
    for start in range(0, len(vectors), _SLICE):
        own = np.asarray(vectors[start : start + _SLICE], dtype=np.float32)
        yield own, scripts[start : start + _SLICE]


def without(
    vector: NDArray[np.float32], mean: NDArray[np.float32], share: float
) -> NDArray[np.float32]:
    """Return the unit vector of `vector` minus `share` (0 to 1) of `mean`."""
    left = vector - share * mean
    return np.asarray(left / max(float(np.linalg.norm(left)), 1e-6), dtype=np.float32)
