"""The engines that need no other package: what they find, filter and change."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.keyword_engines import Engine, Fts5, Own
from benchmarks.postings import _heaps, _passages

PASSAGES = [
    ["济南", "1+5+n", "党建"],
    ["济南", "don't", "直播", "电商", "企业"],
    ["党建", "党建", "77.57"],
    ["园区", "企业", "服务"],
    ["学校"],
    ["医院"],
]


@pytest.fixture(params=[Own, Fts5])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    made: Engine = request.param(tmp_path)
    made.build(iter(PASSAGES))
    made.open()
    return made


@pytest.mark.parametrize(
    ("tokens", "rows"),
    [
        (["党建"], [2, 0]),
        (["1+5+n"], [0]),
        (["don't", "77.57", "77.57"], [2, 1]),
        (["直播", "企业"], [1, 3]),
        (["5"], []),
        ([], []),
    ],
)
def test_engines_find_alike(engine: Engine, tokens: list[str], rows: list[int]) -> None:
    assert engine.search(tokens, 10) == rows
    assert engine.search(tokens, 1) == rows[:1]


def test_engines_filter_alike(engine: Engine) -> None:
    assert engine.search(["党建"], 10, np.array([0, 1])) == [0]
    assert engine.search(["党建"], 10, np.array([1, 3])) == []


def test_engines_change_alike(engine: Engine) -> None:
    engine.change(np.array([2]), [PASSAGES[2]], [["党建", "学校"]])
    assert len(engine.search(["党建"], 10)) == 2
    assert engine.search(["77.57"], 10) == []
    assert len(engine.search(["学校"], 10)) == 2


def test_the_vocabulary_goes_on_growing() -> None:
    generator = np.random.default_rng(3)
    sentences = [[f"词{n}" for n in generator.zipf(1.6, 20)] for _ in range(500)]
    scale, power = _heaps(sentences)
    assert 0.3 < power < 0.9
    assert scale > 1
    seen: set[str] = set()
    sizes = []
    for at, tokens in enumerate(_passages(sentences, 4000, np.random.default_rng(4)), 1):
        assert len(tokens) >= 50
        seen.update(tokens)
        if at % 1000 == 0:
            sizes.append(len(seen))
    grown = [after - before for before, after in pairwise(sizes)]
    assert grown == sorted(grown, reverse=True)
    assert grown[-1] > 100
