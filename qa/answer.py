"""Candidates -> the sentences that answer, with citations; or an honest refusal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from embeddings.lexical import search_form
from embeddings.records import Role, Span, page_of
from embeddings.searchable import Searchable
from embeddings.texts import DocumentHead, DocumentRow, PassageRow, SentenceRow
from qa.correction import Own
from qa.disagreement import Asked, Statement, to_say
from qa.forms import forms_in
from qa.found import Found, Gathered, is_chinese, source_of
from qa.kinds import Kind, Wanted
from qa.lacking import is_lacking
from qa.long_names import long_names, stands_elsewhere
from qa.neighbours import with_neighbours
from qa.question import asks_which_of_many
from qa.read_support import ReadSupport
from qa.reader import READ
from qa.records import Answer, AnswerSentence, Citation, Reason
from qa.retrieval import Retriever
from qa.shortening import LONGEST, answering_part, spans_of
from qa.support import WORD_ODDS, Support, columns, has_sign, mentions_a_place

CANDIDATES = 12
"""Sentences that an answer is chosen from."""

NEIGHBOURS = 2
"""Passages on either side, in the section, that may hold the rest of a list or a reason."""

AS_GOOD = 3
"""Of a question in several parts: a sentence among the best for two of them answers both."""

MOST_SENTENCES = 3

HEADLINE_WEIGHT = -1.0
"""Nats: a headline says less than the sentence below it."""

CLEARLY_LESS = 1.0
"""Nats: a further sentence may be this much less likely than the first."""

LACKING = 5.0
UNKNOWN = 3.0
ELSEWHERE = 3.0
"""Nats by which an answer is less likely that has not the measure or date asked for, where what is
counted is named nowhere, and where only other documents hold a long name of the question.

Of 3,000 questions of CMRC, DRCD and XQuAD they cost 5 an answer that would have been right.
"""

TOLD = 4.0
"""Nats that a sentence loses that was said to the question before."""

MOST_DOCUMENTS = 5
AS_MUCH = 0.8
FAR_LESS = 6.0
"""Where it is asked which places or bodies, sentences of so many documents are said that hold this
share of what the best one holds of the question's idf mass and are so many nats less likely."""

NEW_SHARE = 0.12
"""A further sentence must hold this share of the question's idf mass that is not yet held."""


_ONE_SENTENCE = frozenset(
    (
        Kind.NUMBER, Kind.DATE, Kind.DURATION, Kind.PERSON, Kind.PLACE, Kind.ORGANISATION,
        Kind.NAME,
    )
)  # fmt: skip
"""What is asked so stands in one sentence, and the ranking has looked for it in all."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer.

    Attributes:
        sentence, passage, document, source: where it stands.
        words: the question's words in it.
        weight: log probability that it is the one that answers.
    """

    sentence: SentenceRow
    passage: PassageRow
    document: DocumentHead
    source: str
    words: frozenset[str]
    weight: float


class Said(NamedTuple):
    """A sentence of an answer.

    Attributes:
        candidate: the sentence.
        marks: the spans of its text that hold the words that answer.
        fact: whether one fact was asked for, which stands in one place of it.
    """

    candidate: Candidate
    marks: tuple[Span, ...]
    fact: bool


