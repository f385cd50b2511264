"""A small index whose vectors can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from qa.bot import Bot

ALPHABET = "济南天桥高新区党建园产业企名项目"

PAGES = {
    "天桥.txt": (
        "天桥区抓党建\n\n天桥区建立4个产业链党组织,覆盖21家企业。截至目前,园区完成签约项目22个。\n\n"
        "人才支撑\n\n陈海英教授的项目在济南获奖。\n"
    ),
    "高新.txt": "高新区建联盟\n\n高新区在2020年组建8个党建联盟。\r\n\r\n联盟很活跃。\n",
    "濟陽.txt": "濟陽區延鏈\n\n近年來(lái),濟(jì)陽(yáng)區(qū)走訪企業(yè)190余家。\n",
}


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of documents."""
    folder = tmp_path_factory.mktemp("pages")
    for name, text in PAGES.items():
        (folder / name).write_bytes(text.encode())
    return folder


@pytest.fixture(scope="session")
def counting() -> CountingEncoder:
    return CountingEncoder(ALPHABET)


@pytest.fixture(scope="session")
def index(
    pages: Path,
    counting: CountingEncoder,
    tokenizer: Tokenizer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The index over `pages`; tests must not change it."""
    folder = tmp_path_factory.mktemp("indices") / "index"
    build(pages, folder, counting, tokenizer)
    return folder


@pytest.fixture(scope="session")
def bot(index: Path, counting: CountingEncoder, tokenizer: Tokenizer) -> Bot:
    return Bot(index, counting, tokenizer)
