"""One piece of a generation, opened: vectors, postings, scripts and positions of its own rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from embeddings.damage import damaged, reading
from embeddings.halves import Halves
from embeddings.lexical import Postings
from embeddings.map import FILE as MAP
from embeddings.map import open_map
from embeddings.passage_vectors import PassageVectors, open_passage_vectors
from embeddings.pieces import PieceInfo


@dataclass(frozen=True, slots=True)
class Piece:
    """The files of a piece, mapped into memory; its texts are in `embeddings.piece_texts`.

    Attributes:
        vectors: of its passages.
        postings: of their words.
        sentences: vectors of its sentences, ordered by passage.
        scripts: `lexical.Script` of each passage, shape (passages,).
        map: position of each passage, shape (passages, 2); None where there is none.
    """

    vectors: PassageVectors
    postings: Postings
    sentences: Halves
    scripts: NDArray[np.uint8]
    map: NDArray[np.float32] | None

    @classmethod
    def open(cls, folder: Path, inside: str, about: PieceInfo, mapped: bool) -> Piece:
        """Open a piece.

        Args:
            folder: the generation.
            inside: POSIX path of the piece in it, with a ``/`` at the end, or nothing.
            about: what the manifest says of it.
            mapped: whether it has positions; a generation of an older version has none.

        Raises:
            IndexDamagedError: when a file cannot be read.
        """
        own = folder / inside
        with reading(folder, inside + "vectors.faiss"):
            vectors = open_passage_vectors(own, about.search)
        with reading(folder, inside + "postings"):
            postings = Postings.open(own / "postings")
        with reading(folder, inside + "sentences.npy"):
            sentences = Halves(own / "sentences.npy")
        with reading(folder, inside + "scripts.npy"):
            scripts = _open_scripts(own / "scripts.npy")
        with reading(folder, inside + MAP):
            positions = open_map(own) if mapped else None
        return cls(vectors, postings, sentences, scripts, positions)

    def check(self, folder: Path, inside: str, about: PieceInfo, dimensions: int) -> None:
        """Refuse files that are whole one by one and do not belong together.

        Raises:
            IndexDamagedError: it names the first such file.
        """
        passages, sentences = about.passages, about.sentences
        expected: dict[str, tuple[object, object]] = {
            "vectors.faiss": ((self.vectors.size, self.vectors.dimensions), (passages, dimensions)),
            "postings": (self.postings.size, passages),
            "sentences.npy": (self.sentences.shape, (sentences, dimensions)),
            "scripts.npy": (self.scripts.shape, (passages,)),
        }
        if self.map is not None:
            expected[MAP] = (self.map.shape, (passages, 2))
        for name, (found, wanted) in expected.items():
            if found != wanted:
                raise damaged(folder, inside + name)


def _open_scripts(path: Path) -> NDArray[np.uint8]:
    """Map the `Script` of each passage into memory, shape (passages,)."""
    mapped: NDArray[np.uint8] = open_memmap(path, mode="r")
    if mapped.dtype != np.uint8:
        raise ValueError(f"{path.name} holds {mapped.dtype}, not uint8")
    return mapped
