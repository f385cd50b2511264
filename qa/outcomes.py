"""How one question of an evaluation went: what was asked, wanted, said and found, and how judged.

Only records and their JSON form; the judging is that of `qa.figures` and `qa.squad`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from embeddings.records import Span
from qa import figures, squad
from qa.question_files import Evidence, GoldQuestion, Question
from qa.records import Answer, Hit
from qa.squad import SquadQuestion

SHOWN = 5
"""Passages that are kept of those found; the gold one is kept wherever it stands."""

OPENING = 60
"""Characters of a passage in the JSON form."""


@dataclass(frozen=True, slots=True)
class Gold:
    """What a right answer holds.

    Attributes:
        items: the required items, each as its accepted variants; of a SQuAD question one item, the
            gold answers. Empty if unanswerable.
        evidence: what the answer stands on; of a SQuAD question its context, without quotes.
        context: the text of a SQuAD question's context; else empty.
        places: where gold answers stand in `context`, ascending.
    """

    items: tuple[tuple[str, ...], ...]
    evidence: tuple[Evidence, ...]
    context: str = ""
    places: tuple[Span, ...] = ()


class Ranked(NamedTuple):
    """A passage that was found: its rank from 1, and whether it holds the gold evidence."""

    rank: int
    hit: Hit
    gold: bool


@dataclass(frozen=True, slots=True)
class QuestionOutcome:
    """One question with all that is known of how it went.

    Attributes:
        question: what was asked.
        labels: ``kind``, ``sort`` and ``lang``, as far as the file gives them.
        figures: its figures by name, each 0 to 1, not rounded; those that apply.
        right: whether nothing should have been better.
        answer: what the bot said, and why; its `nearest` are left out for `passages`.
        gold: what a right answer holds.
        rank: of the gold evidence, from 1: among the passages, or for a SQuAD question among the
            distinct contexts. None when it was not found, or there is none.
        passages: the best that were found, by rank, and the best gold one if it is below them.
        milliseconds: how long `bot.ask` took; None where it was not the first call to see the
            question.
    """

    question: Question
    labels: Mapping[str, str]
    figures: Mapping[str, float]
    right: bool
    answer: Answer
    gold: Gold
    rank: int | None
    passages: tuple[Ranked, ...]
    milliseconds: float | None

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it the same question in another run: id, words, and the turns before."""
        return (self.question.id, self.question.text, *self.question.history)


def of_gold(
    question: GoldQuestion,
    answer: Answer,
    hits: Sequence[Hit],
    values: Mapping[str, float],
    rank: int | None,
    milliseconds: float,
) -> QuestionOutcome:
    """Return how a question with gold evidence went; `values` and `rank` are of `qa.figures`."""
    return QuestionOutcome(
        question=question.question,
        labels=question.labels,
        figures=values,
        right=not figures.is_wrong(values),
        answer=replace(answer, nearest=()),
        gold=Gold(question.answers, question.evidence),
        rank=rank,
        passages=_ranked(hits, lambda at, _: at == rank),
        milliseconds=milliseconds,
    )


def of_squad(
    outcome: squad.Outcome, answer: Answer, hits: Sequence[Hit], milliseconds: float | None
) -> QuestionOutcome:
    """Return how a question of a SQuAD file went."""
    source = squad.context_name(outcome.question.context)
    return QuestionOutcome(
        question=outcome.question.question,
        labels={},
        figures=squad.values(outcome),
        right=not outcome.is_wrong,
        answer=replace(answer, nearest=()),
        gold=_squad_gold(outcome.question, source),
        rank=outcome.rank,
        passages=_ranked(hits, lambda _, hit: source in _sources(hit)),
        milliseconds=milliseconds,
    )


def to_json(judged: QuestionOutcome) -> dict[str, Any]:
    """Return the JSON form; of passages the opening words, and a SQuAD context by its name only."""
    question, answer = judged.question, judged.answer
    return {
        "id": question.id,
        "question": question.text,
        "history": list(question.history),
        "completed": answer.question if answer.question != question.text else None,
        "labels": dict(judged.labels),
        "right": judged.right,
        "figures": dict(judged.figures),
        "answered": answer.answered,
        "reason": answer.reason,
        "support": None if answer.support is None else round(answer.support, 4),
        "answer": answer.text,
        "sentences": [
            {"text": one.text, "number": one.number, "marks": pairs(one.marks)}
            for one in answer.sentences
        ],
        "citations": [
            {"number": c.number, "source": c.source, "start": c.start, "end": c.end}
            | {"quote": c.quote}
            for c in answer.citations
        ],
        "gold": _gold_to_json(judged.gold),
        "rank": judged.rank,
        "passages": [_passage_to_json(one) for one in judged.passages],
        "milliseconds": judged.milliseconds and round(judged.milliseconds, 1),
    }


def pairs(spans: Sequence[Span]) -> list[list[int]]:
    """Return spans as ``[start, end]``."""
    return [[span.start, span.end] for span in spans]


def _gold_to_json(gold: Gold) -> dict[str, Any]:
    return {
        "items": [list(item) for item in gold.items],
        "evidence": [{"source": one.source, "quotes": list(one.quotes)} for one in gold.evidence],
        "places": pairs(gold.places),
    }


def _passage_to_json(found: Ranked) -> dict[str, Any]:
    hit = found.hit
    return {
        "rank": found.rank,
        "gold": found.gold,
        "source": hit.source,
        "spans": pairs(hit.spans),
        "opening": hit.text[:OPENING],
        "score": round(hit.score, 4),
        "dense": round(hit.signals.dense, 4),
        "sentence": round(hit.signals.sentence, 4),
        "bm25": round(hit.signals.bm25, 2),
        "words": list(hit.signals.words),
    }


def _ranked(hits: Sequence[Hit], is_gold: Callable[[int, Hit], bool]) -> tuple[Ranked, ...]:
    found = [Ranked(rank, hit, is_gold(rank, hit)) for rank, hit in enumerate(hits, 1)]
    first = next((one for one in found if one.gold), None)
    below = [first] if first and first.rank > SHOWN else []
    return (*found[:SHOWN], *below)


def _sources(hit: Hit) -> set[str]:
    return {hit.source, *(place.source for place in hit.places)}


def _squad_gold(question: SquadQuestion, source: str) -> Gold:
    answers = tuple(dict.fromkeys(one.text for one in question.answers))
    standing = (one for one in question.answers if one.stands_in(question.context) and one.text)
    return Gold(
        items=(answers,) if answers else (),
        evidence=(Evidence(source, ()),),
        context=question.context,
        places=tuple(sorted({Span(one.start, one.end) for one in standing})),
    )
