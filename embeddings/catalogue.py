"""The builder's catalogue, `library.db`: files, originals, passages, words and vectors.

Only a build opens it for writing; readers use the published generation. Every batch is one
commit, so a build that is cut off goes on where it stopped. Between two builds it is sealed, so
that no text of a damaged one is ever published.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from embeddings import schema
from embeddings.records import Document, FileStamp, Mark, Passage, Role, Sentence, Span
from embeddings.schema import FORMAT

__all__ = ["FORMAT", "Catalogue", "FileRecord", "ScanRecord"]


_PLAIN = ("id", "document", "text", "title", "heading", "role", "page")
"""Fields of a passage that are kept as they are."""

_PART = 500
"""Keys in one query."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What became of a file: the document in it, or the reason why it was skipped."""

    source: str
    document: str | None
    reason: str | None


class ScanRecord(NamedTuple):
    """What became of a file when it was last looked into.

    Attributes:
        source: POSIX path below the root.
        document: the document in it, or None when it was skipped.
        reason: why it was skipped, or None.
        stamp: what the file system said of it then, or None when it could not be read.
        scanned: time in ns at which that scan began; 0 when `stamp` is not to be relied on.
        build: number of the build that looked.
    """

    source: str
    document: str | None
    reason: str | None
    stamp: FileStamp | None
    scanned: int
    build: int

    @property
    def file(self) -> FileRecord:
        """Return what became of the file."""
        return FileRecord(self.source, self.document, self.reason)


