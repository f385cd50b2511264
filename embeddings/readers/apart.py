"""Files that a library parses are read apart: in another process, with limits on time and memory.

One that crashes it, takes too long or needs too much is refused with a sentence, and the next file
gets a new process. A process is started when the first such file comes and kept for the next ones.
"""

from __future__ import annotations

import atexit
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from embeddings.errors import UnopenedFileError, UnreadableFileError
from embeddings.readers import formats, frames
from embeddings.readers.frames import Frame
from embeddings.readers.reading import Reading
from embeddings.readers.signatures import CONTAINERS, PICTURES
from embeddings.readers.worker import IDLE

if TYPE_CHECKING:
    from embeddings.readers.pdf_pages import Box, Drawn

SECONDS = 300.0
"""A file that takes longer to read is refused."""

PAGE_SECONDS = 120.0
"""A page whose text is recognised may take so long, however long those before it took."""

DRAWING_SECONDS = 30.0
"""A page that takes longer to draw is not drawn."""

MEMORY = 3 << 30
"""Bytes of address space in which a file is read, besides three times its own size."""

KEPT = 2
"""Processes that wait for the next file, at most; each ends by itself after a minute."""

AT_ONCE = 4
"""Files that are read at the same time, at most; who comes next waits."""

_TICK = 0.2
_SWEPT = IDLE + 1
"""Seconds after which it is looked whether those that wait have ended."""

# On a machine of many cores the threads of libraries would use up the address space otherwise.
_FEW_THREADS = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1"}

_FROM_OUTSIDE = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT")
_TIMERS = ("SIGALRM", "SIGXCPU")
_PROGRAM = (
    "import sys; sys.path[:] = sys.argv[1:]; from embeddings.readers.worker import main; main()"
)
_SAVE = "open it in its program and save it again as"


def parse(ending: str, data: bytes) -> Reading:
    """Read a file as `formats.parse` does; what a library parses is read apart.

    Raises:
        UnreadableFileError: when it cannot be read, or not within the limits.
    """
    if ending not in CONTAINERS + PICTURES:
        return formats.parse(ending, data)
    with _understanding(ending):
        return frames.to_reading(_done("read", ending, data, page=PAGE_SECONDS))


def check(ending: str, data: bytes) -> None:
    """Refuse a container that cannot be opened; its pages are not looked at.

    Raises:
        UnreadableFileError: when it is encrypted, damaged or of another kind.
    """
    _done("check", ending, data)


def draw(data: bytes, page: int) -> Drawn:
    """Draw a page of a PDF file; see `pdf_pages.draw`.

    Raises:
        UnreadableFileError: when there is no such page, or the file cannot be read.
    """
    from embeddings.readers.pdf_pages import Drawn

    with _understanding(".pdf"):
        head, png = _done("draw", ".pdf", data, {"page": page}, seconds=DRAWING_SECONDS)
        return Drawn(png, int(head["width"]), int(head["height"]))


def boxes(data: bytes, page: int, quotes: Sequence[str], before: str = "") -> list[Box]:
    """Return where quotes stand on a page of a PDF file; see `pdf_pages.boxes`.

    Raises:
        UnreadableFileError: when there is no such page, or the file cannot be read.
    """
    from embeddings.readers.pdf_pages import Box

    asked = {"page": page, "quotes": list(quotes), "before": before}
    with _understanding(".pdf"):
        head, _ = _done("boxes", ".pdf", data, asked, seconds=DRAWING_SECONDS)
        return [Box(*map(float, sides)) for sides in head["boxes"]]


