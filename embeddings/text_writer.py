"""Writes `text.db`: documents, passages by row, sentences, and every place of each passage."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from embeddings.catalogue import spans_to_json
from embeddings.keys import Headed, Keys, found_by
from embeddings.lexical import Script
from embeddings.piece_texts import sentence_spans_to_json
from embeddings.records import Document, Passage
from embeddings.words import KnownWords

_BEGIN = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
# Neither journal nor sync: until it is complete and synced by `IndexFolder.publish` nobody reads
# the file, and what is left of it after a kill is thrown away.

_DOCUMENTS = """
CREATE TABLE documents (id TEXT PRIMARY KEY, title TEXT NOT NULL, date TEXT,
  page_starts TEXT NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;
"""
# The text comes last: to read a column behind it SQLite goes through all pages of the text.
_FILES = """
CREATE TABLE files (source TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
"""
_PASSAGES = """
CREATE TABLE passages (row INTEGER PRIMARY KEY, role TEXT NOT NULL, text TEXT NOT NULL,
  first_place INTEGER NOT NULL, first_sentence INTEGER NOT NULL, sentence_count INTEGER NOT NULL);
CREATE TABLE sentences (row INTEGER PRIMARY KEY, passage INTEGER NOT NULL,
  ordinal INTEGER NOT NULL, text TEXT NOT NULL);
"""
_PLACES = """
CREATE TABLE places (number INTEGER PRIMARY KEY, passage INTEGER NOT NULL, id TEXT NOT NULL UNIQUE,
  document TEXT NOT NULL, title TEXT NOT NULL, heading TEXT NOT NULL, page INTEGER,
  spans TEXT NOT NULL, sentence_spans TEXT NOT NULL);
"""
_PLACES_OF_A_PIECE = _PLACES.replace(");", ", ordinal INTEGER NOT NULL);")

_FILES_INDEX = "files_of_document ON files (document)"
_INDEXES = (
    "documents_by_date ON documents (date)",
    _FILES_INDEX,
    "sentences_of_passage ON sentences (passage)",
    "places_of_passage ON places (passage)",
    "places_in_document ON places (document, passage)",
)

_WHOLE = (_DOCUMENTS + _FILES + _PASSAGES + _PLACES, _INDEXES)
_PIECE = (
    _DOCUMENTS + _PASSAGES + _PLACES_OF_A_PIECE,
    tuple(index for index in _INDEXES if index != _FILES_INDEX),
)
_LIST = (_FILES, (_FILES_INDEX,))


@dataclass(slots=True)
class Rows:
    """What is collected row by row as texts are written.

    Equal passages share a row: its vector is that of its text alone; its words are found under the
    titles and headings of every one.

    Attributes:
        words: of each row the keys (`KnownWords.key`) of the text that its words are from, then
            of the headlines of its repeats, each once.
        by_key: number of each row by the key of its repeats, in the order of the rows.
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

    def add(self, passage: Passage, known: Keys, words: KnownWords) -> int:
        """Collect a row that no passage has yet; return its number."""
        row = self.by_key[known.repeat] = len(self.passage_keys)
        own, *of_sentences = known.inputs
        self.passage_keys.append(own)
        self.sentence_keys.extend(of_sentences)
        self.sentence_counts.append(len(of_sentences))
        self.words.append([words.key(found_by(passage))])
        self.scripts.append(known.script)
        return row

    def add_headings(self, passage: Passage, row: int, words: KnownWords) -> None:
        """Have a row found by title and heading of a repeat as well."""
        key = words.key(f"{passage.title}\n{passage.heading}")
        if (row, key) not in self.headlines:
            self.headlines.add((row, key))
            self.words[row].append(key)


def words_of(places: Sequence[Headed], words: KnownWords) -> list[bytes]:
    """Return the keys that `Rows` collects for the words of a row that stands at these places."""
    first, *others = places
    headings = dict.fromkeys(words.key(f"{one.title}\n{one.heading}") for one in others)
    return [words.key(found_by(first)), *headings]


class TextWriter:
    """An open `text.db` that is being written.

    Args:
        db: where to.
        words: makes the words of new texts.

    Attributes:
        rows: what was collected of those written so far.
    """

    def __init__(self, db: sqlite3.Connection, words: KnownWords) -> None:
        self._db, self._words = db, words
        self.rows = Rows()

    def document(self, document: Document) -> None:
        """Write a document's own text."""
        self._db.execute(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?)",
            (document.id, document.title, document.date, json.dumps(document.page_starts),
             document.text),
        )  # fmt: skip
        self.rows.documents += 1

    def files(self, sources: Iterable[str], document: str) -> None:
        """Write that files hold a document."""
        pairs = [(name, document) for name in sources]
        self._db.executemany("INSERT INTO files VALUES (?, ?)", pairs)
        self.rows.files += len(pairs)

    def passages(self, passages: Sequence[Passage], keys: Sequence[Keys]) -> None:
        """Write the passages of a document, each at its place; those that repeat none get a row."""
        rows = self.rows
        texts: list[tuple[object, ...]] = []
        sentences: list[tuple[object, ...]] = []
        places: list[tuple[object, ...]] = []
        for passage, known in zip(passages, keys, strict=True):
            row = rows.by_key.get(known.repeat)
            if row is None:
                text, said = self._row(passage, known)
                texts.append(text)
                sentences += said
                row = rows.by_key[known.repeat]
            else:
                rows.add_headings(passage, row, self._words)
            places.append(_place(rows.places, row, passage))
            rows.places += 1
        self._insert(texts, sentences, places)

    def row(self, places: Iterable[tuple[Passage, int]], known: Keys) -> None:
        """Write one row of a piece with all its places.

        Args:
            places: the passage at each, and which passage of its document it is, from 0.
            known: keys of the first.
        """
        rows = self.rows
        written: list[tuple[object, ...]] = []
        for passage, ordinal in places:
            if not written:
                text, said = self._row(passage, known)
                row = rows.by_key[known.repeat]
            else:
                rows.add_headings(passage, row, self._words)
            written.append((*_place(rows.places, row, passage), ordinal))
            rows.places += 1
        self._insert([text], said, written)

    def _row(
        self, passage: Passage, known: Keys
    ) -> tuple[tuple[object, ...], list[tuple[object, ...]]]:
        """Collect a new row; return it and its sentences as the tables have them."""
        first = len(self.rows.sentence_keys)
        said = [sentence.text for sentence in passage.sentences]
        place = self.rows.places
        row = self.rows.add(passage, known, self._words)
        text = (row, passage.role.value, passage.text, place, first, len(said))
        return text, [(first + at, row, at, one) for at, one in enumerate(said)]

    def _insert(
        self,
        texts: Sequence[tuple[object, ...]],
        sentences: Sequence[tuple[object, ...]],
        places: Sequence[tuple[object, ...]],
    ) -> None:
        self._db.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)", texts)
        self._db.executemany("INSERT INTO sentences VALUES (?, ?, ?, ?)", sentences)
        if places:
            marks = ", ".join("?" * len(places[0]))
            self._db.executemany(f"INSERT INTO places VALUES ({marks})", places)  # noqa: S608


