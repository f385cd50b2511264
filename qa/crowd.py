"""The documents of an index among the contexts of SQuAD files, as one folder and one index.

Only makes them, in the cache folder; asks nothing.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from embeddings.catalogue import Catalogue
from embeddings.documents import list_files
from embeddings.errors import IndexWriteError, SourceError
from embeddings.records import document_id
from embeddings.store import IndexFolder
from qa import squad
from qa.records import OriginalDocument

DOCUMENTS = "documents"

_LAST = "\uff5e"
"""Sorts behind the names of documents: a text in both is shown where the document has it."""


def crowd_key(documents: Iterable[OriginalDocument], contexts: Sequence[str]) -> str:
    """Return a name for these documents under their sources among these contexts."""
    held = sorted(f"{source}\0{one.id}" for one in documents for source in one.sources)
    whole = "\n".join([squad.contexts_key(contexts), *held])
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def write_crowd(
    index: Path, documents: Sequence[OriginalDocument], contexts: Sequence[str], folder: Path
) -> None:
    """Make `folder` a folder of the documents and contexts; one that is there already is kept.

    The bytes of the documents are copied, under the same names, from the folder that `index` was
    built from: read again, they give the same passages. Their text alone would not, without the
    pages of a PDF or the headings of a web page. The contexts stand in a folder of their own.

    Args:
        index: index folder.
        documents: what it holds.
        contexts: the contexts of the SQuAD files.
        folder: appears whole or not at all.

    Raises:
        SourceError: when a document is gone or was changed since the index was built.
        IndexWriteError: when the place cannot be written.
    """
    if folder.is_dir():
        return
    root = _root(index)
    paths = {entry.source: entry.path for entry in list_files(root, without=index)}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".crowd-") as unfinished:
            whole = Path(unfinished, "whole")
            for document in documents:
                for source in document.sources:
                    _write(whole / source, _bytes(document.id, source, paths.get(source), root))
            squad.write_contexts(contexts, whole / (_LAST + squad.contexts_key(contexts)))
            _publish(whole, folder)
    except OSError as error:
        raise IndexWriteError(
            f"The documents and contexts cannot be written to {folder}: {error.strerror}. "
            "Set WENJU_HOME to a folder that can be written."
        ) from error


def take_vectors(index: Path, others: Iterable[Path]) -> None:
    """Give an index that is not built yet every vector of other indexes, bit by bit.

    A vector's key names its model and its text, so the build that follows encodes only what none
    of them holds, and forgets what it does not need.

    Raises:
        IndexFolderError: when an index cannot be read, or `index` cannot be written.
    """
    folder = IndexFolder(index)
    if folder.current_number() is not None:
        return
    with folder.writing("copying vectors"), Catalogue(folder.catalogue) as taking:
        for other in others:
            with Catalogue.copy_of(IndexFolder(other).catalogue) as giving, taking.database as db:
                rows = giving.database.execute("SELECT key, vector FROM vectors")
                db.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?, 0)", rows)


def _root(index: Path) -> Path:
    with Catalogue.copy_of(IndexFolder(index).catalogue) as catalogue:
        root = catalogue.get("root")
    if root is None:
        raise SourceError(
            f"The index {str(index)!r} does not say which folder it was built from; "
            f"bring it up to date: wenju build FOLDER --index {index}"
        )
    return Path(root)


def _bytes(document: str, source: str, path: Path | None, root: Path) -> bytes:
    """Return the bytes of a document, which must still be those that were indexed."""
    try:
        data = path.read_bytes() if path else b""
    except OSError:
        data = b""
    if document_id(data) != document:
        raise SourceError(
            f"{source!r} in {str(root)!r} is gone, or is not what was indexed; bring the index up "
            f"to date: wenju build {root}"
        )
    return data


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _publish(whole: Path, folder: Path) -> None:
    try:
        whole.rename(folder)
    except OSError:
        if not folder.is_dir():  # made by another run meanwhile
            raise
