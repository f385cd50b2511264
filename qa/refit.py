"""``wenju eval --fit``: a user's question files -> weights of their own beside the index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from embeddings.errors import QuestionError
from embeddings.progress import OnProgress, silence
from embeddings.settings import is_given, load
from qa import own_weights
from qa.fitting import Fit, check_count, fit
from qa.judging import Shipped
from qa.own_questions import MeasuredIndex
from qa.own_weights import OwnWeights, QuestionFile
from qa.question_files import UNANSWERABLE, GoldQuestion, read_gold_questions
from qa.ranking import Ranking
from qa.support import Support


@dataclass(frozen=True, slots=True)
class Refit:
    """What a fit found, and what became of it.

    Attributes:
        fit: see `qa.fitting`.
        files: the question files.
        least: the threshold before; it holds on when the user has set it.
        fixed: whether the user has set it.
        path: where the own weights of the index are kept.
        written: whether they were: they are when something got better.
        earlier: when the own weights were made that go on to count, ISO 8601; None without any.
    """

    fit: Fit
    files: tuple[QuestionFile, ...]
    least: float
    fixed: bool
    path: Path
    written: bool
    earlier: str | None = None


def refit(
    files: Sequence[Path],
    *,
    index: Path,
    model: str | None = None,
    on_progress: OnProgress = silence,
) -> Refit:
    """Fit weights on question files, and keep them beside the index if they are better.

    The fit starts from the weights of the package, whatever own weights the index has.

    Args:
        files: ``.jsonl`` question files; see `qa.question_files`.
        index: the index folder.
        model: sentence-transformers id or folder; None for the one that the index names.
        on_progress: told of the questions that were asked.

    Raises:
        QuestionError: a file is not what it should be, or the files hold too little.
        WenjuError: the index or its model cannot be used.
    """
    asked = {path: _read(path) for path in files}
    described = tuple(_described(path, questions) for path, questions in asked.items())
    check_count(sum(file.answerable for file in described))
    measured = MeasuredIndex(index, model)
    cases = measured.cases([one for each in asked.values() for one in each], on_progress)
    least, fixed = load().refuse_below / 100, is_given("refuse_below")
    found = fit(cases, Shipped(Ranking.shipped(), Support.shipped(), least, fixed))
    path = own_weights.path_of(index)
    if not found.own.parts:
        earlier = own_weights.summary(index, measured.fingerprint).weights
        return Refit(found, described, least, fixed, path, False, earlier.made if earlier else None)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    weights = OwnWeights(found.own, made, measured.fingerprint, described, _figures(found))
    return Refit(found, described, least, fixed, own_weights.write(index, weights), True)


def _read(path: Path) -> tuple[GoldQuestion, ...]:
    if path.suffix.lower() != ".jsonl":
        raise QuestionError(
            f"A fit is for the documents of an index, and {path} is no file of questions about "
            "them; give .jsonl files (questions with evidence)."
        )
    return read_gold_questions(path)


def _described(path: Path, questions: Sequence[GoldQuestion]) -> QuestionFile:
    answerable = sum(question.kind != UNANSWERABLE for question in questions)
    digest = own_weights.digest_of(path)
    return QuestionFile(path.name, digest, answerable, len(questions) - answerable)


def _figures(found: Fit) -> dict[str, Mapping[str, float]]:
    return {
        figure.name: {"n": figure.questions, "before": figure.before, "after": figure.after}
        for figure in found.figures
    }
