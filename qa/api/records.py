"""The shapes of responses, for the description of the API; `qa.render` makes the values.

Nothing is read or checked by these at run time. Tests hold them to what is really sent.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from embeddings.library import Status
from embeddings.records import Role
from qa.records import Doubt, Failure, Reason

Pair = tuple[int, int]
"""(start, end) in Unicode characters."""


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ErrorDetail(_Shape):
    """What is wrong with a request, or with the server."""

    message: str = Field(description="One clear sentence.")
    type: Literal["invalid_request_error", "server_error"]
    param: str | None = Field(description="The field of the request that it is about.")
    code: str


class Error(_Shape):
    """The one form of all errors."""

    error: ErrorDetail


class Signals(_Shape):
    """Why a passage was found."""

    dense: float = Field(description="Cosine of question and passage.")
    sentence: float = Field(description="Highest cosine of the question and a sentence.")
    bm25: float
    words: list[str] = Field(description="The question's words that it holds, rarest first.")


class Place(_Shape):
    """Where else the same text stands."""

    document: str
    source: str
    spans: list[Pair]
    page: int | None


class Hit(_Shape):
    """A passage that was found."""

    id: str
    text: str
    spans: list[Pair] = Field(description="Its places in the original, in reading order.")
    source: str
    page: int | None
    title: str
    heading: str
    date: str | None
    places: list[Place]
    score: float = Field(description="0 to 1; comparable within one ranking.")
    signals: Signals
    document: str
    role: Role


class Citation(_Shape):
    """A stretch of an original: its characters from `start` to `end` are `quote`."""

    number: int
    document: str
    source: str
    start: int
    end: int
    quote: str
    page: int | None
    title: str
    date: str | None


class Sentence(_Shape):
    """A sentence of an answer."""

    text: str
    number: int = Field(description="Number of its citations.")
    marks: list[Pair] = Field(description="Spans of `text` that hold what answers.")


class Answer(_Shape):
    """An answer, or a refusal."""

    text: str = Field(description="Quotes of the documents and nothing else; empty in a refusal.")
    answered: bool
    sentences: list[Sentence]
    citations: list[Citation]
    question: str = Field(description="What was answered; a follow-up is completed.")
    nearest: list[Hit]
    reason: Reason | None = Field(description="Why there is no answer.")
    support: float | None = Field(description="How likely it is that the documents answer.")
    remark: str = Field(description="The program's own sentence where there is no answer.")


class WrittenSentence(_Shape):
    """A sentence that a language model wrote."""

    text: str
    numbers: list[int] = Field(description="The passages that it cites.")
    doubts: list[Doubt] = Field(description="Why it is not verified; empty when it is.")
    support: float | None = Field(description="How likely the cited text says it.")
    verified: bool


class Written(_Shape):
    """An answer in a language model's words, the documents' own beside it."""

    answer: Answer = Field(description="The documents' own sentences, or the refusal.")
    model: str
    sentences: list[WrittenSentence] = Field(description="Empty when `answer` stands alone.")
    citations: list[Citation]
    passages: int = Field(description="How many the model was given.")
    count: int = Field(description="How many sentences it wrote.")
    verified: int = Field(description="How many of them are verified.")
    failure: Failure | None = Field(description="Why its words are not shown.")
    wait: float | None = Field(description="Seconds after which a busy model may be asked again.")
    seconds: float
    text: str = Field(description="What is to be shown, without citations.")
    note: str = Field(description="Who wrote it, or why the model's words are not shown.")


class File(_Shape):
    """A file of the index or its folders."""

    source: str
    status: Status
    uploaded: bool
    asked: bool = Field(description="Whether questions are answered from it now.")
    reason: str | None = Field(description="Why it was skipped.")
    document: str | None = Field(description="Id of its document.")
    title: str
    date: str | None
    articles: int
    passages: int
    size: int | None
    waits: bool = Field(description="Whether the next rebuild changes what is answered from it.")


class Files(_Shape):
    """A part of the list of files."""

    root: str | None
    problem: str | None = Field(description="What of the list could not be read.")
    waiting: int
    total: int
    offset: int
    files: list[File]


class Passage(_Shape):
    """A passage at its place in a document."""

    id: str
    role: Role
    title: str
    heading: str
    page: int | None
    text: str
    spans: list[Pair]


class Document(_Shape):
    """A document as it was read, or a part of it."""

    id: str
    sources: list[str]
    title: str
    date: str | None
    page_starts: list[int] = Field(description="Offset of each page's first character.")
    length: int = Field(description="Characters of the whole original.")
    start: int
    end: int
    text: str = Field(description="The original from `start` to `end`.")
    passages: list[Passage] = Field(description="Those that touch this part, in reading order.")
    earlier: bool = Field(description="True when only the index before the last rebuild holds it.")


class Health(_Shape):
    """What the index holds; a passage was really found by its own words, and read at its place."""

    status: Literal["ok"]
    generation: int
    built: str
    age_seconds: int = Field(description="Since it was built.")
    documents: int
    passages: int
    sentences: int
    model: str
    warning: str | None = Field(description="Why an older generation answers.")
    seconds: float = Field(description="How long the searches took.")
    free_bytes: int | None = Field(
        description="Room on the disk of the index; null where its folder is gone."
    )
    rebuild_failed: bool = Field(description="Whether the last rebuild of this server failed.")
    questions: int = Field(description="Questions that the API answers now or that wait there.")
    most_questions: int = Field(description="As many may be; further ones are told to come again.")


class Build(_Shape):
    """What the last rebuild of this server does, or did."""

    number: int = Field(description="Counts them; 0 before the first.")
    running: bool
    stage: str | None
    done: int
    total: int
    seconds_left: float | None
    seconds: float
    error: str | None
    report: dict[str, object] | None = Field(description="As `wenju build --json` prints.")
    other: str | None = Field(description="Another process that writes the index now.")


class Started(Build):
    """The rebuild that was asked for."""

    started: bool = Field(description="False when one ran already; it takes in what is new, too.")


class Kept(_Shape):
    """Feedback was kept."""

    id: str
    verdict: str
