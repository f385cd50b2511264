"""What speaks for a sentence in the text that it cites, as numbers.

Every word of the sentence has a place in the cited text where its neighbours stand. A word that
does not stand there, while its neighbours do, was put in the place of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from qa.claims import Token
from qa.places import Numbers, Places, likeness, spread

COLUMNS = (
    "numbers",
    "number missing",
    "number place",
    "number margin",
    "name missing",
    "name place",
    "name margin",
    "rare missing",
    "rare place",
    "covered",
    "window",
    "run missing",
    "pairs",
    "place",
    "least place",
    "negation said",
    "negation left out",
    "short",
    "aligned",
    "number replaced",
    "name replaced",
    "replaced",
    "put in",
    "negation put in",
    "negation taken out",
    "loose",
    "number loose",
    "name loose",
    "cosine",
)

_NEAR = 6.0
_CLOSE = 1.6
_WINDOW = float(np.exp(-1 / 20))


def columns(
    claim: Sequence[Token], cited: Sequence[Token], cosine: float = 0.0, same: Numbers | None = None
) -> list[float]:
    """Return the numbers of `COLUMNS`.

    Args:
        claim: the sentence; one token at least.
        cited: the cited text; one token at least.
        cosine: of the sentence with the nearest cited sentence.
        same: `qa.places.likeness` of the two, None where it is not known yet.
    """
    same = likeness(claim, cited) if same is None else same
    place = Places(claim, cited, same, _NEAR)
    numbers = [at for at, token in enumerate(claim) if token.number]
    names = [at for at, token in enumerate(claim) if token.name]
    rare = [at for at, token in enumerate(claim) if token.weight > 4 and not token.number]
    content = [at for at, token in enumerate(claim) if token.weight > 1]
    weights, stands = place.weights, same.max(axis=1)
    return [
        min(3.0, len(numbers)),
        _missing(stands, weights, numbers),
        _least(place.ranks, numbers),
        _least_margin(claim, cited, place, numbers, "number"),
        _missing(stands, weights, names),
        _least(place.ranks, names),
        _least_margin(claim, cited, place, names, "name"),
        _missing(stands, weights, rare),
        _least(place.ranks, rare),
        float((weights * stands).sum() / weights.sum()),
        _window(same, weights),
        _run_missing(claim, stands),
        _pairs(claim, cited),
        float(np.average(place.ranks[content], weights=weights[content])) if content else 0.0,
        _second(place.ranks, content),
        _negation(claim, cited, same),
        _negation(cited, claim, same.T),
        1 / max(4, len(claim)),
        *_alignment(claim, cited),
        cosine,
    ]


def _least(ratios: Numbers, rows: Sequence[int]) -> float:
    return float(min((ratios[at] for at in rows), default=1.0))


def _second(ratios: Numbers, rows: Sequence[int]) -> float:
    found = sorted(ratios[at] for at in rows)
    return float(np.mean(found[:2])) if found else 1.0


def _least_margin(
    claim: Sequence[Token], cited: Sequence[Token], place: Places, rows: Sequence[int], kind: str
) -> float:
    """Return the least that a token's own place is ahead of those of another such token."""
    if not rows:
        return 1.0
    said = {token.text for token in claim}
    others = [
        at for at, token in enumerate(cited) if getattr(token, kind) and token.text not in said
    ]
    best = place.found[np.ix_(rows, others)].max(axis=1) if others else 0.0
    return float(((place.own[rows] - best) / place.whole[rows]).min())


def _window(same: Numbers, weights: Numbers) -> float:
    """Return the share of the claim's weight that stands near one place."""
    return float((weights @ spread(same, np.full(same.shape[1], _WINDOW))).max() / weights.sum())


def _missing(stands: Numbers, weights: Numbers, rows: list[int]) -> float:
    return float(max(((1 - stands[at]) * weights[at] / 10 for at in rows), default=0.0))


def _run_missing(claim: Sequence[Token], stands: Numbers) -> float:
    """Return the weight of the heaviest run of tokens that do not stand in the cited text."""
    best = run = 0.0
    for token, there in zip(claim, stands, strict=True):
        run = run + token.weight * (1 - there) if there < 0.5 else 0.0
        best = max(best, run)
    return best / 20


def _pairs(claim: Sequence[Token], cited: Sequence[Token]) -> float:
    """Return the share of neighbours in the claim that are neighbours in the cited text."""
    mine = [(one.text, two.text) for one, two in pairwise(claim)]
    theirs = {(one.text, two.text) for one, two in pairwise(cited)}
    return sum(pair in theirs for pair in mine) / len(mine) if mine else 1.0


