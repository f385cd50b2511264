"""What questions need of an index, wherever it is kept: the face that every store has.

Passage rows and sentence rows are int64 numbers. They hold for one opened index only, need not
follow each other, and a row that is gone comes out of no search.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from embeddings.manifest import Manifest
from embeddings.records import Role
from embeddings.texts import (
    DocumentHead,
    DocumentRow,
    PassageRow,
    Selection,
    SentenceRow,
)

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


class Nearest(Protocol):
    """The vectors of passages: unit rows."""

    @property
    def size(self) -> int:
        """How many passages can be found."""

    @property
    def dimensions(self) -> int:
        """Numbers of a vector."""

    def search(self, query: Floats, k: int, rows: Numbers | None = None) -> tuple[Numbers, Floats]:
        """Return the rows nearest to `query` and their cosines, best first, ties by row.

        Args:
            query: unit vector, shape (dimensions,).
            k: how many at most; fewer come back when there are fewer.
            rows: search among these rows only, each once; None for all.
        """

    def search_each(
        self, queries: Floats, k: int, rows: Numbers | None = None
    ) -> list[tuple[Numbers, Floats]]:
        """Return what `search` returns for each of several queries that lie close together.

        Args:
            queries: unit vectors, shape (n, dimensions).
            k: as in `search`.
            rows: as in `search`.
        """

    def vectors(self, rows: Sequence[int] | Numbers) -> Floats:
        """Return the vectors of `rows`, shape (len(rows), dimensions)."""

    def cosines(self, query: Floats, rows: Numbers) -> Floats:
        """Return the cosine of `query` with each of `rows`, shape (len(rows),)."""


class Matching(Protocol):
    """BM25 scores of passages for one question, as far as they are asked for."""

    @property
    def weights(self) -> Mapping[str, float]:
        """Idf of each distinct question term, also of those that no passage holds."""

    @property
    def held(self) -> Collection[str]:
        """Terms that some passage holds."""

    def best(self, k: int, among: Numbers | None = None) -> Numbers:
        """Return the rows with the at most `k` highest scores above 0, best first, ties by row.

        Args:
            k: 1 or more.
            among: choose from these rows only; None for all.
        """

    def scores(self, rows: Numbers) -> Floats:
        """Return the scores of rows, shape (len(rows),); 0 where no term matches."""

    def holds(self, term: str, rows: Numbers) -> NDArray[np.bool_]:
        """Tell of each row whether it holds a term, shape (len(rows),)."""

    def words(self, row: int) -> tuple[str, ...]:
        """Return the question's terms that `row` holds, rarest first."""

    def coverage(self, row: int, *, known: bool = False) -> float:
        """Return the share of the question's idf mass that `row` holds, 0 to 1.

        Args:
            row: a passage.
            known: leave out of the mass the terms that no row holds.
        """


class Words(Protocol):
    """The words of passages."""

    @property
    def size(self) -> int:
        """How many passages can be found."""

    def match(self, tokens: Iterable[str]) -> Matching:
        """Score the passages against the distinct `tokens` of a question, by BM25."""

    def match_groups(self, groups: Mapping[str, Sequence[Sequence[str]]]) -> Matching:
        """Score the passages by what they hold, however often, of groups of terms.

        Args:
            groups: by key, what may stand for it. A passage holds a key when it holds all terms of
                one of its alternatives (each one or more terms).

        Returns:
            Matching with the keys as its terms. The idf of a key is by the passages that hold it,
            and a passage's score the sum of the idf of the keys that it holds.
        """

    def idf(self, rows: int) -> float:
        """Return the inverse document frequency of a term that `rows` passages hold."""


class Centred(Protocol):
    """Vectors without the mean of their script; see `embeddings.centre`."""

    def cosines(
        self, query: Floats, products: Floats, rows: Numbers, scripts: NDArray[np.uint8]
    ) -> Floats:
        """Return the cosine of `query` with each row without its script's mean.

        Args:
            query: unit vector, shape (dimensions,).
            products: inner product of `query` with each row's unit vector, shape (n,).
            rows: the rows, shape (n,).
            scripts: the script of each, shape (n,).
        """


