"""Dialogues with the completed questions that a person expects: tables beside this file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from embeddings.lexical import Tokenizer, to_traditional
from qa.conversation import Turn, complete, recall

FOLDER = Path(__file__).parent / "dialogues"
NAMES = ("first", "second", "third")


class Said(NamedTuple):
    """One line of a table: a question, its answer, and how it is completed as a person would."""

    question: str
    answer: str
    expected: tuple[str, ...] = ()
    is_wrong: bool = False


class Case(NamedTuple):
    """A follow-up and the turns before it."""

    before: tuple[Said, ...]
    newest: Said


def said(line: str) -> Said:
    """Read a line of a table."""
    question, answer, *gold = (part.strip() for part in f" {line}".split(" | "))
    forms = gold[0].removeprefix("!").split(" / ") if gold else []
    expected = tuple(question if form.strip() == "=" else form.strip() for form in forms)
    wrong = bool(gold) and gold[0].startswith("!")
    return Said(question, "" if answer == "-" else answer, expected, wrong)


def dialogues(name: str) -> Iterator[list[Said]]:
    """Yield the dialogues of a table."""
    lines = (FOLDER / f"{name}.txt").read_text("utf-8").splitlines()
    kept = "\n".join(line for line in lines if not line.startswith("#"))
    for paragraph in re.split(r"\n{2,}", kept.strip()):
        yield [said(line) for line in paragraph.split("\n")]


@cache
def cases(name: str) -> list[Case]:
    """Return every line of a table that says what is expected."""
    return [
        Case(tuple(turns[:at]), newest)
        for turns in dialogues(name)
        for at, newest in enumerate(turns)
        if newest.expected
    ]


ALL = [case for name in NAMES for case in cases(name)]


def plain(text: str) -> str:
    """Return what counts of a question: no marks, no white space, no capitals, no 的 and 了."""
    return re.sub(r"[\s\W的了]", "", text).lower()


def completed(case: Case, tokenizer: Tokenizer) -> str:
    """Complete a case as the bot does when the answers before are known."""
    history = [Turn(turn.question, turn.answer) for turn in case.before]
    question = case.newest.question
    return complete(question, recall(question, history, tokenizer, lambda asked: ""), tokenizer)


def is_right(case: Case, tokenizer: Tokenizer) -> bool:
    """Tell whether a case is completed as a person would."""
    return plain(completed(case, tokenizer)) in map(plain, case.newest.expected)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.newest.question)
def test_a_follow_up_is_completed_as_a_person_would(case: Case, tokenizer: Tokenizer) -> None:
    """Those known to be wrong must be marked, and lose the mark once they are right."""
    assert is_right(case, tokenizer) != case.newest.is_wrong, completed(case, tokenizer)


@pytest.mark.parametrize(
    ("name", "turns", "least"), [("first", 171, 0.94), ("second", 64, 0.9), ("third", 54, 0.8)]
)
def test_most_of_each_table_is_right(name: str, turns: int, least: float) -> None:
    """The marks cannot grow unnoticed."""
    table = cases(name)
    assert len(table) == turns
    assert sum(not case.newest.is_wrong for case in table) / turns >= least


@pytest.mark.parametrize(
    "case",
    [case for case in cases("first") if not case.newest.is_wrong][:60],
    ids=lambda case: case.newest.question,
)
def test_traditional_follow_ups_are_completed_alike(case: Case, tokenizer: Tokenizer) -> None:
    newest = case.newest._replace(question=to_traditional(case.newest.question))
    whole = completed(case._replace(newest=newest), tokenizer)
    expected = [plain(to_traditional(form)) for form in case.newest.expected]
    assert plain(to_traditional(whole)) in expected


@pytest.mark.parametrize("mark", ["？", "?", "", "……", "  ", "！？"])
def test_marks_change_nothing(mark: str, tokenizer: Tokenizer) -> None:
    history = [Turn("趵突泉在什么地方？", "")]
    assert plain(complete(f"那黑虎泉呢{mark}", history, tokenizer)) == "黑虎泉在什么地方"


def test_two_hundred_turns_are_followed_to_the_last(tokenizer: Tokenizer) -> None:
    springs = ["那黑虎泉呢？", "那珍珠泉呢？"] * 100
    history = [Turn("趵突泉在什么地方？", ""), *(Turn(question, "") for question in springs)]
    asked = "它有多深？"
    turns = recall(asked, history, tokenizer, lambda asked: "")
    assert complete(asked, turns, tokenizer) == "珍珠泉有多深？"


@pytest.mark.parametrize(
    "history", ["Où est la tour Eiffel ?", "富士山はどこですか", "Где Байкал?", "😀"]
)
@pytest.mark.parametrize(
    "question", ["那黑虎泉呢？", "它在哪里？", "what about the lake?", "为什么？"]
)
def test_other_languages_before_are_no_error(
    history: str, question: str, tokenizer: Tokenizer
) -> None:
    assert complete(question, [Turn(history, "")], tokenizer).strip()
