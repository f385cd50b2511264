"""Reads the data file of the packaged weights as arrays. Trusts the file: `model` checks its hash.

Layout, little endian: ``E5S1``, version, nine sizes; the tokenizer's pieces and scores; its
normalisation map; a directory of tensors, and the tensors. A tensor is float32, or blocks of 32
weights in 18 bytes: a float16 scale and 16 bytes whose low nibbles are weights 0 to 15 and whose
high nibbles are weights 16 to 31; a weight is (nibble - 8) * scale.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MAGIC = b"E5S1"
BLOCK = 32
_BLOCK_BYTES = 2 + BLOCK // 2
_FLOAT32 = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the network; `epsilon` is that of its layer norms."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokenizer of the weights.

    Attributes:
        pieces: the piece of every id, in the order of ids.
        scores: log probability of every piece, float32.
        replacements: what stands for a character before the text is cut into pieces; it is
            dropped where this is empty.
    """

    pieces: list[str]
    scores: NDArray[np.float32]
    replacements: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Tensor:
    kind: int
    elements: int
    offset: int
    size: int


class Weights:
    """The network and its tokenizer, from the bytes of the data file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        reader = _Reader(data)
        if reader.take(len(MAGIC)) != MAGIC:
            raise ValueError(f"the data file starts with {data[:4]!r}; wanted {MAGIC!r}")
        reader.number("I")
        self.shape = Shape(*reader.numbers("7if"))
        if (block := reader.number("i")) != BLOCK:
            raise ValueError(f"the data file has blocks of {block} weights; wanted {BLOCK}")
        self.vocabulary = _vocabulary(reader)
        self._tensors = _directory(reader)

    @classmethod
    def open(cls, path: Path) -> Weights:
        """Read the data file at `path`."""
        return cls(path.read_bytes())

    def nibbles(self, name: str) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
        """Return a tensor as it is stored: nibbles (blocks, 32), and scales (blocks,)."""
        tensor = self._tensors[name]
        if tensor.kind == _FLOAT32:
            raise ValueError(f"the tensor {name} is stored as float32, not as blocks")
        stored = np.frombuffer(self._data, np.uint8, tensor.size, tensor.offset)
        blocks = stored.reshape(-1, _BLOCK_BYTES)
        packed = blocks[:, 2:]
        scales = np.ascontiguousarray(blocks[:, :2]).view("<f2").reshape(-1)
        return np.concatenate([packed & 15, packed >> 4], axis=1), scales

    def values(self, name: str, *shape: int) -> NDArray[np.float32]:
        """Return a tensor as float32 of `shape`; without a shape it is flat."""
        tensor = self._tensors[name]
        if tensor.kind == _FLOAT32:
            flat = np.frombuffer(self._data, "<f4", tensor.elements, tensor.offset)
        else:
            nibbles, scales = self.nibbles(name)
            # In place: the word table takes 400 MB.
            flat = nibbles.astype(np.float32)
            flat -= 8
            flat *= scales.astype(np.float32)[:, None]
        return flat.reshape(shape or -1)


class _Reader:
    """A place in the bytes that moves on with every read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    def take(self, count: int) -> bytes:
        start, self._offset = self._offset, self._offset + count
        return self._data[start : self._offset]

    def numbers(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{layout}", self.take(struct.calcsize(f"<{layout}")))

    def number(self, layout: str) -> Any:
        return self.numbers(layout)[0]

    def array(self, kind: str, count: int) -> NDArray[Any]:
        return np.frombuffer(self.take(np.dtype(kind).itemsize * count), kind)


def _vocabulary(reader: _Reader) -> Vocabulary:
    count = reader.number("i")
    reader.numbers("4i")  # ids of the special pieces: they are those of XLM-RoBERTa
    length = reader.number("Q")
    offsets = reader.array("<u4", count + 1).tolist()
    scores = reader.array("<f4", count)
    blob = reader.take(length)
    pieces = [blob[a:b].decode() for a, b in pairwise(offsets)]
    return Vocabulary(pieces, scores, _replacements(reader))


def _replacements(reader: _Reader) -> dict[str, str]:
    count, _ = reader.numbers("iI")
    found = {}
    for _ in range(count):
        point, length = reader.numbers("IB")
        found[chr(point)] = "".join(map(chr, reader.numbers(f"{length}I")))
    return found


def _directory(reader: _Reader) -> dict[str, _Tensor]:
    tensors = {}
    for _ in range(reader.number("i")):
        name = reader.take(reader.number("H")).decode()
        tensors[name] = _Tensor(*reader.numbers("BIQQ"))
    return tensors
