"""An index that Milvus keeps: opening what is published there, publishing, going back, checking.

The index folder keeps the builder's catalogue and ledger (`milvus.db`); readers need neither.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embeddings.catalogue import Catalogue
from embeddings.encoder import Encoder
from embeddings.errors import IndexDamagedError, IndexFolderError, IndexMissingError
from embeddings.lexical import UserWord
from embeddings.manifest import Manifest
from embeddings.milvus import Server
from embeddings.milvus_address import Address
from embeddings.milvus_generation import MilvusGeneration
from embeddings.milvus_ledger import Ledger
from embeddings.milvus_publish import Publisher, check_model, check_root
from embeddings.milvus_state import State, read_facts, read_state, write_state
from embeddings.milvus_tables import DATED, visible
from embeddings.opening import Opened
from embeddings.searchable import Searchable
from embeddings.store import Stamp
from embeddings.texts import DocumentRow
from embeddings.words import KnownWords

LEDGER = "milvus.db"
"""In the index folder: see `milvus_ledger`."""


@dataclass(frozen=True, slots=True)
class Remote:
    """What is found at an address.

    Attributes:
        state: which generations there are.
        manifests: those of the generations that are kept, newest first.
        problems: what is wrong with them, by number.
    """

    state: State
    manifests: tuple[Manifest, ...]
    problems: dict[int, str]


class MilvusStore:
    """An index in Milvus; safe to use from several threads. The connection is made when needed.

    Args:
        path: the index folder; need not be there to read.
        address: where the index is.
        token: of the server; empty for none.

    Raises:
        StoreError: by every method, when the server cannot be asked.
    """

    def __init__(self, path: Path, address: Address, token: str = "") -> None:
        self.path, self.address = path, address
        self._token = token
        self._server: Server | None = None

    @property
    def server(self) -> Server:
        """The connection."""
        if self._server is None:
            self._server = Server(self.address, self._token)
        return self._server

    def close(self) -> None:
        """End the connection."""
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def key(self) -> str:
        """What tells this store from others, also from one that is made anew at its address."""
        state = read_state(self.server)
        return f"milvus {self.address} {state.epoch if state else ''}"

    def stamp(self) -> Stamp:
        """Return what changes when another generation is published."""
        state = read_state(self.server)
        return None if state is None else _stamp(state)

    def open_published(self) -> Opened:
        """Open the published generation, or where that is damaged the one before it.

        Raises:
            IndexMissingError: when nothing is published.
            IndexFormatError: when it was made by another version.
            IndexDamagedError: when it is damaged and no other is whole.
        """
        stamp = self.stamp()
        try:
            return self.open_current()
        except IndexDamagedError as error:
            return self.open_instead(error, stamp)

    def open_current(self) -> Opened:
        """Open the published generation, and no other.

        Raises:
            IndexFolderError: as `open_published`.
        """
        state = self._published()
        return Opened(self._open(state.number), _stamp(state))

    def open_instead(
        self, error: IndexDamagedError, stamp: Stamp, broken: Searchable | None = None
    ) -> Opened:
        """Open the best generation but the published one and `broken`."""
        state = self._published()
        for number in sorted(state.kept, reverse=True):
            if number in (state.number, broken and broken.manifest.number):
                continue
            try:
                found = self._open(number)
            except IndexDamagedError:
                continue
            warning = (
                f"Generation {number} of {found.manifest.created} answers, "
                f"not the published one: {error}"
            )
            return Opened(found, stamp, warning)
        raise error

    def earlier(self, number: int, document: str) -> DocumentRow | None:
        """Return a document as the generation before `number` held it; None where not kept."""
        state = read_state(self.server)
        older = [one for one in (state.kept if state else ()) if one < number]
        if not older:
            return None
        return self._open(max(older)).documents([document]).get(document)

    def _open(self, number: int) -> MilvusGeneration:
        generation = MilvusGeneration(self.server, read_facts(self.server, number))
        self.server.settle()
        return generation

    def _published(self) -> State:
        state = read_state(self.server)
        if state is None or not state.number:
            raise IndexMissingError(
                f"There is no index {self.address} yet; build one first: "
                f"wenju build FOLDER --store milvus --uri {self.address.uri}"
            )
        return state

    def remote(self) -> Remote:
        """Return what is kept there, by the manifests.

        Raises:
            IndexMissingError: when nothing is published.
        """
        state = self._published()
        manifests, problems = [], {}
        for number in sorted(state.kept, reverse=True):
            try:
                manifests.append(read_facts(self.server, number).manifest)
            except IndexDamagedError as error:
                problems[number] = str(error)
        return Remote(state, tuple(manifests), problems)

    def published(self) -> Manifest | None:
        """Return the manifest of the published generation; None where none can be read."""
        try:
            return read_facts(self.server, self._published().number).manifest
        except (IndexMissingError, IndexDamagedError):
            return None

    def check(self, root: Path, encoder: Encoder, replace_root: bool) -> None:
        """Refuse what cannot be built there, before anything is read or written.

        Raises:
            ModelMismatchError: when the collections hold vectors of another model.
            IndexFolderError: when they were built from another folder.
        """
        state = read_state(self.server)
        if state is None:
            return
        check_model(self.server, state, encoder)
        if state.number:
            facts = read_facts(self.server, state.number)
            check_root(facts, self.server, str(root.resolve()), replace_root)

    def publish(
        self,
        catalogue: Catalogue,
        encoder: Encoder,
        words: KnownWords,
        segmenter: str,
        user_words: tuple[UserWord, ...],
        on_document: Callable[[], None],
        *,
        anew: bool = False,
    ) -> Manifest:
        """Write what is new, or all of it anew, and publish; see `milvus_publish.Publisher`."""
        with self._ledger() as ledger:
            publisher = Publisher(
                self.server, ledger, catalogue, encoder, words, segmenter, user_words, anew=anew
            )
            return publisher.publish(on_document=on_document)

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        try:
            with Ledger(self.path / LEDGER) as ledger:
                yield ledger
        except sqlite3.OperationalError as error:
            raise IndexFolderError(
                f"The file {LEDGER!r} in {str(self.path)!r} cannot be written ({error}); make "
                "room or allow writing, then build again"
            ) from error
        except sqlite3.DatabaseError as error:
            raise IndexDamagedError(
                f"The file {LEDGER!r} in {str(self.path)!r} is damaged; delete it and build "
                "again: what it held is read from Milvus"
            ) from error

    def go_back(self) -> Manifest:
        """Publish the generation before again, and return its manifest.

        Raises:
            IndexMissingError: when nothing is published.
            IndexDamagedError: when none before it is kept.
        """
        state = self._published()
        if state.before is None:
            raise IndexDamagedError(
                f"The index {self.address} keeps no generation before {state.number}, so there is "
                "none to go back to; bring it up to date with its documents: wenju build"
            )
        manifest = read_facts(self.server, state.before).manifest
        write_state(self.server, state.back(state.before))
        return manifest

    def compare(self) -> Iterator[str]:
        """Yield a line for each thing that is wrong with the generations that are kept.

        Every row of the published one is read.

        Raises:
            IndexMissingError: when nothing is published.
        """
        remote = self.remote()
        yield from remote.problems.values()
        for manifest in remote.manifests:
            yield from self._counted(manifest)
            if manifest.number == remote.state.number:
                yield from self._read(MilvusGeneration(self.server, read_facts(
                    self.server, manifest.number
                )))  # fmt: skip

    def _counted(self, manifest: Manifest) -> Iterator[str]:
        for table in DATED:
            found = self.server.count(table, visible(manifest.number))
            wanted = manifest.counts.get(table.name)
            if wanted is not None and found != wanted:
                yield f"generation {manifest.number}: {found} {table.name}, not {wanted}"

    def _read(self, generation: MilvusGeneration) -> Iterator[str]:
        number, rows = generation.manifest.number, generation.all_rows()
        for start in range(0, len(rows), 200):
            part = rows[start : start + 200]
            try:
                generation.contents(part)
                lost = set(part.tolist()) - generation.places(part.tolist()).keys()
            except IndexDamagedError as error:
                yield f"generation {number}: {error}"
                continue
            yield from (f"generation {number}: passage {row} stands nowhere" for row in lost)
        ids = generation.document_ids()
        try:
            held = generation.documents(ids)
        except IndexDamagedError as error:
            yield f"generation {number}: {error}"
            return
        yield from (f"generation {number}: no document {id_}" for id_ in ids if id_ not in held)


def _stamp(state: State) -> Stamp:
    return state.serial, state.number, int(state.epoch[:12], 16)
