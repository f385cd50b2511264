"""The sentences around a chosen one that belong to its answer: a list, a reason, a subject.

Patterns only; knows neither passages nor index, and chooses no first sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from embeddings.cleaning import HAN
from qa.forms import strength
from qa.kinds import Kind, Wanted
from qa.series import LONGEST, SINGLE, fits, folded, whole_list

LONGEST_SUBJECT = 40
"""A sentence that only says what 它 or "this" means is added if it has at most so many."""

ECHOED = 0.75
"""A sentence of whose pairs of characters this share is in the question adds nothing."""

EXPLAINED = 0.9
"""A sentence with a form of a reason of this strength needs no other."""

SAME_QUESTION = 0.5
"""The same of a sentence that is a question itself, as in a list of them."""


def with_neighbours(
    sentences: Sequence[str], at: int, wanted: Wanted, question: str
) -> tuple[int, ...]:
    """Return the numbers of the sentences to be said when sentence `at` was chosen.

    Args:
        sentences: clean texts of one section, in reading order, in any script; 1 or more.
        at: number of the chosen one, 0 to len(sentences) - 1.
        wanted: what `question` wants, see `qa.question.analyse`.
        question: the question itself, completed if it was a follow-up.

    Returns:
        1 to `qa.series.MOST` rising numbers. `at` is not among them where it only repeats the
        question, explains one item of a list, or announces a list that is too long with it. More
        than one make at most `LONGEST` characters, the items of a list
        `qa.series.LONGEST_LIST`.
    """
    begin = _behind_question(sentences, at, question)
    for rule in (whole_list, _reply, _subject):
        if found := rule(sentences, begin, wanted, question):
            return found
    return (begin,)


_UNIT = re.compile(rf"[{HAN}]|[a-z0-9]+")
_ASKS = re.compile(r"[?？][”’」』\"')）]*\s*$")


@lru_cache(maxsize=2048)
def _pairs(text: str) -> frozenset[tuple[str, str]]:
    """Return the pairs of characters or words that follow each other, and long words alone."""
    units = _UNIT.findall(folded(text))
    return frozenset((*pairwise(units), *((unit, "") for unit in units if len(unit) > 3)))


def _said(sentence: str, question: str) -> float:
    """Return which share of a sentence's pairs is in the question."""
    pairs = _pairs(sentence)
    return len(pairs & _pairs(question)) / len(pairs) if pairs else 0.0


def _behind_question(sentences: Sequence[str], at: int, question: str) -> int:
    """Return the number behind `at` where `at` is the same question, as in a list of them."""
    same = _ASKS.search(sentences[at]) and _said(sentences[at], question) >= SAME_QUESTION
    return at + 1 if same and at + 1 < len(sentences) else at


class _Lack(NamedTuple):
    """When a sentence does not answer, but the one beside it does.

    Attributes:
        own: the chosen one has a form of at most this strength.
        near: the one beside it has one of at least this strength.
        carried: the same where that one goes on from the chosen one, see `_GOES_ON`.
    """

    own: float
    near: float
    carried: float


_LACKS = {
    Kind.REASON: _Lack(0.15, 1.0, 0.7),
    Kind.MANNER: _Lack(0.25, 0.8, 0.7),
    Kind.LIST: _Lack(0.3, 0.8, 0.7),
    Kind.OTHER: _Lack(0.3, 0.9, 0.6),
    Kind.DEFINITION: _Lack(0.3, 0.9, 0.6),
    **dict.fromkeys(SINGLE - {Kind.YES_NO, Kind.SMALL_TALK}, _Lack(0.1, 0.9, 0.9)),
}
"""Measured on cmrc_dev, drcd_dev and xquad.zh: what adds to few sentences that do answer."""

