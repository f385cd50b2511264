"""A language model behind an OpenAI-compatible server: pieces of text, or one kind of failure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from embeddings.errors import SettingError
from qa.model_access import Access, ModelFailedError
from qa.records import Failure

if TYPE_CHECKING:
    from openai import OpenAI

LONGEST = 20_000
"""Characters of an answer, thoughts included; what comes behind is not waited for."""

MOST_TOKENS = 4000

AT_ONCE = 32
"""Answers that are read at once; a server that keeps connections open holds no more threads."""

_log = logging.getLogger(__name__)


class LanguageModel:
    """Asks one model; safe to use from several threads. Nobody is contacted before a question.

    Raises:
        SettingError: the package `openai` is not installed.
    """

    def __init__(self, access: Access) -> None:
        self.access = access
        self._client = _client(access)
        self._busy_until = 0.0
        self._places = BoundedSemaphore(AT_ONCE)

    def pieces(self, messages: Sequence[dict[str, str]]) -> Iterator[str]:
        """Yield the answer as it comes; all of it within `Access.timeout`.

        Raises:
            ModelFailedError: at any point.
        """
        left = self._busy_until - monotonic()
        if left > 0:
            raise ModelFailedError(Failure.BUSY, left)
        if not self._places.acquire(blocking=False):
            raise ModelFailedError(Failure.BUSY)
        reading = _Reading(
            lambda: self._stream(messages), self.access.timeout, self._places.release
        )
        try:
            yield from reading
        except ModelFailedError as error:
            if error.wait:
                self._busy_until = monotonic() + error.wait
            _log.info("The language model failed: %s", error.failure.value)
            raise
        finally:
            reading.stop()

    def _stream(self, messages: Sequence[dict[str, str]]) -> Any:
        return self._client.chat.completions.create(
            model=self.access.model,
            messages=list(messages),  # type: ignore[arg-type]
            temperature=0,
            max_tokens=MOST_TOKENS,
            stream=True,
        )


def _client(access: Access) -> OpenAI:
    try:
        from qa.model_client import client_of
    except ImportError as error:
        raise SettingError(
            "A language model is set, but the package openai is not installed; "
            "install it: pip install 'wenju[llm]'"
        ) from error
    return client_of(access)


class _Reading:
    """One answer, read in a thread of its own: who waits for it waits no longer than allowed.

    Time limits of sockets count from one byte to the next, so that a server which sends something
    now and then, be it comments, could go on for ever.
    """

    def __init__(self, opened: Callable[[], Any], timeout: float, done: Callable[[], None]) -> None:
        self._opened, self._done = opened, done
        self._end = monotonic() + timeout
        self._stopped = Event()
        self._items = SimpleQueue[str | ModelFailedError | None]()
        Thread(target=self._read, name="language-model", daemon=True).start()

    def __iter__(self) -> Iterator[str]:
        while (item := self._next()) is not None:
            if isinstance(item, ModelFailedError):
                raise item
            yield item

    def stop(self) -> None:
        """Have the thread end with the next thing that it receives."""
        self._stopped.set()

    def _next(self) -> str | ModelFailedError | None:
        try:
            return self._items.get(timeout=max(0.0, self._end - monotonic()))
        except Empty:
            return ModelFailedError(Failure.TIMEOUT)

    def _read(self) -> None:
        from qa.model_client import ERRORS, failed

        last: ModelFailedError | None = ModelFailedError(Failure.BROKEN)
        try:
            with self._opened() as stream:
                self._pass_on(stream)
            last = None
        except ModelFailedError as error:
            last = ModelFailedError(error.failure)
        except ERRORS as error:
            last = failed(error)
        finally:
            self._items.put(last)
            self._done()

    def _pass_on(self, stream: Any) -> None:
        for piece in _pieces(stream):
            if self._stopped.is_set():
                return
            if monotonic() > self._end:
                raise ModelFailedError(Failure.TIMEOUT)
            self._items.put(piece)


def _pieces(stream: Any) -> Iterator[str]:
    """Yield the text of a stream, empty where a chunk has none; it must say that it is complete."""
    from qa.model_client import is_stream

    length, whole, chunk = 0, False, None
    for chunk in stream:
        piece = ""
        for choice in (chunk.choices or [])[:1]:
            whole = whole or choice.finish_reason is not None
            piece = choice.delta.content or ""
        if not isinstance(piece, str):
            raise ModelFailedError(Failure.BROKEN)
        length += len(piece)
        yield piece
        if length > LONGEST:
            return
    if chunk is None and not is_stream(stream):
        raise ModelFailedError(Failure.UNKNOWN_MODEL)
    if not whole:
        raise ModelFailedError(Failure.BROKEN)
