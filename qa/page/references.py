"""What can be opened beside the conversation: a citation of an answer, or a passage near it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from embeddings.records import Span
from qa.records import Answer, Citation, Hit

NEAREST_SHOWN = 3


class Kind(StrEnum):
    """What a reference is made from."""

    CITATION = "citation"
    PASSAGE = "passage"


@dataclass(frozen=True, slots=True)
class Pointer:
    """Names a reference in a conversation: turn from 0, kind, number from 1."""

    turn: int
    kind: Kind
    number: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A place in one original text, with what is known of it.

    Attributes:
        kind: citation or passage.
        number: the citation's number, or the passage's rank; from 1.
        document: id of the document.
        source: its file, POSIX path below the index's root.
        title: headline of the article.
        page: 1-based page, or None.
        date: ISO 8601 date, or None.
        spans: the pieces in the original text, in reading order.
        quotes: what stands in each of `spans`; empty for a passage, whose text was not cited.
        text: the sentence or passage, to be read and copied.
    """

    kind: Kind
    number: int
    document: str
    source: str
    title: str
    page: int | None
    date: str | None
    spans: tuple[Span, ...]
    quotes: tuple[str, ...]
    text: str


def citation_references(answer: Answer) -> tuple[Reference, ...]:
    """Return one reference for each citation number of `answer`, in order of number."""
    ordered = sorted(answer.citations, key=lambda citation: citation.number)
    texts = {sentence.number: sentence.text for sentence in answer.sentences}
    return tuple(
        _cited(list(pieces), texts.get(number, ""))
        for number, pieces in groupby(ordered, key=lambda citation: citation.number)
    )


def _cited(pieces: list[Citation], text: str) -> Reference:
    first = pieces[0]
    here = sorted(
        (piece for piece in pieces if piece.document == first.document),
        key=lambda piece: piece.start,
    )
    return Reference(
        kind=Kind.CITATION,
        number=first.number,
        document=first.document,
        source=first.source,
        title=first.title,
        page=first.page,
        date=first.date,
        spans=tuple(Span(piece.start, piece.end) for piece in here),
        quotes=tuple(piece.quote for piece in here),
        text=text or "".join(piece.quote for piece in here),
    )


def passage_references(hits: Iterable[Hit]) -> tuple[Reference, ...]:
    """Return references to the best `NEAREST_SHOWN` of `hits`, numbered by rank."""
    return tuple(
        Reference(
            kind=Kind.PASSAGE,
            number=rank,
            document=hit.document or hit.id.partition(":")[0],
            source=hit.source,
            title=hit.title,
            page=hit.page,
            date=hit.date,
            spans=tuple(sorted(hit.spans)),
            quotes=(),
            text=hit.text,
        )
        for rank, hit in enumerate(list(hits)[:NEAREST_SHOWN], start=1)
    )


def references(answer: Answer, kind: Kind) -> tuple[Reference, ...]:
    """Return the references of one kind that `answer` offers."""
    if kind is Kind.CITATION:
        return citation_references(answer)
    return passage_references(answer.nearest)
