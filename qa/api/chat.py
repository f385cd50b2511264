"""The OpenAI protocol: any chat client uses the documents as a model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from embeddings.errors import WenjuError
from qa.api.completions import (
    MODEL,
    WRITING_MODEL,
    Reply,
    Streamed,
    StreamedReply,
    model_card,
)
from qa.api.events import MEDIA_TYPE, event_schema, said_in, streamed
from qa.api.filters import check_sources
from qa.api.messages import ChatRequest, question_and_turns, refuse_unsupported
from qa.api.problems import ApiError, Json, body_of, problem_of, written
from qa.api.service import Service
from qa.conversation import Turn
from qa.records import Answer, Written

_STREAM = {
    "description": "A chat completion; with `stream`, its chunks as server-sent events.",
    "content": {
        MEDIA_TYPE: {"schema": event_schema()},
        "application/json": {"schema": {"type": "object"}},
    },
}
_MODELS = {"content": {"application/json": {"schema": {"type": "object"}}}}

_DONE = b"data: [DONE]\n\n"


class Chat:
    """The handlers over one service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/v1", tags=["OpenAI protocol"])
        router.post(
            "/chat/completions",
            responses={200: _STREAM},
            response_class=Response,
            summary="Answer the last message; citations as footnotes and as annotations",
        )(self.complete)
        router.get("/models", responses={200: _MODELS}, summary="List the models")(self.models)
        router.get("/models/{model}", responses={200: _MODELS}, summary="Describe a model")(
            self.model
        )
        return router

    async def models(self) -> Response:
        """Their names are what `model` may be in a request."""
        return Json({"object": "list", "data": [await self._card(name) for name in self._names()]})

    async def model(self, model: str) -> Response:
        """Unknown names are 404."""
        self._check_model(model)
        return Json(await self._card(model))

    async def _card(self, name: str) -> dict[str, Any]:
        info = await self._service.reading.run(self._service.bot.info)
        return model_card(name, int(datetime.fromisoformat(info.built).timestamp()))

    async def complete(self, asked: ChatRequest, request: Request) -> Response:
        """The messages before the last are the history; `sources` and `dates` as in /api/ask.

        The model wenju answers in the documents' own sentences; wenju-llm, where the server has a
        language model, in that one's words, each sentence checked and marked where it is not
        verified. Passed over: system messages, and whatever tells a language model how to write
        (temperature, top_p, max_tokens, stop, seed …).
        """
        self._check_model(asked.model)
        refuse_unsupported(asked)
        question, turns = question_and_turns(asked.messages)
        reply = Reply(str(request.base_url), model=asked.model)
        options = asked.stream_options
        with_usage = bool(options and options.include_usage)
        if asked.model == WRITING_MODEL:
            answer = await self._service.asking.run(lambda: self._answer(asked, question, turns))
            return await self._write(answer, reply, with_usage if asked.stream else None)
        return await self._quote(asked, question, turns, reply, with_usage)

    async def _quote(
        self,
        asked: ChatRequest,
        question: str,
        turns: list[str | Turn],
        reply: Reply,
        with_usage: bool,
    ) -> Response:
        gate = self._service.asking
        if not asked.stream:
            answer = await gate.run(lambda: self._answer(asked, question, turns))
            return Json(reply.whole(answer))
        parts = await gate.whole(self._parts(asked, question, turns))
        return streamed(_lines(StreamedReply(reply), reply, parts, with_usage))

    async def _write(self, answer: Answer, reply: Reply, with_usage: bool | None) -> Response:
        """Reply in the language model's words; `with_usage` is None where nothing is streamed."""
        gate, parts = self._service.writing, self._written_parts(answer)
        if with_usage is None:
            *_, last = await gate.run(lambda: list(parts))
            assert isinstance(last, Written)
            return Json(reply.whole(last))
        lines = StreamedReply(reply, answer.question)
        return streamed(_lines(lines, reply, await gate.each(parts), with_usage))

    def _answer(self, asked: ChatRequest, question: str, turns: list[str | Turn]) -> Answer:
        bot = self._service.bot
        check_sources(bot, asked.sources)
        return bot.ask(question, turns, asked.sources or None, asked.dates)

    def _parts(
        self, asked: ChatRequest, question: str, turns: list[str | Turn]
    ) -> Iterator[Streamed]:
        answer = self._answer(asked, question, turns)
        yield from said_in(answer)
        yield answer

    def _written_parts(self, answer: Answer) -> Iterator[Streamed]:
        """Yield the head at once: the model may take long to begin."""
        writer = self._service.writer
        assert writer is not None
        yield None
        yield from self._service.bot.writing(writer, answer)

    def _names(self) -> tuple[str, ...]:
        return (MODEL,) if self._service.writer is None else (MODEL, WRITING_MODEL)

    def _check_model(self, name: str) -> None:
        names = self._names()
        if name in names:
            return
        known = " or ".join(map(repr, names))
        its = "its name is" if len(names) == 1 else "their names are"
        raise ApiError(
            404, f"There is no model {name[:80]!r} here; {its} {known}", "model_not_found", "model"
        )


async def _lines(
    lines: StreamedReply, reply: Reply, parts: AsyncIterator[Streamed], with_usage: bool
) -> AsyncIterator[bytes]:
    try:
        async for part in parts:
            for chunk in lines.chunks(part):
                yield _line(chunk)
        if with_usage:
            yield _line(reply.usage())
        yield _DONE
    except WenjuError as error:
        yield _line(body_of(problem_of(error)))


def _line(value: dict[str, Any]) -> bytes:
    return f"data: {written(value)}\n\n".encode("utf-8", "replace")
