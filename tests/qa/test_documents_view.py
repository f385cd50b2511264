"""The view of documents without a browser: lists, acts, uploads over HTTP, and what is refused."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from embeddings.build import build
from embeddings.documents import FileEntry, read_document
from embeddings.encoder import CountingEncoder
from embeddings.errors import QuestionError, SourceError, UnreadableFileError
from embeddings.lexical import Tokenizer
from embeddings.library import Library, Listed, Listing, Status
from embeddings.progress import Progress
from embeddings.readers.signatures import check_content, check_ending
from embeddings.segment import Segmenter
from embeddings.settings import Settings
from embeddings.uploads import Limits, Uploads
from qa.bot import Bot
from qa.inspect_view import inspect_document
from qa.page.chat import running
from qa.page.documents_html import SHOWN, Look, list_html, more_html, rows_html, running_html
from qa.page.documents_read import read_html
from qa.page.documents_texts import DOCUMENTS_TEXTS
from qa.page.documents_upload import AT_ONCE
from qa.page.documents_view import DocumentsView, documents_view
from qa.page.options import Options
from qa.page.reasons import chinese, said
from qa.page.texts import TEXTS, Language
from qa.page.views import Patch, Visit
from qa.rebuilding import Rebuilding, State, build_of
from tests.browser.scripted import ScriptedBot
from tests.qa.conftest import ALPHABET, PAGES

ZH = DOCUMENTS_TEXTS[Language.ZH]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data + "\n"


def read(markup: str) -> _Reader:
    reader = _Reader()
    reader.feed(markup)
    return reader


class Site:
    """Three documents, their index, and the view over it."""

    def __init__(self, place: Path, tokenizer: Tokenizer) -> None:
        self.root, self.index = place / "documents", place / "index"
        self.root.mkdir()
        for name, text in PAGES.items():
            (self.root / name).write_bytes(text.encode())
        encoder = CountingEncoder(ALPHABET)
        build(self.root, self.index, encoder, tokenizer)
        self.bot = Bot(self.index, encoder, tokenizer)
        self.library = Library(self.index, Limits(2000, 3, 5000))
        made = build_of(self.library, lambda: self.bot.engines, Settings())
        self.rebuilding = Rebuilding(made, self.index)

    def view(self, *, read_only: bool = False) -> DocumentsView:
        return DocumentsView(
            self.library, self.rebuilding, lambda: self.bot.engines, read_only=read_only
        )

    def act(self, name: str, language: Language = Language.ZH, **data: Any) -> dict[str, Any]:
        """Return what an act patches by id, and its last reply under ``reply``."""
        found: dict[str, Any] = {}
        for part in self.view().act(name, data, visit_in(language)):
            if isinstance(part, Patch):
                found[part.id] = part.html
            else:
                found["reply"] = part.data
        return found

    def rebuild(self) -> None:
        self.act("rebuild")
        while self.rebuilding.state().running:
            self.rebuilding.wait(20)


def visit_in(language: Language, options: Options | None = None) -> Visit:
    return Visit(language, TEXTS[language], options or Options())


@pytest.fixture
def site(tmp_path: Path, tokenizer: Tokenizer) -> Site:
    return Site(tmp_path, tokenizer)


@pytest.mark.parametrize("language", Language)
def test_the_whole_view(site: Site, language: Language) -> None:
    shown = read(site.view().show(visit_in(language)))
    texts = DOCUMENTS_TEXTS[language]
    assert all(name in shown.text for name in PAGES)
    assert texts.current in shown.text
    assert texts.root.format(root=site.root.name) in shown.text
    assert str(site.root) not in shown.text
    assert str(site.root) in [about.get("title") for _, about in shown.tags]
    boxes = [a["data-pick"] for tag, a in shown.tags if a.get("type") == "checkbox"]
    assert boxes == sorted(PAGES)
    assert [a["multiple"] for tag, a in shown.tags if a.get("type") == "file"] == [None]
    assert site.view().title(language) == texts.title


def test_names_and_titles_are_text(site: Site) -> None:
    (site.root / "<b>名'\"&.txt").write_text("<script>alert(1)</script>高新区。", encoding="utf-8")
    site.rebuild()
    shown = site.view().show(visit_in(Language.EN))
    assert "<script" not in shown
    assert "<b>名" not in shown
    reader = read(shown)
    assert "<b>名'\"&.txt" in [a.get("data-source") for _, a in reader.tags]
    assert "<b>名'\"&" in reader.text.split("\n")


def test_a_rebuild_and_its_report(site: Site) -> None:
    (site.root / "新.txt").write_text("高新区有新园。", encoding="utf-8")
    (site.root / "坏.xyz").write_text("?", encoding="utf-8")
    assert "有 2 处改动还没有进入索引" in site.act("list")["documents-state"]
    site.rebuild()
    state = read(site.act("list")["documents-state"]).text
    assert "新增 1 个。现有 4 份文档" in state.replace("\n", "")
    assert "1 个文件读不了" in state
    assert "不认识的格式（.xyz）" in site.act("list")["documents-list"]
    site.rebuild()
    assert ZH.unchanged in site.act("list")["documents-state"]


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (None, "准备中"),
        (Progress("read", 0, 40), "1/3 读取文件 0 / 40"),
        (Progress("encode", 30, 1200, 35.21, 93.4), "2/3 编码文字 30 / 1,200 · 每秒 35 · 还需 1 分 33 秒"),
        (Progress("encode", 3, 12, 0.52, 17.3), "2/3 编码文字 3 / 12 · 每秒 0.5 · 还需 17 秒"),
        (Progress("write", 4, 4, 9.0, 0.0), "3/3 写入索引 4 / 4 · 每秒 9.0"),
    ],
)  # fmt: skip
def test_how_far_a_rebuild_is(at: Progress | None, shown: str) -> None:
    made = read(running_html(State(1, running=True, at=at), Look(Language.ZH, read_only=False)))
    assert " ".join(made.text.split()) == shown
    bar = next(attributes for tag, attributes in made.tags if tag == "progress")
    assert bar.get("max") == (str(at.total) if at else None)
    assert bar.get("value") == (str(at.done) if at else None)


def test_a_second_tab_sees_the_same_rebuild(site: Site) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def held(tell: Any) -> Any:
        tell(Progress("encode", 1, 2))
        begun.set()
        may_end.wait(20)
        raise SourceError("There are 5 uploaded files; at most 3 are kept. Remove some.")

    site.rebuilding = Rebuilding(held, site.index)
    site.act("rebuild")
    assert begun.wait(20)
    second = site.act("rebuild")
    assert second["reply"]["number"] == 1
    assert "编码文字" in second["documents-state"]
    assert "编码文字" in site.view().show(visit_in(Language.ZH))
    may_end.set()
    while site.rebuilding.state().running:
        site.rebuilding.wait(20)
    assert site.act("progress")["reply"] == {"running": False, "number": 1, "other": None}
    assert "索引没有更新：已有 5 个上传的文件，最多 3 个" in site.act("list")["documents-state"]


def test_removing_and_taking_back(site: Site) -> None:
    found = site.act("remove", source="天桥.txt")
    assert found["reply"] == {"said": "已排除“天桥.txt”。更新索引后不再用它作答。"}
    assert "更新索引前仍用它作答" in found["documents-list"]
    assert ">撤销<" in found["documents-list"]
    site.rebuild()
    assert ">恢复<" in site.act("list")["documents-list"]
    assert site.act("list", chosen=["天桥.txt", "高新.txt", 3])["reply"]["chosen"] == ["高新.txt"]
    site.act("restore", source="天桥.txt")
    assert site.library.listing().waiting == 1
    assert (site.root / "天桥.txt").exists()


def test_errors_are_said_in_the_language_of_the_page(site: Site) -> None:
    with pytest.raises(SourceError, match="没有 无.txt 这个文件"):
        site.act("remove", source="无.txt")
    with pytest.raises(SourceError, match=r"There is no file '无.txt'"):
        site.act("remove", Language.EN, source="无.txt")
    with pytest.raises(QuestionError, match="no act 'drop'"):
        site.act("drop")


@pytest.mark.parametrize("act", ["remove", "restore", "rebuild"])
@pytest.mark.parametrize("language", Language)
def test_a_read_only_page_changes_nothing(site: Site, act: str, language: Language) -> None:
    view = site.view(read_only=True)
    with pytest.raises(SourceError, match="只读|read-only"):
        list(view.act(act, {"source": "天桥.txt"}, visit_in(language)))
    shown = view.show(visit_in(language, Options(read_only=True)))
    for name in ("remove", "restore", "rebuild", "documents-files", 'class="drop'):
        assert name not in shown.replace("removed", "")
    assert "天桥.txt" in shown
    assert view.routes() == []


def test_the_list_is_narrowed(site: Site) -> None:
    site.act("remove", source="天桥.txt")
    found = {
        words: site.act("find", words=words)["documents-list"] for words in ("高新 建联盟", "?")
    }
    assert "高新.txt" in found["高新 建联盟"]
    assert "天桥.txt" not in found["高新 建联盟"]
    assert ZH.none_match in found["?"]
    excluded = site.act("find", group="excluded")["documents-list"]
    assert "天桥.txt" in excluded
    assert "高新.txt" not in excluded
    assert "高新.txt" in site.act("find", group="<no>")["documents-list"]


def test_many_files_come_in_parts() -> None:
    files = tuple(
        Listed(f"{number:04}.txt", Status.NEW, uploaded=False, asked=False)
        for number in range(SHOWN * 2 + 5)
    )
    found = Listing(files, None)
    seen: list[str] = []
    for start in (0, SHOWN, 2 * SHOWN):
        look = Look(Language.EN, read_only=False, start=start)
        rows = [str(row) for row in rows_html(found, look)]
        seen += rows
        expected = {0: f"Show {SHOWN} more", SHOWN: "Show 5 more", 2 * SHOWN: ""}[start]
        assert expected in more_html(found, look)
        assert bool(more_html(found, look)) == bool(expected)
    assert len(seen) == len(set(seen)) == len(files)
    assert "documents-more" in list_html(found, Look(Language.EN, read_only=False))


def test_a_document_as_it_was_read(site: Site, tokenizer: Tokenizer) -> None:
    document = next(f.document for f in site.library.listing().files if f.source == "濟陽.txt")
    shown = read(site.act("view", document=document, source="濟陽.txt")["documents-read"])
    assert "濟陽區延鏈" in shown.text
    roles = [a["data-role"] for tag, a in shown.tags if "data-role" in a]
    assert roles == ["headline", "body"]
    assert "注音" in shown.text  # what was left out
    kept = inspect_document(site.library.document(document or ""), Segmenter(tokenizer))
    assert str(len(kept.segmentation.blocks)) == str(len(roles))
    with pytest.raises(SourceError, match="索引里已经没有这份文档"):
        site.act("view", document="0" * 32)


def test_a_long_document_comes_in_parts(tokenizer: Tokenizer, monkeypatch: Any) -> None:
    text = "\n\n".join(f"第{number}段讲天桥区的产业园。" for number in range(30))
    entry = FileEntry("长.txt", Path("长.txt"))
    found = inspect_document(read_document(entry, text.encode()), Segmenter(tokenizer))
    total = len(found.segmentation.blocks)
    monkeypatch.setattr("qa.page.documents_read.BLOCKS", 10)
    shown = read(read_html(found, "长.txt", ZH))
    more = next(a for _, a in shown.tags if a.get("data-act") == "more-blocks")
    assert more["data-start"] == "10"
    assert shown.text.count("讲天桥区的产业园") == 10
    assert total > 20


def test_the_view_needs_an_index_and_its_engines(site: Site) -> None:
    assert documents_view(site.bot, Options()) is None
    assert documents_view(ScriptedBot({}, {}), Options(index=site.index)) is None
    made = documents_view(site.bot, Options(index=site.index, read_only=True))
    assert made is not None
    assert made.routes() == []


def test_an_index_that_was_removed_says_so_and_comes_back(site: Site) -> None:
    site.act("list")
    shutil.rmtree(site.index)
    state = site.act("list")["documents-state"]
    assert "里没有索引；它可能被移走或删除了" in state
    assert site.bot.ask("天桥区签约多少个项目？").answered  # it goes on with what it has
    site.rebuild()
    assert "3 份文档" in site.act("list")["documents-state"]


# ---- sentences ----


def reasons() -> Iterator[str]:
    """Yield what the write side really says of files and names."""
    for ending in (".doc", ".wps", ".et", ".ofd", ".xls", ".ppt", ".rtf", ".odt", ".docm", ".epub",
                   ".mht", ".zip", ".gif", ".xyz", ""):  # fmt: skip
        with pytest.raises(UnreadableFileError) as error:
            check_ending(ending)
        yield str(error.value)
    for ending, data in (
        (".pdf", b"x"),
        (".docx", b"%PDF-"),
        (".txt", b"PK\x03\x04"),
        (".txt", b"{\\rtf"),
    ):
        with pytest.raises(UnreadableFileError) as error:
            check_content(ending, data)
        yield str(error.value)
    for data in (b" ", b"\x00\x01" * 9, "锟斤拷锟斤拷".encode() * 9, b"\xff\xfe\x00\xd8"):
        with pytest.raises(UnreadableFileError) as error:
            read_document(FileEntry("a.txt", Path("a.txt")), data)
        yield str(error.value)


def test_the_reasons_of_the_write_side_are_known_in_chinese() -> None:
    for reason in reasons():
        translated = said(reason, Language.ZH)
        assert translated != reason, reason
        assert "{" not in translated
        assert said(reason, Language.EN) == reason
    assert said("something new", Language.ZH) == "something new"
    assert len(chinese()) > 40


def test_what_has_a_lock_is_named_in_chinese() -> None:
    sentence = (
        "Another process is building the index '/a/b' (process 12 on host-1, since "
        "2026-01-02T03:04:05+00:00); wait until it has finished (--wait), or build into another "
        "folder: --index FOLDER"
    )
    assert said(sentence, Language.ZH) == (
        "另一个程序正在写这个索引（进程 12，host-1，自 2026-01-02T03:04:05+00:00 起）；请等它结束再试"
    )


# ---- uploads over HTTP ----


class Client:
    """Sends uploads as a program might, and as a browser would."""

    def __init__(self, address: str) -> None:
        self._netloc = urlsplit(address).netloc
        _, body = self.request("GET", "/wenju/state")
        self.token = json.loads(body)["token"]

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        with closing(http.client.HTTPConnection(self._netloc, timeout=20)) as connection:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read()

    def upload(self, name: str, body: Any, *, token: str | None = None) -> tuple[int, Any]:
        headers = {"x-wenju-token": self.token if token is None else token}
        path = f"/wenju/documents/upload?language=zh&name={quote(name, safe='')}"
        status, answer = self.request("POST", path, body, headers)
        return status, json.loads(answer) if status == 200 else answer.decode()


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with running(ScriptedBot({}, {}), more=[site.view()]) as address:
        yield Client(address)


def kept(site: Site) -> list[str]:
    folder = site.index / "uploads"
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def test_an_upload_arrives_byte_for_byte(site: Site, client: Client) -> None:
    data = "高新区\r\n有\ufeff新园。".encode()
    assert client.upload("../夹/他说“好”🎉.txt", data) == (
        200, {"source": "uploads/他说“好”🎉.txt", "size": len(data), "new": True, "taken": False},
    )  # fmt: skip
    assert kept(site) == ["他说“好”🎉.txt"]
    assert (site.index / "uploads" / "他说“好”🎉.txt").read_bytes() == data
    assert client.upload("again.txt", data)[1] == {
        "source": "uploads/他说“好”🎉.txt", "size": len(data), "new": False, "taken": False,
    }  # fmt: skip


def test_without_the_token_nothing_is_taken(site: Site, client: Client) -> None:
    for token in ("", "wrong"):
        status, said_ = client.upload("甲.txt", b"x", token=token)
        assert (status, "out of date" in said_) == (403, True)
    assert client.request("GET", "/wenju/documents/upload?name=a.txt")[0] in (404, 405)
    assert kept(site) == []


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("甲.exe", b"MZ", "不认识的格式（.exe）"),
        ("甲.pdf", b"no", "不是 .pdf 文件"),
        ("甲.docx", b"%PDF-1.7", "内容却是 PDF"),
        ("甲.txt", b"", "空文件"),
        ("", b"x", "不认识的格式"),
        ("甲.txt", b"x" * 2001, "文件超过 2,000 字节"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(
    site: Site, client: Client, name: str, data: bytes, reason: str
) -> None:
    status, answer = client.upload(name, data)
    assert status == 200
    assert reason in answer["error"]
    assert kept(site) == []


def test_a_length_that_is_not_declared_is_measured(site: Site, client: Client) -> None:
    status, answer = client.upload("甲.txt", iter([b"x" * 1000] * 3))
    assert (status, "文件超过 2,000 字节" in answer["error"]) == (200, True)
    assert kept(site) == []


def test_an_endless_upload_does_not_fill_the_disk(site: Site, client: Client) -> None:
    sizes = [0]

    def endless() -> Iterator[bytes]:
        for _ in range(60):
            yield b"x" * 65_536
            parts = (site.index / "uploads").glob(".*.part")
            sizes.append(max((path.stat().st_size for path in parts), default=0))

    with suppress(ConnectionError):  # the server need not hear it to its end
        client.upload("甲.txt", endless())
    assert max(sizes) < 200_000
    assert kept(site) == []


def test_too_many_are_refused(site: Site, client: Client) -> None:
    for number in range(3):
        assert client.upload(f"{number}.txt", f"{number}".encode())[1]["new"]
    assert "最多 3 个" in client.upload("4.txt", b"4")[1]["error"]
    assert len(kept(site)) == 3


def begin(client: Client) -> http.client.HTTPConnection:
    """Begin an upload that does not go on."""
    connection = http.client.HTTPConnection(client._netloc, timeout=20)
    connection.putrequest("POST", "/wenju/documents/upload?name=a.txt")
    connection.putheader("x-wenju-token", client.token)
    connection.putheader("content-length", "1500")
    connection.endheaders(b"x" * 500)
    return connection


def test_more_uploads_than_may_come_at_once_wait(site: Site, client: Client) -> None:
    begun = [begin(client) for _ in range(AT_ONCE)]
    until = time.monotonic() + 20
    while len(list((site.index / "uploads").glob(".*.part"))) < AT_ONCE:
        assert time.monotonic() < until
        time.sleep(0.05)
    with ThreadPoolExecutor() as pool:
        one_more = pool.submit(client.upload, "乙.txt", b"y")
        with pytest.raises(TimeoutError):
            one_more.result(timeout=0.5)
        begun.pop().close()
        assert one_more.result(timeout=20)[1]["new"]
    for connection in begun:
        connection.close()


def test_a_connection_that_breaks_off_leaves_nothing(site: Site, client: Client) -> None:
    connection = begin(client)
    assert client.upload("乙.txt", b"y")[1]["new"]  # the other one is on its way
    connection.close()
    for _ in range(100):
        if kept(site) == ["乙.txt"]:
            return
        threading.Event().wait(0.1)
    assert kept(site) == ["乙.txt"]


def test_a_read_only_page_has_no_address_for_uploads(site: Site) -> None:
    with running(ScriptedBot({}, {}), more=[site.view(read_only=True)]) as address:
        assert Client(address).upload("甲.txt", b"x")[0] in (404, 405)
    assert Uploads(site.index).entries() == []
