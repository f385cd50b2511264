"""The Model Context Protocol, by the official client: over a pipe and over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from click.testing import CliRunner

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.errors import SettingError
from embeddings.lexical import Tokenizer
from embeddings.settings import Settings
from qa import server
from qa.api import mcp as protocol
from qa.api.service import service_of
from qa.api.tokens import Tokens
from qa.bot import LONGEST_QUESTION, Bot
from qa.cli import main
from qa.records import Answer
from qa.render import answer_to_json
from tests.qa.api.conftest import HOST, QUESTION, TOKEN, Served
from tests.qa.conftest import PAGES

mcp = pytest.importorskip("mcp")

from mcp.client.stdio import StdioServerParameters, stdio_client  # noqa: E402
from mcp.client.streamable_http import streamable_http_client  # noqa: E402

Work = Callable[[Any], Awaitable[Any]]


def over_http(url: str, work: Work, token: str = "") -> Any:
    """Connect to a server, and return what `work` makes of the client."""

    async def run() -> Any:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with httpx_client(headers) as own:
            transport = streamable_http_client(url + protocol.PATH, http_client=own)
            async with mcp.Client(transport) as client:
                return await work(client)

    return anyio.run(run)


def httpx_client(headers: dict[str, str]) -> Any:
    from mcp.shared._httpx_utils import create_mcp_http_client

    return create_mcp_http_client(headers=headers)


@contextmanager
def serving(bot: Any, index: Path, *tokens: str, origins: tuple[str, ...] = ()) -> Iterator[str]:
    service = service_of(bot, index, Settings(), read_only=True)
    with server.running(protocol.application_of(service, HOST, Tokens(tokens), origins)) as url:
        yield url


@pytest.fixture(scope="module")
def url(served: Served) -> Iterator[str]:
    """The protocol over the same bot as the API."""
    with serving(served.bot, served.service.library.index) as found:
        yield found


def call(url: str, tool: str, **given: Any) -> Any:
    return over_http(url, lambda client: client.call_tool(tool, given))


def said(result: Any) -> str:
    """Return what a tool says, which must be one text."""
    (content,) = result.content
    text: str = content.text
    return text


def refused(result: Any) -> str:
    assert result.is_error
    sentence = said(result)
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    return sentence


def test_three_tools_with_their_arguments_are_told(url: str) -> None:
    tools = over_http(url, lambda client: client.list_tools()).tools
    assert [tool.name for tool in tools] == ["ask", "retrieve", "read_document"]
    for tool in tools:
        assert tool.description
        assert tool.annotations.read_only_hint
    assert set(tools[0].input_schema["required"]) == {"question"}
    assert tools[1].input_schema["properties"]["k"]["maximum"] == 100


def test_an_answer_is_that_of_the_bot_and_its_citations_are_exact(url: str, served: Served) -> None:
    result = call(url, "ask", question=QUESTION)
    wanted: Answer = served.bot.ask(QUESTION)
    assert not result.is_error
    assert result.structured_content == served_json(wanted)
    assert wanted.answered
    assert said(result).startswith(wanted.sentences[0].text + "[1]")
    for citation in result.structured_content["citations"]:
        original = PAGES[citation["source"]]
        assert original[citation["start"] : citation["end"]] == citation["quote"]


def served_json(answer: Answer) -> Any:
    return json.loads(json.dumps(answer_to_json(answer)))


def test_what_the_documents_do_not_tell_is_no_error(url: str) -> None:
    result = call(url, "ask", question="月球上有多少座火山？")
    assert not result.is_error
    assert result.structured_content["answered"] is False
    assert result.structured_content["citations"] == []


def test_passages_come_best_first_and_are_limited(url: str, served: Served) -> None:
    result = call(url, "retrieve", question=QUESTION, k=2)
    wanted = served.bot.retrieve(QUESTION, 2)
    assert [hit["id"] for hit in result.structured_content["passages"]] == [h.id for h in wanted]
    source = wanted[0].source
    others = sorted(set(PAGES) - {source})
    result = call(url, "retrieve", question=QUESTION, sources=others[:1])
    assert {hit["source"] for hit in result.structured_content["passages"]} <= {others[0]}


def test_a_document_is_read_by_id_and_by_name_part_by_part(url: str, served: Served) -> None:
    hit = served.bot.retrieve(QUESTION, 1)[0]
    text = PAGES[hit.source]
    for name in (hit.document, hit.source):
        assert said(call(url, "read_document", document=name)) == text
    part = call(url, "read_document", document=hit.source, start=2, end=5)
    assert part.structured_content["text"] == text[2:5]
    assert part.structured_content["next"] == 5
    assert f"{len(text) - 5} characters follow: start=5" in said(part)


@pytest.mark.parametrize(
    ("tool", "given", "sentence"),
    [
        ("ask", {"question": ""}, "'question'"),
        ("ask", {}, "The field 'question' is missing"),
        ("ask", {"question": "长" * (LONGEST_QUESTION + 1)}, str(LONGEST_QUESTION)),
        ("ask", {"question": "何时？", "since": "昨天"}, "'昨天'"),
        ("ask", {"question": "何时？", "sources": ["没有.txt"]}, "没有.txt"),
        ("retrieve", {"question": "何时？", "k": 0}, "'k'"),
        ("retrieve", {"question": "何时？", "k": "many"}, "'k'"),
        ("read_document", {"document": "没有"}, "The index holds no document '没有'"),
        ("read_document", {"document": "a", "start": -1}, "'start'"),
        ("delete", {}, "delete"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_sentence(
    url: str, tool: str, given: dict[str, Any], sentence: str
) -> None:
    assert sentence in refused(call(url, tool, **given))


def test_a_part_that_ends_before_it_begins_is_refused(url: str, served: Served) -> None:
    source = served.bot.retrieve(QUESTION, 1)[0].source
    result = call(url, "read_document", document=source, start=5, end=2)
    assert "ends at 2" in refused(result)


def test_a_rebuild_between_two_calls_is_noticed(
    fresh: tuple[Bot, Path, Path], tokenizer: Tokenizer, counting: CountingEncoder
) -> None:
    bot, root, index = fresh

    async def work(client: Any) -> list[Any]:
        found = [await client.call_tool("read_document", {"document": "新.txt"})]
        (root / "新.txt").write_text("章丘区新设了九座水厂。", encoding="utf-8")
        build(root, index, counting, tokenizer)
        return [*found, await client.call_tool("read_document", {"document": "新.txt"})]

    with serving(bot, index) as url:
        before, after = over_http(url, work)
    assert before.is_error
    assert said(after) == "章丘区新设了九座水厂。"


def test_without_the_token_nobody_is_served(served: Served) -> None:
    with serving(served.bot, served.service.library.index, TOKEN) as url:
        tools = over_http(url, lambda client: client.list_tools(), TOKEN).tools
        assert len(tools) == 3
        for headers in ({}, {"authorization": "Bearer wrong"}):
            answer = httpx.post(url + protocol.PATH, headers=headers, json={}, trust_env=False)
            assert answer.status_code == 401
            assert "oken" in answer.json()["error"]["message"]
            assert TOKEN not in answer.text


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"host": "evil.example"}])
def test_other_sites_are_refused(url: str, headers: dict[str, str]) -> None:
    answer = httpx.post(url + protocol.PATH, headers=headers, json={}, trust_env=False)
    assert answer.status_code == 403


def test_too_large_a_body_is_refused(url: str) -> None:
    big = b"x" * (1024 * 1024 + 1)
    answer = httpx.post(url + protocol.PATH, content=big, trust_env=False)
    assert answer.status_code == 413


def test_an_open_address_needs_a_token(served: Served) -> None:
    with pytest.raises(SettingError, match="wenju mcp --token-file"):
        protocol.application_of(served.service, "0.0.0.0", Tokens(()))


def test_without_the_package_one_sentence_says_what_to_install() -> None:
    code = "import sys; sys.modules['mcp'] = None; from qa.api.mcp import serve_stdio as s; s(None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "SettingError: wenju mcp needs the package mcp" in done.stderr.splitlines()[-1]
    assert "pip install 'wenju[mcp]'" in done.stderr.splitlines()[-1]


def test_an_index_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["mcp", "--index", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "wenju build" in result.stderr


@pytest.mark.model
def test_a_client_starts_it_and_speaks_over_the_pipe(tmp_path: Path) -> None:
    root, index = tmp_path / "documents", tmp_path / "index"
    root.mkdir()
    (root / "水厂.txt").write_text("章丘区去年新建了九座水厂，投资三亿元。", encoding="utf-8")
    built = CliRunner().invoke(main, ["build", str(root), "--index", str(index)])
    assert built.exit_code == 0, built.output
    command = ["-m", "qa.cli", "mcp", "--index", str(index)]
    started = StdioServerParameters(command=sys.executable, args=command, env=dict(os.environ))

    async def run() -> Any:
        async with mcp.Client(stdio_client(started)) as client:
            return await client.call_tool("ask", {"question": "章丘区新建了几座水厂？"})

    result = anyio.run(run)
    assert "九座水厂" in said(result)
    assert result.structured_content["answered"]
