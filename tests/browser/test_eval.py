"""The page of `wenju eval` in a browser: cards open, filters count, nothing is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from embeddings.records import Span
from qa.comparison import compare
from qa.eval_page import to_html
from qa.outcomes import Gold
from qa.question_files import Evidence
from qa.runs import Run, past
from tests.browser.conftest import PHONE, WIDE
from tests.evaluations import CONDITIONS, evaluation, judged, report, said

pytestmark = pytest.mark.browser

PAYLOAD = "</script><script>document.title='坏'</script><img src=x onerror=alert(1)>\u202e反&amp;"


def page_file(folder: Path) -> Path:
    """Four questions in two files; 乙 was right before, 丙 is refused, 丁 has an evil document."""
    context = Gold(
        (("十八度",),), (Evidence("abc/_.txt", ()),), "𠮷泉水常年十八度。", (Span(5, 8),)
    )
    told = (
        judged("甲", answer=said("𠮷泉水常年十八度。", [(5, 7)]), history=["泉在哪里？"]),
        judged("乙", False, question="黄河多长？", labels={"kind": "list", "lang": "zh"}),
        judged("丙", answer=said(""), question="谁修的？", gold=Gold((), ())),
    )
    evil = judged("丁", question=PAYLOAD, answer=said(PAYLOAD), gold=context, labels={})
    now = evaluation(report(*told), report(evil, file="泉.json"))
    before = {one.key: past(one) for one in (*told[::2], judged("乙", question="黄河多长？"))}
    run = Run("旧.json", CONDITIONS, {"题.jsonl": before})
    file = folder / "页.html"
    page = to_html(now, CONDITIONS, compare(now, CONDITIONS, run))
    file.write_bytes(page.encode("utf-8", "xmlcharrefreplace"))
    return file


@contextmanager
def opened(
    chromium: Browser, file: Path, size: dict[str, int], locale: str = "en-US"
) -> Iterator[Page]:
    """The page; afterwards it must have asked for nothing and complained of nothing."""
    context = chromium.new_context(viewport=size, locale=locale)  # type: ignore[arg-type]
    try:
        page = context.new_page()
        requests: list[str] = []
        problems: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(file.as_uri())
        yield page
        assert (requests, problems) == ([file.as_uri()], [])
    finally:
        context.close()


def shown(page: Page) -> list[str]:
    ids = page.locator(".card:not([hidden]) .id").evaluate_all("all => all.map(i => i.textContent)")
    return [str(name) for name in ids]


def test_filters(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, page_file(tmp_path), WIDE) as page:
        assert shown(page) == ["甲", "乙", "丙", "丁"]
        expect(page.locator("#count")).to_have_text("4 of 4")
        for state, names in {
            "wrong": ["乙"], "refused": ["丙"], "lost": ["乙"], "won": [], "right": ["甲", "丙", "丁"],
        }.items():  # fmt: skip
            page.locator(f"[data-state={state}]").click()
            assert shown(page) == names
        expect(page.locator("[data-state=right]")).to_have_attribute("aria-pressed", "true")
        page.locator("[data-state=won]").click()
        expect(page.locator("#none")).to_be_visible()
        page.locator("[data-state=all]").click()
        expect(page.locator("#none")).to_be_hidden()
        page.locator("#label").select_option("kind=list")
        assert shown(page) == ["乙"]
        page.locator("#label").select_option("")
        page.locator("#file").select_option(label="泉.json")
        assert shown(page) == ["丁"]
        page.locator("#file").select_option("")
        page.locator("#search").fill("黄河 多长")
        expect(page.locator("#count")).to_have_text("1 of 4")
        page.locator("#search").fill("")
        expect(page.locator("#count")).to_have_text("4 of 4")
        page.locator("#search").fill("ＡＢＣ/_.txt")
        expect(page.locator("#count")).to_have_text("1 of 4")
        assert shown(page) == ["丁"]


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["1280", "390"])
def test_a_card_opens_to_all_that_is_known(
    chromium: Browser, tmp_path: Path, size: dict[str, int]
) -> None:
    with opened(chromium, page_file(tmp_path), size) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
        card = page.locator(".card").first
        expect(card.locator("dl")).to_have_count(0)
        card.locator("summary").click()
        expect(card.locator(".row.answer .text")).to_have_text("𠮷泉水常年十八度。1")
        expect(card.locator(".row.answer mark")).to_have_text(["十八"])
        expect(card.locator(".row.answer u.gold")).to_have_text(["十八", "度"])
        expect(card.locator(".row.history li")).to_have_text(["泉在哪里？"])
        expect(card.locator(".row.gold .item")).to_have_text(["十八度 or 18度"])
        expect(card.locator(".row.evidence u.gold")).to_have_text(["十八度"])
        expect(card.locator(".row.why")).to_contain_text("answer 0.93")
        expect(card.locator(".row.why")).to_contain_text("refused below 0.10")
        expect(card.locator(".row.passages .holds")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]


def test_a_refusal_and_what_was_lost(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, page_file(tmp_path), WIDE) as page:
        page.locator("#open").click()
        cards = page.locator(".card")
        expect(page.locator(".card dl")).to_have_count(4)
        expect(cards.nth(1).locator(".row.change .bad")).to_have_text(["− answer"])
        expect(cards.nth(1).locator(".row.change")).to_contain_text("泉水常年十八度。")
        expect(cards.nth(2).locator(".row.answer")).to_contain_text("refused")
        expect(cards.nth(2).locator(".row.gold")).to_contain_text("none")
        page.locator("#open").click()
        expect(page.locator(".card[open]")).to_have_count(0)


def test_words_of_documents_stay_words(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, page_file(tmp_path), WIDE) as page:
        card = page.locator(".card").last
        card.locator("summary").click()
        expect(card.locator(".row.answer .text")).to_have_text(f"{PAYLOAD}1")
        expect(card.locator(".row.evidence u.gold")).to_have_text(["十八度"])
        assert page.locator("img").count() == 0
        assert page.title() == "题.jsonl, 泉.json · wenju eval"


def test_the_page_speaks_chinese_and_english(chromium: Browser, tmp_path: Path) -> None:
    with opened(chromium, page_file(tmp_path), PHONE, "zh-CN") as page:
        card = page.locator(".card").first
        card.locator("summary").click()
        expect(card.locator("dt").first).to_have_text("之前的问题")
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        page.locator("#language").click()
        expect(card.locator("dt").first).to_have_text("Turns before")
        expect(page.locator("#count")).to_have_text("4 of 4")


def test_thousands_of_questions_stay_usable(chromium: Browser, tmp_path: Path) -> None:
    told = [judged(str(at), at % 7 > 0, question=f"第{at}问：泉水多少度？") for at in range(3500)]
    file = tmp_path / "页.html"
    file.write_text(to_html(evaluation(report(*told)), CONDITIONS), encoding="utf-8")
    with opened(chromium, file, WIDE) as page:
        expect(page.locator("#count")).to_have_text("3,500 of 3,500")
        page.locator("#search").fill("第3499问")
        expect(page.locator("#count")).to_have_text("1 of 3,500")
        page.locator(".card:not([hidden]) summary").click()
        expect(page.locator(".card[open] .row.why")).to_be_visible()
        assert page.locator(".card dl").count() == 1
