"""The page's parts without a browser: HTML, conversations, addresses, and what it refuses."""

from __future__ import annotations

import asyncio
import base64
import html
import json
import random
import re
import socket
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from embeddings.errors import IndexMissingError, QuestionError, SettingError
from embeddings.records import Span
from qa.addresses import is_known_host
from qa.attempts import MOST
from qa.bot import Bot
from qa.conversation import Turn
from qa.page.answer_card import conversation_html
from qa.page.ask_view import AskView
from qa.page.chat import running, serve
from qa.page.examples import example_questions
from qa.page.frame import ASSETS, asset, dock_html, header_html
from qa.page.guard import Guard, Message, Receive, Scope, Send
from qa.page.handlers import Page
from qa.page.markup import Markup, element, escape, join
from qa.page.options import Options
from qa.page.originals import Age, Opened, Originals
from qa.page.places import quoted
from qa.page.references import (
    NEAREST_SHOWN,
    Reference,
    citation_references,
    passage_references,
    reference_data,
    reference_from,
)
from qa.page.source_panel import original_text, panel_html, windows
from qa.page.stored import answer_from_json, history_from, record, turns_from
from qa.page.texts import TEXTS, Language, ReplyLanguage, reply_language, size
from qa.page.turns import HISTORY_TURNS, AskedTurn, Failure, asked
from qa.page.views import Part, Patch, Reply, Visit
from qa.records import Answer, OriginalDocument, Reason
from tests.browser.scripted import ScriptedBot, answer, cite, document, hit, refusal

ZH, EN = TEXTS[Language.ZH], TEXTS[Language.EN]

PARTS = [*"问据。\n\r 　\t<>&\"'`$x{}a𠮷", "\n\n\n\n\n", "\r\n \r\n　\n\n"]


