"""A language model behind the page: a real server of its protocol, the real client, a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from embeddings.settings import Settings
from qa.bot import Bot
from qa.generate import open_writer
from qa.page.options import Options
from qa.page.written_texts import WRITTEN_TEXTS
from qa.records import Answer, Doubt, Failure, Written, WrittenSentence
from tests.browser.conftest import Visit
from tests.browser.looks import ALL_LOOKS, Look, some_looks
from tests.browser.scripted import (
    ScriptedBot,
    WritingBot,
    answer,
    cite,
    document,
    hit,
    written,
    written_by,
)
from tests.browser.test_frame import findings
from tests.browser.test_talks import exported
from tests.browser.visitor import PATIENCE
from tests.llm.scripted_server import Behaviour, Exchange, Server, cited, scripted
from tests.patience import until

pytestmark = pytest.mark.browser

HOW_MANY = "天桥区有多少家直播电商企业？"
OWN = "100余家"
KEY = "sk-page-0123456789abcdef"

Served = Callable[..., tuple[Server, Options]]


@pytest.fixture
def served() -> Iterator[Served]:
    """Run a model's server, and give the options of a page that asks it."""
    with ExitStack() as stack:

        def run(behaviour: str | Behaviour, **settings: Any) -> tuple[Server, Options]:
            server = stack.enter_context(scripted(behaviour, key=KEY))
            given = Settings(llm_url=server.url, llm_model=server.model, llm_key=KEY, **settings)
            return server, Options(writer=open_writer(given))

        yield run


def prose(card: Locator) -> Locator:
    return card.locator(".written .prose")


def whole(card: Locator) -> None:
    """Wait until the written text has taken its place."""
    expect(card.locator(".by .author")).to_be_visible(timeout=PATIENCE)


def fell_back(card: Locator) -> Locator:
    """Expect the documents' own sentences alone; return the note above them."""
    note = card.locator(".unwritten")
    expect(note).to_be_visible(timeout=PATIENCE)
    expect(card.locator(".own .sentence").first).to_contain_text(OWN)
    expect(card.locator(".said")).to_have_count(0)
    expect(card.locator(".by")).to_be_hidden()
    return note


# ---- good ----


def test_a_written_answer_and_the_documents_own_one_click_away(
    seeds_bot: Bot, visit: Visit, served: Served
) -> None:
    server, options = served("good")
    visitor = visit(seeds_bot, pages=options)
    card = visitor.ask(HOW_MANY)
    whole(card)
    expect(prose(card)).to_contain_text(OWN)
    expect(card.locator(".own .sentence").first).to_be_hidden()
    expect(card.locator(".doubt")).to_have_count(0)
    expect(card.locator(".author")).to_have_text(
        re.compile(r"由 scripted-7b 根据 \d+ .*1 句中 1 句")
    )
    card.locator(".written .cite").click()
    marks = visitor.marked()
    assert OWN in "".join(marks)
    assert all(mark in visitor.original_text() for mark in marks)
    visitor.see_first_mark()
    card.get_by_role("button", name="文档原句").click()
    expect(card.locator(".own .sentence").first).to_contain_text(OWN)
    expect(prose(card)).to_be_hidden()
    assert len(server.requests) == 1
    assert KEY not in visitor.page.content()


def test_the_answer_stands_there_at_once_and_sentences_come_one_by_one(
    seeds_bot: Bot, visit: Visit, served: Served
) -> None:
    server, options = served("hold")
    visitor = visit(seeds_bot, pages=options)
    card = visitor.ask(HOW_MANY)
    expect(card.locator(".own .sentence").first).to_contain_text(OWN)
    expect(prose(card).locator(".said")).to_have_count(1, timeout=PATIENCE)
    expect(card.get_by_text("scripted-7b 正在写")).to_be_visible()
    expect(card.locator(".own .sentence").first).to_be_visible()
    expect(card.locator(".author")).to_have_count(0)
    prose(card).locator(".cite").click()
    assert OWN in "".join(visitor.marked())
    server.release()
    whole(card)
    expect(prose(card).locator(".said")).to_have_count(2)
    expect(card.locator(".writing")).to_have_count(0)
    expect(card.locator(".own .sentence").first).to_be_hidden()


def test_a_slow_model_leaves_the_answer_to_read(
    seeds_bot: Bot, visit: Visit, served: Served
) -> None:
    _, options = served("slow")
    visitor = visit(seeds_bot, pages=options)
    card = visitor.ask(HOW_MANY)
    expect(card.locator(".own .sentence").first).to_contain_text(OWN)
    expect(card.locator(".busy")).to_be_visible()
    whole(card)


