"""A network of two characters whose output is worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from embeddings.network import ABSENT, UNKNOWN, Alphabet, Network


def test_rows_stand_next_to_the_joint() -> None:
    alphabet = Alphabet("问据")
    assert alphabet.before("一问据", 2) == [2, 3]
    assert alphabet.before("问", 3) == [ABSENT, ABSENT, 2]
    assert alphabet.after("据一", 3) == [3, UNKNOWN, ABSENT]
    assert alphabet.after("", 1) == [ABSENT]


@pytest.mark.parametrize(("rows", "number", "wanted"), [([2], 1.0, 7.0), ([1], 1.0, 1.0)])
def test_the_output_by_hand(rows: list[int], number: float, wanted: float) -> None:
    arrays = {
        "vectors": [[0], [-5], [2]],
        "w1": [[1, 0], [1, 1]], "b1": [0, 0],
        "w2": [[2, 0], [0, 1]], "b2": [0, 0],
        "w3": [[1], [1]], "b3": [0],
    }  # fmt: skip
    network = Network({name: np.array(array, np.float16) for name, array in arrays.items()})
    # [2] and 1: units (3, 1), then (6, 1), together 7; below 0 a unit is 0.
    assert network(rows, [number]) == wanted
