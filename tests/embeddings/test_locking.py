"""One writer, and readers that hold a file; each with a process that is killed."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from embeddings import locking
from embeddings.errors import IndexLockedError, IndexWriteError

WRITER = """
import sys, time
from pathlib import Path
from embeddings import locking
with locking.writing(Path(sys.argv[1]), "rolling back"):
    print("held", flush=True)
    time.sleep(60)
"""

READER = """
import sys, time
from pathlib import Path
from embeddings import locking
hold = locking.Hold(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "build.lock"


def started(code: str, path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_second_writer_is_told_who_writes(lock: Path) -> None:
    process = started(WRITER, lock)
    try:
        who = rf"process {process.pid} on {socket.gethostname()}, since \d{{4}}-\d\d-\d\dT[\d:]+"
        with (
            pytest.raises(
                IndexLockedError, match=rf"is rolling back the index .* \({who}.*\); .*--wait"
            ),
            locking.writing(lock),
        ):
            pass
    finally:
        kill(process)


def test_a_killed_writers_lock_is_taken_over(lock: Path, caplog: pytest.LogCaptureFixture) -> None:
    process = started(WRITER, lock)
    kill(process)
    assert (lock.parent / locking.NOTE).exists()
    with locking.writing(lock):
        note = locking.read_note(lock)
        assert note is not None
        assert (note.doing, note.process) == ("building", os.getpid())
    assert caplog.messages == [
        f"The last writer (process {process.pid} on {socket.gethostname()}, since "
        f"{caplog.messages[0].split('since ')[1].split(')')[0]}) did not finish; "
        "its lock is taken over"
    ]
    assert not (lock.parent / locking.NOTE).exists()


def test_the_note_of_a_dead_process_is_not_believed(lock: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with locking.writing(lock):
        stale = {"doing": "building", "process": dead.pid, "host": socket.gethostname()}
        note = {**stale, "since": "2026-01-01T00:00:00+00:00"}
        (lock.parent / locking.NOTE).write_text(json.dumps(note), encoding="utf-8")
        with (
            pytest.raises(IndexLockedError, match=r"is building the index '[^()]*'; wait until"),
            locking.writing(lock),
        ):
            pass


def test_a_writer_that_waits_gets_the_lock(lock: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    order: list[str] = []

    def second() -> None:
        with locking.writing(lock, wait=True):
            order.append("second")

    with locking.writing(lock):
        thread = threading.Thread(target=second)
        thread.start()
        until = time.monotonic() + 10
        while not caplog.messages and time.monotonic() < until:
            time.sleep(0.01)
        order.append("first")
    thread.join(timeout=10)
    assert order == ["first", "second"]
    assert caplog.messages[0].startswith("Another process is building the index")
    assert caplog.messages[0].endswith("waiting until it has finished")


def test_a_folder_that_is_not_there_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(IndexWriteError, match="cannot be written .*choose another: --index"),
        locking.writing(tmp_path / "file" / "build.lock"),
    ):
        pass


def test_what_is_held_is_not_free_until_the_last_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.touch()
    first, second = locking.Hold(path), locking.Hold(path)
    first.release()
    with locking.unheld(path) as free:
        assert not free
    del second
    with locking.unheld(path) as free:
        assert free
        with pytest.raises(FileNotFoundError, match="is being removed"):
            locking.Hold(path)


def test_what_is_removed_between_opening_and_locking_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "manifest.json"
    path.touch()
    own = locking._share

    def share(handle: int) -> None:
        path.rename(tmp_path / "removed")
        path.touch()
        own(handle)

    monkeypatch.setattr(locking, "_share", share)
    with pytest.raises(FileNotFoundError, match="was removed"):
        locking.Hold(path)


def test_a_killed_reader_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.touch()
    process = started(READER, path)
    with locking.unheld(path) as free:
        assert not free
    kill(process)
    with locking.unheld(path) as free:
        assert free


def test_nobody_holds_what_is_gone(tmp_path: Path) -> None:
    with locking.unheld(tmp_path / "none") as free:
        assert free
    with pytest.raises(FileNotFoundError):
        locking.Hold(tmp_path / "none")
