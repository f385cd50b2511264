"""Files -> documents. A file that cannot be read well is skipped with its reason, never guessed."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embeddings import readers
from embeddings.errors import SourceError, UnreadableFileError
from embeddings.readers import FORMATS, check_ending, date_in
from embeddings.records import Document, document_id

__all__ = [
    "FORMATS",
    "LARGEST",
    "FileEntry",
    "date_in",
    "decode",
    "list_files",
    "read_bytes",
    "read_document",
]

LARGEST = 64 * 1024 * 1024
"""Files of more bytes than this are skipped."""

_TEMPORARY = re.compile(r"^(?:\.|~\$|#.*#$)|(?:~|\.tmp|\.part|\.crdownload|\.swp)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file below a root: its source (POSIX path below the root, NFC) and where it is."""

    source: str
    path: Path


def list_files(root: Path) -> list[FileEntry]:
    """Return the files below `root`, by source; hidden and temporary ones are left out.

    Raises:
        SourceError: when `root` is missing, is not a folder or cannot be listed.
    """
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise SourceError(
            f"The folder of documents {str(root)!r} {what}; "
            "give a folder that holds your files, for example: wenju build seeds"
        )
    if not os.access(root, os.R_OK | os.X_OK):
        raise SourceError(
            f"The folder of documents {str(root)!r} is not readable; allow reading it"
        )
    return sorted(_walk(root), key=lambda entry: entry.source)


def _walk(root: Path) -> Iterator[FileEntry]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not _TEMPORARY.search(name))
        for name in names:
            path = Path(folder, name)
            if not _TEMPORARY.search(name) and path.is_file():
                source = path.relative_to(root).as_posix()
                yield FileEntry(unicodedata.normalize("NFC", source), path)


def read_bytes(entry: FileEntry) -> bytes:
    """Return the bytes of a file of a known format and a bearable size.

    Raises:
        UnreadableFileError: with the reason for the build's report.
    """
    check_ending(entry.path.suffix.lower())
    try:
        size = entry.path.stat().st_size
        if size > LARGEST:
            raise UnreadableFileError(
                f"{size:,} bytes; at most {LARGEST:,} are read; split the file"
            )
        return entry.path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(
            f"cannot be opened: {error.strerror}; check its rights"
        ) from error


def decode(data: bytes) -> str:
    """Return the text of `data`, without a byte-order mark and with its own line endings.

    Raises:
        UnreadableFileError: when it is not text in UTF-8, UTF-16, GB18030 or Big5.
    """
    return readers.decode(data).text


def read_document(entry: FileEntry, data: bytes) -> Document:
    """Return the document that `data`, the bytes of `entry`, holds.

    Raises:
        UnreadableFileError: when it cannot be read well, or holds nothing but white space.
    """
    reading = readers.read(entry.source, data)
    return Document(
        id=document_id(data),
        source=entry.source,
        text=reading.text,
        reader=reading.reader,
        title=reading.title,
        date=reading.date,
        page_starts=reading.page_starts,
        marks=reading.marks,
    )
