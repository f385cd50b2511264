"""A folder of documents that is watched: its index follows it. Writes only by a given build."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from embeddings.documents import is_left_out
from embeddings.errors import SourceError, WenjuError
from embeddings.reports import BuildReport
from embeddings.uploads import given_to

DEBOUNCE = 1.6
"""Seconds without a change after which a build begins."""

PATIENCE = 10
"""A build begins after this many times as long, even if the changes go on."""

RETRY = 30.0
"""Seconds after which a build that failed is tried again, if nothing changes meanwhile."""

TICK = 0.1
"""Seconds between two looks, at most."""


def follow(
    changes: Iterable[bool],
    build: Callable[[], BuildReport],
    *,
    debounce: float = DEBOUNCE,
    on_report: Callable[[BuildReport], None],
    on_error: Callable[[str], None],
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Build once, then again whenever something changed, until `changes` ends.

    Many changes in a row make one build; those during a build make one more after it. A build that
    fails is told of and tried again, now and then and after the next change.

    Args:
        changes: at least every few moments, whether something changed since the item before; see
            `changes_in`.
        build: brings the index up to date.
        debounce: seconds without a change before a build begins.
        on_report: told what each build did.
        on_error: told the sentence of an error, once as long as it stays the same.
        now: the time in seconds.
    """
    due, begun = _Due(debounce, now()), False
    said = None
    for changed in changes:
        if changed and begun:
            due.put_off(now())
        begun = True
        if not due.is_reached(now()):
            continue
        due.clear()
        try:
            on_report(build())
            said = None
        except (WenjuError, OSError) as error:
            if str(error) != said:
                said = str(error)
                on_error(said)
            due.try_again(now())


class _Due:
    """When the next build is due; at first at once."""

    def __init__(self, debounce: float, at: float) -> None:
        self._debounce = debounce
        self._at: float | None = at
        self._first: float | None = None

    def is_reached(self, now: float) -> bool:
        return self._at is not None and now >= self._at

    def put_off(self, now: float) -> None:
        """Wait until the changes come to rest, but not for ever."""
        if self._first is None:
            self._first = now
        self._at = min(now + self._debounce, self._first + PATIENCE * self._debounce)

    def clear(self) -> None:
        self._at = self._first = None

    def try_again(self, now: float) -> None:
        self._at = now + RETRY


def changes_in(root: Path, index: Path) -> Iterator[bool]:
    """Yield, at least every `TICK` seconds, whether documents below `root` changed since.

    What a build leaves out (`documents.list_files`) and the index do not count, but for its uploads
    and its list of excluded files. A folder that goes
    away is waited for; going and coming are changes. The first item comes when all later changes
    are noticed. Never ends by itself.

    Raises:
        SourceError: when the folder cannot be watched.
    """
    while True:
        watched = _identity(root)
        if watched is None:
            time.sleep(TICK)
            yield False
            continue
        begun, given = True, given_to(index)
        for changed in _changes_of(root.resolve(), index.resolve()):
            before, given = given, given_to(index)
            yield changed is not False or begun or given != before
            begun = False
            if changed is None or _identity(root) != watched:
                break
        yield True


def _changes_of(root: Path, index: Path) -> Iterator[bool | None]:
    """Yield whether something changed, None for `root` itself, which is no longer there then."""
    from watchfiles import Change, watch

    try:
        for found in watch(
            root,
            watch_filter=lambda _, path: is_document(Path(path), root, index),
            debounce=int(TICK * 2000),
            rust_timeout=int(TICK * 1000),
            yield_on_timeout=True,
            ignore_permission_denied=True,
        ):
            yield None if (Change.deleted, str(root)) in found else bool(found)
    except FileNotFoundError:
        yield None
    except (OSError, RuntimeError) as error:  # also of watchfiles itself: a limit of the system
        raise SourceError(
            f"The folder of documents {str(root)!r} cannot be watched ({error}); raise the "
            "system's limit of watched files, or look at it now and then instead: "
            "WATCHFILES_FORCE_POLLING=true wenju watch FOLDER"
        ) from error


def is_document(path: Path, root: Path, index: Path) -> bool:
    """Tell whether a build looks at `path`, which is below `root` or `root` itself."""
    below = path.relative_to(root).parts
    return not any(map(is_left_out, below)) and index not in (path, *path.parents)


def _identity(root: Path) -> tuple[int, int] | None:
    """Return what tells a folder from another one of its name; None when there is none."""
    try:
        found = root.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if root.is_dir() else None
