"""A real server over a small index, and a client without proxies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from embeddings.settings import Settings
from qa import server
from qa.api.application import application_of
from qa.api.service import Service, service_of
from qa.api.tokens import Tokens
from qa.bot import Bot
from tests.qa.conftest import PAGES

QUESTION = "天桥区签约项目有多少个？"
TOKEN = "kpTd0fUq2vXw9s_A-7zYbN1c"  # 24 characters, of no server
HOST = "127.0.0.1"

Index = tuple[Path, Path]
"""The folder of documents and the index over it."""


@dataclass(frozen=True)
class Served:
    """A running server."""

    url: str
    client: httpx.Client
    service: Service
    bot: Bot

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.client.post(path, **options)


@pytest.fixture(scope="package")
def make_index(tokenizer: Tokenizer, counting: CountingEncoder) -> Callable[[Path], Index]:
    """Builds the index over `PAGES` in a folder."""

    def make(folder: Path) -> Index:
        root, index = folder / "documents", folder / "index"
        root.mkdir()
        for name, text in PAGES.items():
            (root / name).write_bytes(text.encode())
        build(root, index, counting, tokenizer)
        return root, index

    return make


@contextmanager
def serving(
    bot: Any,
    index: Path,
    *,
    tokens: Sequence[str] = (),
    origins: Sequence[str] = (),
    read_only: bool = False,
) -> Iterator[Served]:
    service = service_of(bot, index, Settings(), read_only=read_only)
    application = application_of(service, HOST, Tokens(tokens), origins)
    with (
        server.running(application, HOST) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=120) as client,
    ):
        yield Served(url, client, service, bot)


@pytest.fixture(scope="package")
def served(
    make_index: Callable[[Path], Index],
    tmp_path_factory: pytest.TempPathFactory,
    tokenizer: Tokenizer,
    counting: CountingEncoder,
) -> Iterator[Served]:
    """An open server; tests must not change its documents."""
    _, index = make_index(tmp_path_factory.mktemp("api"))
    with serving(Bot(index, counting, tokenizer), index) as found:
        yield found


@pytest.fixture
def fresh(
    make_index: Callable[[Path], Index],
    tmp_path: Path,
    tokenizer: Tokenizer,
    counting: CountingEncoder,
) -> tuple[Bot, Path, Path]:
    """A bot, its folder of documents and its index, of which the test may change all."""
    root, index = make_index(tmp_path)
    return Bot(index, counting, tokenizer), root, index


def error_of(response: httpx.Response, status: int) -> dict[str, Any]:
    """Return the error of a response that must have this status and the one form."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["error"]
    error: dict[str, Any] = body["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert error["type"] == ("server_error" if status >= 500 else "invalid_request_error")
    message = error["message"]
    assert message[0].isupper()
    assert "\n" not in message
    assert "Traceback" not in message
    return error


def stream_of(response: httpx.Response) -> list[tuple[str, str]]:
    """Return the events of a stream as (name, data)."""
    assert response.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in response.read().decode().split("\n\n")[:-1]:
        lines = dict(line.split(": ", 1) for line in block.splitlines())
        found.append((lines.get("event", ""), lines["data"]))
    return found
