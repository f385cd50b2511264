"""Tests that `make torture` runs and `make test` leaves out, for the minutes that they take."""

from __future__ import annotations

import os

import pytest

LONG = "WENJU_LONG" in os.environ

long_version = pytest.mark.skipif(not LONG, reason="takes long: `make torture` runs it")
"""For a test whose point is also made, in part, by a quicker one."""
