"""Corrections fitted to examples: the optimum is reached, and it is the right one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.convex import (
    BIAS_STRENGTH,
    FACTOR_STRENGTH,
    STRENGTHS,
    Choices,
    Odds,
    Place,
    balanced,
    chosen,
    minimise,
)
from qa.correction import Correction, Values, probability

COLUMNS = 3
SCALE = np.array([1.0, 2.0, 0.5])
MEAN = np.array([0.5, -1.0, 0.0])


def choices(
    seed: int, questions: int, weights: tuple[float, ...] = (), factor: float = 1.0
) -> Choices:
    """Questions whose gold candidate is drawn by the corrected odds."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(2, 8, questions)
    given_odds = rng.normal(0, 2, counts.sum())
    columns = (rng.normal(0, 1, (counts.sum(), COLUMNS)) * SCALE).astype(np.float32)
    odds = factor * given_odds + columns @ np.array(weights or (0.0,) * COLUMNS)
    gold = np.zeros(counts.sum(), np.bool_)
    for start, count in zip(np.cumsum(counts) - counts, counts, strict=True):
        shares = np.exp(odds[start : start + count])
        gold[start + rng.choice(count, p=shares / shares.sum())] = True
    return Choices(np.arange(questions), counts, given_odds, columns, gold, SCALE)


def odds_of(seed: int, rows: int, right: Correction) -> Odds:
    """Rows whose answer is drawn by the corrected odds."""
    rng = np.random.default_rng(seed)
    given_odds = rng.normal(0, 2, rows)
    columns = (MEAN + rng.normal(0, 1, (rows, COLUMNS)) * SCALE).astype(np.float32)
    answered = rng.random(rows) < probability(right(given_odds, columns))
    return Odds(np.arange(rows), given_odds, columns, answered, np.ones(rows), MEAN, SCALE)


def lowest_by_descent(function: Callable[[Values], float], size: int) -> float:
    """The plain reference: small steps downhill, slopes by differences of the value."""
    x, rate = np.zeros(size), 1.0
    value = function(x)
    for _ in range(500):
        slope = np.array([(function(x + e) - function(x - e)) / 2e-5 for e in 1e-5 * np.eye(size)])
        while (there := function(x - rate * slope)) > value - 1e-6 * rate * float(slope @ slope):
            rate /= 2
            if rate < 1e-9:
                return value
        x, value, rate = x - rate * slope, there, rate * 1.5
    return value


def penalised(problem: Choices, x: Values, strength: float) -> float:
    """What `Choices.fitted` makes low, by its definition, question by question."""
    odds = problem.given * (1 + x[0]) + problem.columns @ (x[1:] / SCALE)
    total = 0.0
    starts = np.cumsum(problem.counts) - problem.counts
    for start, count in zip(starts, problem.counts, strict=True):
        part = slice(start, start + count)
        own, gold = odds[part], problem.gold[part]
        target = np.exp(problem.given[part]) * gold
        total -= float(target / target.sum() @ (own - np.log(np.exp(own).sum())))
    return total + float(FACTOR_STRENGTH * x[0] ** 2 + strength * x[1:] @ x[1:]) / 2


@pytest.mark.parametrize("strength", [10.0, 300.0])
def test_choices_reach_the_optimum_of_a_plain_descent(strength: float) -> None:
    problem = choices(1, 15, (2.0, 0.0, -2.0))
    found = problem.fitted(strength)
    x = np.array([found.factor - 1, *found.weights * SCALE])
    lowest = lowest_by_descent(lambda at: penalised(problem, at, strength), 1 + COLUMNS)
    assert penalised(problem, x, strength) == pytest.approx(lowest, abs=1e-6)
    assert penalised(problem, x, strength) < penalised(problem, np.zeros(4), strength) - 0.1


def test_odds_reach_the_optimum_of_a_plain_descent() -> None:
    problem = odds_of(2, 60, Correction(0.5, np.array([0.5, 0.0, 0.0]), 1.0))
    share = balanced(problem.answered)
    problem = Odds(problem.of, problem.given, problem.columns, problem.answered, share, MEAN, SCALE)

    def value(x: Values) -> float:
        odds = (1 + x[0]) * problem.given + x[1] + (problem.columns - MEAN) / SCALE @ x[2:]
        surprise = np.log1p(np.exp(np.where(problem.answered, -odds, odds)))
        penalty = FACTOR_STRENGTH * x[0] ** 2 + BIAS_STRENGTH * x[1] ** 2 + 30 * x[2:] @ x[2:]
        return float(share @ surprise + penalty / 2)

    found = problem.fitted(30.0)
    bias = found.bias + found.weights @ MEAN
    x = np.array([found.factor - 1, bias, *found.weights * SCALE])
    assert value(x) == pytest.approx(lowest_by_descent(value, 2 + COLUMNS), abs=1e-6)


