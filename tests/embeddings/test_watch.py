"""When a watched folder is built: by a clock of the test's own, then with real files."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from embeddings.build import BuildReport, build
from embeddings.errors import IndexLockedError, SourceError
from embeddings.lexical import Tokenizer
from embeddings.store import Generation, IndexFolder
from embeddings.watch import PATIENCE, RETRY, TICK, changes_in, follow, is_document
from tests.embeddings.building import Recording, write


class Clock:
    """Seconds that pass by the items of a source of changes, one an item."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def ticks(self, marks: str) -> Iterator[bool]:
        """Yield a change for every ``x``, none for every other mark."""
        for mark in marks:
            yield mark == "x"
            self.seconds += 1


class Site:
    """What `follow` did, by the seconds at which it did it."""

    def __init__(self, tmp_path: Path, tokenizer: Tokenizer) -> None:
        self.root, self.index = tmp_path / "documents", tmp_path / "index"
        write(self.root / "甲.txt", "天桥区有产业园。")
        self._engines = Recording(), tokenizer
        self.clock = Clock()
        self.builds: list[float] = []
        self.reports: list[BuildReport] = []
        self.errors: list[tuple[float, str]] = []
        self.lasting = 0.0
        self.fails: dict[int, Exception] = {}

    def build(self) -> BuildReport:
        self.builds.append(self.clock.seconds)
        self.clock.seconds += self.lasting
        if error := self.fails.get(len(self.builds)):
            raise error
        return build(self.root, self.index, *self._engines)

    def follow(self, changes: Iterable[bool], debounce: float = 2) -> None:
        follow(
            changes, self.build, debounce=debounce, on_report=self.reports.append,
            on_error=lambda said: self.errors.append((self.clock.seconds, said)), now=self.clock,
        )  # fmt: skip

    def texts(self) -> list[str]:
        generation = Generation(IndexFolder(self.index).current())
        found = [text for _, text in generation.texts(range(99)).values()]
        generation.close()
        return sorted(found)


@pytest.fixture
def site(tmp_path: Path, tokenizer: Tokenizer) -> Site:
    return Site(tmp_path, tokenizer)


@pytest.mark.parametrize(
    ("marks", "builds"),
    [
        ("......", [0]),
        (".x....", [0, 3]),
        ("xxxx..", [0, 5]),  # the first is already there when the first build begins
        (".xxxx.....", [0, 6]),
        (".x...x....", [0, 3, 7]),
        (".x.x.x....", [0, 7]),
        ("." + "x" * 40, [0, 1 + 2 * PATIENCE]),
    ],
)
def test_many_changes_make_one_build(site: Site, marks: str, builds: list[float]) -> None:
    site.follow(site.clock.ticks(marks))
    assert site.builds == builds
    assert site.errors == []


def test_changes_during_a_build_make_one_more_after_it(site: Site) -> None:
    site.lasting = 30
    site.follow(site.clock.ticks(".xx....."))
    assert site.builds == [0, 34]


def test_without_debounce_a_change_builds_at_once(site: Site) -> None:
    site.follow(site.clock.ticks(".x..."), debounce=0)
    assert site.builds == [0, 1]


def test_an_error_is_said_once_and_tried_again(site: Site) -> None:
    locked = IndexLockedError("another process builds")
    site.fails = {2: locked, 3: locked, 4: OSError(28, "No space left on device"), 6: locked}
    site.follow(site.clock.ticks(".x" + "." * 100 + "x" + "." * 10))
    first = 3.0
    assert site.builds == [0, *(first + RETRY * n for n in range(4)), 104]
    assert site.errors == [
        (first, "another process builds"),
        (first + 2 * RETRY, "[Errno 28] No space left on device"),
        (104, "another process builds"),
    ]
    assert len(site.reports) == 2


def test_a_change_comes_before_the_next_try(site: Site) -> None:
    site.fails = {1: SourceError("no file")}
    site.follow(site.clock.ticks(".....x....."))
    assert site.builds == [0, 7]


def test_what_is_no_fault_of_the_user_ends_it(site: Site) -> None:
    site.fails = {1: ZeroDivisionError()}
    with pytest.raises(ZeroDivisionError):
        site.follow(site.clock.ticks("..."))