class Catalogue:
    """An open catalogue; a context manager. One thread, one process at a time.

    It has two lists of files: `files` is what the last scan found, be it of a running build or of
    one that was cut off; `published_files` is that of the published generation. `accept` makes the
    first the second.

    Raises:
        IndexFolderError: when it cannot be opened; see `embeddings.schema.connect`.
    """

    def __init__(self, path: Path) -> None:
        schema.unseal(path)
        self._path: Path | None = path
        self._db = schema.connect(path)

    @classmethod
    def copy_of(cls, path: Path) -> Catalogue:
        """Open a copy of a catalogue, empty when there is none; `path` stays as it is.

        Raises:
            IndexFolderError: when it cannot be read; see `embeddings.schema.copy`.
        """
        copied = cls.__new__(cls)
        copied._path, copied._db = None, schema.copy(path)
        return copied

    @classmethod
    def peek(cls, path: Path) -> Catalogue:
        """Open a catalogue for a short look at what is committed; a build may be writing it.

        Raises:
            IndexFolderError: when it cannot be read; see `embeddings.schema.peek`.
        """
        seen = cls.__new__(cls)
        seen._path, seen._db = None, schema.peek(path)
        return seen

    @property
    def database(self) -> sqlite3.Connection:
        """The connection, for modules that keep temporary tables beside the catalogue's own."""
        return self._db

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()
        if self._path is not None:
            schema.seal(self._path)

    def get(self, key: str) -> str | None:
        """Return a note kept under `key`, or None."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    def put(self, key: str, value: str) -> None:
        """Keep a note."""
        with self._db:
            self._put(key, value)

    def _put(self, key: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def forget_all(self, note: str, value: str) -> None:
        """Forget documents, vectors and words, not the list of files; keep a note of it."""
        with self._db:
            for table in ("passages", "documents", "scans", "vectors", "leaving", "words"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
            self._db.execute("DELETE FROM meta WHERE key IN ('published', 'accepted')")
            self._put(note, value)

    def has_document(self, document: str, segmenter: str) -> bool:
        """Tell whether a document's passages, made by these rules, are here."""
        found = self._db.execute(
            "SELECT 1 FROM documents WHERE id = ? AND segmenter = ?", (document, segmenter)
        )
        return found.fetchone() is not None

    def document(self, document: str) -> Document | None:
        """Return a kept document under its first source, or None."""
        row = self._db.execute(
            "SELECT id, (SELECT min(source) FROM scans WHERE document = documents.id), text,"
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
                "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, '')",
                (*row, pages, segmenter, marks),
            )
            self._db.executemany(
                "INSERT INTO passages VALUES (?, ?, ?, NULL)",
                (
                    (document.id, at, passage_to_json(passage))
                    for at, passage in enumerate(passages)
                ),
            )

    def files(self) -> list[FileRecord]:
        """Return what became of each file in the last scan, by source."""
        rows = self._db.execute("SELECT source, document, reason FROM scans ORDER BY source")
        return [FileRecord(*row) for row in rows]

    def published_files(self) -> list[FileRecord]:
        """Return what became of each file in the published generation, by source.

        The note ``accepted`` has that generation's number; where CURRENT names another one, the
        build that published it was cut off before its last step.
        """
        rows = self._db.execute("SELECT source, document, reason FROM files ORDER BY source")
        return [FileRecord(*row) for row in rows]

    def scans(self) -> list[ScanRecord]:
        """Return what became of each file when it was last looked into, by source."""
        return sorted(self._scans("source >= ?", ""))

    def scan_of(self, source: str) -> ScanRecord | None:
        """Return what became of a file when it was last looked into, or None."""
        return next(self._scans("source = ?", source), None)

    def scans_of_inode(self, inode: int) -> list[ScanRecord]:
        """Return what became of the files that had this inode number."""
        return list(self._scans("inode = ?", inode))

    def _scans(self, where: str, value: object) -> Iterator[ScanRecord]:
        query = f"SELECT * FROM scans WHERE {where}"  # noqa: S608 - conditions of our own
        for source, document, reason, size, mtime, inode, scanned, build in self._db.execute(
            query, (value,)
        ):
            stamp = None if size is None else FileStamp(size, mtime, inode)
            yield ScanRecord(source, document, reason, stamp, scanned, build)

    def put_scan(self, scan: ScanRecord) -> None:
        """Keep what became of a file."""
        stamp = scan.stamp or (None, None, None)
        with self._db:
            self._db.execute(
                "INSERT OR REPLACE INTO scans VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (scan.source, scan.document, scan.reason, *stamp, scan.scanned, scan.build),
            )

    def distrust_scans(self, note: str, value: str, *, skipped_only: bool = False) -> None:
        """Have all files, or those that were skipped, looked into again; keep a note of it."""
        with self._db:
            self._db.execute(
                "UPDATE scans SET scanned = 0 WHERE document IS NULL OR NOT ?", (skipped_only,)
            )
            self._put(note, value)

    def forget_scans_but(self, sources: Iterable[str]) -> None:
        """Forget the scans of files that are not listed any more."""
        with self._db:
            self._db.execute("CREATE TEMP TABLE listed (source TEXT PRIMARY KEY) WITHOUT ROWID")
            self._db.executemany("INSERT INTO listed VALUES (?)", ((name,) for name in sources))
            self._db.execute("DELETE FROM scans WHERE source NOT IN (SELECT source FROM listed)")
            self._db.execute("DROP TABLE listed")

    def accept(self, number: int) -> None:
        """Make the last scan the list of the published generation, which has this number.

        Documents that no file holds any more are forgotten: an older generation has their texts.
        """
        with self._db:
            self._db.execute("DELETE FROM files")
            self._db.execute("INSERT INTO files SELECT source, document, reason FROM scans")
            self._db.execute(
                "DELETE FROM documents WHERE id NOT IN"
                " (SELECT document FROM scans WHERE document IS NOT NULL)"
            )
            self._put("accepted", str(number))

    def documents(self) -> Iterator[tuple[Document, tuple[str, ...], list[Passage]]]:
        """Yield each document of the last scan with all its sources and its passages.

        They come by first source, one at a time.
        """
        for document in self.document_ids():
            found = self.document(document)
            assert found is not None, f"files name document {document}, which is not kept"
            yield found, self.sources_of(document), self.passages(document)

    def document_ids(self) -> Iterator[str]:
        """Yield the documents of the last scan, by first source."""
        rows = self._db.execute(
            "SELECT document, min(source) AS first FROM scans WHERE document IS NOT NULL"
            " GROUP BY document ORDER BY first"
        ).fetchall()  # a query that is still read would keep the log from being shortened
        return (row[0] for row in rows)

    def sources_of(self, document: str) -> tuple[str, ...]:
        """Return the files in which the last scan found a document, by name."""
        rows = self._db.execute(
            "SELECT source FROM scans WHERE document = ? ORDER BY source", (document,)
        )
        return tuple(row[0] for row in rows)

    def passages(self, document: str) -> list[Passage]:
        """Return the passages of a document in reading order."""
        rows = self._db.execute(
            "SELECT passage FROM passages WHERE document = ? ORDER BY ordinal", (document,)
        )
        return [passage_from_json(row[0]) for row in rows]

    def passage(self, document: str, ordinal: int) -> Passage:
        """Return the passage of a document that is number `ordinal` in reading order, from 0."""
        row = self._db.execute(
            "SELECT passage FROM passages WHERE document = ? AND ordinal = ?", (document, ordinal)
        ).fetchone()
        return passage_from_json(row[0])

    def keys_of(self, document: str, inputs: str) -> list[bytes] | None:
        """Return the keys that `put_keys` kept of each passage, or None when there are none.

        Args:
            document: its id.
            inputs: what the keys depend on, as it was given to `put_keys`.
        """
        known = self._db.execute(
            "SELECT 1 FROM documents WHERE id = ? AND inputs = ?", (document, inputs)
        ).fetchone()
        if known is None:
            return None
        rows = self._db.execute(
            "SELECT keys FROM passages WHERE document = ? ORDER BY ordinal", (document,)
        )
        return [row[0] for row in rows]

    def put_keys(self, document: str, inputs: str, keys: Sequence[bytes]) -> None:
        """Keep some bytes for each passage of a document, and what they depend on."""
        with self._db:
            self._db.executemany(
                "UPDATE passages SET keys = ? WHERE document = ? AND ordinal = ?",
                ((key, document, ordinal) for ordinal, key in enumerate(keys)),
            )
            self._db.execute("UPDATE documents SET inputs = ? WHERE id = ?", (inputs, document))

    def add_vectors(
        self, keys: Sequence[bytes], vectors: NDArray[np.float32], build: int = 0
    ) -> None:
        """Keep `vectors`, one row for each key, in half precision, as made by a build."""
        halves = vectors.astype(np.float16)
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)",
                ((key, row.tobytes(), build) for key, row in zip(keys, halves, strict=True)),
            )

    def vectors(self, keys: Sequence[bytes], dimensions: int) -> NDArray[np.float32]:
        """Return the vectors of `keys`, unit rows, shape (len(keys), dimensions).

        Raises:
            KeyError: when one is missing.
        """
        found = np.empty((len(keys), dimensions), dtype=np.float32)
        for start in range(0, len(keys), _PART):
            part = keys[start : start + _PART]
            kept = self._vectors(part)
            halves = np.frombuffer(b"".join([kept[key] for key in part]), dtype=np.float16)
            found[start : start + len(part)] = halves.reshape(len(part), dimensions)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        found /= np.maximum(lengths, 1e-12)
        return found

    def _vectors(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        wanted = ",".join("?" * len(keys))
        query = f"SELECT key, vector FROM vectors WHERE key IN ({wanted})"  # noqa: S608
        return dict(self._db.execute(query, keys).fetchall())


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


def passage_to_json(passage: Passage) -> str:
    """Return a passage as the catalogue keeps it."""
    fields = [getattr(passage, name) for name in _PLAIN]
    sentences = [[item.text, _pairs(item.spans)] for item in passage.sentences]
    return json.dumps([*fields, _pairs(passage.spans), sentences], ensure_ascii=False)


def _pairs(spans: Iterable[Span]) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in spans]


def passage_from_json(text: str) -> Passage:
    """Return the passage that `passage_to_json` wrote."""
    kept: Any = json.loads(text)
    if isinstance(kept, dict):
        return _from_older_json(kept)
    *plain, spans, sentences = kept
    fields = dict(zip(_PLAIN, plain, strict=True))
    fields["role"] = Role(fields["role"])
    return Passage(
        **fields,
        spans=_spans(spans),
        sentences=tuple(Sentence(said, _spans(where)) for said, where in sentences),
    )


def _spans(pairs: Iterable[Sequence[int]]) -> tuple[Span, ...]:
    return tuple(Span(start, end) for start, end in pairs)


def _from_older_json(fields: dict[str, Any]) -> Passage:
    """Return a passage as catalogues before format 3 kept it."""
    fields["role"] = Role(fields["role"])
    fields["spans"] = tuple(Span(**span) for span in fields["spans"])
    fields["sentences"] = tuple(
        Sentence(item["text"], tuple(Span(**span) for span in item["spans"]))
        for item in fields["sentences"]
    )
    return Passage(**fields)
