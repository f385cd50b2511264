"""Two runs of the same questions: which figures and questions moved, and whether by chance.

Only questions that are in both runs, with the same words, are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from math import comb
from typing import Any

from qa.evaluation import Evaluation, FileReport, aligned
from qa.runs import RIGHT, Conditions, Key, Past, Run, past

LESS_IS_BETTER = frozenset({"false_refusal"})

NEUTRAL = frozenset({"answered"})
"""Figures that are neither better nor worse when they move: to answer is not yet to be right."""

LISTED = 30
"""Questions of each file that the text lists."""

_QUESTION_LENGTH = 40

_ONLY_SHOWN = {"by"}
"""Options that change no answer."""


class Verdict(StrEnum):
    """What became of a question; `RIGHT` decides where it moved, else all figures that moved."""

    LOST = "lost"
    MIXED = "mixed"
    WON = "won"
    REWORDED = "reworded"


@dataclass(frozen=True, slots=True)
class FigureChange:
    """One figure over the questions of both runs.

    Attributes:
        figure: its name.
        before, after: means over the questions that it applied to, to 4 decimals; None where it
            applied to none.
        won, lost: for how many questions it became better or worse; None for one of `NEUTRAL`.
        p: of the sign test on these two; None for one of `NEUTRAL`.
    """

    figure: str
    before: float | None
    after: float | None
    won: int | None
    lost: int | None
    p: float | None

    @property
    def difference(self) -> float | None:
        """`after` less `before`, to 4 decimals."""
        if self.before is None or self.after is None:
            return None
        return round(self.after - self.before, 4)


@dataclass(frozen=True, slots=True)
class Change:
    """A question that went another way than before.

    Attributes:
        at: its place in the outcomes of the report, from 0.
        id: its name.
        question: its words.
        verdict: what became of it.
        won, lost: figures that became better, and worse.
        before: what was said in the earlier run; empty for a refusal.
    """

    at: int
    id: str
    question: str
    verdict: Verdict
    won: tuple[str, ...]
    lost: tuple[str, ...]
    before: str


@dataclass(frozen=True, slots=True)
class FileComparison:
    """One file in both runs.

    Attributes:
        file: its name.
        shared: how many questions are in both runs.
        asked, earlier: how many questions this run and the earlier one asked.
        reworded: how many of this run have an id of the earlier one but other words.
        figures: `RIGHT` first.
        changes: questions that went another way, in the order of the file.
    """

    file: str
    shared: int
    asked: int
    earlier: int
    reworded: int
    figures: tuple[FigureChange, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """This run and an earlier one.

    Attributes:
        run: file name of the earlier run.
        conditions: what the earlier run was made with.
        settings: what differs in the conditions, by name: (then, now).
        files: the files that both have, in the order of this run.
        missing: files of this run that the earlier one does not have.
    """

    run: str
    conditions: Conditions
    settings: Mapping[str, tuple[Any, Any]]
    files: tuple[FileComparison, ...]
    missing: tuple[str, ...]


def sign_test(won: int, lost: int) -> float:
    """Return how likely a difference as great as this one is by chance alone, 0 to 1.

    Two-sided exact sign test (Dixon and Mood, "The statistical sign test", Journal of the American
    Statistical Association 41, 1946): of n = won + lost questions that moved, the smaller number
    is as small or smaller with probability sum(C(n, k), k = 0..min) / 2^n under even chances; both
    sides count. Questions that did not move do not. On figures of 0 and 1 it is McNemar's exact
    test. 1 where nothing moved.
    """
    moved = won + lost
    tail = sum(comb(moved, k) for k in range(min(won, lost) + 1))
    return min(1.0, 2 * tail / (1 << moved))


def compare(evaluation: Evaluation, conditions: Conditions, run: Run) -> Comparison:
    """Compare an evaluation with an earlier run; see `Comparison`."""
    known = [report for report in evaluation.reports if report.file in run.files]
    return Comparison(
        run=run.name,
        conditions=run.conditions,
        settings=_settings(run.conditions, conditions),
        files=tuple(compare_file(report, run.files[report.file]) for report in known),
        missing=tuple(one.file for one in evaluation.reports if one.file not in run.files),
    )


def compare_file(report: FileReport, earlier: Mapping[Key, Past]) -> FileComparison:
    """Compare the questions of a file with those of the same file in an earlier run."""
    ids = {key[0] for key in earlier}
    held = [(at, one) for at, one in enumerate(report.outcomes) if one.key in earlier]
    pairs = [(earlier[one.key], past(one)) for _, one in held]
    changes = (
        _change(at, one.question.id, one.question.text, *pair)
        for (at, one), pair in zip(held, pairs, strict=True)
    )
    return FileComparison(
        file=report.file,
        shared=len(held),
        asked=len(report.outcomes),
        earlier=len(earlier),
        reworded=sum(one.key not in earlier and one.key[0] in ids for one in report.outcomes),
        figures=tuple(_figure(name, pairs) for name in _names(pairs)),
        changes=tuple(change for change in changes if change is not None),
    )


def to_json(comparison: Comparison) -> dict[str, Any]:
    """Return the JSON form."""
    files = [
        {
            **asdict(one),
            "figures": [{**asdict(f), "difference": f.difference} for f in one.figures],
        }
        for one in comparison.files
    ]
    settings = {name: list(pair) for name, pair in comparison.settings.items()}
    return {
        "run": comparison.run,
        "conditions": asdict(comparison.conditions),
        "settings": settings,
        "files": files,
        "missing": list(comparison.missing),
    }


def to_text(comparison: Comparison) -> str:
    """Return the comparison for a terminal, without a line break at the end."""
    return "\n".join([*head_lines(comparison), *_file_lines(comparison)])


def head_lines(comparison: Comparison) -> list[str]:
    """Return what the earlier run was, what differs in its settings, and which files it lacks."""
    made = comparison.conditions
    differing = [
        f"{name} {_setting(then)} -> {_setting(now)}"
        for name, (then, now) in comparison.settings.items()
    ]
    return [
        f"compared with {comparison.run} of {made.when}, wenju {made.version}, model {made.model}",
        *([f"settings that differ: {', '.join(differing)}"] if differing else []),
        *(f"{name}: not in the earlier run" for name in comparison.missing),
    ]


def shared_line(compared: FileComparison) -> str:
    """Return how many questions of a file are compared, and why not all."""
    questions = "question" if compared.shared == 1 else "questions"
    line = f"{compared.file}: {compared.shared:,} {questions} in both runs"
    if (compared.asked, compared.earlier) == (compared.shared, compared.shared):
        return line
    reworded = f", {compared.reworded:,} with other words" if compared.reworded else ""
    return f"{line} ({compared.earlier:,} then, {compared.asked:,} now{reworded})"


def figure_cells(compared: FileComparison) -> list[list[str]]:
    """Return a row of texts for each figure, below one of column names."""
    rows = [["", "before", "after", "diff", "won", "lost", "p"]]
    for one in compared.figures:
        means = [_shown(one.before, "{:.4f}"), _shown(one.after, "{:.4f}")]
        moved = [_shown(one.won, "{:,}"), _shown(one.lost, "{:,}"), _chance(one.p)]
        rows.append([one.figure, *means, _shown(one.difference, "{:+.4f}"), *moved])
    return rows


def _settings(then: Conditions, now: Conditions) -> dict[str, tuple[Any, Any]]:
    before, after = (
        {"version": one.version, "model": one.model, **one.options} for one in (then, now)
    )
    names = dict.fromkeys(name for name in (*before, *after) if name not in _ONLY_SHOWN)
    pairs = {name: (before.get(name), after.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


Pair = tuple[Past, Past]
"""A question in the earlier run, and in this one."""


def _names(pairs: Sequence[Pair]) -> Iterable[str]:
    """Return the figures of both runs, those of this run first."""
    figures = [now.figures for _, now in pairs] + [then.figures for then, _ in pairs]
    return dict.fromkeys(name for one in figures for name in one)


def _figure(name: str, pairs: Sequence[Pair]) -> FigureChange:
    before = _mean([then.figures[name] for then, _ in pairs if name in then.figures])
    after = _mean([now.figures[name] for _, now in pairs if name in now.figures])
    if name in NEUTRAL:
        return FigureChange(name, before, after, None, None, None)
    gains = [_gain(name, *pair) for pair in pairs]
    won, lost = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    return FigureChange(name, before, after, won, lost, round(sign_test(won, lost), 6))


def _gain(name: str, then: Past, now: Past) -> float:
    """Return by how much a figure became better; 0 where it does not apply to both runs."""
    if name in NEUTRAL or name not in then.figures or name not in now.figures:
        return 0.0
    gain = now.figures[name] - then.figures[name]
    return -gain if name in LESS_IS_BETTER else gain


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _change(at: int, name: str, question: str, then: Past, now: Past) -> Change | None:
    gains = {figure: _gain(figure, then, now) for figure in now.figures}
    won = tuple(figure for figure, gain in gains.items() if gain > 0 and figure != RIGHT)
    lost = tuple(figure for figure, gain in gains.items() if gain < 0 and figure != RIGHT)
    verdict = _verdict(gains[RIGHT], won, lost)
    if verdict is Verdict.REWORDED and then.said == now.said:
        return None
    return Change(at, name, question, verdict, won, lost, then.said)


def _verdict(right: float, won: Sequence[str], lost: Sequence[str]) -> Verdict:
    if right:
        return Verdict.WON if right > 0 else Verdict.LOST
    if won and lost:
        return Verdict.MIXED
    return Verdict.WON if won else Verdict.LOST if lost else Verdict.REWORDED


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _chance(p: float | None) -> str:
    return "<0.0001" if p is not None and p < 0.0001 else _shown(p, "{:.4f}")


def _setting(value: Any) -> str:
    several = value if isinstance(value, list) else [value]
    return " ".join("-" if one is None else str(one) for one in several) or "-"


def _file_lines(comparison: Comparison) -> Iterator[str]:
    for compared in comparison.files:
        yield ""
        yield shared_line(compared)
        if compared.shared:
            yield from aligned(figure_cells(compared))
            yield from _change_lines(compared.changes)


def _change_lines(changes: Sequence[Change]) -> Iterator[str]:
    moved = [
        one
        for verdict in (Verdict.LOST, Verdict.MIXED, Verdict.WON)
        for one in changes
        if one.verdict is verdict
    ]
    shown = moved[:LISTED]
    if shown:
        yield from aligned([_cells(one) for one in shown], left=4)
    if len(moved) > len(shown):
        yield f"and {len(moved) - len(shown):,} more; --json and --html have them all"
    if others := len(changes) - len(moved):
        yield f"{others:,} with another answer and the same figures"


def _cells(change: Change) -> list[str]:
    moved = [*(f"-{name}" for name in change.lost), *(f"+{name}" for name in change.won)]
    question = _on_one_line(change.question)
    short = question[:_QUESTION_LENGTH] + ("…" if len(question) > _QUESTION_LENGTH else "")
    return [change.verdict, _on_one_line(change.id), short, " ".join(moved)]


def _on_one_line(text: str) -> str:
    """Return `text` without line breaks, and without what a terminal would obey."""
    return "".join(one for one in " ".join(text.split()) if one.isprintable())
