"""The engines that benchmarks/postings.py compares, behind one interface.

Each runs in a process of its own, maybe in an environment without this project's other libraries:
nothing but numpy and the engine itself may be imported here.
"""

from __future__ import annotations

import importlib
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from embeddings.postings import K1, B, Postings

Passages = Iterable[list[str]]
Rows = NDArray[np.int64]


class Engine(Protocol):
    """A keyword index in a folder; rows count passages in the order in which they came."""

    def __init__(self, folder: Path) -> None: ...

    def build(self, passages: Passages) -> None:
        """Write the index to the disk."""

    def open(self) -> None:
        """Make it ready for questions."""

    def search(self, tokens: Sequence[str], k: int, among: Rows | None = None) -> list[int]:
        """Return the rows of the best `k` passages, best first."""
        ...

    def change(self, gone: Rows, old: list[list[str]], new: list[list[str]]) -> None:
        """Take out the rows `gone`, whose tokens are `old`, and put in `new`; be ready again."""


class Own:
    """This project's postings."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "own"

    def build(self, passages: Passages) -> None:
        """See `Engine`."""
        Postings.write(self._folder, passages)

    def open(self) -> None:
        """See `Engine`."""
        self._postings = Postings.open(self._folder)

    def search(self, tokens: Sequence[str], k: int, among: Rows | None = None) -> list[int]:
        """See `Engine`."""
        return [int(row) for row in self._postings.match(tokens).best(k, among)]

    def change(self, gone: Rows, _old: list[list[str]], new: list[list[str]]) -> None:
        """See `Engine`."""
        kept = np.delete(np.arange(self._postings.size), gone).tolist()
        self._folder = self._folder.with_name("own changed")
        Postings.write(self._folder, [*kept, *new], self._postings)
        self.open()


class Bm25s:
    """bm25s, mapped; it knows no deletes and no additions."""

    def __init__(self, folder: Path) -> None:
        self._library = importlib.import_module("bm25s")
        self._folder = folder / "bm25s"

    def build(self, passages: Passages) -> None:
        """See `Engine`."""
        index = self._library.BM25(k1=K1, b=B, method="lucene")
        index.index(list(passages), show_progress=False)
        index.save(str(self._folder), show_progress=False)

    def open(self) -> None:
        """See `Engine`."""
        self._index = self._library.BM25.load(str(self._folder), mmap=True, show_progress=False)
        self._size = int(self._index.scores["num_docs"])

    def search(self, tokens: Sequence[str], k: int, among: Rows | None = None) -> list[int]:
        """See `Engine`."""
        mask = None
        if among is not None:
            mask = np.zeros(self._size, np.float32)
            mask[among] = 1
        found, scores = self._index.retrieve(
            [list(dict.fromkeys(tokens))], k=min(k, self._size), show_progress=False, n_threads=0,
            weight_mask=mask,
        )  # fmt: skip
        return [int(row) for row, score in zip(found[0], scores[0], strict=True) if score > 0]

    def change(self, gone: Rows, _old: list[list[str]], new: list[list[str]]) -> None:
        """See `Engine`."""
        raise NotImplementedError


class Tantivy:
    """tantivy with one writing thread; its k1 and b are fixed at the values used here."""

    def __init__(self, folder: Path) -> None:
        self._library = importlib.import_module("tantivy")
        self._folder = folder / "tantivy"
        self._next = 0
        builder = self._library.SchemaBuilder()
        builder.add_text_field("body", tokenizer_name="whitespace", index_option="freq")
        builder.add_unsigned_field("row", indexed=True, fast=True)
        self._schema = builder.build()

    def build(self, passages: Passages) -> None:
        """See `Engine`."""
        self._folder.mkdir(parents=True)
        index = self._library.Index(self._schema, path=str(self._folder))
        writer = index.writer(heap_size=256_000_000, num_threads=1)
        self._add(writer, passages)
        writer.commit()
        writer.wait_merging_threads()

    def open(self) -> None:
        """See `Engine`."""
        self._index = self._library.Index.open(str(self._folder))
        self._searcher = self._index.searcher()
        self._next = self._searcher.num_docs

    def search(self, tokens: Sequence[str], k: int, among: Rows | None = None) -> list[int]:
        """See `Engine`."""
        library, schema = self._library, self._schema
        terms = [library.Query.term_query(schema, "body", t, "freq") for t in dict.fromkeys(tokens)]
        query = library.Query.boolean_query([(library.Occur.Should, term) for term in terms])
        if among is not None:
            allowed = library.Query.term_set_query(schema, "row", among.tolist())
            must = library.Query.const_score_query(allowed, 0.0)
            query = library.Query.boolean_query(
                [(library.Occur.Must, query), (library.Occur.Must, must)]
            )
        hits = self._searcher.search(query, k, count=False).hits
        return list(self._searcher.fast_field_values("row", [place for _, place in hits]))

    def change(self, gone: Rows, _old: list[list[str]], new: list[list[str]]) -> None:
        """See `Engine`."""
        writer = self._index.writer(heap_size=64_000_000, num_threads=1)
        for row in gone.tolist():
            writer.delete_documents_by_term("row", row)
        self._add(writer, new)
        writer.commit()
        self._index.reload()
        self._searcher = self._index.searcher()

    def _add(self, writer: Any, passages: Passages) -> None:
        for tokens in passages:
            document = self._library.Document()
            document.add_text("body", " ".join(tokens))
            document.add_unsigned("row", self._next)
            writer.add_document(document)
            self._next += 1


class Fts5:
    """SQLite FTS5 without the text; k1 and b are fixed at the values used here."""

    _COLUMNS = "body, content='', tokenize=\"ascii tokenchars '+.,:-/%&_'''\""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "fts5" / "index.db"

    def build(self, passages: Passages) -> None:
        """See `Engine`."""
        self._path.parent.mkdir(parents=True)
        db = sqlite3.connect(self._path)
        db.execute(f"CREATE VIRTUAL TABLE passages USING fts5({self._COLUMNS})")
        db.executemany("INSERT INTO passages(rowid, body) VALUES (?, ?)", _numbered(passages, 1))
        db.commit()
        db.execute("INSERT INTO passages(passages) VALUES ('optimize')")
        db.commit()
        db.close()

    def open(self) -> None:
        """See `Engine`."""
        self._db = sqlite3.connect(self._path)
        self._among: Rows | None = None
        self._db.execute("CREATE TEMP TABLE among (row INTEGER PRIMARY KEY)")

    def search(self, tokens: Sequence[str], k: int, among: Rows | None = None) -> list[int]:
        """See `Engine`."""
        if not tokens:
            return []
        match = " OR ".join(f'"{token}"' for token in dict.fromkeys(tokens))
        where = "passages MATCH ?" + ("" if among is None else " AND +rowid IN among")
        if among is not None and among is not self._among:
            self._db.execute("DELETE FROM among")
            rows = ((row + 1,) for row in among.tolist())
            self._db.executemany("INSERT INTO among VALUES (?)", rows)
            self._among = among
        query = f"SELECT rowid FROM passages WHERE {where} ORDER BY rank LIMIT {k}"
        return [row - 1 for (row,) in self._db.execute(query, (match,))]

    def change(self, gone: Rows, old: list[list[str]], new: list[list[str]]) -> None:
        """See `Engine`."""
        (last,) = self._db.execute("SELECT max(rowid) FROM passages").fetchone()
        without = "INSERT INTO passages(passages, rowid, body) VALUES ('delete', ?, ?)"
        texts = (" ".join(tokens) for tokens in old)
        self._db.executemany(without, zip((gone + 1).tolist(), texts, strict=True))
        adding = "INSERT INTO passages(rowid, body) VALUES (?, ?)"
        self._db.executemany(adding, _numbered(new, last + 1))
        self._db.commit()


ENGINES: dict[str, type[Engine]] = {
    "own postings": Own,
    "bm25s": Bm25s,
    "tantivy": Tantivy,
    "SQLite FTS5": Fts5,
}
REQUIRED = {"bm25s": "bm25s", "tantivy": "tantivy"}
"""What must be installed for an engine."""


def size_on_disk(folder: Path) -> int:
    """Return the bytes of all files in `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def clear(folder: Path) -> None:
    """Remove what an earlier run left."""
    shutil.rmtree(folder, ignore_errors=True)


def _numbered(passages: Passages, first: int) -> Iterator[tuple[int, str]]:
    for row, tokens in enumerate(passages, first):
        yield row, " ".join(tokens)
