"""Addresses that a server listens on, and names that it answers to."""

from __future__ import annotations

import socket

import pytest

from embeddings.errors import SettingError
from qa.addresses import is_loopback, listening, named, url_of


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("127.0.0.1:7860", "127.0.0.1"),
        ("[::1]:80", "::1"),
        ("LocalHost", "localhost"),
        ("问据.example:1", "问据.example"),
        ("", ""),
        ("[", ""),
        ("[::1", ""),
    ],
)
def test_the_name_of_a_host_header(header: str, name: str) -> None:
    assert named(header) == name


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "::", "10.0.0.1", "localhost.example", "１２７.0.0.1"]
)
def test_what_is_no_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_errors_name_the_command() -> None:
    with listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert url_of("127.0.0.1", listener) == f"http://127.0.0.1:{port}"
        assert url_of("", listener) == f"http://127.0.0.1:{port}"
        assert url_of("::1", listener) == f"http://[::1]:{port}"
        wanted = f"Port {port} on 127.0.0.1 is in use.*wenju serve --port {port + 1}"
        with (
            pytest.raises(SettingError, match=wanted),
            listening("127.0.0.1", port, "wenju serve"),
        ):
            pass
    with (
        pytest.raises(SettingError, match="choose one: wenju serve"),
        listening("127.0.0.1", 65536, "wenju serve"),
    ):
        pass
    with (
        pytest.raises(SettingError, match="Cannot listen on 192.0.2.7.*wenju chat --host"),
        listening("192.0.2.7", 0),
    ):
        pass


def test_a_socket_that_is_let_go_can_be_taken_again() -> None:
    with listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_what_is_accepted_sends_at_once() -> None:
    with listening("127.0.0.1", 0) as listener:
        there = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        with there, accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
