"""What a generation of several pieces is made of: names, sizes, deleted rows, numbers of rows.

A piece is a folder of files that never change, which generations share by hard links; which of its
rows are deleted is told by the generation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

FOLDER = "pieces"
DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class PieceInfo:
    """A piece, as the manifest has it.

    Attributes:
        name: number of the generation that wrote it, in six digits.
        passages, sentences, places: how many it holds, deleted ones among them.
        deleted: how many of its passages are deleted.
        search: of its vectors, if that is approximate; see `manifest.Manifest`.
    """

    name: str
    passages: int
    sentences: int
    places: int
    deleted: int = 0
    search: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)

    @classmethod
    def read(cls, found: dict[str, Any]) -> PieceInfo:
        """Return what `to_json` gave.

        Raises:
            ValueError: when it is not that.
        """
        if found.keys() != {field.name for field in fields(cls)}:
            raise ValueError(f"{found} describes no piece")
        one = cls(**found)
        numbers = (one.passages, one.sentences, one.places, one.deleted)
        if not (one.name.isascii() and one.name.isdigit() and all(n >= 0 for n in numbers)):
            raise ValueError(f"{found} describes no piece")
        return one


def folder_of(name: str) -> str:
    """Return the POSIX path of a piece in its generation, with a ``/`` at the end."""
    return f"{FOLDER}/{name}/"


def deletions_of(name: str) -> str:
    """Return the POSIX path of what is deleted of a piece, with a ``/`` at the end."""
    return f"{DELETED}/{name}/"


def deleted_rows(folder: Path, piece: PieceInfo) -> NDArray[np.int64]:
    """Return the rows of a piece that are deleted in the generation in `folder`, rising.

    Raises:
        OSError, ValueError: when the file is missing or is not one of ours.
    """
    if not piece.deleted:
        return np.empty(0, dtype=np.int64)
    path = folder / deletions_of(piece.name) / "rows.npy"
    rows: NDArray[np.int64] = np.array(open_memmap(path, mode="r")).astype(np.int64)
    inside = rows.ndim == 1 and len(rows) == piece.deleted and rows[-1] < piece.passages
    if not inside or rows[0] < 0 or (np.diff(rows) <= 0).any():
        raise ValueError(f"{path.name} does not hold {piece.deleted} rows of the piece")
    return rows


class Offsets:
    """Numbers that count on from piece to piece, and the pieces' own.

    Args:
        sizes: how many numbers each piece has; nothing for one piece alone.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        ends = np.cumsum(np.asarray(sizes, dtype=np.int64))
        self._starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])

    def of(self, piece: int) -> int:
        """Return what is added to the numbers of a piece."""
        return int(self._starts[piece])

    def pieces(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return in which piece each number lies."""
        return np.searchsorted(self._starts, numbers, side="right") - 1

    def parts(self, numbers: Sequence[int]) -> Iterator[tuple[int, list[int], int]]:
        """Yield pieces, rising, with their own numbers in the order given, and what was taken off.

        One piece alone comes also when there are no numbers.
        """
        if len(self._starts) == 1:
            yield 0, list(numbers), 0
            return
        for piece, at in self.places(np.asarray(numbers, dtype=np.int64)):
            offset = self.of(piece)
            yield piece, [numbers[one] - offset for one in at.tolist()], offset

    def places(self, numbers: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield pieces, rising, and at which places of `numbers` theirs are."""
        owners = self.pieces(numbers)
        for piece in np.flatnonzero(np.bincount(owners, minlength=1)).tolist():
            yield piece, np.flatnonzero(owners == piece)
