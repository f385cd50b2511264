"""The catalogue's passages -> the files of a generation. Writes into an unpublished folder only."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from embeddings.catalogue import Catalogue, spans_to_json
from embeddings.centre import Centre
from embeddings.checks import Sample, check
from embeddings.cleaning import HAN
from embeddings.damage import MANIFEST, build_command
from embeddings.encoder import Encoder, vector_key
from embeddings.errors import IndexWriteError
from embeddings.lexical import Postings, Script, Tokenizer, script_of
from embeddings.manifest import Manifest, describe_files
from embeddings.records import CUT_OFF, Document, Passage
from embeddings.store import IndexFolder
from embeddings.texts import sentence_spans_to_json
from embeddings.vectors import VectorIndex, write_halves

_WIDE = "\u2014\u2018-\u201d\u2026\u3000-\u303f\uff00-\uffef"
"""Marks of Chinese type."""

_IDLE_SPACE = re.compile(rf"(?<=[{HAN}{_WIDE}])\s+|\s+(?=[{HAN}{_WIDE}])")

_TABLES = """
CREATE TABLE documents (id TEXT PRIMARY KEY, text TEXT NOT NULL, title TEXT NOT NULL, date TEXT,
  page_starts TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX documents_by_date ON documents (date);
CREATE TABLE files (source TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX files_of_document ON files (document);
CREATE TABLE passages (row INTEGER PRIMARY KEY, role TEXT NOT NULL, text TEXT NOT NULL,
  first_place INTEGER NOT NULL, first_sentence INTEGER NOT NULL, sentence_count INTEGER NOT NULL);
CREATE TABLE sentences (row INTEGER PRIMARY KEY, passage INTEGER NOT NULL,
  ordinal INTEGER NOT NULL, text TEXT NOT NULL);
CREATE INDEX sentences_of_passage ON sentences (passage);
CREATE TABLE places (number INTEGER PRIMARY KEY, passage INTEGER NOT NULL, id TEXT NOT NULL UNIQUE,
  document TEXT NOT NULL, title TEXT NOT NULL, heading TEXT NOT NULL, page INTEGER,
  spans TEXT NOT NULL, sentence_spans TEXT NOT NULL);
CREATE INDEX places_of_passage ON places (passage);
CREATE INDEX places_in_document ON places (document, passage);
"""

SAMPLES = 8
"""Passages that must find themselves before a generation is published."""


def found_by(passage: Passage) -> str:
    """Return the text whose words find a passage: the headlines above it, and its own.

    An article's first words in place of a headline say nothing more.
    """
    title = "" if passage.title.endswith(CUT_OFF) else passage.title
    above = [one for one in (title, passage.heading) if one and passage.text not in one]
    return "\n".join([*above, passage.text])


def encoder_inputs(passage: Passage) -> list[str]:
    """Return the texts to encode for a passage: its own, then one for each sentence.

    Without the headlines above: with them all passages of an article look alike, see
    benchmarks/segmenting.py.
    """
    return [passage.text, *(sentence.text for sentence in passage.sentences)]


def repeat_key(passage: Passage) -> bytes:
    """Return what is equal for passages that repeat one another, wherever they stand.

    White space beside a Chinese character or mark says nothing; between Latin words and numbers
    it parts them and counts. Title and heading are left out: under another headline it is still
    the same text.
    """
    digest = hashlib.sha256(passage.role.value.encode())
    for sentence in passage.sentences:
        text = _IDLE_SPACE.sub("", sentence.text)
        digest.update(b"\0" + " ".join(text.split()).encode("utf-8", "surrogatepass"))
    return digest.digest()


@dataclass(slots=True)
class _Rows:
    """What one pass over the catalogue collects, row by row.

    Equal passages share a row: its vector is that of its text alone; its words are found under the
    titles and headings of every one.
    """

    passage_keys: list[bytes] = field(default_factory=list)
    sentence_keys: list[bytes] = field(default_factory=list)
    tokens: list[Sequence[str]] = field(default_factory=list)
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
    tokenizer: Tokenizer,
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
        rows = _write_text(folder / "text.db", catalogue, encoder, tokenizer, on_document)
        _write_vectors(folder, rows, catalogue, encoder)
        Postings.write(folder / "postings", rows.tokens)
        manifest = _manifest(folder, number, catalogue, encoder, tokenizer, segmenter, rows)
        (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
        check(folder, _samples(rows, catalogue, encoder))
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
    tokenizer: Tokenizer,
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
        tokenizer=tokenizer.fingerprint,
        segmenter=segmenter,
        root=catalogue.get("root") or "",
        counts=counts,
        files=describe_files(folder),
        before=IndexFolder(folder.parent.parent).current_number(),
    )


def _samples(rows: _Rows, catalogue: Catalogue, encoder: Encoder) -> list[Sample]:
    """Return the first passage, the last, and some between, with the vectors of the catalogue."""
    some = np.unique(np.linspace(0, len(rows.passage_keys) - 1, SAMPLES).astype(int)).tolist()
    some = [row for row in some if row >= 0]
    vectors = catalogue.vectors([rows.passage_keys[row] for row in some], encoder.dimensions)
    return [
        Sample(row, vector, rows.tokens[row]) for row, vector in zip(some, vectors, strict=True)
    ]


def _write_vectors(folder: Path, rows: _Rows, catalogue: Catalogue, encoder: Encoder) -> None:
    scripts = np.array(rows.scripts, dtype=np.uint8)
    np.save(folder / "scripts.npy", scripts, allow_pickle=False)
    passages = catalogue.vectors(rows.passage_keys, encoder.dimensions)
    VectorIndex.write(folder / "vectors.faiss", passages)
    Centre.of(passages, scripts).write(folder, "passage")
    sentences = catalogue.vectors(rows.sentence_keys, encoder.dimensions)
    write_halves(folder / "sentences.npy", sentences)
    Centre.of(sentences, np.repeat(scripts, rows.sentence_counts)).write(folder, "sentence")


def _write_text(
    path: Path,
    catalogue: Catalogue,
    encoder: Encoder,
    tokenizer: Tokenizer,
    on_document: Callable[[], None],
) -> _Rows:
    rows = _Rows()
    db = sqlite3.connect(path)
    try:
        db.executescript(_TABLES)
        for document, sources, passages in catalogue.documents():
            _insert_document(db, document, sources)
            for passage in passages:
                row = rows.by_key.setdefault(repeat_key(passage), len(rows.passage_keys))
                if row == len(rows.passage_keys):
                    _insert_passage(db, passage, rows)
                    _collect(passage, rows, encoder, tokenizer)
                else:
                    _collect_headings(passage, row, rows, tokenizer)
                _insert_place(db, row, passage, rows)
            rows.documents += 1
            rows.files += len(sources)
            on_document()
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


def _insert_passage(db: sqlite3.Connection, passage: Passage, rows: _Rows) -> None:
    row, first = len(rows.passage_keys), len(rows.sentence_keys)
    db.execute(
        "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)",
        (row, passage.role.value, passage.text, rows.places, first, len(passage.sentences)),
    )
    db.executemany(
        "INSERT INTO sentences VALUES (?, ?, ?, ?)",
        ((first + at, row, at, sentence.text) for at, sentence in enumerate(passage.sentences)),
    )


def _insert_place(db: sqlite3.Connection, row: int, passage: Passage, rows: _Rows) -> None:
    sentences = sentence_spans_to_json(sentence.spans for sentence in passage.sentences)
    db.execute(
        "INSERT INTO places VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (rows.places, row, passage.id, passage.document, passage.title, passage.heading,
         passage.page, spans_to_json(passage.spans), sentences),
    )  # fmt: skip
    rows.places += 1


def _collect(passage: Passage, rows: _Rows, encoder: Encoder, tokenizer: Tokenizer) -> None:
    own, *of_sentences = (key for key, _ in input_keys(passage, encoder))
    rows.passage_keys.append(own)
    rows.sentence_keys.extend(of_sentences)
    rows.sentence_counts.append(len(of_sentences))
    rows.tokens.append(tokenizer.tokens(found_by(passage)))
    rows.scripts.append(script_of(passage.text))


def _collect_headings(passage: Passage, row: int, rows: _Rows, tokenizer: Tokenizer) -> None:
    """Add the words of title and heading that a row does not have yet."""
    words = tokenizer.tokens(f"{passage.title}\n{passage.heading}")
    known = set(rows.tokens[row])
    rows.tokens[row] = [*rows.tokens[row], *(word for word in words if word not in known)]


def input_keys(passage: Passage, encoder: Encoder) -> Iterator[tuple[bytes, str]]:
    """Yield (vector key, text) for the passage's own text, then for each of its sentences."""
    for text in encoder_inputs(passage):
        yield vector_key(encoder.fingerprint, encoder.passage_input(text)), text
