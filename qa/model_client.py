"""The `openai` client within limits, and its errors as kinds.

Alone imports `openai`, and `httpx2`, by which that speaks HTTP.

What a server says in an error is not passed on: it may repeat the key. Redirects are not followed:
the documents' text and the key go to the server that was set, and to no other.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import monotonic, time
from typing import Any

import httpx2 as httpx
import openai

from qa.model_access import Access, ModelFailedError
from qa.records import Failure

MOST_BYTES = 8_000_000
"""Of one response, head not counted; a stream of 20,000 characters has less than half of it."""

LONGEST_WAIT = 3600.0
"""Seconds; a server that asks for more is not believed."""

_LOGGERS = (
    *(f"httpcore2.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")),
    "httpx2",
    "openai",
    "openai._base_client",
)

ERRORS: tuple[type[Exception], ...] = (
    openai.OpenAIError,
    httpx.HTTPError,
    httpx.StreamError,
    httpx.InvalidURL,
    OSError,
    RuntimeError,
    # What no such server would send: the client trips over its own reading of it.
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
)
"""What asking can raise."""


def client_of(access: Access) -> openai.OpenAI:
    """Return a client; nobody is contacted yet."""
    _hide(access.key)
    limit = _Limit(access.timeout)
    http = openai.DefaultHttpxClient(
        timeout=access.timeout,
        follow_redirects=False,
        trust_env=not access.is_local,
        headers={"accept-encoding": "identity"},
        event_hooks={"response": [limit.put_on]},
    )
    client = openai.OpenAI(
        base_url=access.url,
        api_key=access.key or "none",
        timeout=access.timeout,
        max_retries=0,
        http_client=http,
    )
    client.organization = client.project = None  # of the environment, and for another server
    return client


@dataclass(frozen=True, slots=True)
class _Limit:
    """Bounds every response in bytes, and in seconds from its head on, whatever is sent."""

    seconds: float

    def put_on(self, response: httpx.Response) -> None:
        """Bound one response.

        Raises:
            httpx.DecodingError: it is compressed though that was not asked for, and could grow.
        """
        if response.headers.get("content-encoding", "identity") != "identity":
            raise httpx.DecodingError("compressed")
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _Bounded(response.stream, monotonic() + self.seconds)


class _Bounded(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, end: float) -> None:
        self._stream, self._end = stream, end

    def __iter__(self) -> Iterator[bytes]:
        left = MOST_BYTES
        for part in self._stream:
            left -= len(part)
            if left < 0:
                raise httpx.ReadError("too long")
            if monotonic() > self._end:
                raise httpx.ReadTimeout("too late")
            yield part

    def close(self) -> None:
        self._stream.close()


@dataclass(frozen=True)
class _Hidden(logging.Filter):
    """Takes a key out of what the client's libraries log: a server may send it back in a head."""

    key: str

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True: the record is kept, without the key."""
        said = record.getMessage()
        if self.key in said:
            record.msg, record.args = said.replace(self.key, "…"), ()
        return True

    def __repr__(self) -> str:
        return "_Hidden()"


def _hide(key: str) -> None:
    """Have a key taken out of logs; once, for equal filters are added once."""
    for name in _LOGGERS if key else ():
        logging.getLogger(name).addFilter(_Hidden(key))


_NO_CONNECTION = (httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol)

_OF_STATUS = {
    401: Failure.DENIED,
    403: Failure.DENIED,
    404: Failure.UNKNOWN_MODEL,
    405: Failure.UNKNOWN_MODEL,
    408: Failure.TIMEOUT,
    429: Failure.BUSY,
    503: Failure.BUSY,
    504: Failure.TIMEOUT,
}


def failed(error: Exception) -> ModelFailedError:
    """Return the kind of one of `ERRORS`, without its text and without its cause."""
    if isinstance(error, openai.APIStatusError):
        return _of_status(error)
    if isinstance(error, openai.APITimeoutError | httpx.TimeoutException):
        return ModelFailedError(Failure.TIMEOUT)
    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) else error
    lost = isinstance(cause, _NO_CONNECTION)
    return ModelFailedError(Failure.UNREACHABLE if lost else Failure.BROKEN)


def _of_status(error: openai.APIStatusError) -> ModelFailedError:
    moved = 300 <= error.status_code < 400
    other = Failure.UNKNOWN_MODEL if moved else Failure.SERVER_ERROR
    failure = _OF_STATUS.get(error.status_code, other)
    wait = error.response.headers.get("retry-after", "") if failure is Failure.BUSY else ""
    return ModelFailedError(failure, seconds_of(wait))


def seconds_of(wait: str, now: float | None = None) -> float | None:
    """Return the seconds of a ``Retry-After``: a number or an HTTP date; None for nonsense.

    Args:
        wait: the header.
        now: seconds since 1970; None for now.
    """
    wait = wait.strip()
    if re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", wait, re.ASCII):
        return min(float(wait), LONGEST_WAIT)
    try:
        left = parsedate_to_datetime(wait).timestamp() - (time() if now is None else now)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return min(max(left, 0.0), LONGEST_WAIT)


def is_stream(stream: Any) -> bool:
    """Tell whether a response says that it is a stream of events."""
    kind = str(stream.response.headers.get("content-type", ""))
    return kind.partition(";")[0].strip().lower() == "text/event-stream"
