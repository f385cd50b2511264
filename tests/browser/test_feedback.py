"""Thumbs as a person gives them, and what is kept of them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from embeddings.lexical import Tokenizer
from qa.feedback import Feedback, FeedbackStore, Verdict
from qa.page.feedback_texts import FEEDBACK_TEXTS, FeedbackTexts
from qa.page.options import Options
from qa.page.texts import Language
from qa.question_files import read_gold_questions
from qa.records import Reason
from tests.browser.conftest import Visit
from tests.browser.corpus import corpus_bot
from tests.browser.looks import Look, some_looks
from tests.browser.scripted import ScriptedBot, answer, cite, document, refusal
from tests.browser.test_frame import findings
from tests.browser.visitor import PATIENCE, Visitor

pytestmark = pytest.mark.browser

ZH = FEEDBACK_TEXTS[Language.ZH]
PAGE = document("报.txt", "天桥区有21家企业。高新区有8个联盟。", "标题")
FIRST, SECOND = "天桥区有几家企业？", "高新区有几个联盟？"
BOT = ScriptedBot(
    {PAGE.id: PAGE},
    {
        FIRST: answer(FIRST, cite(PAGE, "天桥区有21家企业。"), marked="21家"),
        SECOND: answer(SECOND, cite(PAGE, "高新区有8个联盟。"), marked="8个"),
        "你好": refusal("你好", reason=Reason.SMALL_TALK),
    },
    generation=3,
)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A folder that counts as an index."""
    (tmp_path / "CURRENT").touch()
    return tmp_path


def thumb(card: Locator, name: str) -> Locator:
    return card.get_by_role("button", name=name, exact=True)


def kept(index: Path) -> list[tuple[str, str, str, bool]]:
    return [(f.question, f.verdict, f.note, f.missing) for f in FeedbackStore(index).all()]


def judge(visitor: Visitor, card: Locator, name: str, words: FeedbackTexts = ZH) -> None:
    thumb(card, name).click()
    expect(card.get_by_text(words.thanks)).to_be_visible(timeout=PATIENCE)


@some_looks
def test_a_thumb_a_note_and_a_change_of_mind(index: Path, visit: Visit, look: Look) -> None:
    words = FEEDBACK_TEXTS[look.texts.language]
    visitor = visit(BOT, pages=Options(index=index), **look.context)
    visitor.ask(SECOND)
    card = visitor.ask(FIRST)
    judge(visitor, card, words.up, words)
    expect(thumb(card, words.up)).to_have_attribute("aria-pressed", "true")
    assert kept(index) == [(FIRST, "up", "", False)]
    expect(card.get_by_label(words.missing)).to_be_hidden()
    judge(visitor, card, words.down, words)
    card.get_by_label(words.note).fill("其实是<b>22</b>家")
    card.get_by_label(words.missing).check()
    assert findings(visitor.page) == []
    card.get_by_role("button", name=words.save).click()
    expect(card.get_by_text(words.saved)).to_be_visible()
    expect(card.get_by_label(words.note)).to_be_hidden()
    (one,) = FeedbackStore(index).all()
    assert one == Feedback(
        id=one.id, verdict=Verdict.DOWN, question=FIRST, history=(SECOND,), completed=FIRST,
        sources=(), answered=True, answer="天桥区有21家企业。", items=("21家",),
        citations=one.citations, note="其实是<b>22</b>家", missing=True, generation=3,
        time=one.time,
    )  # fmt: skip
    assert [PAGE.text[c.start : c.end] for c in one.citations] == ["天桥区有21家企业。"]
    thumb(card, words.down).click()
    expect(card.get_by_text(words.taken_back)).to_be_visible()
    expect(thumb(card, words.down)).to_have_attribute("aria-pressed", "false")
    assert kept(index) == []


