"""What a Chinese question is about: its topic, and whose property it asks for. Spans only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from embeddings.records import Span
from qa.chinese_words import NOUNS_TOO, PROPERTIES, PROPERTY_ENDS
from qa.phrases import Asking, Phrase, Sort, Word, without_light_end

LONGEST_ATTRIBUTE = 3
"""Words behind 的 that can be a property and its modifiers: 最高运行时速."""

_NUMBERED = re.compile(r"第?[一二三四五六七八九十百\d]+(?:号线?|届|期|路|版|代)?|号线?")
_ORDINAL = re.compile(r"第[一二三四五六七八九十百\d]+[届期次代版]?|[一二三四五六七八九十\d]+期")
_NO_ADVERBS = frozenset(["高速"])
_BROAD = frozenset(["标准", "时间", "费用", "价格", "方式", "金额", "情况", "总额", "数量"])
_ATTRIBUTIVE = re.compile(r"n|v$|vn$|b$|a|t$|j|i|l|$")
_TAKES_ACTIVITY = re.compile(r"(?:都|还)?(?:需要|要|得|可以|能|怎么|如何|应该|必须)")


@dataclass(frozen=True, slots=True)
class Topic:
    """What a question is about.

    Attributes:
        span: the whole noun phrase: 趵突泉的水温.
        owner: whose property it is: 趵突泉; None when it is no property.
        head: the property: 水温; None when it is none.
    """

    span: Span
    owner: Span | None = None
    head: Span | None = None


def topic_of(phrase: Phrase) -> Topic | None:
    """Return what a question is about; None when it names nothing before its verb."""
    span = phrase.subject
    if span is None:
        span = _made(phrase) or _numbered(phrase)
        return Topic(span) if span else None
    limit = phrase.asks.span.start if phrase.asks else len(phrase.plain)
    start = _grown_left(phrase, span)
    end = _without_locative(phrase, _grown_right(phrase, span.end, limit))
    return _split(phrase, Span(start, end)) if end > start else None


def stem_end(phrase: Phrase, end: int) -> int:
    """Return where whole words before `end` stop to say something: before 是, 在, 花了."""
    at = len(without_light_end(phrase.plain[:end]))
    return next((w.span.end for w in phrase.words if w.span.start < at < w.span.end), at)


def asked_of(noun: str) -> str:
    """Return how a property is asked for (是多少, 是谁); empty for what is none."""
    tails = (noun[at:] for at in range(max(len(noun) - 1, 1)))
    known = next((PROPERTIES[tail] for tail in tails if tail in PROPERTIES), None)
    if known:
        return known
    return next((asked for asked, ends in PROPERTY_ENDS.items() if ends.fullmatch(noun)), "")


def _made(phrase: Phrase) -> Span | None:
    """Return what somebody did something to: 中山陵 of 谁设计了中山陵."""
    asks = phrase.asks
    if asks is None or asks.wanted is not Asking.WHO or phrase.plain[: asks.span.start].strip():
        return None
    behind = [word for word in phrase.words if word.span.start >= asks.span.end]
    if len(behind) < 3 or behind[0].tag not in ("v", "vn") or behind[1].text not in "了过":
        return None
    return phrase.nouns_from(behind[1].span.end)


def _numbered(phrase: Phrase) -> Span | None:
    """Return a name that is a number only: 二班 of 二班有多少名学生."""
    match = re.match(r"第?[一二三四五六七八九十\d]+[班组号期届路队楼店厂营连](?!的)", phrase.plain)
    return Span(*match.span()) if match else None


def _grown_left(phrase: Phrase, span: Span) -> int:
    """Return where a topic begins, with an ordinal or a verb that is part of its name."""
    before = [word for word in phrase.words if word.span.end <= span.start]
    if not before or before[-1].span.end != span.start:
        return span.start
    word = before[-1]
    if _ORDINAL.fullmatch(word.text):
        return word.span.start
    alone = len(before) == 1 or before[-2].tag == "t" or not before[-2].text.isalnum()
    is_act = _TAKES_ACTIVITY.match(phrase.plain[span.end :])
    makes = word.tag == "v" and len(word.text) > 1 and alone and not is_act
    return word.span.start if makes else span.start


def _grown_right(phrase: Phrase, end: int, limit: int) -> int:
    """Return where a topic ends, with numbers, odd words of names and properties behind it."""
    stem = stem_end(phrase, limit)
    words = [word for word in phrase.words if end <= word.span.start < limit]
    for at, word in enumerate(words):
        if word.text == "的":
            return _attribute_end(words[at + 1 :], stem) or end
        if not _belongs(phrase, word, words[at + 1 :], stem):
            break
        end = word.span.end
    return end


def _belongs(phrase: Phrase, word: Word, behind: Sequence[Word], stem: int) -> bool:
    """Tell whether a word that is no noun in the dictionary goes on with a name."""
    before = phrase.plain[word.span.start - 1]
    if _NUMBERED.fullmatch(word.text):
        return not any(e.sort is Sort.TIME and _overlap(e.span, word.span) for e in phrase.entities)
    if word.text in _NO_ADVERBS or word.tag == "e":  # a rare character of a given name
        return True
    if word.text.isspace():
        return before.isascii() and bool(behind) and behind[0].text.isalnum()
    if word.text in NOUNS_TOO:
        return not behind or behind[0].tag in ("r", "p")
    is_last = word.span.end == stem and phrase.plain[stem : stem + 1] in ("是", "为")
    return word.tag in ("v", "vn") and is_last and len(word.text) > 1


def _attribute_end(words: Sequence[Word], stem: int) -> int:
    """Return where the property behind 的 ends; 0 when a clause stands there."""
    inside = [word for word in words if word.span.end <= stem]
    fits = inside and inside[-1].span.end == stem and len(inside) <= LONGEST_ATTRIBUTE
    if not fits or not all(_ATTRIBUTIVE.match(word.tag) for word in inside):
        return 0
    if len(inside) > 1 and inside[-1].tag == "v":
        return 0
    return stem


def _without_locative(phrase: Phrase, end: int) -> int:
    last = next((word for word in phrase.words if word.span.end == end), None)
    if last is None:
        return end
    is_locative = last.tag == "f" and len(last.text) == 1
    return last.span.start if is_locative or re.fullmatch("最.", last.text) else end


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _split(phrase: Phrase, span: Span) -> Topic:
    joint = phrase.plain.rfind("的", span.start, span.end)
    words = [word for word in phrase.words if span.start <= word.span.start < span.end]
    at = _head_start(words) if joint <= span.start else joint + 1
    end = _without_time(phrase, span.start, joint if joint > span.start else at)
    if at >= span.end or end <= span.start or not asked_of(phrase.plain[at : span.end].strip()):
        return Topic(span)
    return Topic(span, Span(span.start, end), Span(at, span.end))


def _head_start(words: Sequence[Word]) -> int:
    """Return where the property at the end of a run of nouns begins, with its modifiers."""
    at = len(words) - 1
    if words[at].text in _BROAD and at > 1 and words[at - 1].tag[:1] in ("n", "v"):
        at -= 1
    while at > 1 and words[at - 1].tag in ("b", "a", "d", "ad"):
        at -= 1
    return words[at].span.start


def _without_time(phrase: Phrase, start: int, end: int) -> int:
    times = [entity.span for entity in phrase.entities if entity.sort is Sort.TIME]
    return next((time.start for time in times if time.end == end and time.start >= start), end)
