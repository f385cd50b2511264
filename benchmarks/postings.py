"""Keyword engines side by side: own postings, bm25s, tantivy, SQLite FTS5.

Run: python -m benchmarks.postings SQUAD.json... [--passages 100000 1000000] [--python PYTHON]

`--python` names an interpreter that has numpy and the engines (pip install numpy bm25s==0.3.16
tantivy==0.27.0 into an environment of its own); an engine that it lacks is left out.

Passages are whole sentences of the files, drawn at random up to about 60 tokens. Fresh tokens are
mixed in so that the vocabulary goes on growing as it does in the files (Heaps' law). Queries are
the files' questions. All is cut into tokens beforehand. Each engine builds in one process and is
asked in another, one after the other. Times are those of the processor, all threads together, so
that other programs do not count; waiting for the disk is left out. Memory is read from /proc: Linux
only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.keyword_engines import ENGINES, REQUIRED, Engine, size_on_disk

TOKENS = 60
"""Tokens of a passage, about."""

_SENTENCE = re.compile(r"[^。！？!?]+[。！？!?]*")

K = 100
HEADER = (
    "\n| engine | build s | build MB | disk MB | open ms | p50 ms | p95 ms | filtered ms "
    "| reader MB | 1,000 out, 1,000 in: s | top 10 as the first |\n|---|" + "--:|" * 10
)

PATIENCE = 30
"""Seconds after which no more questions are asked of an engine."""

CHANGED = 1000
"""Passages that come in, and as many that go, in a small change."""

FILTERED = 0.01
"""Share of the passages that a filter lets through."""


def main() -> None:
    """Make the passages, run every engine, print a table for each size."""
    options = _arguments()
    if options.engine:
        _child(options.engine, options.phase, options.folder)
        return
    sentences, questions = _read(options.files)
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    for count in options.passages:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            vocabulary = _write_corpus(Path(name), sentences, questions, count)
            print(f"\n{count:,} passages, {vocabulary:,} distinct tokens", flush=True)
            _compare(Path(name), options.python, options.only)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, help="SQuAD files (.json)")
    parser.add_argument("--passages", type=int, nargs="+", default=[100_000])
    parser.add_argument("--python", default=sys.executable, help="an interpreter with the engines")
    parser.add_argument("--only", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--folder", type=Path, help="where temporary files go")
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--phase", choices=("build", "use"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _read(files: Iterable[Path]) -> tuple[list[list[str]], list[list[str]]]:
    """Return the tokens of all sentences and of 200 questions."""
    from embeddings.lexical import Tokenizer
    from embeddings.model import home

    tokenizer = Tokenizer(home() / "jieba")
    contexts: dict[str, None] = {}
    asked: list[str] = []
    for file in files:
        for article in json.loads(file.read_text("utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                contexts[paragraph["context"]] = None
                asked += [item["question"] for item in paragraph["qas"]]
    sentences = [tokenizer.tokens(part) for text in contexts for part in _SENTENCE.findall(text)]
    questions = asked[:: max(1, len(asked) // 200)][:200]
    return [s for s in sentences if s], [tokenizer.tokens(question) for question in questions]


def _write_corpus(
    folder: Path, sentences: list[list[str]], questions: list[list[str]], count: int
) -> int:
    """Write passages.txt, new.txt, questions.json and filter.npy; return how many words differ."""
    generator = np.random.default_rng(4)
    (folder / "questions.json").write_text(json.dumps(questions), encoding="utf-8")
    among = generator.choice(count, int(count * FILTERED), replace=False)
    np.save(folder / "filter.npy", np.sort(among))
    passages = _passages(sentences, count + CHANGED, generator)
    words: set[str] = set()
    for name, size in (("passages.txt", count), ("new.txt", CHANGED)):
        with (folder / name).open("w", encoding="utf-8") as file:
            for tokens in islice(passages, size):
                words.update(tokens)
                file.write(" ".join(tokens) + "\n")
    return len(words)


def _passages(
    sentences: list[list[str]], count: int, generator: np.random.Generator
) -> Iterator[list[str]]:
    scale, power = _heaps(sentences)
    # The sentences bring their own words: what is added is how the law goes on behind them.
    seen, fresh = sum(map(len, sentences)), 0
    for _ in range(count):
        tokens: list[str] = []
        while len(tokens) < TOKENS - 10:
            tokens += sentences[generator.integers(len(sentences))]
        seen += len(tokens)
        # The law's slope: how many of these words would be new in a corpus of real texts. Half of
        # all rare words come back, so twice as many places are taken by them.
        new = generator.poisson(scale * power * seen ** (power - 1) * len(tokens))
        for at in generator.integers(0, len(tokens), 2 * new).tolist():
            again = fresh > 0 and generator.random() < 0.5
            number = int(generator.integers(fresh)) if again else fresh
            fresh += not again
            tokens[at] = f"词{number}"
        yield tokens


def _heaps(sentences: list[list[str]]) -> tuple[float, float]:
    """Return k and b of vocabulary = k * tokens ** b, through a quarter and all of the sentences.

    The sentences are taken in a random order: articles would make it rise in steps.
    """
    order = np.random.default_rng(1).permutation(len(sentences))
    points = []
    for share in (0.25, 1.0):
        taken = [sentences[at] for at in order[: int(len(order) * share)]]
        points.append((sum(map(len, taken)), len({word for s in taken for word in s})))
    (tokens, words), (all_tokens, all_words) = points
    power = float(np.log(all_words / words) / np.log(all_tokens / tokens))
    return all_words / all_tokens**power, power


def _compare(folder: Path, python: str, names: list[str]) -> None:
    print(HEADER)
    first: list[list[int]] | None = None
    for name in names:
        if not _installed(python, name):
            print(f"| {name} | not installed in {python}: left out |")
            continue
        built, used = (_run(python, name, phase, folder) for phase in ("build", "use"))
        first = first or used["top"]
        print(_row(name, built | used, first), flush=True)


def _installed(python: str, name: str) -> bool:
    module = REQUIRED.get(name, "numpy")
    found = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([python, "-c", found]).returncode == 0


def _run(python: str, name: str, phase: str, folder: Path) -> dict[str, Any]:
    command = [python, "-m", "benchmarks.postings", "--engine", name, "--phase", phase]
    done = subprocess.run(
        [*command, "--folder", str(folder)], check=True, stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _child(name: str, phase: str, folder: Path) -> None:
    engine = ENGINES[name](folder)
    print(json.dumps(_build(engine, folder) if phase == "build" else _use(engine, folder)))


def _build(engine: Engine, folder: Path) -> dict[str, Any]:
    before, disk = _peak(), size_on_disk(folder)
    seconds = _seconds(partial(engine.build, _lines(folder / "passages.txt")))
    written = (size_on_disk(folder) - disk) / 1e6
    return {"build": seconds, "build_memory": _peak() - before, "disk": written}


def _use(engine: Engine, folder: Path) -> dict[str, Any]:
    questions = json.loads((folder / "questions.json").read_text(encoding="utf-8"))
    among: NDArray[np.int64] = np.load(folder / "filter.npy")
    before = _peak()
    opening = _seconds(engine.open)
    for question in questions[:3]:
        engine.search(question, K)
    times, top = _ask(engine, questions, None)
    filtered, _ = _ask(engine, questions, among)
    found = {
        "open": 1000 * opening,
        "p50": statistics.median(times),
        "p95": float(np.percentile(times, 95)),
        "filter": statistics.median(filtered),
        "memory": _peak() - before,
        "top": top,
    }
    return found | {"change": _change(engine, folder, len(among))}


def _ask(
    engine: Engine, questions: list[list[str]], among: NDArray[np.int64] | None
) -> tuple[list[float], list[list[int]]]:
    """Return the milliseconds and the best 10 of the questions that fit into `PATIENCE`."""
    times: list[float] = []
    top: list[list[int]] = []
    for question in questions:
        start = time.process_time()
        found = engine.search(question, K, among)
        times.append(1000 * (time.process_time() - start))
        top.append(found[:10])
        if sum(times) > 1000 * PATIENCE:
            break
    return times, top


def _change(engine: Engine, folder: Path, among: int) -> float | None:
    """Return the seconds of a small change, or None where it takes a new build."""
    size = round(among / FILTERED)
    gone = np.sort(np.random.default_rng(5).choice(size, CHANGED, replace=False))
    chosen = set(gone.tolist())
    lines = enumerate(_lines(folder / "passages.txt"))
    old = [tokens for row, tokens in lines if row in chosen]
    try:
        return _seconds(partial(engine.change, gone, old, list(_lines(folder / "new.txt"))))
    except NotImplementedError:
        return None


def _lines(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield line.split()


def _seconds(act: Any) -> float:
    start = time.process_time()
    act()
    return time.process_time() - start


def _peak() -> float:
    """Return the most memory that this process has held so far, mapped pages included, in MB.

    `getrusage` is not asked: a new process starts with its parent's peak there.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


def _row(name: str, row: dict[str, Any], first: list[list[int]]) -> str:
    change = "a new build" if row["change"] is None else f"{row['change']:.2f}"
    return (
        f"| {name} | {row['build']:.1f} | {row['build_memory']:.0f} | {row['disk']:.0f} "
        f"| {row['open']:.1f} | {row['p50']:.1f} | {row['p95']:.1f} | {row['filter']:.1f} "
        f"| {row['memory']:.0f} | {change} | {_overlap(row['top'], first):.3f} |"
    )


def _overlap(top: list[list[int]], first: list[list[int]]) -> float:
    """Return the mean share of the first engine's best 10 that stand in this one's."""
    pairs = zip(first, top, strict=False)
    return statistics.mean(len(set(a) & set(b)) / len(a) for a, b in pairs if a)


if __name__ == "__main__":
    main()
