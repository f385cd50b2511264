"""Indexes of several generations, for tests of publishing, damage and reloading."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embeddings import checksums
from embeddings.build import BuildReport, build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from embeddings.manifest import describe_files
from embeddings.store import IndexFolder

ENCODER = CountingEncoder("天桥区企业济南党建园")

QUESTION = "天桥区有几家企业？"


def seal(folder: Path) -> None:
    """Make the manifest agree with the files, as a builder that makes a mistake would."""
    path = folder / "manifest.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    checksums.unseal(path)
    rewrite(folder, {**fields, "files": describe_files(folder)})


def rewrite(folder: Path, fields: Mapping[str, Any]) -> None:
    """Put other fields into the manifest of a generation, and seal it."""
    path = folder / "manifest.json"
    path.write_text(json.dumps(fields), encoding="utf-8")
    checksums.seal(path)


class Changing:
    """A folder of documents that changes, and the index over it.

    Every sentence carries the number of its version, so that a mixture of two is seen.
    """

    def __init__(self, root: Path, tokenizer: Tokenizer) -> None:
        self.documents = root / "documents"
        self.index = root / "index"
        self._tokenizer = tokenizer
        self.documents.mkdir(parents=True, exist_ok=True)

    @property
    def folder(self) -> IndexFolder:
        return IndexFolder(self.index)

    def write(self, version: int, names: Sequence[str] = ("天桥", "济阳")) -> None:
        for path in self.documents.iterdir():
            path.unlink()
        for name in names:
            text = f"{name}：天桥区有{version}家企业。\n\n济南的第{version}版，{name}园党建。\n"
            (self.documents / f"{name}.txt").write_text(text, encoding="utf-8")

    def build(self) -> BuildReport:
        return build(self.documents, self.index, ENCODER, self._tokenizer)

    def publish(self, version: int) -> BuildReport:
        self.write(version)
        return self.build()
