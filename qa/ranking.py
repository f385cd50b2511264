"""Evidence -> which passage, and which of its sentences, the question is about.

The weights are fitted by benchmarks/ranking.py and come with the package; a file of their own says
what they were fitted on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import SettingError
from qa.evidence import PASSAGE_FEATURES, SENTENCE_FEATURES, Evidence, Numbers

FORMAT = 1

SHIPPED = "ranking.json"


@dataclass(frozen=True, slots=True)
class Layers:
    """A linear model, or a network with one hidden layer (tanh), over standardised columns.

    Attributes:
        mean, scale: of each column where it was fitted, shape (columns,).
        weights: of each layer, shape (columns, hidden) and (hidden, 1), or (columns, 1) alone.
        biases: of each layer, shape (hidden,) and (1,), or (1,) alone.
    """

    mean: Numbers
    scale: Numbers
    weights: tuple[Numbers, ...]
    biases: tuple[Numbers, ...]

    def __call__(self, columns: Numbers) -> NDArray[np.float64]:
        """Return one number a row; `columns` has shape (rows, columns)."""
        values = (columns - self.mean) / self.scale
        for at, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            values = (np.tanh(values) if at else values) @ weight + bias
        return np.asarray(values[:, 0], np.float64)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Layers:
        """Read what `to_json` wrote."""
        arrays = {name: np.array(content[name], np.float32) for name in ("mean", "scale")}
        weights = tuple(np.array(layer, np.float32) for layer in content["weights"])
        biases = tuple(np.array(layer, np.float32) for layer in content["biases"])
        return cls(arrays["mean"], arrays["scale"], weights, biases)

    def to_json(self) -> dict[str, Any]:
        """Return lists of numbers with five digits."""
        return {
            "mean": _rounded(self.mean),
            "scale": _rounded(self.scale),
            "weights": [_rounded(layer) for layer in self.weights],
            "biases": [_rounded(layer) for layer in self.biases],
        }


def _rounded(array: Numbers) -> Any:
    text = json.dumps(array.tolist())
    return json.loads(text, parse_float=lambda number: float(f"{float(number):.5g}"))


@dataclass(frozen=True, slots=True)
class Weighed:
    """The candidates of one question, weighed.

    Attributes:
        passages: log probability that the passage is the one that is asked for, among the
            candidates, shape (passages,).
        sentences: the same of each sentence, that it is the one that answers, shape (sentences,).
        odds: log odds of each sentence that it answers against none doing so, by `qa.reader`;
            minus infinity where it was not read; None where nothing was.
        ranked: `sentences` as they were before any was read; None where nothing was.
    """

    passages: NDArray[np.float64]
    sentences: NDArray[np.float64]
    odds: NDArray[np.float64] | None = None
    ranked: NDArray[np.float64] | None = None

    def unread(self) -> Weighed:
        """Return it as it was before any sentence was read."""
        return self if self.ranked is None else Weighed(self.passages, self.ranked)


FOREIGN = {"cosine": 50.0, "terms": 3.0, "form": 2.0}
"""Nats that sentences in another language than the question's get for their columns, by hand.

