"""The words of a Chinese question and the runs of them that can be a noun phrase.

Hides what is quoted or bracketed from every rule; reads one question at a time.
"""

from __future__ import annotations

import re
from functools import cached_property

from embeddings.records import Span
from qa.chinese_words import MEASURES, NOUNS_TOO
from qa.phrases import Phrase, Sort, Word

ASKS = re.compile(
    rf"谁|哪|(?<!没有)(?<!没)什么|(?<!任)何(?=[时地处种人年月日物者])|为何|如何|怎|咋|啥|多少"
    rf"|(?<![近这那好前后十百千数来隔过的0-9])几(?=[{MEASURES}年月天日岁点元亿万成人座公小千平楼号班针顿遍页桌户课节集卷章排列])"
    r"|多[大高长远重宽深快久](?![的规])|是否|是不是|有没有|有无|能不能|会不会|可不可以|还是|[吗呢]$"
)
"""Words that ask, in folded text."""

_GROUPS = "地乡国种类级界项个方区行位处家族省市县式样村镇校部民大科届点单路州军院系班组队户业团会员"
"""Characters behind 各 that make a word with it, as in 各地."""

EACH = re.compile(rf"各自|分别|各(?![{_GROUPS}])")
"""Words for each of several."""

TOGETHER = re.compile(
    rf"^(?:(?:这|那)?[两二三四几](?:者|地|[{MEASURES}](?!.{{0,2}}大))|(?:这|那)[些几]个?|双方)"
)
"""Words for all of what was named, at the head of a folded text."""

COORDINATORS = frozenset(["和", "与", "跟", "及", "以及", "、", "暨", "同", "还有"])
"""Words that name things side by side."""

HIDDEN = "\0"
"""Stands in the place of each character that is quoted."""

_ENCLOSED = re.compile(
    r"“[^”]*”|‘[^’]*’|「[^」]*」|『[^』]*』|《[^》]*》|〈[^〉]*〉|\([^)]*\)|\"[^\"]*\"|【[^】]*】"
)
_CLOSES = re.compile(r"[和与跟及、,各]|以及|分别|哪")
_SWALLOWED = re.compile(r"(^[和与跟及比各]|(?<=.)[与及])")
"""Characters in words that no dictionary holds, and that are words of their own."""


def masked(plain: str) -> str:
    """Return folded text with what is quoted or bracketed hidden; its length stays."""
    return _ENCLOSED.sub(lambda match: HIDDEN * len(match.group()), plain)


class NounRuns:
    """A question, its words, and which of them can name something.

    Args:
        phrase: the question, without its final mark.

    Attributes:
        phrase: the same.
        text: as written.
        hidden: folded, what is quoted hidden; character i of one is character i of the other.
    """

    def __init__(self, phrase: Phrase) -> None:
        self.phrase = phrase
        self.text = phrase.text
        self.hidden = masked(phrase.plain)

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """The words, coordinators apart from those that have swallowed them."""
        found: list[Word] = []
        for word in self.phrase.words:
            if word.tag or len(word.text) < 2 or self.hidden[word.span.start] == HIDDEN:
                found.append(word)
                continue
            at = word.span.start
            for piece in filter(None, _SWALLOWED.split(word.text)):
                tag = self.phrase.cut(piece).words[0].tag
                found.append(Word(piece, tag, Span(at, at + len(piece))))
                at += len(piece)
        return tuple(found)

    def is_noun(self, at: int) -> bool:
        """Tell whether word number `at` can be part of what is named."""
        word = self.words[at]
        if self.hidden[word.span.start] == HIDDEN:
            return True
        if word.text in COORDINATORS or ASKS.match(self.phrase.plain, word.span.start):
            return False
        if word.text in " ·-.&" and 0 < at < len(self.words) - 1:
            return self.words[at + 1].text[:1].isalnum() and self.words[at - 1].text[:1].isalnum()
        if word.tag in ("m", "q", "t", "mq") and word.text[:1].isalnum():
            return not TOGETHER.match(word.text) and word.text not in ("一下", "一些", "一起")
        if word.text in NOUNS_TOO and EACH.match(self.hidden, word.span.end):
            return True
        if word.tag == "v" and len(word.text) > 1:
            named = self.hidden.startswith("是", word.span.end) or self._is_beside(at)
            if named or self._is_repeated(at):
                return True
        return self.phrase.is_nounish(word) and not EACH.match(word.text)

    def _is_beside(self, at: int) -> bool:
        """Tell whether a verb stands beside a noun, as in 收入和支出各."""
        before = self.words[at - 1].text if at else ""
        end = self.words[at].span.end
        last = before in COORDINATORS and EACH.match(self.hidden, end)
        return bool(last) or (before == "的" and bool(re.match("[和与及、]", self.hidden[end:])))

    def _is_repeated(self, at: int) -> bool:
        """Tell whether a verb stands where several names end, as in 教育支出和医疗支出各."""
        ends = [
            word.span.end
            for word in self.words
            if word.text == self.words[at].text and len(word.text) > 1
        ]
        closed = [end for end in ends if _CLOSES.match(self.hidden, end)]
        return len(closed) > 1 and self.words[at].span.end in closed

    def in_time(self, word: Word) -> bool:
        """Tell whether a word is part of a date or another time."""
        times = (entity.span for entity in self.phrase.entities if entity.sort is Sort.TIME)
        return any(time.start <= word.span.start < time.end for time in times)

    def run(self, start: int) -> int:
        """Return where the noun phrase ends that begins at word number `start`."""
        while start < len(self.words) and self.is_noun(start):
            start += 1
        return start

    def run_back(self, end: int) -> int:
        """Return where the noun phrase begins that ends before word number `end`."""
        while end and self.is_noun(end - 1):
            end -= 1
        return end

    def clause_start(self, at: int) -> int:
        """Return the number of the first word of the clause of word number `at`."""
        while at and self.words[at - 1].text not in (",", ":"):
            at -= 1
        return at

    def clause_end(self, at: int) -> int:
        """Return where the clause of word number `at` ends, or the words for each begin."""
        while at < len(self.words) and self.words[at].text not in (",", "各", "各自", "分别"):
            at += 1
        return at

    def lead(self, span: Span) -> tuple[int, Sort | None]:
        """Return where the time or place at the head of `span` ends, and which it is."""
        for entity in self.phrase.cut(self.phrase.plain[span.start : span.end]).entities:
            if entity.span.start == 0 and entity.sort in (Sort.TIME, Sort.PLACE):
                return span.start + entity.span.end, entity.sort
        return span.start, None

    def span(self, start: int, end: int) -> Span:
        """Return where the words from `start` to before `end` stand."""
        return Span(self.words[start].span.start, self.words[end - 1].span.end)

    def is_named(self, at: int) -> bool:
        """Tell whether word number `at` begins a proper name."""
        word = self.words[at]
        if self.hidden[word.span.start] == HIDDEN or word.text.isdigit():
            return False
        return word.tag in ("", "ns", "nr", "nt", "nz", "nrt", "nrfg", "eng")
