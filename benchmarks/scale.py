"""Search over 10,000 to a million passages and more: time, memory, disk and recall of each part.

Run: python -m benchmarks.scale SQUAD.json... [--passages 10000 100000 1000000] [--folder FOLDER]

The vectors are synthetic (`benchmarks.synthetic_vectors`), fitted to those of the sentences of the
files, which are indexed once in the cache folder; how well they fit is printed. The questions are
the files' own. Each part is built in one process and asked 1,000 distinct questions in another,
one after the other, with one thread; times are of the clock, so other programs count. Memory is
read from /proc, mapped pages included: Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.synthetic_vectors import REAL, Corpus, Nearness, fitted, nearness_to
from embeddings.approximate import VECTORS
from embeddings.halves import write_halves
from embeddings.passage_vectors import is_exact

QUESTIONS = 1000
"""Distinct questions that each part is asked."""

FILTERED = 100
"""Of these, the questions that are asked again under each filter."""

SHARE = 0.01
"""Share of the passages that a filter keeps."""

SAMPLE = 200
"""Sentences by which a build measures itself, none of them in the index."""

FILTERS = ("any", "topic")
"""Rows drawn at random, and those nearest to one sentence: questions are mostly about others."""

HEADER = (
    "\n| part | build s | build MB | disk MB | open ms | p50 ms | p95 ms | p99 ms | reader MB "
    "| recall@10 | any 1% p95 ms | recall@10 | topic 1% p95 ms | recall@10 | |\n"
    "|---|" + "--:|" * 13 + "---|"
)

Floats = NDArray[np.float32]


class Real(NamedTuple):
    """Vectors of real texts: sentences, and questions about them, unit rows."""

    sentences: Floats
    questions: Floats


def main() -> None:
    """Make the vectors, run every part, print a table for each size."""
    options = _arguments()
    if options.part:
        print(json.dumps(_child(options.part, options.phase, options.data)))
        return
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    real = read_real(options.files, options.questions)
    for count in options.passages:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            for line in lines(Path(name), real, count, options.only):
                print(line, flush=True)


def _arguments() -> argparse.Namespace:
    from benchmarks.scale_parts import PARTS

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, help="SQuAD files (.json)")
    parser.add_argument("--passages", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument("--folder", type=Path, help="where temporary files go")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--phase", choices=("build", "use"), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def read_real(files: Sequence[Path], questions: int) -> Real:
    """Return the vectors of distinct sentences and of some questions of SQuAD files."""
    from embeddings.encoder import open_encoder
    from embeddings.progress import silence
    from embeddings.store import Generation, IndexFolder
    from qa import squad
    from qa.evaluate import open_contexts

    read = [squad.read_squad(path) for path in files]
    contexts, _ = open_contexts(read, None, silence)
    generation = Generation(IndexFolder(Path(contexts.folder)).current())
    sentences = generation.sentence_vectors(range(generation.manifest.counts["sentences"]))
    generation.close()
    asked = list(dict.fromkeys(one.question.text for file in read for one in file.questions))
    asked = asked[:: max(1, len(asked) // questions)][:questions]
    return Real(distinct(sentences), open_encoder().encode_queries(asked))


def distinct(vectors: Floats) -> Floats:
    """Return unit rows, each once, in a random order that is always the same."""
    rows = np.unique(vectors, axis=0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.random.default_rng(3).permutation(rows), dtype=np.float32)


def lines(folder: Path, real: Real, count: int, parts: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the table for one size; `flat` runs first, the others compare with it."""
    kept = min(REAL, len(real.sentences) - SAMPLE)
    corpus, found, wanted = fitted(real.sentences[:kept], count)
    yield f"\n{count:,} passages; {_fit(found, wanted)}"
    yield _to_questions(write_data(folder, corpus, real), real)
    yield HEADER
    first: dict[str, Any] | None = None
    for name in sorted(parts, key=lambda part: part != "flat"):
        row = {**run(name, "build", folder), **run(name, "use", folder)}
        if name == "flat":
            first = row
            np.save(folder / "found.npy", np.array(row["found"][""]))
        chosen = {"flat": is_exact(count), "approximate": not is_exact(count)}.get(name, False)
        yield to_row(f"**{name}**" if chosen else name, row, first)


def _fit(found: Nearness, wanted: Nearness) -> str:
    return (
        f"cosine to the 1st and 10th neighbour {found.first:.4f} {found.tenth:.4f}, of real "
        f"sentences {wanted.first:.4f} {wanted.tenth:.4f}: off by {found.error(wanted):.1%}, what "
        f"is missing to 1 by {found.error_of_angles(wanted):.1%}"
    )


