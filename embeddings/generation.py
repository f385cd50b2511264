"""The catalogue's passages -> the files of a generation. Writes into an unpublished folder only."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings.approximate import VECTORS, ApproximateIndex, Approximation
from embeddings.catalogue import Catalogue, spans_to_json
from embeddings.centre import Centre
from embeddings.checks import Sample, check
from embeddings.damage import MANIFEST, build_command
from embeddings.encoder import Encoder
from embeddings.errors import IndexFolderError, IndexWriteError
from embeddings.halves import Halves, open_halves, write_halves
from embeddings.keys import Keys, found_by, known_keys
from embeddings.lexical import Postings, Script
from embeddings.manifest import Manifest, describe_files, read_manifest
from embeddings.map import spread, write_map
from embeddings.passage_vectors import is_exact
from embeddings.postings import origins_of
from embeddings.records import Document, Passage
from embeddings.store import IndexFolder
from embeddings.texts import sentence_spans_to_json
from embeddings.vectors import VectorIndex
from embeddings.words import KnownWords

_TABLES = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE documents (id TEXT PRIMARY KEY, text TEXT NOT NULL, title TEXT NOT NULL, date TEXT,
  page_starts TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE files (source TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE passages (row INTEGER PRIMARY KEY, role TEXT NOT NULL, text TEXT NOT NULL,
  first_place INTEGER NOT NULL, first_sentence INTEGER NOT NULL, sentence_count INTEGER NOT NULL);
CREATE TABLE sentences (row INTEGER PRIMARY KEY, passage INTEGER NOT NULL,
  ordinal INTEGER NOT NULL, text TEXT NOT NULL);
CREATE TABLE places (number INTEGER PRIMARY KEY, passage INTEGER NOT NULL, id TEXT NOT NULL UNIQUE,
  document TEXT NOT NULL, title TEXT NOT NULL, heading TEXT NOT NULL, page INTEGER,
  spans TEXT NOT NULL, sentence_spans TEXT NOT NULL);
"""
# Neither journal nor sync: until it is complete and synced by `IndexFolder.publish` nobody reads
# the file, and what is left of it after a kill is thrown away.

_INDEXES = (
    "documents_by_date ON documents (date)",
    "files_of_document ON files (document)",
    "sentences_of_passage ON sentences (passage)",
    "places_of_passage ON places (passage)",
    "places_in_document ON places (document, passage)",
)

SAMPLES = 8
"""Passages that must find themselves before a generation is published."""

_SLICE = 4096
"""Vectors that are in memory at a time."""

QUERIES = 200
"""Sentences by which an approximate search of passages is measured."""


@dataclass(slots=True)
class _Rows:
    """What one pass over the catalogue collects, row by row.

    Equal passages share a row: its vector is that of its text alone; its words are found under the
    titles and headings of every one.

    Attributes:
        words: of each row the keys (`KnownWords.key`) of the text that its words are from, then
            of the headlines of its repeats, each once.
        headlines: row and key of all of these headlines.
    """

    passage_keys: list[bytes] = field(default_factory=list)
    sentence_keys: list[bytes] = field(default_factory=list)
    words: list[list[bytes]] = field(default_factory=list)
    headlines: set[tuple[int, bytes]] = field(default_factory=set)
    scripts: list[Script] = field(default_factory=list)
    sentence_counts: list[int] = field(default_factory=list)
    by_key: dict[bytes, int] = field(default_factory=dict)
    documents: int = 0
    files: int = 0
    places: int = 0


