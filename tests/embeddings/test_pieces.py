"""Generations of several pieces find what one that was written whole finds."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from embeddings import growable
from embeddings.build import build
from embeddings.lexical import Tokenizer
from embeddings.store import Generation, IndexFolder
from embeddings.verify import verify
from tests.embeddings.building import write
from tests.embeddings.piece_views import (
    Drawing,
    matched_in,
    nearest_in,
    numbers_of,
    texts_of,
)

SUBJECTS = [
    "济南",
    "天桥区",
    "高新区",
    "直播电商企业",
    "党建联盟",
    "数字经济园",
    "濟陽區產業園",
    "标准地块",
    "公积金",
    "泉水",
]
SAYINGS = [
    "共有{}家",
    "去年建成{}个",
    "投资{}亿元",
    "由{}号楼管理",
    "將於{}月開放",
    "在第{}批名单里",
]
QUESTIONS = (
    "天桥区有几家企业？",
    "濟陽區產業園何時開放？",
    "党建联盟去年建成多少？",
    "How many parks?",
)


class Corpus:
    """A folder of documents that changes at random; passages and whole documents repeat."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self._chance = folder, random.Random(seed)
        self._age = 100_000.0
        for number in range(12):
            self.add(f"{number:02}.txt")

    def add(self, name: str) -> None:
        """Write a document; a later one counts as older, so that a scan relies on it."""
        self._age += 10.123456789
        draw = self._chance
        lines = [f"{draw.choice(SUBJECTS)}的第{draw.randrange(4)}版", ""]
        if draw.random() < 0.4:
            lines[1:1] = [f"2023年1月{draw.randrange(1, 5)}日"]
        for _ in range(draw.randrange(1, 6)):
            lines += [self._paragraph(), ""]
            if draw.random() < 0.2:
                lines += ["（一）" + draw.choice(SUBJECTS), ""]
        write(self.folder / name, "\n".join(lines), self._age)

    def _paragraph(self) -> str:
        draw = self._chance
        said = (
            f"{draw.choice(SUBJECTS)}{draw.choice(SAYINGS).format(draw.randrange(2, 30))}。"
            for _ in range(draw.randrange(1, 4))
        )
        own = "".join(said)
        blank = " " if draw.random() < 0.3 else ""  # says nothing: such passages share a row
        return draw.choice(
            [own, f"联盟由两家企业组建。{blank}", f"共有三家{blank}企业在园区。{own[:12]}"]
        )

    def change(self) -> None:
        """Do one to four things to the documents."""
        for _ in range(self._chance.randrange(1, 5)):
            names = sorted(p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*.*"))
            name = self._chance.choice(names)
            fresh = f"{self._chance.choice(['', 'a/', 'z/'])}{self._chance.randrange(1000):03}"
            act = self._chance.choice(["add", "edit", "edit", "remove", "rename", "copy", "reread"])
            path, to = self.folder / name, self.folder / f"{fresh}{Path(name).suffix}"
            to.parent.mkdir(exist_ok=True)
            if act == "add" or len(names) < 8:
                self.add(f"{fresh}.txt")
            elif act == "edit":
                self.add(name)
            elif act == "remove":
                path.unlink()
            elif act == "rename":
                path.rename(to)
            elif act == "copy":
                write(to, path.read_text(encoding="utf-8"), self._age + 3)
            else:
                path.rename(self.folder / f"{fresh}.{'txt' if name.endswith('md') else 'md'}")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have generations grow by pieces from the first passages on."""
    monkeypatch.setattr(growable, "WHOLE_UP_TO", 8)


def opened(index: Path) -> Generation:
    return Generation(IndexFolder(index).current())


def whole(documents: Path, index: Path, tokenizer: Tokenizer) -> Generation:
    """Write a generation whole, out of a copy of an index's catalogue."""
    copy = index.with_name("whole")
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    shutil.copy(index / "library.db", copy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growable, "WHOLE_UP_TO", 10**9)
        build(documents, copy, Drawing(), tokenizer)
    return opened(copy)


def check_same(grown: Generation, fresh: Generation, tokenizer: Tokenizer) -> None:
    """Compare all that two generations say."""
    assert fresh.manifest.pieces is None
    said, wanted = texts_of(grown), texts_of(fresh)
    for name, value in wanted.items():
        assert said[name] == value, name
    encoder = Drawing()
    for question in QUESTIONS:
        query = encoder.encode_query(question)
        numbers = numbers_of(grown, query)
        for name, expected in numbers_of(fresh, query).items():
            np.testing.assert_allclose(numbers[name], expected, atol=1e-5, err_msg=name)
        every = len(fresh.all_rows())
        for k in (3, every):
            got, want = nearest_in(grown, query, k, None), nearest_in(fresh, query, k, None)
            assert got == want
        assert matched_in(grown, question, tokenizer, every) == matched_in(
            fresh, question, tokenizer, every
        )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.usefixtures("small")
def test_after_any_changes_it_finds_what_a_whole_one_finds(
    seed: int, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    documents, index = tmp_path / "documents", tmp_path / "index"
    corpus, most = Corpus(documents, seed), 1
    for _ in range(8):
        build(documents, index, Drawing(), tokenizer)
        grown = opened(index)
        most = max(most, len(grown.pieces))
        fresh = whole(documents, index, tokenizer)
        check_same(grown, fresh, tokenizer)
        grown.close()
        fresh.close()
        corpus.change()
    assert most > 1
    assert verify(index, Drawing()).problems == ()
