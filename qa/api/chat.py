"""The OpenAI protocol: any chat client uses the documents as a model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from embeddings.errors import WenjuError
from qa.api.completions import MODEL, Reply, model_card
from qa.api.events import MEDIA_TYPE, Said, event_schema, said_in, streamed
from qa.api.filters import check_sources
from qa.api.messages import ChatRequest, question_and_turns, refuse_unsupported
from qa.api.problems import ApiError, Json, body_of, problem_of, written
from qa.api.service import Service
from qa.conversation import Turn
from qa.records import Answer

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
        router.get("/models", responses={200: _MODELS}, summary="List the one model")(self.models)
        router.get("/models/{model}", responses={200: _MODELS}, summary="Describe the model")(
            self.model
        )
        return router

    async def models(self) -> Response:
        """Its name is what `model` must be in a request."""
        return Json({"object": "list", "data": [await self._card()]})

    async def model(self, model: str) -> Response:
        """Unknown names are 404."""
        _check_model(model)
        return Json(await self._card())

    async def _card(self) -> dict[str, Any]:
        info = await self._service.reading.run(self._service.bot.info)
        return model_card(int(datetime.fromisoformat(info.built).timestamp()))

    async def complete(self, asked: ChatRequest, request: Request) -> Response:
        """The messages before the last are the history; `sources` and `dates` as in /api/ask.

        Passed over: system messages, and whatever tells a language model how to write
        (temperature, top_p, max_tokens, stop, seed …).
        """
        _check_model(asked.model)
        refuse_unsupported(asked)
        question, turns = question_and_turns(asked.messages)
        reply, gate = Reply(str(request.base_url)), self._service.asking
        if not asked.stream:
            answer = await gate.run(lambda: self._answer(asked, question, turns))
            return Json(reply.whole(answer))
        parts = await gate.each(self._parts(asked, question, turns))
        options = asked.stream_options
        return streamed(_lines(reply, parts, bool(options and options.include_usage)))

    def _answer(self, asked: ChatRequest, question: str, turns: list[str | Turn]) -> Answer:
        bot = self._service.bot
        check_sources(bot, asked.sources)
        return bot.ask(question, turns, asked.sources or None, asked.dates)

    def _parts(
        self, asked: ChatRequest, question: str, turns: list[str | Turn]
    ) -> Iterator[Said | Answer]:
        answer = self._answer(asked, question, turns)
        yield from said_in(answer)
        yield answer


def _check_model(name: str) -> None:
    if name != MODEL:
        raise ApiError(
            404, f"There is no model {name[:80]!r} here; its name is {MODEL!r}", "model_not_found",
            "model",
        )  # fmt: skip


async def _lines(
    reply: Reply, parts: AsyncIterator[Said | Answer], with_usage: bool
) -> AsyncIterator[bytes]:
    is_first = True
    try:
        async for part in parts:
            for chunk in reply.chunks(part, is_first):
                yield _line(chunk)
            is_first = False
        if with_usage:
            yield _line(reply.usage())
        yield _DONE
    except WenjuError as error:
        yield _line(body_of(problem_of(error)))


def _line(value: dict[str, Any]) -> bytes:
    return f"data: {written(value)}\n\n".encode("utf-8", "replace")
