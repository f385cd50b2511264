"""Views, their acts, the token, recovery, and what axe-core finds; with a view made for the test."""

from __future__ import annotations

import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from embeddings.errors import QuestionError
from embeddings.lexical import Tokenizer
from qa.page.chat import running
from qa.page.markup import Markup, element, join
from qa.page.opener import opener
from qa.page.options import Options
from qa.page.references import passage_references
from qa.page.texts import Language
from qa.page.views import How, Part, Patch, Reply, Visit, unknown_act
from tests.browser.conftest import PHONE
from tests.browser.conftest import Visit as Visiting
from tests.browser.corpus import corpus_bot
from tests.browser.looks import ALL_LOOKS, LOOKS, Look, every_look, some_looks
from tests.browser.scripted import ScriptedBot, answer, cite, document, hit
from tests.browser.visitor import Visitor
from tests.patience import until

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "axe.min.js"
ORIGINAL = document("一.txt", "甲。乙。丙。", "题")
ASKED = "甲？"


class EchoView:
    """Says what it is told, counts, opens passages, and fails on demand."""

    name = "echo"

    def __init__(self) -> None:
        self.shown = 0
        self.go_on = threading.Event()

    def title(self, language: Language) -> str:
        return {Language.ZH: "回声", Language.EN: "Echo"}[language]

    def show(self, visit: Visit) -> Markup:
        self.shown += 1
        field = element("input", name="words", class_="field", aria_label="words")
        acts = [
            element("button", name, type="button", class_="button", data_act=name, data_step="3")
            for name in ("count", "fail", "fault", "fly")
        ]
        passages = passage_references([hit(ORIGINAL, one) for one in "甲乙"], "echo")
        found = [opener(one, one.text, "passage") for one in passages]
        say = element("form", field, element("button", "say", class_="button"), data_act="say")
        return join([element("h2", "Echo"), say, *acts, *found, element("div", id="echo-said")])

    def act(self, name: str, data: Mapping[str, Any], visit: Visit) -> Iterator[Part]:
        if name == "say":
            yield Patch("echo-said", element("p", str(data["words"]), visit.language))
        elif name == "count":
            yield Patch("echo-said", Markup())
            yield Patch("echo-said", element("i", "1"), How.APPEND)
            self.go_on.wait(20)
            yield Patch("echo-said", element("i", str(data["step"])), How.APPEND)
            yield Reply({"done": True})
        elif name == "fail":
            raise QuestionError("<b>That</b> was nothing")
        elif name == "fault":
            raise ZeroDivisionError
        else:
            raise unknown_act(self, name)


@pytest.fixture
def bot() -> ScriptedBot:
    said = answer(ASKED, cite(ORIGINAL, "甲。"), nearest=[hit(ORIGINAL, "乙。")])
    return ScriptedBot({ORIGINAL.id: ORIGINAL}, {ASKED: said}, hits=[hit(ORIGINAL, "乙。")])


@some_looks
def test_views_are_turned_to_and_remembered_in_the_address(
    bot: ScriptedBot, visit: Visiting, look: Look
) -> None:
    echo = EchoView()
    visitor = visit(bot, more=[echo], **look.context)
    page = visitor.page
    visitor.ask(ASKED)
    assert echo.shown == 0
    shown = visitor.go("echo")
    expect(shown.locator(".field")).to_be_visible()
    expect(visitor.box).to_be_hidden()
    expect(page.get_by_role("link", name=echo.title(look.texts.language))).to_have_attribute(
        "aria-current", "page"
    )
    assert page.url.endswith("/#echo")
    page.go_back()
    expect(visitor.box).to_be_visible()
    expect(visitor.cards).to_have_count(1)
    page.go_forward()
    expect(shown).to_be_visible()
    assert echo.shown == 1
    visitor.reload()
    expect(shown.locator(".field")).to_be_visible()
    assert echo.shown == 2
    page.keyboard.press("/")
    expect(shown.locator(".field")).to_be_focused()
    visitor.go("ask")
    expect(visitor.cards).to_have_count(1)
    assert page.evaluate("location.hash") == ""


# The page has come, but not yet the end of what brought it.
HELD_OPEN = """
const real = window.fetch;
window.fetch = async (address, options) => {
    const response = await real(address, options);
    if (!String(address).endsWith("act/frame/show")) return response;
    const ended = new Promise((end) => (window.end = end));
    const flush = () => ended;
    return new Response(response.body.pipeThrough(new TransformStream({ flush })), response);
};
"""


