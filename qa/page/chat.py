"""Opens the chat page over a bot, on this machine only unless told otherwise. Prints nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from embeddings.errors import SettingError
from qa.addresses import HOST, PORT, is_loopback, listening, url_of
from qa.page.handlers import Page
from qa.page.options import Options
from qa.page.protocols import AnsweringBot
from qa.page.texts import TEXTS, Language
from qa.page.views import View

if TYPE_CHECKING:
    import gradio as gr

    from qa.page.server import Beside, PageServer

T = TypeVar("T")

# The last two switch off statistics that gradio would work out after each event for a page of its
# own that is not served here.
_GRADIO_SETTINGS = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**9),
}


def create_page(page: Page) -> gr.Blocks:
    """Return the shell of `page` as gradio blocks."""
    from qa.page.blocks import build

    return _in_a_loop(lambda: build(page, page.options.title or _both_names()))


def serve(
    bot: AnsweringBot,
    host: str = HOST,
    port: int = PORT,
    *,
    open_browser: bool = False,
    announce: Callable[[str], None] | None = None,
    options: Options | None = None,
    auth: str | None = None,
    beside: Beside | None = None,
) -> None:
    """Serve the chat until it is interrupted.

    Args:
        bot: answers the questions.
        host: address to listen on; anything but a loopback address needs `auth`.
        port: 0 to 65535; 0 takes a free one.
        open_browser: whether to open the page in the default browser.
        announce: called once with the page's address when it can be opened.
        options: those of the page.
        auth: ``user:password`` that every browser must give; None for none.
        beside: puts what else is served in front of the page; None for nothing.

    Raises:
        SettingError: when the address cannot be listened on, before anything heavy is loaded; or
            when `auth` is no pair.
    """
    check_auth(auth, host)
    with listening(host, port) as listener, _private_folder():
        server = _server(Page(bot, options), host, auth, beside)
        url = url_of(host, listener)
        if announce is not None:
            announce(url)
        if open_browser:
            webbrowser.open(url)
        if threading.current_thread() is threading.main_thread():
            # uvicorn raises the signal once more when it has stopped; the folder must still go.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


@contextmanager
def running(
    bot: AnsweringBot,
    host: str = HOST,
    port: int = 0,
    *,
    options: Options | None = None,
    auth: str | None = None,
    more: Iterable[View] = (),
    beside: Beside | None = None,
) -> Iterator[str]:
    """Serve the chat from a thread while the block runs; gives its address.

    Args and errors are those of `serve`; `more` are views behind those of the registry.
    """
    check_auth(auth, host)
    with listening(host, port) as listener, _private_folder():
        server = _server(Page(bot, options, more), host, auth, beside)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield url_of(host, listener)
        finally:
            server.should_exit = True
            thread.join()


def check_auth(auth: str | None, host: str = HOST) -> None:
    """Refuse a name and password that a browser could not give, and a page open to everybody.

    Raises:
        SettingError: when either is empty, or the colon between them is missing; or when there
            is none and `host` is not a loopback address.
    """
    if auth is None and not is_loopback(host):
        raise SettingError(
            f"Listening on {host!r} opens the page to other machines, and there is no name and "
            "password; give both (wenju chat --auth USER:PASSWORD) or stay on 127.0.0.1"
        )
    name, _, password = (auth or "").partition(":")
    if auth is not None and not (name and password):
        raise SettingError(
            "The name and password of the page are no pair; give both with a colon between them: "
            "wenju chat --auth USER:PASSWORD"
        )


def _in_a_loop(make: Callable[[], T]) -> T:
    """Run `make` inside an event loop: outside of one gradio opens several and closes none."""

    async def made() -> T:
        return make()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(made())
    return make()


def _both_names() -> str:
    return " ".join(TEXTS[language].title for language in (Language.ZH, Language.EN))


@contextmanager
def _private_folder() -> Iterator[None]:
    """Give gradio a temporary folder of its own, and tell it to report nothing to anyone."""
    with tempfile.TemporaryDirectory(prefix="wenju-page-") as folder:
        wanted = {**_GRADIO_SETTINGS, "GRADIO_TEMP_DIR": folder}
        before = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def _server(page: Page, host: str, auth: str | None, beside: Beside | None) -> PageServer:
    from qa.page.server import PageServer

    blocks = create_page(page)
    return _in_a_loop(lambda: PageServer(page, blocks, host, auth, beside))
