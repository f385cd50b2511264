"""The probability that the documents answer, after reading: its columns, its rules, its file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.errors import SettingError
from qa import support
from qa.evidence import PASSAGE_FEATURES, SENTENCE_FEATURES, Evidence
from qa.ranking import Layers, Weighed
from qa.read_support import COLUMNS, FURTHEST, ReadSupport, columns


def evidence(sentences: int = 4, value: float = 1.0) -> Evidence:
    return Evidence(
        np.full((1, len(PASSAGE_FEATURES)), value, np.float32),
        np.full((sentences, len(SENTENCE_FEATURES)), value, np.float32),
        np.array([0]),
    )


def weighed(*odds: float) -> Weighed:
    level = np.full(len(odds), -np.log(len(odds)))
    return Weighed(np.zeros(1), np.zeros(len(odds)), np.array(odds), level)


def test_columns_by_hand() -> None:
    found = columns(0.75, evidence(), weighed(-np.inf, 2.0, 0.5, -np.inf))
    together = np.log(np.exp(2.0) + np.exp(0.5))
    before = np.log(3)
    expected = [before, 2.0, together, 1.5, before * 2 / FURTHEST, 2.0, before]
    np.testing.assert_allclose(found[len(support.COLUMNS) :], expected, rtol=1e-6)


def test_what_spoke_before_comes_from_the_ranking_alone() -> None:
    read = weighed(-4.0, 3.0)
    shared = support.columns(evidence(2), read.unread())
    np.testing.assert_array_equal(columns(0.5, evidence(2), read)[: len(shared)], shared)


def test_the_only_sentence_leads_by_far() -> None:
    assert columns(0.5, evidence(1), weighed(1.0))[COLUMNS.index("lead")] == FURTHEST


@given(st.floats(0, 1), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8))
def test_columns_stay_within_bounds(probability: float, odds: list[float]) -> None:
    found = columns(probability, evidence(len(odds)), weighed(*odds))
    assert found.shape == (len(COLUMNS),)
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= FURTHEST


def only(name: str) -> Layers:
    ones = np.ones(len(COLUMNS), np.float32)
    column = np.zeros((len(COLUMNS), 1), np.float32)
    column[COLUMNS.index(name)] = 1
    return Layers(0 * ones, ones, (column,), (np.zeros(1, np.float32),))


SUPPORT = ReadSupport(only("before"), only("best"), ())


def test_own_and_foreign_questions_have_their_own_weights() -> None:
    read = weighed(np.log(4))
    assert SUPPORT(0.75, evidence(1), read, foreign=False) == pytest.approx(0.75)
    assert SUPPORT(0.75, evidence(1), read, foreign=True) == pytest.approx(0.8)


def test_nothing_read_changes_nothing() -> None:
    unread = Weighed(np.zeros(1), np.zeros(1))
    assert SUPPORT(0.3, evidence(1), unread, foreign=True) == 0.3


def test_what_a_rule_refused_stays_refused() -> None:
    assert SUPPORT(0.0, evidence(1), weighed(8.0), foreign=True) == 0.0


def test_the_shipped_weights_trust_the_reading() -> None:
    shipped = ReadSupport.shipped()
    for layers in (shipped.own, shipped.foreign):
        read = (columns(0.5, evidence(2), weighed(odds, -5.0)) for odds in (4.0, -4.0))
        likely, unlikely = layers(np.stack(list(read)))
        assert likely > unlikely


def test_a_file_of_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "read_support.json"
    path.write_text(json.dumps({"format": 1, "columns": ["before"], "fits": []}))
    with pytest.raises(SettingError, match=r"has other columns; run benchmarks"):
        ReadSupport.read(path)
