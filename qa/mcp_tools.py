"""What a language model may call: arguments -> a text to read, and the records in JSON.

Knows nothing of the protocol that carries them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from embeddings.texts import spellings
from qa.api import limits, records
from qa.api.asking import Asking
from qa.api.documents import Documents
from qa.api.filters import check_sources
from qa.api.problems import ApiError, said_of
from qa.api.requests import AskRequest, EarlierTurn, Question, RetrieveRequest, Sources
from qa.api.service import Service
from qa.render import answer_to_json, answer_to_text, hit_to_json, hits_to_text

_ID = re.compile(r"[0-9a-f]{16,}")

_Offset = Annotated[int, Field(ge=0, le=limits.LARGEST_OFFSET)]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Filtered(_Arguments):
    question: Question
    sources: Sources | None = None
    since: str | None = Field(None, description="Only documents of this day, as 2021-06-16, on.")
    until: str | None = Field(None, description="Only documents up to this day, as 2021-06-16.")


class AskArguments(_Filtered):
    """A question."""

    history: list[str | EarlierTurn] = Field(
        [],
        max_length=limits.MOST_TURNS,
        description="The turns before, oldest first; plain strings are the user's own words.",
    )


class RetrieveArguments(_Filtered):
    """A search."""

    k: int = Field(5, ge=1, le=limits.MOST_HITS, description="How many passages at most.")


class ReadArguments(_Arguments):
    """A part of a document."""

    document: str = Field(
        min_length=1, description="Its id, or the file as it is cited, as a/b.txt."
    )
    start: _Offset = Field(0, description="First character, as citations count.")
    end: _Offset | None = Field(
        None,
        description="Character behind the last; null for as many as are given at once, "
        f"{limits.LONGEST_PART:,}.",
    )


class Hits(BaseModel):
    """What a search found, best first."""

    model_config = ConfigDict(extra="forbid")

    hits: list[records.Hit]


@dataclass(frozen=True, slots=True)
class Given:
    """What a tool gives.

    Attributes:
        text: for a model or a person to read; sources are numbered.
        record: the same as one JSON object.
    """

    text: str
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool and how it is told of.

    Attributes:
        name: what it is called by.
        title: for a person.
        description: for a model.
        arguments: their shape.
        record: shape of `Given.record`.
        run: does it, once the arguments are checked.
    """

    name: str
    title: str
    description: str
    arguments: type[BaseModel]
    record: type[BaseModel]
    run: Callable[[Any], Awaitable[Given]]


class Toolbox:
    """The tools over one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._asking, self._documents = Asking(service), Documents(service)
        self.tools = {tool.name: tool for tool in self._made()}

    def _made(self) -> tuple[Tool, ...]:
        return (
            Tool(
                "ask",
                "Ask the documents",
                "Answer a question with sentences of the user's own documents, word for word, each "
                "with the numbered place that it stands at; or say that the documents do not "
                "answer it. Ask in Chinese or English, one question at a time.",
                AskArguments,
                records.Answer,
                self._ask,
            ),
            Tool(
                "retrieve",
                "Search the documents",
                "Find the passages of the user's own documents that are nearest to a question, "
                "by meaning and by words, best first, each with its file and characters.",
                RetrieveArguments,
                Hits,
                self._retrieve,
            ),
            Tool(
                "read_document",
                "Read a document",
                "Read a document as it was indexed, or the characters of it that a citation names. "
                f"At most {limits.LONGEST_PART:,} characters are given at once; the text then says "
                "where to go on.",
                ReadArguments,
                records.Document,
                self._read,
            ),
        )

    async def call(self, tool: Tool, arguments: Mapping[str, Any]) -> Given:
        """Return what a tool gives.

        Raises:
            ApiError: when the arguments cannot be used, or too many are asking.
            WenjuError: when they name what there is not, or the index cannot be read.
        """
        try:
            checked = tool.arguments.model_validate(arguments)
        except ValidationError as error:
            raise _problem_with(tool, error) from None
        return await tool.run(checked)

    async def _ask(self, given: AskArguments) -> Given:
        asked = AskRequest(
            question=given.question,
            history=given.history,
            sources=given.sources,
            dates=(given.since, given.until),
            k=limits.NEAREST,
            stream=False,
            llm=False,
        )
        answer = await self._service.asking.run(lambda: self._asking.answer(asked))
        return Given(answer_to_text(answer), answer_to_json(answer))

    async def _retrieve(self, given: RetrieveArguments) -> Given:
        asked = RetrieveRequest(
            question=given.question,
            k=given.k,
            sources=given.sources,
            dates=(given.since, given.until),
        )
        hits = await self._service.asking.run(lambda: self._asking.hits(asked))
        text = hits_to_text(hits, given.question) or "Nothing is found."
        return Given(text, {"hits": [hit_to_json(hit) for hit in hits]})

    async def _read(self, given: ReadArguments) -> Given:
        return await self._service.reading.run(lambda: self._part(given))

    def _part(self, given: ReadArguments) -> Given:
        if given.end is not None and given.end < given.start:
            raise ApiError(
                400, f"The part ends at {given.end}, before it begins at {given.start}; swap them"
            )
        furthest = given.start + limits.LONGEST_PART
        end = furthest if given.end is None else min(given.end, furthest)
        part = self._found(given.document, given.start, end)
        if given.start > part["length"]:
            raise ApiError(
                400,
                f"The document has {part['length']} characters, and the part would begin at "
                f"{given.start}; start before its end",
            )
        return Given(_part_to_text(part), part)

    def _found(self, named: str, start: int, end: int) -> dict[str, Any]:
        """Return the part of a document that is named by its id or one of its files."""
        try:
            return self._documents.part(self._id_of(named), start, end)
        except ApiError:
            if not _ID.fullmatch(named):
                check_sources(self._service.bot, [named])
            raise

    def _id_of(self, named: str) -> str:
        if _ID.fullmatch(named):
            return named
        names = set(spellings(named))
        heads = self._service.bot.heads()
        return next((head.id for head in heads if names & set(head.sources)), named)


def _part_to_text(part: Mapping[str, Any]) -> str:
    head = [part["title"], ", ".join(part["sources"]), part["date"] or ""]
    place = f"characters {part['start']}-{part['end']} of {part['length']}"
    if part["earlier"]:
        place += ", as they were before the index was last rebuilt"
    above = " · ".join(one for one in (*head, place) if one)
    return f"{above}\n\n{part['text']}" + _left(part)


def _left(part: Mapping[str, Any]) -> str:
    left = part["length"] - part["end"]
    return f"\n\n({left} characters are left; go on with start={part['end']}.)" if left else ""


def _problem_with(tool: Tool, error: ValidationError) -> ApiError:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    known = ", ".join(tool.arguments.model_fields)
    return ApiError(400, f"{said_of(first, field)}; {tool.name} takes {known}", param=field)
