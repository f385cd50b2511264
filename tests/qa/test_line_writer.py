"""Lines are appended whole and in order; what cannot be written keeps nobody waiting."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from embeddings.errors import SettingError
from qa.line_writer import LineWriter
from tests.patience import SECONDS, until


def test_lines_are_appended_in_order_and_are_for_the_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "log"
    for first in (0, 500):
        writer = LineWriter(file)
        for number in range(first, first + 500):
            writer.write(f"第 {number}\n")
        writer.close()
    assert file.read_text().splitlines() == [f"第 {number}" for number in range(1000)]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_moved_away_is_made_anew(tmp_path: Path) -> None:
    file, moved = tmp_path / "log", tmp_path / "log.1"
    writer = LineWriter(file)
    writer.write("one\n")
    until(lambda: file.read_text() == "one\n")
    file.rename(moved)
    writer.write("two\n")
    writer.close()
    assert (moved.read_text(), file.read_text()) == ("one\n", "two\n")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "none" / "log", tmp_path / "pipe", tmp_path / "a\0b"):
        with pytest.raises(SettingError, match="cannot be opened .*; give log_file a file in a"):
            LineWriter(path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk here")
def test_a_full_disk_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    writer = LineWriter(Path("/dev/full"))
    for _ in range(5):
        writer.write("lost\n")
    writer.close()
    assert caplog.messages == [
        "The question log cannot be written (No space left on device); questions are still answered"
    ]


def test_a_line_that_a_full_disk_cut_spoils_none_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own, room = os.write, [8]

    def scarce(number: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        done = own(number, data[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr("qa.line_writer.os.write", scarce)
    file = tmp_path / "log"
    writer = LineWriter(file)
    writer.write("first\n")
    writer.write("second\n")
    until(lambda: bool(caplog.records))
    room[0] = 100
    writer.write("third\n")
    writer.close()
    assert file.read_text() == "first\nse\nthird\n"
    assert caplog.messages[-1] == "The question log is written again; 1 lines are lost"


def test_nobody_waits_for_a_pipe_that_is_not_read() -> None:
    """Standard error is a pipe that nobody reads; what is said there fits into no pipe."""
    program = (
        "import sys, time\n"
        "from qa.line_writer import LineWriter\n"
        "writer = LineWriter()\n"
        "began = time.monotonic()\n"
        "for _ in range(20_000): writer.write('x' * 100 + '\\n')\n"
        "print(time.monotonic() - began)\n"
        "writer.close()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.wait(SECONDS) == 0
        assert process.stdout is not None
        assert float(process.stdout.read()) < 5


def test_a_pipe_that_is_closed_ends_nothing() -> None:
    program = (
        "from qa.line_writer import LineWriter\n"
        "writer = LineWriter()\n"
        "input()\n"
        "for _ in range(10): writer.write('x\\n')\n"
        "writer.close()\n"
        "print('answered')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        process.stderr.close()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.read() == "answered\n"
