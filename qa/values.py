"""What a value says, as ranges that two texts can be compared by. Reads no texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Range(NamedTuple):
    """What a number can mean.

    Attributes:
        low, high: the least and the most that it says, both included.
        place: of its last character (10000 of 300万, 0.1 of 3.5): rounding leaves half of it open.
    """

    low: float
    high: float
    place: float = 1.0


Value = Mapping[str, Range]
"""What is said, by what it is said of: 家, 元, %, or the year, month, day and minute of a date."""


def differ(one: Value, other: Value) -> bool:
    """Tell whether two values cannot both be right.

    What only one of them says does not matter (1949年10月 and 1949年), nor does a difference
    that rounding or a word like 余 and 约 leaves open.
    """
    return any(_apart(one[part], other[part]) for part in one.keys() & other.keys())


def _apart(one: Range, other: Range) -> bool:
    fine, coarse = sorted((one, other), key=lambda each: (each.place, each.low))
    half = coarse.place / 2
    return fine.high < coarse.low - half or fine.low >= coarse.high + half
