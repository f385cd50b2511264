"""A page of another site in the next tab can neither ask, upload nor rebuild, nor read anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Playwright

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from embeddings.settings import Settings
from qa.api import beside
from qa.bot import Bot
from qa.feedback import FeedbackStore
from qa.page.chat import running
from qa.page.options import Options
from tests.browser.conftest import browser_that_knows
from tests.qa.conftest import ALPHABET

pytestmark = pytest.mark.browser

EVIL = "evil.example"
QUESTION = "天桥区有几家企业？"

REACH = """async address => {
    const got = [];
    const bodies = ["application/json", "text/plain", "application/x-www-form-urlencoded"];
    const tries = [
        ["GET", "wenju/state"], ["GET", "config"], ["GET", ""], ["GET", "gradio_api/info"],
        ["GET", "api/health"], ["GET", "api/documents"], ["GET", "v1/models"],
        ["POST", "wenju/act/ask/ask", {question: QUESTION}],
        ["POST", "wenju/act/documents/rebuild", {}],
        ["POST", "wenju/act/feedback/give", {verdict: "up", record: {}}],
        ["POST", "wenju/documents/upload?name=evil.txt", "evil"],
        ["POST", "gradio_api/queue/join", {data: [QUESTION], fn_index: 0, session_hash: "x"}],
        ["POST", "gradio_api/call/ask", {data: [QUESTION]}],
        ["POST", "api/ask", {question: QUESTION}], ["POST", "api/rebuild", {}],
        ["POST", "api/feedback", {question: QUESTION, verdict: "up"}],
        ["POST", "v1/chat/completions", {messages: [{role: "user", content: QUESTION}]}],
    ];
    for (const [method, path, body] of tries) {
        for (const mode of ["cors", "no-cors"]) {
            for (const type of body === undefined ? [null] : bodies) {
                const sent = {method, mode, credentials: "include"};
                if (type) sent.headers = {"content-type": type};
                if (body !== undefined) sent.body = typeof body === "string" ? body : JSON.stringify(body);
                try {
                    const found = await fetch(address + path, sent);
                    const text = await found.text();
                    if (found.type !== "opaque" || text) got.push([method, path, mode, found.status, text]);
                } catch { /* refused, as it should be */ }
            }
        }
    }
    for (const [method, path, body] of tries) {
        if (method === "GET") continue;
        const frame = document.body.appendChild(document.createElement("iframe"));
        frame.name = path;
        const form = document.body.appendChild(document.createElement("form"));
        form.method = "POST"; form.action = address + path; form.target = path; form.enctype = "text/plain";
        const field = form.appendChild(document.createElement("input"));
        field.name = JSON.stringify(body).replace(/}$/, ', "x": "'); field.value = '"}';
        form.submit();
    }
    const script = document.createElement("script");
    script.src = address + "config";
    document.body.append(script);
    const frame = document.body.appendChild(document.createElement("iframe"));
    frame.src = address;
    await new Promise((done) => setTimeout(done, 1500));
    try { if (frame.contentDocument?.querySelector("#question")) got.push("framed"); } catch { /* other origin */ }
    return got;
}""".replace("QUESTION", repr(QUESTION))


class Counting(Bot):
    """Counts what it is asked."""

    asked = 0

    def ask(self, *given: Any, **named: Any) -> Any:
        self.asked += 1
        return super().ask(*given, **named)


@pytest.fixture
def bot(tmp_path: Path, tokenizer: Tokenizer) -> Counting:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "天桥.txt").write_text("天桥区有21家企业。\n", encoding="utf-8")
    encoder = CountingEncoder(ALPHABET)
    build(tmp_path / "pages", tmp_path / "index", encoder, tokenizer)
    return Counting(tmp_path / "index", encoder, tokenizer)


@contextmanager
def served(bot: Counting, index: Path) -> Iterator[str]:
    """The page with the API beside it, as `wenju chat` serves both."""
    added = beside.add(bot, Settings(index=str(index)), Options(index=index), None)
    with running(bot, options=added.options, beside=added.wrap) as address:
        yield address


@contextmanager
def evil_site() -> Iterator[int]:
    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>evil</title><body>")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def tab(playwright: Playwright) -> Iterator[Page]:
    """A tab of a browser that takes the name of the other site for this machine."""
    with browser_that_knows(playwright, EVIL) as browser:
        yield browser.new_page()


def unharmed(bot: Counting, index: Path) -> None:
    assert bot.asked == 0
    assert not list((index / "uploads").glob("*"))
    assert [one.name for one in (index / "generations").iterdir()] == ["000001"]
    assert list(FeedbackStore(index).all()) == []


def test_another_site_reaches_nothing(bot: Counting, tmp_path: Path, tab: Page) -> None:
    index = tmp_path / "index"
    with served(bot, index) as address, evil_site() as port:
        tab.goto(f"{address.rstrip('/')}/")  # its cookies, if there were any, would be sent along
        tab.goto(f"http://{EVIL}:{port}/")
        assert tab.evaluate(REACH, address) == []
        assert tab.url == f"http://{EVIL}:{port}/"
        unharmed(bot, index)
        tab.goto(address)
        tab.locator("#question").fill(QUESTION)
        tab.locator("#question").press("Enter")
        tab.locator(".cite").first.wait_for()
        assert bot.asked == 1, "the page itself asks; so the count counts"


def test_a_name_that_is_turned_to_this_machine_reaches_nothing(
    bot: Counting, tmp_path: Path, tab: Page
) -> None:
    index = tmp_path / "index"
    with served(bot, index) as address:
        rebound = f"http://{EVIL}:{urlsplit(address).port}/"
        found = tab.goto(rebound)
        assert found is not None
        assert found.status == 403
        reached = tab.evaluate(REACH, rebound)
        assert {status for _, _, _, status, _ in reached} == {403}
        unharmed(bot, index)
