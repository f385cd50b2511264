"""The parts of a search whose cost grows with the corpus, each built and used by itself.

A part reads what `benchmarks.scale` has written into a folder: vectors.npy, queries.npy,
sample.npy, filters.npz. More parts (postings, the whole of `bot.retrieve`) come in beside these.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from embeddings.approximate import VECTORS, ApproximateIndex, Approximation
from embeddings.halves import Halves, open_halves, write_halves
from embeddings.passage_vectors import PassageVectors
from embeddings.vectors import VectorIndex

K = 60
"""Candidates that `qa.retrieval` takes from the vectors."""

SENTENCES = 5
"""Sentences of a passage, about."""

_BLOCK = 16_384

Numbers = NDArray[np.int64]


class Asked(NamedTuple):
    """A question: its number and vector, and the rows that alone count, None for all."""

    number: int
    query: NDArray[np.float32]
    rows: Numbers | None = None


class Part(ABC):
    """One part over a folder of synthetic data; it writes into a folder of its own below that."""

    def __init__(self, folder: Path) -> None:
        self.data = folder
        self.folder = folder / type(self).__name__.lower()

    @abstractmethod
    def build(self) -> None:
        """Write its files."""

    @abstractmethod
    def open(self) -> None:
        """Open them as a reader does."""

    @abstractmethod
    def use(self, asked: Asked) -> Numbers:
        """Do what one question asks of it; return the rows it finds."""

    def about(self) -> str:
        """Return what the build has chosen, in a word or two."""
        return ""


class _Search(Part):
    index: PassageVectors

    def use(self, asked: Asked) -> Numbers:
        """See `Part.use`."""
        return self.index.search(asked.query, K, asked.rows)[0]


class Flat(_Search):
    """Every vector compared."""

    def build(self) -> None:
        """See `Part.build`."""
        VectorIndex.write(self.folder / "vectors.faiss", unit(open_halves(self.data / VECTORS)))

    def open(self) -> None:
        """See `Part.open`."""
        self.index = VectorIndex.open(self.folder / "vectors.faiss")


class Approximate(_Search):
    """Lists of near ones, exactly re-scored."""

    def build(self) -> None:
        """See `Part.build`."""
        vectors = open_halves(self.data / VECTORS)
        slices = (unit(vectors[at : at + _BLOCK]) for at in range(0, len(vectors), _BLOCK))
        write_halves(self.folder / VECTORS, slices, (len(vectors), vectors.shape[1]))
        about = ApproximateIndex.write(self.folder, np.load(self.data / "sample.npy"))
        (self.folder / "about.json").write_text(json.dumps(asdict(about)), encoding="utf-8")

    def open(self) -> None:
        """See `Part.open`."""
        self.index = ApproximateIndex.open(self.folder, self._approximation())

    def about(self) -> str:
        """See `Part.about`."""
        found = self._approximation()
        return f"{found.probed} of {found.lists} lists; at build {found.recall:.3f}"

    def _approximation(self) -> Approximation:
        return Approximation.read(json.loads((self.folder / "about.json").read_text("utf-8")))


class Sentences(Part):
    """The vectors of the candidates' sentences, read for the rows that the flat index found."""

    def build(self) -> None:
        """See `Part.build`."""
        vectors = open_halves(self.data / VECTORS)
        starts = range(0, len(vectors), _BLOCK)
        slices = (np.repeat(unit(vectors[at : at + _BLOCK]), SENTENCES, axis=0) for at in starts)
        shape = (SENTENCES * len(vectors), vectors.shape[1])
        write_halves(self.folder / "sentences.npy", slices, shape)

    def open(self) -> None:
        """See `Part.open`."""
        self._halves = Halves(self.folder / "sentences.npy")
        self._candidates = np.load(self.data / "found.npy")

    def use(self, asked: Asked) -> Numbers:
        """See `Part.use`; the same for all filters."""
        found: Numbers = np.sort(self._candidates[asked.number])
        own = (found[:, None] * SENTENCES + np.arange(SENTENCES)).ravel()
        products = (self._halves.rows(own) @ asked.query).reshape(-1, SENTENCES)
        order: Numbers = found[np.argsort(-products.max(axis=1), kind="stable")]
        return order


PARTS: dict[str, type[Part]] = {
    "flat": Flat,
    "approximate": Approximate,
    "sentences": Sentences,
}


def unit(vectors: NDArray[np.float16]) -> NDArray[np.float32]:
    """Return single-precision rows of length 1, as a build gets them from the catalogue."""
    rows = np.asarray(vectors, dtype=np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)
