"""Whether a sentence that a language model wrote is said by the text that it cites.

A number that does not stand there, in any way of writing, is never let through. For the rest a
small network weighs the evidence of `qa.claim_evidence`; its weights and the threshold are fitted
by benchmarks/verification.py and come with the package.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp
from pathlib import Path
from typing import Any

import numpy as np

from embeddings.cleaning import clean
from embeddings.encoder import Encoder
from embeddings.errors import SettingError
from embeddings.lexical import Tokenizer
from embeddings.sentences import split
from qa.claim_evidence import COLUMNS, columns
from qa.claims import Token, tokens
from qa.ranking import Layers
from qa.records import Doubt

FORMAT = 1
SHIPPED = "verify.json"

LEAST_FOREIGN = 0.86
"""Cosine of a sentence and the nearest cited one in another language, from which it counts."""

_FOREIGN = 0.5
"""Difference in the share of Latin words from which two texts are of different languages."""


@dataclass(frozen=True, slots=True)
class Check:
    """What came of comparing a sentence with the text that it cites.

    Attributes:
        support: how likely the text says it, 0 to 1; 0.5 at the threshold.
        doubts: empty when it is verified.
    """

    support: float
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """The network, and the least of its odds from which a sentence is verified."""

    layers: Layers
    least: float

    @classmethod
    def shipped(cls) -> Weights:
        """Return those that come with the package."""
        return cls.read(Path(__file__).with_name(SHIPPED))

    @staticmethod
    @lru_cache(4)
    def read(path: Path) -> Weights:
        """Read a file that benchmarks/verification.py wrote.

        Raises:
            SettingError: it is of another format.
        """
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if content["format"] != FORMAT or tuple(content["columns"]) != COLUMNS:
            raise SettingError(f"{path} is of another format; run benchmarks/verification.py.")
        return Weights(Layers.from_json(content["layers"]), content["least"])


class Verifier:
    """Compares sentences with what they cite.

    Args:
        encoder: gives the cosines of sentences.
        tokenizer: cuts Chinese.
        weights: None for those that come with the package.
    """

    def __init__(
        self, encoder: Encoder, tokenizer: Tokenizer, weights: Weights | None = None
    ) -> None:
        self._encoder = encoder
        self._tokenizer = tokenizer
        self._weights = weights or Weights.shipped()

    def check(self, sentence: str, cited: Sequence[str]) -> Check:
        """Compare one sentence with the texts that it cites.

        Args:
            sentence: without its citations.
            cited: clean texts of passages; one at least.
        """
        text = "\n".join(cited)
        claim, told = tokens(sentence, self._tokenizer), tokens(text, self._tokenizer)
        if not claim or not told:
            return Check(0.0, (Doubt.UNSUPPORTED,))
        support = self._support(claim, told, self._cosine(sentence, cited))
        return Check(support, tuple(_doubts(claim, told, support)))

    def _support(self, claim: Sequence[Token], told: Sequence[Token], cosine: float) -> float:
        if abs(_latin(claim) - _latin(told)) > _FOREIGN:
            return _share(40 * (cosine - LEAST_FOREIGN))
        row = np.array([columns(claim, told, cosine)], np.float32)
        return _share(float(self._weights.layers(row)[0]) - self._weights.least)

    def _cosine(self, sentence: str, cited: Sequence[str]) -> float:
        """Return the cosine with the nearest cited sentence."""
        pieces = [piece.text for text in cited for piece in split(clean(text))]
        vectors = self._encoder.encode_passages([sentence, *pieces])
        return float((vectors[1:] @ vectors[0]).max(initial=0.0))


def missing_numbers(claim: Sequence[Token], told: Sequence[Token]) -> list[str]:
    """Return the numbers of a sentence that do not stand in the cited text."""
    there = {token.text for token in told if token.number}
    return [token.text[1:] for token in claim if token.number and token.text not in there]


def _doubts(claim: Sequence[Token], told: Sequence[Token], support: float) -> list[Doubt]:
    if missing_numbers(claim, told):
        return [Doubt.NUMBER]
    if support >= 0.5:
        return []
    negated = any(token.negation for token in claim), any(token.negation for token in told)
    return [Doubt.NEGATION if negated == (True, False) else Doubt.UNSUPPORTED]


def _latin(part: Sequence[Token]) -> float:
    words = [token for token in part if not token.number]
    return sum(token.text.isascii() for token in words) / max(1, len(words))


def _share(odds: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, odds))))