class Searchable(Protocol):
    """An opened index that sees one state of the documents; safe to use from several threads."""

    @property
    def manifest(self) -> Manifest:
        """What it is made of."""

    @property
    def folder(self) -> Path:
        """Where its own files are, the user dictionary among them."""

    @property
    def vectors(self) -> Nearest:
        """Search by meaning."""

    @property
    def postings(self) -> Words:
        """Search by words."""

    @property
    def passage_centre(self) -> Centred:
        """For the vectors of passages."""

    @property
    def sentence_centre(self) -> Centred:
        """For the vectors of sentences."""

    def close(self) -> None:
        """Let go of it."""

    def all_rows(self) -> Numbers:
        """Return the rows of all passages, rising."""

    def spread_rows(self, most: int) -> Numbers:
        """Return at most `most` rows, evenly spread over all passages, rising."""

    def scripts_of(self, rows: Sequence[int] | Numbers) -> NDArray[np.uint8]:
        """Return the `lexical.Script` of each of `rows`, shape (len(rows),)."""

    def has_script(self, script: int) -> bool:
        """Tell whether a passage is in this `lexical.Script`."""

    def map_of(self, rows: Sequence[int] | Numbers) -> Floats | None:
        """Return the positions of `rows` in the picture, shape (len(rows), 2).

        None where the index has no picture.
        """

    def sentence_vectors(self, rows: Sequence[int] | Numbers) -> Floats:
        """Return the vectors of sentences, shape (len(rows), dimensions)."""

    def sentence_ranges(self, passages: Numbers) -> Numbers:
        """Return first row and count of the sentences of passages, shape (len(passages), 2).

        The sentences of one passage follow each other.
        """

    def passages(
        self, rows: Iterable[int], among: Selection | None = None
    ) -> dict[int, PassageRow]:
        """Return passages by row, each at its first place, of those in `among` if it is given."""

    def places(self, rows: Iterable[int]) -> dict[int, list[PassageRow]]:
        """Return every place of passages by row, by first source of its document, then offset."""

    def places_in(self, document: str) -> list[PassageRow]:
        """Return the passages of a document, each at its place there, in reading order."""

    def around(self, passage: PassageRow, count: int) -> list[PassageRow]:
        """Return a passage and at most `count` before and behind it in its document, in order."""

    def texts(self, rows: Iterable[int]) -> dict[int, tuple[Role, str]]:
        """Return role and text of passages by row."""

    def sentence_texts(self, rows: Iterable[int]) -> dict[int, list[str]]:
        """Return the texts of the sentences of passages by row, in reading order."""

    def sentences(self, passages: Iterable[PassageRow]) -> list[SentenceRow]:
        """Return the sentences of passages, at the same places, in reading order of each."""

    def documents(self, ids: Iterable[str]) -> dict[str, DocumentRow]:
        """Return documents by id; ids that are not here are left out."""

    def heads(self, ids: Iterable[str]) -> dict[str, DocumentHead]:
        """Return documents by id without their texts; ids that are not here are left out."""

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Return of each document how many articles, by their titles, and passages it has."""

    def document_ids(self) -> list[str]:
        """Return the ids of all documents, by their first source."""

    def sources_of(self, documents: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return every file with the content of these documents, by name."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Every file in the index, by name."""

    def select(
        self,
        sources: Iterable[str] | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Selection:
        """Return the files that are wanted; see `texts.Texts.select`."""

    def rows_of(self, selection: Selection) -> Numbers:
        """Return the rows of the passages that stand in these files, rising."""

    def rows_in(self, document: str) -> Numbers:
        """Return the rows of the passages that stand in a document, rising."""

    def headlines(self) -> list[tuple[str, str]]:
        """Return (title, heading) of each section, in reading order, without repeats."""
