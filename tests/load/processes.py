"""Servers in processes of their own, and what they use of the machine. Linux only."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]

QUIET_ENDS = 30
"""Seconds that a server may take to end after it was told to."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process uses of the machine.

    Attributes:
        memory: its own bytes: pages that no other process shares, files that it maps left out
            (``Pss_Anon`` of ``smaps_rollup``).
        descriptors: open files and connections.
        threads: how many.
        generations: numbers of the generations of an index whose files it has open or mapped.
    """

    memory: int
    descriptors: int
    threads: int
    generations: frozenset[int]


class Server:
    """A running server, as its user sees it."""

    def __init__(
        self, command: str, url: str, process: subprocess.Popen[str], errors: IO[str]
    ) -> None:
        self.command, self.url = command, url
        self._process, self._errors = process, errors

    def usage(self) -> Usage:
        """Look at the process."""
        folder = Path("/proc") / str(self._process.pid)
        rollup = (folder / "smaps_rollup").read_text()
        status = (folder / "status").read_text()
        return Usage(
            int(_number_in(r"Pss_Anon:\s+(\d+)", rollup)) * 1024,
            len(list((folder / "fd").iterdir())),
            int(_number_in(r"Threads:\s+(\d+)", status)),
            self._generations(folder),
        )

    def _generations(self, folder: Path) -> frozenset[int]:
        named = (folder / "maps").read_text()
        for link in (folder / "fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                named += f"\n{link.readlink()}"
        return frozenset(int(number) for number in re.findall(r"/generations/(\d+)/", named))

    def is_alive(self) -> bool:
        """Say whether it still runs."""
        return self._process.poll() is None

    def said(self) -> str:
        """Return what it has written to its standard error."""
        self._errors.flush()
        return Path(self._errors.name).read_text(encoding="utf-8", errors="replace")


def _number_in(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, pattern
    return found[1]


def _free_port() -> str:
    """Return a port that nobody listens on; the commands take none of their own choice."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


@contextmanager
def serving(command: str, index: Path, *, real: bool = False) -> Iterator[Server]:
    """Start ``wenju chat`` or ``wenju serve`` over an index; it has to end well with the block.

    Args:
        command: ``chat`` or ``serve``.
        index: the index folder.
        real: whether it was made with the packaged model, not with `ENCODER`.
    """
    program = "qa.cli" if real else "tests.load.server"
    with (
        tempfile.NamedTemporaryFile("w", suffix=".err") as errors,
        subprocess.Popen(
            [sys.executable, "-m", program, command, "--index", str(index), "--port", _free_port()],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        ) as process,
    ):  # fmt: skip
        try:
            assert process.stdout is not None
            server = Server(command, process.stdout.readline().strip(), process, errors)
            assert server.url.startswith("http://"), server.said()
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(QUIET_ENDS)
