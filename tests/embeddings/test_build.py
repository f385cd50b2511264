"""Builds: what is read, encoded, published and refused. Vectors come from the counting encoder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from embeddings.build import BuildReport, build
from embeddings.catalogue import Catalogue
from embeddings.documents import FORMATS
from embeddings.errors import (
    IndexDamagedError,
    IndexFolderError,
    IndexFormatError,
    IndexLockedError,
    IndexMissingError,
    IndexWriteError,
    SourceError,
)
from embeddings.lexical import Tokenizer
from embeddings.progress import Progress
from embeddings.store import Generation, IndexFolder, read_manifest
from tests.embeddings.building import Recording
from tests.generations import rewrite


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "documents"
    root.mkdir()
    (root / "a.txt").write_text("天桥区党建\n\n天桥区有产业园。济南有企业。\n", encoding="utf-8")
    (root / "b.txt").write_text("高新区有党建联盟。\n", encoding="utf-8")
    (root / "c.bin").write_bytes(b"\x00")
    return root


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def encoder() -> Recording:
    return Recording()


def run(
    folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer, **options: Any
) -> BuildReport:
    return build(folder, index, encoder, tokenizer, **options)


def test_a_first_build(folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer) -> None:
    report = run(folder, index, encoder, tokenizer)
    assert (report.read, report.published, report.generation) == (("a.txt", "b.txt"), True, 1)
    assert [(f.source, f.reason) for f in report.skipped] == [
        ("c.bin", f"unknown format (.bin); read are {', '.join(FORMATS)}")
    ]
    assert (report.documents, report.passages, report.sentences) == (2, 3, 4)
    assert report.encoded == len(encoder.encoded) == len(set(encoder.encoded))
    generation = Generation(IndexFolder(index).current())
    assert generation.sources == ("a.txt", "b.txt")
    rows, _ = generation.vectors.search(encoder.encode_query("高新区党建"), 1)
    assert generation.passages(rows)[int(rows[0])].text == "高新区有党建联盟。"
    assert generation.postings.match(tokenizer.tokens("联盟")).best(1).tolist() == rows.tolist()


def test_every_kept_span_slices_its_original(
    folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer
) -> None:
    run(folder, index, encoder, tokenizer)
    generation = Generation(IndexFolder(index).current())
    for passage in generation.passages(range(3)).values():
        original = generation.documents([passage.document])[passage.document].text
        for sentence in generation.sentences([passage]):
            assert "".join(s.of(original) for s in sentence.spans) == sentence.text


def test_nothing_changed_means_nothing_done(
    folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer
) -> None:
    run(folder, index, encoder, tokenizer)
    before = len(encoder.encoded)
    report = run(folder, index, encoder, tokenizer)
    assert (report.published, report.generation, report.encoded) == (False, 1, 0)
    assert len(encoder.encoded) == before


def test_only_new_texts_are_encoded_and_gone_ones_leave(
    folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer
) -> None:
    run(folder, index, encoder, tokenizer)
    encoder.encoded.clear()
    (folder / "b.txt").unlink()
    (folder / "d.txt").write_text("天桥区有产业园。新的一句。\n", encoding="utf-8")
    report = run(folder, index, encoder, tokenizer)
    assert encoder.encoded == ["天桥区有产业园。新的一句。", "新的一句。"]
    assert report.read == ("a.txt", "d.txt")
    assert report.generation == 2
    generation = Generation(IndexFolder(index).current())
    assert "高新" not in "".join(p.text for p in generation.passages(range(9)).values())


def test_equal_files_are_one_document_with_two_places(
    folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer
) -> None:
    shutil.copy(folder / "b.txt", folder / "z.txt")
    report = run(folder, index, encoder, tokenizer)
    assert report.documents == 2
    generation = Generation(IndexFolder(index).current())
    rows = generation.rows_of(generation.select(["z.txt"]))
    (document,) = {passage.document for passage in generation.passages(rows).values()}
    assert generation.documents([document])[document].sources == ("b.txt", "z.txt")


def test_an_interrupted_build_goes_on(
    folder: Path, index: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embeddings.build.BATCH", 2)
    first = Recording()
    first.fail_after = 2
    with pytest.raises(KeyboardInterrupt):
        run(folder, index, first, tokenizer)
    with pytest.raises(IndexMissingError):
        IndexFolder(index).current()
    second = Recording()
    report = run(folder, index, second, tokenizer)
    assert not set(first.encoded) & set(second.encoded)
    assert report.reused == 2


def test_the_last_two_generations_are_kept(
    folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer
) -> None:
    for number in range(4):
        (folder / "n.txt").write_text(f"第{number}次。", encoding="utf-8")
        run(folder, index, encoder, tokenizer)
    assert IndexFolder(index).numbers() == [3, 4]
    assert IndexFolder(index).current().name == "000004"


def test_progress_is_told(
    folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer
) -> None:
    told: list[Progress] = []
    build(folder, index, encoder, tokenizer, on_progress=told.append)
    assert list(dict.fromkeys(at.stage for at in told)) == ["read", "encode", "write"]
    for stage, total in [("read", 3), ("encode", len(encoder.encoded)), ("write", 2)]:
        steps = [(at.done, at.total) for at in told if at.stage == stage]
        assert (steps[0], steps[-1]) == ((0, total), (total, total))
        assert steps == sorted(steps)


def test_another_folder_is_refused_unless_it_replaces(
    folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    run(folder, index, encoder, tokenizer)
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.txt").write_text("另一处。", encoding="utf-8")
    with pytest.raises(IndexFolderError, match="was built from .*documents.*--replace-root"):
        run(other, index, encoder, tokenizer)
    assert run(other, index, encoder, tokenizer, replace_root=True).read == ("x.txt",)


def test_most_files_gone_is_not_an_order_to_delete(
    folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer
) -> None:
    (folder / "d.txt").write_text("第三份。", encoding="utf-8")
    run(folder, index, encoder, tokenizer)
    (folder / "a.txt").unlink()
    (folder / "b.txt").unlink()
    with pytest.raises(SourceError, match="2 of the 3 files .*is a drive missing.*--prune"):
        run(folder, index, encoder, tokenizer)
    assert run(folder, index, encoder, tokenizer, prune=True).read == ("d.txt",)


def test_an_empty_folder_and_one_without_text(
    index: Path, encoder: Recording, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SourceError, match="holds no file; put files there"):
        run(empty, index, encoder, tokenizer)
    assert not index.exists()
    (empty / "a.bin").write_bytes(b"x")
    with pytest.raises(SourceError, match=r"None of the 1 files .*'a.bin': unknown format"):
        run(empty, index, encoder, tokenizer)


def test_a_second_writer_is_refused(
    folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer
) -> None:
    index.mkdir()
    with (
        FileLock(IndexFolder(index).lock),
        pytest.raises(IndexLockedError, match="Another process is building"),
    ):
        run(folder, index, encoder, tokenizer)


def test_a_folder_with_other_things_is_no_index(
    folder: Path, encoder: Recording, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    with pytest.raises(IndexFolderError, match="holds other files and is not an index"):
        run(folder, folder, encoder, tokenizer)
    (tmp_path / "file").touch()
    with pytest.raises(IndexFolderError, match="is a file; give a folder"):
        run(folder, tmp_path / "file", encoder, tokenizer)


def test_an_index_below_a_file_cannot_be_written(
    folder: Path, encoder: Recording, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(IndexWriteError, match="cannot be written .*choose another: --index"):
        run(folder, tmp_path / "file" / "index", encoder, tokenizer)


def test_a_newer_catalogue_is_refused(
    folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer
) -> None:
    run(folder, index, encoder, tokenizer)
    with Catalogue(index / "library.db") as catalogue:
        catalogue._db.execute("PRAGMA user_version = 99")
    with pytest.raises(IndexFormatError, match="has format 99; this version writes up to"):
        run(folder, index, encoder, tokenizer)


def test_an_older_catalogue_is_brought_up_to_date(
    folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer
) -> None:
    run(folder, index, encoder, tokenizer)
    with Catalogue(index / "library.db") as catalogue:
        catalogue._db.executescript(
            "ALTER TABLE documents DROP COLUMN marks; PRAGMA user_version = 1;"
            "DROP TABLE scans; DROP TABLE leaving; DROP TABLE words; DROP TABLE files;"
            "ALTER TABLE documents DROP COLUMN inputs; ALTER TABLE passages DROP COLUMN keys;"
            "ALTER TABLE vectors DROP COLUMN build;"
            "CREATE TABLE files (source TEXT PRIMARY KEY, document TEXT REFERENCES documents (id),"
            " reason TEXT) WITHOUT ROWID;"
            "INSERT INTO files SELECT 'a.txt', id, NULL FROM documents WHERE text LIKE '天桥%';"
            "INSERT INTO files SELECT 'b.txt', id, NULL FROM documents WHERE text LIKE '高新%';"
            "INSERT INTO files VALUES ('c.bin', NULL, 'unknown format')"
        )
    encoder.encoded.clear()
    (folder / "n.txt").write_text("又一份。", encoding="utf-8")
    assert run(folder, index, encoder, tokenizer).published
    assert encoder.encoded == ["又一份。"]


def test_an_older_generation_is_refused_and_made_again(
    folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer
) -> None:
    run(folder, index, encoder, tokenizer)
    path = IndexFolder(index).current() / "manifest.json"
    rewrite(path.parent, {**json.loads(path.read_text("utf-8")), "format": 1})
    with pytest.raises(IndexFormatError, match="has format 1 of an older version; build it again"):
        read_manifest(path.parent)
    assert run(folder, index, encoder, tokenizer).generation == 2


def test_a_newer_generation_is_refused(
    folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer
) -> None:
    run(folder, index, encoder, tokenizer)
    path = IndexFolder(index).current() / "manifest.json"
    rewrite(path.parent, {**json.loads(path.read_text("utf-8")), "format": 99})
    with pytest.raises(IndexFormatError, match="has format 99; this version reads up to"):
        read_manifest(path.parent)


@pytest.mark.parametrize(
    "name", ["vectors.faiss", "sentences.npy", "text.db", "postings/rows.npy", "manifest.json"]
)
def test_a_missing_file_is_named_and_the_next_build_mends_it(
    folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer, name: str
) -> None:
    run(folder, index, encoder, tokenizer)
    (IndexFolder(index).current() / name).unlink()
    with pytest.raises(IndexDamagedError, match=f"'{name}' of generation 000001 .*wenju build"):
        Generation(IndexFolder(index).current())
    report = run(folder, index, encoder, tokenizer)
    assert (report.published, report.encoded) == (True, 0)
    Generation(IndexFolder(index).current())


def test_no_index_and_a_wrong_current(index: Path) -> None:
    with pytest.raises(IndexMissingError, match="There is no index in .*build one first"):
        IndexFolder(index).current()
    index.mkdir()
    (index / "CURRENT").write_text("../x\n", encoding="utf-8")
    with pytest.raises(IndexDamagedError, match="names generation '../x', which is not there"):
        IndexFolder(index).current()


def test_sources_can_be_files_or_folders(
    folder: Path, index: Path, encoder: Recording, tokenizer: Tokenizer
) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "e.txt").write_text("下一层。", encoding="utf-8")
    run(folder, index, encoder, tokenizer)
    generation = Generation(IndexFolder(index).current())
    assert [
        generation.rows_of(generation.select(names)).tolist()
        for names in (["b.txt"], ["sub/"], ["no"], ["s"])
    ] == [
        [2],
        [3],
        [],
        [],
    ]
