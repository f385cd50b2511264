"""Counts what a process does to the disk, and lets a fault come at one of these events.

Events are the commits and the other acts of an SQLite connection that write, and the calls of `os`
that every fsync, rename and removal of Python goes through. Install this in a process of its own.
"""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial, wraps
from pathlib import Path
from typing import Any, Literal

CALLS = ("fsync", "fdatasync", "mkdir", "rename", "replace", "unlink", "remove", "rmdir")
"""Functions of `os` that are events; `pathlib` and `shutil.rmtree` call these."""

METHODS = {
    "commit": "commit", "__exit__": "commit", "executescript": "script", "close": "close",
}  # fmt: skip
"""Methods of a connection that are events; `close` moves SQLite's log into the file."""

How = Literal["before", "after", "refused", "full", "vanished"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at the event with this number, from 0.

    The process is killed before or after it; or the disk refuses it, once, as a full one does; or
    from it on every write fails that would let a file end behind `size` bytes; or before it the
    index goes away, as a network drive does.
    """

    event: int
    how: How
    size: int = 0


@dataclass(slots=True)
class Events:
    """The events of this process so far, by name, and the fault to come; None for none.

    `index` is the folder that it may happen to; one that has gone is at `gone_of`.
    """

    fault: Fault | None
    index: Path
    names: list[str] = field(default_factory=list)

    def install(self) -> None:
        """Count from now on; there is no way back."""
        for name in CALLS:
            setattr(os, name, self._counted(getattr(os, name), name))
        counted = {
            method: self._counted(getattr(sqlite3.Connection, method), name)
            for method, name in METHODS.items()
        }
        counting = type("Counting", (sqlite3.Connection,), counted)
        setattr(sqlite3, "connect", partial(sqlite3.connect, factory=counting))  # noqa: B010 - mypy

    def _counted(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(function)
        def call(*given: Any, **named: Any) -> Any:
            event = len(self.names)
            self.names.append(_described(name, given))
            self._begin(event, name, given)
            try:
                return function(*given, **named)
            finally:  # what fails was tried, and counts
                if self.fault == Fault(event, "after"):
                    _die()

        return call

    def _begin(self, event: int, name: str, given: tuple[Any, ...]) -> None:
        """Let the fault come before event `event`, if that is its time."""
        if self.fault is None or self.fault.event != event:
            return
        if self.fault.how == "before":
            _die()
        elif self.fault.how == "refused":
            _refuse(name, given)
        elif self.fault.how == "full":
            limit_files(self.fault.size)
        elif self.fault.how == "vanished" and self.index.exists():
            self.index.rename(gone_of(self.index))


def gone_of(index: Path) -> Path:
    """Return where an index is that has gone away."""
    return index.with_name(f"{index.name} gone")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _refuse(name: str, given: tuple[Any, ...]) -> None:
    """Fail as a call does whose disk is full; SQLite does not tell of it when it closes."""
    if name in CALLS:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if name != "close":
        given[0].rollback()
        raise sqlite3.OperationalError("database or disk is full")


def limit_files(size: int | None = None) -> None:
    """Have every write fail that goes behind `size` bytes of a file; None to have none fail."""
    import resource  # where there is fork

    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most if size is None else size, most))


def _described(name: str, given: tuple[Any, ...]) -> str:
    """Return the name of a call and of the file that it ends with: ``replace CURRENT``."""
    paths = [
        Path(one).name for one in given if name in CALLS and isinstance(one, str | os.PathLike)
    ]
    return " ".join([name, *paths[-1:]])
