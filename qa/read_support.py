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
from qa.evidence import Numbers
from qa.ranking import Layers, Weighed, clean_fit

FORMAT = 1

SHIPPED = "read_support.json"

COLUMNS = ("before", "best", "together", "lead")
"""Names of what `columns` returns."""

FURTHEST = 8.0
"""Log odds beyond this, to either side, count as this."""


def columns(probability: float, weighed: Weighed) -> Numbers:
    """Return what speaks for an answer among the sentences that were read, shape (len(COLUMNS),).

    The log odds before reading, those of the best sentence, those of all that were read together,
    and how much the best one is ahead.

    Args:
        probability: before reading, 0 to 1.
        weighed: with `odds`.
    """
    assert weighed.odds is not None
    read = weighed.odds[np.isfinite(weighed.odds)]
    ordered = np.sort(read)[::-1]
    lead = ordered[0] - ordered[1] if len(ordered) > 1 else FURTHEST
    shown = [_log_odds(probability), ordered[0], np.logaddexp.reduce(read), lead]
    return np.clip(np.array(shown, np.float32), -FURTHEST, FURTHEST)


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

    def __call__(self, probability: float, weighed: Weighed, *, foreign: bool) -> float:
        """Return the probability that the documents answer, 0 to 1.

        Args:
            probability: the same before the sentences were read; nothing makes a 0 possible.
            weighed: the sentences; where none was read the probability stays.
            foreign: whether the question is in another language than the documents.
        """
        if weighed.odds is None or probability == 0:
            return probability
        layers = self.foreign if foreign else self.own
        return float(1 / (1 + np.exp(-layers(columns(probability, weighed)[None, :])[0])))

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
