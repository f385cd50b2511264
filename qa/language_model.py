"""A language model behind an OpenAI-compatible server: pieces of text, or one kind of failure.

What a server says in an error is not passed on: it may repeat the key.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from embeddings.errors import SettingError
from embeddings.settings import Settings
from qa.records import Failure

if TYPE_CHECKING:
    from openai import OpenAI

LONGEST = 12_000
"""Characters of an answer; what comes behind is not waited for."""

MOST_TOKENS = 1500

LONGEST_WAIT = 3600.0
"""Seconds; a server that asks for more is not believed."""

_log = logging.getLogger(__name__)


class ModelFailedError(Exception):
    """The model gave no answer; it never reaches a user.

    Attributes:
        failure: what went wrong.
        wait: seconds after which it may be asked again, where the server said so.
    """

    def __init__(self, failure: Failure, wait: float | None = None) -> None:
        super().__init__(failure.value)
        self.failure = failure
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Access:
    """Where the model is, and how it is asked.

    Attributes:
        url: base URL, as ``http://127.0.0.1:11434/v1``.
        model: its name there.
        key: never shown.
        timeout: seconds that a whole answer may take.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)
    timeout: float = 60.0

    @classmethod
    def of(cls, settings: Settings) -> Access:
        """Return what the settings say.

        Raises:
            SettingError: no model is set, or the URL is none.
        """
        if not settings.llm_url or not settings.llm_model:
            raise SettingError(
                "No language model is set; give llm_url and llm_model in wenju.toml, or "
                "WENJU_LLM_URL (as http://127.0.0.1:11434/v1) and WENJU_LLM_MODEL"
            )
        _check_url(settings.llm_url)
        return cls(settings.llm_url, settings.llm_model, settings.llm_key, settings.llm_timeout)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fine = None
    if not fine:
        raise SettingError(
            "The setting 'llm_url' is no address of a server; "
            "give one such as http://127.0.0.1:11434/v1"
        )


class LanguageModel:
    """Asks one model; safe to use from several threads.

    Raises:
        SettingError: the package `openai` is not installed.
    """

    def __init__(self, access: Access) -> None:
        self.access = access
        self._client = _client(access)
        self._busy_until = 0.0

    def pieces(self, messages: Sequence[dict[str, str]]) -> Iterator[str]:
        """Yield the answer as it comes.

        Raises:
            ModelFailedError: at any point.
        """
        left = self._busy_until - monotonic()
        if left > 0:
            raise ModelFailedError(Failure.BUSY, left)
        end = monotonic() + self.access.timeout
        try:
            with _failures(), self._stream(messages) as stream:
                yield from _until(stream, end)
        except ModelFailedError as error:
            self._busy_until = monotonic() + (error.wait or 0.0)
            _log.warning("The language model failed: %s", error.failure.value)
            raise

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
        from openai import OpenAI
    except ImportError as error:
        raise SettingError(
            "A language model is set, but the package openai is not installed; "
            "install it: pip install 'wenju[llm]'"
        ) from error
    return OpenAI(
        base_url=access.url, api_key=access.key or "none", timeout=access.timeout, max_retries=0
    )


def _until(stream: Any, end: float) -> Iterator[str]:
    """Yield pieces; the stream must say that it is complete, and be so in time."""
    length, whole = 0, False
    for chunk in stream:
        if monotonic() > end:
            raise ModelFailedError(Failure.TIMEOUT)
        for choice in chunk.choices[:1]:
            whole = whole or choice.finish_reason is not None
            if piece := choice.delta.content:
                length += len(piece)
                yield piece
        if length > LONGEST:
            return
    if not whole:
        raise ModelFailedError(Failure.BROKEN)


@contextmanager
def _failures() -> Iterator[None]:
    """Turn the client's errors into kinds; neither their text nor their cause goes on."""
    import httpx
    import openai

    try:
        yield
    except openai.APITimeoutError:
        raise ModelFailedError(Failure.TIMEOUT) from None
    except openai.APIConnectionError:
        raise ModelFailedError(Failure.UNREACHABLE) from None
    except openai.APIStatusError as error:
        raise _of_status(error) from None
    except httpx.TimeoutException:
        raise ModelFailedError(Failure.TIMEOUT) from None
    except (openai.OpenAIError, httpx.HTTPError, httpx.StreamError):
        raise ModelFailedError(Failure.BROKEN) from None
    except (ValueError, TypeError, AttributeError, KeyError, IndexError):
        # What no such server would send: the client trips over its own reading of it.
        raise ModelFailedError(Failure.BROKEN) from None


_OF_STATUS = {
    401: Failure.DENIED,
    403: Failure.DENIED,
    404: Failure.UNKNOWN_MODEL,
    408: Failure.TIMEOUT,
    429: Failure.BUSY,
    504: Failure.TIMEOUT,
}


def _of_status(error: Any) -> ModelFailedError:
    failure = _OF_STATUS.get(error.status_code, Failure.SERVER_ERROR)
    wait = error.response.headers.get("retry-after", "") if failure is Failure.BUSY else ""
    return ModelFailedError(failure, _seconds(wait))


def _seconds(wait: str) -> float | None:
    """Return the seconds of a ``Retry-After``, given as a number; None for dates and nonsense."""
    if not re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", wait.strip(), re.ASCII):
        return None
    return min(float(wait), LONGEST_WAIT)
