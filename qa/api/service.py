"""What the handlers share: the bot, its documents, its rebuild; and how much goes on at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from anyio import CapacityLimiter, to_thread

from embeddings.library import Library
from embeddings.settings import Settings
from embeddings.stores import milvus_of
from embeddings.uploads import Limits
from qa.addresses import check_name
from qa.api import limits
from qa.api.problems import ApiError
from qa.bot import IndexInfo
from qa.conversation import Turn
from qa.feedback import FeedbackStore
from qa.found import Period
from qa.generate import Writer, writer_of
from qa.page.protocols import AnsweringBot
from qa.rebuilding import Engines, Rebuilding, build_of
from qa.records import Answer, Written, WrittenSentence

if TYPE_CHECKING:
    from embeddings.store_milvus import MilvusStore

_Found = TypeVar("_Found")
_END = object()


class ServedBot(AnsweringBot, Protocol):
    """What the API needs of a bot, beside what the page does."""

    @property
    def engines(self) -> Engines:
        """Encoder and tokenizer."""

    def ask(
        self,
        question: str,
        history: Sequence[str | Turn] = (),
        sources: Sequence[str] | None = None,
        dates: Period | None = None,
    ) -> Answer:
        """Answer `question`, which may follow up on `history`."""

    def writing(self, writer: Writer, answer: Answer) -> Iterator[WrittenSentence | Written]:
        """Yield what a language model makes of an answer, by sentences; then the whole."""

    def info(self) -> IndexInfo:
        """Return what the index holds."""


class Gate:
    """Does work in threads, a few at a time; sends away whom too many wait before.

    Args:
        at_once: how many.
        waiting: how many may wait.
    """

    def __init__(self, at_once: int, waiting: int = limits.WAITING) -> None:
        self._at_once, self._most = at_once, at_once + waiting
        self._inside = 0

    @property
    def inside(self) -> int:
        """How many are at work or wait."""
        return self._inside

    @property
    def most(self) -> int:
        """How many may be; more are sent away."""
        return self._most

    @cached_property
    def _limiter(self) -> CapacityLimiter:  # made where the event loop runs
        return CapacityLimiter(self._at_once)

    async def run(self, work: Callable[[], _Found]) -> _Found:
        """Return what `work` finds.

        Raises:
            ApiError: when too many wait.
        """
        if self._inside >= self._most:
            raise ApiError(
                503,
                "Too many are asking; try again in a moment",
                "busy",
                None,
                {"retry-after": "1"},
            )
        self._inside += 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._inside -= 1

    async def whole(self, items: Iterator[_Found]) -> AsyncIterator[_Found]:
        """Return the items once all of them are there: then none waits behind other questions."""
        return _given(await self.run(lambda: list(items)))

    async def each(self, items: Iterator[_Found]) -> AsyncIterator[_Found]:
        """Return the items as they come; the first is there already, so its errors are raised."""
        first = await self.run(lambda: next(items, _END))
        return self._rest(first, items)

    async def _rest(self, first: object, items: Iterator[_Found]) -> AsyncIterator[_Found]:
        item = first
        while item is not _END:
            yield item  # type: ignore[misc]
            item = await to_thread.run_sync(lambda: next(items, _END), limiter=self._limiter)


async def _given(items: Sequence[_Found]) -> AsyncIterator[_Found]:
    for item in items:
        yield item


@dataclass(frozen=True)
class Service:
    """One index, served.

    Attributes:
        bot: answers the questions.
        library: its documents.
        rebuilding: brings it up to date.
        read_only: whether nothing may be changed.
        writer: has a language model write; None where none is set.
        asking: where questions wait.
        writing: where they wait for a language model.
        reading: where everything else waits.
        watching: where those wait who ask whether the server works.
        public_name: host name of a reverse proxy before the server; empty for none.
    """

    bot: ServedBot
    library: Library
    rebuilding: Rebuilding
    read_only: bool = False
    writer: Writer | None = None
    asking: Gate = field(default_factory=lambda: Gate(limits.ASKED_AT_ONCE))
    writing: Gate = field(default_factory=lambda: Gate(limits.WRITTEN_AT_ONCE))
    reading: Gate = field(default_factory=lambda: Gate(limits.READ_AT_ONCE))
    watching: Gate = field(default_factory=lambda: Gate(limits.WATCHED_AT_ONCE))
    public_name: str = ""

    @cached_property
    def feedback(self) -> FeedbackStore:
        """What was said of answers."""
        return FeedbackStore(self.library.index)

    def check_writable(self) -> None:
        """Refuse a change where there are none.

        Raises:
            ApiError: when it is read-only.
        """
        if self.read_only:
            raise ApiError(403, "This server is read-only; nothing can be changed through it")


def service_of(
    bot: ServedBot,
    index: Path,
    settings: Settings,
    *,
    store: MilvusStore | None = None,
    read_only: bool = False,
) -> Service:
    """Return what serves the index of a bot.

    Args:
        bot: answers the questions.
        index: the index folder.
        settings: those that a rebuild goes by.
        store: what keeps its generations; None for the folder, or for what the folder remembers.
        read_only: whether nothing may be changed.

    Raises:
        SettingError: the settings name a language model in part or wrongly, or as the reverse
            proxy what is no name.
    """
    check_name(settings.public_name)
    library = Library(index, Limits.of(settings), store or milvus_of(index, settings))
    rebuilding = Rebuilding(build_of(library, lambda: bot.engines, settings), index)
    return Service(
        bot,
        library,
        rebuilding,
        read_only,
        writer_of(settings),
        public_name=settings.public_name,
    )
