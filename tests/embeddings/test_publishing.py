"""Publishing, what is kept, going back, and generations that are not fit to be published."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embeddings import checks
from embeddings.catalogue import Catalogue
from embeddings.errors import (
    IndexDamagedError,
    IndexFolderError,
    IndexMissingError,
    IndexWriteError,
)
from embeddings.lexical import Postings, Tokenizer
from embeddings.manifest import read_manifest
from embeddings.opening import open_published
from embeddings.store import Generation, IndexFolder
from embeddings.vectors import VectorIndex
from tests.generations import ENCODER, Changing, rewrite

ROOT = Path(__file__).parents[2]

READER = """
import sys
from pathlib import Path
from embeddings.opening import open_published
from embeddings.store import IndexFolder
generation = open_published(IndexFolder(Path(sys.argv[1]))).generation
for line in sys.stdin:
    print(generation.manifest.number, generation.passages([0])[0].text, flush=True)
"""

BUILDER = """
import os, sys
from pathlib import Path
from embeddings.build import build
from embeddings.errors import WenjuError
from embeddings.lexical import Tokenizer
from embeddings.model import home
from tests.generations import ENCODER
try:
    build(Path(sys.argv[1]), Path(sys.argv[2]), ENCODER, Tokenizer(home() / "jieba"))
except WenjuError as error:
    print(type(error).__name__, error)
