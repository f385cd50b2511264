"""Reads the likeliest sentences beside the question, word by word: which of them answers, if any.

The network is small: the encoder's own states of question and sentence go in, two layers of
attention let each word see the others, and one number comes out. It is fitted by
benchmarks/reader.py on SQuAD files and comes with the package.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.encoder import TokenReader, TokenStates
from embeddings.errors import SettingError
from embeddings.lexical import to_simplified, to_traditional
from qa.ranking import Weighed, clean_fit

FORMAT = 1

SHIPPED = "reader.json"
ARRAYS = "reader.npz"
"""Beside `SHIPPED`: the arrays of all its fits, each name behind the fit's number."""

HEADS = 4
LONGEST = 112
"""Tokens of a text that are read."""

READ = 4
"""Sentences that are read. The right one came first for 0.788 of the questions of CMRC; with 8 for
0.790, and no more often on other sets, at twice the time."""

LEAST_WEIGHT = -12.0
"""Log probabilities from the ranking below this count as this."""

Numbers = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SentenceReader:
    """The network's weights.

    Attributes:
        arrays: by the names that benchmarks/reader.py gives them.
        fitted_on: names of the question files that it was fitted on.
        foreign: whether questions in another language than the sentences were among them; only
            then it can read such.
    """

    arrays: Mapping[str, Numbers]
    fitted_on: tuple[str, ...]
    foreign: bool = True

    def __call__(self, question: TokenStates, sentence: TokenStates, weight: float) -> float:
        """Return the log odds that a sentence answers, against there being no answer.

        Args:
            question: its tokens.
            sentence: its tokens.
            weight: its log probability by the ranking.
        """
        weight = max(weight, LEAST_WEIGHT)
        cosines = _unit(question.states) @ _unit(sentence.states).T
        same = _same(question.ids, sentence.ids)
        asked = _matches(cosines.max(axis=1), same.max(axis=1), 1.0)
        told = _matches(cosines.max(axis=0), same.max(axis=0), 0.0)
        values = np.concatenate(
            [self._words(question.states, asked, 0), self._words(sentence.states, told, 1)]
        )
        for layer in range(self._layers):
            values = self._layer(f"layer{layer}", values)
        seen, read = np.split(values, [len(question.ids)])
        share = _softmax(self._linear("attend", read)[:, 0])
        least = [asked[:, 0].mean(), asked[:, 1].mean(), len(read) / 50, weight / 5]
        together = np.concatenate([share @ read, seen.mean(axis=0), least]).astype(np.float32)
        own = self._linear("out", self._norm("out", together))[0]
        return float(own + self.arrays["trust"].item() * weight - self.arrays["none"].item())

    @property
    def _layers(self) -> int:
        return sum(name.endswith(".into.weight") for name in self.arrays)

    def _words(self, states: Numbers, matches: Numbers, side: int) -> Numbers:
        own = self._linear("project", self._norm("project", states))
        found: Numbers = own + self.arrays["side"][side] + self._linear("match", matches)
        return found

    def _layer(self, name: str, values: Numbers) -> Numbers:
        values = values + self._attention(name, self._norm(f"{name}.first", values))
        wide = _gelu(self._linear(f"{name}.wide", self._norm(f"{name}.second", values)))
        found: Numbers = values + self._linear(f"{name}.narrow", wide)
        return found

    def _attention(self, name: str, values: Numbers) -> Numbers:
        each = self._linear(f"{name}.into", values)
        count, width = values.shape
        query, key, value = each.reshape(count, 3, HEADS, width // HEADS).transpose(1, 2, 0, 3)
        scores = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(width // HEADS))
        mixed = (_softmax(scores) @ value).transpose(1, 0, 2).reshape(count, width)
        return self._linear(f"{name}.from", mixed)

    def _linear(self, name: str, values: Numbers) -> Numbers:
        found: Numbers = values @ self.arrays[f"{name}.weight"] + self.arrays[f"{name}.bias"]
        return found

    def _norm(self, name: str, values: Numbers) -> Numbers:
        centred = values - values.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(1e-5))
        found: Numbers = (
            centred / spread * self.arrays[f"{name}.norm.weight"] + self.arrays[f"{name}.norm.bias"]
        )
        return found

    @classmethod
    def shipped(cls) -> SentenceReader:
        """Return the one that comes with the package, fitted on all its question files."""
        return cls.read(Path(__file__).with_name(SHIPPED))

    @classmethod
    def unseen(cls, texts: Iterable[str]) -> SentenceReader:
        """Return one that was fitted on none of `texts`; see `qa.ranking.Ranking.unseen`."""
        return cls.read(Path(__file__).with_name(SHIPPED), frozenset(texts))

    @staticmethod
    @lru_cache(16)
    def read(path: Path, unseen: frozenset[str] = frozenset()) -> SentenceReader:
        """Read a file that benchmarks/reader.py wrote, and the arrays beside it.

        Raises:
            SettingError: it is of another format.
        """
        content = json.loads(path.read_text("utf-8"))
        if content["format"] != FORMAT:
            raise SettingError(f"{path} is of another format; run benchmarks/reader.py.")
        fit = clean_fit(content, unseen)
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as held:
            arrays = _arrays(held, fit["number"])
        return SentenceReader(arrays, tuple(fit["fitted_on"]), bool(fit["foreign"]))


class Reading:
    """Reads the likeliest sentences of a question and weighs them anew.

    Args:
        encoder: gives the states of tokens.
        network: compares them.
    """

    def __init__(self, encoder: TokenReader, network: SentenceReader) -> None:
        self._encoder = encoder
        self._network = network

    @property
    def foreign(self) -> bool:
        """Tell whether questions in another language than the sentences can be read."""
        return self._network.foreign

    def __call__(
        self, question: str, sentences: Sequence[str], weighed: Weighed, lacking: NDArray[Any]
    ) -> Weighed:
        """Return `weighed` with its likeliest sentences weighed by what was read in them.

        Together they keep the probability that they had.

        Args:
            question: as it was asked.
            sentences: the texts of all candidates.
            weighed: what the ranking says of them.
            lacking: nats that each loses since it has not the form that was asked for.
        """
        weights = weighed.sentences - lacking
        ranked = weighed.sentences
        weighed = replace(weighed, sentences=weights - np.logaddexp.reduce(weights))
        best = np.argsort(-weighed.sentences, kind="stable")[:READ]
        before = weighed.sentences[best]
        found = self._odds(question, [sentences[at] for at in best], before)
        odds = np.full(len(weighed.sentences), -np.inf)
        odds[best] = found
        weights = weighed.sentences.copy()
        weights[best] = found - np.logaddexp.reduce(found) + np.logaddexp.reduce(before)
        return replace(weighed, sentences=weights, odds=odds, ranked=ranked)

    def _odds(
        self, question: str, texts: Sequence[str], weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Compare each text with the question in the same script."""
        scripts = [
            to_traditional if to_simplified(text) != text else to_simplified for text in texts
        ]
        forms = dict.fromkeys(script(question) for script in scripts)
        read = self._encoder.read([*forms, *texts], LONGEST)
        asked = dict(zip(forms, read, strict=False))
        told = zip(scripts, read[len(forms) :], weights, strict=True)
        return np.array(
            [self._network(asked[script(question)], one, weight) for script, one, weight in told]
        )


def _arrays(held: Mapping[str, Any], number: int) -> dict[str, Numbers]:
    start = f"{number}."
    own = (name for name in held if name.startswith(start))
    return {name.removeprefix(start): held[name].astype(np.float32) for name in own}


def _same(one: NDArray[np.int64], other: NDArray[np.int64]) -> Numbers:
    """Return 1 where two tokens are equal; the marks at the ends are like nothing."""
    found: Numbers = (one[:, None] == other[None, :]).astype(np.float32)
    found[[0, -1], :] = 0
    found[:, [0, -1]] = 0
    return found


def _matches(cosines: Numbers, same: Numbers, asked: float) -> Numbers:
    return np.stack([cosines, same, np.full(len(same), asked, np.float32)], axis=1)


def _unit(rows: Numbers) -> Numbers:
    found: Numbers = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return found


def _softmax(values: Numbers) -> Numbers:
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    found: Numbers = raised / raised.sum(axis=-1, keepdims=True)
    return found


def _gelu(values: Numbers) -> Numbers:
    """Return the tanh form; the network is fitted with the same."""
    cubed = values + np.float32(0.044715) * values * values * values
    found: Numbers = values / 2 * (1 + np.tanh(np.float32(np.sqrt(2 / np.pi)) * cubed))
    return found
