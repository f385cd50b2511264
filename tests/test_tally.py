"""The tables that `make torture` ends with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import tally


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(tally.VARIABLE, str(tmp_path / "tally"))
    return tmp_path / "tally"


def failing(name: str) -> None:
    with tally.tally(name) as tried:
        for number in range(3):
            with tried.trying(f"number {number}"):
                assert number < 1, "lost"


def test_faults_are_summed_by_name_also_of_a_test_that_fails(folder: Path) -> None:
    with pytest.raises(AssertionError, match="lost") as caught:
        failing("断电")
    assert caught.value.__notes__ == ["断电: number 1"]
    with tally.tally("断电") as tried, tried.trying("once more"):
        pass
    tally.note("fuzzing", "读取器", cases=1500, crashes=0)
    tally.note("load", "page and API", users=64, requests=900, errors=0)
    tally.note("load", "page and API", users=64, requests=200, errors=1)
    assert tally.tables(tally.summed(folder), "2026-01-02", "abc1234") == (
        "`make torture` of 2026-01-02, commit abc1234\n\n"
        "| fault | tried | survived | lost |\n| --- | --: | --: | --: |\n"
        "| 断电 | 3 | 2 | 1 |\n| **all** | 3 | 2 | 1 |\n\n"
        "| what was fuzzed | cases | crashes |\n| --- | --: | --: |\n"
        "| 读取器 | 1,500 | 0 |\n| **all** | 1,500 | 0 |\n\n"
        "| load | users | requests | errors |\n| --- | --: | --: | --: |\n"
        "| page and API | 64 | 1,100 | 1 |\n| **all** | 64 | 1,100 | 1 |\n"
    )


def test_a_count_that_the_table_has_not_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"fuzzing counts \('cases', 'crashes'\), not"):
        tally.note("fuzzing", "x", cases=1, lost=0)
    assert not folder.exists()


def test_without_the_variable_nothing_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(tally.VARIABLE)
    tally.note("fuzzing", "x", cases=1, crashes=0)
    assert not folder.exists()


def test_the_script_prints_them_with_date_and_commit(folder: Path) -> None:
    tally.note("fuzzing", "x", cases=1, crashes=0)
    done = subprocess.run(
        [sys.executable, "-m", "tests.tally", str(folder)],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("`make torture` of 20")
    assert f", commit {tally.commit()}\n" in done.stdout
    assert "| x | 1 | 0 |" in done.stdout
