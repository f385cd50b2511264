"""Whether the documents answer, once the likeliest sentences were read: another probability.

`qa.support` judges by what question and sentences share; here its odds are put together with those
that `qa.reader` gives to the sentences. Fitted by benchmarks/read_refusals.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from embeddings.errors import SettingError
from qa import support
from qa.evidence import Evidence, Numbers
from qa.ranking import Layers, Weighed, clean_fit

FORMAT = 2

SHIPPED = "read_support.json"

_READ = ("before", "best", "together", "lead", "both", "higher", "lower")

COLUMNS = (*support.COLUMNS, *_READ)
"""Names of what `columns` returns."""

FURTHEST = 8.0
"""Log odds beyond this, to either side, count as this."""


def columns(probability: float, evidence: Evidence, weighed: Weighed) -> Numbers:
    """Return what speaks for an answer once sentences were read, shape (len(COLUMNS),).

    What spoke for one before; then its log odds, those of the best sentence that was read, of all
    together, and how much the best one is ahead; the product of the first two, by `FURTHEST`, and
    the higher and the lower one of them.

    Args:
        probability: before reading, 0 to 1.
        evidence: of the candidates.
        weighed: with `odds`.
    """
    assert weighed.odds is not None
    read = weighed.odds[np.isfinite(weighed.odds)]
    ordered = np.sort(read)[::-1]
    lead = ordered[0] - ordered[1] if len(ordered) > 1 else FURTHEST
    told = np.array([_log_odds(probability), ordered[0], np.logaddexp.reduce(read), lead])
    before, best, *_ = told = np.clip(told, -FURTHEST, FURTHEST)
    together = [before * best / FURTHEST, max(before, best), min(before, best)]
    shared = support.columns(evidence, weighed.unread())
    return np.concatenate([shared, told, together]).astype(np.float32)


def _log_odds(probability: float) -> float:
    least = float(np.exp(-FURTHEST))
    within = min(max(probability, least), 1 - least)
    return float(np.log(within) - np.log1p(-within))


@dataclass(frozen=True, slots=True)
class ReadSupport:
    """Weights for `columns`.

    Attributes:
        own: for questions in the language of the documents; gives log odds.
        foreign: for questions in another language.
        fitted_on: names of the question files that `own` was fitted on.
    """

    own: Layers
    foreign: Layers
    fitted_on: tuple[str, ...]

    def __call__(
        self, probability: float, evidence: Evidence, weighed: Weighed, *, foreign: bool
    ) -> float:
        """Return the probability that the documents answer, 0 to 1.

        Args:
            probability: the same before the sentences were read; nothing makes a 0 possible.
            evidence: of the candidates.
            weighed: the sentences; where none was read the probability stays.
            foreign: whether the question is in another language than the documents.
        """
        if weighed.odds is None or probability == 0:
            return probability
        layers = self.foreign if foreign else self.own
        return float(1 / (1 + np.exp(-layers(columns(probability, evidence, weighed)[None, :])[0])))

    @classmethod
    def shipped(cls) -> ReadSupport:
        """Return the weights that come with the package, fitted on all its question files."""
        return cls.read(Path(__file__).with_name(SHIPPED))

    @classmethod
    def unseen(cls, texts: Iterable[str]) -> ReadSupport:
        """Return weights that were fitted on none of `texts`; see `qa.ranking.Ranking.unseen`."""
        return cls.read(Path(__file__).with_name(SHIPPED), frozenset(texts))

    @staticmethod
    @lru_cache(16)
    def read(path: Path, unseen: frozenset[str] = frozenset()) -> ReadSupport:
        """Read a file that benchmarks/read_refusals.py wrote.

        Raises:
            SettingError: it is of another format or other columns.
        """
        content = json.loads(path.read_text("utf-8"))
        if content["format"] != FORMAT or content["columns"] != list(COLUMNS):
            raise SettingError(f"{path} has other columns; run benchmarks/read_refusals.py.")
        fit = clean_fit(content, unseen)
        own, foreign = (Layers.from_json(fit[name]) for name in ("own", "foreign"))
        return ReadSupport(own, foreign, tuple(fit["fitted_on"]))

    def to_json(self) -> Mapping[str, Any]:
        """Return the form in which `read` reads one fit."""
        return {
            "fitted_on": list(self.fitted_on),
            "own": self.own.to_json(),
            "foreign": self.foreign.to_json(),
        }