The fitted weights know words that stand in both. The first citation holds the answer for 0.713 of
400 questions of XQuAD in English, asked of its paragraphs in Chinese; with the fitted ones for
0.630 of 600.
"""

_FOREIGN = np.array([FOREIGN.get(name, 0.0) for name in SENTENCE_FEATURES])


def _foreign(evidence: Evidence) -> NDArray[np.float64]:
    found: NDArray[np.float64] = evidence.sentences @ _FOREIGN
    return found


class Weighing(Protocol):
    """Weighs the candidates of one question: a `Ranking`, or one that is corrected."""

    def __call__(self, evidence: Evidence, known: NDArray[np.float64] | None = None) -> Weighed:
        """See `Ranking.__call__`."""
        ...


@dataclass(frozen=True, slots=True)
class Ranking:
    """Weights for the columns of `qa.evidence`.

    A passage weighs what its own columns say, and `lift` times what its sentences say together
    (the log of the sum of their exponentials): so the best sentence lifts its passage.

    Attributes:
        passage: over the passage columns, and over each minus its highest value.
        sentence: over the sentence columns, likewise.
        lift: 0 or more.
        trust: how much of the passage's weight counts for its sentences.
        fitted_on: names of the question files that it was fitted on.
    """

    passage: Layers
    sentence: Layers
    lift: float
    trust: float
    fitted_on: tuple[str, ...]

    def __call__(self, evidence: Evidence, known: NDArray[np.float64] | None = None) -> Weighed:
        """Weigh the candidates of one question.

        Args:
            evidence: of the candidates.
            known: log odds of the passages, where other means have ranked them; None to weigh them
                by their evidence.
        """
        own = self._own_weights(evidence) if known is None else _foreign(evidence)
        together = _log_sums(own, evidence.starts)
        if known is None:
            passages = self.passage(relative(evidence.passages)) + self.lift * together
        else:
            passages = known
        counts = np.diff(np.append(evidence.starts, len(own)))
        share = np.repeat(self.trust * passages - together, counts)
        return Weighed(_log_softmax(passages), _log_softmax(own + share))

    def _own_weights(self, evidence: Evidence) -> NDArray[np.float64]:
        return self.sentence(relative(evidence.sentences))

    @classmethod
    def shipped(cls) -> Ranking:
        """Return the weights that come with the package, fitted on all its question files."""
        return cls.read(Path(__file__).with_name(SHIPPED))

    @classmethod
    def unseen(cls, texts: Iterable[str]) -> Ranking:
        """Return weights that were fitted on none of `texts`: figures on them are honest.

        They come with the package as well: a fit for each question file left out. Where all saw
        some of `texts`, these are the shipped ones.
        """
        return cls.read(Path(__file__).with_name(SHIPPED), frozenset(texts))

    @staticmethod
    @lru_cache(16)
    def read(path: Path, unseen: frozenset[str] = frozenset()) -> Ranking:
        """Read a file that benchmarks/ranking.py wrote.

        Args:
            path: the file.
            unseen: texts; see `clean_fit`.

        Raises:
            SettingError: it is of another format or other columns.
        """
        content = json.loads(path.read_text("utf-8"))
        columns = [list(PASSAGE_FEATURES), list(SENTENCE_FEATURES)]
        if content["format"] != FORMAT or content["columns"] != columns:
            raise SettingError(f"{path} was fitted for other columns; run benchmarks/ranking.py.")
        return _ranking(clean_fit(content, unseen))

    def to_json(self) -> dict[str, Any]:
        """Return the form in which `read` reads one fit."""
        return {
            "fitted_on": list(self.fitted_on),
            "lift": round(self.lift, 5),
            "trust": round(self.trust, 5),
            "passage": self.passage.to_json(),
            "sentence": self.sentence.to_json(),
        }


def _ranking(fit: Mapping[str, Any]) -> Ranking:
    return Ranking(
        Layers.from_json(fit["passage"]),
        Layers.from_json(fit["sentence"]),
        float(fit["lift"]),
        float(fit["trust"]),
        tuple(fit["fitted_on"]),
    )


def digest(context: str) -> str:
    """Return 10 characters that stand for a text on which weights were fitted."""
    return hashlib.blake2b(context.encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()


def clean_fit(content: Mapping[str, Any], unseen: Iterable[str]) -> Mapping[str, Any]:
    """Return the first of the fits in `content` that saw none of the texts `unseen`.

    Where there is no such, it is the first of all.
    """
    digests = set(map(digest, unseen))
    seen = {name for name, file in content["files"].items() if digests & _digests(file)}
    clean = (fit for fit in content["fits"] if seen.isdisjoint(fit["fitted_on"]))
    found: Mapping[str, Any] = next(clean, content["fits"][0])
    return found


def _digests(file: Mapping[str, Any]) -> set[str]:
    return set(file["contexts"].split())


def relative(columns: Numbers) -> Numbers:
    """Return columns, and each minus its highest value among the candidates beside it."""
    return np.concatenate([columns, columns - columns.max(axis=0)], axis=1)


def _log_sums(values: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the log of the sum of exponentials of each passage's sentences."""
    found: NDArray[np.float64] = np.logaddexp.reduceat(values, starts)
    return found


def _log_softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = values - np.logaddexp.reduce(values)
    return found
