"""A Milvus server as this project uses it: tables of rows, asked and written within a bounded time.

The only module that imports pymilvus. Knows nothing of documents, passages or generations.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import StoreError
from embeddings.milvus_address import Address
from embeddings.milvus_conditions import among, both, literal

CONNECTING = 5.0
"""Seconds that a server has to accept a connection."""

READING = 20.0
"""Seconds that it has to answer."""

WRITING = 60.0
"""Seconds that it has to take a batch of rows, or to make a table."""

PATIENCE = 6.0
"""Seconds in which a server that went away may come back before that is told."""

_PAUSE = 0.2

SETTLING = 10.0
"""Seconds after which every copy of the data has what was written before; see `Server.settled`."""

LONGEST_TEXT = 65_535
"""Bytes of a text field, which is as long as Milvus allows."""

ANALYZER = {"tokenizer": "jieba"}
"""Cuts texts into words in every edition of Milvus; ``{"type": "chinese"}`` is not in all."""

MOST_FOUND = 16_384
"""Rows that Milvus returns of a search at most."""

_BATCH_BYTES = 4_000_000
_VALUES = 1000
"""Values of a list in one condition."""


Row = dict[str, Any]
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Field:
    """A column: ``int``, ``text`` or ``vector``; `indexed` where conditions look rows up by it."""

    name: str
    kind: str = "int"
    length: int = LONGEST_TEXT
    indexed: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A collection. The first field is the key.

    Attributes:
        name: what stands behind the common part of the collections' names.
        fields: its columns; the vectors of `searched` have their own.
        searched: it has a column ``vector``, and ``words``, a text that is found by its words.
    """

    name: str
    fields: tuple[Field, ...]
    searched: bool = False

    @property
    def key(self) -> str:
        """The name of the key."""
        return self.fields[0].name

    @property
    def names(self) -> list[str]:
        """The names of all columns that are written."""
        return [*(one.name for one in self.fields), *(("vector", "words") if self.searched else ())]


class _AwayError(StoreError):
    """The server cannot be reached at the moment."""


