"""Questions, searches and feedback over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import Response

from embeddings.errors import QuestionError
from qa.api import records
from qa.api.events import MEDIA_TYPE, Part, event_schema, events, said_in, streamed
from qa.api.filters import check_sources
from qa.api.problems import ApiError, Json
from qa.api.requests import AskRequest, FeedbackRequest, RetrieveRequest
from qa.api.service import Service
from qa.feedback import Feedback, Verdict, judged
from qa.generate import Writer
from qa.page.stored import answer_from_json
from qa.records import Answer, Hit, Written
from qa.render import answer_to_json, hit_to_json, written_to_json

_STREAM = {
    "description": "The record; with `stream`, events `sentence` and then `answer`, with `llm` "
    "further ones `written_sentence` and then `written`.",
    "content": {
        MEDIA_TYPE: {
            "schema": event_schema("sentence", "answer", "written_sentence", "written", "error")
        }
    },
}


class Asking:
    """The handlers over one service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/api", tags=["questions"])
        router.post(
            "/ask",
            response_model=records.Answer | records.Written,
            responses={200: _STREAM},
            summary="Answer a question with sentences of the documents, or refuse",
        )(self.ask)
        router.post(
            "/retrieve",
            response_model=list[records.Hit],
            summary="Find the passages nearest to a question",
        )(self.retrieve)
        router.post(
            "/feedback",
            status_code=201,
            response_model=records.Kept,
            summary="Keep a thumb and a note on an answer",
        )(self.give_feedback)
        return router

    async def ask(self, asked: AskRequest) -> Response:
        """Every sentence is cited; with `stream` each is sent as soon as it is ready.

        With `llm` the record is that of the model's words, and `answer` in it the documents' own.
        """
        writer, service = self._writer(asked), self._service
        if writer is not None:
            whole = await service.asking.run(lambda: self._whole(asked))
            if asked.stream:
                parts = self._written_parts(whole, asked.k, writer)
                return streamed(events(await service.writing.each(parts)))
            last = await service.writing.run(lambda: self._written(whole, asked.k, writer))
            return Json(written_to_json(last))
        if asked.stream:
            return streamed(events(await service.asking.whole(self._parts(asked))))
        answer = await service.asking.run(lambda: self.answer(asked))
        return Json(answer_to_json(answer))

    def answer(self, asked: AskRequest) -> Answer:
        """Return the answer to a question; errors are those of the bot, and `ApiError`."""
        return _nearest(self._whole(asked), asked.k)

    def _whole(self, asked: AskRequest) -> Answer:
        check_sources(self._service.bot, asked.sources)
        return self._service.bot.ask(
            asked.question, asked.turns(), asked.sources or None, asked.period()
        )

    def _parts(self, asked: AskRequest) -> Iterator[Part]:
        answer = self.answer(asked)
        yield from said_in(answer)
        yield answer

    def _writer(self, asked: AskRequest) -> Writer | None:
        if asked.llm and self._service.writer is None:
            raise ApiError(
                400,
                "This server has no language model; leave the field 'llm' out, or set llm_url "
                "and llm_model where it runs",
                "no_language_model",
                "llm",
            )
        return self._service.writer if asked.llm else None

    def _written(self, answer: Answer, k: int, writer: Writer) -> Written:
        """Return what the model makes of an answer; only then its passages are cut to `k`."""
        *_, last = self._service.bot.writing(writer, answer)
        assert isinstance(last, Written)
        return _cut(last, k)

    def _written_parts(self, answer: Answer, k: int, writer: Writer) -> Iterator[Part]:
        yield from said_in(answer)
        yield _nearest(answer, k)
        for part in self._service.bot.writing(writer, answer):
            yield _cut(part, k) if isinstance(part, Written) else part

    async def retrieve(self, asked: RetrieveRequest) -> Response:
        """Passages by meaning and by words, best first."""
        hits = await self._service.asking.run(lambda: self.hits(asked))
        return Json([hit_to_json(hit) for hit in hits])

    def hits(self, asked: RetrieveRequest) -> list[Hit]:
        """Return what a search finds; errors are those of the bot, and `ApiError`."""
        bot = self._service.bot
        check_sources(bot, asked.sources)
        return bot.retrieve(asked.question, asked.k, asked.sources or None, asked.period())

    async def give_feedback(self, given: FeedbackRequest) -> Response:
        """Send the answer as it came; it is kept beside the index, whatever is rebuilt."""
        self._service.check_writable()
        await self._service.reading.run(lambda: self._keep(given))
        return Json({"id": given.id, "verdict": given.verdict.value}, 201)

    def _keep(self, given: FeedbackRequest) -> None:
        self._service.feedback.add(_feedback(given, self._service.bot.info().generation))


def _cut(written: Written, k: int) -> Written:
    return replace(written, answer=_nearest(written.answer, k))


def _nearest(answer: Answer, k: int) -> Answer:
    return replace(answer, nearest=answer.nearest[:k])


def _feedback(given: FeedbackRequest, generation: int) -> Feedback:
    try:
        answer = answer_from_json(given.record())
    except (KeyError, TypeError, ValueError) as error:
        raise QuestionError(
            f"The field 'answer' is no answer ({error}); send the record that /api/ask returned"
        ) from error
    return judged(
        answer,
        given.verdict,
        id=given.id,
        question=given.question or answer.question,
        history=tuple(given.history),
        sources=tuple(given.sources),
        note=given.note,
        missing=given.missing and given.verdict is Verdict.DOWN,
        generation=generation,
    )
