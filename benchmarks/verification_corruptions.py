"""What makes a true sentence false: a number, date or name swapped, negated, cited elsewhere."""

from __future__ import annotations

import random
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log

from benchmarks.verification_facts import Fact, Passage, is_english
from embeddings.lexical import Tokenizer, search_form, to_simplified, to_traditional
from qa.claims import tokens
from qa.kinds import Kind

CORRUPTIONS = ("number", "date", "name", "negated", "wrong passage")

NAME_KINDS = (Kind.PERSON, Kind.PLACE, Kind.ORGANISATION, Kind.NAME)
ELSEWHERE = 40
"""Passages of a file in which another number or date is looked for."""

_NUMERAL = re.compile(
    r"(?<![\d.,A-Za-z])\d+(?:,\d{3})*(?:\.\d+)?(?![\d年月日号號])(?:[余多餘]?[万亿萬億]+)?|"
    r"(?<![第几数幾數〇零一二两三四五六七八九十百千万亿])(?:[二三四五六七八九十百千万两]{1,6})"
    r"(?=[个個名位家次岁歲人条條项項座支艘米吨噸元公])"
    r"|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty)\b"
)
_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DATE = re.compile(
    r"(?<!\d)\d{3,4}年(?:\d{1,2}月(?:\d{1,2}[日号號])?)?|(?<!\d)\d{1,2}月\d{1,2}[日号號]|"
    r"(?<![〇一二三四五六七八九])[一二][〇零一二三四五六七八九]{3}年|"
    rf"\b(?:{_MONTH} (?:\d{{1,2}}, )?)?(?:1\d{{3}}|20[012]\d)\b(?![%年,.]\d)"
)


@dataclass(frozen=True)
class Corrupted:
    """A sentence that its passage does not say.

    Attributes:
        kind: one of `CORRUPTIONS`.
        near: what was put in stands in the cited passage itself.
    """

    kind: str
    claim: str
    cited: Passage
    near: bool = False


class Corruptor:
    """Makes false sentences of true ones of one file.

    Args:
        facts: all of the file, for names of the same kind.
        passages: among which numbers, dates and wrong passages are found.
    """

    def __init__(
        self, facts: Sequence[Fact], passages: Sequence[Passage], tokenizer: Tokenizer
    ) -> None:
        self._passages, self._tokenizer = passages, tokenizer
        self._names = [fact for fact in facts if fact.kind in NAME_KINDS and fact.answer]
        self._near = _Near(passages, tokenizer)

    def of(self, claim: str, fact: Fact, draw: random.Random) -> Iterator[Corrupted]:
        """Yield at most one of each kind."""
        wide = unicodedata.normalize("NFKC", claim)
        for kind, pattern in (("number", _NUMERAL), ("date", _DATE)):
            if swapped := self._swapped(wide, pattern, fact.passage, draw, kind):
                yield Corrupted(kind, swapped[0], fact.passage, swapped[1])
        if swapped := self._renamed(claim, fact, draw):
            yield Corrupted("name", swapped[0], fact.passage, swapped[1])
        if negated := negation(claim, draw):
            yield Corrupted("negated", negated, fact.passage)
        if (wrong := self._near.second(claim, fact)) is not None:
            yield Corrupted("wrong passage", claim, wrong)

    def _swapped(
        self, claim: str, pattern: re.Pattern[str], own: Passage, draw: random.Random, kind: str
    ) -> tuple[str, bool] | None:
        """Return the claim with another number or date in the place of one, and whether it is near.

        In half of the cases it is one of the same passage, where that has one.
        """
        spots = list(_free(claim, pattern, kind))
        if not spots:
            return None
        spot = draw.choice(spots)
        if len({self._value(one[0]) for one in spots}) == len(spots) > 1 and draw.random() < 0.3:
            return _exchanged(claim, spots, draw), True
        others = draw.sample(list(self._passages), min(ELSEWHERE, len(self._passages)))
        if draw.random() < 0.5:
            others.insert(0, own)
        for other in others:
            if found := self._others(claim, spot, other, pattern, kind):
                return claim[: spot.start()] + draw.choice(found) + claim[
                    spot.end() :
                ], other == own
        return None

    def _others(
        self, claim: str, spot: re.Match[str], other: Passage, pattern: re.Pattern[str], kind: str
    ) -> list[str]:
        """Return numbers or dates of a passage that say something else than the claim does."""
        text = unicodedata.normalize("NFKC", other.text)
        said, own = self._value(claim), self._value(spot[0])
        found = ((one[0], self._value(one[0])) for one in _free(text, pattern, kind))
        return [
            one for one, value in found
            if value and not value <= said and not own <= value and not value <= own
        ]  # fmt: skip

    def _value(self, text: str) -> frozenset[str]:
        return frozenset(one.text for one in tokens(text, self._tokenizer) if one.number)

    def _renamed(self, claim: str, fact: Fact, draw: random.Random) -> tuple[str, bool] | None:
        """Return the claim with a gold name put in the place of another of its kind."""
        if fact.kind not in NAME_KINDS or not fact.answer or claim.count(fact.answer) != 1:
            return None
        if len(fact.answer) > 24 and not is_english(fact.answer):
            return None
        pool = [
            one
            for one in self._names
            if one.kind is fact.kind and _is_other(one.answer, fact.answer, claim)
        ]
        own = [one for one in pool if one.passage == fact.passage]
        near = bool(own) and draw.random() < 0.5
        if not pool:
            return None
        name = draw.choice(own if near else pool).answer
        return claim.replace(fact.answer, name), near or name in fact.passage.text


