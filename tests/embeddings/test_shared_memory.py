"""Processes that search one index hold its files once; where files cannot be mapped it works too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from embeddings import approximate, halves
from embeddings.approximate import ApproximateIndex
from embeddings.halves import write_halves

ROWS, DIMENSIONS = 20_000, 96

_READER = """
import json, sys
from pathlib import Path
import numpy as np
from embeddings import halves
from embeddings.approximate import ApproximateIndex, Approximation

folder, halves.MAPPED = Path(sys.argv[1]), int(sys.argv[2])
about = Approximation.read(json.loads((folder / "about.json").read_text()))
index = ApproximateIndex.open(folder, about)
for query in np.load(folder / "queries.npy"):
    index.search(query, 60)

def report():
    found, name = {}, ""
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first, *others = line.split()
        if not first.endswith(":"):
            name = Path(others[-1]).name if len(others) == 5 else ""
        elif name.startswith("vectors."):
            own = found.setdefault(name, {})
            own[first[:-1]] = own.get(first[:-1], 0) + int(others[0]) if others[0].isdigit() else 0
    print(json.dumps(found), flush=True)

print("ready", flush=True)
for _ in sys.stdin:
    report()
"""


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    drawn = np.random.default_rng(1).normal(size=(ROWS, DIMENSIONS))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, vectors: NDArray[np.float32]) -> Path:
    path = tmp_path_factory.mktemp("index")
    write_halves(path / "vectors.npy", [vectors], vectors.shape)
    with pytest.MonkeyPatch.context() as smaller:
        smaller.setattr(approximate, "LISTS", 0.5)
        about = ApproximateIndex.write(path, vectors[::200])
    (path / "about.json").write_text(json.dumps(about.to_json()))
    np.save(path / "queries.npy", vectors[:200])
    return path


def smaps(folder: Path, mapped: int) -> list[dict[str, dict[str, int]]]:
    """Return what two processes that live at once say of the files: kilobytes by file and kind."""
    with ExitStack() as both:
        command = [sys.executable, "-c", _READER, str(folder), str(mapped)]
        readers = [
            both.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(2)
        ]
        for reader in readers:
            assert _line(reader) == "ready"
        found = []
        for reader in readers:
            assert reader.stdin is not None
            print(file=reader.stdin, flush=True)
            found.append(json.loads(_line(reader)))
        return found


def _line(reader: subprocess.Popen[str]) -> str:
    assert reader.stdout is not None
    return reader.stdout.readline().strip()


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="no /proc")
@pytest.mark.parametrize("mapped", [halves.MAPPED, 0], ids=["mapped", "read"])
def test_two_processes_hold_the_files_once(folder: Path, mapped: int) -> None:
    names = {"vectors.faiss", "vectors.npy"} if mapped else {"vectors.faiss"}
    for held in smaps(folder, mapped):
        assert held.keys() == names
        for name, kilobytes in held.items():
            size = (folder / name).stat().st_size // 1024
            assert kilobytes["Rss"] > size / 2, f"{name} was not read"
            assert kilobytes["Private_Dirty"] <= size / 20  # a page at a map's end may be one's own
            assert kilobytes["Pss"] <= kilobytes["Rss"] * 0.7  # the pages touched differ a little


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows: FAISS maps no inverted file, and rows of a file cannot be read one by one."""
    monkeypatch.setattr(approximate, "_MAPS", False)
    monkeypatch.setattr(halves, "MAPPED", 0)
    monkeypatch.delattr(os, "preadv", raising=False)


def found(folder: Path, queries: NDArray[np.float32]) -> list[tuple[Any, ...]]:
    about = approximate.Approximation.read(json.loads((folder / "about.json").read_text()))
    index = ApproximateIndex.open(folder, about)
    rows = np.arange(0, ROWS, 3)
    every = [index.search(query, 10) for query in queries]
    some = [index.search(query, 10, rows) for query in queries]
    return [(one[0].tolist(), one[1].tolist()) for one in every + some]


@pytest.fixture
def here(folder: Path, vectors: NDArray[np.float32]) -> list[tuple[Any, ...]]:
    return found(folder, vectors[:20])


def test_elsewhere_the_same_is_found(
    folder: Path, vectors: NDArray[np.float32], here: list[tuple[Any, ...]], elsewhere: None
) -> None:
    assert not hasattr(os, "preadv")
    assert found(folder, vectors[:20]) == here
