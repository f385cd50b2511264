"""Starts builds that meet a fault: a process that has all libraries warm and forks for each order.

It reads one order a line, as JSON, and answers each with one line. It is not the process of the
tests: that one has threads, and a fork of it could wait for ever for a lock that one of them held.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from embeddings import build as building
from embeddings import words
from embeddings.errors import WenjuError
from embeddings.lexical import Tokenizer
from embeddings.model import home
from tests.embeddings.building import write
from tests.kills.events import Events, Fault, limit_files
from tests.kills.scenarios import act

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Order:
    """What a process shall do, and which fault it meets, or when it ends.

    Attributes:
        action: see `scenarios.act`.
        documents, index: the folders.
        fault: what happens to it, or None.
        seconds: when to end it from outside, or None.
    """

    action: str
    documents: str
    index: str
    fault: Fault | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a process ended.

    Attributes:
        status: 0, or minus the signal that ended it.
        events: names of its events; empty when it was killed.
        said: the error that it ended with, with its class; empty when it did not.
        seconds: how long it ran.
    """

    status: int
    events: tuple[str, ...]
    said: str
    seconds: float


def carry_out(order: Order, tokenizer: Tokenizer) -> Outcome:
    """Do it in a process that may be killed."""
    reading, writing = os.pipe()
    began = time.monotonic()
    process = os.fork()
    if process == 0:
        os._exit(_in_child(order, tokenizer, writing))
    os.close(writing)
    if order.seconds is not None:
        time.sleep(order.seconds)
        os.kill(process, signal.SIGKILL)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        told = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    events, said = json.loads(told) if told else ((), "")
    return Outcome(status, tuple(events), said, time.monotonic() - began)


def _in_child(order: Order, tokenizer: Tokenizer, writing: int) -> int:
    events, said = Events(order.fault, Path(order.index)), ""
    try:
        events.install()
        act(order.action, Path(order.documents), Path(order.index), tokenizer)
    except WenjuError as error:
        said = f"{type(error).__name__}: {error}"
    except BaseException:  # noqa: BLE001 - this process ends here, and says why
        limit_files()
        traceback.print_exc()
        return 1
    with os.fdopen(writing, "w", encoding="utf-8") as pipe:
        json.dump([events.names, said], pipe)
    return 0


def _begin() -> Tokenizer:
    """Have builds commit more often; return what all of them use."""
    logging.disable()
    building.BATCH, words._COMMIT_EVERY = 5, 9
    return Tokenizer(home() / "jieba")


def perform(orders: Sequence[Sequence[str]]) -> None:
    """Act in this process, without a fault: each order is an action and its two folders."""
    tokenizer = _begin()
    for action, documents, index in orders:
        act(action, Path(documents), Path(index), tokenizer)


def serve() -> None:
    """Carry out the orders of standard input, one after the other."""
    tokenizer = _begin()
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "documents" / "warm.txt", "濟南天橋區有21家企業。\n\n产业园在建。\n")
        act("build", Path(folder) / "documents", Path(folder) / "index", tokenizer)
    gc.collect()
    gc.freeze()  # else each child copies what its collector looks at
    for line in sys.stdin:
        fields = json.loads(line)
        fault = fields.pop("fault")
        outcome = carry_out(Order(**fields, fault=Fault(**fault) if fault else None), tokenizer)
        sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
        sys.stdout.flush()


class Server:
    """The other end: a running server, as its user sees it."""

    def __init__(self, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self._process, self._errors = process, errors

    def run(self, order: Order) -> Outcome:
        """Have an order carried out; a failure that is no kill is an error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(order)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        outcome = Outcome(**json.loads(line)) if line else None
        if outcome is None or outcome.status not in (0, -signal.SIGKILL):
            self._errors.seek(0)
            raise AssertionError(f"{order} failed: {self._errors.read()}")
        return outcome


@contextmanager
def serving() -> Iterator[Server]:
    """Start a server; it ends with the block."""
    # With threads of OpenMP a fork would hang in FAISS.
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "tests.kills.server"], cwd=ROOT, env={**os.environ, **single},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
        ) as process,
    ):  # fmt: skip
        yield Server(process, errors)
        assert process.stdin is not None
        process.stdin.close()


if __name__ == "__main__":
    perform(json.loads(sys.argv[1])) if len(sys.argv) > 1 else serve()
