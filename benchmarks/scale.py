"""Search over 10,000 to a million passages and more: the whole, its parts, and what others take.

Run: python -m benchmarks.scale SQUAD.json... [--passages 10000 100000 1000000] [--folder FOLDER]
     [--python PYTHON] [--only vectors whole rivals]

`--python` names an interpreter that has numpy and the rivals (pip install numpy faiss-cpu==1.15.1
bm25s==0.3.16 langchain-community into an environment of its own); one that it lacks is left out.

Passages are synthetic (`benchmarks.synthetic_index`): their vectors are fitted to those of the
sentences of the files, which are indexed once in the cache folder, and how well they fit is
printed; their words are the files' own clauses. The questions are the files' own. Everything is
built in one process and asked 1,000 distinct questions in another, one after the other, on one
processor. Times of questions are those of the processor, all threads together, so that other
programs count little; of the whole they are also given by the clock. Those of builds are of the
clock. Memory is read from /proc, mapped pages included: Linux only. A million passages take 20 GB
of the disk, and an hour.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.keyword_engines import size_on_disk
from benchmarks.scale_rivals import ASKED, RIVALS, TEXTS, TOKENS

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

QUESTIONS = 1000
"""Distinct questions that everything is asked."""

FILTERED = 100
"""Of these, the questions that are asked again under each filter."""

FILTERS = {"any 1%": 0.01, "topic 1%": 0.01, "any 20%": 0.2, "topic 20%": 0.2}
"""Rows drawn at random; or those nearest to a sentence, of questions that lie far from it."""

SAMPLE = 200
"""Sentences by which a search over vectors measures itself, none of them in the index."""

KINDS = ("vectors", "whole", "rivals")
WHOLE = "whole"

_COLUMNS = "build s | build MB | disk MB | open ms | p50 ms | p95 ms | p99 ms | peak MB | recall@10"
VECTORS_HEADER = (
    f"\n| vectors | {_COLUMNS} | "
    + " | ".join(f"{name}: p95 ms | recall@10" for name in FILTERS)
    + " | |\n|---|"
    + "--:|" * (9 + 2 * len(FILTERS))
    + "---|"
)
RIVALS_HEADER = f"\n| rival | {_COLUMNS} |\n|---|" + "--:|" * 9


class Real(NamedTuple):
    """Real texts, and their vectors as unit rows."""

    sentences: Floats
    questions: Floats
    texts: list[str]
    asked: list[str]


@dataclass(frozen=True)
class Work:
    """What a run does.

    Attributes:
        real: what the synthetic passages are made from, and the questions.
        kinds: which tables.
        python: the interpreter with the rivals.
        parts: which searches over vectors; flat runs first, the others compare with it.
    """

    real: Real
    kinds: Sequence[str]
    python: str
    parts: Sequence[str]


def main() -> None:
    """Make the passages, run every part, print the tables for each size."""
    options = _arguments()
    if options.part:
        print(json.dumps(_child(options.part, options.phase, options.data)))
        return
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    real = read_real(options.files, options.questions)
    work = Work(real, options.only, options.python, options.parts)
    slowest: dict[int, float] = {}
    for count in options.passages:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            for line in lines(Path(name), work, count, slowest):
                print(line, flush=True)


def _arguments() -> argparse.Namespace:
    parts = ("flat", "approximate", "HNSW32,SQ8", "IVF,SQ8")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, help="SQuAD files (.json)")
    parser.add_argument("--passages", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument("--folder", type=Path, help="where temporary files go")
    parser.add_argument("--python", default=sys.executable, help="an interpreter with the rivals")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--phase", choices=("build", "use"), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def read_real(files: Sequence[Path], questions: int) -> Real:
    """Return the contexts of SQuAD files, some of their questions, and the vectors of both."""
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
    texts = list(dict.fromkeys(text for file in read for text in file.contexts))
    return Real(distinct(sentences), open_encoder().encode_queries(asked), texts, asked)


def distinct(vectors: Floats) -> Floats:
    """Return unit rows, each once, in a random order that is always the same."""
    rows = np.unique(vectors, axis=0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.random.default_rng(3).permutation(rows), dtype=np.float32)


def lines(folder: Path, work: Work, count: int, slowest: dict[int, float]) -> Iterator[str]:
    """Yield what is printed for one size; the p95 of the whole goes into `slowest`."""
    yield from write_data(folder, work.real, count)
    if "vectors" in work.kinds:
        yield VECTORS_HEADER
        yield from _vectors(folder, work.parts)
    if work.kinds == ["vectors"]:
        return
    built = _run(sys.executable, WHOLE, "build", folder)
    if WHOLE in work.kinds:
        used = _run(sys.executable, WHOLE, "use", folder)
        slowest[count] = float(np.percentile(used["times"], 95))
        yield from _whole(built, used, slowest)
    if "rivals" in work.kinds:
        yield RIVALS_HEADER
        yield from _rivals(folder, work.python)


def write_data(folder: Path, real: Real, count: int) -> Iterator[str]:
    """Write what the parts read, and yield how well the synthetic vectors fit."""
    from benchmarks.scale_parts import VECTORS
    from benchmarks.synthetic_vectors import REAL, fitted, nearness_to
    from embeddings.halves import write_halves

    kept = real.sentences[: min(REAL, len(real.sentences) - SAMPLE)]
    corpus, found, wanted = fitted(kept, count)
    yield (
        f"\n{count:,} passages; mean cosines to the 1st, 10th, 100th neighbour {_three(found)}, of "
        f"real sentences {_three(wanted)}: 1st and 10th off by {found.error(wanted):.1%}, what is "
        f"missing to 1 by {found.error_of_angles(wanted):.1%}"
    )
    vectors = corpus.vectors()
    some = real.questions[:FILTERED]
    near, among = nearness_to(vectors, some), nearness_to(kept, some)
    yield f"of questions {_three(near)}, among real sentences {_three(among)}"
    np.savez(folder / "real.npz", sentences=kept)
    np.save(folder / "queries.npy", real.questions)
    np.save(folder / "sample.npy", real.sentences[-SAMPLE:])
    fit = {name: getattr(corpus, name) for name in ("rows", "member", "spread", "family")}
    texts = {"fit": fit, "texts": real.texts, "asked": real.asked}
    (folder / "source.json").write_text(json.dumps(texts), encoding="utf-8")
    np.savez(folder / "filters.npz", **_filters(vectors, real))  # type: ignore[arg-type]
    write_halves(folder / VECTORS, [vectors], (count, vectors.shape[1]))


def _three(near: Sequence[float]) -> str:
    return " ".join(f"{cosine:.4f}" for cosine in near)


def _filters(vectors: Floats, real: Real) -> dict[str, Numbers]:
    """Return the rows that each filter keeps, and under ``asked NAME`` which questions it gets."""
    drawn = np.random.default_rng(4)
    topic = real.sentences[0]
    order = np.argsort(-(vectors @ topic), kind="stable")
    far = np.argsort(real.questions @ topic, kind="stable")[:FILTERED]
    found = {}
    for name, share in FILTERS.items():
        size = max(1, round(share * len(vectors)))
        clustered = name.startswith("topic")
        rows = order[:size] if clustered else drawn.choice(len(vectors), size, replace=False)
        found[name] = np.sort(rows)
        found[f"asked {name}"] = far if clustered else np.arange(min(FILTERED, len(real.questions)))
    return found


def _vectors(folder: Path, parts: Sequence[str]) -> Iterator[str]:
    from embeddings.passage_vectors import is_exact

    first: dict[str, Any] | None = None
    count = json.loads((folder / "source.json").read_text("utf-8"))["fit"]["rows"]
    chosen = "flat" if is_exact(count) else "approximate"
    for name in sorted(parts, key=lambda part: part != "flat"):
        row = _both(sys.executable, name, folder)
        if name == "flat":
            first = row
        cells = _cells(row, first)
        for kept in FILTERS:
            cells += [f"{np.percentile(row['filtered'][kept], 95):.2f}", _recall(row, first, kept)]
        shown = f"**{name}**" if name == chosen else name
        yield f"| {shown} | {' | '.join([*cells, row['about']])} |"


def _rivals(folder: Path, python: str) -> Iterator[str]:
    found = np.load(folder / "exact.npy").tolist() if (folder / "exact.npy").exists() else None
    for name, rival in RIVALS.items():
        if not _installed(python, rival.needs):
            yield f"| {name} | not installed in {python}: left out |"
            continue
        row = _both(python, name, folder)
        compared = found is not None and rival.by_vectors
        cells = _cells(row, {"found": {"": found}} if compared else None)
        yield f"| {name} | {' | '.join(cells)} |"


def _whole(built: dict[str, Any], used: dict[str, Any], slowest: dict[int, float]) -> Iterator[str]:
    """Yield the table of the whole: a line for it, and one for each part of it."""
    from benchmarks.scale_whole import PARTS

    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    yield (
        f"\nwhole: published in {built['publish']:.0f} s ({built['build_memory']:.0f} MB), all "
        f"made in {built['build']:.0f} s; generation {built['disk']:.0f} MB, catalogue "
        f"{built['catalogue']:.0f} MB; opening {used['open']:.2f} s; peak {used['memory']:.0f} MB "
        f"after {len(used['times']):,} questions; recall@10 of the vectors {used['recall']:.4f}; "
        f"of its ten hits {used['same']:.4f} are those of exact vectors; load {load}"
    )
    yield "\n| part of bot.retrieve | p50 ms | p95 ms | p99 ms |\n|---|--:|--:|--:|"
    rest = [t - sum(own.values()) for t, own in zip(used["times"], used["parts"], strict=True)]
    columns = {name: [own[name] for own in used["parts"]] for name in PARTS}
    clock = {"whole, by the clock": used["clock"]}
    for name, times in {"whole": used["times"], **clock, **columns, "ranking": rest}.items():
        yield f"| {name} | {' | '.join(_quantiles(times))} |"
    if len(slowest) > 1:
        (before, fast), (_, slow) = list(slowest.items())[-2:]
        yield f"\np95 of the whole is {slow / fast:.2f} times that at {before:,} passages"


def _quantiles(times: Sequence[float]) -> list[str]:
    return [f"{value:.2f}" for value in np.percentile(times, [50, 95, 99])]


def _cells(row: dict[str, Any], first: dict[str, Any] | None) -> list[str]:
    return [
        f"{row['build']:.1f}", f"{row['build_memory']:.0f}", f"{row['disk']:.0f}",
        f"{row['open']:.1f}", *_quantiles(row["times"]), f"{row['memory']:.0f}",
        _recall(row, first, ""),
    ]  # fmt: skip


def _recall(row: dict[str, Any], first: dict[str, Any] | None, kept: str) -> str:
    """Return how much of what `first` has found a part finds too."""
    if first is None:
        return "-"
    return f"{overlap(row['found'][kept], first['found'][kept]):.3f}"


def overlap(found: Sequence[Sequence[int]], wanted: Sequence[Sequence[int]], k: int = 10) -> float:
    """Return the mean share of the first `k` rows wanted that stand among the first `k` found."""
    pairs = zip(found, wanted, strict=True)
    return float(np.mean([len(set(a[:k]) & set(b[:k])) / len(b[:k]) for a, b in pairs if b]))


def _installed(python: str, modules: Sequence[str]) -> bool:
    test = f"all(importlib.util.find_spec(name) for name in {tuple(modules)!r})"
    found = f"import importlib.util, sys; sys.exit(not {test})"
    return subprocess.run([python, "-c", found]).returncode == 0


def _both(python: str, name: str, folder: Path) -> dict[str, Any]:
    return {**_run(python, name, "build", folder), **_run(python, name, "use", folder)}


def _run(python: str, name: str, phase: str, folder: Path) -> dict[str, Any]:
    """Run one phase of a part in a process of its own, and return what it measured."""
    command = [python, "-m", "benchmarks.scale", "--part", name, "--phase", phase]
    threads = {} if phase == "build" else {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "--data", str(folder)], check=True, stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1], env={**os.environ, **threads},
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _child(name: str, phase: str, folder: Path) -> dict[str, Any]:
    if phase == "use":
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if name == WHOLE:
        return _build_whole(folder) if phase == "build" else _use_whole(folder)
    part = _part(name, folder)
    before, start = _peak(), time.perf_counter()
    if phase == "build":
        part.folder.mkdir()
        part.build()
        seconds, disk = time.perf_counter() - start, size_on_disk(part.folder) / 1e6
        return {"build": seconds, "build_memory": _peak() - before, "disk": disk}
    return _use(part, name in RIVALS, folder)


def _part(name: str, folder: Path) -> Any:
    if name in RIVALS:
        return RIVALS[name](folder)
    from benchmarks.scale_parts import PARTS

    return PARTS[name](folder)


def _use(part: Any, rival: bool, folder: Path) -> dict[str, Any]:
    start = time.perf_counter()
    part.open()
    row: dict[str, Any] = {"open": 1000 * (time.perf_counter() - start)}
    queries = np.load(folder / "queries.npy")
    found, filtered = {}, {}
    asked = list(enumerate(queries)) if rival else [(query,) for query in queries]
    found[""], row["times"] = _ask(part, asked)
    row["memory"] = _peak()
    if rival:
        return {**row, "found": found}
    if isinstance(part, _flat()):
        np.save(folder / "exact.npy", np.array(found[""]))
    with np.load(folder / "filters.npz") as filters:
        for kept in FILTERS:
            rows, some = filters[kept], queries[filters[f"asked {kept}"]]
            found[kept], filtered[kept] = _ask(part, [(query, rows) for query in some])
    return {**row, "found": found, "filtered": filtered, "about": part.about()}


def _flat() -> type:
    from benchmarks.scale_parts import Flat

    return Flat


def _ask(part: Any, asked: Sequence[tuple[Any, ...]]) -> tuple[list[list[int]], list[float]]:
    """Return the rows found for each question, and the milliseconds that it took."""
    found, times = [], []
    for given in asked:
        start = time.process_time()
        rows = part.use(*given)
        times.append(1000 * (time.process_time() - start))
        found.append([int(row) for row in rows])
    return found, times


def _build_whole(folder: Path) -> dict[str, Any]:
    from benchmarks.synthetic_index import INDEX, write_index

    source, asked = read_source(folder)
    start = time.perf_counter()
    report = write_index(folder, source)
    seconds, memory = time.perf_counter() - start, _peak()
    index = folder / INDEX
    _write_texts(folder, source, asked)
    return {
        "build": seconds, "publish": report.seconds, "build_memory": memory,
        "disk": size_on_disk(index / "generations") / 1e6,
        "catalogue": (index / "library.db").stat().st_size / 1e6,
    }  # fmt: skip


def read_source(folder: Path) -> tuple[Any, list[str]]:
    """Return what the index is made from (`synthetic_index.Source`), and the questions."""
    from benchmarks.synthetic_index import ClauseTokenizer, Source, Words
    from benchmarks.synthetic_vectors import Corpus
    from embeddings.encoder import open_encoder
    from embeddings.model import home

    known = json.loads((folder / "source.json").read_text("utf-8"))
    with np.load(folder / "real.npz") as real:
        corpus = Corpus(real["sentences"], **known["fit"])
    tokenizer = ClauseTokenizer(home() / "jieba")
    words = Words.of(known["texts"], tokenizer)
    return Source(corpus, words, open_encoder(), tokenizer), known["asked"]


def _write_texts(folder: Path, source: Any, asked: Sequence[str]) -> None:
    """Write texts and tokens of all passages, one a line, and the questions' tokens."""
    from itertools import islice

    passages = islice(source.words.passages(source.corpus.seed), source.corpus.rows)
    with (
        (folder / TEXTS).open("w", encoding="utf-8") as texts,
        (folder / TOKENS).open("w") as tokens,
    ):
        for sentences in passages:
            text = "".join(sentences)
            texts.write(text + "\n")
            tokens.write(" ".join(source.tokenizer.tokens(text)) + "\n")
    cut = [source.tokenizer.tokens(question) for question in asked]
    (folder / ASKED).write_text(json.dumps(cut), encoding="utf-8")


def _use_whole(folder: Path) -> dict[str, Any]:
    from benchmarks.scale_whole import ask_all
    from benchmarks.synthetic_index import INDEX

    asked = json.loads((folder / "source.json").read_text("utf-8"))["asked"]
    return ask_all(folder / INDEX, asked, _peak)


def _peak() -> float:
    """Return the most memory that this process has held so far, mapped pages included, in MB."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1000


if __name__ == "__main__":
    main()