class _Reader(HTMLParser):
    """Collects the text of a document, and of its marks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.marked: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "mark":
            self.marked.append("")

    def handle_endtag(self, tag: str) -> None:
        while self.tags and self.tags.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.text += data
        if "mark" in self.tags:
            self.marked[-1] += data


def read(markup: str) -> _Reader:
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return reader


# ---- markup ----


def test_plain_strings_are_escaped_and_markup_is_not() -> None:
    assert escape("<b>\"'&\r\n") == "&lt;b&gt;&quot;&#x27;&amp;&#13;\n"
    inner = element("b", "<问>")
    assert element("p", inner, "&") == "<p><b>&lt;问&gt;</b>&amp;</p>"
    assert join([inner, "<"]) == Markup("<b>&lt;问&gt;</b>&lt;")


def test_attributes_are_escaped_and_named() -> None:
    made = element("a", class_="x", data_copy='"<', disabled=True, hidden=False, title=None)
    assert made == '<a class="x" data-copy="&quot;&lt;" disabled></a>'


# ---- the original ----


@pytest.mark.parametrize("seed", range(30))
def test_every_character_of_the_original_stays_and_marks_are_the_quotes(seed: int) -> None:
    chance = random.Random(seed)
    text = "".join(chance.choices(PARTS, k=400))[:400]
    edges = sorted(chance.sample(range(1, 400), 6))
    spans = [Span(edges[0], edges[1]), Span(edges[2], edges[3]), Span(edges[4], edges[5])]
    original = document("随机.txt", text, page_starts=(0, edges[1], chance.randrange(400)))
    made = read(original_text(original, Span(0, 400), spans, ZH))
    assert made.text == text
    quotes = "".join(span.of(text) for span in spans)
    assert "".join(made.marked) == quotes


def test_long_runs_of_blank_lines_are_wrapped_and_short_ones_are_not() -> None:
    original = document("空.txt", "一\n\n\n\n二\n\n\n三\r\n \r\n　\r\n\r\n四")
    made = original_text(original, Span(0, len(original.text)), [Span(0, 1)], ZH)
    assert re.findall(r'<span class="blank">([^<]*)</span>', made) == [
        "\n\n\n\n",
        "&#13;\n &#13;\n　&#13;\n&#13;\n",
    ]


def test_pages_are_named_where_they_begin() -> None:
    original = document("书.pdf", "一页二页三页", page_starts=(0, 2, 4))
    made = original_text(original, Span(1, 6), [Span(1, 5)], ZH)
    assert made == (
        "<mark>页</mark>"
        '<span class="page-start" data-label="第 2 页"></span><mark>二页</mark>'
        '<span class="page-start" data-label="第 3 页"></span><mark>三</mark>页'
    )


@pytest.mark.parametrize(
    ("length", "spans", "expected"),
    [
        (50, [Span(10, 20)], [Span(0, 50)]),
        (1000, [Span(500, 510)], [Span(400, 610)]),
        (1000, [Span(900, 910), Span(100, 110)], [Span(0, 210), Span(800, 1000)]),
        (1000, [Span(300, 310), Span(500, 520)], [Span(200, 620)]),
        (1000, [Span(300, 310), Span(510, 520)], [Span(200, 620)]),
        (1000, [Span(300, 310), Span(511, 520)], [Span(200, 410), Span(411, 620)]),
    ],
)
def test_windows(length: int, spans: list[Span], expected: list[Span]) -> None:
    assert windows(length, spans, around=100) == expected


def opened(original: OriginalDocument | None, said: Answer, problem: str = "") -> Opened:
    reference = replace(citation_references(said, "turn-0")[0], count=2)
    return Opened(reference, original, problem=problem)


def test_panel_names_file_page_date_and_range() -> None:
    original = document("报/一.txt", "前言。答案。", title="题")
    citation = replace(cite(original, "答案。"), page=3, date="2021-06-16")
    made = read(panel_html(opened(original, answer("问", citation)), ZH))
    assert "报/一.txt · 第 3 页 · 2021-06-16 · 字符 3–6 · 原文" in made.text
    assert made.marked == ["答案。"]
    english = read(panel_html(opened(original, answer("问", citation)), EN)).text
    assert "报/一.txt · page 3 · 2021-06-16 · characters 3–6 · Original" in english


def test_panel_steps_are_open_only_where_there_is_something() -> None:
    original = document("一.txt", "甲。乙。")
    made = panel_html(opened(original, answer("问", cite(original, "甲。"))), ZH)
    back, on = re.findall(r'<button type="button" data-act="step"[^>]*>', made)
    assert 'data-number="0" disabled' in back
    assert 'data-number="2">' in on


def test_a_document_that_reads_differently_shows_the_stored_words() -> None:
    original = document("一.txt", "甲。乙。")
    said = answer("问", cite(original, "乙。"))
    changed = replace(original, text="甲。丙。")
    shorter = replace(original, text="甲")
    for other in (changed, shorter):
        made = read(panel_html(opened(other, said), ZH))
        assert made.marked == ["乙。"]
        assert "原文打不开" in made.text
        assert "丙" not in made.text


def test_a_document_that_is_gone_shows_the_stored_words_and_why() -> None:
    original = document("一.txt", "甲。乙。")
    made = read(panel_html(opened(None, answer("问", cite(original, "乙。")), "It is gone"), EN))
    assert made.marked == ["乙。"]
    assert "The original cannot be opened; these are the words as they were cited. It is gone" in (
        made.text
    )


# ---- references ----


def test_pieces_that_share_a_number_are_one_reference() -> None:
    original = document("一.txt", "甲乙丙丁")
    said = answer("问", cite(original, "丙"), cite(original, "甲"), cite(original, "丁", number=2))
    first, second = citation_references(said)
    assert (first.number, first.spans, first.quotes) == (1, (Span(0, 1), Span(2, 3)), ("甲", "丙"))
    assert (second.number, second.spans, second.quotes) == (2, (Span(3, 4),), ("丁",))


def test_only_the_best_passages_are_offered() -> None:
    original = document("一.txt", "甲乙丙丁戊")
    offered = passage_references([hit(original, letter) for letter in "丙甲乙丁戊"])
    assert [item.text for item in offered] == list("丙甲乙丁戊")[:NEAREST_SHOWN]
    assert [item.number for item in offered] == list(range(1, NEAREST_SHOWN + 1))
    assert offered[0].document == original.id


def test_copied_words_name_their_place_in_both_languages() -> None:
    original = document("一.txt", "甲乙丙", title="题")
    citation = replace(cite(original, "乙丙"), page=2, date="2021-06-16")
    reference = citation_references(answer("问", citation))[0]
    assert quoted(reference, ZH) == "乙丙\n——《题》，一.txt，第 2 页，2021-06-16，字符 1–3"
    assert quoted(reference, EN) == "乙丙\n— “题”, 一.txt, page 2, 2021-06-16, characters 1–3"


# ---- cards ----


def card(said: Answer | Failure, question: str = "问？", english: bool = False) -> str:
    return conversation_html((AskedTurn(4, question, said),), EN if english else ZH)


def test_an_answer_shows_marks_numbers_and_sources() -> None:
    original = document("一.txt", "有100家。有3万人。", title="题")
    said = answer(
        "问？", cite(original, "有100家。"), cite(original, "有3万人。", 2), marked="100家"
    )
    made = card(said)
    assert '有<strong class="answering">100家</strong>。<sup><button' in made
    opening = re.findall(r'class="cite" data-act="open" data-reference="([^"]*)"[^>]*>(\d)<', made)
    references = [reference_from(html.unescape(data)) for data, _ in opening]
    assert [(one.group, one.number, one.count) for one in references] == [
        ("turn-4", 1, 2),
        ("turn-4", 2, 2),
    ]
    assert [one.quotes for one in references] == [("有100家。",), ("有3万人。",)]
    assert [number for _, number in opening] == ["1", "2"]
    assert 'aria-label="出处 1：题"' in made
    sources = re.search(r'<ul class="sources".*?</ul>', made)
    assert sources is not None
    assert read(sources.group()).text == "12题一.txt"
    assert "understood" not in made


def test_sources_of_different_articles_stand_on_lines_of_their_own() -> None:
    original = document("一.txt", "甲乙")
    said = answer("问？", cite(original, "甲", 1, "头"), cite(original, "乙", 2, "尾"))
    assert card(said).count('<li><button type="button" class="number"') == 2


def test_a_completed_question_is_shown() -> None:
    original = document("一.txt", "甲")
    made = card(answer("天桥区的人员呢？", cite(original, "甲")), "那人员呢？")
    assert "按此理解：天桥区的人员呢？" in read(made).text
    assert 'data-act="edit" data-number="4" data-question="天桥区的人员呢？"' in made


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize(
    ("question", "language"), [("谁？", "zh"), ("誰說？", "zh-Hant"), ("Who?", "en")]
)
def test_no_answer_is_told_in_the_questions_language(
    reason: Reason, question: str, language: str
) -> None:
    traditional, chinese = re.compile("[裡換檔說點開]"), re.compile("[\u4e00-\u9fff]")
    made = read(card(refusal(question, reason=reason), question)).text.removeprefix(question)
    made = made.partition(ZH.retry)[0]  # buttons speak the page's language
    assert bool(chinese.search(made)) == (language != "en")
    assert bool(traditional.search(made)) == (language == "zh-Hant")
    assert not made.rstrip().endswith(("：", ":"))


def test_a_failure_is_its_sentence_and_nothing_of_the_card_of_an_answer() -> None:
    made = card(Failure("The <index> is gone; build it"))
    assert "The &lt;index&gt; is gone; build it" in made
    assert 'role="alert"' in made
    assert "The program failed" in card(Failure(), "", english=True)


def test_before_the_first_question_the_page_says_what_it_is_for() -> None:
    assert "就你的文档提问" in conversation_html((), ZH)
    assert "Ask your documents" in conversation_html((), EN)


def test_hostile_words_are_text_everywhere() -> None:
    nasty = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"`${1}{{2}}"
    original = document(nasty, nasty, title=nasty)
    said = replace(
        answer(nasty, cite(original, nasty), marked="<img", nearest=[hit(original, nasty)]),
        question=nasty + "？",
    )
    bot = ScriptedBot({original.id: original}, {nasty: said})
    options = Options(title=nasty, welcome=nasty)
    page, view = Page(bot, options), AskView(bot)
    parts = [*acted(view, "ask", {"question": nasty, "number": 0})]
    drawn = [part.html for part in parts if isinstance(part, Patch)]
    assert len(drawn) == 2
    made = "".join([*drawn, page.frame(page.visit("zh")), dock_html([nasty], ZH)])
    assert nasty in html.unescape(made)
    assert not {"script", "img"} & set(re.findall(r"<([a-z0-9]+)", made))
    assert not re.search(r"<[^>]*\son\w+=", re.sub(r'"[^"]*"', '""', made))


# ---- words ----


def test_the_language_of_a_reply() -> None:
    assert [reply_language(q) for q in ("有几家？", "有幾家？", "How many?", "?")] == [
        ReplyLanguage.SIMPLIFIED,
        ReplyLanguage.TRADITIONAL,
        ReplyLanguage.ENGLISH,
        ReplyLanguage.ENGLISH,
    ]


def test_the_size_of_the_index() -> None:
    assert size(ZH, 5, 1260) == "5 份文档 · 1,260 段 · 本机运行"
    assert size(EN, 1, 1) == "1 document · 1 passage · on this machine"


def test_the_page_speaks_what_was_chosen_then_what_was_set_then_the_browsers_language() -> None:
    bot = ScriptedBot({}, {})
    page, english = Page(bot), Page(bot, Options(language=Language.EN))
    assert page.texts("en", "zh-CN") is EN
    assert page.texts(None, "zh-TW,en;q=0.8") is ZH
    assert page.texts(None, "de,zh;q=0.8") is EN
    assert page.texts("klingon", None) is ZH
    assert english.texts(None, "zh-CN") is EN


def test_a_title_of_ones_own() -> None:
    facts = ScriptedBot({}, {}).info()
    assert '<span class="logo">问<span>据</span></span>' in header_html("问据", facts, ZH)
    assert '<span class="logo">A &amp; B</span>' in header_html("A & B", facts, EN)


def test_the_header_says_when_an_older_generation_answers() -> None:
    facts = ScriptedBot({}, {}).info()
    assert "pill older" not in header_html("问据", facts, ZH)
    older = replace(facts, warning="'text.db' of generation 000002 in '/srv/index' is damaged")
    assert ">最新的索引无法使用，现由上一版作答</span>" in header_html("问据", older, ZH)
    shown = header_html("问据", older, EN)
    assert ">The newest index cannot be used; an older one answers</span>" in shown
    assert "/srv/index" not in shown


# ---- conversations ----

VISIT = Visit(Language.ZH, ZH, Options())


def acted(view: AskView, name: str, data: dict[str, Any]) -> list[Part]:
    return list(view.act(name, data, VISIT))


def replied(view: AskView, name: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return what the script gets, as it gets it: through JSON."""
    replies = [part.data for part in acted(view, name, data) if isinstance(part, Reply)]
    found: dict[str, Any] = json.loads(json.dumps(replies[-1]))
    return found


