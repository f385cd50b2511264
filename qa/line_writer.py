"""Appends lines to a log from a thread of its own, so that no answer waits for a disk or a pipe.

What cannot be written is lost and counted; the log of the program says so once.
"""

from __future__ import annotations

import logging
import os
import threading
from contextlib import suppress
from pathlib import Path
from queue import Full, Queue

from embeddings.errors import SettingError

WAITING = 10_000
"""Lines that may wait for a slow disk or a pipe that nobody reads; more are lost."""

PATIENCE_SECONDS = 2.0
"""How long a server that stops waits for lines to be written."""

_STANDARD_ERROR = 2

# A named pipe that nobody reads is an error and not a wait.
_OPENED = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)

_log = logging.getLogger(__name__)


class LineWriter:
    """Appends lines; safe beside other threads, and other processes that append to the same file.

    Args:
        path: the file, opened anew when it was moved away or removed; None for standard error.

    Raises:
        SettingError: when the file cannot be opened.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._file = _File(path)
        self._lines: Queue[bytes | None] = Queue(WAITING)
        self._lost = 0
        self._thread = threading.Thread(target=self._run, name="wenju-log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Have `text` written, a line with its end; never waits."""
        try:
            self._lines.put_nowait(text.encode("utf-8", "replace"))
        except Full:
            self._lost += 1

    def close(self) -> None:
        """Write what waits, for a while, and close the file."""
        with suppress(Full):  # a stuck pipe: its thread ends with the program
            self._lines.put(None, timeout=PATIENCE_SECONDS)
            self._thread.join(PATIENCE_SECONDS)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            self._append(line)
        self._file.close()

    def _append(self, line: bytes) -> None:
        try:
            self._file.write(line)
        except OSError as error:
            self._lost += 1
            if self._lost == 1:
                said = "The question log cannot be written (%s); questions are still answered"
                _log.warning(said, error.strerror or type(error).__name__)
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            _log.warning("The question log is written again; %d lines are lost", lost)


class _File:
    """A file that is appended to, without a buffer."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._is_torn = False
        self._number: int | None = _STANDARD_ERROR if path is None else _first_opened(path)

    def write(self, line: bytes) -> None:
        """Write a line, on a line of its own even where the one before was cut by a full disk."""
        number = self._current()
        left = memoryview(b"\n" + line if self._is_torn else line)
        while left:
            left = left[os.write(number, left) :]
            self._is_torn = bool(left)

    def _current(self) -> int:
        if self._path is not None and not self._is_the_same(self._path):
            self.close()
            self._number, self._is_torn = _opened(self._path), False
        assert self._number is not None
        return self._number

    def _is_the_same(self, path: Path) -> bool:
        """Tell whether the open file is still the one of this name: logs are rotated."""
        if self._number is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._number), path.stat())
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Close it, if it is ours."""
        if self._path is not None and self._number is not None:
            os.close(self._number)
            self._number = None


def _opened(path: Path) -> int:
    return os.open(path, _OPENED, 0o600)


def _first_opened(path: Path) -> int:
    try:
        return _opened(path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise SettingError(
            f"The question log {str(path)!r} cannot be opened ({why}); give log_file a file in a "
            "folder that can be written, or leave it empty for standard error"
        ) from error
