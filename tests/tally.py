"""Counts the faults that tests try, and prints what `make torture` ends with.

With WENJU_TALLY naming a file every test adds lines to it; `python -m tests.tally FILE` sums them
up as a table.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HEAD = "| fault | tried | survived | lost |\n|---|--:|--:|--:|\n"


@dataclass(slots=True)
class Tally:
    """How often one kind of fault was tried, and how often something was lost."""

    name: str
    tried: int = 0
    lost: int = 0

    @contextmanager
    def trying(self, note: str) -> Iterator[None]:
        """Count one fault; where something fails, say which it was."""
        self.tried += 1
        try:
            yield
        except BaseException as error:
            self.lost += 1
            error.add_note(f"{self.name}: {note}")
            raise

    def to_json(self) -> str:
        return json.dumps({"name": self.name, "tried": self.tried, "lost": self.lost})


@contextmanager
def tally(name: str) -> Iterator[Tally]:
    """Yield what counts faults of one kind; kept at the end, also when a test fails."""
    counting = Tally(name)
    try:
        yield counting
    finally:
        if file := os.environ.get("WENJU_TALLY"):
            with Path(file).open("a", encoding="utf-8") as kept:
                kept.write(counting.to_json() + "\n")


def table(lines: Iterable[str]) -> str:
    """Return the sums of what was kept, a table in Markdown, one row a kind of fault."""
    sums: dict[str, Tally] = {}
    for line in lines:
        one = Tally(**json.loads(line))
        known = sums.setdefault(one.name, Tally(one.name))
        known.tried, known.lost = known.tried + one.tried, known.lost + one.lost
    rows = [*sums.values(), _total(sums.values())]
    return HEAD + "".join(
        f"| {row.name} | {row.tried:,} | {row.tried - row.lost:,} | {row.lost:,} |\n"
        for row in rows
    )


def _total(sums: Iterable[Tally]) -> Tally:
    every = list(sums)
    return Tally("**all**", sum(one.tried for one in every), sum(one.lost for one in every))


if __name__ == "__main__":
    sys.stdout.write(table(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()))
