"""The date at a place of a sentence: year, month, day and time, as far as they are said.

What is not read with certainty (康熙年间, 战前, 1949年前后) has no value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from embeddings import numerals
from embeddings.lexical import search_form
from embeddings.records import Span
from qa.values import Range, Value

PARTS = ("year", "month", "day", "minute")
"""Of a date, the longest first. The minute counts from noon or midnight: texts leave 下午 out."""

_HALF_A_DAY = 720

_N = r"[〇零一二三四五六七八九十\d]{1,3}"
_CHINESE = re.compile(
    r"(?:(?:公元|西元)?\s?(?:(?P<year>\d{3,4}|[一二][〇零一二三四五六七八九]{3})\s?年(?P<decade>代)?"
    r"|(?P<century>\d{1,2}|[一二]?十?[一二三四五六七八九]?)\s?世纪)"
    r"|(?P<own>[今本去明]年)|年)?[初底末中春夏秋冬的]?\s?"
    rf"(?:(?P<month>{_N})\s?月(?:份|[初底末中]|[上中下]旬)?)?\s?(?:(?P<day>{_N})\s?[日号])?\s?"
    rf"(?:凌晨|清晨|早上|[上中下]午|傍晚|晚上)?(?:(?P<hour>{_N})(?:[时点](?:(?P<minute>{_N})分?|(?P<half>半)|整)?"
    r"|:(?P<clock>\d\d)))?"
)
_MONTHS = {
    "january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7,
    "august": 8, "september": 9, "october": 10, "november": 11, "december": 12,
}  # fmt: skip
_ENGLISH = re.compile(
    rf"(?:(?P<month>{'|'.join(_MONTHS)})(?: (?P<day>\d{{1,2}}))?,?\s?)?(?P<year>[12]\d{{3}})?"
    r"(?P<decade>s)?|(?P<century>\d{1,2})(?:st|nd|rd|th)[- ]century"
)
_OWN = {"今年": 0, "本年": 0, "去年": -1, "明年": 1}
_INEXACT = re.compile(r"(?:约|公元前|西元前|前|around|about|circa|c\.|before|after|by|since)\s?$")
_INEXACT_BEHIND = re.compile(r"\s?(?:前|之?后|以来|左右|bc|ago)")


def day(text: str, mark: Span, date: str | None = None) -> Value | None:
    """Return the date at `mark`; None where it is not certain.

    Args:
        text: a sentence, in any script.
        mark: where a date stands in it.
        date: ISO 8601 date of the document, by which 今年 is known.
    """
    said = search_form(mark.of(text)).strip()
    before = search_form(text[max(0, mark.start - 8) : mark.start])
    behind = search_form(text[mark.end : mark.end + 4])
    if _INEXACT.search(before) or _INEXACT_BEHIND.match(behind):
        return None
    found = _ENGLISH.fullmatch(said) or _CHINESE.fullmatch(said)
    return dict(_parts(found.groupdict(), date)) or None if found else None


def _parts(said: dict[str, str | None], date: str | None) -> Iterator[tuple[str, Range]]:
    years = _years(said, date)
    if years:
        yield "year", Range(*years)
    for part in ("month", "day"):
        if number := _number(said.get(part)):
            yield part, _exactly(number)
    if (hour := _number(said.get("hour"))) is not None:
        past = _number(said.get("minute") or said.get("clock")) or (30 if said.get("half") else 0)
        yield "minute", _exactly((60 * hour + past) % _HALF_A_DAY)


def _years(said: dict[str, str | None], date: str | None) -> tuple[int, int] | None:
    """Return the first and last year that are meant."""
    if century := _number(said.get("century")):
        return 100 * century - 99, 100 * century
    if year := _number(said.get("year")):
        return year, year + 9 if said.get("decade") else year
    own = said.get("own")
    if own and date:
        year = int(date[:4]) + _OWN[own]
        return year, year
    return None


def _number(text: str | None) -> int | None:
    if not text:
        return None
    if text in _MONTHS:
        return _MONTHS[text]
    if text.isascii():
        return int(text)
    read = numerals.value(text)
    return int(numerals.digits(text) or 0) if read is None else read


def _exactly(number: int) -> Range:
    return Range(number, number)
