"""Waiting for what happens soon, on a machine that may be busy with other work."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 20
"""How long anything may take that takes a moment."""


def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that tells nobody when it has happened."""
    end = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)
