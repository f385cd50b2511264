"""A conversation as the page keeps it: questions with what came of them. Makes no HTML."""

from __future__ import annotations

from dataclasses import dataclass

from embeddings.errors import WenjuError
from qa.bot import LONGEST_QUESTION
from qa.conversation import Turn
from qa.page.protocols import AnsweringBot
from qa.page.references import Pointer, Reference, references
from qa.page.texts import too_long
from qa.records import Answer, Reason

HISTORY_TURNS = 8
"""Turns that a follow-up may refer to."""

KEPT_TURNS = 100
"""Turns that a conversation keeps; the oldest go first."""


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
        number: counts the turns of a conversation from 0; older ones may be forgotten.
        question: as it was typed; empty when it was lost with a failure of the program.
        outcome: an answer or refusal, or why there is none.
    """

    number: int
    question: str
    outcome: Answer | Failure

    @property
    def answer(self) -> Answer | None:
        """The answer or refusal; None when the bot gave neither."""
        return self.outcome if isinstance(self.outcome, Answer) else None


Turns = tuple[AskedTurn, ...]
"""A conversation, oldest turn first. Not a string: gradio resolves it when it reads signatures."""


def asked(bot: AnsweringBot, turns: Turns, question: str) -> Turns:
    """Return `turns` with `question` and what came of it; an empty question is no turn."""
    question = question.strip()
    return _and(turns, question, _outcome(bot, turns, question)) if question else turns


def failed(turns: Turns) -> Turns:
    """Return `turns` with one whose question was lost to a failure of the program."""
    return _and(turns, "", Failure(is_returned=True))


def _and(turns: Turns, question: str, outcome: Answer | Failure) -> Turns:
    number = turns[-1].number + 1 if turns else 0
    return (*turns[1 - KEPT_TURNS :], AskedTurn(number, question, outcome))


def _outcome(bot: AnsweringBot, turns: Turns, question: str) -> Answer | Failure:
    if len(question) > LONGEST_QUESTION:
        return Failure(too_long(question), is_returned=True)
    try:
        return bot.ask(question, history=history(turns))
    except WenjuError as error:
        return Failure(str(error))


def history(turns: Turns) -> list[Turn]:
    """Return the last turns that a follow-up can refer to: answers and refusals."""
    answers = [turn.answer for turn in turns if turn.answer is not None]
    told = [answer for answer in answers if answer.reason is not Reason.SMALL_TALK]
    return [Turn(answer.question, answer.text) for answer in told[-HISTORY_TURNS:]]


def resolve(turns: Turns, pointer: Pointer) -> tuple[Reference, int] | None:
    """Return the reference that `pointer` names and how many of its kind its answer has.

    None when there is no such turn any more, or no such number in it.
    """
    answers = (turn.answer for turn in turns if turn.number == pointer.turn)
    answer = next(answers, None)
    offered = references(answer, pointer.kind) if answer is not None else ()
    found = next((item for item in offered if item.number == pointer.number), None)
    return None if found is None else (found, len(offered))
