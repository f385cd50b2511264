"""What a small change of a big index writes, links, merges and leaves alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embeddings import growable
from embeddings.build import BuildReport, build
from embeddings.errors import IndexDamagedError, IndexFormatError
from embeddings.lexical import Tokenizer
from embeddings.manifest import parse_manifest, read_manifest
from embeddings.opening import open_published
from embeddings.overview import overview
from embeddings.store import Generation, IndexFolder
from embeddings.verify import verify
from tests.embeddings.building import write
from tests.embeddings.piece_views import Drawing
from tests.embeddings.test_pieces import check_same, whole
from tests.generations import rewrite, seal

BOTH = "联盟由两家企业组建，在数字经济园。"


class Index:
    """An index of 32 documents of five passages each that grows by pieces."""

    def __init__(self, folder: Path, tokenizer: Tokenizer) -> None:
        self.documents, self.path, self._tokenizer = (
            folder / "documents",
            folder / "index",
            tokenizer,
        )
        self.folder = IndexFolder(self.path)
        for number in range(32):
            self.write(number, 1)
        self.build()

    def write(self, number: int, version: int, more: str = "") -> Path:
        """Write a document of five passages, and two more where there is `more` to say."""
        sections = [
            f"（{sign}）第{number}园的{what}\n\n天桥区第{number}园有{version}家{what}企业。"
            for sign, what in (("一", "数字"), ("二", "直播"))
        ]
        sections += [f"（三）联盟\n\n{more}"] if more else []
        return write(
            self.documents / f"{number:02}.txt",
            "\n\n".join([f"第{number}园的第{version}版", *sections]) + "\n",
            100_000.123456789 - 60 * version - number,
        )

    def build(self, **options: Any) -> BuildReport:
        return build(self.documents, self.path, Drawing(), self._tokenizer, **options)

    def change(self, *numbers: int, version: int = 2, more: str = "") -> Generation:
        for number in numbers:
            self.write(number, version, more)
        self.build()
        return self.opened()

    def opened(self) -> Generation:
        return Generation(self.folder.current())

    def check(self) -> None:
        """Compare the published generation with one written whole; verify the index."""
        check_same(
            self.opened(), whole(self.documents, self.path, self._tokenizer), self._tokenizer
        )
        assert verify(self.path, Drawing()).problems == ()


@pytest.fixture
def index(tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> Index:
    monkeypatch.setattr(growable, "WHOLE_UP_TO", 40)
    return Index(tmp_path, tokenizer)


def ranges_of(index: Index) -> object:
    found = index.opened()
    return found.sentence_ranges(found.all_rows())


def pieces_of(generation: Generation) -> list[tuple[str, int, int]]:
    return [(one.about.name, one.about.passages, one.about.deleted) for one in generation.pieces]


def test_a_small_index_is_written_whole_as_ever(tmp_path: Path, tokenizer: Tokenizer) -> None:
    index = Index(tmp_path, tokenizer)
    assert index.change(3).manifest.pieces is None
    fields = json.loads((index.folder.current() / "manifest.json").read_text(encoding="utf-8"))
    assert fields["format"] == 4
    assert not {"pieces", "dropped"} & fields.keys()
    assert sorted({name.partition("/")[0] for name in fields["files"]}) == [
        "map.npy", "passage_lengths.npy", "passage_means.npy", "postings", "scripts.npy",
        "sentence_lengths.npy", "sentence_means.npy", "sentences.npy", "text.db", "vectors.faiss",
    ]  # fmt: skip


def test_a_change_writes_its_own_passages_only(index: Index) -> None:
    size = index.opened().manifest.counts["passages"]
    changed = index.change(3)
    assert pieces_of(changed) == [("000001", size, 5), ("000002", 5, 0)]
    assert changed.manifest.counts["passages"] == size
    assert changed.manifest.dropped == 5
    index.check()


def test_only_new_texts_are_encoded(index: Index) -> None:
    index.write(3, 1, "新的一段只有这里有。")
    report = index.build()
    assert report.encoded == 2  # the headline above it, and the passage, which is one sentence
    assert report.published


def test_pieces_share_their_files_with_the_generation_before(index: Index) -> None:
    index.change(3)
    newer, older = index.folder.folder(2), index.folder.folder(1)
    for name in ("text.db", "vectors.faiss", "postings/rows.npy"):
        assert (newer / "pieces/000001" / name).samefile(older / name)
    files = read_manifest(newer).files
    assert files["pieces/000001/text.db"] == read_manifest(older).files["text.db"]
    index.change(4)
    third = index.folder.folder(3)
    assert not older.exists()
    assert (third / "pieces/000001/text.db").samefile(newer / "pieces/000001/text.db")


def test_what_is_shared_is_counted_once(index: Index) -> None:
    alone = overview(index.folder).bytes
    index.change(3)
    both = overview(index.folder)
    text = (index.folder.folder(1) / "text.db").stat().st_size
    newest, before = (state.bytes for state in both.generations)
    assert both.bytes <= alone + newest - text
    assert min(newest, before) > text


def test_where_links_are_not_possible_files_are_copied(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    index.change(3)
    linked = index.folder.current() / "pieces/000001/text.db"
    assert not linked.samefile(index.folder.folder(1) / "text.db")
    index.check()


def test_old_generations_go_and_leave_what_others_share(index: Index) -> None:
    for version in range(2, 6):
        index.change(3, version=version)
    assert index.folder.numbers() == [4, 5]
    assert not index.folder.folder(1).exists()
    assert pieces_of(index.opened())[0][0] == "000001"
    index.check()


def test_pieces_are_merged_when_they_are_not_much_bigger_than_what_is_new(index: Index) -> None:
    assert [name for name, *_ in pieces_of(index.change(*range(5)))] == ["000001", "000002"]
    assert [name for name, *_ in pieces_of(index.change(6))] == ["000001", "000002", "000003"]
    merged = pieces_of(index.change(7))
    assert [name for name, *_ in merged] == ["000001", "000002", "000004"]
    assert merged[2][1:] == (10, 0)
    index.check()


def test_a_worn_piece_is_written_anew(index: Index) -> None:
    index.change(1, 2, 3, 4)
    worn = index.change(1, 2, version=3)
    assert [name for name, *_ in pieces_of(worn)] == ["000001", "000003"]
    assert pieces_of(worn)[1][1:] == (20, 0)
    index.check()


def test_a_big_change_is_written_whole(index: Index) -> None:
    assert index.change(*range(24)).manifest.pieces is None
    index.check()


def test_so_is_what_has_lost_much(index: Index) -> None:
    found = [index.change(3, version=version).manifest.dropped for version in range(2, 11)]
    assert found == [*range(5, 45, 5), 0]
    assert index.opened().manifest.pieces is None
    index.check()


def test_nothing_new_makes_no_piece(index: Index) -> None:
    (index.documents / "03.txt").unlink()
    index.build()
    assert [name for name, *_ in pieces_of(index.opened())] == ["000001"]
    assert index.opened().manifest.pieces is not None
    index.check()
    (index.documents / "05.txt").rename(index.documents / "五.txt")
    assert index.build().published
    assert len(index.opened().pieces) == 1
    assert "五.txt" in index.opened().sources
    index.check()


def test_equal_passages_are_one_row_wherever_they_came(index: Index) -> None:
    for number in (3, 5):
        index.change(number, more=BOTH)
    index.write(7, 1, BOTH.replace("，", "， "))
    index.build()
    found = index.opened()
    (row,) = (row for row, (_, text) in found.texts(found.all_rows()).items() if "组建" in text)
    places = found.places([row])[row]
    assert [found.sources_of([place.document])[place.document] for place in places] == [
        ("03.txt",), ("05.txt",), ("07.txt",),
    ]  # fmt: skip
    index.check()
    (index.documents / "03.txt").rename(index.documents / "99.txt")
    index.build()
    index.check()


def test_a_document_that_was_read_in_another_way_comes_anew(index: Index) -> None:
    text = (index.documents / "03.txt").read_text(encoding="utf-8")
    (index.documents / "03.txt").unlink()
    write(index.documents / "03.md", text.replace("第3园的", "# 第3园的", 1), 90_000.5)
    index.build()
    index.check()
    (index.documents / "03.md").rename(index.documents / "03.txt")
    index.build()
    index.check()


def test_going_back_and_on(index: Index) -> None:
    before = index.opened().manifest.number
    index.change(3)
    with index.folder.writing("rolling back"):
        index.folder.go_back()
    assert index.opened().manifest.number == before
    assert index.build().published
    index.check()


@pytest.mark.parametrize(
    "name",
    ["pieces/000001/text.db", "pieces/000002/postings/counts.npy", "pieces/000002/vectors.faiss",
     "deleted/000001/rows.npy", "files.db", "passage_sums.npy", "pieces/000001/keys.npy"],
)  # fmt: skip
def test_verify_names_the_damaged_file_of_a_piece(index: Index, name: str) -> None:
    index.change(3)
    path = index.folder.current() / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    problems = [problem.what for problem in verify(index.path, Drawing()).problems]
    assert f"generation 2: {name!r} differs from its checksum" in problems
    # The next build does not go on from it, and what it writes is whole.
    index.write(4, 2)
    index.build()
    assert index.opened().manifest.pieces is None
    index.check()


@pytest.mark.parametrize(
    "name",
    ["pieces/000001/text.db", "pieces/000002/scripts.npy", "pieces/000001/postings/terms.npy",
     "deleted/000001/rows.npy", "deleted/000001/postings/lengths.npy", "files.db",
     "sentence_sums.npy", "pieces/000002/vectors.faiss"],
)  # fmt: skip
def test_a_lost_file_is_named_and_the_generation_before_answers(index: Index, name: str) -> None:
    index.change(3)
    (index.folder.current() / name).unlink()
    with pytest.raises(IndexDamagedError, match=name):
        index.opened()
    opened = open_published(index.folder)
    assert opened.generation.manifest.number == 1
    assert name in str(opened.warning)
    opened.generation.close()


@pytest.mark.parametrize(
    ("name", "change"),
    [("deleted/000001/rows.npy", lambda rows: rows[::-1].copy()),
     ("deleted/000001/rows.npy", lambda rows: rows + 10**6),
     ("pieces/000002/scripts.npy", lambda rows: rows[:-1]),
     ("pieces/000002/starts.npy", lambda rows: rows[:-1]),
     ("passage_sums.npy", lambda rows: rows[:, 1:])],
)  # fmt: skip
def test_files_that_do_not_belong_together_are_refused(
    index: Index, name: str, change: Any
) -> None:
    index.change(3)
    folder = index.folder.current()
    np.save(folder / name, change(np.load(folder / name)))
    seal(folder)
    with pytest.raises(IndexDamagedError, match=name.rpartition("/")[0] or name):
        ranges_of(index)


def test_an_older_version_asks_for_a_newer_one(index: Index) -> None:
    index.change(3)
    path = index.folder.current() / "manifest.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    assert fields["format"] == 5  # versions that know no pieces read up to 4, and say so
    rewrite(path.parent, {**fields, "format": 6})
    with pytest.raises(IndexFormatError, match="has format 6; this version reads up to 5"):
        parse_manifest(path.parent)
    rewrite(path.parent, {**fields, "format": 4})
    with pytest.raises(IndexDamagedError, match="manifest.json"):
        parse_manifest(path.parent)
    pieces = [{**fields["pieces"][0], "name": "../../1"}, fields["pieces"][1]]
    rewrite(path.parent, {**fields, "pieces": pieces})
    with pytest.raises(IndexDamagedError, match="manifest.json"):
        parse_manifest(path.parent)


def test_a_piece_of_other_rules_is_not_built_on(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growable, "INPUTS", "inputs/another")
    assert index.change(3).manifest.pieces is None
    index.check()


def test_without_the_catalogue_all_is_written_whole(index: Index) -> None:
    index.change(3)
    (index.path / "library.db").unlink()
    index.build()
    assert index.opened().manifest.pieces is None
    index.check()


def test_info_tells_of_pieces(index: Index) -> None:
    from qa.index_view import overview_to_json, overview_to_text

    index.change(3)
    found = overview(index.folder)
    size = found.answering.counts["passages"]
    assert f"pieces     2: {size} + 5 passages, 5 of them deleted" in overview_to_text("i", found)
    assert overview_to_json("i", found)["pieces"] == [
        {"passages": size, "deleted": 5}, {"passages": 5, "deleted": 0}
    ]  # fmt: skip
