"""The page over the real model and the shipped documents, asked and clicked as a person would."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from qa.bot import Bot
from tests.browser.conftest import PHONE, Visit

pytestmark = [pytest.mark.browser, pytest.mark.model]

QUESTION = "天桥区有多少家直播电商企业？"
PIECES = [
    "伴随着网络直播带货的兴",
    "盛,位于天桥区的山东黄台国际电商产业园、山东凤凰山电商产业园、齐鲁云商等传统电商园区向新型电商"
    "稳步转型,逐渐成为拥有直播电商企业100余家、从业人员近千人的网红聚集区。",
]
UNANSWERABLE = "火星上有多少座火山？"


def test_an_answer_opens_at_its_very_characters(seeds_bot: Bot, visit: Visit) -> None:
    citations = [c for c in seeds_bot.ask(QUESTION).citations if c.number == 1]
    visitor = visit(seeds_bot)
    card = visitor.ask(QUESTION)
    expect(card).to_contain_text("拥有直播电商企业100余家")
    expect(card.locator(".answering").first).to_have_text("100余家")
    card.locator(".cite", has_text="1").click()

    assert visitor.marked() == [citation.quote for citation in citations] == PIECES
    visitor.see_first_mark()
    expect(visitor.panel.locator("header")).to_contain_text(
        f"000_183aa9966193ac5e.txt · 字符 {citations[0].start}–{citations[0].end}"
    )
    assert visitor.original_text() == seeds_bot.document(citations[0].document).text


def test_the_newest_answer_opens_by_itself_beside_the_conversation(
    seeds_bot: Bot, visit: Visit
) -> None:
    visitor = visit(seeds_bot)
    visitor.ask(QUESTION)
    expect(visitor.panel.locator("mark").first).to_be_visible()
    visitor.see_first_mark()


def test_on_a_phone_the_original_is_a_sheet(seeds_bot: Bot, visit: Visit) -> None:
    visitor = visit(seeds_bot, PHONE, has_touch=True, is_mobile=True)
    card = visitor.ask(QUESTION)
    expect(visitor.panel).to_be_hidden()
    card.locator(".cite").first.tap()
    expect(visitor.panel).to_be_in_viewport()
    expect(card.locator(".cite").first).to_be_in_viewport()
    visitor.see_first_mark()
    visitor.panel.get_by_label("关闭原文").tap()
    expect(visitor.panel).to_be_hidden()
    expect(card.locator(".cite").first).to_be_focused()


def test_a_refusal_looks_different_and_offers_passages(seeds_bot: Bot, visit: Visit) -> None:
    nearest = seeds_bot.ask(UNANSWERABLE).nearest[0]
    visitor = visit(seeds_bot)
    card = visitor.ask(UNANSWERABLE)
    expect(card).to_have_class(re.compile(r"\brefusal\b"))
    expect(card.get_by_role("heading")).to_have_text("文档里没有答案")
    expect(card.locator(".answering")).to_have_count(0)
    card.locator(".passage").first.click()
    text = seeds_bot.document(nearest.document).text
    expect(visitor.panel.locator("mark").first).to_be_visible()
    assert visitor.marked() == [span.of(text) for span in sorted(nearest.spans)]
    visitor.see_first_mark()


def test_examples_come_from_the_documents_and_are_answered(seeds_bot: Bot, visit: Visit) -> None:
    visitor = visit(seeds_bot)
    expect(visitor.page.locator(".example")).to_have_count(3)
    visitor.page.locator(".example").first.click()
    expect(visitor.cards.last.locator(".cite").first).to_be_visible()
