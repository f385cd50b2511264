"""What an index folder holds, by its manifests: no generation is opened and no model loaded."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from embeddings.errors import IndexDamagedError, IndexFolderError
from embeddings.manifest import Manifest, parse_manifest, read_manifest
from embeddings.store import IndexFolder

PUBLISHED, BEFORE, KEPT = "published", "before", "kept"


@dataclass(frozen=True, slots=True)
class GenerationState:
    """One generation of an index.

    Attributes:
        number: its number.
        state: ``published``; ``before``, which a rollback goes to; or ``kept``, for a reader, or
            after a rollback.
        manifest: what it is made of; None where that cannot be read.
        problem: what is wrong with it, or None.
        bytes: size of its files on disk, also of those that it shares with another.
    """

    number: int
    state: str
    manifest: Manifest | None
    problem: str | None
    bytes: int


@dataclass(frozen=True, slots=True)
class Overview:
    """An index folder.

    Attributes:
        generations: newest first.
        answering: manifest of the one that answers questions.
        warning: why that is not the published one, or None.
        bytes: size of the whole folder on disk.
    """

    generations: tuple[GenerationState, ...]
    answering: Manifest
    warning: str | None
    bytes: int


def overview(index: IndexFolder) -> Overview:
    """Look at the manifests of an index, and at the sizes of its files.

    Raises:
        IndexMissingError: when nothing is published.
        IndexFormatError: when the published generation was made by another version.
        IndexDamagedError: when no generation is whole.
    """
    error = _problem_of_current(index)
    current = index.current_number()
    before = index.before(current) if current is not None else None
    states = tuple(
        _state(index.folder(number), _role(number, current, before))
        for number in reversed(index.numbers())
    )
    answering = _answering(states, before, error)
    warning = None
    if error is not None:
        warning = f"Generation {answering.number} answers, not the published one: {error}"
    return Overview(states, answering, warning, _bytes_below(index.path))


def _problem_of_current(index: IndexFolder) -> IndexDamagedError | None:
    try:
        read_manifest(index.current())
    except IndexDamagedError as error:
        return error
    return None


def _role(number: int, current: int | None, before: int | None) -> str:
    return PUBLISHED if number == current else BEFORE if number == before else KEPT


def _answering(
    states: tuple[GenerationState, ...], before: int | None, error: IndexDamagedError | None
) -> Manifest:
    """Return the manifest of the generation that `opening.open_published` would open."""
    whole = {s.number: s.manifest for s in states if s.problem is None and s.manifest is not None}
    for state in states:
        if error is None and state.state == PUBLISHED:
            return whole[state.number]
    if before in whole:
        return whole[before]
    if not whole and error is not None:
        raise error
    return whole[max(whole)]


def _state(folder: Path, role: str) -> GenerationState:
    manifest, problem = None, None
    try:
        manifest = parse_manifest(folder)
        read_manifest(folder)
    except IndexFolderError as error:
        problem = str(error)
    return GenerationState(int(folder.name), role, manifest, problem, _bytes_below(folder))


def _bytes_below(folder: Path) -> int:
    """Return the size of all files below `folder`, each once by whatever names it has.

    One that goes in between counts nothing.
    """
    sizes: dict[tuple[int, int], int] = {}
    for path in folder.rglob("*"):
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        if stat.S_ISREG(found.st_mode):
            sizes[found.st_dev, found.st_ino] = found.st_size
    return sum(sizes.values())
