"""Puts the text of a container together from blocks, and keeps where the marks are."""

from __future__ import annotations

from dataclasses import dataclass, field

from embeddings.errors import UnreadableFileError
from embeddings.records import Mark, Role

LARGEST_TEXT = 16_000_000
"""A file that holds more characters than this is refused: to take one apart needs 200 bytes of
memory for each."""


@dataclass(slots=True)
class Blocks:
    """Blocks of text, a blank line between two."""

    parts: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    page_starts: list[int] = field(default_factory=list)
    length: int = 0

    def add(self, text: str, role: Role | None = None, level: int = 0) -> None:
        """Add a block; one without anything but white space is left out.

        Raises:
            UnreadableFileError: when the text grows beyond `LARGEST_TEXT`.
        """
        text = text.strip()
        if not text:
            return
        if self.parts:
            self._put("\n\n")
        start = self.length
        self._put(text)
        if role is not None:
            self.marks.append(Mark(start, self.length, role, level))

    def _put(self, text: str) -> None:
        self.parts.append(text)
        self.length += len(text)
        check_length(self.length)

    def start_page(self) -> None:
        """Say that the next block stands on a new page; a page may stay empty."""
        self.page_starts.append(self.length + 2 if self.parts else 0)

    @property
    def text(self) -> str:
        """All blocks put together."""
        return "".join(self.parts)

    @property
    def pages(self) -> tuple[int, ...]:
        """Offset of each page's first character; that of empty last pages is the text's end."""
        return tuple(min(start, self.length) for start in self.page_starts)


def check_length(length: int) -> None:
    """Refuse a text that grows beyond `LARGEST_TEXT` characters.

    Raises:
        UnreadableFileError: then.
    """
    if length > LARGEST_TEXT:
        raise UnreadableFileError(
            f"holds more than {LARGEST_TEXT:,} characters of text; split the file"
        )