@contextmanager
def _understanding(ending: str) -> Iterator[None]:
    """Refuse a file for which the process sends something else than what was asked for."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableFileError(
            f"breaks what reads {ending} files (no answer of it can be used); {_SAVE} {ending}"
        ) from error


def _done(
    task: str,
    ending: str,
    data: bytes,
    asked: dict[str, Any] | None = None,
    *,
    seconds: float = 0.0,
    page: float = 0.0,
) -> Frame:
    order = _Order(task, ending, data, asked or {}, seconds or SECONDS, page)
    try:
        return _answered(order)
    except _NotStartedError as error:
        raise UnopenedFileError(
            f"the process that reads {ending} files does not start ({error}); install wenju again"
        ) from error
    except _LateError as error:
        raise UnreadableFileError(
            f"takes longer to read than {error} seconds; split the file, or {_SAVE} {ending}"
        ) from error
    except _MemoryError as error:
        raise UnreadableFileError(
            f"needs more than {order.memory >> 20:,} megabytes of memory to be read; split the "
            f"file, or {_SAVE} {ending}"
        ) from error
    except _EndedError as error:
        raise UnopenedFileError(
            f"the process that read it was ended from outside ({error}), perhaps for want of "
            "memory; end other programs and try again"
        ) from error
    except _BrokenError as error:
        raise UnreadableFileError(
            f"breaks what reads {ending} files ({error}); {_SAVE} {ending}"
        ) from error


def _answered(order: _Order) -> Frame:
    """Return the answer; a file is blamed only by a process that read nothing before it."""
    pool = _pool()
    with pool.place():
        process = pool.borrow()
        try:
            return _asked(pool, process, order)
        except _BrokenError:
            if process.asked == 1:
                raise
        return _asked(pool, _Process(), order)


def _asked(pool: _Pool, process: _Process, order: _Order) -> Frame:
    try:
        head, body = process.ask(order)
    finally:
        pool.give_back(process)
    if "refused" in head:
        kind = UnopenedFileError if head.get("again") else UnreadableFileError
        raise kind(" ".join(str(head["refused"]).split()))
    return head, body


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be done with the bytes of a file, and within which limits."""

    task: str
    ending: str
    data: bytes
    asked: dict[str, Any]
    seconds: float
    page: float

    @property
    def memory(self) -> int:
        return MEMORY + 3 * len(self.data)

    @property
    def head(self) -> dict[str, Any]:
        limits = {"seconds": self.seconds, "page_seconds": self.page, "memory": self.memory}
        return {"task": self.task, "ending": self.ending, **self.asked, **limits}


class _BrokenError(Exception):
    """The process ended, or sent no frame; the message says how."""


class _MemoryError(_BrokenError):
    """The process was refused the memory that it asked for."""


class _EndedError(_BrokenError):
    """Somebody ended the process: the system that ran out of memory, or who shut it down."""


class _LateError(Exception):
    """The process did not answer in time; the message is that time in seconds."""


class _NotStartedError(Exception):
    """The process ended before it said that it is ready."""


