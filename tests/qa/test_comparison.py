"""Two runs side by side: the sign test by hand, what moved, and what can be compared at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.comparison import (
    LISTED,
    Comparison,
    FigureChange,
    Verdict,
    compare,
    compare_file,
    sign_test,
    to_json,
    to_text,
)
from qa.evaluation import FileReport
from qa.outcomes import QuestionOutcome
from qa.runs import Key, Past, Run, past
from tests.evaluations import CONDITIONS, evaluation, judged, report, said


@pytest.mark.parametrize(
    ("won", "lost", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (3, 3, 1.0),
        (5, 1, 2 * (1 + 6) / 64),
        (8, 0, 2 / 256),
        (2, 9, 2 * (1 + 11 + 55) / 2048),
    ],
)
def test_sign_test_by_hand(won: int, lost: int, p: float) -> None:
    assert sign_test(won, lost) == p


@given(st.integers(0, 7), st.integers(0, 7))
def test_sign_test_counts_every_way_the_coins_can_fall(won: int, lost: int) -> None:
    """As likely as one of all 2^n outcomes with a difference that is as great or greater."""
    falls = [sum(coins) for coins in product((-1, 1), repeat=won + lost)]
    as_great = sum(abs(difference) >= abs(won - lost) for difference in falls)
    assert sign_test(won, lost) == float(Fraction(as_great, len(falls)))


def test_sign_test_of_thousands_of_questions() -> None:
    assert sign_test(1700, 1800) == pytest.approx(0.0944, abs=0.001)
    assert 0 <= sign_test(3500, 0) < 1e-300


def before(*outcomes: QuestionOutcome) -> dict[Key, Past]:
    return {one.key: past(one) for one in outcomes}


def run(**files: Mapping[Key, Past]) -> Run:
    return Run("旧.json", CONDITIONS, {f"{name}.jsonl": held for name, held in files.items()})


RIGHT_THEN = (True, False, False, True)
RIGHT_NOW = (True, True, True, False)


def test_figures_before_and_after() -> None:
    then = before(*(judged(name, right) for name, right in zip("abcd", RIGHT_THEN, strict=True)))
    now = report(*(judged(name, right) for name, right in zip("abcd", RIGHT_NOW, strict=True)))
    compared = compare_file(now, then)
    assert compared.figures == (
        FigureChange("right", 0.5, 0.75, 2, 1, 1.0),
        FigureChange("answer", 0.5, 0.75, 2, 1, 1.0),
    )
    assert compared.figures[0].difference == 0.25
    verdicts = [(change.at, change.id, change.verdict) for change in compared.changes]
    assert verdicts == [(1, "b", "won"), (2, "c", "won"), (3, "d", "lost")]


def one_figure(name: str, then: float, now: float, right: bool = True) -> FigureChange:
    old, new = (judged("a", right, figures={name: value}) for value in (then, now))
    return compare_file(report(new), before(old)).figures[1]


def test_less_is_better_for_false_refusals() -> None:
    assert one_figure("false_refusal", 1.0, 0.0) == FigureChange(
        "false_refusal", 1.0, 0.0, 1, 0, 1.0
    )


def test_to_answer_is_neither_won_nor_lost() -> None:
    assert one_figure("answered", 0.0, 1.0) == FigureChange("answered", 0.0, 1.0, None, None, None)


def test_a_rank_that_moves_counts() -> None:
    assert one_figure("MRR@10", 1 / 3, 1 / 2) == FigureChange("MRR@10", 0.3333, 0.5, 1, 0, 1.0)


def test_a_figure_that_applies_to_one_run_only_is_neither_won_nor_lost() -> None:
    old, new = judged("a", figures={"exact": 1.0}), judged("a", figures={"refused": 1.0})
    figures = compare_file(report(new), before(old)).figures[1:]
    assert figures == (
        FigureChange("refused", None, 1.0, 0, 0, 1.0),
        FigureChange("exact", 1.0, None, 0, 0, 1.0),
    )
    assert [one.difference for one in figures] == [None, None]


@pytest.mark.parametrize(
    ("then", "now", "verdict", "won", "lost"),
    [
        ((0, {"cited": 0, "hit@1": 1}), (1, {"cited": 1, "hit@1": 0}), "won", "cited", "hit@1"),
        ((1, {"cited": 1, "hit@1": 0}), (0, {"cited": 0, "hit@1": 1}), "lost", "hit@1", "cited"),
        ((1, {"cited": 0, "hit@1": 1}), (1, {"cited": 1, "hit@1": 0}), "mixed", "cited", "hit@1"),
        ((1, {"hit@5": 0.5}), (1, {"hit@5": 1}), "won", "hit@5", ""),
        ((1, {"hit@5": 0.5}), (1, {"hit@5": 0}), "lost", "", "hit@5"),
    ],
)
def test_verdicts(
    then: tuple[bool, dict[str, float]],
    now: tuple[bool, dict[str, float]],
    verdict: str,
    won: str,
    lost: str,
) -> None:
    old, new = (judged("a", bool(right), figures=values) for right, values in (then, now))
    (change,) = compare_file(report(new), before(old)).changes
    assert (change.verdict, *change.won, *change.lost) == (verdict, *[f for f in (won, lost) if f])


def test_another_answer_with_the_same_figures_is_noted() -> None:
    old, new = judged("a", answer=said("十八度。")), judged("a", answer=said("泉水十八度。"))
    (change,) = compare_file(report(new), before(old)).changes
    assert (change.verdict, change.before) == (Verdict.REWORDED, "十八度。")
    assert compare_file(report(new), before(new)).changes == ()


def test_only_shared_questions_with_the_same_words_are_compared() -> None:
    then = before(
        judged("a", False), judged("b", question="旧问法？"), judged("c", history=["前一问"]),
        judged("x"), judged("y"),
    )  # fmt: skip
    now = report(judged("a"), judged("b"), judged("c"), judged("d"))
    compared = compare_file(now, then)
    counts = (compared.shared, compared.asked, compared.earlier, compared.reworded)
    assert counts == (1, 4, 5, 2)
    assert compared.figures[0] == FigureChange("right", 0.0, 1.0, 1, 0, 1.0)


def two_runs() -> Comparison:
    then = run(
        题=before(judged("甲", True), judged("乙", False), judged("丙", True)),
        丁=before(judged("a")),
    )
    now = evaluation(
        report(judged("甲", False), judged("乙", True), judged("丙", answer=said("十八度。"))),
        report(judged("n"), file="新.jsonl"),
        report(judged("b"), judged("c"), file="丁.jsonl"),
    )
    other = replace(CONDITIONS, model="bge", options={"sample": 3, "refuse_below": 10})
    return compare(now, other, then)


def test_text() -> None:
    assert to_text(two_runs()) == (
        "compared with 旧.json of 2026-03-01 08:30:00 UTC, wenju 0.1.0, model e5\n"
        "settings that differ: model e5 -> bge, sample - -> 3\n"
        "新.jsonl: not in the earlier run\n"
        "\n"
        "题.jsonl: 3 questions in both runs\n"
        "        before   after     diff  won  lost       p\n"
        "right   0.6667  0.6667  +0.0000    1     1  1.0000\n"
        "answer  0.6667  0.6667  +0.0000    1     1  1.0000\n"
        "lost  甲  泉水多少度？  -answer\n"
        "won   乙  泉水多少度？  +answer\n"
        "1 with another answer and the same figures\n"
        "\n"
        "丁.jsonl: 0 questions in both runs (1 then, 2 now)"
    )


def test_text_of_reworded_questions() -> None:
    then = run(题=before(judged("a", question="旧？"), judged("b")))
    found = compare(evaluation(report(judged("a"), judged("b"))), CONDITIONS, then)
    assert to_text(found).split("\n")[2] == (
        "题.jsonl: 1 question in both runs (2 then, 2 now, 1 with other words)"
    )


def test_long_lists_are_shortened_lost_ones_first() -> None:
    names = [f"q{at:02}" for at in range(LISTED + 5)]
    then = run(题=before(*(judged(name, name != "q34", question="问" * 99) for name in names)))
    now = [judged(name, name == "q34", question="问" * 99) for name in names]
    lines = to_text(compare(evaluation(report(*now)), CONDITIONS, then)).split("\n")[6:]
    assert lines[0] == f"lost  q00  {'问' * 40}…  -answer"
    assert len(lines) == LISTED + 1
    assert lines[-1] == "and 5 more; --json and --html have them all"


def test_questions_cannot_command_the_terminal() -> None:
    question = "红\x1b[31m色\n换行\u202e？"
    then = run(题=before(judged("\x1b[2J1", False, question=question)))
    now = evaluation(report(judged("\x1b[2J1", True, question=question)))
    assert to_text(compare(now, CONDITIONS, then)).split("\n")[-1] == (
        "won  [2J1  红[31m色 换行？  +answer"
    )


def test_a_small_chance_is_not_zero() -> None:
    names = [str(at) for at in range(20)]
    then = run(题=before(*(judged(name, False) for name in names)))
    now: FileReport = report(*(judged(name) for name in names))
    text = to_text(compare(evaluation(now), CONDITIONS, then))
    assert "right   0.0000  1.0000  +1.0000   20     0  <0.0001" in text


def test_json() -> None:
    found = json.loads(json.dumps(to_json(two_runs())))
    assert (found["run"], found["missing"]) == ("旧.json", ["新.jsonl"])
    assert found["settings"] == {"model": ["e5", "bge"], "sample": [None, 3]}
    first = found["files"][0]
    assert (first["file"], first["shared"]) == ("题.jsonl", 3)
    assert first["figures"][0] == {
        "figure": "right", "before": 0.6667, "after": 0.6667, "won": 1, "lost": 1, "p": 1.0,
        "difference": 0.0,
    }  # fmt: skip
    assert first["changes"][0] == {
        "at": 0, "id": "甲", "question": "泉水多少度？", "verdict": "lost", "won": [],
        "lost": ["answer"], "before": "泉水常年十八度。",
    }  # fmt: skip
