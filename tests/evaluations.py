"""Evaluations made by hand, for what is done with one afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from embeddings.records import Span
from qa.evaluation import Evaluation, FileReport, Latency
from qa.outcomes import Gold, QuestionOutcome, Ranked
from qa.question_files import Evidence, Question
from qa.records import Answer, AnswerSentence, Citation, Hit, Reason, Signals
from qa.runs import Conditions

CONDITIONS = Conditions(
    "2026-03-01T08:30:00+00:00", "0.1.0", "e5", {"sample": None, "refuse_below": 10}
)


def hit(text: str, source: str = "泉.txt", words: Sequence[str] = ("泉水",)) -> Hit:
    signals = Signals(0.8125, 0.84375, 7.5, tuple(words))
    spans = (Span(0, len(text)),)
    return Hit("d:0", text, spans, source, None, "济南的泉", "", None, (), 0.625, signals)


def said(text: str, marks: Sequence[tuple[int, int]] = (), source: str = "泉.txt") -> Answer:
    """An answer of one sentence; a refusal where `text` is empty."""
    if not text:
        reason = Reason.NOT_IN_DOCUMENTS
        return Answer("", False, (), (), "泉水多少度？", reason=reason, support=0.0421)
    cited = Citation(1, "d", source, 15, 15 + len(text), text, None, "", None)
    spans = tuple(Span(*mark) for mark in marks)
    sentences = (AnswerSentence(text, 1, spans),)
    return Answer(text, True, sentences, (cited,), "泉水多少度？", support=0.93)


def judged(
    name: str,
    right: bool = True,
    question: str = "泉水多少度？",
    history: Sequence[str] = (),
    answer: Answer | None = None,
    figures: Mapping[str, float] | None = None,
    **more: Any,
) -> QuestionOutcome:
    """How a question went; `figures` are by default that of the answer alone."""
    fields: dict[str, Any] = {
        "question": Question(name, question, tuple(history)),
        "labels": {"kind": "number", "lang": "zh"},
        "figures": {"answer": float(right)} if figures is None else figures,
        "right": right,
        "answer": answer or said("泉水常年十八度。", [(4, 7)]),
        "gold": Gold((("十八度", "18度"),), (Evidence("泉.txt", ("常年十八度",)),)),
        "rank": 1,
        "passages": (Ranked(1, hit("泉水常年十八度。"), True),),
        "milliseconds": 12.25,
    }
    return QuestionOutcome(**{**fields, **more})


def report(*outcomes: QuestionOutcome, file: str = "题.jsonl", **more: Any) -> FileReport:
    right = sum(one.right for one in outcomes) / max(1, len(outcomes))
    groups = {"all": {"n": len(outcomes), "answer": round(right, 4)}}
    return FileReport(
        file, groups, Latency(None, None), (), outcomes=outcomes, least=0.1, **more
    )  # fmt: skip


def evaluation(*reports: FileReport) -> Evaluation:
    return Evaluation(reports, None)
