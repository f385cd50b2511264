"""The only file that builds with gradio: components, and which act of `Page` each event runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.events import api

from embeddings.errors import WenjuError
from qa.page.answer_card import conversation_html
from qa.page.frame import asset
from qa.page.handlers import Page, first_citation, pointer
from qa.page.markup import Markup
from qa.page.source_panel import panel_html
from qa.page.texts import Texts
from qa.page.turns import Turns, failed

ASKED_AT_ONCE = 4
QUEUE_LENGTH = 64
LANGUAGE_COOKIE = "wenju-language"

_ASKING: dict[str, Any] = {"concurrency_limit": ASKED_AT_ONCE, "concurrency_id": "ask"}

# Nothing but the answers is an endpoint for programs; the page shows waiting in its own way.
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}

# Tells the script in page.js that gradio has drawn new HTML.
_DRAWN = "watch('value', () => document.dispatchEvent(new Event('wenju:{name}')))"


class Events:
    """Reads what gradio hands over and gives each event to the page."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def _asked_language(self, request: gr.Request) -> Texts:
        chosen = request.cookies.get(LANGUAGE_COOKIE)
        return self._page.texts(chosen, request.headers.get("accept-language"))

    def load(self, request: gr.Request) -> tuple[Markup, Markup, Markup, Markup]:
        """Fill the page."""
        return self._page.start(self._asked_language(request))

    def examples(self, request: gr.Request) -> Markup:
        """Add the example questions."""
        return self._page.dock(self._asked_language(request))

    def ask(self, turns: Turns, event: gr.EventData) -> tuple[Turns, Markup, Any]:
        """Answer a question; open its first citation beside it."""
        data = _data(event)
        texts = self._page.texts(data.get("language"))
        turns = self._page.ask(turns, str(data.get("question", "")))
        opened = self._page.opened(turns, first_citation(turns))
        panel = panel_html(opened, texts) if opened is not None else gr.skip()
        return turns, conversation_html(turns, texts), panel

    def failed(self, turns: Turns, request: gr.Request) -> tuple[Turns, Markup]:
        """Say that a question was lost to an error of the program (gradio has logged it)."""
        turns = failed(turns)
        return turns, conversation_html(turns, self._asked_language(request))

    def open(self, turns: Turns, event: gr.EventData) -> Any:
        """Open a citation or passage in the panel."""
        data = _data(event)
        opened = self._page.opened(turns, pointer(data))
        if opened is None:
            return gr.skip()
        return panel_html(opened, self._page.texts(data.get("language")))

    def clear(self, event: gr.EventData) -> tuple[Turns, Markup, Markup]:
        """Forget the conversation."""
        texts = self._page.texts(_data(event).get("language"))
        return (), conversation_html((), texts), panel_html(None, texts)

    def language(self, turns: Turns, event: gr.EventData) -> tuple[Markup, Markup, Markup, Markup]:
        """Say everything in the other language."""
        data = _data(event)
        return self._page.show(turns, pointer(data), self._page.texts(data.get("language")))

    def endpoint(
        self, question: str, history: list[str] | None = None, sources: list[str] | None = None
    ) -> dict[str, Any]:
        """Answer a question with the documents' own sentences, each with its citation.

        Args:
            question: what to ask.
            history: the user's questions before it, oldest first.
            sources: files to ask; all when left out.
        """
        try:
            return self._page.record(question, history or [], sources or [])
        except WenjuError as error:
            raise gr.Error(str(error)) from error


def _data(event: gr.EventData) -> Mapping[str, Any]:
    return event._data if isinstance(event._data, dict) else {}


def _drawn(name: str) -> str:
    return _DRAWN.format(name=name)


def _html(elem_id: str, js_on_load: str | None = None) -> gr.HTML:
    return gr.HTML("", elem_id=elem_id, apply_default_css=False, js_on_load=js_on_load)


def _connect(events: Events, parts: dict[str, gr.HTML], turns: gr.State) -> None:
    """Attach the events that page.js triggers on the dock."""
    dock = parts["dock"]
    asked = dock.ask(
        events.ask,
        [turns],
        [turns, parts["conversation"], parts["panel"]],
        **_ASKING,
        **_QUIET,
    )
    asked.failure(events.failed, [turns], [turns, parts["conversation"]], queue=False, **_QUIET)
    dock.open(events.open, [turns], parts["panel"], trigger_mode="multiple", **_QUIET)
    dock.clear(events.clear, None, [turns, parts["conversation"], parts["panel"]], **_QUIET)
    dock.language(events.language, [turns], [*parts.values()], **_QUIET)


def _lay_out() -> dict[str, gr.HTML]:
    """Make the components, in the order of the page: header, conversation, dock, panel."""
    header = _html("header", _drawn("header"))
    with gr.Row(elem_id="workspace"):
        with gr.Column(elem_id="talk"):
            conversation = _html("conversation", _drawn("conversation"))
            dock = _html("dock", asset("page.js"))
        panel = _html("panel", _drawn("panel"))
    return {"header": header, "conversation": conversation, "dock": dock, "panel": panel}


def build(page: Page, title: str) -> gr.Blocks:
    """Return the page's components and events; `title` is the browser tab's."""
    events = Events(page)
    blocks: gr.Blocks
    with gr.Blocks(title=title, analytics_enabled=False, fill_width=True) as blocks:
        # First, so that no event of the page takes its name.
        api(events.endpoint, api_name="ask", **_ASKING)
        turns = gr.State(())
        parts = _lay_out()
        loaded = blocks.load(events.load, None, [*parts.values()], **_QUIET)
        loaded.then(events.examples, None, parts["dock"], **_QUIET)
        _connect(events, parts, turns)
    blocks.queue(max_size=QUEUE_LENGTH, default_concurrency_limit=ASKED_AT_ONCE)
    return blocks
