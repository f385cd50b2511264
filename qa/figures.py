"""The figures of a question file with gold evidence: retrieval, citations, answers, refusals.

Judges rows of answers against original texts; asks nothing and opens no file. Throughout, white
space and pinyin glosses such as (jì) do not count, a piece of evidence is wherever one of its
quotes stands in its source, and Traditional and Simplified characters are the same text in
answers and items.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypedDict

from embeddings.errors import QuestionError
from embeddings.lexical import to_simplified
from embeddings.records import Span
from qa.question_files import UNANSWERABLE, Evidence, GoldQuestion

Place = tuple[str, int]
"""A source and the number of one of its counted characters."""

RETRIEVAL_BUDGETS = {"hit@1": 300, "hit@5": 1500}
"""How many characters of the ranked passages, read from the first on, a figure looks at."""

_EVERY_PIECE_NEEDED = frozenset({"multi", "compare"})
_SHORT_ANSWER = 150

_GLOSS = re.compile(r"\([a-zāáǎàēéěèīíǐìōóǒòūúǔùüǖǘǚǜ]+\)")
_MARKUP = re.compile(r"\[\d+(?:[,，]\s*\d+)*\]|[*_`#>|<]|&[a-z]+;|…+|\.{3,}")
_SENTENCE_END = re.compile(r"[。！？!?\n]")


class CitationRow(TypedDict):
    """A citation of an answer row: ``original[start:end] == quote``."""

    source: str
    start: int
    end: int
    quote: str


class PassageRow(TypedDict):
    """A passage of an answer row: its source and its spans as ``[start, end]``."""

    source: str
    spans: list[list[int]]


class AnswerRow(TypedDict):
    """What the bot said to one question of a file; passages are in rank order, best first."""

    id: str
    answered: bool
    answer: str
    citations: list[CitationRow]
    passages: list[PassageRow]


class CountedText:
    """An original text and its counted characters, numbered from 0."""

    def __init__(self, original: str) -> None:
        glosses = {at for match in _GLOSS.finditer(original) for at in range(*match.span())}
        self.original = original
        self.offsets = [
            offset
            for offset, character in enumerate(original)
            if not character.isspace() and offset not in glosses
        ]
        self.counted = "".join(original[offset] for offset in self.offsets)
        self._ends = [match.end() for match in _SENTENCE_END.finditer(original)]

    def between(self, start: int, end: int) -> range:
        """The numbers of the counted characters of ``original[start:end]``."""
        return range(bisect_left(self.offsets, start), bisect_left(self.offsets, end))

    def occurrences(self, quote: str) -> Iterator[range]:
        """Where `quote` stands, overlapping occurrences too, as ranges of numbers."""
        wanted = CountedText(quote).counted
        for at in _finds(wanted, self.counted):
            yield range(at, at + len(wanted))

    def sentences(self, occurrence: range) -> range:
        """The sentences that hold any character of `occurrence` (not empty)."""
        first, last = self.offsets[occurrence[0]], self.offsets[occurrence[-1]]
        before = bisect_left(self._ends, first + 1)
        after = bisect_left(self._ends, last + 1)
        start = self._ends[before - 1] if before else 0
        end = self._ends[after] if after < len(self._ends) else len(self.original)
        return self.between(start, end)


class Originals:
    """The original texts by source, each counted once, when first needed."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._counted: dict[str, CountedText] = {}

    def __getitem__(self, source: str) -> CountedText:
        if source not in self._counted:
            self._counted[source] = CountedText(self._texts[source])
        return self._counted[source]

    def places(self, source: str, start: int, end: int) -> list[Place]:
        """The places of the counted characters from `start` to `end` of a source, in order."""
        return [(source, number) for number in self[source].between(start, end)]


@dataclass(frozen=True, slots=True)
class EvidencePlaces:
    """Where the evidence of a question stands.

    Attributes:
        pieces: for each piece its occurrences, any of which will do.
        sentences: every character of the sentences that hold an occurrence.
    """

    pieces: tuple[tuple[frozenset[Place], ...], ...]
    sentences: frozenset[Place]

    def covered(self, places: set[Place]) -> list[bool]:
        """For each piece: whether at least half of an occurrence is among `places`."""
        return [any(_at_least_half(one, places) for one in piece) for piece in self.pieces]


def plain(text: str) -> str:
    """Return `text` Simplified and in lower case, without glosses, markup and white space."""
    return to_simplified(CountedText(_MARKUP.sub("", text)).counted).lower()


