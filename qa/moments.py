"""Dates, eras and durations in a folded sentence (Simplified, half-width; see `qa.forms`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from embeddings.cleaning import HAN
from qa.kinds import Form, Wanted

_REIGNS = (
    "民国|昭和|平成|令和|明治|大正|康熙|雍正|[乾干]隆|嘉庆|道光|咸丰|同治|光绪|宣统|顺治|洪武|建文|"
    "永乐|洪熙|宣德|"
    "正统|景泰|天顺|成化|弘治|正德|嘉靖|隆庆|万历|泰昌|天启|崇祯|贞观|开元|天宝|永徽|建炎|绍兴|"
    "熙宁|元丰|元祐|"
    "崇宁|政和|宣和|至元|至正|建安|黄初|太和|景初|建武|永平|建元|元鼎|元封|天保|庆应|文久|宽永"
)
_DYNASTIES = (
    "夏商|商|西周|东周|周|春秋|战国|先秦|秦|西汉|东汉|汉|三国|曹魏|蜀汉|东吴|西晋|东晋|晋|南北朝|"
    "南|北|六|北魏|隋|唐|"
    "五代|北宋|南宋|宋|辽|金|西夏|元|明|清|江户|幕|奈良|平安|镰仓|室町|朝鲜|高丽|新罗|古罗马|"
    "中世纪|近|现|古|当"
)
_MONTHS = (
    "January|February|March|April|May|June|July|August|September|October|November|December|Spring|"
    "Summer|Autumn|Winter"
)
_N = r"[〇零一二三四五六七八九十\d]"
_DAY = rf"{_N}{{1,3}}\s?[日号](?!线)"
_PART_OF_YEAR = "[初末底中]|[上中下]旬|份"


class _Rule(NamedTuple):
    """A pattern that is tried only where one of the characters `needs` stands in the sentence."""

    part: str
    needs: frozenset[str]
    pattern: re.Pattern[str]
    strength: float


_MONTH_AND_DAY = rf"{_N}{{1,2}}\s?月(?:\s?{_DAY}|{_PART_OF_YEAR})?"
_RULES: tuple[tuple[str, str, str, float], ...] = (
    (
        "年",
        "年",
        rf"(?:公元前?|西元前?|前)?\s?(?:\d{{3,4}}|[一二][〇零一二三四五六七八九]{{3}})\s?年代?"
        rf"(?:[初末底中春夏秋冬]|前后|间)?(?:\s?{_MONTH_AND_DAY})?",
        0.9,
    ),
    ("年", "年", rf"(?:{_REIGNS})(?:元|{_N}{{1,3}})年(?:间|[春夏秋冬])?(?:{_MONTH_AND_DAY})?", 0.9),
    ("年", "年", r"(?:公元前|西元前|前)\s?\d{1,4}\s?年", 0.9),
    ("年", "年", rf"[{HAN}]{{2}}(?:元|{_N}{{1,3}})年闰?{_N}{{1,2}}月(?:{_DAY})?", 0.8),
    ("月", "月", rf"(?:[今去同翌次当]年|年)?(?<!个)(?<!\d){_MONTH_AND_DAY}", 0.7),
    ("日", "日号", rf"(?<!第){_DAY}", 0.5),
    ("日", "期拜周", r"(?:星期|礼拜|周)[一二三四五六日天]", 0.5),
    (
        "时",
        "时点:：",
        rf"(?:[上下中]午|凌晨|早上|晚上|清晨|傍晚)?{_N}{{1,3}}(?:时|点(?!\d(?!\d?分)))(?:{_N}{{1,3}}分|"
        r"半|整)?",
        0.5,
    ),
    ("时", ":", r"\d{1,2}:\d{2}", 0.5),
    (
        "世纪",
        "纪",
        rf"(?:公元前|前)?{_N}{{1,3}}\s?世纪(?:\d0年代)?(?:[初末中]叶?|[早晚后前中]期|"
        r"[上下]半叶)?",
        0.9,
    ),
    (
        "朝",
        "朝代初末时年国",
        rf"(?:{_DYNASTIES})(?:[朝代]?[初末]?年?间?|时[期代]?)(?<=[朝代初末时期间])|三国",
        0.7,
    ),
    ("朝", "纪世代", rf"[{HAN}]{{2}}(?:纪|新世|古世|古代)(?:[早中晚末初]期?)?", 0.7),
    (
        "朝",
        "期代间朝",
        rf"(?:{_REIGNS})(?:年间|时期|朝)|{_N}{{2}}年代[初末中]?期?|[{HAN}]{{1,4}}(?:期间|时期|"
        r"时代)",
        0.6,
    ),
    (
        "相对",
        "年",
        rf"[今去同翌次当隔明前每]年|年[初底末]|(?<!\d){_N}{{1,3}}年[前后]|[{HAN}]{{2}}(?:元|"
        rf"[一二三四五六七八九十]{{1,3}})年",
        0.4,
    ),
    ("季", "春夏秋冬", r"[早初晚暮仲]?[春夏秋冬](?:[季天]|(?=[、，或和及]))", 0.5),
    (
        "相对",
        "午晨晚夜日节",
        r"[上下中]午|凌晨|清晨|早晨|傍晚|夜间|夜晚|深夜|黄昏|白天|当[日晚]|翌日|次日|"
        r"[清重元中端]\w节",
        0.4,
    ),
    (
        "相对",
        "时后前战",
        rf"战[前后]|不久|[{HAN}]{{2,8}}(?:(?:时|后|前)(?=，)|(?:之|(?<!所)以)[前后])",
        0.3,
    ),
    (
        "英",
        "0123456789",
        r"\b(?:\d[\d.,]*\s?(?:million|billion|thousand)? ?(?:years ago|BC|BCE|AD|CE|BP)|"
        r"[12]\d{3}s|\d{1,2}(?:st|nd|rd|th)[- ]century)\b",
        0.9,
    ),
    (
        "英",
        "yletr",
        rf"\b(?:{_MONTHS})\b(?: \d{{1,2}}\b)?(?:,? \d{{4}})?|\b\w+(?:teen)?th century",
        0.8,
    ),
    (
        "年",
        "12",
        r"(?<![\d.,$:])(?:1\d{3}|20[0-4]\d)(?![\d,.:]\d|\d|%|\s?(?:年|[\u4e00-\u9fff]))",
        0.7,
    ),
    ("年", "万亿", r"(?:距今)?约?[\d.,]+[百千万亿]+年前", 0.9),
)
"""The parts of a date, the characters that each needs, its pattern and strength."""


@cache
def _dates() -> tuple[_Rule, ...]:
    return tuple(
        _Rule(part, frozenset(needs), re.compile(rule), sure) for part, needs, rule, sure in _RULES
    )


_PARTS = {
    "年": ("年", "英", "世纪"),
    "日": ("日", "月", "年", "英"),
    "月": ("月", "年", "英"),
    "时": ("时", "相对"),
    "世纪": ("世纪", "年", "英"),
    "朝": ("朝", "世纪", "年", "英"),
    "季": ("季", "月", "英"),
}
"""The parts of a date that can hold the one asked for, the best one first."""


def dates(folded: str, wanted: Wanted) -> Iterator[Form]:
    """Yield dates, eras and times of day; those without the part asked for are weak."""
    parts = _PARTS.get(wanted.units[0]) if wanted.units else None
    present = set(folded)
    for rule in _dates():
        if rule.needs.isdisjoint(present):
            continue
        sure = rule.strength
        if parts is not None:
            sure = 0.9 if rule.part == parts[0] else sure if rule.part in parts else 0.3 * sure
        yield from (Form(*found.span(), sure) for found in rule.pattern.finditer(folded))


_TIME_UNIT = (
    r"(?:个(?:月|世纪)|个?(?:小时|星期|礼拜|钟头|季度)|年(?!代|级|度)|天|日|周年?|分钟|"
    r"秒钟?|昼夜|夜|分(?!之))"
)
_EACH = re.compile(
    rf"每(?:隔)?(?:半|{_N}{{1,3}}|两)?(?:个?(?:年|月|季度|周|星期|天|日|小时|分钟|世纪)|晚)(?!代)|"
    rf"{_N}年[一两]度|"
    r"一年[一二两三][次回]|\b(?:every|each) (?:\w+ )?(?:year|month|week|day|hour)s?\b|"
    r"\b(?:annually|monthly|weekly|daily|yearly|per (?:year|month|week|day))\b"
)
_LONG = re.compile(
    r"(?:大约|约|近|超过|长达|历时|为期|长约|达)?"
    r"(?:(?<![\d月])\d{1,3}(?:\.\d+)?|\d+,\d{3}|\d{2,}(?=万)|"
    r"[半一二两三四五六七八九十百千数几]{1,5})"
    rf"(?:\s?[-–~至到]\s?\d+)?[余多]?\s?[百千万亿]*[余多]?\s?{_TIME_UNIT}(?:\s?\d+\s?{_TIME_UNIT})*"
    r"(?:半|多|余|左右|以上|之久|前)?|[多数][年月日天]"
    r"|\b(?:\d[\d.,]*|one|two|three|four|five|six|seven|eight|nine|ten|twelve|several)[ -]"
    r"(?:(?:million|billion|thousand|hundred) )?(?:year|month|week|day|hour|minute|second|decade|"
    r"centur(?:y|ie))s?\b"
)
_FROM_TO = re.compile(
    r"(?:\d{4}|\d月\d+日)\s?年?\s?(?:[-–—~～至到]|to)\s?(?:\d{4}|\d月\d+日)\s?年?"
)


def durations(folded: str, wanted: Wanted) -> Iterator[Form]:
    """Yield how long, or how often where that is asked for."""
    often = wanted.units[:1] == ("每",)
    rules = ((_EACH, 0.9 if often else 0.3), (_LONG, 0.3 if often else 0.8), (_FROM_TO, 0.5))
    for pattern, sure in rules:
        for found in pattern.finditer(folded):
            named = wanted.units and wanted.units[0] in found[0]
            yield Form(*found.span(), 0.9 if named and sure > 0.5 else sure)
