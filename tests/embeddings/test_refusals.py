"""What a build does where disks, rights and files fail: one sentence, and nothing lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from embeddings import checksums
from embeddings.build import build, plan
from embeddings.catalogue import Catalogue
from embeddings.documents import list_files
from embeddings.errors import IndexDamagedError, IndexWriteError, SourceError
from embeddings.lexical import Tokenizer
from embeddings.progress import Progress
from embeddings.store import Generation, IndexFolder
from tests.embeddings.building import Recording, write

NOBODY = 65534
is_root = hasattr(os, "geteuid") and os.geteuid() == 0
needs_rights = pytest.mark.skipif(os.name == "nt", reason="needs the rights of POSIX")
needs_mount = pytest.mark.skipif(not is_root, reason="mounts a small disk, which only root may")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that others may enter, as pytest's own may not be."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def folder(place: Path) -> Path:
    root = place / "documents"
    for number in range(4):
        write(root / f"{number}.txt", f"天桥区有{number}个产业园。济南有{number}家企业。\n")
    return root


@contextmanager
def without_rights() -> Iterator[None]:
    """Be nobody for a while where this is root, for whom no file is forbidden."""
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@contextmanager
def small_disk(path: Path, kilobytes: int) -> Iterator[None]:
    path.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(path)]
    if subprocess.run(["mount", *options], check=False, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield
        subprocess.run(["umount", str(path)], check=True)  # fails when a file is still open
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False, capture_output=True)


@needs_mount
@pytest.mark.parametrize("free", [0, 100_000, 300_000, 500_000])
def test_a_full_disk_keeps_what_was_done(
    folder: Path, place: Path, tokenizer: Tokenizer, free: int
) -> None:
    encoder, index = Recording(), place / "disk" / "index"
    with small_disk(place / "disk", 6000):
        build(folder, index, encoder, tokenizer)
        filler = place / "disk" / "filler"
        filler.write_bytes(bytes(shutil.disk_usage(place / "disk").free - free))
        for number in range(60):
            write(folder / f"n{number}.txt", f"高新区第{number}个园区。" * 20, 60)
        with pytest.raises(
            IndexWriteError, match="(full|disk I.O error|No space left on device).*make room"
        ):
            build(folder, index, encoder, tokenizer)
        assert Generation(IndexFolder(index).current()).manifest.number == 1
        filler.unlink()
        report = build(folder, index, encoder, tokenizer)
        assert (report.generation, report.documents) == (2, 64)
        assert len(encoder.encoded) == len(set(encoder.encoded))


@needs_mount
def test_a_disk_that_cannot_be_written(folder: Path, place: Path, tokenizer: Tokenizer) -> None:
    index = place / "disk" / "index"
    with small_disk(place / "disk", 4000):
        build(folder, index, Recording(), tokenizer)
        subprocess.run(["mount", "-o", "remount,ro", str(place / "disk")], check=True)
        with pytest.raises(IndexWriteError, match=r"cannot be written \(Read-only file system\)"):
            build(folder, index, Recording(), tokenizer)
        assert plan(folder, index, Recording(), tokenizer).changes.unchanged == 4


@needs_rights
def test_an_index_folder_without_the_right_to_write(
    folder: Path, place: Path, tokenizer: Tokenizer
) -> None:
    index = place / "index"
    build(folder, index, Recording(), tokenizer)
    index.chmod(0o555)
    try:
        with (
            without_rights(),
            pytest.raises(IndexWriteError, match=r"cannot be written .*--index FOLDER"),
        ):
            build(folder, index, Recording(), tokenizer)
    finally:
        index.chmod(0o755)


def test_a_catalogue_that_is_none(folder: Path, place: Path, tokenizer: Tokenizer) -> None:
    index = place / "index"
    build(folder, index, Recording(), tokenizer)
    (index / "library.db").write_bytes(b"no database at all" * 99)
    for act in (build, plan):
        with pytest.raises(IndexDamagedError, match=r"library.db' is not a catalogue .*delete"):
            act(folder, index, Recording(), tokenizer)


def test_a_page_of_the_catalogue_that_is_damaged(
    folder: Path, place: Path, tokenizer: Tokenizer
) -> None:
    index = place / "index"
    build(folder, index, Recording(), tokenizer)
    checksums.unseal(index / "library.db")  # as a build leaves it that was cut off
    with (index / "library.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * ((index / "library.db").stat().st_size - 4096))
    with pytest.raises(IndexDamagedError, match="malformed.*wenju build"):
        build(folder, index, Recording(), tokenizer)


@needs_rights
def test_a_file_and_a_folder_without_the_right_to_read(
    folder: Path, place: Path, tokenizer: Tokenizer
) -> None:
    write(folder / "密" / "甲.txt", "高新区。")
    (folder / "0.txt").chmod(0)
    (folder / "密").chmod(0)
    index = place / "index"
    index.mkdir()
    index.chmod(0o777)
    with without_rights():
        report = build(folder, index, Recording(), tokenizer)
    assert [(file.source, file.reason) for file in report.skipped] == [
        ("0.txt", "cannot be opened: Permission denied; check its rights"),
        ("密", "this folder cannot be listed: Permission denied; check its rights"),
    ]
    (folder / "0.txt").chmod(0o644)
    (folder / "密").chmod(0o755)
    shutil.rmtree(index / "generations")  # they belong to nobody
    assert build(folder, index, Recording(), tokenizer).read == (
        "0.txt", "1.txt", "2.txt", "3.txt", "密/甲.txt",
    )  # fmt: skip


@needs_rights
def test_a_root_without_the_right_to_read(folder: Path) -> None:
    folder.chmod(0)
    try:
        with without_rights(), pytest.raises(SourceError, match="is not readable; allow reading"):
            list_files(folder)
    finally:
        folder.chmod(0o755)


def when_read(steps: int, act: Callable[[], object]) -> Callable[[Progress], None]:
    """Return a callback that acts once, when `steps` files were read."""

    def tell(at: Progress) -> None:
        if at.stage == "read" and at.done == steps:
            act()

    return tell


def test_a_file_that_vanishes_after_it_was_listed(
    folder: Path, place: Path, tokenizer: Tokenizer
) -> None:
    tell = when_read(1, (folder / "2.txt").unlink)
    report = build(folder, place / "index", Recording(), tokenizer, on_progress=tell)
    assert report.read == ("0.txt", "1.txt", "3.txt")
    assert [(file.source, file.reason) for file in report.skipped] == [
        ("2.txt", "it was removed while the folder was read")
    ]


def test_a_root_that_vanishes_while_it_is_read(
    folder: Path, place: Path, tokenizer: Tokenizer
) -> None:
    tell = when_read(2, lambda: folder.rename(place / "away"))
    with pytest.raises(SourceError, match="vanished while it was read; is a drive missing"):
        build(folder, place / "index", Recording(), tokenizer, on_progress=tell)
    assert IndexFolder(place / "index").numbers() == []
    (place / "away").rename(folder)
    assert build(folder, place / "index", Recording(), tokenizer).documents == 4


def test_a_root_that_is_emptied_while_it_is_read(
    folder: Path, place: Path, tokenizer: Tokenizer
) -> None:
    build(folder, place / "index", Recording(), tokenizer)

    def empty() -> None:
        for path in folder.iterdir():
            path.unlink()

    def rebuild(*, prune: bool) -> None:
        for number in range(4):
            write(folder / f"{number}.txt", f"高新区有{number}个园区。", 60 - prune)
        build(
            folder, place / "index", Recording(), tokenizer, prune=prune,
            on_progress=when_read(1, empty),
        )  # fmt: skip

    with pytest.raises(SourceError, match="3 of the 4 files in the index can no longer be read"):
        rebuild(prune=False)
    assert IndexFolder(place / "index").numbers() == [1]
    rebuild(prune=True)
    with Catalogue(place / "index" / "library.db") as catalogue:
        assert [file.source for file in catalogue.published_files() if file.document] == ["0.txt"]


def test_an_index_below_its_own_documents(folder: Path, tokenizer: Tokenizer) -> None:
    index = folder / "index"
    first = build(folder, index, Recording(), tokenizer)
    again = build(folder, index, Recording(), tokenizer)
    assert (first.read, first.skipped) == (again.read, again.skipped)
    assert (len(first.read), first.skipped) == (4, ())
    assert not again.published
