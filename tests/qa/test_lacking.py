"""What sentences lose that have not the form that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from qa.kinds import Kind
from qa.lacking import NATS, UNSAID, is_lacking, lacking
from qa.question import analyse


def forms(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(values, np.float32)


@pytest.mark.parametrize("kind", [Kind.NUMBER, Kind.DATE, Kind.DURATION])
def test_without_a_number_or_a_date(kind: Kind) -> None:
    assert lacking(kind, forms(0, 0.3, 0.9)).tolist() == [NATS[kind], 0, 0]


def test_beside_a_sentence_that_says_what_it_is() -> None:
    assert lacking(Kind.DEFINITION, forms(0.3, 0.9, 0.7)).tolist() == [UNSAID, 0, UNSAID]
    assert not lacking(Kind.DEFINITION, forms(0.3, 0.7)).any()


@pytest.mark.parametrize("kind", [Kind.OTHER, Kind.PERSON, Kind.REASON, Kind.LIST])
def test_other_kinds_are_answered_without_a_form(kind: Kind) -> None:
    assert not lacking(kind, forms(0, 0.5, 1)).any()


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("一天收多少吨垃圾？", True),
        ("有多少家企业？", True),
        ("How many books are there?", True),
        ("有多少？", False),
        ("哪一年成立？", True),
        ("什么时候成立？", True),
        ("什么时期没有黑子？", False),
        ("谁提出来的？", False),
    ],
)
def test_a_measure_that_no_sentence_has(question: str, expected: bool) -> None:
    wanted = analyse(question)
    assert is_lacking(wanted, forms(0, 0, 0)) is expected
    assert not is_lacking(wanted, forms(0.5, 0, 0))


def test_a_measure_stands_in_the_best_sentence_and_a_count_in_any() -> None:
    assert is_lacking(analyse("一天收多少吨垃圾？"), forms(0, 0.9))
    assert not is_lacking(analyse("有多少家企业？"), forms(0, 0.9))


def test_a_year_is_not_told_by_a_word_that_stands_for_one() -> None:
    assert is_lacking(analyse("哪一年成立？"), forms(0.4, 0.9))  # 今年, 同年
    assert not is_lacking(analyse("什么时候成立？"), forms(0.4, 0))
