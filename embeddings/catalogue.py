"""The builder's catalogue, `library.db`: roots, files, originals, passages and vectors.

Only a build opens it; readers use the published generation. Every batch is one commit, so a build
that is cut off goes on where it stopped.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import IndexDamagedError, IndexFormatError, IndexWriteError
from embeddings.records import Document, Mark, Passage, Role, Sentence, Span

FORMAT = 2
"""Version of the tables; a catalogue of a higher one is refused."""

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
  id TEXT PRIMARY KEY, reader TEXT NOT NULL, title TEXT NOT NULL, date TEXT, text TEXT NOT NULL,
  page_starts TEXT NOT NULL, segmenter TEXT NOT NULL,
  marks TEXT NOT NULL DEFAULT '[]');
CREATE TABLE files (
  source TEXT PRIMARY KEY, document TEXT REFERENCES documents (id), reason TEXT) WITHOUT ROWID;
CREATE TABLE passages (
  document TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE, ordinal INTEGER NOT NULL,
  passage TEXT NOT NULL, PRIMARY KEY (document, ordinal));
CREATE TABLE vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
"""


_MIGRATIONS = {1: "ALTER TABLE documents ADD COLUMN marks TEXT NOT NULL DEFAULT '[]'"}
"""What makes a catalogue of a format one of the next."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What became of a file: the document in it, or the reason why it was skipped."""

    source: str
    document: str | None
    reason: str | None


