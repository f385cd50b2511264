"""The process in which files of others are read: one after the other, with limits on each.

It writes no file and ends with the process that started it. It is no jail: what holds are the
limits on time and memory, and that a crash ends this process and no other.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from threading import Thread
from typing import Any, BinaryIO

from embeddings.errors import UnopenedFileError, UnreadableFileError
from embeddings.readers import formats, frames, pace
from embeddings.readers.frames import Frame

IDLE = 60.0
"""Seconds without a file after which the process ends by itself."""

_PIECE = 1 << 16

_STACKS = 32 << 20
"""Bytes of address space that the threads of libraries take a core, whatever they do."""

_GRACE = 5
"""Seconds after which the system ends what the process that started this one did not."""


def main() -> None:
    """Answer the frames of standard input on standard output, until there are no more."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started it
        answers = _answers()
        tasks: queue.Queue[Frame] = queue.Queue()
        Thread(target=_receive, args=(sys.stdin.buffer, tasks), daemon=True).start()
        frames.put(answers, {"ready": True})
        with contextlib.suppress(queue.Empty, BrokenPipeError):
            while True:
                _answer(tasks.get(timeout=IDLE), answers)
        code = 0
    finally:
        _leave(code)


def _leave(code: int) -> None:
    os._exit(code)  # libraries and threads that a file has broken are not asked


def _answers() -> BinaryIO:
    """Return standard output, to which libraries cannot write any more."""
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return own


def _receive(stream: BinaryIO, tasks: queue.Queue[Frame]) -> None:
    """Take the tasks as they come; end the process, whatever it does, when there can be no more."""
    try:
        while True:
            head, length = frames.take_head(stream)
            _limit_memory(int(head["memory"]))
            tasks.put((head, frames.take_body(stream, length)))
    except MemoryError:
        tasks.put(({"task": "too_large"}, b""))
        while stream.read(_PIECE):
            continue  # nobody hears an answer before all was sent
    except (EOFError, OSError, ValueError):
        _leave(0)


def _answer(task: Frame, answers: BinaryIO) -> None:
    head, data = task
    page_seconds = head.get("page_seconds", 0)

    def page_begins() -> None:
        _limit_time(page_seconds)
        frames.put(answers, {"page": True})

    pace.on_page(page_begins)
    _limit_time(head.get("seconds", 0))
    frames.put(answers, *_done(head, data))
    _limit_time(0)


def _done(head: dict[str, Any], data: bytes) -> Frame:
    try:
        return _TASKS[head["task"]](head, data)
    except UnreadableFileError as error:
        return {"refused": str(error), "again": isinstance(error, UnopenedFileError)}, b""
    except MemoryError:
        return {"memory": True}, b""


def _read(head: dict[str, Any], data: bytes) -> Frame:
    return frames.from_reading(formats.parse(head["ending"], data))


def _check(head: dict[str, Any], data: bytes) -> Frame:
    if head["ending"] == ".pdf":
        import_module("embeddings.readers.pdf").check(data)
    else:
        packages = import_module("embeddings.readers.packages")
        with packages.refusing(head["ending"]):
            packages.Package(data, head["ending"])
    return {}, b""


def _draw(head: dict[str, Any], data: bytes) -> Frame:
    found = import_module("embeddings.readers.pdf_pages").draw(data, head["page"])
    return {"width": found.width, "height": found.height}, found.png


def _boxes(head: dict[str, Any], data: bytes) -> Frame:
    pages = import_module("embeddings.readers.pdf_pages")
    found = pages.boxes(data, head["page"], head["quotes"], head["before"])
    return {"boxes": [(box.left, box.top, box.right, box.bottom) for box in found]}, b""


def _too_large(head: dict[str, Any], data: bytes) -> Frame:  # noqa: ARG001
    raise MemoryError


_TASKS: dict[str, Callable[[dict[str, Any], bytes], Frame]] = {
    "read": _read,
    "check": _check,
    "draw": _draw,
    "boxes": _boxes,
    "too_large": _too_large,
}


def _limit_memory(memory: int) -> None:
    """Have more memory than `memory` bytes refused, and what the cores' threads take beside them.

    Windows has no such limit, and macOS heeds none.
    """
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (memory + _STACKS * (os.cpu_count() or 1), hard))


def _limit_time(seconds: float) -> None:
    """Have the system end this process when it works for longer; 0 for no limit.

    The process that started it ends it first; this is for when that one is gone or stopped.
    """
    if not hasattr(signal, "setitimer"):
        return
    import resource

    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ignored, when whoever started us ignores it
    signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE if seconds else 0)
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = (seconds + _GRACE) * (os.cpu_count() or 1) + used.ru_utime + used.ru_stime
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = int(allowed) + 1 if seconds else hard
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
