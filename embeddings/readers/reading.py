"""Frozen records between the readers of formats and those who use what was read."""

from __future__ import annotations

from dataclasses import dataclass

from embeddings.records import Mark


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found in the bytes of one file.

    Attributes:
        text: the original text, as `Document.text`.
        reader: name and version of what made it, with the library's.
        title: what the file names as its title, or empty.
        date: ISO 8601 date that the file declares in its markup, or None.
        page_starts: offset of each page's first character; empty for formats without pages.
        marks: headings, lists and tables of `text`, rising; empty for .txt, and for .md and .html,
            whose marks `visible` returns.
        encoding: codec of a text file, empty for containers.
    """

    text: str
    reader: str
    title: str = ""
    date: str | None = None
    page_starts: tuple[int, ...] = ()
    marks: tuple[Mark, ...] = ()
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class VisibleText:
    """What a person sees of an original text, and where it stands there.

    Attributes:
        text: the characters shown; a line break at each block, two around a paragraph.
        starts: for each the offset of its first original character; strictly rising.
        ends: for each the offset behind its last original character; a character reference such
            as ``&amp;`` is covered whole.
        marks: headings, lists and tables, as positions in `text`; rising by start.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    marks: tuple[Mark, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.text) == len(self.starts) == len(self.ends):
            raise ValueError(
                f"{len(self.text)} characters, {len(self.starts)} starts, {len(self.ends)} ends"
            )


def all_of(text: str, marks: tuple[Mark, ...] = ()) -> VisibleText:
    """Return the visible text of a format in which every character is shown."""
    return VisibleText(text, tuple(range(len(text))), tuple(range(1, len(text) + 1)), marks)
