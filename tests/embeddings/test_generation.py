"""A generation after changes holds the very bytes of one that is built from nothing."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embeddings.build import build
from embeddings.lexical import Tokenizer
from embeddings.postings import Postings
from embeddings.store import IndexFolder
from tests.embeddings.building import Recording, write
from tests.generations import seal

TABLES = ("documents", "files", "passages", "sentences", "places")

REPEATED = "济南高新区有二十一家产业园，党建联盟办在天桥区的园区里，由企业轮流主持日常工作。"


class Growing:
    """A folder of documents, its index, and which rows each build took over."""

    def __init__(self, root: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.index, self.fresh = root / "documents", root / "index", root / "fresh"
        self.tokenizer = tokenizer
        self.plans: list[list[int]] = []
        self._number = 0
        own = Postings.write

        def recorded(folder: Path, rows: Iterable[Any], *others: Any) -> None:
            planned = list(rows)
            self.plans.append([row for row in planned if isinstance(row, int)])
            own(folder, planned, *others)

        monkeypatch.setattr("embeddings.generation.Postings.write", recorded)

    def build(self, **options: Any) -> list[int]:
        """Build, and return the rows that were taken over."""
        assert build(self.root, self.index, Recording(), self.tokenizer, **options).published
        return self.plans[-1]

    def check(self) -> None:
        """Hold the published generation against one that is built from nothing."""
        self._number += 1
        fresh = self.fresh / str(self._number)
        build(self.root, fresh, Recording(), self.tokenizer)
        assert self.plans[-1] == []
        assert content(self.index) == content(fresh)


def content(index: Path) -> dict[str, Any]:
    """Return the rows of the tables of the published generation, and the bytes of its files."""
    folder = IndexFolder(index).current()
    found: dict[str, Any] = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("manifest.json", "manifest.sum", "text.db")
    }
    with closing(sqlite3.connect(folder / "text.db")) as db:
        for name in TABLES:
            found[name] = db.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()
        found["schema"] = db.execute("SELECT sql FROM sqlite_schema ORDER BY sql").fetchall()
    return found


@pytest.fixture
def growing(tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> Growing:
    made = Growing(tmp_path, tokenizer, monkeypatch)
    write(made.root / "甲.txt", f"天桥区党建\n\n{REPEATED}\n")
    write(made.root / "乙.txt", f"新区企业\n\n{REPEATED}\n")
    write(made.root / "丙.txt", "濟南高新區有產業園，黨建聯盟在天橋區。")
    write(made.root / "丁.txt", "The district has 21 industrial parks and 5.5% growth.")
    return made


def test_a_changed_file(growing: Growing) -> None:
    assert growing.build() == []
    write(growing.root / "乙.txt", f"新区企业\n\n{REPEATED}\n\n天桥有企业。\n", 60)
    assert growing.build() != []
    growing.check()


def test_a_renamed_file_gives_rows_other_numbers(growing: Growing) -> None:
    growing.build()
    (growing.root / "甲.txt").rename(growing.root / "0.txt")
    assert growing.build() != sorted(growing.plans[-1])
    growing.check()


def test_repeats_under_other_headlines(growing: Growing) -> None:
    """Their words change with the headlines of every place, also of one that goes away."""
    growing.build()
    write(growing.root / "戊.txt", f"济阳老街\n\n{REPEATED}\n")
    write(growing.root / "己.txt", f"济阳老街\n\n{REPEATED}\n\n")
    growing.build()
    growing.check()
    places = content(growing.index)["places"]
    headlines = [title for _, _, _, _, title, *_ in places if title]
    # each is the place of the headline itself and of the text below it
    assert sorted(headlines) == sorted(["天桥区党建", "新区企业", "济阳老街", "济阳老街"] * 2)
    (growing.root / "甲.txt").unlink()
    growing.build()
    growing.check()


def test_equal_words_of_two_roles_are_taken_over_once(growing: Growing) -> None:
    write(growing.root / "双.html", "<title>双</title><h1>产业园</h1><ul><li>产业园</li></ul>")
    growing.build()
    write(growing.root / "戊.txt", "新的一条。")
    taken = growing.build()
    assert len(set(taken)) == len(taken)
    growing.check()


def test_all_rows_but_the_changed_one_are_taken_over(growing: Growing) -> None:
    growing.build()
    rows = np.load(IndexFolder(growing.index).current() / "scripts.npy").size
    write(growing.root / "丙.txt", "天橋區。", 60)
    assert len(growing.build()) == rows - 1


@pytest.mark.parametrize("seed", range(4))
def test_many_changes(growing: Growing, seed: int) -> None:
    drawn = random.Random(seed)
    sentences = [f"{who}有{n}家{what}。" for who in "天济高" for n in "一二三" for what in "园企"]
    for step in range(4):
        for number in range(12):
            path = growing.root / f"{number:02}.txt"
            if drawn.random() < 0.2:
                path.unlink(missing_ok=True)
            elif drawn.random() < 0.5:
                lines = ["".join(drawn.choices(sentences, k=3)) for _ in range(3)]
                write(
                    path, "\n\n".join([f"题{step}", *lines, *[REPEATED] * (number % 2)]), 60 * step
                )
        growing.build()
    growing.check()


def damage(folder: Path) -> None:
    path = folder / "postings" / "counts.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def lose(folder: Path) -> None:
    (folder / "postings" / "origins.npy").unlink()
    seal(folder)


def shorten(folder: Path) -> None:
    path = folder / "postings" / "origins.npy"
    np.save(path, np.load(path)[1:])
    seal(folder)


@pytest.mark.parametrize("change", [damage, lose, shorten])
def test_damaged_or_older_postings_are_not_taken_over(
    growing: Growing, change: Callable[[Path], None]
) -> None:
    growing.build()
    change(IndexFolder(growing.index).current())
    write(growing.root / "戊.txt", "新的一条。")
    assert growing.build() == []
    growing.check()


def test_a_full_build_and_one_after_a_rollback_take_nothing_over(growing: Growing) -> None:
    growing.build()
    assert growing.build(full=True) == []
    growing.check()
    IndexFolder(growing.index).go_back()
    assert growing.build() == []


def test_words_of_rows_taken_over_are_kept(growing: Growing) -> None:
    """Should the published postings be lost, nothing has to be cut into words again."""
    growing.build()
    write(growing.root / "戊.txt", "新的一条。")
    growing.build()
    damage(IndexFolder(growing.index).current())
    (growing.root / "戊.txt").unlink()
    growing.tokenizer = Refusing()  # type: ignore[assignment]
    assert growing.build() == []


class Refusing:
    """Stands in for the tokenizer where no text may be cut into words."""

    fingerprint = Tokenizer(Path()).fingerprint
    user_words = ()

    def tokens(self, text: str) -> list[str]:
        raise AssertionError(f"{text!r} was cut again")

    words = tag = log_probability = tokens
