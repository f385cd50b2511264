"""Cleaning keeps, for every character, its place in the original."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.cleaning import CleanText, clean, glosses, join
from embeddings.records import Span

TEXTS = st.text(
    alphabet=st.one_of(
        st.sampled_from(
            "中文南京市济濟 (jì)（lái）(CEO)\u3000\n\r\t\u200b\u00ad\ufeffab12,.。？“”"
        ),
        st.characters(),
    ),
    max_size=120,
)


@pytest.mark.parametrize(
    ("original", "shown"),
    [
        ("濟(jì)南市濟(jì)陽(yáng)區(qū)", "濟南市濟陽區"),
        ("近年來(lái),黨（dǎng）建", "近年來,黨建"),
        ("我們(men)來(lái)了", "我們來了"),
        ("男(men)廁", "男(men)廁"),
        ("首席(CEO)、(2024年)、(中共濟(jì)南)", "首席(CEO)、(2024年)、(中共濟南)"),
        ("系統(app)來(lái)", "系統(app)來"),
        ("中\u200b文\u00ad字\ufeff", "中文字"),
        ("通 知", "通知"),
        ("聚力创新突破 建设现代化强区", "聚力创新突破 建设现代化强区"),
        ("记者 于悦", "记者 于悦"),
        ("高新区：\u3000以党建", "高新区：以党建"),
        ("use  5G\tin 济南", "use 5G in 济南"),
        ("一行\r\n二行\n\n \n三行", "一行\n二行\n\n三行"),
        ("", ""),
    ],
)
def test_what_is_left_out(original: str, shown: str) -> None:
    assert clean(original).text == shown


def test_offsets_point_at_the_original_characters() -> None:
    cleaned = clean("近年來(lái),濟(jì)南")
    assert cleaned.offsets == (0, 1, 2, 8, 9, 14)
    assert cleaned.spans() == (Span(0, 15),)


def test_a_gloss_in_the_middle_stays_inside_a_span() -> None:
    original = "濟(jì)南市"
    (span,) = clean(original).cut(0, 2).spans()
    assert span.of(original) == "濟(jì)南"


def test_a_taken_out_block_breaks_the_span() -> None:
    cleaned = clean("网络直播的兴|说明|盛起来")
    sentence = join([cleaned.cut(0, 6), cleaned.cut(10, 13)], breaks=[1])
    assert sentence.text == "网络直播的兴盛起来"
    assert sentence.spans() == (Span(0, 6), Span(10, 13))
    assert sentence.cut(2, 6).spans() == (Span(2, 6),)
    assert sentence.cut(5, 7).spans() == (Span(5, 6), Span(10, 11))


def test_glosses_are_found_with_their_brackets() -> None:
    assert list(glosses("濟(jì)南")) == [(1, 5)]


def test_a_wrong_map_is_refused() -> None:
    with pytest.raises(ValueError, match="2 characters but 1 offsets"):
        CleanText("济南", (0,))


@given(TEXTS)
def test_the_map_rises_and_every_character_comes_from_its_place(original: str) -> None:
    cleaned = clean(original)
    assert list(cleaned.offsets) == sorted(set(cleaned.offsets))
    for character, offset in zip(cleaned.text, cleaned.offsets, strict=True):
        source = original[offset]
        assert character == source or (character in " \n" and source.isspace())


@given(TEXTS)
def test_cleaning_twice_changes_nothing(original: str) -> None:
    once = clean(original).text
    assert clean(once).text == once


@given(TEXTS, st.data())
def test_the_span_of_a_cut_holds_its_characters(original: str, data: st.DataObject) -> None:
    cleaned = clean(original)
    start = data.draw(st.integers(0, len(cleaned)))
    end = data.draw(st.integers(start, len(cleaned)))
    part = cleaned.cut(start, end)
    inside = [o for span in part.spans() for o in range(span.start, span.end)]
    assert set(part.offsets) <= set(inside)
    assert len(part.spans()) == (1 if part.text else 0)
