"""How a question ends is told by its one line, over a real server and a real file."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client, MCPError

from embeddings.errors import IndexDamagedError
from embeddings.settings import Settings
from qa import mcp_server, server
from qa.api import limits
from qa.api.application import application_of
from qa.api.beside import Beside
from qa.api.service import Service, service_of
from qa.api.tokens import Tokens
from qa.attempts import MOST
from qa.bot import Bot
from qa.page.chat import running
from qa.page.options import Options
from qa.question_log import question_log
from tests.llm.conftest import settings_for
from tests.llm.scripted_server import scripted
from tests.qa.api.conftest import HOST, QUESTION, TOKEN, Served
from tests.qa.api.test_mcp import Asked

PATIENCE = 20
CHAT = {"model": "wenju", "messages": [{"role": "user", "content": QUESTION}]}


@dataclass(frozen=True)
class Logging:
    """A server and the file of its log."""

    client: httpx.Client
    service: Service
    bot: Bot
    file: Path

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.client.post(path, **options)

    def lines(self, count: int) -> list[dict[str, Any]]:
        """Return the lines once there are so many; more are a failure."""
        limit = time.monotonic() + PATIENCE
        while self.file.read_text().count("\n") < count and time.monotonic() < limit:
            time.sleep(0.01)
        time.sleep(0.05)
        found = [json.loads(line) for line in self.file.read_text().splitlines()]
        assert len(found) == count, found
        return found

    def line(self) -> dict[str, Any]:
        (found,) = self.lines(1)
        return found


Open = Callable[..., Any]


@pytest.fixture
def logging_of(served: Served, tmp_path: Path) -> Open:
    @contextmanager
    def opened(*tokens: str, chosen: Settings | None = None, **more: Any) -> Iterator[Logging]:
        file = tmp_path / "questions.log"
        log = Settings(log="json", log_file=str(file), **more)
        service = service_of(served.bot, served.service.library.index, chosen or Settings())
        api = application_of(service, HOST, Tokens(tokens))
        with (
            question_log(log) as kept,
            server.running(api, HOST, log=kept) as url,
            httpx.Client(base_url=url, trust_env=False, timeout=60) as client,
        ):
            assert isinstance(served.bot, Bot)
            yield Logging(client, service, served.bot, file)

    return opened


@pytest.fixture
def logging(logging_of: Open) -> Iterator[Logging]:
    with logging_of() as found:
        yield found


@pytest.fixture
def page(served: Served, tmp_path: Path) -> Iterator[Logging]:
    """The page with the API beside it."""
    file = tmp_path / "questions.log"
    api = application_of(served.service, HOST, Tokens())
    assert isinstance(served.bot, Bot)
    with (
        question_log(Settings(log="json", log_file=str(file))) as kept,
        running(served.bot, options=Options(log=kept), beside=partial(Beside, api)) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=60) as client,
    ):
        client.headers["x-wenju-token"] = client.get("/wenju/state").json()["token"]
        yield Logging(client, served.service, served.bot, file)


def slowly(text: str) -> str:
    time.sleep(0.2)
    return text


def test_waiting_and_working_are_told_apart(
    logging: Logging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.bot._readable", slowly)
    threads = [
        threading.Thread(target=lambda: logging.post("/api/retrieve", json={"question": "?"}))
        for _ in range(limits.ASKED_AT_ONCE + 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = logging.lines(len(threads))
    assert all(line["bot_ms"] >= 200 for line in found)
    assert all(line["ms"] >= line["waited_ms"] + line["bot_ms"] - 1 for line in found)
    assert max(line["waited_ms"] for line in found) >= 150


# ---- what fails ----


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("error", [IndexDamagedError("secret"), RuntimeError("secret")])
@pytest.mark.parametrize(("path", "body"), [
    ("/api/ask", {"question": "?"}), ("/v1/chat/completions", CHAT),
])  # fmt: skip
def test_a_failure(
    logging: Logging,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    body: Any,
    error: Exception,
    stream: bool,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(logging.bot, "_with_snapshot", fail)
    status = logging.post(path, json={**body, "stream": stream}).status_code
    found = logging.line()
    assert (found["error"], found["answered"]) == (type(error).__name__, None)
    assert found["status"] == status >= 500
    assert "secret" not in logging.file.read_text()


def test_who_may_not_ask_and_who_guesses(logging_of: Open) -> None:
    with logging_of(TOKEN) as found:
        for number in range(MOST + 1):
            token = {"authorization": f"Bearer wrong{number}"}
            found.post("/api/ask", json={"question": "?"}, headers=token)
        lines = found.lines(MOST + 1)
        text = found.file.read_text()
    assert [line["status"] for line in lines] == [401] * MOST + [429]
    assert not any(word in text for word in ("wrong", "Bearer", "127.0.0.1"))


@pytest.mark.parametrize(("body", "status"), [
    (b"{", 400), (b" " * (limits.LARGEST_BODY + 1), 413),
])  # fmt: skip
def test_a_request_that_is_none(logging: Logging, body: bytes, status: int) -> None:
    headers = {"content-type": "application/json"}
    assert logging.post("/api/ask", content=body, headers=headers).status_code == status
    found = logging.line()
    assert (found["status"], found["act"], found["answered"]) == (status, "", None)


def test_one_too_many(logging: Logging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.service.asking, "_most", 0)
    for stream in (False, True):
        for path, body in (("/api/ask", {"question": "?"}), ("/v1/chat/completions", CHAT)):
            assert logging.post(path, json={**body, "stream": stream}).status_code == 503
    assert [line["status"] for line in logging.lines(4)] == [503] * 4


def test_one_who_goes_while_a_model_writes(logging_of: Open) -> None:
    with (
        scripted("hold") as model,
        logging_of(chosen=settings_for(model, llm_timeout=30)) as found,
    ):
        asked = {"question": QUESTION, "llm": True, "stream": True}
        with found.client.stream("POST", "/api/ask", json=asked) as response:
            lines = response.iter_lines()
            assert next(line for line in lines if line == "event: written_sentence")
            assert model.held.wait(10)
        model.release()
        line = found.line()
    assert (line["gone"], line["answered"], line["act"]) == (True, True, "write")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("name", "reason"), [("good", ""), ("failing", "server_error")])
def test_what_a_model_has_written(logging_of: Open, name: str, reason: str, stream: bool) -> None:
    with scripted(name) as model, logging_of(chosen=settings_for(model)) as found:
        asked = {"question": QUESTION, "llm": True, "stream": stream}
        assert found.post("/api/ask", json=asked).status_code == 200
        line = found.line()
    assert (line["act"], line["reason"], line["gone"]) == ("write", reason, False)
    assert (line["answered"], line["citations"], line["generation"]) == (True, 1, 1)


# ---- the page ----


def test_what_is_no_question_has_no_line(page: Logging) -> None:
    page.post("/wenju/act/ask/examples", json={})
    page.post("/wenju/act/frame/facts", json={})
    page.client.get("/api/health")
    page.client.get("/api/ask")
    page.post("/wenju/act/ask/ask", json={"question": QUESTION})
    assert page.line()["way"] == "page"


def test_the_page_fails_and_turns_away(page: Logging, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise IndexDamagedError("secret")

    page.post("/wenju/act/ask/ask", json={"question": "?"}, headers={"x-wenju-token": "wrong"})
    page.post("/wenju/act/ask/ask", json={"question": "长" * 3000})
    page.post("/wenju/act/ask/write", json={"question": QUESTION})
    foreign = {"host": "evil.example"}
    page.post("/gradio_api/call/ask", json={"data": [QUESTION]}, headers=foreign)
    monkeypatch.setattr(page.bot, "_with_snapshot", fail)
    page.post("/wenju/act/ask/ask", json={"question": "?"})
    told = [(one["way"], one["status"], one["act"], one["error"]) for one in page.lines(5)]
    assert told == [
        ("page", 403, "", ""),
        ("page", 200, "", ""),
        ("page", 200, "", ""),
        ("queue", 403, "", ""),
        ("page", 200, "ask", "IndexDamagedError"),
    ]


# ---- MCP ----


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_mcp(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    file = tmp_path / "questions.log"
    api = mcp_server.application_of(served.service, HOST, Tokens([TOKEN]))
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert isinstance(served.bot, Bot)
    with (
        question_log(Settings(log="json", log_file=str(file))) as kept,
        server.running(api, HOST, log=kept) as url,
    ):
        asked = Asked(url + mcp_server.PATH, served.bot)

        def call(name: str, **arguments: Any) -> Any:
            return asked.talk(lambda client: client.call_tool(name, arguments), mode, bearer)

        call("ask", question=QUESTION)
        call("retrieve", question=QUESTION)
        call("read_document", document="天桥.txt")
        call("ask", wrong=1)
        assert asked.post().status_code == 401
        with monkeypatch.context() as patched:
            patched.setattr(served.service.asking, "_most", 0)
            call("ask", question=QUESTION)

        def fail(*_: object) -> None:
            raise RuntimeError("secret")

        monkeypatch.setattr(served.bot, "_with_snapshot", fail)

        async def failed(client: Client) -> None:
            with pytest.raises(MCPError):
                await client.call_tool("ask", {"question": QUESTION})

        asked.talk(failed, mode, bearer)
        found = Logging(served.client, served.service, served.bot, file).lines(6)
    assert {line["way"] for line in found} == {"mcp"}
    assert [(line["act"], line["error"], line["answered"]) for line in found] == [
        ("ask", "", True),
        ("retrieve", "", None),
        ("ask", "invalid_request", None),
        ("", "", None),
        ("ask", "busy", None),
        ("ask", "RuntimeError", None),
    ]


def test_mcp_without_http(served: Served, tmp_path: Path) -> None:
    file = tmp_path / "questions.log"
    with question_log(Settings(log="json", log_file=str(file))) as log:
        mcp = mcp_server.server_of(served.service, log)

        async def call() -> None:
            async with Client(mcp) as client:
                await client.call_tool("ask", {"question": QUESTION})
                await client.call_tool("read_document", {"document": "天桥.txt"})
                await client.call_tool("retrieve", {"wrong": 1})

        asyncio.run(call())
    found = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["way"], line["act"], line["error"]) for line in found] == [
        ("mcp", "ask", ""),
        ("mcp", "retrieve", "invalid_request"),
    ]
