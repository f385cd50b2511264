"""Lines of a torn page -> paragraphs read as one, and what was pushed in between kept apart."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from embeddings.cleaning import HAN, CleanText, join
from embeddings.layout import Line, usual_gap, width
from embeddings.records import Mark, Role
from embeddings.sentences import CLOSING

FARTHEST = 6
"""How many lines may stand between the halves of a sentence, besides page headers."""

LONGEST_CAPTION = 60

JUDGED = 400
"""Characters on each side of a joint that a judge looks at, at most."""

MOST_JUDGED = 300_000
"""Joints of a document that are judged; each takes a part of a millisecond. What stands behind is
read as it is broken into lines."""

SHORTEST_BETWEEN = 8
LONGEST_BETWEEN = 100
"""A shorter or longer paragraph between the halves speaks against the joint."""


class Judge(Protocol):
    """Judges joints in log odds; see `embeddings.joints.Joints`."""

    def log_odds(self, before: str, after: str) -> float:
        """Return how much speaks for one sentence across the joint."""
        ...

    def openness(self, before: str) -> float:
        """Return how much speaks for a piece without an end mark being broken off."""
        ...

    def starts_inside(self, after: str) -> float:
        """Return how much speaks for a piece going on with a sentence that began elsewhere."""
        ...


# Log odds that set in before the words at the joint are looked at; chosen on the tuning half of
# benchmarks/tearing.py. After a comma any clause may follow, so there the nearest is believed.
PARAGRAPH_IS_OPEN = 5.0
HEADLINE_IS_OPEN = -3.5
HEADLINE_IS_SPACED = -3.0
WRAPPED = 6.0
WRAPPED_SHORT = 2.0
SET_APART = -0.75
TWO_LINE_HEADLINE = 6.0
INDENTED = -2.0
SKIPPED = -1.3
SKIPPED_LONG = -3.2
STARTS_LIKE_HEADLINE = -3.5
SKIPPED_INSIDE = 1.0
SKIPPED_AFTER_MARK = -2.0
FIRST_OF_PAGE = -2.0
SURE = -1.0

SUBJECT_AGAIN = -5.0
"""Where a text begins as the headline above it: half a sentence hardly names its subject again."""

_SUBJECT = 2
_MARKS = ("，", ",", "、", "；", ";", "：", ":")
_JOINED = (Role.BODY, Role.HEADLINE)
_INNER_END = re.compile(r"[。！？!?；;](?=.)")
_SPACED = re.compile(rf"[{HAN}”』」] +[{HAN}“『「]")
_QUOTED = re.compile(r"^[“「『\"].*[”」』\"]$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """Lines that belong together, and what they are."""

    content: CleanText
    role: Role
    first: int


def put_together(
    lines: Sequence[Line],
    roles: Sequence[Role],
    judge: Judge,
    named: Sequence[Mark | None] = (),
) -> list[Part]:
    """Return the parts of a page in reading order; each line is in one of them.

    Args:
        lines: the lines of the page.
        roles: what each is, judged by itself.
        judge: judges joints.
        named: what the format itself says of each line; empty where it says nothing. A headline
            that it names is whole: it is never joined with what is no part of it.
    """
    joiner = _Joiner(lines, roles, judge, named)
    chains = list(joiner.chains())
    between = {line for chain in chains for line in _between(chain)}
    parts = []
    for chain in chains:
        role = roles[chain[0]]
        if len(chain) > 1 and role is Role.HEADLINE and not joiner.is_headline(chain):
            role = Role.BODY
        if role is Role.BODY and chain[0] in between:
            role = Role.QUOTE if _QUOTED.match(lines[chain[0]].text) else Role.CAPTION
        if role is Role.BODY and len(chain) == 1 and joiner.is_caption(chain[0]):
            role = Role.CAPTION
        parts.append(Part(_content(lines, chain), role, chain[0]))
    return sorted(parts, key=lambda part: part.first)


def _between(chain: Sequence[int]) -> Iterator[int]:
    own = set(chain)
    return (line for line in range(chain[0], chain[-1]) if line not in own)


def _content(lines: Sequence[Line], chain: Sequence[int]) -> CleanText:
    parts: list[CleanText] = []
    breaks: list[int] = []
    for at, line in enumerate(chain):
        content = lines[line].content
        if at and line - chain[at - 1] > 1:
            breaks.append(len(parts))
        if at and parts[-1].text[-1].isascii() and content.text[0].isascii():
            parts.append(CleanText(" ", (content.offsets[0] - 1,)))
        parts.append(content)
    return join(parts, breaks)


def _ends_paragraph(text: str) -> bool:
    """Tell whether a paragraph may end here: a semicolon or a colon does not end one."""
    return text.rstrip(CLOSING + "\"' ").endswith(("。", "！", "？", "!", "?", "…", "."))


class _Joiner:
    """Joins lines to chains: first the lines of one column, then pieces that stand apart.

    Apart, the surest joints are made first. So a piece is not given away to a beginning that it
    fits less well than another, and joints lie inside one another like brackets, never across.
    """

    def __init__(
        self,
        lines: Sequence[Line],
        roles: Sequence[Role],
        judge: Judge,
        named: Sequence[Mark | None],
    ) -> None:
        self._lines = lines
        self._headlines = [
            one if one and one.level else None for one in named or [None] * len(lines)
        ]
        self._roles = roles
        self._judge = judge
        self._ends = [_ends_paragraph(line.text) for line in lines]
        self._width = width(lines, self._ends)
        self._usual_gap = usual_gap(lines)
        own = (at for at, role in enumerate(roles) if role is not Role.BOILERPLATE)
        self._first = next(own, 0)
        self._skipping: dict[int, float] = {}
        self._left = MOST_JUDGED
        # How many there are up to each line: asked of every chain, however long.
        self._no_headlines = [0, *accumulate(role is not Role.HEADLINE for role in roles)]
        self._spaced = [0, *accumulate(bool(_SPACED.search(line.text)) for line in lines)]

    def chains(self) -> Iterator[list[int]]:
        """Yield the lines of each part."""
        pieces = list(self._columns())
        following = self._joints(pieces)
        joined = set(following.values())
        for start in range(len(pieces)):
            if start in joined:
                continue
            chain, at = list(pieces[start]), start
            while at in following:
                at = following[at]
                chain += pieces[at]
            yield chain

    def is_headline(self, chain: Sequence[int]) -> bool:
        """Tell whether joined lines are one headline set in several lines."""
        return all(self._roles[line] is Role.HEADLINE for line in chain)

    def is_caption(self, line: int) -> bool:
        """Tell whether a line is one short sentence set apart, as under a picture."""
        text = self._lines[line].text
        after = self._lines[line + 1].gap if line + 1 < len(self._lines) else 0
        apart = max(self._lines[line].gap, after) > self._usual_gap
        return apart and len(text) <= LONGEST_CAPTION and not _INNER_END.search(text)

    def _is_headline_piece(self, piece: Sequence[int]) -> bool:
        """As `is_headline`, of lines that follow each other directly."""
        return self._no_headlines[piece[0]] == self._no_headlines[piece[-1] + 1]

    def _end_of(self, piece: Sequence[int]) -> str:
        """Return as much of the end of a text as is judged."""
        found, length = [], 0
        for line in reversed(piece):
            found.append(self._lines[line].text)
            length += len(found[-1])
            if length >= JUDGED:
                break
        return "".join(reversed(found))

    def _text(self, chain: Sequence[int]) -> str:
        return "".join(self._lines[line].text for line in chain)

    def _is_open(self, chain: Sequence[int]) -> bool:
        """Tell whether a chain could be broken off at its end."""
        return not self._ends[chain[-1]] and self._roles[chain[-1]] in _JOINED

    def _columns(self) -> Iterator[list[int]]:
        """Yield lines that follow each other directly and surely go on with each other."""
        chain: list[int] = []
        for at in range(len(self._lines)):
            if chain and self._surely_goes_on(chain, at):
                chain.append(at)
                continue
            if chain:
                yield chain
            chain = [at]
        if chain:
            yield chain

    def _surely_goes_on(self, chain: Sequence[int], at: int) -> bool:
        if self._lines[at].gap or not self._is_open(chain) or self._roles[at] not in _JOINED:
            return False
        return self._odds(chain, [at], 0.0, goes_on=False) > SURE

    def _joints(self, pieces: Sequence[Sequence[int]]) -> dict[int, int]:
        """Return which piece goes on with which, by their numbers."""
        following: dict[int, int] = {}
        joined: dict[int, int] = {}
        waiting = [one for at in range(len(pieces)) for one in self._offers(pieces, at)]
        heapq.heapify(waiting)
        while waiting:
            _, _, before, after = heapq.heappop(waiting)
            if before in following or after in joined or _crosses(before, after, following, joined):
                continue
            following[before] = after
            joined[after] = before
            for offer in self._offers(pieces, after, goes_on=True):
                heapq.heappush(waiting, offer)
        return following

    def _offers(
        self, pieces: Sequence[Sequence[int]], before: int, *, goes_on: bool = False
    ) -> Iterator[tuple[float, int, int, int]]:
        """Yield (cost, distance, before, after) for the pieces that may go on with one.

        Args:
            pieces: all of them, in their order.
            before: number of the one that is perhaps broken off.
            goes_on: whether it goes on with an earlier piece: then it is no headline.
        """
        chain = pieces[before]
        if not self._is_open(chain):
            return
        chain_ends_with_mark = self._lines[chain[-1]].text.endswith(_MARKS)
        cost = 0.0
        seen = 0
        for after in range(before + 1, len(pieces)):
            role = self._roles[pieces[after][0]]
            if role is Role.BOILERPLATE:
                continue
            if role in _JOINED:
                odds = self._odds(chain, pieces[after], cost, goes_on=goes_on)
                if odds > 0:
                    yield -odds, after - before, before, after
            seen += 1
            if seen > FARTHEST:
                return
            if after not in self._skipping:
                self._skipping[after] = self._skipping_cost(pieces[after])
            cost += self._skipping[after]
            if seen == 1 and chain_ends_with_mark:
                cost += SKIPPED_AFTER_MARK

    def _odds(
        self, chain: Sequence[int], other: Sequence[int], cost: float, *, goes_on: bool
    ) -> float:
        """Return the log odds that a chain goes on with another one."""
        self._left -= 1
        if self._left < 0 or self._headlines[chain[-1]] != self._headlines[other[0]]:
            return float("-inf")
        before, after = self._end_of(chain), self._text(other)
        odds = self._judge.log_odds(before, after)
        if not goes_on and self._is_headline_piece(chain) and before[:_SUBJECT] == after[:_SUBJECT]:
            odds += SUBJECT_AGAIN
        odds += PARAGRAPH_IS_OPEN if goes_on else self._openness(chain, before)
        return odds + cost + self._place(chain[-1], other[0])

    def _openness(self, chain: Sequence[int], text: str) -> float:
        """Return the log odds that the chain so far is a sentence that goes on."""
        starts_paragraph = self._width and self._lines[chain[0]].indented
        if starts_paragraph or not self._is_headline_piece(chain):
            return PARAGRAPH_IS_OPEN
        first = FIRST_OF_PAGE if chain[0] == self._first else 0.0
        is_spaced = self._spaced[chain[0]] < self._spaced[chain[-1] + 1]
        spaced = HEADLINE_IS_SPACED if is_spaced else 0.0
        return first + spaced + HEADLINE_IS_OPEN + self._judge.openness(text)

    def _skipping_cost(self, chain: Sequence[int]) -> float:
        """Judge a piece as one that was pushed between the halves of a sentence."""
        text = self._text(chain)
        if self._roles[chain[0]] in (Role.CAPTION, Role.BYLINE) or _QUOTED.match(text):
            return SKIPPED / 2
        complete = self._ends[chain[-1]] or self._is_headline_piece(chain)
        stands_alone = SHORTEST_BETWEEN <= len(text) <= LONGEST_BETWEEN
        cost = SKIPPED if complete and stands_alone else SKIPPED_LONG
        return cost - SKIPPED_INSIDE * max(0.0, self._judge.starts_inside(text))

    def _place(self, last: int, at: int) -> float:
        line = self._lines[at]
        direct = at == last + 1 and line.gap == 0
        odds = 0.0
        if direct and self._width:
            odds += WRAPPED if len(self._lines[last].text) >= self._width else WRAPPED_SHORT
        if line.indented:
            odds += INDENTED
        if line.gap > self._usual_gap:
            odds += SET_APART
        if self._roles[at] is Role.HEADLINE:
            odds += self._headline_place(last, direct)
        return odds

    def _headline_place(self, last: int, direct: bool) -> float:
        """Judge a line that looks like a headline: a headline is often set in two lines."""
        two_lines = direct and self._usual_gap and self._roles[last] is Role.HEADLINE
        return TWO_LINE_HEADLINE if two_lines else 0.0 if direct else STARTS_LIKE_HEADLINE


def _crosses(before: int, after: int, following: dict[int, int], joined: dict[int, int]) -> bool:
    """Tell whether a joint would lie across one that is made already, there and back."""
    return any(
        following.get(at, after) > after or joined.get(at, before) < before
        for at in range(before + 1, after)
    )
