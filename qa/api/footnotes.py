"""An answer as the text of a chat message: numbered sentences, their sources as footnotes below."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from embeddings.records import Span
from qa.records import Answer, AnswerSentence, Citation, Written, WrittenSentence
from qa.render import (
    answer_to_text,
    doubts,
    glue,
    language_of,
    numbered,
    remarks,
    source_lines,
    written_note,
)

_RULE = "\n\n---\n"
"""Between what is said and its sources."""

_BREAK = "  \n"
"""A line break that Markdown keeps, too."""

_LIVE = re.compile(r"\\*<(?=[A-Za-z/!?])|(?:(?<=\])|^)\\*[(:]")
"""Where Markdown would begin an element of HTML, or the address of a link or a picture.

At its beginning a sentence stands behind the number of another one: ``[1](``.
"""

_STILLED = re.compile(r"\\+<(?=[A-Za-z/!?])|(?:(?<=\])|^)\\+[(:]")

_NUMBER = re.compile(r"\[\d{1,3}\]")
_DOUBT = f"(?:{'|'.join(map(re.escape, doubts()))})"
_DOUBTS = re.compile(rf"(?: \(|（){_DOUBT}(?:(?:, |，){_DOUBT})*[)）]")


@dataclass(frozen=True, slots=True)
class Noted:
    """A citation and the sentence of the message that it belongs to.

    Attributes:
        span: of the message, in Unicode characters, without the number behind the sentence.
        citation: what is cited.
    """

    span: Span
    citation: Citation


def inert(text: str) -> str:
    r"""Return text whose HTML, links and pictures a chat window shows as characters.

    Most of them show messages as Markdown, and a picture would be fetched from wherever a document
    says. Nothing else is escaped, since not all do: ``<b>`` becomes ``\<b>``.
    """
    return _LIVE.sub(lambda found: 2 * found[0][:-1] + "\\" + found[0][-1], text)


def _as_it_was(text: str) -> str:
    return _STILLED.sub(lambda found: found[0][: len(found[0]) // 2 - 1] + found[0][-1], text)


def sentence_text(sentence: AnswerSentence) -> str:
    """Return a sentence with its number, as a part of the message."""
    return f"{inert(sentence.text)}[{sentence.number}]"


def footer(answer: Answer) -> str:
    """Return what follows the sentences: their sources; a refusal is nothing else."""
    if not answer.answered:
        return inert(answer_to_text(answer))
    return _RULE + _BREAK.join(map(inert, source_lines(answer.citations)))


def message_text(answer: Answer) -> str:
    """Return the whole message."""
    return "".join(map(sentence_text, answer.sentences)) + footer(answer)


def written_sentence_text(sentence: WrittenSentence, question: str, *, is_first: bool) -> str:
    """Return a sentence of a language model with its numbers and doubts, as a part of the message.

    Args:
        sentence: what it wrote.
        question: what was answered.
        is_first: whether no other sentence came before.
    """
    language = language_of(question)
    told = numbered(sentence, language, escaped=inert)
    return ("" if is_first else glue(language)) + told


def written_footer(written: Written) -> str:
    """Return what follows the sentences of a language model: sources, who wrote it, what failed.

    After a failure the documents' own sentences stand here, too.
    """
    note = written_note(written)
    if not written.sentences:
        return message_text(written.answer) + (f"\n\n{note}" if note else "")
    return _RULE + _BREAK.join(map(inert, [*source_lines(written.citations), note]))


def written_message_text(written: Written) -> str:
    """Return the whole message."""
    said = (
        written_sentence_text(one, written.answer.question, is_first=at == 0)
        for at, one in enumerate(written.sentences)
    )
    return "".join(said) + written_footer(written)


def written_notes(written: Written, start: int = 0) -> Iterator[Noted]:
    """Yield the citations with their places in the message, in its order.

    Args:
        written: whose message it is.
        start: where the documents' own sentences begin, when they stand alone.
    """
    if not written.sentences:
        yield from notes(written.answer, start)
        return
    start = 0
    for at, sentence in enumerate(written.sentences):
        told = written_sentence_text(sentence, written.answer.question, is_first=at == 0)
        said = inert(sentence.text)
        begin = start + told.index(said)
        span = Span(begin, begin + len(said))
        start += len(told)
        cited = (one for one in written.citations if one.number in sentence.numbers)
        yield from (Noted(span, one) for one in cited)


def notes(answer: Answer, start: int = 0) -> Iterator[Noted]:
    """Yield the citations with their places in the message, in its order.

    Args:
        answer: whose message it is.
        start: character of the message at which the answer begins.
    """
    for sentence in answer.sentences:
        span = Span(start, start + len(inert(sentence.text)))
        start += len(sentence_text(sentence))
        cited = (one for one in answer.citations if one.number == sentence.number)
        yield from (Noted(span, one) for one in cited)


def without_footnotes(message: str) -> str:
    """Return what was said in a message, as `Answer.text` of it: empty for a refusal.

    A message that another model wrote is returned as it is.
    """
    said, rule, _ = message.partition(_RULE)
    if rule:
        return _DOUBTS.sub("", _NUMBER.sub("", _as_it_was(said)))
    return "" if message.startswith(remarks()) else message
