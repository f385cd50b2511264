"""Clean text -> lines with what the page's layout says of them: gaps, indents, repeated headers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from embeddings.cleaning import CleanText

_LINE_BREAK = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_INDENT = re.compile(r"(?:\u3000|\t| {2})$")
_DIGITS = re.compile(r"\d+|[〇零一二三四五六七八九十百]+")

LONGEST_HEADER = 40
"""A line of more characters is no page header."""

_ENDS = ("。", "！", "？", "!", "?")

LEAST_APART = 4
"""Lines from one page header to the next, at least."""

REPEATS = 3
"""A line that comes back at least this often is a page header; with numbers in it, one less."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page that is not blank.

    Attributes:
        content: its clean text, without white space at either end.
        gap: blank lines above it; 0 where it follows the line before directly.
        indented: whether it is set in, as the first line of a paragraph is.
        header: whether it comes back on page after page.
    """

    content: CleanText
    gap: int
    indented: bool
    header: bool = False

    @property
    def text(self) -> str:
        """The clean text."""
        return self.content.text


def lines(text: CleanText, original: str) -> list[Line]:
    """Return the lines of `text`, which `original` was cleaned to."""
    found: list[Line] = []
    end = 0
    for content in _contents(text):
        above = original[end : content.offsets[0]]
        breaks = len(_LINE_BREAK.findall(above))
        found.append(Line(content, max(0, breaks - 1), bool(_INDENT.search(above))))
        end = content.offsets[-1] + 1
    headers = _headers([line.text for line in found])
    return [
        Line(line.content, line.gap, line.indented, _without_numbers(line.text) in headers)
        for line in found
    ]


def _contents(text: CleanText) -> list[CleanText]:
    found = []
    start = 0
    for match in re.finditer(r"\n+|\Z", text.text):
        line = text.cut(start, match.start()).strip()
        if line.text:
            found.append(line)
        start = match.end()
    return found


def _without_numbers(line: str) -> str:
    return _DIGITS.sub("#", line)


def _headers(texts: Sequence[str]) -> set[str]:
    """Return the short lines that come back, page numbers aside, some way apart each time."""
    places: dict[str, list[int]] = {}
    for at, text in enumerate(texts):
        if 1 < len(text) <= LONGEST_HEADER and not text.endswith(_ENDS):
            places.setdefault(_without_numbers(text), []).append(at)
    return {text for text, found in places.items() if _comes_back(text, found)}


def _comes_back(text: str, found: Sequence[int]) -> bool:
    least = REPEATS - 1 if "#" in text else REPEATS
    return len(found) >= least and min(b - a for a, b in pairwise(found)) >= LEAST_APART


def usual_gap(found: Sequence[Line]) -> int:
    """Return the median number of blank lines between two lines of the page."""
    gaps = sorted(line.gap for line in found[1:])
    return gaps[len(gaps) // 2] if gaps else 0


def width(found: Sequence[Line], ends: Sequence[bool]) -> int:
    """Return the length of a full line where the page breaks its lines in mid-sentence, else 0.

    Args:
        found: the lines of the page.
        ends: for each line whether a sentence may end at its end.
    """
    direct = [
        at for at in range(1, len(found)) if found[at].gap == 0 and len(found[at - 1].text) > 7
    ]
    open_ends = [len(found[at - 1].text) for at in direct if not ends[at - 1]]
    if len(direct) < 3 or len(open_ends) * 2 <= len(direct):
        return 0
    return sorted(open_ends)[len(open_ends) // 4]
