"""The texts of a generation, `text.db`: documents, passages, and every place where they stand.

Reads only; `embeddings.generation` writes it.
"""

from __future__ import annotations

import json
import posixpath
import sqlite3
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from embeddings.catalogue import spans_from_json
from embeddings.damage import damaged
from embeddings.records import Role, Span


class PassageRow(NamedTuple):
    """A passage of a generation at one of the places where its text stands.

    `row` is its number in vectors and postings, the same at every place; `sentences` holds the
    spans of each of its sentences at this place.
    """

    row: int
    id: str
    document: str
    role: Role
    title: str
    heading: str
    page: int | None
    text: str
    spans: tuple[Span, ...]
    sentences: tuple[tuple[Span, ...], ...]


class Selection(NamedTuple):
    """The files that a question is limited to: of each document, its sources among them by name."""

    sources: dict[str, tuple[str, ...]]


class SentenceRow(NamedTuple):
    """A sentence at one place of its passage; `row` is its number among the sentence vectors."""

    row: int
    passage: int
    text: str
    spans: tuple[Span, ...]


class DocumentRow(NamedTuple):
    """A document of a generation, with its original text."""

    id: str
    text: str
    title: str
    date: str | None
    page_starts: tuple[int, ...]
    sources: tuple[str, ...]


class DocumentHead(NamedTuple):
    """What is said of a document without its text, which may be long."""

    id: str
    title: str
    date: str | None
    sources: tuple[str, ...]


