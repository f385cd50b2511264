"""The catalogue's passages -> the files of a generation. Writes into an unpublished folder only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from embeddings.catalogue import Catalogue, spans_to_json
from embeddings.encoder import Encoder, vector_key
from embeddings.lexical import Postings, Script, Tokenizer, script_of
from embeddings.records import Document, Passage
from embeddings.store import Manifest, describe_files
from embeddings.vectors import VectorIndex, write_halves

_TABLES = """
CREATE TABLE documents (id TEXT PRIMARY KEY, text TEXT NOT NULL, title TEXT NOT NULL, date TEXT,
  page_starts TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE places (document TEXT NOT NULL, source TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE INDEX places_of_document ON places (document);
CREATE TABLE passages (row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL,
  role TEXT NOT NULL, title TEXT NOT NULL, heading TEXT NOT NULL, page INTEGER, text TEXT NOT NULL,
  spans TEXT NOT NULL, first_sentence INTEGER NOT NULL, sentence_count INTEGER NOT NULL);
CREATE INDEX passages_of_document ON passages (document);
CREATE TABLE sentences (row INTEGER PRIMARY KEY, passage INTEGER NOT NULL, text TEXT NOT NULL,
  spans TEXT NOT NULL);
CREATE INDEX sentences_of_passage ON sentences (passage);
"""


def passage_input(passage: Passage) -> str:
    """Return the text that is encoded for a passage, without the model's prefix."""
    above = [part for part in (passage.title, passage.heading) if part]
    return "\n".join([*above, passage.text])


def _encoder_inputs(passage: Passage) -> list[str]:
    """Return the texts to encode for a passage: its own, then one for each sentence."""
    return [passage_input(passage), *(sentence.text for sentence in passage.sentences)]


@dataclass(slots=True)
class _Rows:
    """What one pass over the catalogue collects, row by row."""

    passage_keys: list[bytes] = field(default_factory=list)
    sentence_keys: list[bytes] = field(default_factory=list)
    tokens: list[Sequence[str]] = field(default_factory=list)
    scripts: list[Script] = field(default_factory=list)
    documents: int = 0


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
    """Write all files of generation `number` into `folder` and return its manifest.

    Every vector must be in the catalogue already.
    """
    rows = _write_text(folder / "text.db", catalogue, encoder, tokenizer, on_document)
    passages = catalogue.vectors(rows.passage_keys, encoder.dimensions)
    VectorIndex.write(folder / "vectors.faiss", passages)
    sentences = catalogue.vectors(rows.sentence_keys, encoder.dimensions)
    write_halves(folder / "sentences.npy", sentences)
    np.save(folder / "scripts.npy", np.array(rows.scripts, dtype=np.uint8), allow_pickle=False)
    Postings.write(folder / "postings", rows.tokens)
    counts = {
        "documents": rows.documents,
        "passages": len(rows.passage_keys),
        "sentences": len(rows.sentence_keys),
        "traditional": rows.scripts.count(Script.TRADITIONAL),
    }
    manifest = Manifest(
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
    )
    (folder / "manifest.json").write_text(manifest.to_json(), encoding="utf-8")
    return manifest


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
                _insert_passage(db, passage, rows)
                _collect(passage, rows, encoder, tokenizer)
            rows.documents += 1
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
    db.executemany("INSERT INTO places VALUES (?, ?)", ((document.id, name) for name in sources))


def _insert_passage(db: sqlite3.Connection, passage: Passage, rows: _Rows) -> None:
    row, first = len(rows.passage_keys), len(rows.sentence_keys)
    db.execute(
        "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (row, passage.id, passage.document, passage.role.value, passage.title, passage.heading,
         passage.page, passage.text, spans_to_json(passage.spans), first, len(passage.sentences)),
    )  # fmt: skip
    db.executemany(
        "INSERT INTO sentences VALUES (?, ?, ?, ?)",
        (
            (first + at, row, sentence.text, spans_to_json(sentence.spans))
            for at, sentence in enumerate(passage.sentences)
        ),
    )


def _collect(passage: Passage, rows: _Rows, encoder: Encoder, tokenizer: Tokenizer) -> None:
    own, *of_sentences = (key for key, _ in input_keys(passage, encoder))
    rows.passage_keys.append(own)
    rows.sentence_keys.extend(of_sentences)
    rows.tokens.append(tokenizer.tokens(passage_input(passage)))
    rows.scripts.append(script_of(passage.text))


def input_keys(passage: Passage, encoder: Encoder) -> Iterator[tuple[bytes, str]]:
    """Yield (vector key, text) for the passage's own text, then for each of its sentences."""
    for text in _encoder_inputs(passage):
        yield vector_key(encoder.fingerprint, encoder.passage_input(text)), text
