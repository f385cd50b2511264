"""Which sentences of a cited passage say what a written sentence says."""

from __future__ import annotations

from collections.abc import Sequence

from embeddings.lexical import Tokenizer
from qa.claims import tokens

LEAST_GAIN = 0.2
"""Share of a sentence's weight that one more cited sentence must add."""


def supporting(claim: str, sentences: Sequence[str], tokenizer: Tokenizer) -> list[int]:
    """Return the numbers of the sentences that together hold its words, in reading order.

    Where no word is shared, as between two languages, they are all sentences.
    """
    weights = _weights(claim, tokenizer)
    whole = sum(weights.values())
    held = _held(weights, sentences, tokenizer)
    chosen: list[int] = []
    while len(chosen) < len(sentences):
        gains = [sum(weights[word] for word in words) for words in held]
        best = max(range(len(gains)), key=lambda at: (gains[at], -at))
        if gains[best] < LEAST_GAIN * whole or not gains[best]:
            break
        chosen.append(best)
        for word in held[best].copy():
            weights[word] = 0.0
    return sorted(chosen) or list(range(len(sentences)))


def nearest(claim: str, sentences: Sequence[str], tokenizer: Tokenizer) -> list[int]:
    """Return the numbers of the sentences that share words with it, most of its weight first."""
    weights = _weights(claim, tokenizer)
    held = _held(weights, sentences, tokenizer)
    gains = [sum(weights[word] for word in sorted(words)) for words in held]
    return sorted(filter(gains.__getitem__, range(len(gains))), key=lambda at: (-gains[at], at))


def _weights(claim: str, tokenizer: Tokenizer) -> dict[str, float]:
    weights: dict[str, float] = {}
    for token in tokens(claim, tokenizer):
        weights[token.text] = max(weights.get(token.text, 0.0), token.weight)
    return weights


def _held(
    weights: dict[str, float], sentences: Sequence[str], tokenizer: Tokenizer
) -> list[set[str]]:
    """Return which of the words stand in each sentence."""
    return [{token.text for token in tokens(one, tokenizer)} & weights.keys() for one in sentences]
