"""Locks of an index folder: one writer at a time, and readers that hold what they read.

Knows files only. A lock ends with the process that took it, however that process ends.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from embeddings.errors import IndexLockedError, IndexWriteError

if TYPE_CHECKING:
    from filelock import BaseFileLock

NOTE = "writer.json"
"""Beside the lock while it is held: who holds it."""

POLL_SECONDS = 0.2
"""How often a waiting writer tries again."""

_GRACE_SECONDS = 0.25
"""How long a new holder has to write its note."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Writer:
    """A process that writes, or wrote, an index folder.

    Attributes:
        doing: ``building``, ``checking`` or ``rolling back``.
        process: its id.
        host: name of its machine.
        since: when it took the lock, ISO 8601 in UTC.
    """

    doing: str
    process: int
    host: str
    since: str

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}, since {self.since}"

    def is_gone(self) -> bool:
        """Tell whether the process has ended; of another machine's nothing is known."""
        if self.host != socket.gethostname() or sys.platform == "win32":
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False


def read_note(lock: Path) -> Writer | None:
    """Return who noted last that it holds `lock`; None where nobody did."""
    try:
        return Writer(**json.loads((lock.parent / NOTE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


@contextmanager
def writing(lock: Path, doing: str = "building", *, wait: bool = False) -> Iterator[None]:
    """Hold the folder of `lock` as its only writer.

    Args:
        lock: the file that is locked; its folder must be there.
        doing: what for, for others to read.
        wait: wait for another writer to end.

    Raises:
        IndexLockedError: when another process holds it and `wait` is False.
        IndexWriteError: when the folder cannot be written.
    """
    held = _acquired(lock, wait)
    note = lock.parent / NOTE
    try:
        _tell_of_the_last(read_note(lock))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        writer = Writer(doing, os.getpid(), socket.gethostname(), now)
        with suppress(OSError):  # the note only informs: a full disk must not forbid a rollback
            note.write_text(json.dumps(asdict(writer)), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)
        held.release()


def _tell_of_the_last(last: Writer | None) -> None:
    """Say that a lock is taken over: a writer that ends by itself takes its note away."""
    if last is not None:
        _log.warning("The last writer (%s) did not finish; its lock is taken over", last)


def _acquired(lock: Path, wait: bool) -> BaseFileLock:
    from filelock import FileLock, Timeout

    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout as error:
        if not wait:
            raise _locked(lock) from error
        _log.warning("%s; waiting until it has finished", _who(lock))
        held.acquire(timeout=-1, poll_interval=POLL_SECONDS)
    except OSError as error:
        raise unwritable(lock.parent, error) from error
    return held


def unwritable(folder: Path, error: OSError) -> IndexWriteError:
    """Return the error for an index folder that refuses a write."""
    return IndexWriteError(
        f"The index folder {str(folder)!r} cannot be written "
        f"({error.strerror or error}); allow writing to it, make room, or choose another: "
        "--index FOLDER"
    )


def _locked(lock: Path) -> IndexLockedError:
    return IndexLockedError(
        f"{_who(lock)}; wait until it has finished (--wait), "
        "or build into another folder: --index FOLDER"
    )


def _who(lock: Path) -> str:
    holder = _holder(lock)
    doing = holder.doing if holder else "building"
    known = f" ({holder})" if holder else ""
    return f"Another process is {doing} the index {str(lock.parent)!r}{known}"


def _holder(lock: Path) -> Writer | None:
    """Return who holds the lock now; a note that a dead process left is not believed."""
    until = time.monotonic() + _GRACE_SECONDS
    while True:
        found = read_note(lock)
        if found is not None and not found.is_gone():
            return found
        if time.monotonic() > until:
            return None
        time.sleep(0.05)


class Hold:
    """A shared hold on a file: until `release`, or until nothing refers to it any more.

    On Windows an open file cannot be removed, which is hold enough.

    Raises:
        FileNotFoundError: when the file is not there, or is being removed.
    """

    def __init__(self, path: Path) -> None:
        handle = os.open(path, os.O_RDONLY)
        self.release = weakref.finalize(self, os.close, handle)
        self.release.atexit = False
        try:
            _share(handle)
            removed = not os.path.samestat(os.fstat(handle), path.stat())
        except OSError as error:
            self.release()
            raise FileNotFoundError(f"{path} is being removed") from error
        if removed:
            self.release()
            raise FileNotFoundError(f"{path} was removed")


def _share(handle: int) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:  # a file system without locks; open files outlive their removal
        _log.debug("no shared lock: %s", error)


@contextmanager
def unheld(path: Path) -> Iterator[bool]:
    """Yield whether nobody has a `Hold` on `path`; inside, nobody gets one.

    A file that is not there is held by nobody. On Windows this is always True: there the removal
    itself fails while the file is open.
    """
    if sys.platform == "win32":
        yield True
        return
    import fcntl

    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield True
        return
    try:
        yield _flock_alone(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(handle)


def _flock_alone(handle: int, how: int) -> bool:
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, how)
    except BlockingIOError:
        return False
    except OSError as error:  # a file system without locks; open files outlive their removal
        _log.debug("no exclusive lock: %s", error)
    return True
