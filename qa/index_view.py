"""What an index folder holds, and what is wrong with it, as text and in their one JSON form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embeddings.manifest import Manifest
    from embeddings.overview import GenerationState, Overview
    from embeddings.verify import Verification
    from qa.own_weights import Summary

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def overview_to_json(index: str, found: Overview) -> dict[str, Any]:
    """Return an index's overview; what stands outside `generations` is of the one that answers."""
    manifest = found.answering
    return {
        "index": index,
        **_counts(manifest),
        "root": manifest.root,
        "model": manifest.model,
        "fingerprint": manifest.fingerprint,
        "tokenizer": manifest.tokenizer,
        "search": manifest.search or {"kind": "exact"},
        "pieces": [{"passages": held, "deleted": gone} for held, gone in _pieces(manifest)],
        "generation": manifest.number,
        "built": manifest.created,
        "bytes": sum(item["bytes"] for item in manifest.files.values()),
        "total_bytes": found.bytes,
        "warning": found.warning,
        "generations": [_state_to_json(state) for state in found.generations],
    }


def _pieces(manifest: Manifest) -> list[tuple[int, int]]:
    """Return of each piece how many passages it holds, and how many of them are deleted."""
    if manifest.pieces is None:
        return [(manifest.counts["passages"], 0)]
    return [(piece.passages, piece.deleted) for piece in manifest.pieces]


def _counts(manifest: Manifest | None) -> dict[str, int | None]:
    """Return the numbers that a manifest gives; None for one that it does not give."""
    known = manifest.counts if manifest is not None else {}
    return {name: known.get(name) for name in ("files", "documents", "passages", "sentences")}


def _state_to_json(state: GenerationState) -> dict[str, Any]:
    created = state.manifest.created if state.manifest is not None else None
    return {
        "number": state.number,
        "state": state.state,
        "built": created,
        "age_seconds": None if created is None else round(_age(created)),
        "bytes": state.bytes,
        **_counts(state.manifest),
        "problem": state.problem,
    }


def _age(created: str) -> float:
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(created)).total_seconds())


def overview_to_text(index: str, found: Overview) -> str:
    """Return an index's overview, a line for each thing."""
    manifest = found.answering
    rows = [
        ("index", f"{index}, {size(found.bytes)}"),
        ("root", manifest.root),
        ("model", f"{manifest.model}, fingerprint {manifest.fingerprint}"),
        ("tokenizer", manifest.tokenizer),
        ("search", _search_to_text(manifest.search)),
        *((name, count) for name, count in _counts(manifest).items() if count is not None),
    ]
    if manifest.pieces is not None:
        rows.append(("pieces", _pieces_to_text(_pieces(manifest))))
    rows += [("generation", _state_to_text(state)) for state in found.generations]
    if found.warning is not None:
        rows.append(("warning", found.warning))
    return "\n".join(f"{name:10} {value}" for name, value in rows)


def _pieces_to_text(pieces: list[tuple[int, int]]) -> str:
    """Say how many pieces there are, the passages of each, and how many of these are deleted."""
    sizes = " + ".join(str(held) for held, _ in pieces)
    return f"{len(pieces)}: {sizes} passages, {sum(gone for _, gone in pieces)} of them deleted"


def _search_to_text(search: dict[str, Any] | None) -> str:
    """Say how passages are searched for by their vectors, and how many of the nearest are found."""
    if search is None:
        return "exact"
    if search["kind"] == "milvus":
        return f"in Milvus, {search['index']} with M {search['M']} and ef {search['ef']}"
    return (
        f"approximate, {search['probed']} of {search['lists']} lists, exactly re-scored: "
        f"recall@{search['at']} {search['recall']:.3f} on {search['sample']} sentences"
    )


def weights_to_json(found: Summary) -> dict[str, Any] | None:
    """Return what is known of the index's own weights; None when it has none."""
    weights, problem = found.weights, found.problem
    if weights is None and problem is None:
        return None
    return {
        "made": weights and weights.made,
        "files": weights and [asdict(file) for file in weights.files],
        "corrects": weights and list(weights.own.parts),
        "least": weights and weights.own.least,
        "problem": problem,
    }


def weights_to_text(found: Summary) -> str:
    """Return a line on the index's own weights; it is empty when the index has none."""
    weights = found.weights
    if weights is None:
        return f"{'weights':10} {found.problem}" if found.problem else ""
    files = ", ".join(file.name for file in weights.files)
    parts = ", ".join(weights.own.parts)
    return f"{'weights':10} own {parts}, fitted on {files} {ago(_age(weights.made))}"


def _state_to_text(state: GenerationState) -> str:
    parts = [f"{state.number} {state.state}"]
    if state.manifest is not None:
        parts.append(ago(_age(state.manifest.created)))
    parts.append(size(state.bytes))
    parts += [f"{n} {name}" for name, n in _counts(state.manifest).items() if n is not None]
    if state.problem is not None:
        parts.append("damaged")
    return ", ".join(parts)


def size(count: int) -> str:
    """Return a number of bytes as a person says it: ``5.1 MB``."""
    value = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{count} bytes" if unit == "bytes" else f"{value:.1f} {unit}"


def ago(seconds: float) -> str:
    """Return an age as a person says it: ``2 hours ago``."""
    for length, unit in _UNITS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def verification_to_json(found: Verification) -> dict[str, Any]:
    """Return what was checked and what is wrong; `clean` is whether nothing is."""
    return {"clean": not found.problems, **asdict(found)}


def verification_to_text(found: Verification) -> str:
    """Return what was checked, what is wrong, and below each problem what mends it."""
    return "\n".join(_verification_lines(found))


def _verification_lines(found: Verification) -> Iterator[str]:
    numbers = ", ".join(str(number) for number in found.generations)
    yield f"read     generations {numbers}: {found.files} files, {size(found.bytes)}"
    yield (
        f"compared {found.documents} documents, {found.passages} passages and {found.vectors} "
        "vectors with the catalogue"
    )
    for note in found.notes:
        yield f"note     {note}"
    mend = None
    for problem in found.problems:
        if mend not in (None, problem.mend):
            yield f"  mend   {mend}"
        yield f"wrong    {problem.what}"
        mend = problem.mend
    yield f"  mend   {mend}" if mend is not None else "clean    nothing is wrong"


def rollback_to_json(manifest: Manifest) -> dict[str, Any]:
    """Return the generation that answers after a rollback."""
    return {"generation": manifest.number, "built": manifest.created, **_counts(manifest)}


def rollback_to_text(manifest: Manifest) -> str:
    """Return which generation answers after a rollback, and until when."""
    held = ", ".join(f"{n} {name}" for name, n in _counts(manifest).items() if n is not None)
    return (
        f"back to generation {manifest.number} of {manifest.created} ({held}); "
        "it answers until the next wenju build, which publishes the documents as they are then"
    )
