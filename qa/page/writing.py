"""A language model writes below a question while the page looks on: patches as they come.

Nothing of a visitor is held: the question is answered anew, so that no browser can choose what the
model is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from qa.generate import Writer
from qa.page.markup import Markup, undirected
from qa.page.protocols import WritingBot
from qa.page.stored import written_record
from qa.page.texts import Texts
from qa.page.turns import AskedTurn
from qa.page.views import How, Part, Patch, Reply
from qa.page.written_card import (
    by_html,
    by_id,
    copy_html,
    copy_id,
    passage_cited,
    prose_id,
    text_html,
    writing_html,
    written_id,
    written_sentence_html,
)
from qa.records import Answer, Written, WrittenSentence


def written_parts(bot: WritingBot, writer: Writer, turn: AskedTurn, texts: Texts) -> Iterator[Part]:
    """Yield what the card of `turn` is to show, then what the browser is to keep.

    A model that fails is no error: its sentences go, and a note says why. Of a refusal nothing is
    asked, and nothing is shown.
    """
    answer = turn.outcome
    if not isinstance(answer, Answer) or not answer.answered:
        yield Reply({"written": None})
        return
    yield Patch(written_id(turn.group), writing_html(writer.model.access.model, turn.group, texts))
    numbers = _Numbers()
    for part in bot.writing(writer, answer):
        if isinstance(part, Written):
            yield from _finished(renumbered(part), turn.group, texts)
        else:
            shown = _sentence(numbers, part, answer, turn.group, texts)
            yield Patch(prose_id(turn.group), shown, How.APPEND)


def renumbered(written: Written) -> Written:
    """Return a text as the page shows it: citations numbered as they come, and no word that turns.

    The passages have the numbers of the prompt, which begin anywhere.
    """
    numbers = _Numbers()
    sentences = tuple(numbers.of(one) for one in written.sentences)
    citations = (
        replace(one, number=numbers.known[one.number])
        for one in written.citations
        if one.number in numbers.known
    )
    return replace(
        written,
        model=undirected(written.model),
        sentences=sentences,
        citations=tuple(sorted(citations, key=lambda one: one.number)),
    )


class _Numbers:
    """Numbers of passages -> 1, 2, … in the order in which they are first cited.

    Attributes:
        known: those that were met.
    """

    def __init__(self) -> None:
        self.known: dict[int, int] = {}

    def of(self, sentence: WrittenSentence) -> WrittenSentence:
        """Return a sentence that cites by the new numbers."""
        cited = (self.known.setdefault(one, len(self.known) + 1) for one in sentence.numbers)
        return replace(sentence, text=undirected(sentence.text), numbers=tuple(cited))


def _sentence(
    numbers: _Numbers, sentence: WrittenSentence, answer: Answer, group: str, texts: Texts
) -> Markup:
    shown = numbers.of(sentence)
    cited = {
        numbers.known[at]: passage_cited(numbers.known[at], answer.nearest[at - 1], group)
        for at in sentence.numbers
        if at <= len(answer.nearest)
    }
    return written_sentence_html(shown, cited, answer.question, texts)


def _finished(written: Written, group: str, texts: Texts) -> Iterator[Part]:
    yield Patch(written_id(group), text_html(written, group, texts))
    yield Patch(by_id(group), by_html(written, is_own=False, texts=texts))
    yield Patch(copy_id(group), copy_html(written, texts))
    yield Reply({"written": written_record(written)})
