"""Whether a sentence that a language model wrote is said by the text that it cites.

A number that does not stand there, in any way of writing, is never let through. For the rest two
small networks weigh the evidence, one that of the sentence as a whole and one that of each of its
words: a sentence is as likely as its least likely part. Their weights and the threshold are fitted
by benchmarks/verification.py and come with the package.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from embeddings.cleaning import clean
from embeddings.errors import SettingError
from embeddings.lexical import Tokenizer
from embeddings.sentences import split
from qa.claim_evidence import COLUMNS, columns
from qa.claim_words import WORD_COLUMNS, word_columns
from qa.claims import LONGEST, Token, tokens
from qa.pinpoint import nearest
from qa.places import likeness
from qa.ranking import Layers
from qa.records import Doubt

FORMAT = 2
SHIPPED = "verify.json"

MOST_ENCODED = 3
"""Cited sentences, those with most of its words, whose vectors are compared with a sentence's."""

MOST_ENCODED_FOREIGN = 12
"""The same where no word is shared."""

LONGEST_ENCODED = 600
"""Characters of a sentence that its vector is made of."""

LEAST_FOREIGN = 0.815
"""Cosine of a sentence and the nearest cited one in another language, from which it counts.

Of 140 sentences of XQuAD against the same article in the other language about one in ten is below,
against a neighbouring article 19 in 20. Names and negations are not compared across languages.
"""

_NEGATED = [COLUMNS.index("negation put in"), COLUMNS.index("negation taken out")]
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
class Evidence:
    """What speaks for a sentence in the text that it cites.

    Attributes:
        whole: `qa.claim_evidence.COLUMNS`, shape (columns,).
        words: `qa.claim_words.WORD_COLUMNS` of each word that says something, and `whole` behind
            them, shape (words, both columns).
    """

    whole: NDArray[np.float32]
    words: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Weights:
    """The networks, and the least of their odds from which a sentence is verified."""

    whole: Layers
    words: Layers
    least: float

    @classmethod
    def shipped(cls) -> Weights:
        """Return those that come with the package."""
        return cls.read(Path(__file__).with_name(SHIPPED))

    @staticmethod
    @lru_cache(4)
    def read(path: Path) -> Weights:
        """Read what `to_json` wrote.

        Raises:
            SettingError: it is of another format.
        """
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if content.get("format") != FORMAT or content["columns"] != _columns():
            raise SettingError(
                f"{path} holds weights of another version; take the file that came with the "
                "package, or write it with benchmarks/verification.py."
            )
        whole, words = (Layers.from_json(content[name]) for name in ("whole", "words"))
        return Weights(whole, words, content["least"])

    def to_json(self) -> dict[str, Any]:
        """Return what `read` reads."""
        return {
            "format": FORMAT,
            "columns": _columns(),
            "least": round(self.least, 4),
            "whole": self.whole.to_json(),
            "words": self.words.to_json(),
        }

    def support(self, evidence: Evidence) -> float:
        """Return how likely the cited text says a sentence, 0 to 1; 0.5 at the threshold."""
        return _share(odds(evidence, self.whole, self.words) - self.least)


def _columns() -> list[str]:
    return [*COLUMNS, *WORD_COLUMNS]


def odds(evidence: Evidence, whole: Layers, words: Layers) -> float:
    """Return the logarithm of the odds by which a sentence is said by what it cites."""
    parts = [whole(evidence.whole[None]), words(evidence.words)] if len(evidence.words) else []
    found = np.concatenate(parts or [whole(evidence.whole[None])])
    return float(-np.logaddexp.reduce(-np.clip(found, -15, 15)))


