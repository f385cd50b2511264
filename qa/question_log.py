"""A line for each question that a server was asked, without its words unless they are wanted."""

from __future__ import annotations

import re
import secrets
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import IO, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from embeddings.settings import Settings
from qa.asked import Entry, opened
from qa.printable import printable_json

_WAYS = (
    ("page", re.compile(r"/wenju/act/(ask/ask|search/find|map/place)")),
    ("api", re.compile(r"/api/(ask|retrieve)")),
    ("openai", re.compile(r"/v1/chat/completions")),
    ("mcp", re.compile(r"/mcp")),
)


class QuestionLog:
    """Writes the lines.

    Args:
        form: ``json``, or ``text`` for people to read.
        with_words: whether a line holds the question.
        stream: where they go; None for standard error.
    """

    def __init__(
        self, form: str = "json", *, with_words: bool = False, stream: IO[str] | None = None
    ) -> None:
        self._form, self._with_words = form, with_words
        self._stream = stream or sys.stderr
        self._writing = threading.Lock()

    @contextmanager
    def serving(self, way: str) -> Iterator[Entry]:
        """Open an entry for what is done in the block; then write its line."""
        began = time.monotonic()
        with opened(way) as entry:
            try:
                yield entry
            finally:
                # A client of MCP asks for the list of tools at the same address.
                if way != "mcp" or entry.act or entry.status >= 400:
                    self._write(entry, time.monotonic() - began)

    def _write(self, entry: Entry, seconds: float) -> None:
        fields = self._fields(entry, seconds)
        line = printable_json(fields) if self._form == "json" else _in_words(fields)
        # A full disk or a closed pipe costs the line, not the answer.
        with self._writing, suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    def _fields(self, entry: Entry, seconds: float) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        known: dict[str, Any] = {
            "time": now, "id": secrets.token_hex(4), "way": entry.way, "act": entry.act,
            "status": entry.status, "ms": _milliseconds(seconds),
            "bot_ms": _milliseconds(entry.seconds),
            "generation": entry.generation, "answered": entry.answered, "reason": entry.reason,
            "citations": entry.citations, "hits": entry.hits, "error": entry.error,
        }  # fmt: skip
        return known | ({"question": entry.question} if self._with_words else {})


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _in_words(fields: Mapping[str, Any]) -> str:
    told = {name: value for name, value in fields.items() if value not in ("", None)}
    words = {"question": printable_json(told["question"])} if "question" in told else {}
    return " ".join(f"{name}={value}" for name, value in (told | words).items())


def question_log_of(settings: Settings) -> QuestionLog | None:
    """Return what the settings ask for; None for no log."""
    if not settings.log:
        return None
    return QuestionLog(settings.log, with_words=settings.log_text == "yes")


class Logging:
    """ASGI middleware: one line for each request that is a question.

    Args:
        application: what answers.
        log: writes the lines.
    """

    def __init__(self, application: ASGIApp, log: QuestionLog) -> None:
        self._application, self._log = application, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        way = way_of(scope)
        if way is None:
            await self._application(scope, receive, send)
            return
        with self._log.serving(way) as entry:

            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    entry.status = message["status"]
                await send(message)

            await self._application(scope, receive, sending)


def way_of(scope: Scope) -> str | None:
    """Return how a question came; None for a request that is none."""
    if scope["type"] != "http" or scope["method"] not in ("GET", "POST"):
        return None
    return next((way for way, path in _WAYS if path.fullmatch(scope["path"])), None)