"""

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


@pytest.fixture
def changing(tmp_path: Path, tokenizer: Tokenizer) -> Changing:
    return Changing(tmp_path, tokenizer)


@pytest.fixture
def reader(changing: Changing) -> Iterator[subprocess.Popen[str]]:
    """A process that opened generation 1 and reads from it for each line it is sent."""
    changing.publish(1)
    process = subprocess.Popen(
        [sys.executable, "-c", READER, str(changing.index)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert answer_of(process).startswith("1 天桥")
    yield process
    process.kill()
    process.communicate()


def answer_of(process: subprocess.Popen[str]) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("?\n")
    process.stdin.flush()
    return process.stdout.readline()


def built_by_another(changing: Changing, before: Any) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BUILDER, str(changing.documents), str(changing.index)],
        capture_output=True, text=True, cwd=ROOT, check=True, preexec_fn=before,
    )  # fmt: skip
    return done.stdout.strip()


def test_a_reader_keeps_its_generation_until_it_ends(
    changing: Changing, reader: subprocess.Popen[str]
) -> None:
    for version in (2, 3, 4):
        changing.publish(version)
        assert answer_of(reader).startswith("1 天桥：天桥区有1家企业。")
    assert changing.folder.numbers() == [1, 3, 4]
    reader.kill()
    reader.communicate()
    changing.publish(5)
    assert changing.folder.numbers() == [4, 5]


def test_a_build_without_changes_removes_what_no_reader_holds_any_more(
    changing: Changing, reader: subprocess.Popen[str]
) -> None:
    changing.publish(2)
    changing.publish(3)
    reader.kill()
    reader.communicate()
    assert changing.folder.numbers() == [1, 2, 3]
    assert not changing.build().published
    assert changing.folder.numbers() == [2, 3]
    assert sorted(path.name for path in changing.folder.generations.iterdir()) == [
        "000002",
        "000003",
    ]


def test_an_open_generation_is_let_go_with_its_last_reference(changing: Changing) -> None:
    changing.publish(1)
    generation = open_published(changing.folder).generation
    for version in (2, 3):
        changing.publish(version)
    assert changing.folder.numbers() == [1, 2, 3]
    del generation
    changing.publish(4)
    assert changing.folder.numbers() == [3, 4]


def test_going_back_once_and_no_further_than_what_is_kept(changing: Changing) -> None:
    for version in (1, 2, 3):
        changing.publish(version)
    assert changing.folder.go_back().name == "000002"
    assert open_published(changing.folder).generation.manifest.number == 2
    with pytest.raises(
        IndexDamagedError, match="keeps no whole generation before 2, .* wenju build .*documents"
    ):
        changing.folder.go_back()
    assert changing.folder.current().name == "000002"


def test_a_build_after_going_back_publishes_the_documents_anew(changing: Changing) -> None:
    for version in (1, 2):
        changing.publish(version)
    changing.folder.go_back()
    report = changing.build()
    assert (report.published, report.generation, report.encoded) == (True, 3, 0)
    assert "有2家" in open_published(changing.folder).generation.passages([0])[0].text
    # what was gone back to is kept, not what was gone back from
    assert changing.folder.numbers() == [1, 3]
    assert changing.folder.go_back().name == "000001"


def test_going_back_does_not_stop_at_what_was_gone_back_from(changing: Changing) -> None:
    for version in (1, 2):
        changing.publish(version)
    held = Generation(changing.folder.current())
    changing.folder.go_back()
    changing.build()
    assert changing.folder.numbers() == [1, 2, 3]
    assert changing.folder.before(3) == 1
    held.close()


def test_nothing_to_go_back_to_before_a_first_build(changing: Changing) -> None:
    with pytest.raises(IndexMissingError, match="There is no index in"):
        changing.folder.go_back()


def test_a_damaged_generation_is_not_gone_back_to_and_not_kept(changing: Changing) -> None:
    for version in (1, 2):
        changing.publish(version)
    (changing.folder.folder(2) / "text.db").unlink()
    changing.publish(3)
    assert changing.folder.before(3) == 1
    assert changing.folder.numbers() == [1, 3]


def test_numbers_are_never_used_twice(changing: Changing) -> None:
    for version in (1, 2):
        changing.publish(version)
    changing.folder.go_back()
    changing.build()
    assert read_manifest(changing.folder.current()).before == 1
    changing.folder.go_back()
    assert changing.publish(4).generation == 4


def wrong_vectors(path: Path, vectors: Any, write: Any = VectorIndex.write) -> None:
    write(path, np.roll(vectors, 1, axis=0))


def short_postings(folder: Path, rows: Any, *_: Any, write: Any = Postings.write) -> None:
    write(folder, [[] for _ in list(rows)[1:]])


def other_words(folder: Path, rows: Any, *_: Any, write: Any = Postings.write) -> None:
    write(folder, [["别"] for _ in rows])


@pytest.mark.parametrize(
    ("place", "wrong", "sentence"),
    [
        ("VectorIndex.write", wrong_vectors, "passage 0 is not found by its own vector"),
        ("Postings.write", other_words, "passage 0 is not found by its own word"),
        ("Postings.write", short_postings, "'postings' of generation 000002.partial"),
    ],
)
def test_what_does_not_find_itself_is_not_published(
    changing: Changing,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    wrong: Any,
    sentence: str,
) -> None:
    changing.publish(1)
    monkeypatch.setattr(f"embeddings.generation.{place}", staticmethod(wrong))
    with pytest.raises(IndexDamagedError, match=f"{sentence}.*wenju build"):
        changing.publish(2)
    assert changing.folder.current().name == "000001"
    assert [path.name for path in changing.folder.generations.iterdir()] == ["000001"]
    monkeypatch.undo()
    assert changing.build().published


def test_a_file_that_changes_after_it_was_written_is_noticed(
    changing: Changing, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing.publish(1)
    own = checks.check

    def check(folder: Path, samples: Any) -> None:
        path = folder / "sentences.npy"
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        own(folder, samples)

    monkeypatch.setattr("embeddings.generation.check", check)
    with pytest.raises(
        IndexDamagedError, match="is not published: 'sentences.npy' differs from its checksum"
    ):
        changing.publish(2)
    assert changing.folder.current().name == "000001"


def test_counts_that_disagree_are_noticed(changing: Changing) -> None:
    changing.publish(1)
    folder = changing.folder.current()
    path = folder / "manifest.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    fields["counts"]["files"] = 7
    rewrite(folder, fields)
    assert list(checks.counts(Generation(folder))) == ["'text.db' has 2 files, not 7"]


@pytest.mark.parametrize(
    ("what", "error", "sentence"),
    [
        ("text.db", IndexWriteError, "cannot be written to .*make room.*goes on answering"),
        ("sentences.npy", IndexWriteError, "cannot be written to .*make room.*goes on answering"),
        # FAISS says nothing of an error when it closes a file
        (
            "vectors.faiss",
            IndexDamagedError,
            "did not pass its check.*disk full.*goes on answering",
        ),
    ],
)
def test_a_disk_that_is_full_half_way_is_told_in_a_sentence(
    changing: Changing,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    error: type[IndexFolderError],
    sentence: str,
) -> None:
    """/dev/full refuses every byte, as a full disk does."""
    changing.publish(1)
    own = IndexFolder.start_generation

    def start(folder: IndexFolder) -> tuple[int, Path]:
        number, partial = own(folder)
        (partial / what).symlink_to("/dev/full")
        return number, partial

    monkeypatch.setattr(IndexFolder, "start_generation", start)
    with pytest.raises(error, match=sentence):
        changing.publish(2)
    assert changing.folder.current().name == "000001"
    assert [path.name for path in changing.folder.generations.iterdir()] == ["000001"]


def without_rights() -> None:
    """Make this process one that may not write where it is not allowed to, even as root."""
    if os.geteuid() == 0:
        ctypes.CDLL(None, use_errno=True).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


@pytest.fixture
def read_only(changing: Changing) -> Iterator[Changing]:
    changing.publish(1)
    changing.write(2)
    for path in [changing.index, *changing.index.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield changing
    for path in [changing.index, *changing.index.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_read_only_folder_is_read_and_not_written(read_only: Changing) -> None:
    said = built_by_another(read_only, without_rights)
    assert said.startswith("IndexWriteError The index folder")
    assert "cannot be written" in said
    process = subprocess.run(
        [sys.executable, "-c", READER, str(read_only.index)],
        input="?\n", capture_output=True, text=True, cwd=ROOT, check=True,
        preexec_fn=without_rights,
    )  # fmt: skip
    assert process.stdout == "1 天桥：天桥区有1家企业。济南的第1版，天桥园党建。\n"


def test_a_build_cut_off_at_its_very_beginning_leaves_no_obstacle(changing: Changing) -> None:
    changing.folder.generations.mkdir(parents=True)
    for name in ("build.lock", "writer.json"):
        (changing.index / name).write_text("{}", encoding="utf-8")
    assert changing.publish(1).published


def test_a_half_removed_generation_is_cleared_away(changing: Changing) -> None:
    changing.publish(1)
    shutil.copytree(changing.folder.current(), changing.folder.generations / "000000.removed")
    changing.build()
    assert [path.name for path in changing.folder.generations.iterdir()] == ["000001"]


def test_a_generation_renamed_but_not_named_is_not_published(changing: Changing) -> None:
    """A kill between the two renames: the next build takes the number after it."""
    for version in (1, 2):
        changing.publish(version)
    changing.folder._name(changing.folder.folder(1))
    assert changing.build().generation == 3
    assert changing.folder.numbers() == [1, 3]


def test_an_index_with_a_catalogue_of_another_version_goes_on_answering(
    changing: Changing,
) -> None:
    changing.publish(1)
    with Catalogue(changing.folder.catalogue) as catalogue:
        catalogue._db.execute("PRAGMA user_version = 99")
    with pytest.raises(IndexFolderError, match="has format 99; .*--index FOLDER"):
        changing.publish(2)
    opened = open_published(changing.folder)
    assert (opened.generation.manifest.number, opened.warning) == (1, None)
    assert opened.generation.manifest.fingerprint == ENCODER.fingerprint


def test_the_next_writer_removes_what_one_that_was_cut_off_left(changing: Changing) -> None:
    changing.publish(1)
    generations = changing.folder.generations
    for name in ("000002.partial", "000000.removed"):
        shutil.copytree(changing.folder.current(), generations / name)
    (changing.index / "CURRENT.new").write_text("00", encoding="utf-8")
    assert not changing.build().published
    assert [path.name for path in generations.iterdir()] == ["000001"]
    assert not (changing.index / "CURRENT.new").exists()
