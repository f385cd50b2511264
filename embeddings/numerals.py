"""Numbers as they are written: Chinese numerals, Arabic ones, dates, and what they count.

Knows forms only. Whether 一 in 一直 is a number, the cut into words decides, which
`embeddings.lexical` gives; all texts are in search form.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import NamedTuple

_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")}
_DIGITS |= {"〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}
_FORMAL = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千")
"""Numerals of cheques and contracts, which cannot be altered with a stroke."""

_DIGIT = "〇零一二两三四五六七八九"
_BELOW_TEN_THOUSAND = re.compile(
    "(?:(?P<千>[一二两三四五六七八九])千)?[零〇]?(?:(?P<百>[一二两三四五六七八九])百)?[零〇]?"
    "(?:(?P<十>[一二三四五六七八九]?)十)?[零〇]?(?P<一>[一二两三四五六七八九])?"
)
_NUMERAL = f"{_DIGIT}十百千万亿"
_FORMAL_NUMERAL = "零壹贰叁肆伍陆柒捌玖拾佰仟万亿"

MEASURE = (
    "公[里斤顷吨]|小时|分钟|世纪|平方|立方|千[米克瓦卡]|[厘毫]米|个"
    "|[年月日号时点分秒天周岁代届期级次名位人家项条件种类批户间所座栋层楼辆架艘台套份张本部集章节页门班组队支"
    "枚颗粒块片根棵株头只匹场局轮回遍趟倍元吨米斤亩度股篇首句卷]"
)
"""What a number counts or measures; the first character is enough to tell words apart."""

# 十分 and 四周 are words, not 10 minutes and 4 weeks: beside one numeral only what is never so.
_PLAIN_MEASURE = "[年月日号点天岁届期级次名位人家项条个]"
_AFTER_ONE = "[月日号届期]"
_DECIMAL_MEASURE = "[万亿个倍元米度公千吨平]"

_WRITTEN = re.compile(
    # 第三, 百分之三点五, 三分之二
    rf"(?P<ordinal>(?<=第)[{_NUMERAL}]+)"
    rf"|百分之(?P<percent>[{_NUMERAL}]+(?:点[{_DIGIT}]+(?![{_NUMERAL}]))?)"
    rf"|(?P<below>[{_NUMERAL}]+)分之(?P<above>[{_NUMERAL}]+)"
    # 三点五亿, not the time 三点五十分; 二〇二一; 叁拾万; 三家
    rf"|(?<![几数])(?:(?P<number>[{_NUMERAL}]+点[{_DIGIT}]+"
    rf"(?={_DECIMAL_MEASURE})[十百千万亿]*|[{_NUMERAL}]{{2,}})"
    rf"|(?P<formal>[{_FORMAL_NUMERAL}]{{2,}})"
    rf"|(?P<one>[二两三四五六七八九十](?={_PLAIN_MEASURE})|一(?={_AFTER_ONE})))"
)
_REST = re.compile(rf"[余多]?(?:{MEASURE})?")
# What is looked for begins with a set of characters, which is several times faster than a branch or
# a look behind at every place.
_BEGINNING = re.compile(rf"[{_NUMERAL}{_FORMAL_NUMERAL}]+")

_SCALE = "(?:千(?![米克瓦卡])|百(?=[万亿])|[万亿])"
_QUANTITY = re.compile(
    rf"(?P<number>\d(?<![0-9A-Za-z.,]\d)\d*(?:,\d{{3}})*(?:\.\d+)?)"
    rf"(?P<scaled>{_SCALE}+(?:\d+{_SCALE}+)*)?(?:[余多]?(?P<measure>{MEASURE}))?",
    re.ASCII,
)
_SCALED = re.compile(r"(\d+(?:\.\d+)?)([千百万亿]+)", re.ASCII)
_DATE = re.compile(r"([12](?<!\d[12])\d{3})年([01]?\d)月([0-3]?\d)[日号]", re.ASCII)
_PLAIN_DATE = re.compile(
    r"([12](?<![\d./-][12])\d{3})([-/.])([01]?\d)\2([0-3]?\d)(?![\d/]|[-.]\d)", re.ASCII
)
_MOST_CHARACTERS = 32
"""Characters of a number that is worked out; a longer one is a list of digits, or nonsense."""

_CLEAR = 3
"""Characters of a Chinese numeral that cannot be anything else."""

_LONGEST = 3
"""Characters of a number that needs what it counts: a longer one would only weigh twice."""


class Numeral(NamedTuple):
    """A Chinese numeral: where it stands, and the same number in Arabic numerals.

    `bare` is False for ordinals and single digits: what they say, they say with the character
    beside them (第3, 3家), and 3 alone says nothing.
    """

    start: int
    end: int
    arabic: str
    bare: bool


def value(numeral: str) -> int | None:
    """Return the number that a Chinese numeral without a point says; None where it says none.

    Read are 三千零五, 一百二 (120), 两万五 (25,000) and 一万亿; not 三五百, 十四五 or 千万, which
    say about how many, or something else. Digits in a row (二〇二一) are for `digits`.
    """
    for sign, unit in (("亿", 10**8), ("万", 10**4)):
        above, found, below = numeral.rpartition(sign)
        if found:
            return _joined(value(above), unit, below)
    return _below_ten_thousand(numeral)


def _joined(above: int | None, unit: int, below: str) -> int | None:
    """Return above * unit + below; a last digit without a zero counts tenths of the unit."""
    if not above or (unit == 10**4 and above >= unit):
        return None
    if not below:
        return above * unit
    if below in _DIGITS:
        return above * unit + _DIGITS[below] * unit // 10 if _DIGITS[below] else None
    rest = value(below.lstrip("零〇"))
    return above * unit + rest if rest is not None and rest < unit else None


def _below_ten_thousand(numeral: str) -> int | None:
    found = _BELOW_TEN_THOUSAND.fullmatch(numeral)
    if found is None or not numeral or {numeral[0], numeral[-1]} & {"零", "〇"}:
        return None
    thousands, hundreds, ones = (_DIGITS.get(found[name] or "", 0) for name in ("千", "百", "一"))
    tens = 0 if found["十"] is None else _DIGITS.get(found["十"], 1)
    zero = numeral[-2:-1] in ("零", "〇")
    if ones and not zero and found["十"] is None and (hundreds or thousands):
        ones *= 10 if hundreds else 100  # 一百二 is 120, 三千五 is 3500
    return thousands * 1000 + hundreds * 100 + tens * 10 + ones


def digits(numeral: str) -> str | None:
    """Return the Arabic digits of Chinese ones in a row (二〇二一, 零六); None where they are none.

    二七 is a name and 三四五 a list: two digits count where the first is zero, more where they do
    not just count up.
    """
    if not all(character in _DIGITS and character != "两" for character in numeral):
        return None
    values = [_DIGITS[character] for character in numeral]
    counting = all(after == before + 1 for before, after in pairwise(values))
    if counting or (len(values) == 2 and values[0] != 0):
        return None
    return "".join(map(str, values))


def find(run: str, words: Sequence[str], start: int = 0) -> Iterator[Numeral]:
    """Yield the numerals of a run of Chinese characters.

    Args:
        run: Chinese characters only.
        words: the run cut into words. A number starts with a word, and ends with one or before
            what it counts.
        start: where the run stands; what is found has places in the text around it.
    """
    end, bounds = 0, list[int]()
    for beginning in _BEGINNING.finditer(run):
        match = _WRITTEN.match(run, beginning.start()) if beginning.start() >= end else None
        if match is None and len(beginning.group()) == 1:  # 一直, by far the most
            continue
        bounds = bounds or [0, *accumulate(map(len, words))]
        found = match and _arabic(match)
        if not found and (match := _from_a_word(beginning, bounds)):
            found = _arabic(match)
        if match and found and _is_apart(match, bounds):
            bare = match.lastgroup not in ("ordinal", "one")
            yield Numeral(start + match.start(), start + match.end(), found, bare)
            end = match.end()


def _from_a_word(numerals: re.Match[str], bounds: Sequence[int]) -> re.Match[str] | None:
    """Look for a number behind the end of a word: 一百 in 统一一百家."""
    first = bounds[bisect_left(bounds, numerals.start() + 1)]
    return _WRITTEN.match(numerals.string, first) if first < numerals.end() else None


def _is_apart(match: re.Match[str], bounds: Sequence[int]) -> bool:
    """Tell whether a numeral starts with a word and ends with one, or before what it counts.

    Words are no guide to a long numeral, which is cut anywhere, and is no other word.
    """
    if match.end() - match.start() >= _CLEAR:
        return True
    first = match.start() - (match.lastgroup == "ordinal")
    after = bounds[bisect_left(bounds, match.end())]
    whole = bounds[bisect_left(bounds, first)] == first
    return whole and _REST.fullmatch(match.string, match.end(), after) is not None


def _arabic(match: re.Match[str]) -> str | None:
    if match.end() - match.start() > _MOST_CHARACTERS:
        return None
    if match["percent"]:
        found = "100" if match["percent"] == "百" else _number(match["percent"])
        return found and f"{found}%"
    if match["above"]:
        above, below = value(match["above"]), value(match["below"])
        return f"{above}/{below}" if above and below else None
    if match["ordinal"]:
        return _number(match["ordinal"])
    if match["one"]:
        return _number(match["one"])
    return _number((match["number"] or match["formal"]).translate(_FORMAL))


def _number(numeral: str) -> str | None:
    """Return a numeral, perhaps with a point, in Arabic digits."""
    whole, point, rest = numeral.partition("点")
    found = value(whole)
    if not point:
        return digits(whole) if found is None else str(found)
    tail = rest.rstrip("十百千万亿")
    decimal = f"{found}." + "".join(str(_DIGITS[character]) for character in tail)
    return None if found is None else _scaled(decimal + rest[len(tail) :])


def _scaled(text: str) -> str:
    """Return 3.5万 or 1亿3000万 as the number that it says: 35000, 130000000."""
    if not (parts := _SCALED.findall(text)):
        return text
    total = Decimal(0)
    for number, units in parts:
        product = Decimal(number)
        for unit in units:
            product *= _UNITS[unit]
        total += product
    return f"{total.normalize():f}"


def in_arabic(text: str, numerals: Iterable[Numeral]) -> str:
    """Return `text` with these numerals, which stand in rising order, in Arabic digits."""
    parts, at = [], 0
    for start, end, arabic, _ in numerals:
        parts += [text[at:start], arabic]
        at = end
    return "".join([*parts, text[at:]])


def quantities(text: str) -> Iterator[str]:
    """Yield what the numbers of `text`, in Arabic digits, mean beyond their digits.

    That is a number with 万 or 亿 written out, one with what it counts (100家), several of these in
    a row (29分06秒), an ordinal (第3), and a date as 2021-06-16.
    """
    text = _PLAIN_DATE.sub(_date_in_words, text)
    for year, month, day in _DATE.findall(text):
        yield f"{year}-{int(month):02}-{int(day):02}"
    row: list[str] = []
    end = -1
    for match in _QUANTITY.finditer(text):
        if match.start() != end:
            yield from _whole(row)
            row = []
        end = match.end()
        if end - match.start() > _MOST_CHARACTERS:
            continue
        number = _scaled(match["number"].replace(",", "") + (match["scaled"] or ""))
        if match["scaled"]:
            yield number
        if text[match.start() - 1 : match.start()] == "第":
            yield f"第{number}"
        elif match["measure"] and len(number) <= _LONGEST:
            row.append(number + match["measure"])
            yield row[-1]
    yield from _whole(row)


def _whole(row: Sequence[str]) -> Iterator[str]:
    if len(row) > 1:
        yield "".join(row)


def _date_in_words(date: re.Match[str]) -> str:
    year, _, month, day = date.groups()
    return f"{year}年{int(month)}月{int(day)}日"
