"""An encoder that knows its last texts again, for one question that is asked in several ways."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from embeddings.encoder import MAX_TOKENS, Encoder, TokenReader, TokenStates

QUERIES = 64
READ = 128
"""Texts that are remembered; the states of one that was read are some 100 kB."""


class Remembering:
    """The same vectors as `encoder` makes; what was asked a moment ago is not made again.

    It reads tokens where `encoder` does.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.name = encoder.name
        self.dimensions = encoder.dimensions
        self.fingerprint = encoder.fingerprint
        self._encoder = encoder
        self._query = lru_cache(QUERIES)(encoder.encode_query)
        if isinstance(encoder, TokenReader):
            self.read = _RememberedReading(encoder)  # else there is none, as in `encoder`

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a question, shape (dimensions,)."""
        return self._query(text)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of questions in their order, shape (len(texts), dimensions)."""
        rows = [self._query(text) for text in texts]
        return np.array(rows, np.float32).reshape(-1, self.dimensions)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of passages in their order, shape (len(texts), dimensions)."""
        return self._encoder.encode_passages(texts)

    def passage_input(self, text: str) -> str:
        """Return what the model reads for a passage."""
        return self._encoder.passage_input(text)


class _RememberedReading:
    """See `TokenReader.read`; those that are not known are read together, side by side."""

    def __init__(self, reader: TokenReader) -> None:
        self._reader = reader
        self._known: dict[tuple[str, int], TokenStates] = {}

    def __call__(self, texts: Sequence[str], longest: int = MAX_TOKENS) -> list[TokenStates]:
        wanted = {(text, longest): self._known.pop((text, longest), None) for text in texts}
        missing = [key for key, states in wanted.items() if states is None]
        read = self._reader.read([text for text, _ in missing], longest)
        found = {key: states for key, states in wanted.items() if states is not None}
        found |= dict(zip(missing, read, strict=True))
        self._known |= found
        for key in list(self._known)[:-READ]:
            del self._known[key]
        return [found[text, longest] for text in texts]
