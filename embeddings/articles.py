"""Parts of a page -> the article and the section that each belongs to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from embeddings.records import CUT_OFF, Role
from embeddings.repair import Part

LONGEST_TITLE = 60
"""Headlines set above each other make one title up to this many characters."""

LONGEST_START = 24
"""An article without a headline is known by this many of its first characters."""

# Evidence that a group of headlines starts an article rather than a section of one.
SEVERAL_HEADLINES = 1.0
CREDITED_BELOW = 1.5
CREDITED_ABOVE = 2.0
NEWS_OPENING = 3.0
DATE_OPENING = 1.0
AMONG_SHORT_NEWS = 1.0
ENOUGH = 2.0

_NEWS = re.compile(r"^(?:本报|本报记者|本刊|本网|本台|[^。，,]{0,8})\S{0,8}[讯訊电電][(（\s:：]?")
_DATE = re.compile(r"^(?:近日|日前|近期|昨日|今日|连日来|(?:\d{4}年)?\d{1,2}月\d{1,2}日)")


@dataclass(frozen=True, slots=True)
class Section:
    """Where a part belongs.

    Attributes:
        article: number of its article on the page, from 0.
        title: headline of the article, or its first words.
        heading: nearest section heading above, or empty.
    """

    article: int
    title: str
    heading: str = ""


def sections(parts: Sequence[Part], levels: Sequence[int]) -> list[Section]:
    """Return the section of each part.

    Args:
        parts: the parts of a document in reading order.
        levels: for each the level of a headline that the format itself names, 1 (highest) to 6;
            0 for all others.
    """
    return _Divider(parts, levels).divide()


class _Divider:
    def __init__(self, parts: Sequence[Part], levels: Sequence[int]) -> None:
        self._parts = parts
        self._levels = levels
        self._below = _next_bodies(parts)
        self._highest = min((level for level in levels if level), default=0)
        self._article = 0
        self._title = ""
        self._heading = ""
        self._bodies = 0
        self._short_news = False

    def divide(self) -> list[Section]:
        found: list[Section] = []
        at = 0
        while at < len(self._parts):
            group = self._headlines(at)
            if group and self._starts_article(at, group):
                self._start(self._title_of(group))
            elif group:
                self._heading = self._parts[group[-1]].content.text
            elif self._follows_ending(at):
                self._start(_first_words(self._parts[at].content.text))
            last = group[-1] if group else at
            for part in range(at, last + 1):
                self._see(part)
                found.append(Section(self._article, self._title, self._heading_of(part, group)))
            at = last + 1
        return _with_leading(found)

    def _start(self, title: str) -> None:
        self._article += bool(self._title or self._bodies > 1)
        self._title, self._heading = title, ""
        self._bodies = 0
        self._short_news = False

    def _see(self, at: int) -> None:
        part = self._parts[at]
        if part.role is Role.BODY:
            self._short_news |= not self._bodies and bool(_NEWS.match(part.content.text))
            self._bodies += 1

    def _heading_of(self, at: int, group: Sequence[int]) -> str:
        return "" if at in group else self._heading

    def _headlines(self, at: int) -> range:
        """Return the headlines that stand together from `at` on."""
        end = at
        while end < len(self._parts) and self._parts[end].role is Role.HEADLINE:
            end += 1
            if self._highest and end > at:
                break
        return range(at, end)

    def _starts_article(self, at: int, group: Sequence[int]) -> bool:
        if self._highest:
            return self._levels[at] == self._highest
        return not self._title or self._evidence(at, group) >= ENOUGH

    def _evidence(self, at: int, group: Sequence[int]) -> float:
        opening = self._opening(group[-1] + 1)
        evidence = SEVERAL_HEADLINES if len(group) > 1 else 0.0
        if self._is_credited(group[-1] + 1):
            evidence += CREDITED_BELOW
        if self._follows_ending(at):
            evidence += CREDITED_ABOVE
        if _NEWS.match(opening):
            evidence += NEWS_OPENING
        if _DATE.match(opening):
            evidence += DATE_OPENING + AMONG_SHORT_NEWS * self._short_news
        return evidence

    def _opening(self, at: int) -> str:
        """Return the first paragraph below a headline."""
        at = self._below[at] if at < len(self._below) else len(self._parts) - 1
        return self._parts[at].content.text

    def _is_credited(self, at: int) -> bool:
        """Tell whether a byline stands within the first parts below a headline."""
        for part in self._parts[at : at + 4]:
            if part.role in (Role.BYLINE, Role.HEADLINE):
                return part.role is Role.BYLINE
        return False

    def _follows_ending(self, at: int) -> bool:
        """Tell whether a byline just above closes the article before."""
        above = self._parts[at - 1].role if at else None
        return self._bodies > 1 and above is Role.BYLINE and self._parts[at].role in _OPENERS

    def _title_of(self, group: Sequence[int]) -> str:
        texts = [self._parts[part].content.text for part in group]
        whole = " ".join(texts)
        return whole if len(whole) <= LONGEST_TITLE else max(texts, key=len)


def _next_bodies(parts: Sequence[Part]) -> list[int]:
    """Return for each part the next paragraph from it on, or the last part where none follows."""
    found = []
    below = len(parts) - 1
    for at in range(len(parts) - 1, -1, -1):
        below = at if parts[at].role is Role.BODY else below
        found.append(below)
    return found[::-1]


def _with_leading(found: list[Section]) -> list[Section]:
    """Give what stands above the first headline, such as a picture's caption, its article."""
    first = next((at for at, section in enumerate(found) if section.title), 0)
    if not first or found[first].article != found[0].article:
        return found
    return [*([found[first]] * first), *found[first:]]


_OPENERS = (Role.BODY, Role.HEADLINE)


def _first_words(text: str) -> str:
    return text if len(text) <= LONGEST_START else text[:LONGEST_START] + CUT_OFF
