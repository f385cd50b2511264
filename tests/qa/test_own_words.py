"""A bot asks with the words of the dictionary that its index was built with."""

from __future__ import annotations

from pathlib import Path

import pytest

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer, UserWord
from qa.bot import Bot

ENCODER = CountingEncoder("双招引天桥区产业")


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "甲.txt").write_text("天桥区开展双招双引工作。", encoding="utf-8")
    (folder / "乙.txt").write_text("双方招手，引人注意。", encoding="utf-8")
    return folder


def words_of(bot: Bot) -> dict[str, tuple[str, ...]]:
    return {hit.source: hit.signals.words for hit in bot.retrieve("雙招雙引", 2)}


def test_words_come_and_go_with_the_generation(
    documents: Path, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    index, own = tmp_path / "index", tokenizer.with_words([UserWord("双招双引")])
    build(documents, index, ENCODER, own)
    bot = Bot(index, ENCODER, tokenizer)
    assert words_of(bot) == {"甲.txt": ("双招双引",), "乙.txt": ()}
    build(documents, index, ENCODER, tokenizer)
    assert words_of(bot) == {"甲.txt": ("双引", "双招"), "乙.txt": ()}
