"""Memory, disk, build time and machines for 1, 10 and 100 million passages, from measured figures.

Run: python -m benchmarks.plan                          # prints the tables
     python -m benchmarks.plan --write                  # puts them into docs/scale.md
     python -m benchmarks.plan --measure SQUAD.json... [--passages 400]

Constants stand in plan_constants.json. With --measure those that a machine can measure in minutes
are measured there: an index over the seeds and contexts of SQuAD files is built half and then
whole, and what the second half added is divided by its passages, so that what is there once does
not count. Speeds are passages a second of one processor's time, so that other programs count
little. Under `whole` stand figures of `benchmarks.scale`, by passages; --measure keeps them, they
are filled in by hand. What is null was not measured, and the tables say so.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.ray_build import contexts
from embeddings.build import BuildReport, build
from embeddings.encoder import Encoder, open_encoder
from embeddings.lexical import Tokenizer
from embeddings.model import home
from embeddings.progress import Progress
from embeddings.store import IndexFolder

CONSTANTS = Path(__file__).with_name("plan_constants.json")
DOCS = Path(__file__).parents[1] / "docs" / "scale.md"
BEGIN, END = "<!-- tables: python -m benchmarks.plan --write -->", "<!-- end of tables -->"
SEEDS = Path(__file__).parents[1] / "seeds"
SIZES = (1_000_000, 10_000_000, 100_000_000)
PROCESSORS = (2, 16, 64, 256)
DAY = 86_400
GB = 1e9

GROUPS = {
    "texts and places": ("text.db",),
    "keyword postings": ("postings/",),
    "vectors of passages": ("vectors",),
    "vectors of sentences": ("sentences",),
    "the rest": ("",),
}
"""Parts of a generation, by how the names of their files begin; the first that fits counts."""


@dataclass(frozen=True)
class State:
    """Sizes of an index in bytes: each file of its generation, each table of its catalogue."""

    passages: int
    sentences: int
    files: dict[str, int]
    tables: dict[str, int]


def main() -> None:
    """Measure if that is wanted, and print the tables."""
    options = _arguments()
    constants = json.loads(options.constants.read_text("utf-8"))
    if options.measure:
        constants["measured"] = measure(options.measure, options.passages)
        text = json.dumps(constants, indent=1, ensure_ascii=False) + "\n"
        options.constants.write_text(text, encoding="utf-8")
    if options.write:
        DOCS.write_text(filled(DOCS.read_text("utf-8"), constants), encoding="utf-8")
    print("\n".join(tables(constants)))


def filled(text: str, constants: dict[str, Any]) -> str:
    """Return a page with these tables between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return "\n".join([before + BEGIN, "", *tables(constants), "", END + after])


def measure(files: Sequence[Path], most: int) -> dict[str, Any]:
    """Build an index in two halves; return bytes and processor seconds of a passage."""
    found = list(contexts(files, most))
    encoder, tokenizer = open_encoder(), Tokenizer(home() / "jieba")
    encoder.encode_passages(["热身", "再来"])
    with tempfile.TemporaryDirectory() as scratch:
        root, index = Path(scratch) / "documents", Path(scratch) / "index"
        shutil.copytree(SEEDS, root)
        _write(found[::2], root, "a")
        _build(root, index, encoder, tokenizer)
        before = _state(index)
        _write(found[1::2], root, "b")
        seconds, report = _build(root, index, encoder, tokenizer)
        after = _state(index)
    added = after.passages - before.passages
    names = " ".join(file.name for file in files)
    return {
        "command": f"python -m benchmarks.plan --measure {names} --passages {most}",
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "passages": after.passages,
        "characters": round(sum(map(len, found)) / len(found)),
        "sentences": round((after.sentences - before.sentences) / added, 2),
        "texts_encoded": round(report.encoded / added, 2),
        "generation": _per_passage(before.files, after.files, added),
        "catalogue": _per_passage(before.tables, after.tables, added),
        "passages_a_processor_second": {
            stage: round(added / seconds[stage], 2) for stage in ("read", "encode")
        },
    }


def _write(texts: Sequence[str], root: Path, prefix: str) -> None:
    for number, text in enumerate(texts):
        (root / f"{prefix}{number:05}.txt").write_text(text, encoding="utf-8")


def _build(
    root: Path, index: Path, encoder: Encoder, tokenizer: Tokenizer
) -> tuple[dict[str, float], BuildReport]:
    """Build, and return the processor seconds of each stage."""
    began: dict[str, float] = {}

    def tell(at: Progress) -> None:
        began.setdefault(at.stage, time.process_time())

    report = build(root, index, encoder, tokenizer, on_progress=tell)
    stages = list(began)
    ends = [*list(began.values())[1:], time.process_time()]
    return {stage: end - began[stage] for stage, end in zip(stages, ends, strict=True)}, report


