"""Opens a generation of an index: the published one, or where that is damaged one before it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from embeddings.errors import IndexDamagedError, IndexFormatError
from embeddings.searchable import Searchable
from embeddings.store import Generation, IndexFolder, Stamp


class Opened(NamedTuple):
    """An open generation of an index.

    `stamp` is that of CURRENT before it was read; `warning` says why it is not the published one,
    or is None.
    """

    generation: Searchable
    stamp: Stamp
    warning: str | None = None


def open_published(index: IndexFolder) -> Opened:
    """Open the published generation, or where that is damaged the last good one before it.

    Raises:
        IndexMissingError: when nothing is published.
        IndexFormatError: when it was made by another version.
        IndexDamagedError: when it is damaged and no other is whole.
    """
    stamp = index.stamp()
    try:
        return open_current(index)
    except IndexDamagedError as error:
        return open_instead(index, error, stamp)


def open_current(index: IndexFolder) -> Opened:
    """Open the published generation, and no other.

    Raises:
        IndexFolderError: as `open_published`.
    """
    while True:
        stamp = index.stamp()
        try:
            return Opened(Generation(index.current()), stamp)
        except IndexDamagedError:
            if index.stamp() == stamp:
                raise  # else it was replaced, and perhaps removed, in between


def open_instead(
    index: IndexFolder, error: IndexDamagedError, stamp: Stamp, broken: Path | None = None
) -> Opened:
    """Open the best generation but the published one, whose `error` the warning gives.

    Args:
        index: the index folder.
        error: what is wrong with the one that should answer.
        stamp: that of the CURRENT that named it.
        broken: another one not to open.

    Raises:
        IndexDamagedError: `error`, when no other is whole.
    """
    for folder in _others(index):
        if folder == broken:
            continue
        try:
            found = Generation(folder)
        except (IndexDamagedError, IndexFormatError):
            continue
        warning = (
            f"Generation {found.manifest.number} of {found.manifest.created} answers, "
            f"not the published one: {error}"
        )
        return Opened(found, stamp, warning)
    raise error


def _others(index: IndexFolder) -> list[Path]:
    """Return the folders of all generations but the published one, best first."""
    current = index.current_number()
    newest_first = index.numbers()[::-1]
    if current is None:
        return [index.folder(number) for number in newest_first]
    before = index.before(current)
    older = [number for number in newest_first if number < current]
    older.sort(key=lambda number: number != before)
    newer = [number for number in newest_first if number > current]
    return [index.folder(number) for number in older + newer]
