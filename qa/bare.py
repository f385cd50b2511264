"""Whether a Chinese question says what it is about, by its own words: 谁负责 does not."""

from __future__ import annotations

import re
from collections.abc import Callable

from embeddings.records import Span
from qa.chinese_words import LIGHT_WORDS, MEASURES, UNITS
from qa.phrases import Asking, Phrase, Word, is_name
from qa.topics import asked_of

SUPERLATIVE = re.compile(r"最[^的]{1,3}的是(?:哪|谁|什么|多少)")
"""Beginnings that pick from what was named: 最难的是哪条."""

LONGEST_SUBJECTLESS = 16
"""Longer questions that begin with their verb are taken to stand alone."""

LONGEST_PREDICATE = 12
"""Longer questions say what they are about, if they have a noun."""

_LATIN = re.compile(
    r"(?!(?:mvp|ce?o|cfo|cto|coo)(?![a-z\d]))(?:(?<![a-z])[a-z]{2,}|\d[a-z]|[a-z]\d)"
)
_MARKS = r"[\s?？!！。.,，、;；~…]*"
_DEFINES = re.compile(
    r"(?:是|叫|叫做|指|指的|指的是)(?:什么|啥)(?:意思)?$|^(?:什么|啥)(?:是|叫)|何谓"
)
_NO_NOUN_TAGS = tuple("rvmqbafdpu")
_NUMBERED_NAME = re.compile(rf"第[一二三四五六七八九十\d]+(?![{MEASURES}任])")  # 第三中学校长
_LEADS = r"(?:是|都是|在|从|到|由|属于?|位于|来自|跟|用|去)+"
_MAY = re.compile(r"(?:能|可以|会|要|需要|必须|是否|有没有|能不能|可不可以|要不要|会不会|是不是)")
_COPULA = re.compile(r"(?:是|有|为|要|大概|大约|一共|总共|达|在|于)*(?:多|几|谁|哪|什么|何|第)")


def has_name(phrase: Phrase, end: int | None = None) -> bool:
    """Tell whether a phrase names something by itself, before character `end`."""
    limit = len(phrase.plain) if end is None else end
    return any(
        entity.span.end <= limit and is_name(phrase, entity) for entity in phrase.entities
    ) or bool(_LATIN.search(phrase.plain[:limit]))


def says_nothing(rest: Phrase) -> bool:
    """Tell whether a question has no word that could say what it is about: 在哪座城市."""
    return not content(rest) or _begins_with_amount(rest) or _asks_value(rest)


def lacks_subject(rest: Phrase, known: Callable[[], str]) -> bool:
    """Tell whether a question is a predicate only, or made of words that were just said.

    Args:
        rest: a question with a word in it that could say what it is about.
        known: gives what was just said, folded; only asked when in doubt.
    """
    heavy = content(rest)
    if not heavy[0].tag and heavy[0].span.start == 0 and not asked_of(heavy[0].text):
        return False  # no dictionary knows it: a name
    if _is_subjectless(rest) or _has_bare_predicate(rest, heavy):
        return True
    said = known()
    return all(word.text in said for word in heavy)


def _begins_with_amount(rest: Phrase) -> bool:
    """Tell whether a question asks how much time or money it takes: 多少个工作日能出签."""
    asks = rest.asks
    if asks is None or asks.span.start or asks.wanted is not Asking.COUNT:
        return False
    return rest.plain[asks.span.end :].startswith(("工作日", "钱", *UNITS))


def _asks_value(rest: Phrase) -> bool:
    """Tell whether there is nothing but a preposition and what is asked for: 在哪座城市."""
    asks = rest.asks
    if asks is None or asks.noun is None:
        return False
    behind = rest.plain[asks.noun.end :]
    lead = re.fullmatch(_LEADS, rest.plain[: asks.span.start])
    return lead is not None and re.fullmatch(rf"(?:里|的)?(?:呢|啊)?{_MARKS}", behind) is not None


def content(phrase: Phrase) -> list[Word]:
    """Return the words that could say what a question is about."""
    return [
        word
        for word in phrase.words
        if word.tag[:1] in ("n", "v", "l", "i", "j", "a", "b", "z", "")
        and word.text[0].isalnum()
        and not _is_light(word)
        and not (phrase.asks and overlap(phrase.asks.span, word.span))
        and len(word.text) > (word.tag[:1] in ("v", "a"))
    ]


def _is_light(word: Word) -> bool:
    """Tell whether a word says nothing of a topic; an unknown one if its characters do not."""
    stem = re.sub(r"(?<=.)[到完好成出来上下得过起些掉着去住开]{1,2}$", "", word.text)
    pieces = (stem,) if word.tag else tuple(stem)
    return word.text in LIGHT_WORDS or all(piece in LIGHT_WORDS for piece in pieces)


def overlap(one: Span, other: Span) -> bool:
    """Tell whether two spans share a character."""
    return one.start < other.end and other.start < one.end


def _is_subjectless(rest: Phrase) -> bool:
    """Tell whether a question begins with its verb: 覆盖多少家企业, 有几个党支部."""
    asks = rest.asks
    if len(rest.plain) > LONGEST_SUBJECTLESS:
        return False
    if asks is None:
        return bool(_MAY.match(rest.plain))
    before = [word for word in rest.words if word.span.end <= asks.span.start]
    verbs = [word for word in before if word.tag[:1] == "v"]
    others = [
        word for word in before if word.tag[:1] not in ("v", "d", "u", "t", "m", "q", "p", "c")
    ]
    return len(verbs) == 1 and not others and asks.wanted in (Asking.COUNT, Asking.WHICH)


def _has_bare_predicate(rest: Phrase, heavy: list[Word]) -> bool:
    """Tell whether a short question is a predicate, or a property and what it is: 校长是谁."""
    plain = re.sub(rf"{_MARKS}$", "", rest.plain)
    if len(plain) > LONGEST_PREDICATE or _DEFINES.search(plain):
        return False
    nouns = [word for word in heavy if word.tag[:1] != "v"]
    if not nouns:
        return True
    if len(nouns) > 1 or (len(nouns[0].text) > 2 and not _is_post(nouns[0])):
        return False  # longer words name a thing (大熊猫), short ones a property (寿命)
    asks = rest.asks
    if asks is None or asks.wanted in (Asking.WHICH, Asking.WHY, Asking.WHERE):
        return False
    if asks.wanted is Asking.HOW and not asked_of(nouns[0].text):
        return False
    joined = rest.nouns_from(nouns[0].span.start) or nouns[0].span
    between = rest.plain[min(joined.end, asks.span.start) : max(joined.start, asks.span.end)]
    before = [word for word in rest.words if word.span.end <= joined.start]
    numbered = _NUMBERED_NAME.search(rest.plain[: joined.end])
    is_bare = all(word.tag[:1] in _NO_NOUN_TAGS for word in before)
    joins = _COPULA.match(between) or (asks.wanted is Asking.HOW and not between)
    return bool(joins) and is_bare and not numbered


def _is_post(word: Word) -> bool:
    """Tell whether a long word is an office that something has, as 领导者 and CEO."""
    return asked_of(word.text) == "是谁" and (bool(word.tag) or word.text.isascii())
