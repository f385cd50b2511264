"""SQuAD files: their questions, their contexts as a folder of documents, and the figures on them.

Every distinct context is one document; titles are not used. Asks nothing: what the bot found and
said is handed in.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from embeddings.errors import IndexWriteError, QuestionError
from qa.figures import plain
from qa.question_files import Question, read_text

if TYPE_CHECKING:
    from qa.records import Answer, Citation, Hit

RANKS = (1, 5, 10)
"""The k of each R@k; the last is also that of MRR."""

_FIGURES = (*(f"R@{k}" for k in RANKS), f"MRR@{RANKS[-1]}", "cites", "answered")

LONGEST_CITATION = 150
"""A first citation whose quotes have more characters than this does not count."""

_NEAREST = 3
_OPENING = 60

_FORM = (
    "A SQuAD file holds data[].paragraphs[], each with a context and qas[] of id, question and "
    "answers[] (text, answer_start)."
)


@dataclass(frozen=True, slots=True)
class GoldAnswer:
    """An answer of the file: its text, and the offset in the context where it should stand."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset after its last character."""
        return self.start + len(self.text)

    def stands_in(self, context: str) -> bool:
        """Whether the context has this text at this offset; some files are off."""
        return self.start >= 0 and context[self.start : self.end] == self.text


@dataclass(frozen=True, slots=True)
class SquadQuestion:
    """A question, the context that answers it, and its gold answers (none in SQuAD 2's traps)."""

    question: Question
    context: str
    answers: tuple[GoldAnswer, ...]


@dataclass(frozen=True, slots=True)
class SquadFile:
    """The questions of a SQuAD file.

    Attributes:
        name: file name, or ``a.json -> b.json`` for questions of a asked of the contexts of b.
        questions: in the order of the file.
        left_out: questions without a word, or about a context without one.
    """

    name: str
    questions: tuple[SquadQuestion, ...]
    left_out: int = 0

    @property
    def contexts(self) -> tuple[str, ...]:
        """The distinct contexts, in the order of the file."""
        return tuple(dict.fromkeys(one.context for one in self.questions))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one question went.

    Attributes:
        question: what was asked, and the gold.
        rank: place of the gold context among the distinct contexts found, from 1; None when it
            is not among them.
        cites: whether the first citation counts; None without a gold answer.
        answered: whether the bot answered.
        first_citation: the quotes of citation number 1 put together; empty in a refusal.
        first_source: where it stands; empty in a refusal.
        nearest: the first passages found, cut to their first 60 characters.
    """

    question: SquadQuestion
    rank: int | None
    cites: bool | None
    answered: bool
    first_citation: str
    first_source: str
    nearest: tuple[str, ...]

    @property
    def is_wrong(self) -> bool:
        """Whether the gold context is not first, or the first citation does not count."""
        return self.rank != 1 or self.cites is False


def read_squad(path: Path) -> SquadFile:
    """Read a SQuAD file.

    Raises:
        QuestionError: it is missing, unreadable, not JSON, not of the SQuAD form, or without
            questions.
    """
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise QuestionError(f"{path} is not JSON ({error}). {_FORM}") from error
    given = list(_questions(_Node(path, "", content)))
    asked = tuple(one for one in given if one.question.text.strip() and one.context.strip())
    if not asked:
        raise QuestionError(f"{path} holds no questions. {_FORM}")
    return SquadFile(path.name, asked, len(given) - len(asked))


def pair(asked: SquadFile, answering: SquadFile) -> SquadFile | None:
    """Return the questions of `asked` with the contexts and gold answers of `answering`.

    Questions are paired by id, as in the translations of one set; None when no id is shared.
    """
    gold = {one.question.id: one for one in answering.questions}
    questions = tuple(
        replace(gold[one.question.id], question=one.question)
        for one in asked.questions
        if one.question.id in gold
    )
    return SquadFile(f"{asked.name} -> {answering.name}", questions) if questions else None


def context_name(context: str) -> str:
    """Return the source of a context, which depends on its text alone.

    The file's own name is without a word: it becomes the title of a text without a headline.
    """
    return f"{_digest(context.encode())}/_.txt"


def contexts_key(contexts: Iterable[str]) -> str:
    """Return a name for a set of contexts, whatever their order."""
    return _digest("".join(sorted(map(context_name, contexts))).encode())


def write_contexts(contexts: Iterable[str], folder: Path) -> None:
    """Make `folder` a folder of one file per context; one that is there already is kept.

    The folder appears whole or not at all, so an interrupted run leaves no part of one, and of
    two runs at once either may win.

    Raises:
        IndexWriteError: the place cannot be written.
    """
    if folder.is_dir():
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".contexts-") as unfinished:
            whole = Path(unfinished, "whole")
            for context in dict.fromkeys(contexts):
                _write_context(context, whole)
            _publish(whole, folder)
    except OSError as error:
        raise IndexWriteError(
            f"The contexts cannot be written to {folder}: {error.strerror}. "
            "Set WENJU_HOME to a folder that can be written."
        ) from error


def judge(question: SquadQuestion, hits: Sequence[Hit], answer: Answer) -> Outcome:
    """Judge what was found and said for one question."""
    contexts = ranked_contexts(hits)
    gold = context_name(question.context)
    first = [one for one in answer.citations if one.number == 1]
    return Outcome(
        question=question,
        rank=contexts.index(gold) + 1 if gold in contexts else None,
        cites=_cites(question, first) if question.answers else None,
        answered=answer.answered,
        first_citation="".join(one.quote for one in first),
        first_source=first[0].source if first else "",
        nearest=tuple(hit.text[:_OPENING] for hit in hits[:_NEAREST]),
    )


def ranked_contexts(hits: Sequence[Hit]) -> tuple[str, ...]:
    """Return the first 10 distinct sources, each at the rank of its best passage.

    A passage that stands in several files ranks them all, its own first.
    """
    sources = (place for hit in hits for place in (hit.source, *(p.source for p in hit.places)))
    return tuple(dict.fromkeys(sources))[: RANKS[-1]]


def values(outcome: Outcome) -> dict[str, float]:
    """Return the figures of one question, each 0 to 1; see `figures` for their means."""
    rank = outcome.rank
    found = {f"R@{k}": float(rank is not None and rank <= k) for k in RANKS}
    found[f"MRR@{RANKS[-1]}"] = 1 / rank if rank else 0.0
    if outcome.cites is not None:
        found["cites"] = float(outcome.cites)
    return found | {"answered": float(outcome.answered)}


def figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return the means over the questions, to 4 decimals.

    ``R@k``: share whose gold context is among the first k; ``MRR@10``: mean of 1/rank, 0 from
    rank 11 on; ``cites``: of the questions with a gold answer, share whose first citation covers
    one and is short; ``answered``: share not refused. A figure without questions is left out.
    """
    rows = [values(one) for one in outcomes]
    columns = {name: [row[name] for row in rows if name in row] for name in _FIGURES}
    means = {name: round(sum(v) / len(v), 4) for name, v in columns.items() if v}
    return {"n": len(outcomes), **means}


