"""Users of a server: some ask at once again, some think, some leave, some bring documents."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from tests.load.ways import Outcome, RefusedError, act, asked, body_of, client_of, token_of


@dataclass(frozen=True, slots=True)
class Habit:
    """How a user asks.

    Attributes:
        way: see `ways.WAYS`.
        thinks: least and most seconds between an answer and the next question.
        leaves: share of questions whose answer is not waited for.
        brings: whether documents are uploaded and removed between the questions.
    """

    way: str
    thinks: tuple[float, float] = (0.0, 0.0)
    leaves: float = 0.0
    brings: bool = False


@dataclass
class Run:
    """What all users of a run share.

    Attributes:
        url: of the server.
        questions: what is asked.
        least: questions that are asked before the users end.
        until: when they end at the earliest, in seconds of the monotonic clock.
        latest: when they end whatever was asked.
        outcomes: what came of every question that was waited for.
        left: questions that were not.
        given: documents that were uploaded and removed.
    """

    url: str
    questions: Sequence[str]
    least: int
    until: float
    latest: float
    outcomes: list[Outcome] = field(default_factory=list)
    left: int = 0
    given: int = 0

    @property
    def requests(self) -> int:
        """How many questions were asked."""
        return len(self.outcomes) + self.left

    def is_over(self) -> bool:
        """Tell whether the users end."""
        now = time.monotonic()
        return now >= self.latest or (now >= self.until and self.requests >= self.least)


def habits(count: int, ways: Sequence[str], longest_thought: float) -> list[Habit]:
    """Return the habits of so many users: half hurry, a quarter think, the rest leave or bring."""
    kinds = [
        Habit("", (0.0, 0.05)),
        Habit("", (0.0, 0.2)),
        Habit("", (longest_thought / 30, longest_thought)),
        Habit("", (0.0, 0.2), leaves=0.3),
    ]
    found = [
        Habit(ways[at % len(ways)], kind.thinks, kind.leaves)
        for at in range(count)
        for kind in [kinds[at // len(ways) % len(kinds)]]
    ]
    return [*found[:-1], Habit("page", (0.0, 0.5), brings=True)] if "page" in ways else found


async def visit(run: Run, habit: Habit, number: int) -> None:
    """Ask until the run is over."""
    chance = random.Random(number)
    async with client_of(run.url) as client:
        while not run.is_over():
            question = chance.choice(run.questions)
            if habit.brings:
                await bring(run, client, f"来客{number}-{run.given}.txt")
            if chance.random() < habit.leaves:
                await _leave(run, habit, question, chance)
            else:
                run.outcomes.append(await asked(habit.way, client, question))
            await _think(run, chance.uniform(*habit.thinks))


async def _think(run: Run, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not run.is_over() and (left := until - time.monotonic()) > 0:
        await asyncio.sleep(min(left, 0.5))


async def _leave(run: Run, habit: Habit, question: str, chance: random.Random) -> None:
    """Ask with a connection of its own, and drop it before, in or after the answer."""
    run.left += 1
    async with client_of(run.url) as client:
        if habit.way == "page":
            client.headers["x-wenju-token"] = await token_of(client)
        with suppress(TimeoutError):
            async with asyncio.timeout(chance.choice((0.002, 0.01, 0.05, 0.2))):
                await asked(habit.way, client, question)


async def bring(run: Run, client: httpx.AsyncClient, name: str) -> None:
    """Upload a document and remove it, as the page does; both must be confirmed."""
    if "x-wenju-token" not in client.headers:
        client.headers["x-wenju-token"] = await token_of(client)
    text = f"{name}说，火车站有{run.given}个出口。\n"
    named = {"name": name, "language": "zh"}
    with suppress(RefusedError):
        taken = json.loads(
            body_of(
                await client.post("/wenju/documents/upload", params=named, content=text.encode())
            )
        )
        assert taken.get("source"), taken
        lines = await act(client, "documents", "remove", {"source": taken["source"]})
        assert lines, taken
        run.given += 1
