"""What an index in Milvus says of itself: whose it is, which generation is published, its facts."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import IndexDamagedError, IndexFormatError, StoreError
from embeddings.lexical import UserWord
from embeddings.manifest import Manifest
from embeddings.milvus import Row, Server
from embeddings.milvus_conditions import among
from embeddings.milvus_tables import (
    CONTENTS,
    FORMAT,
    GENERATION,
    META,
    content_id,
    content_rows,
    pack,
    to_json,
    unpack,
)

_INDEX, _STATE, _BUILDER = "index", "state", "builder"

_SCRIPTS = 3


@dataclass(frozen=True, slots=True)
class State:
    """Which generations there are.

    Attributes:
        epoch: names this index; another one in the same collections has another.
        model, fingerprint, dimensions: of the vectors.
        builder: who wrote last; see `milvus_ledger`.
        number: the published generation; 0 for none.
        newest: the highest number that was ever published.
        kept: the generations whose rows are there, rising.
        serial: rises whenever another generation is published, also by a rollback.
        salt: the generation since which rows are taken over; older ones were all written anew.
    """

    epoch: str
    model: str
    fingerprint: str
    dimensions: int
    builder: str = ""
    number: int = 0
    newest: int = 0
    kept: tuple[int, ...] = ()
    serial: int = 0
    salt: int = 0

    @property
    def before(self) -> int | None:
        """The generation that a rollback goes to, or None."""
        return max((one for one in self.kept if one < self.number), default=None)

    def publishing(self, number: int) -> State:
        """Return the state in which a new generation is published."""
        kept = (*(one for one in (self.number,) if one), number)
        return replace(self, number=number, newest=number, kept=kept, serial=self.serial + 1)

    def back(self, number: int) -> State:
        """Return the state in which a generation that is kept is published again."""
        return replace(self, number=number, serial=self.serial + 1)


def read_state(server: Server) -> State | None:
    """Return the state of an index, or None when there is none.

    Raises:
        IndexFormatError: when it is of another version, or is no index.
        StoreError: when the server cannot be asked.
    """
    if not server.exists(META):
        return None
    wanted = among("name", [_INDEX, _STATE, _BUILDER])
    try:
        rows = server.rows(META, wanted, ["name", "body"])
    except StoreError:
        server.check(META)  # says it if that is why
        raise
    found = {row["name"]: row["body"] for row in rows}
    if _INDEX not in found:
        return None
    try:
        index, state = json.loads(found[_INDEX]), json.loads(found.get(_STATE, "{}"))
        version = index.pop("format")
        if version == FORMAT:
            kept = tuple(state.pop("kept", ()))
            return State(**index, **state, kept=kept, builder=found.get(_BUILDER, ""))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise IndexDamagedError(
            f"What Milvus keeps of the index {server.address} cannot be read; drop its "
            "collections and build again, or give others: --collection NAME"
        ) from error
    raise IndexFormatError(
        f"The index {server.address} has format {version}, and this version reads {FORMAT}; "
        "use the version that built it, or build into other collections: --collection NAME"
    )


def write_index(server: Server, state: State) -> None:
    """Write what never changes of an index."""
    about = {"format": FORMAT, "epoch": state.epoch, "model": state.model}
    about |= {"fingerprint": state.fingerprint, "dimensions": state.dimensions}
    server.put(META, [{"name": _INDEX, "body": to_json(about)}])


def write_builder(server: Server, builder: str) -> None:
    """Write who is writing from now on."""
    server.put(META, [{"name": _BUILDER, "body": builder}])


def write_state(server: Server, state: State) -> None:
    """Publish: the one small write after which readers see another generation."""
    body = {"number": state.number, "newest": state.newest, "kept": state.kept}
    body |= {"serial": state.serial, "salt": state.salt}
    server.put(META, [{"name": _STATE, "body": to_json(body)}])


@dataclass(frozen=True, slots=True)
class Facts:
    """What is kept of a generation beside its rows.

    Attributes:
        manifest: as on disk; it names no files.
        passage_means, sentence_means: mean vectors by script, shape (3, dimensions).
        changed: passages that changed since the means were computed.
        length: number of all words of all passages.
        user_words: of the user dictionary that it was made with.
    """

    manifest: Manifest
    passage_means: NDArray[np.float32]
    sentence_means: NDArray[np.float32]
    changed: int
    length: int
    user_words: tuple[UserWord, ...]

    def to_json(self) -> str:
        """Return all of it as text."""
        fields = {
            "manifest": json.loads(self.manifest.to_json()),
            "passage_means": pack(self.passage_means),
            "sentence_means": pack(self.sentence_means),
            "changed": self.changed,
            "length": self.length,
            "user_words": self.user_words,
        }
        return to_json(fields)

    @classmethod
    def from_json(cls, text: str) -> Facts:
        """Return what `to_json` wrote."""
        found: dict[str, Any] = json.loads(text)
        found["manifest"].pop("format")
        manifest = Manifest(**found.pop("manifest"))
        shape = (_SCRIPTS, manifest.dimensions)
        return cls(
            manifest,
            unpack(found["passage_means"], shape),
            unpack(found["sentence_means"], shape),
            int(found["changed"]),
            int(found["length"]),
            tuple(UserWord(word, count) for word, count in found["user_words"]),
        )


def write_facts(server: Server, facts: Facts) -> None:
    """Keep what a generation needs beside its rows."""
    server.put(CONTENTS, content_rows(GENERATION, facts.manifest.number, facts.to_json()))


def read_facts(server: Server, number: int) -> Facts:
    """Return what was kept of a generation.

    Raises:
        IndexDamagedError: when it is not there, or cannot be read.
        StoreError: when the server cannot be asked.
    """
    text = read_contents(server, GENERATION, [number]).get(number)
    try:
        if text is not None:
            return Facts.from_json(text)
    except (ValueError, TypeError, KeyError):
        pass
    raise IndexDamagedError(
        f"Generation {number} of the index {server.address} is not there, or cannot be read; go "
        "back to the one before (wenju build --rollback), or build again (wenju build)"
    )


def read_contents(server: Server, kind: str, owners: list[int]) -> dict[int, str]:
    """Return the texts that belong to some rows or generations, by their numbers."""
    fields = ["id", "owner", "parts", "body"]
    first = [content_id(kind, owner) for owner in owners]
    found = list(server.rows_with(CONTENTS, "id", first, fields, part=_PART))
    rest = [content_id(kind, row["owner"], at) for row in found for at in range(1, row["parts"])]
    found += server.rows_with(CONTENTS, "id", rest, fields, part=_PART)
    return _joined(found)


_PART = 200
"""Contents that are asked for at a time."""


def _joined(rows: list[Row]) -> dict[int, str]:
    parts: dict[int, dict[int, str]] = {}
    for row in rows:
        at = int(row["id"].rpartition(".")[2])
        parts.setdefault(row["owner"], {})[at] = row["body"]
    return {owner: "".join(held[at] for at in sorted(held)) for owner, held in parts.items()}
