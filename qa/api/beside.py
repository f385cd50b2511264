"""The API beside the page: one server, one rebuild, each behind its own check."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from embeddings.settings import Settings
from qa.addresses import is_loopback
from qa.api import tokens
from qa.api.application import application_of
from qa.api.service import ServedBot, service_of
from qa.page.guard import Application, Receive, Scope, Send
from qa.page.options import Options
from qa.page.server import Beside as Wrap

_PREFIXES = ("/api/", "/v1/")


class Beside:
    """Serves the API and, at all other paths, the page. ASGI middleware.

    Args:
        api: from `application_of`.
        page: what is served elsewhere.
    """

    def __init__(self, api: Application, page: Application) -> None:
        self._api, self._page = api, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        is_api = scope["type"] == "http" and scope["path"].startswith(_PREFIXES)
        await (self._api if is_api else self._page)(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Added:
    """What a page needs to have the API beside it.

    Attributes:
        options: those of the page, with the rebuild that both share.
        wrap: puts the API in front of the page; None where it would be open to others.
    """

    options: Options
    wrap: Wrap | None


def add(bot: ServedBot, settings: Settings, options: Options, auth: str | None) -> Added:
    """Return what puts the API beside a page.

    Without a token it is not there where the page is for other machines, or behind a password.

    Args:
        bot: answers the questions.
        settings: name the index, the address, and the file of tokens.
        options: those of the page.
        auth: what a browser must give; None for nothing.

    Raises:
        SettingError: when the tokens cannot be read.
    """
    known = tokens.read(file=settings.token_file)
    service = service_of(
        bot, Path(settings.index), settings, store=options.store, read_only=options.read_only
    )
    shared = replace(options, rebuilding=service.rebuilding, writer=service.writer)
    if not known and (auth is not None or not is_loopback(settings.host)):
        return Added(shared, None)
    return Added(shared, partial(Beside, application_of(service, settings.host, known)))