class Server:
    """A connection to the collections of one index; safe to use from several threads.

    Args:
        address: where they are.
        token: ``USER:PASSWORD`` or an API key; empty for none. It is in no message.
        connecting: seconds to wait for the connection.

    Raises:
        StoreError: when pymilvus is not installed, the server does not answer, or it refuses the
            token. Every method raises it for what the server refuses.
    """

    def __init__(self, address: Address, token: str = "", connecting: float = CONNECTING) -> None:
        self.address, self._token = address, token
        self._pymilvus = _pymilvus()
        self._settled: dict[str, float] = {}
        self._client = self._telling(
            lambda: self._pymilvus.MilvusClient(
                uri=address.uri, token=token, timeout=connecting, dedicated=True
            )
        )

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def name(self, table: Table) -> str:
        """Return the collection of a table."""
        return f"{self.address.collection}_{table.name}"

    def exists(self, table: Table) -> bool:
        """Tell whether a table is there."""
        found = self._telling(
            lambda: self._client.has_collection(self.name(table), timeout=READING)
        )
        return bool(found)

    def make(self, table: Table, dimensions: int = 2) -> None:
        """Make a table where it is missing or half made, and have it ready to be searched.

        Raises:
            StoreError: when something else has its name.
        """
        name = self.name(table)
        schema, indexes = self._schema(table, dimensions)
        if self.exists(table):
            self._check_fields(table, schema)
        else:
            self._telling(
                lambda: self._client.create_collection(
                    name, schema=schema, timeout=WRITING, consistency_level="Bounded"
                )
            )
        made = self._telling(lambda: set(self._client.list_indexes(name, timeout=READING)))
        for index in indexes:
            if index.field_name not in made:
                self._make_index(name, index)
        self._telling(lambda: self._client.load_collection(name, timeout=WRITING))

    def _make_index(self, name: str, index: Any) -> None:
        wanted = self._client.prepare_index_params()
        wanted.append(index)
        self._telling(  # there is nothing yet to wait for
            lambda: self._client.create_index(name, wanted, timeout=WRITING, sync=False)
        )

    def _check_fields(self, table: Table, schema: Any) -> None:
        name = self.name(table)
        found = self._telling(lambda: self._client.describe_collection(name, timeout=READING))
        held = {(one["name"], one.get("params", {}).get("dim")) for one in found["fields"]}
        wanted = {(one.name, one.params.get("dim")) for one in schema.fields}
        if held != wanted:
            raise StoreError(
                f"The collection {name!r} at {self.address.uri} holds something else than an "
                "index of this program; give another name: --collection NAME"
            )

    def check(self, table: Table) -> None:
        """Refuse a collection that has the name of a table and other columns.

        Raises:
            StoreError: then.
        """
        self._check_fields(table, self._schema(table, 2)[0])

    def _schema(self, table: Table, dimensions: int) -> tuple[Any, Any]:
        types = self._pymilvus.DataType
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        indexes = self._client.prepare_index_params()
        for at, one in enumerate(table.fields):
            options = {"max_length": one.length} if one.kind == "text" else {}
            kind = types.VARCHAR if one.kind == "text" else types.INT64
            schema.add_field(one.name, kind, is_primary=not at, **options)
            if one.indexed:
                indexes.add_index(one.name, index_type="INVERTED")
        if table.searched:
            self._add_searched(schema, indexes, dimensions)
        else:  # Milvus refuses a collection without a vector
            schema.add_field("unused", types.FLOAT_VECTOR, dim=2)
            indexes.add_index("unused", index_type="FLAT", metric_type="L2")
        return schema, indexes

    def _add_searched(self, schema: Any, indexes: Any, dimensions: int) -> None:
        types = self._pymilvus.DataType
        schema.add_field("vector", types.FLOAT_VECTOR, dim=dimensions)
        schema.add_field(
            "words", types.VARCHAR, max_length=LONGEST_TEXT, enable_analyzer=True,
            analyzer_params=ANALYZER,
        )  # fmt: skip
        schema.add_field("sparse", types.SPARSE_FLOAT_VECTOR)
        kind = self._pymilvus.FunctionType.BM25
        schema.add_function(self._pymilvus.Function("by_words", kind, ["words"], ["sparse"]))
        indexes.add_index("vector", index_type="HNSW", metric_type="IP", params=HNSW)
        indexes.add_index(
            "sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25",
            params={"bm25_k1": 1.2, "bm25_b": 0.75},
        )  # fmt: skip

    def put(self, table: Table, rows: Sequence[Row]) -> None:
        """Write rows; those with a key that is there are replaced."""
        whole = [row if table.searched else {**row, "unused": [0.0, 0.0]} for row in rows]
        for batch in _batches(whole):
            write = partial(self._client.upsert, self.name(table), batch, timeout=WRITING)
            self._telling(write)

    def remove(self, table: Table, condition: str) -> None:
        """Remove the rows for which a condition holds."""
        self._telling(
            lambda: self._client.delete(self.name(table), filter=condition, timeout=WRITING)
        )

    def flush(self, table: Table) -> None:
        """Have the server keep on disk what was written."""
        self._telling(lambda: self._client.flush(self.name(table), timeout=WRITING))

    def rows(self, table: Table, condition: str, fields: Sequence[str]) -> list[Row]:
        """Return the rows for which a condition holds, which must be few; in no order."""
        found = self._telling(
            lambda: self._client.query(
                self.name(table), filter=condition, output_fields=list(fields), timeout=READING,
                consistency_level=self._consistency(),
            )
        )  # fmt: skip
        return [dict(row) for row in found]

    def rows_with(
        self,
        table: Table,
        name: str,
        values: Sequence[int] | Sequence[str],
        fields: Sequence[str],
        condition: str = "",
        part: int = _VALUES,
    ) -> Iterator[Row]:
        """Yield the rows with one of `values` in field `name`, in no order; `part` at a time."""
        for start in range(0, len(values), part):
            wanted = among(name, values[start : start + part])
            yield from self.rows(table, both(wanted, condition), fields)

    def every(self, table: Table, condition: str, fields: Sequence[str]) -> Iterator[Row]:
        """Yield all rows for which a condition holds, however many, by rising key."""
        # Not pymilvus' own iterator: it warns, and asks for a snapshot that not every server has.
        last: int | str | None = None
        while True:
            beyond = "" if last is None else f"{table.key} > {literal(last)}"
            found = self._page(table, both(condition, beyond), [table.key, *fields])
            yield from found
            if len(found) < _PAGE:
                return
            last = found[-1][table.key]

    def _page(self, table: Table, condition: str, fields: Sequence[str]) -> list[Row]:
        found = self._telling(
            lambda: self._client.query(
                self.name(table), filter=condition, output_fields=list(dict.fromkeys(fields)),
                limit=_PAGE, timeout=READING, consistency_level=self._consistency(),
                # The names under which Milvus returns a page in the order of its keys.
                iterator="True", reduce_stop_for_best="True",
            )
        )  # fmt: skip
        return sorted((dict(row) for row in found), key=lambda row: row[table.key])

    def count(self, table: Table, condition: str) -> int:
        """Return how many rows a condition holds for; waits for all that was written before."""
        found = self._telling(
            lambda: self._client.query(
                self.name(table), filter=condition, output_fields=["count(*)"], timeout=READING,
                consistency_level="Strong",
            )
        )  # fmt: skip
        return int(found[0]["count(*)"])

    def nearest(
        self, table: Table, vector: NDArray[np.float32], k: int, condition: str
    ) -> list[tuple[int, float]]:
        """Return key and inner product of the `k` rows nearest to a vector, best first."""
        effort = max(MIN_EFFORT, 2 * k)
        return self._search(table, "vector", vector, k, condition, {"params": {"ef": effort}})

    def by_words(self, table: Table, text: str, k: int, condition: str) -> list[int]:
        """Return the keys of the `k` rows that the words of a text find best, best first."""
        return [key for key, _ in self._search(table, "sparse", text, k, condition, {})]

    def _search(
        self, table: Table, field: str, query: Any, k: int, condition: str, options: Row
    ) -> list[tuple[int, float]]:
        found = self._telling(
            lambda: self._client.search(
                self.name(table), data=[query], anns_field=field, limit=min(k, MOST_FOUND),
                filter=condition, output_fields=[table.key], search_params=options,
                timeout=READING, consistency_level=self._consistency(),
            )
        )  # fmt: skip
        return [(hit[table.key], float(hit["distance"])) for hit in found[0]]

    def _consistency(self) -> str:
        return "Bounded" if time.monotonic() >= self._settles else "Strong"

    _settles = float("inf")

    def settle(self) -> None:
        """Wait for all that is written by now in every answer, until it is everywhere anyway.

        Milvus may answer from a copy that lags by some seconds; afterwards no copy lags behind
        what was written before this call.
        """
        self._settles = time.monotonic() + SETTLING

    def _telling(self, work: Callable[[], _Found]) -> _Found:
        """Turn what pymilvus and gRPC raise into the one sentence for the user."""
        from grpc import RpcError

        end, loaded = time.monotonic() + PATIENCE, False
        while True:
            try:
                return work()
            except (self._pymilvus.MilvusException, RpcError, OSError, ValueError) as error:
                if not loaded and any(mark in str(error) for mark in _UNLOADED):
                    loaded = True
                    self._load()
                    continue
                refusal = self._refusal(error)
                if not isinstance(refusal, _AwayError) or time.monotonic() > end:
                    raise refusal from None  # the cause may name the token
            time.sleep(_PAUSE)

    def _load(self) -> None:
        """Have the collections searched again that a restart of the server let go of."""
        for name in self._client.list_collections(timeout=READING):
            if name.startswith(f"{self.address.collection}_"):
                self._client.load_collection(name, timeout=WRITING)

    def _refusal(self, error: Exception) -> StoreError:
        said = " ".join(_said(error))
        if any(mark in said for mark in _REFUSED):
            return StoreError(
                f"Milvus at {self.address.uri} refuses the token; give the right one: "
                "--token USER:PASSWORD, or the environment variable WENJU_TOKEN"
            )
        if any(mark in said for mark in _AWAY):
            return _AwayError(
                f"Milvus at {self.address.uri} does not answer; start it, or give the address "
                "where it runs: --uri http://HOST:19530"
            )
        if "UNIMPLEMENTED" in said:
            return StoreError(
                f"What answers at {self.address.uri} is no Milvus; give the address of its gRPC "
                "port, which is 19530 unless it was changed: --uri http://HOST:19530"
            )
        reason = " ".join(str(getattr(error, "message", "") or error).split())[:300]
        if self._token:
            reason = reason.replace(self._token, "…")
        return StoreError(
            f"Milvus at {self.address.uri} refuses what it was asked: {reason}; look into its "
            "log, and whether it is of version 2.6 or newer"
        )