def _state(index: Path) -> State:
    folder = IndexFolder(index).current()
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    files = {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file()
    }
    with sqlite3.connect(index / "library.db") as database:
        tables = dict(database.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
    counts = manifest["counts"]
    return State(counts["passages"], counts["sentences"], files, tables)


def _per_passage(before: dict[str, int], after: dict[str, int], added: int) -> dict[str, float]:
    grown = {name: (size - before.get(name, 0)) / added for name, size in sorted(after.items())}
    return {name: round(size, 1) for name, size in grown.items() if size >= 1}


def tables(constants: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of all tables, in Markdown."""
    if (measured := constants["measured"]) is None:
        yield "Nothing is measured yet: `python -m benchmarks.plan --measure SQUAD.json...`"
        return
    yield from _parts(measured)
    yield from _sizes(measured, constants["whole"])
    yield from _times(measured, constants["whole"])
    yield from _latencies(constants["whole"])


def _parts(measured: dict[str, Any]) -> Iterator[str]:
    texts = measured["texts_encoded"]
    yield (
        f"Measured by `{measured['command']}` ({measured['machine']}, {measured['passages']:,} "
        f"passages of {measured['sentences']:.1f} sentences, {texts:.1f} texts to encode each)."
    )
    yield "\n| bytes a passage | |\n|---|--:|"
    for name, size in grouped(measured["generation"]).items():
        yield f"| {name} | {size:,.0f} |"
    yield f"| **a generation** | **{_sum(measured['generation']):,.0f}** |"
    yield f"| library.db | {_sum(measured['catalogue']):,.0f} |"
    yield "\n| passages a second of one processor | |\n|---|--:|"
    for stage, speed in measured["passages_a_processor_second"].items():
        yield f"| {stage} | {speed:,.1f} |"


def grouped(files: dict[str, float]) -> dict[str, float]:
    """Return the bytes of each of `GROUPS`."""
    found = dict.fromkeys(GROUPS, 0.0)
    for name, size in files.items():
        group = next(
            group
            for group, starts in GROUPS.items()
            if any(name.startswith(start) or f"/{start}" in name for start in starts)
        )
        found[group] += size
    return found


def _sum(sizes: dict[str, float]) -> float:
    return sum(sizes.values())


def _sizes(measured: dict[str, Any], whole: dict[str, Any]) -> Iterator[str]:
    """Yield disk and memory by passages."""
    generation, catalogue = _sum(measured["generation"]), _sum(measured["catalogue"])
    yield f"\n| | {_titles()} |\n|---|{'--:|' * len(SIZES)}"
    # While a build writes a whole generation, the one before is still there.
    rows = {
        "a generation, GB": generation,
        "library.db, GB": catalogue,
        "disk in all: two generations and library.db, GB": 2 * generation + catalogue,
    }
    for name, size in rows.items():
        yield f"| {name} | {' | '.join(f'{size * count / GB:,.1f}' for count in SIZES)} |"
    yield f"| a generation as `whole` measured it, GB | {_grown(whole, 'generation_mb', 1e-3)} |"
    yield f"| library.db likewise, GB | {_grown(whole, 'catalogue_mb', 1e-3)} |"
    yield f"| memory of a reader, GB | {_grown(whole, 'peak_mb', 1e-3)} |"
    yield f"| memory of the build that publishes, GB | {_grown(whole, 'build_mb', 1e-3)} |"


def _titles() -> str:
    return " | ".join(f"{count // 1_000_000} million" for count in SIZES)


def _grown(whole: dict[str, Any], name: str, factor: float) -> str:
    """Return cells: what was measured, and in proportion to that of the largest size beyond."""
    points = {int(size): row[name] for size, row in whole["points"].items() if row[name]}
    cells = []
    for count in SIZES:
        largest = max((size for size in points if size <= count), default=None)
        if largest is None:
            cells.append("not measured")
        else:
            about = "" if largest == count else "about "
            cells.append(f"{about}{points[largest] * count / largest * factor:,.1f}")
    return " | ".join(cells)


def _times(measured: dict[str, Any], whole: dict[str, Any]) -> Iterator[str]:
    """Yield the time of a first build by passages and processors, and machines for a day."""
    speeds = measured["passages_a_processor_second"]
    work = 1 / speeds["read"] + 1 / speeds["encode"]
    yield f"\n| first build: reading and encoding | {_titles()} |\n|---|{'--:|' * len(SIZES)}"
    for processors in PROCESSORS:
        cells = " | ".join(duration(work * count / processors) for count in SIZES)
        yield f"| {processors} processors | {cells} |"
    needed = " | ".join(f"{-(-work * count // DAY):,.0f}" for count in SIZES)
    yield f"| processors for one day | {needed} |"
    machines = " | ".join(f"{-(-work * count // DAY // 16):,.0f}" for count in SIZES)
    yield f"| machines of 16 processors for one day | {machines} |"
    yield f"| publishing, one processor, h | {_grown(whole, 'publish_s', 1 / 3600)} |"


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, length in (("days", DAY), ("h", 3600), ("min", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:,.0f} s"


def _latencies(whole: dict[str, Any]) -> Iterator[str]:
    yield f"\nOne question, one thread, as `{whole['command']}` measured it:"
    yield "\n| passages | p50 ms | p95 ms | opening s | reader's peak MB | recall@10 |"
    yield "|--:|--:|--:|--:|--:|--:|"
    for size, row in whole["points"].items():
        cells = (row[name] for name in ("p50_ms", "p95_ms", "open_s", "peak_mb", "recall"))
        shown = " | ".join("not measured" if cell is None else f"{cell:g}" for cell in cells)
        yield f"| {int(size):,} | {shown} |"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--measure", nargs="+", type=Path, metavar="SQUAD.json")
    parser.add_argument("--passages", type=int, default=400, help="contexts that are indexed")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/scale.md")
    parser.add_argument("--constants", type=Path, default=CONSTANTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
