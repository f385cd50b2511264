"""The texts of one piece of a generation, `text.db`: passages, and where each stands.

Reads only; `embeddings.generation` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from embeddings.catalogue import spans_from_json
from embeddings.records import Role, Span
from embeddings.text_file import FileList

TEXTS = "text.db"


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


class Placed(NamedTuple):
    """Where a passage stands: which passage of its document it is, from 0, and its number here."""

    ordinal: int
    number: int
    passage: str


class PieceTexts(FileList):
    """An open `text.db`; safe to use from several threads.

    A passage has a row, which is its number in vectors and postings, and one or more places: equal
    passages of several documents, or of one, share a row. What is asked by document leaves out the
    rows that are deleted; what is asked by row does not.

    Args:
        folder: the generation.
        inside: POSIX path of the piece in it, with a ``/`` at the end; empty for its own files.
        deleted: rows that are deleted.
    """

    def __init__(
        self, folder: Path, inside: str = "", deleted: NDArray[np.int64] | None = None
    ) -> None:
        super().__init__(folder, inside + TEXTS)
        self._alive = ""
        if deleted is not None and len(deleted):
            self._hide(deleted)

    def _hide(self, rows: NDArray[np.int64]) -> None:
        self._db.execute("PRAGMA temp_store = MEMORY")
        self._db.execute("CREATE TEMP TABLE deleted (row INTEGER PRIMARY KEY)")
        self._db.executemany("INSERT INTO deleted VALUES (?)", ((row,) for row in rows.tolist()))
        self._db.commit()
        self._alive = " AND places.passage NOT IN (SELECT row FROM temp.deleted)"

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
            for table in ("documents", "passages", "sentences", "places")
        }

    def sentence_ranges(self) -> NDArray[np.int64]:
        """Return first row and count of the sentences of passages, shape (passages, 2), by row."""
        query = "SELECT first_sentence, sentence_count FROM passages ORDER BY row"
        return np.array(self._rows(query), dtype=np.int64).reshape(-1, 2)

    def passages(self, rows: Iterable[int]) -> dict[int, PassageRow]:
        """Return passages by row, each at its first place; rows that are not here are left out."""
        query = _PLACES + " WHERE passages.row IN ({}) AND number = first_place"
        with self._parsing():
            return {row[0]: _passage_row(row) for row in self._in_parts(query, map(int, rows))}

    def places(self, rows: Iterable[int]) -> dict[int, list[PassageRow]]:
        """Return every place of passages by row, by first source of its document, then offset."""
        query = _PLACES + " WHERE passages.row IN ({}) ORDER BY number"
        found: dict[int, list[PassageRow]] = {}
        with self._parsing():
            for row in self._in_parts(query, map(int, rows)):
                found.setdefault(row[0], []).append(_passage_row(row))
        return found

    def places_in(self, document: str) -> list[PassageRow]:
        """Return the passages of a document, each at its place there, in reading order."""
        query = f"{_PLACES} WHERE places.document = ?{self._alive} ORDER BY places.number"
        with self._parsing():
            return [_passage_row(row) for row in self._rows(query, [document])]

    def at(self, numbers: Iterable[int]) -> dict[int, PassageRow]:
        """Return the passages at places by their number."""
        query = _PLACES.replace("SELECT ", "SELECT number, ", 1) + " WHERE number IN ({})"
        with self._parsing():
            return {row[0]: _passage_row(row[1:]) for row in self._in_parts(query, numbers)}

    def around(self, passage: PassageRow, count: int) -> list[PassageRow]:
        """Return a passage and at most `count` before and behind it in its document, in order.

        For a piece that holds all passages of its documents.
        """
        query = (
            _PLACES + " JOIN places AS own ON own.id = ? WHERE places.document = own.document"
            " AND places.number BETWEEN own.number - ? AND own.number + ? ORDER BY places.number"
        )
        with self._parsing():
            rows = self._rows(query, [passage.id, count, count])
            return [_passage_row(row) for row in rows]

    def placed_in(self, document: str) -> list[Placed]:
        """Return where the passages of a document stand, in reading order."""
        query = (
            f"SELECT {self._ordinal}, number, id FROM places WHERE document = ?{self._alive}"  # noqa: S608
            " ORDER BY 1"
        )
        return [Placed(*row) for row in self._rows(query, [document])]

    def shared(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of passages that stand in more than one place."""
        query = (
            "SELECT passage FROM places WHERE passage IN ({}) GROUP BY passage HAVING count(*) > 1"
        )
        found = [row[0] for row in self._in_parts(query, rows.tolist())]
        return np.array(sorted(found), dtype=np.int64)

    def standing(self, rows: Iterable[int]) -> Iterator[tuple[int, str, int]]:
        """Yield (row, document, ordinal) of every place of passages."""
        query = f"SELECT passage, document, {self._ordinal} FROM places WHERE passage IN ({{}})"  # noqa: S608
        return self._in_parts(query, map(int, rows))

    @property
    def _ordinal(self) -> str:
        """Which passage of its document a place is: a piece that is written whole counts on."""
        if self.is_whole:
            first = "SELECT min(own.number) FROM places AS own WHERE own.document = places.document"
            return f"places.number - ({first})"
        return "places.ordinal"

    @cached_property
    def is_whole(self) -> bool:
        """Whether it holds all passages of its documents, deleted ones too, and its own files."""
        return not any(name == "ordinal" for _, name, *_ in self._rows("PRAGMA table_info(places)"))

    def holds_places_of(self, document: str) -> bool:
        """Tell whether a passage of a document stands here."""
        query = f"SELECT 1 FROM places WHERE document = ?{self._alive} LIMIT 1"  # noqa: S608
        return bool(self._rows(query, [document]))

    def texts(self, rows: Iterable[int]) -> dict[int, tuple[Role, str]]:
        """Return role and text of passages by row."""
        query = "SELECT row, role, text FROM passages WHERE row IN ({})"
        with self._parsing():
            return {
                row: (Role(role), text) for row, role, text in self._in_parts(query, map(int, rows))
            }

    def sentence_texts(self, rows: Iterable[int]) -> dict[int, list[str]]:
        """Return the texts of the sentences of passages by row, in reading order."""
        # By their rows, which follow each other: an index would lead to each apart.
        query = (
            "SELECT passages.row, sentences.text FROM passages JOIN sentences"
            " ON sentences.row BETWEEN first_sentence AND first_sentence + sentence_count - 1"
            " WHERE passages.row IN ({}) ORDER BY sentences.row"
        )
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

    def documents(self, ids: Iterable[str]) -> Iterator[DocumentRow]:
        """Yield documents without their sources; ids that are not here are left out."""
        query = "SELECT id, text, title, date, page_starts FROM documents WHERE id IN ({})"
        with self._parsing():
            for id_, text, title, date, pages in self._in_parts(query, ids):
                yield DocumentRow(id_, text, title, date, tuple(json.loads(pages)), ())

    def heads(self, ids: Iterable[str]) -> Iterator[DocumentHead]:
        """Yield documents without their texts and sources; ids that are not here are left out."""
        query = "SELECT id, title, date FROM documents WHERE id IN ({})"
        found = self._in_parts(query, ids)
        return (DocumentHead(id_, title, date, ()) for id_, title, date in found)

    def kept_documents(self) -> list[str]:
        """Return the ids of all documents whose texts are here, also of such as are gone."""
        return [row[0] for row in self._rows("SELECT id FROM documents")]

    def dated(self, since: str | None, until: str | None) -> set[str]:
        """Return the documents of these days; see `texts.Texts.select`."""
        query = "SELECT id FROM documents WHERE date >= ? AND date <= ?"
        return {row[0] for row in self._rows(query, [since or "", until or "9999-12-31"])}

    def sizes(self) -> list[tuple[str, str, int]]:
        """Return document, title and number of passages of each article."""
        query = (
            f"SELECT document, title, count(*) FROM places WHERE 1{self._alive}"  # noqa: S608
            " GROUP BY document, title"
        )
        return self._rows(query)

    def rows_of(self, documents: Iterable[str]) -> NDArray[np.int64]:
        """Return the rows of the passages that stand in these documents, rising."""
        query = f"SELECT DISTINCT passage FROM places WHERE document IN ({{}}){self._alive}"  # noqa: S608
        found = {row[0] for row in self._in_parts(query, documents)}
        return np.array(sorted(found), dtype=np.int64)

    def headlines(self) -> list[tuple[str, int, str, str]]:
        """Return (document, ordinal, title, heading) of the beginning of each section."""
        number = "number" if self.is_whole else "ordinal"
        query = (
            f"SELECT document, min({number}), title, heading FROM places WHERE 1{self._alive}"  # noqa: S608
            " GROUP BY document, title, heading"
        )
        firsts: dict[str, int] = {}
        if self.is_whole:
            firsts = dict(self._rows("SELECT document, min(number) FROM places GROUP BY document"))
        return [(one, at - firsts.get(one, 0), *said) for one, at, *said in self._rows(query)]


_PLACES = (
    "SELECT passages.row, places.id, places.document, role, places.title, places.heading,"
    " places.page, text, places.spans, places.sentence_spans"
    " FROM passages JOIN places ON places.passage = passages.row"
)


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
