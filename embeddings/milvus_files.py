"""The files and documents of a generation in Milvus, without the texts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from threading import Lock
from typing import Generic, TypeVar

from embeddings.milvus import Row, Server
from embeddings.milvus_conditions import between, both, equals
from embeddings.milvus_tables import DOCUMENTS, FILES, visible
from embeddings.piece_texts import DocumentHead
from embeddings.text_file import Selection, spellings

_K = TypeVar("_K")
_V = TypeVar("_V")

_DOCUMENTS_KEPT = 10_000
_PART = 200


class Remembered(Generic[_K, _V]):
    """Values that never change while a generation is open, the last used ones in memory.

    Args:
        find: returns the values of keys that are not in memory; of some there may be none.
        most: how many are in memory.
    """

    def __init__(self, find: Callable[[list[_K]], dict[_K, _V]], most: int) -> None:
        self._find, self._most = find, most
        self._kept: OrderedDict[_K, _V] = OrderedDict()
        self._lock = Lock()

    def get(self, keys: Iterable[_K]) -> dict[_K, _V]:
        """Return the values of keys, in their order; those that have none are left out."""
        wanted = list(dict.fromkeys(keys))
        with self._lock:
            held = {key: self._kept[key] for key in wanted if key in self._kept}
        missing = [key for key in wanted if key not in held]
        if missing:
            held |= self._find(missing)
        with self._lock:
            for key in wanted:
                if key in held:
                    self._kept[key] = held[key]
                    self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return {key: held[key] for key in wanted if key in held}


class MilvusFiles:
    """The files and documents of one generation; safe to use from several threads.

    Args:
        server: where they are.
        generation: its number.
    """

    def __init__(self, server: Server, generation: int) -> None:
        self.server, self.visible = server, visible(generation)
        self._sources: Remembered[str, tuple[str, ...]] = Remembered(
            self._find_sources, _DOCUMENTS_KEPT
        )
        self._heads: Remembered[str, Row] = Remembered(self.find_heads, _DOCUMENTS_KEPT)

    def document_ids(self) -> list[str]:
        """Return the ids of all documents, by their first source."""
        found = self._by_document(self._every_file())
        return sorted(found, key=lambda document: found[document][0])

    def sources_of(self, documents: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return every file with the content of these documents, by name."""
        return self._sources.get(documents)

    def _find_sources(self, documents: list[str]) -> dict[str, tuple[str, ...]]:
        fields = ["document", "source"]
        rows = self.server.rows_with(FILES, "document", documents, fields, self.visible, _PART)
        return self._by_document(rows)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Every file in the index, by name."""
        return tuple(sorted(row["source"] for row in self._every_file()))

    def _every_file(self) -> Iterable[Row]:
        return self.server.every(FILES, self.visible, ["document", "source"])

    @staticmethod
    def _by_document(rows: Iterable[Row]) -> dict[str, tuple[str, ...]]:
        found: dict[str, set[str]] = {}
        for row in rows:
            found.setdefault(row["document"], set()).add(row["source"])
        return {document: tuple(sorted(held)) for document, held in found.items()}

    def select(
        self,
        sources: Iterable[str] | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Selection:
        """Return the files that are wanted; see `embeddings.texts.Texts.select`."""
        if sources is None:
            found = self._by_document(self._every_file())
        else:
            listed = [sources] if isinstance(sources, str) else sources
            found = self._by_document(row for source in listed for row in self._files(source))
        if since is None and until is None:
            return Selection(found)
        dated = self._dated(since or "", until or "9999-12-31")
        return Selection({id_: held for id_, held in found.items() if id_ in dated})

    def _dated(self, since: str, until: str) -> set[str]:
        condition = both(self.visible, between("date", max(since, "0"), until + "\x7f"))
        return {row["document"] for row in self.server.every(DOCUMENTS, condition, ["document"])}

    def _files(self, source: str) -> list[Row]:
        found = (self._named(name) for name in spellings(source))
        return next(filter(None, found), [])

    def _named(self, name: str) -> list[Row]:
        condition = equals("source", name)
        if name.endswith("/"):
            condition = between("source", name, name[:-1] + chr(ord("/") + 1))
        return list(self.server.every(FILES, both(self.visible, condition), ["document", "source"]))

    def heads(self, ids: Iterable[str]) -> dict[str, DocumentHead]:
        """Return documents by id without their texts; ids that are not here are left out."""
        found = self._heads.get(ids)
        sources = self.sources_of(found)
        return {
            id_: DocumentHead(id_, row["title"], row["date"] or None, sources[id_])
            for id_, row in found.items()
        }

    def find_heads(self, documents: Sequence[str]) -> dict[str, Row]:
        """Return the rows of documents by id; ids that are not here are left out."""
        fields = ["number", "document", "title", "date"]
        rows = self.server.rows_with(
            DOCUMENTS, "document", list(documents), fields, self.visible, _PART
        )
        return {row["document"]: row for row in rows}

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Return of each document how many articles, by their titles, and passages it has."""
        fields = ["document", "articles", "places"]
        rows = self.server.every(DOCUMENTS, self.visible, fields)
        return {row["document"]: (row["articles"], row["places"]) for row in rows}
