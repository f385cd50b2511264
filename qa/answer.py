"""Candidates -> the sentences that answer, with citations; or an honest refusal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from embeddings.lexical import Script, Tokenizer, search_form
from embeddings.records import Role, Span, page_of
from embeddings.store import Generation
from embeddings.texts import DocumentRow, PassageRow, SentenceRow
from qa.question import Kind, kind_of, marks_in
from qa.records import Answer, AnswerSentence, Citation, Reason
from qa.retrieval import Found, Retriever, source_of

PASSAGES = 6
"""Passages whose sentences are weighed."""

MOST_SENTENCES = 3

LONGEST = 150
"""No sentence is added to an answer that would have more characters than this."""

COSINE_WEIGHT = 12.0
COVERAGE_WEIGHT = 2.0
PASSAGE_WEIGHT = 1.0
FORM_WEIGHT = 1.5
HEADLINE_WEIGHT = -0.5

FOREIGN_SCALE = 0.4
"""Centred cosines lie this much closer on the scale of plain ones; see `qa.retrieval`."""

LEAST_SHARED = 0.5
"""Share of the names and numbers of a foreign question that is evidence enough by itself."""

CLEARLY_LESS = 1.0
"""A further sentence may score this much less than the first."""

NEW_COVERAGE = 0.12
"""A further sentence must hold this share of the question's idf mass that is not yet held."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Evidence below which the documents do not answer. Cosines depend on the model.

    Attributes:
        cosine: of question and best sentence, within one language.
        cross_cosine: the same where the question is in another language than the documents;
            centred, see `embeddings.centre`.
        coverage: share of the question's idf mass that the best passage must hold, within one
            language, 0 to 1.
    """

    cosine: float = -1.0
    cross_cosine: float = -1.0
    coverage: float = 0.05


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer.

    Attributes:
        sentence, passage, document, source: where it stands.
        cosine: of question and sentence.
        meaning: the same, but centred and scaled where the question is in another language.
        words: the question's words in it.
        coverage: share of the question's idf mass that it holds, 0 to 1.
        score: higher is better; comparable within one question only.
    """

    sentence: SentenceRow
    passage: PassageRow
    document: DocumentRow
    source: str
    cosine: float
    meaning: float
    words: frozenset[str]
    coverage: float
    score: float


