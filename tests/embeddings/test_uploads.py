"""Files given to an index: their names, limits, equal bytes, removal and the way back."""

from __future__ import annotations

import threading
import unicodedata
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from embeddings.documents import is_left_out
from embeddings.errors import IndexWriteError, SourceError, UnreadableFileError
from embeddings.settings import Settings
from embeddings.uploads import LONGEST_NAME, Added, Limits, Uploads, given_to, safe_name
from tests.embeddings.readers import samples

OLD_OFFICE = bytes.fromhex("d0cf11e0a1b11ae1")


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    (tmp_path / "index").mkdir()
    return Uploads(tmp_path / "index", Limits(1000, 5, 2500))


def add(uploads: Uploads, name: str, data: str | bytes, taken: set[str] | None = None) -> Added:
    with uploads.receiving() as file:
        file.write(data.encode() if isinstance(data, str) else data)
        return uploads.keep(name, file, taken or ())


def names(uploads: Uploads) -> list[str]:
    return [entry.source for entry in uploads.entries()]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("报告.txt", "报告.txt"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\文件\\报告.TXT", "报告.TXT"),
        ("/绝对/名.md", "名.md"),
        ("他说“好”'x'.txt", "他说“好”'x'.txt"),
        ("家庭👨‍👩‍👧🎉.txt", "家庭👨‍👩‍👧🎉.txt"),
        ("a\x00b\nc\t.txt", "abc.txt"),
        ("倒\u202etxt.exe.txt", "倒txt.exe.txt"),
        ("  两  个\u3000空格 .txt", "两 个 空格.txt"),
        (".隐藏.txt", "隐藏.txt"),
        ("~$锁.docx", "锁.docx"),
        ("e\u0301.txt", "\u00e9.txt"),
        ("CON.txt", "_CON.txt"),
        ("。全角．txt.txt", "。全角．txt.txt"),
    ],
)
def test_names_are_made_safe(name: str, kept: str) -> None:
    assert safe_name(name) == kept


@pytest.mark.parametrize("name", ["", "/", "..", ".txt", "没有结尾", "a.exe", "a.txt/..", "a.tmp"])
def test_names_of_no_known_format_are_refused(name: str) -> None:
    with pytest.raises(UnreadableFileError, match="read are .txt"):
        safe_name(name)


@given(st.text(max_size=300), st.sampled_from([".txt", ".PDF", ".Md", ".docx"]))
@example("\ud800", ".txt")
@example("文" * 300, ".txt")
@example("aux.a", ".txt")
def test_any_name_is_safe_and_stays_so(stem: str, ending: str) -> None:
    name = safe_name(f"{stem}x{ending}")
    assert name == safe_name(name)
    assert unicodedata.is_normalized("NFC", name)
    assert "/" not in name
    assert "\\" not in name
    assert not any(unicodedata.category(character) == "Cc" for character in name)
    assert len(name.encode("utf-8")) <= LONGEST_NAME
    assert name.lower().endswith(ending.lower())
    assert not is_left_out(name)


@given(st.text(max_size=40))
def test_whatever_the_name_a_file_lands_in_the_folder_or_is_refused(name: str) -> None:
    try:
        safe = safe_name(name)
    except UnreadableFileError:
        return
    assume(safe)
    assert Path("a", safe).parent == Path("a")
    assert Path(safe).name == safe


def test_uploads_lie_below_their_own_root(uploads: Uploads) -> None:
    assert add(uploads, "报告.txt", "高新区。") == Added("uploads/报告.txt", 12, new=True)
    assert names(uploads) == ["uploads/报告.txt"]
    assert (uploads.folder / "报告.txt").read_text(encoding="utf-8") == "高新区。"
    assert [path.name for path in uploads.folder.iterdir()] == ["报告.txt"]


def test_names_that_are_taken_get_a_number(uploads: Uploads) -> None:
    add(uploads, "甲.txt", "一")
    assert add(uploads, "甲.txt", "二").source == "uploads/甲 (2).txt"
    assert add(uploads, "甲.TXT", "三").source == "uploads/甲 (3).TXT"
    taken = {"uploads/乙.txt"}
    assert add(uploads, "乙.txt", "四", taken).source == "uploads/乙 (2).txt"


