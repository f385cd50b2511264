"""BM25 over an index in Milvus: its keyword search proposes passages, exact scores rank them.

Milvus counts words by segment and cuts them in its own way. So its ranking only chooses; scores
are those of `embeddings.postings`, from the words that were kept with each passage and from the
counts of passages that hold a word, which the build keeps for the whole generation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil, log1p

import numpy as np
from numpy.typing import NDArray

from embeddings.milvus import Server
from embeddings.milvus_files import Remembered
from embeddings.milvus_tables import PASSAGES, WORDS, Content, signed
from embeddings.postings import K1, B, Groups, term_hash

PROPOSED = 2
"""For each passage that is wanted, so many are scored."""

_TERMS_KEPT = 50_000
_LONGEST_LIST = 50_000
"""Passages that one search is limited to at most; more take several."""

Contents = Callable[[list[int]], dict[int, Content]]


class MilvusWords:
    """The words of one generation; safe to use from several threads.

    Args:
        server: where they are.
        visible: condition that a row holds for the generation.
        size: number of its passages.
        length: number of all their words.
        contents: returns what is kept of passages.
    """

    def __init__(
        self, server: Server, visible: str, size: int, length: int, contents: Contents
    ) -> None:
        self._server, self._visible, self.size = server, visible, size
        self._mean = length / size if size and length else 1.0
        self.contents = contents
        self._counts: Remembered[int, int] = Remembered(self._find_counts, _TERMS_KEPT)

    def idf(self, rows: int) -> float:
        """Return the inverse document frequency of a term that `rows` passages hold."""
        return log1p((self.size - rows + 0.5) / (rows + 0.5))

    def counts(self, terms: Iterable[str]) -> dict[str, int]:
        """Return how many passages hold each term."""
        keys = {term: signed(term_hash(term)) for term in terms}
        found = self._counts.get(keys.values())
        return {term: found.get(key, 0) for term, key in keys.items()}

    def _find_counts(self, terms: list[int]) -> dict[int, int]:
        rows = self._server.rows_with(WORDS, "term", terms, ["term", "count"], self._visible)
        return dict.fromkeys(terms, 0) | {row["term"]: row["count"] for row in rows}

    def match(self, tokens: Iterable[str]) -> MilvusMatches:
        """Score the passages against the distinct `tokens` of a question."""
        counts = self.counts(dict.fromkeys(tokens))
        weights = {term: self.idf(count) for term, count in counts.items()}
        held = [term for term, count in counts.items() if count]

        def score(term: str, content: Content) -> float:
            count = content.terms.get(term, 0)
            return weights[term] * count / (count + self._damping(content.length))

        return MilvusMatches(self, weights, held, held, score)

    def match_groups(self, groups: Groups) -> MilvusMatches:
        """Score the passages by what they hold of groups of terms; see `searchable.Words`.

        How many passages hold a key is estimated by how many hold each term, as if one said
        nothing of another.
        """
        counts = self.counts(term for some in groups.values() for one in some for term in one)
        holding = {key: self._holding(some, counts) for key, some in groups.items()}
        weights = {key: self.idf(count) for key, count in holding.items()}
        held = [key for key, count in holding.items() if count]
        words = [term for term, count in counts.items() if count]

        def score(key: str, content: Content) -> float:
            found = any(all(term in content.terms for term in one) for one in groups[key])
            return weights[key] if found else 0.0

        return MilvusMatches(self, weights, held, words, score)

    def _holding(self, alternatives: Sequence[Sequence[str]], counts: Mapping[str, int]) -> int:
        """Return how many passages are likely to hold one of some alternatives."""
        without = 1.0
        for one in alternatives:
            without *= 1 - min((counts[term] for term in one), default=0) / max(self.size, 1)
        return ceil(round(self.size * (1 - without), 6))

    def _damping(self, length: int) -> float:
        """Return what BM25 adds to a count in a passage of `length` words."""
        return K1 * (1 - B + B * length / self._mean)

    def proposed(self, words: Iterable[str], k: int, among: NDArray[np.int64] | None) -> list[int]:
        """Return about the `k` best passages by Milvus' own keyword search.

        Args:
            words: in the form in which texts are searched.
            k: how many.
            among: search in these only; None for all.
        """
        text = " ".join(words)
        if not text:
            return []
        conditions = limited(self._visible, among)
        found = [self._server.by_words(PASSAGES, text, k, one) for one in conditions]
        return [row for rows in found for row in rows]


def limited(visible: str, rows: NDArray[np.int64] | None) -> list[str]:
    """Return the conditions of as many searches as it takes to look into all of `rows`."""
    if rows is None:
        return [visible]
    parts = (rows[at : at + _LONGEST_LIST] for at in range(0, len(rows), _LONGEST_LIST))
    return [f"number in {part.tolist()} and {visible}" for part in parts]


class MilvusMatches:
    """How the passages match one question; see `searchable.Matching`.

    Args:
        words: of the generation.
        weights: idf of each distinct question term, also of those that no passage holds.
        held: terms that some passage holds.
        searched: the words by which passages are proposed.
        score: what a held term adds to the score of a passage; 0 where that does not hold it.
    """

    def __init__(
        self,
        words: MilvusWords,
        weights: Mapping[str, float],
        held: Iterable[str],
        searched: Iterable[str],
        score: Callable[[str, Content], float],
    ) -> None:
        self._words, self.weights, self.held = words, weights, tuple(held)
        self._searched, self._score_of = tuple(searched), score

    def best(self, k: int, among: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return the rows with the at most `k` highest scores above 0, best first, ties by row."""
        rows = np.unique(
            np.array(self._words.proposed(self._searched, PROPOSED * k, among), dtype=np.int64)
        )
        scores = self.scores(rows)
        order = np.lexsort((rows, -scores))
        return np.asarray(rows[order][scores[order] > 0][:k], dtype=np.int64)

    def scores(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the scores of rows, shape (len(rows),); 0 where no term matches."""
        contents = self._contents(rows)
        return np.array([self._score(contents[int(row)]) for row in rows], dtype=np.float32)

    def _score(self, content: Content) -> float:
        return sum(self._score_of(term, content) for term in self.held)

    def holds(self, term: str, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell of each row whether it holds a term, shape (len(rows),)."""
        if term not in self.held:
            return np.zeros(len(rows), dtype=bool)
        contents = self._contents(rows)
        return np.array([self._score_of(term, contents[int(row)]) > 0 for row in rows], dtype=bool)

    def words(self, row: int) -> tuple[str, ...]:
        """Return the question's terms that `row` holds, rarest first."""
        content = self._contents(np.array([row]))[int(row)]
        held = [term for term in self.held if self._score_of(term, content) > 0]
        return tuple(sorted(held, key=lambda term: (-self.weights[term], term)))

    def coverage(self, row: int, *, known: bool = False) -> float:
        """Return the share of the question's idf mass that `row` holds, 0 to 1.

        Args:
            row: a passage.
            known: leave out of the mass the terms that no row holds.
        """
        total = sum(self.weights[term] for term in (self.held if known else self.weights))
        return sum(self.weights[term] for term in self.words(row)) / total if total else 0.0

    def _contents(self, rows: NDArray[np.int64]) -> dict[int, Content]:
        return self._words.contents(rows.tolist())
