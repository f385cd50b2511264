"""What goes wrong at the page, done as a person would: bad files, a lost index, a server anew."""

from __future__ import annotations

import re
import shutil
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, FilePayload, expect

from embeddings.build import build
from embeddings.errors import SourceError
from embeddings.lexical import Tokenizer
from embeddings.library import Library
from embeddings.store import IndexFolder
from qa.bot import Bot
from qa.page.chat import running
from qa.page.options import Options
from tests.browser.conftest import WIDE
from tests.browser.test_documents import Slow, accept, choose, is_rebuilt, outcomes, row
from tests.browser.visitor import PATIENCE, Visitor
from tests.embeddings.readers import samples

pytestmark = pytest.mark.browser

MEGABYTE = 2**20
LARGEST, MOST = 40, 60
"""Limits of the page: megabytes of a file, and uploaded files."""

QUESTION = "甲产业园有多少家企业？"
LOST = "与服务器的连接断了"
OLD_OFFICE = bytes.fromhex("d0cf11e0a1b11ae1")


def payload(name: str, text: str) -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": text.encode()}


def forget_refusals(visitor: Visitor) -> None:
    """Forget what the browser reports of a server that is gone or new; nothing else.

    Gradio's own scripts, which are under /assets/, may fail without it; the page's are not there.
    """
    expected = re.compile(
        r"status of 403|ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_\w*CHUNKED"
        r"|\n    at [^\n]*/assets/[\w-]+\.js"
    )
    visitor.errors[:] = [error for error in visitor.errors if not expected.search(error)]


class Fragile(Slow):
    """Fails, once it is told to, instead of encoding: as a process that is killed."""

    def __init__(self) -> None:
        super().__init__()
        self._fails = False

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = super().encode_passages(texts)
        if self._fails:
            self._fails = False
            raise SourceError("killed")
        return vectors

    def fail(self) -> None:
        self._fails = True
        self.may.release(10_000)


class Place:
    """A folder of three documents and its index; its page is served on the same port each time."""

    def __init__(self, place: Path, tokenizer: Tokenizer) -> None:
        self.place, self.root, self.index = place, place / "documents", place / "index"
        self.files = place / "files"
        self.files.mkdir()
        self.root.mkdir()
        for name in "甲乙丙":
            text = f"{name}产业园\n\n{name}产业园有12家企业。\n"
            (self.root / f"{name}.txt").write_text(text, encoding="utf-8")
        self.tokenizer, self.encoder = tokenizer, Fragile()
        build(self.root, self.index, self.encoder, tokenizer)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve the page by a bot that has just been opened."""
        bot = Bot(self.index, self.encoder, self.tokenizer)
        with running(bot, port=self.port, options=Options(index=self.index)) as address:
            yield address

    def file(self, name: str, content: str | bytes) -> str:
        path = self.files / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def large(self, name: str, megabytes: int, begin: bytes = b"") -> str:
        """Return a file that takes no room on the disk."""
        path = self.files / name
        with path.open("wb") as file:
            file.write(begin)
            file.truncate(megabytes * MEGABYTE)
        return str(path)

    def uploads(self) -> list[str]:
        return [entry.source for entry in Library(self.index).uploads.entries()]

    def generations(self) -> list[int]:
        return IndexFolder(self.index).numbers()

    def empty(self) -> None:
        """Take all uploads away, as the first test found it."""
        shutil.rmtree(self.index / "uploads", ignore_errors=True)


@pytest.fixture(scope="module")
def limits() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WENJU_LARGEST_FILE", str(LARGEST))
        patch.setenv("WENJU_MOST_UPLOADS", str(MOST))
        yield


@pytest.fixture(scope="module")
def shared(
    limits: None, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Place, str]]:
    """One server for the tests that do it no harm."""
    place = Place(tmp_path_factory.mktemp("faults"), tokenizer)
    with place.served() as address:
        yield place, address


@pytest.fixture
def own(limits: None, tokenizer: Tokenizer, tmp_path: Path) -> Place:
    """A place of a test's own, to be served, stopped and broken."""
    return Place(tmp_path, tokenizer)


Open = Callable[[str], Visitor]


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Open]:
    """Open a page in a browser of its own; afterwards nothing may have left the machine."""
    with ExitStack() as stack:
        visitors: list[Visitor] = []

        def open_page(address: str, **context: Any) -> Visitor:
            options = {"viewport": WIDE, "locale": "zh-CN", **context}
            visitor = Visitor(stack.enter_context(chromium.new_context(**options)), address)
            visitors.append(visitor)
            visitor.arrive()
            return visitor

        yield open_page
        assert [address for visitor in visitors for address in visitor.foreign] == []
        assert [error for visitor in visitors for error in visitor.errors] == []


