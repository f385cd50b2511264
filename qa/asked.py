"""What becomes of the question that is being served, for whoever keeps a log of questions.

A server opens an `Entry` around a request; the bot notes in it what it was asked and what it said.
Where none is open, nothing is noted. Keeps nothing itself and writes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from qa.records import Answer, Hit, Written

_Part = TypeVar("_Part")


@dataclass(slots=True)
class Entry:
    """One question and what became of it.

    Attributes:
        way: how it came: ``page``, ``queue``, ``api``, ``openai`` or ``mcp``.
        act: what was wanted: ``ask``, ``retrieve``, ``map``, or ``write`` of a language model;
            empty where that was not reached.
        question: its words; empty as well then.
        generation: number of the generation that answered; None where none did.
        answered: whether there was an answer; None for passages and errors.
        reason: why there was none, or why not in a model's words; empty where there was.
        citations: of the answer.
        hits: passages that were found.
        error: kind of the error; empty for none.
        seconds: that the bot took, and a language model, without waiting for them.
        waited: seconds before the bot began; None where it did not.
        gone: whether whoever asked went, or the server stopped, before the end.
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
    waited: float | None = None
    gone: bool = False
    began: float = field(default_factory=time.monotonic, compare=False)

    def start(self) -> None:
        """Note that the bot begins; of several times the first counts."""
        if self.waited is None:
            self.waited = time.monotonic() - self.began

    def fail(self, error: Exception) -> None:
        """Note the kind of an error; its words may name files and questions."""
        code = getattr(error, "code", None)
        is_word = isinstance(code, str) and code.isidentifier()
        self.error = str(code) if is_word else type(error).__name__

    def answer(self, answer: Answer, generation: int | None) -> None:
        """Note an answer, or a refusal."""
        self.generation, self.answered = generation, answer.answered
        self.reason = str(answer.reason.value) if answer.reason else ""
        self.citations, self.hits = len(answer.citations), len(answer.nearest)

    def written(self, written: Written) -> None:
        """Note what a language model wrote; where it failed, the documents' own answer stands."""
        if written.failure is not None:
            self.reason = written.failure.value
        elif written.sentences:
            self.citations = len(written.citations)

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
    except Exception as error:
        entry.fail(error)
        raise
    except BaseException:  # a task that is cancelled, a server that stops
        entry.gone = True
        raise
    finally:
        _ENTRY.reset(token)


@contextmanager
def noting(act: str, question: str) -> Iterator[Entry]:
    """Yield the entry that is open, or one that nobody reads; notes time and errors."""
    entry = _ENTRY.get() or Entry("")
    entry.act, entry.question = act, question
    entry.start()
    with _timed(entry):
        yield entry


@contextmanager
def wanting(act: str) -> Iterator[Entry]:
    """Note what is wanted before it is known whether the bot is reached, and errors until then."""
    entry = _ENTRY.get() or Entry("")
    entry.act = act
    try:
        yield entry
    except Exception as error:
        entry.fail(error)
        raise


def writing(parts: Iterator[_Part]) -> Iterator[_Part]:
    """Yield what a language model writes, and note time, errors and what came of it."""
    entry = _ENTRY.get() or Entry("")
    entry.act, end = "write", object()
    while (part := _taken(entry, lambda: next(parts, end))) is not end:
        if isinstance(part, Written):
            entry.written(part)
        yield part  # type: ignore[misc]


def _taken(entry: Entry, work: Callable[[], object]) -> object:
    with _timed(entry):
        return work()


@contextmanager
def _timed(entry: Entry) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    except Exception as error:
        entry.fail(error)
        raise
    finally:
        entry.seconds += time.monotonic() - began
