"""Serves the acts of views: JSON in, lines of JSON out, each sent as soon as it is there.

Nothing is kept of a visitor between two requests. `qa.page.guard` has checked where they come from.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Generator, Iterable, Mapping
from inspect import GEN_RUNNING, getgeneratorstate
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from embeddings.errors import WenjuError
from qa.page.handlers import LANGUAGE_COOKIE, Page
from qa.page.views import Part, Patch, Routed, View

ASKED_AT_ONCE = 4
"""Questions that are answered at the same time; more would only slow each other down."""

WRITTEN_AT_ONCE = 8
"""Answers that a language model writes at the same time; their steps wait for it."""

AT_ONCE = 16
"""Steps of acts of any other view that run at the same time; some of them only wait."""

WAITING = 64
"""Acts of one view whose first step may wait; more are told to come again."""

LARGEST_REQUEST = 4 * 1024 * 1024
"""Bytes of what a browser may send with an act."""

_LIMITS = {"ask": ASKED_AT_ONCE, "ask/write": WRITTEN_AT_ONCE}

_BUSY = "Too many are asking; try again in a moment."

_END = object()


class _Lane:
    """Where acts of one kind wait for their turn.

    Args:
        at_once: first steps that run at the same time.
        further: limits the steps behind them; None for those that count as much as first ones.
    """

    def __init__(self, at_once: int, further: CapacityLimiter | None = None) -> None:
        self._first = CapacityLimiter(at_once)
        self._further = further or self._first
        self._inside, self._most = 0, at_once + WAITING

    def is_full(self) -> bool:
        """Tell whether one more has to come again."""
        return self._inside >= self._most

    async def begin(self, lines: Generator[bytes]) -> Any:
        """Return the first line when it is its turn."""
        self._inside += 1
        try:
            return await to_thread.run_sync(next, lines, _END, limiter=self._first)
        finally:
            self._inside -= 1

    async def go_on(self, lines: Generator[bytes]) -> Any:
        """Return the next line."""
        return await to_thread.run_sync(next, lines, _END, limiter=self._further)


class Acts:
    """The routes of a page's acts; `token` is what each of them must carry."""

    def __init__(self, page: Page, token: str) -> None:
        self._page = page
        self._token = token
        self._lanes: dict[str, _Lane] = {}

    def routes(self) -> list[Route]:
        """Return the routes, those of the views' own among them."""
        own = (view.routes() for view in self._page.views if isinstance(view, Routed))
        return [
            Route("/wenju/state", self._state, methods=["GET"]),
            Route("/wenju/act/{view}/{act}", self._act, methods=["POST"]),
            *(route for routes in own for route in routes),
        ]

    async def _state(self, _: Request) -> Response:
        state = await to_thread.run_sync(self._page.state)
        return JSONResponse({**state, "token": self._token}, headers={"cache-control": "no-store"})

    async def _act(self, request: Request) -> Response:
        view = self._page.view(request.path_params["view"])
        if view is None:
            return PlainTextResponse("There is no such view.", 404)
        lane = self._lane(view.name, request.path_params["act"])
        if lane.is_full():
            return PlainTextResponse(_BUSY, 503)
        try:
            data = await _sent(request)
        except ClientDisconnect:
            return Response(status_code=400)
        if data is None:
            return PlainTextResponse("What was sent is too large, or is not JSON.", 413)
        if lane.is_full():  # since the body began to come
            return PlainTextResponse(_BUSY, 503)
        lines = self._lines(view, request, data)
        # Taken before the response begins: a fault of the program then goes to `fault`.
        streamed = _streamed(await lane.begin(lines), lane, lines)
        return StreamingResponse(streamed, media_type="application/jsonl")

    def _lane(self, view: str, act: str) -> _Lane:
        # A model that is slow must not keep others from being answered.
        name = f"{view}/{act}" if f"{view}/{act}" in _LIMITS else view
        if name not in self._lanes:
            # What is left of an answer is little: it does not wait behind others' questions.
            further = CapacityLimiter(ASKED_AT_ONCE) if name == "ask" else None
            self._lanes[name] = _Lane(_LIMITS.get(name, AT_ONCE), further)
        return self._lanes[name]

    def _lines(self, view: View, request: Request, data: Mapping[str, Any]) -> Generator[bytes]:
        cookie = request.cookies.get(LANGUAGE_COOKIE)
        visit = self._page.visit(cookie, request.headers.get("accept-language"))
        name = request.path_params["act"]
        try:
            if name == "show":
                yield _line(Patch(f"view-{view.name}", view.show(visit)))
            else:
                yield from map(_line, _acted(view, name, data, visit))
        except WenjuError as error:
            yield _json({"error": str(error)})


def _acted(view: View, name: str, data: Mapping[str, Any], visit: Any) -> Iterable[Part]:
    return view.act(name, data, visit)


async def _streamed(first: Any, lane: _Lane, lines: Generator[bytes]) -> AsyncIterator[bytes]:
    try:
        line = first
        while line is not _END:
            yield line
            line = await lane.go_on(lines)
    finally:
        # The browser may have gone: what a language model still writes is not wanted.
        if getgeneratorstate(lines) != GEN_RUNNING:
            lines.close()


async def fault(request: Request, _: Exception) -> Response:
    """Tell the page that the program has failed; the server logs how, behind this."""
    if request.url.path.startswith("/wenju/act/"):
        return Response(_json({"unexpected": True}), media_type="application/jsonl")
    return PlainTextResponse("The program has failed.", 500)


async def _sent(request: Request) -> dict[str, Any] | None:
    """Return the JSON object that was sent; None when it is too large, or none."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_REQUEST:
            return None
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _line(part: Part) -> bytes:
    if isinstance(part, Patch):
        return _json({"patch": part.id, "html": str(part.html), "how": part.how})
    return _json({"reply": part.data})


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
