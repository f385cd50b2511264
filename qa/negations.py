"""Whether a sentence negates what its cited text says, or says what that negates: a rule of place.

A word is in its place where a word beside it is the same in both texts, little words left out. It
is said the other way round if it is negated in one of the texts and in no such place of the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qa.claims import Token

_CHINESE = (
    "不 没 没有 未 无 非 并非 从未 尚未 并未 并没有 从不 绝不 绝非 毫无 不是 不会 不能 不再 未能"
)
PURE = frozenset((*_CHINESE.split(), "not", "never", "no", "cannot"))
"""Words that only negate. Of others, such as 不足 or 无线, the negation is a part."""

_SUPPORTING = frozenset(("有", "是", "会", "能", "再"))
"""Left out, for 没有, 不是 and the like are one word."""

_CLAUSE = 2
"""`Token.pause` from which on a clause begins."""


class _Word(NamedTuple):
    """A word that says something, and the words that do beside it; empty at an end."""

    text: str
    before: str
    behind: str
    negated: bool
    sure: bool


def is_opposite(claim: Sequence[Token], told: Sequence[Token]) -> bool:
    """Tell whether a word of a sentence is negated and is not in the cited text, or the reverse."""
    there: dict[str, list[_Word]] = {}
    for word in _words(told):
        there.setdefault(word.text, []).append(word)
    return any(_is_reversed(word, there.get(word.text, [])) for word in _words(claim))


def _is_reversed(word: _Word, others: Sequence[_Word]) -> bool:
    placed = [
        other
        for other in others
        if (word.before and word.before == other.before)
        or (word.behind and word.behind == other.behind)
    ]
    return (
        bool(placed)
        and word.sure
        and all(other.sure and other.negated != word.negated for other in placed)
    )


def _words(part: Sequence[Token]) -> Iterator[_Word]:
    """Yield the words that say something, clause by clause."""
    for clause in _clauses(part):
        negations = sum(token.negation for token in clause)
        # Of two negations in a clause one may take the other back; none is judged.
        sure = negations <= 1
        texts, negated, after = [""], [False], False
        for token in clause:
            if token.text in PURE:
                after = True
            elif token.weight > 1 and token.text not in _SUPPORTING:
                texts.append(token.text)
                negated.append(after)
                after = False
        texts.append("")
        for at in range(1, len(texts) - 1):
            yield _Word(texts[at], texts[at - 1], texts[at + 1], negated[at], sure)


def _clauses(part: Sequence[Token]) -> Iterator[list[Token]]:
    clause: list[Token] = []
    for token in part:
        if token.pause >= _CLAUSE and clause:
            yield clause
            clause = []
        clause.append(token)
    if clause:
        yield clause
