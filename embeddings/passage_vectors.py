"""Which index the vectors of passages get, by how many there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from embeddings.approximate import KIND, ApproximateIndex, Approximation
from embeddings.vectors import VectorIndex

EXACT_UP_TO = 50_000
"""Passages up to which every vector is compared with the question's: 3 ms (`benchmarks.scale`)."""

PassageVectors = VectorIndex | ApproximateIndex


def is_exact(rows: int) -> bool:
    """Tell whether so many passages get an exact index."""
    return rows <= EXACT_UP_TO


def suits(rows: int, search: dict[str, Any] | None) -> bool:
    """Tell whether what a manifest says of its search is what a build of today would choose."""
    kind = None if search is None else search.get("kind")
    return kind == (None if is_exact(rows) else KIND)


def open_passage_vectors(folder: Path, search: dict[str, Any] | None) -> PassageVectors:
    """Map the index of a generation into memory.

    Args:
        folder: the generation.
        search: what its manifest says; None for an exact index.

    Raises:
        IndexDamagedError: when it cannot be read.
        ValueError: when `search` describes no index that is known.
    """
    if search is None:
        return VectorIndex.open(folder / "vectors.faiss")
    return ApproximateIndex.open(folder, Approximation.read(search))
