"""What speaks for a passage, and for each of its sentences, as an answer: numbers to be weighed.

Reads only texts that are in memory; knows neither index nor weights.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from embeddings.cleaning import HAN
from embeddings.lexical import search_form
from qa.forms import strength
from qa.kinds import Kind, Wanted
from qa.question import analyse

Numbers = NDArray[np.float32]

PASSAGE_FEATURES = (
    "dense", "sentence", "bm25_share", "bm25_log",
    "terms", "known_terms", "rare_terms", "pairs", "rare_pairs", "triples", "run",
    "terms_in_one", "rare_terms_in_one", "pairs_in_one", "rare_pairs_in_one", "triples_in_one",
    "terms_in_two", "pairs_in_two", "rare_pairs_in_two",
    "rarest", "missing", "mass", "numbers", "quoted", "places", "times",
    "length", "dense_place", "bm25_place",
)  # fmt: skip
"""Names of the columns of `Evidence.passages`; see `_passages`."""

SENTENCE_FEATURES = (
    "cosine", "terms", "rare_terms", "pairs", "rare_pairs", "triples", "run",
    "terms_before", "pairs_before", "terms_behind", "pairs_behind",
    "terms_with_before", "pairs_with_before", "pairs_with_behind", "rare_terms_with_before",
    "length", "new_length", "first", "place", "number",
    "form", "form_number", "form_moment", "form_person", "form_place", "form_name", "form_list",
    "form_clause", "no_number", "no_name",
)  # fmt: skip
"""Names of the columns of `Evidence.sentences`; see `_sentences`."""

_ASKING = re.compile(
    r"什么样?|甚么|多少|哪[一两三些个位里年种家儿座条部所名天月]*|谁|几(?=[^乎何率内])|如何|怎么样?|怎样|为什么|为何|何时|何处|何地|何人|何种"
    r"|请问|是否|吗|呢|[?？!！。,，、;；:：]|\b(?:what|which|who|whom|whose|when|where|why|how|many|much|"
    r"is|are|was|were|did|does|do|the|a|an|of|in|on|at|to|for|by|and|or|with|from|as|it|its)\b"
)
"""What a question says only because it is one."""

_IDLE = frozenset("的了是在有和与及或其之这那个被把对从到由以于也都并而则且就很最一")
_UNIT = re.compile(rf"[{HAN}]|[a-z0-9]+(?:[.\-][a-z0-9]+)*")
_LATIN = re.compile(r"[a-z0-9]+(?:[.\-][a-z0-9]+)*")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_QUOTED = re.compile(r"[《“\"「『‘]([^》”\"」』’]{2,30})[》”\"」』’]")
_TIME = re.compile(r"[今去明前当同每]年|[上下]半年|[本上]月|\d+(?:年|月|日)")
_HAN_ONLY = re.compile(rf"[{HAN}]+")

_FORM_GROUPS = (
    {Kind.NUMBER},
    {Kind.DATE, Kind.DURATION},
    {Kind.PERSON},
    {Kind.PLACE},
    {Kind.NAME, Kind.ORGANISATION},
    {Kind.LIST},
    {Kind.REASON, Kind.MANNER, Kind.DEFINITION, Kind.COMPARISON, Kind.OTHER},
)
"""Kinds of answers whose forms tell as much; a column of the sentence features for each."""

_NUMBERS = {Kind.NUMBER, Kind.DATE, Kind.DURATION}

_FORM = SENTENCE_FEATURES.index("form")

_LEAST_WEIGHT = 0.3
"""Of a pair of characters that no word of the question covers."""


class Texts(NamedTuple):
    """The texts of candidate passages, best first.

    Attributes:
        titles: what is known of each passage beside its text: title, heading, places.
        sentences: the sentences of all passages, one after the other, in reading order.
        counts: how many each passage has, 1 or more, shape (passages,).
    """

    titles: Sequence[str]
    sentences: Sequence[str]
    counts: NDArray[np.int64]


class Signals(NamedTuple):
    """What vectors and postings say of the same candidates.

    Attributes:
        dense: cosine of question and passage, shape (passages,).
        bm25: BM25 score, shape (passages,).
        cosines: cosine of question and each sentence, shape (sentences,).
    """

    dense: Numbers
    bm25: Numbers
    cosines: Numbers


@dataclass(frozen=True, slots=True)
class Evidence:
    """The numbers of one question's candidates.

    Attributes:
        passages: shape (passages, len(PASSAGE_FEATURES)).
        sentences: shape (sentences, len(SENTENCE_FEATURES)).
        starts: number of each passage's first sentence, shape (passages,).
    """

    passages: Numbers
    sentences: Numbers
    starts: NDArray[np.int64]

    @property
    def form(self) -> Numbers:
        """How surely each sentence has the form of what was asked for, shape (sentences,)."""
        found: Numbers = self.sentences[:, _FORM]
        return found


class Words(NamedTuple):
    """The words of a question, as the postings know them.

    Attributes:
        weights: idf of each; the scale does not matter but must be the same for all questions.
        known: those that stand in the index at all.
        places: those that name a place.
        translations: of each word, what may stand for it in a text of another language; None where
            question and texts are of one language.
    """

    weights: Mapping[str, float]
    known: Set[str]
    places: Sequence[str] = ()
    translations: Mapping[str, Sequence[str]] | None = None


class Asked:
    """A question, taken apart once for all candidates.

    Attributes:
        question: as it was asked.
        wanted: the kind and form of its answer; as `analyse` reads it where none is given.
        plain: the question in search form, what only asks replaced by blanks.
        terms: its words; function words and what only asks are left out.
        term_weights: idf of each, shape (terms,).
        known: the same, 0 for words that the index does not have.
        pairs, triples: its neighbouring characters, or words of Latin script.
        pair_weights: idf of the words that a pair stands in, shape (pairs,).
        numbers, quoted, places, times: what it names so.
    """

    def __init__(self, question: str, words: Words, wanted: Wanted | None = None) -> None:
        whole = search_form(question)
        self.question = question
        self.wanted = wanted or analyse(question)
        self.plain = _ASKING.sub(lambda match: " " * len(match[0]), whole)
        self.translations = words.translations
        foreign = words.translations is not None
        self.terms = [term for term in words.weights if foreign or self._counts(term)]
        self.term_weights = np.array([words.weights[term] for term in self.terms], np.float32)
        self.known = self.term_weights * [term in words.known for term in self.terms]
        self.latin = any(not _HAN_ONLY.search(term) for term in self.terms)
        places = self._weight_by_place()
        self.pairs, self.pair_weights = self._grams(2, places)
        self.triples, self.triple_weights = self._grams(3, places)
        self.numbers = _NUMBER.findall(self.plain)
        self.quoted = _QUOTED.findall(whole)
        self.places = words.places
        self.times = _TIME.findall(self.plain)

    def _counts(self, term: str) -> bool:
        if term in _IDLE or term not in self.plain:
            return False
        return bool(_HAN_ONLY.search(term)) or _whole(term).search(self.plain) is not None

    def _weight_by_place(self) -> NDArray[np.float32]:
        """Return the weight of each character: the highest idf of its words, by their length."""
        found = np.zeros(len(self.plain), np.float32)
        for term, weight in zip(self.terms, self.term_weights, strict=True):
            share = weight / len(term)
            at = self.plain.find(term)
            while at >= 0:
                part = found[at : at + len(term)]
                np.maximum(part, share, out=part)
                at = self.plain.find(term, at + 1)
        return found

    def _grams(self, size: int, places: NDArray[np.float32]) -> tuple[list[str], Numbers]:
        """Return the runs of `size` characters or Latin words, and the weight of each."""
        found: dict[str, float] = {}
        units = list(_UNIT.finditer(self.plain))
        for first, last in zip(units, units[size - 1 :], strict=False):
            gram = self.plain[first.start() : last.end()]
            idle = all(unit in _IDLE for unit in gram)
            together = len(gram.split()) == 1 or _LATIN.fullmatch(first[0])
            if together and not idle and "  " not in gram:
                weight = float(places[first.start() : last.end()].sum()) + _LEAST_WEIGHT
                found[gram] = max(weight, found.get(gram, 0.0))
        return list(found), np.array(list(found.values()), np.float32)


def weigh(asked: Asked, texts: Texts, signals: Signals) -> Evidence:
    """Return the evidence of candidates; there must be one at least."""
    plain = [_plain(text) for text in texts.sentences]
    starts = np.cumsum(texts.counts) - texts.counts
    own = _Held.of(asked, plain, starts)
    # What stands above a sentence need not be said in it again.
    above = _Held.of(asked, [_plain(title) for title in texts.titles], np.arange(len(starts)))
    held = own.under(above, texts.counts)
    passages = _passages(asked, held, texts, signals, plain)
    words = _sentences(asked, held, own, signals, plain)
    sentences = np.concatenate([words, _forms(asked, texts.sentences)], axis=1)
    return Evidence(passages, sentences, starts)


@lru_cache(16384)
def _plain(text: str) -> str:
    return search_form(text)


class _Held(NamedTuple):
    """Which terms, pairs and triples stand in each sentence, shape (sentences, …), bool."""

    terms: NDArray[np.bool_]
    pairs: NDArray[np.bool_]
    triples: NDArray[np.bool_]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, asked: Asked, sentences: Sequence[str], starts: NDArray[np.int64]) -> _Held:
        terms = _terms_standing(asked, sentences)
        pairs = _standing(asked.pairs, sentences)
        return cls(terms, pairs, _standing(asked.triples, sentences), starts)

    def under(self, above: _Held, counts: NDArray[np.int64]) -> _Held:
        """Return what each sentence holds together with the title of its passage."""
        return _Held(
            self.terms | np.repeat(above.terms, counts, axis=0),
            self.pairs | np.repeat(above.pairs, counts, axis=0),
            self.triples | np.repeat(above.triples, counts, axis=0),
            self.starts,
        )


def _standing(parts: Sequence[str], sentences: Sequence[str]) -> NDArray[np.bool_]:
    rows = [[part in sentence for part in parts] for sentence in sentences]
    return np.array(rows, dtype=bool).reshape(len(sentences), len(parts))


def _terms_standing(asked: Asked, sentences: Sequence[str]) -> NDArray[np.bool_]:
    if asked.translations is not None:
        either = [asked.translations.get(term, (term,)) for term in asked.terms]
        rows = [[any(one in text for one in words) for words in either] for text in sentences]
        return np.array(rows, dtype=bool).reshape(len(sentences), len(asked.terms))
    held = _standing(asked.terms, sentences)
    if asked.latin:
        _correct_latin(held, asked.terms, sentences)
    return held


def _correct_latin(held: NDArray[np.bool_], terms: Sequence[str], sentences: Sequence[str]) -> None:
    """A term of other letters stands only where it is a whole word: “art” is not in “party”."""
    whole = {at: _whole(term) for at, term in enumerate(terms) if not _HAN_ONLY.search(term)}
    for row, sentence in enumerate(sentences):
        for at, pattern in whole.items():
            held[row, at] = held[row, at] and pattern.search(sentence) is not None


@lru_cache(4096)
def _whole(term: str) -> re.Pattern[str]:
    """Return a pattern that no letter goes on with, or no digit where the term has one there."""
    before, behind = (r"\d" if one.isdigit() else rf"[^\W\d_{HAN}]" for one in (term[0], term[-1]))
    return re.compile(rf"(?<!{before}){re.escape(term)}(?!{behind})")


def _share(held: NDArray[np.bool_], weights: Numbers) -> Numbers:
    """Return the share of the weights that each row holds, 0 to 1."""
    total = float(weights.sum())
    found = _mass(held, weights) / total if total > 0 else np.zeros(len(held))
    return np.asarray(found, np.float32)


def _mass(held: NDArray[np.bool_], weights: Numbers) -> Numbers:
    # A product of finite numbers now and then raises the processor's flag for invalid ones, from
    # lanes that BLAS does not use.
    with np.errstate(invalid="ignore"):
        found: Numbers = held @ weights
    return found


def _rarity(held: NDArray[np.bool_]) -> Numbers:
    """Return how rare each column is among the candidates; 0 where none holds it."""
    count = held.sum(axis=0)
    weight = np.log((len(held) + 1) / (count + 0.5)) + 1e-3
    return np.where(count > 0, weight, 0).astype(np.float32)


def _any_of(held: NDArray[np.bool_], starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return what any sentence of a passage holds, shape (passages, …)."""
    return np.asarray(np.logical_or.reduceat(held, starts, axis=0), dtype=bool)