@pytest.fixture
def place(shared: tuple[Place, str]) -> Place:
    shared[0].empty()
    return shared[0]


@pytest.fixture
def visitor(place: Place, shared: tuple[Place, str], opened: Open) -> Visitor:
    """Somebody at the documents of the shared server."""
    found = opened(shared[1])
    found.go("documents")
    return found


# ---- files ----

MAY_BE = "可读的格式：.txt, .md, .markdown, .html, .htm, .pdf, .docx, .xlsx, .pptx"


def test_bad_files_are_refused_with_what_to_do_and_good_ones_taken(
    place: Place, visitor: Visitor
) -> None:
    program = b"MZ\x90\x00" + bytes(500)
    reasons = {
        place.file("程序.exe", program): f"不认识的格式（.exe）；{MAY_BE}",
        place.file("没有扩展名", "济南"): f"不认识的格式（—）；{MAY_BE}",
        place.file("旧.doc", OLD_OFFICE): (
            ".doc 是旧版 Word 文件；请用 Word、WPS 或 LibreOffice 另存为 .docx"
        ),
        place.file("是PDF.txt", samples.pdf([["济南"]])): (
            "文件名以 .txt 结尾，内容却是 PDF；请把扩展名改成 .pdf，或重新另存为 .txt"
        ),
        place.file("是表格.docx", samples.xlsx()): (
            "文件名以 .docx 结尾，内容却是 Excel 工作簿；请把扩展名改成 .xlsx，或重新另存为 .docx"
        ),
        place.file("是程序.docx", program): "不是 .docx 文件，或开头已损坏；请重新另存为 .docx",
        place.file("是程序.txt", program): "含有零字节，不是文本；请导出为文本",
        place.file("密.docx", OLD_OFFICE + bytes(500)): (
            "已加密，或是 .docx 之前的旧格式；请另存一份不带密码的 .docx"
        ),
        place.file("密.pdf", samples.pdf([["秘密"]], password="x")): "已加密；请另存一份不带密码的",
        place.file("断.pptx", samples.pptx()[:-300]): (
            "文件已损坏（BadZipFile）；请用原来的程序打开，重新存为 .pptx"
        ),
        place.file("空.txt", ""): "空文件，没有可收入的内容",
        place.file("空白.txt", " \n\t\n"): "空文件，没有可收入的内容",
        place.large("大.txt", LARGEST + 1): (
            f"有 {LARGEST + 1} MB，每个文件最多 {LARGEST} MB，没有上传；请拆分后再传"
        ),
        place.large("光盘.iso", LARGEST): f"不认识的格式（.iso）；{MAY_BE}",
    }
    before = place.generations()
    choose(visitor, *reasons)
    assert outcomes(visitor) == list(reasons.values())
    assert (place.uploads(), place.generations()) == ([], before)
    choose(visitor, place.file("好.txt", "好园\n\n好园有77家企业。\n"))
    is_rebuilt(visitor)
    assert place.uploads() == ["uploads/好.txt"]
    visitor.go("ask")
    expect(visitor.ask("好园有多少家企业？")).to_contain_text("77家")


def test_the_same_file_again_and_another_of_its_name(place: Place, visitor: Visitor) -> None:
    told = []
    for name, text in [
        ("园.txt", "济南有园。"),
        ("园.txt", "济南有园。"),
        ("园.txt", "济南有两个园。"),
        ("园三.txt", "济南有园。"),
    ]:
        choose(visitor, place.file(name, text))
        told.append(outcomes(visitor)[-1])
    same = "内容与“uploads/园.txt”相同，没有重复收入"
    taken = "已上传，存为“园 (2).txt”：同名的文件内容不同，两个都保留"
    assert told == ["已上传", same, taken, same]
    assert place.uploads() == ["uploads/园 (2).txt", "uploads/园.txt"]
    for source in place.uploads():
        expect(row(visitor, source)).to_have_class("is-indexed", timeout=PATIENCE)


