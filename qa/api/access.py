"""Stands before an API: who may ask it. ASGI middleware, the same for every protocol.

With tokens, a request must carry one. Without, the server is one of this machine's own programs:
then requests that a web page of another site, or a name pointed here from outside, brings a
browser to send are refused.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from embeddings.errors import SettingError
from qa.addresses import is_known_host, is_loopback, named
from qa.api.problems import ApiError, response_of
from qa.api.tokens import VARIABLE, Tokens
from qa.attempts import Attempts, caller_of, sentence
from qa.page.guard import Application, Message, Receive, Scope, Send

_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}

_ELSEWHERE = "Requests from the pages of other sites are not served; see the option --origin"


def check_open(host: str, tokens: Tokens, command: str = "wenju serve") -> None:
    """Refuse to be open to other machines without a token.

    Raises:
        SettingError: when `host` is not a loopback address and there is no token.
    """
    if not tokens and not is_loopback(host):
        raise SettingError(
            f"Listening on {host!r} lets other machines ask, and there is no token; set one "
            f"({VARIABLE}, or {command} --token-file FILE) or stay on 127.0.0.1"
        )


def check_origins(origins: Collection[str]) -> None:
    """Refuse what is no origin of a web page.

    Raises:
        SettingError: when one is not as ``https://example.org``.
    """
    for origin in origins:
        if not _is_origin(origin):
            raise SettingError(
                f"{origin!r} is no origin of a web page; give scheme and host, as in "
                "--origin https://example.org or --origin http://localhost:3000"
            )


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and text == f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        return False


class Access:
    """Lets through who may ask; see the module's docstring.

    Args:
        application: what is behind it.
        tokens: those that open it.
        host: address that is listened on.
        origins: of web pages that may ask from a browser.
        public: paths that are read without a token.
        public_name: host name of a reverse proxy; empty for none.
    """

    def __init__(
        self,
        application: Application,
        tokens: Tokens,
        host: str,
        origins: Collection[str] = (),
        public: Collection[str] = (),
        public_name: str = "",
    ) -> None:
        self._application = application
        self._tokens = tokens
        self._known = (host, public_name)
        self._origins = frozenset(origins)
        self._public = frozenset(public)
        self._attempts = Attempts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        refusal = self._refusal(scope)
        answering = self._application if refusal is None else response_of(refusal)
        await answering(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> ApiError | None:
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        if not self._tokens:
            return self._foreign(headers)
        is_public = scope["method"] == "GET" and scope["path"] in self._public
        return None if is_public else self._unknown(scope, headers.get("authorization", ""))

    def _unknown(self, scope: Scope, given: str) -> ApiError | None:
        caller = caller_of(scope.get("client"))
        if wait := self._attempts.wait(caller):
            return ApiError(429, sentence(wait), headers={"retry-after": str(wait)})
        if self._tokens.open(given):
            return None
        if given:
            self._attempts.failed(caller, given)
        return _unknown(bool(given))

    def _foreign(self, headers: dict[str, str]) -> ApiError | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if not is_known_host(named(host), *self._known):
            return ApiError(403, "This name does not lead to Wenju; ask it by its address")
        if origin in self._origins:
            return None
        if origin is not None and origin not in {f"http://{host}", f"https://{host}"}:
            return ApiError(403, _ELSEWHERE)
        if headers.get("sec-fetch-site") == "cross-site":
            return ApiError(403, _ELSEWHERE)
        return None


def _unknown(is_given: bool) -> ApiError:
    what = "The token is not one of this server's" if is_given else "A token is needed here"
    return ApiError(
        401,
        f"{what}; send the header Authorization: Bearer TOKEN",
        headers={"www-authenticate": 'Bearer realm="Wenju"'},
    )


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            known = {key.lower() for key, _ in message.get("headers", [])}
            more = [(key, value) for key, value in _HEADERS.items() if key not in known]
            message["headers"] = [*message.get("headers", []), *more]
        await send(message)

    return sending
