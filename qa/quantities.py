"""Numbers with their units in a folded sentence (Simplified, half-width; see `qa.forms`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from qa.kinds import Form, Wanted
from qa.units import COUNTS, unit_pattern

_DIGITS = r"\d+(?:,\d{3})*(?:\.\d+)?"
_HAN_DIGITS = "〇零一二两三四五六七八九十百千万亿半数几"
_ABOUT = "大约|约|将近|接近|近|超过|超|逾|高达|至少|不足|不到"
_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    "sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|"
    "dozens?|half|third|quarter|twice|once|both|several"
)
_SCALES = r"(?: ?(?:hundred|thousand|million|billion|trillion)s?\b)*"
_RANKS = re.compile(
    rf"(?:排名|名列|位居|位列|排在|排|列)?第\s?(?:\d+|[{_HAN_DIGITS}]+)[名位]?|\b\d+(?:st|nd|rd|"
    r"th)\b"
)
_YEAR = re.compile(r"(?:1\d{3}|20\d{2})$")
_CURRENCIES = frozenset("$£€¥")
_SCALE = re.compile("[百千万亿]|illion|thousand|hundred")
_COUNTED = re.compile(r"\+|[\u4e00-\u9fff](?<![余多来以左右上下至到和与及为是的等个])")
_STILL_ASKED = re.compile(r"[^,，.。;；!！]*[?？]")
_DATE_UNITS = frozenset("月日号时")


@cache
def _pattern() -> re.Pattern[str]:
    """Return the pattern of a quantity: numeral, scale, unit, each with what makes it inexact.

    It starts with the numeral, so that most places of a sentence are passed at once.
    """
    unit = unit_pattern()
    return re.compile(
        rf"(?P<arabic>(?:{_DIGITS})(?:\s?[-–—~～至到]\s?{_DIGITS})?)"
        rf"(?:[余多]?\s?[十百千万亿]+)?[余多]?{_SCALES}(?:\s?(?P<unit>{unit}))?(?:余|多|以上|以下|"
        r"左右)?"
        rf"|百分之[{_HAN_DIGITS}点\d.]{{1,12}}|一半|半数|大半"
        rf"|[{_HAN_DIGITS}]{{1,12}}(?:分之[{_HAN_DIGITS}\d.]{{1,12}}|[余多来]?\s?(?P<counted>{unit}))(?:余|多|"
        r"以上|以下|左右)?"
        rf"|(?P<large>[{_HAN_DIGITS}]{{1,12}}[百千万亿])"
        rf"|\b(?P<word>(?:{_WORDS})(?:[- ](?:{_WORDS}))?)\b{_SCALES}",
        re.IGNORECASE,
    )


_BEFORE = re.compile(rf"(?:(?:{_ABOUT})\s?)?[$£€¥]?$")


def quantities(folded: str, wanted: Wanted) -> Iterator[Form]:
    """Yield the quantities whose units agree with those asked for; dates are none."""
    if wanted.units[:1] == ("第",):
        yield from (Form(*found.span(), 0.9) for found in _RANKS.finditer(folded))
        return
    for found in _pattern().finditer(folded):
        start = found.start()
        if folded[start - 1 : start] == "第" or _asks(found, folded):
            continue
        if sure := _agreement(found, folded, wanted.units):
            inexact = _BEFORE.search(folded, max(0, start - 3), start)
            yield Form(inexact.start() if inexact else start, found.end(), sure)


def _asks(found: re.Match[str], folded: str) -> bool:
    """Tell whether a document asks itself for the number: 你们公司里有几名党员?"""
    return found[0].startswith("几") and bool(_STILL_ASKED.match(folded, found.end()))


def _agreement(found: re.Match[str], folded: str, units: tuple[str, ...]) -> float:
    """Return how well a quantity agrees with the units asked for; 0 when it does not."""
    unit = (found["unit"] or found["counted"] or "").lower()
    if _is_date(found, unit, units):
        return 0.0
    if folded[found.start() - 1 : found.start()] in _CURRENCIES:
        unit = "元"
    if unit:
        return _agreement_of(unit, units)
    if found["large"]:
        return 0.4
    if found["arabic"] is None and found["word"] is None:
        return 0.9 if "%" in units else 0.2 if units else 0.4
    return _bare(found, folded, units)


def _is_date(found: re.Match[str], unit: str, units: tuple[str, ...]) -> bool:
    if unit in _DATE_UNITS and unit not in units:
        return True
    arabic = found["arabic"] or ""
    if unit == "年":
        return "年" not in units or len(arabic) == 4
    return not unit and _YEAR.match(arabic) is not None


def _agreement_of(unit: str, units: tuple[str, ...]) -> float:
    if not units:
        return 0.7
    if unit not in units:
        # 多少食物, 多少学生: without a unit in the question it may be a share or a sum as well.
        return 0.3 if units == COUNTS else 0.0
    return 0.9 if unit == units[0] else 0.8


def _bare(found: re.Match[str], folded: str, units: tuple[str, ...]) -> float:
    """Return how likely a numeral without a unit is the quantity: an English noun may follow."""
    stems = [unit.rstrip("s") for unit in units if unit.isascii() and len(unit) > 2]
    if stems:
        following = folded[found.end() : found.end() + 30].lower().split()[:3]
        if any(word.startswith(stem) for word in following for stem in stems):
            return 0.9
    if _is_clock(found, folded) or _counts_else(found, folded, units):
        return 0.0
    return 0.5 if found["arabic"] else 0.3


def _counts_else(found: re.Match[str], folded: str, units: tuple[str, ...]) -> bool:
    """Tell whether a measure is asked for and a numeral stands in a code or counts what follows.

    4大类 and 1+7+N are no sums of money; 2000亿金马克, with its scale, may be one.
    """
    if not units or units[0] in COUNTS or _SCALE.search(found[0]):
        return False
    around = folded[max(0, found.start() - 1) : found.start()], folded[found.end() :]
    return around[0] == "+" or bool(_COUNTED.match(around[1]))


def _is_clock(found: re.Match[str], folded: str) -> bool:
    """Tell whether a numeral is the hour or the minutes of a time such as 8:00."""
    behind, before = folded[found.end() : found.end() + 3], folded[: found.start()][-2:]
    return bool(re.match(r":\d\d", behind) or re.search(r"\d:$", before))
