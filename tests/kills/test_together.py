"""Two builders that are killed now and then, a server and readers share one index.

No answer mixes generations, none fails, and nothing that was acknowledged is lost. Some seconds by
default; as many as WENJU_TOGETHER says, ten minutes in `make torture`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from embeddings.build import build
from embeddings.lexical import Tokenizer
from embeddings.store import IndexFolder
from embeddings.uploads import Uploads
from embeddings.verify import verify
from qa.feedback import FeedbackStore
from tests.embeddings.building import Recording, write
from tests.kills.scenarios import text_of
from tests.kills.state import QUESTIONS, face_of
from tests.kills.together import DOCUMENTS, END, INDEX
from tests.tally import Tally, tally

SECONDS = float(os.environ.get("WENJU_TOGETHER", "3"))

FAILURES = ("failed", "problems", "warned", "refused")
"""Notes of which there must be none."""

SLOWEST = 60
"""Seconds that a busy machine may take more until enough was done."""

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs SIGKILL")


class Processes:
    """Those that share an index; a builder that was killed is started again."""

    def __init__(self, folder: Path, latest: float) -> None:
        self._folder, self._latest = folder, latest
        self.builders = {name: self.start("builder", name) for name in "甲乙"}
        self.others = [self.start("reader", "1"), self.start("reader", "2")]
        self.server = self.start("server", "")
        self.killed = 0

    def start(self, role: str, name: str) -> subprocess.Popen[str]:
        arguments = [role, str(self._folder), name, str(self._latest)]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.kills.together", *arguments], cwd=ROOT, text=True,
            stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    def kill_one(self, name: str) -> None:
        """Kill a builder where it is, and start another."""
        process = self.builders[name]
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.killed += 1
        self.builders[name] = self.start("builder", name)

    def end(self) -> None:
        """Wait for all; each must have ended well."""
        for process in (*self.builders.values(), *self.others, self.server):
            errors = process.communicate(timeout=60)[1]
            assert process.returncode == 0, errors


def notes(folder: Path) -> list[tuple[str, object]]:
    found = []
    for path in folder.glob("*.log"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.endswith("]"):  # the last of one that was killed may be half
                what, value = json.loads(line)
                found.append((what, value))
    return found


def url_in(folder: Path) -> str:
    """Wait for the server's address, a minute at most."""
    until = time.time() + 60
    while time.time() < until:
        for what, value in notes(folder):
            if what == "url":
                return str(value)
        time.sleep(0.1)
    raise AssertionError("the server does not start")


def ask(client: httpx.Client, tried: Tally) -> None:
    """Ask the server; every citation must be what the document says, while it is there."""
    with tried.trying("asked over HTTP"):
        found = client.post("/api/ask", json={"question": QUESTIONS[0]})
        assert found.status_code == 200, found.text
        for citation in found.json()["citations"]:
            document = client.get(f"/api/documents/{citation['document']}")
            assert document.status_code in (200, 404), document.text
            if document.status_code == 200:
                text = document.json()["text"]
                assert text[citation["start"] : citation["end"]] == citation["quote"]


@pytest.mark.timeout(1800)
def test_two_builders_a_server_and_readers_at_once(tmp_path: Path, tokenizer: Tokenizer) -> None:
    for name in "甲乙":
        write(tmp_path / DOCUMENTS / f"{name}9.txt", text_of(f"{name}9", 1))
    build(tmp_path / DOCUMENTS, tmp_path / INDEX, Recording(), tokenizer)
    chance, began = random.Random(1), time.time()
    processes = Processes(tmp_path, began + SECONDS + SLOWEST)
    kind = "two builders, killed now and then, a server and readers: answers compared"
    with tally(kind) as tried, httpx.Client(base_url=url_in(tmp_path), trust_env=False) as client:
        due = time.time() + 2
        while time.time() < began + SECONDS or not is_enough(notes(tmp_path)):
            assert time.time() < began + SECONDS + SLOWEST, "nothing is built, or nobody follows"
            ask(client, tried)
            if time.time() > due and (processes.killed == 0 or SECONDS > 60):
                processes.kill_one(chance.choice("甲乙"))
                due = time.time() + chance.uniform(2, 5)
        (tmp_path / END).touch()
        processes.end()
        found = notes(tmp_path)
        check_said(found, tried)
    check_end(tmp_path, tokenizer, found)


def is_enough(found: list[tuple[str, object]]) -> bool:
    """Tell whether something was built, and at least two generations answered."""
    generations = {
        tuple(value[:2]) for what, value in found if what == "said" and isinstance(value, list)
    }
    built = any(what in ("build", "full") for what, _ in found)
    failed = any(what in FAILURES for what, _ in found)
    return failed or (built and len(generations) > 1)


def check_said(found: list[tuple[str, object]], tried: Tally) -> None:
    """Check that each generation said one thing, whoever asked, and that nothing failed."""
    counted = Counter(what for what, _ in found)
    for what in FAILURES:
        assert not counted[what], [value for kind, value in found if kind == what]
    said: dict[tuple[object, ...], str] = {}
    for what, value in found:
        if what == "said":
            assert isinstance(value, list)
            *generation, digest = value
            with tried.trying(f"generation {generation}"):
                assert said.setdefault(tuple(generation), digest) == digest
    assert is_enough(found), "the builders have to build, the readers to follow"


def check_end(folder: Path, tokenizer: Tokenizer, found: list[tuple[str, object]]) -> None:
    """Check that nothing that was acknowledged is lost, and that the index is as a fresh one."""
    index = folder / INDEX
    thumbs = {one.id for one in FeedbackStore(index).all()}
    uploads = {entry.source for entry in Uploads(index).entries()}
    assert {value for what, value in found if what == "thumb"} <= thumbs
    assert {value for what, value in found if what == "uploaded"} <= uploads
    build(folder / DOCUMENTS, index, Recording(), tokenizer, prune=True)
    assert verify(index, Recording()).problems == ()
    numbers = IndexFolder(index).numbers()
    assert len(numbers) <= 2
    assert {path.name for path in (index / "generations").iterdir()} == {f"{n:06}" for n in numbers}
    face_of(index, tokenizer)