# ---- failures ----


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ("busy", "7 秒后可再试"),
        ("failing", "语言模型"),
        ("denied", "密钥"),
        ("unknown_model", "语言模型"),
        ("cut", "中断"),
        ("empty", "没有回答"),
        ("repeating", "无法使用"),
        ("wrong_language", "提问的语言"),
        ("no_answer", "没有写出答案"),
    ],
)
def test_whatever_fails_the_documents_own_sentences_stand_with_a_note(
    seeds_bot: Bot, visit: Visit, served: Served, behaviour: str, why: str
) -> None:
    server, options = served(behaviour)
    visitor = visit(seeds_bot, pages=options)
    card = visitor.ask(HOW_MANY)
    note = fell_back(card)
    expect(note).to_contain_text(why)
    expect(note).to_contain_text("文档原句")
    visitor.reload()
    expect(fell_back(visitor.cards.last)).to_contain_text("文档原句")
    assert len(server.requests) == 1
    assert KEY not in visitor.page.content()


def test_what_was_shown_before_a_stream_is_cut_is_withdrawn(
    seeds_bot: Bot, visit: Visit, served: Served
) -> None:
    def cut_later(to: Exchange) -> None:
        number, sentence = to.best()
        to.begin()
        to.write(cited(number, sentence) + "另外")
        to.server.wait()

    server, options = served(cut_later)
    visitor = visit(seeds_bot, pages=options)
    card = visitor.ask(HOW_MANY)
    expect(prose(card).locator(".said")).to_have_count(1, timeout=PATIENCE)
    server.release()
    fell_back(card)


# ---- what is doubtful ----

UNTRUE = ("injected", "wrong_number", "wrong_citation")


@pytest.mark.parametrize("behaviour", UNTRUE)
def test_where_nothing_is_verified_the_documents_own_sentences_stay_the_answer(
    seeds_bot: Bot, visit: Visit, served: Served, behaviour: str
) -> None:
    visitor = visit(seeds_bot, pages=served(behaviour)[1])
    for card in (visitor.ask(HOW_MANY), visitor.cards.last):
        expect(card.locator(".unwritten")).to_contain_text("没有一句", timeout=PATIENCE)
        expect(card.locator(".own .sentence").first).to_contain_text(OWN)
        expect(card.locator(".said")).to_be_hidden()
        card.get_by_role("button", name="成文").click()
        expect(card.locator(".doubted")).to_be_visible()
        expect(card.locator(".author")).to_contain_text("1 句中 0 句")
        expect(card.locator(".unwritten")).to_be_hidden()
        card.get_by_role("button", name="文档原句").click()
        visitor.reload()


@pytest.mark.parametrize("behaviour", UNTRUE)
def test_where_nothing_is_verified_and_all_is_left_out_there_is_a_note(
    seeds_bot: Bot, visit: Visit, served: Served, behaviour: str
) -> None:
    options = served(behaviour, llm_unsupported="leave out")[1]
    card = visit(seeds_bot, pages=options).ask(HOW_MANY)
    expect(fell_back(card)).to_contain_text("没有一句")


@pytest.mark.parametrize("behaviour", ["wrong_number_after_good", "uncited_after_good"])
def test_a_doubtful_sentence_is_marked_in_words(
    seeds_bot: Bot, visit: Visit, served: Served, behaviour: str
) -> None:
    _, options = served(behaviour)
    visitor = visit(seeds_bot, pages=options)
    card = visitor.ask(HOW_MANY)
    whole(card)
    expect(card.locator(".said")).to_have_count(2)
    expect(card.locator(".doubted")).to_have_count(1)
    expect(card.locator(".doubt")).to_contain_text("未核实：")
    line = "said => getComputedStyle(said).textDecorationStyle"
    assert card.locator(".doubted").evaluate(line) == "dotted"
    expect(card.locator(".author")).to_contain_text("2 句中 1 句")
    visitor.reload()
    expect(visitor.cards.last.locator(".doubt")).to_contain_text("未核实：")


def test_a_made_up_citation_opens_nothing(seeds_bot: Bot, visit: Visit, served: Served) -> None:
    def made_up(to: Exchange) -> None:
        number, sentence = to.best()
        to.say(cited(number, sentence) + cited(99, sentence))

    card = visit(seeds_bot, pages=served(made_up)[1]).ask(HOW_MANY)
    whole(card)
    expect(card.locator(".doubt")).to_have_count(1)
    expect(card.locator(".written .cite")).to_have_count(1)


