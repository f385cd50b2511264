"""What a question wants: the kind of answer, its units, the noun asked for. Reads no documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from embeddings.cleaning import HAN
from embeddings.lexical import search_form
from embeddings.records import Span
from qa import asking
from qa.kinds import Kind, Wanted
from qa.nouns import Noun, nouns
from qa.units import COUNTS, agreeing, counting, units_of

__all__ = ["Kind", "Wanted", "analyse", "kind_of", "marks_in"]

LONGEST = 500
"""Characters of a question that are read."""

SHARE_OF_CHINESE = 8
"""A question is Chinese when more than one in so many of its characters is."""

_IS_HAN = re.compile(rf"[{HAN}]")
_ONE_LETTER_END = re.compile(r"^(?:$|[^\u4e00-\u9fff]|[的上中里下是在为被由与和对选])")
_CLOSING = re.compile(
    r"(?:分别|主要|通常|一般|现在|目前|大约|大概|又|则|都|也|约|具体|是|为|叫|有|于|在|属于|的)+$"
)
_LEADING = re.compile(r"^(?:的|了|呢|啊|吗)+")
_ATTRIBUTE = re.compile(
    r"(?:是|为|叫|有|属于|在)(?:做|了|一[个种])?(?:什么|哪|谁|怎|多少|啥|[?]|$)"
)
_HEAD_END = re.compile("[的了在有不和与入去上到能当被]")
_NAMELESS = re.compile(r"^(?:的?名字)?")
_UNQUOTED = str.maketrans("", "", '"“”')
_QUOTES = " “”‘’\"'「」『』《》"
# 中间那个7: the 7; 名字里的几个数字: what was named before.
_PART_OF = re.compile(
    r"^.{0,6}?(?:中间|其中|当中|里面|前面|后面|最后|[里中](?=的))的?(?:[那这][个些]?)?(?=.)"
)
_MENTION = re.compile(
    r"(?:[这那]?[几两一二三四五六七八九]?[个些]?)(?:数字|字母?|名字|名称|词|说法|数|缩写)|[这那它]个?"
)
_NAMED = re.compile(r"“[^”]{1,16}”|「[^」]{1,16}」|《[^》]{1,16}》|\"[^\"]{1,16}\"")
_NUMERALS = {digit: at for at, digit in enumerate("零一二三四五六七八九")} | {"两": 2}


@lru_cache(maxsize=4096)
def analyse(question: str) -> Wanted:
    """Return what `question` wants; it may be Simplified or Traditional Chinese or English.

    Never raises. An empty question, and one that no rule knows, is `Kind.OTHER`; only the first
    `LONGEST` characters are read.
    """
    readable = question[:LONGEST].encode("utf-8", "replace").decode()
    plain = " ".join(search_form(readable).split()).replace("甚么", "什么")
    if asking.SMALL_TALK.match(plain):
        return Wanted(Kind.SMALL_TALK)
    kind = _ruled(plain)
    detail = _DETAILS.get(kind, _by_noun) if kind else _by_noun
    wanted = detail(plain)
    before, after = _around(plain)
    after = (
        _LEADING.sub("", after.partition(wanted.head)[2])
        if wanted.head and wanted.head in after
        else after
    )
    return replace(wanted, kind=kind or wanted.kind, before=before, after=after)


def _ruled(plain: str) -> Kind | None:
    """Return the kind of the first rule that fits."""
    table = asking.rules(_is_chinese(plain))
    return next((kind for kind, rule in table if rule.search(plain)), None)


def _is_chinese(plain: str) -> bool:
    """Tell whether a question is Chinese; an English one may hold a Chinese name."""
    return len(_IS_HAN.findall(plain)) * SHARE_OF_CHINESE > len(plain)


def _around(plain: str) -> tuple[str, str]:
    """Return the Chinese words directly before and behind the asking word, at most 6 each."""
    asked = asking.ASKING_WORD.search(plain)
    if asked is None:
        end = re.search(rf"([{HAN}]+)(?:是|为|叫|名为|意为)[?]?$", plain)
        return (_CLOSING.sub("", end[1])[-6:], "") if end else ("", "")
    before = re.search(rf"[{HAN}a-z0-9]*$", plain[: asked.start()])
    after = re.match(rf"[{HAN}]*", plain[asked.end() :])
    assert before is not None
    assert after is not None
    return _CLOSING.sub("", before[0])[-6:], _LEADING.sub("", after[0])[:6]


def _number(plain: str) -> Wanted:
    if asking.RANK.search(plain):
        return Wanted(Kind.NUMBER, ("第", "名", "位"), "名次")
    asked = asking.ASKED_UNIT.search(plain)
    if asked and asked[1]:
        return Wanted(Kind.NUMBER, agreeing(asked[1]), _HEAD_END.split(asked[2])[0] or asked[1])
    measure = next((name for name, rule in asking.measures() if rule.search(plain)), None)
    if measure:
        return Wanted(Kind.NUMBER, units_of(measure))
    if asking.PEOPLE.search(plain):
        return Wanted(Kind.NUMBER, agreeing("人"), "人")
    if asked:
        return Wanted(Kind.NUMBER, COUNTS if asked[2] else (), _HEAD_END.split(asked[2])[0])
    return _how_many(plain)


def _how_many(plain: str) -> Wanted:
    """Return what an English "how many" wants; its noun is a unit in an English text."""
    asked = asking.HOW_MANY.search(plain)
    said = asking.ENGLISH_STOP.split(asked[1])[0] if asked else ""
    words = said.translate(_UNQUOTED).split()
    for word in words:
        if units := agreeing(word):
            return Wanted(Kind.NUMBER, units)
        if units := counting(word):
            return Wanted(Kind.NUMBER, (*words, *units))
    return Wanted(Kind.NUMBER, (*words, *COUNTS) if words else ())


def _date(plain: str) -> Wanted:
    parts = next((parts for parts, rule in asking.DATE_PARTS if rule.search(plain)), ())
    return Wanted(Kind.DATE, parts)


def _duration(plain: str) -> Wanted:
    if asking.FREQUENCY.search(plain):
        return Wanted(Kind.DURATION, ("每",))
    asked = asking.ASKED_UNIT.search(plain)
    named = (asked[1],) if asked and asked[1] in units_of("time") else ()
    return Wanted(Kind.DURATION, (*named, *(u for u in units_of("time") if u not in named)))


def _list(plain: str) -> Wanted:
    asked = asking.WHICH.search(plain)
    count = _count(asked["count"]) if asked and asked["count"] else None
    return replace(_by_noun(plain), count=count)


def _count(numeral: str) -> int | None:
    """Return the number that a numeral below 100 names, or None."""
    if numeral.isdigit():
        return int(numeral[:4]) or None
    tens, ten, ones = numeral.rpartition("十")
    if any(part and part not in _NUMERALS for part in (tens, ones)):
        return None
    return (_NUMERALS[tens or "一"] * 10 if ten else 0) + (_NUMERALS[ones] if ones else 0)


def _by_noun(plain: str) -> Wanted:
    """Return what the noun of a question tells, or that it asks what something is."""
    noun = _asked_noun(plain)
    if noun is not None:
        return Wanted(noun.kind, (), noun.name, noun.endings, noun.kind)
    focus = _focus(plain)
    return Wanted(Kind.DEFINITION, focus=focus) if focus else Wanted(Kind.OTHER)


def _focus(plain: str) -> str:
    """Return what is to be defined, or empty."""
    for rule in asking.DEFINED:
        if found := rule.search(plain):
            focus = _PART_OF.sub("", next(iter(found.groupdict().values()))).strip(_QUOTES)
            named = _NAMED.findall(plain[: found.end()]) if _MENTION.fullmatch(focus) else []
            return named[-1].strip(_QUOTES) if named else focus
    return ""


def _asked_noun(plain: str) -> Noun | None:
    """Return the noun asked for (哪座城市, 职业是什么, which city), or None when it is unknown."""
    if not _is_chinese(plain):
        return _english_noun(plain)
    for asked in asking.WHICH.finditer(plain):
        run = asked["run"] if asked["which"] else asked["what"]
        noun = _leading_noun(_NAMELESS.sub("", run or ""), anywhere=bool(asked["which"]))
        if noun:
            return noun
    return _closing_noun(_around(plain)[0]) if _ATTRIBUTE.search(plain) else None


def _leading_noun(run: str, *, anywhere: bool) -> Noun | None:
    """Return the noun that `run` begins with, or the first one in it if it may stand later.

    Of nouns that follow each other (唱片公司) the last counts.
    """
    for start in range(len(run) if anywhere else 1):
        found = _longest_noun(run, start, one_letter=start == 0)
        while found:
            noun, end = found
            found = _longest_noun(run, end, one_letter=False)
            if not found:
                return noun
    return None


def _longest_noun(run: str, start: int, *, one_letter: bool) -> tuple[Noun, int] | None:
    known = nouns()
    for length in range(min(5, len(run) - start), 0, -1):
        word = run[start : start + length]
        alone = one_letter and bool(_ONE_LETTER_END.match(run[start + 1 :]))
        if word in known and (length > 1 or alone):
            return known[word], start + length
    return None


def _closing_noun(before: str) -> Noun | None:
    known = nouns()
    words = (before[-length:] for length in range(min(5, len(before)), 1, -1))
    return next((known[word] for word in words if word in known), None)


def _english_noun(plain: str) -> Noun | None:
    """Return the last known noun before the verb (which American television network was)."""
    asked = asking.ENGLISH_WHICH.search(plain)
    if asked is None:
        return None
    words = asking.ENGLISH_STOP.split(asked["run"])[0].split()
    known = nouns()
    return next((known[word] for word in reversed(words) if word in known), None)


_DETAILS = {
    Kind.NUMBER: _number,
    Kind.DATE: _date,
    Kind.DURATION: _duration,
    Kind.LIST: _list,
}


_NUMERAL = r"(?:\d[\d,.]*|[〇零一二三四五六七八九十百千万亿两半]{1,8})"
_QUANTITY = re.compile(
    rf"(?:近|约|超|逾|达)?{_NUMERAL}(?:余|多)?(?:[十百千万亿]+)?(?:余|多)?"
    r"(?:平方米|公里|[\u4e00-\u9fff%])?"
)
_MOMENT = re.compile(
    r"(?:\d{4}年|今年|去年|明年|当年|每年)?(?:\d{1,2}月)?(?:\d{1,2}[日号])?(?:[上下]午)?"
    r"(?:\d{1,2}(?:[:：]\d{2}|点|时))?(?:[上中下]旬)?(?:份)?|每(?:半年|季度|月|周|天)"
)


_SOLID = re.compile(r"\d|[一二三四五六七八九十百千万亿两半年]")


def asks_which_of_many(question: str) -> bool:
    """Tell whether a question asks which places, bodies or documents: each may tell of itself."""
    return asking.WHICH_OF_MANY.search(search_form(question[:LONGEST])) is not None


def kind_of(question: str) -> Kind:
    """Return the coarse kind: number, date (durations too), small talk or other."""
    kind = analyse(question).kind
    if kind is Kind.DURATION:
        return Kind.DATE
    return kind if kind in (Kind.NUMBER, Kind.DATE, Kind.SMALL_TALK) else Kind.OTHER


def marks_in(text: str, question: str, kind: Kind) -> tuple[Span, ...]:
    """Return the spans of `text` that have the wanted form and are not said in the question."""
    patterns = {Kind.NUMBER: _QUANTITY, Kind.DATE: _MOMENT}
    if kind not in patterns:
        return ()
    asked = search_form(question)
    return tuple(_spans(patterns[kind], text, asked))


def _spans(pattern: re.Pattern[str], text: str, asked: str) -> Iterator[Span]:
    for match in pattern.finditer(text):
        solid = len(match[0]) > 1 and _SOLID.search(match[0])
        if solid and search_form(match[0]) not in asked:
            yield Span(*match.span())
