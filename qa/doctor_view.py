"""What a look at everything found: JSON, lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from qa.doctor import Finding, State

_MARKS = {State.GOOD: "ok  ", State.HINT: "hint", State.BAD: "BAD "}


def to_json(found: Sequence[Finding]) -> dict[str, Any]:
    """Return the findings, and whether nothing is wrong."""
    ok = all(one.state is not State.BAD for one in found)
    return {"ok": ok, "findings": [asdict(one) for one in found]}


def to_text(found: Sequence[Finding]) -> str:
    """Return a line for each finding, and one that counts them."""
    lines = [f"{_MARKS[one.state]}  {one.matter:9} {one.said}" for one in found]
    bad, hints = (sum(one.state is state for one in found) for state in (State.BAD, State.HINT))
    end = f"{bad} to mend" if bad else "Nothing is wrong"
    return "\n".join([*lines, f"{end}, {hints} {'hint' if hints == 1 else 'hints'}."])
