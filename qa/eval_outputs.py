"""What `wenju eval` reads and writes beside the questions: an earlier run, a saved run, a page."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from embeddings.errors import SettingError
from embeddings.settings import Settings
from qa import terminal
from qa.comparison import Comparison, compare
from qa.evaluation import IN_A_CROWD, Evaluation
from qa.runs import Conditions, Run, read_run
from qa.runs import to_json as run_to_json


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is to be done with an evaluation; see `prepare`.

    Attributes:
        page: HTML file to write, or None.
        saved: file to save the run in, or None.
        earlier: the run to compare with, or None.
    """

    page: Path | None
    saved: Path | None
    earlier: Run | None

    def compared(self, evaluation: Evaluation, made: Conditions) -> Comparison | None:
        """Return the comparison with the earlier run; None without one."""
        return compare(evaluation, made, self.earlier) if self.earlier else None

    def write(self, evaluation: Evaluation, made: Conditions, found: Comparison | None) -> None:
        """Write the run and the page, and say where they are.

        Raises:
            SettingError: a file cannot be written.
        """
        if self.saved is not None:
            _save(self.saved, evaluation, made)
        if self.page is not None:
            _write_page(self.page, evaluation, made, found)


def prepare(
    page: str | None, saved: str | None, earlier: str | None, questions: Sequence[str]
) -> Outputs:
    """Check everything that can go wrong before the first question is asked.

    Args:
        page: where to write the HTML page, None for nowhere.
        saved: where to save the run, None for nowhere.
        earlier: file of the run to compare with, None for none.
        questions: question files, crossed ones included; none may be written over.

    Raises:
        SettingError: a place cannot be written or is that of another file; the earlier run cannot
            be read, or has none of the files.
    """
    places = {"--html": page, "--save": saved}
    targets = {option: Path(place) for option, place in places.items() if place}
    for option, target in targets.items():
        _check_target(option, target, [Path(name) for name in questions])
    if len(targets) == 2 and targets["--html"].resolve() == targets["--save"].resolve():
        raise SettingError(f"--html and --save both name {page!r}; give two files")
    run = read_run(Path(earlier)) if earlier else None
    if run:
        _check_earlier(run, [Path(name).name for name in questions])
    return Outputs(targets.get("--html"), targets.get("--save"), run)


def conditions(chosen: Settings, files: Sequence[str], options: Mapping[str, Any]) -> Conditions:
    """Return what a run of these files is made with, now.

    Args:
        chosen: the settings.
        files: the question files; which index is asked depends on them.
        options: the options of the command, by name.
    """
    from embeddings.model import MODEL_NAME

    own = any(name.lower().endswith(".jsonl") for name in files)
    named = {"index": chosen.index} if own else {}
    made_by = terminal.model_of(Path(chosen.index)) if own else None
    return Conditions(
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        version=metadata.version("wenju"),
        model=chosen.model or made_by or MODEL_NAME,
        options={**named, "refuse_below": chosen.refuse_below, **options},
    )


def _check_target(option: str, target: Path, questions: Sequence[Path]) -> None:
    if any(target.exists() and one.exists() and target.samefile(one) for one in questions):
        raise SettingError(f"{option} would write over the questions in {str(target)!r}")
    if target.exists() and not target.is_file():
        raise SettingError(f"{str(target)!r} is no file to write; give a file: {option} FILE")
    if not os.access(target.parent, os.W_OK):
        raise SettingError(
            f"{str(target)!r} cannot be written: {str(target.parent)!r} is no folder that you may "
            f"write to; give a file in one: {option} FILE"
        )


def _check_earlier(run: Run, names: Sequence[str]) -> None:
    asked = {part for name in run.files for part in _parts(name)}
    if not asked.intersection(names):
        raise SettingError(
            f"The earlier run {run.name!r} has none of these files; it has "
            f"{', '.join(run.files) or 'none'}"
        )


def _parts(name: str) -> list[str]:
    """Return the file names of a report: of ``a.json -> b.json`` both."""
    return name.removesuffix(IN_A_CROWD).split(" -> ")


def _save(path: Path, evaluation: Evaluation, made: Conditions) -> None:
    text = json.dumps(run_to_json(evaluation, made), ensure_ascii=False, indent=1)
    _write(path, text.encode("utf-8", "backslashreplace"))
    terminal.say(f"run saved in {path}")


def _write_page(
    path: Path, evaluation: Evaluation, made: Conditions, compared: Comparison | None
) -> None:
    from qa.eval_page import to_html

    page = to_html(evaluation, made, compared)
    _write(path, page.encode("utf-8", "xmlcharrefreplace"))
    terminal.say(f"page written to {path}")


def _write(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all.

    Raises:
        SettingError: it cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as unfinished:
            whole = Path(unfinished, "whole")
            whole.write_bytes(content)
            whole.replace(path)
    except OSError as error:
        raise SettingError(
            f"{str(path)!r} cannot be written ({error.strerror}); give a file in a folder that "
            "you may write to and that has room"
        ) from error
