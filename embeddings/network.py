"""A small feed-forward network over characters, run with numpy: for judging places in a text.

It knows nothing of what is judged; `benchmarks.joints` fits the networks that `embeddings.joints`
uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

ABSENT, UNKNOWN = 0, 1
"""Rows of the table of character vectors: no character, and one that is not in the alphabet."""


class Alphabet:
    """The characters that a network knows, each with its row.

    Args:
        characters: all of them, in the order of their rows.
    """

    def __init__(self, characters: str) -> None:
        self._rows = {character: row for row, character in enumerate(characters, UNKNOWN + 1)}

    def before(self, text: str, count: int) -> list[int]:
        """Return the rows of the last `count` characters of `text`, `ABSENT` where it is shorter.

        `count` is at least 1.
        """
        rows = [self._rows.get(character, UNKNOWN) for character in text[-count:]]
        return [ABSENT] * (count - len(rows)) + rows

    def after(self, text: str, count: int) -> list[int]:
        """Return the rows of the first `count` characters of `text`, filled up with `ABSENT`."""
        rows = [self._rows.get(character, UNKNOWN) for character in text[:count]]
        return rows + [ABSENT] * (count - len(rows))


class Network:
    """Vectors of characters and further numbers, two layers of rectified units, one number out.

    Args:
        arrays: `vectors` (characters, width), then weights and biases `w1` (inputs, units), `b1`,
            `w2` (units, units), `b2`, `w3` (units, 1), `b3`.
    """

    def __init__(self, arrays: Mapping[str, NDArray[np.float16]]) -> None:
        self._vectors = arrays["vectors"].astype(np.float32)
        self._layers = [
            (arrays[f"w{at}"].astype(np.float32), arrays[f"b{at}"].astype(np.float32))
            for at in (1, 2, 3)
        ]

    def __call__(self, rows: Sequence[int], numbers: Sequence[float] = ()) -> float:
        """Return the network's output for characters, as rows of the table, and further numbers."""
        vectors = self._vectors[np.asarray(rows)].ravel()
        values = np.concatenate([vectors, np.asarray(numbers, np.float32)])
        for weights, biases in self._layers[:-1]:
            values = np.maximum(values @ weights + biases, 0.0)
        weights, biases = self._layers[-1]
        return float((values @ weights + biases)[0])
