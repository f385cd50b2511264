"""Clocks that jump, and folders that may not be written or vanish: nothing is lost or mistaken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from embeddings.build import build
from embeddings.errors import IndexMissingError, IndexWriteError
from embeddings.lexical import Tokenizer
from embeddings.uploads import Uploads
from embeddings.verify import verify
from qa.bot import Bot
from qa.feedback import FeedbackStore, Verdict
from tests.embeddings.building import Recording, write
from tests.embeddings.test_publishing import without_rights
from tests.kills.giving import TEXT, judge, upload
from tests.kills.killing import TOLD
from tests.tally import tally

SECOND = 10**9
DAY = 86_400 * SECOND
JUMPS = (-3650 * DAY, -DAY, -SECOND, DAY, 3650 * DAY)
KIND = "a clock jumps between builds, or a file has an odd time"


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    for name in "甲乙":
        write(tmp_path / "documents" / f"{name}.txt", f"{name}区有1家企业。\n")
    return tmp_path / "documents"


@pytest.fixture
def index(documents: Path, tokenizer: Tokenizer) -> Path:
    build(documents, documents.with_name("index"), Recording(), tokenizer)
    return documents.with_name("index")


@pytest.mark.parametrize("jump", JUMPS)
def test_a_change_is_seen_though_the_clock_has_jumped(
    documents: Path, index: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    own = time.time_ns
    bot = Bot(index, Recording(), tokenizer)
    with tally(KIND) as tried:
        for version in (2, 3, 4):
            shift = jump * (version % 2)  # there and back
            monkeypatch.setattr("embeddings.scan.time.time_ns", lambda shift=shift: own() + shift)
            path = documents / "甲.txt"
            path.write_text(f"甲区有{version}家企业。\n", encoding="utf-8")
            at = own() + shift
            os.utime(path, ns=(at, at))
            with tried.trying(f"{jump} ns, version {version}"):
                assert build(documents, index, Recording(), tokenizer).changes.changed == (
                    "甲.txt",
                )
                os.utime(index / "CURRENT", ns=(at, at))
                assert f"{version}家" in bot.ask("甲区有几家企业？").text
                again = build(documents, index, Recording(), tokenizer)
                assert (again.published, again.encoded) == (False, 0)
    assert verify(index, Recording()).problems == ()


@pytest.mark.parametrize("at", [0, 1, -DAY, 2**31 * SECOND, 4_102_444_800 * SECOND])
def test_files_of_any_time_are_read_and_their_changes_seen(
    documents: Path, index: Path, tokenizer: Tokenizer, at: int
) -> None:
    path = documents / "乙.txt"
    for version in (5, 6):
        path.write_text(f"乙区有{version}家企业。\n", encoding="utf-8")
        os.utime(path, ns=(at + version, at + version))
        with tally(KIND) as tried, tried.trying(f"a file of {at}"):
            build(documents, index, Recording(), tokenizer)
            bot = Bot(index, Recording(), tokenizer)
            assert f"{version}家" in bot.ask("乙区有几家企业？").text


def test_of_two_thumbs_the_later_given_counts_not_the_later_dated(index: Path) -> None:
    judge(index, "x")
    (first,) = FeedbackStore(index).all()
    FeedbackStore(index).add(replace(first, verdict=Verdict.DOWN, time="1999-01-01T00:00:00+00:00"))
    (counts,) = FeedbackStore(index).all()
    assert counts.verdict is Verdict.DOWN


def test_a_jump_while_something_is_uploaded_is_told(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a day an upload that did not end is taken away; here the day passes in a moment."""
    given, own = Uploads(index), time.time

    def slowly() -> None:
        with given.receiving() as file:
            file.write(TEXT.encode())
            file.flush()
            monkeypatch.setattr("embeddings.uploads.time.time", lambda: own() + 2 * DAY / SECOND)
            upload(index, "别.txt", TEXT[:300])
            given.keep("新.txt", file)

    with pytest.raises(IndexWriteError, match="cannot be written"):
        slowly()
    assert [entry.source for entry in given.entries()] == ["uploads/别.txt"]
    upload(index)
    assert len(given.entries()) == 2


