"""The documents of an index as text for a terminal and in their one JSON form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from embeddings.library import Listed, Listing, Status
from qa.printable import printable_line

_NOTES = {
    Status.NEW: "new: not in the index yet",
    Status.CHANGED: "changed since it was read",
    Status.GONE: "gone: answers until the next build",
    Status.EXCLUDED: "excluded",
    Status.REMOVED: "removed",
}


def to_json(found: Listing) -> dict[str, Any]:
    """Return the JSON form of a list of documents."""
    files = [{**asdict(file), "waits": file.waits} for file in found.files]
    root = None if found.root is None else str(found.root)
    return {"root": root, "problem": found.problem, "waiting": found.waiting, "files": files}


def to_text(found: Listing) -> str:
    """Return a list of documents, a line for each file."""
    return "\n".join(_lines(found))


def _lines(found: Listing) -> Iterator[str]:
    for file in found.files:
        yield f"{printable_line(file.source)}  {_about(file)}"
    counts = Counter(file.status for file in found.files)
    yield ", ".join(f"{counts[status]} {status}" for status in Status if counts[status]) or "empty"
    if found.problem is not None:
        yield f"warning  {found.problem}"
    if found.waiting:
        yield f"{found.waiting} files wait for the next build: wenju build"


def _about(file: Listed) -> str:
    if file.status is Status.SKIPPED:
        return f"skipped: {file.reason}"
    said = [_NOTES[file.status]] if file.status in _NOTES else []
    if file.asked:
        said += [file.title] if file.title else []
        said += [file.date] if file.date else []
        said.append(f"{file.articles} articles, {file.passages} passages")
        said += ["answers until the next build"] if file.status in _LEAVING else []
    return " · ".join(said)


_LEAVING = (Status.EXCLUDED, Status.REMOVED)