def test_a_hundred_files_where_fewer_may_be_kept(place: Place, visitor: Visitor) -> None:
    expect(visitor.page.locator(".drop .limits")).to_contain_text(f"最多 {MOST} 个")
    texts = {f"第{n}号.txt": f"第{n}号园区在济南。" for n in range(100)}
    visitor.page.set_input_files("#documents-files", [payload(*one) for one in texts.items()])
    refused = (
        f"已有 {MOST} 个上传的文件，最多 {MOST} 个；"
        "请先删除一些，或直接给一个文件夹：wenju build FOLDER"
    )
    items = visitor.page.locator("#documents-uploads li[data-outcome]")
    expect(items).to_have_count(100, timeout=2 * PATIENCE)
    found = Counter(items.locator(".outcome").all_inner_texts())
    assert found == {"已上传": MOST, refused: 100 - MOST}
    is_rebuilt(visitor)
    expect(visitor.page.locator("#documents-state")).to_contain_text(f"新增 {MOST} 个")
    assert len(place.uploads()) == MOST


def test_names_that_a_disk_or_a_page_could_trip_over(place: Place, visitor: Visitor) -> None:
    names = {
        "../../上级.txt": "上级.txt",
        "..\\..\\左.txt": "左.txt",
        "他说“好”'x'\".txt": "他说“好”'x'\".txt",
        "<img src=x onerror=alert(1)>.txt": "<img src=x onerror=alert(1)>.txt",
        "🎉家庭👨‍👩‍👧.txt": "🎉家庭👨‍👩‍👧.txt",
        "a\x00b\nc\t.txt": "abc.txt",
        "倒\u202etxt.exe.txt": "倒txt.exe.txt",
        "文" * 100 + ".txt": "文" * 58 + ".txt",
    }
    files = [payload(name, f"园有{at}号。") for at, name in enumerate(names)]
    visitor.page.set_input_files("#documents-files", files)
    assert outcomes(visitor) == [
        "已上传" if name == kept else f"已上传，存为“{kept}”" for name, kept in names.items()
    ]
    is_rebuilt(visitor)
    assert place.uploads() == sorted(f"uploads/{kept}" for kept in names.values())
    rows = visitor.page.locator("#documents-rows tr.is-indexed")
    expect(rows.filter(has_text="uploads/")).to_have_count(len(names))
    shown = set(rows.evaluate_all("all => all.map(row => row.dataset.source)"))
    assert shown >= set(place.uploads())
    for source in ("uploads/<img src=x onerror=alert(1)>.txt", "uploads/他说“好”'x'\".txt"):
        accept(visitor)
        mine = visitor.page.locator("#documents-rows tr").filter(has_text=source)
        mine.locator("[data-act=remove]").click()
        expect(mine).to_have_class("is-removed")
    assert len(place.uploads()) == len(names) - 2