class Answerer:
    """Chooses sentences of one generation; safe to use from several threads.

    Args:
        retriever: what found the candidates.
        least: how likely it must be that the documents answer, 0 to 1.
        support: tells how likely it is.
        read_support: the same where sentences were read; None for what comes with the package.
        own: what is corrected for this index; None for nothing.
    """

    def __init__(
        self,
        retriever: Retriever,
        least: float,
        support: Support,
        read_support: ReadSupport | None = None,
        own: Own | None = None,
    ) -> None:
        self._generation: Searchable = retriever.generation
        self._retriever = retriever
        self._parts = retriever.parts
        self._least = least
        self._support = support
        self._read_support = read_support or ReadSupport.shipped()
        self._own = own or Own()

    def answer(
        self, found: Found, parts: Sequence[Found] = (), nearest: int = 5, told: str = ""
    ) -> Answer:
        """Return the answer to `found.question`, or a refusal with the `nearest` hits.

        Args:
            found: what was found for the question.
            parts: the same for each question that it is made of; none for a simple question. What
                the documents answer of them is said, in this order.
            nearest: how many hits.
            told: what was said just before; its sentences answer only where no other does.
        """
        found = self._retriever.without_repeats(found, max(nearest, CANDIDATES))
        hits = tuple(self._retriever.hits(found, nearest))
        refusal = Answer("", False, (), (), found.question, hits, Reason.NOTHING_FOUND)
        if not len(found.rows):
            return refusal
        said: list[Said] = []
        supports: list[float] = []
        for part in parts:
            folded = self._read(self._retriever.without_repeats(part, CANDIDATES), told)
            supports.append(self.support(folded))
            said = _distinct([*said, *self._said(folded, supports[-1], said)])
        if not said:
            read = self._read(found, told)
            supports.append(self.support(read))
            said = self._said(read, supports[-1])
        refusal = replace(refusal, support=max(supports))
        if not said:
            return replace(refusal, reason=Reason.NOT_IN_DOCUMENTS)
        cited = self._generation.documents(one.candidate.document.id for one in said)
        if self._parts.shortening:
            said = [shortened(one, cited[one.candidate.document.id]) for one in said]
        return compose(said, cited, refusal)

    def _read(self, found: Found, told: str = "") -> Found:
        """Return what was ranked with its sentences read, and weighed as this index wants it."""
        read = self._retriever.read(found)
        gathered = read.gathered
        if gathered is None or gathered.weighed is None:
            return read
        weighed = self._own.chosen(gathered.evidence, gathered.weighed)
        if told:
            again = [text in told for text in gathered.texts.sentences]
            weighed = replace(weighed, sentences=weighed.sentences - TOLD * np.array(again))
        return replace(read, gathered=replace(gathered, weighed=weighed))

    def _said(self, found: Found, support: float, before: Sequence[Said] = ()) -> list[Said]:
        """Return the sentences that answer; none where the documents do not.

        Args:
            found: what was found for a question.
            support: how likely it is that the documents answer it.
            before: what was said to the questions before it, which may answer this one as well.
        """
        candidates = self._candidates(found) if support >= self._least else []
        if not candidates:
            return []
        wanted = self._parts.wanted(found.question)
        said_already = {one.candidate.sentence.row for one in before}
        if said_already & {one.sentence.row for one in candidates[:AS_GOOD]}:
            return []
        is_fact = wanted.kind in _ONE_SENTENCE
        if is_fact:
            chosen = _with_other_value(candidates, found, wanted)
        elif asks_which_of_many(found.question):
            chosen = one_of_each(candidates, found)
        else:
            chosen = choose(candidates, found)
        return _distinct(
            Said(
                sentence,
                forms_in(sentence.sentence.text, wanted, found.question),
                is_fact,
            )
            for one in chosen
            for sentence in self._with_neighbours(one, found, wanted)
        )

    def _with_neighbours(self, chosen: Candidate, found: Found, wanted: Wanted) -> list[Candidate]:
        """Return a sentence, or what around it in its section says more; see `qa.neighbours`."""
        if wanted.kind in _ONE_SENTENCE or not self._parts.neighbours:
            return [chosen]
        around = [
            replace(chosen, passage=passage, sentence=sentence)
            for passage, sentence in self._section(chosen.passage)
        ]
        here = [one.sentence.spans for one in around].index(chosen.sentence.spans)
        texts = [one.sentence.text for one in around]
        return [around[at] for at in with_neighbours(texts, here, wanted, found.question)]

    def _section(self, passage: PassageRow) -> list[tuple[PassageRow, SentenceRow]]:
        """Return the sentences of a passage and of those beside it in its section."""
        near = [
            one
            for one in self._generation.around(passage, NEIGHBOURS)
            if (one.role, one.title, one.heading) == (passage.role, passage.title, passage.heading)
        ]
        # A text that stands twice in the section counts once, the chosen one where it was chosen.
        each = {**{one.row: one for one in near}, passage.row: passage}
        by_row: dict[int, list[SentenceRow]] = {}
        for sentence in self._generation.sentences(each.values()):
            by_row.setdefault(sentence.passage, []).append(sentence)
        return [(one, sentence) for row, one in each.items() for sentence in by_row.get(row, [])]

    def support(self, found: Found) -> float:
        """Return how likely it is that the documents answer, 0 to 1.

        It is 0 when the question names a place of which the documents, or the one that would
        answer, say nothing; `doubt` lowers it.
        """
        before, gathered = self.support_before(found), found.gathered
        if gathered is None or gathered.weighed is None:
            return before
        foreign = found.crosses_languages
        likely = self._read_support(before, gathered.evidence, gathered.weighed, foreign=foreign)
        if likely >= self._least:
            likely = _doubted(likely, self.doubt(found))
        if foreign:
            return likely
        return self._own.supported(likely, gathered.evidence, gathered.weighed)

    def doubt(self, found: Found) -> float:
        """Return by how many nats rules lower the odds that the documents answer; 0 for none.

        They do so where what would be said has not the measure or the date that was asked for,
        where what is counted is named nowhere, and where a long name stands in other documents.

        Args:
            found: candidates whose sentences were weighed.
        """
        gathered = found.gathered
        assert gathered is not None
        assert gathered.weighed is not None
        best = np.argsort(-gathered.weighed.sentences, kind="stable")[:READ]
        lacks = is_lacking(self._parts.wanted(found.question), gathered.evidence.form[best])
        unknown = not found.crosses_languages and self._retriever.asks_unknown(found)
        elsewhere = self._names_another(found, best[0])
        return LACKING * lacks + UNKNOWN * unknown + ELSEWHERE * elsewhere

    def _names_another(self, found: Found, best: int) -> bool:
        """Tell whether the question holds a long name that only other documents hold."""
        names = long_names(found.question)
        return bool(names) and stands_elsewhere(names, *self._said_and_others(found, best))

    def _said_and_others(self, found: Found, best: int) -> tuple[str, str]:
        """Return the document of a sentence, and what was gathered of others, in search form."""
        gathered = found.gathered
        assert gathered is not None
        owner = gathered.owner(int(gathered.sentence_rows[best]))
        document = self._generation.passages([owner], found.selection)[owner].document
        own = self._generation.rows_in(document)
        each = np.repeat(gathered.rows, gathered.texts.counts)
        others = [
            text for text, row in zip(gathered.texts.sentences, each, strict=True) if row not in own
        ]
        said = [text for held in self._generation.sentence_texts(own).values() for text in held]
        return search_form("\n".join(said)), search_form("\n".join(others))

    def support_before(self, found: Found) -> float:
        """Return the same by what question and sentences share, before any is read.

        Between two languages it is only known whether there is any sign of an answer: 0 or 1.
        """
        gathered = found.gathered
        if gathered is None or gathered.weighed is None or self._retriever.names_nowhere(found):
            return 0.0
        if found.crosses_languages:
            return float(has_sign(gathered.evidence, gathered.weighed))
        if not mentions_a_place(gathered.evidence, gathered.weighed):
            return 0.0
        more = 0.0 if is_chinese(found.question) else WORD_ODDS
        return self._support(columns(gathered.evidence, gathered.weighed.unread()), more)

    def _candidates(self, found: Found) -> list[Candidate]:
        """Return the likeliest sentences, best first; those of near repeats are left out."""
        gathered = found.gathered
        if gathered is None or gathered.weighed is None:
            return []
        weights = dict(_likeliest(gathered, found.repeats))
        owners = {row: gathered.owner(row) for row in weights}
        passages = self._generation.passages(set(owners.values()), found.selection)
        documents = self._generation.heads(p.document for p in passages.values())
        sentences = self._generation.sentences(passages.values())
        kept = [one for one in sentences if one.row in weights]
        made = [
            self._candidate(found, one, passages[one.passage], documents, weights[one.row])
            for one in kept
        ]
        return sorted(made, key=lambda one: (-one.weight, one.sentence.row))

    def _candidate(
        self,
        found: Found,
        sentence: SentenceRow,
        passage: PassageRow,
        documents: dict[str, DocumentHead],
        weight: float,
    ) -> Candidate:
        plain = search_form(sentence.text)
        words = frozenset(term for term in found.matches.weights if term in plain)
        document = documents[passage.document]
        headline = HEADLINE_WEIGHT * (passage.role is Role.HEADLINE)
        source = source_of(document, found.selection)
        return Candidate(sentence, passage, document, source, words, weight + headline)


