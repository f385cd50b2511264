"""The search as a person uses it: finding, reading why, filtering, opening, asking."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from qa.bot import Bot
from qa.page.search_texts import SEARCH_TEXTS, SearchTexts
from qa.page.texts import Language
from tests.browser.conftest import Visit
from tests.browser.corpus import FILES, GAOXIN, HOSTILE, HOSTILE_FILE, TIANQIAO, corpus_bot
from tests.browser.looks import Look, some_looks
from tests.browser.test_frame import findings
from tests.browser.visitor import PATIENCE, Visitor

pytestmark = pytest.mark.browser

ZH = SEARCH_TEXTS[Language.ZH]


@pytest.fixture(scope="module")
def bot(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Bot:
    return corpus_bot(tmp_path_factory.mktemp("search"), tokenizer)


def search(visitor: Visitor, query: str, words: SearchTexts = ZH) -> Locator:
    """Look for something and return the passages."""
    view = visitor.go("search")
    view.get_by_role("searchbox", name=words.query).fill(query)
    view.get_by_role("button", name=words.find).click()
    found = view.locator(".found")
    expect(found.first).to_be_visible(timeout=PATIENCE)
    return found


@some_looks
def test_a_passage_is_found_read_and_opened(bot: Bot, visit: Visit, look: Look) -> None:
    visitor = visit(bot, **look.context)
    words = SEARCH_TEXTS[look.texts.language]
    first = search(visitor, "高新区的党建联盟", words).first
    expect(first).to_contain_text("高新区在2020年组建8个党建联盟。")
    expect(first.locator(".where").first).to_have_text(f"{GAOXIN} · 2022-06-01")
    assert {"高新区", "党建联盟"} <= set(first.locator("mark").all_inner_texts())
    for bar in first.locator(".meter span").all():
        box = bar.bounding_box()
        assert box is not None
        assert box["width"] > 20
        assert box["height"] < 10
    first.get_by_role("button").first.click()
    assert visitor.marked() == ["高新区在2020年组建8个党建联盟。"]
    visitor.see_first_mark()
    expect(visitor.panel.locator(".position")).to_contain_text("1 / ")
    visitor.panel.get_by_role("button", name=look.texts.next).click()
    expect(visitor.panel.locator(".position")).to_contain_text("2 / ")
    assert findings(visitor.page) == []


@some_looks
def test_ask_about_this_limits_the_question_to_the_document(
    bot: Bot, visit: Visit, look: Look
) -> None:
    visitor = visit(bot, **look.context)
    words, page = SEARCH_TEXTS[look.texts.language], visitor.page
    found = search(visitor, "高新区的党建联盟", words)
    chip = page.locator("#choice")
    expect(chip).to_be_hidden()
    found.first.get_by_role("button", name=words.ask).click()
    expect(chip).to_contain_text(look.texts.asking_one.format(name=GAOXIN))
    expect(visitor.box).to_be_focused()
    expect(visitor.box).to_have_value("高新区的党建联盟")
    page.keyboard.type("有多少家企业？")  # over what was looked for, which is selected
    visitor.box.press("Enter")
    expect(visitor.cards).to_have_count(1, timeout=PATIENCE)
    card = visitor.cards.first
    expect(page.locator(".question")).to_have_text("有多少家企业？")
    expect(card.locator(".limited")).to_have_text(look.texts.asked_only.format(names=GAOXIN))
    assert TIANQIAO not in card.inner_text()
    assert findings(page) == []
    if look.is_phone:
        page.keyboard.press("Escape")
    chip.get_by_role("button", name=look.texts.ask_all).click()
    expect(chip).to_be_hidden()
    card = visitor.ask("天桥区覆盖多少家企业？")
    expect(card.locator(".limited")).to_have_count(0)
    expect(card).to_contain_text("21家企业")
    visitor.reload()
    expect(page.locator("#conversation .limited")).to_have_count(1)


def test_days_are_asked_for_only_where_a_document_has_one(
    bot: Bot, visit: Visit, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "无日期.txt").write_text("天桥区有企业。\n", encoding="utf-8")
    encoder = CountingEncoder("天桥区企业")
    build(tmp_path / "pages", tmp_path / "index", encoder, tokenizer)
    for one, count in ((bot, 2), (Bot(tmp_path / "index", encoder, tokenizer), 0)):
        view = visit(one).go("search")
        view.get_by_text(ZH.filters, exact=True).click()
        expect(view.get_by_role("checkbox").first).to_be_visible()
        expect(view.locator("input[type=date]")).to_have_count(count)


@some_looks
def test_filters_limit_what_is_found(bot: Bot, visit: Visit, look: Look) -> None:
    visitor = visit(bot, **look.context)
    words = SEARCH_TEXTS[look.texts.language]
    found = search(visitor, "企业", words)
    places = found.locator("button.place + .where")
    everywhere = places.count()
    view = visitor.page.locator("#view-search")
    view.get_by_text(words.filters, exact=True).click()
    view.get_by_label(TIANQIAO).check()
    expect(places).not_to_have_count(everywhere)
    assert all(TIANQIAO in place for place in places.all_inner_texts())
    expect(view.locator(".chosen")).to_have_text(TIANQIAO)
    view.get_by_label(TIANQIAO).uncheck()
    expect(places).to_have_count(everywhere)
    view.get_by_label(words.since, exact=True).fill("2022-01-01")
    expect(places.first).to_have_text(f"{GAOXIN} · 2022-06-01")
    assert all(GAOXIN in place for place in places.all_inner_texts())
    view.get_by_label(words.until, exact=True).fill("2022-01-02")
    expect(view.get_by_text(words.nothing_filtered)).to_be_visible()
    assert findings(visitor.page) == []
    view.get_by_role("button", name=words.clear).click()
    expect(places).to_have_count(everywhere)


def test_dates_the_wrong_way_round_are_told_of(bot: Bot, visit: Visit) -> None:
    visitor = visit(bot)
    search(visitor, "企业")
    view = visitor.page.locator("#view-search")
    view.get_by_text(ZH.filters, exact=True).click()
    view.get_by_label(ZH.until, exact=True).fill("2021-01-01")
    view.get_by_label(ZH.since, exact=True).fill("2022-01-01")
    expect(visitor.page.locator("#said")).to_contain_text("2022-01-01")


def test_text_of_documents_is_shown_as_text(bot: Bot, visit: Visit) -> None:
    visitor = visit(bot)
    search(visitor, "天桥区的企业有$21$家")
    view = visitor.page.locator("#view-search")
    expect(view.get_by_text(HOSTILE)).to_be_visible()
    expect(view.get_by_text(HOSTILE_FILE).last).to_be_visible()
    expect(view.locator("img")).to_have_count(0)
    assert len(FILES) == view.get_by_role("checkbox", include_hidden=True).count()


def test_what_was_looked_for_stands_there_in_the_other_language(bot: Bot, visit: Visit) -> None:
    visitor = visit(bot)
    before = search(visitor, "党建联盟").all_inner_texts()
    visitor.page.locator(".switch").click()
    english = SEARCH_TEXTS[Language.EN]
    field = visitor.page.get_by_role("searchbox", name=english.query)
    expect(field).to_have_value("党建联盟", timeout=PATIENCE)
    expect(visitor.page.locator("#view-search .found")).to_have_count(len(before))


def test_keys_alone_find_and_open(bot: Bot, visit: Visit) -> None:
    visitor = visit(bot)
    visitor.go("search")
    expect(visitor.page.locator("#view-search .query")).to_be_focused()
    visitor.page.keyboard.type("党建联盟")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.locator(".found").first).to_be_visible(timeout=PATIENCE)
    visitor.page.locator(".found button").first.focus()
    visitor.page.keyboard.press("Enter")
    assert visitor.marked() == ["高新区在2020年组建8个党建联盟。"]
    visitor.see_first_mark()


def test_nothing_written_nothing_found(bot: Bot, visit: Visit) -> None:
    visitor = visit(bot)
    view = visitor.go("search")
    expect(view.get_by_text(ZH.promise)).to_be_visible()
    view.get_by_role("button", name=ZH.find).click()
    expect(view.get_by_text(ZH.empty)).to_be_visible()
