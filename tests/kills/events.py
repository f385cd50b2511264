"""Counts what a process does to the disk, and kills it before or after one of these events.

Events are the commits and the other acts of an SQLite connection that write, and the calls of `os`
that every fsync, rename and removal of Python goes through. Install this in a process of its own.
"""

from __future__ import annotations

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

When = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Kill:
    """Where a process ends: before or after the event with this number, from 0."""

    event: int
    when: When


@dataclass(slots=True)
class Events:
    """The events of this process so far, by name, and where it is to end; None for nowhere."""

    kill: Kill | None
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
            self._end_at(Kill(event, "before"))
            try:
                return function(*given, **named)
            finally:  # what fails was tried, and counts
                self._end_at(Kill(event, "after"))

        return call

    def _end_at(self, here: Kill) -> None:
        if here == self.kill:
            os.kill(os.getpid(), signal.SIGKILL)


def _described(name: str, given: tuple[Any, ...]) -> str:
    """Return the name of a call and of the file that it ends with: ``replace CURRENT``."""
    paths = [
        Path(one).name for one in given if name in CALLS and isinstance(one, str | os.PathLike)
    ]
    return " ".join([name, *paths[-1:]])
