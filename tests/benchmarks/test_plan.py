"""The plan computes its tables from constants, and docs/scale.md shows those of today."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.plan import BEGIN, CONSTANTS, DOCS, END, duration, filled, grouped, tables

POINT = dict.fromkeys(
    (
        "publish_s",
        "build_mb",
        "generation_mb",
        "catalogue_mb",
        "open_s",
        "peak_mb",
        "p50_ms",
        "p95_ms",
        "recall",
    ),
    None,
)


@pytest.fixture
def constants() -> dict[str, Any]:
    """A thousand bytes of generation and 500 of catalogue a passage; 2 + 8 ms to read and encode."""
    return {
        "measured": {
            "command": "COMMAND",
            "machine": "a machine",
            "passages": 1234,
            "sentences": 2.5,
            "texts_encoded": 3.5,
            "generation": {"text.db": 400, "postings/rows.npy": 100, "vectors.faiss": 500},
            "catalogue": {"vectors": 500},
            "passages_a_processor_second": {"read": 500, "encode": 125},
        },
        "whole": {
            "command": "SCALE",
            "points": {"100000": POINT, "1000000": {**POINT, "peak_mb": 3000, "p95_ms": 60.5}},
        },
    }


def test_disk_and_time_are_in_proportion(constants: dict[str, Any]) -> None:
    lines = list(tables(constants))
    assert "| a generation, GB | 1.0 | 10.0 | 100.0 |" in lines
    assert "| disk in all: two generations and library.db, GB | 2.5 | 25.0 | 250.0 |" in lines
    assert "| 2 processors | 83.3 min | 13.9 h | 5.8 days |" in lines
    assert "| processors for one day | 1 | 2 | 12 |" in lines
    assert "| machines of 16 processors for one day | 1 | 1 | 1 |" in lines


def test_what_was_not_measured_is_said(constants: dict[str, Any]) -> None:
    lines = list(tables(constants))
    assert "| memory of a reader, GB | 3.0 | about 30.0 | about 300.0 |" in lines
    unknown = " | ".join(["not measured"] * 3)
    assert f"| memory of the build that publishes, GB | {unknown} |" in lines
    assert "| 1,000,000 | not measured | 60.5 | not measured | 3000 | not measured |" in lines
    constants["measured"] = None
    (line,) = tables(constants)
    assert line.startswith("Nothing is measured yet")


def test_files_are_put_into_groups() -> None:
    files = {"text.db": 1.0, "postings/rows.npy": 2, "vectors.faiss": 4, "sentences.npy": 8}
    assert list(grouped({**files, "map.npy": 16}).values()) == [1, 2, 4, 8, 16]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(80, "80 s"), (5400, "1.5 h"), (3600, "60.0 min"), (1e6, "11.6 days"), (1e9, "11,574.1 days")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_tables_are_put_between_their_marks(constants: dict[str, Any]) -> None:
    page = filled(f"before\n{BEGIN}\nold\n{END}\nafter\n", constants)
    assert page.startswith(f"before\n{BEGIN}\n\nMeasured by")
    assert page.endswith(f"\n\n{END}\nafter\n")
    assert "old" not in page
    assert filled(page, constants) == page


def test_the_documentation_shows_the_constants_of_today() -> None:
    constants = json.loads(CONSTANTS.read_text("utf-8"))
    page = DOCS.read_text("utf-8")
    assert filled(page, constants) == page, "run `python -m benchmarks.plan --write`"
