"""Answers are quotes; every citation is the slice of its original; refusals say so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embeddings.build import build
from embeddings.cleaning import clean
from embeddings.encoder import CountingEncoder
from embeddings.errors import QuestionError
from embeddings.lexical import Tokenizer
from qa.answer import TOLD, put_together
from qa.bot import Bot
from qa.bot import _told as told_before
from qa.conversation import Turn
from qa.records import Answer, Reason

SAID = "天桥区建立4个产业链党组织,覆盖21家企业。"


def check_exact(answer: Answer, pages: Path) -> None:
    """Assert what holds for every answer to any question."""
    for citation in answer.citations:
        original = (pages / citation.source).read_bytes().decode()
        assert original[citation.start : citation.end] == citation.quote
    quoted = "".join(clean(citation.quote).text for citation in answer.citations)
    assert "".join(answer.text.split()) == "".join(quoted.split())
    assert answer.text == put_together([sentence.text for sentence in answer.sentences])
    assert [s.number for s in answer.sentences] == sorted({c.number for c in answer.citations})
    assert answer.answered is bool(answer.citations) is (answer.reason is None)


def test_an_answer_is_the_sentence_with_its_place(bot: Bot, pages: Path) -> None:
    answer = bot.ask("天桥区建立了几个产业链党组织？")
    check_exact(answer, pages)
    assert answer.answered
    (citation,) = answer.citations
    assert citation.quote == "天桥区建立4个产业链党组织,覆盖21家企业。"
    assert (citation.number, citation.source, citation.title) == (1, "天桥.txt", "天桥区抓党建")
    assert answer.nearest[0].source == "天桥.txt"


def test_the_asked_number_is_marked(bot: Bot) -> None:
    (sentence,) = bot.ask("天桥区建立了几个产业链党组织？").sentences
    assert "4个" in [mark.of(sentence.text) for mark in sentence.marks]


def test_glosses_stay_in_the_quote_and_leave_the_text(bot: Bot, pages: Path) -> None:
    answer = bot.ask("济阳区近年来走访企业多少家？")
    check_exact(answer, pages)
    assert answer.text == "近年來,濟陽區走訪企業190余家。"
    assert answer.citations[0].quote == "近年來(lái),濟(jì)陽(yáng)區(qū)走訪企業(yè)190余家。"


def test_what_the_documents_do_not_say_is_refused(bot: Bot) -> None:
    answer = bot.ask("西红柿炒鸡蛋怎么做才好吃？")
    assert (answer.answered, answer.text, answer.citations) == (False, "", ())
    assert answer.reason is Reason.NOT_IN_DOCUMENTS
    assert len(answer.nearest) == 5


@pytest.mark.parametrize("question", ["你好", "您好！", "谢谢", "Hello!", "你是谁？", "你好嗎"])
def test_small_talk_is_no_answer(bot: Bot, question: str) -> None:
    answer = bot.ask(question)
    assert (answer.answered, answer.reason, answer.nearest) == (False, Reason.SMALL_TALK, ())


def test_an_answer_says_how_likely_the_documents_answer(
    index: Path, counting: CountingEncoder, tokenizer: Tokenizer
) -> None:
    question = "天桥区建立了几个产业链党组织？"
    likely = Bot(index, counting, tokenizer, least=0.0).ask(question).support
    assert likely is not None
    assert 0 < likely < 1
    above = Bot(index, counting, tokenizer, least=likely + 1e-6)
    refusal = above.ask(question)
    assert (refusal.answered, refusal.support, above.least) == (False, likely, likely + 1e-6)
    assert Bot(index, counting, tokenizer, least=likely).ask(question).answered


def test_of_several_parts_the_likeliest_counts(
    index: Path, counting: CountingEncoder, tokenizer: Tokenizer
) -> None:
    bot = Bot(index, counting, tokenizer, least=0.0)
    both = bot.ask("天桥区建立了几个产业链党组织？高新区组建了几个党建联盟？").support
    each = [
        bot.ask(one).support
        for one in ("天桥区建立了几个产业链党组织？", "高新区组建了几个党建联盟？")
    ]
    assert both == max(one for one in each if one is not None)


def test_where_nothing_was_judged_nothing_is_said_of_it(bot: Bot) -> None:
    assert bot.ask("你好").support is None
    assert bot.ask("天桥区有几个？", sources=["没有.txt"]).support is None


@pytest.mark.parametrize("question", ["", "  \n\u3000"])
def test_an_empty_question_is_refused(bot: Bot, question: str) -> None:
    with pytest.raises(QuestionError, match="The question is empty; write what you want to know"):
        bot.ask(question)


def test_sources_limit_the_answer(bot: Bot) -> None:
    assert not bot.ask("天桥区建立了几个产业链党组织？", sources=["没有.txt"]).answered
    only = bot.ask("高新区组建了几个党建联盟？", sources=["高新.txt"])
    assert {citation.source for citation in only.citations} == {"高新.txt"}


def test_a_follow_up_is_completed_and_returned(bot: Bot) -> None:
    answer = bot.ask("那企业呢？", history=["天桥区建立了几个产业链党组织？"])
    assert answer.question == "天桥区建立了多少产业链企业？"
    assert "21家企业" in answer.text
    turn = Turn("天桥区建立了几个产业链党组织？", "天桥区建立4个产业链党组织。")
    assert bot.ask("那企业呢？", history=[turn]) == answer


def test_a_long_or_empty_history_is_no_error(bot: Bot) -> None:
    for history in ([""] * 200, ["那呢？"] * 200, ["What is it?"] * 200, ["\n"]):
        assert isinstance(bot.ask("那企业呢？", history=history), Answer)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.text(alphabet="天桥区济阳高新党建联盟多少几家企业项目?？。a1 ", min_size=1, max_size=40))
def test_every_answer_is_exact(bot: Bot, pages: Path, question: str) -> None:
    if question.strip():
        check_exact(bot.ask(question), pages)


@pytest.mark.parametrize(
    ("texts", "joined"),
    [
        (["甲。", "乙。"], "甲。乙。"),
        (["He left.", "She came."], "He left. She came."),
        (["a", "乙"], "a乙"),
    ],
)
def test_put_together(texts: list[str], joined: str) -> None:
    assert put_together(texts) == joined


def test_a_paragraph_that_stands_twice_in_its_section(
    counting: CountingEncoder, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    twice = "天桥区为什么抓党建？因为企业多，项目多。"
    text = f"天桥区抓党建\n\n{twice}\n\n高新区有企业。\n\n{twice}\n"
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "重复.txt").write_bytes(text.encode())
    build(tmp_path / "pages", tmp_path / "index", counting, tokenizer)
    answer = Bot(tmp_path / "index", counting, tokenizer, least=0.0).ask("天桥区为什么抓党建？")
    check_exact(answer, tmp_path / "pages")
    assert "因为企业多" in answer.text


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("天桥区怎么建立党组织的？", SAID),
        ("天桥区为什么要建立党组织？", SAID),
        ("那有几个？", ""),
        ("覆盖多少家？", ""),
    ],
)
def test_what_was_said_gives_no_reason_and_no_means(question: str, told: str) -> None:
    turns = [Turn("天桥区建立了几个产业链党组织？", SAID)]
    assert told_before(question, turns) == told
    assert told_before(question, ()) == ""


def test_what_was_said_falls_behind(bot: Bot) -> None:
    snapshot = bot._snapshot
    found = snapshot.retriever.find("天桥区怎么建立产业链党组织？")
    fresh, again = (snapshot.answerer._read(found, told).gathered for told in ("", SAID))
    assert fresh is not None
    assert again is not None
    assert fresh.weighed is not None
    assert again.weighed is not None
    lost = fresh.weighed.sentences - again.weighed.sentences
    assert lost.tolist() == [TOLD if text == SAID else 0 for text in fresh.texts.sentences]


def test_which_places_is_answered_by_each_document(
    tmp_path: Path, counting: CountingEncoder, tokenizer: Tokenizer
) -> None:
    (tmp_path / "pages").mkdir()
    for place in ("天桥区", "高新区", "济阳区"):
        text = f"{place}动态\n\n今年以来,{place}成立了产业党建联盟。\n\n{place}项目很多。\n"
        (tmp_path / "pages" / f"{place}.txt").write_text(text, encoding="utf-8")
    build(tmp_path / "pages", tmp_path / "index", counting, tokenizer)
    bot = Bot(tmp_path / "index", counting, tokenizer)
    answer = bot.ask("哪些地方成立了产业党建联盟？")
    check_exact(answer, tmp_path / "pages")
    assert {citation.source for citation in answer.citations} == {
        "天桥区.txt", "高新区.txt", "济阳区.txt",
    }  # fmt: skip
    assert all("党建联盟" in sentence.text for sentence in answer.sentences)
    assert len(bot.ask("天桥区成立了什么联盟？").citations) == 1
