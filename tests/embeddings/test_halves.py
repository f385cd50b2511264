"""Vectors of half precision, taken out of a map or read from the file."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from embeddings import halves as module
from embeddings.errors import IndexDamagedError
from embeddings.halves import Halves, write_halves

VECTORS = np.random.default_rng(5).normal(size=(50, 8)).astype(np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_halves(tmp_path / "sentences.npy", [VECTORS[:20], VECTORS[20:]], VECTORS.shape)
    return tmp_path / "sentences.npy"


@pytest.fixture
def read(path: Path, monkeypatch: pytest.MonkeyPatch) -> Halves:
    """Rows that are read, as those of a big file are."""
    monkeypatch.setattr(module, "MAPPED", 0)
    return Halves(path)


def expected(rows: list[int]) -> NDArray[np.float32]:
    return VECTORS.astype(np.float16).astype(np.float32)[rows]


@given(st.lists(st.integers(0, 49)))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_read_or_mapped_the_rows_are_the_same(path: Path, read: Halves, rows: list[int]) -> None:
    mapped = Halves(path)
    assert mapped.shape == read.shape == (50, 8)
    np.testing.assert_array_equal(mapped.rows(rows), expected(rows))
    np.testing.assert_array_equal(read.rows(rows), expected(rows))


def test_rows_that_follow_each_other_are_read_at_once(
    read: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    own = os.preadv

    def counted(file: int, buffers: list[memoryview], at: int) -> int:
        calls.append(at)
        return own(file, buffers, at)

    monkeypatch.setattr(os, "preadv", counted)
    read.rows([3, 4, 5, 9, 8, 30, 31])
    assert len(calls) == 4


def test_a_file_that_became_shorter_is_told(path: Path, read: Halves) -> None:
    os.truncate(path, path.stat().st_size - 16)
    assert read.rows([48]).shape == (1, 8)
    with pytest.raises(IndexDamagedError, match="'sentences.npy' have become fewer.*wenju build"):
        read.rows([48, 49])


def test_where_rows_cannot_be_read_they_are_mapped(
    path: Path, read: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read.rows([7, 3, 49])
    monkeypatch.delattr(os, "preadv")
    elsewhere = Halves(path)
    assert not hasattr(elsewhere, "_file")
    np.testing.assert_array_equal(elsewhere.rows([7, 3, 49]), found)


def test_the_file_is_closed_when_nothing_refers_to_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAPPED", 0)
    halves = Halves(path)
    file = halves._file
    del halves
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)
