"""Cells of spreadsheets as a person sees them: dates as ISO 8601, numbers in their format."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

LONGEST_FORM = 255
"""Characters of a number format that count; Excel allows no more."""

LONGEST_NUMBER = 24
"""Digits of a number in its format, at most; a longer one is shown without."""

_SYMBOL = re.compile(r"\[\$([^\]-]*)(?:-[^\]]*)?\]")
_BRACKETS = re.compile(r"\[[^\]]*\]")
_PADDING = re.compile(r"[_*].")
_CORE = re.compile(r"[#0,]+(?:\.([0#]*))?(,*)")


def shown(value: object, form: str = "General") -> str:
    """Return what a cell shows.

    Args:
        value: of the cell: None, text, a truth value, a number, a date or a time.
        form: number format in Excel's code; where it is not understood the plain number is shown.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float, Decimal)):
        return _number(Decimal(str(value)), form)
    if isinstance(value, datetime):
        return (
            value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
        )
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, (date, timedelta)):
        return value.isoformat() if isinstance(value, date) else str(value)
    return " ".join(str(value).split())


def _number(value: Decimal, form: str) -> str:
    if not value.is_finite():
        return str(value)
    code = form[:LONGEST_FORM].split(";")[0]
    code = _PADDING.sub("", _BRACKETS.sub("", _SYMBOL.sub(r'"\1"', code)))
    literals = re.findall(r'"[^"]*"|\\.|[^"\\]', code)
    plain = "".join("\0" if len(piece) > 1 else piece for piece in literals)
    match = _CORE.search(plain)
    rest = plain[: match.start()] + plain[match.end() :] if match else plain
    if match is None or _is_too_long(value, match) or re.search(r"[^\0%\s¥￥$€£()+元-]", rest):
        return _general(value)
    texts = iter(piece.strip('"\\') for piece in literals if len(piece) > 1)
    around = [re.sub("\0", lambda _: next(texts), part)
              for part in (plain[: match.start()], plain[match.end() :])]  # fmt: skip
    return f"{around[0]}{_digits(value, match, '%' in rest)}{around[1]}".strip()


def _is_too_long(value: Decimal, match: re.Match[str]) -> bool:
    """Tell whether the form asks for more digits than numbers are computed with."""
    return value.adjusted() + len(match[1] or "") > LONGEST_NUMBER


def _digits(value: Decimal, match: re.Match[str], percent: bool) -> str:
    decimals = match[1] or ""
    scaled = value * (100 if percent else 1) / 1000 ** len(match[2])
    rounded = scaled.quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP)
    text = f"{rounded:,f}" if "," in match[0].rstrip(",") else f"{rounded:f}"
    for digit in reversed(decimals):
        if digit != "#" or not text.endswith("0"):
            break
        text = text[:-1]
    return text.rstrip(".") if decimals else text


def _general(value: Decimal) -> str:
    """Return at most eleven digits, as a cell without a format shows."""
    if value == value.to_integral_value() and abs(value) < 10**15:
        return f"{value.to_integral_value():f}"
    text = f"{float(value):.11g}"
    return f"{Decimal(text):f}" if -8 < value.adjusted() < 15 else text
