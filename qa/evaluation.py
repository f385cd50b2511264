"""What an evaluation found: its records, their JSON form and their table. Measures nothing."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qa.outcomes import QuestionOutcome

IN_A_CROWD = " in a crowd"
"""Behind the name of a file whose questions were asked among the contexts of SQuAD files."""

Figures = Mapping[str, float]
"""Figure name -> mean; ``n`` -> how many questions."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Latency of one kind of call, in milliseconds, by nearest rank."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Latency:
    """How long `bot.ask` and `bot.retrieve` took; None where a call was not timed."""

    ask: Percentiles | None
    retrieve: Percentiles | None


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """The figures of one file when a language model writes the answers.

    Attributes:
        model: its name.
        groups: figures by group, as in `FileReport`, of what a user is shown.
        latency: of `bot.ask` and the model together, over the questions that it was asked.
        asked: how many questions it was asked: those that are not refused.
        written: how many of them it answered in its own words.
        sentences: how many it wrote; those left out count.
        verified: how many of them are verified.
        failures: how often it failed in which way; then the extractive answer counts.
        questions: a JSON object for each question, in the order of the file.
    """

    model: str
    groups: Mapping[str, Figures]
    latency: Percentiles | None
    asked: int
    written: int
    sentences: int
    verified: int
    failures: Mapping[str, int]
    questions: tuple[Mapping[str, Any], ...] = ()

    @property
    def share(self) -> float | None:
        """Share of its sentences that are verified, to 4 decimals; None if it wrote none."""
        return round(self.verified / self.sentences, 4) if self.sentences else None


@dataclass(frozen=True, slots=True)
class FileReport:
    """The figures of one file.

    Attributes:
        file: its name; ``a.json -> b.json`` for the questions of a asked of the contexts of b.
        groups: figures by group; ``all`` comes first and is always there.
        latency: over the questions of the file.
        wrong: a JSON object for each question that went wrong, in the order of the file.
        left_out: how many questions cannot be asked (blank in the file).
        fitted_on: question files that the weights of the ranking were fitted on; None where it
            does not matter.
        outcomes: how each question went, in the order of the file.
        least: how likely it had to be that the documents answer, 0 to 1; None if not known.
        written: the same questions answered by a language model; None where none was asked.
    """

    file: str
    groups: Mapping[str, Figures]
    latency: Latency
    wrong: tuple[Mapping[str, Any], ...]
    left_out: int = 0
    fitted_on: tuple[str, ...] | None = None
    outcomes: tuple[QuestionOutcome, ...] = ()
    least: float | None = None
    written: WrittenReport | None = None


@dataclass(frozen=True, slots=True)
class ContextIndex:
    """The index over the contexts of the SQuAD files.

    Attributes:
        folder: where it is kept for the next run.
        contexts: how many distinct contexts the files have.
        skipped: how many of them the build could not read; their questions count as missed.
        encoded: how many texts were encoded in this run; 0 when all vectors were there.
    """

    folder: str
    contexts: int
    skipped: int
    encoded: int


