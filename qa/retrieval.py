"""A question -> one ranking of passages, out of dense vectors, sentence vectors and BM25."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from embeddings.centre import without
from embeddings.encoder import Encoder
from embeddings.lexical import (
    Matches,
    Script,
    Tokenizer,
    script_of,
    to_simplified,
    to_traditional,
)
from embeddings.store import Generation
from embeddings.texts import DocumentRow, PassageRow, Selection
from qa import repeats
from qa.records import Hit, Place, Signals

CANDIDATES = 60
"""Passages taken from each half before they are ranked together."""

Period = tuple[str | None, str | None]
"""First and last day, ISO 8601, both included; None for no bound."""


def is_chinese(question: str) -> bool:
    """Tell whether a question is in Chinese; one that only quotes a Chinese name is not."""
    return script_of(question) is not Script.OTHER


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """The question's vectors.

    Attributes:
        simplified: for passages in Simplified or without Chinese.
        traditional: for passages in Traditional.
        foreign: without what questions of its language share, where the index is in another
            language; None else.
    """

    simplified: NDArray[np.float32]
    traditional: NDArray[np.float32]
    foreign: NDArray[np.float32] | None = None

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
        selection: the files that were searched; None for all.
        repeats: by passage row, the rows that say the same and were taken out of the ranking.
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
    selection: Selection | None = None
    repeats: dict[int, list[int]] = field(default_factory=dict)

    def only(self, at: Sequence[int]) -> Found:
        """Return the candidates at these positions of the ranking, in this order."""
        return replace(
            self, rows=self.rows[at], dense=self.dense[at], sentence=self.sentence[at],
            bm25=self.bm25[at], score=self.score[at], chinese=self.chinese[at],
        )  # fmt: skip

    @property
    def crosses_languages(self) -> bool:
        """Tell whether the question is in another language than what it finds.

        That is so when one of question and best passage is in Chinese and the other is not.
        """
        return len(self.rows) > 0 and self.chinese[0] != is_chinese(self.question)


def fuse(
    dense: NDArray[np.float32],
    sentence: NDArray[np.float32],
    bm25: NDArray[np.float32],
    coverage: float,
    spread: float = 0.02,
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
        spread: how much of a cosine weighs as much as one nat of other evidence.
    """
    meaning = DENSE_WEIGHT * dense + SENTENCE_WEIGHT * sentence
    best = float(bm25.max(initial=0.0))
    words = bm25 / best if best > 0 else np.zeros_like(bm25)
    mixed = (meaning - meaning.max(initial=0.0)) / spread + BEST + WORDS_WEIGHT * coverage * words
    return np.asarray(1.0 / (1.0 + np.exp(-mixed.astype(np.float64))))


DENSE_WEIGHT = 0.6
SENTENCE_WEIGHT = 0.4
WORDS_WEIGHT = 3.0
FOREIGN = 0.5
"""How much less words count in a question without Chinese."""

BEST = 3.0
"""Log odds of the candidate nearest in meaning, before words are counted."""

FOREIGN_SPREAD = 0.05
"""Centred cosines lie further apart than plain ones; see `fuse`."""

FOREIGN_SHARE = 0.5
"""How much of the mean of a foreign question's language is taken out of its vector."""

BACKGROUND = (
    "What is it?", "Who is in charge?", "When did it begin?", "Where is it?", "Why was it done?",
    "How does it work?", "How many are there?", "How much does it cost?", "Which one came first?",
    "What does the name mean?", "Who wrote the report?", "How long did it take?",
    "What happened after that?", "Which company makes it?", "What are the main reasons?",
    "In which year was it founded?", "What kinds of services are offered?", "How old is it?",
    "What did the government decide?", "What is the difference between the two?",
)  # fmt: skip
"""Questions about nothing in particular: their mean is what English questions share."""