@pytest.mark.parametrize("seconds", [0.0, 1.0], ids=["answered-before", "answered-behind"])
def test_whoever_asks_before_the_page_has_wholly_come_is_answered(
    bot: ScriptedBot, chromium: Browser, seconds: float
) -> None:
    bot.seconds = seconds
    with running(bot) as address, chromium.new_context(locale="zh-CN") as context:
        context.add_init_script(HELD_OPEN)
        visitor = Visitor(context, address)
        visitor.arrive()
        if not seconds:
            visitor.ask(ASKED)
        else:
            visitor.box.fill(ASKED)
            visitor.box.press("Enter")
        visitor.page.evaluate("end()")
        expect(visitor.cards).to_have_text([re.compile("甲。")])
        expect(visitor.page.locator(".waiting")).to_have_count(0)
        visitor.ask("火星？")
        visitor.reload()
        expect(visitor.cards).to_have_count(2)


@some_looks
def test_acts_of_a_view(bot: ScriptedBot, visit: Visiting, look: Look) -> None:
    echo = EchoView()
    visitor = visit(bot, more=[echo], **look.context)
    view = visitor.go("echo")
    said = visitor.page.locator("#echo-said")
    view.locator(".field").fill("<b>说</b>")
    view.locator(".field").press("Enter")
    expect(said).to_have_text(f"<b>说</b>{look.texts.language}")
    count = view.get_by_role("button", name="count")
    count.click()
    expect(said).to_have_text("1")
    expect(count).to_have_attribute("aria-busy", "true")
    echo.go_on.set()
    expect(said).to_have_text("13")
    expect(count).not_to_have_attribute("aria-busy", "true")
    view.get_by_role("button", name="fail").click()
    expect(visitor.page.locator("#said")).to_have_text("<b>That</b> was nothing")
    view.get_by_role("button", name="fault").click()
    expect(visitor.page.locator("#said")).to_have_text(look.texts.failed)
    view.get_by_role("button", name="fly").click()
    expect(visitor.page.locator("#said")).to_contain_text("no act 'fly'")


@some_looks
def test_a_passage_of_a_view_opens_beside_it(bot: ScriptedBot, visit: Visiting, look: Look) -> None:
    visitor = visit(bot, more=[EchoView()], **look.context)
    visitor.ask(ASKED)
    view = visitor.go("echo")
    expect(visitor.panel).to_be_hidden()
    view.locator(".passage").first.click()
    expect(visitor.marks).to_have_text(["甲"])
    visitor.see_first_mark()
    visitor.panel.get_by_role("button", name=look.texts.next).click()
    expect(visitor.marks).to_have_text(["乙"])
    expect(view.locator(".passage[data-current]")).to_have_text("乙")
    visitor.panel.get_by_label(look.texts.close).click()
    expect(visitor.panel).to_be_hidden()
    view.locator(".passage").last.click()
    expect(visitor.panel).to_be_visible()


@every_look
def test_every_view_of_a_real_page_fits_and_is_accessible(
    visit: Visiting, tokenizer: Tokenizer, tmp_path: Path, look: Look
) -> None:
    bot = corpus_bot(tmp_path, tokenizer)
    options = Options(index=tmp_path / "index")
    visitor = visit(bot, pages=options, color_scheme="dark", **look.context)
    page = visitor.page
    links = page.locator("#header nav a")
    names = ["ask", "documents", "search", "map", "feedback"]
    assert links.evaluate_all("all => all.map(link => link.dataset.view)") == names
    for link in links.all():
        expect(link).to_be_in_viewport(ratio=1)
    expect(page.locator(".switch")).to_be_in_viewport(ratio=1)
    for name in names[1:]:
        visitor.go(name)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert findings(page) == [], name


def test_a_long_title_leaves_room_for_the_views(bot: ScriptedBot, visit: Visiting) -> None:
    options = Options(title="区志与年鉴以及地方文献资料库问答系统")
    visitor = visit(bot, pages=options, more=[EchoView()], size=PHONE)
    expect(visitor.page.get_by_role("link", name="回声")).to_be_in_viewport(ratio=1)
    expect(visitor.page.locator(".switch")).to_be_in_viewport(ratio=1)


def test_a_new_index_is_noticed_and_views_are_drawn_again(
    bot: ScriptedBot, visit: Visiting
) -> None:
    echo = EchoView()
    visitor = visit(bot, more=[echo])
    visitor.go("echo")
    bot.generation = 2
    bot.documents = {**bot.documents, "二": document("二.txt", "丁。")}
    visitor.look_around()
    expect(visitor.page.locator(".pill.size")).to_contain_text("2 份文档")
    until(lambda: echo.shown == 2)  # the field of the first drawing stands there until then
    expect(visitor.page.locator("#view-echo .field")).to_be_visible()


