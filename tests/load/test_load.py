"""Many users at mixed rates, with a rebuild in the middle: no answer is lost, none is wrong.

`make torture` takes the packaged model, for WENJU_LOAD_SECONDS and WENJU_LOAD_QUESTIONS at least,
and bounds times and memory too: a short run is too noisy for them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from embeddings.lexical import Tokenizer
from tests.load.corpus import Corpus, of_seeds, small
from tests.load.figures import SLOWER, Times, counted, times_of
from tests.load.known import Known, known_by, wrong
from tests.load.processes import Server, Usage, serving
from tests.load.users import Run, habits, visit
from tests.load.ways import Outcome, asked, client_of
from tests.long import LONG, long_version
from tests.tally import note

USERS = 64
SECONDS = float(os.environ.get("WENJU_LOAD_SECONDS", "600" if LONG else "4"))
QUESTIONS = int(os.environ.get("WENJU_LOAD_QUESTIONS", "20000" if LONG else "300"))

LONGEST_THOUGHT = 30.0 if LONG else 2.0
SLOWEST = 6
"""How many times the time a busy machine may take until enough was asked."""

MOST_GROWTH = 0.05
"""By how much the memory may grow once a tenth of the questions is answered."""

FEW = 8
"""Descriptors and threads more than before that are no leak."""

CHAT, API = ("page", "queue", "api", "stream"), ("api", "stream")

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc"),
    pytest.mark.timeout(SECONDS * SLOWEST + 600),
]


@dataclass
class Found:
    """What a run under load brought.

    Attributes:
        alone: what came of the questions of one user.
        run: what came of those of all.
        generations: those that answered.
        samples: what the server used now and then, with the questions that were asked by then.
        before, after: what it used while nobody asked.
    """

    alone: list[Outcome]
    run: Run
    generations: list[Known]
    before: Usage
    after: Usage
    samples: list[tuple[int, Usage]] = field(default_factory=list)

    @property
    def times(self) -> Times:
        """How long answers took."""
        return times_of(self.alone, self.run.outcomes)


class Loading:
    """One server under load.

    Args:
        server: it.
        corpus: what it answers from.
        ways: in which it is asked.
    """

    def __init__(self, server: Server, corpus: Corpus, ways: Sequence[str]) -> None:
        self._server, self._corpus, self._ways = server, corpus, ways
        self._generations = [known_by(corpus)]

    async def load(self) -> Found:
        """Ask alone, warm up, then ask with all users and rebuild in the middle."""
        alone = await self._alone()
        await self._together(QUESTIONS // 10, SECONDS / 10)
        before = await self._quiet()
        run, samples = await self._together(QUESTIONS, SECONDS)
        after = await self._quiet(before.descriptors)
        return Found(alone, run, self._generations, before, after, samples)

    async def _alone(self) -> list[Outcome]:
        found = []
        async with client_of(self._server.url) as client:
            for turn in range(4):
                for way in self._ways:
                    each = [await asked(way, client, one) for one in self._corpus.questions]
                    found += each if turn else []  # the first opens what the next need not
        return found

    async def _together(self, least: int, seconds: float) -> tuple[Run, list[tuple[int, Usage]]]:
        """Have all users ask; half-way a document changes and the index is rebuilt."""
        now = time.monotonic()
        run = Run(
            self._server.url, self._corpus.questions, least, now + seconds, now + seconds * SLOWEST
        )
        samples: list[tuple[int, Usage]] = []
        watching = asyncio.create_task(self._watch(run, samples))
        async with asyncio.TaskGroup() as group:
            for number, habit in enumerate(habits(USERS, self._ways, LONGEST_THOUGHT)):
                group.create_task(visit(run, habit, number))
            group.create_task(self._rebuild(now + seconds / 2))
        watching.cancel()
        return run, samples

    async def _rebuild(self, due: float) -> None:
        """Change a document, have the index rebuilt, and learn what the new one says."""
        await asyncio.sleep(due - time.monotonic())
        self._corpus.change(len(self._generations) + 1)
        began = time.monotonic()
        async with client_of(self._server.url) as client:
            started = await client.post("/api/rebuild")
            assert started.json()["started"], started.text
            while (state := (await client.get("/api/rebuild")).json())["running"]:
                await asyncio.sleep(0.05)
        assert state["report"]["published"], state
        self._generations[-1].until = time.monotonic()
        self._generations.append(await asyncio.to_thread(known_by, self._corpus, began))

    async def _watch(self, run: Run, samples: list[tuple[int, Usage]]) -> None:
        while True:
            samples.append((run.requests, await asyncio.to_thread(self._server.usage)))
            await asyncio.sleep(SECONDS / 60)

    async def _quiet(self, most: int = sys.maxsize) -> Usage:
        """Return what the server uses when nobody asks; it has a while to let go of all."""
        async with client_of(self._server.url) as client:
            for way in self._ways:
                await asked(way, client, self._corpus.questions[0])
        until, usage = time.monotonic() + 30, self._server.usage()
        while time.monotonic() < until and (len(usage.generations) > 1 or usage.descriptors > most):
            await asyncio.sleep(0.2)
            usage = self._server.usage()
        return usage


def check_answers(found: Found, name: str) -> None:
    """Check that every question was answered as one generation does; count it."""
    every = [*found.alone, *found.run.outcomes]
    bad, counts = wrong(every, found.generations), counted(every)
    note("load", name, users=USERS, requests=found.run.requests, errors=len(bad) + counts["lost"])
    assert [one for one in every if one.lost][:3] == []
    assert bad[:3] == []
    assert counts["told to come again"] == 0, "64 users are within the limits"
    assert found.run.requests >= QUESTIONS
    assert found.run.left > 0
    check_generations(found)


def check_generations(found: Found) -> None:
    """Check that the change was seen: each generation answered, and they say different things."""
    assert [known.number for known in found.generations] == [1, 2, 3]
    for known, other in pairwise(found.generations):
        assert known.records != other.records
    for known in found.generations[1:]:
        assert any(
            known.says(one) and one.record != found.generations[0].records[one.question]
            for one in found.run.outcomes
        )


def check_usage(found: Found) -> None:
    """Check that nothing is kept of those who have gone."""
    assert found.after.descriptors <= found.before.descriptors + FEW
    assert found.after.threads <= found.before.threads + FEW
    assert found.after.generations == {found.generations[-1].number}


def check_bounds(found: Found) -> None:
    """Check times and memory."""
    assert found.times.slowness <= SLOWER, found.times
    warm = [usage for asked, usage in found.samples if asked >= QUESTIONS // 10]
    tenth = max(1, len(warm) // 10)
    first, last = (median(one.memory for one in part) for part in (warm[:tenth], warm[-tenth:]))
    assert last / first - 1 < MOST_GROWTH, (first, last)


@pytest.mark.parametrize(
    ("command", "ways"),
    [("chat", CHAT), pytest.param("serve", API, marks=long_version)],
)
def test_many_users_and_a_rebuild(
    command: str, ways: Sequence[str], tmp_path: Path, tokenizer: Tokenizer
) -> None:
    corpus = (of_seeds if LONG else small)(tmp_path, tokenizer)
    with serving(command, corpus.index, real=LONG) as server:
        found = asyncio.run(Loading(server, corpus, ways).load())
        errors = server.said()
    sys.stdout.write(told(command, found))
    check_answers(found, f"wenju {command}: {USERS} users at mixed rates, a rebuild in the middle")
    check_usage(found)
    assert "Traceback" not in errors, errors
    if LONG:
        check_bounds(found)


def told(command: str, found: Found) -> str:
    """Return the figures of a run, for who runs it."""
    run, counts = found.run, counted(found.run.outcomes)
    memory = [
        f"{usage.memory >> 20}" for _, usage in found.samples[:: len(found.samples) // 8 or 1]
    ]
    return (
        f"{command}: {run.requests:,} questions, {run.left:,} not waited for, {run.given} documents "
        f"given; {dict(counts)}; {found.times}; MB {' '.join(memory)}; descriptors "
        f"{found.before.descriptors} -> {found.after.descriptors}, threads "
        f"{found.before.threads} -> {found.after.threads}\n"
    )
