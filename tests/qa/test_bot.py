"""The façade: opening, reloading, concurrency, and what it refuses."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.errors import IndexMissingError, ModelMismatchError, QuestionError
from embeddings.lexical import Tokenizer
from qa.bot import LONGEST_QUESTION, Bot
from qa.records import Answer


@pytest.fixture
def changing(tmp_path: Path) -> Path:
    """A folder of documents that a test may change."""
    folder = tmp_path / "changing"
    folder.mkdir()
    (folder / "a.txt").write_text("天桥区有21家企业。", encoding="utf-8")
    return folder


def test_a_document_comes_back_as_it_was_read(bot: Bot, pages: Path) -> None:
    hit = bot.retrieve("高新区党建联盟")[0]
    document = bot.document(hit.document)
    assert document.text == (pages / "高新.txt").read_bytes().decode()
    assert "\r\n" in document.text
    assert (document.sources, document.title) == (("高新.txt",), "高新区建联盟")
    assert [d.sources[0] for d in bot.documents()] == ["天桥.txt", "濟陽.txt", "高新.txt"]


def test_an_unknown_document_is_refused(bot: Bot) -> None:
    with pytest.raises(QuestionError, match="holds no document 'x'; it may have changed"):
        bot.document("x")


def test_info_and_headings(bot: Bot, index: Path) -> None:
    info = bot.info()
    assert (info.index, info.generation, info.documents) == (str(index), 1, 3)
    assert info.sources == ("天桥.txt", "濟陽.txt", "高新.txt")
    assert ("天桥区抓党建", "人才支撑") in bot.headings()


def test_a_rebuild_is_noticed(
    changing: Path, tmp_path: Path, counting: CountingEncoder, tokenizer: Tokenizer
) -> None:
    index = tmp_path / "index"
    build(changing, index, counting, tokenizer)
    bot = Bot(index, counting, tokenizer)
    assert bot.ask("天桥区有几家企业？").text == "天桥区有21家企业。"
    (changing / "a.txt").write_text("天桥区有99家企业。", encoding="utf-8")
    build(changing, index, counting, tokenizer)
    assert bot.ask("天桥区有几家企业？").text == "天桥区有99家企业。"
    assert bot.info().generation == 2


def test_threads_see_whole_generations_while_a_build_runs(
    changing: Path, tmp_path: Path, counting: CountingEncoder, tokenizer: Tokenizer
) -> None:
    index = tmp_path / "index"
    build(changing, index, counting, tokenizer)
    bot = Bot(index, counting, tokenizer)
    answers: list[Answer] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answers.append(bot.ask("天桥区有几家企业？"))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(30, 36):
        (changing / "a.txt").write_text(f"天桥区有{number}家企业。", encoding="utf-8")
        build(changing, index, counting, tokenizer)
    stop.set()
    for thread in threads:
        thread.join()
    allowed = {f"天桥区有{number}家企业。" for number in (21, *range(30, 36))}
    assert {answer.text for answer in answers} <= allowed
    for answer in answers:
        assert "".join(c.quote for c in answer.citations) == answer.text
        assert answer.nearest[0].text == answer.text


def test_another_model_is_refused(index: Path, tokenizer: Tokenizer) -> None:
    with pytest.raises(ModelMismatchError, match="was made by the model .*wenju build --model"):
        Bot(index, CountingEncoder("别的"), tokenizer)


def test_no_index(tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError, match="There is no index in .*wenju build FOLDER"):
        Bot.open(tmp_path / "none")


def test_a_question_is_read_up_to_a_length(bot: Bot) -> None:
    question = "天桥区" + "？" * 60_000
    assert bot.ask(question).question == question[:LONGEST_QUESTION]


def test_the_threshold_of_refusals_is_a_setting(
    index: Path, counting: CountingEncoder, tokenizer: Tokenizer
) -> None:
    question = "天桥区建立了几个产业链党组织？"
    assert Bot(index, counting, tokenizer, least=0.0).ask(question).answered
    assert not Bot(index, counting, tokenizer, least=1.01).ask(question).answered