@dataclass(frozen=True, slots=True)
class CrowdIndex:
    """The index over documents and the contexts of the SQuAD files.

    Attributes:
        folder: where it is kept for the next run.
        documents: how many documents of the asked index stand among the contexts.
        contexts, skipped, encoded: as in `ContextIndex`.
    """

    folder: str
    documents: int
    contexts: int
    skipped: int
    encoded: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A report for each file; `contexts` is None without a SQuAD file, `crowd` when not asked."""

    reports: tuple[FileReport, ...]
    contexts: ContextIndex | None
    crowd: CrowdIndex | None = None


def percentiles(milliseconds: Iterable[float]) -> Percentiles | None:
    """Return p50 and p95 by nearest rank, to 0.1 ms; None when there is nothing to rank."""
    ordered = sorted(milliseconds)
    if not ordered:
        return None
    p50, p95 = (ordered[ceil(len(ordered) * share / 100) - 1] for share in (50, 95))
    return Percentiles(round(p50, 1), round(p95, 1))


def to_json(evaluation: Evaluation, *, wrong: bool = False) -> dict[str, Any]:
    """Return the JSON form; ``wrong`` of a report is null unless it is asked for."""
    contexts, crowd = evaluation.contexts, evaluation.crowd
    return {
        "reports": [_report_to_json(report, wrong) for report in evaluation.reports],
        "contexts": contexts and asdict(contexts),
        "crowd": crowd and asdict(crowd),
    }


def to_table(evaluation: Evaluation) -> str:
    """Return the figures as aligned plain text, without a line break at the end."""
    indexes = index_notes(evaluation)
    tables = ["\n".join(aligned(rows)) for rows in tables_of(evaluation.reports)]
    head = "\n".join([*indexes, "", ""]) if indexes else ""
    return "\n".join([head + "\n\n".join(tables), *report_notes(evaluation.reports)])


def tables_of(reports: Sequence[FileReport]) -> list[list[list[str]]]:
    """Return the figures as rows of texts, the first of each table its column names.

    Reports with the same columns share a table; a group but ``all`` is indented by two blanks.
    Where a language model wrote, a table of both ways follows for each file.
    """
    tables: list[list[list[str]]] = []
    for report in reports:
        names, rows = _cells(report)
        if not tables or tables[-1][0] != ["", *names]:
            tables.append([["", *names]])
        tables[-1] += rows
    return [*tables, *filter(None, map(_both_ways, reports))]


def index_notes(evaluation: Evaluation) -> list[str]:
    """Return a line for each index that was made for the evaluation."""
    return [_encoded(index) for index in (evaluation.contexts, evaluation.crowd) if index]


def _report_to_json(report: FileReport, wrong: bool) -> dict[str, Any]:
    calls = {"ask": report.latency.ask, "retrieve": report.latency.retrieve}
    return {
        "file": report.file,
        "groups": {name: dict(figures) for name, figures in report.groups.items()},
        "latency_ms": {
            name: times and {"p50": times.p50, "p95": times.p95} for name, times in calls.items()
        },
        "left_out": report.left_out,
        "fitted_on": report.fitted_on and list(report.fitted_on),
        "wrong": [dict(one) for one in report.wrong] if wrong else None,
        "written": report.written and _written_to_json(report.written),
    }


def _written_to_json(written: WrittenReport) -> dict[str, Any]:
    fields = asdict(written)
    return {**fields, "verified_share": written.share, "questions": list(fields["questions"])}


def _encoded(index: ContextIndex | CrowdIndex) -> str:
    encoded = (
        f"{index.encoded:,} texts encoded"
        if index.encoded
        else "nothing encoded: all vectors were there from an earlier run"
    )
    skipped = f", {index.skipped:,} of them not readable" if index.skipped else ""
    among = f"{index.documents:,} documents among " if isinstance(index, CrowdIndex) else ""
    return f"{among}{index.contexts:,} contexts in one index{skipped}; {encoded}"


def _cells(report: FileReport) -> tuple[list[str], list[list[str]]]:
    """Column names and one row for each group; latency stands beside the first, ``all``."""
    times = {"ask p50/p95 ms": report.latency.ask, "retrieve p50/p95 ms": report.latency.retrieve}
    names = list(dict.fromkeys(name for group in report.groups.values() for name in group))
    measured = {name: f"{one.p50:g}/{one.p95:g}" for name, one in times.items() if one}
    rows = []
    for group, figures in report.groups.items():
        first = group == "all"
        values = [_number(figures.get(name)) for name in names]
        latency = [text if first else "" for text in measured.values()]
        rows.append([report.file if first else f"  {group}", *values, *latency])
    return [*names, *measured], rows


_ASKED = "ask p50/p95 ms"


def _both_ways(report: FileReport) -> list[list[str]]:
    """Return the figures that both ways have, a row for each way; empty without a model."""
    written = report.written
    if written is None:
        return []
    own, other = report.groups["all"], written.groups["all"]
    names = [name for name in own if name in other]
    head = [report.file, *names, "verified", "written", "failed", _ASKED]
    failed = str(sum(written.failures.values()))
    share, wrote = _number(written.share), f"{written.written}/{written.asked}"
    own_row = [*_values(own, names), "-", "-", "-", _times(report.latency.ask)]
    other_row = [*_values(other, names), share, wrote, failed, _times(written.latency)]
    return [head, ["the documents' words", *own_row], [f"by {written.model}", *other_row]]


def _values(figures: Figures, names: Sequence[str]) -> list[str]:
    return [_number(figures.get(name)) for name in names]


def _times(one: Percentiles | None) -> str:
    return f"{one.p50:g}/{one.p95:g}" if one else "-"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def aligned(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Return rows as lines of aligned columns.

    Args:
        rows: cells; equally many in each.
        left: how many of the first columns are set to the left, the others to the right. Wide
            characters count as two.
    """
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            _pad(cell, width, at >= left)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _pad(cell: str, width: int, right: bool) -> str:
    blank = " " * (width - _width(cell))
    return blank + cell if right else cell + blank


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def report_notes(reports: Iterable[FileReport]) -> Iterator[str]:
    """Yield what else is to be said of the reports."""
    for report in reports:
        if report.left_out:
            yield f"{report.file}: {report.left_out} blank questions left out"
        if report.fitted_on:
            names = ", ".join(report.fitted_on)
            flatter = ", these very questions: the figures flatter"
            seen = flatter if report.file in report.fitted_on else ""
            yield f"{report.file}: ranked with weights fitted on {names}{seen}"
        if report.written and report.written.failures:
            kinds = ", ".join(f"{kind} {n}" for kind, n in report.written.failures.items())
            yield f"{report.file}: the language model failed: {kinds}; the documents' words count"
