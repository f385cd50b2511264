"""A language model's words on the page: what is kept of them, how they are shown and exported."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.page.acts import ASKED_AT_ONCE, AT_ONCE, WRITTEN_AT_ONCE, Acts
from qa.page.answer_card import turn_html
from qa.page.ask_view import AskView
from qa.page.export import to_html, to_markdown
from qa.page.frame import dock_html
from qa.page.handlers import Page
from qa.page.markup import undirected
from qa.page.options import Options
from qa.page.stored import WRITTEN_FORM, record, turns_from
from qa.page.texts import TEXTS, Language
from qa.page.turns import AskedTurn
from qa.page.views import How, Part, Patch, Reply, Visit
from qa.page.writing import renumbered
from qa.page.written_card import by_html, copy_html, text_html, written_line
from qa.records import Answer, Doubt, Failure, Reason, Written, WrittenSentence
from tests.browser.scripted import (
    ScriptedBot,
    WritingBot,
    answer,
    cite,
    document,
    hit,
    refusal,
    written,
    written_by,
)

ZH, EN = TEXTS[Language.ZH], TEXTS[Language.EN]
NUMBERS, PEOPLE, MONEY = "天桥区有企业100余家。", "近千人在此工作。", "经费2400万元。"
ORIGINAL = document("报.txt", f"前言。{NUMBERS}{PEOPLE}{MONEY}尾。", "题")
ASKED = "有多少家企业？"
NEAREST = [hit(ORIGINAL, MONEY), hit(ORIGINAL, NUMBERS), hit(ORIGINAL, PEOPLE)]
ANSWER = answer(ASKED, cite(ORIGINAL, NUMBERS), nearest=NEAREST)
GOOD = WrittenSentence("天桥区有100余家企业。", (2,))
BOTH = WrittenSentence("近千人用了2400万元。", (3, 1))
WRONG = WrittenSentence("经费是3600万元。", (1,), (Doubt.NUMBER,))
LOOSE = WrittenSentence("数字还在涨。", (), (Doubt.UNCITED,))
HOSTILE = '<img src=x onerror="alert(1)">**粗**[链](javascript:alert(1))\u202e反\u2066</p><script>'


def a_bot(*said: WrittenSentence | Written) -> WritingBot:
    return WritingBot(
        {ORIGINAL.id: ORIGINAL},
        {ASKED: ANSWER, "你好": refusal("你好", reason=Reason.SMALL_TALK)},
        hits=NEAREST,
        said={ASKED: said},
    )


def acted(bot: ScriptedBot, options: Options, **data: Any) -> list[Part]:
    visit = Visit(Language.ZH, ZH, options)
    return list(AskView(bot).act("write", {"number": 4, **data}, visit))


def turn(*sentences: WrittenSentence, **changes: Any) -> AskedTurn:
    whole = renumbered(written(ANSWER, *sentences))
    return replace(AskedTurn(4, ASKED, ANSWER, written=whole), **changes)


class _Elements(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.words = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.names.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


# ---- the act ----


def test_sentences_come_one_by_one_and_then_the_whole() -> None:
    bot = a_bot(GOOD, WRONG, written(ANSWER, GOOD, WRONG))
    begun, first, second, text, by, copy, reply = acted(
        bot, Options(writer=written_by()), question=ASKED
    )
    assert isinstance(begun, Patch)
    assert begun.id == "turn-4-written"
    assert "qwen2.5:7b 正在写" in begun.html
    for part, words in ((first, GOOD.text), (second, WRONG.text)):
        assert isinstance(part, Patch)
        assert (part.id, part.how) == ("turn-4-prose", How.APPEND)
        assert words in _Elements(part.html).words
    assert isinstance(text, Patch)
    assert isinstance(by, Patch)
    assert isinstance(copy, Patch)
    assert [text.id, by.id, copy.id] == ["turn-4-written", "turn-4-by", "turn-4-copy"]
    assert isinstance(reply, Reply)
    kept = json.loads(json.dumps(reply.data))["written"]
    assert [one["doubts"] for one in kept["sentences"]] == [[], ["number"]]
    assert bot.asked == [(ASKED, [])]


def test_a_failure_withdraws_what_came_and_says_why() -> None:
    failed = Written(ANSWER, "qwen2.5:7b", failure=Failure.BUSY, wait=30.0)
    *_, text, by, copy, reply = acted(
        a_bot(GOOD, failed), Options(writer=written_by()), question=ASKED
    )
    assert isinstance(text, Patch)
    assert "30 秒" in text.html
    assert GOOD.text not in text.html
    assert [getattr(by, "html", None), getattr(copy, "html", None)] == ["", ""]
    assert isinstance(reply, Reply)
    assert reply.data["written"]["failure"] == "busy"


@pytest.mark.parametrize("question", ["火星？", "你好", ""])
def test_of_a_refusal_nothing_is_asked_and_nothing_shown(question: str) -> None:
    bot = a_bot(GOOD)
    assert acted(bot, Options(writer=written_by()), question=question) == [Reply({"written": None})]
    assert bot.written == []


def test_without_a_model_nothing_is_asked_and_nothing_offered() -> None:
    bot = a_bot(GOOD)
    assert acted(bot, Options(), question=ASKED) == [Reply({"written": None})]
    plain = ScriptedBot(bot.documents, bot.script)
    assert acted(plain, Options(writer=written_by()), question=ASKED) == [Reply({"written": None})]
    assert (bot.asked, plain.asked, bot.written) == ([], [], [])
    assert "allow" not in dock_html((), ZH)
    assert "allow" in dock_html((), ZH, "qwen2.5:7b")


def test_a_reader_who_leaves_ends_the_writing() -> None:
    bot = a_bot(GOOD, WRONG, written(ANSWER, GOOD, WRONG))
    visit = Visit(Language.ZH, ZH, Options(writer=written_by()))
    parts = iter(AskView(bot).act("write", {"question": ASKED}, visit))
    next(parts)
    next(parts)
    del parts
    assert bot.closed == 1


def test_a_slow_model_takes_no_place_from_those_who_ask() -> None:
    acts = Acts(Page(a_bot(GOOD)), "token")
    asking, writing = acts._lane("ask", "ask"), acts._lane("ask", "write")
    assert asking._first.total_tokens == ASKED_AT_ONCE
    assert writing._first.total_tokens == writing._further.total_tokens == WRITTEN_AT_ONCE
    assert writing._further is writing._first
    assert acts._lane("ask", "open") is asking
    assert acts._lane("search", "write")._first.total_tokens == AT_ONCE


# ---- the card ----


def test_citations_are_numbered_as_they_come() -> None:
    shown = renumbered(written(ANSWER, GOOD, BOTH))
    assert [one.numbers for one in shown.sentences] == [(1,), (2, 3)]
    assert [(one.number, one.quote) for one in shown.citations] == [
        (1, NUMBERS),
        (2, PEOPLE),
        (3, MONEY),
    ]


def test_doubts_are_told_in_words_and_verified_sentences_are_not_marked() -> None:
    html = text_html(turn(GOOD, WRONG, LOOSE).written or Written(ANSWER, ""), "turn-4", ZH)
    assert html.count("doubted") == 2
    assert _Elements(html).words.count("未核实：") == 2
    assert f'<span class="said">{GOOD.text[:-1]}' in html


@pytest.mark.parametrize("language", ["zh", "zh-Hant", "en"])
@pytest.mark.parametrize("doubt", Doubt)
def test_every_doubt_has_words_in_every_language(doubt: Doubt, language: str) -> None:
    question = {"zh": "有多少？", "zh-Hant": "有多少個機構？", "en": "How many?"}[language]
    said = Written(replace(ANSWER, question=question), "m", (replace(WRONG, doubts=(doubt,)),))
    begins = {"zh": "（未核实：", "zh-Hant": "（未核實：", "en": " (unverified: "}[language]
    assert written_line(said).partition("[1]")[2].startswith(begins)


def test_who_wrote_it_stands_beside_the_switch() -> None:
    shown = turn(GOOD, WRONG).written
    assert shown is not None
    said = by_html(shown, is_own=False, texts=ZH)
    assert "qwen2.5:7b" in said
    assert "2 句中 1 句已核对" in said
    pressed = 'data-way="written" aria-pressed="true"'
    assert pressed in said
    assert pressed not in by_html(shown, is_own=True, texts=ZH)


def test_copied_words_have_numbers_doubts_places_and_their_author() -> None:
    shown = turn(GOOD, WRONG).written
    assert shown is not None
    copied = unescape(copy_html(shown, ZH))
    assert f"{GOOD.text}[1]{WRONG.text}[2]（未核实：" in copied
    assert "[1] 《题》，报.txt，字符 3–15" in copied
    assert "由 qwen2.5:7b 根据 3" in copied


def test_what_a_model_writes_is_text() -> None:
    said = WrittenSentence(HOSTILE, (2,))
    shown = turn_html(turn(said, written=renumbered(written(ANSWER, said, model=HOSTILE))), ZH)
    found = _Elements(shown)
    assert {"img", "script", "strong", "a"}.isdisjoint(found.names)
    assert found.words.count(undirected(HOSTILE)) == 2
    assert not set("\u202e\u2066") & set(shown)


@given(st.text(alphabet=st.sampled_from("ab中\u202a\u202e\u2066\u2069\u200f\u061c\u200d")))
def test_nothing_turns_the_order_of_text(text: str) -> None:
    left = undirected(text)
    assert left == "".join(one for one in text if one in "ab中\u200d")


def test_a_text_of_which_nothing_is_verified_says_so_above_the_documents_own() -> None:
    none, some = turn(WRONG).written, turn(WRONG, GOOD).written
    assert none is not None
    assert some is not None
    assert "没有一句" in text_html(none, "turn-4", ZH)
    assert WRONG.text[:-1] in text_html(none, "turn-4", ZH)
    assert "unwritten" not in text_html(some, "turn-4", ZH)


# ---- what the browser keeps ----


def test_a_written_answer_is_kept_and_read_back_as_it_was() -> None:
    for is_own in (False, True):
        said = turn(GOOD, WRONG, LOOSE, is_own=is_own)
        kept = json.loads(json.dumps(record(said)))
        (read,) = turns_from([kept], a_bot())
        assert turn_html(read, ZH) == turn_html(said, ZH)
        assert kept == json.loads(json.dumps(record(read)))


def test_an_answer_of_before_is_still_read() -> None:
    kept = record(AskedTurn(4, ASKED, ANSWER))
    assert kept is not None
    assert {"written", "shown"}.isdisjoint(kept)
    (read,) = turns_from([kept], a_bot())
    assert read.written is None
    assert 'data-shown="own"' in turn_html(read, ZH)


@pytest.mark.parametrize(
    "changes",
    [
        {"form": WRITTEN_FORM + 1},
        {"form": None},
        {"sentences": 7},
        {"sentences": [{"text": "x"}]},
        {"sentences": [{"text": "x", "numbers": [1], "doubts": ["?"]}]},
        {"citations": [{}]},
        {"failure": "bad luck"},
        {"count": "many"},
        {"passages": None},
    ],
)
def test_what_is_no_written_text_leaves_the_answer(changes: dict[str, Any]) -> None:
    kept = json.loads(json.dumps(record(turn(GOOD))))
    kept["written"] |= changes
    (read,) = turns_from([kept], a_bot())
    assert read.written is None
    assert read.outcome == replace(ANSWER, nearest=ANSWER.nearest[:3])


def test_a_written_text_beside_a_refusal_is_not_believed() -> None:
    kept = json.loads(json.dumps(record(turn(GOOD))))
    kept["answer"] |= {"answered": False, "reason": "not_in_documents"}
    (read,) = turns_from([kept], a_bot())
    assert read.written is None


def test_a_count_of_verified_sentences_is_not_believed() -> None:
    kept = json.loads(json.dumps(record(turn(GOOD, WRONG))))
    kept["written"] |= {"count": 1, "verified": 9, "model": "\u202em"}
    (read,) = turns_from([kept], a_bot())
    assert read.written is not None
    assert (read.written.count, read.written.verified, read.written.model) == (2, 1, "m")


def test_a_citation_of_a_written_text_that_does_not_stand_there_is_marked() -> None:
    kept = json.loads(json.dumps(record(turn(GOOD))))
    kept["written"]["citations"][0]["quote"] = "天桥区有企业900余家。"
    (read,) = turns_from([kept], a_bot())
    assert read.is_changed


def test_a_number_without_a_citation_opens_nothing() -> None:
    kept = json.loads(json.dumps(record(turn(GOOD))))
    kept["written"]["sentences"][0]["numbers"] = [9]
    (read,) = turns_from([kept], a_bot())
    assert read.written is not None
    assert 'class="cite"' not in text_html(read.written, "turn-4", ZH)


# ---- exports ----


def test_exports_hold_both_texts_with_marks_citations_and_the_author() -> None:
    talk = (turn(GOOD, WRONG),)
    markdown = to_markdown(talk, "谈", ZH).replace("\\", "")
    page = to_html(talk, "谈", ZH)
    for text in (markdown, page):
        assert text.index(GOOD.text) < text.index("### 文档原句" if text is markdown else "<h3>")
        assert "qwen2.5:7b" in text
        assert "未核实：" in text
        assert text.count(NUMBERS) == 3
        assert MONEY in text
    assert f"> {MONEY}" in markdown
    assert '<span class="doubted">' in page


def test_exports_of_hostile_words_are_text() -> None:
    said = WrittenSentence(HOSTILE, (2,), (Doubt.UNSUPPORTED,))
    talk = (turn(said, written=renumbered(written(ANSWER, said, model="<b>m</b>"))),)
    names = _Elements(to_html(talk, "谈", ZH).partition("<h1>")[2]).names
    assert {"img", "script", "a", "b"}.isdisjoint(names)
    markdown = to_markdown(talk, "谈", EN)
    assert "<img" not in markdown.replace("\\<img", "")
    assert "](java" not in markdown.replace("\\](", "").replace("\\]\\(", "")


def test_a_failure_is_not_exported() -> None:
    failed = AskedTurn(4, ASKED, ANSWER, written=Written(ANSWER, "m", failure=Failure.EMPTY))
    plain = AskedTurn(4, ASKED, ANSWER)
    assert to_markdown((failed,), "谈", ZH) == to_markdown((plain,), "谈", ZH)
    assert to_html((failed,), "谈", ZH) == to_html((plain,), "谈", ZH)


def test_a_model_name_is_no_markup() -> None:
    assert "&lt;b&gt;" in dock_html((), ZH, "<b>\u202e")
    assert "\u202e" not in dock_html((), ZH, "<b>\u202e")


def test_an_answer_has_one_extractive_text_whatever_was_written() -> None:
    outcome = turn(GOOD).outcome
    assert isinstance(outcome, Answer)
    assert outcome.text == NUMBERS