def states(text: str, variant: str) -> bool:
    """Whether the `plain` text `text` says `variant`: 2家 is not said by 12家, nor 5 by 5.2."""
    wanted = plain(variant)
    return any(_stands_alone(wanted, text, at) for at in _finds(wanted, text))


def stated_at(text: str, variant: str) -> Iterator[Span]:
    """Yield where `text`, as it is written, says `variant`; see `states`.

    What markup of the text parts is not found here.
    """
    wanted, counted = plain(variant), CountedText(text)
    said = _as_long(_as_long(counted.counted, to_simplified), str.lower)
    for at in _finds(wanted, said) if wanted else ():
        if _stands_alone(wanted, said, at):
            last = at + len(wanted) - 1
            yield Span(counted.offsets[at], counted.offsets[last] + 1)


def locate(question: GoldQuestion, originals: Originals) -> EvidencePlaces:
    """Find the evidence of an answerable question.

    Raises:
        QuestionError: a source is not among the originals, or holds none of its quotes.
    """
    sentences: set[Place] = set()
    pieces = []
    for evidence in question.evidence:
        occurrences = list(_occurrences(evidence, originals, question.question.id))
        counted = originals[evidence.source]
        for occurrence in occurrences:
            sentences |= _at(evidence.source, counted.sentences(occurrence))
        pieces.append(tuple(frozenset(_at(evidence.source, one)) for one in occurrences))
    return EvidencePlaces(tuple(pieces), frozenset(sentences))


def judge(question: GoldQuestion, row: AnswerRow, originals: Originals) -> dict[str, float]:
    """Return the figures of one question, each 0 to 1; those that do not apply are left out.

    * ``hit@1``, ``hit@5``: share of the evidence pieces of which half stands in the first 300
      or 1,500 characters of the passages.
    * ``cited``: the citations cover half of a piece (multi, compare: of every piece), and half
      of what they cite lies in sentences that hold evidence.
    * ``answer``: cited, every required item is stated, and the text has at most 150 characters
      or twice those of the sentences that hold evidence, whichever is more.
    * ``grounded``: the answer's letters and digits are those of its quotes, in order.
    * ``exact``: there are citations, and each quote is the slice of the original text.
    * ``refused``: not answered, of the unanswerable; ``false_refusal``: of the others.

    Raises:
        QuestionError: the evidence is not in `originals`.
    """
    found: dict[str, float] = {}
    if row["answered"]:
        found = {"exact": float(_exact(row, originals)), "grounded": float(_grounded(row))}
    if question.kind == UNANSWERABLE:
        return found | {"refused": float(not row["answered"])}
    evidence = locate(question, originals)
    found["false_refusal"] = float(not row["answered"])
    found |= _retrieval(row, evidence, originals)
    cited = _cited(question, row, evidence, originals)
    right = cited and _states_all(question, row, evidence)
    return found | {"cited": float(cited), "answer": float(right)}


def gold_rank(question: GoldQuestion, row: AnswerRow, originals: Originals) -> int | None:
    """Return which passage, counted from 1, is the first with half of a piece of the evidence.

    None when none is, and for an unanswerable question.

    Raises:
        QuestionError: the evidence is not in `originals`.
    """
    if question.kind == UNANSWERABLE:
        return None
    evidence = locate(question, originals)
    for rank, passage in enumerate(row["passages"], 1):
        spans = passage["spans"]
        held = {at for span in spans for at in originals.places(passage["source"], *span)}
        if any(evidence.covered(held)):
            return rank
    return None


def table(
    judged: Iterable[tuple[GoldQuestion, Mapping[str, float]]], by: str | None = None
) -> dict[str, dict[str, float]]:
    """Return the mean of every figure over the questions that it applies to, to 4 decimals.

    The group ``all`` comes first; with `by` (``kind``, ``lang`` or ``sort``) each value of that
    label is a group of its own. A group's ``n`` counts its questions.
    """
    groups: dict[str, list[Mapping[str, float]]] = {"all": []}
    for question, values in judged:
        groups["all"].append(values)
        if by is not None and by in question.labels:
            groups.setdefault(question.labels[by], []).append(values)
    return {group: _means(rows) for group, rows in groups.items()}


def is_wrong(values: Mapping[str, float]) -> bool:
    """Whether an answer should have been better: see `describe` for what it was."""
    return any(values.get(name) == 0 for name in ("answer", "refused", "exact", "grounded"))


