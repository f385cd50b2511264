"""Where an index is kept: in its folder, or by Milvus. The settings say, else the folder remembers.

`store.json` in the index folder remembers the server and its collections; never the token.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from embeddings.errors import IndexDamagedError, IndexWriteError, SettingError
from embeddings.opening import Opened, open_current, open_instead, open_published
from embeddings.searchable import Searchable
from embeddings.settings import Settings
from embeddings.store import IndexFolder, Stamp, open_texts
from embeddings.texts import DocumentRow

if TYPE_CHECKING:
    from embeddings.milvus_address import Address
    from embeddings.store_milvus import MilvusStore

FILE = "store.json"

LOCAL, MILVUS = "local", "milvus"


class Store(Protocol):
    """What a reader needs of the place where an index is kept."""

    def stamp(self) -> Stamp:
        """Return what changes when another generation is published."""

    def open_published(self) -> Opened:
        """Open the published generation, or where that is damaged the last good one before it."""

    def open_current(self) -> Opened:
        """Open the published generation, and no other."""

    def open_instead(self, error: IndexDamagedError, stamp: Stamp, broken: Searchable) -> Opened:
        """Open the best generation but the published one and `broken`."""

    def earlier(self, number: int, document: str) -> DocumentRow | None:
        """Return a document as the generation before `number` held it; None where not kept."""


class FolderStore:
    """An index in a folder.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.index = IndexFolder(path)

    def stamp(self) -> Stamp:
        """Return what changes when another generation is published."""
        return self.index.stamp()

    def open_published(self) -> Opened:
        """Open the published generation, or where that is damaged the last good one before it."""
        return open_published(self.index)

    def open_current(self) -> Opened:
        """Open the published generation, and no other."""
        return open_current(self.index)

    def open_instead(self, error: IndexDamagedError, stamp: Stamp, broken: Searchable) -> Opened:
        """Open the best generation but the published one and `broken`."""
        return open_instead(self.index, error, stamp, broken.folder)

    def earlier(self, number: int, document: str) -> DocumentRow | None:
        """Return a document as the generation before `number` held it; None where not kept."""
        before = self.index.before(number)
        if before is None:
            return None
        with closing(open_texts(self.index.folder(before))) as texts:
            return texts.documents([document]).get(document)


def address_of(index: Path, chosen: Settings) -> Address | None:
    """Return where Milvus keeps an index, or None when its folder keeps it.

    Args:
        index: the index folder.
        chosen: the settings `store`, `uri` and `collection` go before what the folder remembers.

    Raises:
        SettingError: when they name no such place, or one without an address.
        IndexDamagedError: when what the folder remembers cannot be read.
    """
    if chosen.store not in ("", LOCAL, MILVUS):
        raise SettingError(
            f"The store {chosen.store!r} is unknown; give --store local or --store milvus"
        )
    if chosen.store == LOCAL and chosen.uri:
        raise SettingError(
            f"--uri {chosen.uri!r} is an address of Milvus; leave it out, or give --store milvus"
        )
    remembered = None if chosen.store == LOCAL else _remembered(index)
    if remembered is None and chosen.store != MILVUS and not chosen.uri:
        return None
    from embeddings.milvus_address import Address

    known = remembered or {}
    uri = chosen.uri or known.get("uri", "")
    if not uri:
        raise SettingError(
            "--store milvus needs the address of the server: --uri http://localhost:19530"
        )
    return Address(uri, chosen.collection or known.get("collection", "wenju"))


def _remembered(index: Path) -> dict[str, str] | None:
    path = index / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: str(found[name]) for name in ("uri", "collection")}
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexDamagedError(
            f"The file {str(path)!r}, which says where the index is kept, cannot be read; delete "
            "it and give --store milvus and --uri again"
        ) from error


def remember(index: Path, address: Address | None) -> None:
    """Write down where an index is kept; None for its folder.

    Raises:
        IndexWriteError: when the folder cannot be written.
    """
    path = index / FILE
    try:
        if address is None:
            path.unlink(missing_ok=True)
            return
        wanted = {"store": MILVUS, "uri": address.uri, "collection": address.collection}
        with suppress(OSError, ValueError):
            if json.loads(path.read_text(encoding="utf-8")) == wanted:
                return
        partial = path.with_suffix(".new")
        partial.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise IndexWriteError(
            f"The file {str(path)!r} cannot be written ({error.strerror}); allow writing there"
        ) from error


def milvus_of(index: Path, chosen: Settings) -> MilvusStore | None:
    """Return the store in Milvus that keeps an index, or None when its folder does.

    Raises:
        SettingError, IndexDamagedError: as `address_of`.
    """
    address = address_of(index, chosen)
    if address is None:
        return None
    from embeddings.store_milvus import MilvusStore

    return MilvusStore(index, address, chosen.token)


def store_of(index: Path, chosen: Settings) -> Store:
    """Return what keeps an index.

    Raises:
        SettingError, IndexDamagedError: as `address_of`.
    """
    return milvus_of(index, chosen) or FolderStore(index)


@contextmanager
def opened(index: Path, chosen: Settings) -> Iterator[Searchable]:
    """Open what is published of an index for a while.

    Raises:
        IndexFolderError: when it cannot be opened.
        SettingError: as `address_of`.
    """
    with closing(store_of(index, chosen).open_published().generation) as generation:
        yield generation
