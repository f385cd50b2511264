"""An answer in the forms of the OpenAI protocol: a chat completion, and the chunks of a stream."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from qa.api.events import Said
from qa.api.footnotes import Noted, footer, message_text, notes, sentence_text
from qa.records import Answer

MODEL = "wenju"
"""Name of the corpus among a client's models."""

# Nothing is generated, so no tokens are counted; clients want the field.
_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


@dataclass(frozen=True)
class Reply:
    """The frame of one reply.

    Attributes:
        base: address of the server, with a slash at its end, which citations lead to.
        id: names the reply.
        created: seconds since 1970.
    """

    base: str
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, answer: Answer) -> dict[str, Any]:
        """Return a chat completion."""
        content = message_text(answer)
        message = {"role": "assistant", "content": content, "refusal": None, **self._cited(answer)}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {**self._frame("chat.completion"), "choices": [choice], "usage": _USAGE}

    def chunks(self, part: Said | Answer, is_first: bool) -> Iterator[dict[str, Any]]:
        """Yield the chunks of one part of a streamed answer.

        Args:
            part: a sentence, or the whole answer behind all of them.
            is_first: whether no other part came before.
        """
        if is_first:
            yield self._chunk({"role": "assistant", "content": ""})
        if isinstance(part, Said):
            yield self._chunk({"content": sentence_text(part.sentence)})
            return
        yield self._chunk({"content": footer(part)})
        yield self._chunk(self._cited(part), "stop")

    def usage(self) -> dict[str, Any]:
        """Return the chunk that some clients ask for behind the last one."""
        return {**self._frame("chat.completion.chunk"), "choices": [], "usage": _USAGE}

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self._frame("chat.completion.chunk"), "choices": [choice]}

    def _frame(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": MODEL}

    def _cited(self, answer: Answer) -> dict[str, Any]:
        annotations = [self._annotation(noted) for noted in notes(answer)]
        citations = [asdict(citation) for citation in answer.citations]
        return {"annotations": annotations, "citations": citations}

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


def model_card(created: int) -> dict[str, Any]:
    """Return the corpus as a model; `created` in seconds since 1970."""
    return {"id": MODEL, "object": "model", "created": created, "owned_by": MODEL}
