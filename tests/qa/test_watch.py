"""`wenju watch` in a process of its own, with real files and signals."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from embeddings.build import BATCH, build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from qa.bot import Bot
from qa.cli import main
from tests.qa.conftest import ALPHABET

ROOT = Path(__file__).parents[2]

_WATCH = """
import sys, time
from unittest.mock import patch
from embeddings.encoder import CountingEncoder
from qa.cli import main
class Slow(CountingEncoder):
    def encode_passages(self, texts):
        if "慢。" in texts:
            print("encoding", flush=True)
            time.sleep(60)
        return super().encode_passages(texts)
with patch("embeddings.encoder.open_encoder", lambda *_, **__: Slow(sys.argv[1])):
    main(sys.argv[2:])
"""


@contextmanager
def watching(documents: Path, *options: str | Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _WATCH, ALPHABET, "watch", documents, *options]
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    ended = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ended, "it did not come"
        time.sleep(0.1)


def test_the_index_follows_the_files(
    tmp_path: Path, counting: CountingEncoder, tokenizer: Tokenizer
) -> None:
    documents, index = tmp_path / "文档", tmp_path / "文档" / "索引"
    documents.mkdir()
    (documents / "甲.txt").write_text("天桥区有21家企业。", encoding="utf-8")
    with watching(documents, "--index", index, "--debounce", "0.3") as process:
        assert "1 new, 0 changed" in line_of(process)
        bot = Bot(index, counting, tokenizer)

        def sources() -> list[str]:
            return [hit.source for hit in bot.retrieve("高新区党建", k=9) if "高新" in hit.text]

        assert sources() == []
        (documents / "乙.txt").write_text("高新区有8个党建联盟。", encoding="utf-8")
        wait_until(lambda: sources() == ["乙.txt"])
        assert bot.ask("高新区有几个党建联盟？").text == "高新区有8个党建联盟。"
        (documents / "乙.txt").rename(documents / "丙.txt")
        wait_until(lambda: sources() == ["丙.txt"])
        (documents / "丙.txt").unlink()
        wait_until(lambda: sources() == [])
        (documents / "甲.txt").unlink()
        time.sleep(1)  # nothing is left to read: that is told of
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    pattern = (
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  .*; \d+ texts encoded; generation \d+ (un)?\w+, .* s"
    )
    assert [line for line in out.splitlines() if not re.fullmatch(pattern, line)] == []
    said = errors.splitlines()
    assert said[0] == f"watching {documents}; Ctrl+C ends it"
    assert [line.partition(";")[0] for line in said[1:]] == [
        f"wenju: The folder of documents {str(documents)!r} holds no file"
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_mid_build_ends_it_and_loses_nothing(
    tmp_path: Path, counting: CountingEncoder, tokenizer: Tokenizer, number: signal.Signals
) -> None:
    documents, index = tmp_path / "documents", tmp_path / "index"
    documents.mkdir()
    for at in range(BATCH + 3):
        (documents / f"{at}.txt").write_text(f"天桥区第{at}家企业。", encoding="utf-8")
    (documents / "慢.txt").write_text("慢。", encoding="utf-8")
    with watching(documents, "--index", index) as process:
        assert line_of(process) == "encoding\n"
        process.send_signal(number)
        out, errors = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in errors
    report = build(documents, index, counting, tokenizer)
    assert report.resumed is not None
    assert report.resumed.texts == BATCH


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["watch", str(tmp_path / "nicht")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.fullmatch(r"wenju: The folder of documents .* does not exist; .*\n", result.stderr)


def test_debounce_is_no_negative_number(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["watch", str(tmp_path), "--debounce", "-1"])
    assert result.exit_code == 2
    assert "-1.0 is not in the range 0<=x<=3600" in result.stderr