class Texts:
    """An open `text.db`; safe to use from several threads.

    A passage has a row, which is its number in vectors and postings, and one or more places: equal
    passages of several documents, or of one, share a row.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        uri = f"{(folder / 'text.db').absolute().as_uri()}?mode=ro&immutable=1"
        try:
            self._db = sqlite3.connect(uri, uri=True, check_same_thread=False)
        except sqlite3.DatabaseError as error:
            raise damaged(folder, "text.db") from error
        self._lock = threading.Lock()

        self._rows_in: dict[str, NDArray[np.int64]] = {}

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._db.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise damaged(self.folder, "text.db") from error

    @contextmanager
    def _parsing(self) -> Iterator[None]:
        """Say that the file is damaged where a row of it cannot be understood."""
        try:
            yield
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise damaged(self.folder, "text.db") from error

    def last_rows(self) -> tuple[int, int, int]:
        """Return the last row of passages, of sentences and of places; -1 where there is none."""
        query = (
            "SELECT (SELECT max(row) FROM passages), (SELECT max(row) FROM sentences),"
            " (SELECT max(number) FROM places)"
        )
        passages, sentences, places = (
            -1 if last is None else int(last) for last in self._rows(query)[0]
        )
        return passages, sentences, places

    def count(self) -> dict[str, int]:
        """Return how many rows each table has, counted one by one."""
        return {
            table: int(self._rows(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608
            for table in ("documents", "files", "passages", "sentences", "places")
        }

    def places_in(self, document: str) -> list[PassageRow]:
        """Return the passages of a document, each at its place there, in reading order."""
        query = _PLACES + " WHERE places.document = ? ORDER BY places.number"
        with self._parsing():
            return [_passage_row(row) for row in self._rows(query, [document])]

    def _in_parts(
        self, query: str, values: Iterable[int] | Iterable[str]
    ) -> Iterator[tuple[Any, ...]]:
        """Run `query`, which has ``IN ({})``, with some of `values` at a time."""
        waiting = iter(values)
        while part := list(islice(waiting, 500)):
            yield from self._rows(query.format(",".join("?" * len(part))), part)

    def passages(
        self, rows: Iterable[int], among: Selection | None = None
    ) -> dict[int, PassageRow]:
        """Return passages by row, each at its first place.

        Args:
            rows: passage rows; those that are not here are left out.
            among: take the first place in these files; None for all. A row without one is left out.
        """
        if among is None:
            query = _PLACES + " WHERE passages.row IN ({}) AND number = first_place"
            with self._parsing():
                return {row[0]: _passage_row(row) for row in self._in_parts(query, map(int, rows))}
        found = {}
        for row, places in self.places(rows).items():
            inside = [place for place in places if place.document in among.sources]
            if inside:
                found[row] = inside[0]
        return found

    def places(self, rows: Iterable[int]) -> dict[int, list[PassageRow]]:
        """Return every place of passages by row, by first source of its document, then offset."""
        query = _PLACES + " WHERE passages.row IN ({}) ORDER BY number"
        found: dict[int, list[PassageRow]] = {}
        with self._parsing():
            for row in self._in_parts(query, map(int, rows)):
                found.setdefault(row[0], []).append(_passage_row(row))
        return found

    def around(self, passage: PassageRow, count: int) -> list[PassageRow]:
        """Return a passage and at most `count` before and behind it in its document, in order."""
        query = (
            _PLACES + " JOIN places AS own ON own.id = ? WHERE places.document = own.document"
            " AND places.number BETWEEN own.number - ? AND own.number + ? ORDER BY places.number"
        )
        with self._parsing():
            rows = self._rows(query, [passage.id, count, count])
            return [_passage_row(row) for row in rows]

    def texts(self, rows: Iterable[int]) -> dict[int, tuple[Role, str]]:
        """Return role and text of passages by row."""
        query = "SELECT row, role, text FROM passages WHERE row IN ({})"
        with self._parsing():
            return {
                row: (Role(role), text) for row, role, text in self._in_parts(query, map(int, rows))
            }

    def sentence_texts(self, rows: Iterable[int]) -> dict[int, list[str]]:
        """Return the texts of the sentences of passages by row, in reading order."""
        query = "SELECT passage, text FROM sentences WHERE passage IN ({}) ORDER BY row"
        found: dict[int, list[str]] = {}
        for passage, text in self._in_parts(query, map(int, rows)):
            found.setdefault(passage, []).append(text)
        return found

    def sentences(self, passages: Iterable[PassageRow]) -> list[SentenceRow]:
        """Return the sentences of passages, at the same places, in reading order of each."""
        at = {passage.row: passage.sentences for passage in passages}
        query = "SELECT * FROM sentences WHERE passage IN ({}) ORDER BY row"
        with self._parsing():
            return [
                SentenceRow(row, passage, text, at[passage][ordinal])
                for row, passage, ordinal, text in self._in_parts(query, at)
            ]

    def documents(self, ids: Iterable[str]) -> dict[str, DocumentRow]:
        """Return documents by id; ids that are not here are left out."""
        wanted = dict.fromkeys(ids)
        sources = self.sources_of(wanted)
        query = "SELECT id, text, title, date, page_starts FROM documents WHERE id IN ({})"
        with self._parsing():
            found = {
                id_: DocumentRow(id_, text, title, date, tuple(json.loads(pages)), sources[id_])
                for id_, text, title, date, pages in self._in_parts(query, wanted)
            }
        return {id_: found[id_] for id_ in wanted if id_ in found}

    def heads(self, ids: Iterable[str]) -> dict[str, DocumentHead]:
        """Return documents by id without their texts; ids that are not here are left out."""
        wanted = dict.fromkeys(ids)
        sources = self.sources_of(wanted)
        query = "SELECT id, title, date FROM documents WHERE id IN ({})"
        return {
            id_: DocumentHead(id_, title, date, sources[id_])
            for id_, title, date in self._in_parts(query, wanted)
        }

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Return of each document how many articles, by their titles, and passages it has."""
        query = "SELECT document, count(DISTINCT title), count(*) FROM places GROUP BY document"
        return {document: (articles, count) for document, articles, count in self._rows(query)}

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

    def select(
        self,
        sources: Iterable[str] | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Selection:
        """Return the files that are wanted.

        Args:
            sources: files, or folders with a ``/`` at the end, each in one of its `spellings`; what
                names none selects none. None for all.
            since: first day of their documents, ISO 8601; None for no bound.
            until: last day of their documents, ISO 8601; None for no bound. With either bound,
                documents without a date are left out.
        """
        wanted = [None] if sources is None else _listed(sources)
        found = _by_document(row for source in wanted for row in self._files(source))
        if since is None and until is None:
            return Selection(found)
        query = "SELECT id FROM documents WHERE date >= ? AND date <= ?"
        dated = {row[0] for row in self._rows(query, [since or "", until or "9999-12-31"])}
        return Selection({id_: held for id_, held in found.items() if id_ in dated})

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

    def rows_of(self, selection: Selection) -> NDArray[np.int64]:
        """Return the rows of the passages that stand in these files, rising."""
        query = "SELECT DISTINCT passage FROM places WHERE document IN ({})"
        found = {row[0] for row in self._in_parts(query, selection.sources)}
        return np.array(sorted(found), dtype=np.int64)

    def rows_in(self, document: str) -> NDArray[np.int64]:
        """Return the rows of the passages that stand in a document, rising."""
        if (known := self._rows_in.get(document)) is not None:
            return known
        found = self._rows("SELECT DISTINCT passage FROM places WHERE document = ?", [document])
        rows = np.array(sorted(row[0] for row in found), dtype=np.int64)
        if len(self._rows_in) >= _DOCUMENTS_KEPT:
            self._rows_in.clear()
        self._rows_in[document] = rows
        return rows

    def headlines(self) -> list[tuple[str, str]]:
        """Return (title, heading) of each section, in reading order, without repeats."""
        rows = self._rows("SELECT title, heading FROM places ORDER BY number")
        return list(dict.fromkeys((row[0], row[1]) for row in rows))


_DOCUMENTS_KEPT = 256
"""Documents whose rows are remembered."""

_FILES = "SELECT document, source FROM files"

_PLACES = (
    "SELECT passages.row, places.id, places.document, role, places.title, places.heading,"
    " places.page, text, places.spans, places.sentence_spans"
    " FROM passages JOIN places ON places.passage = passages.row"
)


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


def _passage_row(row: tuple[Any, ...]) -> PassageRow:
    number, passage, document, role, title, heading, page, text, spans, sentences = row
    return PassageRow(
        number, passage, document, Role(role), title, heading, page, text,
        spans_from_json(spans), sentence_spans_from_json(sentences),
    )  # fmt: skip


def sentence_spans_to_json(spans: Iterable[Iterable[Span]]) -> str:
    """Return the spans of several sentences as JSON: ``[[[start, end], ...], ...]``."""
    return json.dumps([[[span.start, span.end] for span in sentence] for sentence in spans])


def sentence_spans_from_json(text: str) -> tuple[tuple[Span, ...], ...]:
    """Return the spans that `sentence_spans_to_json` wrote."""
    return tuple(tuple(Span(*span) for span in sentence) for sentence in json.loads(text))


def _by_document(files: Iterable[tuple[Any, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the sources of each document by name, out of pairs of both."""
    found: dict[str, set[str]] = {}
    for document, source in files:
        found.setdefault(document, set()).add(source)
    return {document: tuple(sorted(held)) for document, held in found.items()}
