"""What can be opened beside a view: a citation of an answer, or a passage.

A reference travels with the button that opens it, so the server keeps none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from embeddings.errors import QuestionError
from embeddings.records import Span
from qa.records import Answer, Citation, Hit, Written

NEAREST_SHOWN = 3


class Kind(StrEnum):
    """What a reference is made from."""

    CITATION = "citation"
    PASSAGE = "passage"


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
        spans: the pieces in the original text, in reading order; none for a whole document.
        quotes: what stands in each of `spans`; empty for a passage, whose text was not cited.
        text: the sentence or passage, to be read and copied.
        heading: section heading above it, or empty.
        group: names the references that are stepped through together: an answer, a search.
        count: how many the group has of this kind.
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
    heading: str = ""
    group: str = ""
    count: int = 1


def citation_references(answer: Answer, group: str = "") -> tuple[Reference, ...]:
    """Return one reference for each citation number of `answer`, in order of number."""
    texts = {sentence.number: sentence.text for sentence in answer.sentences}
    return _numbered(answer.citations, texts, group)


def written_references(written: Written, group: str = "") -> tuple[Reference, ...]:
    """Return one reference for each citation number of a written text, in order of number."""
    return _numbered(written.citations, {}, group)


def _numbered(
    citations: Iterable[Citation], texts: Mapping[int, str], group: str
) -> tuple[Reference, ...]:
    ordered = sorted(citations, key=lambda citation: citation.number)
    count = len({citation.number for citation in ordered})
    return tuple(
        _cited(list(pieces), texts.get(number, ""), group, count)
        for number, pieces in groupby(ordered, key=lambda citation: citation.number)
    )


def _cited(pieces: list[Citation], text: str, group: str, count: int) -> Reference:
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
        group=group,
        count=count,
    )


def passage_references(
    hits: Iterable[Hit], group: str = "", shown: int | None = NEAREST_SHOWN
) -> tuple[Reference, ...]:
    """Return references to the best `shown` of `hits`, numbered by rank; None for all."""
    kept = list(hits)[:shown]
    return tuple(
        passage_reference(hit, Kind.PASSAGE, rank, group, len(kept))
        for rank, hit in enumerate(kept, start=1)
    )


def passage_reference(hit: Hit, kind: Kind, number: int, group: str, count: int) -> Reference:
    """Return a reference to a whole passage, which is number `number` of `count` in `group`."""
    return Reference(
        kind=kind,
        number=number,
        document=hit.document or hit.id.partition(":")[0],
        source=hit.source,
        title=hit.title,
        page=hit.page,
        date=hit.date,
        spans=tuple(sorted(hit.spans)),
        quotes=(),
        text=hit.text,
        heading=hit.heading,
        group=group,
        count=count,
    )


def reference_data(reference: Reference) -> str:
    """Return a reference as the ``data-reference`` of the button that opens it: JSON."""
    fields = asdict(reference)
    fields["spans"] = [[span.start, span.end] for span in reference.spans]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def reference_from(data: object) -> Reference:
    """Return the reference that `reference_data` wrote, out of what a browser sent.

    Raises:
        QuestionError: when it is none.
    """
    try:
        return _read(data if isinstance(data, Mapping) else json.loads(str(data)))
    except (KeyError, TypeError, ValueError) as error:
        raise QuestionError(
            "What should be opened is no place in a document; load the page again"
        ) from error


def _read(fields: Mapping[str, Any]) -> Reference:
    page = fields["page"]
    return Reference(
        kind=Kind(fields["kind"]),
        number=int(fields["number"]),
        document=str(fields["document"]),
        source=str(fields["source"]),
        title=str(fields["title"]),
        page=None if page is None else int(page),
        date=None if fields["date"] is None else str(fields["date"]),
        spans=tuple(sorted(Span(int(start), int(end)) for start, end in fields["spans"])),
        quotes=tuple(str(quote) for quote in fields["quotes"]),
        text=str(fields["text"]),
        heading=str(fields.get("heading", "")),
        group=str(fields.get("group", "")),
        count=int(fields.get("count", 1)),
    )
