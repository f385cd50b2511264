"""The fit of refusals after reading, on columns made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.read_refusals import Asked, Seen, fit, judged
from qa.bot import LEAST_SUPPORT
from qa.ranking import Layers
from qa.read_support import COLUMNS

pytest.importorskip("torch")

AT = COLUMNS.index("best")


def seen(best: float, noise: float, doubt: float = 0.0) -> Seen:
    found = np.full(len(COLUMNS), noise, np.float32)
    found[AT] = best
    return Seen(found, doubt)


def questions(count: int = 40) -> list[Asked]:
    noises = np.random.default_rng(0).normal(size=(count, 3))
    return [Asked(seen(3.0 + a, b), seen(-3.0 + b, c), None if c > 1 else seen(-4.0, a))
            for a, b, c in noises]  # fmt: skip


def test_what_answers_is_likelier_than_what_does_not() -> None:
    layers = fit(questions())
    best = layers.weights[0][:, 0] / layers.scale
    assert best[AT] == best.max() > 0
    asked = questions()
    right = layers(np.stack([one.whole.columns for one in asked if one.whole is not None]))
    wrong = layers(np.stack([one.near.columns for one in asked if one.near is not None]))
    assert np.median(right) > 0 > np.median(wrong)


def test_without_questions_it_says_what_to_give() -> None:
    with pytest.raises(SystemExit, match="--cross"):
        fit([Asked(None, None, None)])


def test_a_row_of_the_table_by_hand() -> None:
    ones = np.ones(len(COLUMNS), np.float32)
    weights = np.zeros((len(COLUMNS), 1), np.float32)
    weights[AT] = 1
    layers = Layers(0 * ones, ones, (weights,), (np.zeros(1, np.float32),))
    odds = float(np.log(LEAST_SUPPORT / (1 - LEAST_SUPPORT)))
    asked = [
        Asked(
            seen(odds + rise, 0),
            seen(odds + rise - 2.5, 0),
            None,
            (None, seen(odds + 9, 0), seen(odds + 9, 0, 20.0)),
        )
        for rise in range(1, 5)
    ]
    # Of the near misses the first two lie below the threshold, and one below every right one's.
    cells = judged("a.json", layers, asked).strip("| ").split(" | ")
    assert cells == ["a.json", "0.750", "1.000", "1.000 / 0.000 / 1.000", "0.500", "1.000", "0.000"]
