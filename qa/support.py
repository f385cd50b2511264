"""Whether the documents answer at all: the evidence of the best sentence -> a probability.

The weights are fitted by benchmarks/refusals.py on questions that were asked once with and once
without the passage that answers, and come with the package.
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
from qa.evidence import PASSAGE_FEATURES, SENTENCE_FEATURES, Evidence, Numbers
from qa.ranking import Layers, Weighed, clean_fit

FORMAT = 1

SHIPPED = "support.json"

_VARYING = {"length", "new_length", "mass", "missing", "rarest", "bm25_log", "first", "place"}
"""Differ from one collection of documents to the next, whatever is asked."""

_OF_SENTENCE = [name for name in SENTENCE_FEATURES if name not in _VARYING]
_OF_PASSAGE = [name for name in PASSAGE_FEATURES if name not in _VARYING]
_SENTENCE_AT = [SENTENCE_FEATURES.index(name) for name in _OF_SENTENCE]
_PASSAGE_AT = [PASSAGE_FEATURES.index(name) for name in _OF_PASSAGE]

COLUMNS = (
    *(f"sentence {name}" for name in _OF_SENTENCE),
    *(f"passage {name}" for name in _OF_PASSAGE),
    *(f"best {name}" for name in _OF_PASSAGE),
    "sentence share", "passage share", "sentence lead", "passage lead",
)  # fmt: skip
"""Names of what `columns` returns."""


def columns(evidence: Evidence, weighed: Weighed) -> Numbers:
    """Return what speaks for the best sentence being an answer, shape (len(COLUMNS),).

    Its own numbers, those of its passage, the highest of each among all candidates, and how much
    likelier it and the best passage are than the next.
    """
    best, owner = _best(evidence, weighed)
    leads = [_lead(weighed.sentences), _lead(weighed.passages)]
    shares = [weighed.sentences.max(), weighed.passages.max()]
    return np.concatenate(
        [
            evidence.sentences[best, _SENTENCE_AT],
            evidence.passages[owner, _PASSAGE_AT],
            evidence.passages[:, _PASSAGE_AT].max(axis=0),
            [*shares, *leads],
        ]
    ).astype(np.float32)


def _best(evidence: Evidence, weighed: Weighed) -> tuple[int, int]:
    """Return the number of the likeliest sentence, and of its passage."""
    best = int(weighed.sentences.argmax())
    return best, int(np.searchsorted(evidence.starts, best, side="right")) - 1


def mentions_a_place(evidence: Evidence, weighed: Weighed) -> bool:
    """Tell whether the best document mentions any of the places that the question names.

    Of questions that can be answered, 1 in 100 names only places that the right document does not
    mention; without the right passage it is 1 in 8.
    """
    return bool(evidence.passages[_best(evidence, weighed)[1], _PLACES] > 0)


WORD_ODDS = 3.0
"""Nats to add where texts are written in words: there fewer of the question's pairs and triples,
which are words and not characters, stand in the right sentence. The weights are fitted on Chinese;
of a third of the questions of XQuAD in English, asked of its paragraphs in English, 5 in 100 lie
below -4.8 and 3 in 4 near misses below -5.4, in Chinese below -0.8 and -2.3.
"""

LEAST_FOREIGN_COSINE = 0.822
"""Of a question and a sentence of another language, on the scale of plain cosines."""

LEAST_FOREIGN_TERMS = 0.5
"""Share of the idf mass of a question's words that a passage of another language holds."""


def has_sign(evidence: Evidence, weighed: Weighed) -> bool:
    """Tell whether anything speaks for the best sentence, in another language, as an answer."""
    best, owner = _best(evidence, weighed)
    near = evidence.sentences[best, _COSINE] >= LEAST_FOREIGN_COSINE
    return bool(near or evidence.passages[owner, _TERMS] >= LEAST_FOREIGN_TERMS)


_PLACES = PASSAGE_FEATURES.index("places")
_TERMS = PASSAGE_FEATURES.index("terms")
_COSINE = SENTENCE_FEATURES.index("cosine")

_LONGEST_LEAD = 5.0


def _lead(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Return how far the highest value is above the next, at most `_LONGEST_LEAD`."""
    if len(values) < 2:
        return _LONGEST_LEAD
    second, first = np.partition(values, len(values) - 2)[-2:]
    return min(float(first - second), _LONGEST_LEAD)


@dataclass(frozen=True, slots=True)
class Support:
    """Weights for `columns`.

    Attributes:
        layers: over the columns; gives log odds.
        fitted_on: names of the question files that it was fitted on.
    """

    layers: Layers
    fitted_on: tuple[str, ...]

    def __call__(self, found: Numbers, more: float = 0.0) -> float:
        """Return the probability that the documents answer, 0 to 1; `more` nats are added to it."""
        return float(1.0 / (1.0 + np.exp(-self.layers(found[None, :])[0] - more)))

    @classmethod
    def shipped(cls) -> Support:
        """Return the weights that come with the package, fitted on all its question files."""
        return cls.read(Path(__file__).with_name(SHIPPED))

    @classmethod
    def unseen(cls, texts: Iterable[str]) -> Support:
        """Return weights that were fitted on none of `texts`; see `qa.ranking.Ranking.unseen`."""
        return cls.read(Path(__file__).with_name(SHIPPED), frozenset(texts))

    @staticmethod
    @lru_cache(16)
    def read(path: Path, unseen: frozenset[str] = frozenset()) -> Support:
        """Read a file that benchmarks/refusals.py wrote.

        Raises:
            SettingError: it is of another format or other columns.
        """
        content = json.loads(path.read_text("utf-8"))
        if content["format"] != FORMAT or content["columns"] != list(COLUMNS):
            raise SettingError(f"{path} was fitted for other columns; run benchmarks/refusals.py.")
        fit = clean_fit(content, unseen)
        return Support(Layers.from_json(fit["layers"]), tuple(fit["fitted_on"]))

    def to_json(self) -> Mapping[str, Any]:
        """Return the form in which `read` reads one fit."""
        return {"fitted_on": list(self.fitted_on), "layers": self.layers.to_json()}
