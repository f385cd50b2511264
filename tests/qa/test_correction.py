"""Corrected weights, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.correction import (
    FURTHEST,
    SENTENCE_COLUMNS,
    CorrectedRanking,
    Correction,
    Own,
    log_odds,
    probability,
)
from qa.evidence import PASSAGE_FEATURES, SENTENCE_FEATURES, Evidence
from qa.support import COLUMNS
from tests.rankings import ranking_by

SHIPPED = ranking_by({"dense": 1.0}, {"cosine": 1.0}, trust=0.5)


def evidence() -> Evidence:
    """Two passages, the second with two sentences; all are equal but for what is said here."""
    passages = np.zeros((2, len(PASSAGE_FEATURES)), np.float32)
    sentences = np.zeros((3, len(SENTENCE_FEATURES)), np.float32)
    passages[1, PASSAGE_FEATURES.index("pairs")] = 2
    sentences[2, SENTENCE_FEATURES.index("form")] = 1
    return Evidence(passages, sentences, np.array([0, 1]))


def by(names: tuple[str, ...], factor: float = 1.0, **weights: float) -> Correction:
    return Correction(factor, np.array([weights.get(name, 0.0) for name in names]))


def test_by_hand() -> None:
    correction = Correction(0.5, np.array([1.0, 2.0]), 3.0)
    columns = np.array([[1, 0], [0, 1]], np.float32)
    assert correction(np.array([4.0, 6.0]), columns).tolist() == [6.0, 8.0]
    assert Correction.none(2)(np.array([4.0, 6.0]), columns).tolist() == [4.0, 6.0]


def test_the_same_order_as_sure_as_before() -> None:
    correction = Correction(0.5, np.array([1.0]))
    given, columns = np.array([0.0, 3.0]), np.array([[2.0], [0.0]], np.float32)
    assert correction.of_order()(given, columns) == pytest.approx(2 * correction(given, columns))
    assert Correction(-1.0, np.array([1.0])).of_order().weights == pytest.approx([10.0])


def test_nothing_corrected_is_what_is_shipped() -> None:
    weighed = SHIPPED(evidence())
    assert Own().ranking(SHIPPED) is SHIPPED
    assert Own().chosen(evidence(), weighed) is weighed
    assert Own().supported(0.3, evidence(), weighed) == 0.3
    assert Own().parts == ()


def test_what_is_corrected_is_named() -> None:
    one = Correction.none(1)
    assert Own(passages=one, least=0.0).parts == ("passages", "threshold")
    assert Own(sentences=one, support=one).parts == ("sentences", "support")


def test_a_corrected_passage_moves_no_sentence() -> None:
    own = Own(passages=by(PASSAGE_FEATURES, pairs=np.log(3) / 2)).ranking(SHIPPED)
    weighed = own(evidence())
    assert np.exp(weighed.passages) == pytest.approx([1 / 4, 3 / 4])
    assert weighed.sentences.tolist() == SHIPPED(evidence()).sentences.tolist()


def test_a_corrected_sentence_moves_no_passage() -> None:
    own = Own(sentences=by(SENTENCE_COLUMNS, form=np.log(4)))
    weighed = own.chosen(evidence(), SHIPPED(evidence()))
    assert np.exp(weighed.passages) == pytest.approx([1 / 2, 1 / 2])
    assert np.exp(weighed.sentences) == pytest.approx(np.array([2, 1, 4]) / 7)


def test_a_sentence_may_go_with_its_passage() -> None:
    weighed = replace(SHIPPED(evidence()), passages=np.log([1 / 4, 3 / 4]))
    own = Own(sentences=by(SENTENCE_COLUMNS, passage=1.0))
    found = np.exp(own.chosen(evidence(), weighed).sentences)
    assert found == pytest.approx(np.array([2, 3, 3]) / 8)


def test_what_was_read_stays_beside_the_correction() -> None:
    read = replace(SHIPPED(evidence()), odds=np.array([1.0, 2.0, -np.inf]))
    own = Own(sentences=by(SENTENCE_COLUMNS, form=1.0))
    assert own.chosen(evidence(), read).odds is read.odds


def test_passages_ranked_by_other_means_are_not_corrected() -> None:
    own = CorrectedRanking(SHIPPED, by(PASSAGE_FEATURES, pairs=5.0))
    known = np.log([0.9, 0.1])
    assert np.exp(own(evidence(), known).passages) == pytest.approx([0.9, 0.1])


def test_corrected_support_by_hand() -> None:
    weighed = SHIPPED(evidence())
    own = Own(support=by(COLUMNS, 0.5, **{"best pairs": 2.0}))
    # The highest number of pairs is 2.
    assert own.supported(0.9, evidence(), weighed) == pytest.approx(
        1 / (1 + np.exp(-(0.5 * np.log(9) + 4)))
    )
    assert own.supported(0.0, evidence(), weighed) == 0.0
    assert 0.99 < own.supported(1.0, evidence(), weighed) < 1


@given(st.floats(-FURTHEST, FURTHEST))
def test_odds_and_probabilities(odds: float) -> None:
    assert log_odds(probability(np.array([odds]))) == pytest.approx([odds], abs=1e-6)


def test_a_probability_of_any_odds() -> None:
    found = probability(np.array([-1000.0, 0.0, 1000.0]))
    assert found.tolist() == [0.0, 0.5, 1.0]
    assert log_odds(np.array([0.0, 1.0])) == pytest.approx([-FURTHEST, FURTHEST])
