"""What `verify` finds: files that changed, and generations that are not what the catalogue says."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from embeddings import checks, checksums
from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.errors import IndexMissingError
from embeddings.halves import open_halves, write_halves
from embeddings.lexical import Tokenizer
from embeddings.manifest import Manifest
from embeddings.records import Span
from embeddings.store import IndexFolder
from embeddings.vectors import VectorIndex
from embeddings.verify import Problem, says, verify
from tests.generations import ENCODER, Changing, seal

TEXTS = {
    "天桥.txt": "天桥区抓党建\n\n天桥区建立4个产业链党组织,覆盖21家企业。园区完成项目22个。\n",
    "重复.txt": "济南要闻\n\n天桥区建立4个产业链党组织,覆盖21家企业。园区完成项目22个。\r\n",
    "濟陽.txt": "濟陽區延鏈\n\n近年來(lái),濟(jì)陽(yáng)區(qū)走訪企業(yè)190余家。\n",
    "page.html": "<h1>党建&amp;园区</h1><p>天桥区&#26377;企业&lt;21&gt;家。</p><p>济南&nbsp;2号。</p>",
    "note.md": "# 济南 *党建*\n\n天桥区有**21家**企业，见[这里](x.html)。\n",
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    root = tmp_path_factory.mktemp("verify")
    (root / "documents").mkdir()
    for name, text in TEXTS.items():
        (root / "documents" / name).write_bytes(text.encode())
    build(root / "documents", root / "index", ENCODER, tokenizer)
    return root / "index"


@pytest.fixture
def index(prepared: Path, tmp_path: Path) -> Path:
    shutil.copytree(prepared, tmp_path / "index")
    return tmp_path / "index"


@pytest.fixture
def changing(tmp_path: Path, tokenizer: Tokenizer) -> Changing:
    return Changing(tmp_path / "changing", tokenizer)


def generation(index: Path) -> Path:
    return IndexFolder(index).current()


def change_text(index: Path, *statements: str) -> None:
    with sqlite3.connect(generation(index) / "text.db") as db:
        for statement in statements:
            assert db.execute(statement).rowcount > 0
    db.close()
    seal(generation(index))


def change_catalogue(index: Path, statement: str) -> None:
    with sqlite3.connect(index / "library.db") as db:
        assert db.execute(statement).rowcount > 0
    db.close()
    checksums.seal(index / "library.db")


def lines(index: Path) -> list[str]:
    return [problem.what for problem in verify(index, ENCODER).problems]


def test_an_index_as_it_was_built_is_clean(index: Path) -> None:
    found = verify(index, ENCODER)
    assert (found.problems, found.notes) == ((), ())
    assert found.generations == (1,)
    assert found.documents == len(TEXTS)
    manifest = json.loads((generation(index) / "manifest.json").read_text(encoding="utf-8"))
    assert found.passages == manifest["counts"]["places"] == 10
    assert found.vectors == manifest["counts"]["passages"] + manifest["counts"]["sentences"]
    assert found.files == len(manifest["files"])
    assert found.bytes == sum(item["bytes"] for item in manifest["files"].values())


def test_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError, match="There is no index"):
        verify(tmp_path / "none", ENCODER)


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        (
            "UPDATE sentences SET text = '天桥区有。' WHERE row = 1",
            r"passage \w+:\d+ has another text",
        ),
        (
            "UPDATE places SET spans = '[[0, 2]]' WHERE number = 3",
            r"passage \w+:\d+ has another spans",
        ),
        (
            "UPDATE places SET heading = '别的' WHERE number = 2",
            r"passage \w+:\d+ has another heading",
        ),
        (
            "UPDATE documents SET title = '别的' WHERE title = '濟陽區延鏈'",
            r"document \w+ \(濟陽.txt\) has another title",
        ),
        (
            "UPDATE documents SET text = replace(text, '覆盖', '盖覆') WHERE text LIKE '天桥区抓%'",
            r"document \w+ \(天桥.txt\) has another text",
        ),
        (
            "UPDATE documents SET text = replace(text, '覆盖', '盖覆') WHERE text LIKE '天桥区抓%'",
            r"the original of passage \w+:\d+ does not say '天桥区建立4个产业链党组织,覆盖21家企",
        ),
        ("UPDATE places SET id = 'x:1' WHERE number = 2", "passage x:1 is not in the catalogue"),
        (
            "UPDATE places SET id = 'x:1' WHERE number = 2",
            r"passage \w+:\d+ is not in the generation",
        ),
    ],
)
def test_a_generation_that_says_something_else_than_the_catalogue(
    index: Path, statement: str, line: str
) -> None:
    change_text(index, statement)
    found = verify(index, ENCODER).problems
    expected = [problem for problem in found if problem.mend.endswith(f"{index} --full")]
    assert expected == list(found)
    assert [p for p in found if re.search(f"^generation and catalogue: {line}", p.what)]


def test_a_passage_of_no_document_is_a_stray(index: Path) -> None:
    change_text(index, "UPDATE places SET passage = 0 WHERE passage = 1")
    assert "generation and catalogue: passage 1 is not in the catalogue" in lines(index)


def test_a_passage_with_another_text_than_its_sentences(index: Path) -> None:
    change_text(index, "UPDATE passages SET text = '天桥区有' WHERE row = 1")
    assert lines(index) == ["generation and catalogue: passage 1 is not in the catalogue"]


def test_counts_of_the_texts(index: Path) -> None:
    change_text(index, "DELETE FROM files WHERE source = 'note.md'")
    assert lines(index) == ["generation 1: 'text.db' has 4 files, not 5"]
    change_text(index, "UPDATE passages SET sentence_count = 9 WHERE row = 1")
    assert "generation 1: 'text.db' gives passages other sentences than it has" in lines(index)


def roll_passages(folder: Path) -> None:
    opened = VectorIndex.open(folder / "vectors.faiss")
    vectors = opened.vectors(range(opened.size)).copy()
    vectors[1] = vectors[1][::-1]
    VectorIndex.write(folder / "vectors.faiss", vectors)


def roll_sentences(folder: Path) -> None:
    vectors = np.array(open_halves(folder / "sentences.npy"), dtype=np.float32)
    vectors[1] = vectors[1][::-1]
    write_halves(folder / "sentences.npy", [vectors], vectors.shape)


@pytest.mark.parametrize("change", [roll_passages, roll_sentences])
def test_vectors_that_are_not_those_of_the_catalogue(
    index: Path, change: Callable[[Path], None]
) -> None:
    change(generation(index))
    seal(generation(index))
    (line,) = lines(index)
    assert line.endswith(" has another vector than in the catalogue")


def test_vectors_of_the_catalogue_that_changed(index: Path) -> None:
    change_catalogue(index, "UPDATE vectors SET vector = zeroblob(length(vector))")
    found = lines(index)
    assert len(found) == 9  # of 10 passages two are one row
    assert all(line.endswith("has another vector than in the catalogue") for line in found)


def test_vectors_of_the_catalogue_that_are_gone(index: Path) -> None:
    change_catalogue(index, "DELETE FROM vectors")
    found = lines(index)
    assert len(found) == 9
    assert all(line.endswith("has no vector in the catalogue") for line in found)


def test_after_a_full_build_that_was_cut_off_nothing_is_wrong(index: Path) -> None:
    change_catalogue(index, "DELETE FROM vectors")
    change_catalogue(index, "DELETE FROM meta WHERE key = 'published'")
    found = verify(index, ENCODER)
    assert found.problems == ()
    assert found.notes[-1].startswith("the catalogue does not have all vectors: a full build was")


def test_without_the_model_vectors_are_not_compared(index: Path) -> None:
    for encoder in (None, CountingEncoder("别")):
        found = verify(index, encoder)
        assert (found.problems, found.vectors, found.documents) == ((), 0, len(TEXTS))
        assert found.notes == ("vectors are not compared: the index's model is not here",)


def test_files_that_are_missing_changed_or_too_many(index: Path) -> None:
    folder = generation(index)
    (folder / "scripts.npy").unlink()
    (folder / "postings" / "rows.npy").write_bytes(b"short")
    (folder / "extra").touch()
    whole = (folder / "postings" / "postings.json").read_bytes()
    (folder / "postings" / "postings.json").write_bytes(whole.replace(b"1", b"2", 1))
    assert [line.removeprefix("generation 1: ") for line in lines(index)] == [
        "'postings/postings.json' differs from its checksum",
        f"'postings/rows.npy' has 5 bytes, not {size_of(index, 'postings/rows.npy')}",
        "'scripts.npy' is missing",
        "'extra' does not belong there",
    ]


def size_of(index: Path, name: str) -> int:
    fields = json.loads((generation(index) / "manifest.json").read_text(encoding="utf-8"))
    return int(fields["files"][name]["bytes"])


def test_the_next_build_mends_what_verify_marked(changing: Changing) -> None:
    changing.publish(1)
    path = changing.folder.current() / "text.db"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    (problem,) = verify(changing.index, ENCODER).problems
    assert problem.mend == f"wenju build {changing.documents} --index {changing.index}"
    report = changing.build()
    assert (report.published, report.encoded) == (True, 0)
    assert verify(changing.index, ENCODER).problems == ()
    assert changing.folder.numbers() == [2]


def test_after_a_rollback_nothing_is_wrong_and_it_is_said(changing: Changing) -> None:
    for version in (1, 2):
        changing.publish(version)
    changing.folder.go_back()
    found = verify(changing.index, ENCODER)
    assert found.problems == ()
    assert found.notes[-1].startswith("the catalogue is not of the published generation")
    changing.build()
    assert verify(changing.index, ENCODER).notes == ()


def test_after_a_build_that_was_cut_off_nothing_is_wrong(
    changing: Changing, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing.publish(1)

    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for place in ("embeddings.generation._write_text", "embeddings.store.IndexFolder._name"):
        monkeypatch.setattr(place, cut)
        with pytest.raises(KeyboardInterrupt):
            changing.publish(2)
        monkeypatch.undo()
        found = verify(changing.index, ENCODER)
        assert found.problems == ()
        assert changing.folder.current().name == "000001"


def test_after_a_build_that_was_cut_off_behind_publishing_all_is_compared(
    changing: Changing, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing.publish(1)

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("embeddings.catalogue.Catalogue.accept", cut)
    with pytest.raises(KeyboardInterrupt):
        changing.publish(2)
    assert changing.folder.current().name == "000002"
    found = verify(changing.index, ENCODER)
    assert (found.problems, found.notes, found.documents) == ((), (), 2)


def test_a_generation_that_a_builder_removes_meanwhile_is_not_missed(
    changing: Changing, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing.publish(1)
    monkeypatch.setattr(IndexFolder, "numbers", lambda _: [1, 7])
    found = verify(changing.index, ENCODER)
    assert (found.problems, found.generations) == ((), (1,))


def test_a_generation_is_held_while_it_is_read(
    changing: Changing, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing.publish(1)
    changing.publish(2)
    own = checks.checksums

    def checksums(folder: Path, manifest: Manifest) -> Iterator[str]:
        if folder.name == "000001":
            changing.publish(3)
            changing.publish(4)
        return own(folder, manifest)

    monkeypatch.setattr("embeddings.verify.checksums", checksums)
    assert verify(changing.index, ENCODER).problems == ()
    assert 1 in changing.folder.numbers()


def test_a_catalogue_that_cannot_be_read(index: Path) -> None:
    size = (index / "library.db").stat().st_size
    (index / "library.db").write_bytes(b"\xff" * size)
    (problem,) = verify(index, ENCODER).problems
    assert "library.db' is not a catalogue" in problem.what
    assert problem.mend.startswith(
        f"delete '{index}/library.db', then encode all again: wenju build"
    )


def test_a_catalogue_of_another_version(index: Path) -> None:
    with sqlite3.connect(index / "library.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    checksums.seal(index / "library.db")
    (problem,) = verify(index, ENCODER).problems
    assert "has format 99; this version writes up to" in problem.what


def test_without_a_catalogue(index: Path) -> None:
    (index / "library.db").unlink()
    found = verify(index, ENCODER)
    assert found.problems == ()
    assert found.notes[0].startswith("there is no catalogue; the next build encodes all again")


def test_current_that_names_nothing(index: Path) -> None:
    (index / "CURRENT").write_text("000009\n", encoding="utf-8")
    (problem,) = verify(index, ENCODER).problems
    assert isinstance(problem, Problem)
    assert "names generation '000009', which is not there" in problem.what


@pytest.mark.parametrize(
    ("original", "spans", "text", "true"),
    [
        ("天桥区有21家。", [(0, 8)], "天桥区有21家。", True),
        ("天桥区有21家。", [(0, 7)], "天桥区有21家。", False),
        ("天桥区有21家。", [(1, 8)], "天桥区有21家。", False),
        ("。天桥区有21家。", [(0, 9)], "天桥区有21家。", False),
        ("濟(jì)陽\r\n　區。", [(0, 11)], "濟陽區。", True),
        ("濟陽區。", [(0, 4)], "陽濟區。", False),
        ("天桥图片区。", [(0, 2), (4, 6)], "天桥区。", True),
        ("天桥图片区。", [(4, 6), (0, 2)], "区。天桥", False),
        ("a &amp; &#20013;", [(0, 16)], "a & 中", True),
        ("天桥", [(0, 3)], "天桥", False),
        ("天桥", [], "天桥", False),
    ],
)
def test_what_an_original_says(
    original: str, spans: list[tuple[int, int]], text: str, true: bool
) -> None:
    assert says(original, [Span(*span) for span in spans], text) is true
