"""A scenario that meets one fault after the other, each time from its beginning."""

from __future__ import annotations

import re
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from embeddings.lexical import Tokenizer
from tests.kills.checks import check_cut_off, finish
from tests.kills.events import Fault, gone_of
from tests.kills.scenarios import Scenario
from tests.kills.server import Order, Outcome, Server

TOLD = re.compile(
    r"(IndexWriteError|IndexDamagedError|IndexMissingError): .*(make room|allow writing|wenju build|--index)"
)
"""What a process says whose disk refuses: where, and what to do."""


@dataclass(frozen=True, slots=True)
class Killing:
    """A scenario, what its action does when it is left alone, and the index that meets faults."""

    scenario: Scenario
    index: Path
    server: Server
    tokenizer: Tokenizer
    whole: Outcome

    def order(self, fault: Fault | None = None, seconds: float | None = None) -> Order:
        documents, index = str(self.scenario.documents), str(self.index)
        return Order(self.scenario.action, documents, index, fault, seconds)

    def at(self, kill: Fault) -> None:
        """Kill at an event, and check everything."""
        self.scenario.copy(self.index)
        assert self.server.run(self.order(kill)).status == -signal.SIGKILL
        here = kill.event + (kill.how == "after")
        published = here > self.whole.events.index("replace CURRENT")
        check_cut_off(self.scenario, self.index, self.tokenizer, published)
        finish(self.scenario, self.index, self.tokenizer)

    def after(self, seconds: float) -> None:
        """Kill at an instant that may be any, and check what is there; it is not finished."""
        ended = self.server.run(self.order(seconds=seconds)).status == 0
        check_cut_off(self.scenario, self.index, self.tokenizer, True if ended else None)

    def refused(self, fault: Fault) -> str:
        """Have the disk refuse something, check everything, and return what was said of it."""
        self.scenario.copy(self.index)
        said = self.server.run(self.order(fault)).said
        assert not said or TOLD.match(said), said
        check_cut_off(self.scenario, self.index, self.tokenizer, None if said else True)
        finish(self.scenario, self.index, self.tokenizer)
        return said

    def vanished(self, fault: Fault) -> str:
        """Have the index go away, come back afterwards, and check it; return what was said."""
        shutil.rmtree(gone_of(self.index), ignore_errors=True)
        self.scenario.copy(self.index)
        said = self.server.run(self.order(fault)).said
        assert not said or TOLD.match(said), said
        if gone_of(self.index).exists():
            shutil.rmtree(self.index, ignore_errors=True)
            gone_of(self.index).rename(self.index)
        check_cut_off(self.scenario, self.index, self.tokenizer, None)
        finish(self.scenario, self.index, self.tokenizer)
        return said
