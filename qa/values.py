"""What a value says, as ranges that two texts can be compared by. Reads no texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Range(NamedTuple):
    """All that a number can mean: what lies between `low` and `high`."""

    low: float
    high: float


Value = Mapping[str, Range]
"""What is said, by what it is said of: 家, 元, %, or the year, month, day and minute of a date."""


def differ(one: Value, other: Value) -> bool:
    """Tell whether two values cannot both be right.

    What only one of them says does not matter (1949年10月 and 1949年), nor does a difference
    that rounding or a word like 余 and 約 leaves open.
    """
    return any(_apart(one[part], other[part]) for part in one.keys() & other.keys())


def _apart(one: Range, other: Range) -> bool:
    return one.high <= other.low or other.high <= one.low
