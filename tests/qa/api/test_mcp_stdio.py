"""`wenju mcp` as a process of its own with the packaged model, asked by the official client."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from embeddings.build import build
from embeddings.encoder import Encoder, open_encoder
from embeddings.lexical import Tokenizer
from qa.addresses import listening
from tests.qa.api.conftest import QUESTION, Index
from tests.qa.conftest import PAGES

pytestmark = pytest.mark.model

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return open_encoder()


@pytest.fixture
def index(tmp_path: Path, encoder: Encoder, tokenizer: Tokenizer) -> Index:
    root, index = tmp_path / "documents", tmp_path / "index"
    root.mkdir()
    for name, text in PAGES.items():
        (root / name).write_bytes(text.encode())
    build(root, index, encoder, tokenizer)
    return root, index


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_official_client_asks_over_stdio(
    index: Index, encoder: Encoder, tokenizer: Tokenizer, mode: str
) -> None:
    root, folder = index
    parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "qa.cli", "mcp", "--index", str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    async def work() -> None:
        async with Client(parameters, mode=mode, read_timeout_seconds=120) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert names == ["ask", "retrieve", "read_document"]
            answer = await client.call_tool("ask", {"question": QUESTION})
            assert "签约项目22个。[1]" in text_of(answer)
            (citation,) = answer.structured_content["citations"]
            original = PAGES[citation["source"]]
            assert original[citation["start"] : citation["end"]] == citation["quote"]
            place = {key: citation[key] for key in ("start", "end")}
            read = await client.call_tool("read_document", {"document": "天桥.txt", **place})
            assert read.structured_content["text"] == citation["quote"]
            refused = await client.call_tool("ask", {"question": "熊猫吃多少竹子？"})
            assert (refused.is_error, refused.structured_content["answered"]) == (False, False)
            unknown = await client.call_tool("read_document", {"document": "无.txt"})
            assert unknown.is_error
            assert text_of(unknown).startswith("The index holds no file or folder '无.txt'")
            long = await client.call_tool("retrieve", {"question": "问" * 100_000})
            assert long.is_error
            (root / "天桥.txt").write_bytes(PAGES["天桥.txt"].replace("22个", "33个").encode())
            build(root, folder, encoder, tokenizer)
            again = await client.call_tool("ask", {"question": QUESTION})
            assert "签约项目33个。[1]" in text_of(again)

    asyncio.run(work())


PARAMS = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "t", "version": "1"},
}
HELLO: list[dict[str, Any]] = [
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": PARAMS},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
]
ASK = {"name": "ask", "arguments": {"question": QUESTION}}
CALL: dict[str, Any] = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": ASK}


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command; it must have ended by itself when the block has."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "qa.cli", "mcp", *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment, encoding="utf-8",
    )  # fmt: skip
    with process:
        try:
            yield process
            process.wait(60)
        finally:
            process.kill()


def send(process: subprocess.Popen[str], messages: list[dict[str, Any]]) -> None:
    assert process.stdin is not None
    process.stdin.write("".join(json.dumps(message) + "\n" for message in messages))
    process.stdin.flush()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def log_of(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.read()


def test_only_the_protocol_is_written_to_standard_output(index: Index) -> None:
    with started("--index", str(index[1])) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        send(process, [*HELLO, CALL])
        said = [json.loads(line_of(process)) for _ in range(2)]
        process.stdin.write("{ no JSON\n")
        process.stdin.close()
        rest, log = process.stdout.read(), log_of(process)
    assert [one["id"] for one in said] == [1, 2]
    assert said[1]["result"]["structuredContent"]["answered"] is True
    assert rest == ""
    assert process.returncode == 0
    assert "Traceback" not in log


def test_a_client_that_reads_no_more_is_no_failure(index: Index) -> None:
    with started("--index", str(index[1])) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        send(process, HELLO)
        assert json.loads(line_of(process))["id"] == 1
        process.stdout.close()
        send(process, [CALL])
        time.sleep(3)  # the answer meets the closed pipe before the end of input is seen
        process.stdin.close()
        process.wait(60)
        log = log_of(process)
    assert process.returncode == 0
    assert "Traceback" not in log


def test_an_interrupt_ends_it_while_it_waits(index: Index) -> None:
    with started("--index", str(index[1])) as process:
        send(process, HELLO)
        assert json.loads(line_of(process))["id"] == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == -signal.SIGINT
        assert "Traceback" not in log_of(process)


def test_the_command_serves_over_http(index: Index) -> None:
    async def work(url: str) -> str:
        async with (
            httpx2.AsyncClient(trust_env=False, timeout=120) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return text_of(await client.call_tool("ask", {"question": QUESTION}))

    with listening("127.0.0.1", 0) as free:
        port: int = free.getsockname()[1]
    with started("--http", "--port", str(port), "--index", str(index[1])) as process:
        url = line_of(process).strip()
        assert url == f"http://127.0.0.1:{port}/mcp"
        assert "签约项目22个。[1]" in asyncio.run(work(url))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert "Traceback" not in log_of(process)
