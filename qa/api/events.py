"""Server-sent events: an answer, sentence by sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

from starlette.responses import StreamingResponse

from embeddings.errors import WenjuError
from qa.api.problems import body_of, problem_of, written
from qa.records import Answer, AnswerSentence, Citation, Written, WrittenSentence
from qa.render import answer_to_json, written_sentence_to_json, written_to_json

MEDIA_TYPE = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of an answer with its citations, before the whole is there."""

    sentence: AnswerSentence
    citations: tuple[Citation, ...]


Part = Said | Answer | WrittenSentence | Written


def said_in(answer: Answer) -> list[Said]:
    """Return the sentences of an answer with their citations.

    A number that several sentences share is cited with the first of them.
    """
    found, cited = [], set[int]()
    for sentence in answer.sentences:
        new = () if sentence.number in cited else _numbered(answer, sentence.number)
        cited.add(sentence.number)
        found.append(Said(sentence, new))
    return found


def _numbered(answer: Answer, number: int) -> tuple[Citation, ...]:
    return tuple(one for one in answer.citations if one.number == number)


def said_to_json(said: Said) -> dict[str, Any]:
    """Return the JSON form of a sentence with its citations."""
    marks = [[mark.start, mark.end] for mark in said.sentence.marks]
    citations = [asdict(citation) for citation in said.citations]
    return {**asdict(said.sentence), "marks": marks, "citations": citations}


def event_schema(*names: str) -> dict[str, Any]:
    """Return the JSON schema of one event; no name for events that have none."""
    data = {"type": "string", "contentMediaType": "application/json"}
    named = {"event": {"type": "string", "enum": list(names)}} if names else {}
    return {"type": "object", "properties": {**named, "data": data}}


def event(name: str, data: Any) -> bytes:
    """Return an event; JSON has no line breaks of its own."""
    return f"event: {name}\ndata: {written(data)}\n\n".encode("utf-8", "replace")


async def events(parts: AsyncIterator[Part]) -> AsyncIterator[bytes]:
    """Yield ``sentence`` events, then the whole record as ``answer``; or ``error``.

    What a language model writes follows as ``written_sentence`` and, whole, as ``written``.
    """
    try:
        async for part in parts:
            yield _event_of(part)
    except WenjuError as error:
        yield event("error", body_of(problem_of(error)))


def _event_of(part: Part) -> bytes:
    match part:
        case Answer():
            return event("answer", answer_to_json(part))
        case WrittenSentence():
            return event("written_sentence", written_sentence_to_json(part))
        case Written():
            return event("written", written_to_json(part))
        case _:
            return event("sentence", said_to_json(part))


def streamed(lines: AsyncIterator[bytes]) -> StreamingResponse:
    """Return the response that sends lines as they come, past proxies that would collect them."""
    return StreamingResponse(lines, media_type=MEDIA_TYPE, headers={"x-accel-buffering": "no"})