class Catalogue:
    """An open catalogue; a context manager. One thread, one process at a time."""

    def __init__(self, path: Path) -> None:
        try:
            self._db = sqlite3.connect(path)
            self._prepare(path)
        except sqlite3.OperationalError as error:
            raise IndexWriteError(
                f"The index folder {str(path.parent)!r} cannot be written ({error}); "
                "allow writing to it or choose another: --index FOLDER"
            ) from error
        except sqlite3.DatabaseError as error:
            raise IndexDamagedError(
                f"{str(path)!r} is not a catalogue ({error}); "
                "delete the index folder and build again: wenju build"
            ) from error

    def _prepare(self, path: Path) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > FORMAT:
            raise IndexFormatError(
                f"The index {str(path.parent)!r} has format {version}; this version writes up to "
                f"{FORMAT}. Install a newer wenju, or build into another folder: --index FOLDER"
            )
        for older in range(version, FORMAT) if version else ():
            self._db.executescript(
                f"BEGIN; {_MIGRATIONS[older]}; PRAGMA user_version = {older + 1}; COMMIT;"
            )
        if version == 0:
            self._db.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {FORMAT}; COMMIT;")

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def get(self, key: str) -> str | None:
        """Return a note kept under `key`, or None."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    def put(self, key: str, value: str) -> None:
        """Keep a note."""
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def has_document(self, document: str, segmenter: str) -> bool:
        """Tell whether a document's passages, made by these rules, are here."""
        found = self._db.execute(
            "SELECT 1 FROM documents WHERE id = ? AND segmenter = ?", (document, segmenter)
        )
        return found.fetchone() is not None

    def document(self, document: str) -> Document | None:
        """Return a kept document under its first source, or None."""
        row = self._db.execute(
            "SELECT id, (SELECT min(source) FROM files WHERE document = documents.id), text,"
            " reader, title, date, page_starts, marks FROM documents WHERE id = ?",
            (document,),
        ).fetchone()
        if row is None:
            return None
        identity, source, text, reader, title, date, page_starts, marks = row
        pages = tuple(json.loads(page_starts))
        return Document(
            identity, source or "", text, reader, title, date, pages, _marks_from_json(marks)
        )

    def add(
        self, document: Document, title: str, passages: Iterable[Passage], segmenter: str
    ) -> None:
        """Keep a document, under `title`, and its passages; those of older rules are replaced."""
        row = (document.id, document.reader, title, document.date, document.text)
        pages = json.dumps(document.page_starts)
        marks = json.dumps([[m.start, m.end, m.role, m.level] for m in document.marks])
        with self._db:
            self._db.execute("DELETE FROM passages WHERE document = ?", (document.id,))
            self._db.execute(
                "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
                " SET title = excluded.title, date = excluded.date, segmenter = excluded.segmenter",
                (*row, pages, segmenter, marks),
            )
            self._db.executemany(
                "INSERT INTO passages VALUES (?, ?, ?)",
                ((document.id, at, _to_json(passage)) for at, passage in enumerate(passages)),
            )

    def files(self) -> list[FileRecord]:
        """Return what became of each file, by source."""
        rows = self._db.execute("SELECT source, document, reason FROM files ORDER BY source")
        return [FileRecord(*row) for row in rows]

    def set_files(self, files: Iterable[FileRecord]) -> None:
        """Replace the list of files, and forget documents that no file holds any more."""
        with self._db:
            self._db.execute("DELETE FROM files")
            self._db.executemany(
                "INSERT INTO files VALUES (?, ?, ?)",
                ((file.source, file.document, file.reason) for file in files),
            )
            self._db.execute(
                "DELETE FROM documents WHERE id NOT IN"
                " (SELECT document FROM files WHERE document IS NOT NULL)"
            )

    def documents(self) -> Iterator[tuple[Document, tuple[str, ...], list[Passage]]]:
        """Yield each document with all its sources and its passages, by first source."""
        sources: dict[str, list[str]] = {}
        for file in self.files():
            if file.document:
                sources.setdefault(file.document, []).append(file.source)
        for document, held in sources.items():
            found = self.document(document)
            assert found is not None, f"files name document {document}, which is not kept"
            yield found, tuple(held), self.passages(document)

    def passages(self, document: str) -> list[Passage]:
        """Return the passages of a document in reading order."""
        rows = self._db.execute(
            "SELECT passage FROM passages WHERE document = ? ORDER BY ordinal", (document,)
        )
        return [_from_json(row[0]) for row in rows]

    def missing_vectors(self, keys: Iterable[bytes]) -> set[bytes]:
        """Return those of `keys` that have no vector yet."""
        return {key for key in keys if not self._vector(key)}

    def add_vectors(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Keep `vectors`, one row for each key, in half precision."""
        halves = vectors.astype(np.float16)
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?)",
                ((key, row.tobytes()) for key, row in zip(keys, halves, strict=True)),
            )

    def vectors(self, keys: Sequence[bytes], dimensions: int) -> NDArray[np.float32]:
        """Return the vectors of `keys`, unit rows, shape (len(keys), dimensions).

        Raises:
            KeyError: when one is missing.
        """
        found = np.empty((len(keys), dimensions), dtype=np.float32)
        for row, key in enumerate(keys):
            kept = self._vector(key)
            if kept is None:
                raise KeyError(key)
            found[row] = np.frombuffer(kept, dtype=np.float16)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return found / np.maximum(lengths, 1e-12)  # type: ignore[no-any-return]

    def _vector(self, key: bytes) -> bytes | None:
        row = self._db.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def forget_vectors_but(self, keys: set[bytes]) -> None:
        """Forget the vectors of texts that stand in no passage any more."""
        kept = {row[0] for row in self._db.execute("SELECT key FROM vectors")}
        with self._db:
            self._db.executemany(
                "DELETE FROM vectors WHERE key = ?", ((key,) for key in kept - keys)
            )


def spans_to_json(spans: Iterable[Span]) -> str:
    """Return spans as JSON: ``[[start, end], ...]``."""
    return json.dumps([[span.start, span.end] for span in spans])


def spans_from_json(text: str) -> tuple[Span, ...]:
    """Return the spans that `spans_to_json` wrote."""
    return tuple(Span(start, end) for start, end in json.loads(text))


def _marks_from_json(text: str) -> tuple[Mark, ...]:
    return tuple(
        Mark(start, end, Role(role), level) for start, end, role, level in json.loads(text)
    )


def _to_json(passage: Passage) -> str:
    return json.dumps(asdict(passage), ensure_ascii=False)


def _from_json(text: str) -> Passage:
    fields: dict[str, Any] = json.loads(text)
    fields["role"] = Role(fields["role"])
    fields["spans"] = tuple(Span(**span) for span in fields["spans"])
    fields["sentences"] = tuple(
        Sentence(item["text"], tuple(Span(**span) for span in item["spans"]))
        for item in fields["sentences"]
    )
    return Passage(**fields)
