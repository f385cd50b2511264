"""Conversations: kept, renamed, deleted, exported, taken up again; asking again, editing, stopping."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Download, expect

from qa.conversation import Turn
from qa.page.chat import running
from qa.records import OriginalDocument
from tests.browser.conftest import Visit
from tests.browser.looks import Look, some_looks
from tests.browser.scripted import ScriptedBot, answer, cite, completed, document, hit
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser

TEXT = "天桥区有企业100余家。<b>近千人</b>在此工作。经费2400万元。\n"
ASKED, SECOND, THIRD = "有多少家企业？", "有多少人？", "经费多少？"


@pytest.fixture
def bot() -> ScriptedBot:
    original = document("报.txt", TEXT, "题")
    people = cite(original, "<b>近千人</b>在此工作。")
    return ScriptedBot(
        {original.id: original},
        {
            ASKED: answer(ASKED, cite(original, "天桥区有企业100余家。"), marked="100余家"),
            SECOND: completed(answer("", people), "天桥区有多少人？"),
            "天桥区有几人？": answer("天桥区有几人？", people),
            THIRD: answer(THIRD, cite(original, "经费2400万元。")),
        },
        hits=[hit(original, "经费2400万元。")],
    )


def names(visitor: Visitor) -> list[str]:
    """Return the names in the list of conversations."""
    return visitor.page.locator("#talk-list .name").all_text_contents()


def questions(visitor: Visitor) -> list[str]:
    return visitor.page.locator(".turn:visible .question").all_text_contents()


@some_looks
def test_conversations_are_kept_renamed_and_deleted(
    bot: ScriptedBot, visit: Visit, look: Look
) -> None:
    visitor = visit(bot, **look.context)
    page, texts = visitor.page, look.texts
    menu = page.locator("#talk-name")
    expect(menu).to_be_hidden()
    visitor.ask(ASKED)
    page.get_by_role("button", name=texts.new_talk, exact=True).click()
    expect(visitor.cards).to_have_count(0)
    visitor.ask(THIRD)
    assert bot.asked[-1] == (THIRD, [])
    menu.click()
    assert names(visitor) == [THIRD, ASKED]
    row = page.locator("#talk-list li").last
    row.get_by_role("button", name=texts.rename).click()
    page.keyboard.type("企业 <i>数</i>")
    page.keyboard.press("Enter")
    expect(row.locator(".name")).to_have_text("企业 <i>数</i>")
    row.locator(".name").click()
    expect(page.locator(".question")).to_have_text([ASKED])
    visitor.reload()
    expect(page.locator(".question")).to_have_text([ASKED])
    expect(visitor.cards.first).to_contain_text("100余家")
    menu.click()
    assert names(visitor) == [THIRD, "企业 <i>数</i>"]
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("#talk-list li").last.get_by_role("button", name=texts.delete).click()
    expect(page.get_by_role("heading", name=texts.welcome)).to_be_visible()
    menu.click()
    assert names(visitor) == [THIRD]


def test_escape_leaves_a_name_and_closes_the_menu(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot)
    visitor.ask(ASKED)
    visitor.page.locator("#talk-name").click()
    visitor.page.get_by_role("button", name="改名").click()
    visitor.page.keyboard.type("别的")
    visitor.page.keyboard.press("Escape")
    assert names(visitor) == [ASKED]
    visitor.page.keyboard.press("Escape")
    expect(visitor.page.locator("#talk-list")).to_be_hidden()
    visitor.page.locator("#talk-name").click()
    visitor.page.locator(".question").first.click()
    expect(visitor.page.locator("#talk-list")).to_be_hidden()


@some_looks
def test_a_conversation_survives_the_server_and_is_gone_on_with(
    bot: ScriptedBot, chromium: Browser, look: Look
) -> None:
    options = look.context
    size = options.pop("size")
    with chromium.new_context(viewport=size, **options) as context:
        with running(bot) as address:
            port = int(address.rpartition(":")[2])
            visitor = Visitor(context, address)
            visitor.arrive()
            visitor.ask(ASKED)
            visitor.box.fill("还没问完")
        visitor.look_around()
        expect(visitor.page.get_by_text(look.texts.lost)).to_be_visible(timeout=40_000)
        with running(bot, port=port):
            expect(visitor.page.get_by_text(look.texts.lost)).to_be_hidden(timeout=40_000)
            expect(visitor.box).to_have_value("还没问完")
            visitor.ask(SECOND)
            assert bot.asked[-1] == (SECOND, [Turn(ASKED, "天桥区有企业100余家。")])
            visitor.reload()
            expect(visitor.cards).to_have_count(2)
            visitor.cards.first.locator(".cite").click()
            expect(visitor.marks).to_have_text(["天桥区有企业100余家。"])
        assert visitor.foreign == []


@some_looks
def test_a_question_is_asked_again_in_its_place(bot: ScriptedBot, visit: Visit, look: Look) -> None:
    visitor = visit(bot, **look.context)
    visitor.ask(ASKED)
    visitor.ask(THIRD)
    retry = visitor.cards.last.get_by_role("button", name=look.texts.retry)
    retry.click()
    expect(visitor.page.locator("#turn-2")).to_be_visible()
    expect(visitor.page.locator("#turn-2 .cite")).to_be_visible()
    expect(visitor.page.locator("#turn-1")).to_have_count(0)
    assert questions(visitor) == [ASKED, THIRD]
    assert bot.asked[-1] == (THIRD, [Turn(ASKED, "天桥区有企业100余家。")])
    visitor.reload()
    expect(visitor.cards).to_have_count(2)


@some_looks
def test_a_question_is_edited_and_what_came_behind_it_goes(
    bot: ScriptedBot, visit: Visit, look: Look
) -> None:
    visitor = visit(bot, **look.context)
    visitor.ask(ASKED)
    visitor.ask(SECOND)
    visitor.ask(THIRD)
    pencil = visitor.page.get_by_role("button", name=look.texts.edit_question).nth(1)
    if not look.is_phone:
        visitor.page.locator(".question").nth(1).hover()
    pencil.click()
    expect(visitor.box).to_have_value(SECOND)
    expect(visitor.page.get_by_text(look.texts.editing)).to_be_visible()
    visitor.page.get_by_role("button", name=look.texts.stop_editing).click()
    expect(visitor.page.get_by_text(look.texts.editing)).to_be_hidden()
    expect(visitor.box).to_have_value("")
    visitor.cards.nth(1).locator(".understood .link").click()
    expect(visitor.box).to_have_value("天桥区有多少人？")
    visitor.box.fill("天桥区有几人？")
    visitor.box.press("Enter")
    expect(visitor.cards).to_have_count(2)
    assert questions(visitor) == [ASKED, "天桥区有几人？"]
    assert bot.asked[-1] == ("天桥区有几人？", [Turn(ASKED, "天桥区有企业100余家。")])
    visitor.reload()
    expect(visitor.cards).to_have_count(2)
    assert questions(visitor) == [ASKED, "天桥区有几人？"]


def test_who_leaves_a_question_for_another_conversation_sees_that_one(
    bot: ScriptedBot, visit: Visit
) -> None:
    visitor = visit(bot)
    visitor.ask(ASKED)
    visitor.page.get_by_role("button", name="新对话").click()
    expect(visitor.cards).to_have_count(0)
    bot.seconds = 2.0
    visitor.box.fill(THIRD)
    visitor.box.press("Enter")
    expect(visitor.page.locator(".dots")).to_have_count(1)
    asked_for: list[int] = []
    visitor.page.on(
        "requestfinished",
        lambda request: asked_for.append(1) if request.url.endswith("/render") else None,
    )
    visitor.page.locator("#talk-name").click()
    visitor.page.locator("#talk-list [data-act=talk]").first.click()
    expect(visitor.box).to_have_value(THIRD)
    visitor.page.wait_for_timeout(300)
    assert asked_for
    expect(visitor.conversation).not_to_have_attribute("aria-busy", "true")
    assert questions(visitor) == [ASKED]


@some_looks
def test_stopping_gives_the_question_back_and_changes_nothing(
    bot: ScriptedBot, visit: Visit, look: Look
) -> None:
    visitor = visit(bot, **look.context)
    visitor.ask(ASKED)
    bot.seconds = 2.0
    visitor.cards.last.get_by_role("button", name=look.texts.retry).click()
    visitor.page.get_by_role("button", name=look.texts.stop, exact=True).click()
    expect(visitor.box).to_have_value(ASKED)
    expect(visitor.page.locator(".dots")).to_have_count(0)
    assert questions(visitor) == [ASKED]
    visitor.page.get_by_role("button", name=look.texts.stop_editing).click()
    visitor.box.fill(THIRD)
    visitor.box.press("Enter")
    expect(visitor.page.locator(".dots")).to_have_count(1)
    visitor.page.keyboard.press("Escape")
    expect(visitor.box).to_have_value(THIRD)
    assert questions(visitor) == [ASKED]
    bot.seconds = 0.0
    visitor.box.press("Enter")
    expect(visitor.cards).to_have_count(2)
    visitor.reload()
    expect(visitor.cards).to_have_count(2)


def test_an_answer_that_stands_there_is_not_stopped_any_more(
    bot: ScriptedBot, visit: Visit
) -> None:
    class Slow(ScriptedBot):
        def document(self, document_id: str, /) -> OriginalDocument:
            time.sleep(1.5)  # so that the original comes long after the answer
            return super().document(document_id)

    visitor = visit(Slow(bot.documents, bot.script))
    visitor.ask(ASKED)
    visitor.page.keyboard.press("Escape")
    expect(visitor.page.locator(".waiting")).to_have_count(0)
    expect(visitor.cards).to_have_count(1)
    expect(visitor.box).to_have_value("")
    visitor.reload()
    expect(visitor.cards).to_have_count(1)


def exported(visitor: Visitor, name: str) -> tuple[str, str]:
    visitor.page.locator("#talk-name").click()
    with visitor.page.expect_download() as found:
        visitor.page.get_by_role("button", name=name).click()
    download: Download = found.value
    visitor.page.keyboard.press("Escape")
    return download.suggested_filename, Path(download.path()).read_text(encoding="utf-8")


@some_looks
def test_a_conversation_is_exported_with_its_citations(
    bot: ScriptedBot, visit: Visit, look: Look
) -> None:
    visitor = visit(bot, **look.context)
    visitor.ask(ASKED)
    visitor.ask(SECOND)
    visitor.ask("火星？")
    name, markdown = exported(visitor, look.texts.export_markdown)
    assert name == f"{ASKED.rstrip('？')}？.md"
    assert "## 有多少人？" in markdown
    assert r"\<b\>近千人\</b\>在此工作。 \[1\]" in markdown
    assert r"报\.txt" in markdown
    assert "文档里没有答案" in markdown
    name, page = exported(visitor, look.texts.export_html)
    assert name.endswith(".html")
    assert "<blockquote>&lt;b&gt;近千人&lt;/b&gt;在此工作。</blockquote>" in page


def test_a_conversation_from_another_browser_is_shown_as_it_is_and_marked(
    bot: ScriptedBot, visit: Visit
) -> None:
    visitor = visit(bot)
    visitor.ask(ASKED)
    visitor.page.evaluate(
        """() => {
            const key = Object.keys(localStorage).find((one) => one.startsWith("wenju-talk-"));
            const records = JSON.parse(localStorage[key]);
            records[0].answer.sentences[0].text = "天桥区有企业900余家。<img src=x>";
            records.push({ number: "x" }, null);
            localStorage[key] = JSON.stringify(records);
        }"""
    )
    visitor.reload()
    expect(visitor.cards).to_have_count(1)
    expect(visitor.cards.first.locator(".changed")).to_be_visible()
    expect(visitor.cards.first.locator("img")).to_have_count(0)


def test_a_browser_without_room_says_so_and_goes_on(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot)
    visitor.page.evaluate(
        "() => { Storage.prototype.setItem = () => { throw new DOMException('full'); }; }"
    )
    visitor.ask(ASKED)
    expect(visitor.page.locator("#said")).to_contain_text("浏览器的存储空间满了")
    visitor.ask(SECOND)
    assert bot.asked[-1] == (SECOND, [Turn(ASKED, "天桥区有企业100余家。")])


def test_the_menu_of_one_tab_follows_another(bot: ScriptedBot, visit: Visit) -> None:
    visitor = visit(bot)
    visitor.ask(ASKED)
    other = visitor.page.context.new_page()
    other.goto(visitor.address)
    expect(other.locator("#talk-name")).to_be_visible()
    other.locator("#talk-name").click()
    expect(other.locator("#talk-list .name")).to_have_text([ASKED])
    other.locator("#talk-list .name").click()
    expect(other.locator(".card")).to_have_count(1)
