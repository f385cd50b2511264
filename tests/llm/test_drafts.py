"""What a language model writes, cut into sentences with what they cite; what it is told."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.records import Span
from qa.drafts import MOST_CITED, Draft, Drafts, drafts, shown
from qa.generate import check_text
from qa.model_access import ModelFailedError
from qa.prompt import LONGEST_PASSAGE, NO_ANSWER, messages
from qa.records import Failure, Hit, Signals


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("园区签约22个[1]。", [("园区签约22个。", (1,))]),
        ("园区签约22个。[1]", [("园区签约22个。", (1,))]),
        ("园区签约22个【1】。", [("园区签约22个。", (1,))]),
        ("园区签约22个［1］［3］。", [("园区签约22个。", (1, 3))]),
        ("甲[1][1][2]。乙[2,3]。", [("甲。", (1, 2)), ("乙。", (2, 3))]),
        ("甲[1、3]。", [("甲。", (1, 3))]),
        ("甲[2-4]。", [("甲。", (2, 3, 4))]),
        ("甲[１]。", [("甲。", (1,))]),
        ("甲[^1]。", [("甲。", (1,))]),
        ("濟陽走訪190餘家[2]。「很好！」他說[1]。", [("濟陽走訪190餘家。", (2,)), ("「很好！」", ()), ("他說。", (1,))]),
        ("It rose 3.5% [1]. Dr. Chen won [2].", [("It rose 3.5%.", (1,)), ("Dr. Chen won.", (2,))]),
        ("- **甲**[1]。\n- 乙[2]。", [("甲。", (1,)), ("乙。", (2,))]),
        ("<think>是99个[9]吗？</think>甲[1]。", [("甲。", (1,))]),
        ("<think>没有想完[9]。", []),
        ("……", []),
        ("", []),
    ],
)  # fmt: skip
def test_sentences(text: str, wanted: list[tuple[str, tuple[int, ...]]]) -> None:
    assert drafts(text) == [Draft(*one) for one in wanted]


def test_a_range_without_end_is_bounded() -> None:
    ((_, numbers),) = drafts("甲[1-9999]。")
    assert len(numbers) == MOST_CITED


_TEXTS = st.lists(
    st.sampled_from(
        ["园区签约22个", "天橋區", "[1]", "［2］", "[1][3]", "。", "！", "？", "\n", ".", " ", "3.5%", "Dr", "it rose",
         "<think>", "</think>", "他说「好」", "”", "，", "**", "[9", "NO_ANSWER"]
    ),
    max_size=20,
).map("".join)  # fmt: skip


@given(_TEXTS, st.lists(st.integers(0, 60), max_size=8))
def test_pieces_make_the_same_sentences_at_the_end(text: str, cuts: list[int]) -> None:
    """However a text comes, no sentence is lost, and none comes twice."""
    ends = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    pieces = [text[a:b] for a, b in pairwise(ends)]
    taken = Drafts()
    found = [one for piece in pieces for one in taken.add(piece)]
    found += taken.rest()
    assert len(found) == len(drafts(text))
    assert taken.text == text


@given(st.text())
def test_nothing_of_control_is_shown(text: str) -> None:
    assert not [
        one for one in shown(text) if one != "\n" and (ord(one) < 32 or one in "\u202e\u2066\u200b")
    ]


@pytest.mark.parametrize(
    ("text", "language", "failure"),
    [
        ("", "zh", Failure.EMPTY),
        (" \n ", "en", Failure.EMPTY),
        ("!!! 12 [1]", "zh", Failure.NONSENSE),
        ("园区很好。" * 3, "zh", Failure.NONSENSE),
        ("There are 22 projects.", "zh", Failure.WRONG_LANGUAGE),
        ("There are 22 projects.", "zh-Hant", Failure.WRONG_LANGUAGE),
        ("园区有22个项目。", "en", Failure.WRONG_LANGUAGE),
    ],
)
def test_what_is_no_answer(text: str, language: str, failure: Failure) -> None:
    with pytest.raises(ModelFailedError) as refused:
        check_text(text, len(drafts(text)), language)
    assert refused.value.failure is failure


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("园区有22个项目。园区有21家企业。", "zh"),
        ("園區有22個項目。", "zh-Hant"),
        (
            "iPhone 15 Pro Max 售价 9999 元，由 Apple 公司发布于加州库比蒂诺总部的秋季新品发布会上。",
            "zh",
        ),
        ("Mr. Chen Haiying (陈海英) leads the project.", "en"),
    ],
)
def test_what_is_one(text: str, language: str) -> None:
    check_text(text, len(drafts(text)), language)


def hit(text: str, title: str = "题") -> Hit:
    spans = (Span(0, max(1, len(text))),)
    return Hit("d:0", text, spans, "a.txt", None, title, "", None, (), 0.5, Signals(0, 0, 0), "d")


@given(st.text(max_size=200), st.text(max_size=50))
def test_no_document_ends_its_own_quotation(text: str, title: str) -> None:
    system, user = messages("问什么？", "zh", [hit(text, title), hit(text)], fence="==F==")
    assert user["content"].count("==F==") == 4
    assert "==F==" in system["content"]
    assert user["content"].endswith("问题：问什么？")


@given(st.text(alphabet="=F甲", max_size=40))
def test_nor_by_halves_of_the_fence(text: str) -> None:
    _, user = messages("问什么？", "zh", [hit(text)], fence="==F==")
    assert user["content"].count("==F==") >= 2
    assert user["content"].split("==F==")[-1] == "\n\n问题：问什么？"
    assert user["content"].count("==F==") == 2


def test_fences_cannot_be_guessed() -> None:
    made = {messages("?", "en", [hit("甲")])[1]["content"].splitlines()[1] for _ in range(50)}
    assert len(made) == 50


@pytest.mark.parametrize("language", ["zh", "zh-Hant", "en"])
def test_rules_are_in_the_language_of_the_question(language: str) -> None:
    system, user = messages("?", language, [hit("甲" * 3 * LONGEST_PASSAGE)])
    assert NO_ANSWER in system["content"]
    assert "[1]" in system["content"]
    assert user["content"].count("甲") == LONGEST_PASSAGE