def little() -> ScriptedBot:
    original = document("一.txt", "甲。乙")
    said = answer(
        "甲是什么？", cite(original, "甲。"), marked="甲", nearest=[hit(original, "乙")] * 5
    )
    return ScriptedBot({original.id: original}, {"甲？": said})


def test_an_answer_is_kept_by_the_browser_and_read_back_as_it_was() -> None:
    bot = little()
    kept = replied(AskView(bot), "ask", {"question": " 甲？ ", "number": 3})["record"]
    assert (kept["number"], kept["question"]) == (3, "甲？")
    said = bot.script["甲？"]
    assert isinstance(said, Answer)
    assert answer_from_json(kept["answer"]) == replace(said, nearest=said.nearest[:NEAREST_SHOWN])
    shown = turns_from([kept], bot)
    assert shown == (AskedTurn(3, "甲？", answer_from_json(kept["answer"]), is_changed=False),)


def test_a_turn_is_the_same_html_when_it_comes_back() -> None:
    view = AskView(little())
    first, reply, _ = acted(view, "ask", {"question": "甲？", "number": 3})
    assert isinstance(first, Patch)
    assert isinstance(reply, Reply)
    again = acted(view, "render", {"records": [reply.data["record"]]})
    assert isinstance(again[0], Patch)
    assert first.id == "turn-3"
    assert again[0].id == "conversation"
    assert (
        again[0].html == f'<article class="turn" id="turn-3" data-number="3">{first.html}</article>'
    )


