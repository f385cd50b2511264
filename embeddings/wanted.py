"""The texts that a generation needs vectors of, and which of them have none yet.

Kept in temporary tables of the catalogue's connection, so that memory does not grow with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from embeddings.catalogue import Catalogue
from embeddings.encoder import Encoder
from embeddings.keys import Keys, input_keys, known_keys

WINDOW = 1024
"""Texts that are in memory at a time, sorted by length."""

INPUTS = "inputs/2"
"""Changes whenever `generation.repeat_key` or `generation.input_keys` gives other keys."""

_TABLES = """
DROP TABLE IF EXISTS repeats; DROP TABLE IF EXISTS wanted; DROP TABLE IF EXISTS waiting;
CREATE TEMP TABLE repeats (key BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE wanted (number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE,
  document TEXT NOT NULL, ordinal INTEGER NOT NULL);
"""
_WAITING = """
CREATE TEMP TABLE waiting AS SELECT * FROM wanted
WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.key = wanted.key) ORDER BY number
"""


class Wanted:
    """The encoder inputs of the documents of the last scan; those of repeats only once.

    Args:
        catalogue: has the documents.
        encoder: whose inputs.
        places: take the passages at these places only, a document and which of its passages each;
            None for all.

    Attributes:
        total: how many there are.
        missing: how many had no vector when this was made.
        characters: sum of the lengths of the missing ones.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        encoder: Encoder,
        places: Iterable[tuple[str, int]] | None = None,
    ) -> None:
        self._catalogue, self._encoder = catalogue, encoder
        self._db = catalogue.database
        self._db.executescript(_TABLES)
        if places is None:
            for document in catalogue.document_ids():
                self._add(document, enumerate(known_keys(catalogue, document, encoder)))
        else:
            self._add_places(places)
        self._db.execute(_WAITING)
        self._db.commit()
        self.total, self.missing = (
            self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in ("wanted", "waiting")
        )
        self.characters = sum(len(text) for window in self.windows() for _, text in window)

    def _add_places(self, places: Iterable[tuple[str, int]]) -> None:
        wanted: dict[str, list[int]] = {}
        for document, ordinal in places:
            wanted.setdefault(document, []).append(ordinal)
        for document, ordinals in wanted.items():
            keys = known_keys(self._catalogue, document, self._encoder)
            self._add(document, ((at, keys[at]) for at in ordinals))

    def _add(self, document: str, passages: Iterable[tuple[int, Keys]]) -> None:
        # A passage that repeats an earlier one adds nothing: they share a row.
        self._db.executemany(
            "INSERT OR IGNORE INTO wanted (key, document, ordinal) VALUES (?, ?, ?)",
            [
                (key, document, ordinal)
                for ordinal, keys in passages
                if self._is_new(keys.repeat)
                for key in keys.inputs
            ],
        )

    def _is_new(self, repeat: bytes) -> bool:
        insert = "INSERT OR IGNORE INTO repeats VALUES (?)"
        return self._db.execute(insert, (repeat,)).rowcount == 1

    def made_by(self, build: int) -> int:
        """Return how many of the texts have a vector that this build made."""
        (found,) = self._db.execute(
            "SELECT count(*) FROM wanted JOIN vectors USING (key) WHERE build = ?", (build,)
        ).fetchone()
        return int(found)

    def windows(self) -> Iterator[list[tuple[bytes, str]]]:
        """Yield (key, text) of the missing ones, `WINDOW` at a time, the longest of each first."""
        last = 0
        while rows := self._db.execute(
            "SELECT rowid, key, document, ordinal FROM waiting WHERE rowid > ?"
            " ORDER BY rowid LIMIT ?",
            (last, WINDOW),
        ).fetchall():
            last = rows[-1][0]
            keys = {row[1] for row in rows}
            places = dict.fromkeys((document, ordinal) for _, _, document, ordinal in rows)
            found = {
                key: text
                for place in places
                for key, text in input_keys(self._catalogue.passage(*place), self._encoder)
                if key in keys
            }
            yield sorted(found.items(), key=lambda item: len(item[1]), reverse=True)

    def forget_others(self) -> None:
        """Forget the vectors that neither this generation needs nor the one before it did.

        Those of the generation before stay, so that what is put back is not encoded again; there
        are never more than those of two generations and of the builds that were cut off.
        """
        others = "key NOT IN (SELECT key FROM wanted)"
        with self._db:
            self._db.execute(
                f"DELETE FROM vectors WHERE {others} AND key IN (SELECT key FROM leaving)"  # noqa: S608
            )
            self._db.execute("DELETE FROM leaving")
            self._db.execute(f"INSERT INTO leaving SELECT key FROM vectors WHERE {others}")  # noqa: S608
