"""Uploads, exclusions and thumbs that meet a fault: each is done whole or not at all.

By default one fault at each second event; with WENJU_KILLS every kind of fault at each.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from embeddings.build import build
from embeddings.lexical import Tokenizer
from embeddings.verify import verify
from tests.embeddings.building import Recording
from tests.kills.events import Fault, How
from tests.kills.giving import ACTS, Giving, build_small, given_to, judge, prepare_giving, upload
from tests.kills.killing import TOLD
from tests.kills.server import Order, Server
from tests.tally import tally

ALL = "WENJU_KILLS" in os.environ

HOWS: tuple[How, ...] = ("before", "after", "refused", "full")

SIZES = tuple(int(1.3**n) for n in range(45)) if ALL else (1, 600, 9000)
"""Bytes behind which no file may grow: up to twice what is given at most."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")


def copied(index: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    return Path(shutil.copytree(index, to))


@pytest.fixture(scope="module")
def small(place: Path, tokenizer: Tokenizer) -> Path:
    return build_small(place, tokenizer)


@pytest.fixture(scope="module", params=ACTS)
def giving(request: pytest.FixtureRequest, place: Path, small: Path) -> Giving:
    return prepare_giving(request.param, small, place / request.param, copied)


def faults(events: Sequence[str]) -> Iterator[Fault]:
    """Yield all kinds at every event, or one of them in turn; and files that may not grow."""
    for event, name in enumerate(events):
        for how in HOWS if ALL else HOWS[event % 4 : event % 4 + 1]:
            if how != "refused" or name != "close":
                yield Fault(event, how)
    for size in SIZES:
        yield Fault(0, "full", size)


def test_done_whole_or_not_at_all(
    giving: Giving, server: Server, place: Path, tokenizer: Tokenizer
) -> None:
    order = Order(giving.name, "", str(copied(giving.index, place / "given")))
    events = server.run(order).events
    assert given_to(place / "given") == giving.after
    with tally("an upload, exclusion or thumb killed, or the disk full") as tried:
        for fault in faults(events):
            with tried.trying(f"{giving.name}, {fault.how} {fault.event}: {events[fault.event]}"):
                copied(giving.index, place / "given")
                met = server.run(Order(giving.name, "", str(place / "given"), fault))
                _check(giving, place / "given", fault, met.said, met.status)
    goes_on(place, tokenizer)


def _check(giving: Giving, index: Path, fault: Fault, said: str, status: int) -> None:
    found = given_to(index)
    assert found in (giving.before, giving.after)
    if fault.how in ("before", "after"):
        assert status == -signal.SIGKILL
    else:
        assert not said or TOLD.match(said) or "make room" in said, said
        assert said or found == giving.after  # what was acknowledged is there


def goes_on(place: Path, tokenizer: Tokenizer) -> None:
    """Check that after the last fault one can go on giving, and build."""
    index = place / "given"
    upload(index, "再.txt", "高新区的又一份。\n")
    judge(index, "later")
    found = given_to(index)
    assert "uploads/再.txt" in found.uploads
    assert found.thumbs[-1].id in ("b", "later")
    build(place / "documents", index, Recording(), tokenizer)
    assert verify(index, Recording()).problems == ()