@pytest.mark.parametrize(
    "forged",
    [
        {"quote": "丙。"},
        {"document": "二.txt"},
        {"start": 1, "end": 3},
    ],
)
def test_a_quote_that_does_not_stand_in_the_documents_is_marked(forged: dict[str, Any]) -> None:
    bot = little()
    kept = replied(AskView(bot), "ask", {"question": "甲？", "number": 0})["record"]
    kept["answer"]["citations"][0].update(forged)
    (turn,) = turns_from([kept], bot)
    assert turn.is_changed
    assert "引用的文件后来改过" in conversation_html([turn], ZH)


def test_a_sentence_that_is_not_its_quotes_is_marked() -> None:
    bot = little()
    kept = replied(AskView(bot), "ask", {"question": "甲？", "number": 0})["record"]
    for text, is_changed in (("甲。", False), ("甲 。", False), ("甲", False), ("甲不。", True)):
        kept["answer"]["sentences"][0].update(text=text, marks=[])
        assert turns_from([kept], bot)[0].is_changed == is_changed


@pytest.mark.parametrize(
    "records",
    [None, "x", {}, [None], [1], [{}], [{"number": "x", "question": "", "answer": {}}], [[]]],
)
def test_what_a_browser_sends_is_not_believed(records: Any) -> None:
    assert turns_from(records, little()) == ()