def _free(text: str, pattern: re.Pattern[str], kind: str) -> Iterator[re.Match[str]]:
    """Yield matches; numbers only outside of dates."""
    dates = [found.span() for found in _DATE.finditer(text)] if kind == "number" else []
    for found in pattern.finditer(text):
        if not any(start < found.end() and found.start() < end for start, end in dates):
            yield found


def _exchanged(claim: str, spots: Sequence[re.Match[str]], draw: random.Random) -> str:
    """Return the claim with two of its numbers in each other's places."""
    one, two = sorted(draw.sample(list(spots), 2), key=lambda found: found.start())
    between = claim[one.end() : two.start()]
    return claim[: one.start()] + two[0] + between + one[0] + claim[two.end() :]


def _is_other(name: str, answer: str, claim: str) -> bool:
    """Tell whether a name is clearly another: it shares no two characters, nor a word."""
    one, two = search_form(name), search_form(answer)
    if is_english(name):
        return not set(one.split()) & set(two.split()) and name not in claim and len(name) < 50
    pairs = {one[at : at + 2] for at in range(len(one) - 1)}
    shared = any(pair in two for pair in pairs) or one in two
    return len(one) < 20 and name not in claim and not shared


# Negation.

_VERBS = re.compile(
    r"(?<![不没未就也还只都总可但若正凡于便])(?P<be>[是有])(?![些的所关效力趣益名意机于限利期害色])|"
    r"(?P<verb>完成|建立|成为|获得|发现|举行|开始|发生|参加|担任|出生|位于|属于|成立|建成|包括|进行|使用|认为|提出|影响"
    r"|增加|支持|达到|毕业|加入|创立|需要|允许|出现|能够?|可以|会(?=[被在对有使]))"
)
_WITH_NOT = ("是", "属于", "能", "能够", "可以", "会", "允许", "需要", "支持", "认为", "包括")
_ENGLISH_VERBS = re.compile(
    r"\b(is|was|are|were|has|had|can|could|will|would|may|did)\b(?! not)(?!n't)"
)
_NEGATIONS = re.compile(r"没有|并不|并未|不(?=[是会能可]|允许)|(?<=[从尚并])未| not\b")


def negation(claim: str, draw: random.Random) -> str:
    """Return the claim's opposite, by a negation put in or taken away; empty where no rule fits."""
    present = list(_NEGATIONS.finditer(to_simplified(claim)))
    if present and draw.random() < 0.7:
        spot = draw.choice(present)
        return claim[: spot.start()] + ("有" if spot[0] == "没有" else "") + claim[spot.end() :]
    return _english_negation(claim, draw) if is_english(claim) else _chinese_negation(claim, draw)


def _english_negation(claim: str, draw: random.Random) -> str:
    found = list(_ENGLISH_VERBS.finditer(claim))
    spot = draw.choice(found) if found else None
    return claim[: spot.end()] + " not" + claim[spot.end() :] if spot else ""


def _chinese_negation(claim: str, draw: random.Random) -> str:
    plain = to_simplified(claim)
    spots = list(_VERBS.finditer(plain))
    if not spots or len(plain) != len(claim):
        return ""
    at = draw.choice(spots)
    word = "没" if at[0] == "有" else "不" if at[0] in _WITH_NOT else draw.choice(("没有", "未"))
    word = word if plain == claim else to_traditional(word)
    return claim[: at.start()] + word + claim[at.start() :]


class _Near:
    """Finds the passage that is most like a sentence by its rare words."""

    def __init__(self, passages: Sequence[Passage], tokenizer: Tokenizer) -> None:
        self._passages, self._tokenizer = passages, tokenizer
        self._words = [Counter(tokenizer.tokens(passage.text)) for passage in passages]
        self._held: dict[str, list[int]] = defaultdict(list)
        for at, words in enumerate(self._words):
            for word in words:
                self._held[word].append(at)

    def second(self, claim: str, fact: Fact) -> Passage | None:
        """Return the best passage that does not hold the fact's sentence; None without one."""
        scores: dict[int, float] = defaultdict(float)
        for word in set(self._tokenizer.tokens(claim)):
            rows = self._held.get(word, ())
            idf = log(1 + (len(self._passages) - len(rows) + 0.5) / (len(rows) + 0.5))
            for at in rows:
                count = self._words[at][word]
                scores[at] += idf * count * 2.2 / (count + 1.2)
        for at in sorted(scores, key=lambda at: (-scores[at], at))[:5]:
            if self._passages[at] != fact.passage and fact.sentence not in self._passages[at].text:
                return self._passages[at]
        return None
