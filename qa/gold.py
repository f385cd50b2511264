"""Where in an index the gold evidence of questions stands: its passages, their sentences.

Places are those of `qa.figures`: a piece of evidence is wherever one of its quotes stands in its
source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from embeddings.records import Span
from embeddings.searchable import Searchable
from embeddings.texts import PassageRow
from qa import figures
from qa.figures import EvidencePlaces, Place
from qa.found import Gathered
from qa.question_files import GoldQuestion

Marks = tuple[NDArray[np.bool_], NDArray[np.bool_]]
"""Which passages, and which sentences, of candidates hold evidence."""


class Gold:
    """The evidence of questions in one generation.

    Args:
        generation: of the index.
        questions: only documents that their evidence stands in are read.
    """

    def __init__(self, generation: Searchable, questions: Iterable[GoldQuestion]) -> None:
        self._generation = generation
        named = {piece.source for question in questions for piece in question.evidence}
        documents = {source: generation.select([source]).sources for source in sorted(named)}
        self._ids = {source: next(iter(ids)) for source, ids in documents.items() if ids}
        texts = generation.documents(self._ids.values())
        self._originals = figures.Originals({s: texts[id_].text for s, id_ in self._ids.items()})
        self._passages: dict[str, list[tuple[int, frozenset[int]]]] = {}

    def locate(self, question: GoldQuestion) -> EvidencePlaces:
        """Return where the evidence of a question stands; nowhere if it is not answerable.

        Raises:
            QuestionError: a source is not in the index, or does not hold its quote.
        """
        return figures.locate(question, self._originals)

    def rows(self, evidence: EvidencePlaces) -> NDArray[np.int64]:
        """Return the rows of all passages that hold a character of the evidence, rising."""
        found = {
            row
            for source, numbers in _by_source(evidence)
            for row, held in self._held(source)
            if not held.isdisjoint(numbers)
        }
        return np.array(sorted(found), np.int64)

    def _held(self, source: str) -> list[tuple[int, frozenset[int]]]:
        """Return the row of each passage in a source, and the numbers of its characters."""
        if source not in self._passages:
            self._passages[source] = [
                (place.row, frozenset(number for _, number in self._places(source, place.spans)))
                for place in self._generation.places_in(self._ids[source])
            ]
        return self._passages[source]

    def _places(self, source: str, spans: Iterable[Span]) -> set[Place]:
        return {
            place
            for span in spans
            for place in self._originals.places(source, span.start, span.end)
        }

    def marks(self, gathered: Gathered, evidence: EvidencePlaces) -> Marks:
        """Return which candidates hold evidence, shapes (passages,) and (sentences,).

        One does when at least half of an occurrence stands in it, or half of it in an occurrence.
        """
        at = self._generation.places(map(int, gathered.rows))
        passages: list[bool] = []
        sentences: list[bool] = []
        for row, count in zip(gathered.rows, gathered.texts.counts, strict=True):
            own = list(self._in_evidence(at[int(row)], evidence))
            passages.append(any(self._meets(s, place.spans, evidence) for s, place in own))
            sentences += [
                any(self._meets(s, place.sentences[number], evidence) for s, place in own)
                for number in range(count)
            ]
        return np.array(passages, np.bool_), np.array(sentences, np.bool_)

    def _in_evidence(
        self, places: Sequence[PassageRow], evidence: EvidencePlaces
    ) -> Iterator[tuple[str, PassageRow]]:
        """Yield the places of a passage in sources of the evidence, with the source."""
        for source, _ in _by_source(evidence):
            yield from ((source, one) for one in places if one.document == self._ids[source])

    def _meets(self, source: str, spans: Sequence[Span], evidence: EvidencePlaces) -> bool:
        held = self._places(source, spans)
        occurrences = (one for piece in evidence.pieces for one in piece)
        return any(
            2 * len(held & one) >= min(len(held), len(one)) for one in occurrences if held & one
        )


def _by_source(evidence: EvidencePlaces) -> Iterator[tuple[str, set[int]]]:
    """Yield each source of the evidence, and the numbers of the characters that stand there."""
    found: dict[str, set[int]] = {}
    for piece in evidence.pieces:
        for source, number in (place for one in piece for place in one):
            found.setdefault(source, set()).add(number)
    yield from found.items()


def states_all(gathered: Gathered, question: GoldQuestion) -> bool:
    """Tell whether one of the passages says each item of the gold answer, wherever it is from."""
    ends = np.cumsum(gathered.texts.counts)
    texts = (
        figures.plain("".join(gathered.texts.sentences[end - count : end]))
        for end, count in zip(ends, gathered.texts.counts, strict=True)
    )
    return bool(question.answers) and any(
        all(any(figures.states(text, one) for one in item) for item in question.answers)
        for text in texts
    )