def test_marks_beyond_a_sentence_are_left_out() -> None:
    bot = little()
    kept = replied(AskView(bot), "ask", {"question": "甲？", "number": 0})["record"]
    kept["answer"]["sentences"][0]["marks"] = [[0, 1], [1, 99]]
    assert "<strong" in conversation_html(turns_from([kept], bot), ZH)


def test_history_is_what_was_answered_as_it_was_understood() -> None:
    bot = little()
    before = [{"question": f"问{at}", "answer": f"答{at}"} for at in range(12)]
    acted(AskView(bot), "ask", {"question": "甲？", "number": 12, "history": [*before, 7, None]})
    wanted = [Turn(f"问{at}", f"答{at}") for at in range(12 - HISTORY_TURNS, 12)]
    assert bot.asked[-1] == ("甲？", wanted)
    assert history_from("x") == []


def test_an_error_becomes_its_sentence_and_other_faults_do_not_hide() -> None:
    bot = ScriptedBot({}, {"a": IndexMissingError("No index"), "b": ZeroDivisionError()})
    turn = asked(bot, "a", 0, ())
    assert turn.outcome == Failure("No index", is_returned=True)
    assert record(turn) is None
    with pytest.raises(ZeroDivisionError):
        asked(bot, "b", 0, ())


def test_a_long_question_is_not_put_to_the_bot() -> None:
    bot = ScriptedBot({}, {})
    assert isinstance(asked(bot, "a" * 2_000, 0, ()).outcome, Answer)
    too_long = asked(bot, "a" * 2_001, 0, ()).outcome
    assert too_long == Failure(
        "The question has 2,001 characters; 2,000 are allowed. Shorten it and ask again.",
        is_returned=True,
    )
    assert len(bot.asked) == 1


def test_an_act_that_is_none_is_refused() -> None:
    with pytest.raises(QuestionError, match="no act 'fly' in 'ask'"):
        acted(AskView(little()), "fly", {})


def test_an_index_that_cannot_be_read_leaves_a_page_that_says_so_when_asked() -> None:
    class Gone(ScriptedBot):
        def info(self) -> Any:
            raise IndexMissingError("No index")

    bot = Gone({}, {"a": IndexMissingError("No index")})
    page = Page(bot)
    assert "pill size" not in page.frame(page.visit("zh"))
    assert page.state() == {"generation": None, "warning": False}
    assert AskView(bot).examples() == ()
    assert asked(bot, "a", 0, ()).outcome == Failure("No index", is_returned=True)


# ---- what is opened ----


def a_reference(original: OriginalDocument, quote: str, **changes: Any) -> Reference:
    citation = cite(original, quote)
    return replace(citation_references(answer("问", citation), "turn-7")[0], **changes)


def test_a_reference_travels_with_its_button() -> None:
    original = document("报/一'\".txt", "前言。答案。", title="<题>")
    for one in (
        a_reference(original, "答案。", page=3, date="2021-06-16", heading="节"),
        *passage_references([hit(original, "前言。")], "search"),
    ):
        assert reference_from(reference_data(one)) == one
        assert reference_from(json.loads(reference_data(one))) == one


