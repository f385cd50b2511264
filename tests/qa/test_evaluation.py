"""The records of an evaluation: percentiles, one JSON form, one table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qa.evaluation import (
    ContextIndex,
    CrowdIndex,
    Evaluation,
    FileReport,
    Latency,
    Percentiles,
    percentiles,
    to_json,
    to_table,
)

SEEDS = FileReport(
    "seeds_dev.jsonl",
    {"all": {"n": 120, "hit@1": 0.8, "refused": 0.75}, "数字": {"n": 1204, "hit@1": 1.0}},
    Latency(Percentiles(12.5, 31.0), None),
    ({"id": "甲", "answer": 0.0},),
)
SPRINGS = FileReport(
    "泉.json",
    {"all": {"n": 3, "R@1": 0.6667}},
    Latency(Percentiles(40.0, 41.5), Percentiles(9.1, 9.9)),
    (),
    left_out=2,
)
CONTEXTS = ContextIndex("cache/eval/abc/index", contexts=2088, skipped=1, encoded=14203)
CROWD = CrowdIndex("cache/eval/crowd/index", documents=5, contexts=2088, skipped=0, encoded=0)


@pytest.mark.parametrize(
    ("milliseconds", "p50", "p95"),
    [
        ([7.04], 7.0, 7.0),
        ([1.0, 2.0], 1.0, 2.0),
        ([5.0, 1.0, 3.0], 3.0, 5.0),
        ([float(n) for n in range(100, 0, -1)], 50.0, 95.0),
        ([float(n) for n in range(1, 21)], 10.0, 19.0),
    ],
)
def test_percentiles_by_nearest_rank(milliseconds: list[float], p50: float, p95: float) -> None:
    assert percentiles(milliseconds) == Percentiles(p50, p95)


def test_percentiles_of_nothing() -> None:
    assert percentiles([]) is None


def test_json() -> None:
    assert to_json(Evaluation((SEEDS, SPRINGS), CONTEXTS), wrong=True) == {
        "reports": [
            {
                "file": "seeds_dev.jsonl",
                "groups": {
                    "all": {"n": 120, "hit@1": 0.8, "refused": 0.75},
                    "数字": {"n": 1204, "hit@1": 1.0},
                },
                "latency_ms": {"ask": {"p50": 12.5, "p95": 31.0}, "retrieve": None},
                "left_out": 0,
                "fitted_on": None,
                "wrong": [{"id": "甲", "answer": 0.0}],
                "written": None,
            },
            {
                "file": "泉.json",
                "groups": {"all": {"n": 3, "R@1": 0.6667}},
                "latency_ms": {
                    "ask": {"p50": 40.0, "p95": 41.5},
                    "retrieve": {"p50": 9.1, "p95": 9.9},
                },
                "left_out": 2,
                "fitted_on": None,
                "wrong": [],
                "written": None,
            },
        ],
        "contexts": {
            "folder": "cache/eval/abc/index",
            "contexts": 2088,
            "skipped": 1,
            "encoded": 14203,
        },
        "crowd": None,
    }


def test_json_keeps_its_shape_without_the_wrong_ones() -> None:
    found = to_json(Evaluation((SEEDS,), None))
    assert found["contexts"] is None
    assert found["crowd"] is None
    assert found["reports"][0]["wrong"] is None


def test_table() -> None:
    crossed = replace(SPRINGS, file="en.json -> 泉.json", left_out=0)
    assert to_table(Evaluation((SEEDS, SPRINGS, crossed), CONTEXTS)) == (
        "2,088 contexts in one index, 1 of them not readable; 14,203 texts encoded\n"
        "\n"
        "                     n   hit@1  refused  ask p50/p95 ms\n"
        "seeds_dev.jsonl    120  0.8000   0.7500         12.5/31\n"
        "  数字           1,204  1.0000        -\n"
        "\n"
        "                    n     R@1  ask p50/p95 ms  retrieve p50/p95 ms\n"
        "泉.json             3  0.6667         40/41.5              9.1/9.9\n"
        "en.json -> 泉.json  3  0.6667         40/41.5              9.1/9.9\n"
        "泉.json: 2 blank questions left out"
    )


def test_the_crowd_has_a_row_and_a_line_of_its_own() -> None:
    crowded = replace(SEEDS, file="seeds_dev.jsonl in a crowd")
    found = Evaluation((SEEDS, crowded), CONTEXTS, CROWD)
    assert to_table(found).split("\n")[1:6] == [
        "5 documents among 2,088 contexts in one index; "
        "nothing encoded: all vectors were there from an earlier run",
        "",
        "                                n   hit@1  refused  ask p50/p95 ms",
        "seeds_dev.jsonl               120  0.8000   0.7500         12.5/31",
        "  数字                      1,204  1.0000        -",
    ]
    assert to_json(found)["crowd"] == {
        "folder": "cache/eval/crowd/index",
        "documents": 5,
        "contexts": 2088,
        "skipped": 0,
        "encoded": 0,
    }


def test_table_says_that_nothing_was_encoded() -> None:
    first = to_table(Evaluation((SPRINGS,), replace(CONTEXTS, encoded=0, skipped=0))).split("\n")[0]
    assert first == (
        "2,088 contexts in one index; nothing encoded: all vectors were there from an earlier run"
    )


def test_table_without_contexts() -> None:
    first = to_table(Evaluation((SEEDS,), None)).split("\n")[0]
    assert first == "                     n   hit@1  refused  ask p50/p95 ms"