def test_a_page_of_another_process_gets_its_token_anew(bot: ScriptedBot, chromium: Browser) -> None:
    with chromium.new_context(locale="zh-CN") as context:
        with running(bot, more=[EchoView()]) as address:
            port = int(address.rpartition(":")[2])
            visitor = Visitor(context, address)
            visitor.arrive()
            visitor.go("echo")
        with running(bot, port=port, more=[EchoView()]):
            visitor.page.locator("#view-echo .field").fill("还在")
            visitor.page.locator("#view-echo .field").press("Enter")
            expect(visitor.page.locator("#echo-said")).to_contain_text("还在", timeout=20_000)


def test_without_the_token_nothing_is_done(bot: ScriptedBot, visit: Visiting) -> None:
    visitor = visit(bot)
    before = len(bot.asked)
    found = visitor.page.evaluate(
        """async () => {
            const asked = await fetch("/wenju/act/ask/ask", { method: "POST", body: "{}" });
            return [asked.status, await asked.text()];
        }"""
    )
    assert found[0] == 403
    assert "This page is out of date; load it again." in found[1]
    assert len(bot.asked) == before
    visitor.errors.clear()  # the browser reports the refusal


def test_too_large_and_no_json_are_refused(bot: ScriptedBot, visit: Visiting) -> None:
    visitor = visit(bot)
    statuses = visitor.page.evaluate(
        """async () => {
            const tried = ["x".repeat(5_000_000), "{", "[]", "{}"];
            const send = (body) => wenju.send("wenju/act/frame/facts", { body });
            return Promise.all(tried.map(async (body) => (await send(body)).status));
        }"""
    )
    assert statuses == [413, 413, 413, 200]
    visitor.errors.clear()


def test_a_title_a_welcome_and_a_colour_of_ones_own(bot: ScriptedBot, visit: Visiting) -> None:
    options = Options(title="区<b>志", welcome="问问区志 & 年鉴", accent="#ffcc00")
    visitor = visit(bot, pages=options)
    assert visitor.page.title() == "区<b>志"
    expect(visitor.page.locator(".logo")).to_have_text("区<b>志")
    expect(visitor.page.get_by_role("heading", name="问问区志 & 年鉴")).to_be_visible()
    colour = "getComputedStyle(document.documentElement).getPropertyValue('--accent')"
    assert visitor.page.evaluate(colour).strip() not in ("", "#0f6b5c")


def test_a_name_and_a_password_open_the_page(bot: ScriptedBot, chromium: Browser) -> None:
    with running(bot, auth="me:密") as address:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(address)
        credentials = {"username": "me", "password": "密"}
        with chromium.new_context(http_credentials=credentials, locale="zh-CN") as context:  # type: ignore[arg-type]
            visitor = Visitor(context, address)
            visitor.arrive()
            expect(visitor.ask(ASKED)).to_contain_text("甲。")


def findings(page: Page) -> list[str]:
    """Return what axe-core finds that is serious or critical."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize(
    ("look", "scheme"),
    [
        pytest.param(*look.values, scheme, id=f"{look.id}-{scheme}")
        for at, look in enumerate(LOOKS)
        for scheme in ("light", "dark")
        if ALL_LOOKS or scheme == "light" or at in (0, 3)  # colours are those of any layout
    ],
)
def test_axe_finds_nothing_serious(
    bot: ScriptedBot, visit: Visiting, look: Look, scheme: str
) -> None:
    visitor = visit(bot, more=[EchoView()], color_scheme=scheme, **look.context)
    assert findings(visitor.page) == []
    visitor.ask(ASKED)
    visitor.ask("火星？")
    visitor.cards.first.locator(".cite").first.click()
    expect(visitor.panel).to_be_visible()
    visitor.cards.first.get_by_text(look.texts.related).click()
    assert findings(visitor.page) == []
    visitor.page.keyboard.press("Escape")
    visitor.page.locator("#talk-name").click()
    visitor.page.get_by_role("button", name=look.texts.rename).click()
    assert findings(visitor.page) == []
    visitor.page.keyboard.press("Escape")
    visitor.go("echo")
    visitor.page.locator("#view-echo .passage").first.click()
    assert findings(visitor.page) == []
