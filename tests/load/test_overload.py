"""More users than the limits allow, and users that are slow on purpose: nobody else is lost.

Each of many who ask at the same time gets an answer, or a sentence that tells to come again.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import pytest

from embeddings.lexical import Tokenizer
from qa.api.limits import ASKED_AT_ONCE, WAITING
from tests.load.corpus import Corpus, of_seeds, small
from tests.load.figures import counted
from tests.load.known import Known, known_by, wrong
from tests.load.processes import Server, serving
from tests.load.ways import Outcome, asked, client_of, token_of
from tests.long import LONG
from tests.tally import note

AT_ONCE = 500
"""Connections that ask at the same time."""

SLOW = 60
"""Connections of each kind that are slow on purpose."""

BOUND = 90.0
"""Seconds within which all of them have an answer, or know that they have to come again."""

LET_GO = 60.0
"""Seconds after which nothing is left of slow connections."""

FEW = 8
"""Descriptors more than before that are no leak."""

OVERLOADED = {"chat": ("page", "queue"), "serve": ("api", "stream")}
"""In which ways many ask at once."""

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Corpus:
    return (of_seeds if LONG else small)(tmp_path_factory.mktemp("overload"), tokenizer)


@pytest.fixture(scope="module")
def known(corpus: Corpus) -> Known:
    return known_by(corpus)


@pytest.fixture(scope="module", params=["chat", "serve"])
def server(request: pytest.FixtureRequest, corpus: Corpus) -> Iterator[Server]:
    with serving(request.param, corpus.index, real=LONG) as found:
        yield found


def ways_of(server: Server) -> tuple[str, ...]:
    return ("page", "queue", "api", "stream") if server.command == "chat" else ("api", "stream")


async def at_once(server: Server, ways: Sequence[str], questions: Sequence[str]) -> list[Outcome]:
    """Ask with a connection of its own for each, all at the same time."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client_of(server.url)) for _ in range(AT_ONCE)]
        if "page" in ways:
            token = await token_of(clients[0])
            for client in clients:
                client.headers["x-wenju-token"] = token
        return await asyncio.gather(
            *(
                asked(ways[at % len(ways)], client, questions[at % len(questions)])
                for at, client in enumerate(clients)
            )
        )


async def one_each(server: Server, corpus: Corpus) -> list[Outcome]:
    async with client_of(server.url) as client:
        return [
            await asked(way, client, one) for way in ways_of(server) for one in corpus.questions
        ]


def check(outcomes: Sequence[Outcome], known: Known) -> None:
    assert [one for one in outcomes if one.lost][:3] == []
    assert wrong(outcomes, [known])[:3] == []


def test_hundreds_ask_at_once(server: Server, corpus: Corpus, known: Known) -> None:
    for ways in ([way] for way in OVERLOADED[server.command]):
        began = time.monotonic()
        found = asyncio.run(at_once(server, ways, corpus.questions))
        counts = counted(found)
        name = f"wenju {server.command}: {AT_ONCE} at once, by {ways[0]}; or told to come again"
        note(
            "load",
            name,
            users=AT_ONCE,
            requests=AT_ONCE,
            errors=counts["lost"] + len(wrong(found, [known])),
        )
        check(found, known)
        assert counts["answered"] >= ASKED_AT_ONCE + WAITING
        assert counts["told to come again"] > 0
        assert time.monotonic() - began < BOUND
    after = asyncio.run(one_each(server, corpus))
    check(after, known)
    assert counted(after)["told to come again"] == 0
    assert "Traceback" not in server.said(), server.said()


# ---- slow on purpose ----


async def _drip(writer: asyncio.StreamWriter) -> None:
    """Send a byte each second, for ever."""
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(1)


def _head(server: Server, more: str, token: str) -> bytes:
    host = urlsplit(server.url).netloc
    path = "/wenju/act/ask/ask" if server.command == "chat" else "/api/ask"
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"x-wenju-token: {token}\r\n{more}"
    ).encode()


def _beginnings(server: Server, token: str) -> list[tuple[bytes, bool]]:
    """Return how slow requests begin, and whether they then go on byte by byte."""
    body = b'{"question": "?", "stream": true}'
    return [
        (_head(server, "X-Slow: ", token), True),
        (_head(server, "Content-Length: 1000000\r\n\r\n", token), True),
        (_head(server, "Transfer-Encoding: chunked\r\n\r\nf4240\r\n", token), True),
        (_head(server, f"Content-Length: {len(body)}\r\n\r\n", token) + body, False),
        (b"", False),
    ]


@asynccontextmanager
async def slow_ones(server: Server) -> AsyncIterator[None]:
    """Keep connections that send byte by byte, that do not read, that say nothing."""
    address = urlsplit(server.url)
    token = ""
    if server.command == "chat":
        async with client_of(server.url) as client:
            token = await token_of(client)
    writers, dripping = [], []
    for begin, goes_on in _beginnings(server, token) * SLOW:
        _, writer = await asyncio.open_connection(address.hostname, address.port, limit=1)
        writer.write(begin)
        writers.append(writer)
        if goes_on:
            dripping.append(asyncio.create_task(_drip(writer)))
    try:
        yield
    finally:
        for task in dripping:
            task.cancel()
        await asyncio.gather(*dripping, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()


async def _beside_slow_ones(server: Server, corpus: Corpus) -> list[Outcome]:
    before = server.usage().descriptors
    chance = random.Random(1)
    async with slow_ones(server):
        found = []
        for _ in range(3):
            found += await one_each(server, corpus)
            await asyncio.sleep(chance.uniform(0, 0.2))
        if LONG:
            await _until_few(server, before + FEW)
            found += await one_each(server, corpus)
    await _until_few(server, before + FEW)
    return found


async def _until_few(server: Server, most: int) -> None:
    """Wait until the server has let go of the slow ones."""
    until = time.monotonic() + LET_GO
    while server.usage().descriptors > most:
        assert time.monotonic() < until, f"{server.usage()} after {LET_GO} s"
        await asyncio.sleep(0.5)


def test_slow_clients_keep_nobody_from_answers(
    server: Server, corpus: Corpus, known: Known
) -> None:
    found = asyncio.run(_beside_slow_ones(server, corpus))
    name = f"wenju {server.command}: beside {5 * SLOW} that send byte by byte, do not read, or say nothing"
    errors = len(wrong(found, [known])) + counted(found)["lost"]
    note("load", name, users=5 * SLOW + 1, requests=len(found), errors=errors)
    check(found, known)
    assert counted(found)["told to come again"] == 0
    assert "Traceback" not in server.said(), server.said()
