"""A retriever of LangChain over an index: `WenjuRetriever(index="index", k=5)`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from qa.bot import retrieve
from qa.records import Hit
from qa.render import hit_to_json

try:
    from langchain_core.callbacks import CallbackManagerForRetrieverRun
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
except ImportError as error:
    raise ImportError(
        "qa.langchain needs the package langchain-core, which is not installed: "
        "pip install 'wenju[langchain]'"
    ) from error


class WenjuRetriever(BaseRetriever):
    """Finds the passages nearest to a question; install it with ``pip install 'wenju[langchain]'``.

    Attributes:
        index: the index folder.
        k: how many passages at most, 1 or more.
        sources: only these files (``a/b.txt``) or folders (``a/``); None for all.
        dates: first and last day, as ``("2021-01-01", None)``; None for all.
    """

    index: str = "index"
    k: int = Field(default=5, ge=1)
    sources: list[str] | None = None
    dates: tuple[str | None, str | None] | None = None

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002  (LangChain's interface)
        k: int | None = None,
    ) -> list[Document]:
        """Return the passages as documents; errors are those of `qa.retrieve`."""
        count = self.k if k is None else k
        hits = retrieve(query, count, self.sources, self.index, self.dates)
        return [document_of(hit) for hit in hits]


def document_of(hit: Hit) -> Document:
    """Return a passage as LangChain has it; `metadata` is all else that the JSON form holds."""
    fields: dict[str, Any] = hit_to_json(hit)
    return Document(id=fields.pop("id"), page_content=fields.pop("text"), metadata=fields)
