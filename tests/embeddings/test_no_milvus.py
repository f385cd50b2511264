"""Where pymilvus is not installed, one sentence says what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from embeddings.errors import StoreError
from embeddings.milvus_address import Address
from embeddings.store_milvus import MilvusStore


def test_what_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    store = MilvusStore(tmp_path / "index", Address("http://localhost:19530"))
    with pytest.raises(StoreError, match=r"not installed: pip install 'wenju\[milvus\]'"):
        store.open_published()
    assert not (tmp_path / "index").exists()
