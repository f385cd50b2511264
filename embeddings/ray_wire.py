"""What travels between a build and its workers on Ray: tables of bytes, and what stands in them.

A parcel is what one worker does at a time, and what is done again when it is lost.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from embeddings.catalogue import passage_from_json, passage_to_json
from embeddings.documents import FileEntry
from embeddings.engine import Batch, Taken, Unread
from embeddings.records import Document, Mark, Role

if TYPE_CHECKING:
    import pyarrow as pa


class Item(NamedTuple):
    """One text or document on its way to a worker."""

    head: bytes
    body: bytes


class Delivered(NamedTuple):
    """A parcel that came back.

    Attributes:
        number: that of the parcel.
        bodies: a result for each of its items, in their order.
        made_by: what the worker makes its results with; see `embeddings.ray_worker`.
        worker: its node and process, as ``{node}:{pid}``.
        problem: why the worker could not do it, in a sentence for the user; else empty.
    """

    number: int
    bodies: list[bytes]
    made_by: str
    worker: str
    problem: str = ""


def to_tasks(number: int, parcel: Sequence[Item]) -> pa.Table:
    """Return the table of a parcel; `from_tasks` is the way back."""
    import pyarrow as pa

    heads, bodies = zip(*parcel, strict=True)
    columns = {
        "number": pa.array([number] * len(parcel), pa.int64()),
        "head": pa.array(heads, pa.binary()),
        "body": pa.array(bodies, pa.large_binary()),
    }
    return pa.table(columns)


def from_tasks(table: pa.Table) -> tuple[int, list[Item]]:
    """Return number and items of a parcel."""
    rows = table.to_pydict()
    return rows["number"][0], [Item(*row) for row in zip(rows["head"], rows["body"], strict=True)]


def to_results(found: Delivered) -> pa.Table:
    """Return the table of a parcel that was worked on; `from_results` is the way back."""
    import pyarrow as pa

    bodies = found.bodies or [b""]
    size = len(bodies)
    columns = {
        "number": pa.array([found.number] * size, pa.int64()),
        "body": pa.array(bodies, pa.large_binary()),
        "made_by": pa.array([found.made_by] * size, pa.string()),
        "worker": pa.array([found.worker] * size, pa.string()),
        "problem": pa.array([found.problem] * size, pa.string()),
    }
    return pa.table(columns)


def from_results(table: pa.Table) -> Delivered:
    """Return a parcel that was worked on."""
    rows = table.to_pydict()
    number, made_by, worker, problem = (
        rows[name][0] for name in ("number", "made_by", "worker", "problem")
    )
    return Delivered(number, [] if problem else rows["body"], made_by, worker, problem)


def texts_to_items(batch: Batch) -> list[Item]:
    """Return the texts of a batch; their keys stay behind."""
    # A broken file may hold half of a pair of surrogates, which strict UTF-8 has no bytes for.
    return [Item(b"", text.encode("utf-8", "surrogatepass")) for _, text in batch]


def text_of(item: Item) -> str:
    """Return one of the texts."""
    return item.body.decode("utf-8", "surrogatepass")


def vector_to_body(vector: NDArray[np.float32]) -> bytes:
    """Return the bytes of a vector: float32, little-endian."""
    return vector.astype("<f4").tobytes()


def vectors_of(bodies: Sequence[bytes], dimensions: int) -> NDArray[np.float32]:
    """Return vectors, shape (len(bodies), dimensions).

    Raises:
        ValueError: when they have another number of dimensions.
    """
    rows = np.frombuffer(b"".join(bodies), "<f4").astype(np.float32)
    return rows.reshape(len(bodies), dimensions)


def unread_to_item(unread: Unread) -> Item:
    """Return what a worker needs to take a document apart."""
    kept = unread.kept and _document_to_json(unread.kept)
    head = {"source": unread.entry.source, "id": unread.id, "kept": kept}
    return Item(json.dumps(head).encode("ascii"), unread.data)


def unread_of(item: Item) -> Unread:
    """Return what is to be taken apart; its path is of no use where it is read."""
    head = json.loads(item.head)
    kept = head["kept"] and _document_from_json(head["kept"])
    entry = FileEntry(head["source"], Path(head["source"]))
    return Unread(entry, head["id"], item.body, kept)


def taken_to_body(taken: Taken) -> bytes:
    """Return what became of a document, without the document's file."""
    found = {
        "document": taken.document and _document_to_json(taken.document),
        "title": taken.title,
        "passages": [passage_to_json(passage) for passage in taken.passages],
        "reason": taken.reason,
        "again": taken.again,
    }
    return json.dumps(found).encode("ascii")


def taken_of(body: bytes, unread: Unread) -> Taken:
    """Return what became of `unread`."""
    found = json.loads(body)
    return Taken(
        unread,
        found["document"] and _document_from_json(found["document"]),
        found["title"],
        tuple(passage_from_json(passage) for passage in found["passages"]),
        found["reason"],
        found["again"],
    )


def _document_to_json(document: Document) -> dict[str, Any]:
    return asdict(document)


def _document_from_json(fields: dict[str, Any]) -> Document:
    marks = [Mark(**{**mark, "role": Role(mark["role"])}) for mark in fields["marks"]]
    pages = tuple(fields["page_starts"])
    return Document(**{**fields, "page_starts": pages, "marks": tuple(marks)})
