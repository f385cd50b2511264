"""The page of an evaluation: whole, escaped, and with everything that a card opens to."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa import evaluation as evaluating
from qa.comparison import Comparison, compare
from qa.eval_page import to_html
from qa.evaluation import Evaluation
from qa.outcomes import Gold, Ranked
from qa.page.eval_texts import WORDS
from qa.page.markup import data_block
from qa.question_files import Evidence
from qa.runs import Run, past
from tests.evaluations import CONDITIONS, evaluation, hit, judged, report, said

ASSETS = Path(evaluating.__file__).parent / "page" / "assets"

PAYLOAD = "</script><!--<script>alert('x')</script>&amp;\"\u202e左\u2028\x00𠮷"
"""Would end a script, begin a comment, or turn the line round."""

HALF = PAYLOAD + "\ud800"
"""Cannot be written as UTF-8 either; a question file may hold it."""


class Page(HTMLParser):
    """The tags of a page, its texts by element, and its block of data."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.feed(page)
        self.close()
        (block,) = (text for text in self.scripts if text.startswith("{"))
        self.data: dict[str, Any] = json.loads(block)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        inside = self.tags[-1] if self.tags else ""
        (self.scripts if inside == "script" else self.texts).append(data)

    def with_class(self, name: str) -> list[dict[str, str | None]]:
        return [found for found in self.attributes if name in (found.get("class") or "").split()]


def compared(now: Evaluation, *then: Any) -> Comparison:
    run = Run("旧.json", CONDITIONS, {"题.jsonl": {one.key: past(one) for one in then}})
    return compare(now, CONDITIONS, run)


def test_every_question_has_a_card_and_its_data() -> None:
    told = (judged("甲"), judged("乙", False), judged("丙", answer=said("")))
    page = Page(to_html(evaluation(report(*told)), CONDITIONS))
    assert [one["data-at"] for one in page.with_class("card")] == ["0", "1", "2"]
    assert [one["class"] for one in page.with_class("card")] == [
        "card right",
        "card wrong",
        "card right",
    ]
    assert [one["id"] for one in page.data["questions"]] == ["甲", "乙", "丙"]
    assert page.texts.count("refused") == 2
    assert [one["least"] for one in page.data["questions"]] == [0.1] * 3


def test_the_data_of_a_question() -> None:
    page = Page(to_html(evaluation(report(judged("甲"))), CONDITIONS))
    (asked,) = page.data["questions"]
    assert asked["sentences"] == [
        {"text": "泉水常年十八度。", "number": 1, "marks": [[4, 7]], "gold": [[4, 7]]}
    ]
    assert asked["citations"][0]["gold"] == [[4, 7]]
    assert (asked["file"], asked["change"], asked["support"]) == (0, None, 0.93)
    (passage,) = asked["passages"]
    assert page.data["texts"][passage["opening"]] == "泉水常年十八度。"
    assert page.data["texts"][passage["title"]] == "济南的泉"


def test_texts_stand_in_the_data_once() -> None:
    gold = Gold((("十八度",),), (Evidence("泉.txt", ()),), "上下文" * 300)
    told = [judged(str(at), gold=gold, labels={}) for at in range(50)]
    page = to_html(evaluation(report(*told)), CONDITIONS)
    assert page.count(gold.context) == 1
    asked = Page(page).data["questions"][49]
    assert Page(page).data["texts"][asked["gold"]["context"]] == gold.context


def test_words_that_matched_are_shown_as_the_question_writes_them() -> None:
    answer = said("濟陽區走訪企業。")
    answer = type(answer)(**{**_fields(answer), "question": "濟陽區走訪了多少家？"})
    passages = (Ranked(1, hit("济阳区走访企业。", words=("济阳", "走访")), True),)
    page = Page(
        to_html(evaluation(report(judged("甲", answer=answer, passages=passages))), CONDITIONS)
    )
    assert page.data["questions"][0]["passages"][0]["words"] == ["濟陽", "走訪"]


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


def awkward() -> Evaluation:
    gold = Gold(((PAYLOAD,),), (Evidence(PAYLOAD, (PAYLOAD,)),), PAYLOAD)
    one = judged(
        HALF,
        False,
        question=HALF,
        history=[HALF],
        answer=said(PAYLOAD, source=PAYLOAD),
        gold=gold,
        labels={"kind": HALF, "sort": "b"},
        figures={HALF: 0.0},
        passages=(Ranked(1, hit(PAYLOAD, PAYLOAD, [PAYLOAD]), True),),
    )
    return evaluation(report(one, judged("b", labels={"kind": "b"}), file=HALF))


def test_nothing_of_a_document_becomes_markup() -> None:
    plain = Page(
        to_html(evaluation(report(judged("a"), judged("b", labels={"kind": "b"}))), CONDITIONS)
    )
    page = Page(to_html(awkward(), CONDITIONS))
    assert sorted(set(page.tags)) == sorted(set(plain.tags))
    assert page.tags.count("script") == 2
    (asked, _) = page.data["questions"]
    assert (asked["id"], asked["question"], asked["history"]) == (HALF, HALF, [HALF])
    assert asked["answer"] == asked["sentences"][0]["text"] == PAYLOAD
    assert page.data["texts"][asked["gold"]["context"]] == PAYLOAD
    assert asked["gold"]["items"] == [[PAYLOAD]]


