"""The MCP server over real HTTP, asked by the official client."""

from __future__ import annotations

import asyncio
import builtins
import importlib
import json
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import httpx2
import pytest
from click.testing import CliRunner
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, CallToolResult, TextContent

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.errors import IndexDamagedError, SettingError
from embeddings.lexical import Tokenizer
from embeddings.settings import Settings
from qa import mcp_server, server
from qa.api import limits
from qa.api.service import service_of
from qa.api.tokens import Tokens
from qa.bot import Bot
from qa.cli import main
from qa.render import answer_to_json, answer_to_text, hit_to_json, hits_to_text
from tests.qa.api.conftest import HOST, QUESTION, TOKEN, Served, error_of
from tests.qa.conftest import PAGES

_Found = TypeVar("_Found")

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
ACCEPT = {"accept": "application/json, text/event-stream"}


@dataclass(frozen=True)
class Asked:
    """A running MCP server."""

    url: str
    bot: Bot

    def talk(
        self,
        work: Callable[[Client], Awaitable[_Found]],
        mode: str = "auto",
        headers: dict[str, str] | None = None,
    ) -> _Found:
        return asyncio.run(self._talk(work, mode, headers or {}))

    async def _talk(
        self, work: Callable[[Client], Awaitable[_Found]], mode: str, headers: dict[str, str]
    ) -> _Found:
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
            Client(streamable_http_client(self.url, http_client=http), mode=mode) as client,
        ):
            return await work(client)

    def call(self, name: str, mode: str = "auto", **arguments: Any) -> CallToolResult:
        async def work(client: Client) -> CallToolResult:
            return await client.call_tool(name, arguments)

        return self.talk(work, mode)

    def failure(self, name: str, mode: str = "auto", **arguments: Any) -> MCPError:
        """Return the error of the protocol that a call ends with."""

        async def work(client: Client) -> MCPError:
            with pytest.raises(MCPError) as info:
                await client.call_tool(name, arguments)
            return info.value

        return self.talk(work, mode)

    def post(self, **headers: str) -> httpx.Response:
        sent = {**ACCEPT, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return httpx.post(self.url, json=CALL, headers=sent, trust_env=False, timeout=60)


@contextmanager
def running(
    bot: Any, index: Path, tokens: Sequence[str] = (), origins: Sequence[str] = ()
) -> Iterator[Asked]:
    service = service_of(bot, index, Settings(), read_only=True)
    application = mcp_server.application_of(service, HOST, Tokens(tokens), origins)
    with server.running(application, HOST) as url:
        yield Asked(url + mcp_server.PATH, bot)


@pytest.fixture(scope="module")
def asked(served: Served) -> Iterator[Asked]:
    """An open server; tests must not change its documents."""
    with running(served.bot, served.service.library.index) as found:
        yield found


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def refusal_of(result: CallToolResult) -> str:
    assert result.is_error
    assert result.structured_content is None
    text = text_of(result)
    assert text[0].isupper()
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_tools_are_described(asked: Asked, mode: str) -> None:
    async def work(client: Client) -> Any:
        return client.server_info, client.instructions, await client.list_tools()

    info, about, listed = asked.talk(work, mode)
    assert info.name == "wenju"
    assert "read_document" in about
    described = {tool.name: tool for tool in listed.tools}
    assert {name: list(tool.input_schema["properties"]) for name, tool in described.items()} == {
        "ask": ["question", "sources", "since", "until", "history"],
        "retrieve": ["question", "sources", "since", "until", "k"],
        "read_document": ["document", "start", "end"],
    }
    assert [tool.input_schema["required"] for tool in listed.tools] == [
        ["question"], ["question"], ["document"],
    ]  # fmt: skip
    for tool in listed.tools:
        assert tool.description
        assert tool.annotations.read_only_hint is True
        assert tool.output_schema["type"] == "object"
    question = described["ask"].input_schema["properties"]["question"]
    assert question["maxLength"] == limits.LONGEST_QUESTION


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_an_answer_is_the_one_of_the_bot_and_cites_exactly(asked: Asked, mode: str) -> None:
    result = asked.call("ask", mode, question=QUESTION)
    answer = asked.bot.ask(QUESTION)
    assert result.is_error is False
    assert text_of(result) == answer_to_text(answer)
    assert "签约项目22个。[1]" in text_of(result)
    assert "[1] 天桥区抓党建 · 天桥.txt" in text_of(result)
    assert result.structured_content == as_json(answer_to_json(answer))
    for citation in result.structured_content["citations"]:
        original = PAGES[citation["source"]]
        assert original[citation["start"] : citation["end"]] == citation["quote"]


def test_a_refusal_is_no_error(asked: Asked) -> None:
    result = asked.call("ask", question="熊猫有多少只？")
    assert result.is_error is False
    assert text_of(result).startswith("文档里没有答案。")
    assert (result.structured_content["answered"], result.structured_content["text"]) == (False, "")


def test_a_follow_up_is_completed(asked: Asked) -> None:
    for history in (["高新区组建了几个党建联盟？"], [{"question": "高新区组建了几个党建联盟？"}]):
        result = asked.call("ask", question="在哪一年？", history=history)
        assert result.structured_content["question"] != "在哪一年？"
        assert "高新区" in result.structured_content["question"]


def test_sources_and_days_limit_an_answer(asked: Asked) -> None:
    other = asked.call("ask", question=QUESTION, sources=["高新.txt"])
    assert other.structured_content["answered"] is False
    assert {hit["source"] for hit in other.structured_content["nearest"]} <= {"高新.txt"}
    # No document has a date, so none is of these days.
    dated = asked.call("ask", question=QUESTION, since="2021-01-01", until="2021-12-31")
    assert dated.structured_content["nearest"] == []


def test_passages_are_those_of_the_bot(asked: Asked) -> None:
    result = asked.call("retrieve", question=QUESTION, k=2)
    hits = asked.bot.retrieve(QUESTION, 2)
    assert result.structured_content == {"hits": as_json([hit_to_json(hit) for hit in hits])}
    assert len(hits) == 2
    assert text_of(result) == hits_to_text(hits, QUESTION)
    assert text_of(result).startswith("1. ")
    none = asked.call("retrieve", question=QUESTION, since="2021-01-01")
    assert (none.structured_content, text_of(none)) == ({"hits": []}, "Nothing is found.")
    only = asked.call("retrieve", question=QUESTION, sources=["濟陽.txt"])
    assert {hit["source"] for hit in only.structured_content["hits"]} == {"濟陽.txt"}


@pytest.mark.parametrize("source", PAGES)
def test_a_document_is_read_by_id_and_by_file(asked: Asked, source: str) -> None:
    by_file = asked.call("read_document", document=source)
    record = by_file.structured_content
    text = PAGES[source]
    assert record["text"] == text
    assert text_of(by_file).endswith(
        f"{source} · characters 0-{len(text)} of {len(text)}\n\n{text}"
    )
    assert asked.call("read_document", document=record["id"]).structured_content == record
    assert asked.call("read_document", document=f"./{source}").structured_content == record


def test_a_cited_part_is_read(asked: Asked) -> None:
    citation = asked.bot.ask(QUESTION).citations[0]
    part = asked.call(
        "read_document", document=citation.source, start=citation.start, end=citation.end
    )
    assert part.structured_content["text"] == citation.quote
    left = len(PAGES["天桥.txt"]) - citation.end
    assert text_of(part).endswith(
        f"\n\n{citation.quote}\n\n({left} characters are left; go on with start={citation.end}.)"
    )


def test_a_long_document_is_read_in_parts(
    tmp_path: Path, counting: CountingEncoder, tokenizer: Tokenizer
) -> None:
    root, index = tmp_path / "documents", tmp_path / "index"
    root.mkdir()
    text = "".join(f"第{number}个项目在济南。\n" for number in range(4000))
    (root / "长.txt").write_bytes(text.encode())
    build(root, index, counting, tokenizer)
    with running(Bot(index, counting, tokenizer), index) as asked:
        read, start = "", 0
        while start < len(text):
            # More than is given at once may be asked for.
            result = asked.call("read_document", document="长.txt", start=start, end=len(text))
            record = result.structured_content
            assert len(record["text"]) == min(limits.LONGEST_PART, len(text) - start)
            read, start = read + record["text"], record["end"]
            told = f"({len(text) - start} characters are left; go on with start={start}.)"
            assert text_of(result).endswith(told) is (start < len(text))
        assert read == text
        assert len(text) > 2 * limits.LONGEST_PART


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("ask", {}, "The field 'question' is missing; ask takes question, sources, since"),
        ("ask", {"question": ""}, "'question' cannot be used: String should have at least 1"),
        ("ask", {"question": "  \n"}, "The question is empty; write what you want to know"),
        ("ask", {"question": 7}, "'question' cannot be used: Input should be a valid string"),
        ("ask", {"question": "问" * (limits.LONGEST_QUESTION + 1)}, f"at most {limits.LONGEST_QUESTION} char"),
        ("ask", {"question": "?", "k": 3}, "There is no field 'k' here; ask takes question"),
        ("ask", {"question": "?", "history": ["?"] * (limits.MOST_TURNS + 1)}, "at most 100 items"),
        ("ask", {"question": "?", "history": [{"answer": "?"}]}, "'history.0.str' cannot be used"),
        ("ask", {"question": "?", "since": "2021-06-31"}, "'2021-06-31' is no day of the calendar"),
        ("ask", {"question": "?", "since": "2022-01-01", "until": "2021-01-01"}, "run backwards"),
        ("ask", {"question": "?", "sources": ["天橋.txt"]}, "The index holds no file or folder '天橋.txt'"),
        ("retrieve", {"question": "?", "k": 0}, "'k' cannot be used: Input should be greater than"),
        ("retrieve", {"question": "?", "k": limits.MOST_HITS + 1}, "less than or equal to 100"),
        ("retrieve", {"question": "?", "sources": "天桥.txt"}, "should be a valid list"),
        ("read_document", {"document": "天桥"}, "no file or folder '天桥'; near: 天桥.txt"),
        ("read_document", {"document": "0" * 64}, "The index holds no document '000"),
        ("read_document", {"document": "../天桥.txt"}, "The index holds no file or folder"),
        ("read_document", {"document": "天桥.txt", "start": 9, "end": 3}, "ends at 3, before it"),
        ("read_document", {"document": "天桥.txt", "start": 10_000}, "and the part would begin at 10000"),
        ("read_document", {"document": "天桥.txt", "start": -1}, "greater than or equal to 0"),
        ("read_document", {"document": "天桥.txt", "start": 2**60}, "less than or equal to"),
    ],
)  # fmt: skip
def test_bad_input_is_told_in_one_sentence(
    asked: Asked, tool: str, arguments: dict[str, Any], said: str
) -> None:
    assert said in refusal_of(asked.call(tool, **arguments))


