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
"""Steps of acts of one view that may wait; more are told to come again."""

LARGEST_REQUEST = 4 * 1024 * 1024
"""Bytes of what a browser may send with an act."""

_LIMITS = {"ask": ASKED_AT_ONCE, "ask/write": WRITTEN_AT_ONCE}

_END = object()


class Acts:
    """The routes of a page's acts; `token` is what each of them must carry."""

    def __init__(self, page: Page, token: str) -> None:
        self._page = page
        self._token = token
        self._limits: dict[str, CapacityLimiter] = {}

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
        limiter = self._limit(view.name, request.path_params["act"])
        if limiter.statistics().tasks_waiting >= WAITING:
            return PlainTextResponse("Too many are asking; try again in a moment.", 503)
        try:
            data = await _sent(request)
        except ClientDisconnect:
            return Response(status_code=400)
        if data is None:
            return PlainTextResponse("What was sent is too large, or is not JSON.", 413)
        lines = self._lines(view, request, data)

        async def step() -> Any:
            return await to_thread.run_sync(next, lines, _END, limiter=limiter)

        # Taken before the response begins: a fault of the program then goes to `fault`.
        streamed = _streamed(await step(), step, lines)
        return StreamingResponse(streamed, media_type="application/jsonl")

    def _limit(self, view: str, act: str) -> CapacityLimiter:
        # A model that is slow must not keep others from being answered.
        name = f"{view}/{act}" if f"{view}/{act}" in _LIMITS else view
        return self._limits.setdefault(name, CapacityLimiter(_LIMITS.get(name, AT_ONCE)))

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


async def _streamed(first: Any, step: Any, lines: Generator[bytes]) -> AsyncIterator[bytes]:
    try:
        line = first
        while line is not _END:
            yield line
            line = await step()
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
