"""Documents in the browser: dropping files, the rebuild, removing, choosing, as a person does it."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import FilePayload, Locator, expect

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from embeddings.library import Library
from embeddings.store import IndexFolder
from qa.bot import Bot
from qa.page.options import Options
from tests.browser.conftest import PHONE, WIDE, Visit
from tests.browser.looks import ALL_LOOKS
from tests.browser.visitor import PATIENCE, Visitor
from tests.embeddings.readers import samples

SEEDS_FILE = "001_57b053b255e0047f.txt"
PLAIN_FILE = "002_437acede4656321c.txt"

ALPHABET = "天桥区企业高新产园济南甲乙丙"

SIZES_AND_LANGUAGES = pytest.mark.parametrize(
    ("size", "locale"),
    [(WIDE, "zh-CN"), (PHONE, "en-GB")]
    + ([(WIDE, "en-GB"), (PHONE, "zh-CN")] if ALL_LOOKS else []),
)
# What it takes to build comes on top, and is the same in every look.
ONE_SIZE_AND_LANGUAGE = (
    SIZES_AND_LANGUAGES
    if ALL_LOOKS
    else pytest.mark.parametrize(("size", "locale"), [(PHONE, "zh-CN")])
)


class Slow(CountingEncoder):
    """Encodes passages one after the other, each only when it may."""

    def __init__(self) -> None:
        super().__init__(ALPHABET)
        self.may = threading.Semaphore(10_000)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        for _ in texts:
            assert self.may.acquire(timeout=30)
        return super().encode_passages(texts)

    def hold(self) -> None:
        while self.may.acquire(blocking=False):
            pass


class Site:
    """A folder of three documents, its index, and a visitor at its documents."""

    def __init__(self, place: Path, tokenizer: Tokenizer, visit: Visit) -> None:
        self.place, self.root, self.index = place, place / "documents", place / "index"
        self.root.mkdir()
        for name in "甲乙丙":
            text = f"{name}产业园\n\n{name}产业园有{len(name)}2家企业。\n"
            (self.root / f"{name}.txt").write_text(text, encoding="utf-8")
        self.encoder = Slow()
        build(self.root, self.index, self.encoder, tokenizer)
        self.bot = Bot(self.index, self.encoder, tokenizer)
        self._visit = visit

    def visit(self, *, read_only: bool = False, **how: Any) -> Visitor:
        return self._visit(self.bot, pages=Options(index=self.index, read_only=read_only), **how)

    def file(self, name: str, content: str | bytes) -> str:
        path = self.place / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def uploads(self) -> list[str]:
        return [entry.source for entry in Library(self.index).uploads.entries()]


@pytest.fixture
def site(tmp_path: Path, tokenizer: Tokenizer, visit: Visit) -> Site:
    return Site(tmp_path, tokenizer, visit)


@pytest.fixture
def seeds(seeds_bot: Bot, tmp_path: Path) -> Bot:
    """The real thing over a copy of its index: the files of its folder are never written."""
    index = tmp_path / "index"
    shutil.copytree(Path(seeds_bot.info().index), index)
    return Bot.open(index)


def choose(visitor: Visitor, *files: str) -> None:
    visitor.page.set_input_files("#documents-files", list(files))


def row(visitor: Visitor, source: str) -> Locator:
    return visitor.page.locator(f'#documents-rows tr[data-source="{source}"]')


def outcomes(visitor: Visitor) -> list[str]:
    """Return what became of each upload, once all are through."""
    items = visitor.page.locator("#documents-uploads li")
    done = visitor.page.locator("#documents-uploads li[data-outcome]")
    expect(done).to_have_count(items.count(), timeout=PATIENCE)
    return [item.locator(".outcome").inner_text() for item in items.all()]


def is_rebuilt(visitor: Visitor) -> None:
    """Wait until a rebuild has ended, and what it did stands there."""
    expect(visitor.page.locator("#documents-state .report").first).to_be_visible(timeout=PATIENCE)


def accept(visitor: Visitor) -> list[str]:
    """Say yes to the next question of the browser; return what it was, once it came."""
    asked: list[str] = []

    def yes(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.accept()

    visitor.page.once("dialog", yes)
    return asked


# ---- uploads ----


@ONE_SIZE_AND_LANGUAGE
def test_files_that_are_uploaded_answer(
    seeds: Bot, visit: Visit, tmp_path: Path, size: Any, locale: str
) -> None:
    pages = Options(index=Path(seeds.info().index))
    visitor = visit(seeds, size, pages=pages, locale=locale)
    visitor.go("documents")
    files = {
        "食堂通知.txt": "关于食堂的通知\n\n食堂从2025年3月1日起每天供应37种菜。\n".encode(),
        "仓库.pdf": samples.pdf([["仓库盘点", "仓库里一共存放着88个木箱。"]]),
        "报告.docx": samples.docx(),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    choose(visitor, *(str(tmp_path / name) for name in files))
    wanted = "已上传" if locale == "zh-CN" else "Uploaded"
    assert outcomes(visitor) == [wanted] * 3
    is_rebuilt(visitor)
    for name in files:
        expect(row(visitor, f"uploads/{name}")).to_have_class("is-indexed")
    expect(visitor.page.locator("#index-facts")).to_contain_text("8 ")
    assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    visitor.page.locator("#header nav [data-view=ask]").click()
    card = visitor.ask("食堂每天供应多少种菜？")
    expect(card).to_contain_text("37种")
    expect(card).to_contain_text("uploads/食堂通知.txt")
    card = visitor.ask("仓库里存放着多少个木箱？")
    expect(card).to_contain_text("88个木箱")
    expect(card).to_contain_text("uploads/仓库.pdf")


def test_limits_and_formats_are_shown(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENJU_LARGEST_FILE", "3")
    monkeypatch.setenv("WENJU_MOST_UPLOADS", "7")
    visitor = site.visit()
    drop = visitor.go("documents").locator(".drop")
    expect(drop).to_contain_text("每个文件最大 3 MB，最多 7 个，共 2 GB")
    expect(drop).to_contain_text(".docx")


def test_bad_files_are_refused_each_with_its_reason(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WENJU_LARGEST_FILE", "1")
    visitor = site.visit()
    visitor.go("documents")
    choose(
        visitor,
        site.file("程序.exe", b"MZ"),
        site.file("假.pdf", "不是 PDF"),
        site.file("大.txt", "大" * 400_000),
        site.file("空.txt", ""),
        site.file("密.pdf", samples.pdf([["秘密"]], password="x")),
        site.file("同.txt", (site.root / "甲.txt").read_bytes()),
    )
    assert [said[:12] for said in outcomes(visitor)] == [
        "不认识的格式（.exe）；可读的格式"[:12],
        "不是 .pdf 文件，或开头已损坏"[:12],
        "有 2 MB，每个文件最多 1 MB"[:12],
        "空文件，没有可收入的内容"[:12],
        "已加密；请另存一份不带密码的"[:12],
        "内容与“甲.txt”相同，没有重复收入"[:12],
    ]
    assert site.uploads() == []


def test_names_with_slashes_quotes_and_emoji(site: Site) -> None:
    visitor = site.visit()
    visitor.go("documents")
    names = ["他说“好”'x'\".txt", "<b>粗</b>&amp;.txt", "🎉家庭👨‍👩‍👧.txt", "..\\..\\上级.txt"]
    files: list[FilePayload] = [
        {"name": name, "mimeType": "text/plain", "buffer": f"济南有{at}个园。".encode()}
        for at, name in enumerate(names)
    ]
    visitor.page.set_input_files("#documents-files", files)
    assert [said[:3] for said in outcomes(visitor)] == ["已上传"] * 4
    is_rebuilt(visitor)
    kept = ["他说“好”'x'\".txt", "b>&amp;.txt", "🎉家庭👨‍👩‍👧.txt", "上级.txt"]
    assert site.uploads() == sorted(f"uploads/{name}" for name in kept)
    rows = visitor.page.locator("#documents-rows tr")
    shown = rows.evaluate_all("all => all.map(row => row.dataset.source)")
    assert set(shown) >= {f"uploads/{name}" for name in kept}


def test_the_same_file_twice_at_once(site: Site) -> None:
    visitor = site.visit()
    visitor.go("documents")
    one, two = site.file("一.txt", "济南有新园。"), site.file("二.txt", "济南有新园。")
    choose(visitor, one, two)
    said = sorted(outcomes(visitor))
    assert said[0].startswith("内容与“uploads/")
    assert said[1] == "已上传"
    assert len(site.uploads()) == 1


def test_two_hundred_files(site: Site) -> None:
    visitor = site.visit()
    visitor.go("documents")
    files: list[FilePayload] = [
        {
            "name": f"第{n}号.txt",
            "mimeType": "text/plain",
            "buffer": f"第{n}号园区在济南。".encode(),
        }
        for n in range(200)
    ]
    visitor.page.set_input_files("#documents-files", files)
    expect(visitor.page.locator("#documents-uploads li")).to_have_count(200)
    expect(visitor.page.locator("#documents-uploads [data-outcome=good]")).to_have_count(
        200, timeout=60_000
    )
    is_rebuilt(visitor)
    expect(visitor.page.locator("#documents-state")).to_contain_text("新增 200 个")
    expect(visitor.page.locator("#documents-rows tr")).to_have_count(200)
    visitor.page.locator("#documents-more button").click()
    expect(visitor.page.locator("#documents-rows tr")).to_have_count(203)


def test_more_than_may_be_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENJU_MOST_UPLOADS", "2")
    visitor = site.visit()
    visitor.go("documents")
    choose(visitor, *(site.file(f"{n}号.txt", f"济南{n}") for n in range(4)))
    said = outcomes(visitor)
    assert said.count("已上传") == 2
    assert sum(one.startswith("已有 2 个上传的文件，最多 2 个") for one in said) == 2


DROP = """([name, text]) => {
    const carried = new DataTransfer();
    carried.items.add(new File([text], name, {type: "text/plain"}));
    const target = document.querySelector("#workspace");
    for (const type of ["dragenter", "dragover", "drop"]) {
        target.dispatchEvent(new DragEvent(type, {dataTransfer: carried, bubbles: true, cancelable: true}));
    }
}"""


def test_a_file_is_dropped_anywhere(site: Site) -> None:
    visitor = site.visit()
    visitor.page.evaluate(DROP, ["拖.txt", "济南有个拖来的园。"])
    expect(visitor.page.locator("#view-documents")).to_be_visible()
    is_rebuilt(visitor)
    expect(row(visitor, "uploads/拖.txt")).to_be_visible()


def test_an_upload_while_the_server_is_away_can_be_tried_again(site: Site) -> None:
    visitor = site.visit()
    visitor.go("documents")
    visitor.page.route("**/wenju/documents/upload**", lambda route: route.abort())
    choose(visitor, site.file("新.txt", "济南有新园。"))
    assert outcomes(visitor) == ["连接中断，没有上传"]
    visitor.errors.clear()  # the browser reports the lost request
    visitor.page.unroute("**/wenju/documents/upload**")
    visitor.page.get_by_role("button", name="重试").click()
    is_rebuilt(visitor)
    assert site.uploads() == ["uploads/新.txt"]


# ---- rebuilding ----


@ONE_SIZE_AND_LANGUAGE
def test_two_tabs_see_one_rebuild_and_the_chat_goes_on(site: Site, size: Any, locale: str) -> None:
    for number in range(20):
        text = f"济南第{number}个园。天桥区有{number}家。"
        (site.root / f"新{number:02}.txt").write_text(text, encoding="utf-8")
    visitor = site.visit(size=size, locale=locale)
    visitor.go("documents")
    other = Visitor(visitor.page.context, visitor.address)
    other.arrive()
    other.go("documents")
    site.encoder.hold()
    visitor.page.locator("[data-act=rebuild]").click()
    expect(visitor.page.locator("#documents-state progress")).to_be_visible()
    stage = "编码文字" if locale == "zh-CN" else "Encoding texts"
    for tab in (visitor, other):
        expect(tab.page.locator(".running")).to_contain_text(stage, timeout=PATIENCE)
    bar = visitor.page.locator("#documents-state progress")
    assert bar.get_attribute("value") == "0"
    other.page.locator("#header nav [data-view=ask]").click()
    expect(other.ask("甲产业园有多少家企业？")).to_contain_text("12家")
    site.encoder.may.release(32)
    expect(bar).to_have_attribute("value", "32", timeout=PATIENCE)
    site.encoder.may.release(10_000)
    is_rebuilt(visitor)
    other.go("documents")
    is_rebuilt(other)
    done = "新增 20 个" if locale == "zh-CN" else "20 new files"
    for tab in (visitor, other):
        expect(tab.page.locator("#documents-state")).to_contain_text(done)
        assert tab.errors == []
    assert IndexFolder(site.index).numbers() == [1, 2]


def test_another_program_that_builds_is_named(site: Site) -> None:
    visitor = site.visit()
    visitor.go("documents")
    with IndexFolder(site.index).writing():
        visitor.page.locator("[data-act=rebuild]").click()
        state = visitor.page.locator("#documents-state")
        expect(state).to_contain_text("另一个程序正在写这个索引（进程", timeout=PATIENCE)
    visitor.page.locator("[data-act=rebuild]").click()
    is_rebuilt(visitor)


def test_the_index_removed_under_a_running_chat(site: Site) -> None:
    visitor = site.visit()
    visitor.go("documents")
    shutil.rmtree(site.index)
    visitor.page.locator("#header nav [data-view=ask]").click()
    expect(visitor.ask("甲产业园有多少家企业？")).to_contain_text("12家")
    visitor.reload()
    visitor.go("documents")
    expect(visitor.page.locator("#documents-state")).to_contain_text("里没有索引", timeout=PATIENCE)
    visitor.page.locator("[data-act=rebuild]").click()
    is_rebuilt(visitor)
    expect(visitor.page.locator("#documents-state")).to_contain_text("3 份文档")


# ---- removing ----


@SIZES_AND_LANGUAGES
def test_an_upload_is_removed_with_a_way_back(site: Site, size: Any, locale: str) -> None:
    visitor = site.visit(size=size, locale=locale)
    visitor.go("documents")
    choose(visitor, site.file("新.txt", "济南新园\n\n济南新园有77家企业。"))
    is_rebuilt(visitor)
    own = row(visitor, "uploads/新.txt")
    asked = accept(visitor)
    own.locator("[data-act=remove]").click()
    expect(own).to_have_class("is-removed")
    assert "新.txt" in asked[0]
    assert site.uploads() == []
    own.locator("[data-act=restore]").click()
    expect(own).to_have_class("is-indexed")
    accept(visitor)
    own.locator("[data-act=remove]").click()
    expect(own).to_have_class("is-removed")
    visitor.page.locator("[data-act=rebuild]").click()
    expect(own).to_have_count(0, timeout=PATIENCE)
    assert list((site.index / "uploads" / ".removed").iterdir()) == []
    visitor.page.locator("#header nav [data-view=ask]").click()
    expect(visitor.ask("济南新园有多少家企业？")).not_to_contain_text("77家企业")


def test_a_question_not_confirmed_changes_nothing(site: Site) -> None:
    visitor = site.visit()
    visitor.go("documents")
    visitor.page.once("dialog", lambda dialog: dialog.dismiss())
    row(visitor, "甲.txt").locator("[data-act=remove]").click()
    expect(row(visitor, "甲.txt")).to_have_class("is-indexed")
    assert Library(site.index).listing().waiting == 0


def test_a_file_of_the_seeds_is_excluded_and_stays_on_the_disk(seeds: Bot, visit: Visit) -> None:
    index = Path(seeds.info().index)
    visitor = visit(seeds, pages=Options(index=index))
    visitor.go("documents")
    own = row(visitor, SEEDS_FILE)
    accept(visitor)
    own.locator("[data-act=remove]").click()
    expect(own).to_contain_text("更新索引前仍用它作答")
    visitor.page.locator("[data-act=rebuild]").click()
    is_rebuilt(visitor)
    expect(own).to_have_class("is-excluded")
    expect(visitor.page.locator("#index-facts")).to_contain_text("4 份文档")
    assert (Path(seeds.info().root) / SEEDS_FILE).exists()
    assert SEEDS_FILE not in seeds.info().sources
    own.get_by_role("button", name="恢复").click()
    visitor.page.locator("[data-act=rebuild]").click()
    expect(own).to_have_class("is-indexed", timeout=PATIENCE)


# ---- the list, and one document ----


def test_the_list_is_narrowed_by_words_and_by_what_files_are(site: Site) -> None:
    visitor = site.visit()
    visitor.go("documents")
    rows = visitor.page.locator("#documents-rows tr")
    visitor.page.locator("#view-documents [name=words]").fill("甲产业")
    expect(rows).to_have_count(1)
    visitor.page.locator("#view-documents [name=words]").fill("")
    expect(rows).to_have_count(3)
    accept(visitor)
    row(visitor, "乙.txt").locator("[data-act=remove]").click()
    visitor.page.locator("[data-act=group][data-group=excluded]").click()
    expect(rows).to_have_count(1)
    expect(rows).to_have_attribute("data-source", "乙.txt")


@SIZES_AND_LANGUAGES
def test_a_document_as_it_was_read(seeds: Bot, visit: Visit, size: Any, locale: str) -> None:
    visitor = visit(seeds, size, pages=Options(index=Path(seeds.info().index)), locale=locale)
    visitor.go("documents")
    row(visitor, PLAIN_FILE).locator("[data-act=view]").last.click()
    sheet = visitor.page.locator("#documents-read")
    expect(sheet).to_be_visible()
    text = (Path(seeds.info().root) / PLAIN_FILE).read_text(encoding="utf-8")
    body = sheet.locator('.block[data-role="body"]').first
    words = re.sub(r"\s", "", body.locator(".words").inner_text())
    assert words[:12] in re.sub(r"\s", "", text)
    expect(body.locator(".role")).to_have_text("正文" if locale == "zh-CN" else "body")
    assert sheet.locator('.block[data-role="headline"]').count() > 0
    visitor.page.keyboard.press("Escape")
    expect(sheet).not_to_be_visible()


# ---- choosing ----


@SIZES_AND_LANGUAGES
def test_only_the_chosen_documents_are_asked(site: Site, size: Any, locale: str) -> None:
    visitor = site.visit(size=size, locale=locale)
    visitor.go("documents")
    for name in ("甲.txt", "乙.txt"):
        row(visitor, name).locator("[data-pick]").check()
    row(visitor, "乙.txt").locator("[data-pick]").uncheck()
    visitor.page.locator("[data-act=ask-these]").click()
    chip = visitor.page.locator("#choice")
    expect(chip).to_contain_text("甲.txt")
    card = visitor.ask("丙产业园有多少家企业？")
    assert "丙.txt" not in card.inner_text()
    expect(visitor.ask("甲产业园有多少家企业？")).to_contain_text("12家")
    visitor.reload()
    expect(chip).to_contain_text("甲.txt")  # kept with its conversation
    visitor.page.locator("#view-ask [data-act=new]").first.click()
    expect(chip).to_be_hidden()
    expect(visitor.ask("丙产业园有多少家企业？")).to_contain_text("丙.txt")
    visitor.go("documents")
    expect(visitor.page.locator("#documents-chosen")).not_to_be_visible()


def test_a_choice_ends_with_its_cross(site: Site) -> None:
    visitor = site.visit()
    visitor.go("documents")
    row(visitor, "甲.txt").locator("[data-pick]").check()
    visitor.page.locator("#header nav [data-view=ask]").click()
    visitor.page.locator("#choice .all").click()
    expect(visitor.page.locator("#choice")).to_be_hidden()
    expect(visitor.ask("丙产业园有多少家企业？")).to_contain_text("丙.txt")


# ---- read-only ----


@SIZES_AND_LANGUAGES
def test_a_read_only_page_shows_and_changes_nothing(site: Site, size: Any, locale: str) -> None:
    visitor = site.visit(read_only=True, size=size, locale=locale)
    visitor.go("documents")
    expect(row(visitor, "甲.txt")).to_be_visible()
    for what in (".drop", "[data-act=rebuild]", "[data-act=remove]", "[type=file]"):
        expect(visitor.page.locator(f"#view-documents {what}")).to_have_count(0)
    reply = visitor.page.evaluate("wenju.act('documents', 'rebuild', {})")
    assert reply is None
    said = "只读" if locale == "zh-CN" else "read-only"
    expect(visitor.page.locator("#said")).to_contain_text(said)
    visitor.page.evaluate(DROP, ["拖.txt", "济南"])
    expect(visitor.page.locator("#said")).to_contain_text(said)
    assert site.uploads() == []
