"""Folds that keep together what belongs together, and how sure a difference is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.folds import FOLDS, Difference, difference, folds_of, groups_of


def test_questions_over_the_same_evidence_are_of_one_group() -> None:
    evidence = [{"天桥", "高新"}, {"济阳"}, {"高新", "长清"}, set(), {"长清"}, set()]
    assert groups_of(evidence).tolist() == [0, 1, 0, 2, 0, 3]


def test_no_questions_no_groups() -> None:
    assert groups_of([]).tolist() == []


@given(st.lists(st.tuples(st.sets(st.integers(0, 12), max_size=3), st.booleans()), max_size=40))
def test_folds_never_part_a_group(drawn: list[tuple[set[int], bool]]) -> None:
    evidence = [held if answerable else set() for held, answerable in drawn]
    groups = groups_of(evidence)
    folds = folds_of(groups, [answerable for _, answerable in drawn])
    assert all(0 <= fold < FOLDS for fold in folds)
    for one, held in enumerate(evidence):
        for other, also in enumerate(evidence):
            if held & also:
                assert folds[one] == folds[other]


def test_folds_get_as_many_of_each_sort() -> None:
    groups, sorts = np.arange(30), [True] * 20 + [False] * 10
    folds = folds_of(groups, sorts)
    assert np.bincount(folds[:20]).tolist() == [4] * FOLDS
    assert np.bincount(folds[20:]).tolist() == [2] * FOLDS
    assert folds.tolist() == folds_of(groups, sorts).tolist()


def test_the_largest_groups_are_placed_first() -> None:
    groups = np.array([0] * 6 + [1] * 2 + [2] * 2 + [3, 4, 5, 6])
    sizes = np.bincount(folds_of(groups, [True] * len(groups)))
    assert sorted(sizes.tolist()) == [2, 2, 2, 2, 6]


def test_a_difference_by_hand() -> None:
    before, after = np.array([0.0, 0, 1, 1, np.nan]), np.array([1.0, 1, 1, 0, 1])
    found = difference(before, after, np.arange(5))
    assert found.mean == pytest.approx(0.25)
    assert found.error == pytest.approx(np.std([1, 1, 0, -1], ddof=1) / 2)


def test_questions_of_one_group_are_no_independent_witnesses() -> None:
    before, after = np.zeros(8), np.array([1.0, 1, 1, 1, 0, 0, 0, 0])
    alone = difference(before, after, np.arange(8))
    together = difference(before, after, np.array([0, 0, 0, 0, 1, 1, 1, 1]))
    assert together.mean == alone.mean == 0.5
    assert together.error == pytest.approx(0.5)
    assert together.error > 2 * alone.error


def test_nothing_known_is_no_difference() -> None:
    nothing = np.full(3, np.nan)
    assert difference(nothing, nothing, np.arange(3)) == (0.0, 0.0)


@pytest.mark.parametrize("count", [2, 7, 20, 93])
def test_one_question_more_or_less_is_neither_better_nor_worse(count: int) -> None:
    before, after = np.zeros(count), np.zeros(count)
    after[0] = 1
    groups = np.arange(count)
    assert not difference(before, after, groups).better
    assert not difference(after, before, groups).worse


def test_better_and_worse() -> None:
    assert Difference(0.2, 0.1).better
    assert not Difference(0.1, 0.2).better
    assert Difference(-0.2, 0.1).worse
    assert not Difference(-0.1, 0.2).worse
