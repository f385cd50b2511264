"""Brings the catalogue's list of files up to date, and opens no file that need not be opened.

A file is trusted, and not opened, when its size, its time of change and its inode are those that
were noted, and that time lies before the scan that noted them: a later change would have left a
later time. All others are read and hashed; only a content that is new is taken apart.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from embeddings.catalogue import Catalogue, FileRecord, ScanRecord
from embeddings.documents import LARGEST, FileEntry, read_bytes
from embeddings.engine import Engine, Taken, Unread
from embeddings.errors import UnopenedFileError, UnreadableFileError
from embeddings.progress import Meter, OnProgress
from embeddings.records import FileStamp, document_id
from embeddings.segment import Segmenter

MARGIN = 2_000_000_000
"""Nanoseconds that a time of change must lie before a scan: file systems round up to 2 s."""

_SECOND = 1_000_000_000


@dataclass(slots=True)
class Tally:
    """What a scan went through.

    Attributes:
        opened: files that were opened, but those that count as kept.
        kept: files that a build which was cut off had opened, and that are as they were.
    """

    opened: int = 0
    kept: int = 0


class Scan:
    """One pass over the files of a folder. Each file is a commit.

    Args:
        catalogue: keeps the documents, and what became of each file.
        segmenter: how documents are taken apart.
        build: number of this build; one that goes on with another has the same.
        engine: takes the documents apart.
        check_content: open and hash every file.
        largest: bytes of the largest file that is read.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        segmenter: Segmenter,
        build: int,
        engine: Engine,
        *,
        check_content: bool,
        largest: int = LARGEST,
    ) -> None:
        self.tally = Tally()
        self._catalogue, self._segmenter, self._build = catalogue, segmenter, build
        self._engine, self._check_content, self._largest = engine, check_content, largest
        self._began = time.time_ns()
        self._listed: frozenset[str] = frozenset()
        self._waiting: deque[FileEntry] = deque()
        self._on_their_way: dict[str, list[FileEntry]] = {}
        self._found: dict[str, FileRecord] = {}
        self._meter: Meter

    def run(self, entries: Sequence[FileEntry], tell: OnProgress) -> list[FileRecord]:
        """Look into the files, forget all others, and return what became of each."""
        self._meter = Meter("read", len(entries), tell)
        self._listed = frozenset(entry.source for entry in entries)
        self._waiting.extend(entries)
        while self._waiting:
            for taken in self._engine.read(self._unread(), self._segmenter):
                self._keep(taken)
        self._catalogue.forget_scans_but(self._listed)
        return [self._found[entry.source] for entry in entries]

    def _unread(self) -> Iterator[Unread]:
        """Look into the waiting files; yield what must be taken apart before it is known."""
        while self._waiting:
            entry = self._waiting.popleft()
            unread = self._look(entry)
            if unread is None:
                continue
            if unread.id in self._on_their_way:
                # Its outcome will tell what becomes of this file, too.
                self._on_their_way[unread.id].append(entry)
            else:
                self._on_their_way[unread.id] = []
                yield unread

    def _keep(self, taken: Taken) -> None:
        """Keep what became of a document, and look again into the files that waited for it."""
        unread = taken.unread
        if taken.document is not None:
            version = self._segmenter.rules.version
            self._catalogue.add(taken.document, taken.title, taken.passages, version)
        self._waiting.extendleft(reversed(self._on_their_way.pop(unread.id)))
        if unread.kept is not None:
            self._waiting.appendleft(unread.entry)
        elif taken.reason is None:
            self._settle(self._record(unread.entry, document=unread.id))
        else:
            self._settle(self._record(unread.entry, reason=taken.reason, again=taken.again))

    def _look(self, entry: FileEntry) -> Unread | None:
        """Settle what becomes of a file, or return what must be taken apart first."""
        known = self._catalogue.scan_of(entry.source)
        unopened = self._trusted(entry, known) or self._moved(entry)
        found = unopened or self._opened(entry)
        if isinstance(found, Unread):
            return found
        if found.document is not None and not self._by_these_rules(found.document):
            return Unread(entry, found.document, kept=self._catalogue.document(found.document))
        self._settle(found, opened=unopened is None)
        return None

    def _opened(self, entry: FileEntry) -> ScanRecord | Unread:
        try:
            data = read_bytes(entry, self._largest)
        except UnreadableFileError as error:
            again = isinstance(error, UnopenedFileError)
            return self._record(entry, reason=str(error), again=again)
        document = document_id(data)
        if not self._may_reuse(document, entry) or not self._is_kept(document):
            return Unread(entry, document, data)
        return self._record(entry, document=document)

    def _record(
        self,
        entry: FileEntry,
        *,
        document: str | None = None,
        reason: str | None = None,
        again: bool = False,
    ) -> ScanRecord:
        """Return what became of a file that was opened; with `again` the next build tries anew."""
        stamp, scanned = (None, 0) if again else (entry.stamp, self._began)
        return ScanRecord(entry.source, document, reason, stamp, scanned, self._build)

    def _settle(self, found: ScanRecord, *, opened: bool = True) -> None:
        """Count a file, and keep what became of it."""
        known = self._catalogue.scan_of(found.source)
        if known and known.build == self._build and known.document == found.document:
            self.tally.kept += 1
        elif opened:
            self.tally.opened += 1
        if found != known:
            self._catalogue.put_scan(found)
        self._found[found.source] = found.file
        self._meter.advance()

    def _trusted(self, entry: FileEntry, known: ScanRecord | None) -> ScanRecord | None:
        """Return what is known of a file that has not changed since."""
        if known is None or self._check_content or not _is_the_same(entry.stamp, known):
            return None
        return known if known.document is None or self._is_kept(known.document) else None

    def _moved(self, entry: FileEntry) -> ScanRecord | None:
        """Return what is known of the file under the name that it had before.

        A time of whole seconds is that of an archive or of a coarse file system: other files may
        have it too, and the inode may have been given to one of them.
        """
        if self._check_content or entry.stamp is None or entry.stamp.mtime % _SECOND == 0:
            return None
        for old in self._catalogue.scans_of_inode(entry.stamp.inode):
            same = _is_the_same(entry.stamp, old) and _ending(old.source) == _ending(entry.source)
            if same and old.document is not None and self._is_kept(old.document):
                return old._replace(source=entry.source, build=self._build)
        return None

    def _may_reuse(self, document: str, entry: FileEntry) -> bool:
        """Tell whether a document would be read in the same way; the ending says how."""
        sources = self._catalogue.sources_of(document)
        return any(
            _ending(source) == _ending(entry.source) or source in self._listed for source in sources
        )

    def _is_kept(self, document: str) -> bool:
        """Tell whether a document is here, be it taken apart by older rules."""
        return self._by_these_rules(document) or self._catalogue.document(document) is not None

    def _by_these_rules(self, document: str) -> bool:
        return self._catalogue.has_document(document, self._segmenter.rules.version)


def _is_the_same(stamp: FileStamp | None, known: ScanRecord) -> bool:
    """Tell whether a file with this stamp cannot have changed since it was looked into."""
    return stamp is not None and stamp == known.stamp and stamp.mtime + MARGIN < known.scanned


def _ending(source: str) -> str:
    return PurePosixPath(source).suffix.lower()
