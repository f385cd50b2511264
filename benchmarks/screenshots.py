"""Makes the pictures of the page that the README shows, from the real page over a real index.

    python benchmarks/screenshots.py index

The questions are about the documents in seeds/; over another corpus name others:
``--ask QUESTION --follow-up QUESTION --unanswerable QUESTION``.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

from embeddings.build import build
from embeddings.encoder import open_encoder
from embeddings.lexical import Tokenizer
from embeddings.library import Library
from embeddings.model import home
from embeddings.settings import Settings
from embeddings.store import IndexFolder
from qa.bot import Bot
from qa.generate import open_writer
from qa.page.chat import running
from qa.page.options import Options
from tests.llm.scripted_server import scripted

DOCS = Path(__file__).parents[1] / "docs"
WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
SETTLED_MILLISECONDS = 600
SHEET_NAME = "通知 2021年第3号.pdf"
SHEET = [
    ["关于举办技能竞赛的通知", "全区职工技能竞赛将于2021年9月18日举行。"],
    [
        "二、奖励办法",
        "一等奖奖金为8000元，二等奖奖金为5000元。",
        "三等奖奖金为2000元，优秀奖发给证书。",
        "获奖者名单在竞赛结束后三日内公布。",
    ],
]
GUIDES = {
    f"办事指南（{part}）.txt": "".join(
        f"{title}第{number}条\n\n{title}由窗口在{number}个工作日内办结，第{number}条另有规定的除外。\n\n"
        for number in range(1, 41)
    )
    for part, title in (("一", "企业设立登记"), ("二", "人才引进落户"), ("三", "党组织关系转接"))
}
"""Files that take a few seconds to be taken in."""

SHEET_QUESTION = "技能竞赛一等奖奖金多少？"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("index", type=Path, help="index folder")
    parser.add_argument("--only", nargs="+", choices=list(PICTURES), help="only these pictures")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder for the pictures")
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="the browser")
    parser.add_argument("--ask", default="天桥区有多少家直播电商企业？")
    parser.add_argument("--follow-up", default="那从业人员呢？")
    parser.add_argument("--unanswerable", default="天桥区有几所大学？")
    return parser.parse_args()


@dataclass(frozen=True)
class Picture:
    """A picture of the page.

    Attributes:
        act: brings the page to where it is taken.
        window: how it is opened.
        has_sheet: whether it is taken over an index with a sheet of paper in it.
        model: what stands in for a language model does, a behaviour of `tests.llm`; without a
            model if empty.
    """

    act: Callable[[Page, argparse.Namespace], None]
    window: dict[str, Any]
    has_sheet: bool = False
    model: str = ""


@contextmanager
def opened(browser: Browser, address: str, **context: Any) -> Iterator[Page]:
    """Open the page in a window of its own."""
    with browser.new_context(locale="zh-CN", **context) as window:
        page = window.new_page()
        page.goto(address)
        expect(page.locator(".example").first).to_be_visible(timeout=90_000)
        yield page


def ask(page: Page, question: str) -> None:
    """Ask and wait for the card."""
    cards = page.locator(".card:not(.dots)")
    before = cards.count()
    page.fill("#question", question)
    page.press("#question", "Enter")
    expect(cards).to_have_count(before + 1, timeout=90_000)


def turn_to(page: Page, view: str) -> None:
    """Turn to a view and wait until it is drawn."""
    page.locator(f"#header nav [data-view={view}]").click()
    expect(page.locator(f"#view-{view}:not([aria-busy])")).to_be_visible(timeout=90_000)
    page.wait_for_timeout(SETTLED_MILLISECONDS)


def conversation(page: Page, given: argparse.Namespace) -> None:
    """An answer with its source open, and a follow-up."""
    ask(page, given.ask)
    ask(page, given.follow_up)


def sheet(page: Page, given: argparse.Namespace) -> None:
    """An answer whose source was tapped on a phone."""
    ask(page, given.ask)
    page.locator(".cite").first.tap()


def refused(page: Page, given: argparse.Namespace) -> None:
    """A question that the documents do not answer, with the nearest passage open."""
    ask(page, given.ask)
    ask(page, given.unanswerable)
    if not page.locator(".refusal .passage").count():
        raise SystemExit(f"{given.unanswerable} was not refused; name another: --unanswerable")
    page.locator(".refusal .passage").first.click()


def framed(page: Page, given: argparse.Namespace) -> None:
    """An answer out of a PDF file: its page as it looks, with the place framed."""
    ask(page, given.ask)
    ask(page, SHEET_QUESTION)
    expect(page.locator(".picture img")).to_have_js_property("complete", value=True)


def written(page: Page, given: argparse.Namespace) -> None:
    """An answer in a model's words, whose second sentence has a number that stands nowhere."""
    ask(page, given.ask)
    card = page.locator(".card:not(.dots)").last
    expect(card.locator(".by .author")).to_be_visible(timeout=90_000)
    card.locator(".written .cite").first.click()


