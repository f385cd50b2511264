"""A build that is killed at any instant: what was published answers, and the next build mends all.

By default a part of the events of each scenario, and 30 random instants; with WENJU_KILLS=300 one
kill before and one after every event, and 300 random instants.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from embeddings.build import build
from embeddings.lexical import Tokenizer
from embeddings.store import IndexFolder
from embeddings.verify import verify
from tests.embeddings.building import Recording
from tests.kills.checks import check_nothing_else, finish
from tests.kills.events import Fault, How
from tests.kills.killing import Killing
from tests.kills.scenarios import NAMES, prepare, write_before
from tests.kills.server import Order, Server
from tests.kills.state import content_of
from tests.tally import tally

RANDOM = int(os.environ.get("WENJU_KILLS", "30"))
ALL = "WENJU_KILLS" in os.environ

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")


def kills(events: Sequence[str]) -> Iterator[Fault]:
    """Yield one kill before and one after every event, or a part of them.

    The part: before and after what publishes; of other renames, and of the first of each row of
    events of one kind, every third; of the rest every fourteenth. Before and after in turns.
    """
    last = ""
    for event, name in enumerate(events):
        kind = name.partition(" ")[0].replace("rmdir", "unlink")
        both = ALL or name == "replace CURRENT"
        turn = event % (3 if kind in ("rename", "replace") or kind != last else 14)
        if both or turn == 0:
            yield Fault(event, "before" if both or event % 2 else "after")
        if both:
            yield Fault(event, "after")
        last = kind


@pytest.mark.timeout(1800)
def test_killed_at_an_event(killing: Killing) -> None:
    events = killing.whole.events
    with tally("killed before or after a commit, fsync, rename or removal of a build") as tried:
        for kill in kills(events):
            note = f"{kill.how} event {kill.event} of {len(events)}: {events[kill.event]}"
            with tried.trying(note):
                killing.at(kill)


@pytest.mark.timeout(1800)
def test_killed_at_an_instant_again_and_again(killing: Killing) -> None:
    chance = random.Random(killing.scenario.name)
    goes_on = killing.scenario.action != "rollback"
    for number in range(RANDOM // len(NAMES)):
        seconds = [
            chance.uniform(0, killing.whole.seconds) for _ in range(1 + number % 2 * goes_on)
        ]
        killing.scenario.copy(killing.index)
        with (
            tally("a build killed at a random instant") as tried,
            tried.trying(f"after {seconds} of {killing.whole.seconds} s"),
        ):
            for one in seconds:
                killing.after(one)
            finish(killing.scenario, killing.index, killing.tokenizer)


@pytest.mark.parametrize(
    ("event", "when", "publishes"),
    [("commit", "after", False), ("close", "before", False), ("rename 000002", "after", True),
     ("replace CURRENT", "before", True)],
)  # fmt: skip
def test_killed_and_the_documents_are_put_back(
    place: Path, server: Server, tokenizer: Tokenizer, event: str, when: How, publishes: bool
) -> None:
    with tempfile.TemporaryDirectory(dir=place) as name:
        scenario = prepare("edited", Path(name), tokenizer)
        content = content_of(scenario.index)
        index = scenario.copy(Path(name) / "index")
        order = Order("build", str(scenario.documents), str(index))
        events = server.run(order).events
        scenario.copy(index)
        assert server.run(replace(order, fault=Fault(events.index(event), when))).status < 0
        shutil.rmtree(scenario.documents)
        write_before(scenario.documents)
        report = build(scenario.documents, index, Recording(), tokenizer)
        assert (report.published, report.encoded) == (publishes, 0)
        assert content_of(index) == content
        assert verify(index, Recording()).problems == ()
        check_nothing_else(IndexFolder(index), report.generation)


def test_what_is_killed_does_all_kinds_of_events(killing: Killing) -> None:
    kinds = {name.partition(" ")[0] for name in killing.whole.events}
    assert {"fsync", "replace", "unlink"} <= kinds
    if killing.scenario.action != "rollback":
        assert {"commit", "close", "rename"} <= kinds
    if killing.scenario.name == "leftovers":
        removed = [name for name in killing.whole.events if name.endswith(".removed")]
        assert [n for n in removed if n.startswith("rename")] == [
            "rename 000001.removed", "rename 000002.removed", "rename 000003.removed",
        ]  # fmt: skip
        assert "rmdir 000007.partial" in killing.whole.events
