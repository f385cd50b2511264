"""Reads the body of a request before anything else does, up to a limit. ASGI middleware."""

from __future__ import annotations

from qa.api.problems import ApiError, response_of
from qa.page.guard import Application, Message, Receive, Scope, Send

PASSED_OVER = 64
"""So many times the largest body is still read and forgotten: a client that is refused while it
sends often sees a broken connection and not the refusal."""


class LimitedBody:
    """Refuses larger bodies, whether they say their size or not.

    Args:
        application: what is behind it.
        largest: bytes.
    """

    def __init__(self, application: Application, largest: int) -> None:
        self._application = application
        self._largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        first = await self._read(receive)
        if first is None:
            await self._refuse(scope, receive, send)
            return
        await self._application(scope, _after(first, receive), send)

    async def _read(self, receive: Receive) -> Message | None:
        """Return the whole body as one message; None when it is too large."""
        body, size, is_whole = bytearray(), 0, False
        while not is_whole and size <= self._largest * PASSED_OVER:
            message = await receive()
            if message["type"] != "http.request":
                return message
            part = message.get("body", b"")
            size += len(part)
            if size <= self._largest:
                body += part
            is_whole = not message.get("more_body", False)
        if size > self._largest:
            return None
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = ApiError(
            413,
            f"The body is larger than {self._largest:,} bytes; send less",
            headers={"connection": "close"},
        )
        await response_of(problem)(scope, receive, send)


def _after(first: Message, receive: Receive) -> Receive:
    waiting = [first]

    async def receiving() -> Message:
        return waiting.pop() if waiting else await receive()

    return receiving