HNSW = {"M": 16, "efConstruction": 200}
"""How the graph of vectors is built."""

MIN_EFFORT = 200
"""Nodes that a search of the graph keeps at least."""

_PAGE = 2000

_UNLOADED = ("'released'", "not loaded")
_REFUSED = ("UNAUTHENTICATED", "PERMISSION_DENIED", "auth check fail", "unauthenticated")
_AWAY = (
    "UNAVAILABLE", "DEADLINE_EXCEEDED", "Fail connecting", "Retry timeout", "Connection refused",
    "Retry run out",
)  # fmt: skip


def _said(error: BaseException | None) -> Iterator[str]:
    """Yield codes and messages of an error and of its causes."""
    seen = set()
    while error is not None and id(error) not in seen:  # pymilvus raises errors from themselves
        seen.add(id(error))
        code = getattr(error, "code", "")
        yield f"{code() if callable(code) else code} {error}"
        error = error.__cause__


def _batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield rows in parts that a message takes."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(4 * len(value) if hasattr(value, "__len__") else 8 for value in row.values())
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _pymilvus() -> Any:
    """Import pymilvus without what it prints, and without reading settings out of a file .env."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    before = os.environ.get("PYTHON_DOTENV_DISABLED")
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"
    try:
        import pymilvus
    except ImportError as error:
        raise StoreError(
            "An index in Milvus needs pymilvus, which is not installed: pip install 'wenju[milvus]'"
        ) from error
    finally:
        if before is None:
            del os.environ["PYTHON_DOTENV_DISABLED"]
        else:
            os.environ["PYTHON_DOTENV_DISABLED"] = before
    # What goes wrong is raised, too; its own lines on standard error say it a second time.
    for name in ("pymilvus", *logging.root.manager.loggerDict):
        if name.partition(".")[0] == "pymilvus":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return pymilvus
