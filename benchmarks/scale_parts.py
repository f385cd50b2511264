"""Searches over vectors alone, each built and asked by itself.

A part reads what `benchmarks.scale` has written into a folder: the passages' vectors, queries.npy,
sample.npy, filters.npz.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.synthetic_vectors import unit
from embeddings import approximate
from embeddings.approximate import ApproximateIndex, Approximation, lists_for
from embeddings.halves import Halves, open_halves, write_halves
from embeddings.partition import blocks, centroids
from embeddings.passage_vectors import PassageVectors
from embeddings.vectors import VectorIndex, best

VECTORS = "passages.npy"

K = 60
"""Candidates that `qa.retrieval` takes from the vectors."""

FILE = "vectors.faiss"

_BLOCK = 16_384

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


class Part(ABC):
    """One search over a folder of synthetic data; it writes into a folder of its own below that."""

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
    def use(self, query: Floats, rows: Numbers | None = None) -> Numbers:
        """Return the rows nearest to a question; of `rows` alone, None for all."""

    def about(self) -> str:
        """Return what the build has chosen, in a word or two."""
        return ""

    def _vectors(self) -> NDArray[np.float16]:
        return open_halves(self.data / VECTORS)


class _Own(Part):
    index: PassageVectors

    def use(self, query: Floats, rows: Numbers | None = None) -> Numbers:
        """See `Part.use`."""
        return self.index.search(query, K, rows)[0]


class Flat(_Own):
    """Every vector compared."""

    def build(self) -> None:
        """See `Part.build`."""
        VectorIndex.write(self.folder / FILE, unit(np.asarray(self._vectors(), np.float32)))

    def open(self) -> None:
        """See `Part.open`."""
        self.index = VectorIndex.open(self.folder / FILE)


class Approximate(_Own):
    """Lists of near ones, exactly re-scored."""

    def build(self) -> None:
        """See `Part.build`."""
        vectors = self._vectors()
        slices = (unit(block) for _, block in blocks(vectors, _BLOCK))
        write_halves(self.folder / approximate.VECTORS, slices, vectors.shape)
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


class _Rescored(Part):
    """Another index of FAISS, opened as its kind allows, its rows re-scored like our own."""

    fetched: int
    flag: str

    @abstractmethod
    def make(self, vectors: NDArray[np.float16]) -> Any:
        """Return it empty and trained."""

    @abstractmethod
    def how(self, kept: Any) -> Any:
        """Return the parameters of a search; `kept` selects rows, None for all."""

    def build(self) -> None:
        """See `Part.build`."""
        import faiss

        vectors = self._vectors()
        index = self.make(vectors)
        for _, block in blocks(vectors, _BLOCK):
            index.add(unit(block))
        faiss.write_index(index, str(self.folder / FILE))

    def open(self) -> None:
        """See `Part.open`."""
        import faiss

        path = str(self.folder / FILE)
        self._index: Any = faiss.read_index(path, getattr(faiss, self.flag))
        self._halves = Halves(self.data / VECTORS)

    def use(self, query: Floats, rows: Numbers | None = None) -> Numbers:
        """See `Part.use`."""
        import faiss

        bits: Any = faiss.IDSelectorBitmap  # whose Python form takes an array
        kept = None if rows is None else bits(approximate._bits(rows, self._halves.shape[0]))
        found = self._index.search(query[None, :], self.fetched, params=self.how(kept))[1][0]
        near = found[found >= 0]
        return best(near, unit(self._halves.rows(near)) @ query, K)[0]


class Hnsw(_Rescored):
    """A graph of neighbours over vectors of a byte a number."""

    fetched = 120
    flag = "IO_FLAG_MMAP_IFC"
    neighbours, built_by, searched_by = 32, 80, 400

    def make(self, vectors: NDArray[np.float16]) -> Any:
        """See `_Rescored.make`."""
        import faiss

        kind = faiss.ScalarQuantizer.QT_8bit
        making: Any = faiss.IndexHNSWSQ  # whose stub lacks the metric
        index = making(vectors.shape[1], kind, self.neighbours, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = self.built_by
        index.train(_some(vectors))
        return index

    def how(self, kept: Any) -> Any:
        """See `_Rescored.how`."""
        import faiss

        making: Any = faiss.SearchParametersHNSW  # type: ignore[attr-defined]
        return making(efSearch=self.searched_by, **({} if kept is None else {"sel": kept}))

    def about(self) -> str:
        """See `Part.about`."""
        return f"M {self.neighbours}, ef {self.built_by} and {self.searched_by}"


class IvfSq8(_Rescored):
    """As many lists as our own, a byte a number."""

    fetched = 120
    flag = "IO_FLAG_MMAP"
    share = 0.4

    def make(self, vectors: NDArray[np.float16]) -> Any:
        """See `_Rescored.make`."""
        import faiss

        lists = lists_for(len(vectors))
        self._middles = faiss.IndexFlatIP(vectors.shape[1])
        self._middles.add(centroids(vectors, lists))
        index = faiss.IndexIVFScalarQuantizer(
            self._middles, vectors.shape[1], lists, faiss.ScalarQuantizer.QT_8bit,
            faiss.METRIC_INNER_PRODUCT, True,
        )  # fmt: skip
        index.train(_some(vectors))
        return index

    def open(self) -> None:
        """See `Part.open`."""
        import faiss

        super().open()
        lists: Any = faiss.downcast_InvertedLists(self._index.invlists)
        lists.prefetch_nthread = 0

    def how(self, kept: Any) -> Any:
        """See `_Rescored.how`."""
        import faiss

        probed = self._index.nlist if kept is not None else round(self.share * self._index.nlist)
        making: Any = faiss.SearchParametersIVF
        return making(nprobe=probed, **({} if kept is None else {"sel": kept}))

    def about(self) -> str:
        """See `Part.about`."""
        return f"{self.share:.0%} of the lists"


PARTS: dict[str, type[Part]] = {
    "flat": Flat,
    "approximate": Approximate,
    "HNSW32,SQ8": Hnsw,
    "IVF,SQ8": IvfSq8,
}


def _some(vectors: NDArray[np.float16]) -> Floats:
    """Return rows that a quantiser is fitted to."""
    rows = np.unique(np.linspace(0, len(vectors) - 1, 65_536).round().astype(np.int64))
    return unit(np.asarray(vectors[rows], np.float32))
