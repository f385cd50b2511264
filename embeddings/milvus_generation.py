"""One generation in Milvus, opened: what questions need of it.

Rows are the numbers that the build gave to passages; the sentences of a passage are numbered by
its own number (`milvus_tables.sentence_row`). What is read once is kept in memory within bounds,
for rows never change while a generation is open.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings import user_dictionary
from embeddings.catalogue import spans_from_json
from embeddings.errors import IndexDamagedError
from embeddings.manifest import Manifest
from embeddings.milvus import Row, Server
from embeddings.milvus_conditions import among, both, equals
from embeddings.milvus_files import MilvusFiles, Remembered
from embeddings.milvus_state import Facts, read_contents
from embeddings.milvus_tables import (
    DOCUMENT,
    PASSAGE,
    PASSAGES,
    PLACES,
    Content,
    passage_of,
    sentence_row,
    visible,
)
from embeddings.milvus_words import MilvusWords, limited
from embeddings.piece_search import CentrePieces
from embeddings.piece_texts import (
    DocumentRow,
    PassageRow,
    SentenceRow,
    sentence_spans_from_json,
)
from embeddings.records import Role
from embeddings.text_file import Selection

_CONTENTS_KEPT = 5_000
"""Passages with their vectors that are in memory: about 20 KB each."""

_PLACES_KEPT = 20_000
_ROWS_KEPT = 256
_PART = 200

_PLACE = ["number", "document", "passage", "ordinal", "body"]

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


class MilvusVectors:
    """The vectors of passages; see `searchable.Nearest`."""

    def __init__(self, generation: MilvusGeneration, size: int, dimensions: int) -> None:
        self._generation, self.size, self.dimensions = generation, size, dimensions

    def search(self, query: Floats, k: int, rows: Numbers | None = None) -> tuple[Numbers, Floats]:
        """Return the rows nearest to `query` and their cosines, best first, ties by row."""
        generation = self._generation
        found = [
            one
            for condition in limited(generation.visible, rows)
            for one in generation.server.nearest(PASSAGES, query, k, condition)
        ]
        numbers = np.array([row for row, _ in found], dtype=np.int64)
        cosines = np.array([cosine for _, cosine in found], dtype=np.float32)
        order = np.lexsort((numbers, -cosines))[:k]
        return numbers[order], cosines[order]

    def search_each(
        self, queries: Floats, k: int, rows: Numbers | None = None
    ) -> list[tuple[Numbers, Floats]]:
        """Return what `search` returns for each of several queries, shape (n, dimensions)."""
        return [self.search(query, k, rows) for query in queries]

    def vectors(self, rows: Sequence[int] | Numbers) -> Floats:
        """Return the vectors of `rows`, shape (len(rows), dimensions)."""
        contents = self._generation.contents(rows)
        return self._generation.unit([contents[int(row)].vectors[0] for row in rows])

    def cosines(self, query: Floats, rows: Numbers) -> Floats:
        """Return the cosine of `query` with each of `rows`, shape (len(rows),)."""
        return np.asarray(self.vectors(rows) @ query, dtype=np.float32)


class MilvusGeneration(MilvusFiles):
    """See `searchable.Searchable`; safe to use from several threads.

    Args:
        server: where it is.
        facts: what is kept of it beside its rows.
    """

    def __init__(self, server: Server, facts: Facts) -> None:
        number = facts.manifest.number
        super().__init__(server, number)
        self.visible = visible(number)
        self._facts = facts
        counts, dimensions = facts.manifest.counts, facts.manifest.dimensions
        self._contents: Remembered[int, Content] = Remembered(self._find_contents, _CONTENTS_KEPT)
        self._places: Remembered[int, list[PassageRow]] = Remembered(
            self._find_places, _PLACES_KEPT
        )
        self._rows_in: Remembered[str, Numbers] = Remembered(self._find_rows_in, _ROWS_KEPT)
        self.vectors = MilvusVectors(self, counts["passages"], dimensions)
        self.postings = MilvusWords(
            server, self.visible, counts["passages"], facts.length, self.contents
        )
        self.passage_centre = CentrePieces(facts.passage_means, self.vectors.vectors)
        self.sentence_centre = CentrePieces(facts.sentence_means, self.sentence_vectors)

    @property
    def manifest(self) -> Manifest:
        """What it is made of."""
        return self._facts.manifest

    @cached_property
    def folder(self) -> Path:
        """A folder with its user dictionary; gone when nothing refers to the generation."""
        made = Path(tempfile.mkdtemp(prefix="wenju-"))
        weakref.finalize(self, shutil.rmtree, made, ignore_errors=True)
        user_dictionary.keep(self._facts.user_words, made)
        return made

    def close(self) -> None:
        """Do nothing: the connection stays open for the others."""

    def contents(self, rows: Iterable[int]) -> dict[int, Content]:
        """Return what is kept of passages, by row.

        Raises:
            IndexDamagedError: when something is not there, or cannot be read.
        """
        wanted = list(map(int, rows))
        found = self._contents.get(wanted)
        if len(found) < len(set(wanted)):
            raise self._damaged(next(row for row in wanted if row not in found))
        return found

    def _find_contents(self, rows: list[int]) -> dict[int, Content]:
        texts = read_contents(self.server, PASSAGE, rows)
        try:
            return {row: Content.from_json(text) for row, text in texts.items()}
        except (ValueError, TypeError, KeyError) as error:
            raise self._damaged(rows[0]) from error

    def _damaged(self, row: int) -> IndexDamagedError:
        return IndexDamagedError(
            f"The text of passage {row} in the index {self.server.address} is not there, or cannot "
            "be read; ask again if it was being built, else build it again: wenju build --full"
        )

    def unit(self, vectors: Sequence[NDArray[np.float16]]) -> Floats:
        """Return vectors as unit rows, shape (len(vectors), dimensions)."""
        if not len(vectors):
            return np.empty((0, self.manifest.dimensions), dtype=np.float32)
        found = np.asarray(vectors, dtype=np.float32)
        found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        return found

    def all_rows(self) -> Numbers:
        """Return the rows of all passages, rising."""
        rows = self.server.every(PASSAGES, self.visible, ["number"])
        return np.array([row["number"] for row in rows], dtype=np.int64)

    def spread_rows(self, most: int) -> Numbers:
        """Return at most `most` rows, evenly spread over all passages, rising."""
        rows = self.all_rows()
        at = np.unique(np.linspace(0, max(len(rows) - 1, 0), min(len(rows), most)).round())
        return np.asarray(rows[at.astype(np.int64)], dtype=np.int64)

    def scripts_of(self, rows: Sequence[int] | Numbers) -> NDArray[np.uint8]:
        """Return the `lexical.Script` of each of `rows`, shape (len(rows),)."""
        contents = self.contents(rows)
        return np.array([contents[int(row)].script for row in rows], dtype=np.uint8)

    def has_script(self, script: int) -> bool:
        """Tell whether a passage is in this `lexical.Script`."""
        # The mean of a script that no passage has is 0.
        return bool(self._facts.passage_means[script].any())

    def map_of(self, rows: Sequence[int] | Numbers) -> Floats | None:  # noqa: ARG002 - the face
        """Return None: no picture is kept in Milvus, every build would write all of it anew."""
        return None

    def sentence_vectors(self, rows: Sequence[int] | Numbers) -> Floats:
        """Return the vectors of sentences, shape (len(rows), dimensions)."""
        at = [passage_of(int(row)) for row in rows]
        contents = self.contents(passage for passage, _ in at)
        return self.unit([contents[passage].vectors[1 + place] for passage, place in at])

    def sentence_ranges(self, passages: Numbers) -> Numbers:
        """Return first row and count of the sentences of passages, shape (len(passages), 2)."""
        contents = self.contents(passages)
        ranges = [(sentence_row(int(row)), len(contents[int(row)].sentences)) for row in passages]
        return np.array(ranges, dtype=np.int64).reshape(-1, 2)

    def texts(self, rows: Iterable[int]) -> dict[int, tuple[Role, str]]:
        """Return role and text of passages by row."""
        return {row: (one.role, one.text) for row, one in self.contents(rows).items()}

    def sentence_texts(self, rows: Iterable[int]) -> dict[int, list[str]]:
        """Return the texts of the sentences of passages by row, in reading order."""
        return {row: list(one.sentences) for row, one in self.contents(rows).items()}

    def sentences(self, passages: Iterable[PassageRow]) -> list[SentenceRow]:
        """Return the sentences of passages, at the same places, in reading order of each."""
        at = {passage.row: passage for passage in passages}
        contents = self.contents(at)
        return [
            SentenceRow(sentence_row(row) + place, row, text, at[row].sentences[place])
            for row in sorted(at)
            for place, text in enumerate(contents[row].sentences)
        ]

    def passages(
        self, rows: Iterable[int], among: Selection | None = None
    ) -> dict[int, PassageRow]:
        """Return passages by row, each at its first place, of those in `among` if it is given."""
        found = {}
        for row, places in self.places(rows).items():
            inside = (one for one in places if among is None or one.document in among.sources)
            if (first := next(inside, None)) is not None:
                found[row] = first
        return found

    def places(self, rows: Iterable[int]) -> dict[int, list[PassageRow]]:
        """Return every place of passages by row, by first source of its document, then offset."""
        return self._places.get(map(int, rows))

    def _find_places(self, passages: list[int]) -> dict[int, list[PassageRow]]:
        rows = self.server.rows_with(PLACES, "passage", passages, _PLACE, self.visible, _PART)
        found: dict[int, list[PassageRow]] = {}
        for place in self._standing(list(rows)):
            found.setdefault(place.row, []).append(place)
        return found

    def places_in(self, document: str) -> list[PassageRow]:
        """Return the passages of a document, each at its place there, in reading order."""
        condition = both(equals("document", document), self.visible)
        return self._standing(list(self.server.every(PLACES, condition, _PLACE)))

    def around(self, passage: PassageRow, count: int) -> list[PassageRow]:
        """Return a passage and at most `count` before and behind it in its document, in order."""
        here = both(equals("document", passage.document), self.visible)
        same = both(equals("passage", passage.row), here)
        held = self.server.rows(PLACES, same, ["ordinal", "body"])
        own = [row["ordinal"] for row in held if json.loads(row["body"])[0] == passage.id]
        if not own:
            return []
        near = f"ordinal >= {own[0] - count} and ordinal <= {own[0] + count}"
        return self._standing(self.server.rows(PLACES, both(near, here), _PLACE))

    def _standing(self, rows: Sequence[Row]) -> list[PassageRow]:
        """Return rows of places with their texts, by first source of the document, then offset."""
        sources = self.sources_of(row["document"] for row in rows)
        contents = self.contents(row["passage"] for row in rows)
        ordered = sorted(rows, key=lambda row: (sources[row["document"]], row["ordinal"]))
        return [_passage_row(row, contents[row["passage"]]) for row in ordered]

    def documents(self, ids: Iterable[str]) -> dict[str, DocumentRow]:
        """Return documents by id; ids that are not here are left out."""
        wanted = list(dict.fromkeys(ids))
        heads = self.find_heads(wanted)
        texts = read_contents(self.server, DOCUMENT, [row["number"] for row in heads.values()])
        sources = self.sources_of(heads)
        found = {}
        for id_ in wanted:
            if id_ in heads:
                text, title, date, pages = self._document(texts.get(heads[id_]["number"]), id_)
                found[id_] = DocumentRow(id_, text, title, date, tuple(pages), sources[id_])
        return found

    def _document(self, kept: str | None, document: str) -> tuple[str, str, str | None, list[int]]:
        try:
            text, title, date, pages = json.loads(kept or "")
        except ValueError as error:
            raise IndexDamagedError(
                f"The document {document} in the index {self.server.address} cannot be read; "
                "build it again: wenju build --full"
            ) from error
        return text, title, date, pages

    def rows_of(self, selection: Selection) -> Numbers:
        """Return the rows of the passages that stand in these files, rising."""
        return self._rows_of(list(selection.sources))

    def rows_in(self, document: str) -> Numbers:
        """Return the rows of the passages that stand in a document, rising."""
        return self._rows_in.get([document])[document]

    def _find_rows_in(self, documents: list[str]) -> dict[str, Numbers]:
        return {document: self._rows_of([document]) for document in documents}

    def _rows_of(self, documents: Sequence[str]) -> Numbers:
        found = {row["passage"] for row in self._places_of(documents)}
        return np.array(sorted(found), dtype=np.int64)

    def _places_of(self, documents: Sequence[str]) -> Iterator[Row]:
        for at in range(0, len(documents), _PART):
            condition = both(among("document", documents[at : at + _PART]), self.visible)
            yield from self.server.every(PLACES, condition, ["passage"])

    def headlines(self) -> list[tuple[str, str]]:
        """Return (title, heading) of each section, in reading order, without repeats."""
        order = {document: at for at, document in enumerate(self.document_ids())}
        rows = self.server.every(PLACES, self.visible, ["document", "ordinal", "body"])
        found = sorted((order[row["document"]], row["ordinal"], row["body"]) for row in rows)
        return list(dict.fromkeys(tuple(json.loads(body)[1:3]) for _, _, body in found))


def _passage_row(row: Row, content: Content) -> PassageRow:
    id_, title, heading, page, spans, sentences = json.loads(row["body"])
    return PassageRow(
        row["passage"], id_, row["document"], content.role, title, heading, page, content.text,
        spans_from_json(spans), sentence_spans_from_json(sentences),
    )  # fmt: skip
