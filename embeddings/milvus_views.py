"""What an index in Milvus holds, and what is wrong with it, in the terms of an index folder."""

from __future__ import annotations

from embeddings.damage import build_command
from embeddings.errors import IndexDamagedError
from embeddings.overview import BEFORE, KEPT, PUBLISHED, GenerationState, Overview
from embeddings.store_milvus import MilvusStore
from embeddings.verify import MOST_LINES, Problem, Verification


def overview(store: MilvusStore) -> Overview:
    """Return what is kept in Milvus, by the manifests; sizes there are not known and count 0.

    Raises:
        IndexMissingError: when nothing is published.
        IndexDamagedError: when no generation can be read.
        StoreError: when Milvus cannot be asked.
    """
    remote = store.remote()
    manifests = {manifest.number: manifest for manifest in remote.manifests}
    states = tuple(
        GenerationState(
            number, _role(number, remote.state.number, remote.state.before),
            manifests.get(number), remote.problems.get(number), 0,
        )
        for number in sorted(remote.state.kept, reverse=True)
    )  # fmt: skip
    if not manifests:
        raise IndexDamagedError(next(iter(remote.problems.values())))
    warning = None
    answering = manifests.get(remote.state.number)
    if answering is None:
        answering = manifests[max(manifests)]
        problem = remote.problems[remote.state.number]
        warning = f"Generation {answering.number} answers, not the published one: {problem}"
    return Overview(states, answering, warning, 0)


def _role(number: int, published: int, before: int | None) -> str:
    return PUBLISHED if number == published else BEFORE if number == before else KEPT


def verify(store: MilvusStore) -> Verification:
    """Read the published generation in Milvus as a whole and compare it with itself.

    Raises:
        IndexMissingError: when nothing is published.
        StoreError: when Milvus cannot be asked.
    """
    remote = store.remote()
    mend = f"{build_command(store.path)} --full"
    lines = list(store.compare())
    problems = [Problem(line, mend) for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        problems.append(Problem(f"{len(lines) - MOST_LINES} more of this kind", mend))
    counts = next((one.counts for one in remote.manifests), {})
    return Verification(
        tuple(remote.state.kept), 0, 0, counts.get("documents", 0), counts.get("passages", 0), 0,
        tuple(problems), (f"kept in Milvus: {store.address}",),
    )  # fmt: skip
