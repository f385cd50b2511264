"""Puts the API together: its routes behind the limit of bodies, behind the check of who asks."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse, Response

from qa.api import limits, records
from qa.api.access import Access, check_open, check_origins
from qa.api.asking import Asking
from qa.api.bodies import LimitedBody
from qa.api.chat import Chat
from qa.api.description import OPENAPI, page, policy
from qa.api.documents import Documents
from qa.api.operating import Operating
from qa.api.problems import DOCS, handle
from qa.api.service import Service
from qa.api.tokens import Tokens
from qa.page.guard import Application

_ABOUT = f"""Ask the documents of one index; every sentence of an answer cites characters of the \
original files.

Where the server has tokens, send one: Authorization: Bearer TOKEN. Errors have one form, Error, \
with a sentence in error.message. A body may have {limits.LARGEST_BODY:,} bytes, a question \
{limits.LONGEST_QUESTION:,} characters, a history {limits.MOST_TURNS} turns. When more than \
{limits.WAITING} requests wait, the next is told to come again (503, Retry-After).

The OpenAI protocol is served below /v1; its model is called wenju. Where the server has a \
language model, wenju-llm answers in that one's words, as /api/ask does with `llm`."""


def fastapi_of(service: Service) -> FastAPI:
    """Return the routes over a service, with no check before them."""
    application = FastAPI(
        title="Wenju API",
        version=version("wenju"),
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url=OPENAPI,
        redirect_slashes=False,
        responses={
            "4XX": {"model": records.Error, "description": "Something is wrong with the request."},
            "5XX": {"model": records.Error, "description": "The server cannot answer now."},
        },
    )
    handle(application)
    for part in (Asking, Documents, Operating, Chat):
        application.include_router(part(service).router())
    application.get(DOCS, include_in_schema=False)(partial(_docs, application))
    return application


async def _docs(application: FastAPI) -> Response:
    headers = {"content-security-policy": policy()}
    return HTMLResponse(page(application.openapi()), headers=headers)


def application_of(
    service: Service, host: str, tokens: Tokens, origins: Collection[str] = ()
) -> Application:
    """Return the API over a service, with the check of who asks before it.

    Args:
        service: the index that is served.
        host: address that is listened on.
        tokens: those that open it; none is for loopback addresses only.
        origins: of web pages that may ask from a browser (CORS); else none may.

    Raises:
        SettingError: when other machines could ask without a token, or an origin is none.
    """
    check_open(host, tokens)
    return behind_check(
        fastapi_of(service),
        host,
        tokens,
        origins,
        public=(DOCS, OPENAPI),
        public_name=service.public_name,
    )


def behind_check(
    routes: Any,
    host: str,
    tokens: Tokens,
    origins: Collection[str] = (),
    *,
    public: Collection[str] = (),
    headers: Collection[str] = (),
    public_name: str = "",
) -> Application:
    """Return an ASGI application with the limit of bodies and the check of who asks before it.

    Args:
        routes: the application.
        host: address that is listened on; see `check_open`.
        tokens: those that open it.
        origins: of web pages that may ask from a browser (CORS).
        public: paths that are read without a token.
        headers: those that web pages may send, besides token and type of the body.
        public_name: host name of a reverse proxy; empty for none.

    Raises:
        SettingError: when an origin is none.
    """
    check_origins(origins)
    limited = LimitedBody(_plain(routes), limits.LARGEST_BODY)
    checked: Any = Access(limited, tokens, host, origins, public, public_name)
    if not origins:
        return _plain(checked)
    return _plain(
        CORSMiddleware(
            checked,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", *headers],
        )
    )


def _plain(application: Any) -> Application:
    """Return an ASGI application in the types of this house, which starlette words otherwise."""
    typed: Application = application
    return typed