def test_an_index_that_vanishes_goes_on_answering_and_takes_nothing(
    documents: Path, index: Path, tokenizer: Tokenizer
) -> None:
    bot = Bot(index, Recording(), tokenizer)
    said = bot.ask("甲区有几家企业？")
    shutil.rmtree(index)
    with tally("the folder of the index vanishes, or may only be read") as tried:
        with tried.trying("asking"):
            assert bot.ask("甲区有几家企业？") == said
            assert "There is no index in" in str(bot.info().warning)
            assert len(bot.documents()) == 2
        with tried.trying("thumb"), pytest.raises(IndexMissingError, match="wenju build"):
            judge(index)
        with tried.trying("verify"), pytest.raises(IndexMissingError, match="wenju build"):
            verify(index, Recording())
        assert not index.exists()
        with tried.trying("upload"):
            upload(index)  # as before a first build, which takes it in
        with tried.trying("build"):
            assert build(documents, index, Recording(), tokenizer).generation == 1
            assert "uploads/新.txt" in bot.info().sources
            assert bot.info().warning is None


class Moving(Recording):
    """Has the index go away while it encodes."""

    def __init__(self, index: Path) -> None:
        super().__init__()
        self._index = index

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self._index.exists():
            self._index.rename(self._index.with_name("away"))
        return super().encode_passages(texts)


def test_an_index_that_goes_away_in_a_build_begins_no_other_and_comes_back(
    documents: Path, index: Path, tokenizer: Tokenizer
) -> None:
    """Two generations of one number must not be: the catalogue would take one for the other."""
    write(documents / "甲.txt", "甲区有2家企业。\n", 60.123456789)
    with (
        tally("the folder of the index vanishes, or may only be read") as tried,
        tried.trying("build"),
    ):
        with pytest.raises(IndexWriteError, match="cannot be written.*--index"):
            build(documents, index, Moving(index), tokenizer)
        assert not index.exists()
        index.with_name("away").rename(index)
        assert "1家" in Bot(index, Recording(), tokenizer).ask("甲区有几家企业？").text
        assert build(documents, index, Recording(), tokenizer).generation == 2
        assert "2家" in Bot(index, Recording(), tokenizer).ask("甲区有几家企业？").text


def test_an_index_that_may_only_be_read_says_so_of_whatever_is_given(index: Path) -> None:
    acts = ("judge", "upload", "remove", "exclude", "build", "go back")
    judge(index, "a")
    upload(index, "旧.txt")
    for path in [index, *index.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        done = subprocess.run(
            [sys.executable, "-c", _GIVING, str(index), *acts], capture_output=True, text=True,
            cwd=Path(__file__).parents[2], check=True, preexec_fn=without_rights,
        )  # fmt: skip
    finally:
        for path in [index, *index.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
    said = done.stdout.splitlines()
    with tally("the folder of the index vanishes, or may only be read") as tried:
        for act, line in zip(acts, said, strict=True):
            with tried.trying(f"{act}: {line}"):
                assert TOLD.match(line)


_GIVING = """
import sys
from pathlib import Path
from embeddings.build import build
from embeddings.errors import WenjuError
from embeddings.lexical import Tokenizer
from embeddings.model import home
from embeddings.store import IndexFolder
from tests.embeddings.building import Recording
from tests.kills.giving import ACTS
from tests.kills.scenarios import act
index = Path(sys.argv[1])
tokenizer = Tokenizer(home() / "jieba")
for name in sys.argv[2:]:
    try:
        action = "rollback" if name == "go back" else name
        act(action, index.with_name("documents"), index, tokenizer)
        print("done")
    except WenjuError as error:
        print(f"{type(error).__name__}: {error}")
"""
