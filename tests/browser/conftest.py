"""Chromium, and the page over real and scripted bots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

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
)
SEEDS = Path(__file__).parents[2] / "seeds"

WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

Visit = Callable[..., Visitor]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}: apt-get install -y chromium")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def seeds_bot(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Bot:
    """The real thing: the packaged model over the documents that ship with the project."""
    index = tmp_path_factory.mktemp("browser") / "index"
    build(SEEDS, index, open_encoder(), tokenizer)
    return Bot.open(index)


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
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
            address = stack.enter_context(running(bot, options=pages, more=more))
            options = {"viewport": size or WIDE, "locale": "zh-CN", **context}
            opened = stack.enter_context(chromium.new_context(**options))
            visitor = Visitor(opened, address)
            visitors.append(visitor)
            visitor.arrive()
            return visitor

        yield open_page
        assert [address for visitor in visitors for address in visitor.foreign] == []
        assert [error for visitor in visitors for error in visitor.errors] == []
