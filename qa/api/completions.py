"""An answer in the forms of the OpenAI protocol: a chat completion, and the chunks of a stream."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from qa.api.events import Said
from qa.api.footnotes import (
    Noted,
    footer,
    message_text,
    notes,
    sentence_text,
    written_footer,
    written_message_text,
    written_notes,
    written_sentence_text,
)
from qa.records import Answer, Citation, Written, WrittenSentence

MODEL = "wenju"
"""Name of the corpus among a client's models."""

WRITING_MODEL = "wenju-llm"
"""Name of the corpus whose answers a language model writes, where the server has one."""

Streamed = Said | Answer | WrittenSentence | Written | None
"""A part of a streamed reply; None is its head alone."""

# Nothing is generated, so no tokens are counted; clients want the field.
_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


@dataclass(frozen=True)
class Reply:
    """The frame of one reply.

    Attributes:
        base: address of the server, with a slash at its end, which citations lead to.
        id: names the reply.
        created: seconds since 1970.
        model: who replies.
    """

    base: str
    model: str = MODEL
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, answer: Answer | Written) -> dict[str, Any]:
        """Return a chat completion."""
        content = _message(answer)
        message = {"role": "assistant", "content": content, "refusal": None, **self._cited(answer)}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {**self._frame("chat.completion"), "choices": [choice], "usage": _USAGE}

    def head(self) -> dict[str, Any]:
        """Return the first chunk of a stream."""
        return self._chunk({"role": "assistant", "content": ""})

    def said(self, text: str) -> dict[str, Any]:
        """Return a chunk with a part of the message."""
        return self._chunk({"content": text})

    def end(self, answer: Answer | Written, start: int = 0) -> dict[str, Any]:
        """Return the last chunk, with the citations.

        Args:
            answer: the whole.
            start: character of the message at which it begins.
        """
        return self._chunk(self._cited(answer, start), "stop")

    def usage(self) -> dict[str, Any]:
        """Return the chunk that some clients ask for behind the last one."""
        return {**self._frame("chat.completion.chunk"), "choices": [], "usage": _USAGE}

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self._frame("chat.completion.chunk"), "choices": [choice]}

    def _frame(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _cited(self, answer: Answer | Written, start: int = 0) -> dict[str, Any]:
        noted = _notes(answer, start)
        citations = [asdict(citation) for citation in _citations(answer)]
        return {"annotations": [*map(self._annotation, noted)], "citations": citations}

    def _annotation(self, noted: Noted) -> dict[str, Any]:
        cited = noted.citation
        place = f"api/documents/{quote(cited.document)}?start={cited.start}&end={cited.end}"
        return {
            "type": "url_citation",
            "url_citation": {
                "start_index": noted.span.start,
                "end_index": noted.span.end,
                "title": cited.title or cited.source,
                "url": self.base + place,
            },
        }


class StreamedReply:
    """The chunks of one reply, part by part.

    Args:
        reply: its frame.
        question: what is answered; its language is that of the reply.
    """

    def __init__(self, reply: Reply, question: str = "") -> None:
        self._reply, self._question = reply, question
        self._begun = False
        self._length = 0

    def chunks(self, part: Streamed) -> Iterator[dict[str, Any]]:
        """Yield the chunks of one part: a sentence, or the whole behind all of them."""
        if not self._begun:
            self._begun = True
            yield self._reply.head()
        match part:
            case None:
                return
            case Said():
                yield self._say(sentence_text(part.sentence))
            case Answer():
                yield self._say(footer(part))
                yield self._reply.end(part)
            case WrittenSentence():
                is_first = not self._length
                yield self._say(written_sentence_text(part, self._question, is_first=is_first))
            case Written():
                yield from self._end(part)

    def _end(self, written: Written) -> Iterator[dict[str, Any]]:
        """Yield the end of what a model wrote.

        What is said cannot be taken back here: after a failure the documents' own sentences stand
        below it, and the note says that they are what counts.
        """
        if self._length and not written.sentences:
            yield self._say("\n\n")
        start = self._length
        yield self._say(written_footer(written))
        yield self._reply.end(written, start)

    def _say(self, text: str) -> dict[str, Any]:
        self._length += len(text)
        return self._reply.said(text)


def _message(answer: Answer | Written) -> str:
    return message_text(answer) if isinstance(answer, Answer) else written_message_text(answer)


def _notes(answer: Answer | Written, start: int) -> Iterator[Noted]:
    if isinstance(answer, Answer):
        return notes(answer, start)
    return written_notes(answer, start)


def _citations(answer: Answer | Written) -> tuple[Citation, ...]:
    if isinstance(answer, Written) and not answer.sentences:
        return answer.answer.citations
    return answer.citations


def model_card(name: str, created: int) -> dict[str, Any]:
    """Return the corpus as a model; `created` in seconds since 1970."""
    return {"id": name, "object": "model", "created": created, "owned_by": MODEL}
