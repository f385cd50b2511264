"""Feedback and its export: JSON, lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qa.feedback import Feedback, Verdict
from qa.feedback_export import Export
from qa.printable import printable_line
from qa.question_files import UNANSWERABLE

_SHOWN = 80


def to_json(feedback: Feedback) -> dict[str, Any]:
    """Return the JSON form of feedback: the fields of `Feedback`."""
    return asdict(feedback)


def to_text(given: Sequence[Feedback]) -> str:
    """Return feedback for a terminal, newest first, and how many thumbs there are."""
    if not given:
        return "no feedback yet; thumbs are given below the answers in wenju chat"
    up = sum(one.verdict is Verdict.UP for one in given)
    blocks = ["\n".join(_lines(one)) for one in reversed(given)]
    return "\n\n".join([*blocks, f"{up} up, {len(given) - up} down"])


def _lines(one: Feedback) -> Iterator[str]:
    yield f"{one.verdict.value:4} {one.time}  {_cut(one.question)}"
    if one.completed.strip() not in ("", one.question.strip()):
        yield f"     understood as: {_cut(one.completed)}"
    yield f"     {_cut(one.answer) if one.answered else 'refused'}"
    sources = ", ".join(dict.fromkeys(cited.source for cited in one.citations))
    if sources:
        yield f"     from {printable_line(sources)}"
    if one.missing:
        yield "     the documents do not say this"
    if one.note:
        yield f"     note: {' '.join(one.note.split())}"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"


def export_to_json(found: Export, file: Path) -> dict[str, Any]:
    """Return what was written, and what was left out by reason."""
    left_out: Mapping[str, int] = {reason.name.lower(): n for reason, n in found.left_out.items()}
    return {"file": str(file), "questions": len(found.questions), "left_out": dict(left_out)}


def export_to_text(found: Export, file: Path) -> str:
    """Return the same as lines."""
    refusals = sum(one.kind == UNANSWERABLE for one in found.questions)
    lines = [f"{len(found.questions)} questions, {refusals} of them unanswerable, in {file}"]
    lines += [f"  left out {count}: {reason}" for reason, count in found.left_out.items()]
    return "\n".join([*lines, f"ask them: wenju eval {file}"])
