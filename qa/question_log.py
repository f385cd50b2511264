"""A line for each question that a server was asked, without its words unless they are wanted."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from embeddings.settings import Settings
from qa.asked import Entry, opened
from qa.line_writer import LineWriter
from qa.printable import printable_json

_WAYS = (
    ("page", re.compile(r"/wenju/act/(ask/ask|ask/write|search/find|map/place)")),
    ("api", re.compile(r"/api/(ask|retrieve)")),
    ("openai", re.compile(r"/v1/chat/completions")),
    ("mcp", re.compile(r"/mcp")),
    ("queue", re.compile(r"/gradio_api/(call/ask|queue/join)")),
)

# A client of MCP asks for the list of tools at the same address; gradio answers what is in its
# queue behind the request, which opens an entry of its own.
_CARRIERS = ("mcp", "queue")


class Lines(Protocol):
    """Where lines go."""

    def write(self, text: str, /) -> object:
        """Write a line with its end, without waiting."""


class QuestionLog:
    """Writes the lines.

    Args:
        form: ``json``, or ``text`` for people to read.
        with_words: whether a line holds the question.
        lines: where they go.
    """

    def __init__(self, lines: Lines, form: str = "json", *, with_words: bool = False) -> None:
        self._lines, self._form, self._with_words = lines, form, with_words

    @contextmanager
    def serving(self, way: str) -> Iterator[Entry]:
        """Open an entry for what is done in the block; then write its line."""
        began = time.monotonic()
        with opened(way) as entry:
            try:
                yield entry
            finally:
                if way not in _CARRIERS or entry.act or entry.status >= 400:
                    self._write(entry, time.monotonic() - began)

    def _write(self, entry: Entry, seconds: float) -> None:
        fields = self._fields(entry, seconds)
        line = printable_json(fields) if self._form == "json" else _in_words(fields)
        # A full disk or a closed pipe costs the line, not the answer.
        with suppress(OSError, ValueError):
            self._lines.write(line + "\n")

    def _fields(self, entry: Entry, seconds: float) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        known: dict[str, Any] = {
            "time": now, "id": secrets.token_hex(4), "way": entry.way, "act": entry.act,
            "status": entry.status, "ms": _milliseconds(seconds),
            "waited_ms": _milliseconds(seconds if entry.waited is None else entry.waited),
            "bot_ms": _milliseconds(entry.seconds),
            "generation": entry.generation, "answered": entry.answered, "reason": entry.reason,
            "citations": entry.citations, "hits": entry.hits, "error": entry.error,
            "gone": entry.gone,
        }  # fmt: skip
        return known | ({"question": entry.question} if self._with_words else {})


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _in_words(fields: Mapping[str, Any]) -> str:
    told = {name: value for name, value in fields.items() if value not in ("", None)}
    words = {"question": printable_json(told["question"])} if "question" in told else {}
    return " ".join(f"{name}={value}" for name, value in (told | words).items())


@contextmanager
def question_log(settings: Settings) -> Iterator[QuestionLog | None]:
    """Open what the settings ask for, and at the end write what waits; None for no log.

    Raises:
        SettingError: when its file cannot be opened.
    """
    if not settings.log:
        yield None
        return
    lines = LineWriter(Path(settings.log_file) if settings.log_file else None)
    try:
        yield QuestionLog(lines, settings.log, with_words=settings.log_text == "yes")
    finally:
        lines.close()


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
            sending = _Sending(entry, send)
            await self._application(scope, receive, sending)
            entry.gone = not sending.is_whole


@dataclass
class _Sending:
    """Notes the status of a response and whether its end was reached.

    Attributes:
        entry: takes the status.
        send: sends each message on.
        is_whole: whether the last one was sent.
    """

    entry: Entry
    send: Send
    is_whole: bool = False

    async def __call__(self, message: Message) -> None:
        """Send a message."""
        if message["type"] == "http.response.start":
            self.entry.status = message["status"]
        elif message["type"] == "http.response.body":
            self.is_whole = not message.get("more_body", False)
        await self.send(message)


def way_of(scope: Scope) -> str | None:
    """Return how a question came; None for a request that is none."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    return next((way for way, path in _WAYS if path.fullmatch(scope["path"])), None)
