"""What an index says and holds, in forms that compare equal when it is the same."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from embeddings.catalogue import Catalogue
from embeddings.lexical import Tokenizer
from embeddings.store import IndexFolder
from qa.bot import Bot
from tests.embeddings.building import Recording

QUESTIONS = (
    "天桥区有几家甲企业？",
    "高新区第2园属于谁？",
    "濟陽區的丑產業園第幾期？",
    "联盟由谁组建？",
)

OWN = {"number", "created", "before"}
"""Fields of a manifest that say when it was made, not from what."""


class Face(NamedTuple):
    """What a bot says: answers, rankings with scores, and the documents behind them.

    `generation` is not part of what is compared: compare `said`.
    """

    generation: int
    said: tuple[Any, ...]


def face_of(index: Path, tokenizer: Tokenizer) -> Face:
    """Ask a bot that opens the index now; it must be the published generation that answers."""
    face, warning = asked(index, tokenizer)
    assert warning is None
    return face


def asked(index: Path, tokenizer: Tokenizer) -> tuple[Face, str | None]:
    """Ask a bot that opens the index now; return its warning, too, where another one answers."""
    bot = Bot(index, Recording(), tokenizer)
    said = [bot.retrieve(question, k=50) for question in QUESTIONS]
    answer, documents, info = bot.ask(QUESTIONS[0]), bot.documents(), bot.info()
    return Face(info.generation, (*said, answer, info.sources, *documents)), info.warning


def content_of(index: Path) -> dict[str, object]:
    """Return the published generation, file by file; databases row by row.

    The piece that it has written itself is called so, whatever its number.
    """
    folder = IndexFolder(index).current()
    found: dict[str, object] = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "manifest.sum":  # which says when it was made, too
            name = path.relative_to(folder).as_posix()
            found[name.replace(folder.name, "own")] = _file(path)
    return found


def _file(path: Path) -> object:
    if path.name == "manifest.json":
        text = path.read_text(encoding="utf-8")
        fields = json.loads(text.replace(f"/{path.parent.name}", "/own"))
        for piece in fields.get("pieces", ()):
            piece["name"] = piece["name"].replace(path.parent.name, "own")
        fields["files"] = sorted(fields["files"])
        return {name: value for name, value in fields.items() if name not in OWN}
    if path.suffix == ".db":
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            return list(db.iterdump())
    return path.read_bytes()


class Kept(NamedTuple):
    """What a catalogue keeps of a build that was cut off.

    Attributes:
        state: ``running``, ``full``, or ``done`` when none was cut off.
        files: files that it looked into.
        texts: vectors that it made.
    """

    state: str
    files: int
    texts: int


def kept_in(index: Path) -> Kept:
    """Read the catalogue, without a change to it."""
    with Catalogue.copy_of(index / "library.db") as catalogue:
        number, _, state = (catalogue.get("build") or "0 done").partition(" ")
        if state == "done":
            return Kept(state, 0, 0)
        count = "SELECT count(*) FROM {} WHERE build = ?"
        files, texts = (
            int(catalogue.database.execute(count.format(table), (number,)).fetchone()[0])
            for table in ("scans", "vectors")
        )
        return Kept(state, files, texts)