def test_a_large_file_for_which_there_is_no_room(
    own: Place, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WENJU_UPLOADS_SIZE", "5")
    with own.served() as address:
        visitor = opened(address)
        expect(visitor.go("documents").locator(".limits")).to_contain_text("共 5 MB")
        choose(visitor, own.large("多.pdf", LARGEST, b"%PDF-1.7"))
        assert outcomes(visitor) == [
            f"这个文件 {LARGEST}.0 MB，已上传的共 0 字节，合起来最多 5.0 MB；"
            "请先删除一些，或直接给一个文件夹：wenju build FOLDER"
        ]
    assert own.uploads() == []


# ---- the index ----


def test_an_index_that_is_removed_under_the_chat(own: Place, opened: Open) -> None:
    with own.served() as address:
        visitor = opened(address)
        visitor.ask(QUESTION)
        shutil.rmtree(own.index)
        card = visitor.ask("乙产业园有多少家企业？")
        expect(card).to_contain_text("12家")
        card.locator(".cite").first.click()
        expect(visitor.marks.first).to_be_visible()
        shown = visitor.go("documents")
        state = shown.locator("#documents-state")
        expect(state).to_contain_text("里没有索引；它可能被移走或删除了。按“更新索引”可以重新建立")
        expect(state).not_to_contain_text("索引与文档一致")
        (own.root / "丁.txt").write_text("丁产业园\n\n丁产业园有88家企业。\n", encoding="utf-8")
        shown.locator("[data-act=rebuild]").click()
        is_rebuilt(visitor)
        expect(state).to_contain_text("4 份文档")
        expect(visitor.page.locator("#index-facts")).to_contain_text("4 份文档")
        visitor.go("ask")
        expect(visitor.cards).to_have_count(2)
        expect(visitor.ask("丁产业园有多少家企业？")).to_contain_text("88家")
        visitor.cards.first.locator(".cite").first.click()
        expect(visitor.marks.first).to_have_text("甲产业园有12家企业。")


def test_two_tabs_that_rebuild_at_once(own: Place, opened: Open) -> None:
    with own.served() as address:
        one = opened(address)
        two = Visitor(one.page.context, address)
        two.arrive()
        tabs = (one, two)
        (own.root / "丁.txt").write_text("丁产业园有13家企业。", encoding="utf-8")
        for tab in tabs:
            tab.go("documents")
            expect(tab.page.locator("[data-act=rebuild]").first).to_be_visible()
        own.encoder.hold()
        for tab in tabs:  # at once: the second must not have seen the first
            tab.page.evaluate("document.querySelector('[data-act=rebuild]').click()")
        for tab in tabs:
            expect(tab.page.locator(".running")).to_contain_text("编码文字")
        choose(two, own.file("戊.txt", "戊产业园\n\n戊产业园有66家企业。\n"))
        assert outcomes(two) == ["已上传"]
        own.encoder.may.release(10_000)
        for tab in tabs:
            is_rebuilt(tab)
            state = tab.page.locator("#documents-state")
            expect(state).to_contain_text("新增 2 个。现有 5 份文档")
            expect(state).to_contain_text("索引与文档一致")
            assert tab.errors == []
        one.go("ask")
        expect(one.ask("戊产业园有多少家企业？")).to_contain_text("66家")
    assert own.generations()[-1] == 3


# ---- the server ----


def test_a_server_that_was_started_anew_knows_the_open_page(own: Place, opened: Open) -> None:
    with own.served() as address:
        visitor = opened(address)
        visitor.ask(QUESTION)
        visitor.go("documents")
    with own.served():
        choose(visitor, own.large("坏.pdf", LARGEST, b"%PDF-1.7"), own.file("新.txt", "济南新园"))
        assert outcomes(visitor) == [
            "文件已损坏（PdfiumError）；请用原来的程序打开，重新存为 .pdf", "已上传",
        ]  # fmt: skip
        is_rebuilt(visitor)
    with own.served():
        accept(visitor)
        row(visitor, "uploads/新.txt").locator("[data-act=remove]").click()
        expect(row(visitor, "uploads/新.txt")).to_have_class("is-removed")
    with own.served():
        visitor.go("ask")
        expect(visitor.ask("乙产业园有多少家企业？")).to_contain_text("12家")
    with own.served():
        visitor.cards.last.locator('.thumb[data-verdict="up"]').click()
        visitor.cards.first.locator(".cite").first.click()
        expect(visitor.marks.first).to_have_text("甲产业园有12家企业。")
    assert (own.index / "feedback.db").exists()
    forget_refusals(visitor)


def test_a_rebuild_that_the_server_did_not_survive(own: Place, opened: Open) -> None:
    with own.served() as address:
        visitor = opened(address)
        visitor.go("documents")
        own.encoder.hold()
        choose(visitor, own.file("新.txt", "济南新园\n\n济南新园有55家企业。\n"))
        expect(visitor.page.locator(".running")).to_contain_text("编码文字", timeout=PATIENCE)
    own.encoder.fail()
    expect(visitor.page.get_by_text(LOST)).to_be_visible(timeout=PATIENCE)
    with own.served():
        expect(visitor.page.get_by_text(LOST)).to_be_hidden(timeout=PATIENCE)
        state = visitor.page.locator("#documents-state")
        expect(state).to_contain_text("有 1 处改动还没有进入索引", timeout=PATIENCE)
        state.locator("[data-act=rebuild]").click()
        is_rebuilt(visitor)
        visitor.go("ask")
        expect(visitor.ask("济南新园有多少家企业？")).to_contain_text("55家")
    forget_refusals(visitor)


def test_an_upload_that_the_server_did_not_survive(own: Place, opened: Open) -> None:
    with own.served() as address:
        visitor = opened(address)
        visitor.go("documents")
    choose(visitor, own.file("新.txt", "济南新园"), own.file("园.txt", "济南的园"))
    assert outcomes(visitor) == ["连接中断，没有上传"] * 2
    with own.served():
        expect(visitor.page.get_by_text(LOST)).to_be_hidden(timeout=PATIENCE)
        for _ in range(2):
            visitor.page.get_by_role("button", name="重试").first.click()
        is_rebuilt(visitor)
        assert outcomes(visitor) == ["已上传"] * 2
    assert own.uploads() == ["uploads/园.txt", "uploads/新.txt"]
    forget_refusals(visitor)
