"""Questions put into folds, and how sure a difference between two judgements of them is."""

from __future__ import annotations

import random
from collections.abc import Collection, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FOLDS = 5

_SEED = 0

_ROUNDING = 1e-9


def groups_of(evidence: Sequence[Collection[Hashable]]) -> NDArray[np.int64]:
    """Return the number of each question's group, from 0 on.

    Questions that share any of their evidence are of one group, also by way of a third one; a
    question without evidence is a group by itself.
    """
    above = list(range(len(evidence)))

    def top(at: int) -> int:
        while above[at] != at:
            above[at] = above[above[at]]
            at = above[at]
        return at

    owner: dict[Hashable, int] = {}
    for at, held in enumerate(evidence):
        for piece in held:
            above[top(at)] = top(owner.setdefault(piece, at))
    tops = [top(at) for at in range(len(evidence))]
    numbers = {one: number for number, one in enumerate(dict.fromkeys(tops))}
    return np.array([numbers[one] for one in tops], np.int64)


def folds_of(groups: NDArray[np.int64], sorts: Sequence[Hashable]) -> NDArray[np.int64]:
    """Return the number of each question's fold, 0 to `FOLDS` - 1.

    A group stays together; the folds get about as many questions of each sort. The same questions
    always get the same folds.

    Args:
        groups: the group of each question.
        sorts: the sort of each question.
    """
    members: dict[int, list[int]] = {}
    for at, group in enumerate(groups):
        members.setdefault(int(group), []).append(at)
    order = list(members.values())
    random.Random(_SEED).shuffle(order)  # noqa: S311
    order.sort(key=len, reverse=True)
    held = {sort: [0] * FOLDS for sort in sorts}
    folds = np.zeros(len(groups), np.int64)
    for group in order:
        sizes = held[sorts[group[0]]]
        fold = sizes.index(min(sizes))
        for at in group:
            folds[at] = fold
            held[sorts[at]][fold] += 1
    return folds


class Difference(NamedTuple):
    """A mean difference and its standard error."""

    mean: float
    error: float

    @property
    def better(self) -> bool:
        """Whether it is above 0 by more than its standard error: one question more is not."""
        return self.mean > self.error + _ROUNDING

    @property
    def worse(self) -> bool:
        """Whether it is below 0 by more than its standard error."""
        return self.mean < -self.error - _ROUNDING


def difference(
    before: NDArray[np.float64], after: NDArray[np.float64], groups: NDArray[np.int64]
) -> Difference:
    """Return how much higher `after` is on average; where either is nan does not count.

    Questions of one group are no independent witnesses: the standard error is that of the mean over
    groups, of whatever size.
    """
    moved = after - before
    known = ~np.isnan(moved)
    moved, own = moved[known], groups[known]
    if not len(moved):
        return Difference(0.0, 0.0)
    mean = float(moved.mean())
    sums = np.bincount(own, weights=moved - mean)
    count = len(np.unique(own))
    spread = float((sums**2).sum()) * count / max(count - 1, 1)
    return Difference(mean, spread**0.5 / len(moved))
