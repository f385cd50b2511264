"""Signals of candidates -> one score for each, and the order that it makes.

The formulas only; what they are fed, `qa.retrieval` says.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from embeddings.searchable import Matching
from qa.found import Found, is_chinese
from qa.ranking import Weighed

FOREIGN_SPREAD = 0.05
"""Centred cosines lie further apart than plain ones; see `fuse`."""

SPREAD = 0.02
"""Cosines of one language that lie so far apart weigh as one nat of other evidence; see `fuse`."""


def fuse(
    dense: NDArray[np.float32],
    sentence: NDArray[np.float32],
    bm25: NDArray[np.float32],
    coverage: float,
    spread: float = SPREAD,
) -> NDArray[np.float64]:
    """Return one score between 0 and 1 for each candidate.

    Keyword evidence counts as much as the question's words are found at all: `coverage` is the
    share of the question's idf mass that the best keyword match holds. For an English question to
    Chinese passages it is near 0, and the vectors decide alone.

    Args:
        dense: cosine of question and passage.
        sentence: highest cosine of the question and a sentence of the passage.
        bm25: BM25 scores.
        coverage: 0 to 1.
        spread: how much of a cosine weighs as much as one nat of other evidence.
    """
    meaning = DENSE_WEIGHT * dense + SENTENCE_WEIGHT * sentence
    best = float(bm25.max(initial=0.0))
    words = bm25 / best if best > 0 else np.zeros_like(bm25)
    mixed = (meaning - meaning.max(initial=0.0)) / spread + BEST + WORDS_WEIGHT * coverage * words
    return np.asarray(1.0 / (1.0 + np.exp(-mixed.astype(np.float64))))


def fuse_translated(
    dense: NDArray[np.float32], sentence: NDArray[np.float32], translated: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return one score between 0 and 1 for each candidate of a question that was translated.

    Args:
        dense: centred cosine of question and passage.
        sentence: highest centred cosine of the question and a sentence of the passage.
        translated: idf of the question's words of which a translation stands in the passage.
    """
    meaning = DENSE_WEIGHT * dense + SENTENCE_WEIGHT * sentence
    mixed = (meaning - meaning.max(initial=-1.0)) / FOREIGN_SPREAD + TRANSLATED_WEIGHT * (
        translated - translated.max(initial=0.0)
    )
    return np.asarray(1.0 / (1.0 + np.exp(-(mixed + BEST).astype(np.float64))))


TRANSLATED_WEIGHT = 0.2
"""Nats of evidence for each nat of idf; see `qa.bilingual`."""

DENSE_WEIGHT = 0.6
SENTENCE_WEIGHT = 0.4
WORDS_WEIGHT = 3.0
FOREIGN = 0.5
"""How much less words count in a question without Chinese."""

BEST = 3.0
"""Log odds of the candidate nearest in meaning, before words are counted."""

FOREIGN_SCALE = 0.4
"""Centred cosines lie this much closer together on the scale of plain ones."""

FOREIGN_ZERO = 0.76
"""Where a centred cosine of 0 lies on the scale of plain ones."""

USUAL_BEST = 0.89
"""Highest cosine of a question and a candidate, by the packaged model."""

USUAL_SPREAD = 0.02
"""Standard deviation of the cosines of a question and its candidates, by the packaged model."""


def known_odds(found: Found, count: int) -> NDArray[np.float64] | None:
    """Return the log odds of the best `count` candidates of a foreign question; None for others.

    The weights of passages are fitted on questions whose words stand in the texts.
    """
    if found.vectors.foreign is None:
        return None
    shares = np.clip(found.score[:count], 1e-9, 1 - 1e-9)
    return np.asarray(np.log(shares / (1 - shares)), np.float64)


def comparable(cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return cosines of another model on the scale of those that the weights were fitted on.

    Models differ in where their cosines lie and how far apart; here only their order and their
    distances from one another count.
    """
    spread = max(float(cosines.std()), 1e-6)
    found: NDArray[np.float32] = USUAL_BEST + USUAL_SPREAD * (cosines - cosines.max()) / spread
    return found


def reordered(found: Found, weighed: Weighed) -> Found:
    """Put the weighed candidates in the order of their weight; the others follow as they were."""
    count = len(weighed.passages)
    order = np.lexsort((found.rows[:count], -weighed.passages))
    shares = np.exp(weighed.passages[order])
    rest = found.score[count:] * shares[-1]
    again = found.only([*order.tolist(), *range(count, len(found.rows))])
    return replace(again, score=np.concatenate([shares, rest]))


def best_of_each(cosines: NDArray[np.float32], counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the highest cosine of each passage's sentences; each has at least one."""
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return np.asarray(np.maximum.reduceat(cosines, starts), dtype=np.float32)


def coverage_of(
    question: str, matches: Matching, rows: NDArray[np.int64], bm25: NDArray[np.float32]
) -> float:
    """Return how far the question's words are found at all, 0 to 1.

    A question without Chinese may share names and numbers with Chinese passages; its other words
    stand in none and say nothing.
    """
    if not len(rows):
        return 0.0
    foreign = not is_chinese(question)
    return matches.coverage(int(rows[bm25.argmax()]), known=foreign) * (FOREIGN if foreign else 1)
