"""Every file of an index is damaged in turn: the last good generation answers, or a sentence.

The sentence names the file and the command that mends it, and the command does. By default a part
of the damages; with WENJU_KILLS all of them.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from embeddings.build import build, plan
from embeddings.errors import WenjuError
from embeddings.lexical import Tokenizer
from embeddings.store import IndexFolder
from embeddings.verify import Problem, verify
from tests.embeddings.building import Recording
from tests.kills.damages import Damage, damages_of, put_back
from tests.kills.giving import Given, given_to, judge, put_away, upload
from tests.kills.scenarios import Scenario, prepare
from tests.kills.state import QUESTIONS, Face, asked, face_of
from tests.tally import tally

ALL = "WENJU_KILLS" in os.environ

FLIPS = 40 if ALL else 2
"""Bits of each file that are flipped, one at a time."""

READ_EVERY, BUILT_EVERY = (1, 1) if ALL else (61, 173)

PEOPLES = ("uploads/", "feedback.db", "weights.json")
"""What people gave is theirs: no generation is compared with it."""

SUMMED = ("excluded.json", "weights.json")
"""Of what people gave: what has a checksum of its own."""

NOTES = ("build.lock", "documents.lock", "library.sum")
"""Files without which nothing is lost."""


@dataclass(frozen=True, slots=True)
class Whole:
    """An index without damage.

    Attributes:
        scenario: the documents.
        index: never changed.
        at: a copy of it that is damaged.
        faces: what each generation says, by its number.
        published: which one is published.
        newest: what a build makes of the documents and uploads, and of one upload more.
    """

    scenario: Scenario
    index: Path
    at: Path
    faces: Mapping[int, Face]
    published: int
    newest: tuple[Face, Face]


@pytest.fixture(scope="module", params=["edited", "grown"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory,
          tokenizer: Tokenizer) -> Whole:  # fmt: skip
    folder = tmp_path_factory.mktemp(request.param)
    scenario = prepare(request.param, folder, tokenizer)
    index = folder / "after"
    put_away(index)
    with scenario.growing:
        build(scenario.documents, index, Recording(), tokenizer)
    published = IndexFolder(index).current_number()
    assert published is not None
    newest = face_of(index, tokenizer)
    back = Path(shutil.copytree(index, folder / "back"))
    before = int(IndexFolder(back).go_back().name)
    faces = {published: newest, before: face_of(back, tokenizer)}
    at = Path(shutil.copytree(index, folder / "damaged"))
    more = Path(shutil.copytree(index, folder / "more"))
    upload(more)
    build(scenario.documents, more, Recording(), tokenizer)
    return Whole(scenario, index, at, faces, published, (newest, face_of(more, tokenizer)))


def named(damage: Damage) -> str:
    """Return what a sentence calls a damaged file: by its path in the generation."""
    found = re.match(r"generations/\d+/(.*)", damage.file)
    return found[1] if found else damage.file


MENDS = ("wenju build", "delete", "remove the file")


def is_told(said: str, damage: Damage) -> bool:
    """Tell whether a sentence names the file, and what to do."""
    return named(damage) in said and any(what in said for what in MENDS)


def is_of(damage: Damage, number: int) -> bool:
    return damage.file.startswith(f"generations/{number:06}/")


def reading(whole: Whole, damage: Damage, tokenizer: Tokenizer) -> None:
    """Open, ask, search, read documents, verify."""
    face, warning = asked(whole.at, tokenizer)  # another generation is whole
    assert face.said == whole.faces[face.generation].said
    other = face.generation != whole.published or damage.file == "CURRENT"
    assert other == (warning is not None)
    assert warning is None or is_told(warning, damage), warning
    _verified(whole, damage)
    if damage.file in SUMMED and damage.how != "removed":
        held: list[Given] = []
        told = _or_told(damage, lambda: held.append(given_to(whole.at)))
        assert told or held == [given_to(whole.index)]


def _verified(whole: Whole, damage: Damage) -> None:
    problems: list[Problem] = []
    if _or_told(damage, lambda: problems.extend(verify(whole.at, Recording()).problems)):
        return
    of_index = not damage.file.startswith((*PEOPLES, *NOTES, "excluded.json"))
    optional = damage.how == "removed" and damage.file == "library.db"
    seals = damage.file.endswith("manifest.sum")
    if of_index and not optional and not seals:
        assert problems, "verify sees nothing"
    for problem in problems:
        assert "wenju build" in problem.mend or "wenju build" in problem.what


def held(face: Face) -> tuple[object, ...]:
    """Return what a bot says, without scores: those depend on how rows came to be written."""
    found = [
        frozenset((hit.id, hit.text, hit.source) for hit in hits)
        for hits in face.said[: len(QUESTIONS)]
    ]
    answer, *sources = face.said[len(QUESTIONS) :]
    return (*found, answer.text, answer.citations, *sources)


def building(whole: Whole, damage: Damage, tokenizer: Tokenizer) -> None:
    """Give, plan, build; where that is refused do as the sentence says, and build again."""
    refused = [_or_told(damage, partial(act, whole.at)) for act in (given_to, judge, upload)]
    folders = whole.scenario.documents, whole.at
    _or_told(damage, lambda: plan(*folders, Recording(), tokenizer))

    def again() -> None:
        with whole.scenario.growing:
            build(*folders, Recording(), tokenizer)

    if said := _or_told(damage, again):
        _delete(whole.at, damage, said)
        again()
    face = face_of(whole.at, tokenizer)
    assert face.generation >= whole.published
    if not damage.file.startswith(PEOPLES) and damage.file != "excluded.json":
        assert held(face) == held(whole.newest[not refused[-1]])
    assert verify(whole.at, Recording()).problems == ()


def _or_told(damage: Damage, act: Callable[[], object]) -> str:
    """Do something; return what is said where it is refused."""
    said = _refusal(act)
    assert not said or is_told(said, damage), said
    return said


def _refusal(act: Callable[[], object]) -> str:
    try:
        act()
    except WenjuError as error:
        return str(error)
    return ""


def _delete(index: Path, damage: Damage, said: str) -> None:
    """Do what a sentence says that begins with deleting or moving away."""
    assert "delete" in said or "move it away" in said, said
    path = index / damage.file
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


@pytest.mark.timeout(7200)
def test_read(whole: Whole, tokenizer: Tokenizer) -> None:
    with tally("a file of an index removed, cut or flipped: opening, asking, verifying") as tried:
        for number, damage in enumerate(damages_of(whole.index, FLIPS)):
            if number % READ_EVERY == 0:
                damage.do(whole.at)
                with tried.trying(str(damage)):
                    reading(whole, damage, tokenizer)
                put_back(whole.at, whole.index, damage)
                for mark in whole.at.glob("generations/*/DAMAGED"):
                    mark.unlink()


@pytest.mark.timeout(7200)
def test_built_on(whole: Whole, tokenizer: Tokenizer) -> None:
    with tally("a file of an index removed, cut or flipped: giving, building, mending") as tried:
        for number, damage in enumerate(damages_of(whole.index, max(1, FLIPS // 8))):
            if number % BUILT_EVERY == 0:
                shutil.rmtree(whole.at)
                shutil.copytree(whole.index, whole.at)
                damage.do(whole.at)
                with tried.trying(str(damage)):
                    building(whole, damage, tokenizer)
    shutil.rmtree(whole.at)
    shutil.copytree(whole.index, whole.at)
