"""Readers: the bytes of one file -> its original text, pages, marks; and what of it is shown.

This is the public face; each format has a module of its own, imported when the first such file
comes. A file that cannot be read well is refused, never guessed.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import PurePosixPath
from typing import cast

from embeddings.errors import UnreadableFileError
from embeddings.readers.dates import date_in, date_of
from embeddings.readers.encodings import Decoded, decode
from embeddings.readers.formats import Parser, parse
from embeddings.readers.reading import Reading, VisibleText, all_of
from embeddings.readers.recognition import version as recognition_version
from embeddings.readers.signatures import FORMATS, check_content, check_ending
from embeddings.records import Mark

__all__ = [
    "FORMATS",
    "Decoded",
    "Mark",
    "Reading",
    "VisibleText",
    "check_ending",
    "date_in",
    "date_of",
    "decode",
    "parse",
    "read",
    "recognition_version",
    "visible",
]


def read(name: str, data: bytes, parser: Parser = parse) -> Reading:
    """Read a file.

    Args:
        name: file name or path; its ending says the format, and the content must agree.
        data: all its bytes.
        parser: reads the format; `apart.parse` for files that come from others.

    Returns:
        What was read, with the date that the file declares, its name tells or a line of it tells,
        in this order.

    Raises:
        UnreadableFileError: with what was given, what is allowed and what to do, in one line.
    """
    path = PurePosixPath(name)
    ending = path.suffix.lower()
    check_ending(ending)
    if not data.strip():
        raise UnreadableFileError("empty; nothing to index")
    check_content(ending, data)
    found = parser(ending, data)
    shown = visible(found.text, found.reader).text
    if not shown.strip():
        raise UnreadableFileError("empty; nothing to index")
    return Reading(
        found.text,
        found.reader,
        found.title or path.stem,
        date_of(path.stem, shown, found.date),
        found.page_starts,
        found.marks,
        found.encoding,
    )


def visible(text: str, reader: str, marks: tuple[Mark, ...] = ()) -> VisibleText:
    """Return what is shown of an original text, with the way back.

    Args:
        text: the original text of a document.
        reader: what made it, as `Document.reader`; it tells HTML and Markdown from the others,
            in which every character is shown.
        marks: those of the reading, for containers.
    """
    format_ = reader.partition("/")[0]
    if format_ not in ("html", "markdown"):
        return all_of(text, marks)
    module = import_module(f"embeddings.readers.{format_}")
    return cast("VisibleText", module.visible(text))
