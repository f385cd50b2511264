"""Equal passages share a row and keep every place; files and days select the places allowed."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embeddings.build import build
from embeddings.catalogue import Catalogue
from embeddings.encoder import CountingEncoder
from embeddings.keys import repeat_key
from embeddings.lexical import Tokenizer
from embeddings.records import Passage, Role, Sentence, Span
from embeddings.store import Generation, IndexFolder

SAME = "天桥区建立4个产业链党组织,覆盖21家企业。"

FILES = {
    "a/甲.txt": f"甲报头条\n\n{SAME}\n",
    "b/乙.txt": f"乙报旧闻回顾\n\n前面另有一段话。\n\n乙报再谈\n\n{SAME}\r\n",
    "b/丙.txt": f"丙报要闻\n\n　　{SAME[:7]} {SAME[7:]}\n",
    "b/丁.txt": f"丁报要闻\n\n{SAME.replace('21', '22')}\n",
}


def generation_of(files: Mapping[str, str], root: Path, tokenizer: Tokenizer) -> Generation:
    for name, text in files.items():
        path = root / "documents" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    index = root / "index"
    build(root / "documents", index, CountingEncoder("天桥产业党企"), tokenizer)
    return Generation(IndexFolder(index).current())


@pytest.fixture(scope="module")
def generation(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Generation:
    return generation_of(FILES, tmp_path_factory.mktemp("repeats"), tokenizer)


def row_of_same(generation: Generation) -> int:
    rows = range(generation.vectors.size)
    (row,) = [row for row, (_, text) in generation.texts(rows).items() if text == SAME]
    return row


def test_equal_passages_are_one_row_with_every_place(generation: Generation) -> None:
    places = generation.places([row_of_same(generation)])[row_of_same(generation)]
    sources = generation.sources_of(place.document for place in places)
    assert [sources[place.document] for place in places] == [
        ("a/甲.txt",),
        ("b/丙.txt",),
        ("b/乙.txt",),
    ]
    assert places[0].title == "甲报头条"
    assert len({place.title for place in places}) == 3
    assert generation.postings.size == generation.vectors.size == len(generation.all_rows())


def test_the_words_of_every_headline_find_the_row(
    generation: Generation, tokenizer: Tokenizer
) -> None:
    for title in ("甲报头条", "丙报要闻"):
        matches = generation.postings.match(tokenizer.tokens(title))
        assert matches.scores(np.array([row_of_same(generation)])) > 0


def test_one_digit_more_is_another_passage(generation: Generation) -> None:
    (other,) = [
        text
        for _, text in generation.texts(range(generation.vectors.size)).values()
        if "22家" in text
    ]
    assert other == SAME.replace("21", "22")


@pytest.mark.parametrize("source", ["a/甲.txt", "b/乙.txt", "b/丙.txt"])
def test_a_filter_gives_the_place_that_it_allows(generation: Generation, source: str) -> None:
    selection = generation.select([source])
    row = row_of_same(generation)
    assert row in generation.rows_of(selection)
    passage = generation.passages([row], selection)[row]
    document = generation.documents([passage.document])[passage.document]
    assert document.sources == (source,)
    assert document.text == FILES[source]
    (sentence,) = generation.sentences([passage])
    quoted = "".join(span.of(FILES[source]) for span in sentence.spans)
    assert "".join(quoted.split()) == SAME


def test_a_filter_without_the_text_does_not_find_it(generation: Generation) -> None:
    selection = generation.select(["b/丁.txt"])
    row = row_of_same(generation)
    assert row not in generation.rows_of(selection)
    assert generation.passages([row], selection) == {}


def test_headlines_of_later_places_are_kept(generation: Generation) -> None:
    titles = [title for title, _ in generation.headlines()]
    assert {"甲报头条", "丙报要闻", "丁报要闻"} <= set(titles)


def test_files_and_folders_select(generation: Generation) -> None:
    def selected(*sources: str) -> list[str]:
        held = generation.select(sources).sources.values()
        return sorted(name for names in held for name in names)

    assert selected("b/") == ["b/丁.txt", "b/丙.txt", "b/乙.txt"]
    assert selected("a/甲.txt", "a/") == ["a/甲.txt"]
    assert selected("b", "/", "", "a/甲") == []
    assert sorted(name for (name,) in generation.select().sources.values()) == sorted(FILES)


def passage(*sentences: str, role: Role = Role.BODY) -> Passage:
    span = (Span(0, 1),)
    cut = tuple(Sentence(text, span) for text in sentences)
    return Passage("d:0", "d", "".join(sentences), span, cut, "title", role=role)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (passage("天桥区 有21家企业。"), passage("天桥区有 21 家企业。"), True),
        (passage("天桥区有21家企业。"), passage("天桥区有12家企业。"), False),
        (passage("有1 2家"), passage("有12家"), False),
        (passage("now here"), passage("nowhere"), False),
        (passage("now  here"), passage("now here"), True),
        (passage("甲。", "乙。"), passage("甲。乙。"), False),
        (passage("党建"), passage("党建", role=Role.HEADLINE), False),
        (passage("党建"), replace(passage("党建"), title="另题", heading="另节"), True),
        (passage("党建"), passage("黨建"), False),
    ],
)
def test_what_counts_as_equal(one: Passage, other: Passage, *, equal: bool) -> None:
    assert (repeat_key(one) == repeat_key(other)) is equal


PARAGRAPHS = st.sampled_from(
    [
        SAME,
        "高新区组建8个党建联盟。联盟企业抱团发展,同频共振。",
        "高新区组建9个党建联盟。联盟企业抱团发展,同频共振。",
        "近年来,济阳区走访企业190余家,解决问题38个。",
        "济阳区 走访\n企业190余家。",
        "要闻",
    ]
)
CORPORA = st.dictionaries(
    st.sampled_from(["a.txt", "b.txt", "x/c.txt", "x/d.txt"]),
    st.lists(PARAGRAPHS, min_size=1, max_size=6).map("\n\n".join),
    min_size=1,
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(CORPORA)
def test_no_place_is_lost_or_doubled(tokenizer: Tokenizer, files: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        generation = generation_of(files, Path(folder), tokenizer)
        with Catalogue(Path(folder, "index", "library.db")) as catalogue:
            kept = [p for _, _, passages in catalogue.documents() for p in passages]
        _check_places(generation, files, kept)
        generation.close()


def _check_places(generation: Generation, files: dict[str, str], kept: list[Passage]) -> None:
    held = generation.places(range(generation.vectors.size))
    found = [place for places in held.values() for place in places]
    assert Counter((p.document, p.id, p.spans) for p in found) == Counter(
        (p.document, p.id, p.spans) for p in kept
    )
    assert len(held) == len({repeat_key(p) for p in kept}) == generation.postings.size
    for source, text in files.items():
        selection = generation.select([source])
        (document,) = selection.sources
        rows = generation.rows_of(selection)
        here = {p.id for row in rows for p in held[int(row)] if p.document == document}
        assert here == {p.id for p in kept if p.document == document}
        assert np.all(np.diff(rows) > 0)
        for sentence in generation.sentences(generation.passages(rows, selection).values()):
            quoted = "".join(span.of(text) for span in sentence.spans)
            assert "".join(quoted.split()) == "".join(sentence.text.split())


def test_the_passages_around_one_in_its_document(generation: Generation) -> None:
    (document,) = {
        place.document
        for place in generation.places([row_of_same(generation)])[row_of_same(generation)]
        if generation.sources_of([place.document])[place.document] == ("b/乙.txt",)
    }
    every = generation.places_in(document)
    for at, passage in enumerate(every):
        assert generation.around(passage, 1) == every[max(0, at - 1) : at + 2]
    assert generation.around(every[0], 0) == [every[0]]


def test_the_rows_of_a_document_and_the_sentences_of_rows(generation: Generation) -> None:
    for document in generation.document_ids():
        rows = sorted({place.row for place in generation.places_in(document)})
        assert generation.rows_in(document).tolist() == rows
        read = generation.sentence_texts(rows)
        for place in generation.places_in(document):
            own = [one.text for one in generation.sentences([place])]
            assert read[place.row] == own


def test_the_heads_of_documents(generation: Generation) -> None:
    ids = generation.document_ids()
    heads = generation.heads([*ids, "no such"])
    assert set(heads) == set(ids)
    for id_, row in generation.documents(ids).items():
        assert heads[id_] == (row.id, row.title, row.date, row.sources)