def test_the_index_follows(site: Site) -> None:
    def changes() -> Iterator[bool]:
        yield False
        write(site.root / "乙.txt", "高新区。", 60)
        yield from [True, False, False]
        (site.root / "乙.txt").rename(site.root / "丙.txt")
        yield from [True, False, False]
        (site.root / "甲.txt").unlink()
        yield from [True, False, False]
        (site.root / "丙.txt").unlink()
        yield from [True, False, False]

    site.follow(changes(), debounce=0)
    assert [report.changes.new for report in site.reports] == [("甲.txt",), ("乙.txt",), (), ()]
    assert site.reports[2].changes.renamed == (("乙.txt", "丙.txt"),)
    assert site.reports[3].changes.removed == ("甲.txt",)
    assert [said[:40] for _, said in site.errors] == [
        f"The folder of documents {str(site.root)!r} holds"[:40]
    ]
    assert site.texts() == ["高新区。"]


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("甲.txt", True),
        ("夹/甲.docx", True),
        (".", True),
        (".git/甲.txt", False),
        ("夹/.甲.txt.swp", False),
        ("夹/~$甲.docx", False),
        ("甲.txt~", False),
        ("甲.tmp", False),
        ("index", False),
        ("index/library.db-wal", False),
        ("夹/index/甲.txt", True),
    ],
)
def test_what_a_build_leaves_out_is_no_change(name: str, counts: bool) -> None:
    root = Path("/文档/.藏")
    assert is_document(root / name, root, root / "index") is counts


class Watched:
    """The items of `changes_in`, with a limit to how long is waited for a change."""

    def __init__(self, root: Path, index: Path) -> None:
        self._items = changes_in(root, index)
        assert next(self._items)

    def changes(self, seconds: float = 20) -> bool:
        """Tell whether a change comes within so many seconds."""
        ended = time.monotonic() + seconds
        for changed in self._items:
            if changed or time.monotonic() > ended:
                return changed
        raise AssertionError("the changes ended")

    def is_quiet(self) -> bool:
        """Tell whether no change comes in a few looks."""
        return not any(next(self._items) for _ in range(5))


@pytest.fixture
def watched(site: Site) -> Watched:
    return Watched(site.root, site.root / "index")


Act = Callable[[Path], object]


@pytest.mark.parametrize(
    "act",
    [
        lambda root: (root / "乙.txt").write_text("济南。", encoding="utf-8"),
        lambda root: (root / "甲.txt").write_text("济南。", encoding="utf-8"),
        lambda root: (root / "甲.txt").rename(root / "丙.txt"),
        lambda root: (root / "甲.txt").unlink(),
        lambda root: (root / "夹").mkdir(),
    ],
)
def test_a_change_is_noticed(site: Site, watched: Watched, act: Act) -> None:
    act(site.root)
    assert watched.changes()
    assert watched.is_quiet()


def test_hidden_files_reading_and_the_index_are_not_noticed(site: Site, watched: Watched) -> None:
    (site.root / ".甲.txt.swp").write_text("济", encoding="utf-8")
    (site.root / "~$甲.docx").write_text("济", encoding="utf-8")
    build(site.root, site.root / "index", Recording(), site._engines[1])
    assert watched.is_quiet()


def test_a_folder_that_goes_and_comes_back(site: Site, watched: Watched) -> None:
    shutil.rmtree(site.root)
    assert watched.changes()
    assert watched.is_quiet()
    write(site.root / "乙.txt", "高新区。")
    assert watched.changes()
    assert watched.is_quiet()
    (site.root / "乙.txt").write_text("济南。", encoding="utf-8")
    assert watched.changes()


def test_a_folder_in_the_place_of_another(site: Site, watched: Watched) -> None:
    site.root.rename(site.root.with_name("away"))
    write(site.root / "乙.txt", "高新区。")
    assert watched.changes()
    write(site.root / "丙.txt", "济南。")
    assert watched.changes()


def test_a_folder_that_cannot_be_watched(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> Iterator[set[object]]:
        raise OSError(28, "OS file watch limit reached")

    monkeypatch.setattr("watchfiles.watch", refuse)
    with pytest.raises(SourceError, match="cannot be watched .*limit reached.*FORCE_POLLING"):
        next(changes_in(site.root, site.index))


def test_looks_are_frequent(watched: Watched) -> None:
    started = time.monotonic()
    assert watched.is_quiet()
    assert time.monotonic() - started < 5 * 10 * TICK