class Vectors(Protocol):
    """What of an encoder is needed here."""

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, shape (texts, dimensions)."""
        ...


class Gatherer:
    """Gathers what speaks for sentences.

    Args:
        encoder: gives the cosines of sentences.
        tokenizer: cuts Chinese.
    """

    def __init__(self, encoder: Vectors, tokenizer: Tokenizer) -> None:
        self._encoder = encoder
        self._tokenizer = tokenizer

    def __call__(self, sentence: str, cited: Sequence[str]) -> Evidence:
        """Return the evidence; both the sentence and the cited texts must hold a word."""
        claim, told = self.tokens(sentence), self.tokens("\n".join(cited))
        return evidence(claim, told, self.cosine(sentence, cited))

    def tokens(self, text: str) -> tuple[Token, ...]:
        """Return what a text says."""
        return tokens(text, self._tokenizer)

    def cosine(self, sentence: str, cited: Sequence[str]) -> float:
        """Return the cosine with the nearest of the cited sentences that share most words."""
        pieces = [piece.text for text in cited for piece in split(clean(text[:LONGEST]))]
        shared = nearest(sentence, pieces, self._tokenizer)
        chosen = shared[:MOST_ENCODED] or range(min(len(pieces), MOST_ENCODED_FOREIGN))
        texts = [sentence, *(pieces[at] for at in chosen)]
        vectors = self._encoder.encode_passages([text[:LONGEST_ENCODED] for text in texts])
        return float((vectors[1:] @ vectors[0]).max(initial=0.0))


class Verifier:
    """Compares sentences with what they cite.

    Args:
        encoder: gives the cosines of sentences.
        tokenizer: cuts Chinese.
        weights: None for those that come with the package.
    """

    def __init__(
        self, encoder: Vectors, tokenizer: Tokenizer, weights: Weights | None = None
    ) -> None:
        self._gather = Gatherer(encoder, tokenizer)
        self._weights = weights or Weights.shipped()

    def check(self, sentence: str, cited: Sequence[str]) -> Check:
        """Compare one sentence with the texts that it cites.

        Args:
            sentence: without its citations; any text, but one of more than `qa.claims.LONGEST`
                characters is not verified: no sentence is as long.
            cited: clean texts of passages; with none nothing is verified.
        """
        sentence, cited = _plain(sentence), [_plain(text) for text in cited]
        claim, told = self._gather.tokens(sentence), self._gather.tokens("\n".join(cited))
        if not claim or not told or len(sentence) > LONGEST:
            return Check(0.0, (Doubt.UNSUPPORTED,))
        cosine = self._gather.cosine(sentence, cited)
        found = evidence(claim, told, cosine)
        if abs(_latin(claim) - _latin(told)) > _FOREIGN:
            support = _share(40 * (cosine - LEAST_FOREIGN))
        else:
            support = self._weights.support(found)
        return Check(support, tuple(_doubts(claim, told, support, found)))


def evidence(claim: Sequence[Token], told: Sequence[Token], cosine: float) -> Evidence:
    """Return what speaks for a sentence; both have a token at least.

    Args:
        claim: the sentence.
        told: the cited text.
        cosine: of the sentence with the nearest cited sentence.
    """
    same = likeness(claim, told)
    whole = np.array(columns(claim, told, cosine, same), np.float32)
    words = word_columns(claim, told, same).astype(np.float32)
    return Evidence(whole, np.hstack([words, np.tile(whole, (len(words), 1))]))


def missing_numbers(claim: Sequence[Token], told: Sequence[Token]) -> list[str]:
    """Return the numbers of a sentence that do not stand in the cited text."""
    there = {token.text for token in told if token.number}
    there |= (
        {"#1"} if any(token.text[:1] == "一" or token.text == "one" for token in told) else set()
    )
    return [token.text[1:] for token in claim if token.number and token.text not in there]


def _doubts(
    claim: Sequence[Token], told: Sequence[Token], support: float, found: Evidence
) -> list[Doubt]:
    if missing_numbers(claim, told):
        return [Doubt.NUMBER]
    if support >= 0.5:
        return []
    return [Doubt.NEGATION if found.whole[_NEGATED].any() else Doubt.UNSUPPORTED]


def _plain(text: str) -> str:
    """Return a text as UTF-8 can hold it: a lone surrogate becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _latin(part: Sequence[Token]) -> float:
    words = [token for token in part if not token.number]
    return sum(token.text.isascii() for token in words) / max(1, len(words))


def _share(odds: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, odds))))
