"""The index folder: generations, which one is published, and reading one.

library.db            the builder's catalogue; library.sum is its seal while no build runs
generations/000007/   manifest.json and its seal manifest.sum, text.db, vectors.faiss,
                      sentences.npy, scripts.npy, map.npy, postings/; vectors.npy where the search
                      of passages is approximate
CURRENT               name of the published generation and a sum of it (older ones: the name
                      alone), replaced by an atomic rename
build.lock            held while a build runs; writer.json beside it says by whom
uploads/              files given to this index: a root of their own (see uploads.py)
excluded.json         sources that are left out (see exclusions.py)
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from embeddings import locking
from embeddings.checksums import short_sum, sync
from embeddings.damage import MANIFEST, build_command, reading
from embeddings.errors import (
    IndexDamagedError,
    IndexFolderError,
    IndexMissingError,
)
from embeddings.manifest import (
    FORMAT,
    Manifest,
    describe_files,
    is_whole,
    named_before,
    parse_manifest,
    read_manifest,
)
from embeddings.opened import Generation
from embeddings.texts import Texts

__all__ = [
    "FORMAT",
    "Generation",
    "IndexFolder",
    "Manifest",
    "Stamp",
    "describe_files",
    "open_texts",
    "read_manifest",
]

_PARTIAL = ".partial"
_REMOVED = ".removed"

_log = logging.getLogger(__name__)

Stamp = tuple[int, int, int] | None
"""Changes whenever CURRENT is replaced; None while there is none."""


class IndexFolder:
    """Paths of an index folder and its published generation. Making one touches no file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.catalogue = path / "library.db"
        self.generations = path / "generations"
        self.lock = path / "build.lock"
        self._current = path / "CURRENT"
        self._waiting = path / "CURRENT.new"

    def exists(self) -> bool:
        """Tell whether a build ever wrote here."""
        return self.catalogue.exists() or self._current.exists()

    def check_usable(self) -> None:
        """Refuse a place that holds something else.

        Raises:
            IndexFolderError: when it is a file, or a folder with other things in it.
        """
        if self.path.is_file():
            raise IndexFolderError(
                f"The index {str(self.path)!r} is a file; give a folder: --index"
            )
        begun = {self.lock.name, locking.NOTE, self.generations.name}  # by a build that was cut off
        begun |= {"uploads", "excluded.json", "documents.lock"}  # given before the first build
        others = self.path.is_dir() and {path.name for path in self.path.iterdir()} - begun
        if others and not self.exists():
            raise IndexFolderError(
                f"The folder {str(self.path)!r} holds other files and is not an index; "
                "give an empty or a new folder: --index FOLDER"
            )

    @contextmanager
    def writing(self, doing: str = "building", *, wait: bool = False) -> Iterator[None]:
        """Be the only writer here, and first remove what nobody needs any more.

        That is what writers left that were cut off, and old generations; see `remove_old`.

        Args:
            doing: what for; see `locking.Writer`.
            wait: wait for another writer to end.

        Raises:
            IndexLockedError: when another process writes and `wait` is False.
            IndexWriteError: when the folder cannot be written.
        """
        try:
            self.generations.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise locking.unwritable(self.path, error) from error
        with locking.writing(self.lock, doing, wait=wait):
            self._remove_unfinished()
            self.remove_old()
            yield

    def stamp(self) -> Stamp:
        """Return what changes when another generation is published; costs one look at a file."""
        try:
            found = self._current.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def current(self) -> Path:
        """Return the folder of the published generation.

        Raises:
            IndexMissingError: when nothing is published here.
            IndexDamagedError: when CURRENT is damaged, names a generation that is not there, or is
                missing beside generations.
        """
        try:
            text = self._current.read_text(encoding="utf-8", errors="replace").strip()
        except (FileNotFoundError, NotADirectoryError) as error:
            if self.numbers():
                raise self._unnamed("is missing") from error
            raise IndexMissingError(
                f"There is no index in {str(self.path)!r} yet; build one first: wenju build FOLDER"
                f" --index {self.path}"
            ) from error
        except OSError as error:
            raise self._unnamed(f"cannot be read ({error.strerror})") from error
        name, _, check = text.partition("\n")
        if check and check != short_sum(name):
            raise self._unnamed("is damaged")
        folder = self.generations / name
        if not _is_number(name) or not folder.is_dir():
            raise self._unnamed(f"names generation {name!r}, which is not there")
        return folder

    def _unnamed(self, why: str) -> IndexDamagedError:
        """Return the error for a CURRENT from which no generation is known."""
        return IndexDamagedError(
            f"CURRENT in {str(self.path)!r} {why}; "
            f"publish again from the catalogue: {build_command(self.path)}"
        )

    def numbers(self) -> list[int]:
        """Return the numbers of the generations that are here, rising."""
        if not self.generations.is_dir():
            return []
        return sorted(int(p.name) for p in self.generations.iterdir() if _is_number(p.name))

    def folder(self, number: int) -> Path:
        """Return the folder of generation `number`."""
        return self.generations / f"{number:06}"

    def current_number(self) -> int | None:
        """Return the number of the published generation; None when there is none, or it is gone."""
        try:
            return int(self.current().name)
        except IndexFolderError:
            return None

    def before(self, number: int) -> int | None:
        """Return the whole generation to go back to from `number`; None when there is none.

        It is the one that was published before; where that is not here, the newest older one.
        """
        named = named_before(self.folder(number))
        older = [n for n in reversed(self.numbers()) if n < number]
        wanted = [n for n in older if n == named] + [n for n in older if n != named]
        return next((n for n in wanted if is_whole(self.folder(n))), None)

    def start_generation(self) -> tuple[int, Path]:
        """Make an unpublished folder for the next generation."""
        number = max(self.numbers(), default=0) + 1
        folder = self.generations / f"{number:06}{_PARTIAL}"
        folder.mkdir()  # an index that went away meanwhile must not begin anew beside its catalogue
        return number, folder

    def publish(self, partial: Path) -> Path:
        """Publish a complete generation and remove those that nobody goes back to.

        Raises:
            IndexWriteError: when the disk refuses; what was published before stays so.
        """
        folder = partial.with_suffix("")
        try:
            for path in partial.rglob("*"):
                sync(path)
            sync(partial)
            partial.rename(folder)
            sync(self.generations)
            self._name(folder)
        except OSError as error:
            raise locking.unwritable(self.path, error) from error
        self.remove_old()
        return folder

    def _name(self, folder: Path) -> None:
        """Make CURRENT name `folder`, in one step that survives a power cut."""
        self._waiting.write_text(f"{folder.name}\n{short_sum(folder.name)}\n", encoding="utf-8")
        sync(self._waiting)
        sync(self.path)
        self._waiting.replace(self._current)
        sync(self.path)

    def go_back(self) -> Path:
        """Publish the generation before again; a writer's act.

        It answers until the next build, which publishes the state of the documents anew.

        Raises:
            IndexMissingError: when nothing is published here.
            IndexDamagedError: when no whole generation before it is kept.
        """
        try:
            number = int(self.current().name)
        except IndexDamagedError:  # CURRENT names nothing: any that is kept stands before it
            number = max(self.numbers(), default=0) + 1
        before = self.before(number)
        if before is None:
            raise IndexDamagedError(
                f"{str(self.path)!r} keeps no whole generation before {number}, so there is none "
                f"to go back to; bring it up to date with its documents: {build_command(self.path)}"
            )
        try:
            self._name(self.folder(before))
        except OSError as error:
            raise locking.unwritable(self.path, error) from error
        return self.folder(before)

    def _remove_unfinished(self) -> None:
        """Remove what writers that were cut off had begun to make, or to remove."""
        with suppress(OSError):
            self._waiting.unlink(missing_ok=True)
        for ending in (_PARTIAL, _REMOVED):
            for folder in self.generations.glob(f"*{ending}"):
                shutil.rmtree(folder, ignore_errors=True)

    def remove_old(self) -> None:
        """Remove the generations that nobody goes back to, but those that a reader holds.

        Kept are the published one, the one before it, and newer ones, which stand there after a
        rollback. Where CURRENT names nothing all are kept.
        """
        current = self.current_number()
        if current is None:
            return
        kept = {current, self.before(current)}
        for number in self.numbers():
            if number < current and number not in kept:
                self._remove(self.folder(number))

    def _remove(self, folder: Path) -> None:
        """Take a generation away in one step, then its files; leave it where it is in use."""
        removed = folder.with_suffix(_REMOVED)
        try:
            with locking.unheld(folder / MANIFEST) as free:
                if not free:
                    return
                folder.rename(removed)
                sync(self.generations)  # before its files: half a generation must have no number
        except OSError as error:
            _log.debug("generation %s stays: %s", folder.name, error)
            return
        shutil.rmtree(removed, ignore_errors=True)


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()


def open_texts(folder: Path) -> Texts:
    """Open the texts alone of a generation.

    Raises:
        IndexFormatError, IndexDamagedError: when they, or the manifest, cannot be read.
    """
    pieces = parse_manifest(folder).pieces
    with reading(folder, "deleted"):
        return Texts(folder, pieces)
