"""An index over synthetic passages is what a build makes, and a build goes on with it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from benchmarks.synthetic_index import (
    DOCUMENTS,
    INDEX,
    OWN,
    PASSAGES,
    SENTENCES,
    ClauseTokenizer,
    Source,
    Words,
    change,
    rebuild,
    write_index,
)
from benchmarks.synthetic_vectors import Corpus, unit
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from embeddings.model import home
from embeddings.store import Generation, IndexFolder

COUNT = 120

TEXTS = [
    "济南的泉水很多，来看的人也很多；有的来自北京、上海，有的来自国外。",
    "公司成立于一九九八年，员工有三千人，产品卖到四十个国家。",
    "二〇二一年，全区新建学校12所，公园5个：都已经开放。",
]


@pytest.fixture(scope="module")
def tokenizer() -> ClauseTokenizer:
    return ClauseTokenizer(home() / "jieba")


@pytest.fixture(scope="module")
def source(tokenizer: ClauseTokenizer) -> Source:
    encoder = CountingEncoder("济南泉水来看人多有的自北京上海公司成立一九八员工三千产品卖到")
    real = np.random.default_rng(2).normal(size=(200, encoder.dimensions)) + 1.5
    corpus = Corpus(unit(real.astype(np.float32)), COUNT)
    return Source(corpus, Words.of(TEXTS, tokenizer), encoder, tokenizer)


@pytest.fixture
def folder(tmp_path: Path, source: Source) -> Path:
    report = write_index(tmp_path, source)
    assert (report.published, report.encoded) == (True, 0)
    assert (report.passages, report.sentences) == (COUNT, SENTENCES * COUNT)
    return tmp_path


def opened(folder: Path) -> Generation:
    return Generation(IndexFolder(folder / INDEX).current())


def test_it_holds_the_texts_and_vectors(folder: Path, source: Source) -> None:
    generation = opened(folder)
    texts = {"".join(one) for one in islice(source.words.passages(8), COUNT)}
    rows = generation.all_rows()
    assert {text for _, text in generation.texts(rows.tolist()).values()} == texts
    vectors, wanted = generation.vectors.vectors(rows), source.corpus.vectors()
    np.testing.assert_allclose((vectors @ wanted.T).max(axis=0), 1, atol=1e-3)
    own = generation.sentence_vectors(np.arange(SENTENCES * COUNT))
    ranges = generation.sentence_ranges(rows)
    assert (ranges[:, 1] == SENTENCES).all()
    near = np.einsum("ij,ij->i", own[ranges[:, 0]], vectors)
    assert near.mean() == pytest.approx(OWN, abs=0.03)
    generation.close()


def test_a_passage_is_found_where_it_stands(folder: Path) -> None:
    generation = opened(folder)
    for row, passage in generation.passages(range(0, COUNT, 7)).items():
        (document,) = generation.documents([passage.document]).values()
        text = "".join(span.of(document.text) for span in passage.spans)
        assert (passage.row, text) == (row, passage.text)
        said = [span.of(document.text) for spans in passage.sentences for span in spans]
        assert "".join(said) == passage.text
    generation.close()


def test_a_build_finds_nothing_to_do(folder: Path, source: Source) -> None:
    report = rebuild(folder, source)
    assert not report.published
    assert len(report.read) == -(-COUNT // PASSAGES)


def test_a_change_is_read_and_encoded(folder: Path, source: Source) -> None:
    before = {path: path.read_text() for path in (folder / DOCUMENTS).rglob("*.txt")}
    (path,) = change(folder, source, PASSAGES)
    assert path.read_text() != before[path]
    report = rebuild(folder, source)
    assert report.published
    assert report.changes.changed == (path.relative_to(folder / DOCUMENTS).as_posix(),)
    assert 0 < report.encoded <= 4 * PASSAGES + 1


def test_clauses_are_cut_as_a_whole_text_is(tokenizer: ClauseTokenizer, source: Source) -> None:
    plain = Tokenizer(home() / "jieba")
    for sentences in islice(source.words.passages(1), 30):
        text = "".join(sentences)  # numbers come last, be it of a clause or of the text
        assert sorted(tokenizer.tokens(text)) == sorted(plain.tokens(text))


def test_the_vocabulary_goes_on_growing(source: Source) -> None:
    words = source.words._replace(scale=30.0, power=0.6)
    texts = ["".join(one) for one in islice(words.passages(1), 2000)]
    counts = [
        len({word for text in part for word in _fresh(text)}) for part in (texts[:1000], texts)
    ]
    assert counts[0] > 200
    assert 1.2 < counts[1] / counts[0] < 2
    assert list(islice(words.passages(1), 5)) == list(islice(words.passages(1), 5))


def _fresh(text: str) -> list[str]:
    return [part[-7:] for part in text.replace("。", "，").split("，") if "zq" in part]
