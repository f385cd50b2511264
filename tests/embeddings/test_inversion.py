"""Postings are the same whatever parts they are sorted in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from embeddings import inversion
from embeddings.postings import Postings, term_hash

NAMES = ("terms", "starts", "rows", "counts", "lengths")
WORDS = st.lists(st.sampled_from("济南市党建园区"), max_size=12)
PLANS = st.lists(st.one_of(WORDS, st.integers(0, 19)), max_size=30, unique_by=str)
many = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def written(
    folder: Path, rows: Sequence[Sequence[str] | int], previous: Postings | None = None
) -> list[bytes]:
    Postings.write(folder, rows, previous)
    return [(folder / f"{name}.npy").read_bytes() for name in NAMES]


def save_plain(folder: Path, rows: list[list[str]]) -> list[bytes]:
    """Write what the format says, without any of the code that is tested."""
    held = sorted(
        (term_hash(term), at, row.count(term)) for at, row in enumerate(rows) for term in set(row)
    )
    terms = sorted({one[0] for one in held})
    firsts = [next(at for at, one in enumerate(held) if one[0] == term) for term in terms]
    arrays: dict[str, NDArray[Any]] = {
        "terms": np.array(terms, np.uint64),
        "starts": np.array([*firsts, len(held)], np.int64),
        "rows": np.array([one[1] for one in held], np.int32),
        "counts": np.array([one[2] for one in held], np.uint16),
        "lengths": np.array([len(row) for row in rows], np.int32),
    }
    folder.mkdir(exist_ok=True)
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)
    return [(folder / f"{name}.npy").read_bytes() for name in NAMES]


@many
@given(st.lists(WORDS, max_size=20), st.sampled_from([1, 2, 7, 30, 10**6]), PLANS)
def test_parts_do_not_show(
    tmp_path: Path, old: list[list[str]], part: int, plan: list[list[str] | int]
) -> None:
    plan = [row for row in plan if not isinstance(row, int) or row < len(old)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inversion, "PART", part)
        assert written(tmp_path / "old", old) == save_plain(tmp_path / "plain", old)
        found = written(tmp_path / "new", plan, Postings.open(tmp_path / "old"))
    rows = [old[row] if isinstance(row, int) else row for row in plan]
    assert found == save_plain(tmp_path / "plain", rows)
    assert {path.stem for path in (tmp_path / "new").iterdir()} == {*NAMES, "postings"}