def _doubted(likely: float, nats: float) -> float:
    """Return a probability with its odds `nats` lower."""
    return likely / (likely + (1 - likely) * float(np.exp(nats)))


def _likeliest(gathered: Gathered, repeats: dict[int, list[int]]) -> Iterable[tuple[int, float]]:
    """Yield rows and weights of the likeliest sentences."""
    assert gathered.weighed is not None
    folded = {row for rows in repeats.values() for row in rows}
    taken = 0
    for at in np.argsort(-gathered.weighed.sentences, kind="stable"):
        row = int(gathered.sentence_rows[at])
        if taken < CANDIDATES and gathered.owner(row) not in folded:
            taken += 1
            yield row, float(gathered.weighed.sentences[at])


def one_of_each(candidates: Sequence[Candidate], found: Found) -> list[Candidate]:
    """Return the best sentence of each document, `MOST_DOCUMENTS` at most, best first.

    Only of those that hold nearly as many of the question's words as the best sentence of all.
    """
    mass = found.matches.weights
    needed = AS_MUCH * sum(mass[word] for word in candidates[0].words)
    chosen: dict[str, Candidate] = {}
    for one in candidates:
        enough = sum(mass[word] for word in one.words) >= needed
        near = candidates[0].weight - one.weight <= FAR_LESS
        if enough and near and len(chosen) < MOST_DOCUMENTS:
            chosen.setdefault(one.document.id, one)
    return list(chosen.values())