def test_a_page_can_be_written_whatever_the_documents_hold() -> None:
    to_html(awkward(), CONDITIONS).encode("utf-8", "xmlcharrefreplace")


@given(st.recursive(st.text() | st.none() | st.floats(allow_nan=False, allow_infinity=False),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_a_block_of_data_is_one_element_and_holds_its_value(value: object) -> None:
    block = data_block("data", value)
    assert json.loads(block[block.index(">") + 1 : block.rindex("</script>")]) == value
    assert (block.count("<"), block.count(">"), block.count("&")) == (2, 2, 0)
    block.encode()


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_json_has_no_form_for_is_no_data(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        data_block("data", [number])


def test_surrogates_and_marks_of_html_are_escapes_of_json() -> None:
    assert data_block("a", "</\ud800&\u2028").endswith('>"\\u003c/\\ud800\\u0026\\u2028"</script>')


def test_the_page_asks_for_nothing() -> None:
    page = to_html(evaluation(report(judged("甲"))), CONDITIONS)
    assert not re.findall(r"(?:src|href|action)\s*=\s*[\"']?(?!data:)[^\"'\s>]", page)
    for name in ("eval.css", "eval.js"):
        asset = (ASSETS / name).read_text(encoding="utf-8")
        assert not re.findall(
            r"https?:|@import|url\(|fetch|XMLHttp|innerHTML|outerHTML|eval\(", asset
        )
        assert asset in page


def test_figures_and_what_was_run_stand_on_top() -> None:
    found = evaluation(report(judged("甲"), judged("乙", False), left_out=3))
    texts = Page(to_html(found, CONDITIONS)).texts
    for words in (
        "2026-03-01 08:30:00 UTC",
        "e5",
        "10",
        "题.jsonl",
        "answer",
        "0.5000",
        "题.jsonl: 3 blank questions left out",
    ):
        assert words in texts
    assert "None" not in texts


def test_kinds_can_be_chosen_and_what_is_always_the_same_not() -> None:
    told = [judged("a", labels={"kind": kind, "lang": "zh"}) for kind in ("why", "list", "why")]
    page = Page(to_html(evaluation(report(*told)), CONDITIONS))
    values = [
        one.get("value")
        for one, tag in zip(page.attributes, page.tags, strict=True)
        if tag == "option"
    ]
    assert values == ["", "kind=list", "kind=why"]


def test_files_can_be_chosen_where_there_are_several() -> None:
    both = evaluation(report(judged("a")), report(judged("b"), file="甲.json"))
    page = Page(to_html(both, CONDITIONS))
    assert "file" in [one.get("id") for one in page.attributes]
    assert [one["file"] for one in page.data["questions"]] == [0, 1]
    alone = Page(to_html(evaluation(report(judged("a"))), CONDITIONS))
    assert "file" not in [one.get("id") for one in alone.attributes]


def test_what_changed_stands_on_its_card() -> None:
    now = evaluation(
        report(judged("新"), file="新.jsonl"),
        report(judged("甲", False), judged("乙", True), judged("丙")),
    )
    then = (judged("甲", True, answer=said("从前。")), judged("乙", False), judged("丙"))
    page = Page(to_html(now, CONDITIONS, compared(now, *then)))
    assert [one["class"] for one in page.with_class("card")] == [
        "card right", "card wrong lost", "card right won", "card right",
    ]  # fmt: skip
    changes = [one["change"] for one in page.data["questions"]]
    assert changes[1] == {"verdict": "lost", "won": [], "lost": ["answer"], "before": "从前。"}
    assert (changes[0], changes[3]) == (None, None)
    states = [one["data-state"] for one in page.attributes if "data-state" in one]
    assert states == ["all", "wrong", "right", "refused", "lost", "mixed", "won", "reworded"]
    assert "新.jsonl: not in the earlier run" in page.texts


def test_without_a_comparison_nothing_is_said_of_one() -> None:
    page = Page(to_html(evaluation(report(judged("甲"))), CONDITIONS))
    states = [one["data-state"] for one in page.attributes if "data-state" in one]
    assert states == ["all", "wrong", "right", "refused"]


def test_every_word_of_the_page_has_both_languages() -> None:
    script = (ASSETS / "eval.js").read_text(encoding="utf-8")
    used = set(re.findall(r'(?:say|row|fact)\("([^"$]+)"', script))
    assert used <= set(WORDS["en"]) == set(WORDS["zh"])
    chinese = re.compile("[\u4e00-\u9fff]")
    others = {key for key, words in WORDS["zh"].items() if not chinese.search(words)}
    assert others == {"language", "bm25"}


def test_a_big_file_makes_a_page_that_can_be_sent() -> None:
    told = [judged(str(at), question=f"第{at}问：泉水多少度？") for at in range(3500)]
    assert len(to_html(evaluation(report(*told)), CONDITIONS).encode()) < 8_000_000
