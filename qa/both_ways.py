"""Answers in a language model's words, measured beside the documents' own on the same questions.

What counts is what a user would be shown: after a failure of the model that is the extractive
answer. A model that fails is counted and never ends an evaluation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import sleep
from typing import Any

from qa import figures
from qa.evaluation import Percentiles, WrittenReport, percentiles
from qa.question_files import GoldQuestion
from qa.records import Answer, Citation, Failure, Written
from qa.render import written_text

Write = Callable[[Answer], Written]
"""Has an answer written by a language model."""

MOST_WAITED = 120.0
"""Seconds that a busy model is waited for before it is asked once more, where it said so."""

TRIES = 3

_NOT_OF_WRITTEN = ("grounded",)
"""Figures that only quotes can have."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question: its figures, what was written, and the milliseconds of the whole."""

    question: GoldQuestion | None
    values: Mapping[str, float]
    written: Written
    milliseconds: float | None


class BothWays:
    """Collects what a language model makes of the answers of one file.

    Args:
        write: asks it.
        wait: waits so many seconds.
    """

    def __init__(self, write: Write, wait: Callable[[float], object] = sleep) -> None:
        self._write, self._wait = write, wait
        self._asked: list[_Asked] = []

    def written(self, answer: Answer) -> Written:
        """Return an answer in the model's words; a busy model is waited for."""
        found = self._write(answer)
        for _ in range(TRIES - 1):
            if found.failure is not Failure.BUSY or not 0 < (found.wait or 0) <= MOST_WAITED:
                break
            self._wait(found.wait or 0)
            found = self._write(answer)
        return found

    def add(
        self,
        written: Written,
        values: Mapping[str, float],
        milliseconds: float | None,
        question: GoldQuestion | None = None,
    ) -> None:
        """Count one question.

        Args:
            written: by the model.
            values: its figures, each 0 to 1.
            milliseconds: how long the answer that it rests on took; None where not measured.
            question: of a .jsonl file, for groups.
        """
        kept = {name: value for name, value in values.items() if name not in _NOT_OF_WRITTEN}
        whole = None if milliseconds is None else milliseconds + written.seconds * 1000
        self._asked.append(_Asked(question, kept, written, whole))

    def report(self, groups: Mapping[str, Mapping[str, float]]) -> WrittenReport:
        """Return what was measured; `groups` are the means of the values that were added."""
        wrote = [one.written for one in self._asked]
        failures = Counter(one.failure.value for one in wrote if one.failure is not None)
        return WrittenReport(
            model=wrote[0].model if wrote else "",
            groups=groups,
            latency=self._latency(),
            asked=sum(one.passages > 0 for one in wrote),
            written=sum(bool(one.sentences) for one in wrote),
            sentences=sum(one.count for one in wrote),
            verified=sum(one.verified for one in wrote),
            failures=dict(sorted(failures.items())),
            questions=tuple(map(_to_json, self._asked)),
        )

    def gold_groups(self, by: str | None) -> dict[str, dict[str, float]]:
        """Return the means of .jsonl questions; see `qa.figures.table`."""
        pairs = [(one.question, one.values) for one in self._asked if one.question is not None]
        return figures.table(pairs, by)

    def _latency(self) -> Percentiles | None:
        """Return that of the questions which the model was asked."""
        asked = (one for one in self._asked if one.written.passages)
        return percentiles(one.milliseconds for one in asked if one.milliseconds is not None)


def as_answer(written: Written) -> Answer:
    """Return what a user is shown in the form of an answer, for judging it as one.

    Citations are numbered as the sentences first cite them.
    """
    if not written.sentences:
        return written.answer
    cited = dict.fromkeys(number for one in written.sentences for number in one.numbers)
    return replace(
        written.answer,
        text=written_text(written),
        sentences=(),
        citations=tuple(_renumbered(written.citations, list(cited))),
    )


def _renumbered(citations: Iterable[Citation], order: Sequence[int]) -> list[Citation]:
    by_place = sorted(citations, key=lambda one: order.index(one.number))
    return [replace(one, number=order.index(one.number) + 1) for one in by_place]


def _to_json(one: _Asked) -> dict[str, Any]:
    written = one.written
    return {
        "question": written.answer.question,
        "text": written_text(written) if written.sentences else None,
        "count": written.count,
        "verified": written.verified,
        "failure": written.failure and written.failure.value,
        "figures": dict(one.values),
        "milliseconds": one.milliseconds and round(one.milliseconds, 1),
    }