class Answerer:
    """Chooses sentences of one generation; safe to use from several threads."""

    def __init__(self, retriever: Retriever, tokenizer: Tokenizer, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._retriever = retriever
        self._generation: Generation = retriever.generation
        self._tokenizer = tokenizer

    def answer(self, found: Found, nearest: int = 5) -> Answer:
        """Return the answer to `found.question`, or a refusal with the `nearest` hits."""
        found = self._retriever.without_repeats(found, max(nearest, PASSAGES))
        hits = tuple(self._retriever.hits(found, nearest))
        candidates = self._candidates(found)
        refusal = Answer("", False, (), (), found.question, hits, Reason.NOTHING_FOUND)
        if not candidates:
            return refusal
        if not is_supported(candidates[0], found, self._thresholds):
            return replace(refusal, reason=Reason.NOT_IN_DOCUMENTS)
        return compose(found.question, choose(candidates, found), refusal)

    def _candidates(self, found: Found) -> list[Candidate]:
        """Return the sentences of the best passages, best first."""
        rows = found.rows[:PASSAGES]
        passages = self._generation.passages(rows, found.selection)
        documents = self._generation.documents(p.document for p in passages.values())
        sentences = self._generation.sentences(passages.values())
        if not sentences:
            return []
        scores = {int(row): float(found.score[at]) for at, row in enumerate(found.rows[:PASSAGES])}
        cosines = self._cosines(found, sentences)
        meanings = self._meanings(found, sentences, cosines)
        kind = kind_of(found.question)
        weighed = [
            self._weigh(
                found,
                kind,
                sentence,
                passages[sentence.passage],
                documents,
                cosine,
                meaning,
                scores,
            )
            for sentence, cosine, meaning in zip(sentences, cosines, meanings, strict=True)
        ]
        return sorted(weighed, key=lambda c: (-c.score, c.sentence.row))

    def _cosines(self, found: Found, sentences: Sequence[SentenceRow]) -> list[float]:
        scripts = self._generation.scripts[[sentence.passage for sentence in sentences]]
        vectors = self._generation.sentence_vectors([sentence.row for sentence in sentences])
        queries = found.vectors.for_passages(scripts == Script.TRADITIONAL)
        return [float(value) for value in np.einsum("ij,ij->i", vectors, queries)]

    def _meanings(
        self, found: Found, sentences: Sequence[SentenceRow], cosines: Sequence[float]
    ) -> list[float]:
        """Return how near each sentence is in meaning, on the scale of plain cosines."""
        if found.vectors.foreign is None:
            return list(cosines)
        rows = np.array([sentence.row for sentence in sentences], dtype=np.int64)
        scripts = self._generation.scripts[[sentence.passage for sentence in sentences]]
        centred = self._retriever.foreign_sentence_cosines(found.vectors.foreign, rows, scripts)
        return [FOREIGN_SCALE * float(value) for value in centred]

    def _weigh(
        self,
        found: Found,
        kind: Kind,
        sentence: SentenceRow,
        passage: PassageRow,
        documents: dict[str, DocumentRow],
        cosine: float,
        meaning: float,
        scores: dict[int, float],
    ) -> Candidate:
        weights = found.matches.weights
        words = frozenset(self._tokenizer.tokens(sentence.text)) & weights.keys()
        asked = found.matches.rows if found.crosses_languages else weights
        total = sum(weights[word] for word in asked)
        coverage = sum(weights[word] for word in words) / total if total else 0.0
        form = FORM_WEIGHT * bool(marks_in(sentence.text, found.question, kind))
        score = (
            COSINE_WEIGHT * meaning
            + COVERAGE_WEIGHT * coverage
            + PASSAGE_WEIGHT * scores[sentence.passage]
            + form
            + HEADLINE_WEIGHT * (passage.role is Role.HEADLINE)
        )
        document = documents[passage.document]
        source = source_of(document, found.selection)
        return Candidate(
            sentence, passage, document, source, cosine, meaning, words, coverage, score
        )


def is_supported(best: Candidate, found: Found, least: Thresholds) -> bool:
    """Tell whether the documents answer, judged by the best sentence.

    Texts of two languages share no words but names and numbers: such a question is judged by its
    centred cosine, or by these.
    """
    if found.crosses_languages:
        shared = found.matches.coverage(best.passage.row, known=True)
        near = best.meaning >= FOREIGN_SCALE * least.cross_cosine
        return near or shared >= LEAST_SHARED
    matched = found.matches.coverage(best.passage.row)
    return best.cosine >= least.cosine and matched >= least.coverage


def choose(candidates: Sequence[Candidate], found: Found) -> list[Candidate]:
    """Return the best sentence, and up to two more that hold words of the question it lacks."""
    chosen = [candidates[0]]
    held = set(candidates[0].words)
    length = len(candidates[0].sentence.text)
    total = sum(found.matches.weights.values()) or 1.0
    for candidate in candidates[1:]:
        if len(chosen) == MOST_SENTENCES or chosen[0].score - candidate.score > CLEARLY_LESS:
            break
        gain = sum(found.matches.weights[word] for word in candidate.words - held) / total
        longer = length + len(candidate.sentence.text)
        repeated = any(_same(candidate, other) for other in chosen)
        if gain >= NEW_COVERAGE and longer <= LONGEST and not repeated:
            chosen.append(candidate)
            held |= candidate.words
            length = longer
    return chosen


def _same(one: Candidate, other: Candidate) -> bool:
    return search_form(one.sentence.text) == search_form(other.sentence.text)


def compose(question: str, chosen: Sequence[Candidate], refusal: Answer) -> Answer:
    """Put chosen sentences together; those of one document stand in reading order."""
    ordered = sorted(
        chosen, key=lambda c: (_first_of(chosen, c.document.id), c.sentence.spans[0].start)
    )
    kind = kind_of(question)
    sentences = tuple(
        AnswerSentence(c.sentence.text, number, marks_in(c.sentence.text, question, kind))
        for number, c in enumerate(ordered, 1)
    )
    citations = tuple(
        cite(number, span, c) for number, c in enumerate(ordered, 1) for span in c.sentence.spans
    )
    return replace(
        refusal,
        text=put_together([sentence.text for sentence in sentences]),
        answered=True,
        sentences=sentences,
        citations=citations,
        reason=None,
    )


def _first_of(chosen: Sequence[Candidate], document: str) -> int:
    return next(at for at, c in enumerate(chosen) if c.document.id == document)


def put_together(texts: Sequence[str]) -> str:
    """Join sentences; a blank stands only where two Latin ones meet."""
    joined = ""
    for text in texts:
        joined += " " + text if re.search(r"[!-~]$", joined) and text[:1].isascii() else text
    return joined


def cite(number: int, span: Span, candidate: Candidate) -> Citation:
    """Return the citation of one contiguous span; its quote is checked against the original."""
    document = candidate.document
    quote = span.of(document.text)
    assert len(quote) == len(span), f"span {span} runs out of document {document.id}"
    return Citation(
        number=number,
        document=document.id,
        source=candidate.source,
        start=span.start,
        end=span.end,
        quote=quote,
        page=page_of(document.page_starts, span.start),
        title=candidate.passage.title or document.title,
        date=document.date,
    )
