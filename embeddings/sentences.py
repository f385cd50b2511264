"""Clean text -> sentences. Knows Chinese quotes, brackets, decimals, English abbreviations."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from embeddings.cleaning import HAN, CleanText

LONG_QUOTE = 60
"""A quotation or bracket of at least this many characters is split inside; a shorter one is not."""

LONGEST = 400
"""A sentence of more characters than this is split at its semicolons, then at its commas."""

_OPENING = "“‘「『《〈(（[【｛{"
CLOSING = "”’」』》〉)）]】｝}"
_END = re.compile(
    rf"[。！？!?…]+[{re.escape(CLOSING)}\"']*"
    # Each dot of a row but the first would begin a match of its own: that takes quadratic time.
    rf"|(?:(?<![{HAN}.])|(?<=[{HAN}]\.))\.++[\"'”’)]*+(?=\s|$)"
    r"|\n+"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(“\"])(?:[A-Za-z]|[A-Za-z]\.[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|No|Fig|Inc|Ltd|Co|cf)$"
)
_LONGEST_ABBREVIATION = 8
"""Characters of the longest abbreviation, with more than what may stand before it."""

_SECOND = re.compile(r"[；;]")
_THIRD = re.compile(r"[，,、]")


def ends_sentence(text: str) -> bool:
    """Tell whether `text` ends where a sentence may end, closing quotes and brackets aside."""
    bare = text.rstrip().rstrip(CLOSING + "\"'")
    return bare.endswith(("。", "！", "？", "!", "?", "…", "；", ";", ".", "：", ":"))


def _short_enclosures(text: str) -> list[tuple[int, int]]:
    """Return start and end of the short quotations and brackets, rising by start."""
    stack: list[tuple[str, int]] = []
    waiting: Counter[str] = Counter()
    found: list[tuple[int, int]] = []
    for at, character in enumerate(text):
        if character in _OPENING:
            stack.append((CLOSING[_OPENING.index(character)], at))
            waiting[stack[-1][0]] += 1
        elif waiting[character]:
            closing, start = "", 0
            while closing != character:
                closing, start = stack.pop()
                waiting[closing] -= 1
            if at - start < LONG_QUOTE:
                found.append((start, at))
    return sorted(found)


def _ends(text: str) -> Iterator[int]:
    closed = _short_enclosures(text)
    starts = [start for start, _ in closed]
    for match in _END.finditer(text):
        near = slice(
            bisect_left(starts, match.start() - LONG_QUOTE), bisect_left(starts, match.start())
        )
        around = [end for _, end in closed[near] if match.start() < end]
        if around and not _ends_quotation(text, match.end(), around):
            continue
        before = text[max(0, match.start() - _LONGEST_ABBREVIATION) : match.start()]
        if match[0].startswith(".") and _ABBREVIATION.search(before):
            continue
        yield match.end()


def _ends_quotation(text: str, end: int, around: list[int]) -> bool:
    """Tell whether the quotation closes here, and with it the sentence: what follows is new."""
    return max(around) < end and text[end : end + 1] in (*_OPENING, "\n")


def _cuts(text: str, marks: re.Pattern[str], longest: int) -> list[int]:
    """Return where to cut `text` after `marks` so that no piece is longer than need be."""
    cuts: list[int] = []
    last = 0
    for match in marks.finditer(text):
        if match.end() - last >= longest // 2:
            cuts.append(match.end())
            last = match.end()
    return cuts


def _split_long(start: int, end: int, text: str) -> Iterator[tuple[int, int]]:
    if end - start <= LONGEST:
        yield start, end
        return
    piece = text[start:end]
    cuts = _cuts(piece, _SECOND, LONGEST) or _cuts(piece, _THIRD, LONGEST)
    cuts = cuts or list(range(LONGEST, end - start, LONGEST))
    edges = [0, *(cut for cut in cuts if cut < end - start), end - start]
    yield from ((start + a, start + b) for a, b in pairwise(edges))


def split(unit: CleanText) -> list[CleanText]:
    """Return the sentences of `unit`; nothing but white space between them is lost."""
    text = unit.text
    edges = [0, *(end for end in _ends(text) if end < len(text)), len(text)]
    pieces = (
        unit.cut(a, b).strip()
        for start, end in pairwise(edges)
        for a, b in _split_long(start, end, text)
    )
    return [piece for piece in pieces if piece.text]