def _to_questions(vectors: Floats, real: Real) -> str:
    some = real.questions[:FILTERED]
    found, wanted = nearness_to(vectors, some), nearness_to(real.sentences, some)
    return (
        f"cosine of questions to the 1st and 10th {found.first:.4f} {found.tenth:.4f}, among real "
        f"sentences {wanted.first:.4f} {wanted.tenth:.4f}"
    )


def write_data(folder: Path, corpus: Corpus, real: Real) -> Floats:
    """Write what the parts read, and return the vectors, shape (rows, dimensions)."""
    vectors = corpus.vectors()
    write_halves(folder / VECTORS, [vectors], (len(vectors), vectors.shape[1]))
    np.save(folder / "queries.npy", real.questions)
    np.save(folder / "sample.npy", real.sentences[-SAMPLE:])
    size = max(1, round(SHARE * len(vectors)))
    drawn = np.random.default_rng(4).choice(len(vectors), size, replace=False)
    near = np.argpartition(-(vectors @ real.sentences[0]), size - 1)[:size]
    kept = {name: np.sort(rows) for name, rows in zip(FILTERS, (drawn, near), strict=True)}
    np.savez(folder / "filters.npz", **kept)  # type: ignore[arg-type]
    return vectors


def run(name: str, phase: str, folder: Path) -> dict[str, Any]:
    """Run one phase of a part in a process of its own, and return what it measured."""
    command = [sys.executable, "-m", "benchmarks.scale", "--part", name, "--phase", phase]
    threads = {} if phase == "build" else {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "--data", str(folder)], check=True, stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1], env={**os.environ, **threads},
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _child(name: str, phase: str, folder: Path) -> dict[str, Any]:
    from benchmarks.scale_parts import PARTS

    part = PARTS[name](folder)
    before, start = _peak(), time.perf_counter()
    if phase == "build":
        part.folder.mkdir()
        part.build()
        seconds = time.perf_counter() - start
        disk = sum(path.stat().st_size for path in part.folder.iterdir()) / 1e6
        return {"build": seconds, "build_memory": _peak() - before, "disk": disk}
    part.open()
    opening = 1000 * (time.perf_counter() - start)
    queries = np.load(folder / "queries.npy")
    found, times = {}, {}
    found[""], times[""] = _ask(part, queries, None)
    memory = _peak() - before
    with np.load(folder / "filters.npz") as filters:
        for kept in FILTERS:
            found[kept], times[kept] = _ask(part, queries[:FILTERED], filters[kept])
    return {
        "open": opening, "memory": memory, "found": found, "times": times, "about": part.about()
    }  # fmt: skip


def _ask(
    part: Any, queries: Floats, rows: NDArray[np.int64] | None
) -> tuple[list[list[int]], list[float]]:
    """Return the rows found for each question, and the milliseconds that it took."""
    from benchmarks.scale_parts import Asked

    found, times = [], []
    for number, query in enumerate(queries):
        start = time.perf_counter()
        rows_found = part.use(Asked(number, query, rows))
        times.append(1000 * (time.perf_counter() - start))
        found.append(rows_found.tolist())
    return found, times


def _peak() -> float:
    """Return the most memory that this process has held so far, mapped pages included, in MB."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1000


def to_row(name: str, row: dict[str, Any], first: dict[str, Any] | None) -> str:
    """Return the table's line for a part; recall is to the rows that `first` has found."""
    p50, p95, p99 = np.percentile(row["times"][""], [50, 95, 99])
    cells = [
        name, f"{row['build']:.1f}", f"{row['build_memory']:.0f}", f"{row['disk']:.0f}",
        f"{row['open']:.1f}", f"{p50:.2f}", f"{p95:.2f}", f"{p99:.2f}", f"{row['memory']:.0f}",
    ]  # fmt: skip
    searches = first is not None and name != "sentences"
    cells.append(_recall(row, first, "") if searches else "-")
    for kept in FILTERS:
        slow = f"{np.percentile(row['times'][kept], 95):.2f}"
        cells += [slow, _recall(row, first, kept)] if searches else ["-", "-"]
    return f"| {' | '.join([*cells, row['about']])} |"


def _recall(row: dict[str, Any], first: dict[str, Any] | None, kept: str) -> str:
    if first is None:
        return "-"
    return f"{overlap(row['found'][kept], first['found'][kept]):.3f}"


def overlap(found: Sequence[Sequence[int]], wanted: Sequence[Sequence[int]], k: int = 10) -> float:
    """Return the mean share of the first `k` rows wanted that stand among the first `k` found."""
    pairs = zip(found, wanted, strict=True)
    return float(np.mean([len(set(a[:k]) & set(b[:k])) / len(b[:k]) for a, b in pairs if b]))


if __name__ == "__main__":
    main()
