"""The Model Context Protocol: the documents as tools of a language model's client."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from embeddings.errors import SettingError
from qa.api import limits
from qa.api.access import Access, check_open, check_origins
from qa.api.bodies import LimitedBody
from qa.api.service import Service
from qa.api.tokens import Tokens
from qa.page.guard import Application

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

PATH = "/mcp"
"""Where the protocol is served over HTTP."""

_COMMAND = "wenju mcp"


def application_of(
    service: Service, host: str, tokens: Tokens, origins: Collection[str] = ()
) -> Application:
    """Return the protocol over HTTP, behind the same check of who asks as the API.

    Args:
        service: the index that is served.
        host: address that is listened on.
        tokens: those that open it; none is for loopback addresses only.
        origins: of web pages that may ask from a browser.

    Raises:
        SettingError: when other machines could ask without a token, an origin is none, or the
            package `mcp` is not installed.
    """
    check_open(host, tokens, _COMMAND)
    check_origins(origins)
    server = _server_of(service)
    from mcp.server.transport_security import TransportSecuritySettings

    unchecked: Any = server.streamable_http_app(
        streamable_http_path=PATH,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )  # `Access` checks that, and tokens
    return Access(LimitedBody(unchecked, limits.LARGEST_BODY), tokens, host, origins)


def serve_stdio(service: Service) -> None:
    """Serve the client that started this process, until it closes the pipe.

    Raises:
        SettingError: when the package `mcp` is not installed.
    """
    _server_of(service).run("stdio")


def _server_of(service: Service) -> MCPServer[Any]:
    try:
        from qa.api.tools import server_of
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "mcp":
            raise
        raise SettingError(
            f"{_COMMAND} needs the package mcp, which is not installed: pip install 'wenju[mcp]'"
        ) from error
    return server_of(service)