def searched(page: Page, given: argparse.Namespace) -> None:
    """Passages for a question, and why they were found; the best one open."""
    turn_to(page, "search")
    field = page.locator("#view-search [name=query]")
    field.fill(given.ask)
    field.press("Enter")
    page.locator("#view-search [data-act=open]").first.click(timeout=90_000)


def documents(page: Page, _: argparse.Namespace) -> None:
    """What is in the index, while it is built with a few files more."""
    turn_to(page, "documents")
    files = [FilePayload(name=SHEET_NAME, mimeType="application/pdf", buffer=paper())]
    for name, text in GUIDES.items():
        files.append(FilePayload(name=name, mimeType="text/plain", buffer=text.encode()))
    page.set_input_files("#documents-files", files)
    # The second of three stages, somewhere on its way.
    on_its_way = "bar => bar.max > 20 && bar.value > bar.max / 4"
    page.wait_for_function(
        f"() => [...document.querySelectorAll('.running progress')].some({on_its_way})",
        timeout=90_000,
    )


def mapped(page: Page, given: argparse.Namespace) -> None:
    """The corpus as a picture, with a question and its hits drawn in."""
    turn_to(page, "map")
    field = page.locator("#view-map [name=question]")
    field.fill(given.ask)
    field.press("Enter")
    page.wait_for_timeout(1_500)


PICTURES = {
    "chat-wide.png": Picture(conversation, WIDE),
    "chat-dark.png": Picture(conversation, {**WIDE, "color_scheme": "dark"}),
    "chat-phone.png": Picture(sheet, PHONE),
    "chat-refusal.png": Picture(refused, WIDE),
    "chat-page.png": Picture(framed, WIDE, has_sheet=True),
    "chat-written.png": Picture(written, WIDE, model="wrong_number_after_good"),
    "search.png": Picture(searched, WIDE),
    "map.png": Picture(mapped, WIDE),
    "documents.png": Picture(documents, WIDE),
}


def paper() -> bytes:
    """Return a PDF file of two pages: a notice, in Chinese."""
    from reportlab.lib.pagesizes import A5
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=A5)
    for lines in SHEET:
        for number, line in enumerate(lines):
            canvas.setFont("STSong-Light", 17 if number == 0 else 13)
            canvas.drawString(40, A5[1] - 70 - 30 * number, line)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


@contextmanager
def served(index: Path, model: str) -> Iterator[str]:
    """Serve the page over an index, with everything that it can do."""
    with ExitStack() as stack:
        writer = None
        if model:
            server = stack.enter_context(scripted(model, model="example-model"))
            writer = open_writer(Settings(llm_url=server.url, llm_model=server.model))
        options = Options(index=index, writer=writer)
        yield stack.enter_context(running(Bot.open(index), options=options))


@contextmanager
def indexes(given: argparse.Namespace) -> Iterator[dict[bool, Path]]:
    """Give copies of the index, which the pictures may change; True names the one with a sheet."""
    with tempfile.TemporaryDirectory() as name:
        plain, more = Path(name) / "index", Path(name) / "more"
        shutil.copytree(given.index, plain)
        shutil.copytree(given.index, more)
        library = Library(more)
        with library.receiving() as file:
            file.write(paper())
            library.add(SHEET_NAME, file)
        root = json.loads((IndexFolder(more).current() / "manifest.json").read_text())["root"]
        build(Path(root), more, open_encoder(), Tokenizer(home() / "jieba"))
        yield {False: plain, True: more}


def main() -> None:
    """Make every picture, or those that are named."""
    given = arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    with indexes(given) as found, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.chromium, args=FLAGS)
        for name in given.only or PICTURES:
            picture = PICTURES[name]
            with (
                served(found[picture.has_sheet], picture.model) as address,
                opened(browser, address, **picture.window) as page,
            ):
                picture.act(page, given)
                page.wait_for_timeout(SETTLED_MILLISECONDS if name != "documents.png" else 100)
                page.mouse.move(0, 0)
                page.screenshot(path=given.out / name)
                print(given.out / name)
        browser.close()


if __name__ == "__main__":
    main()
