"""Checksums: damage is seen, what is big goes without, and an index from before them is built on.

What it had not: a seal beside the catalogue and each manifest, a sum in CURRENT and in the list of
what is left out.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from embeddings import checksums, manifest, schema
from embeddings.errors import IndexDamagedError
from embeddings.exclusions import LIST, exclude, excluded
from embeddings.lexical import Tokenizer
from embeddings.opening import open_published
from embeddings.store import IndexFolder
from embeddings.verify import verify
from qa.bot import Bot
from tests.generations import ENCODER, QUESTION, Changing


def as_before(index: Path) -> None:
    """Make of an index what the version before checksums would have written."""
    for seal in index.rglob("*.sum"):
        seal.unlink()
    current = index / "CURRENT"
    current.write_text(current.read_text(encoding="utf-8").split()[0] + "\n", encoding="utf-8")
    names = json.dumps(sorted(excluded(index)), ensure_ascii=False, indent=1)
    (index / LIST).write_text(names, encoding="utf-8")


@pytest.fixture
def changing(tmp_path: Path, tokenizer: Tokenizer) -> Changing:
    changing = Changing(tmp_path, tokenizer)
    changing.publish(1)
    changing.publish(2)
    exclude(changing.index, ["没有.txt"])
    as_before(changing.index)
    return changing


def seals(index: Path) -> list[str]:
    return sorted(path.relative_to(index).as_posix() for path in index.rglob("*.sum"))


def test_it_answers_and_is_whole(changing: Changing, tokenizer: Tokenizer) -> None:
    bot = Bot(changing.index, ENCODER, tokenizer)
    assert "2家" in bot.ask(QUESTION).text
    assert bot.info().warning is None
    found = verify(changing.index, ENCODER)
    assert (found.problems, found.notes, seals(changing.index)) == ((), (), [])


def test_a_build_without_a_change_publishes_nothing(changing: Changing) -> None:
    report = changing.build()
    assert (report.published, report.generation, report.encoded) == (False, 2, 0)
    assert seals(changing.index) == ["library.sum"]


def test_a_build_goes_on_from_it_and_back_to_it(changing: Changing, tokenizer: Tokenizer) -> None:
    assert changing.publish(3).generation == 3
    assert seals(changing.index) == ["generations/000003/manifest.sum", "library.sum"]
    with changing.folder.writing("rolling back"):
        changing.folder.go_back()
    bot = Bot(changing.index, ENCODER, tokenizer)
    assert "2家" in bot.ask(QUESTION).text
    assert bot.info().warning is None
    assert verify(changing.index, ENCODER).problems == ()
    assert excluded(changing.index) == {"没有.txt"}


def test_what_an_older_version_writes_later_is_no_damage(changing: Changing) -> None:
    """It does not know of the seal, which stays beside another file."""
    changing.publish(3)
    with closing(sqlite3.connect(changing.index / "library.db")) as db, db:
        db.execute("INSERT INTO meta VALUES ('older', 'version')")
    assert (changing.index / "library.sum").exists()
    assert changing.publish(4).generation == 4


def test_what_nobody_wrote_is_damage(changing: Changing) -> None:
    changing.publish(3)
    path = changing.index / "library.db"
    change_a_letter(path, "天桥区有".encode(), "天桥区无".encode())
    with pytest.raises(IndexDamagedError, match="library.db.*delete this file.*wenju build"):
        changing.build()


def change_a_letter(path: Path, old: bytes, new: bytes) -> None:
    """Change bytes as a bad disk does: nothing that knows of the file is told."""
    stat, whole = path.stat(), path.read_bytes()
    assert old in whole
    path.write_bytes(whole.replace(old, new))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("manifest.json", '"number": 3', '"number": 1'),
        ("manifest.json", "counting 天桥", "counting 天乔"),
        ("text.db", "天桥区有3", "天桥区有8"),
        ("postings/postings.json", "1.", "7."),
    ],
)
def test_a_small_change_of_a_generation_is_seen_at_its_opening(
    changing: Changing, tokenizer: Tokenizer, name: str, old: str, new: str
) -> None:
    changing.publish(3)
    change_a_letter(changing.folder.current() / name, old.encode(), new.encode())
    bot = Bot(changing.index, ENCODER, tokenizer)
    assert "2家" in bot.ask(QUESTION).text
    assert f"{name!r}" in str(bot.info().warning)


def test_a_current_that_names_another_generation_by_chance_is_seen(
    changing: Changing, tokenizer: Tokenizer
) -> None:
    changing.publish(3)
    change_a_letter(changing.index / "CURRENT", b"000003", b"000002")
    bot = Bot(changing.index, ENCODER, tokenizer)
    assert "3家" in bot.ask(QUESTION).text
    assert "CURRENT" in str(bot.info().warning)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the files that are read whole for a checksum."""
    names, own = [], checksums.sha256_of

    def sha256_of(path: Path) -> str:
        names.append(path.name)
        return own(path)

    monkeypatch.setattr(checksums, "sha256_of", sha256_of)
    return names


def test_opening_a_small_generation_reads_it_a_big_one_only_its_manifest(
    changing: Changing, monkeypatch: pytest.MonkeyPatch, read: list[str]
) -> None:
    changing.publish(3)
    read.clear()
    open_published(IndexFolder(changing.index)).generation.close()
    assert {"manifest.json", "text.db", "vectors.faiss"} <= set(read)
    monkeypatch.setattr(manifest, "CHECKED_UP_TO", 1000)
    read.clear()
    open_published(IndexFolder(changing.index)).generation.close()
    assert set(read) == {"manifest.json"}


def test_a_big_catalogue_is_not_sealed_and_built_on_without_reading_it(
    changing: Changing, monkeypatch: pytest.MonkeyPatch, read: list[str]
) -> None:
    changing.publish(3)
    monkeypatch.setattr(schema, "SEALED_UP_TO", 1000)
    changing.publish(4)
    assert not (changing.index / "library.sum").exists()
    read.clear()
    assert changing.publish(5).published
    assert "library.db" not in read