@pytest.mark.parametrize(
    "data",
    [
        None,
        "",
        "[]",
        "{}",
        {"kind": "citation"},
        {**json.loads(reference_data(a_reference(document("a", "b"), "b"))), "spans": [[3, 1]]},
        {**json.loads(reference_data(a_reference(document("a", "b"), "b"))), "kind": "x"},
    ],
)
def test_what_is_no_reference_is_refused(data: Any) -> None:
    with pytest.raises(QuestionError, match="no place in a document"):
        reference_from(data)


def test_the_section_is_looked_up() -> None:
    original = document("一.txt", "甲。乙。")
    found = replace(hit(original, "乙。"), heading="第二节")
    bot = ScriptedBot({original.id: original}, {}, hits=[found])
    shown = Originals(bot).open(a_reference(original, "乙。"))
    assert shown.reference.heading == "第二节"
    assert '<p class="section">第二节</p>' in panel_html(shown, ZH)
    assert Originals(bot).open(a_reference(original, "甲。")).reference.heading == ""


def test_a_document_that_has_changed_opens_as_it_was() -> None:
    before = document("一.txt", "甲。乙。")
    now = replace(document("一.txt", "甲。丙。"), id="new")
    reference = a_reference(before, "乙。")
    bot = ScriptedBot({now.id: now}, {}, earlier={before.id: before})
    shown = Originals(bot).open(reference)
    assert (shown.document, shown.age) == (before, Age.CHANGED)
    made = read(panel_html(shown, ZH))
    assert made.marked == ["乙。"]
    assert "这个文件后来改过。 下面是回答时的版本。" in made.text
    assert "甲。乙。" in made.text


def test_a_document_whose_earlier_version_is_gone_shows_the_words() -> None:
    before = document("一.txt", "甲。乙。")
    now = replace(document("一.txt", "甲。丙。"), id="new")
    shown = Originals(ScriptedBot({now.id: now}, {})).open(a_reference(before, "乙。"))
    made = read(panel_html(shown, EN))
    assert made.marked == ["乙。"]
    assert "This file has changed since. That version is not kept" in made.text
    assert "丙" not in made.text


def test_a_document_that_was_removed_says_so() -> None:
    before = document("一.txt", "甲。乙。")
    bot = ScriptedBot({}, {}, earlier={before.id: before})
    shown = Originals(bot).open(a_reference(before, "乙。"))
    assert shown.age is Age.REMOVED
    assert "这个文件已不在文档里。" in read(panel_html(shown, ZH)).text


# ---- examples ----


def test_examples_are_made_from_headlines_and_names_of_any_corpus(bot: Bot) -> None:
    class Sure(ScriptedBot):
        def ask(self, question: str, history: Any = (), sources: Any = None) -> Answer:
            self.asked.append((question, []))
            return answer(question, cite(original, original.text))

    original = document(
        "a.txt",
        "建立“2+X”服务机制,园区党工委领导分片包挂企业联盟,每月实地调研督导,党建指导员联系企业。",
        "点燃“引擎”",
    )
    english = document("b.txt", 'The "Blue Harbour" programme began in May. ' * 2, "Harbour news")
    sure = Sure(
        {"a": original, "b": english},
        {},
        hits=[hit(original, original.text), hit(english, english.text)],
    )
    assert example_questions(sure, 3) == (
        "“2+X”服务机制是什么？",
        "What is “Blue Harbour”?",
        "《点燃“引擎”》讲了什么？",
    )
    assert len(sure.asked) == 3
    assert all(bot.ask(question).answered for question in example_questions(bot))


@pytest.mark.parametrize(
    ("text", "wanted", "said"),
    [
        ("天桥区拥有直播电商企业100余家、从业人员近千人。", "直播电商企业有多少家？", "100余家"),
        ("濟陽區引進了博士學歷人才２１人。", "博士學歷人才有多少人？", "２１人"),
        ("濟陽區引進了博士學歷人才21人。", "博士學歷人才有多少人？", "21人"),
        (
            "The programme trained 120 young volunteers.",
            "How many young volunteers are there?",
            "120",
        ),
        ("天桥区拥有企业很多家。", None, ""),
    ],
)
def test_examples_ask_for_what_is_counted_where_the_number_is_the_answer(
    text: str, wanted: str | None, said: str
) -> None:
    original = document("a.txt", text, "题")

    class Counting(ScriptedBot):
        def ask(self, question: str, history: Any = (), sources: Any = None) -> Answer:
            return answer(question, cite(original, original.text), marked=self.script_mark)

        script_mark = said

    bot = Counting({"a": original}, {}, hits=[hit(original, original.text)])
    assert example_questions(bot) == (() if wanted is None else (wanted,))
    bot.script_mark = text[:2]
    assert example_questions(bot) == ()


