"""The LangChain retriever against the interface of the real package."""

from __future__ import annotations

import asyncio
import builtins
import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from pydantic import ValidationError

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.errors import IndexMissingError
from embeddings.lexical import Tokenizer
from qa import bot as bots
from qa.bot import Bot
from qa.langchain import WenjuRetriever
from qa.render import hit_to_json
from tests.qa.conftest import PAGES

QUESTION = "天桥区签约项目有多少个？"


def test_documents_are_the_hits_of_the_bot(bot: Bot) -> None:
    retriever = WenjuRetriever(bot=bot, k=2)
    assert isinstance(retriever, BaseRetriever)
    found = retriever.invoke(QUESTION)
    hits = bot.retrieve(QUESTION, 2)
    assert len(hits) == 2
    assert [document.page_content for document in found] == [hit.text for hit in hits]
    assert [document.id for document in found] == [hit.id for hit in hits]
    for document, hit in zip(found, hits, strict=True):
        fields = hit_to_json(hit)
        assert document.metadata == {
            key: fields[key] for key in fields if key not in ("id", "text")
        }
        assert {"source", "page", "title", "heading", "date", "spans", "score"} <= set(
            document.metadata
        )
        json.dumps(document.metadata)
    original = PAGES[found[0].metadata["source"]]
    said = "".join(original[start:end] for start, end in found[0].metadata["spans"])
    assert said.replace("\n", "") == found[0].page_content.replace("\n", "")


def test_every_way_of_asking_finds_the_same(bot: Bot) -> None:
    retriever = WenjuRetriever(bot=bot, k=1)
    wanted = retriever.invoke(QUESTION)
    assert asyncio.run(retriever.ainvoke(QUESTION)) == wanted
    others = retriever.invoke("濟陽區走訪了多少企業？")
    assert retriever.batch([QUESTION, "濟陽區走訪了多少企業？"]) == [wanted, others]
    assert asyncio.run(retriever.abatch([QUESTION])) == [wanted]
    assert list(retriever.stream(QUESTION)) == [wanted]
    assert others[0].metadata["source"] == "濟陽.txt"
    assert len(retriever.invoke(QUESTION, k=3)) == 3
    assert len(retriever.invoke(QUESTION)) == 1


def test_it_stands_in_a_chain(bot: Bot) -> None:
    def numbered(found: list[Document]) -> str:
        return "\n".join(
            f"[{number}] {one.metadata['source']}: {one.page_content}"
            for number, one in enumerate(found, 1)
        )

    chain = {
        "context": WenjuRetriever(bot=bot, k=1) | RunnableLambda(numbered),
        "question": RunnablePassthrough(),
    } | RunnableLambda(lambda given: f"{given['question']}\n{given['context']}")
    said = chain.invoke(QUESTION)
    assert said.startswith(f"{QUESTION}\n[1] 天桥.txt: ")
    assert "签约项目22个" in said


def test_sources_and_days_limit_it(bot: Bot) -> None:
    found = WenjuRetriever(bot=bot, sources=["高新.txt"]).invoke(QUESTION)
    assert {document.metadata["source"] for document in found} == {"高新.txt"}
    # No document has a date, so none is of these days.
    assert WenjuRetriever(bot=bot, dates=("2021-01-01", None)).invoke(QUESTION) == []
    assert WenjuRetriever(bot=bot, dates=(None, None)).invoke(QUESTION) != []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"k": 0}, "greater than or equal to 1"),
        ({"k": "many"}, "valid integer"),
        ({"sources": "高新.txt"}, "valid list"),
        ({"dates": ("2021-06-31", None)}, "'2021-06-31' is no day of the calendar"),
        ({"dates": ("2022-01-01", "2021-01-01")}, "run backwards"),
        ({"dates": ("2021-01-01",)}, "dates"),
        ({"bot": "index"}, "instance of Bot"),
        ({"index": "index"}, "index and bot are both given; give one of them"),
        ({"top": 3}, "Extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_used_is_refused_at_once(bot: Bot, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        WenjuRetriever(**{"bot": bot, **given})


def test_a_folder_is_opened_once_and_a_rebuild_is_noticed(
    tmp_path: Path, counting: CountingEncoder, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def encoder(*_: Any) -> CountingEncoder:
        opened.append(1)
        return counting

    monkeypatch.setattr("qa.bot.open_encoder", encoder)
    monkeypatch.setattr(bots, "_CACHE", bots._Cache())
    root, index = tmp_path / "documents", tmp_path / "index"
    root.mkdir()
    (root / "甲.txt").write_text("天桥区签约项目22个。", encoding="utf-8")
    build(root, index, counting, tokenizer)
    retriever = WenjuRetriever(index=index, k=1)
    assert retriever.invoke(QUESTION)[0].page_content == "天桥区签约项目22个。"
    (root / "甲.txt").write_text("天桥区签约项目33个。", encoding="utf-8")
    build(root, index, counting, tokenizer)
    assert retriever.invoke(QUESTION)[0].page_content == "天桥区签约项目33个。"
    assert WenjuRetriever(index=str(index), k=1).invoke(QUESTION) == retriever.invoke(QUESTION)
    assert len(opened) == 1


def test_an_index_that_is_not_there_is_told(tmp_path: Path) -> None:
    retriever = WenjuRetriever(index=tmp_path / "nowhere")
    with pytest.raises(IndexMissingError, match="nowhere"):
        retriever.invoke(QUESTION)


def test_a_bot_is_not_shown_in_what_is_logged(bot: Bot) -> None:
    assert "Bot" not in repr(WenjuRetriever(bot=bot))
    assert "bot" not in WenjuRetriever(bot=bot).model_dump()


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "langchain_core":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest)

    monkeypatch.delitem(sys.modules, "qa.langchain")
    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ImportError, match=r"not installed: pip install 'wenju\[langchain\]'"):
        importlib.import_module("qa.langchain")
