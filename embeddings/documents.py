"""Files -> documents. A file that cannot be read well is skipped with its reason, never guessed."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from embeddings import readers
from embeddings.errors import SourceError, UnopenedFileError, UnreadableFileError
from embeddings.readers import FORMATS, apart, check_ending, date_in
from embeddings.records import Document, FileStamp, document_id

__all__ = [
    "FORMATS",
    "LARGEST",
    "FileEntry",
    "date_in",
    "decode",
    "is_left_out",
    "list_files",
    "read_bytes",
    "read_document",
    "reading_version",
]

LARGEST = 64 * 1024 * 1024
"""Files of more bytes than this are skipped, unless a build allows more."""

_TEMPORARY = re.compile(r"^(?:\.|~\$|#.*#$)|(?:~|\.tmp|\.part|\.crdownload|\.swp)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file below a root, or a place there that cannot be looked into.

    Attributes:
        source: POSIX path below the root, NFC.
        path: where it is.
        stamp: what the file system said of it when it was listed, or None.
        problem: why it cannot be read at all, or None.
    """

    source: str
    path: Path
    stamp: FileStamp | None = None
    problem: str | None = None


def list_files(root: Path, without: Path | None = None) -> list[FileEntry]:
    """Return the files below `root`, by source; hidden and temporary ones are left out.

    Entries with a `problem` are a folder that cannot be listed, a file that cannot be looked at, a
    link that leads out of `root`, a name that is not Unicode, and one that another file has in
    another Unicode form.

    Args:
        root: folder of documents.
        without: a folder that is left out, as an index below its own documents; None for none.

    Raises:
        SourceError: when `root` is missing, is not a folder or cannot be listed.
    """
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise SourceError(
            f"The folder of documents {str(root)!r} {what}; "
            "give a folder that holds your files, for example: wenju build seeds"
        )
    found = sorted(_walk(root, without and without.resolve()), key=lambda e: (e.source, e.path))
    if any(entry.path == root for entry in found) or not os.access(root, os.R_OK | os.X_OK):
        raise SourceError(
            f"The folder of documents {str(root)!r} is not readable; allow reading it"
        )
    return list(_one_a_source(found))


_OUTSIDE = "a link that leads out of its folder; put the file itself there"
"""A folder that somebody sent may hold links to files that were never meant to be read."""


def is_left_out(name: str) -> bool:
    """Tell whether files and folders of this name are left out: hidden and temporary ones."""
    return _TEMPORARY.search(name) is not None


def _walk(root: Path, without: Path | None) -> Iterator[FileEntry]:
    refused: list[OSError] = []
    home = root.resolve()
    for folder, folders, names in os.walk(root, onerror=refused.append):
        folders[:] = [name for name in folders if not is_left_out(name)]
        if without and without.name in folders and Path(folder, without.name).resolve() == without:
            folders.remove(without.name)
        for path in (Path(folder, name) for name in names if not is_left_out(name)):
            try:
                found = path.stat()
            except OSError as error:
                if path.is_symlink() or not isinstance(error, FileNotFoundError):
                    yield _entry(root, path, None, _refusal(error))
            else:
                if S_ISREG(found.st_mode):
                    outside = path.is_symlink() and not path.resolve().is_relative_to(home)
                    yield _entry(root, path, _stamp(found), _OUTSIDE if outside else None)
    for closed in refused:
        reason = f"this folder cannot be listed: {closed.strerror}; check its rights"
        yield _entry(root, Path(closed.filename), None, reason)


def _stamp(found: os.stat_result) -> FileStamp:
    # The numbers of SQLite have 63 bits and a sign.
    return FileStamp(found.st_size, found.st_mtime_ns, found.st_ino & (2**63 - 1))


def _refusal(error: OSError) -> str:
    return f"cannot be opened: {error.strerror}; check its rights"


def _entry(
    root: Path, path: Path, stamp: FileStamp | None, problem: str | None = None
) -> FileEntry:
    source = unicodedata.normalize("NFC", path.relative_to(root).as_posix())
    try:
        source.encode("utf-8")
    except UnicodeEncodeError:
        shown = os.fsencode(source).decode("utf-8", "backslashreplace")
        return FileEntry(shown, path, None, "its name is not valid Unicode; rename it")
    return FileEntry(source, path, stamp, problem)


def _one_a_source(found: list[FileEntry]) -> Iterator[FileEntry]:
    """Yield the entries; of files whose names differ in their Unicode form only, the first."""
    last = None
    for entry in found:
        if entry.source == last:
            shown = ascii(os.fspath(entry.path.name))[1:-1]
            problem = "another file has this name in another Unicode form; rename one of them"
            yield FileEntry(f"{entry.source} ({shown})", entry.path, problem=problem)
        else:
            yield entry
        last = entry.source


def reading_version(largest: int) -> str:
    """Return what changes whenever a skipped file might be read: then each is tried again."""
    limits = f"{apart.SECONDS:g} {apart.MEMORY}"
    ocr = readers.recognition_version()
    return f"reading/4 {largest} {limits} {' '.join(FORMATS)} ocr {ocr}"


def read_bytes(entry: FileEntry, largest: int = LARGEST) -> bytes:
    """Return the bytes of a file of a known format and of at most `largest` bytes.

    Raises:
        UnopenedFileError: when it cannot be opened, or was removed since it was listed.
        UnreadableFileError: with the reason for the build's report.
    """
    if entry.problem:
        raise UnopenedFileError(entry.problem)
    check_ending(entry.path.suffix.lower())
    try:
        size = entry.path.stat().st_size
        if size > largest:
            raise UnreadableFileError(
                f"{size:,} bytes; at most {largest:,} are read; split the file, or allow more "
                f"megabytes: WENJU_LARGEST_FILE={-(-size // 2**20)}"
            )
        return entry.path.read_bytes()
    except FileNotFoundError as error:
        raise UnopenedFileError("it was removed while the folder was read") from error
    except OSError as error:
        raise UnopenedFileError(_refusal(error)) from error


def decode(data: bytes) -> str:
    """Return the text of `data`, without a byte-order mark and with its own line endings.

    Raises:
        UnreadableFileError: when it is not text in UTF-8, UTF-16, GB18030 or Big5.
    """
    return readers.decode(data).text


def read_document(entry: FileEntry, data: bytes) -> Document:
    """Return the document that `data`, the bytes of `entry`, holds.

    What a library parses is read in another process; see `readers.apart`.

    Raises:
        UnreadableFileError: when it cannot be read well, or holds nothing but white space.
    """
    reading = readers.read(entry.source, data, apart.parse)
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
