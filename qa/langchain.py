"""A LangChain retriever: the passages of an index as its documents.

The only module that imports `langchain_core`, which is an extra.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, field_validator, model_validator

from embeddings.errors import QuestionError
from qa.bot import Bot, check_period, retrieve
from qa.found import Period
from qa.records import Hit
from qa.render import hit_to_json

try:
    from langchain_core.callbacks import CallbackManagerForRetrieverRun
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
except ImportError as error:
    raise ImportError(
        "WenjuRetriever needs langchain-core, which is not installed: "
        "pip install 'wenju[langchain]'"
    ) from error


class WenjuRetriever(BaseRetriever):
    """Finds passages for LangChain, best first; a rebuild is noticed between two calls.

    A document is a passage: its text, its id, and as metadata what else `Hit` holds, in the JSON
    form of `qa.render` (`source`, `page`, `title`, `heading`, `date`, `score`, `spans` …).

    Errors are those of `Bot.retrieve`, `embeddings.errors.WenjuError`.

    Attributes:
        index: index folder; None for the one in the settings (WENJU_INDEX, else ``index``). It is
            opened with the first question, once for all retrievers.
        bot: an open bot, instead of a folder.
        k: how many passages, 1 or more.
        sources: files (``a/b.txt``) or folders (``a/``) to search in; None for all.
        dates: first and last day of the documents to search in, either may be None; None for all.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    index: str | Path | None = None
    bot: Bot | None = Field(default=None, exclude=True, repr=False)
    k: int = Field(default=5, ge=1)
    sources: list[str] | None = None
    dates: Period | None = None

    @field_validator("dates")
    @classmethod
    def _are_days(cls, dates: Period | None) -> Period | None:
        try:
            check_period(dates)
        except QuestionError as error:
            raise ValueError(str(error)) from error
        return dates

    @model_validator(mode="after")
    def _is_one_index(self) -> WenjuRetriever:
        if self.bot is not None and self.index is not None:
            raise ValueError("index and bot are both given; give one of them")
        return self

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - LangChain passes it
        k: int | None = None,
    ) -> list[Document]:
        most = self.k if k is None else k
        if self.bot is not None:
            hits = self.bot.retrieve(query, most, self.sources, self.dates)
        else:
            hits = retrieve(query, most, self.sources, self.index, self.dates)
        return [_document(hit) for hit in hits]


def _document(hit: Hit) -> Document:
    fields: dict[str, Any] = hit_to_json(hit)
    return Document(page_content=fields.pop("text"), id=fields.pop("id"), metadata=fields)
