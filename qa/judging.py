"""How a user's questions go under corrected weights: shares of questions, and how sure they are.

Every question may be judged by a correction of its own: by one that was fitted without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa.correction import Own, Values
from qa.folds import Difference, difference
from qa.own_questions import Candidates, Case
from qa.ranking import Ranking
from qa.support import Support

FIGURES = ("passage first", "sentence first", "answered", "refused", "near misses refused")
"""What is judged: shares of questions, the more the better.

The first two and ``answered`` (not refused) are of answerable questions, ``refused`` of the others.
``near misses refused`` is of answerable ones that are asked without the passages that hold their
evidence.
"""


@dataclass(frozen=True, slots=True)
class Shipped:
    """The weights that come with the package, and the threshold that counts beside them.

    Attributes:
        ranking, support: the weights.
        least: how likely it must be that the documents answer, 0 to 1.
        fixed: whether the user has set that: then no other counts.
    """

    ranking: Ranking
    support: Support
    least: float
    fixed: bool = False

    def least_of(self, own: Own) -> float:
        """Return the threshold that counts with a correction."""
        return self.least if self.fixed or own.least is None else own.least


def supported(found: Sequence[Candidates], own: Own) -> float:
    """Return how likely it is that the documents answer the likeliest of several questions."""
    return max((_supported(one, own) for one in found), default=0.0)


def _supported(one: Candidates, own: Own) -> float:
    told = one.told(own)
    return own.supported(told.support, one.evidence, told.weighed) if told.open else told.support


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How each question went, nan where something does not apply; all have shape (questions,).

    Attributes:
        answerable: whether the documents answer.
        passage, sentence: 1 where the likeliest one holds evidence, else 0.
        support: how likely it was said to be that the documents answer.
        near: the same without the passages that hold evidence.
        least: the threshold that counted.
    """

    answerable: NDArray[np.bool_]
    passage: Values
    sentence: Values
    support: Values
    near: Values
    least: Values

    def figure(self, name: str) -> Values:
        """Return one of `FIGURES` for each question, 0 or 1."""
        of_answerable = {
            "passage first": self.passage,
            "sentence first": self.sentence,
            "answered": (self.support >= self.least).astype(np.float64),
            "near misses refused": _below(self.near, self.least),
        }
        if name in of_answerable:
            return np.where(self.answerable, of_answerable[name], np.nan)
        return np.where(self.answerable, np.nan, _below(self.support, self.least))

    @property
    def unsupported(self) -> Values:
        """How likely it was said to be that the documents answer what they do not answer.

        That is the unanswerable questions, and the answerable ones without their evidence.
        """
        return np.where(self.answerable, self.near, self.support)

    @property
    def refused(self) -> Values:
        """Whether that was refused, 0 or 1."""
        return _below(self.unsupported, self.least)


def _below(support: Values, least: Values) -> Values:
    return np.where(np.isnan(support), np.nan, support < least)


def judge(cases: Sequence[Case], corrections: Sequence[Own], shipped: Shipped) -> Verdicts:
    """Judge each question with the correction at the same place."""
    pairs = list(zip(cases, corrections, strict=True))
    first = np.array([_first(case, own) for case, own in pairs])
    support = [supported(case.found, own) for case, own in pairs]
    near = [np.nan if case.near is None else supported(case.near, own) for case, own in pairs]
    return Verdicts(
        np.array([case.answerable for case in cases]),
        first[:, 0],
        first[:, 1],
        np.array(support),
        np.array(near),
        np.array([shipped.least_of(own) for own in corrections]),
    )


def _first(case: Case, own: Own) -> tuple[float, float]:
    """Return whether the likeliest passage, and the likeliest sentence, hold evidence."""
    if not case.answerable:
        return np.nan, np.nan
    if not case.found:
        return 0.0, 0.0
    weighed = case.found[0].told(own).weighed
    passage = case.passages[weighed.passages.argmax()]
    return float(passage), float(case.sentences[weighed.sentences.argmax()])


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, before and after.

    Attributes:
        name: one of `FIGURES`.
        questions: how many it is the mean of.
        before, after: the means, 0 to 1.
        change: the difference, with its standard error.
    """

    name: str
    questions: int
    before: float
    after: float
    change: Difference


def figures(before: Verdicts, after: Verdicts, groups: NDArray[np.int64]) -> Iterator[Figure]:
    """Yield those of `FIGURES` that there are questions for."""
    for name in FIGURES:
        old, new = before.figure(name), after.figure(name)
        known = ~np.isnan(old)
        if known.any():
            change = difference(old, new, groups)
            means = float(old[known].mean()), float(new[known].mean())
            yield Figure(name, int(known.sum()), *means, change)
