"""What a search has found for one question: its candidates, and what was read of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from embeddings.lexical import Script, script_of
from embeddings.searchable import Matching
from embeddings.texts import DocumentHead, Selection
from qa.evidence import Evidence, Texts
from qa.kinds import Kind, Wanted
from qa.question import analyse
from qa.ranking import Weighed

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
class Gathered:
    """The best candidates with their sentences, and what speaks for each.

    Attributes:
        rows: passage rows, in the order of the first ranking.
        sentence_rows: rows of their sentences, one passage after the other.
        texts: what was read of them.
        evidence: see `qa.evidence`.
        weighed: see `qa.ranking`; None where nothing was weighed.
    """

    rows: NDArray[np.int64]
    sentence_rows: NDArray[np.int64]
    texts: Texts
    evidence: Evidence
    weighed: Weighed | None = None

    def owner(self, sentence: int) -> int:
        """Return the row of the passage that a row of `sentence_rows` stands in."""
        at = int(np.flatnonzero(self.sentence_rows == sentence)[0])
        return int(self.rows[np.searchsorted(self.evidence.starts, at, side="right") - 1])


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
        gathered: the candidates whose sentences were read; None where nothing is found.
    """

    question: str
    vectors: QueryVectors
    matches: Matching
    rows: NDArray[np.int64]
    dense: NDArray[np.float32]
    sentence: NDArray[np.float32]
    bm25: NDArray[np.float32]
    score: NDArray[np.float64]
    chinese: NDArray[np.bool_]
    selection: Selection | None = None
    repeats: dict[int, list[int]] = field(default_factory=dict)
    gathered: Gathered | None = None

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


@dataclass(frozen=True, slots=True)
class Parts:
    """Which parts of search and answer are at work: all, but where the worth of one is measured.

    Attributes:
        dense: cosines of passages.
        sentences: cosines of sentences.
        words: BM25.
        rule: words count as far as the question's words are found at all; else always the same.
        weights: the last ranking by `qa.ranking`.
        reading: the likeliest sentences are read by `qa.reader`.
        dictionary: English words are looked up, where a dictionary is installed.
        kinds: what is asked for counts, and what has the form of it; else nothing is known of it.
        neighbours: what belongs to a chosen sentence is said with it; else it stands alone.
        shortening: of a long sentence the part that answers is said; else all of it.
    """

    dense: bool = True
    sentences: bool = True
    words: bool = True
    rule: bool = True
    weights: bool = True
    reading: bool = True
    dictionary: bool = True
    kinds: bool = True
    neighbours: bool = True
    shortening: bool = True

    def wanted(self, question: str) -> Wanted:
        """Return what a question wants, as far as the parts at work tell."""
        return analyse(question) if self.kinds else Wanted(Kind.OTHER)


def source_of(document: DocumentHead, selection: Selection | None) -> str:
    """Return the first file of a document, of those that the question is limited to."""
    return (document.sources if selection is None else selection.sources[document.id])[0]
