"""Files that are left out of an index on purpose: a list beside it. The files themselves stay."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from embeddings.checksums import is_whole, sync, with_sum
from embeddings.damage import build_command
from embeddings.errors import IndexDamagedError
from embeddings.locking import unwritable

LIST = "excluded.json"
"""Below the index folder: the sources that are left out, by name.

Either a list of strings, as people write it, or an object with that list and its checksum.
"""

_NAMES = "excluded"

LOCK = "documents.lock"
"""Below the index folder: held for a moment by who changes the list or the uploads."""


def excluded(index: Path) -> frozenset[str]:
    """Return the sources that are left out of the index in folder `index`.

    Raises:
        IndexDamagedError: when the list cannot be read: a build must not take in what was left out.
    """
    path = index / LIST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from error
    if isinstance(found, dict):
        if not is_whole(found):
            raise _unreadable(path, "it differs from its checksum")
        found = found.get(_NAMES)
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise _unreadable(path, "it is no list of names")
    return frozenset(found)


def _unreadable(path: Path, why: str) -> IndexDamagedError:
    return IndexDamagedError(
        f"The list of excluded files {str(path)!r} cannot be read ({why}); mend it (a JSON list of "
        "file names), or delete it to have all files back, then build again: "
        f"{build_command(path.parent)}"
    )


def exclude(index: Path, sources: Iterable[str]) -> None:
    """Leave files out of the index from the next build on.

    Raises:
        IndexDamagedError: when the list cannot be read.
        IndexWriteError: when it cannot be written.
    """
    with changing(index):
        _write(index, excluded(index) | set(sources))


def include(index: Path, sources: Iterable[str]) -> None:
    """Have files in the index again from the next build on; errors are those of `exclude`."""
    with changing(index):
        _write(index, excluded(index) - set(sources))


@contextmanager
def changing(index: Path) -> Iterator[None]:
    """Be the only one, of all threads and processes, who changes what the index is made of.

    Raises:
        IndexWriteError: when the folder cannot be written.
    """
    from filelock import FileLock

    try:
        with FileLock(index / LOCK):
            yield
    except OSError as error:
        raise unwritable(index, error) from error


def _write(index: Path, sources: Iterable[str]) -> None:
    """Put a new list in the place of the old one, in one step that survives a power cut."""
    content = with_sum({_NAMES: sorted(sources)})
    text = json.dumps(content, ensure_ascii=False, indent=1)
    handle, name = tempfile.mkstemp(prefix=LIST, suffix=".tmp", dir=index)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(index / LIST)
        sync(index)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
