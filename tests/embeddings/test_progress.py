"""Progress: how far, how fast, how long; by work where items differ in it."""

from __future__ import annotations

import pytest

from embeddings.progress import Meter, Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that says what stands in the list."""
    now = [100.0]
    monkeypatch.setattr("embeddings.progress.time.monotonic", lambda: now[0])
    return now


def test_items_of_equal_work(clock: list[float]) -> None:
    told: list[Progress] = []
    meter = Meter("read", 10, told.append)
    clock[0] += 2
    meter.advance()
    clock[0] += 2
    meter.advance(3)
    assert told == [
        Progress("read", 0, 10, None, None),
        Progress("read", 1, 10, 0.5, 18.0),
        Progress("read", 4, 10, 1.0, 6.0),
    ]


def test_the_time_left_goes_by_work(clock: list[float]) -> None:
    told: list[Progress] = []
    meter = Meter("encode", 4, told.append, work=100)
    clock[0] += 8
    meter.advance(1, 80)
    assert told[-1] == Progress("encode", 1, 4, 0.125, 2.0)


def test_nothing_to_do_and_no_time(clock: list[float]) -> None:
    told: list[Progress] = []
    Meter("write", 0, told.append)
    Meter("write", 1, told.append).advance()
    assert told == [
        Progress("write", 0, 0),
        Progress("write", 0, 1),
        Progress("write", 1, 1, None, 0.0),
    ]
