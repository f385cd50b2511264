"""All that a generation says, in forms that are equal whatever pieces it is made of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from embeddings.encoder import CountingEncoder
from embeddings.lexical import Script, Tokenizer
from embeddings.opened import Generation

Said = dict[str, object]


class Drawing(CountingEncoder):
    """Draws a vector for each character: texts that share some are near, and hardly two tie."""

    def __init__(self) -> None:
        super().__init__("")
        self.name, self.dimensions, self.fingerprint = "drawing", 24, "drawing/1"
        self.encoded: list[str] = []

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.encoded += texts
        return super().encode_passages(texts)

    def _vector(self, text: str, role: list[int]) -> NDArray[np.float32]:
        drawn = sum((_drawn(character) for character in text), 0.2 * _drawn(text))
        return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def hash_of(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


@cache
def _drawn(text: str) -> NDArray[np.float64]:
    return np.random.default_rng(hash_of(text)).normal(size=24)


def texts_of(generation: Generation) -> Said:
    """Return documents and passages with all their places, found by every way there is."""
    rows = generation.all_rows()
    names = names_of(generation, rows)
    documents = generation.document_ids()
    places = generation.places(rows)
    passages = [place for held in places.values() for place in held]
    firsts, counts = generation.sentence_ranges(rows).T
    return {
        "sources": generation.sources,
        "documents": documents,
        "texts": generation.documents(documents),
        "heads": generation.heads(documents),
        "sizes": generation.sizes(),
        "headlines": generation.headlines(),
        "select": [generation.select(some) for some in (None, ["a/"], generation.sources[:2])],
        "dated": [generation.select(None, "2023-01-02", last) for last in (None, "2023-01-03")],
        "rows of": [
            sorted(names[row] for row in generation.rows_of(generation.select([source])).tolist())
            for source in generation.sources
        ],
        "rows in": {
            one: sorted(names[row] for row in generation.rows_in(one).tolist()) for one in documents
        },
        "places in": {one: [place.id for place in generation.places_in(one)] for one in documents},
        "around": {place.id: [one.id for one in generation.around(place, 2)] for place in passages},
        "places": {
            names[row]: [place._replace(row=0) for place in held] for row, held in places.items()
        },
        "roles": {names[row]: said for row, said in generation.texts(rows).items()},
        "said": {names[row]: said for row, said in generation.sentence_texts(rows).items()},
        "sentences": sorted(
            (names[one.passage], one.row - int(firsts[rows == one.passage][0]), one.text, one.spans)
            for one in generation.sentences(generation.passages(rows).values())
        ),
        "counts": {names[int(row)]: int(n) for row, n in zip(rows, counts, strict=True)},
        "all": generation.manifest.counts,
        "scripts": {
            names[int(row)]: int(script)
            for row, script in zip(rows, generation.scripts_of(rows), strict=True)
        },
        "has": [generation.has_script(script) for script in Script],
    }


def names_of(generation: Generation, rows: NDArray[np.int64]) -> dict[int, str]:
    """Return of each row the id of its passage at its first place."""
    return {row: passage.id for row, passage in generation.passages(rows.tolist()).items()}


def numbers_of(
    generation: Generation, query: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    """Return vectors, cosines and centred cosines of every row, by the passage's id."""
    rows = generation.all_rows()
    names = names_of(generation, rows)
    order = np.array(sorted(range(len(rows)), key=lambda at: names[int(rows[at])]), dtype=np.int64)
    rows = rows[order]
    scripts = generation.scripts_of(rows)
    products = generation.vectors.cosines(query, rows)
    ranges = generation.sentence_ranges(rows)
    said = np.concatenate([np.arange(first, first + count) for first, count in ranges.tolist()])
    each = np.repeat(scripts, ranges[:, 1])
    sentences = generation.sentence_vectors(said)
    centre = generation.sentence_centre
    return {
        "vectors": generation.vectors.vectors(rows),
        "products": products,
        "centred": generation.passage_centre.cosines(query, products, rows, scripts),
        "sentences": sentences,
        "centred sentences": centre.cosines(query, sentences @ query, said, each),
    }


def nearest_in(
    generation: Generation, query: NDArray[np.float32], k: int, rows: NDArray[np.int64] | None
) -> list[tuple[float, list[str]]]:
    """Return the ids found, best first, those of equal cosines sorted."""
    found, cosines = generation.vectors.search(query, k, rows)
    return ranked(generation, found, cosines)


def matched_in(
    generation: Generation, question: str, tokenizer: Tokenizer, k: int
) -> dict[str, object]:
    """Return what words find: the ids, best first, and what is told of each."""
    found = generation.postings.match(tokenizer.tokens(question))
    best = found.best(k)
    rows = generation.all_rows()
    names = names_of(generation, rows)
    some = np.array([row for row in rows.tolist() if hash_of(names[row]) % 3 == 0], np.int64)
    return {
        "weights": {term: round(weight, 5) for term, weight in found.weights.items()},
        "held": sorted(found.held),
        "best": ranked(generation, best, found.scores(best)),
        "among": ranked(generation, *_among(found, some)),
        "words": {names[int(row)]: found.words(int(row)) for row in best},
        "coverage": {names[int(row)]: round(found.coverage(int(row)), 5) for row in best},
        "holds": {
            term: sorted(names_of(generation, rows[found.holds(term, rows)]).values())
            for term in found.weights
        },
    }


def _among(found: object, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    best = found.best(len(rows), rows)  # type: ignore[attr-defined]
    return best, found.scores(best)  # type: ignore[attr-defined]


def ranked(
    generation: Generation, rows: NDArray[np.int64], scores: NDArray[np.float32]
) -> list[tuple[float, list[str]]]:
    """Return score and ids, best first, those of scores that are about equal together."""
    names = names_of(generation, rows)
    pairs = [(round(float(s), 4), names[int(row)]) for row, s in zip(rows, scores, strict=True)]
    return [
        (score, sorted(name for _, name in same)) for score, same in groupby(pairs, lambda p: p[0])
    ]
