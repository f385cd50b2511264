"""Where the words of a sentence, and their neighbours, stand in another text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qa.claims import Token

Numbers = NDArray[np.float64]


def likeness(claim: Sequence[Token], cited: Sequence[Token]) -> Numbers:
    """Return how much tokens are alike, 0 to 1, shape (claim, cited).

    A Chinese word that does not stand there as it is, is somewhat like one that shares characters.
    """
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
    own = set(text)
    found = []
    for other, characters in known.items():
        shared = len(own & characters)
        if shared and not other.isascii():
            found.append((other, (0.95 if text in other else 0.8) * shared / len(own)))
    return found


class Places:
    """How well the neighbours of each token of the claim stand around each place of the other text.

    Args:
        claim: the sentence.
        cited: the other text.
        same: their likeness.
        reach: words after which a neighbour counts 1 / e; marks count as some words.
        ordered: only those count that stand on the same side in both.

    Attributes:
        found: weight of the neighbours of each token around each place, shape (claim, cited).
        whole: the weight of all its neighbours, shape (claim,).
        best: the most that is found anywhere, shape (claim,).
        own: the most that is found where the token itself stands, shape (claim,).
        ranks: `own` as a share of `best`, shape (claim,).
    """

    def __init__(
        self,
        claim: Sequence[Token],
        cited: Sequence[Token],
        same: Numbers,
        reach: float,
        ordered: bool = False,
    ) -> None:
        self.weights = np.array([token.weight for token in claim])
        near = _nearness(claim, reach) * self.weights[None, :]
        self.whole = np.maximum(near.sum(axis=1), 1e-9)
        steps = np.array([1 + token.pause for token in cited])
        after, before = _spreads(same, np.exp(-steps / reach))
        if ordered:
            self.found = np.tril(near) @ after + np.triu(near) @ before
        else:
            self.found = near @ np.maximum(after, before)
        self.best = self.found.max(axis=1, initial=0.0)
        self.own = np.where(same > 0, self.found * same, 0.0).max(axis=1, initial=0.0)
        self.ranks = np.where(self.best > 0, self.own / np.maximum(self.best, 1e-9), 0.0)


def _nearness(claim: Sequence[Token], reach: float) -> Numbers:
    """Return how much tokens of a sentence count as neighbours, 0 within a name."""
    items = np.array([token.item for token in claim])
    at = np.cumsum([1 + token.pause for token in claim])
    near = np.exp(-np.abs(at[:, None] - at[None, :]) / reach)
    near[items[:, None] == items[None, :]] = 0
    return np.asarray(near, np.float64)


def spread(same: Numbers, fades: Numbers) -> Numbers:
    """Return for each place the nearest like token, fading with the distance.

    Args:
        same: likeness, shape (claim, cited).
        fades: what is left after the step from the place before to each, shape (cited,).
    """
    return np.maximum(*_spreads(same, fades))


def _spreads(same: Numbers, fades: Numbers) -> tuple[Numbers, Numbers]:
    """Return the same of like tokens at each place and before it, and at it and behind it."""
    after, before = same.copy(), same.copy()
    for at in range(1, same.shape[1]):
        np.maximum(after[:, at], after[:, at - 1] * fades[at], out=after[:, at])
    for at in range(same.shape[1] - 2, -1, -1):
        np.maximum(before[:, at], before[:, at + 1] * fades[at + 1], out=before[:, at])
    return after, before