class _Process:
    """A process that reads one file after the other; used by one thread at a time.

    Attributes:
        asked: how many files it was given.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.owner = os.getpid()
        self._thread: threading.Thread | None = None
        path = [part for part in sys.path if isinstance(part, str)]
        try:
            self._process = subprocess.Popen(
                # Where Python is part of another program, it may have no name of its own.
                [sys.executable or "python", "-c", _PROGRAM, *path],
                env=_FEW_THREADS | dict(os.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # Ctrl-C on a terminal goes to all processes of its group.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise UnopenedFileError(
                f"no process can be started to read it ({error.strerror}); end other programs"
            ) from error

    @property
    def is_alive(self) -> bool:
        """Tell whether it can be asked, as far as that is known."""
        return self._process.poll() is None

    def ask(self, order: _Order) -> Frame:
        """Return the answer to an order.

        Raises:
            _BrokenError, _LateError, _NotStartedError: then it is ended.
        """
        self.asked += 1
        heard: queue.Queue[Frame | None] = queue.Queue()
        self._thread = threading.Thread(target=self._exchange, args=(order, heard), daemon=True)
        self._thread.start()
        try:
            return self._awaited(heard, order)
        except BaseException:  # Ctrl-C, too: what it is at is of no use any more
            self.end()
            raise

    def _exchange(self, order: _Order, heard: queue.Queue[Frame | None]) -> None:
        """Send a task and hear all that comes; None for the end."""
        try:
            stdin, stdout = self._pipes()
            if self.asked == 1:
                heard.put(frames.take(stdout, frames.LARGEST_REPLY))
            frames.put(stdin, order.head, order.data)
            while "page" in (found := frames.take(stdout, frames.LARGEST_REPLY))[0]:
                heard.put(found)
            heard.put(found)
        except (EOFError, OSError, ValueError, MemoryError, RecursionError):
            heard.put(None)

    def _pipes(self) -> tuple[BinaryIO, BinaryIO]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return cast("BinaryIO", self._process.stdin), cast("BinaryIO", self._process.stdout)

    def _awaited(self, heard: queue.Queue[Frame | None], order: _Order) -> Frame:
        due, allowed, is_ready = time.monotonic() + order.seconds, order.seconds, self.asked > 1
        while True:
            try:
                # In short waits: some systems notice Ctrl-C only between two of them.
                found = heard.get(timeout=_TICK)
            except queue.Empty:
                if time.monotonic() > due:
                    raise _LateError(f"{allowed:g}") from None
                continue
            if found is None:
                raise self._failure(allowed, is_ready=is_ready)
            if "ready" in found[0]:
                is_ready = True
            elif "page" in found[0]:
                due = max(due, time.monotonic() + order.page)
                allowed = max(order.seconds, order.page)
            elif "memory" in found[0]:
                raise _MemoryError
            else:
                return found

    def _failure(self, allowed: float, *, is_ready: bool) -> Exception:
        """Return what is to be raised when no answer comes any more."""
        how = self._end()
        if not is_ready:
            return _NotStartedError(how)
        if how in _TIMERS:
            return _LateError(f"{allowed:g}")
        return _EndedError(how) if how in _FROM_OUTSIDE else _BrokenError(how)

    def _end(self) -> str:
        """Return how it ended, after the fact."""
        try:
            code = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return "it sends what is no answer"
        if code >= 0:
            return f"exit code {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"

    def end(self) -> None:
        """End it at once; may be called again."""
        self._process.kill()
        self._process.wait()
        if self._thread is not None:
            self._thread.join()
        for pipe in self._pipes():
            try:
                pipe.close()
            except OSError:
                continue  # what was not sent any more


class _Pool:
    """The processes that wait for a file; each is used by one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._is_swept = False
        atexit.register(self.end)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Wait until fewer than `AT_ONCE` files are read, and be one of them."""
        while not self._places.acquire(timeout=_TICK):
            continue
        try:
            yield
        finally:
            self._places.release()

    def borrow(self) -> _Process:
        """Return one that waits, or a new one."""
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.is_alive:
                    return process
                process.end()
        return _Process()

    def give_back(self, process: _Process) -> None:
        """Keep a process for the next file, or end it when there are enough."""
        with self._lock:
            if process.is_alive and len(self._idle) < KEPT:
                self._idle.append(process)
                self._sweep_later()
                return
        process.end()

    def _sweep_later(self) -> None:
        if self._is_swept:
            return
        self._is_swept = True
        timer = threading.Timer(_SWEPT, self._sweep)
        timer.daemon = True
        timer.start()

    def _sweep(self) -> None:
        """Let go of those that ended by themselves: the system lists them until somebody asks."""
        with self._lock:
            self._is_swept = False
            for process in [one for one in self._idle if not one.is_alive]:
                self._idle.remove(process)
                process.end()
            if self._idle:
                self._sweep_later()

    def end(self) -> None:
        """End all that wait."""
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.owner == os.getpid():
                    process.end()


@cache
def _pool() -> _Pool:
    if hasattr(os, "register_at_fork"):
        # What was forked has processes of its own, and a lock that nobody holds.
        os.register_at_fork(after_in_child=_pool.cache_clear)
    return _Pool()
