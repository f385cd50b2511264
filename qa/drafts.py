"""What a language model writes, piece by piece -> sentences with the passages that they cite."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

MOST_CITED = 20
"""Citations of one sentence that are read."""

_CITED = re.compile(
    r"\s?[\[【［〔]\s*\^?(?P<numbers>\d{1,4}(?:\s*[,，、;；\-–—~]\s*\^?\d{1,4})*)\s*[\]】］〕]"
)
_END = re.compile(r"[。！？!?；]+[”’」』)）]*|\.+[”\"')]*(?=\s|[\[【［]|$)|\n+")
_CITED_NEXT = re.compile(rf"(?:{_CITED.pattern})+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|vs|etc|e\.g|i\.e|Inc|Ltd|Co|Jr|Sr|Fig|approx|ca|cf|al|Vol)|"
    r"(?<![A-Za-z])[A-Z](?:\.[A-Z])*|^\d{1,2})\.$"
)
_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_LEADING = re.compile(r"^(?:[-*•#>]+\s+|\d{1,2}[.)、]\s+)+")
_EMPHASIS = re.compile(r"\*\*|__|`")
_HEX_PARTIAL = re.compile(r"<[a-z/]{0,9}$", re.IGNORECASE)


class Draft(NamedTuple):
    """A sentence as it was written: its text without citations, and the numbers that it cites."""

    text: str
    numbers: tuple[int, ...]


class Drafts:
    """Takes the pieces of a stream and gives each sentence as soon as it has ended."""

    def __init__(self) -> None:
        self.text = ""
        self._done = 0

    def add(self, piece: str) -> Iterator[Draft]:
        """Yield the sentences that are complete now."""
        self.text += piece
        yield from self._complete(last=False)

    def rest(self) -> Iterator[Draft]:
        """Yield what remains at the end of the stream."""
        yield from self._complete(last=True)

    def _complete(self, *, last: bool) -> Iterator[Draft]:
        found = list(_cut(shown(self.text)))
        ready = len(found) if last else max(self._done, len(found) - 1)
        yield from found[self._done : ready]
        self._done = max(self._done, ready)


def drafts(text: str) -> list[Draft]:
    """Return the sentences of a whole text."""
    return list(_cut(shown(text)))


def shown(text: str) -> str:
    """Return text without a model's thoughts, and without control characters."""
    plain = _HEX_PARTIAL.sub("", _THOUGHT.sub("", text)) if "<" in text else text
    return "".join(one for one in plain if one == "\n" or unicodedata.category(one)[0] != "C")


def _cut(text: str) -> Iterator[Draft]:
    start = at = 0
    while end := _END.search(text, at):
        at = end.end()
        if _ABBREVIATION.search(text[start : end.end()]) and "\n" not in end[0]:
            continue
        cited = _CITED_NEXT.match(text, at)
        at = cited.end() if cited else at
        if mark := re.compile(r"[。.！？!?]+").match(text, at) if cited else None:
            at = mark.end()
        yield from _draft(text[start:at])
        start = at
    yield from _draft(text[start:])


def _draft(piece: str) -> Iterator[Draft]:
    numbers: list[int] = []
    for found in _CITED.finditer(piece):
        numbers += _numbers(found["numbers"])
    plain = _EMPHASIS.sub("", _LEADING.sub("", _CITED.sub("", piece).strip())).strip()
    plain = re.sub(r"\s+(?=[.,;!?。，])", "", plain)
    if any(one.isalnum() for one in plain):
        yield Draft(plain, tuple(dict.fromkeys(numbers))[:MOST_CITED])


def _numbers(text: str) -> list[int]:
    """Return the numbers of ``1, 3`` and ``2-4``."""
    found = []
    for part in re.split(r"\s*[,，、;；]\s*", text):
        ends = [int(one.strip(" ^")) for one in re.split(r"[-–—~]", part)]
        last = min(ends[-1], ends[0] + MOST_CITED)
        found += list(range(ends[0], last + 1)) if len(ends) > 1 else ends
    return found
