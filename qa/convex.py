"""Corrections fitted to examples: two convex problems, and the one way in which both are solved.

`Choices` says which of a question's candidates is the right one (conditional logit), `Odds` whether
a question is answered (logistic regression). What both look for is a `qa.correction.Correction`: a
penalty on every step away from no change makes the solution the only one. Numpy alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from qa.correction import Correction, Values, probability

STRENGTHS = (1000.0, 300.0, 100.0, 30.0, 10.0)
"""Of the penalty on the weight of a column, strongest first.

With a strength s a weight is expected within 1 / sqrt(s) nats for each standard deviation of its
column. Weaker ones do harm with a hundred questions.
"""

FACTOR_STRENGTH = 10.0
"""Of the penalty on another factor than 1."""

BIAS_STRENGTH = 1.0
"""Of the penalty on a bias: collections of documents differ by nats in it."""

_STEPS = 100
_HALVINGS = 40
_NEAR_ENOUGH = 1e-9
"""Nats that another step could still gain."""

_SUFFICIENT = 1e-4
"""A step must gain this share of what the slope promises; else half of it is tried."""

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]


class Place(NamedTuple):
    """A convex function at one point: its value, gradient (n,) and curvature (n, n)."""

    value: float
    gradient: Values
    curvature: Values


def minimise(function: Callable[[Values], Place], penalties: Values) -> Values:
    """Return where a convex function and ``penalties @ x**2 / 2`` together are lowest.

    Newton's method with backtracking, from 0.

    Args:
        function: convex, of x with shape (n,).
        penalties: above 0, shape (n,).
    """

    def whole(x: Values) -> Place:
        own = function(x)
        return Place(
            own.value + float(penalties @ x**2) / 2,
            own.gradient + penalties * x,
            own.curvature + np.diag(penalties),
        )

    x = np.zeros(len(penalties))
    here = whole(x)
    for _ in range(_STEPS):
        step = np.asarray(np.linalg.solve(here.curvature, -here.gradient), np.float64)
        slope = float(here.gradient @ step)
        if -slope < _NEAR_ENOUGH:
            break
        moved = _step(whole, x, here, step, slope)
        if moved is None:
            break
        x, here = moved
    return x


def _step(
    whole: Callable[[Values], Place], x: Values, here: Place, step: Values, slope: float
) -> tuple[Values, Place] | None:
    """Return the point after a step, or half of it and so on; None where nothing is lower."""
    size = 1.0
    for _ in range(_HALVINGS):
        there = whole(x + size * step)
        if there.value <= here.value + _SUFFICIENT * size * slope:
            return x + size * step, there
        size /= 2
    return None


class Problem(Protocol):
    """Examples that a correction is fitted to.

    Attributes:
        of: number of the question of each example; several examples may be of one question.
    """

    @property
    def of(self) -> Numbers:
        """See above."""
        ...

    def taken(self, wanted: Mask) -> Self:
        """Return those examples only; `wanted` has the shape of `of`."""
        ...

    def fitted(self, strength: float) -> Correction:
        """Return the correction under which the examples are likeliest, less the penalty."""
        ...

    def likelihood(self, correction: Correction) -> Values:
        """Return the log likelihood of each example, in nats, in the shape of `of`."""
        ...


@dataclass(frozen=True, slots=True)
class Choices:
    """Questions with their candidates, one question below the other.

    Attributes:
        of: number of each question, shape (questions,).
        counts: how many candidates each has, shape (questions,).
        given: log odds by the shipped weights, shape (rows,).
        columns: shape (rows, columns).
        gold: which candidates are right, one of each question at least, shape (rows,).
        scale: standard deviation of each column where the shipped weights were fitted.
    """

    of: Numbers
    counts: Numbers
    given: Values
    columns: NDArray[np.float32]
    gold: Mask
    scale: Values

    def taken(self, wanted: Mask) -> Choices:
        """Return those questions only."""
        rows = np.repeat(wanted, self.counts)
        return replace(
            self, of=self.of[wanted], counts=self.counts[wanted], given=self.given[rows],
            columns=self.columns[rows], gold=self.gold[rows],
        )  # fmt: skip

    def fitted(self, strength: float) -> Correction:
        """Return the correction under which the right candidates are likeliest, less the penalty.

        Of several right candidates each counts as much as it is likely by the shipped weights: so
        the problem is convex, and its solution makes them likelier together.
        """
        inputs = np.column_stack([self.given, self.columns / self.scale])
        target = np.exp(self._shares(np.where(self.gold, self.given, -np.inf)))

        def surprise(x: Values) -> Place:
            values = self.given + inputs @ x
            logs = self._shares(values)
            shares = np.exp(logs)
            weighed = shares[:, None] * inputs
            means = np.add.reduceat(weighed, self._starts)
            return Place(
                -float(target @ logs),
                inputs.T @ (shares - target),
                inputs.T @ weighed - means.T @ means,
            )

        penalties = np.array([FACTOR_STRENGTH, *[strength] * len(self.scale)])
        factor, *weights = minimise(surprise, penalties)
        return Correction(1.0 + float(factor), np.array(weights) / self.scale)

    def likelihood(self, correction: Correction) -> Values:
        """Return the log probability of each question's right candidates together."""
        logs = self._shares(correction(self.given, self.columns))
        found: Values = np.logaddexp.reduceat(np.where(self.gold, logs, -np.inf), self._starts)
        return found

    @property
    def _starts(self) -> Numbers:
        return np.cumsum(self.counts) - self.counts

    def _shares(self, values: Values) -> Values:
        """Return the log of the softmax of each question's candidates."""
        sums = np.logaddexp.reduceat(values, self._starts)
        found: Values = values - np.repeat(sums, self.counts)
        return found


