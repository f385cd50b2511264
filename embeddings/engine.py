"""What takes documents apart and encodes texts in a build. Here: this process, one after the other.

An engine writes nothing: what it gives is put into the catalogue by the build as it comes, so that
a build that is cut off loses only what was on its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from embeddings.documents import FileEntry, read_document
from embeddings.encoder import Encoder
from embeddings.errors import UnopenedFileError, UnreadableFileError
from embeddings.records import Document, Passage
from embeddings.segment import Segmenter

Batch = Sequence[tuple[bytes, str]]
"""(vector key, text) of texts that are encoded and kept together; at least one."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A document that is to be taken apart: the bytes of a file, or one that is kept already.

    Attributes:
        entry: a file that holds it.
        id: id of the document.
        data: all bytes of the file; not used when there is a `kept`.
        kept: the document as it was read before, to be taken apart by other rules.
    """

    entry: FileEntry
    id: str
    data: bytes = b""
    kept: Document | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an `Unread`.

    Attributes:
        unread: that one.
        document: the document, or None when it cannot be read.
        title: title of the document, or empty.
        passages: its passages in reading order.
        reason: why it cannot be read, or None.
        again: the reason may be gone next time, though the file stays as it is.
    """

    unread: Unread
    document: Document | None = None
    title: str = ""
    passages: tuple[Passage, ...] = ()
    reason: str | None = None
    again: bool = False


class Encoded(NamedTuple):
    """The vectors of a batch, one row for each of its texts: float32, shape (texts, dimensions)."""

    batch: Batch
    vectors: NDArray[np.float32]


class Engine(Protocol):
    """Where the heavy work of a build is done.

    Each input gives one output, in any order, also when a worker that had it is lost: then
    another one does it again. Inputs are pulled while outputs are awaited; how many are on their
    way at a time is for the engine to say.
    """

    def read(self, files: Iterable[Unread], segmenter: Segmenter) -> Iterator[Taken]:
        """Yield what becomes of each of `files`, taken apart as `segmenter` does."""
        ...

    def encode(self, batches: Iterable[Batch], encoder: Encoder) -> Iterator[Encoded]:
        """Yield the vectors of each of `batches`, as `encoder` makes them."""
        ...


class LocalEngine:
    """This process: each input is done before the next one is pulled."""

    def read(self, files: Iterable[Unread], segmenter: Segmenter) -> Iterator[Taken]:
        """Yield what becomes of each of `files`, in their order."""
        for unread in files:
            yield take_apart(unread, segmenter)

    def encode(self, batches: Iterable[Batch], encoder: Encoder) -> Iterator[Encoded]:
        """Yield the vectors of each of `batches`, in their order."""
        for batch in batches:
            yield Encoded(batch, encoder.encode_passages([text for _, text in batch]))


def take_apart(unread: Unread, segmenter: Segmenter) -> Taken:
    """Read a document, if it is not kept, and return it with its passages, or why that fails."""
    try:
        document = unread.kept or read_document(unread.entry, unread.data)
    except UnreadableFileError as error:
        again = isinstance(error, UnopenedFileError)
        return Taken(unread, reason=str(error), again=again)
    found = segmenter.segment(document)
    return Taken(unread, document, found.title or document.title, found.passages)
