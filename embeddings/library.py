"""The documents of an index as a person sees them: what is in it, what is not and why.

Takes uploads, removes and excludes files. Never builds: what is changed here counts from the next
build on.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from io import BufferedRandom
from pathlib import Path
from typing import TYPE_CHECKING

from embeddings import exclusions
from embeddings.catalogue import Catalogue, FileRecord
from embeddings.damage import MANIFEST
from embeddings.documents import FileEntry
from embeddings.errors import IndexFolderError, SourceError
from embeddings.locking import Hold
from embeddings.manifest import Manifest, parse_manifest
from embeddings.records import Document, FileStamp
from embeddings.roots import Roots, list_roots
from embeddings.searchable import Searchable
from embeddings.store import IndexFolder, open_texts
from embeddings.texts import DocumentHead, Texts
from embeddings.uploads import FOLDER, PREFIX, Added, Limits, Uploads, id_of

if TYPE_CHECKING:
    from embeddings.store_milvus import MilvusStore


class Status(StrEnum):
    """What a file is to the index. All but the first and the skipped ones await the next build."""

    INDEXED = "indexed"
    SKIPPED = "skipped"
    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"
    EXCLUDED = "excluded"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Listed:
    """One file.

    Attributes:
        source: its name in the index.
        status: SKIPPED could not be read; NEW, CHANGED and GONE are so since the last build;
            EXCLUDED is left out on purpose; REMOVED is an upload that was taken away.
        uploaded: whether it is an upload, which a removal deletes.
        asked: whether questions are answered from it now.
        reason: why it was skipped, or None.
        document: id of its document, or None when nothing of it is in the index.
        title, date: of its document; the date ISO 8601 or None.
        articles, passages: how many its document has; articles are counted by their titles.
        size: bytes of the file, or None where there is none.
    """

    source: str
    status: Status
    uploaded: bool
    asked: bool
    reason: str | None = None
    document: str | None = None
    title: str = ""
    date: str | None = None
    articles: int = 0
    passages: int = 0
    size: int | None = None

    @property
    def waits(self) -> bool:
        """Whether the next build changes what is answered from this file."""
        if self.status in (Status.EXCLUDED, Status.REMOVED):
            return self.asked
        return self.status not in (Status.INDEXED, Status.SKIPPED)


@dataclass(frozen=True, slots=True)
class Listing:
    """All files of an index, by source.

    `root` is the folder of documents, or None where nothing was built yet; `problem` says what of
    the list could not be read, or is None.
    """

    files: tuple[Listed, ...]
    root: Path | None
    problem: str | None = None

    @property
    def waiting(self) -> int:
        """How many files the next build takes in, out or anew."""
        return sum(file.waits for file in self.files)


@dataclass(slots=True)
class _Indexed:
    """What the published generation and the last scan know."""

    documents: dict[str, str] = field(default_factory=dict)
    heads: dict[str, DocumentHead] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    records: dict[str, FileRecord] = field(default_factory=dict)
    stamps: dict[str, FileStamp | None] = field(default_factory=dict)


class Library:
    """The documents of one index; safe to use from several threads and processes.

    Args:
        index: the index folder.
        limits: what may be uploaded; None for those of the default settings.
        store: what keeps the generations; None for the index folder.
    """

    def __init__(
        self, index: Path, limits: Limits | None = None, store: MilvusStore | None = None
    ) -> None:
        self._folder = IndexFolder(index)
        self.store = store
        self._root: Path | None = None
        self.index = index
        self.uploads = Uploads(index, limits)

    @property
    def root(self) -> Path | None:
        """The folder of documents; remembered when the index vanishes. None when never built."""
        with suppress(IndexFolderError):
            self._root = Path(self._manifest().root)
        return self._root

    def _manifest(self) -> Manifest:
        if self.store is not None:
            return self.store.open_current().generation.manifest
        return parse_manifest(self._folder.current())

    def listing(self) -> Listing:
        """Return all files. What cannot be read is left out and told of as its `problem`."""
        problems: list[str] = []
        indexed = _Indexed()
        for read in (self._read_generation, self._read_catalogue):
            try:
                read(indexed)
            except IndexFolderError as error:
                problems.append(str(error))
        root = self.root
        roots = None
        try:
            roots = list_roots(root, self.index) if root else None
        except (SourceError, IndexFolderError) as error:
            problems.append(str(error))
        files = _listed(indexed, roots or self._without_root())
        if roots is None:
            files = [_as_it_was(file) for file in files]
        return Listing(tuple(files), root, problems[0] if problems else None)

    def _without_root(self) -> Roots:
        entries = tuple(self.uploads.entries())
        removed = tuple(self.uploads.removed())
        return Roots(entries, (), frozenset(e.source for e in entries), frozenset(), removed)

    def _read_generation(self, indexed: _Indexed) -> None:
        if self.store is not None:
            with closing(self.store.open_current().generation) as generation:
                _read_texts(indexed, generation)
            return
        folder = self._folder.current()
        hold = Hold(folder / MANIFEST)
        try:
            with closing(open_texts(folder)) as texts:
                _read_texts(indexed, texts)
        finally:
            hold.release()

    def _read_catalogue(self, indexed: _Indexed) -> None:
        with Catalogue.peek(self._folder.catalogue) as catalogue:
            indexed.records = {file.source: file for file in catalogue.published_files()}
            indexed.stamps = {scan.source: scan.stamp for scan in catalogue.scans()}

    def document(self, document: str) -> Document:
        """Return a document as it was read, for looking into it.

        Raises:
            SourceError: when the index does not hold it any more.
            IndexFolderError: when the catalogue cannot be read.
        """
        with Catalogue.peek(self._folder.catalogue) as catalogue:
            found = catalogue.document(document)
        if found is None:
            raise SourceError(
                "The index does not hold this document any more; look at the list of documents anew"
            )
        return found

    def receiving(self) -> AbstractContextManager[BufferedRandom]:
        """See `Uploads.receiving`."""
        return self.uploads.receiving()

    def add(self, name: str, file: BufferedRandom) -> Added:
        """Keep an upload that was written to a file of `receiving`, unless its bytes are here.

        Raises:
            SourceError, IndexWriteError: as `Uploads.keep`.
        """
        root = self.root
        same = next(iter(self._holding(id_of(file), root)), None)
        if same is not None:
            return Added(same, file.seek(0, 2), new=False)
        return self.uploads.keep(name, file, self._taken(root))

    def _holding(self, document: str, root: Path | None) -> list[str]:
        """Return the files of the folder of documents that have this content and stay in."""
        try:
            with Catalogue.peek(self._folder.catalogue) as catalogue:
                found = catalogue.sources_of(document)
        except IndexFolderError:
            return []
        left_out = exclusions.excluded(self.index)
        return [s for s in found if s not in left_out and root and (root / s).is_file()]

    def _taken(self, root: Path | None) -> set[str]:
        """Return sources that an upload must not have: those of the root, and excluded ones."""
        own = root / FOLDER if root else None
        names = [path.name for path in own.iterdir()] if own and own.is_dir() else []
        normal = (unicodedata.normalize("NFC", name) for name in names)
        return {f"{PREFIX}{name}" for name in normal} | exclusions.excluded(self.index)

    def remove(self, source: str) -> None:
        """Take a file out of the index: an upload is deleted, any other is excluded.

        Raises:
            SourceError: when there is no such file.
            IndexFolderError: when the index folder cannot be written.
        """
        if self.uploads.holds(source):
            self.uploads.remove(source)
        else:
            self.exclude([source])

    def exclude(self, sources: Iterable[str]) -> None:
        """Leave files out of the index, and leave them where they are.

        Raises:
            SourceError: when there is no such file.
            IndexFolderError: when the index folder cannot be written.
        """
        wanted = [unicodedata.normalize("NFC", source) for source in sources]
        known = {file.source for file in self.listing().files}
        for source in wanted:
            if source not in known:
                raise SourceError(
                    f"There is no file {source!r} in the index or its folders; see their names: "
                    "wenju documents"
                )
        exclusions.exclude(self.index, wanted)

    def restore(self, sources: Iterable[str]) -> None:
        """Have excluded files, and uploads that were removed since the last build, in again.

        Raises:
            SourceError: when one was neither excluded nor removed, or is gone for good.
            IndexFolderError: when the index folder cannot be written.
        """
        for source in (unicodedata.normalize("NFC", source) for source in sources):
            if source in exclusions.excluded(self.index):
                exclusions.include(self.index, [source])
            elif source.startswith(PREFIX):
                self.uploads.restore(source)
            else:
                raise SourceError(
                    f"The file {source!r} is not excluded; see which are: wenju documents"
                )


def _read_texts(indexed: _Indexed, texts: Texts | Searchable) -> None:
    found = texts.select().sources
    indexed.documents = {
        source: document for document, sources in found.items() for source in sources
    }
    indexed.heads = texts.heads(found)
    indexed.sizes = texts.sizes()


def _listed(indexed: _Indexed, roots: Roots) -> list[Listed]:
    there = {entry.source: entry for entry in roots.entries}
    out = dict.fromkeys(roots.excluded, Status.EXCLUDED)
    out |= dict.fromkeys(set(roots.left_out) & set(indexed.documents), Status.EXCLUDED)
    out |= {source: Status.REMOVED for source in roots.removed if source not in there}
    names = sorted({*there, *out, *indexed.documents})
    return [_one(name, indexed, there.get(name), out.get(name), roots) for name in names]


def _one(
    source: str, indexed: _Indexed, entry: FileEntry | None, out: Status | None, roots: Roots
) -> Listed:
    document = indexed.documents.get(source)
    head = indexed.heads.get(document) if document else None
    articles, passages = indexed.sizes.get(document or "", (0, 0))
    record = indexed.records.get(source)
    status = out or _status(source, indexed, entry)
    reason = (entry.problem if entry else None) or (record.reason if record else None)
    return Listed(
        source=source,
        status=status,
        uploaded=source in roots.uploaded or source in roots.removed,
        asked=document is not None,
        reason=reason if status is Status.SKIPPED else None,
        document=document,
        title=head.title if head else "",
        date=head.date if head else None,
        articles=articles,
        passages=passages,
        size=entry.stamp.size if entry and entry.stamp else None,
    )


def _status(source: str, indexed: _Indexed, entry: FileEntry | None) -> Status:
    if entry is None:
        return Status.GONE
    if entry.problem:
        return Status.SKIPPED
    same = _is_as_scanned(entry, indexed.stamps.get(source))
    if source in indexed.documents:
        return Status.INDEXED if same else Status.CHANGED
    record = indexed.records.get(source)
    return Status.SKIPPED if same and record and record.reason else Status.NEW


def _is_as_scanned(entry: FileEntry, scanned: FileStamp | None) -> bool:
    if scanned is None or entry.stamp is None:
        return True  # it could not be looked at: the next build tries again by itself
    return (entry.stamp.size, entry.stamp.mtime) == (scanned.size, scanned.mtime)


def _as_it_was(file: Listed) -> Listed:
    """Return a file of a folder that cannot be listed now: it is not gone for that."""
    return replace(file, status=Status.INDEXED) if file.status is Status.GONE else file