_GOES_ON = re.compile(
    r"(?:(?:同时|此外|另外|目前|后来|但是?|不过|而且?|并且?|主要|具体|其中|于是),?)?"
    r"(?:这|此(?![外后])|其(?![他次余])|[他她它牠该]|通过|透过|采[用取]|利用|包括|分为|主要|例如)"
    r"|(?:this|these|that|it|they|he|she|its|their|his|her)\b"
)
_EXPLAINS = re.compile(
    r"(?P<back>(?:这|其)\w{0,8}?(?:因为|由于|原因|理由|目的)"
    r"|(?:this|that|it) (?:is|was) (?:\w+ )?(?:because|due to)\b)"
    r"|(?:主要|根本|直接|首要|最大)?[是正就也]{0,2}(?:因为|之所以|原因|理由|目的|原来)"
    r"|because\b|the (?:main )?reason\b"
)
"""How a sentence begins that gives the reason of the one before; 由于 alone gives its own."""

_CONCLUDES = re.compile(
    r"因此|因而|所以|于是|故(?![乡事宫障])|为此|由此|从而|结果,|这(?:使|导致|造成|令|就)|正因"
    r"|(?:therefore|thus|hence|consequently|as a result|for this reason|that is why)\b"
)


_COLON = re.compile(r"[:：]\s*$")


def _reply(
    sentences: Sequence[str], at: int, wanted: Wanted, question: str
) -> tuple[int, ...] | None:
    """Return `at` with the sentence beside it where only that one says what is asked for."""
    if at + 1 < len(sentences) and _COLON.search(sentences[at]):
        return _together(sentences, at, at + 1, question)
    near = _reason(sentences, at, wanted, question)
    if near is None:
        near = _answering(sentences, at, wanted, question)
    return None if near is None else _together(sentences, at, near, question)


def _reason(sentences: Sequence[str], at: int, wanted: Wanted, question: str) -> int | None:
    """Return the number of the sentence beside `at` that is said to be its reason."""
    if wanted.kind is not Kind.REASON:
        return None
    answered = strength(sentences[at], wanted, question) >= EXPLAINED
    behind = _EXPLAINS.match(folded(sentences[at + 1])) if at + 1 < len(sentences) else None
    if behind and (behind["back"] or not answered):
        return at + 1
    concludes = at and not answered and _CONCLUDES.match(folded(sentences[at]))
    return at - 1 if concludes else None


def _answering(sentences: Sequence[str], at: int, wanted: Wanted, question: str) -> int | None:
    """Return the number of the sentence beside `at` that has the form which `at` lacks."""
    lack = _LACKS.get(wanted.kind)
    if lack is None or strength(sentences[at], wanted, question) > lack.own:
        return None
    for near in (at + 1, at - 1):
        if near not in range(len(sentences)) or (near < at and wanted.kind not in SINGLE):
            continue
        carried = _GOES_ON.match(folded(sentences[max(near, at)]))
        least = lack.carried if carried else lack.near
        if strength(sentences[near], wanted, question) >= least:
            return near
    return None


def _together(
    sentences: Sequence[str], at: int, near: int, question: str
) -> tuple[int, ...] | None:
    """Return `near` with `at` unless that adds nothing; None where both are too long."""
    if _said(sentences[at], question) >= ECHOED:
        return (near,)
    both = (min(at, near), max(at, near))
    return both if fits(sentences, both, LONGEST) else None


_POINTS_BACK = re.compile(
    r"(?:(?:同时|此外|另外|目前|后来|但是?|不过|而且?|并且?|因此|所以|随后|之后),?)?"
    r"(?:这|此(?![外后])|其(?![他中次余])|[他她它牠该])"
    r"|(?:this|these|it|they|he|she|its|their|his|her|the latter)\b"
)


def _subject(
    sentences: Sequence[str], at: int, wanted: Wanted, question: str
) -> tuple[int, ...] | None:
    """Return `at` with the short sentence before it that says what its first word means."""
    if not at or wanted.kind is Kind.SMALL_TALK:
        return None
    before, chosen = sentences[at - 1], sentences[at]
    if len(before) > LONGEST_SUBJECT or not _POINTS_BACK.match(folded(chosen)):
        return None
    named = (_pairs(before) & _pairs(question)) - _pairs(chosen)
    both = (at - 1, at)
    return both if len(named) > 1 and fits(sentences, both, LONGEST) else None