def test_the_same_bytes_are_kept_once_and_told(uploads: Uploads) -> None:
    add(uploads, "甲.txt", "高新区。")
    assert add(uploads, "乙.txt", "高新区。") == Added("uploads/甲.txt", 12, new=False)
    assert add(uploads, "乙.txt", "天桥区。").new
    assert names(uploads) == ["uploads/乙.txt", "uploads/甲.txt"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("甲.exe", b"MZ", r"unknown format \(.exe\)"),
        ("甲.doc", b"\xd0\xcf\x11\xe0", "an old Word file"),
        ("甲.docx", b"%PDF-1.7", r"the content is a PDF; give it its true ending"),
        ("甲.pdf", b"no pdf at all", r"not a .pdf file, or damaged"),
        ("甲.txt", b"PK\x03\x04", "the content is a zip container"),
        ("甲.txt", b"  \n ", "empty; nothing to index"),
        ("甲.txt", b"", "empty; nothing to index"),
        ("甲.txt", b"MZ\x90" + bytes(500), "holds zero bytes, so it is not text"),
        ("甲.md", b"\xff\xfe\x00\xd8", "begins as UTF-16"),
        ("甲.docx", OLD_OFFICE + bytes(500), "encrypted, or of the old format before .docx"),
        ("甲.docx", samples.xlsx(), r"content is an Excel workbook; .*\(.xlsx\)"),
        ("甲.PPTX", samples.pptx()[:-300], r"damaged \(BadZipFile\)"),
        ("甲.pdf", samples.pdf([["秘密"]], password="x"), "encrypted; save a copy"),
        ("甲.pdf", b"%PDF-1.7 and nothing more", "damaged"),
    ],
)
def test_what_is_plainly_unreadable_is_not_kept(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    uploads = Uploads(tmp_path / "index")
    with pytest.raises(UnreadableFileError, match=reason):
        add(uploads, name, data)
    assert list(uploads.folder.iterdir()) == []


def test_limits_of_size_number_and_total(uploads: Uploads) -> None:
    with pytest.raises(SourceError, match=r"more than 1,000 bytes.*WENJU_LARGEST_FILE"):
        add(uploads, "大.txt", b"x" * 1001)
    for number in range(2):
        add(uploads, f"{number}.txt", f"{number}" * 1000)
    with pytest.raises(SourceError, match=r"501 bytes and .* 2,000 bytes; at most 2,500"):
        add(uploads, "2.txt", b"x" * 501)
    for number in range(3, 6):
        add(uploads, f"{number}.txt", f"{number}")
    with pytest.raises(SourceError, match="There are 5 uploaded files; at most 5 are kept"):
        add(uploads, "6.txt", b"x")
    assert len(names(uploads)) == 5
    assert Limits.of(Settings()) == Limits(64 * 2**20, 1000, 2048 * 2**20)


def test_files_that_can_be_read_are_kept(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "index")
    files = {
        "页.html": samples.PAGE.encode(),
        "书.docx": samples.docx(),
        "片.pptx": samples.pptx(),
        "表.xlsx": samples.xlsx(),
        "文.pdf": samples.pdf([["济南"]]),
    }
    for name, data in files.items():
        assert add(uploads, name, data).new
    long = "济南的园区。" * 300_000  # too large to be read at once: only its head is looked at
    assert add(uploads, "长.txt", long.encode()[:-1]).new
    assert len(names(uploads)) == 6


def test_an_upload_that_is_cut_off_leaves_nothing(uploads: Uploads) -> None:
    with suppress(ConnectionError), uploads.receiving() as file:
        file.write("一半".encode())
        assert names(uploads) == []
        raise ConnectionError
    assert list(uploads.folder.iterdir()) == []


def test_a_removed_upload_comes_back_until_it_is_forgotten(uploads: Uploads) -> None:
    source = add(uploads, "甲.txt", "高新区。").source
    uploads.remove(source)
    assert (names(uploads), uploads.removed()) == ([], [source])
    uploads.restore(source)
    assert (names(uploads), uploads.removed()) == ([source], [])
    uploads.remove(source)
    uploads.forget(["uploads/乙.txt"])
    assert uploads.removed() == [source]
    uploads.forget([source])
    assert uploads.removed() == []
    with pytest.raises(SourceError, match="is gone for good; upload it once more"):
        uploads.restore(source)


def test_a_removed_upload_does_not_push_out_a_new_one(uploads: Uploads) -> None:
    source = add(uploads, "甲.txt", "旧").source
    uploads.remove(source)
    assert add(uploads, "甲.txt", "新").source == source
    with pytest.raises(SourceError, match="Another file was uploaded as 'uploads/甲.txt'"):
        uploads.restore(source)
    assert (uploads.folder / "甲.txt").read_text(encoding="utf-8") == "新"


@pytest.mark.parametrize("source", ["uploads/无.txt", "甲.txt", "uploads/../../外.txt", "uploads/"])
def test_only_an_upload_is_removed(uploads: Uploads, source: str) -> None:
    outside = uploads.index.parent / "外.txt"
    outside.write_text("别动", encoding="utf-8")
    add(uploads, "甲.txt", "高新区。")
    with pytest.raises(SourceError, match="There is no uploaded file"):
        uploads.remove(source)
    assert outside.exists()
    assert names(uploads) == ["uploads/甲.txt"]


def test_two_at_a_time_get_different_names(uploads: Uploads) -> None:
    found = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(add(uploads, "甲.txt", f"{n}").source))
        for n in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == names(uploads)
    assert len(set(found)) == 5


def test_an_index_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("a file", encoding="utf-8")
    with pytest.raises(IndexWriteError, match="cannot be written"):
        add(Uploads(tmp_path / "index"), "甲.txt", "一")


def test_every_change_is_noticed(uploads: Uploads) -> None:
    seen = [given_to(uploads.index)]
    source = add(uploads, "甲.txt", "高新区。").source
    seen.append(given_to(uploads.index))
    uploads.remove(source)
    seen.append(given_to(uploads.index))
    assert len(set(seen)) == 3