def _best_of(values: Numbers, starts: NDArray[np.int64]) -> Numbers:
    return np.asarray(np.maximum.reduceat(values, starts), np.float32)


def _before(held: NDArray[np.bool_], starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return what the sentence before, in the same passage, holds."""
    found = np.zeros_like(held)
    found[1:] = held[:-1]
    found[starts] = False
    return found


def _behind(held: NDArray[np.bool_], starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return what the sentence behind, in the same passage, holds."""
    found = np.zeros_like(held)
    found[:-1] = held[1:]
    found[np.append(starts[1:], len(held)) - 1] = False
    return found


def _runs(held: NDArray[np.bool_], weights: Numbers) -> Numbers:
    """Return the share of the weight in the heaviest run of neighbouring pairs that a row holds."""
    best = np.zeros(len(held), np.float32)
    current = np.zeros(len(held), np.float32)
    for column, weight in enumerate(weights):
        current = (current + weight) * held[:, column]
        np.maximum(best, current, out=best)
    total = float(weights.sum())
    return best / total if total > 0 else best


def _places(values: Numbers) -> Numbers:
    """Return 1 for the highest value, 1/2 for the next, and so on."""
    order = np.argsort(-values, kind="stable")
    found = np.empty(len(values), np.float32)
    found[order] = 1.0 / (1.0 + np.arange(len(values)))
    return found


def _stand_in(parts: Sequence[str], texts: Sequence[str]) -> Numbers:
    """Return the share of `parts` that stand in each text; 1 where there are none."""
    if not parts:
        return np.ones(len(texts), np.float32)
    shares = [sum(part in text for part in parts) / len(parts) for text in texts]
    return np.array(shares, np.float32)


def _passages(
    asked: Asked, held: _Held, texts: Texts, signals: Signals, plain: Sequence[str]
) -> Numbers:
    starts = held.starts
    terms, pairs, triples = (
        _any_of(part, starts) for part in (held.terms, held.pairs, held.triples)
    )
    rare_terms, rare_pairs = _rarity(terms), _rarity(pairs)
    two_terms = held.terms | _before(held.terms, starts)
    two_pairs = held.pairs | _before(held.pairs, starts)
    ends = np.append(starts[1:], len(plain))
    whole = [
        "\n".join([_plain(title), *plain[start:end]])
        for title, start, end in zip(texts.titles, starts, ends, strict=True)
    ]
    rarest = asked.term_weights >= 0.9 * asked.term_weights.max(initial=0)
    bm25 = np.asarray(signals.bm25, np.float32)
    columns = [
        signals.dense,
        _best_of(signals.cosines, starts),
        bm25 / max(float(bm25.max()), 1e-6),
        np.log1p(bm25),
        _share(terms, asked.term_weights),
        _share(terms, np.asarray(asked.known, np.float32)),
        _share(terms, rare_terms),
        _share(pairs, asked.pair_weights),
        _share(pairs, rare_pairs),
        _share(triples, asked.triple_weights),
        _best_of(_runs(held.pairs, asked.pair_weights), starts),
        _best_of(_share(held.terms, asked.term_weights), starts),
        _best_of(_share(held.terms, rare_terms), starts),
        _best_of(_share(held.pairs, asked.pair_weights), starts),
        _best_of(_share(held.pairs, rare_pairs), starts),
        _best_of(_share(held.triples, asked.triple_weights), starts),
        _best_of(_share(two_terms, asked.term_weights), starts),
        _best_of(_share(two_pairs, asked.pair_weights), starts),
        _best_of(_share(two_pairs, rare_pairs), starts),
        _share(terms, asked.term_weights * rarest),
        (~terms * asked.term_weights).max(axis=1, initial=0.0),
        np.log1p(_mass(terms, asked.term_weights)),
        _stand_in(asked.numbers, whole),
        _stand_in(asked.quoted, whole),
        _stand_in(asked.places, whole),
        _stand_in(asked.times, whole),
        np.log1p([len(text) for text in whole]),
        _places(signals.dense),
        _places(bm25),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _sentences(
    asked: Asked, held: _Held, own: _Held, signals: Signals, plain: Sequence[str]
) -> Numbers:
    starts = held.starts
    rare_terms = _rarity(_any_of(held.terms, starts))
    rare_pairs = _rarity(_any_of(held.pairs, starts))
    terms_before, pairs_before = _before(held.terms, starts), _before(held.pairs, starts)
    terms_behind, pairs_behind = _behind(held.terms, starts), _behind(held.pairs, starts)
    counts = np.diff(np.append(starts, len(plain)))
    place = np.arange(len(plain)) - np.repeat(starts, counts)
    lengths = np.array([len(text) for text in plain], np.float32)
    repeated = _share(own.pairs, asked.pair_weights)
    columns = [
        signals.cosines,
        _share(held.terms, asked.term_weights),
        _share(held.terms, rare_terms),
        _share(held.pairs, asked.pair_weights),
        _share(held.pairs, rare_pairs),
        _share(held.triples, asked.triple_weights),
        _runs(own.pairs, asked.pair_weights),
        _share(terms_before, asked.term_weights),
        _share(pairs_before, asked.pair_weights),
        _share(terms_behind, asked.term_weights),
        _share(pairs_behind, asked.pair_weights),
        _share(held.terms | terms_before, asked.term_weights),
        _share(held.pairs | pairs_before, asked.pair_weights),
        _share(held.pairs | pairs_behind, asked.pair_weights),
        _share(held.terms | terms_before, rare_terms),
        np.log1p(lengths),
        np.log1p(np.maximum(lengths - repeated * len(asked.plain), 0)),
        place == 0,
        1.0 / (1.0 + place),
        np.array([bool(_NUMBER.search(text)) for text in plain]),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _forms(asked: Asked, sentences: Sequence[str]) -> Numbers:
    """Return how surely each sentence has the wanted form, and the same in its kind's column.

    The last two columns say that a number or date, or a name, was asked for and none is there.
    """
    found = np.array([strength(text, asked.wanted, asked.question) for text in sentences])
    none, number = found == 0, asked.wanted.kind in _NUMBERS
    columns = [
        found,
        *(found * (asked.wanted.kind in group) for group in _FORM_GROUPS),
        none * number,
        none * (not number),
    ]
    return np.stack(columns, axis=1).astype(np.float32)
