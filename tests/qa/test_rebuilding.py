"""A rebuild in the background: one at a time, watched by many, its end told."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.errors import SourceError
from embeddings.lexical import Tokenizer
from embeddings.library import Library
from embeddings.progress import OnProgress, Progress
from embeddings.reports import BuildReport
from embeddings.settings import Settings
from embeddings.store import IndexFolder
from qa.bot import Bot
from qa.cli import main
from qa.rebuilding import Rebuilding, build_of
from tests.qa.conftest import ALPHABET, PAGES

PATIENCE = 20.0


def ended(rebuilding: Rebuilding) -> None:
    """Wait until it has ended."""
    while rebuilding.state().running:
        rebuilding.wait(PATIENCE)


class Held:
    """A build that waits at its first step until it may go on."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.count = 0
        self.error: BaseException | None = None

    def __call__(self, tell: OnProgress) -> BuildReport:
        self.count += 1
        tell(Progress("read", 1, 4, 2.0, 1.5))
        self.begun.set()
        assert self.may_end.wait(PATIENCE)
        raise self.error or SourceError("no folder")


@pytest.fixture
def held() -> Held:
    return Held()


def test_a_second_one_sees_the_first(held: Held, tmp_path: Path) -> None:
    rebuilding = Rebuilding(held, tmp_path)
    assert (rebuilding.state().number, rebuilding.state().running) == (0, False)
    assert rebuilding.start()
    assert not rebuilding.start()
    assert held.begun.wait(PATIENCE)
    state = rebuilding.state()
    assert (state.number, state.running, state.at) == (1, True, Progress("read", 1, 4, 2.0, 1.5))
    held.may_end.set()
    ended(rebuilding)
    state = rebuilding.state()
    assert (held.count, state.running, state.error, state.report) == (1, False, "no folder", None)
    assert rebuilding.start()
    ended(rebuilding)
    assert (held.count, rebuilding.state().number) == (2, 2)


def test_a_full_disk_is_told(held: Held, tmp_path: Path) -> None:
    held.error = OSError(28, "No space left on device")
    held.may_end.set()
    rebuilding = Rebuilding(held, tmp_path)
    rebuilding.start()
    ended(rebuilding)
    assert rebuilding.state().error == "The rebuild failed: No space left on device"


