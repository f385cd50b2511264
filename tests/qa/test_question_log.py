"""One line for each question, however it came and whatever became of it; never its words unasked."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.errors import SettingError
from embeddings.lexical import Tokenizer
from embeddings.settings import Settings, load
from qa import server
from qa.addresses import HOST
from qa.api import beside
from qa.api.application import application_of
from qa.api.service import service_of
from qa.api.tokens import Tokens
from qa.asked import Entry, noting, opened
from qa.bot import Bot
from qa.mcp_server import application_of as mcp_application_of
from qa.page.chat import running
from qa.page.options import Options
from qa.question_log import QuestionLog, question_log
from tests.qa.conftest import ALPHABET, PAGES

QUESTION = "天桥区的企业有多少家？"
NASTY = '天桥\n{}\x1b[2J\u202e"有几家？'


class Lines:
    """What a log has written."""

    def __init__(self, form: str = "json", *, with_words: bool = False) -> None:
        self.stream = io.StringIO()
        self.log = QuestionLog(self.stream, form, with_words=with_words)

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture(scope="module")
def bot(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Bot:
    folder = tmp_path_factory.mktemp("log")
    (folder / "pages").mkdir()
    for name, text in PAGES.items():
        (folder / "pages" / name).write_bytes(text.encode())
    encoder = CountingEncoder(ALPHABET)
    build(folder / "pages", folder / "index", encoder, tokenizer)
    return Bot(folder / "index", encoder, tokenizer, least=0.0)


@contextmanager
def page(bot: Bot, lines: Lines) -> Iterator[httpx.Client]:
    """The page with the API beside it, as `wenju chat` serves both."""
    index = Path(bot.info().index)
    given = Options(index=index, log=lines.log)
    added = beside.add(bot, Settings(index=str(index)), given, None)
    with (
        running(bot, options=added.options, beside=added.wrap) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=60) as client,
    ):
        client.headers["x-wenju-token"] = client.get("/wenju/state").json()["token"]
        yield client


def ask_in_every_way(client: httpx.Client, question: str) -> list[str]:
    """Ask once in each way; return ways and acts as they should be told."""
    message = {"messages": [{"role": "user", "content": question}], "model": "wenju"}
    asked = client.post("/gradio_api/call/ask", json={"data": [question, [], []]})
    client.get(f"/gradio_api/call/ask/{asked.json()['event_id']}")
    for path, body in (
        ("/wenju/act/ask/ask", {"question": question, "number": 0}),
        ("/wenju/act/search/find", {"query": question}),
        ("/wenju/act/map/place", {"question": question}),
        ("/api/ask", {"question": question}),
        ("/api/ask", {"question": question, "stream": True}),
        ("/api/retrieve", {"question": question}),
        ("/v1/chat/completions", message),
        ("/v1/chat/completions", message | {"stream": True}),
    ):
        assert client.post(path, json=body).status_code == 200, path
    return [
        "queue ask", "page ask", "page retrieve", "page map", "api ask", "api ask", "api retrieve",
        "openai ask", "openai ask",
    ]  # fmt: skip


def test_every_way_is_one_line_that_holds_no_word(bot: Bot) -> None:
    lines = Lines()
    with page(bot, lines) as client:
        wanted = ask_in_every_way(client, QUESTION)
        client.get("/"), client.get("/api/health"), client.get("/wenju/state")
    found = lines.all()
    assert [f"{one['way']} {one['act']}" for one in found] == wanted
    assert {one["status"] for one in found[1:]} == {200}
    assert {one["generation"] for one in found} == {1}
    assert [one["answered"] for one in found if one["act"] == "ask"] == [True] * 6
    assert all(one["citations"] for one in found if one["act"] == "ask")
    assert all(one["hits"] for one in found if one["act"] != "ask")
    assert len({one["id"] for one in found}) == len(found)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", o["time"]) for o in found)
    assert all(one["ms"] >= one["bot_ms"] for one in found)
    text = lines.stream.getvalue()
    assert not re.search("[\u4e00-\u9fff]|127\\.0\\.0\\.1|\\.txt", text)


def test_words_that_are_wanted_forge_no_line(bot: Bot) -> None:
    lines, plain = Lines(with_words=True), Lines("text", with_words=True)
    with page(bot, lines) as client:
        wanted = ask_in_every_way(client, NASTY)
    assert [one["question"].strip() for one in lines.all()] == [NASTY] * len(wanted)
    with plain.log.serving("api"), noting("ask", NASTY + "\ntime=1"):
        pass
    (line,) = plain.stream.getvalue().splitlines()
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", line)
    assert r'question="天桥\n{}\u001b[2J\u202e\"有几家？\ntime=1"' in line


def test_refusals_and_errors_are_told(bot: Bot) -> None:
    lines = Lines()
    with page(bot, lines) as client:
        client.post("/api/ask", json={"question": "你好"})
        client.post("/api/ask", json={"question": " "})
        client.post("/api/ask", content=b"{")
        client.post(
            "/api/ask", json={"question": QUESTION}, headers={"origin": "http://evil.example"}
        )
        client.post("/wenju/act/ask/ask", json={}, headers={"x-wenju-token": "no"})
    told = [(one["status"], one["act"], one["answered"], one["reason"]) for one in lines.all()]
    assert told[0] == (200, "ask", False, "small_talk")
    assert [status for status, *_ in told[1:]] == [400, 415, 403, 403]
    assert not any(one["answered"] for one in lines.all())


def test_an_error_of_the_bot_is_named(bot: Bot) -> None:
    with opened("api") as entry, pytest.raises(Exception, match="empty"):
        bot.ask(" ")
    assert (entry.act, entry.error, entry.answered) == ("ask", "QuestionError", None)
    with noting("ask", "?") as unread:
        assert unread is not entry


def test_one_that_is_told_to_come_again_is_a_line(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, index = Lines(), Path(bot.info().index)
    service = service_of(bot, index, Settings(index=str(index)))
    api = application_of(service, HOST, Tokens(()))
    monkeypatch.setattr(service.asking, "_inside", 10_000)
    with server.running(api, log=lines.log) as address:
        httpx.post(f"{address}/api/ask", json={"question": QUESTION}, trust_env=False)
    assert [one["status"] for one in lines.all()] == [503]


def test_mcp_is_a_line_a_call_not_a_list(bot: Bot) -> None:
    lines, index = Lines(), Path(bot.info().index)
    service = service_of(bot, index, Settings(index=str(index)), read_only=True)
    headers = {"accept": "application/json, text/event-stream"}
    with server.running(mcp_application_of(service, HOST, Tokens()), log=lines.log) as address:
        for method, given in (
            ("tools/list", {}),
            ("tools/call", {"name": "ask", "arguments": {"question": QUESTION}}),
        ):
            call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": given}
            found = httpx.post(f"{address}/mcp", json=call, headers=headers, trust_env=False)
            assert found.status_code == 200, found.text
    assert [(one["way"], one["act"], one["answered"]) for one in lines.all()] == [
        ("mcp", "ask", True)
    ]


class Full(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_loses_no_answer(bot: Bot) -> None:
    lines = Lines()
    lines.log = QuestionLog(Full())
    with page(bot, lines) as client:
        assert client.post("/api/ask", json={"question": QUESTION}).json()["answered"]


def test_it_is_off_unless_it_is_set(capfd: pytest.CaptureFixture[str]) -> None:
    with question_log(Settings()) as log:
        assert log is None
    with question_log(load({"log": "text"})) as log:
        assert log is not None
        with log.serving("api"), noting("retrieve", "密"):
            pass
    assert re.fullmatch(
        r"time=\S+Z id=\w{8} way=api act=retrieve status=0 ms=\d+ waited_ms=\d+ bot_ms=\d+ citations=0 hits=0 gone=False\n",
        capfd.readouterr().err,
    )
    with pytest.raises(SettingError, match="'log' is 'xml'; give one of"):
        load({"log": "xml"})


def test_an_entry_is_of_its_request_alone() -> None:
    with opened("page") as outer, opened("api") as inner, noting("ask", "一") as noted:
        assert noted is inner
    assert (outer, inner.act) == (Entry("page"), "ask")