def test_examples_are_made_once_for_an_index() -> None:
    bot = little()
    view = AskView(bot)
    assert view.examples() == view.examples() == ()
    before = len(bot.asked)
    view.examples()
    assert len(bot.asked) == before


# ---- addresses ----


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("192.168.1.7", True),
        ("::1", True),
        ("wenju.example", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
    ],
)
def test_known_hosts(name: str, known: bool) -> None:
    assert is_known_host(name, "wenju.example") is known


async def inside(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands for the page behind the guard."""
    await send({"type": "http.response.start", "status": 200, "headers": []})


def status(
    path: str = "/",
    method: str = "GET",
    auth: str | None = None,
    guard: Guard | None = None,
    **headers: str,
) -> int:
    """Return the status that the guard gives to a request; 200 where it lets it through."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        sent.append(message)

    given = {"host": "127.0.0.1:7860", **{k.replace("_", "-"): v for k, v in headers.items()}}
    scope = {
        "type": "http",
        "path": path,
        "method": method,
        "headers": [(key.encode(), value.encode()) for key, value in given.items()],
    }
    guard = guard or Guard(inside, "127.0.0.1", "secret", auth)
    asyncio.run(guard(scope, receive, send))
    names = [name for name, _ in sent[0]["headers"]]
    assert (b"content-security-policy" in names) == (sent[0]["status"] == 200)
    return int(sent[0]["status"])


def test_the_guard_lets_only_this_page_through() -> None:
    assert status() == 200
    assert status("/gradio_api/queue/join", origin="http://127.0.0.1:7860") == 200
    assert status("/gradio_api/queue/join", origin="http://127.0.0.1:7861") == 403
    assert status("/gradio_api/queue/join", origin="http://evil.example") == 403
    assert status("/gradio_api/queue/join", origin="null") == 403
    assert status("/gradio_api/queue/data", sec_fetch_site="cross-site") == 403
    assert status("/", sec_fetch_site="cross-site") == 200
    assert status(host="evil.example:7860") == 403
    assert status(host="localhost:7860") == 200


def test_whatever_writes_wants_the_token_of_this_process() -> None:
    act = "/wenju/act/ask/ask"
    assert status(act, "POST") == 403
    assert status(act, "POST", x_wenju_token="") == 403
    assert status(act, "POST", x_wenju_token="Secret") == 403
    assert status(act, "POST", x_wenju_token="secret\u00e9") == 403
    assert status(act, "POST", x_wenju_token="secret") == 200
    assert status(act, "POST", x_wenju_token="secret", origin="http://evil.example") == 403
    assert status("/wenju/documents/upload", "PUT") == 403
    assert status("/wenju/documents/file", "DELETE") == 403
    assert status("/wenju/state") == 200
    assert status("/wenju/state", sec_fetch_site="cross-site") == 403
    assert status("/wenju/") == 404


def test_a_name_and_a_password_are_asked_for_where_they_are_wanted() -> None:
    def given(pair: str) -> str:
        return "Basic " + base64.b64encode(pair.encode()).decode()

    assert status(auth="用户:密:码") == 401
    assert status(auth="用户:密:码", authorization=given("用户:密")) == 401
    assert status(auth="用户:密:码", authorization="Basic ???") == 401
    assert status(auth="用户:密:码", authorization="Bearer x") == 401
    assert status(auth="用户:密:码", authorization=given("用户:密:码")) == 200
    assert status("/wenju/act/ask/ask", "POST", "a:b", authorization=given("a:b")) == 403


def test_guessing_the_password_is_slowed_down() -> None:
    guard = Guard(inside, "127.0.0.1", "secret", "a:b")

    def given(pair: str) -> int:
        encoded = base64.b64encode(pair.encode()).decode()
        return status(guard=guard, authorization=f"Basic {encoded}")

    assert given("a:b") == 200
    for number in range(MOST):
        assert status(guard=guard) == 401
        assert given(f"a:{number}") == 401
    assert given("a:b") == 429


def test_other_machines_need_a_name_and_a_password() -> None:
    with pytest.raises(SettingError, match="'0.0.0.0' opens the page to other machines"):
        serve(ScriptedBot({}, {}), "0.0.0.0", 0)


@pytest.mark.parametrize("auth", ["", "name", "name:", ":word"])
def test_a_name_without_a_password_is_refused(auth: str) -> None:
    with pytest.raises(SettingError, match="wenju chat --auth USER:PASSWORD"):
        serve(ScriptedBot({}, {}), port=0, auth=auth)


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/proxy=http://example.com",
        "/gradio_api/vibe-edit/",
        "/gradio_api/run-history/connect",
        "/gradio_api/component_server",
        "/monitoring",
        "/login",
        "/docs",
    ],
)
def test_routes_that_the_page_does_not_use_are_closed(path: str) -> None:
    assert status(path) == 404


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            SettingError,
            match=rf"Port {port} on 127\.0\.0\.1 is in use; stop .* wenju chat --port {port + 1}",
        ):
            serve(ScriptedBot({}, {}), port=port)


