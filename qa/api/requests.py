"""What may be sent to the API, and within which limits."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from qa.api import limits
from qa.api.records import Answer
from qa.conversation import Turn
from qa.feedback import LONGEST_NOTE, Verdict
from qa.found import Period

Question = Annotated[str, Field(min_length=1, max_length=limits.LONGEST_QUESTION)]

Dates = Annotated[
    tuple[str | None, str | None],
    Field(
        description="First and last day, as 2021-06-16; either may be null.",
        examples=[["2021-01-01", None]],
    ),
]

Sources = Annotated[
    list[str],
    Field(
        max_length=limits.MOST_SOURCES,
        description="Only these files (a/b.txt) or folders (a/); null for all.",
    ),
]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class EarlierTurn(_Request):
    """A turn before the question."""

    question: str
    answer: str | None = Field(
        None, description="What was answered: empty for a refusal, null when not known."
    )


class _Filtered(_Request):
    sources: Sources | None = None
    dates: Annotated[Dates, Field(strict=False)] | None = None

    def period(self) -> Period | None:
        """Return the days in the form that a bot takes."""
        return self.dates


class AskRequest(_Filtered):
    """A question."""

    question: Question
    history: list[str | EarlierTurn] = Field(
        [],
        max_length=limits.MOST_TURNS,
        description="The turns before, oldest first; plain strings are the user's own words.",
    )
    k: int = Field(
        limits.NEAREST, ge=0, le=limits.NEAREST, description="How many nearest passages to add."
    )
    stream: bool = Field(False, description="Send sentences as they are ready (SSE).")
    llm: bool = Field(
        False, description="Have the answer written by the server's language model, and checked."
    )

    def turns(self) -> list[str | Turn]:
        """Return the history in the form that a bot takes."""
        return [
            turn if isinstance(turn, str) else Turn(turn.question, turn.answer)
            for turn in self.history
        ]


class RetrieveRequest(_Filtered):
    """A search."""

    question: Question
    k: int = Field(5, ge=1, le=limits.MOST_HITS, description="How many passages at most.")


class FeedbackRequest(_Request):
    """A word on an answer."""

    answer: Annotated[Answer, Field(strict=False)] = Field(
        description="The record that /api/ask returned."
    )
    verdict: Annotated[Verdict, Field(strict=False)] = Field(
        description="none takes an earlier word of the same id back."
    )
    question: Question | None = Field(None, description="As it was asked; null: as completed.")
    history: list[str] = Field([], max_length=limits.MOST_TURNS)
    sources: Sources = []
    note: str = Field("", max_length=LONGEST_NOTE)
    missing: bool = Field(False, description="Whether the documents do not tell this.")
    id: str = Field(
        default_factory=lambda: uuid4().hex,
        pattern=r"^[0-9A-Za-z-]{8,80}$",
        description="Names answer and person; the newest word of an id counts.",
    )

    def record(self) -> dict[str, Any]:
        """Return the answer as it was sent."""
        return self.answer.model_dump()
