"""What is killed: a folder of documents, an index before, and what is done to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from embeddings import growable, growth
from embeddings.build import BuildReport, build
from embeddings.lexical import Tokenizer
from embeddings.store import Generation, IndexFolder
from tests.embeddings.building import Recording, write
from tests.kills.giving import ACTS
from tests.kills.state import Face, content_of, face_of

BOTH = "两家联盟由济南党建中心组建。企业在园区。"
"""Stands in several files: equal passages share a row."""

BROKEN = "坏.docx"

NAMES = ("edited", "first", "full", "rollback", "leftovers", "grown")
"""The scenarios.

``leftovers`` begins with generations to be removed, and with what kills leave; in ``grown`` each
generation is a change of the one before, and has several pieces.
"""


def text_of(name: str, version: int) -> str:
    """Return a file's text; every sentence names its version."""
    return (
        f"{name}的第{version}版\n\n天桥区有{version}家{name}企业。高新区第{version}园属于{name}。\n\n"
        f"濟(jì)陽(yáng)區(qū)的{name}產業園第{version}期。\n"
    )


def write_before(folder: Path) -> None:
    """Write the documents that an index is built from before a build is killed."""
    for at, name in enumerate("甲乙丙丁戊己庚辛壬癸"):
        write(folder / f"{name}.txt", text_of(name, 1) + f"\n{BOTH}\n" * (at < 2))
    write(folder / "同" / "甲.txt", text_of("甲", 1) + f"\n{BOTH}\n")
    write(folder / BROKEN, "no archive")


def edit(folder: Path) -> None:
    """Change, add, remove and rename files; one content moves under an older name."""
    for name in ("甲", "丙"):
        write(folder / f"{name}.txt", text_of(name, 2), 60.123456789)
    write(folder / "新" / "子.md", text_of("子", 2), 60.123456789)
    write(folder / "丑.html", f"<h1>丑</h1><p>{text_of('丑', 2)}<p>{BOTH}", 60.123456789)
    (folder / "丁.txt").unlink()
    (folder / "戊.txt").unlink()
    (folder / "己.txt").rename(folder / "新" / "己.txt")
    (folder / "庚.txt").rename(folder / "戊.txt")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that is killed again and again.

    Attributes:
        name: of the scenario.
        action: see `server.Order`.
        documents: the folder of documents, as it stays.
        index: the index before; never changed, may be missing.
        published: number of its published generation; None when there is none.
        faces: what a bot says before, if anything, and after the action.
        newest: what a bot says over a fresh index of the documents.
        content: what such an index holds.
        report: of the action when it is not cut off; None of a rollback.
    """

    name: str
    action: str
    documents: Path
    index: Path
    published: int | None
    before: Face | None
    after: Face
    newest: Face
    content: Mapping[str, object]
    report: BuildReport | None

    @property
    def growing(self) -> AbstractContextManager[None]:
        """Have builds of this process do what those of the scenario do."""
        return growing(self.action == "grow")

    def copy(self, to: Path) -> Path:
        """Put the index before at `to`, in place of what is there."""
        shutil.rmtree(to, ignore_errors=True)
        if self.index.exists():
            shutil.copytree(self.index, to)
        return to


def prepare(name: str, folder: Path, tokenizer: Tokenizer) -> Scenario:
    """Make the documents and the index before of the scenario `name`, in `folder`."""
    with growing(name == "grown"):
        return _prepared(name, folder, tokenizer)


def _prepared(name: str, folder: Path, tokenizer: Tokenizer) -> Scenario:
    documents, index = folder / "documents", folder / "before"
    write_before(documents)
    if name != "first":
        build(documents, index, Recording(), tokenizer)
    if name == "grown":
        for piece in "丁癸":
            write(documents / f"{piece}.txt", text_of(piece, 4), 90.123456789)
            build(documents, index, Recording(), tokenizer)
    if name in ("edited", "rollback", "grown"):
        edit(documents)
    if name == "rollback":
        build(documents, index, Recording(), tokenizer)
    if name == "leftovers":
        _leave(documents, index, tokenizer)
    there, fresh, after = IndexFolder(index), folder / "fresh", folder / "after"
    if there.exists():
        shutil.copytree(index, after)
    action = {"full": "full", "rollback": "rollback", "grown": "grow"}.get(name, "build")
    report = act(action, documents, after, tokenizer)
    if name == "grown":  # its rows have another order than those of a fresh one
        fresh = after
    else:
        build(documents, fresh, Recording(), tokenizer)
    return Scenario(
        name=name,
        action=action,
        documents=documents,
        index=index,
        published=there.current_number(),
        before=face_of(index, tokenizer) if there.exists() else None,
        after=face_of(after, tokenizer),
        newest=face_of(fresh, tokenizer),
        content=content_of(fresh),
        report=report,
    )


@contextmanager
def growing(does: bool) -> Iterator[None]:
    """Have generations grow by pieces from the first passages on, if they do."""
    before = growable.WHOLE_UP_TO, growth.MOST_DELETED, growth.MERGED_UP_TO
    if does:
        growable.WHOLE_UP_TO, growth.MOST_DELETED, growth.MERGED_UP_TO = 4, 0.9, 0.2
    yield
    growable.WHOLE_UP_TO, growth.MOST_DELETED, growth.MERGED_UP_TO = before


def act(action: str, documents: Path, index: Path, tokenizer: Tokenizer) -> BuildReport | None:
    """Do to an index what is killed elsewhere.

    Args:
        action: ``build``, ``grow``, ``full``, ``rollback``, or one of `giving.ACTS`.
        documents, index: the folders.
        tokenizer: for words.
    """
    if action in ACTS:
        ACTS[action](index)
        return None
    if action != "rollback":
        with growing(action == "grow"):
            return build(documents, index, Recording(), tokenizer, full=action == "full")
    with IndexFolder(index).writing("rolling back"):
        IndexFolder(index).go_back()
    return None


def _leave(documents: Path, index: Path, tokenizer: Tokenizer) -> None:
    """Leave generations that readers hold, and what other kills left; then edit."""
    held = [Generation(IndexFolder(index).current())]
    for version in (3, 4, 5):
        write(documents / "丙.txt", text_of("丙", version), 600.123456789)
        build(documents, index, Recording(), tokenizer)
        held.append(Generation(IndexFolder(index).current()))
    for generation in held:
        generation.close()
    generations = IndexFolder(index).generations
    for name in ("000007.partial", "000000.removed"):
        shutil.copytree(generations / "000001", generations / name)
    (generations / "000007.partial" / "manifest.json").unlink()
    (index / "CURRENT.new").write_text("0000", encoding="utf-8")
    edit(documents)
