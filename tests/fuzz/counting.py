"""How many cases are tried, and what became of them; the last line of a run says it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.tally import note

CASES = int(os.environ.get("WENJU_FUZZ", "2000"))
"""Cases of all surfaces together."""

SHARES = {
    "office files and PDF": 0.2,
    "text files": 0.26,
    "cleaner": 0.2,
    "tokenizer": 0.15,
    "HTTP API": 0.07,
    "language model": 0.03,
    "batch": 0.09,
}
_ROUND = 2_000

OUTCOMES: dict[str, Counter[str]] = {}


def fuzz(surface: str, strategy: SearchStrategy[Any], check: Callable[[Any], str]) -> None:
    """Try the share of the cases that a surface has; `check` names what became of each.

    The first failure is shrunk and raised. Rounds keep the memory of a long run bounded.
    """
    found, crashes = OUTCOMES.setdefault(surface, Counter()), 1
    try:
        _try_all(surface, strategy, check, found)
        crashes = 0
    finally:
        note("fuzzing", surface, cases=found.total() + crashes, crashes=crashes)


def _try_all(
    surface: str,
    strategy: SearchStrategy[Any],
    check: Callable[[Any], str],
    found: Counter[str],
) -> None:
    left, number = round(CASES * SHARES[surface]), 0
    while left > 0:
        count = min(left, _ROUND)

        @seed(f"{surface} {number}")
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def round_of_cases(case: Any) -> None:
            try:
                found[check(case)] += 1
            except Exception as error:
                error.add_note(f"the case: {case!r}")
                raise

        before = found.total()
        round_of_cases()
        left -= max(found.total() - before, count)
        number += 1


def summary() -> list[str]:
    """Return a line a surface and one for all; empty when nothing was tried."""
    lines = []
    for surface, outcomes in OUTCOMES.items():
        told = ", ".join(f"{count:,} {name}" for name, count in outcomes.most_common())
        lines.append(f"{surface}: {outcomes.total():,} cases: {told}")
    total = sum(outcomes.total() for outcomes in OUTCOMES.values())
    return [*lines, f"fuzzed: {total:,} cases, crashes: 0"] if lines else []