def write_generation(
    folder: Path,
    number: int,
    catalogue: Catalogue,
    encoder: Encoder,
    words: KnownWords,
    *,
    segmenter: str,
    on_document: Callable[[], None] = lambda: None,
) -> Manifest:
    """Write all files of generation `number` into `folder`, check them, and return its manifest.

    Every vector must be in the catalogue already. When it fails, `folder` is gone.

    Raises:
        IndexWriteError: when the disk refuses, for example because it is full.
        IndexDamagedError: when what was written does not pass `checks.check`.
    """
    try:
        rows = _write_text(folder / "text.db", catalogue, encoder, words, on_document)
        approximation = _write_vectors(folder, rows, catalogue, encoder)
        _write_postings(folder / "postings", rows, catalogue, words)
        manifest = _manifest(folder, number, catalogue, encoder, words, segmenter, rows)
        if approximation is not None:
            manifest = replace(manifest, search=approximation.to_json())
        (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
        check(folder, _samples(rows, catalogue, encoder, words))
    except (OSError, sqlite3.OperationalError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _unwritten(folder.parent.parent, error) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return manifest


def _unwritten(index: Path, error: Exception) -> IndexWriteError:
    reason = getattr(error, "strerror", None) or str(error)
    return IndexWriteError(
        f"The new generation cannot be written to {str(index)!r} ({reason}); make room or allow "
        "writing, then build again, which encodes nothing twice: "
        f"{build_command(index)}. What was published before goes on answering"
    )


def _manifest(
    folder: Path,
    number: int,
    catalogue: Catalogue,
    encoder: Encoder,
    words: KnownWords,
    segmenter: str,
    rows: _Rows,
) -> Manifest:
    counts = {
        "files": rows.files,
        "documents": rows.documents,
        "passages": len(rows.passage_keys),
        "places": rows.places,
        "sentences": len(rows.sentence_keys),
        "traditional": rows.scripts.count(Script.TRADITIONAL),
    }
    return Manifest(
        number=number,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model=encoder.name,
        fingerprint=encoder.fingerprint,
        dimensions=encoder.dimensions,
        tokenizer=words.fingerprint,
        segmenter=segmenter,
        root=catalogue.get("root") or "",
        counts=counts,
        files=describe_files(folder),
        before=IndexFolder(folder.parent.parent).current_number(),
    )


def _samples(
    rows: _Rows, catalogue: Catalogue, encoder: Encoder, words: KnownWords
) -> list[Sample]:
    """Return the first passage, the last, and some between, with the vectors of the catalogue."""
    last = len(rows.passage_keys) - 1
    some = sorted({round(at) for at in np.linspace(0, last, SAMPLES)} - {-1})
    vectors = catalogue.vectors([rows.passage_keys[row] for row in some], encoder.dimensions)
    return [
        Sample(row, vector, _tokens(rows.words[row], words))
        for row, vector in zip(some, vectors, strict=True)
    ]


def _write_vectors(
    folder: Path, rows: _Rows, catalogue: Catalogue, encoder: Encoder
) -> Approximation | None:
    """Write all vectors; return how good the search of passages is, None where it is exact."""
    scripts = np.array(rows.scripts, dtype=np.uint8)
    np.save(folder / "scripts.npy", scripts, allow_pickle=False)
    _copy_vectors(folder / "sentences.npy", rows.sentence_keys, catalogue, encoder)
    of_sentences = np.repeat(scripts, rows.sentence_counts)
    Centre.of(open_halves(folder / "sentences.npy"), of_sentences).write(folder, "sentence")
    if is_exact(len(rows.passage_keys)):
        passages = catalogue.vectors(rows.passage_keys, encoder.dimensions)
        VectorIndex.write(folder / "vectors.faiss", passages)
        _write_pictures(folder, passages, scripts)
        return None
    _copy_vectors(folder / VECTORS, rows.passage_keys, catalogue, encoder)
    _write_pictures(folder, open_halves(folder / VECTORS), scripts)
    sentences = Halves(folder / "sentences.npy")
    return ApproximateIndex.write(folder, sentences.rows(spread(sentences.shape[0], QUERIES)))


def _copy_vectors(
    path: Path, keys: Sequence[bytes], catalogue: Catalogue, encoder: Encoder
) -> None:
    """Write vectors of the catalogue to a file; never all of them are in memory."""
    slices = (
        catalogue.vectors(keys[start : start + _SLICE], encoder.dimensions)
        for start in range(0, len(keys), _SLICE)
    )
    write_halves(path, slices, (len(keys), encoder.dimensions))


def _write_pictures(
    folder: Path,
    passages: NDArray[np.float32] | NDArray[np.float16],
    scripts: NDArray[np.uint8],
) -> None:
    Centre.of(passages, scripts).write(folder, "passage")
    write_map(folder, passages)


def _write_postings(folder: Path, rows: _Rows, catalogue: Catalogue, words: KnownWords) -> None:
    """Write postings; rows whose words the published ones have already are taken over."""
    origins = origins_of(b"".join(keys) for keys in rows.words)
    previous = _published_postings(folder.parent.parent.parent, catalogue)
    taken = previous.rows_of(origins).tolist() if previous else [-1] * len(origins)
    planned = (
        row if row >= 0 else _tokens(keys, words)
        for row, keys in zip(taken, rows.words, strict=True)
    )
    Postings.write(folder, planned, previous, origins)


def _published_postings(index: Path, catalogue: Catalogue) -> Postings | None:
    """Return those that the last build published, if they are as it wrote them.

    None as well when all is to be done again: then that note is gone.
    """
    number, _, _ = (catalogue.get("published") or "").partition(" ")
    try:
        current = IndexFolder(index).current()
        manifest = read_manifest(current)
        found = describe_files(current / "postings")
        if number != str(manifest.number) or any(
            manifest.files.get(f"postings/{name}") != about for name, about in found.items()
        ):
            return None
        return Postings.open(current / "postings", for_rows=True)
    except (IndexFolderError, OSError, ValueError):
        return None


def _tokens(keys: Sequence[bytes], words: KnownWords) -> list[str]:
    """Return the tokens of a row's text, then those of headlines that it does not have yet."""
    first, *others = keys
    tokens = words.tokens(first)
    known = set(tokens)
    for key in others:
        new = [word for word in words.tokens(key) if word not in known]
        tokens += new
        known.update(new)
    return tokens


def _write_text(
    path: Path,
    catalogue: Catalogue,
    encoder: Encoder,
    words: KnownWords,
    on_document: Callable[[], None],
) -> _Rows:
    rows = _Rows()
    db = sqlite3.connect(path)
    try:
        db.executescript(_TABLES)
        for document, sources, passages in catalogue.documents():
            _insert_document(db, document, sources)
            keys = known_keys(catalogue, document.id, encoder)
            _insert_passages(db, passages, keys, rows, words)
            rows.documents += 1
            rows.files += len(sources)
            on_document()
        for index in _INDEXES:
            db.execute(f"CREATE INDEX {index}")
        db.commit()
    finally:
        db.close()
    return rows


def _insert_document(db: sqlite3.Connection, document: Document, sources: Sequence[str]) -> None:
    db.execute(
        "INSERT INTO documents VALUES (?, ?, ?, ?, ?)",
        (document.id, document.text, document.title, document.date,
         json.dumps(document.page_starts)),
    )  # fmt: skip
    db.executemany("INSERT INTO files VALUES (?, ?)", ((name, document.id) for name in sources))


def _insert_passages(
    db: sqlite3.Connection,
    passages: Sequence[Passage],
    keys: Sequence[Keys],
    rows: _Rows,
    words: KnownWords,
) -> None:
    """Write the passages of a document, each at its place; those that repeat none get a row."""
    texts: list[tuple[object, ...]] = []
    sentences: list[tuple[object, ...]] = []
    places: list[tuple[object, ...]] = []
    for passage, known in zip(passages, keys, strict=True):
        row = rows.by_key.setdefault(known.repeat, len(rows.passage_keys))
        if row == len(rows.passage_keys):
            first = len(rows.sentence_keys)
            said = [sentence.text for sentence in passage.sentences]
            texts.append((row, passage.role.value, passage.text, rows.places, first, len(said)))
            sentences += [(first + at, row, at, text) for at, text in enumerate(said)]
            _collect(passage, known, rows, words)
        else:
            _collect_headings(passage, row, rows, words)
        places.append(_place(rows.places, row, passage))
        rows.places += 1
    db.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)", texts)
    db.executemany("INSERT INTO sentences VALUES (?, ?, ?, ?)", sentences)
    db.executemany("INSERT INTO places VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", places)


def _place(number: int, row: int, passage: Passage) -> tuple[object, ...]:
    sentences = sentence_spans_to_json(sentence.spans for sentence in passage.sentences)
    return (
        number, row, passage.id, passage.document, passage.title, passage.heading, passage.page,
        spans_to_json(passage.spans), sentences,
    )  # fmt: skip


def _collect(passage: Passage, known: Keys, rows: _Rows, words: KnownWords) -> None:
    own, *of_sentences = known.inputs
    rows.passage_keys.append(own)
    rows.sentence_keys.extend(of_sentences)
    rows.sentence_counts.append(len(of_sentences))
    rows.words.append([words.key(found_by(passage))])
    rows.scripts.append(known.script)


def _collect_headings(passage: Passage, row: int, rows: _Rows, words: KnownWords) -> None:
    """Have a row found by title and heading of a repeat as well."""
    key = words.key(f"{passage.title}\n{passage.heading}")
    if (row, key) not in rows.headlines:
        rows.headlines.add((row, key))
        rows.words[row].append(key)
