"""Counts what the long tests try, and prints what `make torture` ends with.

With WENJU_TALLY naming a folder each process keeps its counts there, lines of JSON in a file of
its own; `python -m tests.tally FOLDER` sums them up as tables in Markdown.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

VARIABLE = "WENJU_TALLY"
"""The environment variable that names the folder; without it nothing is kept."""

PARTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "faults": ("fault", ("tried", "survived", "lost")),
    "fuzzing": ("what was fuzzed", ("cases", "crashes")),
    "load": ("load", ("users", "requests", "errors")),
}
"""The tables, in this order: what their rows are, and what is counted."""

AT_ONCE = frozenset({"users"})
"""Counts of which the highest is told, not the sum, for they were there at the same time."""


def note(part: str, name: str, **counts: int) -> None:
    """Keep counts of one kind; they are added to those that are noted under the same name.

    Args:
        part: one of `PARTS`.
        name: a row of its table.
        counts: all that the table counts.

    Raises:
        ValueError: when a count is missing, or is not one of the table.
    """
    if sorted(counts) != sorted(PARTS[part][1]):
        raise ValueError(f"{part} counts {PARTS[part][1]}, not {tuple(counts)}")
    if folder := os.environ.get(VARIABLE):
        path = Path(folder) / f"{os.getpid()}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"part": part, "name": name, "counts": counts}, ensure_ascii=False)
        with path.open("a", encoding="utf-8") as kept:
            kept.write(line + "\n")


@dataclass(slots=True)
class Tally:
    """How often one kind of fault was tried, and how often something was lost."""

    name: str
    tried: int = 0
    lost: int = 0

    @contextmanager
    def trying(self, what: str) -> Iterator[None]:
        """Count one fault; where something fails, say which it was."""
        self.tried += 1
        try:
            yield
        except BaseException as error:
            self.lost += 1
            error.add_note(f"{self.name}: {what}")
            raise


@contextmanager
def tally(name: str) -> Iterator[Tally]:
    """Yield what counts faults of one kind; kept at the end, also when a test fails."""
    found = Tally(name)
    try:
        yield found
    finally:
        survived = found.tried - found.lost
        note("faults", name, tried=found.tried, survived=survived, lost=found.lost)


Sums = dict[str, dict[str, dict[str, int]]]
"""Counts by name by row by table."""


def summed(folder: Path) -> Sums:
    """Return the sums of all that was kept in a folder, rows by name."""
    sums: Sums = {part: {} for part in PARTS}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            kept = json.loads(line)
            _add(sums[kept["part"]].setdefault(kept["name"], {}), kept["counts"])
    return {part: dict(sorted(rows.items())) for part, rows in sums.items()}


def _add(to: dict[str, int], counts: Mapping[str, int]) -> None:
    for count, value in counts.items():
        known = to.get(count, 0)
        to[count] = max(known, value) if count in AT_ONCE else known + value


def tables(sums: Sums, when: str, commit: str) -> str:
    """Return the tables in Markdown that have a row, each with a last row of its sums."""
    found = [_table(part, rows) for part, rows in sums.items() if rows]
    head = f"`make torture` of {when}, commit {commit}\n"
    return "\n".join([head, *found]) if found else head + "\nNothing was counted.\n"


def _table(part: str, rows: Mapping[str, Mapping[str, int]]) -> str:
    title, counts = PARTS[part]
    every: dict[str, int] = {}
    for row in rows.values():
        _add(every, row)
    lines = [[title, *counts], ["---", *("--:" for _ in counts)]]
    lines += [
        [name, *(f"{row[count]:,}" for count in counts)]
        for name, row in [*rows.items(), ("**all**", every)]
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def commit() -> str:
    """Return the commit that is tested, marked where files differ from it."""
    found = _git("rev-parse", "--short", "HEAD")
    return found + " with changes" * bool(_git("status", "--porcelain", "-uno")) or "unknown"


def _git(*arguments: str) -> str:
    root = Path(__file__).parents[1]
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def main(arguments: Iterable[str]) -> None:
    """Print the tables of a folder."""
    (folder,) = arguments
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    sys.stdout.write(tables(summed(Path(folder)), when, commit()))


if __name__ == "__main__":
    main(sys.argv[1:])
