"""A planned change (`embeddings.growth`) -> the files of a generation of several pieces.

Pieces that stay are linked from the generation before, or copied where links are not possible.
Writes into an unpublished folder only.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from embeddings.catalogue import Catalogue
from embeddings.centre import Sums
from embeddings.checks import check
from embeddings.encoder import Encoder
from embeddings.generation import (
    made_of,
    making,
    samples,
    tokens_of,
    write_search,
    write_tokens,
)
from embeddings.growable import write_growable
from embeddings.growth import Growth, Kept, Place
from embeddings.halves import open_halves
from embeddings.keys import Keys, known_keys
from embeddings.lexical import Postings, Script
from embeddings.manifest import Manifest, describe_files, write_manifest
from embeddings.map import FILE as MAP
from embeddings.map import LANDMARKS, place_among, spread
from embeddings.pieces import PieceInfo, deletions_of, folder_of
from embeddings.records import Passage
from embeddings.text_file import FILES
from embeddings.text_writer import Rows, words_of, write_files, writing_piece
from embeddings.words import KnownWords

_NOT_OF_A_PIECE = ("passage_", "sentence_", "dictionary.json", FILES, "pieces/", "deleted/")
"""How the names of files begin that belong to a generation, not to its piece."""

_PARTS = ("passage", "sentence")


def grow_generation(
    folder: Path,
    number: int,
    catalogue: Catalogue,
    encoder: Encoder,
    words: KnownWords,
    growth: Growth,
    *,
    segmenter: str,
    on_document: Callable[[], None] = lambda: None,
) -> Manifest:
    """Write generation `number` into `folder` as a change of another; check it, tell of it.

    Every vector must be in the catalogue already. When it fails, `folder` is gone.

    Raises:
        IndexWriteError: when the disk refuses, for example because it is full.
        IndexDamagedError: when what was written does not pass `checks.check`.
    """
    with making(folder):
        writing = _Writing(folder, f"{number:06}", catalogue, encoder, words, growth)
        taken = writing.keep()
        written = writing.write(on_document)
        manifest = writing.manifest(number, segmenter, written, taken)
        write_manifest(folder, manifest)
        offset = sum(one.piece.about.passages for one in growth.kept)
        found = samples(written.rows, catalogue, encoder, words, offset)
        check(folder, found, written.about.name if written.about else "", taken)
    return manifest


class _Written(NamedTuple):
    """The new piece: what was collected of its rows, and what the manifest says of it, if any."""

    rows: Rows
    about: PieceInfo | None


class _Writing:
    """The steps of writing a change into the folder of a generation."""

    def __init__(
        self,
        folder: Path,
        name: str,
        catalogue: Catalogue,
        encoder: Encoder,
        words: KnownWords,
        growth: Growth,
    ) -> None:
        self._folder, self._name, self._growth = folder, name, growth
        self._catalogue, self._encoder, self._words = catalogue, encoder, words
        self._before = growth.before
        self._keys = lru_cache(maxsize=256)(self._keys_of)

    def keep(self) -> dict[str, dict[str, Any]]:
        """Link what stays; return what the manifest says of those files."""
        taken: dict[str, dict[str, Any]] = {}
        for kept in self._growth.kept:
            about, inside = kept.piece.about, kept.piece.inside
            taken |= self._take(inside, folder_of(about.name))
            if len(kept.newly):
                self._delete(kept)
            else:
                own = deletions_of(about.name)
                taken |= self._take(own, own)
        return taken

    def _take(self, inside: str, to: str) -> dict[str, dict[str, Any]]:
        """Link the files of the generation before whose names begin so."""
        taken = {}
        for name, about in self._before.manifest.files.items():
            own = name.removeprefix(inside)
            if name.startswith(inside) and (inside or not own.startswith(_NOT_OF_A_PIECE)):
                link(self._before.folder / name, self._folder / to / own)
                taken[to + own] = about
        return taken

    def _delete(self, kept: Kept) -> None:
        """Write which rows of a piece are deleted, and the words that they held."""
        about = kept.piece.about
        own = self._folder / deletions_of(about.name)
        own.mkdir(parents=True)
        np.save(own / "rows.npy", kept.deleted.astype(np.int32), allow_pickle=False)
        places = kept.piece.texts.places(kept.newly.tolist())
        newly = (tokens_of(words_of(places[row], self._words), self._words) for row in places)
        before = None
        if about.deleted:
            before = Postings.open(self._before.folder / deletions_of(about.name) / "postings")
        Postings.write(own / "postings", [*range(about.deleted), *newly], before)

    def write(self, on_document: Callable[[], None]) -> _Written:
        """Write the files of the generation, and those of its new piece where there is one."""
        pairs = sorted(self._growth.files.items())
        write_files(self._folder / FILES, pairs)
        if not self._growth.rows:
            for part, sums in self._sums(Rows()).items():
                sums.write(self._folder, part)
            return _Written(Rows(), None)
        own = self._folder / folder_of(self._name)
        own.mkdir(parents=True)
        rows = self._texts(own, on_document)
        search = write_search(own, rows, self._catalogue, self._encoder)
        np.save(own / MAP, self._positions(search.passages), allow_pickle=False)
        write_tokens(own / "postings", rows, self._words)
        write_growable(own, rows.by_key, rows.sentence_counts)
        for part, sums in self._sums(rows).items():
            sums.write(self._folder, part)
        about = None if search.about is None else search.about.to_json()
        size = (len(rows.passage_keys), len(rows.sentence_keys), rows.places)
        return _Written(rows, PieceInfo(self._name, *size, search=about))

    def _texts(self, own: Path, on_document: Callable[[], None]) -> Rows:
        with writing_piece(own / "text.db", self._words) as writer:
            for document in self._growth.documents:
                found = self._catalogue.document(document)
                assert found is not None, f"files name document {document}, which is not kept"
                writer.document(found)
                on_document()
            for places in self._growth.rows:
                document, ordinal = places[0]
                writer.row(self._passages(places), self._keys(document)[ordinal])
        return writer.rows

    def _passages(self, places: Sequence[Place]) -> Iterator[tuple[Passage, int]]:
        for document, ordinal in places:
            yield self._catalogue.passage(document, ordinal), ordinal

    def _keys_of(self, document: str) -> list[Keys]:
        return known_keys(self._catalogue, document, self._encoder)

    def _positions(self, vectors: NDArray[np.float32] | NDArray[np.float16]) -> NDArray[np.float32]:
        """Return where the new passages stand in the picture, which does not change for them."""
        first = self._before.pieces[0]
        landmarks = spread(first.about.passages, LANDMARKS)
        positions = self._before.map_of(landmarks)
        assert positions is not None, "a piece that can grow has positions"
        return place_among(vectors, self._before.vectors.vectors(landmarks), positions)

    def _sums(self, rows: Rows) -> dict[str, Sums]:
        """Return the sums of all vectors: those of before, without what went, with what came."""
        before, gone = self._before, self._growth.gone
        scripts = before.scripts_of(gone)
        ranges = before.sentence_ranges(gone)
        lost = {
            "passage": Sums.of(before.vectors.vectors(gone), scripts),
            "sentence": Sums.of(
                before.sentence_vectors(_in_ranges(ranges)), np.repeat(scripts, ranges[:, 1])
            ),
        }
        found = {part: Sums.open(before.folder, part).plus(lost[part], -1) for part in _PARTS}
        if not rows.passage_keys:
            return found
        new = np.array(rows.scripts, dtype=np.uint8)
        passages = self._catalogue.vectors(rows.passage_keys, self._encoder.dimensions)
        sentences = open_halves(self._folder / folder_of(self._name) / "sentences.npy")
        return {
            "passage": found["passage"].plus(Sums.of(passages, new)),
            "sentence": found["sentence"].plus(
                Sums.of(sentences, np.repeat(new, rows.sentence_counts))
            ),
        }

    def manifest(
        self,
        number: int,
        segmenter: str,
        written: _Written,
        taken: Mapping[str, dict[str, Any]],
    ) -> Manifest:
        """Return what the generation is made of."""
        pieces = tuple(
            replace(one.piece.about, deleted=len(one.deleted)) for one in self._growth.kept
        )
        if written.about is not None:
            pieces += (written.about,)
        made = made_of(
            number, self._catalogue, self._encoder, self._words, segmenter,
            self._counts(written.rows), describe_files(self._folder, taken),
            self._before.manifest.number,
        )  # fmt: skip
        dropped = self._growth.dropped
        return replace(made, search=pieces[0].search, pieces=pieces, dropped=dropped)

    def _counts(self, rows: Rows) -> dict[str, int]:
        before, gone = self._before, self._growth.gone
        counts, files = before.manifest.counts, self._growth.files
        scripts = before.scripts_of(gone)
        lost = sum(map(len, before.places(gone.tolist()).values()))
        return {
            "files": len(files),
            "documents": len(set(files.values())),
            "passages": counts["passages"] - len(gone) + len(rows.passage_keys),
            "places": counts["places"] - lost + rows.places,
            "sentences": counts["sentences"]
            - int(before.sentence_ranges(gone)[:, 1].sum())
            + len(rows.sentence_keys),
            "traditional": counts["traditional"]
            - int((scripts == Script.TRADITIONAL).sum())
            + rows.scripts.count(Script.TRADITIONAL),
        }


def _in_ranges(ranges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return all numbers of ranges, each given by its first number and their count."""
    counts = ranges[:, 1]
    starts = np.cumsum(counts) - counts
    return np.repeat(ranges[:, 0] - starts, counts) + np.arange(counts.sum())


def link(path: Path, to: Path) -> None:
    """Give a file a second name; where that is not possible, copy it."""
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, to)
    except OSError:  # another file system, or one without links
        shutil.copyfile(path, to)
