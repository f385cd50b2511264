"""What others would take for the same passages and questions, behind one interface.

Each runs in a process of its own, maybe in an environment without this project's other libraries:
nothing but numpy and the engine itself may be imported here. Their questions come as vectors, or
cut into words: encoding and cutting is not counted.
"""

from __future__ import annotations

import importlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

K = 60
TEXTS, TOKENS, ASKED = "passages.txt", "tokens.txt", "asked.json"

Floats = NDArray[np.float32]


class Rival(ABC):
    """An engine over the files that `benchmarks.scale` has written into a folder."""

    needs: Sequence[str]
    """Modules that must be installed."""

    by_vectors = True
    """Whether its answers can be compared with the nearest vectors."""

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
    def use(self, number: int, query: Floats) -> list[int]:
        """Return the rows of the best `K` passages for question `number`, which has this vector."""

    def _vectors(self) -> Iterator[Floats]:
        mapped = np.load(self.data / "passages.npy", mmap_mode="r")
        for start in range(0, len(mapped), 16_384):
            block = np.asarray(mapped[start : start + 16_384], np.float32)
            yield block / np.linalg.norm(block, axis=1, keepdims=True)

    def _lines(self, name: str) -> Iterator[str]:
        with (self.data / name).open(encoding="utf-8") as file:
            for line in file:
                yield line.rstrip("\n")


class FaissFlat(Rival):
    """FAISS IndexFlatIP, read as its documentation does; texts in a list."""

    needs = ("faiss",)

    def build(self) -> None:
        """See `Rival.build`."""
        faiss = importlib.import_module("faiss")
        index: Any = None
        for block in self._vectors():
            index = index or faiss.IndexFlatIP(block.shape[1])
            index.add(block)
        faiss.write_index(index, str(self.folder / "index.faiss"))

    def open(self) -> None:
        """See `Rival.open`."""
        faiss = importlib.import_module("faiss")
        self._index = faiss.read_index(str(self.folder / "index.faiss"))
        self._texts = list(self._lines(TEXTS))

    def use(self, _number: int, query: Floats) -> list[int]:
        """See `Rival.use`."""
        found: list[int] = self._index.search(query[None, :], K)[1][0].tolist()
        self._hits = [self._texts[row] for row in found[:10]]
        return found


class LangChain(Rival):
    """LangChain's FAISS store, saved and loaded by its own methods."""

    needs = ("faiss", "langchain_community")

    def build(self) -> None:
        """See `Rival.build`."""
        store: Any = None
        texts = self._lines(TEXTS)
        row = 0
        for block in self._vectors():
            pairs = [(text, vector) for vector, text in zip(block, texts, strict=False)]
            about = [{"row": row + at} for at in range(len(block))]
            row += len(block)
            if store is None:
                store = self._class().from_embeddings(pairs, _silent(), about)
            else:
                store.add_embeddings(pairs, about)
        store.save_local(str(self.folder))

    def open(self) -> None:
        """See `Rival.open`."""
        self._store = self._class().load_local(
            str(self.folder), _silent(), allow_dangerous_deserialization=True
        )

    def use(self, _number: int, query: Floats) -> list[int]:
        """See `Rival.use`."""
        found = self._store.similarity_search_by_vector(query.tolist(), K)
        return [int(one.metadata["row"]) for one in found]

    def _class(self) -> Any:
        return importlib.import_module("langchain_community.vectorstores").FAISS


class Bm25s(Rival):
    """bm25s, mapped; texts are not among it."""

    needs = ("bm25s",)
    by_vectors = False

    def build(self) -> None:
        """See `Rival.build`."""
        index = importlib.import_module("bm25s").BM25(k1=1.2, b=0.75, method="lucene")
        index.index([line.split() for line in self._lines(TOKENS)], show_progress=False)
        index.save(str(self.folder), show_progress=False)

    def open(self) -> None:
        """See `Rival.open`."""
        library = importlib.import_module("bm25s")
        self._index = library.BM25.load(str(self.folder), mmap=True, show_progress=False)
        self._asked = json.loads((self.data / ASKED).read_text("utf-8"))

    def use(self, number: int, _query: Floats) -> list[int]:
        """See `Rival.use`."""
        tokens = [list(dict.fromkeys(self._asked[number]))]
        found = self._index.retrieve(tokens, k=K, show_progress=False, n_threads=0)[0]
        return [int(row) for row in found[0]]


def _silent() -> Any:
    """Return an encoder for LangChain that is never asked: the vectors are there."""
    fakes = importlib.import_module("langchain_core.embeddings.fake")
    return fakes.FakeEmbeddings(size=1)


RIVALS: dict[str, type[Rival]] = {
    "FAISS Flat": FaissFlat,
    "LangChain FAISS": LangChain,
    "bm25s": Bm25s,
}
