"""What the page does, over a bot whose every word is known."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from embeddings.errors import IndexMissingError
from qa.conversation import Turn
from qa.page.chat import running
from qa.page.source_panel import SHOWN_AROUND
from qa.records import Reason
from tests.browser.conftest import PHONE, Visit
from tests.browser.looks import Look, some_looks
from tests.browser.scripted import (
    ScriptedBot,
    answer,
    cite,
    completed,
    document,
    hit,
    refusal,
)
from tests.browser.test_frame import findings
from tests.browser.visitor import Visitor
from tests.patience import until

pytestmark = pytest.mark.browser

SEED = Path(__file__).parents[2] / "seeds" / "000_183aa9966193ac5e.txt"
TITLE = "激活新业态发展的“党建动能”"
FIRST = "伴随着网络直播带货的兴"
SECOND = (
    "盛,位于天桥区的山东黄台国际电商产业园、山东凤凰山电商产业园、齐鲁云商等传统电商园区向新型电商"
    "稳步转型,逐渐成为拥有直播电商企业100余家、从业人员近千人的网红聚集区。"
)
TALENT = "今年以来,天桥区已落实人才支持经费2400余万元。"
HOW_MANY = "天桥区有多少家直播电商企业？"


@pytest.fixture
def bot() -> ScriptedBot:
    seed = document(SEED.name, SEED.read_bytes().decode(), TITLE)
    broken = answer(HOW_MANY, cite(seed, FIRST), cite(seed, SECOND), marked="100余家")
    two = answer("两件事？", cite(seed, TALENT), cite(seed, SECOND, number=2))
    nearest = [hit(seed, TALENT), hit(seed, SECOND)]
    people = answer("", cite(seed, SECOND), marked="近千人", nearest=nearest)
    return ScriptedBot(
        {seed.id: seed},
        {
            HOW_MANY: broken,
            "两件事？": two,
            "那从业人员呢？": completed(people, "天桥区直播电商企业的从业人员有多少？"),
            "你好": refusal("你好", reason=Reason.SMALL_TALK),
            "坏了吗": IndexMissingError("No index at 'index'; make one: wenju build"),
            "炸": ZeroDivisionError("a fault of the program"),
        },
        hits=nearest,
    )


@some_looks
def test_asked_read_in_the_original_copied_and_asked_on(
    bot: ScriptedBot, visit: Visit, look: Look
) -> None:
    visitor = visit(bot, **look.context, permissions=["clipboard-read", "clipboard-write"])
    words, card = look.texts, visitor.ask("两件事？")
    expect(card.locator(".cite")).to_have_text(["1", "2"])
    card.locator(".cite", has_text="1").click()
    expect(visitor.marks).to_have_text([TALENT])
    visitor.see_first_mark()
    visitor.panel.get_by_role("button", name=words.next).click()
    expect(visitor.marks).to_have_text([SECOND])
    visitor.see_first_mark()
    visitor.panel.get_by_role("button", name=words.copy_source).click()
    copied = visitor.panel.get_by_role("button", name=words.copied)
    expect(copied).to_be_visible()
    assert str(visitor.page.evaluate("navigator.clipboard.readText()")).startswith(SECOND)
    if look.is_phone:
        visitor.panel.get_by_role("button", name=words.close).click()
        expect(visitor.panel).to_be_hidden()
    visitor.ask("那从业人员呢？")
    follow_up = visitor.cards.nth(1)
    expect(follow_up.locator(".answering")).to_have_text("近千人")
    expect(follow_up.locator(".understood")).to_contain_text(words.understood.strip())
    refused = visitor.ask("泉通APP花了多少钱？")
    expect(refused.get_by_role("heading")).to_have_text("文档里没有答案")
    refused.locator(".passage").first.click()
    expect(visitor.marks).to_have_text([TALENT])
    assert findings(visitor.page) == []
    if look.is_phone:
        visitor.panel.get_by_role("button", name=words.close).click()
    follow_up.get_by_role("button", name=words.edit, exact=True).click()
    expect(visitor.box).to_have_value("天桥区直播电商企业的从业人员有多少？")
    assert visitor.errors == []


def test_a_broken_sentence_is_highlighted_in_all_its_pieces(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot)
    card = visitor.ask(HOW_MANY)
    expect(card.locator(".sentence")).to_have_text(f"{FIRST}{SECOND}1")
    expect(card.locator(".answering")).to_have_text("100余家")
    expect(card.locator(".cite")).to_have_count(1)
    assert visitor.marked() == [FIRST, SECOND]
    visitor.see_first_mark()
    assert visitor.original_text() == SEED.read_bytes().decode()
    expect(visitor.panel.locator("header")).to_contain_text("字符 875–886、1136–1220")


def test_a_click_shows_another_citation_and_the_footer_steps_through_them(
    bot: ScriptedBot, visit: Visit
) -> None:
    visitor = visit(bot)
    card = visitor.ask("两件事？")
    back = visitor.panel.get_by_role("button", name="上一处")
    on = visitor.panel.get_by_role("button", name="下一处")
    expect(visitor.marks).to_have_text([TALENT])
    expect(back).to_be_disabled()
    card.locator(".cite", has_text="2").click()
    expect(visitor.marks).to_have_text([SECOND])
    visitor.see_first_mark()
    expect(visitor.panel.locator(".position")).to_have_text("2 / 2")
    expect(card.locator(".cite[data-current]")).to_have_text("2")
    expect(on).to_be_disabled()
    back.click()
    expect(visitor.marks).to_have_text([TALENT])
    visitor.see_first_mark()


def test_an_older_answers_citation_opens_again(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot)
    older = visitor.ask(HOW_MANY)
    older_card = visitor.cards.first
    visitor.ask("两件事？")
    expect(visitor.marks).to_have_text([TALENT])
    older_card.locator(".cite").click()
    expect(visitor.marks).to_have_text([FIRST, SECOND])
    assert older.count() == 1


def test_copy_gives_the_words_with_their_place(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot, permissions=["clipboard-read", "clipboard-write"])
    card = visitor.ask(HOW_MANY)
    wanted = f"{FIRST}{SECOND}\n——《{TITLE}》，{SEED.name}，字符 875–886、1136–1220"
    card.get_by_role("button", name="复制并附出处").click()
    expect(card.get_by_role("button", name="已复制")).to_be_visible()
    assert visitor.page.evaluate("navigator.clipboard.readText()") == wanted
    expect(card.get_by_role("button", name="复制并附出处")).to_be_visible()
    visitor.page.evaluate("navigator.clipboard.writeText('')")
    visitor.panel.get_by_role("button", name="复制出处").click()
    expect(visitor.panel.get_by_role("button", name="已复制")).to_be_visible()
    assert visitor.page.evaluate("navigator.clipboard.readText()") == wanted


def test_a_follow_up_shows_how_it_was_understood_and_can_be_mended(
    bot: ScriptedBot, visit: Visit
) -> None:
    visitor = visit(bot)
    visitor.ask(HOW_MANY)
    card = visitor.ask("那从业人员呢？")
    expect(card.locator(".understood")).to_contain_text(
        "按此理解：天桥区直播电商企业的从业人员有多少？"
    )
    assert bot.asked[-1] == ("那从业人员呢？", [Turn(HOW_MANY, FIRST + SECOND)])
    card.get_by_role("button", name="改").click()
    expect(visitor.box).to_have_value("天桥区直播电商企业的从业人员有多少？")
    expect(visitor.box).to_be_focused()


@pytest.mark.parametrize(
    ("question", "heading"),
    [
        ("泉通APP花了多少钱？", "文档里没有答案"),
        ("泉通APP花了多少錢？", "文件裡沒有答案"),
        ("What did the app cost?", "Not in the documents"),
    ],
)
def test_a_refusal_speaks_the_questions_language(
    bot: ScriptedBot, visit: Visit, question: str, heading: str
) -> None:
    card = visit(bot).ask(question)
    expect(card.get_by_role("heading")).to_have_text(heading)
    expect(card.locator(".passage")).to_have_count(2)


def test_a_refusal_does_not_look_like_an_answer(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot)
    edge = "card => getComputedStyle(card).borderLeftColor"
    answered = visitor.ask(HOW_MANY).evaluate(edge)
    assert visitor.ask("泉通APP花了多少钱？").evaluate(edge) != answered
    visitor.cards.last.locator(".passage").nth(1).click()
    expect(visitor.marks).to_have_text([SECOND])


def test_related_passages_open_below_an_answer(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot)
    for _ in range(3):
        visitor.ask(HOW_MANY)
    card = visitor.ask("那从业人员呢？")
    expect(card.locator(".passage").first).to_be_hidden()
    card.get_by_text("相关段落").click()
    expect(card.locator(".passage")).to_have_count(2)
    below = "passage => passage.getBoundingClientRect().bottom"
    box_top = visitor.page.locator("#dock").evaluate("dock => dock.getBoundingClientRect().top")
    expect(card.locator(".passage").last).to_be_in_viewport()
    assert card.locator(".passage").last.evaluate(below) <= box_top
    card.locator(".passage").first.click()
    expect(visitor.marks).to_have_text([TALENT])


def test_small_talk_is_friendly(bot: ScriptedBot, visit: Visit) -> None:
    card = visit(bot).ask("你好")
    expect(card).to_have_class(re.compile(r"\bgreeting\b"))
    expect(card).to_contain_text("你好！")
    expect(card.locator(".passage")).to_have_count(0)


def test_an_error_is_its_sentence_and_the_page_goes_on(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot)
    card = visitor.ask("坏了吗")
    expect(card).to_have_text("No index at 'index'; make one: wenju build")
    expect(visitor.ask(HOW_MANY)).to_contain_text("100余家")


def test_a_question_that_is_too_long_is_told_so(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot)
    card = visitor.ask("长" * 2_001)
    expect(card).to_have_text("问题有 2,001 个字符，最多 2,000 个。请缩短后再问。")
    expect(card).to_be_in_viewport()
    expect(visitor.box).to_have_value("长" * 2_001)
    assert not [question for question, _ in bot.asked if question.startswith("长")]


def test_a_fault_of_the_program_gives_the_question_back(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot)
    card = visitor.ask("炸")
    expect(card).to_contain_text("程序出错")
    expect(visitor.box).to_have_value("炸")
    expect(visitor.ask(HOW_MANY)).to_contain_text("100余家")


def test_a_question_survives_a_restart_of_the_server(bot: ScriptedBot, chromium: Browser) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with chromium.new_context(locale="zh-CN") as context:
        visitor = Visitor(context, f"http://127.0.0.1:{port}")
        with running(bot, port=port):
            visitor.arrive()
            visitor.ask(HOW_MANY)
        visitor.box.fill("两件事？")
        visitor.box.press("Enter")
        expect(visitor.page.get_by_text("与服务器的连接断了")).to_be_visible()
        expect(visitor.box).to_have_value("两件事？")
        expect(visitor.cards).to_have_count(1)
        with running(bot, port=port):
            expect(visitor.page.get_by_text("与服务器的连接断了")).to_be_hidden(timeout=30_000)
            visitor.box.press("Enter")
            expect(visitor.cards.last).to_contain_text(TALENT)
            assert bot.asked[-1] == ("两件事？", [Turn(HOW_MANY, FIRST + SECOND)])
            visitor.cards.first.locator(".cite").click()
            expect(visitor.marks).to_have_text([FIRST, SECOND])
        assert visitor.foreign == []


def test_an_empty_question_is_not_sent(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot)
    visitor.box.fill(" \n ")
    visitor.box.press("Enter")
    visitor.page.get_by_role("button", name="提问", exact=True).click()
    expect(visitor.ask(HOW_MANY)).to_be_visible()
    assert not [question for question, _ in bot.asked if not question.strip()]


WATCH_DOTS = """() => {
    const seen = window.seen = [];
    let begun = null;
    const look = (now) => {
        const dots = document.querySelector(".dots");
        if (dots) {
            begun ??= now;
            seen.push([now - begun, Number(getComputedStyle(dots).opacity)]);
        }
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""


def test_dots_appear_only_when_an_answer_takes_long(bot: ScriptedBot, visit: Visit) -> None:
    bot.seconds = 1.0
    visitor = visit(bot)
    visitor.page.evaluate(WATCH_DOTS)
    visitor.box.fill(HOW_MANY)
    visitor.box.press("Enter")
    expect(visitor.page.locator(".question")).to_have_text(HOW_MANY)
    expect(visitor.cards).to_have_count(1)
    expect(visitor.page.locator(".dots")).to_have_count(0)
    seen = visitor.page.evaluate("window.seen")
    assert {opacity for after, opacity in seen if after < 250} == {0}
    assert seen[-1][1] == 1


def test_an_answer_is_on_screen_in_a_blink(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot)
    visitor.ask(HOW_MANY)
    begun = time.perf_counter()
    visitor.ask("两件事？")
    assert time.perf_counter() - begun < 1.0


def test_one_question_at_a_time_and_none_is_lost(bot: ScriptedBot, visit: Visit) -> None:
    bot.seconds = 2.0
    visitor = visit(bot)
    visitor.box.fill(HOW_MANY)
    visitor.box.press("Enter")
    visitor.box.fill("两件事？")
    visitor.box.press("Enter")
    expect(visitor.cards).to_have_count(1)
    expect(visitor.box).to_have_value("两件事？")
    visitor.box.press("Enter")
    expect(visitor.cards).to_have_count(2)


def test_a_question_sent_as_the_answer_appears_is_asked(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot)
    visitor.page.evaluate(
        """next => new MutationObserver((_, observer) => {
            if (!document.querySelector("#conversation .card:not(.dots)")) return;
            observer.disconnect();
            const box = document.querySelector("#question");
            box.value = next;
            box.dispatchEvent(new Event("input", { bubbles: true }));
            const enter = { key: "Enter", bubbles: true, cancelable: true };
            box.dispatchEvent(new KeyboardEvent("keydown", enter));
        }).observe(document.body, { childList: true, subtree: true })""",
        "两件事？",
    )
    visitor.box.fill(HOW_MANY)
    visitor.box.press("Enter")
    expect(visitor.cards).to_have_count(2)
    expect(visitor.box).to_have_value("")
    assert [question for question, _ in bot.asked][-2:] == [HOW_MANY, "两件事？"]


def test_clear_forgets_the_conversation(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot)
    clear = visitor.page.get_by_role("button", name="清空对话")
    expect(clear).to_be_hidden()
    visitor.ask(HOW_MANY)
    clear.click()
    expect(visitor.cards).to_have_count(0)
    expect(visitor.page.get_by_role("heading", name="就你的文档提问")).to_be_visible()
    expect(visitor.panel).to_have_class(re.compile(r"\bempty\b"))
    visitor.ask("两件事？")
    assert bot.asked[-1] == ("两件事？", [])


def test_the_language_switches_everything_and_is_remembered(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot)
    page = visitor.page
    expect(page.locator(".pill.size")).to_have_text("1 份文档 · 126 段 · 本机运行")
    visitor.ask(HOW_MANY)
    page.get_by_role("button", name="Switch to English").click()
    expect(page.locator(".pill.size")).to_have_text("1 document · 126 passages · on this machine")
    expect(visitor.cards.last.get_by_role("button", name="Copy with source")).to_be_visible()
    expect(visitor.panel.locator("header")).to_contain_text("characters 875–886, 1136–1220")
    expect(visitor.box).to_have_attribute("placeholder", "Ask your documents…")
    assert visitor.marked() == [FIRST, SECOND]
    expect(page.locator("html")).to_have_attribute("lang", "en")
    visitor.reload()
    expect(visitor.box).to_have_attribute("placeholder", "Ask your documents…")
    page.get_by_role("button", name="New").click()
    expect(page.get_by_role("heading", name="Ask your documents")).to_be_visible()
    page.get_by_role("button", name="切换到中文").click()
    expect(page.get_by_role("heading", name="就你的文档提问")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_a_question_on_its_way_survives_a_switch_of_the_language(
    bot: ScriptedBot, visit: Visit
) -> None:
    visitor = visit(bot)
    for count, question in enumerate([HOW_MANY, "两件事？"], start=1):
        before = len(bot.asked)
        bot.seconds = 1.5
        visitor.box.fill(question)
        visitor.box.press("Enter")
        until(lambda before=before: len(bot.asked) > before)  # type: ignore[misc]
        visitor.page.locator(".switch").click()
        expect(visitor.box).to_have_value(question)
        expect(visitor.cards).to_have_count(count)
        expect(visitor.box).to_have_value("")
        expect(visitor.page.locator(".waiting")).to_have_count(0)
    visitor.reload()
    expect(visitor.cards).to_have_count(2)


def test_who_asks_before_the_conversation_is_drawn_again_asks_behind_it(
    bot: ScriptedBot, visit: Visit
) -> None:
    visitor = visit(bot)
    visitor.ask(HOW_MANY)
    held: list[Route] = []
    visitor.page.route("**/wenju/act/ask/render", lambda route: held.append(route))
    with visitor.page.expect_request("**/wenju/act/ask/render"):
        visitor.reload()
    visitor.box.fill("两件事？")
    visitor.box.press("Enter")
    expect(visitor.box).to_have_value("")
    held[0].continue_()
    expect(visitor.cards).to_have_count(2)
    expect(visitor.page.locator(".waiting")).to_have_count(0)
    questions = visitor.page.locator("#conversation .question")
    expect(questions).to_have_text([HOW_MANY, "两件事？"])
    numbers = visitor.page.locator("#conversation .turn").evaluate_all(
        "all => all.map(turn => turn.dataset.number)"
    )
    assert numbers == ["0", "1"]
    visitor.page.unroute_all()
    visitor.reload()
    expect(questions).to_have_text([HOW_MANY, "两件事？"])


def test_the_page_follows_the_browsers_language(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot, locale="en-GB")
    expect(visitor.page.get_by_role("heading", name="Ask your documents")).to_be_visible()


def test_keys(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot, PHONE)
    keyboard = visitor.page.keyboard
    visitor.page.evaluate("document.activeElement.blur()")
    keyboard.press("/")
    expect(visitor.box).to_be_focused()
    keyboard.type("第一行")
    keyboard.press("Shift+Enter")
    keyboard.type("a/b")
    expect(visitor.box).to_have_value("第一行\na/b")
    visitor.box.evaluate(
        """box => box.dispatchEvent(new KeyboardEvent(
            "keydown", {key: "Enter", isComposing: true, bubbles: true, cancelable: true}))"""
    )
    expect(visitor.box).to_have_value("第一行\na/b")
    visitor.ask(HOW_MANY).locator(".cite").click()
    expect(visitor.panel).to_be_in_viewport()
    expect(visitor.panel.get_by_role("heading")).to_be_focused()
    keyboard.press("Escape")
    expect(visitor.panel).to_be_hidden()
    expect(visitor.cards.last.locator(".cite")).to_be_focused()
    keyboard.press("Enter")
    expect(visitor.panel).to_be_in_viewport()


def test_dark_follows_the_system(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot, color_scheme="dark")
    ground = "getComputedStyle(document.querySelector('.gradio-container')).backgroundColor"
    assert visitor.page.evaluate(ground) == "rgb(16, 20, 22)"
    visitor.page.emulate_media(color_scheme="light")
    assert visitor.page.evaluate(ground) == "rgb(246, 247, 245)"


HOSTILE = (
    "<script>document.title = 'owned'</script>\r\n"
    "<img src=x onerror=\"document.title='owned'\"> & &amp; &lt;b&gt;\n\n\n\n\n"
    "# 标题 **粗** [链](javascript:alert(1)) $x^2$ \\(y\\) ${document.title='owned'} {{title}}\n"
    "它'\"`说：结束。\n"
)
HOSTILE_NAME = "a\"b'<i>&amp;${1}.txt"


def test_documents_questions_and_names_are_shown_as_text(visit: Visit) -> None:
    original = document(HOSTILE_NAME, HOSTILE, title="<b onclick=alert(1)>题</b>")
    question = "<img src=x onerror=\"document.title='owned'\"> ${1} {{x}}？"
    said = answer(question, cite(original, HOSTILE.strip()), marked="<script>")
    bot = ScriptedBot({original.id: original}, {question: said}, hits=[hit(original, "它'\"`说")])
    visitor = visit(bot)
    card = visitor.ask(question)

    assert visitor.original_text() == HOSTILE
    assert visitor.marked() == [HOSTILE.strip()]
    assert card.locator(".sentence").text_content() == HOSTILE.strip() + "1"
    assert visitor.page.locator(".question").text_content() == question
    assert card.locator(".sources b").text_content() == "<b onclick=alert(1)>题</b>"
    expect(visitor.panel.locator("header p")).to_contain_text(HOSTILE_NAME)
    made = visitor.page.locator("#header, #talk, #panel").locator("script, img, i:not(.dots i)")
    expect(made).to_have_count(0)
    assert visitor.page.title() == "问据 Wenju"
    refused = visitor.ask("<b>?</b>")
    assert refused.locator(".excerpt").text_content() == "它'\"`说"


def test_of_a_long_document_a_window_is_shown(visit: Visit) -> None:
    text = "".join(f"第{line}行。\n" for line in range(120_000))
    original = document("长.txt", text)
    bot = ScriptedBot({original.id: original}, {"问": answer("问", cite(original, "第60000行。"))})
    visitor = visit(bot)
    visitor.ask("问")
    start = text.index("第60000行。")
    end = start + len("第60000行。")
    assert visitor.marked() == ["第60000行。"]
    visitor.see_first_mark()
    assert visitor.original_text() == text[start - SHOWN_AROUND : end + SHOWN_AROUND]
    left_out = [start - SHOWN_AROUND, len(text) - end - SHOWN_AROUND]
    expect(visitor.panel.locator(".omitted")).to_have_text(
        [f"此处略去 {count:,} 个字符" for count in left_out]
    )
