"""Puts the visible text of an HTML page together: blanks collapsed, breaks at blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from embeddings.readers.html_tokens import references
from embeddings.readers.reading import VisibleText
from embeddings.records import Mark, Role

_BLANK = re.compile(r"[ \t\n\r\f]+")
_WIDE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u2014\u2018-\u201d\u2026]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the file that is text, or a tag that parts texts.

    `kind` is ``text``, ``pre`` (its blanks count), ``br``, ``line``, ``block`` (a blank line around
    it) or ``cell``.
    """

    start: int
    end: int
    kind: str


@dataclass(slots=True)
class Writer:
    """Collects visible characters; `source` is the file's text."""

    source: str
    characters: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.characters)

    def write(self, piece: Piece, compact: bool, layout: bool) -> None:
        """Take the next piece.

        Args:
            piece: it must stand behind all before.
            compact: it stands in a short table cell, where breaks are blanks.
            layout: it stands in a long table cell, which is a block of its own.
        """
        if piece.kind in ("text", "pre"):
            self._write_text(piece.start, piece.end, piece.kind == "pre")
        elif piece.kind == "cell" and (compact or not layout):
            self._write_cell(piece)
        elif compact:
            self._write_blank(piece.start)
        else:
            self._write_breaks(piece)

    def _put(self, character: str, start: int, end: int) -> None:
        self.characters.append(character)
        self.starts.append(start)
        self.ends.append(end)

    def _write_text(self, start: int, end: int, preformatted: bool) -> None:
        at = start
        for first, last, meaning in references(self.source, start, end):
            self._write_plain(at, first, preformatted)
            for number, character in enumerate(meaning):
                self._put(character, first + number, last)
            at = last
        self._write_plain(at, end, preformatted)

    def _write_plain(self, start: int, end: int, preformatted: bool) -> None:
        at = start
        for match in () if preformatted else _BLANK.finditer(self.source, start, end):
            self._copy(at, match.start())
            if not self._is_layout(match):
                self._write_blank(match.start())
            at = match.end()
        self._copy(at, end)

    def _is_layout(self, match: re.Match[str]) -> bool:
        """Tell whether it is a line break of the source between two Chinese characters."""
        after = self.source[match.end() : match.end() + 1]
        before = self.characters[-1] if self.characters else ""
        broken = "\n" in match[0] or "\r" in match[0]
        return broken and bool(_WIDE.match(before) and _WIDE.match(after))

    def _copy(self, start: int, end: int) -> None:
        self.characters.extend(self.source[start:end])
        self.starts.extend(range(start, end))
        self.ends.extend(range(start + 1, end + 1))

    def _write_blank(self, at: int) -> None:
        if self.characters and self.characters[-1] not in " \n\t":
            self._put(" ", at, at + 1)

    def _drop_blanks(self) -> None:
        while self.characters and self.characters[-1] == " ":
            for column in (self.characters, self.starts, self.ends):
                column.pop()

    def _write_cell(self, piece: Piece) -> None:
        self._drop_blanks()
        if self.characters and self.characters[-1] != "\n":
            self._put("\t", piece.start, piece.start + 1)

    def _write_breaks(self, piece: Piece) -> None:
        self._drop_blanks()
        standing = 0
        while standing < min(2, len(self)) and self.characters[-1 - standing] == "\n":
            standing += 1
        wanted = {"line": 1, "block": 2}.get(piece.kind, min(2, standing + 1))
        if len(self) > standing:
            for number in range(wanted - standing):
                self._put("\n", piece.start + number, piece.start + number + 1)

    def result(self, marks: Iterable[tuple[int, int, Role, int]]) -> VisibleText:
        """Return all, without white space at the end; marks are cut to their characters."""
        text = "".join(self.characters)
        length = len(text.rstrip())
        kept = [_trimmed(text, Mark(*mark)) for mark in marks]
        return VisibleText(
            text[:length],
            tuple(self.starts[:length]),
            tuple(self.ends[:length]),
            tuple(mark for mark in kept if mark.start < mark.end),
        )


def _trimmed(text: str, mark: Mark) -> Mark:
    start, end = mark.start, mark.end
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return Mark(start, end, mark.role, mark.level)
