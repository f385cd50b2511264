"""Questions get the same hits from a generation of several pieces as from one written whole."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest

from embeddings import growable
from embeddings.build import build
from embeddings.lexical import Tokenizer
from embeddings.opened import Generation
from qa.records import Hit
from qa.retrieval import Retriever
from tests.embeddings.piece_views import Drawing
from tests.embeddings.test_pieces import QUESTIONS, Corpus, opened, whole


def said_of(hit: Hit) -> tuple[object, ...]:
    return hit.id, hit.text, hit.spans, hit.source, hit.title, hit.date, hit.places, hit.role


def hits_of(
    generation: Generation, tokenizer: Tokenizer, sources: list[str] | None
) -> list[object]:
    """Return the hits of all questions; those with about equal scores come in any order."""
    retriever = Retriever(generation, Drawing(), tokenizer)
    found: list[object] = []
    for question in QUESTIONS:
        hits = retriever.hits(retriever.find(question, sources), 50)
        ranked = groupby(hits, key=lambda hit: round(hit.score, 4))
        found += [(score, sorted(map(said_of, same), key=repr)) for score, same in ranked]
    return found


@pytest.mark.parametrize("seed", [11, 12])
def test_hits_are_those_of_a_whole_generation(
    seed: int, tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growable, "WHOLE_UP_TO", 8)
    documents, index = tmp_path / "documents", tmp_path / "index"
    corpus, most = Corpus(documents, seed), 1
    for _ in range(5):
        build(documents, index, Drawing(), tokenizer)
        grown, fresh = opened(index), whole(documents, index, tokenizer)
        most = max(most, len(grown.pieces))
        for sources in (None, list(fresh.sources[::2])):
            assert hits_of(grown, tokenizer, sources) == hits_of(fresh, tokenizer, sources)
        grown.close()
        fresh.close()
        corpus.change()
    assert most > 1