def test_the_right_correction_of_choices_is_found() -> None:
    found = choices(3, 6000, (0.8, -0.5, 0.0), factor=0.6).fitted(10.0)
    assert found.factor == pytest.approx(0.6, abs=0.05)
    assert found.weights == pytest.approx([0.8, -0.5, 0.0], abs=0.07)


def test_the_right_correction_of_odds_is_found() -> None:
    right = Correction(0.5, np.array([0.7, 0.0, -0.4]), -0.8)
    found = odds_of(4, 40_000, right).fitted(10.0)
    assert found.factor == pytest.approx(0.5, abs=0.05)
    assert found.bias == pytest.approx(-0.8, abs=0.15)
    assert found.weights == pytest.approx(right.weights, abs=0.12)


def test_a_penalty_that_is_strong_enough_changes_nothing() -> None:
    problem = choices(5, 50, (1.0, 1.0, 1.0))
    assert np.abs(problem.fitted(1e9).weights).max() < 1e-6
    assert np.abs(problem.fitted(10.0).weights).max() > 0.1


def test_several_right_candidates_become_likelier_together() -> None:
    problem = choices(6, 40, (1.0, 0.0, 0.0))
    starts = np.cumsum(problem.counts) - problem.counts
    gold = problem.gold.copy()
    gold[starts] = True
    both = Choices(problem.of, problem.counts, problem.given, problem.columns, gold, SCALE)
    before, after = (both.likelihood(one) for one in (Correction.none(3), both.fitted(10.0)))
    assert after.sum() > before.sum() + 1
    assert after.max() <= 0
    found = both.fitted(30.0)
    x = np.array([found.factor - 1, *found.weights * SCALE])
    lowest = lowest_by_descent(lambda at: penalised(both, at, 30.0), 1 + COLUMNS)
    assert penalised(both, x, 30.0) == pytest.approx(lowest, abs=1e-6)


def test_likelihoods_by_hand() -> None:
    columns = np.array([[0, 0, 0], [0, 0, 1], [0, 0, 0]], np.float32)
    problem = Choices(
        np.array([4]),
        np.array([3]),
        np.log([1.0, 1.0, 2.0]),
        columns,
        np.array([True, True, False]),
        SCALE,
    )
    doubled = Correction(1.0, np.array([0, 0, np.log(2)]))
    assert np.exp(problem.likelihood(Correction.none(3))) == pytest.approx([2 / 4])
    assert np.exp(problem.likelihood(doubled)) == pytest.approx([3 / 5])
    rows = Odds(
        np.array([0, 0]), np.log([3.0, 3.0]), np.zeros((2, 3), np.float32), np.array([True, False]),
        np.array([1.0, 2.0]), MEAN, SCALE,
    )  # fmt: skip
    found = rows.likelihood(Correction(1.0, np.zeros(3), -np.log(3)))
    assert found == pytest.approx([np.log(0.5), 2 * np.log(0.5)])


def test_questions_are_taken_with_their_candidates() -> None:
    problem = choices(7, 5)
    wanted = np.array([False, True, False, True, False])
    taken = problem.taken(wanted)
    assert taken.of.tolist() == [1, 3]
    none = Correction.none(3)
    assert taken.likelihood(none) == pytest.approx(problem.likelihood(none)[wanted])
    assert len(taken.given) == len(taken.columns) == len(taken.gold) == problem.counts[[1, 3]].sum()


def test_rows_of_both_answers_weigh_the_same() -> None:
    answered = np.array([True, False, False, False])
    assert balanced(answered).tolist() == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3])


def test_the_strength_is_that_by_which_others_are_likeliest() -> None:
    noise, signal = choices(8, 200), choices(9, 200, (3.0, 0.0, 0.0))
    folds = np.arange(200) % 5
    assert chosen(noise, folds).weights == pytest.approx(noise.fitted(STRENGTHS[0]).weights)
    assert chosen(signal, folds).weights == pytest.approx(signal.fitted(STRENGTHS[-1]).weights)


def test_half_steps_where_a_whole_one_leads_up() -> None:
    """Newton's method by itself runs away from x = 3 on this function, further each time."""

    def function(x: Values) -> Place:
        moved = x - 3
        value = float(np.sqrt(1 + moved @ moved))
        gradient = moved / value
        return Place(value, gradient, np.array([[1 / value**3]]))

    assert minimise(function, np.array([1e-9])) == pytest.approx([3], abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(STRENGTHS))
def test_no_step_from_the_optimum_leads_down(seed: int, strength: float) -> None:
    problem = choices(seed, 12, (0.5, 0.0, 0.0))
    found = problem.fitted(strength)
    x = np.array([found.factor - 1, *found.weights * SCALE])
    step = np.random.default_rng(seed).normal(0, 0.05, len(x))
    assert penalised(problem, x, strength) <= penalised(problem, x + step, strength) + 1e-9
