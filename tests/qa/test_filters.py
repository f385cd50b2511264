"""Filters by file, folder and day: what they name, and that a subset is searched exactly."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from embeddings import vectors as searching
from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from embeddings.store import Generation, IndexFolder
from embeddings.texts import spellings
from embeddings.vectors import VectorIndex
from qa.bot import Bot
from qa.retrieval import Retriever
from tests.qa.conftest import ALPHABET

NEAREST = 50
"""So many of each half must be among the candidates."""

WORDS = (
    *ALPHABET,
    *[
        "济南",
        "天桥",
        "党建",
        "园区",
        "企业",
        "产业",
        "项目",
        "泉水",
        "直播",
        "电商",
        "5G",
        "1+5+N",
        "190余家",
        "交通",
        "医院",
    ],
)

SUBSETS: list[tuple[list[str] | None, tuple[str | None, str | None]]] = [
    (["小/"], (None, None)),
    (["小/2021-03-01.txt"], (None, None)),
    (["大/2021-03-01.txt", "小/"], (None, None)),
    (None, ("2021-03-03", "2021-03-03")),
    (["大/"], (None, "2021-03-05")),
    (["大/", "小/"], ("2021-03-02", None)),
]


def page(drawn: random.Random, paragraphs: int) -> str:
    lines = ["".join(drawn.choices(WORDS, k=60)) + "。" for _ in range(paragraphs)]
    return "\n\n".join(["".join(drawn.choices(WORDS, k=4)), *lines])


@pytest.fixture(scope="module")
def generation(
    tmp_path_factory: pytest.TempPathFactory, counting: CountingEncoder, tokenizer: Tokenizer
) -> Generation:
    """More than 2,000 passages, of which at most a hundredth stands in the folder 小/."""
    root, drawn = tmp_path_factory.mktemp("crowd"), random.Random(5)
    for folder, days, paragraphs in (("大", 28, 160), ("小", 2, 12)):
        (root / "pages" / folder).mkdir(parents=True)
        for day in range(1, days + 1):
            path = root / "pages" / folder / f"2021-03-{day:02}.txt"
            path.write_text(page(drawn, paragraphs), encoding="utf-8")
    build(root / "pages", root / "index", counting, tokenizer)
    return Generation(IndexFolder(root / "index").current())


def own_rows(generation: Generation, sources: Sequence[str] | None, dates: object) -> list[int]:
    """The rows of the subset, worked out passage by passage."""
    since, until = dates if isinstance(dates, tuple) else (None, None)
    rows = []
    for row, places in generation.places(range(generation.vectors.size)).items():
        held = generation.documents(place.document for place in places).values()
        if any(
            (sources is None or any(d.sources[0].startswith(name) for name in sources))
            and (since or "") <= (d.date or "") <= (until or "9999")
            for d in held
        ):
            rows.append(row)
    return rows


@pytest.mark.parametrize("question", ["济南天桥的产业园区有几个项目？", "5G 企业", "190余家", "泉"])
@pytest.mark.parametrize(("sources", "dates"), SUBSETS)
def test_a_subset_gives_its_own_best_by_both_halves(
    generation: Generation,
    counting: CountingEncoder,
    tokenizer: Tokenizer,
    question: str,
    sources: list[str] | None,
    dates: tuple[str | None, str | None],
) -> None:
    rows = np.array(own_rows(generation, sources, dates))
    assert 0 < len(rows) < generation.vectors.size
    found = Retriever(generation, counting, tokenizer).find(question, sources, dates)
    assert set(found.rows.tolist()) <= set(rows.tolist())

    every = generation.vectors.vectors(range(generation.vectors.size))
    cosines = np.sort((every @ counting.encode_query(question))[rows])[::-1][:NEAREST]
    nearest = np.sort(found.dense)[::-1][:NEAREST]
    np.testing.assert_allclose(nearest, cosines, atol=1e-6)

    scores = generation.postings.match(tokenizer.tokens(question)).scores(rows)
    best = rows[np.lexsort((rows, -scores))][: min(NEAREST, np.count_nonzero(scores))]
    assert set(best.tolist()) <= set(found.rows.tolist())


def test_the_smallest_subset_is_a_hundredth_and_is_found_whole(
    generation: Generation, counting: CountingEncoder, tokenizer: Tokenizer
) -> None:
    rows = own_rows(generation, ["小/"], None)
    assert 100 * len(rows) <= generation.vectors.size >= 2000
    found = Retriever(generation, counting, tokenizer).find("天桥的企业", ["小/"])
    assert sorted(found.rows.tolist()) == rows


@pytest.fixture(params=[searching.SMALL, 0], ids=["numpy", "faiss"])
def _either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "SMALL", request.param)


def plain_search(
    vectors: NDArray[np.float32], query: NDArray[np.float32], rows: NDArray[np.int64], k: int
) -> list[int]:
    found: list[int] = rows[np.argsort(-(vectors[rows] @ query), kind="stable")[:k]].tolist()
    return found


@pytest.mark.usefixtures("_either_way")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(1, 400), st.integers(0, 90))
def test_ties_are_cut_by_row(tmp_path: Path, seed: int, size: int, k: int) -> None:
    # Products of small whole numbers are exact, and many of them are equal.
    drawn = np.random.default_rng(seed)
    vectors = drawn.integers(-1, 2, (size, 4)).astype(np.float32)
    query = drawn.integers(-1, 2, 4).astype(np.float32)
    VectorIndex.write(tmp_path / "vectors.faiss", vectors)
    index = VectorIndex.open(tmp_path / "vectors.faiss")
    everything = np.arange(size)
    some = np.flatnonzero(drawn.random(size) < 0.3)
    assert index.search(query, k)[0].tolist() == plain_search(vectors, query, everything, k)
    assert index.search(query, k, some)[0].tolist() == plain_search(vectors, query, some, k)


@pytest.mark.parametrize(
    ("named", "names"),
    [
        ("a/b.txt", ["a/b.txt"]),
        ("a/", ["a/"]),
        ("./a//b.txt", ["./a//b.txt", "a/b.txt"]),
        ("a/c/../b.txt", ["a/c/../b.txt", "a/b.txt"]),
        ("甲\\乙.txt", ["甲\\乙.txt", "甲/乙.txt"]),
        ("甲\\", ["甲\\", "甲/"]),
        ("../a.txt", ["../a.txt"]),
        ("a/../../b", ["a/../../b"]),
        ("/work/a.txt", ["/work/a.txt"]),
        ("C:\\a.txt", ["C:\\a.txt", "C:/a.txt"]),
        ("..", [".."]),
        ("", [""]),
        ("\ud800.txt", []),
    ],
)
def test_spellings(named: str, names: list[str]) -> None:
    assert spellings(named) == names


@given(st.text(st.sampled_from("ab./\\é"), max_size=8))
def test_no_spelling_leads_out_of_the_root(named: str) -> None:
    composed = unicodedata.normalize("NFC", named)
    assert spellings(named)[0] == composed
    for other in spellings(named)[1:]:
        assert not other.startswith("/")
        assert ".." not in other.split("/")


NAMED = {
    "café/一.txt": "天桥区有21家企业。",
    "甲/乙/二.txt": "天桥区有22家企业。",
    "甲/三.txt": "天桥区有23家企业。",
    "甲\\三.txt": "天桥区有24家企业。",
    "甲乙.txt": "天桥区有25家企业。",
}


@pytest.fixture(scope="module")
def named(
    tmp_path_factory: pytest.TempPathFactory, counting: CountingEncoder, tokenizer: Tokenizer
) -> Bot:
    root = tmp_path_factory.mktemp("named")
    for name, text in NAMED.items():
        (root / "pages" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "pages" / name).write_text(text, encoding="utf-8")
    build(root / "pages", root / "index", counting, tokenizer)
    return Bot(root / "index", counting, tokenizer)


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        (["甲/"], ["甲/三.txt", "甲/乙/二.txt"]),
        (["甲/乙/"], ["甲/乙/二.txt"]),
        (["甲\\乙\\二.txt"], ["甲/乙/二.txt"]),
        (["甲\\三.txt"], ["甲\\三.txt"]),
        (["cafe\u0301/"], ["café/一.txt"]),
        (["cafe\u0301\\一.txt", "./甲/乙//二.txt"], ["café/一.txt", "甲/乙/二.txt"]),
        ("甲乙.txt", ["甲乙.txt"]),
        (("甲/乙/../三.txt",), ["甲/三.txt"]),
        (["甲"], []),
        (["甲/三"], []),
        (["乙/"], []),
        (["../甲/三.txt"], []),
        (["/甲/三.txt"], []),
        (["C:\\甲\\三.txt"], []),
        (["甲/三.txt\0"], []),
        (["甲/*.txt", "%", "甲/_.txt", "' OR 1=1 --"], []),
        (["", ".", "./", "/", "//", "\\", "..", "../"], []),
        (["\ud800", "甲\udcff/"], []),
        ([], []),
    ],
)
def test_what_a_filter_names(named: Bot, sources: Sequence[str], found: list[str]) -> None:
    hits = named.retrieve("天桥区企业", 50, sources)
    assert sorted({hit.source for hit in hits}) == sorted(found)
    answer = named.ask("天桥区有多少家企业？", sources=sources)
    assert {hit.source for hit in answer.nearest} == set(found)


def test_a_file_of_the_whole_machine_is_not_named_by_its_path(named: Bot, tmp_path: Path) -> None:
    index = Path(named.info().index)
    assert named.retrieve("天桥区企业", 5, [str(index.parent / "pages" / "甲/三.txt")]) == []


@given(st.lists(st.text(max_size=12), max_size=3))
def test_any_filter_gives_a_list(named: Bot, sources: list[str]) -> None:
    hits = named.retrieve("天桥区企业", 50, sources)
    assert {hit.source for hit in hits} <= NAMED.keys()
    assert isinstance(named.ask("天桥区有多少家企业？", sources=sources).answered, bool)
