"""Brings the catalogue's list of files up to date, and opens no file that need not be opened.

A file is trusted, and not opened, when its size, its time of change and its inode are those that
were noted, and that time lies before the scan that noted them: a later change would have left a
later time. All others are read and hashed; only a content that is new is taken apart.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from embeddings.catalogue import Catalogue, FileRecord, ScanRecord
from embeddings.documents import LARGEST, FileEntry, read_bytes, read_document
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
        segmenter: takes new documents apart.
        build: number of this build; one that goes on with another has the same.
        check_content: open and hash every file.
        largest: bytes of the largest file that is read.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        segmenter: Segmenter,
        build: int,
        *,
        check_content: bool,
        largest: int = LARGEST,
    ) -> None:
        self.tally = Tally()
        self._catalogue, self._segmenter, self._build = catalogue, segmenter, build
        self._check_content, self._largest = check_content, largest
        self._began = time.time_ns()
        self._listed: frozenset[str] = frozenset()

    def run(self, entries: Sequence[FileEntry], tell: OnProgress) -> list[FileRecord]:
        """Look into the files, forget all others, and return what became of each."""
        meter = Meter("read", len(entries), tell)
        self._listed = frozenset(entry.source for entry in entries)
        files = []
        for entry in entries:
            files.append(self._look(entry))
            meter.advance()
        self._catalogue.forget_scans_but(self._listed)
        return files

    def _look(self, entry: FileEntry) -> FileRecord:
        known = self._catalogue.scan_of(entry.source)
        unopened = self._trusted(entry, known) or self._moved(entry)
        found = unopened or self._opened(entry)
        if known and known.build == self._build and known.document == found.document:
            self.tally.kept += 1
        elif unopened is None:
            self.tally.opened += 1
        if found != known:
            self._catalogue.put_scan(found)
        return found.file

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

    def _opened(self, entry: FileEntry) -> ScanRecord:
        scan = ScanRecord(entry.source, None, None, entry.stamp, self._began, self._build)
        try:
            return scan._replace(document=self._read(entry))
        except UnopenedFileError as error:
            return scan._replace(reason=str(error), stamp=None, scanned=0)
        except UnreadableFileError as error:
            return scan._replace(reason=str(error))

    def _read(self, entry: FileEntry) -> str:
        """Return the id of the document in a file; a new one is taken apart and kept."""
        data = read_bytes(entry, self._largest)
        document = document_id(data)
        if not self._may_reuse(document, entry) or not self._is_kept(document):
            read = read_document(entry, data)
            taken = self._segmenter.segment(read)
            self._catalogue.add(
                read, taken.title or read.title, taken.passages, self._segmenter.rules.version
            )
        return document

    def _may_reuse(self, document: str, entry: FileEntry) -> bool:
        """Tell whether a document would be read in the same way; the ending says how."""
        sources = self._catalogue.sources_of(document)
        return any(
            _ending(source) == _ending(entry.source) or source in self._listed for source in sources
        )

    def _is_kept(self, document: str) -> bool:
        """Tell whether a document is here; one that older rules took apart is taken apart anew."""
        version = self._segmenter.rules.version
        if self._catalogue.has_document(document, version):
            return True
        kept = self._catalogue.document(document)
        if kept is None:
            return False
        taken = self._segmenter.segment(kept)
        self._catalogue.add(kept, taken.title or kept.title, taken.passages, version)
        return True


def _is_the_same(stamp: FileStamp | None, known: ScanRecord) -> bool:
    """Tell whether a file with this stamp cannot have changed since it was looked into."""
    return stamp is not None and stamp == known.stamp and stamp.mtime + MARGIN < known.scanned


def _ending(source: str) -> str:
    return PurePosixPath(source).suffix.lower()