class Retriever:
    """Searches one generation; safe to use from several threads."""

    def __init__(self, generation: Generation, encoder: Encoder, tokenizer: Tokenizer) -> None:
        self.generation = generation
        self._encoder = encoder
        self._tokenizer = tokenizer
        self._repeats = repeats.Repeats(tokenizer)

    def retrieve(
        self,
        question: str,
        k: int,
        sources: Sequence[str] | None = None,
        dates: Period | None = None,
    ) -> list[Hit]:
        """Return at most `k` hits, best first.

        Args:
            question: any text; one without words or meaning finds nothing.
            k: how many at most; 0 or less gives none.
            sources: files, or folders with a ``/`` at the end, to search in; None for all.
            dates: first and last day of the documents to search in; None for all.
        """
        return self.hits(self.without_repeats(self.find(question, sources, dates), k), k)

    def find(
        self,
        question: str,
        sources: Sequence[str] | None = None,
        dates: Period | None = None,
    ) -> Found:
        """Return all candidates for `question`, ranked; near repeats are among them."""
        matches = self.generation.postings.match(self._tokenizer.tokens(question))
        vectors = self._vectors(question)
        selection = self._select(sources, dates)
        among = None if selection is None else self.generation.rows_of(selection)
        rows = self._candidates(vectors, matches, among) if question.strip() else _NO_ROWS
        dense, sentence = self._cosines(vectors, rows)
        bm25 = matches.scores[rows]
        coverage = _coverage(question, matches, rows, bm25)
        if vectors.foreign is None:
            score = fuse(dense, sentence, bm25, coverage)
        else:
            score = fuse(
                *self._foreign_cosines(vectors.foreign, rows), bm25, coverage, FOREIGN_SPREAD
            )
        order = np.lexsort((rows, -score))
        return Found(
            question, vectors, matches,
            rows[order], dense[order], sentence[order], bm25[order], score[order],
            self.generation.scripts[rows[order]] != Script.OTHER, selection,
        )  # fmt: skip

    def _select(self, sources: Sequence[str] | None, dates: Period | None) -> Selection | None:
        since, until = dates or (None, None)
        if sources is None and since is None and until is None:
            return None
        return self.generation.select(sources, since, until)

    def without_repeats(self, found: Found, k: int) -> Found:
        """Return the best `k` candidates that say something new.

        Each of the best `repeats.CANDIDATES` that says nothing new is noted under the one which it
        repeats.
        """
        rows = [int(row) for row in found.rows[: repeats.CANDIDATES]]
        texts = self.generation.texts(rows)
        groups = self._repeats.groups([texts[row] for row in rows], max(0, k))
        kept = [group[0] for group in groups]
        kept += range(len(rows), len(found.rows))
        folded = {rows[first]: [rows[at] for at in others] for first, *others in groups if others}
        return replace(found.only(kept[: max(0, k)]), repeats=folded)

    def hits(self, found: Found, k: int) -> list[Hit]:
        """Return the best `k` candidates as hits, each at a place that the question allows."""
        rows = [int(row) for row in found.rows[: max(0, k)]]
        folded = [row for best in rows for row in found.repeats.get(best, [])]
        places = self.generation.places([*rows, *folded])
        passages = self.generation.passages(rows, found.selection)
        documents = self.generation.documents(p.document for p in passages.values())
        sources = self.generation.sources_of(p.document for held in places.values() for p in held)
        hits = []
        for at, row in enumerate(rows):
            own = passages[row]
            document = documents[own.document]
            source = source_of(document, found.selection)
            alike = [place for one in (row, *found.repeats.get(row, [])) for place in places[one]]
            others = tuple(_others(alike, sources, own.id, source))
            hits.append(_hit(own, document, source, others, found, at))
        return hits

    def _vectors(self, question: str) -> QueryVectors:
        if not is_chinese(question):
            vector = self._encoder.encode_query(question)
            foreign = self._without_language(vector) if self._holds_chinese else None
            return QueryVectors(vector, vector, foreign)
        if not self.generation.manifest.counts["traditional"]:
            vector = self._encoder.encode_query(question)
            return QueryVectors(vector, vector)
        forms = to_simplified(question), to_traditional(question)
        found = {form: self._encoder.encode_query(form) for form in dict.fromkeys(forms)}
        return QueryVectors(found[forms[0]], found[forms[1]])

    @cached_property
    def _holds_chinese(self) -> bool:
        return bool((self.generation.scripts != Script.OTHER).any())

    def _without_language(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        return without(vector, self._background, FOREIGN_SHARE)

    @cached_property
    def _background(self) -> NDArray[np.float32]:
        vectors = np.stack([self._encoder.encode_query(text) for text in BACKGROUND])
        return np.asarray(vectors.mean(axis=0), dtype=np.float32)

    def _candidates(
        self, vectors: QueryVectors, matches: Matches, among: NDArray[np.int64] | None
    ) -> NDArray[np.int64]:
        found = [self.generation.vectors.search(vectors.simplified, CANDIDATES, among)[0]]
        if vectors.foreign is not None:
            found.append(self.generation.vectors.search(vectors.foreign, 2 * CANDIDATES, among)[0])
        if vectors.traditional is not vectors.simplified:
            found.append(self.generation.vectors.search(vectors.traditional, CANDIDATES, among)[0])
        found.append(matches.best(CANDIDATES, among))
        return _distinct(np.concatenate(found))

    def _cosines(
        self, vectors: QueryVectors, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return passage cosines and best sentence cosines of `rows`."""
        traditional = self.generation.scripts[rows] == Script.TRADITIONAL
        kept = self.generation.vectors.vectors(rows)
        dense = np.where(traditional, kept @ vectors.traditional, kept @ vectors.simplified)
        wanted, counts = self._sentences(rows)
        if not len(wanted):
            return dense, dense
        queries = np.repeat(vectors.for_passages(traditional), counts, axis=0)
        own = self.generation.sentence_vectors(wanted.tolist())
        cosines = np.asarray(np.einsum("ij,ij->i", own, queries), dtype=np.float32)
        return dense, _best_of_each(cosines, counts)

    def _foreign_cosines(
        self, query: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the cosines of `rows` and of their best sentences without what languages share."""
        generation = self.generation
        scripts = generation.scripts[rows]
        products = generation.vectors.cosines(query, rows)
        dense = generation.passage_centre.cosines(query, products, rows, scripts)
        wanted, counts = self._sentences(rows)
        if not len(wanted):
            return dense, dense
        cosines = self.foreign_sentence_cosines(query, wanted, np.repeat(scripts, counts))
        return dense, _best_of_each(cosines, counts)

    def foreign_sentence_cosines(
        self, query: NDArray[np.float32], rows: NDArray[np.int64], scripts: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Return centred cosines of `query` (`QueryVectors.foreign`) and sentence rows."""
        products = self.generation.sentence_vectors(rows.tolist()) @ query
        return self.generation.sentence_centre.cosines(query, products, rows, scripts)

    def _sentences(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the sentence rows of passages, one after the other, and how many each has."""
        firsts, counts = self.generation.sentence_ranges(rows).T
        starts = np.cumsum(counts) - counts
        return np.repeat(firsts - starts, counts) + np.arange(counts.sum()), counts


def _best_of_each(cosines: NDArray[np.float32], counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the highest cosine of each passage's sentences; each has at least one."""
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return np.asarray(np.maximum.reduceat(cosines, starts), dtype=np.float32)


def _coverage(
    question: str, matches: Matches, rows: NDArray[np.int64], bm25: NDArray[np.float32]
) -> float:
    """Return how far the question's words are found at all, 0 to 1.

    A question without Chinese may share names and numbers with Chinese passages; its other words
    stand in none and say nothing.
    """
    if not len(rows):
        return 0.0
    foreign = not is_chinese(question)
    return matches.coverage(int(rows[bm25.argmax()]), known=foreign) * (FOREIGN if foreign else 1)


_NO_ROWS = np.empty(0, dtype=np.int64)


def _distinct(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each row once, rising; `np.unique` would import masked arrays, which takes 20 ms."""
    ordered = np.sort(rows)
    first = np.ones(len(ordered), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return np.asarray(ordered[first], dtype=np.int64)


def _others(
    places: Iterable[PassageRow], sources: dict[str, tuple[str, ...]], own: str, source: str
) -> Iterator[Place]:
    """Yield each file that a text stands in, but for passage `own` in `source`."""
    for place in places:
        for name in sources[place.document]:
            if (place.id, name) != (own, source):
                yield Place(place.document, name, place.spans, place.page)


def source_of(document: DocumentRow, selection: Selection | None) -> str:
    """Return the first file of a document, of those that the question is limited to."""
    return (document.sources if selection is None else selection.sources[document.id])[0]


def _hit(
    passage: PassageRow,
    document: DocumentRow,
    source: str,
    places: tuple[Place, ...],
    found: Found,
    at: int,
) -> Hit:
    return Hit(
        id=passage.id,
        text=passage.text,
        spans=passage.spans,
        source=source,
        page=passage.page,
        title=passage.title or document.title,
        heading=passage.heading,
        date=document.date,
        places=places,
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
