"""The texts of a generation: documents, passages, and every place where they stand.

They lie in one piece or in several (`embeddings.piece_texts`), each with rows of its own; rows of
the generation are these, counted on from piece to piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings.piece_texts import (
    DocumentHead,
    DocumentRow,
    PassageRow,
    PieceTexts,
    SentenceRow,
    sentence_spans_from_json,
    sentence_spans_to_json,
)
from embeddings.pieces import Offsets, PieceInfo, deleted_rows, folder_of
from embeddings.records import Role
from embeddings.text_file import FILES, FileList, Selection, spellings

__all__ = [
    "DocumentHead",
    "DocumentRow",
    "PassageRow",
    "Selection",
    "SentenceRow",
    "Texts",
    "sentence_spans_from_json",
    "sentence_spans_to_json",
    "spellings",
]

_DOCUMENTS_KEPT = 256
"""Documents whose rows are remembered."""


class Texts:
    """The open texts of a generation; safe to use from several threads.

    A passage has a row, which is its number in vectors and postings, and one or more places: equal
    passages of several documents, or of one, share a row. All places of a row are in its piece; the
    passages of one document may be in several.

    Args:
        folder: the generation.
        pieces: what it is made of, as its manifest says; None for one piece.

    Raises:
        IndexDamagedError: when a file is missing.
    """

    def __init__(self, folder: Path, pieces: Sequence[PieceInfo] | None = None) -> None:
        self.folder = folder
        self._texts: list[PieceTexts]
        self._files: FileList
        if pieces is None:
            self._texts = [PieceTexts(folder)]
            self._files = self._texts[0]
        else:
            self._texts = [
                PieceTexts(folder, folder_of(piece.name), deleted_rows(folder, piece))
                for piece in pieces
            ]
            self._files = FileList(folder, FILES)
        self._passages_at = Offsets([piece.passages for piece in pieces or ()])
        self._sentences_at = Offsets([piece.sentences for piece in pieces or ()])
        self._rows_in: dict[str, NDArray[np.int64]] = {}

    def close(self) -> None:
        """Close the databases."""
        for one in (*self._texts, self._files):
            one.close()

    def _by_piece(self, rows: Iterable[int]) -> Iterator[tuple[PieceTexts, list[int], int]]:
        """Yield pieces with their own rows out of `rows`, and what is to be added to these."""
        for at, own, offset in self._passages_at.parts(list(map(int, rows))):
            yield self._texts[at], own, offset

    def passages(
        self, rows: Iterable[int], among: Selection | None = None
    ) -> dict[int, PassageRow]:
        """Return passages by row, each at its first place.

        Args:
            rows: passage rows; those that are not here are left out.
            among: take the first place in these files; None for all. A row without one is left out.
        """
        found: dict[int, PassageRow] = {}
        if among is None:
            for texts, own, offset in self._by_piece(rows):
                found |= _moved(texts.passages(own), offset)
            return found
        for row, places in self.places(rows).items():
            inside = [place for place in places if place.document in among.sources]
            if inside:
                found[row] = inside[0]
        return found

    def places(self, rows: Iterable[int]) -> dict[int, list[PassageRow]]:
        """Return every place of passages by row, by first source of its document, then offset."""
        found: dict[int, list[PassageRow]] = {}
        for texts, own, offset in self._by_piece(rows):
            for row, places in texts.places(own).items():
                found[row + offset] = [_shifted(place, offset) for place in places]
        return found

    def places_in(self, document: str) -> list[PassageRow]:
        """Return the passages of a document, each at its place there, in reading order."""
        if len(self._texts) == 1:
            return self._texts[0].places_in(document)
        return self._standing([place for _, place in self._order(document)])

    def around(self, passage: PassageRow, count: int) -> list[PassageRow]:
        """Return a passage and at most `count` before and behind it in its document, in order."""
        holding = [at for at in range(len(self._texts)) if self._holds(at, passage.document)]
        if holding == [0] and self._texts[0].is_whole:
            return self._texts[0].around(passage, count)
        order = self._order(passage.document)
        own = next((at for at, (id_, _) in enumerate(order) if id_ == passage.id), None)
        if own is None:
            return []
        near = order[max(0, own - count) : own + count + 1]
        return self._standing([place for _, place in near])

    def _holds(self, piece: int, document: str) -> bool:
        return len(self._texts) == 1 or self._texts[piece].holds_places_of(document)

    def _order(self, document: str) -> list[tuple[str, tuple[int, int]]]:
        """Return id, piece and number there of each passage of a document, in reading order."""
        placed = sorted(
            (place.ordinal, at, place.number, place.passage)
            for at, texts in enumerate(self._texts)
            for place in texts.placed_in(document)
        )
        return [(id_, (at, number)) for _, at, number, id_ in placed]

    def _standing(self, places: Sequence[tuple[int, int]]) -> list[PassageRow]:
        """Return the passages at places, each given by its piece and its number there."""
        found: dict[tuple[int, int], PassageRow] = {}
        for at, texts in enumerate(self._texts):
            offset = self._passages_at.of(at)
            own = texts.at(number for piece, number in places if piece == at)
            found |= {(at, number): _shifted(row, offset) for number, row in own.items()}
        return [found[place] for place in places]

    def texts(self, rows: Iterable[int]) -> dict[int, tuple[Role, str]]:
        """Return role and text of passages by row."""
        found: dict[int, tuple[Role, str]] = {}
        for texts, own, offset in self._by_piece(rows):
            found |= {row + offset: said for row, said in texts.texts(own).items()}
        return found

    def sentence_texts(self, rows: Iterable[int]) -> dict[int, list[str]]:
        """Return the texts of the sentences of passages by row, in reading order."""
        found: dict[int, list[str]] = {}
        for texts, own, offset in self._by_piece(rows):
            found |= {row + offset: said for row, said in texts.sentence_texts(own).items()}
        return found

    def sentences(self, passages: Iterable[PassageRow]) -> list[SentenceRow]:
        """Return the sentences of passages, at the same places, in reading order of each."""
        at = {passage.row: passage for passage in passages}
        found: list[SentenceRow] = []
        for piece, own, offset in self._passages_at.parts(list(at)):
            first = self._sentences_at.of(piece)
            moved = [at[row + offset]._replace(row=row) for row in own]
            for row, passage, text, spans in self._texts[piece].sentences(moved):
                found.append(SentenceRow(row + first, passage + offset, text, spans))
        return found

    def documents(self, ids: Iterable[str]) -> dict[str, DocumentRow]:
        """Return documents by id; ids that are not here are left out."""
        sources = self.sources_of(ids)
        found: dict[str, DocumentRow] = {}
        for texts in reversed(self._texts):  # the newest first
            for one in texts.documents(sources.keys() - found.keys()):
                found[one.id] = one._replace(sources=sources[one.id])
        return {id_: found[id_] for id_ in sources if id_ in found}

    def heads(self, ids: Iterable[str]) -> dict[str, DocumentHead]:
        """Return documents by id without their texts; ids that are not here are left out."""
        sources = self.sources_of(ids)
        found: dict[str, DocumentHead] = {}
        for texts in reversed(self._texts):
            for one in texts.heads(sources.keys() - found.keys()):
                found[one.id] = one._replace(sources=sources[one.id])
        return {id_: found[id_] for id_ in sources if id_ in found}

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Return of each document how many articles, by their titles, and passages it has."""
        titles: dict[str, set[str]] = {}
        counts: dict[str, int] = {}
        for texts in self._texts:
            for document, title, count in texts.sizes():
                titles.setdefault(document, set()).add(title)
                counts[document] = counts.get(document, 0) + count
        return {document: (len(titles[document]), counts[document]) for document in counts}

    def document_ids(self) -> list[str]:
        """Return the ids of all documents, by their first source."""
        return self._files.document_ids()

    def files(self) -> dict[str, str]:
        """Return the document in each file."""
        return self._files.files()

    def count_files(self) -> int:
        """Return how many files there are, counted one by one."""
        return self._files.count_files()

    def sources_of(self, documents: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return every file with the content of these documents, by name."""
        wanted = dict.fromkeys(documents)
        found = self._files.sources_of(wanted)
        return {document: found[document] for document in wanted if document in found}

    @property
    def sources(self) -> tuple[str, ...]:
        """Every file in the index, by name."""
        return self._files.sources

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
        found = self._files.listed(sources)
        if since is None and until is None:
            return Selection(found)
        dated = self._dated(since, until)
        return Selection({id_: held for id_, held in found.items() if id_ in dated})

    def _dated(self, since: str | None, until: str | None) -> set[str]:
        found: set[str] = set()
        for at, texts in enumerate(self._texts):
            found |= texts.dated(since, until).difference(*self._kept_after[at])
        return found

    @cached_property
    def _kept_after(self) -> list[list[set[str]]]:
        """Of each piece the documents of those after it, which tell what is true of them now."""
        kept = [set(texts.kept_documents()) for texts in self._texts[1:]]
        return [kept[at:] for at in range(len(self._texts))]

    def rows_of(self, selection: Selection) -> NDArray[np.int64]:
        """Return the rows of the passages that stand in these files, rising."""
        return self._rows_of_documents(list(selection.sources))

    def rows_in(self, document: str) -> NDArray[np.int64]:
        """Return the rows of the passages that stand in a document, rising."""
        if (known := self._rows_in.get(document)) is not None:
            return known
        rows = self._rows_of_documents([document])
        if len(self._rows_in) >= _DOCUMENTS_KEPT:
            self._rows_in.clear()
        self._rows_in[document] = rows
        return rows

    def _rows_of_documents(self, documents: Sequence[str]) -> NDArray[np.int64]:
        found = [
            texts.rows_of(documents) + self._passages_at.of(at)
            for at, texts in enumerate(self._texts)
        ]
        return np.concatenate(found)

    def headlines(self) -> list[tuple[str, str]]:
        """Return (title, heading) of each section, in reading order, without repeats."""
        order = {document: at for at, document in enumerate(self.document_ids())}
        found = sorted(
            (order[document], ordinal, title, heading)
            for texts in self._texts
            for document, ordinal, title, heading in texts.headlines()
        )
        return list(dict.fromkeys((title, heading) for _, _, title, heading in found))


def _shifted(passage: PassageRow, offset: int) -> PassageRow:
    return passage._replace(row=passage.row + offset) if offset else passage


def _moved(passages: dict[int, PassageRow], offset: int) -> dict[int, PassageRow]:
    return {row + offset: _shifted(passage, offset) for row, passage in passages.items()}