def _negation(said: Sequence[Token], other: Sequence[Token], same: Numbers) -> float:
    """Return how surely a negation stands in one text and not at its place in the other, 0 to 1."""
    rows = [at for at, token in enumerate(said) if token.negation]
    if not rows or not other:
        return 0.0
    place = Places(said, other, same, _CLOSE)
    there = np.array([token.negation for token in other])
    found = []
    for at in rows:
        scores = place.found[at] / place.whole[at]
        own = scores[_beside(there)].max() if there.any() else 0.0
        found.append(scores.max() - own if scores.max() > own else 0.0)
    return float(max(found))


def _beside(there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    found = there.copy()
    found[1:] |= there[:-1]
    found[:-1] |= there[1:]
    return found


_LEAST_BLOCK = 4.0
"""Weight of a run of equal tokens from which it is taken for the same place."""

_NARROW = 8
"""Tokens of the cited text between two such runs that may have been replaced."""


def _alignment(claim: Sequence[Token], cited: Sequence[Token]) -> list[float]:
    """Return what an alignment in order shows: what stands there in the place of something else."""
    blocks = list(_blocks(claim, cited))
    weight = sum(token.weight for token in claim)
    aligned = sum(_weight(claim[one : one + size]) for one, _, size in blocks)
    gaps = list(_gaps(claim, cited, blocks))
    return [
        aligned / weight,
        float(any(_numbers(one) and _numbers(other) - _numbers(one) for one, other in gaps)),
        max((_names_against(one, other) for one, other in gaps), default=0.0),
        max((min(_weight(one), _weight(other)) / 10 for one, other in gaps), default=0.0),
        max((_weight(one) / 10 for one, _ in gaps), default=0.0),
        float(max((_negations(one) - _negations(other) for one, other in gaps), default=0) > 0),
        float(max((_negations(other) - _negations(one) for one, other in gaps), default=0) > 0),
        *_loose(claim, cited),
    ]


def _blocks(claim: Sequence[Token], cited: Sequence[Token]) -> Iterator[tuple[int, int, int]]:
    """Yield (place in the claim, place in the cited text, tokens) of runs that are equal."""
    matcher = SequenceMatcher(
        None, [token.text for token in cited], [token.text for token in claim], autojunk=False
    )
    for there, here, size in matcher.get_matching_blocks():
        if size and _weight(claim[here : here + size]) >= _LEAST_BLOCK:
            yield here, there, size


def _gaps(
    claim: Sequence[Token], cited: Sequence[Token], blocks: Sequence[tuple[int, int, int]]
) -> Iterator[tuple[Sequence[Token], Sequence[Token]]]:
    """Yield what stands between two equal runs, in the claim and in the cited text.

    Beyond the first and the last run it is as much of the cited text as of the claim.
    """
    if not blocks:
        return
    here, there, _ = blocks[0]
    if here:
        yield claim[:here], cited[max(0, there - here) : there]
    for (one, other, size), (after, after_there, _) in pairwise(blocks):
        told, left = claim[one + size : after], cited[other + size : after_there]
        if told or left:
            yield told, left if len(left) <= _NARROW else left[: len(told)]
    one, other, size = blocks[-1]
    if rest := claim[one + size :]:
        yield rest, cited[other + size : other + size + len(rest)]


def _weight(part: Sequence[Token]) -> float:
    return sum(token.weight for token in part if token.weight > 1)


def _numbers(part: Sequence[Token]) -> set[str]:
    return {token.text for token in part if token.number}


def _names_against(one: Sequence[Token], other: Sequence[Token]) -> float:
    """Return the weight of names that stand in the place of other words."""
    there = {token.text for token in other}
    put = [token for token in one if token.name and token.text not in there]
    return min(3.0, min(_weight(put), _weight(other)) / 10)


def _negations(part: Sequence[Token]) -> int:
    return sum(token.negation for token in part)


def _loose(claim: Sequence[Token], cited: Sequence[Token]) -> tuple[float, float, float]:
    """Return the heaviest item, number and name without either neighbour in the cited text."""
    pairs = {(one.text, two.text) for one, two in pairwise(cited)}
    tied = set()
    for one, two in pairwise(claim):
        if one.item != two.item and (one.text, two.text) in pairs:
            tied |= {one.item, two.item}
    weights: dict[int, float] = {}
    numbers, names = set(), set()
    for token in claim:
        if token.weight > 1 and token.item not in tied:
            weights[token.item] = weights.get(token.item, 0.0) + token.weight
            numbers |= {token.item} if token.number else set()
            names |= {token.item} if token.name else set()
    heaviest = (max(weights.values(), default=0.0) / 10, float(len(numbers)))
    return *heaviest, max((weights[item] for item in names), default=0.0) / 10
