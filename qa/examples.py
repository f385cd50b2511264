"""Questions as an index was asked them -> the examples that corrections are fitted to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qa.convex import Choices, Odds, balanced
from qa.correction import Own, Values, log_odds, sentence_columns
from qa.evidence import PASSAGE_FEATURES, SENTENCE_FEATURES
from qa.judging import Shipped
from qa.own_questions import Candidates, Case
from qa.support import columns

LEAST_QUESTIONS = 20
"""Fewer examples than this are none."""

PASSAGE_SCALE = 3.0
"""Standard deviation that log probabilities of passages are taken to have."""


def passage_choices(cases: Sequence[Case], own: Own, shipped: Shipped) -> Choices | None:
    """Return the passages found for each question, where one holds evidence and weights rank.

    Args:
        cases: the questions.
        own: what is corrected already.
        shipped: what the rest is weighed by.
    """
    usable = [at for at, c in enumerate(cases) if c.passages.any() and c.found[0].known is None]
    found = [cases[at].found[0] for at in usable]
    return _choices(
        usable,
        [one.told(own).weighed.passages for one in found],
        [one.evidence.passages for one in found],
        [cases[at].passages for at in usable],
        shipped.ranking.passage.scale[: len(PASSAGE_FEATURES)],
    )


def sentence_choices(cases: Sequence[Case], own: Own, shipped: Shipped) -> Choices | None:
    """Return the sentences found for each question, where one holds evidence.

    The arguments are those of `passage_choices`.
    """
    usable = [at for at, case in enumerate(cases) if case.sentences.any()]
    found = [cases[at].found[0] for at in usable]
    weighed = [one.told(own).weighed for one in found]
    return _choices(
        usable,
        [each.sentences for each in weighed],
        [sentence_columns(one.evidence, each) for one, each in zip(found, weighed, strict=True)],
        [cases[at].sentences for at in usable],
        np.append(shipped.ranking.sentence.scale[: len(SENTENCE_FEATURES)], PASSAGE_SCALE),
    )


def _choices(
    usable: Sequence[int],
    given: Sequence[Values],
    columns: Sequence[NDArray[np.float32]],
    gold: Sequence[NDArray[np.bool_]],
    scale: NDArray[np.floating],
) -> Choices | None:
    if len(usable) < LEAST_QUESTIONS:
        return None
    return Choices(
        np.array(usable), np.array([len(one) for one in gold]), np.concatenate(given),
        np.concatenate(columns), np.concatenate(gold), np.asarray(scale, np.float64),
    )  # fmt: skip


class _Row(NamedTuple):
    """One example of `Odds`."""

    question: int
    likely: float
    columns: NDArray[np.float32]
    answered: bool


def odds(cases: Sequence[Case], own: Own, shipped: Shipped) -> Odds | None:
    """Return what weights decide by whether the documents answer, and whether they do.

    They do where a candidate holds evidence. They do not answer the unanswerable questions, nor the
    others without the passages that hold evidence. The arguments are those of `passage_choices`.
    """
    rows = list(_rows(cases, own))
    answered = np.array([row.answered for row in rows], np.bool_)
    if min(answered.sum(), (~answered).sum()) < LEAST_QUESTIONS:
        return None
    layers = shipped.support.layers
    return Odds(
        np.array([row.question for row in rows]),
        log_odds(np.array([row.likely for row in rows])),
        np.stack([row.columns for row in rows]),
        answered,
        balanced(answered),
        layers.mean.astype(np.float64),
        layers.scale.astype(np.float64),
    )


def _rows(cases: Sequence[Case], own: Own) -> Iterator[_Row]:
    for at, one, answered in _labelled(cases):
        told = one.told(own)
        if told.open:
            yield _Row(at, told.support, columns(one.evidence, told.weighed), answered)


def _labelled(cases: Sequence[Case]) -> Iterator[tuple[int, Candidates, bool]]:
    """Yield the number of a question, what was found for it, and whether that answers it."""
    for at, case in enumerate(cases):
        if case.found and (case.passages.any() or not case.answerable):
            yield at, case.found[0], case.answerable
        if case.near:
            yield at, case.near[0], False