def test_doubtful_sentences_are_left_out_where_that_is_set(
    seeds_bot: Bot, visit: Visit, served: Served
) -> None:
    _, options = served("wrong_number_after_good", llm_unsupported="leave out")
    card = visit(seeds_bot, pages=options).ask(HOW_MANY)
    whole(card)
    expect(card.locator(".said")).to_have_count(1)
    expect(card.locator(".doubt")).to_have_count(0)
    expect(card.locator(".author")).to_contain_text("2 句中 1 句")


def test_what_a_model_writes_is_shown_as_text(seeds_bot: Bot, visit: Visit, served: Served) -> None:
    hostile = (
        "<img src=x onerror=\"document.title='owned'\"><b>粗</b>**重**"
        "[链](javascript:alert(1))![图](data:image/png;base64,AA)\u202e反\u2066 https://a.example/x"
    )

    def attack(to: Exchange) -> None:
        number, sentence = to.best()
        to.say(cited(number, sentence) + f"{hostile}[{number}]。")

    visitor = visit(seeds_bot, pages=served(attack)[1])
    card = visitor.ask(HOW_MANY)
    whole(card)
    expect(prose(card)).to_contain_text("<img src=x onerror=\"document.title='owned'\"><b>粗</b>")
    expect(card.locator(".written :is(img, b:not(.sources b), a, script, iframe)")).to_have_count(0)
    assert visitor.page.title() == "问据 Wenju"
    assert not set("\u202e\u2066") & set(card.inner_text())
    isolated = "said => getComputedStyle(said).unicodeBidi"
    assert card.locator(".said").last.evaluate(isolated) == "isolate"


# ---- not asked ----


@pytest.mark.parametrize("question", ["火星上有多少家企业？", "你好"])
def test_of_a_refusal_the_model_is_not_asked(
    seeds_bot: Bot, visit: Visit, served: Served, question: str
) -> None:
    server, options = served("good")
    visitor = visit(seeds_bot, pages=options)
    card = visitor.ask(question)
    expect(visitor.page.locator(".waiting")).to_have_count(0)
    expect(card.locator(".written, .by, .said")).to_have_count(0)
    assert server.requests == []


def test_without_a_model_the_page_is_as_it_was(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot)
    sent: list[str] = []
    visitor.page.on("request", lambda request: sent.append(request.url))
    card = visitor.ask(ASKED)
    expect(visitor.panel).to_be_visible()
    expect(visitor.page.locator("#allow")).to_have_count(0)
    expect(card.locator(".written")).to_be_hidden()
    expect(card.locator(".by")).to_be_hidden()
    assert not [address for address in sent if address.endswith("/write")]


@some_looks
def test_the_model_is_kept_from_writing_and_that_is_remembered(
    bot: WritingBot, visit: Visit, look: Look
) -> None:
    words = WRITTEN_TEXTS[look.texts.language]
    visitor = visit(bot, pages=Options(writer=written_by()), **look.context)
    tick = visitor.page.get_by_role("checkbox", name=words.allow.format(model="qwen2.5:7b"))
    expect(tick).to_be_checked()
    tick.uncheck()
    card = visitor.ask(ASKED)
    expect(visitor.page.locator(".waiting")).to_have_count(0)
    expect(card.locator(".own .sentence").first).to_be_visible()
    visitor.reload()
    expect(tick).not_to_be_checked()
    visitor.ask(ASKED)
    assert bot.written == []
    tick.check()
    whole(visitor.ask(ASKED))
    assert bot.written == [ASKED]
    visitor.reload()
    expect(tick).to_be_checked()


# ---- a bot whose every word is known ----

TEXT = "天桥区有企业100余家。近千人在此工作。经费2400万元。\n" + "别的。\n" * 40
ASKED, ENGLISH, SECOND = "有多少家企业？", "How many companies are there?", "经费多少？"


@pytest.fixture
def bot() -> WritingBot:
    original = document("报.txt", TEXT, "题")
    near = [hit(original, "经费2400万元。"), hit(original, "天桥区有企业100余家。")]
    answers = {
        asked: answer(asked, cite(original, quote), marked="100余家", nearest=near)
        for asked, quote in (
            (ASKED, "天桥区有企业100余家。"),
            (ENGLISH, "天桥区有企业100余家。"),
            (SECOND, "经费2400万元。"),
        )
    }
    texts = {
        ASKED: ("天桥区的企业有100余家。", "经费是3600万元。", "数字还在涨。"),
        ENGLISH: ("There are over 100.", "They got 36 million.", "More will come."),
        SECOND: ("经费为2400万元。",),
    }
    cites = ((2,), (1,), ())
    doubts = ((), (Doubt.NUMBER,), (Doubt.UNCITED,))
    said = {
        asked: [WrittenSentence(*one) for one in zip(texts[asked], cites, doubts, strict=False)]
        for asked in answers
    }
    return WritingBot(
        {original.id: original},
        answers,
        hits=near,
        said={asked: [*said[asked], written(answers[asked], *said[asked])] for asked in answers},
    )


