"""Damaged and hostile files: each is read or refused, nothing else is ever raised.

300 mutations by default; WENJU_MUTATIONS sets another number.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from embeddings.documents import FileEntry, list_files, read_bytes, read_document
from embeddings.errors import UnreadableFileError
from embeddings.readers import FORMATS, read, visible

from . import samples

COUNT = int(os.environ.get("WENJU_MUTATIONS", "300"))


def originals() -> dict[str, bytes]:
    text = samples.TEXT * 20
    return {
        "utf8.txt": text.encode(),
        "gbk.txt": text.encode("gbk"),
        "big5.txt": (samples.TRADITIONAL * 20).encode("big5"),
        "utf16.txt": text.encode("utf-16"),
        "a.md": (samples.MARKDOWN * 10).encode(),
        "a.html": samples.PAGE.encode(),
        "a.pdf": samples.pdf([["天桥区有直播电商企业120多家。"], ["第二页的文字"]]),
        "a.docx": samples.docx(),
        "a.xlsx": samples.xlsx(),
        "a.pptx": samples.pptx(),
    }


def flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice([1, 3, 30])):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def truncated(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def with_zeros(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes(chance.choice([1, 2, 64])) + data[at:]


def doubled(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[chance.randrange(len(data)) :]


def flipped_inside(data: bytes, chance: random.Random) -> bytes:
    """Change a part of an Office file and pack it again, so that its checksums are right."""
    import io
    import zipfile

    if not data.startswith(b"PK"):
        return flipped(data, chance)
    with zipfile.ZipFile(io.BytesIO(data)) as container:
        name = chance.choice([n for n in container.namelist() if n.endswith((".xml", ".rels"))])
    change = chance.choice([flipped, truncated, doubled])
    return samples.with_part(data, name, change(samples.part(data, name), chance))


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [
    flipped, truncated, with_zeros, doubled, flipped_inside,
]  # fmt: skip


def test_mutated_files_are_read_or_refused() -> None:
    files = originals()
    chance = random.Random(20210616)
    done, reasons = 0, []
    for _ in range(COUNT):
        name, data = chance.choice(list(files.items()))
        mutated = chance.choice(MUTATIONS)(data, chance)
        if chance.random() < 0.15:
            name = "a" + chance.choice(FORMATS)
        try:
            found = read(name, mutated)
            assert found.text.strip()
            assert list(found.page_starts) == sorted(found.page_starts)
            done += 1
        except UnreadableFileError as error:
            reasons.append(str(error))
    assert done + len(reasons) == COUNT
    assert min(done, len(reasons)) * 5 > COUNT
    assert [reason for reason in reasons if len(reason.splitlines()) != 1] == []


def test_originals_are_read() -> None:
    for name, data in originals().items():
        assert len(read(name, data).text) > 20


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("line.txt", ("天桥区" * 1_200_000).encode()),
        ("line.txt", ("天桥区有直播企业" * 640_000).encode("gbk")),
        ("line.html", ("天桥区" * 1_200_000).encode()),
        ("line.md", ("天桥区" * 1_200_000).encode()),
        ("deep.html", ("<div>" * 10_000 + "深" + "</div>" * 10_000).encode()),
        ("open.html", ("<div><span>" * 10_000 + "深").encode()),
    ],
)
def test_long_lines_and_deep_pages_are_read(name: str, data: bytes) -> None:
    started = time.process_time()
    found = read(name, data)
    assert visible(found.text, found.reader).text.strip()
    assert time.process_time() - started < 60


@pytest.mark.parametrize("name", ["a" + ending for ending in FORMATS])
@pytest.mark.parametrize(
    "data", [b"", b"\0" * 1_000_000, b"\xff" * 1_000, b"PK\x03\x04", b"%PDF-1.4"]
)
def test_what_holds_nothing_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(UnreadableFileError):
        read(name, data)


def test_a_folder_named_like_a_file(tmp_path: Path) -> None:
    (tmp_path / "x.txt").mkdir()
    (tmp_path / "x.txt" / "y.txt").write_text("文", encoding="utf-8")
    assert [entry.source for entry in list_files(tmp_path)] == ["x.txt/y.txt"]
    with pytest.raises(UnreadableFileError, match="cannot be opened: Is a directory"):
        read_bytes(FileEntry("x.txt", tmp_path / "x.txt"))


def test_a_document_of_every_format(tmp_path: Path) -> None:
    for name, data in originals().items():
        (tmp_path / name).write_bytes(data)
    documents = [read_document(entry, read_bytes(entry)) for entry in list_files(tmp_path)]
    assert [document.source for document in documents] == sorted(originals())
    readers = {document.reader.partition("/")[0] for document in documents}
    assert readers == {"text", "markdown", "html", "pdf", "word", "excel", "powerpoint"}
    assert {document.source: len(document.page_starts) for document in documents}["a.pdf"] == 2
