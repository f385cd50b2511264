"""No request reads a file: neither by a path that leads out nor by the name of somebody's upload."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from embeddings.records import document_id
from qa.bot import Bot
from qa.page.chat import running
from qa.page.options import Options
from tests.qa.conftest import ALPHABET

SECRET = "密码是 hunter2"
NAME = "密.txt"
ESCAPES = [
    "../" * 9 + "{path}", "..%2f" * 9 + "{path}", "%2e%2e/" * 9 + "{path}", "..%5c" * 9 + "{path}",
    "..\\" * 9 + "{path}", "%252e%252e%252f" * 9 + "{path}", "..;/" * 9 + "{path}",
    "....//" * 9 + "{path}", "%c0%ae%c0%ae/" * 9 + "{path}", "{path}", "/{path}", "//{path}",
    "file:///{path}", "{path}%00.png", "{path}%00", "\\\\127.0.0.1\\c$\\{path}",
    "%5c%5c127.0.0.1%5c{path}", "C:\\{path}", "~/{path}", "uploads/" + quote(NAME),
    "index/uploads/" + quote(NAME), "library.db", "CURRENT",
]  # fmt: skip
PLACES = [
    "/", "/assets/", "/static/", "/svelte/", "/file=", "/file/", "/gradio_api/file=",
    "/gradio_api/file%3D", "/gradio_api/file/", "/gradio_api/stream/", "/gradio_api/proxy=",
    "/gradio_api/upload?path=", "/gradio_api/call/ask/",
    "/gradio_api/component_server/", "/gradio_api/deep_link?session_hash=", "/gradio_api/dev/",
    "/wenju/", "/wenju/ask/page/", "/wenju/documents/", "/wenju/documents/upload?name=", "/api/documents/",
    "/api/../",
]  # fmt: skip


class Site:
    """A page over an index that holds one document, an upload that waits, and a secret beside it."""

    def __init__(self, folder: Path, tokenizer: Tokenizer) -> None:
        (folder / "pages").mkdir()
        (folder / "pages" / "天桥.txt").write_text("天桥区有21家企业。\n", encoding="utf-8")
        self.index, self.secret = folder / "index", folder / "secret.txt"
        encoder = CountingEncoder(ALPHABET)
        build(folder / "pages", self.index, encoder, tokenizer)
        self.secret.write_text(SECRET, encoding="utf-8")
        (self.index / "uploads").mkdir(exist_ok=True)
        self.upload = self.index / "uploads" / NAME
        self.upload.write_text(SECRET, encoding="utf-8")
        self.bot = Bot(self.index, encoder, tokenizer)


@pytest.fixture(scope="module")
def site(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("paths"), tokenizer)


@pytest.fixture(scope="module")
def address(site: Site) -> Iterator[str]:
    with running(site.bot, options=Options(index=site.index)) as address:
        yield address


def raw(address: str, target: str, body: bytes | None = None, token: str = "") -> tuple[int, bytes]:
    """Ask for a path as it is written, which no client would; return status and all bytes."""
    parts = urlsplit(address)
    head = f"{'GET' if body is None else 'POST'} {target} HTTP/1.1\r\nhost: {parts.netloc}\r\n"
    head += f"connection: close\r\nx-wenju-token: {token}\r\n"
    if body is not None:
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=20) as line:
        line.sendall(head.encode() + b"\r\n" + (body or b""))
        got = b"".join(iter(lambda: line.recv(65536), b""))
    return int(got.split(b" ", 2)[1]), got


def reads_nothing(got: bytes) -> bool:
    return not any(found in got for found in (SECRET.encode(), b"root:x:0:", b"SQLite format"))


@pytest.mark.parametrize("place", PLACES)
def test_no_path_reads_a_file(site: Site, address: str, place: str) -> None:
    for escape in ESCAPES:
        for path in (str(site.secret).lstrip("/"), "etc/passwd", str(site.upload).lstrip("/")):
            target = (place + escape.format(path=quote(path))).replace(" ", "%20")
            status, got = raw(address, target)
            assert reads_nothing(got), target
            assert status < 500, target
            # Of an answer that it does not know gradio says so as an event, with status 200.
            is_told = b"<!doctype html>" in got.lower() or b'event: error\ndata: "404' in got
            assert place == "/" or status != 200 or is_told, target


def act(address: str, view: str, name: str, **data: object) -> bytes:
    _, state = raw(address, "/wenju/state")
    token = json.loads(state.partition(b"\r\n\r\n")[2].strip().splitlines()[0])["token"]
    return raw(address, f"/wenju/act/{view}/{name}", json.dumps(data).encode(), token)[1]


def test_no_act_reads_a_file_or_what_waits_for_a_build(site: Site, address: str) -> None:
    """Not even by its content's hash, which who has the content knows."""
    asked = 0
    for escape in [e.format(path=str(site.secret).lstrip("/")) for e in ESCAPES] + [
        f"uploads/{NAME}", NAME, str(site.upload), document_id(SECRET.encode()), "\x00", "."
    ]:  # fmt: skip
        for view, name, data in (
            ("documents", "view", {"document": escape, "source": escape}),
            ("documents", "read", {"document": escape, "start": 0}),
            ("documents", "remove", {"source": f"../{escape}"}),
            ("map", "reference", {"document": escape, "offset": "0"}),
            ("ask", "ask", {"question": "密码是什么？", "sources": [escape]}),
            ("search", "find", {"query": "密码", "sources": [escape]}),
            ("ask", "open", {"reference": escape}),
        ):
            got = act(address, view, name, **data)
            assert reads_nothing(got), (view, name, escape)
            assert b"Traceback" not in got
            asked += 1
    assert asked > 200
    assert site.secret.read_text("utf-8") == site.upload.read_text("utf-8") == SECRET
