"""Files that were given to an index and lie in its own folder, `uploads/`: a root of their own.

Nothing here reads a document or builds; `embeddings.build` takes `Uploads.entries` in.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
import time
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import BufferedRandom
from pathlib import Path, PurePosixPath

from embeddings.checksums import sync
from embeddings.documents import FileEntry, list_files
from embeddings.errors import SourceError, UnreadableFileError
from embeddings.exclusions import LIST, changing
from embeddings.locking import unwritable
from embeddings.readers import apart, read
from embeddings.readers.signatures import CONTAINERS, PICTURES, check_content, check_ending
from embeddings.records import document_id
from embeddings.settings import MEGABYTE, Settings

FOLDER = "uploads"
PREFIX = f"{FOLDER}/"
"""Sources of uploaded files begin so."""

LONGEST_NAME = 180
"""Bytes of a file name in UTF-8 at most, its ending included; file systems allow 255."""

_REMOVED = ".removed"
_PART = ".part"
_STALE_SECONDS = 86_400
_HEAD = 4096
_SOON_READ = 4 * MEGABYTE
"""Texts of at most so many bytes are read when they are given; that takes a moment."""

_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]"
)
_FORBIDDEN = re.compile(r'[<>:"|?*]') if os.name == "nt" else re.compile(r"(?!)")
_BEGINNING = re.compile(r"^(?:[.\s]|~\$)+")
_DEVICE = re.compile(r"^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be uploaded.

    Attributes:
        largest: bytes of one file.
        files: how many there may be, with those that are there.
        total: bytes of all together.
    """

    largest: int
    files: int
    total: int

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Return the limits that the settings give."""
        largest = settings.largest_file * MEGABYTE
        return cls(largest, settings.most_uploads, settings.uploads_size * MEGABYTE)


@dataclass(frozen=True, slots=True)
class Added:
    """What became of an upload.

    Attributes:
        source: the file's name in the index; that of the equal one where nothing was added.
        size: its bytes.
        new: False when a file with the same bytes was there already.
    """

    source: str
    size: int
    new: bool


def safe_name(given: str) -> str:
    """Return a file name under which `given` can be kept: NFC, one part, nothing invisible.

    Raises:
        UnreadableFileError: when nothing of a name is left, or its format is not read.
    """
    last = unicodedata.normalize("NFC", given).replace("\\", "/").rstrip("/").rpartition("/")[2]
    seen = _INVISIBLE.sub("", last.encode("utf-8", "ignore").decode())
    plain = _BEGINNING.sub("", " ".join(_FORBIDDEN.sub("_", seen).split())).rstrip(". ")
    ending = PurePosixPath(plain).suffix
    if len(ending.encode()) > LONGEST_NAME // 2:
        ending = ""
    check_ending(ending.lower())
    room = LONGEST_NAME - len(ending.encode())
    stem = plain.removesuffix(ending).encode()[:room].decode("utf-8", "ignore").rstrip()
    stem = _DEVICE.sub(lambda found: f"_{found[0]}", stem) or "_"
    return unicodedata.normalize("NFC", f"{stem}{ending}")


class Uploads:
    """The uploaded files of one index; safe to use from several threads and processes.

    Args:
        index: the index folder.
        limits: what may be uploaded; None for those of the default settings.
    """

    def __init__(self, index: Path, limits: Limits | None = None) -> None:
        self.index = index
        self.folder = index / FOLDER
        self.limits = limits or Limits.of(Settings())
        self._looking = threading.Lock()

    def entries(self) -> list[FileEntry]:
        """Return the files by name, their sources below ``uploads/``; empty when there are none.

        Raises:
            SourceError: when the folder cannot be listed.
        """
        if not self.folder.is_dir():
            return []
        found = list_files(self.folder)
        return [replace(entry, source=f"{PREFIX}{entry.source}") for entry in found]

    def holds(self, source: str) -> bool:
        """Tell whether `source` is an uploaded file."""
        return self._path(source) is not None

    def _path(self, source: str) -> Path | None:
        """Return where an uploaded file is; the folder is listed, so no name leads out of it."""
        found = (entry.path for entry in self.entries() if entry.source == source)
        return next(found, None)

    @contextmanager
    def receiving(self) -> Iterator[BufferedRandom]:
        """Yield a file to write an upload to, for `keep`; it is gone afterwards if it is not kept.

        Raises:
            IndexWriteError: when the folder cannot be written.
        """
        try:
            if not self.folder.is_dir():
                self.folder.mkdir(parents=True, exist_ok=True)
                sync(self.index)
            handle, name = tempfile.mkstemp(prefix=".", suffix=_PART, dir=self.folder)
            try:
                os.close(handle)
                with open(name, "w+b") as file:  # noqa: PTH123 - it must tell its name
                    yield file
            finally:
                Path(name).unlink(missing_ok=True)
        except ConnectionError:
            raise  # of the sender, not of the disk
        except OSError as error:
            raise unwritable(self.index, error) from error

    def check_room(self, size: int) -> None:
        """Refuse a file of `size` bytes before it is sent.

        Raises:
            SourceError: when it is too large, or there are too many files or bytes already.
        """
        if size > self.limits.largest:
            raise SourceError(
                f"The file has more than {_shown(self.limits.largest)}; at most so many are "
                "read. Split it, or allow more megabytes: WENJU_LARGEST_FILE="
                f"{-(-size // MEGABYTE)}"
            )
        sizes = [entry.stamp.size for entry in self.entries() if entry.stamp]
        if len(sizes) >= self.limits.files:
            raise SourceError(
                f"There are {len(sizes):,} uploaded files; at most {self.limits.files:,} are "
                "kept. Remove some, or give a folder instead: wenju build FOLDER"
            )
        if sum(sizes) + size > self.limits.total:
            raise SourceError(
                f"The file has {_shown(size)} and the uploaded ones have {_shown(sum(sizes))}; at "
                f"most {_shown(self.limits.total)} are kept together. Remove some, or give a "
                "folder instead: wenju build FOLDER"
            )

    def keep(self, name: str, file: BufferedRandom, taken: Iterable[str] = ()) -> Added:
        """Keep what was written to a file of `receiving` under a safe form of `name`.

        Args:
            name: as the browser gave it.
            file: all its bytes; nothing is added when an upload has the same ones.
            taken: sources that the new one must not have.

        Raises:
            UnreadableFileError: when the format is not read, the content is another one, or it is
                encrypted or damaged in a way that is seen without reading all of it.
            SourceError: when there is no room for it.
            IndexWriteError: when the folder cannot be written.
        """
        safe = safe_name(name)
        size = file.seek(0, os.SEEK_END)
        self._check_head(safe, file)
        with self._looking:  # the file is wholly in memory
            _check_whole(safe, file, size)
        with changing(self.index):
            if (same := self._same(file, size)) is not None:
                return Added(same, size, new=False)
            self.check_room(size)
            source = self._free(safe, set(taken))
            file.flush()
            os.fsync(file.fileno())
            file.close()  # Windows renames no open file
            Path(file.name).rename(self.index / source)
            sync(self.folder)
            self._forget_stale()
        return Added(source, size, new=True)

    def _check_head(self, name: str, file: BufferedRandom) -> None:
        """Refuse a content that is plainly not what the name says, and an empty file."""
        file.seek(0)
        head = file.read(_HEAD)
        if not head.strip() and len(head) < _HEAD:
            raise UnreadableFileError("empty; nothing to index")
        check_content(PurePosixPath(name).suffix.lower(), head)

    def _same(self, file: BufferedRandom, size: int) -> str | None:
        """Return the source of an upload with the same bytes."""
        alike = [entry for entry in self.entries() if entry.stamp and entry.stamp.size == size]
        if not alike:
            return None
        file.seek(0)
        wanted = hashlib.file_digest(file, "sha256").digest()
        return next((entry.source for entry in alike if _digest(entry.path) == wanted), None)

    def _free(self, name: str, taken: set[str]) -> str:
        """Return a source that nothing has yet: ``a.txt``, ``a (2).txt``, ``a (3).txt``."""
        taken = taken | {entry.source for entry in self.entries()}
        taken = {source.casefold() for source in taken}  # some file systems know no case
        path = PurePosixPath(name)
        number, source = 1, f"{PREFIX}{name}"
        while source.casefold() in taken:
            number += 1
            source = f"{PREFIX}{path.stem} ({number}){path.suffix}"
        return source

    def remove(self, source: str) -> None:
        """Take an upload away; until the next build `restore` brings it back.

        Raises:
            SourceError: when there is no such upload.
            IndexWriteError: when the folder cannot be written.
        """
        with changing(self.index):
            path = self._path(source)
            if path is None:
                raise SourceError(
                    f"There is no uploaded file {source!r}; it may have been removed already"
                )
            target = self.folder / _REMOVED / path.relative_to(self.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
            _sync_both(target, path)

    def restore(self, source: str) -> None:
        """Bring an upload back that no build has left out yet.

        Raises:
            SourceError: when it is not there any more, or another one has its name now.
            IndexWriteError: when the folder cannot be written.
        """
        with changing(self.index):
            found = {f"{PREFIX}{name}": path for name, path in self._removed()}
            if source not in found:
                raise SourceError(
                    f"The uploaded file {source!r} is gone for good; upload it once more"
                )
            if self._path(source) is not None:
                raise SourceError(f"Another file was uploaded as {source!r}; remove that one first")
            found[source].rename(self.index / source)
            _sync_both(self.index / source, found[source])

    def removed(self) -> list[str]:
        """Return the sources that `restore` can bring back, by name."""
        return sorted(f"{PREFIX}{name}" for name, _ in self._removed())

    def _removed(self) -> list[tuple[str, Path]]:
        trash = self.folder / _REMOVED
        return [
            (unicodedata.normalize("NFC", path.relative_to(trash).as_posix()), path)
            for path in sorted(trash.rglob("*"))
            if path.is_file()
        ]

    def forget(self, removed: Iterable[str]) -> None:
        """Delete removed files for good: a build has left them out."""
        gone = set(removed)
        with changing(self.index):
            for name, path in self._removed():
                if f"{PREFIX}{name}" in gone:
                    path.unlink(missing_ok=True)
                    sync(path.parent)

    def _forget_stale(self) -> None:
        """Delete what uploads left that were cut off long ago."""
        for path in self.folder.glob(f".*{_PART}"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                    path.unlink()


def _sync_both(moved: Path, before: Path) -> None:
    """Make a move survive a power cut: first where the file is now, for it must not be nowhere."""
    sync(moved.parent.parent)  # a folder that may be new
    sync(moved.parent)
    sync(before.parent)


def _check_whole(name: str, file: BufferedRandom, size: int) -> None:
    """Refuse what a build would, as far as it shows at once; the rest is told after the build."""
    ending = PurePosixPath(name).suffix.lower()
    file.seek(0)
    if ending in CONTAINERS:
        apart.check(ending, file.read())
    elif ending not in PICTURES and size <= _SOON_READ:
        read(name, file.read())


def _shown(size: int) -> str:
    return f"{size:,} bytes" if size < MEGABYTE else f"{size / MEGABYTE:,.1f} MB"


def given_to(index: Path) -> tuple[int, int]:
    """Return what changes when a file is uploaded, removed or excluded; costs two looks."""
    return _changed(index / FOLDER), _changed(index / LIST)


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b""


def id_of(file: BufferedRandom) -> str:
    """Return the id of the document that a file holds, as `records.document_id` makes it."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()[: len(document_id(b""))]