def _place(number: int, row: int, passage: Passage) -> tuple[object, ...]:
    sentences = sentence_spans_to_json(sentence.spans for sentence in passage.sentences)
    return (
        number, row, passage.id, passage.document, passage.title, passage.heading, passage.page,
        spans_to_json(passage.spans), sentences,
    )  # fmt: skip


@contextmanager
def writing_whole(path: Path, words: KnownWords) -> Iterator[TextWriter]:
    """Write a `text.db` with its list of files, whose documents have all their passages in it."""
    with _writing(path, *_WHOLE) as db:
        yield TextWriter(db, words)


@contextmanager
def writing_piece(path: Path, words: KnownWords) -> Iterator[TextWriter]:
    """Write a `text.db` without files, whose documents may have passages in others."""
    with _writing(path, *_PIECE) as db:
        yield TextWriter(db, words)


def write_files(path: Path, files: Iterable[tuple[str, str]]) -> None:
    """Write a list of files alone, of pairs of source and document."""
    with _writing(path, *_LIST) as db:
        db.executemany("INSERT INTO files VALUES (?, ?)", files)


@contextmanager
def _writing(path: Path, tables: str, indexes: Sequence[str]) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(_BEGIN + tables)
        yield db
        for index in indexes:
            db.execute(f"CREATE INDEX {index}")
        db.commit()