def describe(question: GoldQuestion, row: AnswerRow, values: Mapping[str, float]) -> dict[str, Any]:
    """Return what was wanted, what came and the figures of one question, as a JSON object."""
    return {
        "id": question.question.id,
        **question.labels,
        "question": question.question.text,
        "history": list(question.question.history),
        "want": [list(item) for item in question.answers],
        "evidence": [
            {"source": one.source, "quotes": list(one.quotes)} for one in question.evidence
        ],
        "got": row["answer"],
        "citations": [dict(one) for one in row["citations"]],
        "figures": dict(values),
    }


def _finds(wanted: str, text: str) -> Iterator[int]:
    at = text.find(wanted)
    while at >= 0:
        yield at
        at = text.find(wanted, at + 1)


def _as_long(text: str, change: Callable[[str], str]) -> str:
    """Return `text` changed; where that would move characters, as it is."""
    changed = change(text)
    return changed if len(changed) == len(text) else text


def _stands_alone(wanted: str, text: str, at: int) -> bool:
    """Whether a number at an edge of `wanted` is the whole number in `text`."""
    before, after = text[max(0, at - 1) : at], text[at + len(wanted) :]
    starts_inside = wanted[:1].isdigit() and (before == "." or before.isdigit())
    goes_on = after[:1].isdigit() or (after[:1] == "." and after[1:2].isdigit())
    return not starts_inside and not (wanted[-1:].isdigit() and goes_on)


def _occurrences(evidence: Evidence, originals: Originals, name: str) -> Iterator[range]:
    try:
        counted = originals[evidence.source]
    except KeyError as error:
        raise QuestionError(
            f"The evidence of question {name} stands in {evidence.source}, which the index does "
            "not hold. Build the index over the documents that the questions were written for."
        ) from error
    found = [one for quote in evidence.quotes for one in counted.occurrences(quote) if one]
    if not found:
        raise QuestionError(
            f"{evidence.source} does not hold the evidence of question {name}: "
            f"“{evidence.quotes[0][:40]}”. Quote the original text as it is."
        )
    yield from found


def _at(source: str, numbers: range) -> set[Place]:
    return {(source, number) for number in numbers}


def _at_least_half(occurrence: frozenset[Place], places: set[Place]) -> bool:
    return 2 * len(occurrence & places) >= len(occurrence)


def _retrieval(row: AnswerRow, evidence: EvidencePlaces, originals: Originals) -> dict[str, float]:
    read = list(islice(_read(row, originals), max(RETRIEVAL_BUDGETS.values())))
    shares = {}
    for name, budget in RETRIEVAL_BUDGETS.items():
        covered = evidence.covered(set(read[:budget]))
        shares[name] = sum(covered) / len(covered)
    return shares


def _read(row: AnswerRow, originals: Originals) -> Iterator[Place]:
    """The characters of the passages in their order; what two passages share comes twice."""
    for passage in row["passages"]:
        for start, end in passage["spans"]:
            yield from originals.places(passage["source"], start, end)


def _cited(
    question: GoldQuestion, row: AnswerRow, evidence: EvidencePlaces, originals: Originals
) -> bool:
    cited = {
        place
        for one in row["citations"]
        for place in originals.places(one["source"], one["start"], one["end"])
    }
    wanted = all if question.kind in _EVERY_PIECE_NEEDED else any
    to_the_point = 2 * len(cited & evidence.sentences) >= len(cited)
    return row["answered"] and wanted(evidence.covered(cited)) and to_the_point


def _states_all(question: GoldQuestion, row: AnswerRow, evidence: EvidencePlaces) -> bool:
    text = plain(row["answer"])
    short = len(text) <= max(_SHORT_ANSWER, 2 * len(evidence.sentences))
    return short and all(any(states(text, one) for one in item) for item in question.answers)


def _exact(row: AnswerRow, originals: Originals) -> bool:
    return bool(row["citations"]) and all(
        originals[one["source"]].original[one["start"] : one["end"]] == one["quote"]
        for one in row["citations"]
    )


def _grounded(row: AnswerRow) -> bool:
    answer, at = _letters(row["answer"]), 0
    for citation in row["citations"]:
        quote = _letters(citation["quote"])
        at += len(quote) if answer.startswith(quote, at) else 0
    return bool(answer) and at == len(answer)


def _letters(text: str) -> str:
    return "".join(character for character in plain(text) if character.isalnum())


def _means(rows: list[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for row in rows for name in row)
    means: dict[str, float] = {"n": len(rows)}
    for name in names:
        values = [row[name] for row in rows if name in row]
        means[name] = round(sum(values) / len(values), 4)
    return means
