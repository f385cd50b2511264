"""What a big piece keeps beside its own files, so that a small change reads none of its texts.

Small generations have none of it: they are written whole each time.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from embeddings.keys import INPUTS
from embeddings.map import VERSION as MAP_VERSION

WHOLE_UP_TO = 5_000
"""Passages up to which a generation is written whole, whatever has changed: that takes 4 s."""

RULES = "growable.json"
KEYS = "keys.npy"
STARTS = "starts.npy"


def is_big(passages: int) -> bool:
    """Tell whether a generation of so many passages grows by pieces."""
    return passages > WHOLE_UP_TO


def write_growable(folder: Path, keys: Collection[bytes], sentence_counts: Sequence[int]) -> None:
    """Write what is known of the rows of a piece into its folder.

    Args:
        folder: the piece.
        keys: of each row the key of its repeats (`keys.Keys.repeat`).
        sentence_counts: of each row how many sentences it has.
    """
    packed = np.frombuffer(b"".join(keys), dtype="<u8").reshape(-1, 2)
    np.save(folder / KEYS, packed, allow_pickle=False)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sentence_counts, dtype=np.int64)])
    np.save(folder / STARTS, starts, allow_pickle=False)
    (folder / RULES).write_text(json.dumps(_rules()), encoding="utf-8")


def is_growable(piece: Path) -> bool:
    """Tell whether a piece has all of this, by the rules of today."""
    try:
        return bool(json.loads((piece / RULES).read_text(encoding="utf-8")) == _rules())
    except (OSError, ValueError):
        return False


def _rules() -> dict[str, object]:
    return {"keys": INPUTS, "map": MAP_VERSION}


class RowKeys:
    """The keys of the rows of a piece, that `write_growable` wrote.

    Raises:
        OSError, ValueError: when the file is missing or is not one of ours.
    """

    def __init__(self, piece: Path) -> None:
        self._keys: NDArray[np.uint64] = open_memmap(piece / KEYS, mode="r")
        if self._keys.dtype != np.dtype("<u8") or self._keys.ndim != 2:
            raise ValueError(f"{KEYS} holds {self._keys.dtype}")

    def of(self, row: int) -> bytes:
        """Return the key of a row."""
        return bytes(self._keys[row].tobytes())

    def rows_of(self, keys: Collection[bytes]) -> NDArray[np.int64]:
        """Return the rows that have one of these keys, rising."""
        wanted = np.frombuffer(b"".join(keys), dtype="<u8").reshape(-1, 2)
        likely = np.flatnonzero(np.isin(self._keys[:, 0], wanted[:, 0]))
        kept = set(keys)
        return np.array([row for row in likely.tolist() if self.of(row) in kept], dtype=np.int64)


def open_starts(piece: Path) -> NDArray[np.int64]:
    """Map the first sentence of each row of a piece into memory, shape (rows + 1,).

    Raises:
        OSError, ValueError: when the file is missing or is not one of ours.
    """
    starts: NDArray[np.int64] = open_memmap(piece / STARTS, mode="r")
    if starts.dtype != np.int64 or starts.ndim != 1:
        raise ValueError(f"{STARTS} holds {starts.dtype}")
    return starts
