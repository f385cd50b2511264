"""The picture of a corpus as it is drawn: points with their words, and where a question stands.

The positions are made at build (`embeddings.map`); an index of an older version has none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.map import PLACED_BY, among
from embeddings.searchable import Searchable
from embeddings.texts import DocumentHead, PassageRow
from qa.found import Found
from qa.records import Hit

MOST_POINTS = 2000
"""Points that are drawn; of a bigger corpus so many, evenly spread over its passages."""

EXCERPT = 90
"""Characters of a passage that its point shows."""


@dataclass(frozen=True, slots=True)
class Point:
    """A passage in the picture.

    Attributes:
        x, y: where, -1 to 1, y upwards.
        document: number of its document in `CorpusMap.documents`.
        offset: its first character in the original; with the document's id the passage's id.
        text: how it begins.
    """

    x: float
    y: float
    document: int
    offset: int
    text: str


@dataclass(frozen=True, slots=True)
class MapDocument:
    """A document in the picture: id, first file, title, and how many passages are drawn."""

    id: str
    source: str
    title: str
    points: int


@dataclass(frozen=True, slots=True)
class CorpusMap:
    """The picture.

    Attributes:
        generation: number of the generation that it shows.
        passages: how many the index holds; more than `points` when not all are drawn.
        documents: those with the most points first.
        points: in the order of the index.
    """

    generation: int
    passages: int
    documents: tuple[MapDocument, ...]
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A question in the picture, and its hits, best first, each with its own place."""

    x: float
    y: float
    hits: tuple[tuple[Hit, float, float], ...]


def corpus_map(generation: Searchable, most: int = MOST_POINTS) -> CorpusMap | None:
    """Return the picture of a generation with at most `most` points; None where it has none."""
    rows = generation.spread_rows(most)
    positions = generation.map_of(rows)
    if positions is None:
        return None
    passages = generation.passages(rows.tolist())
    counted = Counter(passage.document for passage in passages.values())
    heads = generation.heads(counted)
    ordered = sorted(counted, key=lambda id_: (-counted[id_], heads[id_].sources))
    numbers = {id_: number for number, id_ in enumerate(ordered)}
    return CorpusMap(
        generation=generation.manifest.number,
        passages=generation.vectors.size,
        documents=tuple(_document(heads[id_], counted[id_]) for id_ in ordered),
        points=tuple(
            _point(passages[row], place, numbers)
            for row, place in zip(rows.tolist(), positions.tolist(), strict=True)
        ),
    )


def _document(head: DocumentHead, points: int) -> MapDocument:
    return MapDocument(head.id, head.sources[0], head.title, points)


def _point(passage: PassageRow, place: Sequence[float], numbers: dict[str, int]) -> Point:
    x, y = (round(value, 4) for value in place)
    offset = int(passage.id.rpartition(":")[2])
    return Point(x, y, numbers[passage.document], offset, excerpt(passage.text))


def excerpt(text: str) -> str:
    """Return how a passage begins, in one line."""
    words = " ".join(text.split())
    return words if len(words) <= EXCERPT else words[:EXCERPT] + "…"


def placed(generation: Searchable, found: Found, hits: Sequence[Hit]) -> Placed | None:
    """Return where a question stands among what it found; None without a picture, or a find.

    Args:
        generation: what was searched.
        found: the candidates of the question, best first.
        hits: the first of them as hits, in the same order.
    """
    best = generation.map_of(found.rows[:PLACED_BY])
    own = generation.map_of(found.rows[: len(hits)])
    if best is None or own is None or not hits:
        return None
    squares = np.maximum(2 - 2 * found.dense[:PLACED_BY], 0)[None, :]
    x, y = among(best[None, :], squares)[0].tolist()
    return Placed(x, y, tuple((hit, *place) for hit, place in zip(hits, own.tolist(), strict=True)))
