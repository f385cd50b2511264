"""How far a long job is, how fast it goes and how long it will take. Prints nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one stage of a job is.

    Attributes:
        stage: its name; those of a build are ``read``, ``encode`` and ``write``, in this order.
        done, total: items (files, texts, documents) so far, and in all.
        rate: items a second since the stage began, or None before the first one is done.
        seconds_left: until the stage ends at this speed, or None before the first one is done.
    """

    stage: str
    done: int
    total: int
    rate: float | None = None
    seconds_left: float | None = None


OnProgress = Callable[[Progress], None]
"""Called at the start of a stage and after each step of it, in the thread that does the work."""


def silence(_: Progress) -> None:
    """Tell nobody."""


class Meter:
    """Counts the items of one stage and tells its progress.

    Args:
        stage: name of the stage.
        total: how many items there are.
        tell: told at once, and at each advance.
        work: sum of the work of all items in any unit, where items differ in it: the time left
            goes by it. None when each item is as much work as the next.
    """

    def __init__(self, stage: str, total: int, tell: OnProgress, work: int | None = None) -> None:
        self._stage, self._total, self._tell = stage, total, tell
        self._work = total if work is None else work
        self._done = self._worked = 0
        self._started = time.monotonic()
        tell(Progress(stage, 0, total))

    def advance(self, items: int = 1, work: int | None = None) -> None:
        """Count `items` that were done, `work` of it in all, and tell."""
        self._done += items
        self._worked += items if work is None else work
        seconds = time.monotonic() - self._started
        rate = self._done / seconds if self._done and seconds else None
        left = (self._work - self._worked) * seconds / self._worked if self._worked else None
        self._tell(Progress(self._stage, self._done, self._total, rate, left))
