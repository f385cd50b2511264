"""A conversation as the page shows it: questions with what came of them. Makes no HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from embeddings.errors import WenjuError
from qa.bot import LONGEST_QUESTION
from qa.conversation import Turn
from qa.page.protocols import AnsweringBot
from qa.page.texts import too_long
from qa.records import Answer, Written

HISTORY_TURNS = 8
"""Turns that a follow-up may refer to."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a question has no `Answer`.

    Attributes:
        sentence: what to say; empty when the program itself failed.
        is_returned: whether the question goes back into the box, to be mended or sent again.
    """

    sentence: str = ""
    is_returned: bool = False


@dataclass(frozen=True, slots=True)
class AskedTurn:
    """A question and what came of it.

    Attributes:
        number: names the turn in its conversation; rising, with gaps.
        question: as it was typed.
        outcome: an answer or refusal, or why there is none.
        is_changed: whether a document that is cited has changed since.
        sources: the files that were asked; empty for all.
        written: the answer in a language model's words, or why there are none; None when it was
            not asked.
        is_own: whether the documents' own sentences are shown where there are written ones.
    """

    number: int
    question: str
    outcome: Answer | Failure
    is_changed: bool = False
    sources: tuple[str, ...] = ()
    written: Written | None = None
    is_own: bool = False

    @property
    def group(self) -> str:
        """What the references of its answer belong to."""
        return f"turn-{self.number}"


Turns = tuple[AskedTurn, ...]
"""A conversation, oldest turn first."""


def asked(
    bot: AnsweringBot,
    question: str,
    number: int,
    history: Sequence[Turn],
    sources: Sequence[str] | None = None,
) -> AskedTurn:
    """Put `question` to the bot, behind the turns of `history`; to these files only, or to all."""
    outcome = _outcome(bot, question, history[-HISTORY_TURNS:], sources)
    return AskedTurn(number, question, outcome, sources=tuple(sources or ()))


def _outcome(
    bot: AnsweringBot, question: str, history: Sequence[Turn], sources: Sequence[str] | None
) -> Answer | Failure:
    if len(question) > LONGEST_QUESTION:
        return Failure(too_long(question), is_returned=True)
    try:
        return bot.ask(question, history=history, sources=sources)
    except WenjuError as error:
        return Failure(str(error), is_returned=True)
