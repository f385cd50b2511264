"""Somebody at the page in a real browser, who sees what a person sees and counts what leaves it."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    expect,
)

PATIENCE = 20_000
"""Milliseconds until an answer must stand there: the machine may be busy with other work."""


class Visitor:
    """One browser window on one address.

    Attributes:
        page: the tab.
        foreign: addresses of requests that would have left the machine; they come to nothing.
        errors: what the browser's console reported as errors.
    """

    def __init__(self, context: BrowserContext, address: str, page: Page | None = None) -> None:
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self.address = address
        self._context = context
        # Listened to, not routed: a routed request is never taken from the cache.
        context.on("request", self._sent)
        self.page: Page = page or context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", self._failed)

    def _failed(self, error: Error) -> None:
        self.errors.append(f"{error}\n{error.stack}")

    def _sent(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https", "ws", "wss"} and address.hostname != "127.0.0.1":
            self.foreign.append(request.url)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} {message.location}")

    def arrive(self) -> None:
        """Open the page and wait until it can be used."""
        self.page.goto(self.address)
        expect(self.box).to_be_visible(timeout=PATIENCE)

    def leave(self) -> None:
        """Close further tabs and have the browser forget the visit; the tab stays for the next."""
        self._context.remove_listener("request", self._sent)
        self.page.remove_listener("console", self._heard)
        self.page.remove_listener("pageerror", self._failed)
        for other in self._context.pages:
            if other is not self.page:
                other.close()
        self.page.unroute_all()
        # From a page without scripts: an answer that comes late would keep its conversation again.
        self.page.goto(f"{self.address.rstrip('/')}/nothing-is-here")
        self.page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        self.page.goto("about:blank")
        self._context.clear_cookies()

    def reload(self) -> None:
        """Load the page anew; unlike `Page.reload` it waits for no picture or font."""
        self.page.evaluate("() => { window.isOld = true; location.reload(); }")
        self.page.wait_for_function("!window.isOld && document.querySelector('#question')")

    def look_around(self) -> None:
        """Have the page look at once whether its server is there, as when one returns to its tab."""
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def go(self, view: str) -> Locator:
        """Turn to a view by the navigation, and return it once it stands there."""
        self.page.locator(f"#header nav [data-view={view}]").click()
        shown = self.page.locator(f"#view-{view}")
        expect(shown).to_be_visible()
        expect(shown).not_to_have_attribute("aria-busy", "true", timeout=PATIENCE)
        return shown

    @property
    def box(self) -> Locator:
        return self.page.locator("#question")

    @property
    def conversation(self) -> Locator:
        return self.page.locator("#conversation")

    @property
    def cards(self) -> Locator:
        """Every answer, refusal and error on the page, oldest first; not the waiting dots."""
        return self.page.locator("#conversation .card:not(.dots)")

    @property
    def panel(self) -> Locator:
        return self.page.locator("#panel .panel")

    @property
    def marks(self) -> Locator:
        """The highlighted stretches of the original."""
        return self.page.locator("#panel .original mark")

    def ask(self, question: str) -> Locator:
        """Type a question, send it, and return its card once it and its original stand there."""
        expect(self.conversation).not_to_have_attribute("aria-busy", "true", timeout=PATIENCE)
        before = self.cards.count()
        self.box.fill(question)
        self.box.press("Enter")
        expect(self.cards).to_have_count(before + 1, timeout=PATIENCE)
        # When all of it has come it is scrolled to: a click in between would fall beside its button.
        expect(self.page.locator("#conversation .turn.waiting")).to_have_count(0, timeout=PATIENCE)
        return self.cards.last

    def marked(self) -> list[str]:
        """Return the highlighted stretches of the original, character by character."""
        expect(self.marks.first).to_be_attached()
        return [str(text) for text in self.marks.evaluate_all("all => all.map(m => m.textContent)")]

    def see_first_mark(self) -> None:
        """Wait until the first highlighted character is on the screen, inside the panel."""
        self.page.wait_for_function(
            """() => {
                const original = document.querySelector("#panel .original");
                const range = document.createRange();
                range.setStart(original.querySelector("mark").firstChild, 0);
                range.setEnd(original.querySelector("mark").firstChild, 1);
                const first = range.getBoundingClientRect();
                const frame = original.getBoundingClientRect();
                return first.height > 0 && first.top >= Math.max(0, frame.top)
                    && first.bottom <= Math.min(innerHeight, frame.bottom)
                    && first.left >= 0 && first.right <= innerWidth;
            }""",
            timeout=5_000,
        )

    def original_text(self) -> str:
        """Return every character of the original that the panel shows."""
        texts = self.page.locator("#panel .original .text")
        return "".join(str(t) for t in texts.evaluate_all("all => all.map(t => t.textContent)"))
