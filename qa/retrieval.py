"""A question -> one ranking of passages, out of dense vectors, sentence vectors and BM25."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings.cleaning import HAN
from embeddings.encoder import Encoder
from embeddings.lexical import Matches, Script, Tokenizer, to_simplified, to_traditional
from embeddings.store import DocumentRow, Generation, PassageRow
from qa.records import Hit, Place, Signals

CANDIDATES = 60
"""Passages taken from each half before they are ranked together."""

_HAN = re.compile(rf"[{HAN}]")


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """The question's vector for passages in Simplified (or no Chinese) and in Traditional."""

    simplified: NDArray[np.float32]
    traditional: NDArray[np.float32]

    def for_passages(self, traditional: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return the vector for each passage, shape (len(traditional), dimensions)."""
        return np.where(traditional[:, None], self.traditional, self.simplified)


@dataclass(frozen=True, slots=True)
class Found:
    """The candidates of one question, best first; all arrays have shape (candidates,).

    Attributes:
        question: the question.
        vectors: its vectors.
        matches: its keyword matches over all passages.
        rows: passage rows.
        dense: cosine of question and passage.
        sentence: highest cosine of the question and a sentence of the passage.
        bm25: BM25 scores.
        score: what the order is made from, 0 to 1.
        chinese: whether the passage is in Chinese.
    """

    question: str
    vectors: QueryVectors
    matches: Matches
    rows: NDArray[np.int64]
    dense: NDArray[np.float32]
    sentence: NDArray[np.float32]
    bm25: NDArray[np.float32]
    score: NDArray[np.float64]
    chinese: NDArray[np.bool_]

    @property
    def crosses_languages(self) -> bool:
        """Tell whether the question is in another language than what it finds.

        That is so when one of question and best passage is in Chinese and the other is not.
        """
        return len(self.rows) > 0 and self.chinese[0] != bool(_HAN.search(self.question))


def fuse(
    dense: NDArray[np.float32],
    sentence: NDArray[np.float32],
    bm25: NDArray[np.float32],
    coverage: float,
) -> NDArray[np.float64]:
    """Return one score between 0 and 1 for each candidate.

    Keyword evidence counts as much as the question's words are found at all: `coverage` is the
    share of the question's idf mass that the best keyword match holds. For an English question to
    Chinese passages it is near 0, and the vectors decide alone.

    Args:
        dense: cosine of question and passage.
        sentence: highest cosine of the question and a sentence of the passage.
        bm25: BM25 scores.
        coverage: 0 to 1.
    """
    meaning = DENSE_WEIGHT * dense + SENTENCE_WEIGHT * sentence
    best = float(bm25.max(initial=0.0))
    words = bm25 / best if best > 0 else np.zeros_like(bm25)
    mixed = (meaning - CENTRE) / SPREAD + WORDS_WEIGHT * coverage * words
    return np.asarray(1.0 / (1.0 + np.exp(-mixed.astype(np.float64))))


DENSE_WEIGHT = 0.6
SENTENCE_WEIGHT = 0.4
WORDS_WEIGHT = 3.0
FOREIGN = 0.5
"""How much less words count in a question without Chinese."""

CENTRE = 0.85
SPREAD = 0.02


class Retriever:
    """Searches one generation; safe to use from several threads."""

    def __init__(self, generation: Generation, encoder: Encoder, tokenizer: Tokenizer) -> None:
        self.generation = generation
        self._encoder = encoder
        self._tokenizer = tokenizer

    def retrieve(self, question: str, k: int, sources: Sequence[str] | None = None) -> list[Hit]:
        """Return at most `k` hits, best first.

        Args:
            question: any text; one without words or meaning finds nothing.
            k: how many at most; 0 or less gives none.
            sources: files, or folders with a ``/`` at the end, to search in; None for all.
        """
        return self.hits(self.find(question, sources), k)

    def find(self, question: str, sources: Sequence[str] | None = None) -> Found:
        """Return all candidates for `question`, ranked."""
        matches = self.generation.postings.match(self._tokenizer.tokens(question))
        vectors = self._vectors(question)
        among = None if sources is None else self.generation.rows_of(sources)
        rows = self._candidates(vectors, matches, among) if question.strip() else _NO_ROWS
        dense, sentence = self._cosines(vectors, rows)
        bm25 = matches.scores[rows]
        coverage = _coverage(question, matches, rows, bm25)
        score = fuse(dense, sentence, bm25, coverage)
        order = np.lexsort((rows, -score))
        return Found(
            question, vectors, matches,
            rows[order], dense[order], sentence[order], bm25[order], score[order],
            self.generation.scripts[rows[order]] != Script.OTHER,
        )  # fmt: skip

    def hits(self, found: Found, k: int) -> list[Hit]:
        """Return the best `k` candidates as hits."""
        rows = found.rows[: max(0, k)]
        passages = self.generation.passages(rows)
        documents = self.generation.documents(p.document for p in passages.values())
        return [
            _hit(passages[int(row)], documents[passages[int(row)].document], found, at)
            for at, row in enumerate(rows)
        ]

    def _vectors(self, question: str) -> QueryVectors:
        if not _HAN.search(question) or not self.generation.manifest.counts["traditional"]:
            vector = self._encoder.encode_query(question)
            return QueryVectors(vector, vector)
        return QueryVectors(
            self._encoder.encode_query(to_simplified(question)),
            self._encoder.encode_query(to_traditional(question)),
        )

    def _candidates(
        self, vectors: QueryVectors, matches: Matches, among: NDArray[np.int64] | None
    ) -> NDArray[np.int64]:
        found = [self.generation.vectors.search(vectors.simplified, CANDIDATES, among)[0]]
        if vectors.traditional is not vectors.simplified:
            found.append(self.generation.vectors.search(vectors.traditional, CANDIDATES, among)[0])
        found.append(_best_rows(matches.scores, CANDIDATES, among))
        return np.unique(np.concatenate(found))

    def _cosines(
        self, vectors: QueryVectors, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return passage cosines and best sentence cosines of `rows`."""
        traditional = self.generation.scripts[rows] == Script.TRADITIONAL
        dense = np.where(
            traditional,
            self.generation.vectors.cosines(vectors.traditional, rows),
            self.generation.vectors.cosines(vectors.simplified, rows),
        )
        ranges = self.generation.sentence_ranges(rows)
        counts = ranges[:, 1]
        wanted = [int(first) + at for first, count in ranges for at in range(int(count))]
        if not wanted:
            return dense, dense
        queries = np.repeat(vectors.for_passages(traditional), counts, axis=0)
        cosines = np.einsum("ij,ij->i", self.generation.sentence_vectors(wanted), queries)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        return dense, np.maximum.reduceat(cosines, starts)


def _coverage(
    question: str, matches: Matches, rows: NDArray[np.int64], bm25: NDArray[np.float32]
) -> float:
    """Return how far the question's words are found at all, 0 to 1.

    A question without Chinese may share names and numbers with Chinese passages; its other words
    stand in none and say nothing.
    """
    if not len(rows):
        return 0.0
    foreign = not _HAN.search(question)
    return matches.coverage(int(rows[bm25.argmax()]), known=foreign) * (FOREIGN if foreign else 1)


_NO_ROWS = np.empty(0, dtype=np.int64)


def _best_rows(
    scores: NDArray[np.float32], k: int, among: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """Return the rows with the `k` highest scores above 0."""
    rows = np.flatnonzero(scores) if among is None else among[scores[among] > 0]
    if len(rows) > k:
        rows = rows[np.argpartition(-scores[rows], k)[:k]]
    return rows.astype(np.int64)


def _hit(passage: PassageRow, document: DocumentRow, found: Found, at: int) -> Hit:
    others = document.sources[1:]
    return Hit(
        id=passage.id,
        text=passage.text,
        spans=passage.spans,
        source=document.sources[0],
        page=passage.page,
        title=passage.title or document.title,
        heading=passage.heading,
        date=document.date,
        places=tuple(Place(document.id, name, passage.spans, passage.page) for name in others),
        score=float(found.score[at]),
        signals=Signals(
            dense=float(found.dense[at]),
            sentence=float(found.sentence[at]),
            bm25=float(found.bm25[at]),
            words=found.matches.words(passage.row),
        ),
        document=document.id,
        role=passage.role,
    )
