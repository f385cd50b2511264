"""An answer as the text of a chat message: numbered sentences, their sources as footnotes below."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from embeddings.records import Span
from qa.records import Answer, AnswerSentence, Citation
from qa.render import answer_to_text, remarks, source_lines

_RULE = "\n\n---\n"
"""Between what is said and its sources."""

_BREAK = "  \n"
"""A line break that Markdown keeps, too."""

_NUMBER = re.compile(r"\[\d{1,3}\]")


@dataclass(frozen=True, slots=True)
class Noted:
    """A citation and the sentence of the message that it belongs to.

    Attributes:
        span: of the message, in Unicode characters, without the number behind the sentence.
        citation: what is cited.
    """

    span: Span
    citation: Citation


def sentence_text(sentence: AnswerSentence) -> str:
    """Return a sentence with its number, as a part of the message."""
    return f"{sentence.text}[{sentence.number}]"


def footer(answer: Answer) -> str:
    """Return what follows the sentences: their sources; a refusal is nothing else."""
    if not answer.answered:
        return answer_to_text(answer)
    return _RULE + _BREAK.join(source_lines(answer.citations))


def message_text(answer: Answer) -> str:
    """Return the whole message."""
    return "".join(map(sentence_text, answer.sentences)) + footer(answer)


def notes(answer: Answer) -> Iterator[Noted]:
    """Yield the citations with their places in the message, in its order."""
    start = 0
    for sentence in answer.sentences:
        span = Span(start, start + len(sentence.text))
        start += len(sentence_text(sentence))
        cited = (one for one in answer.citations if one.number == sentence.number)
        yield from (Noted(span, one) for one in cited)


def without_footnotes(message: str) -> str:
    """Return what was said in a message, as `Answer.text` of it: empty for a refusal.

    A message that another model wrote is returned as it is.
    """
    said, rule, _ = message.partition(_RULE)
    if rule:
        return _NUMBER.sub("", said)
    return "" if message.startswith(remarks()) else message
