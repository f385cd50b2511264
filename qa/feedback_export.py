"""Feedback -> a question file: what people praised is asked again by ``wenju eval``.

* A thumb up on an answer: the cited quotes are the evidence, the words marked in it the answer.
* A thumb up on a refusal, or a thumb down with "the documents do not say this": unanswerable.
* Any other thumb down tells that an answer was wrong and not what is right: it is left out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from embeddings.errors import QuestionError, SettingError
from embeddings.opening import open_published
from embeddings.store import IndexFolder
from qa.feedback import Feedback, FeedbackStore, Verdict
from qa.figures import Originals, locate
from qa.question_files import UNANSWERABLE, Evidence, GoldQuestion, Question
from qa.render import language_of

KIND = "feedback"
"""Label of the questions that have an answer."""


class LeftOut(StrEnum):
    """Why feedback is not in the file."""

    NO_RIGHT_ANSWER = "a thumb down that does not tell what is right"
    ELSEWHERE = "not in the documents that were asked, perhaps in others"
    CHANGED = "the cited words do not stand in the documents any more"
    OLDER = "the same question was judged again later"


@dataclass(frozen=True, slots=True)
class Export:
    """Questions with gold answers out of feedback.

    Attributes:
        questions: in the order in which they were judged.
        left_out: how much feedback is not among them, by reason.
    """

    questions: tuple[GoldQuestion, ...]
    left_out: Mapping[LeftOut, int]


def export(index: Path, file: Path) -> Export:
    """Write the feedback on the index in folder `index` as a question file.

    Raises:
        QuestionError: when nothing of it can be a question; then no file is written.
        SettingError: when `file` cannot be written.
        IndexFolderError: when index or feedback cannot be read.
    """
    given = FeedbackStore(index).all()
    found = questions(given, originals_of(index, given))
    if not found.questions:
        reasons = "".join(f"; {count}: {reason}" for reason, count in found.left_out.items())
        raise QuestionError(
            f"There is no feedback in {str(index)!r} to make questions from{reasons}. Thumbs are "
            "given below the answers in wenju chat"
        )
    _write(file, "".join(f"{to_line(one)}\n" for one in found.questions))
    return found


def questions(given: Iterable[Feedback], originals: Mapping[str, str]) -> Export:
    """Return the questions that feedback makes.

    Args:
        given: what counts, oldest first.
        originals: the texts of the documents by source, at least of those that it cites.
    """
    texts = Originals(originals)
    left_out: Counter[LeftOut] = Counter()
    found: dict[tuple[str, ...], GoldQuestion | LeftOut] = {}
    for one in given:
        asked = (one.question.strip(), *one.history)
        if asked in found:
            left_out[LeftOut.OLDER] += 1
            del found[asked]  # the newer one stands where it was given
        found[asked] = _question(one, texts)
    left_out.update(one for one in found.values() if isinstance(one, LeftOut))
    made = (one for one in found.values() if isinstance(one, GoldQuestion))
    return Export(tuple(made), dict(left_out))


def _question(one: Feedback, originals: Originals) -> GoldQuestion | LeftOut:
    if one.verdict is Verdict.UP and one.answered:
        return _answered(one, originals)
    if not (one.missing if one.answered else one.verdict is Verdict.UP):
        return LeftOut.NO_RIGHT_ANSWER
    return LeftOut.ELSEWHERE if one.sources else _gold(one, UNANSWERABLE)


def _answered(one: Feedback, originals: Originals) -> GoldQuestion | LeftOut:
    evidence = dict.fromkeys(Evidence(cited.source, (cited.quote,)) for cited in one.citations)
    found = _gold(one, KIND, tuple((item,) for item in one.items), tuple(evidence))
    try:
        locate(found, originals)
    except QuestionError:
        return LeftOut.CHANGED
    return found if evidence and one.items else LeftOut.CHANGED


def _gold(
    one: Feedback,
    kind: str,
    answers: tuple[tuple[str, ...], ...] = (),
    evidence: tuple[Evidence, ...] = (),
) -> GoldQuestion:
    question = Question(f"feedback-{one.id}", one.question, one.history)
    labels = {"kind": kind, "lang": language_of(one.question), "sort": one.verdict.value}
    return GoldQuestion(question, labels, answers, evidence)


def originals_of(index: Path, given: Iterable[Feedback]) -> dict[str, str]:
    """Return the texts, as the published generation has them, of the sources that are cited."""
    cited = {citation.source for one in given for citation in one.citations}
    generation = open_published(IndexFolder(index)).generation
    try:
        held = generation.select(sorted(cited)).sources if cited else {}
        documents = generation.documents(held)
        return {name: documents[id_].text for id_, names in held.items() for name in names}
    finally:
        generation.close()


def to_line(question: GoldQuestion) -> str:
    """Return the JSON of one question, as `qa.question_files` reads it."""
    return json.dumps(dict(_fields(question)), ensure_ascii=False)


def _fields(question: GoldQuestion) -> Iterator[tuple[str, Any]]:
    yield "id", question.question.id
    yield from question.labels.items()
    yield "question", question.question.text
    if question.question.history:
        yield "history", question.question.history
    if question.kind != UNANSWERABLE:
        yield "answers", question.answers
        quotes = [{"source": one.source, "quote": one.quotes[0]} for one in question.evidence]
        yield "evidence", quotes


def _write(file: Path, text: str) -> None:
    """Write the whole file or leave what is there."""
    waiting = file.with_name(file.name + ".new")
    try:
        waiting.write_text(text, encoding="utf-8", errors="replace", newline="\n")
        waiting.replace(file)
    except OSError as error:
        with suppress(OSError):
            waiting.unlink(missing_ok=True)
        raise SettingError(
            f"The question file {str(file)!r} cannot be written ({error.strerror}); "
            "give a file in a folder that you may write to: --export FILE.jsonl"
        ) from error
