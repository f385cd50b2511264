"""What is changed of the shipped weights for the documents of one index.

Formulas only: `qa.fitting` finds the numbers, `qa.own_weights` keeps them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qa.evidence import SENTENCE_FEATURES, Evidence, Numbers
from qa.ranking import Ranking, Weighed, Weighing
from qa.support import columns

Values = NDArray[np.float64]

SENTENCE_COLUMNS = (*SENTENCE_FEATURES, "passage")
"""Names of what `sentence_columns` returns."""

FURTHEST = 16.0
"""Nats."""

_LEAST_FACTOR = 0.1


@dataclass(frozen=True, slots=True)
class Correction:
    """Log odds made of those that the shipped weights give, and of the columns that they read.

    Attributes:
        factor: how much the given log odds count; 1 for no change.
        weights: of each column as it is, not standardised, shape (columns,); 0 for no change.
        bias: added to all; 0 for no change. It says nothing where candidates are compared.
    """

    factor: float
    weights: Values
    bias: float = 0.0

    def __call__(self, given: Values, columns: Numbers) -> Values:
        """Return corrected log odds, shape (rows,).

        Args:
            given: log odds by the shipped weights, shape (rows,).
            columns: shape (rows, columns).
        """
        found: Values = self.factor * given + columns @ self.weights + self.bias
        return found

    def of_order(self) -> Correction:
        """Return the one that orders candidates in the same way, and is as sure as what is given.

        That is with a factor of 1. One below `_LEAST_FACTOR` counts as that.
        """
        return Correction(1.0, self.weights / max(self.factor, _LEAST_FACTOR), self.bias)

    @classmethod
    def none(cls, columns: int) -> Correction:
        """Return the one that changes nothing."""
        return cls(1.0, np.zeros(columns))


@dataclass(frozen=True, slots=True)
class Own:
    """What is corrected for one index; None for what stays as it is shipped.

    Attributes:
        passages: over `qa.evidence.PASSAGE_FEATURES`, for the log probabilities of passages.
        sentences: over `SENTENCE_COLUMNS`, for those of sentences, once they were read.
        support: over `qa.support.COLUMNS`, for the log odds that the documents answer.
        least: how likely it must be that the documents answer, 0 to 1.
    """

    passages: Correction | None = None
    sentences: Correction | None = None
    support: Correction | None = None
    least: float | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of what is corrected."""
        named = {
            "passages": self.passages, "sentences": self.sentences,
            "threshold": self.least, "support": self.support,
        }  # fmt: skip
        return tuple(name for name, part in named.items() if part is not None)

    def ranking(self, shipped: Ranking) -> Weighing:
        """Return `shipped` with the order of passages corrected."""
        return shipped if self.passages is None else CorrectedRanking(shipped, self.passages)

    def chosen(self, evidence: Evidence, weighed: Weighed) -> Weighed:
        """Return `weighed` with the choice of sentences corrected."""
        if self.sentences is None:
            return weighed
        corrected = self.sentences(weighed.sentences, sentence_columns(evidence, weighed))
        return replace(weighed, sentences=_log_softmax(corrected))

    def supported(self, likely: float, evidence: Evidence, weighed: Weighed) -> float:
        """Return how likely it is that the documents answer, corrected; 0 stays 0.

        Args:
            likely: the same by the shipped weights, 0 to 1.
            evidence: of the candidates.
            weighed: what the ranking says of them.
        """
        if self.support is None or likely == 0:
            return likely
        found = columns(evidence, weighed)[None, :]
        return float(probability(self.support(log_odds(np.array([likely])), found))[0])


@dataclass(frozen=True, slots=True)
class CorrectedRanking:
    """A ranking whose order of passages is corrected; sentences are weighed as before.

    Where other means have ranked the passages, as between two languages, nothing is corrected.
    """

    shipped: Ranking
    passages: Correction

    def __call__(self, evidence: Evidence, known: Values | None = None) -> Weighed:
        """Weigh the candidates of one question; see `qa.ranking.Ranking`."""
        given = self.shipped(evidence, known)
        if known is not None:
            return given
        return replace(
            given, passages=_log_softmax(self.passages(given.passages, evidence.passages))
        )


def sentence_columns(evidence: Evidence, weighed: Weighed) -> Numbers:
    """Return what corrects sentences: their evidence, and how likely their passage is.

    Shape (sentences, len(SENTENCE_COLUMNS)).
    """
    counts = np.diff(np.append(evidence.starts, len(evidence.sentences)))
    passages = np.repeat(weighed.passages, counts).astype(np.float32)
    return np.column_stack([evidence.sentences, passages])


def probability(odds: Values) -> Values:
    """Return what log odds say as a probability, 0 to 1."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -odds)), np.float64)


def log_odds(likely: Values) -> Values:
    """Return the log odds of probabilities; none is further from 0 than `FURTHEST`."""
    least = probability(np.array(-FURTHEST))
    within = np.clip(likely, least, 1 - least)
    return np.asarray(np.log(within) - np.log1p(-within), np.float64)


def _log_softmax(values: Values) -> Values:
    found: Values = values - np.logaddexp.reduce(values)
    return found
