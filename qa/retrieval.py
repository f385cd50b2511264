"""A question -> one ranking of passages, out of dense vectors, sentence vectors and BM25."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from embeddings.centre import without
from embeddings.encoder import Encoder, TokenReader
from embeddings.lexical import (
    Script,
    Tokenizer,
    to_simplified,
    to_traditional,
)
from embeddings.model import MODEL_NAME, home
from embeddings.searchable import Matching, Searchable
from embeddings.texts import DocumentHead, PassageRow, Selection
from embeddings.vectors import SMALL
from qa import bilingual, repeats, unnamed
from qa.bilingual import Bilingual
from qa.evidence import Asked, Texts, Words, weigh
from qa.evidence import Signals as TextSignals
from qa.found import Found, Gathered, Parts, Period, QueryVectors, is_chinese, source_of
from qa.fusion import (
    FOREIGN_SCALE,
    FOREIGN_SPREAD,
    FOREIGN_ZERO,
    SPREAD,
    best_of_each,
    comparable,
    coverage_of,
    fuse,
    fuse_translated,
    known_odds,
    reordered,
)
from qa.lacking import lacking
from qa.ranking import Ranking, Weighing
from qa.reader import Reading, SentenceReader
from qa.records import Hit, Place, Signals

CANDIDATES = 60
"""Passages taken from each half before they are ranked together."""

WEIGHED = 12
"""The best candidates, whose sentences are read before the last ranking."""

HIGHEST_IDF = 8.0
"""Of a word that stands in no passage, as the weights of `qa.ranking` know it."""

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
    """Searches one generation; safe to use from several threads.

    Args:
        generation: what is searched.
        encoder: makes the vectors of questions.
        tokenizer: makes their words.
        ranking: weights of the last ranking; None for those that come with the package.
        parts: what is at work.
        reader: weights of the reading of sentences; None for those that come with the package.
    """

    def __init__(
        self,
        generation: Searchable,
        encoder: Encoder,
        tokenizer: Tokenizer,
        ranking: Weighing | None = None,
        parts: Parts | None = None,
        reader: SentenceReader | None = None,
    ) -> None:
        self.generation = generation
        self._encoder = encoder
        self._tokenizer = tokenizer
        self._own_ranking = ranking
        self._own_reader = reader
        self.parts = parts or Parts()
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
        selection = self._select(sources, dates)
        among = None if selection is None else self.generation.rows_of(selection)
        return self.ranked(self.search(question, among, selection))

    def search(
        self,
        question: str,
        among: NDArray[np.int64] | None = None,
        selection: Selection | None = None,
    ) -> Found:
        """Return all candidates for `question` in their first ranking, the best with sentences.

        Args:
            question: any text.
            among: passage rows to search in; None for all.
            selection: the files that these rows stand in; None for all.
        """
        found = self._first_ranking(question, selection, among)
        return replace(found, gathered=self._gather(found)) if len(found.rows) else found

    def ranked(self, found: Found, ranking: Weighing | None = None) -> Found:
        """Return the candidates of `search` in the order of their weight.

        Args:
            found: what `search` returned.
            ranking: weighs them; None for what the retriever was made with.
        """
        if found.gathered is None:
            return found
        known = known_odds(found, len(found.gathered.rows))
        weighed = (ranking or self._ranking)(found.gathered.evidence, known)
        found = replace(found, gathered=replace(found.gathered, weighed=weighed))
        return reordered(found, weighed) if self.parts.weights else found

    def read(self, found: Found) -> Found:
        """Return what was `ranked`, its likeliest sentences weighed by `qa.reader`.

        It comes back as it was where the encoder tells nothing of tokens.
        """
        gathered = found.gathered
        if self._reading is None or gathered is None or gathered.weighed is None:
            return found
        if found.crosses_languages and not self._reading.foreign:
            return found
        kind = self.parts.wanted(found.question).kind
        lost = lacking(kind, gathered.evidence.form)
        sentences = gathered.texts.sentences
        weighed = self._reading(found.question, sentences, gathered.weighed, lost)
        return replace(found, gathered=replace(gathered, weighed=weighed))

    def gather(self, question: str, among: NDArray[np.int64] | None = None) -> Gathered | None:
        """Return what the last ranking of `question` reads, or None where nothing is found.

        Args:
            question: any text.
            among: passage rows to search in; None for all.
        """
        return self.search(question, among).gathered

    def _first_ranking(
        self, question: str, selection: Selection | None, among: NDArray[np.int64] | None
    ) -> Found:
        matches = self.generation.postings.match(self._tokenizer.tokens(question))
        vectors = self._vectors(question)
        if vectors.foreign is not None and self._bilingual is not None:
            matches = self._bilingual.match(question, matches, self.generation.postings)
        rows = self._candidates(vectors, matches, among) if question.strip() else _NO_ROWS
        dense, sentence = self._cosines(vectors, rows)
        bm25 = matches.scores(rows)
        score = self._fused(question, vectors, matches, rows, dense, sentence, bm25)
        order = np.lexsort((rows, -score))
        return Found(
            question, vectors, matches,
            rows[order], dense[order], sentence[order], bm25[order], score[order],
            self.generation.scripts_of(rows[order]) != Script.OTHER, selection,
        )  # fmt: skip

    def _fused(
        self,
        question: str,
        vectors: QueryVectors,
        matches: Matching,
        rows: NDArray[np.int64],
        dense: NDArray[np.float32],
        sentence: NDArray[np.float32],
        bm25: NDArray[np.float32],
    ) -> NDArray[np.float64]:
        parts = self.parts
        if vectors.foreign is not None:
            dense, sentence = self._foreign_cosines(vectors.foreign, rows)
        dense, sentence = (
            dense if parts.dense else sentence,
            sentence if parts.sentences else dense,
        )
        words = bm25 if parts.words else np.zeros_like(bm25)
        if vectors.foreign is not None and self._bilingual is not None:
            return fuse_translated(dense, sentence, words)
        coverage = coverage_of(question, matches, rows, words) if parts.rule else 1.0
        spread = SPREAD if vectors.foreign is None else FOREIGN_SPREAD
        return fuse(dense, sentence, words, coverage, spread)

    def _gather(self, found: Found) -> Gathered:
        """Read the sentences of the best candidates."""
        rows = found.rows[:WEIGHED]
        passages = self.generation.passages(rows, found.selection)
        read = self.generation.sentence_texts(rows)
        sentence_rows, counts = self._sentences(rows)
        dense, cosines = self._signals(found.vectors, rows, sentence_rows, counts)
        if not self.parts.sentences:
            cosines = np.repeat(dense, counts)
        places = [word for word in found.matches.held if self._is_place(word)]
        texts = Texts(
            [self._title(passages[int(row)], places, found.matches) for row in rows],
            [text for row in rows for text in read[int(row)]],
            counts,
        )
        signals = TextSignals(dense, found.bm25[:WEIGHED] * self._idf_scale, cosines)
        wanted = self.parts.wanted(found.question)
        asked = Asked(found.question, self._words(found), wanted)
        return Gathered(rows, sentence_rows, texts, weigh(asked, texts, signals))

    def _title(self, passage: PassageRow, places: Sequence[str], matches: Matching) -> str:
        """Return title and heading of a passage, and which of `places` its document names."""
        own = self.generation.rows_in(passage.document) if places else _NO_ROWS
        named = (place for place in places if matches.holds(place, own).any())
        return " ".join([passage.title, passage.heading, *named])

    def names_nowhere(self, found: Found) -> bool:
        """Tell whether the question names a place that stands nowhere in the index."""
        return unnamed.place_is_unknown(found, self._tokenizer)

    def asks_unknown(self, found: Found) -> bool:
        """Tell whether what is counted (几家医院), or who holds it (区长是谁), is named nowhere."""
        return unnamed.noun_is_unknown(found, self.parts.wanted(found.question), self._tokenizer)

    def _is_place(self, word: str) -> bool:
        return unnamed.is_place(word, self._tokenizer)

    def _words(self, found: Found) -> Words:
        weights = {word: w * self._idf_scale for word, w in found.matches.weights.items()}
        places = [word for word in weights if self._is_place(word)]
        known = frozenset(found.matches.held)
        return Words(weights, known, places, self._translations(found))

    @cached_property
    def _idf_scale(self) -> float:
        """Makes the idf of a word that stands nowhere the same for indexes of any size."""
        return HIGHEST_IDF / self.generation.postings.idf(0)

    def _translations(self, found: Found) -> dict[str, tuple[str, ...]] | None:
        """Return what may stand for each word of a foreign question; None for others."""
        if found.vectors.foreign is None:
            return None
        if self._bilingual is None:
            return {word: (word,) for word in found.matches.held}
        return {key: self._bilingual.spellings(key) for key in found.matches.weights}

    def _signals(
        self,
        vectors: QueryVectors,
        rows: NDArray[np.int64],
        sentence_rows: NDArray[np.int64],
        counts: NDArray[np.int64],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the cosines of passages and of their sentences, on the scale of one language."""
        scripts = self.generation.scripts_of(rows)
        if vectors.foreign is not None:
            dense, _ = self._foreign_cosines(vectors.foreign, rows)
            each = np.repeat(scripts, counts)
            cosines = self.foreign_sentence_cosines(vectors.foreign, sentence_rows, each)
            return FOREIGN_ZERO + FOREIGN_SCALE * dense, FOREIGN_ZERO + FOREIGN_SCALE * cosines
        queries = vectors.for_passages(scripts == Script.TRADITIONAL)
        dense = np.einsum("ij,ij->i", self.generation.vectors.vectors(rows), queries)
        own = self.generation.sentence_vectors(sentence_rows.tolist())
        cosines = np.einsum("ij,ij->i", own, np.repeat(queries, counts, axis=0))
        if self.generation.manifest.model != MODEL_NAME:
            dense, cosines = comparable(dense), comparable(cosines)
        return np.asarray(dense, np.float32), np.asarray(cosines, np.float32)

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
        passages = {row: _allowed(places[row], found.selection) for row in rows}
        documents = self.generation.heads(p.document for p in passages.values())
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
        vectors = self._encoder.encode_queries(list(dict.fromkeys(forms)))
        return QueryVectors(vectors[0], vectors[-1])

    @cached_property
    def _reading(self) -> Reading | None:
        if not (self.parts.reading and isinstance(self._encoder, TokenReader)):
            return None
        return Reading(self._encoder, self._own_reader or SentenceReader.shipped())

    @cached_property
    def _ranking(self) -> Weighing:
        return self._own_ranking or Ranking.shipped()

    @cached_property
    def _bilingual(self) -> Bilingual | None:
        wanted = self.parts.dictionary and bilingual.version() is not None
        return Bilingual.open(home() / "english") if wanted else None

    @cached_property
    def _holds_chinese(self) -> bool:
        return any(map(self.generation.has_script, (Script.SIMPLIFIED, Script.TRADITIONAL)))

    def _without_language(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        return without(vector, self._background, FOREIGN_SHARE)

    @cached_property
    def _background(self) -> NDArray[np.float32]:
        vectors = self._encoder.encode_queries(BACKGROUND)
        return np.asarray(vectors.mean(axis=0), dtype=np.float32)

    def _candidates(
        self, vectors: QueryVectors, matches: Matching, among: NDArray[np.int64] | None
    ) -> NDArray[np.int64]:
        if among is not None and len(among) <= SMALL:
            return among
        found = self._nearest(vectors, among)
        if vectors.foreign is not None:
            found.append(self.generation.vectors.search(vectors.foreign, 2 * CANDIDATES, among)[0])
        found.append(matches.best(CANDIDATES, among))
        return _distinct(np.concatenate(found))

    def _nearest(
        self, vectors: QueryVectors, among: NDArray[np.int64] | None
    ) -> list[NDArray[np.int64]]:
        """Return the rows nearest to each form of a question."""
        forms = [vectors.simplified, vectors.traditional]
        queries = np.stack(_once(forms))
        return [rows for rows, _ in self.generation.vectors.search_each(queries, CANDIDATES, among)]

    def _cosines(
        self, vectors: QueryVectors, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return passage cosines and best sentence cosines of `rows`."""
        traditional = self.generation.scripts_of(rows) == Script.TRADITIONAL
        kept = self.generation.vectors.vectors(rows)
        dense = np.where(traditional, kept @ vectors.traditional, kept @ vectors.simplified)
        wanted, counts = self._sentences(rows)
        if not len(wanted):
            return dense, dense
        queries = np.repeat(vectors.for_passages(traditional), counts, axis=0)
        own = self.generation.sentence_vectors(wanted.tolist())
        cosines = np.asarray(np.einsum("ij,ij->i", own, queries), dtype=np.float32)
        return dense, best_of_each(cosines, counts)

    def _foreign_cosines(
        self, query: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the cosines of `rows` and of their best sentences without what languages share."""
        generation = self.generation
        scripts = generation.scripts_of(rows)
        products = generation.vectors.cosines(query, rows)
        dense = generation.passage_centre.cosines(query, products, rows, scripts)
        wanted, counts = self._sentences(rows)
        if not len(wanted):
            return dense, dense
        cosines = self.foreign_sentence_cosines(query, wanted, np.repeat(scripts, counts))
        return dense, best_of_each(cosines, counts)

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


_NO_ROWS = np.empty(0, dtype=np.int64)


def _once(forms: Sequence[NDArray[np.float32]]) -> Sequence[NDArray[np.float32]]:
    return forms[:1] if forms[0] is forms[1] else forms


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


def _allowed(places: Sequence[PassageRow], selection: Selection | None) -> PassageRow:
    """Return the first place of a passage, of those that the question is limited to."""
    if selection is None:
        return places[0]
    return next(place for place in places if place.document in selection.sources)


def _hit(
    passage: PassageRow,
    document: DocumentHead,
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
