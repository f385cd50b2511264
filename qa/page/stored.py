"""Turns -> what the browser keeps of them, and back: what comes back is checked, not believed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from embeddings.errors import QuestionError, WenjuError
from embeddings.records import Role, Span
from qa.conversation import Turn
from qa.page.markup import undirected
from qa.page.protocols import AnsweringBot
from qa.page.references import NEAREST_SHOWN
from qa.page.turns import AskedTurn, Turns
from qa.records import (
    Answer,
    AnswerSentence,
    Citation,
    Doubt,
    Hit,
    OriginalDocument,
    Place,
    Reason,
    Signals,
    Written,
    WrittenSentence,
)
from qa.records import Failure as WritingFailure
from qa.render import answer_to_json

WRITTEN_FORM = 1
"""Of what is kept of a written text; another form is passed over, and the answer stands alone."""

MOST_TURNS = 400
"""Turns of a conversation that are shown again; older ones stay in the browser."""


def record(turn: AskedTurn) -> dict[str, Any] | None:
    """Return a turn as the browser keeps it; None for a failure, which is not kept."""
    if not isinstance(turn.outcome, Answer):
        return None
    kept = replace(turn.outcome, nearest=turn.outcome.nearest[:NEAREST_SHOWN])
    answer = answer_to_json(kept)
    limits = {"sources": list(turn.sources)} if turn.sources else {}
    written = {"written": written_record(turn.written)} if turn.written is not None else {}
    shown = {"shown": "own"} if turn.is_own else {}
    return {
        "number": turn.number,
        "question": turn.question,
        **limits,
        "answer": answer,
        **written,
        **shown,
    }


def written_record(written: Written) -> dict[str, Any]:
    """Return a written text as the browser keeps it, beside its extractive answer."""
    return {
        "form": WRITTEN_FORM,
        "model": written.model,
        "sentences": [
            {"text": one.text, "numbers": list(one.numbers), "doubts": list(one.doubts)}
            for one in written.sentences
        ],
        "citations": [asdict(one) for one in written.citations],
        "passages": written.passages,
        "count": written.count,
        "failure": written.failure,
    }


def turns_from(records: object, bot: AnsweringBot) -> Turns:
    """Return the turns of a conversation that a browser kept, checked against the documents.

    Records that are none are left out. A turn whose quotes do not stand in the documents any more,
    or whose sentences are not made of its quotes, is marked as changed.
    """
    given = records[-MOST_TURNS:] if isinstance(records, list) else []
    read = [turn for turn in map(_turn, given) if turn is not None]
    documents = _Documents(bot)
    return tuple(replace(turn, is_changed=not documents.hold(turn)) for turn in read)


def history_from(data: object) -> list[Turn]:
    """Return the turns before a question as a browser tells them."""
    given = data if isinstance(data, list) else []
    pairs = [one for one in given if isinstance(one, Mapping)]
    return [Turn(str(one.get("question", "")), str(one.get("answer", ""))) for one in pairs]


class _Documents:
    """The documents that a conversation cites, each read once."""

    def __init__(self, bot: AnsweringBot) -> None:
        self._bot = bot
        self._known: dict[str, OriginalDocument | None] = {}

    def hold(self, turn: AskedTurn) -> bool:
        """Tell whether the documents hold what an answer cites, the written one too."""
        outcome = turn.outcome
        if not isinstance(outcome, Answer):
            return True
        written = turn.written.citations if turn.written is not None else ()
        quotes = all(self._holds(citation) for citation in (*outcome.citations, *written))
        return quotes and all(_is_cited(one, outcome.citations) for one in outcome.sentences)

    def _holds(self, cited: Citation) -> bool:
        if cited.document not in self._known:
            self._known[cited.document] = self._read(cited.document)
        document = self._known[cited.document]
        return document is not None and document.text[cited.start : cited.end] == cited.quote

    def _read(self, document: str) -> OriginalDocument | None:
        try:
            return self._bot.document(document)
        except WenjuError:
            return None


def _is_cited(sentence: AnswerSentence, citations: Sequence[Citation]) -> bool:
    """Tell whether a sentence is its quotes with something left out."""
    quotes = "".join(one.quote for one in citations if one.number == sentence.number)
    left = iter("".join(quotes.split()))
    return all(character in left for character in "".join(sentence.text.split()))


def _turn(data: object) -> AskedTurn | None:
    try:
        return _read_turn(data) if isinstance(data, Mapping) else None
    except (KeyError, TypeError, ValueError, QuestionError):
        return None


def _read_turn(data: Mapping[str, Any]) -> AskedTurn:
    number, question = int(data["number"]), str(data["question"])
    sources = tuple(str(one) for one in data.get("sources", ()))
    answer = answer_from_json(data["answer"])
    written = _written(data.get("written"), answer)
    is_own = data.get("shown") == "own"
    return AskedTurn(number, question, answer, False, sources, written, is_own)


def _written(data: object, answer: Answer) -> Written | None:
    """Return a written text that was kept; None for none, and for what is none."""
    try:
        if not isinstance(data, Mapping) or data["form"] != WRITTEN_FORM or not answer.answered:
            return None
        return _read_written(data, answer)
    except (KeyError, TypeError, ValueError):
        return None


def _read_written(data: Mapping[str, Any], answer: Answer) -> Written:
    sentences = tuple(_written_sentence(one) for one in data["sentences"])
    failure = data["failure"]
    return Written(
        answer=answer,
        model=undirected(str(data["model"])),
        sentences=sentences,
        citations=tuple(_citation(one) for one in data["citations"]),
        passages=int(data["passages"]),
        count=max(int(data["count"]), len(sentences)),
        verified=sum(one.verified for one in sentences),
        failure=None if failure is None else WritingFailure(failure),
    )


def _written_sentence(data: Mapping[str, Any]) -> WrittenSentence:
    numbers = tuple(int(one) for one in data["numbers"])
    doubts = tuple(Doubt(one) for one in data["doubts"])
    return WrittenSentence(undirected(str(data["text"])), numbers, doubts)


def answer_from_json(data: Mapping[str, Any]) -> Answer:
    """Return the answer that `answer_to_json` wrote.

    Raises:
        KeyError, TypeError, ValueError: when it is none.
    """
    reason = data["reason"]
    return Answer(
        text=str(data["text"]),
        answered=bool(data["answered"]),
        sentences=tuple(_sentence(one) for one in data["sentences"]),
        citations=tuple(_citation(one) for one in data["citations"]),
        question=str(data["question"]),
        nearest=tuple(_hit(one) for one in data["nearest"]),
        reason=None if reason is None else Reason(reason),
    )


def _sentence(data: Mapping[str, Any]) -> AnswerSentence:
    text = str(data["text"])
    marks = (mark for mark in _spans(data["marks"]) if mark.end <= len(text))
    return AnswerSentence(text, int(data["number"]), tuple(marks))


def _citation(data: Mapping[str, Any]) -> Citation:
    span = Span(int(data["start"]), int(data["end"]))
    return Citation(
        number=int(data["number"]),
        document=str(data["document"]),
        source=str(data["source"]),
        start=span.start,
        end=span.end,
        quote=str(data["quote"]),
        page=_number(data["page"]),
        title=str(data["title"]),
        date=_words(data["date"]),
    )


def _hit(data: Mapping[str, Any]) -> Hit:
    signals = data["signals"]
    return Hit(
        id=str(data["id"]),
        text=str(data["text"]),
        spans=_spans(data["spans"]),
        source=str(data["source"]),
        page=_number(data["page"]),
        title=str(data["title"]),
        heading=str(data["heading"]),
        date=_words(data["date"]),
        places=tuple(_place(one) for one in data["places"]),
        score=float(data["score"]),
        signals=Signals(
            dense=float(signals["dense"]),
            sentence=float(signals["sentence"]),
            bm25=float(signals["bm25"]),
            words=tuple(str(word) for word in signals["words"]),
        ),
        document=str(data["document"]),
        role=Role(data["role"]),
    )


def _place(data: Mapping[str, Any]) -> Place:
    return Place(
        str(data["document"]), str(data["source"]), _spans(data["spans"]), _number(data["page"])
    )


def _spans(pairs: Iterable[Sequence[int]]) -> tuple[Span, ...]:
    return tuple(Span(int(start), int(end)) for start, end in pairs)


def _number(value: object) -> int | None:
    return None if value is None else int(str(value))


def _words(value: object) -> str | None:
    return None if value is None else str(value)
