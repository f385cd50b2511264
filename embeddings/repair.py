"""Lines of a torn page -> paragraphs read as one, and what was pushed in between kept apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from embeddings.cleaning import CleanText, join
from embeddings.layout import Line, usual_gap, width
from embeddings.records import Role
from embeddings.sentences import CLOSING

FARTHEST = 6
"""How many lines may stand between the halves of a sentence, besides page headers."""

LONGEST_CAPTION = 60

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


# Log odds that set in before the words at the joint are looked at.
PARAGRAPH_IS_OPEN = 4.0
HEADLINE_IS_OPEN = -2.5
WRAPPED = 6.0
WRAPPED_SHORT = 2.0
SET_APART = -1.5
TWO_LINE_HEADLINE = 6.0
INDENTED = -2.0
SKIPPED = -0.7
SKIPPED_LONG = -2.0
STARTS_LIKE_HEADLINE = -1.5

_JOINED = (Role.BODY, Role.HEADLINE)
_INNER_END = re.compile(r"[。！？!?；;](?=.)")
_QUOTED = re.compile(r"^[“「『\"].*[”」』\"]$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """Lines that belong together, and what they are."""

    content: CleanText
    role: Role
    first: int


def put_together(lines: Sequence[Line], roles: Sequence[Role], judge: Judge) -> list[Part]:
    """Return the parts of a page in reading order; each line is in one of them.

    Args:
        lines: the lines of the page.
        roles: what each is, judged by itself.
        judge: judges joints.
    """
    joiner = _Joiner(lines, roles, judge)
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
    return (line for line in range(chain[0], chain[-1]) if line not in chain)


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
    """Finds, for each line that ends in mid-sentence, the line that goes on with it."""

    def __init__(self, lines: Sequence[Line], roles: Sequence[Role], judge: Judge) -> None:
        self._lines = lines
        self._roles = roles
        self._judge = judge
        self._ends = [_ends_paragraph(line.text) for line in lines]
        self._width = width(lines, self._ends)
        self._usual_gap = usual_gap(lines)

    def chains(self) -> Iterator[list[int]]:
        """Yield the lines of each part."""
        used: set[int] = set()
        for start in range(len(self._lines)):
            if start in used:
                continue
            chain = [start]
            text = self._lines[start].text
            while (following := self._next(chain, text, used)) is not None:
                chain.append(following)
                text += self._lines[following].text
            used.update(chain)
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

    def _next(self, chain: Sequence[int], text: str, used: set[int]) -> int | None:
        last = chain[-1]
        if self._ends[last] or self._roles[last] not in _JOINED:
            return None
        open_before = self._openness(chain)
        best, best_odds = None, 0.0
        for candidate, cost in self._candidates(last, used):
            odds = open_before + cost + self._judge.log_odds(text, self._lines[candidate].text)
            if odds > best_odds and not self._has_nearer(candidate, last, odds, used):
                best, best_odds = candidate, odds
        return best

    def _has_nearer(self, candidate: int, last: int, odds: float, used: set[int]) -> bool:
        """Tell whether a line in between is broken off too and fits `candidate` better."""
        after = self._lines[candidate].text
        for at in range(last + 1, candidate):
            if at in used or self._ends[at] or self._roles[at] not in _JOINED:
                continue
            own = self._openness([at]) + self._place(at, candidate)
            if own + self._judge.log_odds(self._lines[at].text, after) >= odds:
                return True
        return False

    def _openness(self, chain: Sequence[int]) -> float:
        """Return the log odds that the chain so far is a sentence that goes on."""
        starts_paragraph = self._width and self._lines[chain[0]].indented
        if starts_paragraph or not self.is_headline(chain):
            return PARAGRAPH_IS_OPEN
        whole = "".join(self._lines[line].text for line in chain)
        return HEADLINE_IS_OPEN + self._judge.openness(whole)

    def _candidates(self, last: int, used: set[int]) -> Iterator[tuple[int, float]]:
        """Yield the lines that may go on after `last`, and what speaks for or against the place."""
        cost = 0.0
        seen = 0
        for at in range(last + 1, len(self._lines)):
            if at in used or self._roles[at] is Role.BOILERPLATE:
                continue
            if self._roles[at] in _JOINED:
                yield at, cost + self._place(last, at)
            seen += 1
            if seen > FARTHEST:
                return
            cost += self._skipping_cost(at)

    def _skipping_cost(self, at: int) -> float:
        """Judge a line as one that was pushed between the halves of a sentence."""
        text = self._lines[at].text
        if self._roles[at] in (Role.CAPTION, Role.BYLINE) or _QUOTED.match(text):
            return SKIPPED / 2
        complete = self._ends[at] or self._roles[at] is Role.HEADLINE
        stands_alone = SHORTEST_BETWEEN <= len(text) <= LONGEST_BETWEEN
        return SKIPPED if complete and stands_alone else SKIPPED_LONG

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
