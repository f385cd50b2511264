"""The documents of the index over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from embeddings.errors import QuestionError
from embeddings.texts import PassageRow
from qa import library_view
from qa.api import limits, records
from qa.api.problems import ApiError, Json
from qa.api.service import Service
from qa.records import OriginalDocument

_Offset = Annotated[int, Query(ge=0, le=limits.LARGEST_OFFSET)]


class Documents:
    """The handlers over one service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/api/documents", tags=["documents"])
        router.get(
            "", response_model=records.Files, summary="List the files: what is in, what not and why"
        )(self.files)
        router.get(
            "/{document}",
            response_model=records.Document,
            summary="Read a document, or the part of it that a citation names",
        )(self.read)
        return router

    async def files(
        self,
        offset: _Offset = 0,
        limit: Annotated[int, Query(ge=1, le=limits.MOST_FILES)] = limits.MOST_FILES,
    ) -> Response:
        """By name; `document` is the id to read one by."""
        found = await self._service.reading.run(self._service.library.listing)
        listed = library_view.to_json(found)
        part = listed["files"][offset : offset + limit]
        total = len(listed["files"])
        return Json({**listed, "total": total, "offset": offset, "files": part})

    async def read(self, document: str, start: _Offset = 0, end: _Offset | None = None) -> Response:
        """`start` and `end` count Unicode characters of the original, as citations do."""
        if end is not None and end < start:
            raise ApiError(
                400, f"The part ends at {end}, before it begins at {start}; swap them", param="end"
            )
        return Json(await self._service.reading.run(lambda: self.part(document, start, end)))

    def part(self, document: str, start: int, end: int | None) -> dict[str, Any]:
        """Return the JSON form of a part of a document.

        Raises:
            ApiError: when neither this index nor the one before holds the document.
        """
        found, passages = self._found(document)
        length = len(found.text)
        start = min(start, length)
        end = length if end is None else min(end, length)
        return {
            **asdict(found),
            "length": length,
            "start": start,
            "end": end,
            "text": found.text[start:end],
            "passages": [_to_json(row) for row in passages or () if _touches(row, start, end)],
            "earlier": passages is None,
        }

    def _found(self, document: str) -> tuple[OriginalDocument, Sequence[PassageRow] | None]:
        """Return a document and its passages; None for those of the generation before."""
        bot = self._service.bot
        try:
            return bot.document(document), bot.passages(document)
        except QuestionError as error:
            earlier = bot.earlier_document(document)
            if earlier is None:
                raise ApiError(404, str(error), "unknown_document", "document") from error
            return earlier, None


def _touches(row: PassageRow, start: int, end: int) -> bool:
    return any(span.start < end and span.end > start for span in row.spans)


def _to_json(row: PassageRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "role": row.role,
        "title": row.title,
        "heading": row.heading,
        "page": row.page,
        "text": row.text,
        "spans": [[span.start, span.end] for span in row.spans],
    }
