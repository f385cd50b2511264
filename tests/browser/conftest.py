"""Chromium, and the page over real and scripted bots."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, expect, sync_playwright

from embeddings.build import build
from embeddings.encoder import open_encoder
from embeddings.lexical import Tokenizer
from qa.bot import Bot
from qa.page.chat import running
from qa.page.options import Options
from qa.page.protocols import AnsweringBot
from qa.page.views import View
from tests.browser.visitor import PATIENCE, Visitor

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # No name leads anywhere: what would leave the machine fails, and `Visitor.foreign` tells of it.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    # The first of them is a page of the browser's own, loaded anew with every window.
    "--disable-features=PreloadTopChromeWebUI,MediaRouter,OptimizationHints,PaintHolding,"
    "HttpsUpgrades,LensOverlay,Translate",
)
SEEDS = Path(__file__).parents[2] / "seeds"

WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

Visit = Callable[..., Visitor]


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """One for all browsers: a process can have no second one."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}: apt-get install -y chromium")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
    yield browser
    browser.close()


@contextmanager
def browser_that_knows(playwright: Playwright, name: str) -> Iterator[Browser]:
    """Another browser, for which a name leads to this machine."""
    rules = f"--host-resolver-rules=MAP {name} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    flags = [flag for flag in FLAGS if not flag.startswith("--host-resolver-rules")]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*flags, rules])
    try:
        yield browser
    finally:
        browser.close()


@pytest.fixture(scope="package")
def seeds_bot(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Bot:
    """The real thing: the packaged model over the documents that ship with the project."""
    index = tmp_path_factory.mktemp("browser") / "index"
    build(SEEDS, index, open_encoder(), tokenizer)
    return Bot.open(index)


class Windows:
    """Browser contexts that tests share by their options, and ports that servers share.

    A page that stood at the same address before finds its scripts in the browser's cache, which is
    most of the time that it takes to open. Nothing else is left of a visit.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: dict[str, BrowserContext] = {}
        self._ports: list[int] = []

    def port(self, number: int) -> int:
        """Return the port of the visit of this number in a test, from 0."""
        while len(self._ports) <= number:
            with socket.create_server(("127.0.0.1", 0)) as free:
                self._ports.append(free.getsockname()[1])
        return self._ports[number]

    def context(self, number: int, options: dict[str, Any]) -> BrowserContext:
        """Return the context of the visit of this number with these options."""
        key = json.dumps([number, options], sort_keys=True)
        if key not in self._contexts:
            self._contexts[key] = self._browser.new_context(**options)
        return self._contexts[key]


@pytest.fixture(scope="package")
def windows(chromium: Browser) -> Windows:
    return Windows(chromium)


@pytest.fixture
def visit(windows: Windows) -> Iterator[Visit]:
    """Serve a bot and open the page on it; afterwards nothing may have left the machine."""
    with ExitStack() as stack:
        visitors: list[Visitor] = []

        def open_page(
            bot: AnsweringBot,
            size: dict[str, int] | None = None,
            pages: Options | None = None,
            more: Iterable[View] = (),
            **context: Any,
        ) -> Visitor:
            number = len(visitors)
            port = windows.port(number)
            address = stack.enter_context(running(bot, port=port, options=pages, more=more))
            options = {"viewport": size or WIDE, "locale": "zh-CN", **context}
            window = windows.context(number, options)
            visitor = Visitor(window, address, window.pages[0] if window.pages else None)
            # A test before may have turned it over, and what a tab is told wins over its window.
            visitor.page.emulate_media(color_scheme=context.get("color_scheme", "null"))
            stack.callback(visitor.leave)
            visitors.append(visitor)
            visitor.arrive()
            return visitor

        yield open_page
        assert [address for visitor in visitors for address in visitor.foreign] == []
        assert [error for visitor in visitors for error in visitor.errors] == []
