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
    weights: dict[str, float] = {}
    for token in tokens(claim, tokenizer):
        weights[token.text] = max(weights.get(token.text, 0.0), token.weight)
    whole = sum(weights.values())
    held = [{token.text for token in tokens(one, tokenizer)} & weights.keys() for one in sentences]
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