@dataclass(frozen=True, slots=True)
class Odds:
    """Questions that the documents answer, and such that they do not, a row each.

    Attributes:
        of: number of the question of each row, shape (rows,).
        given: log odds by the shipped weights, shape (rows,).
        columns: shape (rows, columns).
        answered: whether the documents answer, shape (rows,).
        share: how much each row counts, 1 on average, shape (rows,); see `balanced`.
        mean, scale: of each column where the shipped weights were fitted.
    """

    of: Numbers
    given: Values
    columns: NDArray[np.float32]
    answered: Mask
    share: Values
    mean: Values
    scale: Values

    def taken(self, wanted: Mask) -> Odds:
        """Return those rows only."""
        return replace(
            self, of=self.of[wanted], given=self.given[wanted], columns=self.columns[wanted],
            answered=self.answered[wanted], share=self.share[wanted],
        )  # fmt: skip

    def fitted(self, strength: float) -> Correction:
        """Return the correction under which the answers are likeliest, less the penalty."""
        ones = np.ones(len(self.given))
        inputs = np.column_stack([self.given, ones, (self.columns - self.mean) / self.scale])

        def surprise(x: Values) -> Place:
            odds = self.given + inputs @ x
            likely = probability(odds)
            spread = self.share * likely * (1 - likely)
            return Place(
                -float(self.share @ _log_likelihood(odds, self.answered)),
                inputs.T @ (self.share * (likely - self.answered)),
                inputs.T @ (spread[:, None] * inputs),
            )

        penalties = [FACTOR_STRENGTH, BIAS_STRENGTH, *[strength] * len(self.scale)]
        factor, bias, *standard = minimise(surprise, np.array(penalties))
        weights = np.array(standard) / self.scale
        return Correction(1.0 + float(factor), weights, float(bias - weights @ self.mean))

    def likelihood(self, correction: Correction) -> Values:
        """Return the log likelihood of each row, times how much it counts."""
        odds = correction(self.given, self.columns)
        found: Values = self.share * _log_likelihood(odds, self.answered)
        return found


def balanced(answered: Mask) -> Values:
    """Return how much each row counts so that both answers weigh the same; there must be both."""
    yes = answered.mean()
    return np.asarray(np.where(answered, 0.5 / yes, 0.5 / (1 - yes)), np.float64)


def _log_likelihood(odds: Values, answered: Mask) -> Values:
    found: Values = -np.logaddexp(0.0, np.where(answered, -odds, odds))
    return found


def chosen(problem: Problem, folds: Numbers) -> Correction:
    """Return the correction of the strength under which questions left out are likeliest.

    Args:
        problem: the examples.
        folds: the fold of each; those of one fold are left out together.
    """
    likely = np.zeros(len(STRENGTHS))
    for fold in np.unique(folds):
        rest, left_out = problem.taken(folds != fold), problem.taken(folds == fold)
        fits = (rest.fitted(strength) for strength in STRENGTHS)
        likely += [left_out.likelihood(fit).sum() for fit in fits]
    return problem.fitted(STRENGTHS[int(likely.argmax())])
