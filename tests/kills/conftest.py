"""One server and one place for the tests of a file, and the scenarios that they are about."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from embeddings.lexical import Tokenizer
from tests.kills.killing import Killing
from tests.kills.scenarios import NAMES, prepare
from tests.kills.server import Order, Server, serving


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    # In memory where there is such a disk: a killed process loses nothing that a disk would keep.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module", params=NAMES)
def killing(
    request: pytest.FixtureRequest, place: Path, server: Server, tokenizer: Tokenizer
) -> Killing:
    folder = place / request.param
    scenario = prepare(request.param, folder, tokenizer)
    index = scenario.copy(folder / "index")
    whole = server.run(Order(scenario.action, str(scenario.documents), str(index)))
    return Killing(scenario, index, server, tokenizer, whole)
