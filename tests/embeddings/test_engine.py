"""A build does not depend on who takes documents apart and encodes texts, nor in which order."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.build import build
from embeddings.catalogue import Catalogue
from embeddings.documents import FileEntry
from embeddings.encoder import Encoder
from embeddings.engine import Batch, Encoded, LocalEngine, Taken, Unread, take_apart
from embeddings.lexical import Tokenizer
from embeddings.ray_wire import (
    Item,
    taken_of,
    taken_to_body,
    text_of,
    texts_to_items,
    unread_of,
    unread_to_item,
    vector_to_body,
    vectors_of,
)
from embeddings.records import Document, Mark, Passage, Role, Sentence, Span
from embeddings.segment import Rules, Segmenter
from tests.embeddings.building import Recording, write
from tests.embeddings.test_resume import content

PAGE = "天桥区党建\n\n天桥区有{}个产业园。济南有企业。\n"


class Late(LocalEngine):
    """Pulls all that there is, then delivers the last first; and counts what it was given."""

    def __init__(self) -> None:
        self.read_ids: list[str] = []
        self.keys: list[bytes] = []

    def read(self, files: Iterable[Unread], segmenter: Segmenter) -> Iterator[Taken]:
        pulled = list(files)
        self.read_ids += [unread.id for unread in pulled]
        yield from super().read(reversed(pulled), segmenter)

    def encode(self, batches: Iterable[Batch], encoder: Encoder) -> Iterator[Encoded]:
        pulled = list(batches)
        self.keys += [key for batch in pulled for key, _ in batch]
        yield from super().encode(reversed(pulled), encoder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "documents"
    for number in range(5):
        write(root / f"{number}.txt", PAGE.format(number))
    write(root / "同.md", PAGE.format(0))  # the bytes of 0.txt, read in another way
    write(root / "坏.pdf", "不是PDF")
    write(root / "又坏.pdf", "不是PDF")
    write(root / "默.txt", "不是PDF")  # the same bytes, and here they can be read
    return root


def built(folder: Path, index: Path, tokenizer: Tokenizer, **more: object) -> list[object]:
    """Build and return all that an index is made of and says."""
    report = build(folder, index, Recording(), tokenizer, **more)  # type: ignore[arg-type]
    with Catalogue(index / "library.db") as catalogue:
        vectors = sorted(catalogue.database.execute("SELECT key, vector FROM vectors"))
        scans = [scan._replace(scanned=0) for scan in catalogue.scans()]
        documents = list(catalogue.documents())
    said = (report.changes, report.skipped, report.encoded, report.resumed)
    return [content(index), vectors, scans, documents, said]


def test_the_order_of_delivery_changes_nothing(
    folder: Path, tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embeddings.build.BATCH", 2)
    engine = Late()
    late = built(folder, tmp_path / "late", tokenizer, engine=engine)
    assert late == built(folder, tmp_path / "local", tokenizer)
    assert len(engine.keys) == len(set(engine.keys)) == late[-1][2]  # type: ignore[index]


def test_a_document_is_on_its_way_once(folder: Path, tmp_path: Path, tokenizer: Tokenizer) -> None:
    engine = Late()
    build(folder, tmp_path / "index", Recording(), tokenizer, engine=engine)
    # Five texts, the PDF that is none, and that again for each file that hoped for the first.
    assert len(set(engine.read_ids)) == 6
    assert len(engine.read_ids) == 8


def test_other_rules_take_kept_documents_apart_anew(
    folder: Path, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    rules = Rules(shortest=1, longest=12)
    found = []
    for name, engine in (("late", Late()), ("local", LocalEngine())):
        index = tmp_path / name
        before = built(folder, index, tokenizer, engine=engine)
        after = built(folder, index, tokenizer, engine=engine, rules=rules)
        assert before[0] != after[0]
        found.append(after)
    assert found[0] == found[1]
    assert found[0][0] == built(folder, tmp_path / "new", tokenizer, rules=rules)[0]


def test_what_was_delivered_before_a_cut_is_kept(
    folder: Path, tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embeddings.build.BATCH", 2)

    class Cut(Late):
        def encode(self, batches: Iterable[Batch], encoder: Encoder) -> Iterator[Encoded]:
            delivered = super().encode(batches, encoder)
            yield next(delivered)
            raise KeyboardInterrupt

    index = tmp_path / "index"
    with pytest.raises(KeyboardInterrupt):
        build(folder, index, Recording(), tokenizer, engine=Cut())
    engine = Late()
    report = build(folder, index, Recording(), tokenizer, engine=engine)
    assert report.resumed is not None
    assert (report.resumed.texts, report.encoded) == (1, len(engine.keys))


def test_nothing_of_ray_is_imported_by_a_build_of_one_process(folder: Path, tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
import qa.cli, qa.terminal
from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from embeddings.model import home
build(Path({str(folder)!r}), Path({str(tmp_path / "index")!r}), CountingEncoder("天桥"),
      Tokenizer(home() / "jieba"))
heavy = ("ray", "pyarrow", "pandas", "embeddings.ray")
print([name for name in sys.modules if name.startswith(heavy)])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Halves of surrogate pairs too: a broken file may hold them.
texts = st.text(st.characters(exclude_categories=()), min_size=1)
ids = st.text("0123456789abcdef", min_size=4, max_size=4)
spans = st.builds(lambda start, size: Span(start, start + size), st.integers(0, 99), st.integers(1))
documents = st.builds(
    Document,
    id=ids,
    source=texts,
    text=texts,
    reader=st.sampled_from(["text/1", "pdf/3"]),
    title=texts,
    date=st.none() | st.just("2021-06-16"),
    page_starts=st.lists(st.integers(0)).map(tuple),
    marks=st.lists(
        st.builds(Mark, st.integers(0), st.integers(0), st.sampled_from(Role), st.integers(0, 6))
    ).map(tuple),
)
sentences = st.builds(Sentence, texts, st.lists(spans, min_size=1).map(tuple))
passages = st.builds(
    Passage,
    id=ids,
    document=ids,
    text=texts,
    spans=st.lists(spans, min_size=1).map(tuple),
    sentences=st.lists(sentences, min_size=1, max_size=3).map(tuple),
    title=texts,
    heading=st.text(),
    role=st.sampled_from(Role),
    page=st.none() | st.integers(1),
)


@given(st.lists(st.tuples(st.binary(), texts), min_size=1))
def test_texts_arrive_as_they_were_sent(batch: list[tuple[bytes, str]]) -> None:
    assert [text_of(item) for item in texts_to_items(batch)] == [text for _, text in batch]


@given(texts, st.binary(), st.none() | documents)
def test_what_is_to_be_read_arrives(source: str, data: bytes, kept: Document | None) -> None:
    unread = Unread(FileEntry(source, Path("/root/of/another/machine")), "ab", data, kept)
    arrived = unread_of(unread_to_item(unread))
    assert (arrived.entry.source, arrived.id) == (source, "ab")
    assert (arrived.data, arrived.kept) == (data, kept)


@settings(max_examples=30)
@given(documents, st.text(), st.lists(passages, max_size=3), st.none() | st.text(), st.booleans())
def test_what_was_taken_apart_comes_back(
    document: Document, title: str, found: list[Passage], reason: str | None, again: bool
) -> None:
    unread = Unread(FileEntry("甲.txt", Path("甲.txt")), document.id)
    taken = Taken(unread, None if reason else document, title, tuple(found), reason, again)
    assert taken_of(taken_to_body(taken), unread) == taken


def test_vectors_come_back_bit_by_bit() -> None:
    vectors = np.random.default_rng(1).standard_normal((3, 7)).astype(np.float32)
    bodies = [vector_to_body(vector) for vector in vectors]
    assert np.array_equal(vectors_of(bodies, 7), vectors)
    with pytest.raises(ValueError, match="reshape"):
        vectors_of(bodies[:2], 8)


def test_a_document_that_cannot_be_read_is_told_as_in_one_process(tokenizer: Tokenizer) -> None:
    unread = Unread(FileEntry("坏.pdf", Path("坏.pdf")), "ab", "不是PDF".encode())
    segmenter = Segmenter(tokenizer)
    there = take_apart(unread_of(Item(*unread_to_item(unread))), segmenter)
    here = take_apart(unread, segmenter)
    assert there.reason == here.reason is not None
