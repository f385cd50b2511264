"""The frozen records of the read side: hits, citations and answers. They carry no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from embeddings.records import Role, Span


@dataclass(frozen=True, slots=True)
class Signals:
    """Why a passage was found.

    Attributes:
        dense: cosine of question and passage, -1 to 1.
        sentence: highest cosine of the question and a sentence of the passage, -1 to 1.
        bm25: BM25 score, 0 or more; 0 when no word matches.
        words: the question's words that the passage holds, rarest first, in search form.
    """

    dense: float
    sentence: float
    bm25: float
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text stands: a document, the file it was read from, and the spans there."""

    document: str
    source: str
    spans: tuple[Span, ...]
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found for a question.

    Attributes:
        id: passage id, ``{document}:{first offset}``.
        text: clean text of the passage.
        spans: its places in the original text, in reading order.
        source: file it stands in, POSIX path below the index's root.
        page: 1-based page in paged formats, or None.
        title: headline of its article.
        heading: section heading above it, or empty.
        date: ISO 8601 date of the document, or None.
        places: where else the same text, or nearly the same, stands.
        score: rank score between 0 and 1; comparable within one ranking only.
        signals: what the score is made of.
        document: id of its document.
        role: what the passage is on its page.
    """

    id: str
    text: str
    spans: tuple[Span, ...]
    source: str
    page: int | None
    title: str
    heading: str
    date: str | None
    places: tuple[Place, ...]
    score: float
    signals: Signals
    document: str = ""
    role: Role = Role.BODY


@dataclass(frozen=True, slots=True)
class Citation:
    """One contiguous stretch of an original text: ``original[start:end] == quote``.

    The pieces of one broken sentence share a `number` (counted from 1 within an answer).
    """

    number: int
    document: str
    source: str
    start: int
    end: int
    quote: str
    page: int | None
    title: str
    date: str | None


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """A sentence of an answer.

    Attributes:
        text: the sentence without white space of the layout and without glosses.
        number: number of its citations.
        marks: spans of `text` (not of the original) that hold the words that answer.
    """

    text: str
    number: int
    marks: tuple[Span, ...] = ()


class Reason(StrEnum):
    """Why there is no answer."""

    NOT_IN_DOCUMENTS = "not_in_documents"
    SMALL_TALK = "small_talk"
    NOTHING_FOUND = "nothing_found"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bot says.

    Attributes:
        text: the quotes of `citations` put together, without layout white space and glosses;
            nothing is added. Empty in a refusal.
        answered: False for a refusal and for small talk.
        sentences: `text` cut into its sentences, in order.
        citations: in the order of `text`.
        question: the question that was answered, completed when it was a follow-up.
        nearest: the best hits, best first, also in a refusal.
        reason: why not answered; None when answered.
        support: how likely it is that the documents answer, 0 to 1, by which the bot decides
            (between two languages only 0 or 1); of a question in several parts, of the likeliest
            one. None where nothing was judged: small talk, or nothing found.
    """

    text: str
    answered: bool
    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    question: str
    nearest: tuple[Hit, ...] = field(default=())
    reason: Reason | None = None
    support: float | None = None


class Doubt(StrEnum):
    """What is wrong with a sentence that a language model wrote."""

    UNCITED = "uncited"
    NO_SUCH_PASSAGE = "no_such_passage"
    NUMBER = "number"
    NEGATION = "negation"
    UNSUPPORTED = "unsupported"


class Failure(StrEnum):
    """Why what a language model wrote is not shown, or why it wrote nothing."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    BUSY = "busy"
    DENIED = "denied"
    UNKNOWN_MODEL = "unknown_model"
    SERVER_ERROR = "server_error"
    BROKEN = "broken"
    EMPTY = "empty"
    NONSENSE = "nonsense"
    WRONG_LANGUAGE = "wrong_language"
    NO_ANSWER = "no_answer"
    UNVERIFIED = "unverified"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class WrittenSentence:
    """A sentence that a language model wrote.

    Attributes:
        text: without its citations.
        numbers: the passages that it cites and that there are, each once, in its order.
        doubts: why it is not verified; empty when it is.
        support: how likely it is that the cited text says it, 0 to 1; None where nothing is cited.
    """

    text: str
    numbers: tuple[int, ...]
    doubts: tuple[Doubt, ...] = ()
    support: float | None = None

    @property
    def verified(self) -> bool:
        """Whether the cited text says it, as far as that can be measured."""
        return not self.doubts


@dataclass(frozen=True, slots=True)
class Written:
    """An answer in a language model's words, with the documents' own beside it.

    Attributes:
        answer: the extractive answer; it stands alone where `sentences` is empty.
        model: name of the language model.
        sentences: what is shown of what it wrote, in order; empty when `answer` is a refusal (then
            the model is not asked) and after a failure.
        citations: the cited passages, ``original[start:end] == quote``; `number` is the passage's.
        passages: how many passages the model was given.
        count: how many sentences it wrote; those left out count.
        verified: how many of them are verified.
        failure: why `sentences` is empty; None when it is not, or when the model was not asked.
        wait: seconds after which a busy model may be asked again, where it said so.
        seconds: how long the model took.
    """

    answer: Answer
    model: str
    sentences: tuple[WrittenSentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    passages: int = 0
    count: int = 0
    verified: int = 0
    failure: Failure | None = None
    wait: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class OriginalDocument:
    """An indexed document as it was read, for opening a citation.

    Attributes:
        id: document id (content hash).
        sources: every file with this content, first by name.
        text: the original text.
        title: its title.
        date: ISO 8601 date, or None.
        page_starts: offset of each page's first character; empty for unpaged formats.
    """

    id: str
    sources: tuple[str, ...]
    text: str
    title: str
    date: str | None
    page_starts: tuple[int, ...]
