"""Messages of a chat client to turns, and answers to messages, without a server."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from embeddings.records import Span
from qa.api.footnotes import (
    footer,
    inert,
    message_text,
    notes,
    sentence_text,
    without_footnotes,
)
from qa.api.messages import Message, question_and_turns
from qa.conversation import Turn
from qa.records import Answer, AnswerSentence, Citation, Reason
from qa.render import remark

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


def cited(number: int, quote: str, start: int = 0, source: str = "甲.txt") -> Citation:
    return Citation(number, "d0", source, start, start + len(quote), quote, 3, "标题", "2021-06-16")


def made(*texts: str) -> Answer:
    sentences = tuple(AnswerSentence(text, at) for at, text in enumerate(texts, 1))
    citations = tuple(cited(one.number, one.text) for one in sentences)
    return Answer("".join(texts), True, sentences, citations, "问？")


def test_a_message_with_footnotes() -> None:
    answer = made("天桥区有21家企业。", "高新区有8家。")
    assert message_text(answer) == (
        "天桥区有21家企业。[1]高新区有8家。[2]\n\n---\n"
        "[1] 标题 · 甲.txt · p. 3 · 2021-06-16 · 0-10  \n"
        "[2] 标题 · 甲.txt · p. 3 · 2021-06-16 · 0-7"
    )
    assert [noted.span for noted in notes(answer)] == [Span(0, 10), Span(13, 20)]


def test_the_pieces_of_a_broken_sentence_are_noted_at_the_whole() -> None:
    sentence = AnswerSentence("前一半后一半。", 1)
    answer = Answer(
        sentence.text, True, (sentence,), (cited(1, "前一半"), cited(1, "后一半。", 40)), "问？"
    )
    assert [(noted.span, noted.citation.quote) for noted in notes(answer)] == [
        (Span(0, 7), "前一半"),
        (Span(0, 7), "后一半。"),
    ]
    assert message_text(answer).endswith("· 0-3, 40-44")


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_a_message_is_its_parts_and_its_notes_are_its_sentences(texts: list[str]) -> None:
    answer = made(*texts)
    message = message_text(answer)
    assert message == "".join(map(sentence_text, answer.sentences)) + footer(answer)
    assert [noted.span.of(message) for noted in notes(answer)] == [inert(text) for text in texts]


@pytest.mark.parametrize("question", ["熊猫呢？", "熊貓多少隻？", "pandas?"])
@pytest.mark.parametrize("reason", Reason)
def test_a_refusal_is_known_again(question: str, reason: Reason) -> None:
    answer = Answer("", False, (), (), question, (), reason)
    assert message_text(answer) == remark(answer)
    assert without_footnotes(message_text(answer)) == ""


def test_what_was_said_is_known_again() -> None:
    answer = made("天桥区有21家企业。", "高新区有8家[注]。")
    assert without_footnotes(message_text(answer)) == answer.text
    assert without_footnotes("Another model said this [1].") == "Another model said this [1]."


MARKS = st.lists(
    st.sampled_from(
        ["[", "]", "(", ")", "!", "<", ">", "\\", "[1]", "](", "![a](http://e/b)", "<b>", "<!--", ":",
         "http://e", "一", " "]
    ),
    min_size=1,
).map("".join)  # fmt: skip


def tokens(markdown: str) -> list[Token]:
    parsed = MarkdownIt("commonmark").parse(markdown)
    return [token for block in parsed for token in [block, *(block.children or [])]]


@given(st.lists(MARKS, min_size=1, max_size=3))
def test_no_words_of_a_document_become_a_link_a_picture_or_html(texts: list[str]) -> None:
    found = tokens(message_text(made(*texts)))
    assert {"link_open", "image", "html_inline", "html_block"}.isdisjoint(t.type for t in found)


def test_a_number_and_what_follows_it_are_no_link() -> None:
    message = message_text(made("有21家。", "(http://e.example/)有8家。", "[a]: http://e.example/"))
    shown = "".join(token.content for token in tokens(message) if token.type == "text")
    assert shown.startswith("有21家。[1](http://e.example/)有8家。[2][a]: http://e.example/[3]")
    beginning = tokens(message_text(made("[a]: http://e.example/")))
    assert "".join(token.content for token in beginning).startswith("[a]\\: http://e.example/[1]")


@given(st.lists(MARKS.filter(lambda text: "[1]" not in text), min_size=1, max_size=3))
def test_what_was_escaped_is_known_again(texts: list[str]) -> None:
    answer = made(*texts)
    assert without_footnotes(message_text(answer)) == answer.text


@given(TEXTS.map(lambda text: re.sub("[<(:]", "", text)))
def test_plain_words_are_as_they_are(text: str) -> None:
    assert inert(text) == text


def talk(*messages: tuple[str, str | None]) -> tuple[str, list[str | Turn]]:
    return question_and_turns([Message(role=role, content=text) for role, text in messages])


def test_messages_become_turns() -> None:
    found = talk(
        ("system", "You are a pirate."),
        ("assistant", "Welcome!"),
        ("user", "一？"),
        ("assistant", message_text(made("答一。"))),
        ("user", "二？"),
        ("user", "三？"),
        ("assistant", None),
        ("assistant", "again"),
        ("developer", "be brief"),
        ("user", "四？"),
    )
    assert found == ("四？", [Turn("一？", "答一。"), "二？", Turn("三？", "")])


def test_of_a_long_talk_the_last_turns_count() -> None:
    question, turns = talk(*(("user", f"问{at}") for at in range(150)))
    assert question == "问149"
    assert turns == [f"问{at}" for at in range(49, 149)]
