"""What speaks for a sentence in the text that it cites, as numbers.

Every word of the sentence has a place in the cited text where its neighbours stand. A word that
does not stand there, while its neighbours do, was put in the place of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from qa.claims import Token

Numbers = NDArray[np.float64]

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


def columns(claim: Sequence[Token], cited: Sequence[Token], cosine: float = 0.0) -> list[float]:
    """Return the numbers of `COLUMNS`.

    Args:
        claim: the sentence; one token at least.
        cited: the cited text.
        cosine: of the sentence with the nearest cited sentence.
    """
    same = _same(claim, cited)
    place = _Places(claim, cited, same, _NEAR)
    numbers = [at for at, token in enumerate(claim) if token.number]
    names = [at for at, token in enumerate(claim) if token.name]
    rare = [at for at, token in enumerate(claim) if token.weight > 4 and not token.number]
    content = [at for at, token in enumerate(claim) if token.weight > 1]
    weights = place.weights
    stands = same.max(axis=1) if len(cited) else np.zeros(len(claim))
    heavy = weights * stands
    window = place.window()
    return [
        min(3.0, len(numbers)),
        _missing(stands, weights, numbers),
        place.least(numbers),
        place.least_margin(numbers, [token.number for token in cited]),
        _missing(stands, weights, names),
        place.least(names),
        place.least_margin(names, [token.name for token in cited]),
        _missing(stands, weights, rare),
        place.least(rare),
        float(heavy.sum() / weights.sum()),
        window,
        _run_missing(claim, stands),
        _pairs(claim, cited),
        float(np.average(place.ratios[content], weights=weights[content])) if content else 0.0,
        place.second(content),
        _negation(claim, cited, same),
        _negation(cited, claim, same.T),
        1 / max(4, len(claim)),
        *_alignment(claim, cited),
        cosine,
    ]


def _same(claim: Sequence[Token], cited: Sequence[Token]) -> Numbers:
    """Return how much tokens are alike, 0 to 1, shape (claim, cited)."""
    found = np.zeros((len(claim), len(cited)))
    places: dict[str, list[int]] = {}
    for at, token in enumerate(cited):
        places.setdefault(token.text, []).append(at)
    known = {text: set(text) for text in places if text[0] != "#" and len(text) > 1}
    for at, token in enumerate(claim):
        if token.text in places:
            found[at, places[token.text]] = 1
        elif not token.number and not token.text.isascii():
            for other, alike in _alike(token.text, known):
                found[at, places[other]] = alike
    return found


def _alike(text: str, known: dict[str, set[str]]) -> list[tuple[str, float]]:
    """Return words that share characters with a Chinese word that is not there as it is."""
    own = set(text)
    found = []
    for other, characters in known.items():
        shared = len(own & characters)
        if shared and not other.isascii():
            found.append((other, (0.95 if text in other else 0.8) * shared / len(own)))
    return found


class _Places:
    """Where the neighbours of each token of the claim stand in the cited text."""

    def __init__(
        self, claim: Sequence[Token], cited: Sequence[Token], same: Numbers, reach: float
    ) -> None:
        self.claim, self.cited, self.same = claim, cited, same
        self.weights = np.array([token.weight for token in claim])
        items = np.array([token.item for token in claim])
        at = np.arange(len(claim))
        near = np.exp(-np.abs(at[:, None] - at[None, :]) / reach) * self.weights[None, :]
        near[items[:, None] == items[None, :]] = 0
        self.spread = _spread(same, np.exp(-1 / reach))
        self.whole = np.maximum(near.sum(axis=1), 1e-9)
        self.found = near @ self.spread
        self.best = self.found.max(axis=1) if len(cited) else np.zeros(len(claim))
        own = np.where(same > 0, self.found * same, 0.0)
        self.own = own.max(axis=1) if len(cited) else np.zeros(len(claim))
        self.ratios = np.where(self.best > 0, self.own / np.maximum(self.best, 1e-9), 0.0)

    def least(self, rows: list[int]) -> float:
        return float(min((self.ratios[at] for at in rows), default=1.0))

    def second(self, rows: list[int]) -> float:
        found = sorted(self.ratios[at] for at in rows)
        return float(np.mean(found[:2])) if found else 1.0

    def least_margin(self, rows: list[int], rival: Sequence[bool]) -> float:
        """Return the least that a token's own place is ahead of those of another such token."""
        if not rows or not self.cited:
            return 1.0 if not rows else -1.0
        said = {token.text for token in self.claim}
        others = [
            at for at, is_one in enumerate(rival) if is_one and self.cited[at].text not in said
        ]
        found = []
        for at in rows:
            other = self.found[at, others].max() if others else 0.0
            found.append((self.own[at] - other) / self.whole[at])
        return float(min(found))

    def window(self) -> float:
        """Return the share of the claim's weight that stands near one place."""
        if not self.cited:
            return 0.0
        wide = _spread(self.same, np.exp(-1 / 20))
        return float((self.weights @ wide).max() / self.weights.sum())


def _spread(same: Numbers, fade: float) -> Numbers:
    """Return for each place the nearest like token, fading with the distance."""
    found = same.copy()
    for at in range(1, found.shape[1]):
        np.maximum(found[:, at], found[:, at - 1] * fade, out=found[:, at])
    for at in range(found.shape[1] - 2, -1, -1):
        np.maximum(found[:, at], found[:, at + 1] * fade, out=found[:, at])
    return found


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
    mine = [(one.text, two.text) for one, two in zip(claim, claim[1:], strict=False)]
    theirs = {(one.text, two.text) for one, two in zip(cited, cited[1:], strict=False)}
    return sum(pair in theirs for pair in mine) / len(mine) if mine else 1.0


def _negation(said: Sequence[Token], other: Sequence[Token], same: Numbers) -> float:
    """Return how surely a negation stands in one text and not at its place in the other, 0 to 1."""
    rows = [at for at, token in enumerate(said) if token.negation]
    if not rows or not other:
        return 0.0
    place = _Places(said, other, same, _CLOSE)
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
    for (one, other, size), (after, after_there, _) in zip(blocks, blocks[1:], strict=False):
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
    pairs = {(one.text, two.text) for one, two in zip(cited, cited[1:], strict=False)}
    tied = set()
    for one, two in zip(claim, claim[1:], strict=False):
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
