"""The documents of an index: their list, what builds make of uploads, and exclusions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from embeddings import exclusions
from embeddings.build import BuildReport, Plan, build, plan
from embeddings.errors import IndexDamagedError, SourceError
from embeddings.lexical import Tokenizer
from embeddings.library import Library, Listed, Status
from embeddings.uploads import Added, Limits
from embeddings.watch import changes_in
from tests.embeddings.building import Recording, write


class Site:
    """A folder of four documents, its index and its library."""

    def __init__(self, place: Path, tokenizer: Tokenizer) -> None:
        self.root, self.index = place / "documents", place / "index"
        self.tokenizer = tokenizer
        for number in range(4):
            write(self.root / f"{number}.txt", f"天桥区有{number}个产业园。\n")
        self.library = Library(self.index, Limits(1000, 9, 9000))

    def build(self, **how: Any) -> BuildReport:
        return build(self.root, self.index, Recording(), self.tokenizer, **how)

    def plan(self) -> Plan:
        return plan(self.root, self.index, Recording(), self.tokenizer)

    def add(self, name: str, text: str) -> Added:
        with self.library.receiving() as file:
            file.write(text.encode())
            return self.library.add(name, file)

    def statuses(self) -> dict[str, Status]:
        return {file.source: file.status for file in self.library.listing().files}

    def listed(self, source: str) -> Listed:
        return next(file for file in self.library.listing().files if file.source == source)


@pytest.fixture
def site(tmp_path: Path, tokenizer: Tokenizer) -> Site:
    made = Site(tmp_path, tokenizer)
    made.build()
    return made


INDEXED = dict.fromkeys(["0.txt", "1.txt", "2.txt", "3.txt"], Status.INDEXED)


def test_the_list_of_an_index(site: Site) -> None:
    write(site.root / "图.xyz", "?")
    site.build()
    listing = site.library.listing()
    assert (listing.root, listing.problem, listing.waiting) == (site.root.resolve(), None, 0)
    first, *_, last = listing.files
    assert (first.source, first.status, first.asked, first.uploaded) == (
        "0.txt", Status.INDEXED, True, False,
    )  # fmt: skip
    assert (first.articles, first.passages, first.size) == (1, 1, 29)
    assert (last.source, last.status, last.document) == ("图.xyz", Status.SKIPPED, None)
    assert last.reason is not None
    assert last.reason.startswith("unknown format (.xyz)")
    assert site.library.document(first.document or "").text == "天桥区有0个产业园。\n"


def test_what_changed_since_the_build_waits(site: Site) -> None:
    write(site.root / "0.txt", "高新区。", 60)
    (site.root / "1.txt").unlink()
    write(site.root / "9.txt", "高新区有新园。")
    assert site.statuses() == {
        **INDEXED, "0.txt": Status.CHANGED, "1.txt": Status.GONE, "9.txt": Status.NEW,
    }  # fmt: skip
    assert site.library.listing().waiting == 3
    site.build()
    assert site.library.listing().waiting == 0


def test_an_upload_is_taken_in_by_the_next_build_and_kept_by_others(site: Site) -> None:
    assert site.add("新.txt", "济南有企业。") == Added("uploads/新.txt", 18, new=True)
    assert site.listed("uploads/新.txt").status is Status.NEW
    assert site.plan().changes.new == ("uploads/新.txt",)
    assert site.build().read[-1] == "uploads/新.txt"
    found = site.listed("uploads/新.txt")
    assert (found.status, found.uploaded, found.asked) == (Status.INDEXED, True, True)
    assert site.build(full=True).documents == 5
    assert site.build(check_content=True).published is False


def test_a_document_that_is_here_already_is_told_not_kept_twice(site: Site) -> None:
    assert site.add("副本.txt", "天桥区有2个产业园。\n") == Added("2.txt", 29, new=False)
    site.library.exclude(["2.txt"])
    assert site.add("副本.txt", "天桥区有2个产业园。\n").source == "uploads/副本.txt"


def test_excluded_files_leave_the_index_and_stay_on_the_disk(site: Site) -> None:
    site.library.remove("2.txt")
    found = site.listed("2.txt")
    assert (found.status, found.asked, found.waits) == (Status.EXCLUDED, True, True)
    assert (site.plan().excluded, site.plan().changes.removed) == (("2.txt",), ("2.txt",))
    report = site.build()
    assert (report.excluded, report.skipped) == (("2.txt",), ())
    assert report.read == ("0.txt", "1.txt", "3.txt")
    assert (site.root / "2.txt").exists()
    found = site.listed("2.txt")
    assert (found.status, found.asked, found.waits) == (Status.EXCLUDED, False, False)
    site.library.restore(["2.txt"])
    assert site.listed("2.txt").status is Status.NEW
    assert (site.build().documents, site.statuses()) == (4, INDEXED)


def test_leaving_out_most_files_on_purpose_is_no_loss(site: Site) -> None:
    for name in ("甲", "乙", "丙", "丁", "戊"):
        site.add(f"{name}.txt", f"{name}济南。")
    site.build()
    for source in [*(f"uploads/{name}.txt" for name in "甲乙丙丁戊"), "0.txt", "1.txt"]:
        site.library.remove(source)
    assert site.build().read == ("2.txt", "3.txt")
    site.library.exclude(["2.txt", "3.txt"])
    with pytest.raises(SourceError, match=r"All 4 files of .* are excluded.*--include"):
        site.build()


def test_files_that_go_by_themselves_are_still_a_loss(site: Site) -> None:
    for name in "甲乙丙丁戊":
        site.add(f"{name}.txt", f"{name}济南。")
    site.build()
    for number in range(1, 4):
        (site.root / f"{number}.txt").unlink()
    with pytest.raises(SourceError, match="3 of the 4 files in the index are no longer in"):
        site.build()


def test_a_removed_upload_goes_for_good_with_the_next_build(site: Site) -> None:
    source = site.add("新.txt", "济南有企业。").source
    site.build()
    site.library.remove(source)
    found = site.listed(source)
    assert (found.status, found.uploaded, found.waits) == (Status.REMOVED, True, True)
    site.library.restore([source])
    assert site.listed(source).status is Status.INDEXED
    site.library.remove(source)
    site.build()
    assert source not in site.statuses()
    assert [path.name for path in (site.index / "uploads").rglob("*")] == [".removed"]


def test_a_folder_of_documents_with_uploads_of_its_own(site: Site) -> None:
    write(site.root / "uploads" / "甲.txt", "高新区。")
    assert site.add("甲.txt", "济南。").source == "uploads/甲 (2).txt"
    site.build()
    write(site.root / "uploads" / "甲 (2).txt", "企业。")
    report = site.build()
    assert "uploads/甲 (2).txt" in report.read
    assert [file.source for file in report.skipped] == ["uploads/甲 (2).txt (uploaded)"]
    assert "has a file of this name" in (report.skipped[0].reason or "")


def test_an_index_below_its_documents_has_its_uploads_once(site: Site) -> None:
    inside = Library(site.root / "index")
    build(site.root, inside.index, Recording(), site.tokenizer)
    with inside.receiving() as file:
        file.write("济南。".encode())
        inside.add("甲.txt", file)
    report = build(site.root, inside.index, Recording(), site.tokenizer)
    assert report.read == ("0.txt", "1.txt", "2.txt", "3.txt", "uploads/甲.txt")


def test_uploads_alone_make_an_index(tmp_path: Path, tokenizer: Tokenizer) -> None:
    site = Site(tmp_path, tokenizer)
    shutil.rmtree(site.root)
    site.root.mkdir()
    assert site.library.listing().root is None
    site.add("甲.txt", "济南有企业。")
    assert site.build().read == ("uploads/甲.txt",)


def test_a_folder_of_documents_that_is_away(site: Site) -> None:
    site.add("甲.txt", "济南。")
    site.root.rename(site.root.parent / "away")
    listing = site.library.listing()
    assert "does not exist" in (listing.problem or "")
    assert site.statuses() == {**INDEXED, "uploads/甲.txt": Status.NEW}


def test_an_index_that_was_removed(site: Site) -> None:
    assert site.library.root == site.root.resolve()
    shutil.rmtree(site.index)
    listing = site.library.listing()
    assert "There is no index" in (listing.problem or "")
    assert listing.root == site.root.resolve()
    assert {file.status for file in listing.files} == {Status.NEW}
    site.build()
    assert site.statuses() == INDEXED


def test_only_files_that_are_there_are_excluded_or_restored(site: Site) -> None:
    with pytest.raises(SourceError, match=r"There is no file '无.txt'.*wenju documents"):
        site.library.exclude(["0.txt", "无.txt"])
    assert exclusions.excluded(site.index) == frozenset()
    with pytest.raises(SourceError, match=r"'0.txt' is not excluded"):
        site.library.restore(["0.txt"])


def test_names_are_excluded_in_their_normal_form(site: Site) -> None:
    write(site.root / "caf\u00e9.txt", "高新区。")
    site.library.exclude(["cafe\u0301.txt"])
    assert site.build().excluded == ("caf\u00e9.txt",)


@pytest.mark.parametrize(
    "text", ["{", '{"a": 1}', '{"excluded": ["0.txt"], "sum": "00000000"}', "[1]", "\udcff"]
)
def test_a_list_that_cannot_be_read_stops_the_build(site: Site, text: str) -> None:
    (site.index / "excluded.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(IndexDamagedError, match=r"excluded.json' cannot be read.*mend it"):
        site.build()
    assert "excluded.json" in (site.library.listing().problem or "")


def test_the_list_can_be_read_and_written_by_people(site: Site) -> None:
    site.library.exclude(["3.txt", "1.txt"])
    path = site.index / "excluded.json"
    assert json.loads(path.read_text(encoding="utf-8"))["excluded"] == ["1.txt", "3.txt"]
    path.write_text('["2.txt"]', encoding="utf-8")
    assert exclusions.excluded(site.index) == {"2.txt"}
    assert not list(site.index.glob("*.tmp"))


def test_the_list_is_read_while_a_build_writes(site: Site) -> None:
    write(site.root / "新.txt", "高新区有新园。")
    seen: list[dict[str, Status]] = []
    build(
        site.root, site.index, Recording(), site.tokenizer,
        on_progress=lambda at: seen.append(site.statuses()),
    )  # fmt: skip
    assert len(seen) > 5
    assert all(found.keys() == {*INDEXED, "新.txt"} for found in seen)
    assert (seen[0]["新.txt"], site.statuses()["新.txt"]) == (Status.NEW, Status.INDEXED)


def test_looking_writes_nothing(site: Site) -> None:
    before = {path: path.stat().st_mtime_ns for path in site.index.rglob("*")}
    site.library.listing()
    assert {path: path.stat().st_mtime_ns for path in site.index.rglob("*")} == before


def test_a_watched_folder_follows_uploads_and_exclusions(site: Site) -> None:
    items = changes_in(site.root, site.index)
    assert next(items)
    assert not any(next(items) for _ in range(5))
    site.add("甲.txt", "济南。")
    assert next(items)
    site.library.exclude(["0.txt"])
    assert any(next(items) for _ in range(5))
