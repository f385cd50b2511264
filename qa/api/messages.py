"""The messages of a chat client -> a question and the turns before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from qa.api import limits
from qa.api.footnotes import without_footnotes
from qa.api.problems import ApiError
from qa.api.requests import Dates, Sources
from qa.conversation import Turn

_IGNORED_ROLES = ("system", "developer")
"""Instructions to a language model; the documents answer without them."""


class Part(BaseModel):
    """A part of a message."""

    model_config = ConfigDict(extra="allow")

    type: str
    text: str | None = None


class Message(BaseModel):
    """A message of a chat."""

    model_config = ConfigDict(extra="allow")

    role: str = Field(description="system and developer are passed over; user; assistant.")
    content: str | list[Part] | None = None


class StreamOptions(BaseModel):
    """What a stream holds."""

    model_config = ConfigDict(extra="allow")

    include_usage: bool | None = None


class ChatRequest(BaseModel):
    """A request of the OpenAI protocol; what a language model would need of it is passed over."""

    model_config = ConfigDict(extra="allow")

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Any = None
    tools: Any = None
    functions: Any = None
    response_format: Any = None
    logprobs: Any = None
    modalities: Any = None
    audio: Any = None
    sources: Sources | None = None
    dates: Dates | None = None


def refuse_unsupported(asked: ChatRequest) -> None:
    """Refuse what would change the form of the answer and cannot be given.

    Raises:
        ApiError: when something of the kind is asked for.
    """
    for field, is_wanted, sentence in _unsupported(asked):
        if is_wanted:
            raise ApiError(400, sentence, "unsupported_parameter", field)


def _unsupported(asked: ChatRequest) -> list[tuple[str, bool, str]]:
    format_ = asked.response_format
    kind = format_.get("type") if isinstance(format_, dict) else format_
    return [
        ("tools", bool(asked.tools), "This model calls no tools; leave out 'tools'"),
        ("functions", bool(asked.functions), "This model calls nothing; leave out 'functions'"),
        ("n", asked.n not in (None, 1), "There is one answer to a question; leave out 'n'"),
        (
            "response_format", kind not in (None, "text"),
            "Answers are quotes of the documents in plain text; leave out 'response_format', or "
            "take records from /api/ask",
        ),
        ("logprobs", bool(asked.logprobs), "There are no log probabilities; leave out 'logprobs'"),
        ("modalities", asked.modalities not in (None, ["text"]), _TEXT_ONLY),
        ("audio", asked.audio is not None, _TEXT_ONLY),
    ]  # fmt: skip


_TEXT_ONLY = "This model writes text only; leave out 'modalities' and 'audio'"


def question_and_turns(messages: Sequence[Message]) -> tuple[str, list[str | Turn]]:
    """Return the last message and the turns before it, oldest first.

    Raises:
        ApiError: when the last message is not the user's, or one cannot be read.
    """
    read = [(message.role, _text(message)) for message in messages]
    spoken = [(role, text) for role, text in read if role not in _IGNORED_ROLES]
    if not spoken or spoken[-1][0] != "user":
        raise ApiError(
            400, "The last message is not the user's; end 'messages' with a question", None,
            "messages",
        )  # fmt: skip
    question = spoken[-1][1]
    if len(question) > limits.LONGEST_QUESTION:
        raise ApiError(
            400,
            f"The question has {len(question):,} characters; ask with {limits.LONGEST_QUESTION:,} "
            "at most",
            "context_length_exceeded",
            "messages",
        )
    return question, _turns(spoken[:-1])[-limits.MOST_TURNS :]


def _turns(spoken: Sequence[tuple[str, str]]) -> list[str | Turn]:
    """Return turns: each question with the answer behind it, if there is one."""
    found: list[str | Turn] = []
    for role, text in spoken:
        if role == "user":
            found.append(text)
        elif found and isinstance(found[-1], str):
            found[-1] = Turn(found[-1], without_footnotes(text))
    return found


def _text(message: Message) -> str:
    if message.role not in (*_IGNORED_ROLES, "user", "assistant"):
        raise ApiError(
            400, f"A message has the role {message.role[:40]!r}; send those of user and assistant",
            None, "messages",
        )  # fmt: skip
    if isinstance(message.content, list):
        return "\n".join(map(_part_text, message.content))
    return message.content or ""


def _part_text(part: Part) -> str:
    if part.type != "text" or part.text is None:
        raise ApiError(
            400, f"This model reads text only; leave out the part of type {part.type[:40]!r}",
            "unsupported_content", "messages",
        )  # fmt: skip
    return part.text