def test_an_unknown_tool_is_told(asked: Asked) -> None:
    error = asked.failure("rebuild")
    assert str(error) == "There is no tool 'rebuild'; there are ask, retrieve, read_document"
    assert error.error.code == INVALID_PARAMS


class _Failing:
    """A bot whose index went away, and then a program that fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def ask(self, *_: Any) -> Any:
        raise self._error


def test_what_the_bot_refuses_is_told_and_a_failure_is_not(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    index = served.service.library.index
    with running(_Failing(IndexDamagedError("The file is damaged; build")), index) as asked:
        assert refusal_of(asked.call("ask", question="?")) == "The file is damaged; build"
    with running(_Failing(RuntimeError("hush, /secret/path")), index) as asked:
        for mode in ("auto", "legacy"):
            error = asked.failure("ask", mode, question="?")
            assert str(error) == "The program has failed; the server's log says how"
            assert error.error.code == INTERNAL_ERROR
    assert "hush, /secret/path" in caplog.text


def test_a_rebuild_is_noticed_between_two_calls(
    fresh: tuple[Bot, Path, Path], counting: CountingEncoder, tokenizer: Tokenizer
) -> None:
    bot, root, index = fresh
    cited = bot.ask(QUESTION).citations[0]
    with running(bot, index) as asked:

        async def work(client: Client) -> list[CallToolResult]:
            before = await client.call_tool("ask", {"question": QUESTION})
            text = PAGES["天桥.txt"].replace("22个", "33个")
            (root / "天桥.txt").write_bytes(text.encode())
            build(root, index, counting, tokenizer)
            after = await client.call_tool("ask", {"question": QUESTION})
            place = {"document": cited.document, "start": cited.start, "end": cited.end}
            return [before, after, await client.call_tool("read_document", place)]

        before, after, old = asked.talk(work)
    assert "签约项目22个" in text_of(before)
    assert "签约项目33个" in text_of(after)
    # A citation of before is still the characters of before.
    assert old.structured_content["text"] == cited.quote
    assert "as they were before the index was last rebuilt" in text_of(old)


def test_a_token_is_asked_for(served: Served) -> None:
    with running(served.bot, served.service.library.index, [TOKEN]) as asked:
        assert error_of(asked.post(), 401)["code"] == "invalid_api_key"
        wrong = asked.post(authorization="Bearer " + "x" * 24)
        assert "not one of this server's" in error_of(wrong, 401)["message"]
        assert wrong.headers["www-authenticate"] == 'Bearer realm="Wenju"'

        async def work(client: Client) -> int:
            return len((await client.list_tools()).tools)

        assert asked.talk(work, headers={"authorization": f"Bearer {TOKEN}"}) == 3
        for headers in ({}, {"authorization": "Bearer " + "x" * 24}):
            for mode in ("auto", "legacy"):
                with pytest.raises(Exception) as info:
                    asked.talk(work, mode, headers)
                assert _is_refusal(info.value)


def _is_refusal(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_refusal, error.exceptions))
    return isinstance(error, MCPError | httpx2.HTTPStatusError)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"host": "rebound.example"},
        {"sec_fetch_site": "cross-site"},
    ],
)
def test_pages_of_other_sites_are_refused(asked: Asked, headers: dict[str, str]) -> None:
    assert error_of(asked.post(**headers), 403)["code"] == "not_allowed"
    assert asked.post().status_code == 200


def test_a_named_site_may_ask(served: Served) -> None:
    site = "https://chat.example"
    with running(served.bot, served.service.library.index, origins=[site]) as asked:
        found = asked.post(origin=site)
        assert found.status_code == 200
        assert found.headers["access-control-allow-origin"] == site
        wanted = {
            "origin": site,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type,mcp-protocol-version",
        }
        before = httpx.options(asked.url, headers=wanted, trust_env=False)
        assert (before.status_code, before.headers["access-control-allow-origin"]) == (200, site)
        error_of(asked.post(origin="https://b.example"), 403)


def test_bodies_and_paths_are_refused_in_the_one_form(asked: Asked) -> None:
    large = httpx.post(
        asked.url, content=b" " * (limits.LARGEST_BODY + 1), headers=ACCEPT, trust_env=False
    )
    assert error_of(large, 413)["code"] == "body_too_large"
    elsewhere = httpx.post(asked.url + "/", json=CALL, headers=ACCEPT, trust_env=False)
    assert "MCP is served at /mcp" in error_of(elsewhere, 404)["message"]
    for method in ("GET", "DELETE", "PUT"):
        other = httpx.request(method, asked.url, headers=ACCEPT, trust_env=False)
        assert "clients send POST to /mcp" in error_of(other, 405)["message"]
    bad = httpx.post(
        asked.url, content=b"{", headers={**ACCEPT, "content-type": "application/json"},
        trust_env=False,
    )  # fmt: skip
    assert bad.status_code == 400
    assert "Traceback" not in bad.text


def test_other_machines_need_a_token(served: Served) -> None:
    service = service_of(served.bot, served.service.library.index, Settings())
    with pytest.raises(SettingError, match="wenju mcp --http --token-file FILE"):
        mcp_server.application_of(service, "0.0.0.0", Tokens())
    with pytest.raises(SettingError, match="is no origin of a web page"):
        mcp_server.application_of(service, HOST, Tokens(), ["chat.example"])


def test_a_port_in_use_is_told_with_the_own_command() -> None:
    async def nothing(*_: Any) -> None:
        raise AssertionError

    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingError, match=f"{port} on .* in use.*: wenju mcp --http --port"):
            server.serve(nothing, HOST, port, command=mcp_server.COMMAND)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "0"], "--origin go with --http; add it"),
        (["--http", "--host", "0.0.0.0"], "lets other machines ask, and there is no token"),
        (["--http", "--token", "short"], "A token has 5 characters; it needs 16 or more"),
        (["--http", "--origin", "x"], "'x' is no origin of a web page"),
        (["--index", "nowhere"], "nowhere"),
    ],
)
def test_a_command_that_cannot_serve_says_why(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["mcp", *words], catch_exceptions=False)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] in ("mcp", "mcp_types"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest)

    monkeypatch.delitem(sys.modules, "qa.mcp_server")
    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(SettingError, match=r"not installed: pip install 'wenju\[mcp\]'"):
        importlib.import_module("qa.mcp_server")


def test_many_calls_at_once(asked: Asked) -> None:
    async def work(client: Client) -> list[str]:
        calls = (client.call_tool("ask", {"question": QUESTION}) for _ in range(12))
        return [text_of(result) for result in await asyncio.gather(*calls)]

    assert set(asked.talk(work)) == {answer_to_text(asked.bot.ask(QUESTION))}
