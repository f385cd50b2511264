"""A generation, opened: its pieces put together as one `embeddings.searchable.Searchable`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from embeddings import locking
from embeddings.centre import Centre, Sums
from embeddings.damage import MANIFEST, damaged, reading
from embeddings.growable import STARTS, open_starts
from embeddings.manifest import Manifest, read_manifest
from embeddings.map import FILE as MAP
from embeddings.map import spread
from embeddings.passage_vectors import PassageVectors
from embeddings.piece import Piece
from embeddings.piece_search import CentrePieces, NearestPieces, mask_of
from embeddings.piece_texts import PieceTexts
from embeddings.piece_words import WordPieces
from embeddings.pieces import Offsets, PieceInfo, deleted_rows, deletions_of, folder_of
from embeddings.postings import Postings
from embeddings.searchable import Centred
from embeddings.texts import Texts


class OpenPiece(NamedTuple):
    """A piece of an open generation.

    Attributes:
        about: what the manifest says of it.
        inside: POSIX path of its files in the generation, with a ``/`` at the end, or nothing.
        folder: where they are.
        offset: what is added to its rows.
        texts: its texts.
        deleted: its rows that are deleted, rising.
    """

    about: PieceInfo
    inside: str
    folder: Path
    offset: int
    texts: PieceTexts
    deleted: NDArray[np.int64]


class Counted(NamedTuple):
    """The tables of a piece: how many rows each has, and the sentences of each passage.

    Attributes:
        inside: POSIX path of the piece in its generation, with a ``/`` at the end, or nothing.
        about: what the manifest says of it.
        rows: of each table.
        ranges: first row and count of the sentences of each passage, shape (passages, 2).
    """

    inside: str
    about: PieceInfo
    rows: dict[str, int]
    ranges: NDArray[np.int64]


class Generation(Texts):
    """One published generation, read whole; safe to use from several threads.

    While it is open it is not removed: it holds a shared lock, until `close` or until nothing
    refers to it any more.

    Args:
        folder: where it is.
        marked: open it even if `wenju verify` found it damaged, without a look at checksums.

    Raises:
        IndexFormatError: when it was made by another version.
        IndexDamagedError: when a file is missing, or is not what the manifest says.
    """

    def __init__(self, folder: Path, *, marked: bool = False) -> None:
        with reading(folder, MANIFEST):
            self._hold = locking.Hold(folder / MANIFEST)
        self.manifest = read_manifest(folder, marked=marked)
        self._infos = infos_of(self.manifest)
        self._deleted = [_deleted(folder, info) for info in self._infos]
        self._pieces = [
            Piece.open(folder, inside, info, inside + MAP in self.manifest.files)
            for inside, info in zip(insides_of(self.manifest), self._infos, strict=True)
        ]
        self._at = Offsets([info.passages for info in self._infos])
        self._sentences_from = Offsets([info.sentences for info in self._infos])
        self.vectors: PassageVectors | NearestPieces
        self.postings: Postings | WordPieces
        self.passage_centre: Centred
        self.sentence_centre: Centred
        if self.manifest.pieces is None:
            self._open_whole(folder)
        else:
            self._open_together(folder)
        super().__init__(folder, self.manifest.pieces)
        self._check_shapes()

    def _open_whole(self, folder: Path) -> None:
        piece = self._pieces[0]
        self.vectors, self.postings = piece.vectors, piece.postings
        with reading(folder, "passage_*.npy"):
            self.passage_centre = Centre.open(folder, "passage")
        with reading(folder, "sentence_*.npy"):
            self.sentence_centre = Centre.open(folder, "sentence")
        lengths = (len(self.passage_centre.lengths), len(self.sentence_centre.lengths))
        for name, found, wanted in zip(
            ("passage", "sentence"), lengths,
            (self._infos[0].passages, self._infos[0].sentences), strict=True,
        ):  # fmt: skip
            if found != wanted:
                raise damaged(folder, f"{name}_lengths.npy")

    def _open_together(self, folder: Path) -> None:
        masks = [
            mask_of(rows, info.passages)
            for rows, info in zip(self._deleted, self._infos, strict=True)
        ]
        self.vectors = NearestPieces([piece.vectors for piece in self._pieces], masks)
        self.postings = WordPieces(
            [piece.postings for piece in self._pieces], masks,
            [_deleted_words(folder, info) for info in self._infos],
        )  # fmt: skip
        self.passage_centre = self._centre(folder, "passage", self.vectors.vectors)
        self.sentence_centre = self._centre(folder, "sentence", self.sentence_vectors)

    def _centre(
        self, folder: Path, name: str, vectors: Callable[..., NDArray[np.float32]]
    ) -> CentrePieces:
        with reading(folder, Sums.file(name)):
            sums = Sums.open(folder, name)
            if sums.of_each.shape[1] != self.manifest.dimensions:
                raise ValueError(f"{sums.of_each.shape} are not sums of {self.manifest.dimensions}")
        return CentrePieces(sums.means, vectors)

    def close(self) -> None:
        """Close the databases and let go of the generation."""
        super().close()
        self._hold.release()

    def _check_shapes(self) -> None:
        """Refuse files that are whole one by one and do not belong together."""
        insides = insides_of(self.manifest)
        for inside, info, piece, texts in zip(
            insides, self._infos, self._pieces, self._texts, strict=True
        ):
            piece.check(self.folder, inside, info, self.manifest.dimensions)
            if texts.last_rows() != (info.passages - 1, info.sentences - 1, info.places - 1):
                raise damaged(self.folder, inside + "text.db")
        if self.vectors.size != self.manifest.counts["passages"]:
            raise damaged(self.folder, MANIFEST)

    @property
    def pieces(self) -> list[OpenPiece]:
        """The pieces that it is made of, as many as there are, in their order."""
        insides = insides_of(self.manifest)
        return [
            OpenPiece(
                info, insides[at], self.folder / insides[at], self._at.of(at),
                self._texts[at], self._deleted[at],
            )
            for at, info in enumerate(self._infos)
        ]  # fmt: skip

    def counted(self, only: str | None = None) -> Iterator[Counted]:
        """Count the rows of the tables of each piece, one by one.

        Args:
            only: name of the one piece to count; None for all.
        """
        for inside, info, texts in zip(
            insides_of(self.manifest), self._infos, self._texts, strict=True
        ):
            if only in (None, info.name):
                yield Counted(inside, info, texts.count(), texts.sentence_ranges())

    def all_rows(self) -> NDArray[np.int64]:
        """Return the rows of all passages, rising."""
        return self._every[:]

    @cached_property
    def _every(self) -> NDArray[np.int64]:
        rows = np.arange(sum(info.passages for info in self._infos))
        gone = [dead + self._at.of(at) for at, dead in enumerate(self._deleted)]
        return np.delete(rows, np.concatenate(gone))

    def spread_rows(self, most: int) -> NDArray[np.int64]:
        """Return at most `most` rows, evenly spread over all passages, rising."""
        return self.all_rows()[spread(self.vectors.size, most)]

    def scripts_of(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the `Script` of each of `rows`, shape (len(rows),)."""
        wanted = np.asarray(rows, dtype=np.int64)
        found = np.empty(len(wanted), dtype=np.uint8)
        for piece, at in self._at.places(wanted):
            found[at] = self._pieces[piece].scripts[wanted[at] - self._at.of(piece)]
        return found

    def has_script(self, script: int) -> bool:
        """Tell whether a passage is in this `Script`."""
        return any(
            bool((np.delete(piece.scripts, dead) == script).any())
            for piece, dead in zip(self._pieces, self._deleted, strict=True)
        )

    def map_of(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Return positions in the picture, shape (len(rows), 2); None where there is none."""
        wanted = np.asarray(rows, dtype=np.int64)
        found = np.empty((len(wanted), 2), dtype=np.float32)
        for piece, own in enumerate(self._pieces):
            if own.map is None:
                return None
            at = np.flatnonzero(self._at.pieces(wanted) == piece)
            found[at] = own.map[wanted[at] - self._at.of(piece)]
        return found

    def sentence_vectors(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors of sentences, shape (len(rows), dimensions)."""
        if len(self._pieces) == 1:
            return self._pieces[0].sentences.rows(rows)
        wanted = np.asarray(rows, dtype=np.int64)
        found = np.empty((len(wanted), self.manifest.dimensions), dtype=np.float32)
        for piece, at in self._sentences_from.places(wanted):
            own = wanted[at] - self._sentences_from.of(piece)
            found[at] = self._pieces[piece].sentences.rows(own)
        return found

    def sentence_ranges(self, passages: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return first row and count of the sentences of passages, shape (len(passages), 2)."""
        wanted = np.asarray(passages, dtype=np.int64)
        found = np.empty((len(wanted), 2), dtype=np.int64)
        for piece, at in self._at.places(wanted):
            starts, own = self._starts[piece], wanted[at] - self._at.of(piece)
            found[at, 0] = starts[own] + self._sentences_from.of(piece)
            found[at, 1] = starts[own + 1] - starts[own]
        return found

    @cached_property
    def _starts(self) -> list[NDArray[np.int64]]:
        """Of each piece the first sentence of each row, and behind the last."""
        return [self._starts_of(piece) for piece in self.pieces]

    def _starts_of(self, piece: OpenPiece) -> NDArray[np.int64]:
        if piece.inside + STARTS in self.manifest.files:
            with reading(self.folder, piece.inside + STARTS):
                starts = open_starts(piece.folder)
                if len(starts) != piece.about.passages + 1:
                    raise ValueError(f"{STARTS} is of {len(starts) - 1} passages")
                return starts
        return np.append(piece.texts.sentence_ranges()[:, 0], piece.about.sentences)


def infos_of(manifest: Manifest) -> tuple[PieceInfo, ...]:
    """Return the pieces of a generation; of one that was written whole, that piece."""
    if manifest.pieces is not None:
        return manifest.pieces
    counts = manifest.counts
    return (
        PieceInfo(
            f"{manifest.number:06}", counts["passages"], counts["sentences"], counts["places"],
            search=manifest.search,
        ),
    )  # fmt: skip


def insides_of(manifest: Manifest) -> list[str]:
    """Return the path of each piece in its generation, with a ``/`` at the end, or nothing."""
    return [""] if manifest.pieces is None else [folder_of(one.name) for one in manifest.pieces]


def _deleted(folder: Path, info: PieceInfo) -> NDArray[np.int64]:
    with reading(folder, deletions_of(info.name) + "rows.npy"):
        return deleted_rows(folder, info)


def _deleted_words(folder: Path, info: PieceInfo) -> Postings | None:
    if not info.deleted:
        return None
    name = deletions_of(info.name) + "postings"
    with reading(folder, name):
        found = Postings.open(folder / name)
        if found.size != info.deleted:
            raise ValueError(f"{found.size} rows are not the {info.deleted} that are deleted")
        return found