@some_looks
def test_what_was_said_is_listed_narrowed_and_asked_again(
    index: Path, visit: Visit, look: Look
) -> None:
    words = FEEDBACK_TEXTS[look.texts.language]
    visitor = visit(BOT, pages=Options(index=index), **look.context)
    view = visitor.go("feedback")
    expect(view.get_by_text(words.none)).to_be_visible()
    visitor.go("ask")
    judge(visitor, visitor.ask(FIRST), words.up, words)
    card = visitor.ask(SECOND)
    judge(visitor, card, words.down, words)
    card.get_by_label(words.note).fill("是<b>9</b>个")
    card.get_by_role("button", name=words.save).click()
    expect(card.get_by_text(words.saved)).to_be_visible()
    visitor.go("feedback")
    rows = view.locator(".judged")
    expect(rows.locator("b")).to_have_text([SECOND, FIRST])
    expect(rows.first.locator("blockquote")).to_have_text("是<b>9</b>个")
    expect(rows.first.get_by_label(words.down)).to_be_visible()
    expect(rows.first.locator("time")).not_to_have_text("")
    assert findings(visitor.page) == []
    view.get_by_role("button", name=f"{words.up} 1", exact=True).click()
    expect(rows.locator("b")).to_have_text([FIRST])
    rows.get_by_role("button", name=words.again).click()
    expect(visitor.page.locator(".question")).to_have_text([FIRST, SECOND, FIRST])


def test_it_is_exported_as_a_question_file(
    visit: Visit, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    bot = corpus_bot(tmp_path, tokenizer)
    visitor = visit(bot, pages=Options(index=tmp_path / "index"))
    judge(visitor, visitor.ask("高新区有几个党建联盟？"), ZH.up)
    view = visitor.go("feedback")
    with visitor.page.expect_download() as found:
        view.get_by_role("button", name=ZH.export).click()
    expect(visitor.page.locator("#said")).to_have_text(ZH.exported.format(count=1, left=0))
    assert found.value.suggested_filename == "feedback.jsonl"
    (one,) = read_gold_questions(Path(found.value.path()))
    assert one.question.text == "高新区有几个党建联盟？"


def test_it_is_remembered_over_a_reload(index: Path, visit: Visit) -> None:
    visitor = visit(BOT, pages=Options(index=index))
    judge(visitor, visitor.ask(FIRST), ZH.down)
    visitor.cards.last.get_by_label(ZH.note).fill("不对")
    visitor.cards.last.get_by_role("button", name=ZH.save).click()
    expect(visitor.cards.last.get_by_text(ZH.saved)).to_be_visible()
    visitor.reload()
    pressed = thumb(visitor.cards.last, ZH.down)
    expect(pressed).to_have_attribute("aria-pressed", "true", timeout=PATIENCE)
    thumb(visitor.cards.last, ZH.up).click()
    expect(visitor.cards.last.get_by_label(ZH.note)).to_have_value("不对")
    until = time.monotonic() + PATIENCE / 1000
    while kept(index)[0][1] == "down" and time.monotonic() < until:
        visitor.page.wait_for_timeout(50)
    assert kept(index) == [(FIRST, "up", "不对", False)]


def test_two_people_have_a_word_each(index: Path, visit: Visit) -> None:
    for name in (ZH.up, ZH.down):
        visitor = visit(BOT, pages=Options(index=index))
        judge(visitor, visitor.ask(FIRST), name)
    assert sorted(verdict for _, verdict, _, _ in kept(index)) == ["down", "up"]


def test_a_refusal_can_be_praised_and_small_talk_not(index: Path, visit: Visit) -> None:
    visitor = visit(BOT, pages=Options(index=index))
    expect(visitor.ask("你好").locator(".thumb")).to_have_count(0)
    card = visitor.ask("谁去了火星？")
    judge(visitor, card, ZH.up)
    expect(card.get_by_label(ZH.missing)).to_have_count(0)
    (one,) = FeedbackStore(index).all()
    assert (one.question, one.answered) == ("谁去了火星？", False)


def test_what_cannot_be_kept_is_said_and_no_thumb_is_pressed(index: Path, visit: Visit) -> None:
    visitor = visit(BOT, pages=Options(index=index))
    card = visitor.ask(FIRST)
    (index / "feedback.db").mkdir()
    thumb(card, ZH.up).click()
    expect(visitor.page.locator("#said")).to_contain_text("feedback.db")
    expect(thumb(card, ZH.up)).to_have_attribute("aria-pressed", "false")
    expect(card.get_by_label(ZH.note)).to_be_hidden()


def test_a_read_only_page_has_no_thumbs(index: Path, visit: Visit) -> None:
    visitor = visit(BOT, pages=Options(index=index, read_only=True))
    card = visitor.ask(FIRST)
    expect(card.get_by_role("button", name="复制并附出处")).to_be_visible()
    expect(card.locator(".thumb").first).to_be_hidden()
    token = visitor.page.evaluate("wenju.token()")
    sent = visitor.page.request.post(
        f"{visitor.address}/wenju/act/feedback/give", data={}, headers={"x-wenju-token": token}
    )
    assert sent.status == 404
