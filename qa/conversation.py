"""A follow-up and the turns before it -> a question that stands alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from embeddings.lexical import search_form


@dataclass(frozen=True, slots=True)
class Turn:
    """A question that was asked, as it was completed, and what the bot said."""

    question: str
    answer: str = ""


LONGEST_FOLLOW_UP = 24
"""Longer questions are taken to stand alone, unless they begin with a word that points back."""

_POINTS_BACK = re.compile(
    r"^(?:那么?|它|他们?|她们?|这|其中?|还有|另外|具体|上述|前面|后面|分别|各|一共|总共|为什么能|怎么做|一天|后来)"
    r"|(?:它们?|他们|她们|这个|那个|这些|那些|其)(?:的|是|有|在|都)?"
    r"|呢\?*$"
)
_POINTS_BACK_ENGLISH = re.compile(
    r"^(?:and|what about|how about|why|how so|which ones?|what else)\b"
    r"|\b(?:it|its|they|them|their|this|that|these|those|he|she|his|her)\b"
)
_END_MARKS = " 　?？!！。.，,;；"


def points_back(question: str) -> bool:
    """Tell whether a question cannot be understood without the one before it."""
    plain = search_form(question).strip()
    if len(plain) <= LONGEST_FOLLOW_UP and _POINTS_BACK.search(plain):
        return True
    return len(plain) <= 4 * LONGEST_FOLLOW_UP and bool(_POINTS_BACK_ENGLISH.search(plain))


def complete(question: str, history: Sequence[str | Turn]) -> str:
    """Return `question` with what it leaves unsaid, or as it is when it stands alone.

    Args:
        question: the newest question.
        history: the turns before it, oldest first; strings are the user's own words.
    """
    topic = ""
    for turn in history:
        asked = turn.question if isinstance(turn, Turn) else turn
        topic = _put_behind(topic, asked)
    return _put_behind(topic, question)


def _put_behind(topic: str, question: str) -> str:
    if not topic.strip() or not points_back(question):
        return question
    return f"{topic.rstrip(_END_MARKS)}，{question.strip()}"