def test_a_fault_of_the_program_ends_it_too(
    held: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr("threading.excepthook", raised.append)
    held.error = ZeroDivisionError()
    held.may_end.set()
    rebuilding = Rebuilding(held, tmp_path)
    rebuilding.start()
    ended(rebuilding)
    assert (rebuilding.state().error, rebuilding.state().report) == ("", None)
    for thread in threading.enumerate():
        if thread.name == "wenju-rebuild":
            thread.join(PATIENCE)
    assert [found.exc_type for found in raised] == [ZeroDivisionError]


@pytest.fixture
def site(tmp_path: Path, tokenizer: Tokenizer) -> tuple[Bot, Library, Rebuilding]:
    root, index = tmp_path / "documents", tmp_path / "index"
    root.mkdir()
    for name, text in PAGES.items():
        (root / name).write_bytes(text.encode())
    encoder = CountingEncoder(ALPHABET)
    build(root, index, encoder, tokenizer)
    bot, library = Bot(index, encoder, tokenizer), Library(index)
    return bot, library, Rebuilding(build_of(library, lambda: bot.engines, Settings()), index)


def test_the_bot_uses_the_new_index_by_itself(site: tuple[Bot, Library, Rebuilding]) -> None:
    bot, library, rebuilding = site
    with library.receiving() as file:
        file.write("名项目\n\n党建名项目有77个企业。\n".encode())
        library.add("名单.txt", file)
    assert rebuilding.start()
    ended(rebuilding)
    report = rebuilding.state().report
    assert report is not None
    assert report.changes.new == ("uploads/名单.txt",)
    assert rebuilding.state().at == Progress("write", 4, 4, *vars_of(rebuilding))
    found = bot.ask("党建名项目有多少个企业？", sources=["uploads/名单.txt"])
    assert found.citations[0].source == "uploads/名单.txt"


def give(library: Library, name: str) -> None:
    with library.receiving() as file:
        file.write(f"{name}\n\n{name}有77个企业。\n".encode())
        library.add(f"{name}.txt", file)


class Halting(CountingEncoder):
    """Encodes nothing before it may."""

    def __init__(self) -> None:
        super().__init__(ALPHABET)
        self.begun, self.may_go_on = threading.Event(), threading.Event()

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.begun.set()
        assert self.may_go_on.wait(PATIENCE)
        return super().encode_passages(texts)


@pytest.mark.parametrize("is_given", [True, False])
def test_what_is_given_to_a_running_rebuild_is_taken_in(
    site: tuple[Bot, Library, Rebuilding], is_given: bool
) -> None:
    _, library, _ = site
    encoder = Halting()
    build_ = build_of(library, lambda: (encoder, site[0].engines[1]), Settings())
    rebuilding = Rebuilding(build_, library.index)
    give(library, "甲")
    rebuilding.start()
    assert encoder.begun.wait(PATIENCE)
    if is_given:
        give(library, "乙")
    assert not rebuilding.start()
    encoder.may_go_on.set()
    ended(rebuilding)
    state = rebuilding.state()
    assert state.report is not None
    new = ("uploads/甲.txt", "uploads/乙.txt")
    assert state.report.changes.new == (new if is_given else new[:1])
    assert (state.number, state.error) == (1, None)
    assert state.report.generation == 2 + is_given
    assert library.listing().waiting == 0


def test_a_rebuild_that_nobody_wants_again_ends(site: tuple[Bot, Library, Rebuilding]) -> None:
    _, library, _ = site
    encoder = Halting()
    build_ = build_of(library, lambda: (encoder, site[0].engines[1]), Settings())
    rebuilding = Rebuilding(build_, library.index)
    give(library, "甲")
    rebuilding.start()
    assert encoder.begun.wait(PATIENCE)
    give(library, "乙")
    encoder.may_go_on.set()
    ended(rebuilding)
    assert library.listing().waiting == 1


def test_an_index_that_was_removed_is_built_anew(site: tuple[Bot, Library, Rebuilding]) -> None:
    bot, library, rebuilding = site
    shutil.rmtree(library.index)
    rebuilding.start()
    ended(rebuilding)
    assert rebuilding.state().error is None
    assert bot.ask("天桥区签约多少个项目？").answered


def vars_of(rebuilding: Rebuilding) -> tuple[float | None, float | None]:
    at = rebuilding.state().at
    assert at is not None
    return at.rate, at.seconds_left


def test_another_process_is_named(site: tuple[Bot, Library, Rebuilding]) -> None:
    _, library, rebuilding = site
    assert rebuilding.other() is None
    with IndexFolder(library.index).writing("checking"):
        other = rebuilding.other()
        assert other is not None
        assert (other.doing, other.process, other.host) == (
            "checking", os.getpid(), socket.gethostname(),
        )  # fmt: skip
        rebuilding.start()
        ended(rebuilding)
    assert "Another process is checking the index" in (rebuilding.state().error or "")
    assert str(os.getpid()) in (rebuilding.state().error or "")


def test_an_index_without_a_root_says_what_to_do(tmp_path: Path, bot: Bot) -> None:
    library = Library(tmp_path / "none")
    rebuilding = Rebuilding(build_of(library, lambda: bot.engines, Settings()), library.index)
    rebuilding.start()
    ended(rebuilding)
    assert "build it once: wenju build FOLDER --index" in (rebuilding.state().error or "")


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


def test_the_command_lists_excludes_and_includes(site: tuple[Bot, Library, Rebuilding]) -> None:
    _, library, _ = site
    index = ("--index", str(library.index))
    out = run("documents", *index).stdout.splitlines()
    assert out[0] == "天桥.txt  天桥区抓党建 · 1 articles, 4 passages"
    assert out[-1] == "3 indexed"
    out = run("documents", *index, "--exclude", "天桥.txt").stdout.splitlines()
    assert out[0].startswith("天桥.txt  excluded · 天桥区抓党建")
    assert out[0].endswith("answers until the next build")
    assert out[-2:] == ["2 indexed, 1 excluded", "1 files wait for the next build: wenju build"]
    found = json.loads(run("documents", *index, "--json", "--include", "天桥.txt").stdout)
    assert (found["waiting"], found["files"][0]["status"]) == (0, "indexed")
    wrong = run("documents", *index, "--exclude", "无.txt")
    assert (wrong.exit_code, "There is no file '无.txt'" in wrong.stderr) == (2, True)


def test_the_command_without_an_index(tmp_path: Path) -> None:
    result = run("documents", "--index", str(tmp_path / "none"))
    assert (result.exit_code, "There is no index" in result.stderr) == (2, True)
    assert not (tmp_path / "none").exists()
