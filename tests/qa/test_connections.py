"""Clients that are slow on purpose, and too many of them, against a real server."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from qa import connections, server

PATIENCE = 0.4
SENTENCE = b"The request did not come in time; send it again, all of it at once."


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Read the body; answer with a line, or 64 MB."""
    if scope["type"] != "http":
        return
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.disconnect":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(1000 if scope["path"] == "/large" else 0):
        await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    await send({"type": "http.response.body", "body": b"answer"})


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    monkeypatch.setattr(connections, "PATIENCE", PATIENCE)
    with server.running(application) as url:
        parts = urlsplit(url)
        yield parts.hostname or "", parts.port or 0


def drip(there: socket.socket, piece: bytes) -> bytes:
    """Send a piece again and again; return what the server says before it closes."""
    there.settimeout(PATIENCE / 10)
    said, until = b"", time.monotonic() + 20 * PATIENCE
    while time.monotonic() < until:
        try:
            there.sendall(piece)
            part = there.recv(4096)
        except TimeoutError:
            continue
        except ConnectionError:
            return said
        if not part:
            return said
        said += part
    raise AssertionError("the server goes on waiting")


def get(address: tuple[str, int]) -> int:
    return httpx.get(f"http://{address[0]}:{address[1]}/", trust_env=False).status_code


@pytest.mark.parametrize(
    "begin",
    [
        b"GET / HTTP/1.1\r\nHost: here\r\nX-Slow: ",
        b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 100000000\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n5f5e100\r\n",
    ],
)
def test_a_request_byte_by_byte_is_ended_with_a_sentence(
    address: tuple[str, int], begin: bytes
) -> None:
    with socket.create_connection(address) as there:
        there.sendall(begin)
        said = drip(there, b"x")
    assert said.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert said.endswith(SENTENCE)
    assert get(address) == 200


def test_a_second_request_byte_by_byte_is_ended_too(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as there:
        there.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        said = drip(there, b"G")
    assert b"answer" in said
    assert said.endswith(SENTENCE)


def test_who_says_nothing_is_told_nothing(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as there:
        there.settimeout(20 * PATIENCE)
        assert there.recv(100) == b""


def test_a_body_that_goes_on_is_waited_for(address: tuple[str, int]) -> None:
    size, pieces = connections.LEAST_BYTES, 8
    with socket.create_connection(address) as there:
        there.sendall(
            b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % (size * pieces)
        )
        for _ in range(pieces):
            there.sendall(b"x" * size)
            time.sleep(PATIENCE / 2)
        assert there.recv(100).startswith(b"HTTP/1.1 200")


def test_an_answer_that_is_not_read_is_ended(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as there:
        there.sendall(b"GET /large HTTP/1.1\r\nHost: here\r\n\r\n")
        time.sleep(5 * PATIENCE)
        there.settimeout(20 * PATIENCE)
        taken = 0
        with suppress(ConnectionResetError):
            while part := there.recv(1 << 20):
                taken += len(part)
    assert taken < 1000 * 65536


def test_one_that_does_nothing_makes_room(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "PATIENCE", 60.0)
    monkeypatch.setattr(connections, "MOST", 3)
    with ExitStack() as stack:
        waiting = [stack.enter_context(socket.create_connection(address)) for _ in range(3)]
        for there in waiting:
            there.sendall(b"GET / HTT")
            time.sleep(0.05)
        assert get(address) == 200
        waiting[0].settimeout(5)
        assert waiting[0].recv(100) == b""
        for there in waiting[1:]:
            there.sendall(b"P/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
            assert there.recv(100).startswith(b"HTTP/1.1 200")


def test_where_all_are_at_work_one_more_is_told_to_come_again(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "PATIENCE", 60.0)
    monkeypatch.setattr(connections, "MOST", 3)
    with ExitStack() as stack:
        for _ in range(3):
            there = stack.enter_context(socket.create_connection(address))
            there.sendall(b"GET /large HTTP/1.1\r\nHost: here\r\n\r\n")
            assert there.recv(10) == b"HTTP/1.1 2"
        one_more = stack.enter_context(socket.create_connection(address))
        one_more.settimeout(5)
        said = one_more.recv(4096)
        assert said.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert said.endswith(b"Too many are connected; try again in a moment.")