def describe(outcome: Outcome) -> dict[str, Any]:
    """Return what was wanted and what came for one question, as a JSON object."""
    question = outcome.question
    return {
        "id": question.question.id,
        "question": question.question.text,
        "want": [answer.text for answer in question.answers],
        "source": context_name(question.context),
        "rank": outcome.rank,
        "cites": outcome.cites,
        "answered": outcome.answered,
        "first_citation": {"source": outcome.first_source, "quote": outcome.first_citation},
        "nearest": list(outcome.nearest),
    }


@dataclass(frozen=True, slots=True)
class _Node:
    """A value in a file and the way to it, for errors that say where something is missing."""

    file: Path
    way: str
    value: Any

    def fail(self, wanted: str) -> NoReturn:
        where = f"{self.file}: {self.way}" if self.way else str(self.file)
        raise QuestionError(f"{where} is not {wanted}. {_FORM}")

    def __getitem__(self, key: str) -> _Node:
        if not isinstance(self.value, Mapping):
            self.fail("an object")
        way = f"{self.way}.{key}" if self.way else key
        return _Node(self.file, way, self.value.get(key))

    def __iter__(self) -> Iterator[_Node]:
        if not isinstance(self.value, list):
            self.fail("a list")
        for number, item in enumerate(self.value):
            yield _Node(self.file, f"{self.way}[{number}]", item)

    def text(self) -> str:
        if not isinstance(self.value, str):
            self.fail("a text")
        if any("\ud800" <= character <= "\udfff" for character in self.value):
            self.fail("a text of whole characters (half of a surrogate pair stands alone)")
        return self.value

    def number(self) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.fail("a whole number")
        return self.value


def _questions(file: _Node) -> Iterator[SquadQuestion]:
    for paragraph in (paragraph for article in file["data"] for paragraph in article["paragraphs"]):
        context = paragraph["context"].text()
        for asked in paragraph["qas"]:
            question = Question(asked["id"].text(), asked["question"].text())
            answers = (_gold_answer(answer) for answer in asked["answers"])
            yield SquadQuestion(question, context, tuple(answers))


def _gold_answer(answer: _Node) -> GoldAnswer:
    return GoldAnswer(answer["text"].text(), answer["answer_start"].number())


def _digest(data: bytes) -> str:
    """16 letters that stand for `data`: with digits, a name could be taken for a date."""
    digits_to_letters = str.maketrans("0123456789", "ghijklmnop")
    return hashlib.sha256(data).hexdigest()[:16].translate(digits_to_letters)


def _write_context(context: str, folder: Path) -> None:
    """Write bytes that are read back as `context`: a mark at its start must not pass for ours."""
    path = folder / context_name(context)
    path.parent.mkdir(parents=True)
    path.write_bytes(context.encode("utf-8-sig" if context.startswith("\ufeff") else "utf-8"))


def _publish(whole: Path, folder: Path) -> None:
    try:
        whole.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _cites(question: SquadQuestion, pieces: Sequence[Citation]) -> bool:
    """Whether the pieces of a citation are short and cover a gold answer where it stands."""
    name = context_name(question.context)
    here = [one for one in pieces if one.source == name and _is_exact(one, question.context)]
    short = 0 < sum(len(one.quote) for one in pieces) <= LONGEST_CITATION
    return short and any(_covers(here, gold, question.context) for gold in question.answers)


def _is_exact(citation: Citation, context: str) -> bool:
    return context[citation.start : citation.end] == citation.quote


def _covers(pieces: Sequence[Citation], gold: GoldAnswer, context: str) -> bool:
    """By offsets, white space aside; where the file's offset is wrong, by text."""
    if not gold.stands_in(context):
        wanted = plain(gold.text)
        return bool(wanted) and wanted in plain("".join(one.quote for one in pieces))
    covered = {offset for one in pieces for offset in range(one.start, one.end)}
    wanted_offsets = (at for at in range(gold.start, gold.end) if not context[at].isspace())
    return bool(gold.text.strip()) and covered.issuperset(wanted_offsets)
