"""Listens and serves an API over HTTP; who may ask is checked by the API. Prints nothing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn

from qa.addresses import HOST, PORT, listening, url_of
from qa.connections import Connection
from qa.page.guard import Application
from qa.question_log import Logging, QuestionLog

PATIENCE_SECONDS = 1
"""How long answers on their way may keep a server that was told to stop."""

_COMMAND = "wenju serve"


def serve(
    application: Application,
    host: str = HOST,
    port: int = PORT,
    *,
    command: str = _COMMAND,
    announce: Callable[[str], None] | None = None,
    log: QuestionLog | None = None,
) -> None:
    """Serve until it is interrupted.

    Args:
        application: with its own check of who asks, as from `qa.api.application.application_of`.
        host: address to listen on.
        port: 0 to 65535; 0 takes a free one.
        command: what errors tell to say otherwise.
        announce: called once with the address when it is listened on.
        log: writes a line for each question; None for none.

    Raises:
        SettingError: when the address cannot be listened on.
    """
    with listening(host, port, command) as listener:
        if announce is not None:
            announce(url_of(host, listener))
        if threading.current_thread() is threading.main_thread():
            # uvicorn raises the signal once more when it has stopped.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            _server(_logged(application, log)).run(sockets=[listener])


@contextmanager
def running(
    application: Application, host: str = HOST, port: int = 0, log: QuestionLog | None = None
) -> Iterator[str]:
    """Serve from a thread while the block runs; gives the address. Errors are those of `serve`."""
    with listening(host, port, _COMMAND) as listener:
        server = _server(_logged(application, log))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield url_of(host, listener)
        finally:
            server.should_exit = True
            thread.join()


def _logged(application: Application, log: QuestionLog | None) -> Application:
    return application if log is None else Logging(application, log)


def _server(application: Application) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            application,
            http=Connection,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=PATIENCE_SECONDS,
        )
    )