def answer_of(bot: ScriptedBot, question: str) -> Answer:
    said = bot.script[question]
    assert isinstance(said, Answer)
    return said


@some_looks
@pytest.mark.parametrize("scheme", ["light", "dark"] if ALL_LOOKS else ["dark"])
def test_read_switched_by_the_keyboard_and_kept(
    bot: WritingBot, visit: Visit, look: Look, scheme: str
) -> None:
    texts, words = look.texts, WRITTEN_TEXTS[look.texts.language]
    question = ASKED if texts.html_language == "zh-CN" else ENGLISH
    visitor = visit(bot, pages=Options(writer=written_by()), color_scheme=scheme, **look.context)
    card = visitor.ask(question)
    whole(card)
    expect(card.locator(".said")).to_have_count(3)
    expect(card.locator(".doubt")).to_have_count(2)
    expect(card.locator(".author")).to_contain_text("qwen2.5:7b")
    expect(card.locator(".written .cite")).to_have_text(["1", "2"])
    assert findings(visitor.page) == []
    card.locator(".written .cite").first.click()
    expect(visitor.marks).to_have_text(["天桥区有企业100余家。"])
    visitor.panel.get_by_role("button", name=texts.next).click()
    expect(visitor.marks).to_have_text(["经费2400万元。"])
    if look.is_phone:
        visitor.panel.get_by_role("button", name=texts.close).click()
    own = card.get_by_role("button", name=words.own)
    own.focus()
    visitor.page.keyboard.press("Enter")
    expect(own).to_have_attribute("aria-pressed", "true")
    expect(own).to_be_focused()
    expect(card.locator(".own .sentence").first).to_be_visible()
    expect(prose(card)).to_be_hidden()
    assert findings(visitor.page) == []
    visitor.reload()
    card = visitor.cards.last
    expect(card.locator(".own .sentence").first).to_be_visible()
    expect(prose(card)).to_be_hidden()
    card.get_by_role("button", name=words.written, exact=True).click()
    expect(prose(card)).to_be_visible()
    visitor.reload()
    expect(prose(visitor.cards.last)).to_be_visible()
    expect(visitor.cards.last.locator(".doubt")).to_have_count(2)
    assert bot.written == [question]
    overflow = "document.documentElement.scrollWidth - innerWidth"
    assert visitor.page.evaluate(overflow) <= 0


@some_looks
def test_stopping_the_model_keeps_the_answer(bot: WritingBot, visit: Visit, look: Look) -> None:
    first, *_, last = bot.said[ASKED]
    bot.said = {ASKED: [first, 1.0, last], SECOND: [0.3, *bot.said[SECOND]]}
    visitor = visit(bot, pages=Options(writer=written_by()), **look.context)
    card = visitor.ask(ASKED)
    expect(card.locator(".said")).to_have_count(1)
    stop = card.get_by_role("button", name=WRITTEN_TEXTS[look.texts.language].stop)
    if look.is_phone:
        stop.click()
    else:
        visitor.page.keyboard.press("Escape")
    expect(card.locator(".written")).to_be_hidden()
    expect(card.locator(".own .sentence").first).to_be_visible()
    until(lambda: bot.closed == 1)
    whole(visitor.ask(SECOND))
    expect(visitor.cards.first.locator(".said")).to_have_count(0)
    visitor.reload()
    expect(visitor.cards).to_have_count(2)
    expect(visitor.cards.first.locator(".written")).to_be_hidden()
    whole(visitor.cards.last)


def test_the_next_question_is_answered_while_the_model_writes(
    bot: WritingBot, visit: Visit
) -> None:
    bot.said = {ASKED: [1.5, *bot.said[ASKED]], SECOND: bot.said[SECOND]}
    visitor = visit(bot, pages=Options(writer=written_by()))
    first = visitor.ask(ASKED)
    expect(first.locator(".busy")).to_be_visible()
    visitor.ask(SECOND)
    whole(visitor.cards.nth(1))
    expect(visitor.cards.first.locator(".busy")).to_be_visible()
    whole(visitor.cards.first)
    visitor.reload()
    whole(visitor.cards.first)
    whole(visitor.cards.nth(1))


