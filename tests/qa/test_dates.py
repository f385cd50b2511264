"""Answers from documents of some days only; wrong days are refused with one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.errors import QuestionError
from embeddings.lexical import Tokenizer
from qa.bot import Bot
from qa.cli import main
from qa.records import Reason

SAME = "天桥区建立4个产业链党组织,覆盖多家企业。"

PAGES = {
    "a/2020-03-01.txt": f"天桥区要闻\n\n{SAME}\n",
    "a/2021-06-16.txt": f"天桥区旧闻\n\n{SAME}\n",
    "b/2021-12-31.txt": "天桥区党建\n\n天桥区的产业链党组织增加到9个。\n",
    "b/undated.txt": "天桥区党建\n\n天桥区的产业链党组织有很多。\n",
}

QUESTION = "天桥区有几个产业链党组织？"


@pytest.fixture(scope="module")
def index(
    tmp_path_factory: pytest.TempPathFactory, counting: CountingEncoder, tokenizer: Tokenizer
) -> Path:
    root = tmp_path_factory.mktemp("dated")
    for name, text in PAGES.items():
        (root / "pages" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "pages" / name).write_text(text, encoding="utf-8")
    build(root / "pages", root / "index", counting, tokenizer)
    return root / "index"


@pytest.fixture(scope="module")
def bot(index: Path, counting: CountingEncoder, tokenizer: Tokenizer) -> Bot:
    return Bot(index, counting, tokenizer)


@pytest.mark.parametrize(
    ("dates", "names"),
    [
        (None, ["2020-03-01", "2021-06-16", "2021-12-31", "undated"]),
        ((None, None), ["2020-03-01", "2021-06-16", "2021-12-31", "undated"]),
        (("2021-01-01", "2021-12-31"), ["2021-06-16", "2021-12-31"]),
        (("2021-06-16", "2021-06-16"), ["2021-06-16"]),
        (("2021-06-17", None), ["2021-12-31"]),
        ((None, "2021-12-30"), ["2020-03-01", "2021-06-16"]),
        (("2022-01-01", None), []),
    ],
)
def test_only_documents_of_these_days(bot: Bot, dates: Any, names: list[str]) -> None:
    hits = bot.retrieve(QUESTION, 50, dates=dates)
    assert sorted({Path(hit.source).stem for hit in hits}) == names
    assert all(hit.date is not None for hit in hits if dates and any(dates))


def test_the_answer_cites_the_place_of_that_day(bot: Bot) -> None:
    for year, source in [("2020", "a/2020-03-01.txt"), ("2021", "a/2021-06-16.txt")]:
        answer = bot.ask(QUESTION, sources=["a/"], dates=(f"{year}-01-01", f"{year}-12-31"))
        (citation,) = answer.citations
        assert (citation.source, citation.quote) == (source, SAME)
        assert PAGES[source][citation.start : citation.end] == SAME
        assert citation.date == Path(source).stem
        assert answer.nearest[0].source == source


def test_files_and_days_hold_together(bot: Bot) -> None:
    hits = bot.retrieve(QUESTION, 50, ["b/"], ("2021-01-01", None))
    assert {hit.source for hit in hits} == {"b/2021-12-31.txt"}


def test_no_document_of_these_days_is_no_error(bot: Bot) -> None:
    answer = bot.ask(QUESTION, dates=("1999-01-01", "1999-12-31"))
    assert (answer.answered, answer.reason, answer.nearest) == (False, Reason.NOTHING_FOUND, ())


@pytest.mark.parametrize(
    ("dates", "sentence"),
    [
        (("2021", None), "The date '2021' is no day of the calendar; write year, month and day"),
        ((None, "2021-02-30"), "The date '2021-02-30' is no day"),
        (("20210616", None), "The date '20210616' is no day"),
        (("２０２１-06-16", None), "is no day of the calendar"),
        (("2021年6月16日", None), "The date '2021年6月16日' is no day"),
        (("", None), "The date '' is no day"),
        ((20210616, None), "The date 20210616 is no day"),
        (("2021-12-31", "2021-01-01"), "run backwards, from 2021-12-31 to 2021-01-01; give the"),
        ("2021-06-16", "The dates '2021-06-16' are no pair; give the first and the last day"),
        (("2021-06-16",), "are no pair"),
    ],
)
def test_wrong_days_are_refused(bot: Bot, dates: Any, sentence: str) -> None:
    with pytest.raises(QuestionError, match=sentence):
        bot.retrieve(QUESTION, dates=dates)
    with pytest.raises(QuestionError, match=sentence):
        bot.ask(QUESTION, dates=dates)


def test_the_commands(
    index: Path, counting: CountingEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.bot.open_encoder", lambda *_: counting)

    def run(*words: str) -> Any:
        return CliRunner().invoke(main, [*words, "--index", str(index)])

    days = ["--since", "2021-06-16", "--until", "2021-06-16", "--json"]
    hits = json.loads(run("retrieve", QUESTION, *days).stdout)
    assert {hit["date"] for hit in hits} == {"2021-06-16"}
    answer = json.loads(run("ask", QUESTION, *days).stdout)
    assert [citation["source"] for citation in answer["citations"]] == ["a/2021-06-16.txt"]
    assert "also in a/2021-06-16.txt\n" in run("retrieve", QUESTION).stdout
    refused = run("ask", QUESTION, "--since", "June")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "The date 'June' is no day of the calendar" in refused.stderr
