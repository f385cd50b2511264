"""Hostile documents, names, questions and notes in every view and export: shown, never obeyed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Page, expect

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from embeddings.segment import Segmenter
from qa.bot import Bot
from qa.feedback import FeedbackStore
from qa.inspect_page import to_html
from qa.inspect_view import inspect
from qa.page.feedback_texts import FEEDBACK_TEXTS
from qa.page.map_texts import MAP_TEXTS
from qa.page.options import Options
from qa.page.texts import Language
from tests.browser.conftest import Visit
from tests.browser.test_documents import choose, outcomes
from tests.browser.test_feedback import judge
from tests.browser.test_map import opened
from tests.browser.test_search import search
from tests.browser.test_talks import exported
from tests.browser.visitor import PATIENCE, Visitor
from tests.payloads import PAYLOADS, TURNING, file_name, told

pytestmark = pytest.mark.browser

TOLD = {name: payload for name, payload in PAYLOADS.items() if name != "terminal"}
"""A text with controls of a terminal is refused as a document."""

FEEDBACK, MAP = FEEDBACK_TEXTS[Language.ZH], MAP_TEXTS[Language.ZH]

HARM = """turning => {
    const found = [];
    if (window.hacked !== undefined) found.push(`ran: ${window.hacked}`);
    const foreign = 'iframe, object, embed, base, math, marquee, img:not([src^="/wenju/"]),'
        + 'a[href^="javascript:" i], a[href^="data:" i], form[action], link, meta, style,'
        + 'script:not([type="application/json"])';
    const root = document.querySelector("#page, body > main") ?? document.body;
    for (const one of root.querySelectorAll(foreign)) found.push(one.outerHTML.slice(0, 200));
    for (const one of root.querySelectorAll("*")) {
        for (const { name } of one.attributes) {
            if (/^on/.test(name)) found.push(`${one.tagName} ${name}`);
        }
    }
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const { data, parentElement } = texts.currentNode;
        if (![...data].some((one) => turning.includes(one))) continue;
        if (parentElement.closest("script, textarea")) continue;
        if (!parentElement.matches(".turning")) found.push(`turned: ${parentElement.outerHTML.slice(0, 200)}`);
        else if (getComputedStyle(parentElement).display !== "inline-block") found.push("not apart");
    }
    for (const one of root.querySelectorAll("[title], [aria-label], [placeholder]")) {
        const said = [one.title, one.ariaLabel, one.placeholder].join("");
        if ([...said].some((sign) => turning.includes(sign))) found.push(`turned name: ${said}`);
    }
    return found;
}"""


def harm(page: Page) -> list[str]:
    """Return what a payload has achieved on the page."""
    found: list[str] = page.evaluate(HARM, TURNING)
    return found


def question(payload: str) -> str:
    return f"党建园区的{payload}项目有几家企业？"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    for payload in TOLD.values():
        text = f"企业{payload}名单\n\n{told(payload)}\n"
        (folder / file_name(payload)).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def visitor(folder: Path, tokenizer: Tokenizer, visit: Visit) -> Visitor:
    encoder = CountingEncoder("党建园区项目企业名单")
    index = folder.parent / "index"
    build(folder, index, encoder, tokenizer)
    bot = Bot(index, encoder, tokenizer, least=0.0)
    return visit(bot, pages=Options(index=index))


def test_answers_originals_and_exports(visitor: Visitor, folder: Path, chromium: Browser) -> None:
    page = visitor.page
    originals = [file.read_text("utf-8") for file in folder.iterdir()]
    for payload in TOLD.values():
        card = visitor.ask(question(payload))
        asked = page.locator(".question:visible").last
        assert " ".join(asked.evaluate("it => it.textContent").split()) == question(payload)
        card.locator(".cite").first.click()
        assert any("".join(visitor.marked()) in original for original in originals)
        assert harm(page) == []
    assert page.title() == "问据 Wenju"
    page.reload()
    expect(visitor.cards).to_have_count(len(TOLD), timeout=PATIENCE)
    assert harm(page) == []
    _, html = exported(visitor, "导出 HTML")
    _, markdown = exported(visitor, "导出 Markdown")
    assert not set(TURNING) & set(markdown)
    for text in (html, MarkdownIt("commonmark").enable("table").render(markdown)):
        assert harm_of(chromium, partial(_show, text)) == []


def _show(text: str, page: Page) -> None:
    page.set_content(text)


def harm_of(chromium: Browser, show: Callable[[Page], object]) -> list[str]:
    """Show a page by itself; return what payloads achieved in it, and what it asked for."""
    page = chromium.new_page()
    try:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: asked.append(message.text))
        show(page)
        page.wait_for_timeout(100)
        return [*harm(page), *(one for one in asked if not one.startswith("file:"))]
    finally:
        page.close()


def test_what_turns_the_order_of_characters_turns_nothing(visitor: Visitor) -> None:
    payload = PAYLOADS["turned without end"]
    visitor.ask(question(payload)).locator(".cite").first.click()
    visitor.see_first_mark()
    places = """() => {
        const found = {};
        for (const mark of document.querySelectorAll("#panel .original mark")) {
            const texts = document.createTreeWalker(mark, NodeFilter.SHOW_TEXT);
            while (texts.nextNode()) [...texts.currentNode.data].forEach((sign, at) => {
                const range = document.createRange();
                range.setStart(texts.currentNode, at);
                range.setEnd(texts.currentNode, at + 1);
                const { left, top } = range.getBoundingClientRect();
                if ("甲乙丙项".includes(sign)) found[sign] = [Math.round(top / 8), left];
            });
        }
        return found;
    }"""
    found = visitor.page.evaluate(places)
    assert sorted(found, key=found.get) == ["甲", "乙", "丙", "项"]
    copied = (
        "() => { getSelection().selectAllChildren(document.querySelector('#panel .original mark'));"
    )
    assert told(payload) in visitor.page.evaluate(copied + " return getSelection().toString(); }")


def test_search_map_and_documents(visitor: Visitor, folder: Path) -> None:
    page = visitor.page
    for payload in TOLD.values():
        search(visitor, question(payload)).first.get_by_role("button").first.click()
        assert visitor.marked()
        assert harm(page) == []
    view = opened(visitor)
    assert view.locator(".dot").count() >= len(TOLD)
    view.get_by_role("searchbox").fill(question(PAYLOADS["picture"]) + PAYLOADS["turned"])
    view.get_by_role("button", name=MAP.draw).click()
    expect(view.locator(".star")).to_have_count(1)
    view.get_by_text(MAP.listed, exact=True).click()
    expect(view.locator(".rows h3")).to_have_count(len(TOLD))
    assert harm(page) == []
    documents = visitor.go("documents")
    expect(documents.locator("#documents-rows tr")).to_have_count(len(TOLD))
    assert harm(page) == []
    names = [file_name(one, ".md") for one in TOLD.values()]
    given = folder.parent / "given"
    given.mkdir()
    for name in names:
        (given / name).write_text(f"# {name}\n\n{told(name)}\n", encoding="utf-8")
    choose(visitor, *(str(given / name) for name in names))
    assert len(outcomes(visitor)) == len(names)
    assert harm(page) == []
    for shown in documents.locator("#documents-rows [data-act=view]").all()[:: len(TOLD) // 4]:
        shown.click()
        dialog = page.locator("#documents-read")
        expect(dialog).to_be_visible(timeout=PATIENCE)
        assert harm(page) == []
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()


def test_notes_and_names_of_conversations(visitor: Visitor, folder: Path) -> None:
    page = visitor.page
    for payload in TOLD.values():
        card = visitor.ask(question(payload))
        judge(visitor, card, FEEDBACK.down)
        card.get_by_label(FEEDBACK.note).fill(payload)
        card.get_by_role("button", name=FEEDBACK.save).click()
        expect(card.get_by_text(FEEDBACK.saved)).to_be_visible(timeout=PATIENCE)
        page.evaluate("document.querySelector('[data-act=new-talk]')?.click()")
    view = visitor.go("feedback")
    expect(view.locator(".judged")).to_have_count(len(TOLD), timeout=PATIENCE)
    assert harm(page) == []
    notes = {one.note for one in FeedbackStore(folder.parent / "index").all()}
    assert {" ".join(note.split()) for note in notes} == {
        " ".join(p.split()) for p in TOLD.values()
    }


def test_the_page_of_inspect(folder: Path, tokenizer: Tokenizer, chromium: Browser) -> None:
    segmenter, page = Segmenter(tokenizer), folder.parent / "page.html"
    for payload in TOLD.values():
        found = inspect(folder / file_name(payload), segmenter)
        page.write_text(to_html(found), encoding="utf-8", errors="xmlcharrefreplace", newline="")
        assert harm_of(chromium, lambda sheet: sheet.goto(page.as_uri())) == []
