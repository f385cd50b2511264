"""A build that was cut off is gone on with: nothing that was committed is done again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from embeddings.build import build, plan
from embeddings.catalogue import Catalogue
from embeddings.errors import IndexMissingError
from embeddings.lexical import Tokenizer
from embeddings.reports import Resumed
from embeddings.store import Generation, IndexFolder
from tests.embeddings.building import Recording, build_and_kill, state_of, write

FILES = 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "documents"
    for number in range(FILES):
        write(root / f"{number}.txt", f"天桥区有{number}个产业园。济南有{number}家企业。\n")
    return root


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


def content(index: Path) -> list[object]:
    """Return what a generation answers from: passages, places and vectors."""
    generation = Generation(IndexFolder(index).current())
    size = range(generation.vectors.size)
    places = [place for held in generation.places(size).values() for place in held]
    vectors = [
        generation.sentence_vectors(range(generation.manifest.counts["sentences"])).tolist(),
        np.load(generation.folder / "passage_lengths.npy").tolist(),
    ]
    found: list[object] = [places, vectors, generation.sources]
    generation.close()
    return found


def texts_in(index: Path) -> int:
    with Catalogue(index / "library.db") as catalogue:
        (found,) = catalogue.database.execute("SELECT count(*) FROM vectors").fetchone()
        return int(found)


def test_killed_while_reading(folder: Path, index: Path, tokenizer: Tokenizer) -> None:
    build_and_kill(folder, index, "read", 4)
    with pytest.raises(IndexMissingError):
        IndexFolder(index).current()
    encoder = Recording()
    report = build(folder, index, encoder, tokenizer)
    assert report.resumed == Resumed(4, FILES, 0, report.encoded)
    assert report.encoded == len(encoder.encoded) == 3 * FILES


def test_killed_while_encoding(folder: Path, index: Path, tokenizer: Tokenizer) -> None:
    build_and_kill(folder, index, "encode", 6)
    assert texts_in(index) == 6
    build_and_kill(folder, index, "encode", 4)
    assert texts_in(index) == 10
    encoder = Recording()
    report = build(folder, index, encoder, tokenizer)
    assert report.resumed == Resumed(FILES, FILES, 10, 3 * FILES)
    assert len(encoder.encoded) == 3 * FILES - 10
    assert build(folder, index, encoder, tokenizer).resumed is None


def test_killed_while_writing(folder: Path, index: Path, tokenizer: Tokenizer) -> None:
    build_and_kill(folder, index, "write", 3)
    encoder = Recording()
    report = build(folder, index, encoder, tokenizer)
    assert report.resumed == Resumed(FILES, FILES, 3 * FILES, 3 * FILES)
    assert encoder.encoded == []
    other = index.with_name("other")
    build(folder, other, encoder, tokenizer)
    assert content(index) == content(other)


def test_a_killed_rebuild_leaves_the_last_generation(
    folder: Path, index: Path, tokenizer: Tokenizer
) -> None:
    build(folder, index, Recording(), tokenizer)
    before = content(index)
    write(folder / "新.txt", "高新区有党建联盟。园区有新企业。\n", 60)
    (folder / "0.txt").unlink()
    build_and_kill(folder, index, "encode", 2)
    assert content(index) == before
    with Catalogue(index / "library.db") as catalogue:
        published = [file.source for file in catalogue.published_files()]
    assert published == [f"{number}.txt" for number in range(FILES)]
    report = build(folder, index, Recording(), tokenizer)
    assert report.resumed == Resumed(1, 1, 2, 3)
    assert (report.changes.new, report.changes.removed) == (("新.txt",), ("0.txt",))


def test_killed_between_publishing_and_the_last_note(
    folder: Path, index: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Catalogue, "accept", cut_off)
        with pytest.raises(KeyboardInterrupt):
            build(folder, index, Recording(), tokenizer)
    report = build(folder, index, Recording(), tokenizer)
    assert (report.generation, report.published, report.encoded) == (1, False, 0)
    assert report.resumed is None
    with Catalogue(index / "library.db") as catalogue:
        assert len(catalogue.published_files()) == FILES
        assert catalogue.get("accepted") == "1"


@pytest.mark.parametrize("again", [False, True])
def test_a_full_build_that_was_cut_off_is_gone_on_with(
    folder: Path, index: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    build(folder, index, Recording(), tokenizer)
    monkeypatch.setattr("embeddings.build.BATCH", 2)
    first = Recording()
    first.fail_after = 4
    with pytest.raises(KeyboardInterrupt):
        build(folder, index, first, tokenizer, full=True)
    second = Recording()
    report = build(folder, index, second, tokenizer, full=again)
    assert report.resumed == Resumed(FILES, FILES, 4, 3 * FILES)
    assert (report.generation, len(second.encoded)) == (2, 3 * FILES - 4)


def test_a_full_build_forgets_what_another_that_was_cut_off_did(
    folder: Path, index: Path, tokenizer: Tokenizer
) -> None:
    build_and_kill(folder, index, "encode", 6)
    encoder = Recording()
    report = build(folder, index, encoder, tokenizer, full=True)
    assert report.resumed is None
    assert len(encoder.encoded) == 3 * FILES


def test_a_dry_run_after_a_kill_sees_what_was_kept(
    folder: Path, index: Path, tokenizer: Tokenizer
) -> None:
    build_and_kill(folder, index, "encode", 6)
    before = state_of(index)
    assert {"library.db-wal", "library.db-shm"} <= {path.name for path in index.iterdir()}
    found = plan(folder, index, Recording(), tokenizer)
    assert (found.texts, found.reused) == (3 * FILES - 6, 6)
    assert state_of(index) == before
