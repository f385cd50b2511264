"""Times and shares of many outcomes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from qa.api.limits import ASKED_AT_ONCE
from tests.load.ways import Outcome

SLOWER = 3.0
"""How many times the time of one user, times the depth of the queue, 95 of 100 answers may take."""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that this share (0 to 1) of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def at_once() -> int:
    """Return how many questions are really answered at once: no more than there are processors."""
    return min(ASKED_AT_ONCE, len(os.sched_getaffinity(0)))


@dataclass(frozen=True, slots=True)
class Times:
    """How long answers took under load.

    By Little's law the mean number of questions in a system is their rate times the mean time that
    they stay: the sum of all their times over the time that was watched. That number over how many
    are answered at once is the depth of the queue, at least 1: so many rounds a new one waits.

    Attributes:
        alone: median of one user, in seconds.
        median, high: 50 and 95 of 100 took no longer.
        depth: of the queue.
    """

    alone: float
    median: float
    high: float
    depth: float

    @property
    def slowness(self) -> float:
        """Return how many times its fair share `high` is."""
        return self.high / (self.alone * self.depth)

    def __str__(self) -> str:
        return (
            f"alone {self.alone * 1000:.0f} ms; median {self.median * 1000:.0f} ms, 95 of 100 "
            f"{self.high * 1000:.0f} ms; depth {self.depth:.1f}: {self.slowness:.2f} of the share"
        )


def times_of(alone: Sequence[Outcome], together: Sequence[Outcome]) -> Times:
    """Return how long answers took; those that were told to come again are none."""
    single = [one.seconds for one in alone]
    seconds = [one.seconds for one in together if one.record is not None]
    watched = max(one.ended for one in together) - min(one.began for one in together)
    in_system = sum(one.seconds for one in together) / watched
    depth = max(1.0, in_system / at_once())
    return Times(
        percentile(single, 0.5), percentile(seconds, 0.5), percentile(seconds, 0.95), depth
    )


def counted(outcomes: Sequence[Outcome]) -> Counter[str]:
    """Count what came of questions."""
    return Counter(
        "lost" if one.lost else "told to come again" if one.told else "answered" for one in outcomes
    )
