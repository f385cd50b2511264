"""What becomes of the question that is being served, for whoever keeps a log of questions.

A server opens an `Entry` around a request; the bot notes in it what it was asked and what it said.
Where none is open, nothing is noted. Keeps nothing itself and writes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from qa.records import Answer, Hit


@dataclass(slots=True)
class Entry:
    """One question and what became of it.

    Attributes:
        way: how it came: ``page``, ``queue``, ``api``, ``openai`` or ``mcp``.
        act: what was wanted: ``ask``, ``retrieve`` or ``map``; empty where the bot was not reached.
        question: its words; empty as well then.
        generation: number of the generation that answered; None where none did.
        answered: whether there was an answer; None for passages and errors.
        reason: why there was none; empty where there was.
        citations: of the answer.
        hits: passages that were found.
        error: kind of the error; empty for none.
        seconds: that the bot took, without waiting for it.
        status: of the HTTP response; 0 where nobody waited for one any more.
    """

    way: str
    act: str = ""
    question: str = ""
    generation: int | None = None
    answered: bool | None = None
    reason: str = ""
    citations: int = 0
    hits: int = 0
    error: str = ""
    seconds: float = 0.0
    status: int = 0

    def answer(self, answer: Answer, generation: int | None) -> None:
        """Note an answer, or a refusal."""
        self.generation, self.answered = generation, answer.answered
        self.reason = str(answer.reason.value) if answer.reason else ""
        self.citations, self.hits = len(answer.citations), len(answer.nearest)

    def found(self, hits: Sequence[Hit], generation: int) -> None:
        """Note passages."""
        self.generation, self.hits = generation, len(hits)


_ENTRY: ContextVar[Entry | None] = ContextVar("entry", default=None)


@contextmanager
def opened(way: str) -> Iterator[Entry]:
    """Open an entry for what is done in the block, in other threads too."""
    token = _ENTRY.set(entry := Entry(way))
    try:
        yield entry
    finally:
        _ENTRY.reset(token)


@contextmanager
def noting(act: str, question: str) -> Iterator[Entry]:
    """Yield the entry that is open, or one that nobody reads; notes time and errors."""
    entry = _ENTRY.get() or Entry("")
    entry.act, entry.question = act, question
    began = time.monotonic()
    try:
        yield entry
    except Exception as error:
        entry.error = type(error).__name__
        raise
    finally:
        entry.seconds = time.monotonic() - began
