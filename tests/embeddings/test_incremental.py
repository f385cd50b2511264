"""A rebuild opens and encodes only what changed, and a dry run says so and writes nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from embeddings import documents, wanted
from embeddings.build import BuildReport, build, plan
from embeddings.catalogue import Catalogue
from embeddings.errors import IndexFormatError, SourceError
from embeddings.lexical import Tokenizer
from embeddings.reports import Changes, changes_between
from embeddings.store import Generation, IndexFolder
from tests.embeddings.building import Recording, state_of, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "documents"
    write(root / "甲.txt", "天桥区党建\n\n天桥区有产业园。济南有企业。\n")
    write(root / "乙.txt", "高新区有党建联盟。\n")
    write(root / "丙.xyz", "不读")
    return root


class Site:
    """An index of a folder; remembers which files its builds opened and what they encoded."""

    def __init__(self, root: Path, tokenizer: Tokenizer) -> None:
        self.root, self.index = root, root.parent / "index"
        self.tokenizer, self.encoder = tokenizer, Recording()
        self.opened: list[str] = []

    def build(self, **options: Any) -> BuildReport:
        self.opened.clear()
        self.encoder.encoded.clear()
        return build(self.root, self.index, self.encoder, self.tokenizer, **options)

    def texts(self) -> list[str]:
        generation = Generation(IndexFolder(self.index).current())
        found = [text for _, text in generation.texts(range(99)).values()]
        generation.close()
        return found


@pytest.fixture
def site(folder: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> Site:
    made = Site(folder, tokenizer)
    read = documents.read_bytes

    def recorded(entry: documents.FileEntry, largest: int) -> bytes:
        data = read(entry, largest)
        made.opened.append(entry.source)
        return data

    monkeypatch.setattr("embeddings.scan.read_bytes", recorded)
    return made


def test_a_first_build_opens_all_and_a_second_one_nothing(site: Site) -> None:
    first = site.build()
    assert sorted(site.opened) == ["乙.txt", "甲.txt"]
    assert first.changes == Changes(("乙.txt", "甲.txt"), (), (), (), 0)
    again = site.build()
    assert site.opened == []
    assert again.changes == Changes((), (), (), (), 2)
    assert (again.published, again.encoded, again.resumed) == (False, 0, None)
    assert again.skipped == first.skipped


def test_a_changed_file_is_opened_and_only_its_new_passages_are_encoded(site: Site) -> None:
    site.build()
    write(site.root / "甲.txt", "天桥区党建\n\n天桥区有产业园。济南有企业。\n\n园区新产业。\n", 60)
    report = site.build()
    assert site.opened == ["甲.txt"]
    assert site.encoder.encoded == [
        "天桥区有产业园。济南有企业。园区新产业。",
        "园区新产业。",
    ]
    assert report.changes == Changes((), ("甲.txt",), (), (), 1)


def test_a_touched_file_is_opened_once_and_changes_nothing(site: Site) -> None:
    site.build()
    os.utime(site.root / "乙.txt", ns=(0, time.time_ns() - 60 * 10**9))
    assert (site.build().published, site.opened) == (False, ["乙.txt"])
    assert (site.build().published, site.opened) == (False, [])


def test_a_file_of_the_last_two_seconds_is_opened_again(site: Site) -> None:
    """It may be changed after it was read without a later time of change."""
    write(site.root / "乙.txt", "高新区。", age=0)
    site.build()
    before = (site.root / "乙.txt").stat()
    (site.root / "乙.txt").write_text("济南市。", encoding="utf-8")
    os.utime(site.root / "乙.txt", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (site.build().published, site.opened) == (True, ["乙.txt"])
    assert "济南市。" in site.texts()


def test_check_content_finds_what_the_times_hide(site: Site) -> None:
    path = write(site.root / "乙.txt", "高新区。")
    site.build()
    before = path.stat()
    path.write_text("济南市。", encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (site.build().published, site.opened) == (False, [])
    report = site.build(check_content=True)
    assert sorted(site.opened) == ["乙.txt", "甲.txt"]
    assert (report.changes.changed, report.encoded) == (("乙.txt",), 1)


def test_a_renamed_file_is_neither_opened_nor_encoded(site: Site) -> None:
    site.build()
    (site.root / "新").mkdir()
    (site.root / "甲.txt").rename(site.root / "新" / "丁.txt")
    report = site.build()
    assert (site.opened, site.encoder.encoded) == ([], [])
    assert report.changes == Changes((), (), (("甲.txt", "新/丁.txt"),), (), 1)
    assert report.published
    generation = Generation(IndexFolder(site.index).current())
    assert generation.sources == ("乙.txt", "新/丁.txt")


def test_a_renamed_file_with_a_time_of_whole_seconds_is_opened(site: Site) -> None:
    """An archive gives such a time to many files, and a freed inode to another of them."""
    path = site.root / "甲.txt"
    os.utime(path, ns=(0, 1_600_000_000 * 10**9))
    site.build()
    path.rename(site.root / "丁.txt")
    assert site.build().changes.renamed == (("甲.txt", "丁.txt"),)
    assert (site.opened, site.encoder.encoded) == (["丁.txt"], [])


def test_a_new_ending_reads_the_same_bytes_in_another_way(site: Site) -> None:
    path = write(site.root / "丁.txt", "# 产业园\n\n天桥区有**产业园**。\n")
    site.build()
    assert "天桥区有**产业园**。" in site.texts()
    path.rename(site.root / "丁.md")
    site.build()
    assert site.opened == ["丁.md"]
    assert "天桥区有产业园。" in site.texts()
    assert "天桥区有**产业园**。" not in site.texts()


def test_a_copy_and_a_hard_link_encode_nothing(site: Site) -> None:
    site.build()
    write(site.root / "抄.txt", (site.root / "甲.txt").read_text("utf-8"))
    os.link(site.root / "乙.txt", site.root / "链.txt")
    report = site.build()
    assert (site.opened, site.encoder.encoded) == (["抄.txt"], [])
    assert report.changes.new == ("抄.txt", "链.txt")
    assert report.documents == 2


def test_a_skipped_file_is_not_opened_again_and_its_reason_is_told_again(site: Site) -> None:
    write(site.root / "空.txt", " \n")
    first = site.build()
    assert ("空.txt", "empty; nothing to index") in [(f.source, f.reason) for f in first.skipped]
    again = site.build()
    assert (again.skipped, site.opened) == (first.skipped, [])
    write(site.root / "空.txt", "济南。", 60)
    assert "空.txt" in site.build().read


def test_skipped_files_are_tried_again_when_more_can_be_read(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(site.root / "空.txt", " \n")
    site.build()
    monkeypatch.setattr("embeddings.build.reading_version", lambda _: "reading/99")
    site.build()
    assert site.opened == ["空.txt"]
    site.build()
    assert site.opened == []


def test_a_file_that_is_too_large_is_read_when_more_is_allowed(site: Site) -> None:
    write(site.root / "大.txt", "天桥区有21家企业。" * 40)
    reasons = {file.source: file.reason for file in site.build(largest=1000).skipped}
    assert reasons["大.txt"] == (
        "1,040 bytes; at most 1,000 are read; split the file, or allow more megabytes: "
        "WENJU_LARGEST_FILE=1"
    )
    assert "大.txt" in site.build(largest=2000).read


def test_what_is_put_back_is_not_encoded_again(site: Site) -> None:
    """One generation back; the vectors of the second to last one are gone."""
    one, two, three = "天桥区。", "高新区。", "济南市。"
    for text, encoded in [(one, [one]), (two, [two]), (one, []), (two, []), (three, [three])]:
        write(site.root / "丁.txt", text, 60)
        site.build(check_content=True)
        assert site.encoder.encoded[-1:] == encoded
    write(site.root / "丁.txt", one, 60)
    site.build(check_content=True)
    assert site.encoder.encoded == [one]


def test_documents_and_words_that_no_file_needs_are_dropped(site: Site) -> None:
    def kept() -> list[int]:
        with Catalogue(site.index / "library.db") as catalogue:
            return [
                catalogue.database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("documents", "words")
            ]

    site.build()
    assert kept() == [2, 3]
    (site.root / "乙.txt").unlink()
    site.build()
    assert kept() == [1, 2]


def test_words_are_cut_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    cut: list[str] = []
    tokens = site.tokenizer.tokens

    def recorded(text: str) -> list[str]:
        cut.append(text)
        return tokens(text)

    monkeypatch.setattr(site.tokenizer, "tokens", recorded)
    site.build()
    assert sorted(cut) == sorted(set(cut))
    cut.clear()
    write(site.root / "丁.txt", "济南新产业。")
    site.build()
    assert cut == ["济南新产业。"]


def test_full_does_all_again(site: Site) -> None:
    first = site.build()
    texts = list(site.encoder.encoded)
    report = site.build(full=True)
    assert sorted(site.opened) == ["乙.txt", "甲.txt"]
    assert sorted(site.encoder.encoded) == sorted(texts)
    assert (report.generation, report.published) == (2, True)
    assert (report.encoded, report.reused) == (first.encoded, 0)
    assert report.changes == Changes((), (), (), (), 2)


def test_many_texts_are_encoded_in_windows(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted, "WINDOW", 3)
    for number in range(7):
        write(site.root / f"{number}.txt", f"第{number}条。" + "济" * number + "。")
    report = site.build()
    assert report.encoded == len(site.encoder.encoded) == len(set(site.encoder.encoded))
    lengths = [len(text) for text in site.encoder.encoded]
    assert all(lengths[at : at + 3] == sorted(lengths[at : at + 3])[::-1] for at in range(0, 12, 3))


def test_another_folder_is_not_trusted_by_its_times(site: Site, tmp_path: Path) -> None:
    site.build()
    other = tmp_path / "other"
    site.root.rename(other)
    report = build(other, site.index, site.encoder, site.tokenizer, replace_root=True)
    assert sorted(site.opened[-2:]) == ["乙.txt", "甲.txt"]
    assert report.changes.unchanged == 2


def test_a_dry_run_says_what_a_build_does_and_writes_nothing(site: Site) -> None:
    site.build()
    write(site.root / "甲.txt", "天桥区党建\n\n天桥区有产业园。\n", 60)
    (site.root / "乙.txt").rename(site.root / "己.txt")
    write(site.root / "丁.txt", "济南新产业。")
    write(site.root / "空.txt", "")
    before = state_of(site.index)
    found = plan(site.root, site.index, site.encoder, site.tokenizer)
    assert state_of(site.index) == before
    report = site.build()
    assert found.changes == report.changes
    assert found.changes == Changes(("丁.txt",), ("甲.txt",), (("乙.txt", "己.txt"),), (), 0)
    assert found.skipped == report.skipped
    assert (found.texts, found.reused, found.publishes) == (
        report.encoded,
        report.reused,
        report.published,
    )
    nothing = plan(site.root, site.index, site.encoder, site.tokenizer)
    assert (nothing.changes.unchanged, nothing.texts, nothing.publishes) == (3, 0, False)


def test_a_dry_run_without_an_index_makes_no_folder(site: Site) -> None:
    found = plan(site.root, site.index, site.encoder, site.tokenizer)
    assert (found.changes.new, found.texts) == (("乙.txt", "甲.txt"), 5)
    assert not site.index.exists()


def test_a_dry_run_of_a_full_build(site: Site) -> None:
    texts = site.build().encoded
    found = plan(site.root, site.index, site.encoder, site.tokenizer, full=True)
    assert (found.texts, found.reused, found.changes.unchanged) == (texts, 0, 2)


def test_a_dry_run_refuses_what_a_build_refuses(site: Site, tmp_path: Path) -> None:
    site.build()
    (site.root / "甲.txt").unlink()
    (site.root / "乙.txt").unlink()
    with pytest.raises(SourceError, match="2 of the 2 files in the index are no longer in"):
        plan(site.root, site.index, site.encoder, site.tokenizer)
    with Catalogue(site.index / "library.db") as catalogue:
        catalogue.database.execute("PRAGMA user_version = 99")
    write(site.root / "甲.txt", "济南。")
    with pytest.raises(IndexFormatError, match="has format 99; this version writes up to"):
        plan(site.root, site.index, site.encoder, site.tokenizer)


def test_a_dry_run_of_an_older_catalogue_leaves_it_as_it_is(site: Site) -> None:
    site.build()
    with Catalogue(site.index / "library.db") as catalogue:
        catalogue.database.executescript(
            "DROP TABLE scans; DROP TABLE leaving; DROP TABLE words;"
            "ALTER TABLE documents DROP COLUMN inputs; ALTER TABLE passages DROP COLUMN keys;"
            "ALTER TABLE vectors DROP COLUMN build; PRAGMA user_version = 2"
        )
    before = state_of(site.index)
    found = plan(site.root, site.index, site.encoder, site.tokenizer)
    assert state_of(site.index) == before
    assert (found.changes.unchanged, found.texts) == (2, 0)
    assert site.build().encoded == 0
    assert sorted(site.opened) == ["乙.txt", "甲.txt"]


def test_changes_between_two_lists() -> None:
    before = {"a": "1", "b": "2", "c": "3", "d": "3", "e": "4"}
    after = {"a": "1", "b": "9", "x": "3", "y": "3", "z": "3"}
    assert changes_between(before, after) == Changes(
        ("z",), ("b",), (("c", "x"), ("d", "y")), ("e",), 1
    )
