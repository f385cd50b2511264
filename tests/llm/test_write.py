"""Answers in a language model's words: what each behaviour of a real server ends in."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from embeddings.errors import QuestionError
from qa.bot import Bot
from qa.generate import Writer, open_writer
from qa.model_access import Access
from qa.records import Answer, Doubt, Failure, OriginalDocument, Written, WrittenSentence
from qa.render import language_of, written_note, written_to_text
from tests.llm.conftest import (
    GOOD,
    KEY,
    ORDER,
    OUTCOMES,
    QUESTION,
    TIMEOUT,
    behaviours,
    seconds_for,
    settings_for,
)
from tests.llm.scripted_server import BEHAVIOURS, MODEL, Exchange, closed_url, scripted


def writer_for(server: object, **more: object) -> Writer:
    return open_writer(settings_for(server, **more))  # type: ignore[arg-type]


def test_every_behaviour_has_an_outcome() -> None:
    assert set(OUTCOMES) | {"hold", "markup"} == set(BEHAVIOURS)


@behaviours
def test_marked(bot: Bot, name: str) -> None:
    wanted = OUTCOMES[name]
    with scripted() as other, scripted(name, key=KEY, other=other.url) as server:
        began = time.monotonic()
        written = bot.write(writer_for(server), QUESTION)
        took = time.monotonic() - began
        assert len(server.requests) == 1
        assert other.requests == []
    assert took < seconds_for(server) + 1.5
    assert written.answer == bot.ask(QUESTION)
    assert written.answer.text == GOOD
    assert written.model == MODEL
    assert written.failure is wanted.failure
    assert tuple(one.doubts for one in written.sentences) == wanted.doubts
    assert (written.count, written.verified) == (len(wanted.doubts), wanted.doubts.count(()))
    if wanted.wait:
        assert wanted.wait[0] <= (written.wait or 0) <= wanted.wait[1]
    else:
        assert written.wait is None


@behaviours
def test_left_out(bot: Bot, name: str) -> None:
    wanted = OUTCOMES[name]
    with scripted(name, key=KEY, other=closed_url()) as server:
        parts = list(
            bot.writing(writer_for(server, llm_unsupported="leave out"), bot.ask(QUESTION))
        )
    written = parts[-1]
    assert isinstance(written, Written)
    assert tuple(one.doubts for one in written.sentences) == wanted.kept
    nothing = wanted.failure is None and not wanted.kept
    assert written.failure is (Failure.UNVERIFIED if nothing else wanted.failure)
    if written.sentences:
        assert tuple(parts[:-1]) == written.sentences
        assert written.count == len(wanted.doubts)


@behaviours
@pytest.mark.parametrize(
    "question", [QUESTION, "天橋區簽約項目有多少個？", "How many 签约项目 does 天桥区 have?"]
)
def test_the_note_is_one_sentence_in_the_language_of_the_question(
    bot: Bot, name: str, question: str
) -> None:
    wanted = OUTCOMES[name].failure
    written = Written(
        replace(bot.ask(QUESTION), question=question), MODEL, failure=wanted, wait=6.2
    )
    note = written_note(written)
    if wanted is None:
        assert note == ""
        return
    ends = [
        at for at in range(len(note)) if note[at] in "。." and not note[at + 1 : at + 2].isalnum()
    ]
    assert ends == [len(note) - 1]
    assert "7" in note
    assert any("一" <= one <= "鿿" for one in note) == (language_of(question) != "en")


def test_each_failure_says_what_to_do(bot: Bot) -> None:
    answer = bot.ask(QUESTION)
    notes = {one: written_note(Written(answer, MODEL, failure=one)) for one in Failure}
    assert len(set(notes.values())) == len(Failure)
    assert notes[Failure.UNREACHABLE] == (
        "语言模型连接不上，以下是文档原句；请启动它的服务，或检查 llm_url。"
    )
    english = replace(answer, question="How many projects?")
    told = written_note(Written(english, MODEL, failure=Failure.BUSY, wait=6.2))
    assert told == (
        "The language model is busy; these are the documents' own sentences; try again in 7 s."
    )


def test_connection_refused(bot: Bot) -> None:
    access = Access(closed_url(), MODEL, KEY, TIMEOUT)
    with scripted() as server:
        writer = writer_for(server)
    writer = replace(writer, model=type(writer.model)(access))
    assert bot.write(writer, QUESTION).failure is Failure.UNREACHABLE


def test_a_wrong_key_and_a_wrong_model(bot: Bot) -> None:
    with scripted(key="sk-another") as server:
        assert bot.write(writer_for(server), QUESTION).failure is Failure.DENIED
    with scripted() as server:
        written = bot.write(writer_for(server, llm_model="no-such"), QUESTION)
    assert written.failure is Failure.UNKNOWN_MODEL


def test_the_good_answer_cites_what_it_says(bot: Bot) -> None:
    with scripted() as server:
        written = bot.write(writer_for(server), QUESTION)
    (sentence,) = written.sentences
    assert sentence.text == GOOD
    assert sentence.verified
    (number,) = sentence.numbers
    assert {one.number for one in written.citations} == {number}
    for cited in written.citations:
        original = bot.document(cited.document).text
        assert original[cited.start : cited.end] == cited.quote
    assert "".join(one.quote for one in written.citations) == GOOD
    assert written_note(written) == (
        f"由 {MODEL} 根据 {written.passages} 个段落写成，1 句中 1 句已核对原文。"
    )
    text = written_to_text(written).splitlines()
    assert text[0] == f"{GOOD}[{number}]"
    assert text[-2:] == [written_note(written), f"原句：{GOOD}"]


def test_doubts_stand_in_the_text(bot: Bot) -> None:
    with scripted("wrong_number_after_good") as server:
        text = written_to_text(bot.write(writer_for(server), QUESTION))
    assert text.count("（原文没有这个数字）") == 1
    assert "，2 句中 1 句已核对原文。" in text


def test_a_citation_that_there_is_not_beside_one_that_there_is(bot: Bot) -> None:
    with scripted(lambda to: to.say(GOOD[:-1] + "[1][9]。")) as server:
        (sentence,) = bot.write(writer_for(server), QUESTION).sentences
    assert sentence.numbers == (1,)
    assert Doubt.NO_SUCH_PASSAGE in sentence.doubts


def test_orders_in_documents_stand_within_the_fence(bot: Bot) -> None:
    with scripted("injected") as server:
        written = bot.write(writer_for(server), QUESTION)
        (request,) = server.requests
    assert written.sentences[0].text == f"{ORDER}。"
    assert not written.sentences[0].verified
    fence = request.prompt.splitlines()[1]
    inside = [part for at, part in enumerate(request.prompt.split(fence)) if at % 2]
    assert [part for part in inside if ORDER in part]
    assert ORDER not in "".join(request.prompt.split(fence)[::2])
    assert ORDER not in str(request.body["messages"][0])


@pytest.mark.parametrize("question", ["你好", "熊猫吃什么？"])
def test_the_model_is_not_asked_what_the_documents_do_not_answer(bot: Bot, question: str) -> None:
    with scripted() as server:
        written = bot.write(writer_for(server), question)
        assert server.requests == []
    assert (written.sentences, written.failure, written.passages) == ((), None, 0)
    assert written.answer == bot.ask(question)
    assert written_note(written) == ""


def test_sentences_come_before_the_model_has_ended(bot: Bot) -> None:
    with scripted("hold") as server:
        parts = bot.writing(writer_for(server, llm_timeout=30), bot.ask(QUESTION))
        first = next(parts)
        assert server.held.wait(10)
        assert isinstance(first, WrittenSentence)
        assert first.text == GOOD
        server.release()
        last = list(parts)[-1]
    assert isinstance(last, Written)
    assert last.count == 2


def _never_ends(to: Exchange) -> None:
    to.begin()
    to.write(GOOD[:-1] + "[1]。另外")
    while not to.server.ended.is_set():
        to.delta(content="，园区")
        to.pause(0.02)


def _readers() -> int:
    return sum(one.name == "language-model" for one in threading.enumerate())


def test_an_answer_that_nobody_waits_for_is_not_read_on(bot: Bot) -> None:
    with scripted(_never_ends) as server:
        parts = bot.writing(writer_for(server, llm_timeout=60), bot.ask(QUESTION))
        first = next(parts)
        assert isinstance(first, WrittenSentence)
        assert _readers() > 0
        del parts
        end = time.monotonic() + 5
        while _readers() and time.monotonic() < end:
            time.sleep(0.02)
        assert _readers() == 0


def test_so_many_are_read_at_once_and_no_more(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.language_model.AT_ONCE", 1)
    with scripted("hold") as server:
        writer = writer_for(server, llm_timeout=30)
        parts = bot.writing(writer, bot.ask(QUESTION))
        next(parts)
        assert bot.write(writer, QUESTION).failure is Failure.BUSY
        server.release()
        assert isinstance(list(parts)[-1], Written)
        end = time.monotonic() + 5
        while _readers() and time.monotonic() < end:
            time.sleep(0.02)
        assert bot.write(writer, QUESTION).failure is None


def test_a_busy_model_is_left_alone_for_as_long_as_it_said(bot: Bot) -> None:
    with scripted("busy") as server:
        writer = writer_for(server)
        assert bot.write(writer, QUESTION).wait == 7
        again = bot.write(writer, QUESTION)
        assert len(server.requests) == 1
    assert again.failure is Failure.BUSY
    assert 6 < (again.wait or 0) <= 7


def test_other_failures_are_tried_again_at_once(bot: Bot) -> None:
    def first_fails(to: Exchange) -> None:
        BEHAVIOURS["failing" if len(to.server.requests) == 1 else "good"](to)

    with scripted(first_fails) as server:
        writer = writer_for(server)
        assert bot.write(writer, QUESTION).failure is Failure.SERVER_ERROR
        assert bot.write(writer, QUESTION).verified == 1


class _Rebuilt:
    """A library whose documents are gone since the question was answered."""

    def __init__(self, bot: Bot) -> None:
        self.engines, self.passages = bot.engines, bot.passages

    def document(self, document: str) -> OriginalDocument:
        raise QuestionError("gone")


def test_documents_that_change_meanwhile(bot: Bot) -> None:
    with scripted() as server:
        written = writer_for(server).write(bot.ask(QUESTION), _Rebuilt(bot))
    assert (written.failure, written.sentences) == (Failure.CHANGED, ())


def test_several_write_at_once(bot: Bot) -> None:
    answer: Answer = bot.ask(QUESTION)
    found: list[Written] = []
    with scripted("slow") as server:
        writer = writer_for(server, llm_timeout=20)
        threads = [
            threading.Thread(target=lambda: found.append(writer.write(answer, bot)))
            for _ in range(6)
        ]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert [one.verified for one in found] == [1] * 6


def test_headers_of_other_servers_are_not_sent(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-mine")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-server")
    monkeypatch.setenv("OPENAI_BASE_URL", closed_url())
    monkeypatch.setenv("HTTP_PROXY", closed_url())
    with scripted(key=KEY) as server:
        assert bot.write(writer_for(server), QUESTION).verified == 1
        told = str(server.requests[0].headers)
    assert "mine" not in told
    assert "another" not in told


def picky(to: Exchange) -> None:
    """As models that have a temperature of their own and call the most tokens otherwise."""
    for name in ("max_tokens", "temperature"):
        if name in to.request.body:
            return to.status(400, f"Unsupported parameter: '{name}'", param=name)
    return BEHAVIOURS["good"](to)


def test_a_model_that_refuses_a_wish_is_asked_without_it(bot: Bot) -> None:
    with scripted(picky, key=KEY) as server:
        writer = writer_for(server)
        assert bot.write(writer, QUESTION).failure is None
        assert len(server.requests) == 3
        assert bot.write(writer, QUESTION).failure is None
        assert len(server.requests) == 4  # known by then


def test_what_is_refused_again_and_again_is_a_failure(bot: Bot) -> None:
    def stubborn(to: Exchange) -> None:
        to.status(400, "Unsupported parameter", param="temperature")

    with scripted(stubborn, key=KEY) as server:
        assert bot.write(writer_for(server), QUESTION).failure is Failure.SERVER_ERROR
        assert len(server.requests) == 2
