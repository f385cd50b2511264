"""The search without a browser: what is marked, what bars say, what is sent by a browser."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.errors import QuestionError
from embeddings.lexical import search_form
from embeddings.records import Span
from qa.bot import Bot
from qa.page.matched import matched
from qa.page.search_view import MOST, SHOWN, SearchView
from qa.page.texts import Language
from qa.records import Hit, Place, Signals
from tests.browser.scripted import ScriptedBot, document, hit
from tests.qa.page_views import Read, acted, patched, visit

PAGE = document(
    "报.txt", "<b>天桥区</b>有21家企业。\n高新区组建8个党建联盟。\n济阳区走访企业。", "标题&题"
)


def found(text: str, dense: float, bm25: float, *words: str, sentence: float = 0.0) -> Hit:
    return replace(hit(PAGE, text), signals=Signals(dense, sentence, bm25, words))


HITS = [
    found("<b>天桥区</b>有21家企业。", 0.9, 8.0, "天桥", "企业"),
    found("高新区组建8个党建联盟。", 0.8, 2.0, "党建"),
    found("济阳区走访企业。", 0.7, 0.0),
]


@pytest.fixture
def view() -> SearchView:
    return SearchView(ScriptedBot({PAGE.id: PAGE}, {}, hits=HITS))


class TestMatched:
    @pytest.mark.parametrize(
        ("text", "words", "marks"),
        [
            ("天桥区有企业，天桥好", ["天桥"], ["天桥", "天桥"]),
            ("濟陽區走訪企業", ["济阳", "企业"], ["濟陽", "企業"]),
            ("ＡＩ与ai", ["ai"], ["ＡＩ", "ai"]),
            ("直播电商企业", ["电商", "直播", "企业"], ["直播电商企业"]),
            ("党建联盟", ["党建联", "建联盟"], ["党建联盟"]),
            ("第１２期", ["12"], ["１２"]),
            ("party art", ["art"], ["art"]),
            ("15亿与5亿", ["5"], ["5"]),
            ("5年", ["5"], ["5"]),
            ("没有", ["", "无"], []),
        ],
    )
    def test_it_marks_what_the_text_writes(
        self, text: str, words: list[str], marks: list[str]
    ) -> None:
        assert [span.of(text) for span in matched(text, words)] == marks

    @given(st.text("天桥区abＡ1２İß　 ", max_size=30), st.lists(st.text("天桥ab12", max_size=3)))
    def test_marks_rise_and_say_the_words(self, text: str, words: list[str]) -> None:
        spans = matched(text, words)
        assert all(span.start < span.end <= len(text) for span in spans)
        assert all(a.end < b.start for a, b in pairwise(spans))
        for span in spans:
            form = "".join(search_form(character) for character in span.of(text))
            assert any(word and word in form for word in words)


class TestResults:
    def test_words_are_marked_and_text_is_escaped(self, view: SearchView) -> None:
        html = patched(acted(view, "find", {"query": "企业"}), "search-found")
        read = Read(html)
        assert read.named("b") == [{}] * 3, "only the titles are bold"
        assert "<b>天桥区</b>有21家企业。" in read.text
        assert "<mark>天桥</mark>" in html
        assert "<mark>企业</mark>" in html
        assert html.count("<mark>") == 3

    def test_the_best_has_full_bars_and_none_in_common_an_empty_one(self, view: SearchView) -> None:
        read = Read(patched(acted(view, "find", {"query": "企业"}), "search-found"))
        bars = [about["style"] for about in read.named("span") if "style" in about]
        assert bars == [
            "width:100%", "width:100%", "width:50%", "width:25%", "width:4%", "width:0%",
        ]  # fmt: skip
        hints = [about["aria-label"] for about in read.named("span", "meter")]
        assert "余弦 0.90" in str(hints[0])
        assert "BM25 8.0" in str(hints[1])
        assert hints[5] == "没有相同的字词，只是意思相近"

    def test_a_sentence_counts_where_it_is_nearer_than_its_passage(self) -> None:
        near = [found("济阳区走访企业。", 0.5, 0.0, sentence=0.95), HITS[0]]
        view = SearchView(ScriptedBot({PAGE.id: PAGE}, {}, hits=near))
        html = patched(acted(view, "find", {"query": "?"}), "search-found")
        assert "余弦 0.95" in html
        assert html.index("width:100%") < html.index("width:4%")

    def test_a_click_opens_the_place_and_steps_through_all(self, view: SearchView) -> None:
        read = Read(patched(acted(view, "find", {"query": "企业"}), "search-found"))
        opened = [json.loads(str(one["data-reference"])) for one in read.named("button", "place")]
        assert [(one["number"], one["count"], one["group"]) for one in opened] == [
            (1, 3, "search"), (2, 3, "search"), (3, 3, "search"),
        ]  # fmt: skip
        assert [PAGE.text[start:end] for one in opened for start, end in one["spans"]] == [
            one.text for one in HITS
        ]

    def test_further_files_with_the_same_text_are_named(self) -> None:
        places = tuple(Place("d", f"{n}.txt", (Span(0, 1),)) for n in "甲乙丙丁")
        view = SearchView(
            ScriptedBot({PAGE.id: PAGE}, {}, hits=[replace(HITS[0], places=places[:2])])
        )
        assert "同样的文字还见于 甲.txt、乙.txt" in patched(
            acted(view, "find", {"query": "?"}), "search-found"
        )
        view = SearchView(ScriptedBot({PAGE.id: PAGE}, {}, hits=[replace(HITS[0], places=places)]))
        html = patched(acted(view, "find", {"query": "?"}, Language.EN), "search-found")
        assert "甲.txt, 乙.txt, 丙.txt and others, 4 files in all" in html

    def test_about_names_the_file_to_ask(self, view: SearchView) -> None:
        for language, said in ((Language.ZH, "只问 报.txt"), (Language.EN, "Ask 报.txt only")):
            read = Read(patched(acted(view, "find", {"query": "?"}, language), "search-found"))
            abouts = [one for _, one in read.tags if one.get("data-act") == "about"]
            assert [(one["data-source"], one["title"]) for one in abouts] == [("报.txt", said)] * 3

    def test_more_are_shown_on_demand(self) -> None:
        many = [HITS[at % 3] for at in range(MOST)]
        view = SearchView(ScriptedBot({PAGE.id: PAGE}, {}, hits=many))
        read = Read(patched(acted(view, "find", {"query": "?"}), "search-found"))
        assert len(read.named("li", "found")) == SHOWN
        (more,) = read.named("button", "more")
        assert more["data-count"] == str(2 * SHOWN)
        data = {"query": "?", "count": MOST}
        read = Read(patched(acted(view, "find", data), "search-found"))
        assert len(read.named("li", "found")) == MOST
        assert read.named("button", "more") == []


class TestWhatIsSent:
    @pytest.mark.parametrize("query", ["", " \n", None])
    def test_nothing_to_look_for(self, view: SearchView, query: Any) -> None:
        html = patched(
            acted(view, "find", {"query": query} if query is not None else {}), "search-found"
        )
        assert Read(html).named("li", "found") == []
        assert "再点“查找”" in html

    def test_nothing_is_found(self) -> None:
        view = SearchView(ScriptedBot({PAGE.id: PAGE}, {}))
        assert "没有找到相关段落" in patched(acted(view, "find", {"query": "?"}), "search-found")
        data = {"query": "?", "source": "报.txt"}
        assert "放宽筛选" in patched(acted(view, "find", data), "search-found")

    @pytest.mark.parametrize("source", ["天桥.txt", ["天桥.txt"]])
    def test_files_limit_it(self, bot: Bot, source: Any) -> None:
        data = {"query": "企业", "source": source}
        read = Read(patched(acted(SearchView(bot), "find", data), "search-found"))
        opened = [json.loads(str(one["data-reference"])) for one in read.named("button", "place")]
        assert {one["source"] for one in opened} == {"天桥.txt"}

    def test_a_real_bot_says_why(self, bot: Bot) -> None:
        read = Read(
            patched(acted(SearchView(bot), "find", {"query": "天桥区企业"}), "search-found")
        )
        assert "天桥区建立4个产业链党组织,覆盖21家企业。" in read.text
        assert len(read.named("mark")) > 2

    @pytest.mark.parametrize(
        ("dates", "said"),
        [
            ({"since": "昨天"}, "no day of the calendar"),
            ({"since": "2022-01-02", "until": "2022-01-01"}, "2022"),
        ],
    )
    def test_dates_that_are_none(self, bot: Bot, dates: dict[str, str], said: str) -> None:
        with pytest.raises(QuestionError, match=said):
            acted(SearchView(bot), "find", {"query": "企业", **dates})

    @pytest.mark.parametrize("count", ["-1", "x", "", None, 10**9, "٣"])
    def test_a_count_that_is_none(self, view: SearchView, count: Any) -> None:
        html = patched(acted(view, "find", {"query": "企业", "count": count}), "search-found")
        assert len(Read(html).named("li", "found")) == 3

    def test_an_unknown_act(self, view: SearchView) -> None:
        with pytest.raises(QuestionError, match="no act 'drop' in 'search'"):
            acted(view, "drop", {})


def test_the_form_lists_the_files_and_escapes_them() -> None:
    odd = document('"><img src=x>.txt', "x")
    read = Read(SearchView(ScriptedBot({odd.id: odd}, {})).show(visit()))
    (box,) = (one for one in read.named("input") if one.get("type") == "checkbox")
    assert box["value"] == '"><img src=x>.txt'
    assert read.named("img") == []
