"""Evidence and rankings that can be worked out by hand: what a test of either needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from qa.evidence import (
    PASSAGE_FEATURES,
    SENTENCE_FEATURES,
    Asked,
    Evidence,
    Signals,
    Texts,
    Words,
    weigh,
)
from qa.ranking import Layers, Ranking

Passages = Sequence[tuple[str, Sequence[str]]]
"""Title and sentences of each."""


def asked_by(question: str, weights: Mapping[str, float], places: Sequence[str] = ()) -> Asked:
    """The question of an index that knows all its words."""
    return Asked(question, Words(weights, weights.keys(), places))


def numbers_of(
    question: str,
    weights: Mapping[str, float],
    passages: Passages,
    signals: Signals | None = None,
) -> Evidence:
    counts = np.array([len(sentences) for _, sentences in passages])
    texts = Texts([title for title, _ in passages], [s for _, own in passages for s in own], counts)
    nothing = Signals(*(np.zeros(n, np.float32) for n in (len(counts), len(counts), counts.sum())))
    return weigh(asked_by(question, weights), texts, signals or nothing)


def of_passages(found: Evidence, name: str) -> list[float]:
    return [float(value) for value in found.passages[:, PASSAGE_FEATURES.index(name)]]


def of_sentences(found: Evidence, name: str) -> list[float]:
    return [float(value) for value in found.sentences[:, SENTENCE_FEATURES.index(name)]]


def about(*values: float) -> object:
    return pytest.approx(list(values), abs=1e-5)


def layers_of(names: Sequence[str], weights: Mapping[str, float]) -> Layers:
    """Return a linear model in which the named columns count, not how they compare."""
    own = np.array([weights.get(name, 0.0) for name in names], np.float32)
    assert set(weights) <= set(names)
    nothing = np.zeros(2 * len(names), np.float32)
    weight = np.concatenate([own, np.zeros_like(own)])[:, None]
    return Layers(nothing, nothing + 1, (weight,), (np.zeros(1, np.float32),))


def ranking_by(
    passages: Mapping[str, float],
    sentences: Mapping[str, float] | None = None,
    *,
    lift: float = 0.0,
    trust: float = 1.0,
    fitted_on: tuple[str, ...] = (),
) -> Ranking:
    """Return a ranking by columns of passages and of sentences."""
    return Ranking(
        layers_of(PASSAGE_FEATURES, passages),
        layers_of(SENTENCE_FEATURES, sentences or {}),
        lift,
        trust,
        fitted_on,
    )
