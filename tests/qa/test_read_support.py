"""The probability that the documents answer, after reading: its columns, its rules, its file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.errors import SettingError
from qa.ranking import Layers, Weighed
from qa.read_support import COLUMNS, FURTHEST, ReadSupport, columns


def weighed(*odds: float) -> Weighed:
    return Weighed(np.zeros(1), np.zeros(len(odds)), np.array(odds))


def test_columns_by_hand() -> None:
    found = columns(0.75, weighed(-np.inf, 2.0, 0.5, -np.inf))
    together = np.log(np.exp(2.0) + np.exp(0.5))
    np.testing.assert_allclose(found, [np.log(3), 2.0, together, 1.5], rtol=1e-6)


def test_the_only_sentence_leads_by_far() -> None:
    assert columns(0.5, weighed(1.0))[COLUMNS.index("lead")] == FURTHEST


@given(st.floats(0, 1), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8))
def test_columns_stay_within_bounds(probability: float, odds: list[float]) -> None:
    found = columns(probability, weighed(*odds))
    assert found.shape == (len(COLUMNS),)
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= FURTHEST


def linear(*weights: float) -> Layers:
    ones = np.ones(len(weights), np.float32)
    column = np.array(weights, np.float32)[:, None]
    return Layers(0 * ones, ones, (column,), (np.zeros(1, np.float32),))


SUPPORT = ReadSupport(linear(1, 0, 0, 0), linear(0, 1, 0, 0), ())


def test_own_and_foreign_questions_have_their_own_weights() -> None:
    read = weighed(np.log(4))
    assert SUPPORT(0.75, read, foreign=False) == pytest.approx(0.75)
    assert SUPPORT(0.75, read, foreign=True) == pytest.approx(0.8)


def test_nothing_read_changes_nothing() -> None:
    assert SUPPORT(0.3, Weighed(np.zeros(1), np.zeros(1)), foreign=True) == 0.3


def test_what_a_rule_refused_stays_refused() -> None:
    assert SUPPORT(0.0, weighed(8.0), foreign=True) == 0.0


def test_the_shipped_weights_trust_the_reading() -> None:
    shipped = ReadSupport.shipped()
    for foreign in (False, True):
        likely, unlikely = (
            shipped(0.5, weighed(odds, -5.0), foreign=foreign) for odds in (4.0, -4.0)
        )
        assert likely > unlikely
    assert shipped(0.9, weighed(0.0), foreign=False) > shipped(0.1, weighed(0.0), foreign=False)


def test_a_file_of_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "read_support.json"
    path.write_text(json.dumps({"format": 1, "columns": ["before"], "fits": []}))
    with pytest.raises(SettingError, match=r"has other columns; run benchmarks"):
        ReadSupport.read(path)
