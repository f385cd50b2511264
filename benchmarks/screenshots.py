"""Makes the pictures of the page that the README shows, from the real page over a real index.

    python benchmarks/screenshots.py index

The questions are about the documents in seeds/; over another corpus name others:
``--ask QUESTION --follow-up QUESTION --unanswerable QUESTION``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from qa.bot import Bot
from qa.page.chat import running

DOCS = Path(__file__).parents[1] / "docs"
WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
SETTLED_MILLISECONDS = 600


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("index", help="index folder")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder for the pictures")
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="the browser")
    parser.add_argument("--ask", default="天桥区有多少家直播电商企业？")
    parser.add_argument("--follow-up", default="那从业人员呢？")
    parser.add_argument("--unanswerable", default="泉通APP开发花了多少钱？")
    return parser.parse_args()


@contextmanager
def opened(browser: Browser, address: str, **context: Any) -> Iterator[Page]:
    """Open the page in a window of its own."""
    with browser.new_context(locale="zh-CN", **context) as window:
        page = window.new_page()
        page.goto(address)
        expect(page.locator(".example").first).to_be_visible(timeout=30_000)
        yield page


def ask(page: Page, question: str) -> None:
    """Ask and wait for the card."""
    cards = page.locator(".card:not(.dots)")
    before = cards.count()
    page.fill("#question", question)
    page.press("#question", "Enter")
    expect(cards).to_have_count(before + 1, timeout=30_000)


def conversation(page: Page, given: argparse.Namespace) -> None:
    """An answer with its source open, and a follow-up."""
    ask(page, given.ask)
    ask(page, given.follow_up)


def sheet(page: Page, given: argparse.Namespace) -> None:
    """An answer whose source was tapped on a phone."""
    ask(page, given.ask)
    page.locator(".cite").first.tap()


def refused(page: Page, given: argparse.Namespace) -> None:
    """A question that the documents do not answer, with the nearest passage open."""
    ask(page, given.ask)
    ask(page, given.unanswerable)
    if not page.locator(".refusal .passage").count():
        raise SystemExit(f"{given.unanswerable} was not refused; name another: --unanswerable")
    page.locator(".refusal .passage").first.click()


PICTURES: dict[str, tuple[Callable[[Page, argparse.Namespace], None], dict[str, Any]]] = {
    "chat-wide.png": (conversation, WIDE),
    "chat-dark.png": (conversation, {**WIDE, "color_scheme": "dark"}),
    "chat-phone.png": (sheet, PHONE),
    "chat-refusal.png": (refused, WIDE),
}


def main() -> None:
    """Make every picture."""
    given = arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    with running(Bot.open(given.index)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.chromium, args=FLAGS)
        for name, (act, context) in PICTURES.items():
            with opened(browser, address, **context) as page:
                act(page, given)
                page.wait_for_timeout(SETTLED_MILLISECONDS)
                page.mouse.move(0, 0)
                page.screenshot(path=given.out / name)
                print(given.out / name)
        browser.close()


if __name__ == "__main__":
    main()
