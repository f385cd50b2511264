"""The index folder: generations, which one is published, and reading one.

library.db            the builder's catalogue
generations/000007/   manifest.json, text.db, vectors.faiss, sentences.npy, scripts.npy, postings/
CURRENT               name of the published generation, replaced by an atomic rename
build.lock            held while a build runs
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.centre import Centre
from embeddings.errors import (
    IndexDamagedError,
    IndexFolderError,
    IndexFormatError,
    IndexMissingError,
)
from embeddings.lexical import Postings
from embeddings.texts import Texts, damaged
from embeddings.vectors import VectorIndex, open_halves

FORMAT = 4
"""Version of a generation's files; one of a higher version is refused."""

KEPT_GENERATIONS = 2
"""The published generation and the one before it, for going back."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation is made of, as `manifest.json` has it."""

    number: int
    created: str
    model: str
    fingerprint: str
    dimensions: int
    tokenizer: str
    segmenter: str
    root: str
    counts: dict[str, int]
    files: dict[str, dict[str, Any]]

    def to_json(self) -> str:
        """Return the text of `manifest.json`."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({"format": FORMAT, **fields}, ensure_ascii=False, indent=1)


class IndexFolder:
    """Paths of an index folder and its published generation. Making one touches no file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.catalogue = path / "library.db"
        self.generations = path / "generations"
        self.lock = path / "build.lock"
        self._current = path / "CURRENT"

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
        others = self.path.is_dir() and {path.name for path in self.path.iterdir()} - {
            self.lock.name
        }
        if others and not self.exists():
            raise IndexFolderError(
                f"The folder {str(self.path)!r} holds other files and is not an index; "
                "give an empty or a new folder: --index FOLDER"
            )

    def current(self) -> Path:
        """Return the folder of the published generation.

        Raises:
            IndexMissingError: when nothing is published here.
            IndexDamagedError: when CURRENT names a generation that is not there.
        """
        try:
            name = self._current.read_text(encoding="utf-8").strip()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise IndexMissingError(
                f"There is no index in {str(self.path)!r} yet; build one first: wenju build FOLDER"
                f" --index {self.path}"
            ) from error
        folder = self.generations / name
        if not name.isdigit() or not folder.is_dir():
            raise IndexDamagedError(
                f"CURRENT in {str(self.path)!r} names generation {name!r}, which is not there; "
                f"publish again from the catalogue: wenju build --index {self.path}"
            )
        return folder

    def numbers(self) -> list[int]:
        """Return the numbers of the generations that are kept, rising."""
        if not self.generations.is_dir():
            return []
        return sorted(int(path.name) for path in self.generations.iterdir() if path.name.isdigit())

    def start_generation(self) -> tuple[int, Path]:
        """Make an unpublished folder for the next generation; a half-made older one is removed."""
        number = max(self.numbers(), default=0) + 1
        folder = self.generations / f"{number:06}.partial"
        for stale in self.generations.glob("*.partial"):
            shutil.rmtree(stale)
        folder.mkdir(parents=True)
        return number, folder

    def publish(self, partial: Path) -> Path:
        """Publish a complete generation and remove those that nobody goes back to."""
        folder = partial.with_suffix("")
        for path in partial.rglob("*"):
            _sync(path)
        _sync(partial)
        partial.rename(folder)
        _sync(self.generations)
        waiting = self._current.with_suffix(".new")
        waiting.write_text(folder.name + "\n", encoding="utf-8")
        _sync(waiting)
        waiting.replace(self._current)
        _sync(self.path)
        for number in self.numbers()[:-KEPT_GENERATIONS]:
            shutil.rmtree(self.generations / f"{number:06}", ignore_errors=True)
        return folder


def _sync(path: Path) -> None:
    """Make the file or folder survive a power cut."""
    if os.name == "nt" and path.is_dir():
        return  # Windows has no fsync of folders; its renames are journalled
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Return size and SHA-256 of each file below `folder`, by POSIX path."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        name = path.relative_to(folder).as_posix()
        found[name] = {"bytes": path.stat().st_size, "sha256": digest}
    return found


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a generation, after checking its format and its files' sizes.

    Raises:
        IndexFormatError: when it was made by a newer version.
        IndexDamagedError: when it, or a file that it lists, is missing or has another size.
    """
    try:
        fields = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        written = fields.pop("format")
        if written > FORMAT:
            raise IndexFormatError(
                f"The index {str(folder.parent.parent)!r} has format {written}; this version reads "
                f"up to {FORMAT}. Install a newer wenju, or build the index again: wenju build"
            )
        if written < FORMAT:
            raise IndexFormatError(
                f"{str(folder.parent.parent)!r} has format {written} of an older version; "
                "build it again, which encodes only what is new: wenju build"
            )
        manifest = Manifest(**fields)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(folder, "manifest.json") from error
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != expected["bytes"]:
            raise damaged(folder, name)
    return manifest


class Generation(Texts):
    """One published generation, read whole; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.manifest = read_manifest(folder)
        self.vectors = VectorIndex.open(folder / "vectors.faiss")
        self.postings = Postings.open(folder / "postings")
        self._sentence_vectors = open_halves(folder / "sentences.npy")
        self.passage_centre = Centre.open(folder, "passage")
        self.sentence_centre = Centre.open(folder, "sentence")
        super().__init__(folder)

    @cached_property
    def scripts(self) -> NDArray[np.uint8]:
        """The `Script` of each passage, shape (passages,)."""
        return np.asarray(np.load(self.folder / "scripts.npy", allow_pickle=False))

    def sentence_vectors(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Return the vectors of sentences, shape (len(rows), dimensions)."""
        return np.asarray(self._sentence_vectors[list(rows)], dtype=np.float32)

    def sentence_ranges(self, passages: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return first row and count of the sentences of passages, shape (len(passages), 2)."""
        table = self._sentence_ranges
        return np.asarray(table[np.asarray(passages, dtype=np.int64)])

    @cached_property
    def _sentence_ranges(self) -> NDArray[np.int64]:
        rows = self._rows("SELECT first_sentence, sentence_count FROM passages ORDER BY row")
        return np.array(rows, dtype=np.int64).reshape(-1, 2)
