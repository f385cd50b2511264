"""Question files, one JSON object a line, read and checked before the first question is asked.

Knows nothing of answers or of an index.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from embeddings.errors import QuestionError
from qa.printable import printable, printable_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

UNANSWERABLE = "unanswerable"

_LINE = (
    'A line must be a JSON object with "id" and "question" (texts) and, for a follow-up, '
    '"history" (a list of the user\'s earlier turns).'
)
_GOLD_LINE = (
    'Besides "id" and "question" a line to be scored needs "kind" and, unless that is '
    f'"{UNANSWERABLE}", "answers" (a list of lists of accepted variants) and "evidence" '
    '(a list of {"source", "quote"}, where "or" may list further quotes).'
)


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask.

    Attributes:
        id: name of the question, unique in its file.
        text: the user's words.
        history: the user's turns before, oldest first; empty when there are none.
    """

    id: str
    text: str
    history: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence: any of `quotes`, each verbatim in the original text of `source`."""

    source: str
    quotes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoldQuestion:
    """A question and what a right answer to it holds.

    Attributes:
        question: what to ask.
        labels: ``kind`` and, where the file gives them, ``lang`` and ``sort``.
        answers: the required items, each as its accepted variants; empty if unanswerable.
        evidence: what the answer stands on; empty if unanswerable.
    """

    question: Question
    labels: Mapping[str, str]
    answers: tuple[tuple[str, ...], ...]
    evidence: tuple[Evidence, ...]

    @property
    def kind(self) -> str:
        """The label ``kind``; `UNANSWERABLE` is the one with a meaning of its own."""
        return self.labels["kind"]


def read_questions(path: Path) -> tuple[Question, ...]:
    """Read the questions of a file; keys besides id, question and history are ignored.

    Raises:
        QuestionError: the file is missing, unreadable or without questions, a line is not what
            it must be, or an id comes twice.
    """
    return _unique(path, tuple(_question(line) for line in _lines(path, _LINE)))


def read_gold_questions(path: Path) -> tuple[GoldQuestion, ...]:
    """Read the questions of a file together with their gold answers and evidence.

    Raises:
        QuestionError: as `read_questions`.
    """
    gold = tuple(_gold_question(line) for line in _lines(path, _GOLD_LINE))
    _unique(path, tuple(one.question for one in gold))
    return gold


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file without its byte-order mark.

    Raises:
        QuestionError: the file is missing, not a file, unreadable, or not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise QuestionError(
            f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8 and try again."
        ) from error
    except OSError as error:
        raise QuestionError(
            f"{path} cannot be read: {error.strerror}. Give the path of a question file."
        ) from error


@dataclass(frozen=True, slots=True)
class _Line:
    """One object of a file: typed access to its keys, and errors that say where it stands."""

    where: str
    wanted: str
    keys: Mapping[str, Any]

    def fail(self, problem: str) -> NoReturn:
        raise QuestionError(f"{self.where}: {problem}. {self.wanted}")

    def words(self, key: str) -> str:
        """What a user wrote, whatever its characters are."""
        value = self.keys.get(key)
        if not isinstance(value, str) or not value.strip():
            self.fail(f'"{key}" is {_shown(value)}, not a text')
        return value

    def text(self, key: str) -> str:
        return self._whole(key, self.words(key))

    def items(self, key: str) -> list[Any]:
        value = self.keys.get(key)
        if not isinstance(value, list):
            self.fail(f'"{key}" is {_shown(value)}, not a list')
        return value

    def texts(self, key: str, value: object) -> tuple[str, ...]:
        return tuple(self._whole(key, item) for item in self.turns(key, value))

    def turns(self, key: str, value: object) -> tuple[str, ...]:
        """What a user wrote before."""
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fail(f'"{key}" holds {_shown(value)}, not a list of texts')
        return tuple(value)

    def _whole(self, key: str, text: str) -> str:
        """Refuse what no file can hold, and no page or terminal can show."""
        if any("\ud800" <= character <= "\udfff" for character in text):
            self.fail(f'"{key}" holds {_shown(text)}, half of a surrogate pair without the other')
        return text


def _shown(value: object) -> str:
    """A value as an error message shows it, cut to a readable length."""
    if value is None:
        return "missing"
    written = printable_json(value)
    return written if len(written) <= 60 else f"{written[:60]}…"


def _lines(path: Path, wanted: str) -> Iterator[_Line]:
    numbered = enumerate(read_text(path).split("\n"), start=1)
    filled = [(number, line) for number, line in numbered if line.strip()]
    if not filled:
        raise QuestionError(f"{path} holds no questions. {wanted}")
    for number, line in filled:
        yield _parsed(f"{path}, line {number}", line, wanted)


def _parsed(where: str, line: str, wanted: str) -> _Line:
    try:
        keys = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise QuestionError(f"{where}: not JSON ({error}). {wanted}") from error
    if not isinstance(keys, dict):
        raise QuestionError(f"{where}: {_shown(keys)} is not an object. {wanted}")
    return _Line(where, wanted, keys)


def _question(line: _Line) -> Question:
    history = line.turns("history", line.keys.get("history") or [])
    return Question(line.text("id"), line.words("question"), history)


def _gold_question(line: _Line) -> GoldQuestion:
    labels = {"kind": line.text("kind")}
    labels |= {key: line.text(key) for key in ("lang", "sort") if key in line.keys}
    if labels["kind"] == UNANSWERABLE:
        return GoldQuestion(_question(line), labels, (), ())
    answers = tuple(line.texts("answers", item) for item in line.items("answers"))
    evidence = tuple(_evidence(line, item) for item in line.items("evidence"))
    if not evidence:
        line.fail('"evidence" is empty')
    return GoldQuestion(_question(line), labels, answers, evidence)


def _evidence(line: _Line, item: object) -> Evidence:
    if not isinstance(item, dict):
        line.fail(f'"evidence" holds {_shown(item)}, not an object')
    piece = _Line(f"{line.where}, evidence", line.wanted, item)
    quotes = (piece.text("quote"), *piece.texts("or", item.get("or", [])))
    return Evidence(piece.text("source"), quotes)


def _unique(path: Path, questions: tuple[Question, ...]) -> tuple[Question, ...]:
    twice = [name for name, count in Counter(one.id for one in questions).items() if count > 1]
    if twice:
        name = printable(twice[0])
        raise QuestionError(
            f'{path}: the id "{name}" comes more than once. Give every question its own id.'
        )
    return questions