@pytest.mark.parametrize(
    ("host", "port", "sentence"),
    [
        ("127.0.0.1", 70_000, "Port 70000 is not between 0 and 65535; .* wenju chat --port"),
        ("127.0.0.1", -1, "Port -1 is not between 0 and 65535"),
        ("192.0.2.1", 7860, r"Cannot listen on 192\.0\.2\.1 port 7860 .* wenju chat --host 127"),
        ("no such host", 7860, "Cannot listen on no such host port 7860"),
    ],
)
def test_an_address_that_is_none_is_one_sentence(host: str, port: int, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        serve(ScriptedBot({}, {}), host, port, auth="a:b")


def get(address: str, **headers: str) -> str:
    request = urllib.request.Request(address, headers=headers)
    with urllib.request.urlopen(request) as response:
        return str(response.read().decode())


def test_asking_is_the_only_endpoint_for_programs() -> None:
    bot = little()
    with running(bot) as address:
        info = json.loads(get(f"{address}/gradio_api/info"))
        assert list(info["named_endpoints"]) == ["/ask"]
        assert info["unnamed_endpoints"] == {}
        config = json.loads(get(f"{address}/config"))
        assert (config["run_history"], config["footer_links"]) == (False, [])
        assert config["analytics_enabled"] is False
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(f"{address}/gradio_api/file=pyproject.toml")


@pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets")
def test_a_program_asks_and_gets_the_answer_as_json() -> None:
    from gradio_client import Client

    bot = little()
    with running(bot) as address:
        client = Client(address, verbose=False)
        said = client.predict("甲？", ["乙？"], None, api_name="/ask")
        assert (said["answered"], said["text"], said["citations"][0]["quote"]) == (
            True,
            "甲。",
            "甲。",
        )
        assert bot.asked[-1] == ("甲？", ["乙？"])
        client.close()


# ---- looks ----


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2, 1.4.3)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        *((ink, paper) for ink in ("ink", "mute") for paper in ("paper", "ground", "tint")),
        ("ink", "mark"),
        ("accent", "paper"),
        ("accent", "tint"),
        ("accent-ink", "accent"),
        ("warn", "paper"),
    ],
)
def test_every_colour_can_be_read(theme: int, ink: str, paper: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", asset("page.css"), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", blocks[theme]))
    assert contrast(colours[ink], colours[paper]) >= 4.5


def test_assets_ask_for_nothing_from_elsewhere() -> None:
    for name in (path.name for path in ASSETS.iterdir()):
        addresses = re.findall(r"(?:https?:)?//[\w.]+|@import|url\(", asset(name))
        assert set(addresses) <= {"http://www.w3.org"}, name


def test_who_stops_listening_leaves_no_task() -> None:
    async def inside(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(5):
            with suppress(TimeoutError):
                await asyncio.wait_for(receive(), 0.01)

    async def never(*_: Any) -> Any:
        await asyncio.Event().wait()

    async def serve() -> int:
        guard = Guard(inside, "127.0.0.1")
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"127.0.0.1")]}
        await guard(scope, never, never)
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert asyncio.run(serve()) == 1
