"""What a small change does to a big generation: which rows go, which come, what is merged.

Equal passages share a row, whose text, words and order hang on all places where it stands. So the
unit of a change is the row: one that loses or gains a place is deleted where it is, and written
again, with all the places that it has now, into the piece of this change. A generation so made
finds what one written whole would find.

Reads only; `embeddings.grown` writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from embeddings.catalogue import Catalogue
from embeddings.encoder import Encoder
from embeddings.growable import RowKeys, is_big, is_growable
from embeddings.keys import known_keys
from embeddings.opened import Generation, OpenPiece

MERGED_UP_TO = 2.0
"""A piece is merged when it is at most so many times as big as what is written anyway."""

MOST_DELETED = 0.25
"""Share of its rows above which a piece is written anew; the first one with all the others."""

Place = tuple[str, int]
"""A document and which of its passages, from 0."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A piece that stays.

    Attributes:
        piece: as the generation before has it.
        deleted: all its rows that are deleted now, rising.
        newly: those of them that were not deleted before.
    """

    piece: OpenPiece
    deleted: NDArray[np.int64]
    newly: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Growth:
    """A change of a generation, ready to be written.

    Attributes:
        before: the generation that changes; open.
        kept: pieces that stay, in their order.
        rows: the places of each row of the new piece, in the order in which both are written.
        documents: the documents whose texts stand in the new piece.
        files: what each file holds now, by name.
        gone: all rows of the generation before that are not in a kept piece any more, or deleted.
        dropped: how many rows were deleted since a generation was written whole.
    """

    before: Generation
    kept: tuple[Kept, ...]
    rows: tuple[tuple[Place, ...], ...]
    documents: tuple[str, ...]
    files: dict[str, str]
    gone: NDArray[np.int64]
    dropped: int


def planned(
    before: Generation, files: dict[str, str], catalogue: Catalogue, encoder: Encoder
) -> Growth | None:
    """Return how a generation becomes one of other files; None where it is to be written whole.

    Args:
        before: the published generation, made by the rules of today.
        files: the document in each file now.
        catalogue: has all of these documents.
        encoder: made the vectors.
    """
    pieces = before.pieces
    if not is_big(before.manifest.counts["passages"]):
        return None
    if not all(is_growable(piece.folder) for piece in pieces):
        return None
    change = _Change(before, files, catalogue, encoder)
    written = len(change.groups)
    merged = _merged(pieces, change.dying, written)
    dropped = before.manifest.dropped + sum(map(len, change.dying))
    passages = before.manifest.counts["passages"] + written - sum(map(len, change.dying))
    if merged is None or not is_big(passages) or dropped > MOST_DELETED * passages:
        return None
    for at in merged:
        change.take(at)
    return change.growth(merged, dropped)


class _Change:
    """The rows that a change touches.

    Attributes:
        dying: of each piece the rows that are deleted by it, rising.
        groups: of each row that is written, by its key, the places.
    """

    def __init__(
        self, before: Generation, files: dict[str, str], catalogue: Catalogue, encoder: Encoder
    ) -> None:
        self._before, self._files = before, files
        self._first = first_sources(files)
        self._keys = [RowKeys(piece.folder) for piece in before.pieces]
        removed, self._added, moved = changed_documents(before.files(), files)
        self._removed = removed
        self.groups: dict[bytes, list[Place]] = {}
        for document in self._added:
            for ordinal, keys in enumerate(known_keys(catalogue, document, encoder)):
                self.groups.setdefault(keys.repeat, []).append((document, ordinal))
        self.dying = [
            self._touched(piece, keys, moved)
            for piece, keys in zip(before.pieces, self._keys, strict=True)
        ]
        for at, rows in enumerate(self.dying):
            self._move(at, rows)

    def _touched(self, piece: OpenPiece, keys: RowKeys, moved: Iterable[str]) -> NDArray[np.int64]:
        """Return the rows that lose or gain a place, or whose places come in another order."""
        found = [piece.texts.rows_of(self._removed)]
        found.append(piece.texts.shared(piece.texts.rows_of(moved)))
        if self.groups:
            found.append(keys.rows_of(self.groups.keys()))
        return np.setdiff1d(np.concatenate(found), piece.deleted)

    def _move(self, at: int, rows: NDArray[np.int64]) -> None:
        """Have the places of rows that stay written anew."""
        for row, document, ordinal in self._before.pieces[at].texts.standing(rows.tolist()):
            if document not in self._removed:
                self.groups.setdefault(self._keys[at].of(row), []).append((document, ordinal))

    def take(self, at: int) -> None:
        """Write all of a piece anew."""
        piece = self._before.pieces[at]
        rows = np.delete(np.arange(piece.about.passages), piece.deleted)
        self._move(at, np.setdiff1d(rows, self.dying[at]))

    def growth(self, merged: Sequence[int], dropped: int) -> Growth:
        """Return the change, with these pieces merged into the one that is written."""
        pieces = self._before.pieces
        kept = tuple(
            Kept(piece, np.union1d(piece.deleted, dying), dying)
            for at, (piece, dying) in enumerate(zip(pieces, self.dying, strict=True))
            if at not in merged
        )
        documents = dict.fromkeys(self._added)
        for at in merged:
            documents |= dict.fromkeys(pieces[at].texts.kept_documents())
        rows = [sorted(places, key=self._order) for places in self.groups.values()]
        rows.sort(key=lambda places: self._order(places[0]))
        live = documents.keys() & self._first.keys()
        return Growth(
            before=self._before,
            kept=kept,
            rows=tuple(map(tuple, rows)),
            documents=tuple(sorted(live, key=self._first.__getitem__)),
            files=self._files,
            gone=self._gone(merged),
            dropped=dropped,
        )

    def _order(self, place: Place) -> tuple[str, int]:
        return self._first[place[0]], place[1]

    def _gone(self, merged: Sequence[int]) -> NDArray[np.int64]:
        found = [np.empty(0, dtype=np.int64)]
        for at, (piece, dying) in enumerate(zip(self._before.pieces, self.dying, strict=True)):
            rows = dying
            if at in merged:
                rows = np.delete(np.arange(piece.about.passages), piece.deleted)
            found.append(rows + piece.offset)
        return np.concatenate(found)


def changed_documents(
    before: Mapping[str, str], after: Mapping[str, str]
) -> tuple[set[str], list[str], set[str]]:
    """Return which documents go, which come, and of which the first source is another.

    One whose files have other endings goes and comes: it may have been read in another way.

    Args:
        before: the document in each file as it was.
        after: the same as it is.
    """
    touched = {document for _, document in before.items() ^ after.items()}
    were, are = _sources(before, touched), _sources(after, touched)
    reread = {one for one in were.keys() & are.keys() if _endings(were[one]) != _endings(are[one])}
    removed = (were.keys() - are.keys()) | reread
    added = sorted((are.keys() - were.keys()) | reread, key=lambda one: min(are[one]))
    moved = {one for one in were.keys() & are.keys() if min(were[one]) != min(are[one])}
    return removed, added, moved - reread


def _sources(files: Mapping[str, str], documents: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for source, document in files.items():
        if document in documents:
            found.setdefault(document, []).append(source)
    return found


def _endings(sources: Iterable[str]) -> set[str]:
    return {PurePosixPath(source).suffix.lower() for source in sources}


def first_sources(files: Mapping[str, str]) -> dict[str, str]:
    """Return the first file by name of each document."""
    found: dict[str, str] = {}
    for source, document in files.items():
        if document not in found or source < found[document]:
            found[document] = source
    return found


def _merged(
    pieces: Sequence[OpenPiece], dying: Sequence[NDArray[np.int64]], written: int
) -> list[int] | None:
    """Return which pieces are written anew with `written` rows; None where all are.

    Each is written about as often as the logarithm of how many times its size is built on to it.
    """
    alive = [
        piece.about.passages - len(piece.deleted) - len(rows)
        for piece, rows in zip(pieces, dying, strict=True)
    ]
    least = [(1 - MOST_DELETED) * piece.about.passages for piece in pieces]
    merged = {at for at, rows in enumerate(alive) if rows < least[at]}
    size = written + sum(alive[at] for at in merged)
    for at in sorted(range(len(pieces)), key=alive.__getitem__):
        if at not in merged and alive[at] <= MERGED_UP_TO * size:
            merged.add(at)
            size += alive[at]
    return None if 0 in merged else sorted(merged)
