"""What speaks for each word of a sentence in the text that it cites, as numbers.

A number, date or name that stands in the text may belong to something else there: what counts is
what stands beside it here and there, and whether another of its kind stands in that place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qa.claims import Token
from qa.places import Numbers, Places

WORD_COLUMNS = (
    "number",
    "name",
    "negation",
    "of a date",
    "weight",
    "stands",
    "rank of place",
    "place",
    "best place",
    "margin",
    "close rank",
    "close best",
    "ordered rank",
    "ordered best",
    "ordered margin",
    "before",
    "behind",
    "content before",
    "content behind",
    "tied before",
    "tied behind",
    "clash",
    "date",
    "missing run",
    "first",
    "last",
)

_NEAR = 6.0
_MIDDLE = 3.0
_CLOSE = 1.6
_DATE_PARTS = {"年": 0, "月": 1, "日": 2}


def word_columns(claim: Sequence[Token], cited: Sequence[Token], same: Numbers) -> Numbers:
    """Return the numbers of `WORD_COLUMNS` of each word that says something.

    Args:
        claim: the sentence.
        cited: the cited text.
        same: how much their tokens are alike, see `qa.places.likeness`.

    Returns:
        shape (words, columns); words are the tokens of a weight above 1.
    """
    rows = [at for at, token in enumerate(claim) if token.weight > 1 or token.negation]
    wide, close = (Places(claim, cited, same, reach) for reach in (_NEAR, _CLOSE))
    ordered = Places(claim, cited, same, _MIDDLE, ordered=True)
    stands = same.max(axis=1, initial=0.0)
    found = np.column_stack([
        _kinds(claim),
        [token.weight / 10 for token in claim],
        stands,
        wide.ranks,
        wide.own / wide.whole,
        wide.best / wide.whole,
        _margins(claim, cited, wide),
        close.ranks,
        close.best / close.whole,
        ordered.ranks,
        ordered.best / ordered.whole,
        _margins(claim, cited, ordered),
        _ties(claim, cited, stands),
        _clashes(claim, cited),
        _dates_said(claim, cited),
        _runs_missing(claim, stands),
        np.arange(len(claim)) == 0,
        np.arange(len(claim)) == len(claim) - 1,
    ])  # fmt: skip
    return np.asarray(found[rows], np.float64)


def _kinds(claim: Sequence[Token]) -> Numbers:
    dated = {at for date in _dates(claim) for at in date.places}
    return np.array(
        [[one.number, one.name, one.negation, at in dated] for at, one in enumerate(claim)], float
    )


def _margins(claim: Sequence[Token], cited: Sequence[Token], place: Places) -> Numbers:
    """Return how far a token's place is ahead of those of others of its kind, -1 to 1."""
    said = {token.text for token in claim}
    rivals = {
        kind: [at for at, one in enumerate(cited) if _kind(one) == kind and one.text not in said]
        for kind in ("number", "name")
    }
    margins = np.zeros(len(claim))
    for at, token in enumerate(claim):
        others = rivals.get(_kind(token), [])
        best = place.found[at, others].max() if others else 0.0
        margins[at] = (place.own[at] - best) / place.whole[at]
    return margins


def _kind(token: Token) -> str:
    return "number" if token.number else "name" if token.name else ""


def _ties(claim: Sequence[Token], cited: Sequence[Token], stands: Numbers) -> Numbers:
    """Return whether each token's neighbours, and its neighbours that say something, are its there.

    The last two columns say whether those neighbours stand there at all: where they do not, they
    tell nothing.
    """
    columns: list[Numbers] = []
    for least in (0.0, 1.0):
        here = [at for at, token in enumerate(claim) if token.weight > least]
        there = [token.text for token in cited if token.weight > least]
        columns += _sides(claim, here, set(pairwise(there)))
    heavy = [at for at, token in enumerate(claim) if token.weight > 1]
    known = np.ones((len(claim), 2))
    for before, after in pairwise(heavy):
        known[after, 0], known[before, 1] = stands[before], stands[after]
    return np.column_stack([*columns, known])


def _sides(
    claim: Sequence[Token], rows: Sequence[int], pairs: set[tuple[str, str]]
) -> tuple[Numbers, Numbers]:
    before, behind = np.full(len(claim), 0.5), np.full(len(claim), 0.5)
    for one, two in pairwise(rows):
        before[two] = behind[one] = (claim[one].text, claim[two].text) in pairs
    return before, behind


def _clashes(claim: Sequence[Token], cited: Sequence[Token]) -> Numbers:
    """Return 1 for a number that counts something else in every place where it stands."""
    counted: dict[str, set[str]] = {}
    for number, unit in pairwise([*cited, _NOTHING]):
        if number.number:
            counted.setdefault(number.text, set()).add(unit.text)
    found = np.zeros(len(claim))
    for at, (number, unit) in enumerate(pairwise([*claim, _NOTHING])):
        there = counted.get(number.text)
        found[at] = number.number and there is not None and unit.text not in there
    return found


_NOTHING = Token("", 0.0, 0)


class _Date(NamedTuple):
    """Year, month and day as far as they are said, and which tokens say them."""

    parts: tuple[str, str, str]
    places: tuple[int, ...]


def _dates(part: Sequence[Token]) -> Iterator[_Date]:
    """Yield dates; parts that are not said are empty."""
    parts, places = ["", "", ""], list[int]()
    for at, (number, unit) in enumerate(pairwise([*part, _NOTHING])):
        slot = _DATE_PARTS.get(unit.text[:1]) if number.number and len(unit.text) == 1 else None
        if slot is None:
            continue
        if places and (at - places[-1] > 2 or any(parts[slot:])):
            yield _Date((parts[0], parts[1], parts[2]), tuple(places))
            parts, places = ["", "", ""], []
        parts[slot] = number.text
        places.append(at)
    if places:
        yield _Date((parts[0], parts[1], parts[2]), tuple(places))


def _dates_said(claim: Sequence[Token], cited: Sequence[Token]) -> Numbers:
    """Return 0 for the numbers of a date that is not said as a whole, else 1.

    A month without a year is of the year before it.
    """
    known = set(_with_years(_dates(cited)))
    found = np.ones(len(claim))
    for date in _dates(claim):
        said = any(
            all(not own or own == other for own, other in zip(date.parts, there, strict=True))
            for there in known
        )
        found[list(date.places)] = said
    return found


def _with_years(dates: Iterator[_Date]) -> Iterator[tuple[str, str, str]]:
    year = month = ""
    for date in dates:
        year, month = date.parts[0] or year, date.parts[1] or ("" if date.parts[0] else month)
        yield date.parts
        yield year, month, date.parts[2]


def _runs_missing(claim: Sequence[Token], stands: NDArray[np.float64]) -> Numbers:
    """Return the weight of the run of missing tokens that each belongs to, in 20 nats."""
    found, start = np.zeros(len(claim)), 0
    for at in range(len(claim) + 1):
        if at == len(claim) or stands[at] >= 0.5:
            weight = sum(claim[one].weight * (1 - stands[one]) for one in range(start, at))
            found[start:at] = weight / 20
            start = at + 1
    return found
