"""The number at a place of a sentence, with what it counts: 一百余家 -> 家, 100 to 200.

What is not read with certainty (数百家, 三分之二, 1小时30分) has no value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from embeddings import numerals
from embeddings.lexical import search_form
from embeddings.records import Span
from qa.units import unit_pattern
from qa.values import Range, Value

ABOUT = Decimal("0.1")
"""Share of a number that 约 leaves open on either side."""

_BESIDE = 16
"""Characters before and behind a number that may say how exact it is, and what it counts."""

_ARABIC = r"\d+(?:,\d{3})*(?:\.\d+)?"
_HAN = "〇零一二两三四五六七八九十百千万亿"
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14,
    "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20,
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_SCALES = {
    "十": 10, "百": 100, "千": 10**3, "万": 10**4, "亿": 10**8, "hundred": 100,
    "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
_SCALE = re.compile("|".join(_SCALES))

_WORD = rf"(?:{'|'.join(_WORDS)})"
_NUMBER = rf"(?:{_ARABIC}|[{_HAN}]+(?:点[{_HAN}]+)?|半|\b{_WORD}(?:[- ]{_WORD})?\b)"
_START = re.compile(rf"百分之|{_NUMBER}")

_VAGUE = re.compile(r"[几数]$")
_MORE = re.compile(
    r"(?:超过?|逾|突破|多于|[不至]少于?|不低于|more than|over|above|exceeding|at least)\s?[$£€¥]?$"
)
_LESS = re.compile(
    r"(?:近|不足|不到|少于|低于|less than|fewer than|nearly|almost|under)\s?[$£€¥]?$"
)
_NEARLY = re.compile(r"(?:约|大概|around|about|approximately|roughly|some)\s?[$£€¥]?$")
_CURRENCY = re.compile(r"[$£€¥]\s?$")

_ALIKE = (
    ("家", "户"),
    ("人", "名", "位", "口", "居民", "公民"),
    ("座", "栋", "幢"),
    ("本", "册", "卷", "部"),
    ("年", "周年", "year", "years"),
    ("月", "个月", "month", "months"),
    ("周", "星期", "个星期", "礼拜", "week", "weeks"),
    ("天", "日", "昼夜", "day", "days"),
    ("小时", "个小时", "钟头", "hour", "hours"),
    ("分钟", "分", "minute", "minutes"),
    ("秒", "秒钟", "second", "seconds"),
    ("世纪", "个世纪", "centuries", "century"),
    ("%", "percent", "per cent"),
    ("元", "块钱", "块", "人民币", "¥", "yuan", "rmb"),
    ("美元", "美金", "$", "dollar", "dollars"),
    ("欧元", "€", "euros"),
    ("英镑", "£"),
    ("米", "公尺", "m", "metre", "metres", "meter", "meters"),
    ("公里", "km", "kilometres", "kilometers"),
    ("公斤", "kg", "kilograms"),
    ("吨", "公吨", "tons", "tonnes"),
    ("平方米", "平米", "平方公尺", "m2"),
    ("平方公里", "km2"),
)
"""Words that count or measure the same."""

_TIMES = frozenset(("年", "月", "周", "天", "小时", "分钟", "世纪", "%"))


class _Written(NamedTuple):
    """A number as it is written.

    Attributes:
        number: its value.
        place: of its last character: 1 for 300, 10000 for 300万, 0.1 for 3.5.
    """

    number: Decimal
    place: Decimal

    @property
    def step(self) -> Decimal:
        """The place of the last digit that is not 0: 100 for 300."""
        return Decimal(10) ** Decimal(self.number.normalize().as_tuple().exponent)


@cache
def _quantity() -> re.Pattern[str]:
    scales = "|".join(word for word in _SCALES if word.isascii())
    return re.compile(
        rf"(?P<percent>百分之)?(?P<number>{_NUMBER})(?:\s?[-–~～至到]\s?(?P<to>{_ARABIC}))?"
        rf"(?P<odd>[余多])?\s?(?P<scale>(?:[十百千万亿]|\s?(?:{scales})s?\b)*)(?P<more>[余多])?"
        rf"(?:[\s-]?(?P<unit>{unit_pattern()})(?P<half>半)?)?\s?(?P<end>余|多|以上|左右|上下|之久)?"
    )


def amount(text: str, mark: Span, nouns: Sequence[str] = ()) -> Value | None:
    """Return the number at `mark` and what it counts; None where one of them is not certain.

    Args:
        text: a sentence, in any script.
        mark: where the number stands in it, perhaps with words before it (超過300家).
        nouns: English nouns that count like a unit (300 companies), in search form.
    """
    said = search_form(mark.of(text)).strip()
    start = _START.search(said)
    found = _quantity().fullmatch(said, start.start()) if start else None
    if found is None:
        return None
    before = search_form(text[max(0, mark.start - _BESIDE) : mark.start]) + said[: found.start()]
    unit = _unit(found, before, search_form(text[mark.end : mark.end + 2 * _BESIDE]), nouns)
    meant = _meant(found, before)
    if found["number"] in ("一", "one") and unit not in _TIMES and unit[:1] != "第":
        return None  # 一家企业 is more often any company than one.
    return {unit: meant} if unit and meant else None


def _unit(found: re.Match[str], before: str, behind: str, nouns: Sequence[str]) -> str:
    """Return what is counted, one word for all that count the same; empty where it is unknown."""
    if found["percent"]:
        return "%"
    if before.endswith("第"):
        return "第" + _of_alike(found["unit"] or behind[:1])
    currency = _CURRENCY.search(before)
    written = currency[0] if currency else found["unit"] or ""
    return _of_alike(written.strip() or next((one for one in nouns if _follows(one, behind)), ""))


def _of_alike(unit: str) -> str:
    return next((group[0] for group in _ALIKE if unit in group), unit.rstrip("s"))


def _follows(noun: str, behind: str) -> bool:
    return any(word.startswith(noun.rstrip("s")) for word in behind.split()[:3])


def _meant(found: re.Match[str], before: str) -> Range | None:
    """Return what a number can mean, by how exactly it is said; None where it says none."""
    written = _written(found["number"], found["scale"])
    to = _written(found["to"], found["scale"]) if found["to"] else written
    if written is None or to is None or (found["number"][0] in _SCALES and _VAGUE.search(before)):
        return None
    low, high, place = written.number, to.number, written.place
    if found["half"]:
        place /= 2
        low, high = low + place, high + place
    ends = (found["odd"], found["more"], found["end"])
    if _MORE.search(before) or {"余", "多", "以上"} & set(ends):
        high += written.step
    elif _LESS.search(before):
        low -= written.step
    elif _NEARLY.search(before) or {"左右", "上下"} & set(ends):
        low, high = low - ABOUT * abs(low), high + ABOUT * abs(high)
    return Range(float(low), float(high), float(place))


def _written(number: str, scale: str) -> _Written | None:
    """Return a number with its scale (3.5, 万); None where it is no single number (三五百)."""
    read = _arabic(number) if number[0].isdigit() else _in_words(number)
    if read is None or not read.number:
        return None
    factor = Decimal(1)
    for word in _SCALE.findall(scale):
        factor *= _SCALES[word]
    return _Written(read.number * factor, read.place * factor)


def _arabic(number: str) -> _Written:
    read = Decimal(number.replace(",", ""))
    return _Written(read, Decimal(10) ** Decimal(read.as_tuple().exponent))


def _in_words(number: str) -> _Written | None:
    if number == "半":
        return _Written(Decimal("0.5"), Decimal("0.1"))
    if number.isascii():
        return _Written(Decimal(sum(_WORDS[word] for word in re.split("[- ]", number))), Decimal(1))
    return _han(number)


def _han(number: str) -> _Written | None:
    """Return a Chinese numeral, perhaps with a point: 三点五万, 一百二十, 二〇二一."""
    whole, point, rest = number.partition("点")
    tail = rest.rstrip("十百千万亿")
    if point:
        digits = numerals.digits("零零" + tail) or ""
        units = rest[len(tail) :]
        head = numerals.value(whole)
        return None if head is None or not digits else _written(f"{head}.{digits[2:]}", units)
    value = numerals.value(number)
    read = numerals.digits(number) if value is None else str(value)
    place = _SCALES[number[-1]] if number[-1] in "万亿" else 1
    return None if read is None else _Written(Decimal(read), Decimal(place))
