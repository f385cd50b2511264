"""What opens beside an answer: a PDF's page with the place framed, sections, files that changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

from embeddings.readers import pdf
from embeddings.records import document_id, page_of
from qa.records import OriginalDocument
from tests.browser.conftest import Visit
from tests.browser.looks import Look, some_looks
from tests.browser.scripted import ScriptedBot, answer, cite, document, hit
from tests.embeddings.readers import samples

pytestmark = pytest.mark.browser

PAGES = [
    ["第一页说的是别的事。", "天桥区有企业100余家。"],
    ["第二页开头。", "天桥区有企业100余家。", "天桥区有人员近千名。", "天桥区有企业100余家。"],
]
ASKED = "有多少人？"
TEXT = "甲区有企业。\n乙区有人员近千名。\n丙区没有。\n"


@pytest.fixture
def paper(tmp_path: Path) -> OriginalDocument:
    """A PDF on disk, read as a build reads it."""
    data = samples.pdf(PAGES)
    (tmp_path / "报 纸.pdf").write_bytes(data)
    read = pdf.read(data)
    return OriginalDocument(
        document_id(data), ("报 纸.pdf",), read.text, "报纸", None, read.page_starts
    )


def bot_over(paper: OriginalDocument, root: Path) -> ScriptedBot:
    second = paper.page_starts[1]
    quote = "天桥区有人员近千名。"
    people = replace(cite(paper, quote), page=2)
    at = paper.text.rindex("天桥区有企业100余家。")
    firms = replace(people, number=2, start=at, end=at + 12, quote=paper.text[at : at + 12], page=2)
    assert page_of(paper.page_starts, people.start) == 2 <= second
    return ScriptedBot(
        {paper.id: paper},
        {ASKED: answer(ASKED, people, firms)},
        hits=[replace(hit(paper, quote), heading="人员", document=paper.id)],
        root=str(root),
    )


@some_looks
def test_a_pdfs_page_is_shown_with_the_place_framed(
    paper: OriginalDocument, tmp_path: Path, visit: Visit, look: Look
) -> None:
    visitor = visit(bot_over(paper, tmp_path), **look.context)
    card = visitor.ask(ASKED)
    card.locator(".cite").first.click()
    picture = visitor.panel.get_by_role("img")
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("complete", value=True)
    assert picture.evaluate("image => image.naturalWidth") == 1200
    expect(visitor.panel.locator("header")).to_contain_text(look.texts.page.format(page=2))
    expect(visitor.panel.locator(".section")).to_have_text("人员")
    frame = visitor.panel.locator(".frame")
    expect(frame).to_have_count(1)
    expect(frame).to_be_in_viewport()
    # The words are set 72 points from the left, 740 and 700 above the foot of 842.
    place = "frame => [frame.offsetLeft / frame.offsetParent.offsetWidth, frame.offsetTop / frame.offsetParent.offsetHeight]"
    left, top = frame.evaluate(place)
    assert left == pytest.approx(72 / 595, abs=0.01)
    assert top == pytest.approx((842 - 720 - 12) / 842, abs=0.015)
    visitor.panel.get_by_role("button", name=look.texts.next).click()
    expect(visitor.panel.locator(".position")).to_have_text("2 / 2")
    assert frame.evaluate(place)[1] == pytest.approx((842 - 700 - 12) / 842, abs=0.015)
    visitor.panel.get_by_role("button", name=look.texts.text, exact=True).click()
    expect(picture).to_be_hidden()
    visitor.see_first_mark()
    visitor.panel.get_by_role("button", name=look.texts.previous).click()
    expect(visitor.marks).to_have_text(["天桥区有人员近千名。"])
    expect(picture).to_be_hidden()


def test_a_pdf_that_has_changed_on_disk_shows_its_text(
    paper: OriginalDocument, tmp_path: Path, visit: Visit
) -> None:
    (tmp_path / "报 纸.pdf").write_bytes(samples.pdf([["别的"]]))
    visitor = visit(bot_over(paper, tmp_path))
    visitor.ask(ASKED)
    expect(visitor.panel.get_by_role("img")).to_have_count(0)
    visitor.see_first_mark()


@some_looks
def test_a_citation_of_an_older_answer_opens_the_version_it_was_made_from(
    visit: Visit, look: Look
) -> None:
    before = document("报.txt", TEXT, "题")
    now = replace(document("报.txt", TEXT.replace("近千", "两千"), "题"), id="new")
    said = answer(ASKED, cite(before, "乙区有人员近千名。"))
    bot = ScriptedBot({before.id: before}, {ASKED: said})
    visitor = visit(bot, **look.context)
    card = visitor.ask(ASKED)
    bot.documents, bot.earlier, bot.generation = {now.id: now}, {before.id: before}, 2
    card.locator(".sentence .cite").click()
    visitor.reload()
    expect(visitor.cards.last.locator(".changed")).to_have_text(look.texts.changed_answer)
    visitor.cards.last.locator(".sentence .cite").click()
    notice = visitor.panel.get_by_role("note")
    expect(notice).to_contain_text(look.texts.file_changed)
    expect(notice).to_contain_text(look.texts.earlier_version)
    assert visitor.marked() == ["乙区有人员近千名。"]
    assert visitor.original_text() == TEXT
    bot.earlier = {}
    visitor.reload()
    visitor.cards.last.locator(".sentence .cite").click()
    expect(notice).to_contain_text(look.texts.gone_version)
    assert visitor.marked() == ["乙区有人员近千名。"]
    assert "丙区" not in visitor.original_text()
