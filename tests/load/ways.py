"""The ways to ask a server: as a program over the API, as the page, through gradio's queue.

Each asks one question and says what came of it: the record of the answer, a sentence that tells to
come again, or nothing.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from qa.page.references import NEAREST_SHOWN

COME_AGAIN = frozenset({429, 503})

PATIENCE = 120.0
"""Seconds after which an answer counts as lost."""

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a question.

    Attributes:
        way: how it was asked.
        question: what was asked.
        began: when, in seconds of the monotonic clock.
        ended: when all had come.
        record: the answer as `qa.render.answer_to_json` has it, cut to what every way gives;
            None where there is none.
        told: the sentence that told to come again; empty where there is none.
        lost: why there is neither; empty where there is one.
    """

    way: str
    question: str
    began: float
    ended: float
    record: Record | None = None
    told: str = ""
    lost: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


class RefusedError(Exception):
    """The server tells to come again."""


def cut(record: Record) -> Record:
    """Return a record with as many of the nearest passages as every way gives."""
    return {**record, "nearest": record["nearest"][:NEAREST_SHOWN]}


Way = Callable[[httpx.AsyncClient, str], Awaitable[Record]]


async def asked(way: str, client: httpx.AsyncClient, question: str) -> Outcome:
    """Ask in one of the `WAYS`."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE):
            record = cut(await WAYS[way](client, question))
    except RefusedError as error:
        return Outcome(way, question, began, time.monotonic(), told=str(error))
    except (httpx.HTTPError, TimeoutError, ValueError, KeyError, IndexError) as error:
        return Outcome(way, question, began, time.monotonic(), lost=repr(error))
    return Outcome(way, question, began, time.monotonic(), record)


def client_of(url: str) -> httpx.AsyncClient:
    """Return a client with connections of its own; its patience is that of `asked`."""
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=None, verify=False)


def body_of(response: httpx.Response) -> str:
    """Return the body of an answer.

    Raises:
        RefusedError: when it tells to come again, in a sentence.
        ValueError: when it is neither that nor an answer.
    """
    if response.status_code in COME_AGAIN:
        raise RefusedError(_sentence(response))
    if response.status_code >= 300:
        raise ValueError(f"{response.status_code} {response.text[:200]}")
    return response.text


def _sentence(response: httpx.Response) -> str:
    """Return the sentence of a refusal: of the JSON problem, or the plain text of the page."""
    if response.headers["content-type"].startswith("application/json"):
        found = response.json()
        sentence = found["error"]["message"] if "error" in found else found["detail"]
    else:
        sentence = response.text
    if len(sentence.split()) < 4:
        raise ValueError(f"{response.status_code} without a sentence: {sentence!r}")
    return str(sentence)


# ---- the API ----


async def _plain(client: httpx.AsyncClient, question: str) -> Record:
    found = body_of(await client.post("/api/ask", json={"question": question}))
    record: Record = json.loads(found)
    return record


async def _streamed(client: httpx.AsyncClient, question: str) -> Record:
    """Ask for events; the sentences that come first must be those of the record."""
    asked = {"question": question, "stream": True}
    events = _events(body_of(await client.post("/api/ask", json=asked)))
    *sentences, (name, record) = events
    if name != "answer" or {kind for kind, _ in sentences} - {"sentence"}:
        raise ValueError(f"events {[kind for kind, _ in events]}")
    said = [{key: one[key] for key in record["sentences"][0]} for _, one in sentences]
    if said != record["sentences"]:
        raise ValueError(f"other sentences before the record than in it: {said}")
    found: Record = record
    return found


def _events(body: str) -> list[tuple[str, Any]]:
    if not body.endswith("\n\n"):
        raise ValueError(f"cut off: {body[-80:]!r}")
    found = []
    for block in body.split("\n\n")[:-1]:
        name, _, data = block.partition("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


# ---- the page ----


async def token_of(client: httpx.AsyncClient) -> str:
    """Return the token of the page's process, which the page asks for when it is opened."""
    return str(json.loads(body_of(await client.get("/wenju/state")))["token"])


async def act(
    client: httpx.AsyncClient, view: str, name: str, data: dict[str, Any]
) -> list[dict[str, Any]]:
    """Do what a button of the page does; return the lines that come.

    Raises:
        RefusedError: when it tells to come again.
        ValueError: when a line tells of an error.
    """
    if "x-wenju-token" not in client.headers:
        client.headers["x-wenju-token"] = await token_of(client)
    body = body_of(await client.post(f"/wenju/act/{view}/{name}", json=data))
    if not body.endswith("\n"):
        raise ValueError(f"cut off: {body[-80:]!r}")
    lines = [json.loads(line) for line in body.splitlines()]
    if any("error" in line or "unexpected" in line for line in lines):
        raise ValueError(f"the page says {lines}")
    return lines


async def _page(client: httpx.AsyncClient, question: str) -> Record:
    """Ask as the page does: what is shown and what is kept come in lines."""
    lines = await act(client, "ask", "ask", {"question": question, "number": 1})
    if lines[0].get("patch") != "turn-1" or not lines[0]["html"]:
        raise ValueError(f"nothing is shown: {lines[0]}")
    answer: Record = lines[1]["reply"]["record"]["answer"]
    if answer["citations"] and len(lines) != 3:
        raise ValueError("the original beside the answer is missing")
    return answer


async def _queued(client: httpx.AsyncClient, question: str) -> Record:
    """Ask through gradio's queue: a ticket first, then its events."""
    address = "/gradio_api/call/ask"
    ticket = json.loads(body_of(await client.post(address, json={"data": [question, [], []]})))
    events = _events(body_of(await client.get(f"{address}/{ticket['event_id']}")))
    name, data = events[-1]
    if name != "complete":
        raise ValueError(f"events {events}")
    record: Record = data[0]
    return record


WAYS: dict[str, Way] = {
    "api": _plain,
    "stream": _streamed,
    "page": _page,
    "queue": _queued,
}
"""`queue` and `page` are those of the page's server, which has the API beside it."""
