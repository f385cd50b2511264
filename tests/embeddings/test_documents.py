"""Which files are read, how they are decoded, and why others are not."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

import pytest

from embeddings.documents import FileEntry, decode, list_files, read_bytes, read_document
from embeddings.errors import SourceError, UnopenedFileError, UnreadableFileError


def test_files_are_listed_by_source_without_hidden_and_temporary_ones(tmp_path: Path) -> None:
    for name in ["乙.txt", "a/b.md", ".git/x.txt", ".hidden.txt", "~$word.txt", "c.txt~", "甲.pdf"]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("文", encoding="utf-8")
    (tmp_path / "folder.txt").mkdir()
    assert [entry.source for entry in list_files(tmp_path)] == ["a/b.md", "乙.txt", "甲.pdf"]


def test_sources_are_nfc(tmp_path: Path) -> None:
    (tmp_path / "e\u0301.txt").write_text("文", encoding="utf-8")
    assert [entry.source for entry in list_files(tmp_path)] == ["\u00e9.txt"]


def test_a_file_is_listed_with_its_stamp(tmp_path: Path) -> None:
    path = tmp_path / "济南.txt"
    path.write_text("文", encoding="utf-8")
    os.utime(path, ns=(0, 1_600_000_000_123_456_789))
    (entry,) = list_files(tmp_path)
    assert entry.stamp == (3, 1_600_000_000_123_456_789, path.stat().st_ino)


def test_a_folder_can_be_left_out(tmp_path: Path) -> None:
    for name in ["甲.txt", "index/乙.txt", "下/index/丙.txt"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = list_files(tmp_path, without=tmp_path / "下" / ".." / "index")
    assert [entry.source for entry in found] == ["下/index/丙.txt", "甲.txt"]


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes only there")
def test_names_that_are_not_unicode_and_names_in_two_forms(tmp_path: Path) -> None:
    gbk = "济南.txt".encode("gbk")
    (tmp_path / os.fsdecode(gbk)).write_text("文", encoding="utf-8")
    for form in ("NFC", "NFD"):
        (tmp_path / unicodedata.normalize(form, "é.txt")).write_text("文", encoding="utf-8")
    found = {entry.source: entry.problem for entry in list_files(tmp_path)}
    assert found == {
        "\\xbc\\xc3\\xc4\\xcf.txt": "its name is not valid Unicode; rename it",
        "é.txt": None,
        r"é.txt (\xe9.txt)": "another file has this name in another Unicode form; "
        "rename one of them",
    }


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_links_are_followed_and_a_broken_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "甲.txt").write_text("文", encoding="utf-8")
    (tmp_path / "链.txt").symlink_to("甲.txt")
    (tmp_path / "断.txt").symlink_to("没有.txt")
    (tmp_path / "圈.txt").symlink_to("圈.txt")
    found = {entry.source: entry for entry in list_files(tmp_path)}
    assert found["链.txt"].stamp == found["甲.txt"].stamp
    assert (
        found["断.txt"].problem == "cannot be opened: No such file or directory; check its rights"
    )
    assert found["圈.txt"].problem == (
        "cannot be opened: Too many levels of symbolic links; check its rights"
    )
    with pytest.raises(UnopenedFileError, match="No such file or directory"):
        read_bytes(found["断.txt"])


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    secret, root = tmp_path / "密.txt", tmp_path / "文"
    secret.write_text("密码是 1234。", encoding="utf-8")
    (root / "夹").mkdir(parents=True)
    (root / "甲.txt").write_text("文", encoding="utf-8")
    (root / "夹" / "内.txt").symlink_to("../甲.txt")
    (root / "夹" / "外.txt").symlink_to(secret)
    (root / "夹" / "绕.txt").symlink_to("../../文/../密.txt")
    (root / "上").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "另").symlink_to(root, target_is_directory=True)
    for folder in (root, tmp_path / "另"):
        found = {entry.source: entry.problem for entry in list_files(folder)}
        outside = "a link that leads out of its folder; put the file itself there"
        assert found == {
            "甲.txt": None, "夹/内.txt": None, "夹/外.txt": outside, "夹/绕.txt": outside
        }  # fmt: skip


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    entry = FileEntry("甲.txt", tmp_path / "甲.txt")
    with pytest.raises(UnopenedFileError, match="it was removed while the folder was read"):
        read_bytes(entry)


def test_a_missing_folder_and_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist; give a folder that holds your files"):
        list_files(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="is a file; give a folder"):
        list_files(tmp_path / "file")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("济南\r\n市".encode(), "济南\r\n市"),
        ("\ufeff济南".encode(), "济南"),
        ("济南".encode("utf-16"), "济南"),
        ("\ufeff济南".encode("utf-16-be"), "济南"),
        ("济南市".encode("gb18030"), "济南市"),
    ],
)
def test_decoding(data: bytes, text: str) -> None:
    assert decode(data) == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xff\xff", r"not UTF-8 \(byte 0\), and no Chinese text in GB18030"),
        (b"PK\x03\x04\x00", "holds control characters, so it is not text"),
    ],
)
def test_what_is_not_text_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=reason):
        decode(data)


def test_a_document_keeps_its_text_and_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "济南_20210616.txt"
    path.write_bytes("济南\r\n".encode())
    entry = FileEntry(path.name, path)
    read = read_document(entry, read_bytes(entry))
    assert (read.source, read.text, read.date) == (path.name, "济南\r\n", "2021-06-16")
    assert len(read.id) == 32


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "a.xyz",
            b"x",
            r"unknown format \(.xyz\); read are .txt, .md, .markdown, .html, .htm, .pdf",
        ),
        ("noending", b"x", r"unknown format \(no ending\)"),
        ("empty.txt", b"", "empty; nothing to index"),
        ("blank.txt", b" \n\xe3\x80\x80\n", "empty; nothing to index"),
    ],
)
def test_files_that_are_skipped(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    entry = FileEntry(name, path)
    with pytest.raises(UnreadableFileError, match=reason):
        read_document(entry, read_bytes(entry))
