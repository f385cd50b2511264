"""A follow-up and the turns before it -> a question that stands alone.

No state is kept: what a question means depends on the turns that come with it alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from embeddings.cleaning import HAN
from embeddings.lexical import Script, Tokenizer, to_simplified, to_traditional
from qa import follow_up, follow_up_english
from qa.earlier import Earlier
from qa.phrases import Phrase, folded
from qa.question import Kind, kind_of
from qa.replacing import with_part

READ_TURNS = 12
"""Turns that are read; a topic further back is forgotten."""

ANSWERED_TURNS = 3
"""Turns that are answered again at most, when only the user's words are known."""

LONGEST_FOLLOW_UP = 120
"""A question with more characters is taken to stand alone."""

LONGEST_READ = 300
"""Characters of an earlier question or answer that are read."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question that was asked, as it was completed, and what the bot said.

    Attributes:
        question: the user's words, or their completed form.
        answer: what was said; empty for a refusal, None when it is not known.
    """

    question: str
    answer: str | None = ""


_HAN = re.compile(f"[{HAN}]")
_SAYS_NOTHING = re.compile(
    r"(?:好的?|好吧|嗯+|哦+|噢|是的?|对的?|不是|不对|明白了?|知道了?|了解了?|懂了|收到|行"
    r"|可以|谢了|辛苦了|哈+|ok(?:ay)?|yes|no|sure|i see|got it|great"
    r"|right|fine|nice|cool|thank you.*|[\W_]*)[\s!?。,.~呀啊吗了的]*"
)


def recall(
    question: str,
    history: Sequence[str | Turn],
    tokenizer: Tokenizer,
    answer: Callable[[str], str],
) -> tuple[Turn, ...]:
    """Return the turns that `question` needs, oldest first, with their questions completed.

    Nothing is answered unless `question` points back or is in doubt, and then at most the last
    `ANSWERED_TURNS`, whatever the length of `history`.

    Args:
        question: the newest question.
        history: the turns before it, oldest first; strings are the user's own words.
        tokenizer: finds words.
        answer: gives the text of the answer to a completed question, empty for a refusal.
    """
    told = _told(history)
    if not told or not _may_point(question, tokenizer):
        return ()
    turns: list[Turn] = []
    behind = [*(turn.question for turn in told[1:]), question]
    for left, turn, follower in zip(range(len(told), 0, -1), told, behind, strict=True):
        whole = complete(turn.question, turns, tokenizer)
        said = turn.answer
        if said is None and left <= ANSWERED_TURNS and _may_point(follower, tokenizer):
            said = answer(whole)
        turns.append(Turn(whole, said))
    return tuple(turns)


def complete(question: str, turns: Sequence[Turn], tokenizer: Tokenizer) -> str:
    """Return `question` with what it leaves unsaid, or as it is when it stands alone.

    Args:
        question: the newest question.
        turns: the turns before it, oldest first, their questions completed.
        tokenizer: finds words.
    """
    last = next((turn for turn in reversed(turns) if _is_told(turn.question)), None)
    if last is None or kind_of(question) is Kind.SMALL_TALK or not _may_point(question, tokenizer):
        return question
    asked = last.question[:LONGEST_READ]
    said = (last.answer or "")[:LONGEST_READ]
    if not _HAN.search(question):
        return _completed_english(question, asked, said, tokenizer)
    phrase = Phrase(question, tokenizer)
    found = follow_up.pointing(phrase, lambda: folded(asked + "\n" + said))
    if found is None:
        return question
    if not _HAN.search(asked):
        return _over_english(found, asked)
    earlier = Earlier(asked, said, _script_written(question), tokenizer)
    return follow_up.completed(found, earlier)


def _may_point(question: str, tokenizer: Tokenizer) -> bool:
    """Tell whether a question points back, or does when its words are those of the turn before."""
    if not question.strip() or len(question) > LONGEST_FOLLOW_UP:
        return False
    if not _HAN.search(question):
        return follow_up_english.pointing(question) is not None
    phrase = Phrase(question, tokenizer)
    return follow_up.pointing(phrase, lambda: phrase.plain) is not None


def _completed_english(question: str, asked: str, said: str, tokenizer: Tokenizer) -> str:
    found = follow_up_english.pointing(question)
    if found is None:
        return question
    if not _is_mostly_chinese(asked):
        return follow_up_english.completed(found, asked)
    earlier = Earlier(asked, said, Script.OTHER, tokenizer)
    if found.reference is follow_up_english.Reference.PART:
        rest = Phrase(found.rest, tokenizer)
        part = Phrase(found.rest[found.start : found.end], tokenizer)
        if follow_up_english.is_name(part.text):
            return with_part(earlier, part, rest)
    return follow_up_english.completed(found, asked, earlier.thing_asked.rstrip("，"))


def _over_english(found: follow_up.Pointing, asked: str) -> str:
    """Complete a Chinese follow-up to an English question."""
    if found.reference is follow_up.Reference.PART and found.span:
        return follow_up_english.with_part(asked, found.rest.of(found.span))
    about = follow_up_english.subject_of(asked) or asked.rstrip(" ?!.")
    if found.reference is follow_up.Reference.PRONOUN and found.span:
        rest = found.rest.text
        return f"{rest[: found.span.start]}{about}{rest[found.span.end :]}"
    return f"{about}，{found.rest.text}"


def _is_mostly_chinese(text: str) -> bool:
    return len(_HAN.findall(text)) * 4 >= len(text.replace(" ", ""))


def _script_written(question: str) -> Script:
    """Return the script of a question, `Script.OTHER` when its characters are those of both."""
    if to_simplified(question) != question:
        return Script.TRADITIONAL
    return Script.SIMPLIFIED if to_traditional(question) != question else Script.OTHER


def _told(history: Sequence[str | Turn]) -> list[Turn]:
    """Return the last turns that say something; small talk and empty ones do not."""
    told = (Turn(turn, None) if isinstance(turn, str) else turn for turn in reversed(history))
    found: list[Turn] = []
    for turn in told:
        if _is_told(turn.question):
            found.append(turn)
        if len(found) == READ_TURNS:
            break
    return found[::-1]


def _is_told(question: str) -> bool:
    plain = folded(question[:LONGEST_READ]).strip()
    says = plain and not _SAYS_NOTHING.fullmatch(plain)
    return bool(says) and kind_of(question[:LONGEST_READ]) is not Kind.SMALL_TALK
