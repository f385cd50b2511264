"""What a build on Ray costs and gives on one machine: texts a second, here and with workers.

Run: python -m benchmarks.ray_build SQUAD.json... [--passages 300] [--workers 1 2] [--rounds 2]

Builds an index over the contexts of SQuAD files, each time anew: in this process with one thread
for each processor, then on a Ray of this machine with so many workers. Texts are passages and
sentences. A build on Ray starts Ray, starts its workers twice (they read, then they encode) and
ends it: the overhead is what that takes. The speed of a stage counts from its first delivery, so
it is that of a long build.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from embeddings.build import build
from embeddings.encoder import Encoder, open_encoder
from embeddings.engine import Engine
from embeddings.lexical import Tokenizer
from embeddings.model import home
from embeddings.progress import Progress
from embeddings.ray_engine import RayEngine
from embeddings.ray_worker import opener

HERE = "this process"


@dataclass
class Stage:
    """When a stage of a build began, and how much was done when, in seconds since the start."""

    began: float
    steps: list[tuple[float, int]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.steps[-1][0] - self.began

    @property
    def waited(self) -> float:
        """How long the first delivery took."""
        return self.steps[0][0] - self.began

    @property
    def rate(self) -> float:
        """Texts a second after the first delivery."""
        (first, done), (last, total) = self.steps[0], self.steps[-1]
        return (total - done) / (last - first) if last > first else float("nan")


@dataclass(frozen=True)
class Run:
    """One build: what it took in all, and its stage of encoding."""

    seconds: float
    texts: int
    encode: Stage


def main() -> None:
    """Build in turn, print the table."""
    options = _arguments()
    encoder, tokenizer = open_encoder(), Tokenizer(home() / "jieba")
    encoder.encode_passages(["热身", "再来"])
    tokenizer.tokens("打开词典")
    ways: dict[str, int | None] = {HERE: None}
    ways |= {f"Ray, {number} worker{'s' * (number > 1)}": number for number in options.workers}
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "documents"
        _write(contexts(options.files, options.passages), root)
        for number in range(options.rounds):
            for name, workers in ways.items():
                index = Path(scratch) / f"{number}-{workers}"
                runs[name].append(_run(root, index, encoder, tokenizer, workers))
    print("\n".join(_table(runs)))


def _run(
    root: Path, index: Path, encoder: Encoder, tokenizer: Tokenizer, workers: int | None
) -> Run:
    started = time.monotonic()
    stages: dict[str, Stage] = {}

    def tell(at: Progress) -> None:
        now = time.monotonic() - started
        stage = stages.setdefault(at.stage, Stage(now))
        if at.done:
            stage.steps.append((now, at.done))

    with _engine(encoder, workers) as engine:
        report = build(root, index, encoder, tokenizer, engine=engine, on_progress=tell)
    return Run(time.monotonic() - started, report.encoded, stages["encode"])


def _engine(encoder: Encoder, workers: int | None) -> AbstractContextManager[Engine | None]:
    return RayEngine(encoder, opener(None), workers=workers) if workers else nullcontext()


def contexts(files: Sequence[Path], most: int) -> Iterator[str]:
    """Yield `most` different contexts of SQuAD files, taken evenly from all."""
    found = [
        paragraph["context"]
        for file in files
        for article in json.loads(file.read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"]
    ]
    step = max(1, len(found) // most)
    yield from list(dict.fromkeys(found[::step]))[:most]


def _write(contexts: Iterator[str], root: Path) -> None:
    root.mkdir()
    for number, context in enumerate(contexts):
        (root / f"{number:05}.txt").write_text(context, encoding="utf-8")


def _table(runs: dict[str, list[Run]]) -> Iterator[str]:
    first = runs[HERE][0]
    yield f"{first.texts} texts of one build; medians of {len(runs[HERE])} rounds."
    yield ""
    yield "| built by | whole build s | texts/s of it | first batch after s | texts/s then |"
    yield "|---|--:|--:|--:|--:|"
    for name, found in runs.items():
        whole = statistics.median(run.seconds for run in found)
        waited = statistics.median(run.encode.waited for run in found)
        rate = statistics.median(run.encode.rate for run in found)
        yield f"| {name} | {whole:.1f} | {first.texts / whole:.1f} | {waited:.1f} | {rate:.1f} |"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--passages", type=int, default=300)
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
