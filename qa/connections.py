"""Connections that send a request or read its answer too slowly give their place to others.

A part of the servers of page, API and MCP; knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 800
"""Connections at the same time: of 1,024 files, which most systems let a process open, the index
needs some. Of more, the one that has waited longest with nothing under way is closed."""

PATIENCE = 20.0
"""Seconds within which the lines of a request must be whole; and so often it is looked whether a
body or an answer has gone on."""

LEAST_BYTES = 16 * 1024
"""Bytes of a body that must come meanwhile: 6 kbit/s."""

_TOO_MANY = "Too many are connected; try again in a moment."
_TOO_SLOW = "The request did not come in time; send it again, all of it at once."


class Connection(H11Protocol):
    """One connection, looked at now and then; for `http` of uvicorn's `Config`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it in; one more than `MOST` only in place of one that does nothing."""
        super().connection_made(transport)
        self._seen: Any = None  # the request that was under way, or done, at the last look
        self._received = 0
        self._has_begun = False
        self._was_full = False
        self._since = self.loop.time()
        self._next_look = self.loop.call_later(PATIENCE, self._look)
        if len(self.connections) > MOST:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._next_look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes."""
        self._received += len(data)
        self._has_begun = True
        super().data_received(data)

    def resume_writing(self) -> None:
        """Note that the other side reads."""
        self._was_full = False
        super().resume_writing()

    def is_idle(self) -> bool:
        """Say whether no request is under way."""
        return self.cycle is None or self.cycle.response_complete

    def _make_room(self) -> None:
        others = (one for one in self.connections if isinstance(one, Connection))
        idle = [one for one in others if one is not self and one.is_idle()]
        if idle:
            min(idle, key=lambda one: one._since).transport.abort()
        else:
            self._refuse(503, "Service Unavailable", _TOO_MANY)

    def _look(self) -> None:
        if self._does_not_read():
            self.transport.abort()
        elif self._does_not_send() and self._has_begun:
            self._refuse(408, "Request Timeout", _TOO_SLOW)
        elif not self._has_begun:
            self.transport.close()
        self._seen, self._received = self.cycle, 0
        self._was_full = self._is_full()
        self._next_look = self.loop.call_later(PATIENCE, self._look)

    def _is_full(self) -> bool:
        """Say whether what was sent is not taken, at least not as fast as there is more."""
        closing = self.transport.is_closing() and self.transport.get_write_buffer_size() > 0
        return self.flow.write_paused or closing

    def _does_not_read(self) -> bool:
        return self._was_full and self._is_full()

    def _does_not_send(self) -> bool:
        if self.transport.is_closing():
            return False
        if self.is_idle():
            return self.cycle is self._seen  # nothing since the last look
        waits_for_us = self.flow.read_paused or self.cycle.waiting_for_100_continue
        is_body = self.cycle.more_body and self.cycle is self._seen and not waits_for_us
        return is_body and self._received < LEAST_BYTES

    def _refuse(self, status: int, name: str, sentence: str) -> None:
        """Say why in plain text, if nothing was said yet, and close."""
        if self.is_idle() or not self.cycle.response_started:
            self.transport.write(_response(status, name, sentence))
        self.transport.close()


def _response(status: int, name: str, sentence: str) -> bytes:
    head = (
        f"HTTP/1.1 {status} {name}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(sentence)}\r\nconnection: close\r\n\r\n"
    )
    return (head + sentence).encode("ascii")
