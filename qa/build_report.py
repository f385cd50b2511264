"""What a build did or would do, as text for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from embeddings.catalogue import FileRecord
from embeddings.reports import BuildReport, Changes, Plan, Resumed
from qa.printable import printable_line

MOST_NAMES = 20
"""File names of one kind that a dry run writes out as text; JSON has them all."""


def to_json(found: BuildReport | Plan) -> dict[str, Any]:
    """Return the JSON form of a report or a plan."""
    fields = asdict(found)
    if isinstance(found, Plan):
        return fields
    return {**fields, "index": str(found.index), "seconds": round(found.seconds, 3)}


def to_text(found: BuildReport | Plan) -> str:
    """Return a report or a plan as lines: what was read, skipped and made, or would be."""
    return "\n".join(_plan_lines(found) if isinstance(found, Plan) else _report_lines(found))


def to_line(report: BuildReport, now: datetime) -> str:
    """Return a report as one line that begins with the time `now`."""
    state = "published" if report.published else "unchanged"
    skipped = f", {len(report.skipped)} skipped" if report.skipped else ""
    return (
        f"{now:%Y-%m-%d %H:%M:%S}  {_counts(report.changes)}{skipped}; {report.encoded} texts "
        f"encoded; generation {report.generation} {state}, {report.seconds:.1f} s"
    )


def _report_lines(report: BuildReport) -> list[str]:
    state = "published" if report.published else "unchanged"
    return [
        f"read     {len(report.read)} files, skipped {len(report.skipped)}",
        *_skipped_lines(report.skipped),
        *_excluded_lines(report.excluded),
        f"made     {report.documents} documents, {report.passages} passages, "
        f"{report.sentences} sentences",
        f"encoded  {report.encoded} texts, {report.reused} were known",
        f"files    {_counts(report.changes)}",
        *_resumed_lines(report.resumed),
        f"index    {report.index}, generation {report.generation} {state}, {report.seconds:.1f} s",
    ]


def _skipped_lines(skipped: Sequence[FileRecord]) -> list[str]:
    return [printable_line(f"  skipped {file.source}: {file.reason}") for file in skipped]


def _excluded_lines(excluded: Sequence[str]) -> list[str]:
    if not excluded:
        return []
    left = f"left out {len(excluded)} excluded files; have one back: wenju documents --include FILE"
    return [left, *_names("excluded", excluded)]


def _counts(changes: Changes) -> str:
    counts = {
        "new": len(changes.new),
        "changed": len(changes.changed),
        "renamed": len(changes.renamed),
        "removed": len(changes.removed),
        "unchanged": changes.unchanged,
    }
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _resumed_lines(resumed: Resumed | None) -> list[str]:
    if resumed is None:
        return []
    return [
        f"resumed  went on with an interrupted build: {resumed.files:,} of {resumed.of_files:,} "
        f"files read, {resumed.texts:,} of {resumed.of_texts:,} texts encoded were kept"
    ]


def _plan_lines(found: Plan) -> list[str]:
    changes = found.changes
    renamed = [f"{old} -> {new}" for old, new in changes.renamed]
    return [
        f"files    {_counts(changes)}, {len(found.skipped)} skipped",
        *_names("new", changes.new),
        *_names("changed", changes.changed),
        *_names("renamed", renamed),
        *_names("removed", changes.removed),
        *_skipped_lines(found.skipped),
        *_excluded_lines(found.excluded),
        f"encode   {found.texts} texts, {found.reused} are known",
        f"index    {'a new generation' if found.publishes else 'no new generation'}",
        "Nothing was written (--dry-run).",
    ]


def _names(kind: str, names: Sequence[str]) -> list[str]:
    shown = [f"  {kind} {printable_line(name)}" for name in names[:MOST_NAMES]]
    rest = len(names) - MOST_NAMES
    return [*shown, f"  … and {rest:,} more {kind}"] if rest > 0 else shown
