"""Takes uploads: bytes of a request, straight to a temporary file, measured while they come."""

from __future__ import annotations

import asyncio
from io import BufferedRandom
from typing import Any

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from embeddings.errors import SourceError, WenjuError
from embeddings.library import Library
from embeddings.uploads import safe_name
from qa.page.reasons import said
from qa.page.texts import Language

AT_ONCE = 8
"""Uploads that come in at the same time; others wait before their bytes are taken."""

WAITING = 64
"""Uploads that may wait; a browser sends three at a time. More are told to come again."""


def upload_route(library: Library) -> Route:
    """Return the route that takes one file: its bytes as the body, its name as ``name``."""
    return Route("/wenju/documents/upload", _Uploading(library).take, methods=["POST"])


class _Uploading:
    """Uploads into one library."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._coming = 0
        self._places = asyncio.Semaphore(AT_ONCE)

    async def take(self, request: Request) -> Response:
        """Keep one file; the answer says under which name, or why not."""
        chinese = request.query_params.get("language") == Language.ZH
        language = Language.ZH if chinese else Language.EN
        self._coming += 1
        try:
            return JSONResponse(await self._taken(request))
        except ClientDisconnect:
            return Response(status_code=400)
        except WenjuError as error:
            return JSONResponse({"error": said(str(error), language)})
        finally:
            self._coming -= 1

    async def _taken(self, request: Request) -> dict[str, Any]:
        name = request.query_params.get("name", "")
        safe = safe_name(name)  # before its bytes come
        if self._coming > AT_ONCE + WAITING:
            raise SourceError("Too many files come in at once; try again in a moment")
        async with self._places:
            await to_thread.run_sync(self._library.uploads.check_room, _declared(request))
            with self._library.receiving() as file:
                await self._receive(request, file)
                added = await to_thread.run_sync(self._library.add, name, file)
        taken = added.new and not added.source.endswith(f"/{safe}")
        return {"source": added.source, "size": added.size, "new": added.new, "taken": taken}

    async def _receive(self, request: Request, file: BufferedRandom) -> None:
        written = 0
        async for chunk in request.stream():
            written += len(chunk)
            if written > self._library.uploads.limits.largest:
                self._library.uploads.check_room(written)
            file.write(chunk)


def _declared(request: Request) -> int:
    """Return how many bytes the browser says that it sends; 0 when it does not say."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0
