"""What travels between this program and the process in which it reads files of others.

A frame is two lengths, a JSON object and bytes. Nothing that is received can name code.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

from embeddings.readers.reading import Reading
from embeddings.records import Mark, Role

LARGEST_REPLY = 1 << 30
"""Bytes of a frame that the reading process may send; a larger one counts as a crash."""

_LENGTHS = struct.Struct(">QQ")

Frame = tuple[dict[str, Any], bytes]


def put(stream: BinaryIO, head: Mapping[str, Any], body: bytes = b"") -> None:
    """Write a frame.

    Raises:
        OSError: when nobody reads it.
    """
    coded = json.dumps(head).encode("ascii")
    stream.write(_LENGTHS.pack(len(coded), len(body)))
    stream.write(coded)
    stream.write(body)
    stream.flush()


def take_head(stream: BinaryIO, largest: int | None = None) -> tuple[dict[str, Any], int]:
    """Return the object of the next frame, and how many bytes follow it.

    Args:
        stream: where a frame begins, or that has ended.
        largest: bytes of the whole frame; None for any.

    Raises:
        EOFError: when the stream ends.
        ValueError: when it is no frame, or a larger one.
    """
    head, body = _LENGTHS.unpack(take_body(stream, _LENGTHS.size))
    if largest is not None and head + body > largest:
        raise ValueError(f"a frame of {head + body:,} bytes")
    found = json.loads(take_body(stream, head))
    if not isinstance(found, dict):
        raise ValueError("no object in a frame")
    return found, body


def take_body(stream: BinaryIO, length: int) -> bytes:
    """Return the next `length` bytes.

    Raises:
        EOFError: when the stream ends before.
    """
    found = stream.read(length)
    if len(found) < length:
        raise EOFError
    return found


def take(stream: BinaryIO, largest: int | None = None) -> Frame:
    """Return the next frame; raises what `take_head` does."""
    head, length = take_head(stream, largest)
    return head, take_body(stream, length)


def from_reading(found: Reading) -> Frame:
    """Return the frame of what was read; `to_reading` is the way back."""
    head = {
        "reader": found.reader,
        "title": found.title,
        "date": found.date,
        "page_starts": found.page_starts,
        "marks": [(mark.start, mark.end, mark.role, mark.level) for mark in found.marks],
        "encoding": found.encoding,
    }
    # A broken file may hold half of a pair of surrogates, which strict UTF-8 has no bytes for.
    return head, found.text.encode("utf-8", "surrogatepass")


def to_reading(frame: Frame) -> Reading:
    """Return what was read.

    Raises:
        KeyError, TypeError, ValueError: when the frame holds something else.
    """
    head, body = frame
    return Reading(
        text=body.decode("utf-8", "surrogatepass"),
        reader=str(head["reader"]),
        title=str(head["title"]),
        date=None if head["date"] is None else str(head["date"]),
        page_starts=tuple(map(int, head["page_starts"])),
        marks=tuple(Mark(int(a), int(b), Role(role), int(at)) for a, b, role, at in head["marks"]),
        encoding=str(head["encoding"]),
    )