def test_asking_again_ends_the_writing(bot: WritingBot, visit: Visit) -> None:
    bot.said = {ASKED: [1.0, *bot.said[ASKED]]}
    visitor = visit(bot, pages=Options(writer=written_by()))
    card = visitor.ask(ASKED)
    expect(card.locator(".busy")).to_be_visible()
    card.get_by_role("button", name="重问").click()
    expect(visitor.page.locator("#turn-1 .busy")).to_be_visible()
    until(lambda: bot.closed == 1)
    whole(visitor.cards.last)
    assert (len(bot.written), bot.closed) == (2, 1)


def test_what_is_written_in_one_conversation_does_not_come_into_another(
    bot: WritingBot, visit: Visit
) -> None:
    bot.said = {ASKED: [1.0, *bot.said[ASKED]], SECOND: [2.5, *bot.said[SECOND]]}
    visitor = visit(bot, pages=Options(writer=written_by()))
    expect(visitor.ask(ASKED).locator(".busy")).to_be_visible()
    visitor.page.get_by_role("button", name="新对话", exact=True).click()
    expect(visitor.cards).to_have_count(0)
    card = visitor.ask(SECOND)
    until(lambda: bot.closed == 1)
    expect(card.locator(".busy")).to_be_visible()
    expect(card.locator(".said")).to_have_count(0)
    whole(card)
    expect(card.locator(".said")).to_have_text(["经费为2400万元。1"])


def test_words_that_are_being_read_are_not_taken_away(bot: WritingBot, visit: Visit) -> None:
    bot.said = {ASKED: [0.8, *bot.said[ASKED]]}
    visitor = visit(bot, pages=Options(writer=written_by()))
    card = visitor.ask(ASKED)
    card.locator(".own .cite").focus()
    whole_switch = card.get_by_role("button", name="成文")
    expect(whole_switch).to_be_visible(timeout=PATIENCE)
    expect(card.locator(".own .cite")).to_be_focused()
    expect(prose(card)).to_be_hidden()
    whole_switch.click()
    expect(prose(card)).to_be_visible()


def test_a_server_that_is_lost_while_the_model_writes_leaves_the_answer(
    bot: WritingBot, visit: Visit
) -> None:
    bot.said = {ASKED: []}  # a fault: no whole comes
    visitor = visit(bot, pages=Options(writer=written_by()))
    card = visitor.ask(ASKED)
    expect(card.locator(".unwritten")).not_to_be_empty()
    expect(card.locator(".busy")).to_have_count(0)
    expect(card.locator(".own .sentence").first).to_be_visible()


def test_a_written_answer_is_judged_copied_and_exported(
    bot: WritingBot, visit: Visit, tmp_path: Path
) -> None:
    (tmp_path / "CURRENT").touch()  # now it counts as an index
    options = Options(writer=written_by(), index=tmp_path)
    visitor = visit(bot, pages=options, permissions=["clipboard-read", "clipboard-write"])
    card = visitor.ask(ASKED)
    whole(card)
    card.locator(".thumb").first.click()
    expect(card.locator(".thumb").first).to_have_attribute("aria-pressed", "true")
    expect(card.locator(".thanks")).not_to_be_empty()
    card.get_by_role("button", name="复制并附出处").click()
    expect(card.get_by_role("button", name="已复制")).to_be_visible()
    copied = str(visitor.page.evaluate("navigator.clipboard.readText()"))
    assert copied.startswith("天桥区的企业有100余家。[1]经费是3600万元。[2]（未核实：")
    name, markdown = exported(visitor, "导出 Markdown")
    assert name.endswith(".md")
    assert "天桥区的企业有100余家。" in markdown
    assert "qwen2" in markdown
    assert "未核实：" in markdown
    _, page = exported(visitor, "导出 HTML")
    assert '<span class="doubted">经费是3600万元。</span>' in page


@some_looks
def test_a_language_switch_keeps_both_texts(bot: WritingBot, visit: Visit, look: Look) -> None:
    visitor = visit(bot, pages=Options(writer=written_by()), **look.context)
    whole(visitor.ask(ASKED))
    visitor.page.get_by_role("button", name=look.texts.other_language).click()
    card = visitor.cards.last
    whole(card)
    expect(card.locator(".said")).to_have_count(3)


def test_a_failure_is_told_in_the_questions_language(bot: WritingBot, visit: Visit) -> None:
    failed = Written(answer_of(bot, ENGLISH), "m", failure=Failure.TIMEOUT)
    bot.said = {ENGLISH: [failed]}
    card = visit(bot, pages=Options(writer=written_by())).ask(ENGLISH)
    expect(card.locator(".unwritten")).to_contain_text("The language model")
