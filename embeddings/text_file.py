"""A file of a generation's texts, opened read-only; and the list of files, which each has.

`embeddings.texts` reads the texts themselves.
"""

from __future__ import annotations

import posixpath
import sqlite3
import threading
import unicodedata
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from embeddings.damage import damaged

FILES = "files.db"
"""The list of files of a generation of several pieces."""


CACHE = 16_384
"""KiB of a file that SQLite may keep: what leads to the texts of a million passages is 5 MB."""


class Selection(NamedTuple):
    """The files that a question is limited to: of each document, its sources among them by name."""

    sources: dict[str, tuple[str, ...]]


class TextFile:
    """An open database of a generation; safe to use from several threads.

    Args:
        folder: the generation.
        name: POSIX path of the file in it.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self._name = folder, name
        uri = f"{(folder / name).absolute().as_uri()}?mode=ro&immutable=1"
        try:
            self._db = sqlite3.connect(uri, uri=True, check_same_thread=False)
            self._db.execute(f"PRAGMA cache_size = -{CACHE}")
        except sqlite3.DatabaseError as error:
            raise damaged(folder, name) from error
        # A connection is part of a reference cycle: left to itself it would keep the file of a
        # generation that is gone, and its place on the disk, until the collector comes by.
        weakref.finalize(self, self._db.close)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._db.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise damaged(self.folder, self._name) from error

    @contextmanager
    def _parsing(self) -> Iterator[None]:
        """Say that the file is damaged where a row of it cannot be understood."""
        try:
            yield
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise damaged(self.folder, self._name) from error

    def _in_parts(
        self, query: str, values: Iterable[int] | Iterable[str]
    ) -> Iterator[tuple[Any, ...]]:
        """Run `query`, which has ``IN ({})``, with some of `values` at a time."""
        waiting = iter(values)
        while part := list(islice(waiting, 500)):
            yield from self._rows(query.format(",".join("?" * len(part))), part)


class FileList(TextFile):
    """The table `files`: which file holds which document."""

    def document_ids(self) -> list[str]:
        """Return the ids of all documents, by their first source."""
        rows = self._rows("SELECT document FROM files GROUP BY document ORDER BY min(source)")
        return [row[0] for row in rows]

    def sources_of(self, documents: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return every file with the content of these documents, by name."""
        query = "SELECT document, source FROM files WHERE document IN ({})"
        return _by_document(self._in_parts(query, dict.fromkeys(documents)))

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Every file in the index, by name."""
        return tuple(row[0] for row in self._rows("SELECT source FROM files ORDER BY source"))

    def listed(self, sources: Iterable[str] | None = None) -> dict[str, tuple[str, ...]]:
        """Return of each document its sources among files or folders; None for all."""
        wanted = [None] if sources is None else _listed(sources)
        return _by_document(row for source in wanted for row in self._files(source))

    def files(self) -> dict[str, str]:
        """Return the document in each file."""
        return dict(self._rows("SELECT source, document FROM files"))

    def count_files(self) -> int:
        """Return how many files there are, counted one by one."""
        return int(self._rows("SELECT count(*) FROM files")[0][0])

    def _files(self, source: str | None) -> list[tuple[Any, ...]]:
        """Return (document, source) of a file, of the files below a folder, or of all for None."""
        if source is None:
            return self._rows(_FILES)
        found = (self._named(name) for name in spellings(source))
        return next(filter(None, found), [])

    def _named(self, name: str) -> list[tuple[Any, ...]]:
        if not name.endswith("/"):
            return self._rows(_FILES + " WHERE source = ?", [name])
        behind = name[:-1] + chr(ord("/") + 1)
        return self._rows(_FILES + " WHERE source >= ? AND source < ?", [name, behind])


_FILES = "SELECT document, source FROM files"


def spellings(source: str) -> list[str]:
    """Return what the index may call a file or folder that is named `source`, likeliest first.

    That is the name in NFC; and, without ``.``, ``..`` and doubled slashes, with slashes for the
    backslashes of Windows, unless it then leads out of the root or is absolute.
    """
    given = unicodedata.normalize("NFC", source)
    if given != given.encode("utf-8", "ignore").decode():
        return []  # half of a surrogate pair: no file that was read has such a name
    plain = posixpath.normpath(given.replace("\\", "/"))
    if plain in (".", "..") or plain.startswith(("/", "../")):
        return [given]
    folder = "/" if given.endswith(("/", "\\")) else ""
    return list(dict.fromkeys([given, plain + folder]))


def _listed(sources: Iterable[str]) -> list[str]:
    """Return the sources as a list; a single text is one source, not one for each character."""
    return [sources] if isinstance(sources, str) else list(sources)


def _by_document(files: Iterable[tuple[Any, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the sources of each document by name, out of pairs of both."""
    found: dict[str, set[str]] = {}
    for document, source in files:
        found.setdefault(document, set()).add(source)
    return {document: tuple(sorted(held)) for document, held in found.items()}
