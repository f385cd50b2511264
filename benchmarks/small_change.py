"""What a small change of a big index costs, step by step, beside writing it whole.

Run: python -m benchmarks.small_change [--passages 100000 1000000] [--folder FOLDER]

The index is that of `benchmarks.synthetic_index`, over random unit vectors: nothing here depends on
what they say. Some files are then changed, several times, and built by the real build; once more as
it is where a generation is written whole. Encoding, which is none here, is not counted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.synthetic_index import DOCUMENTS, INDEX, Source, Words, change, rebuild, write_index
from benchmarks.synthetic_vectors import Corpus
from embeddings import growable
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from embeddings.model import home
from embeddings.store import Generation, IndexFolder

STEPS = {
    "list": "embeddings.build:list_roots",
    "scan": "embeddings.scan:Scan.run",
    "plan": "embeddings.next_generation:NextGeneration.__init__",
    "texts": "embeddings.next_generation:NextGeneration.wanted",
    "encode": "benchmarks.synthetic_index:SyntheticEncoder.encode_passages",
    "write": "embeddings.next_generation:NextGeneration.write",
    "of it link": "embeddings.grown:_Writing.keep",
    "of it check": "embeddings.grown:check",
    "publish": "embeddings.store:IndexFolder.publish",
    "accept": "embeddings.catalogue:Catalogue.accept",
    "forget": "embeddings.next_generation:NextGeneration.forget_others",
}
"""Functions that are timed, by what they do."""

HEADER = "| build | " + " | ".join(STEPS) + " | all | without encoding | pieces | deleted |"


def main() -> None:
    """Make an index of each size, change it, and print what each build took."""
    options = _arguments()
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    for count in options.passages:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            print(f"\n{count:,} passages\n\n{HEADER}\n|---|{'--:|' * (len(STEPS) + 4)}")
            for line in lines(Path(name), count, options.changed, options.times):
                print(line, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--passages", type=int, nargs="+", default=[100_000])
    parser.add_argument("--changed", type=int, default=1000, help="passages of a change")
    parser.add_argument("--times", type=int, default=4, help="changes, one after the other")
    parser.add_argument("--folder", type=Path, help="where temporary files go")
    return parser.parse_args()


def lines(folder: Path, count: int, changed: int, times: int) -> Iterator[str]:
    """Yield the table's lines for one size."""
    source = source_of(count)
    yield _line("first", folder, lambda: write_index(folder, source))
    yield _line("nothing", folder, lambda: rebuild(folder, source))
    for number in range(times):
        change(folder, source, changed, seed=number)
        yield _line(f"change {number + 1}", folder, lambda: rebuild(folder, source))
    _move(folder)
    yield _line("a file moved", folder, lambda: rebuild(folder, source))
    change(folder, source, changed, seed=times)
    growable.WHOLE_UP_TO, before = 10**12, growable.WHOLE_UP_TO
    yield _line("whole", folder, lambda: rebuild(folder, source))
    growable.WHOLE_UP_TO = before


def source_of(count: int) -> Source:
    """Return what an index of so many passages is made from."""
    drawn = np.random.default_rng(5).normal(size=(2000, 384)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    characters = "".join(map(chr, range(0x4E00, 0x4E00 + 382)))
    tokenizer = Tokenizer(home() / "jieba")
    return Source(
        Corpus(drawn, count), Words.of(_texts(), tokenizer), CountingEncoder(characters), tokenizer
    )


def _texts() -> Sequence[str]:
    """Return the seeds, and clauses that were shuffled out of them."""
    folder = Path(__file__).parents[1] / "seeds"
    return [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt"))]


def _move(folder: Path) -> None:
    path = next(iter(sorted((folder / DOCUMENTS).rglob("*.txt"))))
    path.rename(path.with_name("moved.txt"))


def _line(name: str, folder: Path, act: Callable[[], object]) -> str:
    with timed() as seconds:
        start = time.perf_counter()
        act()
        whole = time.perf_counter() - start
    generation = Generation(IndexFolder(folder / INDEX).current())
    deleted = sum(piece.about.deleted for piece in generation.pieces)
    cells = [f"{seconds[step]:.2f}" for step in STEPS]
    cells += [f"{whole:.1f}", f"{whole - seconds['encode']:.1f}"]
    cells += [str(len(generation.pieces)), str(deleted)]
    generation.close()
    return f"| {name} | {' | '.join(cells)} |"


@contextmanager
def timed() -> Iterator[dict[str, float]]:
    """Count the seconds that the functions of `STEPS` take."""
    seconds: dict[str, float] = dict.fromkeys(STEPS, 0.0)
    undone = []
    for step, where in STEPS.items():
        module, _, path = where.partition(":")
        owner: Any = importlib.import_module(module)
        *parents, name = path.split(".")
        for parent in parents:
            owner = getattr(owner, parent)
        undone.append((owner, name, getattr(owner, name)))
        setattr(owner, name, _timing(getattr(owner, name), step, seconds))
    try:
        yield seconds
    finally:
        for owner, name, function in undone:
            setattr(owner, name, function)


def _timing(
    function: Callable[..., Any], step: str, seconds: dict[str, float]
) -> Callable[..., Any]:
    def run(*given: Any, **named: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*given, **named)
        finally:
            seconds[step] += time.perf_counter() - start

    return run


if __name__ == "__main__":
    main()
