"""Checks of one generation by itself: checksums, counts, and whether it finds what it holds.

Reads only. `embeddings.verify` compares a generation with the catalogue it was made from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from embeddings.checksums import seal_of, sha256_of
from embeddings.damage import MANIFEST, build_command
from embeddings.errors import IndexDamagedError, IndexFolderError
from embeddings.manifest import MARK, Manifest
from embeddings.opened import Counted, Generation
from embeddings.text_file import FILES

NEARNESS = 1e-4
"""How far a cosine may be off by rounding."""


class Sample(NamedTuple):
    """A passage that must find itself: its row, the vector that was made for it, its words."""

    row: int
    vector: NDArray[np.float32]
    words: Sequence[str]


def check(
    folder: Path,
    samples: Sequence[Sample],
    only: str | None = None,
    trusted: Collection[str] = (),
) -> None:
    """Refuse a generation that was just written and is not what it should be.

    Args:
        folder: the generation.
        samples: passages that must find themselves.
        only: name of the one piece whose tables are counted; None for all.
        trusted: files that are not read, for another generation has them too.

    Raises:
        IndexDamagedError: when a file is not as it was written, counts disagree, or a sample does
            not find itself.
    """
    wrong = _wrong(folder, samples, only, trusted)
    if wrong is not None:
        raise IndexDamagedError(
            f"The generation just written did not pass its check and is not published: {wrong}. "
            "Is the disk full, or are disk or memory failing? What was published before goes on "
            f"answering; try again: {build_command(folder.parent.parent)}"
        )


def _wrong(
    folder: Path, samples: Sequence[Sample], only: str | None, trusted: Collection[str]
) -> str | None:
    """Return the first thing that is wrong with a generation, or None."""
    try:
        generation = Generation(folder, marked=True)
    except IndexFolderError as error:
        return str(error).partition(";")[0]
    try:
        lines = chain(
            checksums(folder, generation.manifest, trusted),
            counts(generation, only),
            *(self_query(generation, sample) for sample in samples),
        )
        return next(lines, None)
    finally:
        generation.close()


def checksums(folder: Path, manifest: Manifest, trusted: Collection[str] = ()) -> Iterator[str]:
    """Yield a line for each file that is missing, not as it was written, or not in the manifest.

    Args:
        folder: the generation.
        manifest: what it should be.
        trusted: files of which only the size is looked at.
    """
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            yield f"{name!r} is missing"
        elif path.stat().st_size != expected["bytes"]:
            yield f"{name!r} has {path.stat().st_size} bytes, not {expected['bytes']}"
        elif name not in trusted and sha256_of(path) != expected["sha256"]:
            yield f"{name!r} differs from its checksum"
    known = {MANIFEST, seal_of(Path(MANIFEST)).name, MARK, *manifest.files}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in known:
            yield f"{name!r} does not belong there"


def damage_of(generation: Generation) -> IndexDamagedError | None:
    """Return the error for a generation whose files are not as they were written, or None."""
    folder = generation.folder
    for line in checksums(folder, generation.manifest):
        index = folder.parent.parent
        return IndexDamagedError(
            f"{line} in generation {folder.name} of {str(index)!r}; "
            f"build the index again: {build_command(index)}"
        )
    return None


def counts(generation: Generation, only: str | None = None) -> Iterator[str]:
    """Yield a line for each number that the texts and the manifest do not agree on.

    Opening has compared vectors and postings with the manifest already.

    Args:
        generation: what is looked at.
        only: name of the one piece to look at; None for all.
    """
    wanted = generation.manifest.counts
    if only is None:
        name = "text.db" if generation.manifest.pieces is None else FILES
        found = {"files": generation.count_files()}
        if generation.manifest.pieces is not None:
            found["documents"] = len(generation.document_ids())
        for table, rows in found.items():
            if rows != wanted.get(table, rows):
                yield f"{name!r} has {rows} {table}, not {wanted[table]}"
    for counted in generation.counted(only):
        yield from _of_piece(counted, generation)


def _of_piece(counted: Counted, generation: Generation) -> Iterator[str]:
    name, rows, about = f"{counted.inside}text.db", counted.rows, counted.about
    expected = {
        "passages": about.passages, "sentences": about.sentences, "places": about.places
    }  # fmt: skip
    if generation.manifest.pieces is None:
        expected["documents"] = generation.manifest.counts["documents"]
    for table, wanted in expected.items():
        if rows[table] != wanted:
            yield f"{name!r} has {rows[table]} {table}, not {wanted}"
    ends = np.cumsum(counted.ranges[:, 1])
    firsts = ends - counted.ranges[:, 1]
    if not np.array_equal(counted.ranges[:, 0], firsts) or ends[-1:].sum() != rows["sentences"]:
        yield f"{name!r} gives passages other sentences than it has"


def self_query(generation: Generation, sample: Sample) -> Iterator[str]:
    """Yield a line when a passage's vector, or its words, do not find it."""
    row = np.array([sample.row], dtype=np.int64)
    own = float(generation.vectors.cosines(sample.vector, row)[0])
    best = float(generation.vectors.search(sample.vector, 1)[1][0])
    # not "is first": of passages with equal vectors any may come first
    if abs(own - 1) > NEARNESS or abs(best - own) > NEARNESS:
        yield f"passage {sample.row} is not found by its own vector (cosine {own:.4f})"
    matches = generation.postings.match(sample.words)
    lost = set(sample.words) - set(matches.words(sample.row))
    if lost:
        yield f"passage {sample.row} is not found by its own word {min(lost)!r}"
