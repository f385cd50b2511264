"""The date of a document, from what it says of itself. A wrong date is worse than none.

Properties of Office and PDF files are not asked: they hold the day of a template, a copy or a scan.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

_HEAD, _TAIL = 12, 6
"""Lines with text in which a date line is looked for, from the beginning and from the end."""

_NUMERALS = {numeral: str(value) for value, numeral in enumerate("〇一二三四五六七八九")} | {
    "○": "0", "０": "0", "零": "0", "Ｏ": "0",
}  # fmt: skip
_IN_NAME = re.compile(
    r"(?<!\d)((?:19|20)\d\d)(?:([-._])(\d\d?)\2(\d\d?)|年(\d\d?)月(\d\d?)日?|(\d\d)(\d\d))(?!\d)"
)
_DATE = (
    r"(?P<year>(?:19|20)\d\d|[二一][〇○零０Ｏ九八一二三四五六七]{3})"
    r"(?:\s*年\s*(?P<month>\d\d?|[一二三四五六七八九十]{1,2})\s*月\s*(?P<day>\d\d?|[一二三四五六七八九十]{1,3})\s*日"
    r"|(?P<separator>[-/.])(?P<m>\d\d?)(?P=separator)(?P<d>\d\d?)(?!\d))"
)
_TIME = r"(?:\s*T?\s*\d\d?[:：]\d\d(?:[:：]\d\d)?)?"
_ALONE = re.compile(
    rf"[（(【\[]?\s*{_DATE}{_TIME}\s*(?:[，,]?\s*(?:星期|周|週|礼拜)[一二三四五六日天])?"
    rf"(?:\s*(?:农历|農曆|第?\s*\w?\d+\s*[版期]).{{0,16}})?\s*[）)】\]]?"
)
_LABELLED = re.compile(
    r"(?:(?:发布|發布|发表|发文|印发|成文|公布|刊发|更新)?(?:时间|日期|時間)|发布于|發布於|发表于)"
    rf"\s*[:：]?\s*{_DATE}"
)
_DATELINE = re.compile(
    rf"(?:本报|本報|新华社|新華社|中新社|本网|本網)[^\d。]{{0,12}}{_DATE}(?:讯|訊|电|電)"
)
_ISO = re.compile(r"\s*((?:19|20)\d\d)[-/.年](\d\d?)[-/.月](\d\d?)(?!\d)")


def _iso(year: str, month: str, day: str) -> str | None:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


def _one(found: Iterable[str | None]) -> str | None:
    """Return the date that all agree on."""
    distinct = {each for each in found if each}
    return distinct.pop() if len(distinct) == 1 else None


def date_in(name: str) -> str | None:
    """Return the full date in a file name as ISO 8601: 20210616 -> 2021-06-16.

    None when there is none, or two that differ.
    """
    return _one(
        _iso(match[1], *[group for group in match.groups()[2:] if group])
        for match in _IN_NAME.finditer(name)
    )


def _number(numeral: str) -> str:
    """Return a Chinese numeral below 100 in digits: 二十一 -> 21."""
    if numeral.isdigit() and numeral.isascii():
        return numeral
    tens, ten, ones = numeral.rpartition("十")
    if not ten:
        return _NUMERALS.get(numeral, "")
    return _NUMERALS.get(tens, "1" if not tens else "") + (_NUMERALS.get(ones, "") if ones else "0")


def _matched(match: re.Match[str]) -> str | None:
    year = "".join(_NUMERALS.get(digit, digit) for digit in match["year"])
    if match["m"]:
        return _iso(year, match["m"], match["d"])
    return _iso(year, _number(match["month"]), _number(match["day"]))


def _of_line(line: str) -> str | None:
    """Return the date of a line that is there to tell it; one inside a sentence does not count."""
    match = _ALONE.fullmatch(line) or _DATELINE.match(line)
    if match is None and len(line) <= 80 and "。" not in line:
        match = _LABELLED.search(line)
    return _matched(match) if match else None


def date_line(text: str) -> str | None:
    """Return the date that the first lines tell, or else the last ones; None when in doubt.

    Counted are a line that is nothing but a date, one after a label (发布时间：…) and a newspaper's
    dateline with its year (本报济南2021年6月16日讯).
    """
    lines = [line for line in map(str.strip, _edges(text)) if line]
    first = [_of_line(line[:200]) for line in lines[:_HEAD]]
    if any(first):
        return _one(first)
    return _one(_of_line(line[:200]) for line in lines[_HEAD:][-_TAIL:])


def _edges(text: str, reach: int = 6_000) -> list[str]:
    """Return the lines at both ends, so that a large file is not taken apart for a date."""
    if len(text) <= 2 * reach:
        return text.splitlines()
    return [*text[:reach].splitlines()[:-1], *text[-reach:].splitlines()[1:]]


def declared_date(values: Iterable[str]) -> str | None:
    """Return the date that the values of markup agree on; each begins with year, month, day."""
    matches = (_ISO.match(value) for value in values)
    return _one(_iso(match[1], match[2], match[3]) for match in matches if match)


def date_of(name: str, text: str, declared: str | None = None) -> str | None:
    """Return a document's ISO 8601 date, or None.

    Args:
        name: file name without its ending.
        text: what is shown of it.
        declared: date that its markup declares; it comes first, then the name, then the text.
    """
    return declared or date_in(name) or date_line(text)
