"""What a build did or would do, as text and JSON; and progress on a terminal and in a log."""

from __future__ import annotations

import io
import json
import os
import pty
import sys
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from embeddings.catalogue import FileRecord
from embeddings.encoder import CountingEncoder
from embeddings.progress import Progress
from embeddings.reports import BuildReport, Changes, Plan, Resumed
from qa import terminal
from qa.build_report import to_json, to_line, to_text
from qa.cli import main

CHANGES = Changes(("新.txt",), ("改.txt",), (("旧.txt", "名.txt"),), ("去.txt",), 994)
SKIPPED = (FileRecord("图.png", None, "a picture"),)
PLAN = Plan(CHANGES, SKIPPED, 12, 2000, True)
REPORT = BuildReport(
    Path("索引"), 7, True, ("新.txt",), SKIPPED, 1, 2, 3, 12, 2000, 1.25, CHANGES, None
)


def test_a_report_as_text() -> None:
    resumed = replace(REPORT, resumed=Resumed(120, 300, 800, 2000))
    assert to_text(resumed).splitlines() == [
        "read     1 files, skipped 1",
        "  skipped 图.png: a picture",
        "made     1 documents, 2 passages, 3 sentences",
        "encoded  12 texts, 2000 were known",
        "files    1 new, 1 changed, 1 renamed, 1 removed, 994 unchanged",
        "resumed  went on with an interrupted build: 120 of 300 files read, "
        "800 of 2,000 texts encoded were kept",
        "index    索引, generation 7 published, 1.2 s",
    ]
    assert "resumed" not in to_text(REPORT)


def test_a_report_as_one_line() -> None:
    now = datetime(2021, 6, 16, 8, 5, 9)
    assert to_line(REPORT, now) == (
        "2021-06-16 08:05:09  1 new, 1 changed, 1 renamed, 1 removed, 994 unchanged, 1 skipped; "
        "12 texts encoded; generation 7 published, 1.2 s"
    )
    same = replace(REPORT, published=False, skipped=(), encoded=0)
    assert to_line(same, now).endswith(
        "994 unchanged; 0 texts encoded; generation 7 unchanged, 1.2 s"
    )


def test_a_plan_as_text() -> None:
    assert to_text(PLAN).splitlines() == [
        "files    1 new, 1 changed, 1 renamed, 1 removed, 994 unchanged, 1 skipped",
        "  new 新.txt",
        "  changed 改.txt",
        "  renamed 旧.txt -> 名.txt",
        "  removed 去.txt",
        "  skipped 图.png: a picture",
        "encode   12 texts, 2000 are known",
        "index    a new generation",
        "Nothing was written (--dry-run).",
    ]
    many = replace(PLAN, changes=replace(CHANGES, new=tuple(f"{n}.txt" for n in range(25))))
    lines = to_text(many).splitlines()
    assert (lines[20], lines[21]) == ("  new 19.txt", "  … and 5 more new")


def test_both_as_json() -> None:
    found = json.loads(json.dumps(to_json(PLAN)))
    assert found["changes"]["renamed"] == [["旧.txt", "名.txt"]]
    assert (found["texts"], found["publishes"]) == (12, True)
    report = json.loads(json.dumps(to_json(REPORT)))
    assert (report["index"], report["seconds"], report["resumed"]) == ("索引", 1.25, None)


@pytest.fixture
def _counting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    encoder = CountingEncoder("天桥区企业")
    monkeypatch.setattr("embeddings.encoder.open_encoder", lambda *_, **__: encoder)
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    Path("docs", "甲.txt").write_text("天桥区有21家企业。", encoding="utf-8")


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


@pytest.mark.usefixtures("_counting")
def test_the_command_takes_the_options() -> None:
    command = ("build", "docs", "--index", "new")
    dry = run(*command, "--dry-run").stdout.splitlines()
    assert dry == [
        "files    1 new, 0 changed, 0 renamed, 0 removed, 0 unchanged, 0 skipped",
        "  new 甲.txt",
        "encode   1 texts, 0 are known",
        "index    a new generation",
        "Nothing was written (--dry-run).",
    ]
    assert not Path("new").exists()
    assert json.loads(run(*command, "--dry-run", "--json").stdout)["texts"] == 1
    run(*command)
    again = json.loads(run(*command, "--check-content", "--json").stdout)
    assert (again["generation"], again["published"]) == (1, False)
    full = json.loads(run(*command, "--full", "--json").stdout)
    assert (full["generation"], full["encoded"], full["reused"]) == (2, 1, 0)
    Path("docs", "乙.xyz").touch()
    assert run(*command, "--dry-run", "--strict").exit_code == 3


def test_log_lines_come_at_most_every_few_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr("qa.terminal.time.monotonic", lambda: now[0])
    with terminal._progress() as tell:
        for done in range(1, 66):
            now[0] += 0.25
            tell(Progress("encode", done, 1000, 9.8, 3640.0 - done))
        tell(Progress("read", 5, 5, 1234.5, 0.0))
    assert capsys.readouterr().err.splitlines() == [
        "encoding texts: 20 of 1,000, 9.8/s, 1 h 0 min left",
        "encoding texts: 40 of 1,000, 9.8/s, 1 h 0 min left",
        "encoding texts: 60 of 1,000, 9.8/s, 59 min 40 s left",
    ]


@pytest.mark.parametrize(
    ("at", "line"),
    [
        (Progress("read", 0, 7), "0 of 7"),
        (Progress("read", 5, 5, 1234.5, 0.0), "5 of 5, 1,234/s"),
        (Progress("write", 1, 1000, 0.5, 125.4), "1 of 1,000, 0.5/s, 2 min 5 s left"),
        (Progress("write", 1, 1000, 99.95, 59.6), "1 of 1,000, 100.0/s, 1 min 0 s left"),
        (Progress("write", 1, 2, 99.0, 0.4), "1 of 2, 99.0/s, 0 s left"),
    ],
)
def test_how_far_a_stage_is(at: Progress, line: str) -> None:
    assert terminal._state(at) == line


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of POSIX")
def test_a_terminal_shows_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    inner, outer = pty.openpty()
    shown = io.BytesIO()

    def read() -> None:
        while True:
            try:
                shown.write(os.read(inner, 4096))
            except OSError:  # the other end is closed
                return

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(outer, "w", encoding="utf-8") as screen:
        monkeypatch.setattr("sys.stderr", screen)
        monkeypatch.setenv("COLUMNS", "120")
        with terminal._progress() as tell:
            tell(Progress("encode", 0, 40))
            tell(Progress("encode", 10, 40, 9.8, 3.1))
    reader.join()
    os.close(inner)
    text = shown.getvalue().decode()
    assert "encoding texts" in text
    assert "10 of 40, 9.8/s, 3 s left" in text
