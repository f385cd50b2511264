"""A disk that refuses: what was published answers, a sentence says what to do, the next build mends.

It refuses one commit, fsync, rename or removal; or from an event on every write; or every write
that makes a file larger than so many bytes; or it is a small disk that is really full. By default
a part of each; with WENJU_KILLS all of them.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from embeddings.build import build
from embeddings.errors import WenjuError
from embeddings.lexical import Tokenizer
from tests.embeddings.building import Recording
from tests.kills.checks import check_cut_off, finish
from tests.kills.events import Fault
from tests.kills.killing import TOLD, Killing
from tests.kills.scenarios import NAMES, Scenario, prepare
from tests.tally import tally

ALL = "WENJU_KILLS" in os.environ

STEP = 1 if ALL else 97
"""Every so many events the disk refuses."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and limits of files")

kinds = pytest.mark.parametrize(
    "killing", NAMES if ALL else ("grown", "rollback"), indirect=True, scope="module"
)


def refusals(events: Sequence[str]) -> Iterator[Fault]:
    """Yield faults of both kinds at events; closing a database is never refused."""
    for event in range(0, len(events), STEP):
        if events[event] != "close":
            yield Fault(event, "refused")
        yield Fault(event, "full")


@kinds
@pytest.mark.timeout(3600)
def test_refused_at_an_event(killing: Killing) -> None:
    events = killing.whole.events
    said = set()
    with tally("a full disk: one call refused, or all writes from it on") as tried:
        for fault in refusals(events):
            with tried.trying(f"{fault.how} at event {fault.event}: {events[fault.event]}"):
                said.add(bool(killing.refused(fault)))
    assert True in said


@kinds
@pytest.mark.timeout(3600)
def test_the_index_goes_away_and_comes_back(killing: Killing) -> None:
    events = killing.whole.events
    with tally("the folder of the index goes away while it is written, and comes back") as tried:
        for event in range(0, len(events), STEP):
            with tried.trying(f"event {event}: {events[event]}"):
                killing.vanished(Fault(event, "vanished"))


@kinds
@pytest.mark.timeout(3600)
def test_no_file_may_grow_beyond(killing: Killing) -> None:
    with tally("a full disk: no file may grow beyond so many bytes") as tried:
        for size in sizes(killing.scenario):
            with tried.trying(f"{size} bytes"):
                killing.refused(Fault(0, "full", size))


def sizes(scenario: Scenario) -> Iterator[int]:
    """Yield sizes of files up to that at which nothing is refused any more."""
    copy = scenario.copy(scenario.documents.with_name("sizes"))
    largest = max([1 << 17, *(path.stat().st_size for path in copy.rglob("*"))])
    step = 1.2 if ALL else 40.0
    yield from itertools.takewhile(lambda size: size < largest, (int(step**n) for n in range(99)))


@contextmanager
def small_disk(at: Path, kilobytes: int) -> Iterator[None]:
    """Mount a disk in memory; who may not skips the test."""
    at.mkdir(exist_ok=True)
    size = f"size={kilobytes}k,mode=777"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "wenju-test", str(at)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("may not mount a disk in memory")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def resize(at: Path, kilobytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(at)], check=True)


@pytest.mark.timeout(1800)
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs mount")
def test_a_small_disk_that_is_really_full(tmp_path: Path, tokenizer: Tokenizer) -> None:
    """Here a write may be cut in its middle, and a map of memory may have no room."""
    scenario = prepare("edited", tmp_path, tokenizer)
    with tally("a full disk: a small one, really full") as tried, small_disk(tmp_path / "d", 10**4):
        for room in range(4, 1024, 4 if ALL else 256):
            index = scenario.copy(tmp_path / "d" / "index")
            disk = os.statvfs(tmp_path / "d")
            resize(tmp_path / "d", (disk.f_blocks - disk.f_bfree) * disk.f_frsize // 1024 + room)
            with tried.trying(f"{room} KB of room"):
                told = _built(scenario, index, tokenizer)
                assert not told or TOLD.match(told), told
                check_cut_off(scenario, index, tokenizer, None if told else True)
                resize(tmp_path / "d", 10**4)
                finish(scenario, index, tokenizer)


def _built(scenario: Scenario, index: Path, tokenizer: Tokenizer) -> str:
    """Return what a build of this process says that fails; empty when it does not."""
    try:
        build(scenario.documents, index, Recording(), tokenizer)
    except WenjuError as error:
        return f"{type(error).__name__}: {error}"
    return ""
