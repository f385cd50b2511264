"""Frozen records that travel between the stages of a build, and their ids.

All offsets count Unicode characters of a document's *original text*; see `Document.text`.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """What a stretch of a page is. Every role but boilerplate is indexed and can be cited."""

    BODY = "body"
    HEADLINE = "headline"
    CAPTION = "caption"
    QUOTE = "quote"
    LIST = "list"
    TABLE = "table"
    BYLINE = "byline"
    BOILERPLATE = "boilerplate"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The characters `start` (included) to `end` (excluded) of an original text; never empty.

    Raises:
        ValueError: if not 0 <= start < end.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"Span({self.start}, {self.end}): wanted 0 <= start < end")

    def __len__(self) -> int:
        return self.end - self.start

    def of(self, text: str) -> str:
        """Return the span's characters of `text`, the original text that it was made for."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Mark:
    """What the format itself says about a stretch of text.

    Attributes:
        start, end: positions in the text that the mark belongs to, end excluded.
        role: HEADLINE, LIST, TABLE or CAPTION.
        level: of a headline, 1 (highest) to 6; 0 otherwise.
    """

    start: int
    end: int
    role: Role
    level: int = 0


class FileStamp(NamedTuple):
    """What a file system says of a file: bytes, time of its last change in ns, inode number."""

    size: int
    mtime: int
    inode: int


@dataclass(frozen=True, slots=True)
class Document:
    """One file as it was read.

    Attributes:
        id: hash of the file's bytes (`document_id`); equal files are one document.
        source: POSIX path below the index's root, Unicode NFC.
        text: the original text. For .txt, .md and .html the decoded file without its byte-order
            mark and with its own line endings; for containers the extractor's text.
        reader: name and version of what made `text`, for example ``text/1``.
        title: first headline, or the file name without its ending.
        date: ISO 8601 date (``2021-06-16``), or None when the document does not say.
        page_starts: offset of each page's first character, for paged formats; empty otherwise.
        marks: headings, lists and tables that a container's format names, as positions in `text`.
    """

    id: str
    source: str
    text: str
    reader: str
    title: str
    date: str | None = None
    page_starts: tuple[int, ...] = ()
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage: its clean text, and where it stands in the original.

    `spans` has several items only where a block that does not belong breaks the sentence.
    """

    text: str
    spans: tuple[Span, ...]


CUT_OFF = "……"
"""Ends a title that is no headline but the first words of its article."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What is encoded, searched and shown: some sentences of one article.

    Attributes:
        id: document id and first offset, ``{document}:{start}``; never a hash of the text.
        document: id of the document that it stands in.
        text: clean text, the sentences put together.
        spans: the places in the original text that `text` was made from, in reading order.
        sentences: at least one; their texts put together are `text`.
        title: headline of the article it belongs to, or its first words and `CUT_OFF`, or empty.
        heading: nearest section heading above, or empty.
        role: what the passage is.
        page: 1-based page of the first character in paged formats, or None.
    """

    id: str
    document: str
    text: str
    spans: tuple[Span, ...]
    sentences: tuple[Sentence, ...]
    title: str
    heading: str = ""
    role: Role = Role.BODY
    page: int | None = None


def document_id(data: bytes) -> str:
    """Return the id of a document: the first 32 hexadecimal digits of its bytes' SHA-256."""
    return hashlib.sha256(data).hexdigest()[:32]


def page_of(page_starts: Sequence[int], offset: int) -> int | None:
    """Return the 1-based page that the character at `offset` stands on; None without pages."""
    return bisect_right(page_starts, offset) if page_starts else None


def passage_id(document: str, start: int) -> str:
    """Return the id of the passage of `document` whose first character is at offset `start`."""
    return f"{document}:{start}"
