"""Stands before gradio: only this page's own requests to a known address and path get through.

It refuses other sites' requests (a page in another tab cannot drive this one), names that were
pointed at this machine from outside, every gradio route that the page does not use, whatever would
change or ask something without the token that only this page carries, and strangers where a name
and password are wanted.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from qa.addresses import is_known_host, named
from qa.attempts import Attempts, caller_of, sentence

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_PATHS = re.compile(
    r"/(config|theme\.css|robots\.txt|manifest\.json|favicon\.ico|(assets|static|svelte)/.*)?/?"
    r"|/gradio_api/(info|openapi\.json|app_id|startup-events|theme\.css|cancel|reset"
    r"|heartbeat/[^/]+|queue/(join|data)|call/ask(/[^/]+)?)/?"
    r"|/wenju/(state|[a-z]+/.+)"
)

CARRIED_IN = "x-wenju-token"
"""Header that carries the token."""

_OUT_OF_DATE = (
    "这个页面已经过期，请重新打开。 This page is out of date; load it again. "
    "(Its token is missing or that of a server that has ended.)"
)

_HEADERS = {
    # gradio makes functions out of strings and styles in line; everything comes from here.
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class Guard:
    """ASGI middleware; see the module's docstring.

    Args:
        application: what is guarded.
        bound: the host listened on.
        token: what every request below ``/wenju/`` that is not a GET must carry.
        auth: ``user:password`` that a browser must give; None for none.
        public_name: host name of a reverse proxy; empty for none.
    """

    def __init__(
        self,
        application: Application,
        bound: str,
        token: str = "",
        auth: str | None = None,
        public_name: str = "",
    ) -> None:
        self._application = application
        self._known = (bound, public_name)
        self._token = token
        self._auth = auth
        self._attempts = Attempts()
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Tell every open page that the server goes, so that no request keeps it waiting."""
        self._closing.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it in plain text."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
        elif scope["type"] == "http":
            refusal = self._refusal(scope)
            if refusal is None:
                await self._serve(scope, receive, send)
            else:
                await _refuse(send, *refusal)

    def _is_known(self, given: str) -> bool:
        """Tell whether an Authorization header names the user; in a time that tells nothing."""
        kind, _, encoded = given.partition(" ")
        try:
            named = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            named = b""
        wanted = (self._auth or "").encode()
        return kind.lower() == "basic" and hmac.compare_digest(named, wanted)

    def _unknown(self, scope: Scope, given: str) -> tuple[int, str] | None:
        """Refuse who does not give the name and the password, and who was wrong too often."""
        if self._auth is None:
            return None
        caller = caller_of(scope.get("client"))
        if wait := self._attempts.wait(caller):
            return 429, f"{sentence(wait)}."
        if self._is_known(given):
            return None
        if given:
            self._attempts.failed(caller, given)
        return 401, "Wenju wants a name and a password here."

    def _carries_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = _Response(send)
        await self._application(scope, self._until_closing(receive), response.send)
        if response.is_open and self._closing.is_set():
            await send({"type": "http.response.body", "body": b""})

    def _until_closing(self, receive: Receive) -> Receive:
        async def receiving() -> Message:
            received = asyncio.ensure_future(receive())
            closing = asyncio.ensure_future(self._closing.wait())
            try:
                await asyncio.wait({received, closing}, return_when=asyncio.FIRST_COMPLETED)
                return received.result() if received.done() else {"type": "http.disconnect"}
            finally:  # whoever waits here is often cancelled, and both would wait for ever
                closing.cancel()
                received.cancel()

        return receiving

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = {key.decode(): value.decode("latin-1") for key, value in scope["headers"]}
        host = headers.get("host", "")
        if not is_known_host(named(host), *self._known):
            return 403, "This name does not lead to Wenju; open it by its address."
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, "Requests from other sites are not served."
        if headers.get("sec-fetch-site") == "cross-site" and scope["path"] != "/":
            return 403, "Requests from other sites are not served."
        if refusal := self._unknown(scope, headers.get("authorization", "")):
            return refusal
        if not _PATHS.fullmatch(scope["path"]):
            return 404, "There is nothing here."
        writes = scope["path"].startswith("/wenju/") and scope["method"] not in ("GET", "HEAD")
        if writes and not self._carries_token(headers.get(CARRIED_IN, "")):
            return 403, _OUT_OF_DATE
        return None


class _Response:
    """Sends a response with our headers; `is_open` from its start until its last part."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.is_open = False

    async def send(self, message: Message) -> None:
        """Pass one message on."""
        if message["type"] == "http.response.start":
            added = [(key.encode(), value.encode()) for key, value in _HEADERS.items()]
            message["headers"] = [*message.get("headers", []), *added]
        self.is_open = message["type"] == "http.response.start" or message.get("more_body", False)
        await self._send(message)


async def _refuse(send: Send, status: int, sentence: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="Wenju", charset="UTF-8"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode()})
