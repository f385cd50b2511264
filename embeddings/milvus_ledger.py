"""What the builder has written to Milvus, kept beside its catalogue: `milvus.db`.

It saves asking the server for every row before each build. It is written before the server is,
so that a build that was cut off is gone on with; when it is gone, or is not of the last builder,
it is read anew from the server.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from embeddings.milvus_tables import FOREVER, first_number

_TABLES = """
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept (
  kind TEXT NOT NULL, number INTEGER NOT NULL, digest BLOB NOT NULL, first INTEGER NOT NULL,
  last INTEGER NOT NULL, sent INTEGER NOT NULL, term INTEGER, count INTEGER,
  PRIMARY KEY (kind, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS kept_by_digest ON kept (kind, digest);
CREATE INDEX IF NOT EXISTS kept_unsent ON kept (kind, sent) WHERE sent = 0;
CREATE INDEX IF NOT EXISTS kept_by_last ON kept (kind, last);
CREATE INDEX IF NOT EXISTS kept_by_first ON kept (kind, first);
CREATE INDEX IF NOT EXISTS kept_by_term ON kept (term) WHERE term IS NOT NULL;
"""


class Kept(NamedTuple):
    """A row of the server, as far as the ledger knows it."""

    number: int
    digest: bytes
    first: int
    last: int


class Ledger:
    """An open ledger; a context manager. One thread, one process at a time."""

    def __init__(self, path: Path) -> None:
        self.database = sqlite3.connect(path)
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = NORMAL")
        self.database.executescript(_TABLES)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()

    def get(self, name: str) -> str:
        """Return what is noted under a name; empty when nothing is."""
        row = self.database.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def put(self, name: str, value: str) -> None:
        """Note something."""
        with self.database as db:
            db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def clear(self) -> None:
        """Forget everything."""
        with self.database as db:
            db.execute("DELETE FROM kept")
            db.execute("DELETE FROM state")

    def take(self, kind: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Note rows that the server has: number, digest, first, last, term, count."""
        with self.database as db:
            db.executemany(
                "INSERT OR REPLACE INTO kept (kind, number, digest, first, last, term, count, sent)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
                ((kind, *row) for row in rows),
            )

    def unborn(self, kind: str, wanted: str, number: int) -> list[int]:
        """Return the rows of generation `number`, unpublished, that it shall not have after all.

        Args:
            kind: the table.
            wanted: temporary table with the column `digest`.
            number: of the generation that is being made.
        """
        rows = self.database.execute(
            f"SELECT number FROM kept WHERE kind = ? AND first = ? AND digest NOT IN"  # noqa: S608
            f" (SELECT digest FROM {wanted})",
            (kind, number),
        )
        return [row[0] for row in rows]

    def forget(self, kind: str, numbers: Iterable[int]) -> None:
        """Forget rows that the server does not have any more."""
        with self.database as db:
            db.executemany(
                "DELETE FROM kept WHERE kind = ? AND number = ?", ((kind, one) for one in numbers)
            )

    def plan(self, kind: str, wanted: str, number: int) -> None:
        """Note what generation `number` takes over, ends and adds; all of it is still to be sent.

        Args:
            kind: the table.
            wanted: temporary table with the column `digest`, and for words `term` and `count`.
            number: of the generation that is being made.
        """
        words = ", term, count" if kind == "words" else ""
        with self.database as db:
            db.execute(  # ended by a build that was cut off
                f"UPDATE kept SET last = ?, sent = 0 WHERE kind = ? AND last = ?"  # noqa: S608
                f" AND digest IN (SELECT digest FROM {wanted})",
                (FOREVER, kind, number),
            )
            db.execute(
                f"UPDATE kept SET last = ?, sent = 0 WHERE kind = ? AND last = ?"  # noqa: S608
                f" AND first < ? AND digest NOT IN (SELECT digest FROM {wanted})",
                (number, kind, FOREVER, number),
            )
            (most,) = db.execute(
                "SELECT max(number) FROM kept WHERE kind = ? AND first = ?", (kind, number)
            ).fetchone()
            start = first_number(number) if most is None else most + 1
            db.execute(
                f"INSERT INTO kept (kind, number, digest, first, last, sent{words})"  # noqa: S608
                f" SELECT ?, ? - 1 + row_number() OVER (), digest, ?, ?, 0{words} FROM {wanted}"
                f" WHERE digest NOT IN (SELECT digest FROM kept WHERE kind = ? AND last = ?)",
                (kind, start, number, FOREVER, kind, FOREVER),
            )

    def added(self, kind: str, number: int) -> Iterator[Kept]:
        """Yield the rows that generation `number` adds and that were not sent yet, by number."""
        return self._rows(kind, "first = ? AND sent = 0", number)

    def ended(self, kind: str, number: int) -> Iterator[Kept]:
        """Yield the older rows whose `last` was changed and not sent yet, by number."""
        return self._rows(kind, "first < ? AND sent = 0", number)

    def of(self, kind: str, condition: str, number: int) -> Iterator[Kept]:
        """Yield the rows of a table for which ``condition ?`` holds, by number."""
        return self._rows(kind, f"{condition} ?", number)

    def _rows(self, kind: str, where: str, value: int) -> Iterator[Kept]:
        # Read in parts: whoever goes through them notes what was sent in between.
        last = -1
        while found := self.database.execute(
            f"SELECT number, digest, first, last FROM kept"  # noqa: S608
            f" WHERE kind = ? AND number > ? AND {where} ORDER BY number LIMIT 1000",
            (kind, last, value),
        ).fetchall():
            last = found[-1][0]
            yield from (Kept(*row) for row in found)

    def sent(self, kind: str, numbers: Sequence[int]) -> None:
        """Note that the server has these rows as the ledger has them."""
        with self.database as db:
            db.executemany(
                "UPDATE kept SET sent = 1 WHERE kind = ? AND number = ?",
                ((kind, one) for one in numbers),
            )

    def numbers(self, kind: str, digests: Iterable[bytes]) -> dict[bytes, int]:
        """Return the rows that are not ended, by digest."""
        found = {}
        for digest in digests:
            row = self.database.execute(
                "SELECT number FROM kept WHERE kind = ? AND digest = ? AND last = ?",
                (kind, digest, FOREVER),
            ).fetchone()
            if row:
                found[digest] = row[0]
        return found

    def of_no_generation(self, kind: str, kept: Sequence[int]) -> list[int]:
        """Return the rows that hold for none of the generations `kept`, nor for newer ones."""
        holds = " OR ".join("(first <= ? AND last > ?)" for _ in kept)
        rows = self.database.execute(
            f"SELECT number FROM kept WHERE kind = ? AND last < ? AND NOT ({holds})",  # noqa: S608
            (kind, FOREVER, *(number for number in kept for _ in range(2))),
        )
        return [row[0] for row in rows]
