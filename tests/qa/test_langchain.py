"""The retriever of LangChain, by the real package."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from embeddings.errors import WenjuError
from qa import retrieve
from qa.cli import main

pytest.importorskip("langchain_core")

from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda

from qa.langchain import WenjuRetriever

pytestmark = pytest.mark.model

TEXTS = {
    "水厂.txt": "章丘区去年新建了九座水厂，投资三亿元。",
    "a/学校.txt": "历城区今年开办了两所小学，可容纳一千名学生。",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("langchain")
    for name, text in TEXTS.items():
        path = folder / "documents" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    built = CliRunner().invoke(
        main, ["build", str(folder / "documents"), "--index", str(folder / "index")]
    )
    assert built.exit_code == 0, built.output
    return str(folder / "index")


def test_documents_are_the_hits(index: str) -> None:
    found = WenjuRetriever(index=index, k=2).invoke("新建了几座水厂？")
    hits = retrieve("新建了几座水厂？", 2, index=index)
    assert [one.page_content for one in found] == [hit.text for hit in hits]
    assert [one.id for one in found] == [hit.id for hit in hits]
    first = found[0]
    assert isinstance(first, Document)
    assert first.metadata["source"] == "水厂.txt"
    ((start, end),) = first.metadata["spans"]
    assert TEXTS["水厂.txt"][start:end] == first.page_content


def test_every_way_to_call_gives_the_same(index: str) -> None:
    retriever = WenjuRetriever(index=index, k=1)
    question = "小学有几所？"
    wanted = retriever.invoke(question)
    assert wanted[0].metadata["source"] == "a/学校.txt"
    assert asyncio.run(retriever.ainvoke(question)) == wanted
    assert retriever.batch([question, question]) == [wanted, wanted]
    assert list(retriever.stream(question)) == [wanted]


def test_it_is_a_part_of_a_chain(index: str) -> None:
    def joined(documents: list[Document]) -> str:
        return "|".join(one.metadata["source"] for one in documents)

    chain = WenjuRetriever(index=index, k=1) | RunnableLambda(joined)
    assert chain.invoke("投资多少？") == "水厂.txt"


def test_files_and_number_limit_what_is_found(index: str) -> None:
    retriever = WenjuRetriever(index=index, sources=["a/"])
    assert [one.metadata["source"] for one in retriever.invoke("水厂")] == ["a/学校.txt"]
    assert len(WenjuRetriever(index=index, k=2).invoke("水厂", k=1)) == 1
    assert WenjuRetriever(index=index, dates=("2030-01-01", None)).invoke("水厂") == []


@pytest.mark.parametrize("given", [{"k": 0}, {"k": "many"}, {"sources": "a/"}])
def test_what_cannot_be_used_is_refused_when_it_is_made(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WenjuRetriever(**given)


def test_an_index_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WenjuError, match="wenju build"):
        WenjuRetriever(index=str(tmp_path / "none")).invoke("水厂")


def test_without_the_package_one_sentence_says_what_to_install() -> None:
    code = "import sys; sys.modules['langchain_core'] = None; import qa.langchain"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "pip install 'wenju[langchain]'" in done.stderr.splitlines()[-1]
