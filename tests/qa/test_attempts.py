"""Guessing a password or a token is slow, and nobody else is shut out by it."""

from __future__ import annotations

import pytest

from qa import attempts
from qa.attempts import MOST, MOST_ADDRESSES, SECONDS, Attempts


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def guess(found: Attempts, address: str, count: int, word: str = "guess") -> None:
    for number in range(count):
        found.failed(address, f"{word} {number}")


def test_many_guesses_have_to_wait_and_others_need_not(clock: Clock) -> None:
    found = Attempts(clock)
    guess(found, "192.0.2.7", MOST - 1)
    assert found.wait("192.0.2.7") == 0
    found.failed("192.0.2.7", "one more")
    assert found.wait("192.0.2.7") == SECONDS
    assert found.wait("192.0.2.8") == 0
    clock.now = SECONDS - 0.5
    assert found.wait("192.0.2.7") == 1
    clock.now = SECONDS
    assert found.wait("192.0.2.7") == 0
    found.failed("192.0.2.7", "again")
    assert found.wait("192.0.2.7") == 0


def test_the_same_wrong_one_is_no_guess(clock: Clock) -> None:
    found = Attempts(clock)
    for _ in range(5 * MOST):
        found.failed("192.0.2.7", "an old token")
    assert found.wait("192.0.2.7") == 0


def test_addresses_of_one_network_are_one(clock: Clock) -> None:
    found = Attempts(clock)
    for number in range(MOST):
        found.failed(f"2001:db8::{number}", f"guess {number}")
    assert found.wait("2001:db8::ffff") > 0
    assert found.wait("2001:db8:0:1::1") == 0
    guess(found, "::ffff:192.0.2.7", MOST)
    assert found.wait("192.0.2.7") > 0
    guess(found, "", MOST)
    assert found.wait("") > 0


def test_what_is_remembered_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST_ADDRESSES", 3)
    found = Attempts(clock)
    guess(found, "192.0.2.1", MOST)
    for number in range(2, 6):
        guess(found, f"192.0.2.{number}", MOST)
    assert found.wait("192.0.2.1") == 0
    assert found.wait("192.0.2.5") > 0
    assert MOST_ADDRESSES >= 1000