def choose(candidates: Sequence[Candidate], found: Found) -> list[Candidate]:
    """Return the best sentence, and others with words of the question that it lacks.

    At most `MOST_SENTENCES` in all.
    """
    chosen = [candidates[0]]
    held = set(candidates[0].words)
    length = len(candidates[0].sentence.text)
    total = sum(found.matches.weights.values()) or 1.0
    for candidate in candidates[1:]:
        if len(chosen) == MOST_SENTENCES or chosen[0].weight - candidate.weight > CLEARLY_LESS:
            break
        gain = sum(found.matches.weights[word] for word in candidate.words - held) / total
        longer = length + len(candidate.sentence.text)
        repeated = any(_same(candidate, other) for other in chosen)
        if gain >= NEW_SHARE and longer <= LONGEST and not repeated:
            chosen.append(candidate)
            held |= candidate.words
            length = longer
    return chosen


def _with_other_value(
    candidates: Sequence[Candidate], found: Found, wanted: Wanted
) -> list[Candidate]:
    """Return the best sentence, and one of another document that states another value."""
    assert found.gathered is not None
    rows = map(int, found.gathered.rows)
    above = dict(zip(rows, found.gathered.texts.titles, strict=True))
    statements = []
    for one in candidates:
        text, document = one.sentence.text, one.document
        title = above[one.passage.row]
        statements.append(Statement(text, title, document.id, document.date, one.weight))
    matches = found.matches
    asked = Asked.of(found.question, wanted, matches.weights, frozenset(matches.held))
    return [candidates[at] for at in to_say(statements, asked)]


def _same(one: Candidate, other: Candidate) -> bool:
    return search_form(one.sentence.text) == search_form(other.sentence.text)


def _distinct(said: Iterable[Said]) -> list[Said]:
    """Return sentences in their order, each once."""
    return list({search_form(one.candidate.sentence.text): one for one in said}.values())


def shortened(said: Said, document: DocumentRow) -> Said:
    """Return the part of a long sentence that answers, or the sentence as it is."""
    sentence = said.candidate.sentence
    part = answering_part(sentence.text, said.marks, said.candidate.words) if said.fact else None
    if part is None or len(sentence.spans) > 1:
        return said
    spans = spans_of(part, sentence.text, sentence.spans[0], document.text)
    if not spans:
        return said
    own = sentence._replace(text=part.of(sentence.text), spans=spans)
    inside = (mark for mark in said.marks if part.start <= mark.start and mark.end <= part.end)
    marks = tuple(Span(mark.start - part.start, mark.end - part.start) for mark in inside)
    return Said(replace(said.candidate, sentence=own), marks, said.fact)


def compose(said: Sequence[Said], documents: Mapping[str, DocumentRow], refusal: Answer) -> Answer:
    """Put sentences together, in this order; `documents` holds those in which they stand."""
    sentences = tuple(
        AnswerSentence(one.candidate.sentence.text, number, one.marks)
        for number, one in enumerate(said, 1)
    )
    citations = tuple(
        cite(number, span, one.candidate, documents[one.candidate.document.id])
        for number, one in enumerate(said, 1)
        for span in one.candidate.sentence.spans
    )
    return replace(
        refusal,
        text=put_together([sentence.text for sentence in sentences]),
        answered=True,
        sentences=sentences,
        citations=citations,
        reason=None,
    )


def put_together(texts: Sequence[str]) -> str:
    """Join sentences; a blank stands only where two Latin ones meet."""
    joined = ""
    for text in texts:
        joined += " " + text if re.search(r"[!-~]$", joined) and text[:1].isascii() else text
    return joined


def cite(number: int, span: Span, candidate: Candidate, document: DocumentRow) -> Citation:
    """Return the citation of one contiguous span; its quote is checked against the original."""
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
