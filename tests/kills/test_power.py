"""The power fails: what was acknowledged is there, and all else is as before or as after.

Everything that an act writes is recorded; then it is played again up to some point, what was not
synced by then is lost in several ways (see `disk`), and what is left must open, answer and be built
on. By default a few points of some acts; with WENJU_KILLS=300 three hundred of each of all.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from embeddings.lexical import Tokenizer
from tests.kills import strace
from tests.kills.checks import check_cut_off, finish
from tests.kills.disk import Disk, Loss, digest_of, losses, put_on
from tests.kills.giving import ACTS, Giving, build_small, given_to, prepare_giving
from tests.kills.scenarios import NAMES, Scenario, prepare
from tests.tally import tally

ALL = "WENJU_KILLS" in os.environ
POINTS = int(os.environ.get("WENJU_KILLS", "2"))

BUILDS = NAMES if ALL else ("edited", "rollback")
GIVEN = tuple(ACTS) if ALL else ("upload", "remove", "exclude", "judge")

EVERYTHING = Loss("nothing", lambda count: count, lambda write: (0, len(write.data or b"")))

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not strace.is_here(), reason="needs strace"
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An act that was recorded: what it is about, and everything that it wrote."""

    about: Scenario | Giving
    disk: Disk


def copied(index: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    return Path(shutil.copytree(index, to)) if index.exists() else to


@pytest.fixture(scope="module")
def recorded(place: Path, tokenizer: Tokenizer) -> dict[str, Recorded]:
    """All acts, recorded by one process."""
    small = build_small(place / "small", tokenizer)
    abouts: dict[str, Scenario | Giving] = {
        name: prepare(name, place / name, tokenizer) for name in BUILDS
    }
    abouts |= {name: prepare_giving(name, small, place / name, copied) for name in GIVEN}
    indexes = {name: copied(about.index, place / name / "index") for name, about in abouts.items()}
    disks = {name: Disk(index) for name, index in indexes.items()}
    orders = [
        [about.action, str(about.documents), str(indexes[name])]
        if isinstance(about, Scenario) else [name, "", str(indexes[name])]
        for name, about in abouts.items()
    ]  # fmt: skip
    strace.record(["tests.kills.server", json.dumps(orders)], place / "log", ROOT)
    return {
        name: Recorded(about, strace.Replay(indexes[name], disks[name]).run(place / "log"))
        for name, about in abouts.items()
    }


def without_shared_memory(files: dict[PurePosixPath, bytes | None]) -> dict[str, bytes | None]:
    return {str(path): data for path, data in files.items() if path.suffix != ".db-shm"}


@pytest.mark.parametrize("name", [*BUILDS, *GIVEN])
def test_the_record_is_complete(recorded: dict[str, Recorded], place: Path, name: str) -> None:
    disk, index = recorded[name].disk, place / name / "index"
    found = {
        path.relative_to(index).as_posix(): path.read_bytes() if path.is_file() else None
        for path in index.rglob("*")
    }
    assert without_shared_memory(disk.after(disk.time, EVERYTHING)) == found


def points(disk: Disk, chance: random.Random, count: int) -> Iterator[tuple[int, Loss]]:
    """Yield times and losses: all kinds at the end, then at times of any kind."""
    for loss in losses(chance):
        yield disk.time, loss
    marks = [time for time in disk.marks if time > 0]
    for number in range(count):
        time = chance.choice(marks) if number % 2 else chance.randint(1, disk.time)
        yield from ((time, loss) for loss in losses(chance))


def power_fails(one: Recorded, at: Path, name: str, check: Callable[[bool], None]) -> None:
    """Let the power fail again and again; `check` is told whether the act was done by then."""
    disk, seen = one.disk, set()
    count = POINTS if isinstance(one.about, Scenario) or ALL else 20 * POINTS
    with tally("power fails: what was not synced is lost, in four ways") as tried:
        for time, loss in points(disk, random.Random(name), count):
            left = disk.after(time, loss)
            if (digest := (digest_of(left), time == disk.time)) in seen:
                continue
            seen.add(digest)
            shutil.rmtree(at, ignore_errors=True)
            put_on(at, left)
            with tried.trying(f"{name}: {time} of {disk.time}, lost {loss.name}"):
                check(time == disk.time)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", BUILDS)
def test_a_build(
    recorded: dict[str, Recorded], place: Path, tokenizer: Tokenizer, name: str
) -> None:
    index, about = place / "left", recorded[name].about
    assert isinstance(about, Scenario)

    def check(done: bool) -> None:
        check_cut_off(about, index, tokenizer, True if done else None)
        finish(about, index, tokenizer, forgot=True)

    power_fails(recorded[name], index, name, check)


@pytest.mark.parametrize("name", GIVEN)
def test_an_upload_an_exclusion_a_thumb(
    recorded: dict[str, Recorded], place: Path, name: str
) -> None:
    index, about = place / "left", recorded[name].about
    assert isinstance(about, Giving)

    def check(done: bool) -> None:
        found = given_to(index)
        assert found == about.after or (not done and found == about.before)

    power_fails(recorded[name], index, name, check)
