from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from embeddings.weights import Weights

NIBBLES = [*range(16), *reversed(range(16))]


def data_file(magic: bytes = b"E5S1", block: int = 32) -> bytes:
    """A data file of two pieces, two replacements and two tensors, written by hand."""
    head = magic + struct.pack("<I7ifi", 1, 4, 1, 2, 8, 2, 16, 2, 1e-12, block)
    blob = "问ab".encode()
    tokenizer = struct.pack("<5iQ3I2f", 2, 0, 2, 1, 3, len(blob), 0, 3, 5, -1.5, -2.5) + blob
    pairs = struct.pack("<IBI", ord("Ａ"), 1, ord("A")) + struct.pack("<IB", 1, 0)
    replacements = struct.pack("<iI", 2, len(pairs)) + pairs
    stored = [a | b << 4 for a, b in zip(NIBBLES[:16], NIBBLES[16:], strict=True)]
    tensors = struct.pack("<2f", 0.5, -1) + np.float16(0.25).tobytes() + bytes(stored)
    start = len(head + tokenizer + replacements) + 4 + 2 * (2 + 1 + 21)
    directory = struct.pack("<i", 2)
    directory += struct.pack("<H1sBIQQ", 1, b"b", 0, 2, start, 8)
    directory += struct.pack("<H1sBIQQ", 1, b"w", 1, 32, start + 8, 18)
    return head + tokenizer + replacements + directory + tensors


def test_sizes() -> None:
    shape = Weights(data_file()).shape
    assert (shape.hidden, shape.layers, shape.heads, shape.feed_forward) == (4, 1, 2, 8)
    assert (shape.vocabulary, shape.positions, shape.token_types) == (2, 16, 2)
    assert shape.epsilon == pytest.approx(1e-12)


def test_vocabulary() -> None:
    vocabulary = Weights(data_file()).vocabulary
    assert vocabulary.pieces == ["问", "ab"]
    assert vocabulary.scores.tolist() == [-1.5, -2.5]
    assert vocabulary.replacements == {"Ａ": "A", "\x01": ""}


def test_blocks_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(data_file())
    weights = Weights.open(path)
    nibbles, scales = weights.nibbles("w")
    assert nibbles.tolist() == [NIBBLES]
    assert scales.tolist() == [0.25]
    expected = [[(nibble - 8) * 0.25 for nibble in NIBBLES]]
    assert weights.values("w", 1, 32).tolist() == expected


def test_floats_by_hand() -> None:
    weights = Weights(data_file())
    assert weights.values("b").tolist() == [0.5, -1]
    with pytest.raises(ValueError, match="b is stored as float32"):
        weights.nibbles("b")


def test_another_file_is_refused() -> None:
    with pytest.raises(ValueError, match="starts with b'GGUF'; wanted b'E5S1'"):
        Weights(data_file(magic=b"GGUF"))
    with pytest.raises(ValueError, match="blocks of 64 weights; wanted 32"):
        Weights(data_file(block=64))
