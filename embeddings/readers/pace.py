"""Tells that a long reading goes on: the time that a file may take begins anew with such a page."""

from __future__ import annotations

from collections.abc import Callable

_TOLD: list[Callable[[], None]] = []


def on_page(tell: Callable[[], None]) -> None:
    """Have `tell` called whenever a page begins that takes long; only the process of a worker."""
    _TOLD[:] = [tell]


def page_begins() -> None:
    """Say that a page begins that takes long, as one whose text is recognised."""
    for tell in _TOLD:
        tell()
