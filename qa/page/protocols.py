"""What the page needs of a bot. It knows no more of `qa.bot` than this."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from embeddings.texts import DocumentHead, PassageRow
from qa.conversation import Turn
from qa.found import Period
from qa.generate import Writer
from qa.records import Answer, Hit, OriginalDocument, Written, WrittenSentence


class IndexFacts(Protocol):
    """What an index holds."""

    @property
    def documents(self) -> int:
        """Number of distinct documents."""

    @property
    def passages(self) -> int:
        """Number of passages."""

    @property
    def generation(self) -> int:
        """Number of the published generation; grows with every build."""

    @property
    def built(self) -> str:
        """When it was published; numbers begin anew where an index was removed."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Files, POSIX paths below the index's root."""

    @property
    def index(self) -> str:
        """The index folder; empty where there is none on disk."""

    @property
    def root(self) -> str:
        """Folder of the documents; empty where there is none."""

    @property
    def warning(self) -> str | None:
        """Why it is not the published generation that answers; None when it is."""


class AnsweringBot(Protocol):
    """A thread-safe bot. Every method may raise `embeddings.errors.WenjuError`."""

    def ask(
        self,
        question: str,
        history: Sequence[str | Turn] = (),
        sources: Sequence[str] | None = None,
    ) -> Answer:
        """Answer `question`, which may follow up on `history`."""

    def retrieve(
        self,
        question: str,
        k: int = 5,
        sources: Sequence[str] | None = None,
        dates: Period | None = None,
    ) -> list[Hit]:
        """Return the `k` best passages, best first."""

    def document(self, document_id: str, /) -> OriginalDocument:
        """Return a document as it was read."""

    def earlier_document(self, document: str, /) -> OriginalDocument | None:
        """Return a document as the generation before held it; None where that is not kept."""

    def heads(self) -> Sequence[DocumentHead]:
        """Return every document without its text, by its first source."""

    def passages(self, document: str, /) -> Sequence[PassageRow]:
        """Return the passages of a document in reading order."""

    def info(self) -> IndexFacts:
        """Return what the index holds."""


@runtime_checkable
class WritingBot(AnsweringBot, Protocol):
    """A bot whose answers a language model can put in its own words."""

    def writing(self, writer: Writer, answer: Answer) -> Iterator[WrittenSentence | Written]:
        """Yield each sentence as soon as it is checked, then the whole."""
