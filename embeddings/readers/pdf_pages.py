"""A page of a PDF file as a picture, and where on it a stretch of its text stands."""

from __future__ import annotations

import re
import struct
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from embeddings.errors import UnreadableFileError
from embeddings.readers.packages import refusing
from embeddings.readers.pdf import PDFIUM

WIDTH = 1_200
"""Pixels of a picture's width, where that does not make it larger than `MOST_PIXELS`."""

MOST_PIXELS = 6_000_000

_UNITS = 100_000

_NEAR = 4
"""Letters on one line stand at most this many times their own width apart."""

# What the reader leaves out, adds, or writes in another way.
_PASSED_OVER = re.compile(r"[\s\x00-\x1f\x7f\-\u00ad\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page, in parts of its width and height, 0 to 1, from the top left."""

    left: float
    top: float
    right: float
    bottom: float

    def with_(self, other: Box) -> Box:
        """Return the rectangle around both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


@dataclass(frozen=True, slots=True)
class Drawn:
    """A page as it looks: a PNG file, and its size in pixels."""

    png: bytes
    width: int
    height: int


def draw(data: bytes, page: int) -> Drawn:
    """Draw a page of a PDF file.

    Args:
        data: the file.
        page: its number, from 1.

    Raises:
        UnreadableFileError: when there is no such page, or the file cannot be read.
    """
    with _page(data, page) as opened:
        width, height = opened.get_size()
        scale = min(WIDTH / width, (MOST_PIXELS / (width * height)) ** 0.5)
        pixels = opened.render(scale=scale, rev_byteorder=True).to_numpy()[:, :, :3]
        rows, columns = pixels.shape[:2]
        return Drawn(_png(pixels.tobytes(), columns, rows), columns, rows)


def boxes(data: bytes, page: int, quotes: Sequence[str], before: str = "") -> list[Box]:
    """Return where `quotes` stand on a page, a rectangle for each line; those not found have none.

    Args:
        data: the file.
        page: its number, from 1.
        quotes: stretches of its text, in reading order.
        before: the page's text in front of the first, which tells repeats apart.

    Raises:
        UnreadableFileError: as `draw`.
    """
    with _page(data, page) as opened:
        letters = _letters(opened)
        found: list[Box] = []
        text = "".join(letter for letter, _ in letters)
        start = _start(text, _plain(quotes[0]) if quotes else "", _plain(before))
        for quote in map(_plain, quotes):
            at = text.find(quote, start) if quote else -1
            if at >= 0:
                start = at + len(quote)
                found += _lines([box for _, box in letters[at:start] if box is not None])
        return found


@contextmanager
def _page(data: bytes, number: int) -> Iterator[Any]:
    import pypdfium2

    with refusing(".pdf"), PDFIUM:
        pdf = pypdfium2.PdfDocument(data)
        try:
            if not 1 <= number <= len(pdf):
                raise UnreadableFileError(f"has no page {number}; it has {len(pdf)}")
            yield pdf[number - 1]
        finally:
            pdf.close()


def _letters(page: Any) -> list[tuple[str, Box | None]]:
    """Return the letters of a page, as they are compared, each with its rectangle."""
    import pypdfium2.raw as raw

    textpage = page.get_textpage()
    found: list[tuple[str, Box | None]] = []
    for at in range(textpage.count_chars()):
        code = raw.FPDFText_GetUnicode(textpage, at)
        written = _plain(chr(code) if code <= 0x10FFFF else "")
        box = _box(page, textpage.get_charbox(at, loose=True)) if written else None
        found += [(letter, box) for letter in written]
    textpage.close()
    return found


def _plain(text: str) -> str:
    return _PASSED_OVER.sub("", unicodedata.normalize("NFKC", text))


def _start(text: str, quote: str, before: str) -> int:
    """Return from where to look for `quote`: it comes as often before that as in `before`."""
    start = 0
    for _ in range(before.count(quote) if quote else 0):
        start = text.find(quote, start) + 1
    return max(start, 0)


def _box(page: Any, sides: tuple[float, float, float, float]) -> Box | None:
    left, bottom, right, top = sides
    (x0, y0), (x1, y1) = _on_picture(page, left, top), _on_picture(page, right, bottom)
    if x0 == x1 or y0 == y1:
        return None
    return Box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def _on_picture(page: Any, x: float, y: float) -> tuple[float, float]:
    """Turn a point of the file's coordinates into one of the picture, which may be rotated."""
    import ctypes

    import pypdfium2.raw as raw

    across, down = ctypes.c_int(), ctypes.c_int()
    raw.FPDF_PageToDevice(
        page, 0, 0, _UNITS, _UNITS, 0, x, y, ctypes.byref(across), ctypes.byref(down)
    )
    return tuple(min(max(at.value / _UNITS, 0.0), 1.0) for at in (across, down))  # type: ignore[return-value]


def _lines(letters: Sequence[Box]) -> list[Box]:
    """Put the rectangles of neighbouring letters on one line together."""
    numbered, line = [], 0
    for at, box in enumerate(letters):
        if at and not _beside(letters[at - 1], box):
            line += 1
        numbered.append((line, box))
    return [
        _around([box for _, box in row]) for _, row in groupby(numbered, key=lambda one: one[0])
    ]


def _beside(one: Box, other: Box) -> bool:
    """Tell whether two letters are neighbours on a line, which may run down the page."""
    across = _shared(one.left, one.right, other.left, other.right)
    down = _shared(one.top, one.bottom, other.top, other.bottom)
    return (down > 0.5 and across > -_NEAR) or (across > 0.5 and down > -_NEAR)


def _shared(start: float, end: float, other_start: float, other_end: float) -> float:
    """Return the overlap of two stretches in parts of the shorter; negative for a gap."""
    shorter = min(end - start, other_end - other_start)
    return (min(end, other_end) - max(start, other_start)) / shorter


def _around(row: Sequence[Box]) -> Box:
    whole = row[0]
    for box in row[1:]:
        whole = whole.with_(box)
    return whole


def _png(pixels: bytes, width: int, height: int) -> bytes:
    """Return a PNG file of rows of red, green and blue bytes."""
    stride = width * 3
    rows = b"".join(b"\0" + pixels[at : at + stride] for at in range(0, height * stride, stride))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
