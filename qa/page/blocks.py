"""The only file that builds with gradio: the shell of the page, and the endpoint for programs.

The page itself is put together in `qa.page.handlers`; its acts are served by `qa.page.acts`.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import gradio as gr
from gradio.events import api

from embeddings.errors import WenjuError
from qa.page.frame import ASSETS, asset
from qa.page.handlers import Page

ASKED_AT_ONCE = 4
QUEUE_LENGTH = 64
KNOWN_VISITORS = 128
"""Sessions that gradio keeps, 20 kB each; this page has nothing in them, so one that comes back
to find its own gone misses nothing."""

_OWN = ("frame", "panel", "talks", "choice", "written", "ask")


class Endpoint:
    """What programs ask through gradio's client."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def ask(
        self, question: str, history: list[str] | None = None, sources: list[str] | None = None
    ) -> dict[str, Any]:
        """Answer a question with the documents' own sentences, each with its citation.

        Args:
            question: what to ask.
            history: the user's questions before it, oldest first.
            sources: files to ask; all when left out.
        """
        log = self._page.options.log
        with log.serving("queue") if log is not None else nullcontext():
            try:
                return self._page.record(question, history or [], sources or [])
            except WenjuError as error:
                raise gr.Error(str(error)) from error


def _files(page: Page, ending: str) -> list[str]:
    """Return the asset files of this ending: the frame's, then those that views have."""
    names = [*_OWN, *(view.name for view in page.views if view.name not in _OWN)]
    return [f"{name}.{ending}" for name in names if (ASSETS / f"{name}.{ending}").exists()]


def script(page: Page) -> str:
    """Return the page's script; every file has a scope of its own but for ``wenju``."""
    parts = "\n".join(f"{{\n{asset(name)}\n}}" for name in _files(page, "js"))
    return f'"use strict";\n{parts}\nwenju.start();'


def style(page: Page) -> str:
    """Return the page's style sheet: parts of the frame, the frame with its phone layout, views."""
    files = _files(page, "css")
    own = [name for name in files if name.removesuffix(".css") in _OWN]
    others = [name for name in files if name not in own]
    return "\n".join(asset(name) for name in [*own, "page.css", *others])


def build(page: Page, title: str) -> gr.Blocks:
    """Return the page's shell; `title` is the browser tab's."""
    blocks: gr.Blocks
    with gr.Blocks(title=title, analytics_enabled=False, fill_width=True) as blocks:
        api(
            Endpoint(page).ask,
            api_name="ask",
            concurrency_limit=ASKED_AT_ONCE,
            concurrency_id="ask",
        )
        gr.HTML(
            '<div id="view-frame"></div>',
            elem_id="root",
            apply_default_css=False,
            js_on_load=script(page),
        )
    blocks.state_session_capacity = KNOWN_VISITORS
    # Past the queue nothing would bound how many ask.
    blocks.queue(max_size=QUEUE_LENGTH, default_concurrency_limit=ASKED_AT_ONCE, api_open=False)
    return blocks
