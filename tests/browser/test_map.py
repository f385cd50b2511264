"""The map as a person uses it: looking, pointing, asking, zooming; with mouse, finger and keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from embeddings.lexical import Tokenizer
from qa.bot import Bot
from qa.page.map_texts import MAP_TEXTS
from qa.page.texts import Language
from tests.browser.conftest import PHONE, Visit
from tests.browser.corpus import FILES, GAOXIN, HOSTILE, HOSTILE_FILE, corpus_bot
from tests.browser.looks import Look, some_looks
from tests.browser.test_frame import findings
from tests.browser.visitor import PATIENCE, Visitor

pytestmark = pytest.mark.browser

ZH = MAP_TEXTS[Language.ZH]
ALLIANCES = "高新区在2020年组建8个党建联盟。"


@pytest.fixture(scope="module")
def bot(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Bot:
    return corpus_bot(tmp_path_factory.mktemp("map"), tokenizer)


def opened(visitor: Visitor) -> Locator:
    """Turn to the map and wait until its points stand there."""
    view = visitor.go("map")
    expect(view.locator(".dot").first).to_be_attached(timeout=PATIENCE)
    return view


def middle(place: Locator) -> tuple[float, float]:
    box = place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def dot_of(visitor: Visitor, view: Locator, wanted: str, *, touch: bool = False) -> Locator:
    """Find a point by pointing at each until it tells the wanted words."""
    for dot in view.locator(".dot").all():
        at = middle(dot)
        if touch:
            visitor.page.touchscreen.tap(*at)
        else:
            visitor.page.mouse.move(*at)
        if wanted in view.locator(".tip").inner_text():
            return dot
    raise AssertionError(f"no point tells {wanted!r}")


@some_looks
def test_every_passage_is_seen_told_of_and_opened(bot: Bot, visit: Visit, look: Look) -> None:
    visitor = visit(bot, **look.context)
    view = opened(visitor)
    expect(view.locator(".dot")).to_have_count(bot.info().passages)
    expect(view.locator(".legend button")).to_have_count(len(FILES))
    expect(view.locator(".legend button", has_text="高新区建联盟")).to_have_attribute(
        "title", GAOXIN
    )
    looks = view.locator(".swatch").evaluate_all("all => all.map(s => s.getAttribute('class'))")
    assert len(set(looks)) == len(FILES)
    assert findings(visitor.page) == []
    dot = dot_of(visitor, view, ALLIANCES, touch=look.is_phone)
    expect(view.locator(".tip")).to_contain_text(GAOXIN)
    if look.is_phone:
        visitor.page.touchscreen.tap(*middle(dot))
    else:
        visitor.page.mouse.click(*middle(dot))
    assert visitor.marked() == [ALLIANCES]
    visitor.see_first_mark()


@some_looks
def test_a_question_is_drawn_in_with_its_hits(bot: Bot, visit: Visit, look: Look) -> None:
    words = MAP_TEXTS[look.texts.language]
    visitor = visit(bot, **look.context)
    visitor.ask("高新区有几个党建联盟？")
    if look.is_phone:
        visitor.page.keyboard.press("Escape")
    view = opened(visitor)
    expect(view.get_by_role("searchbox")).to_have_value("高新区有几个党建联盟？")
    expect(view.locator(".star")).to_have_count(1)
    expect(view.locator(".hit text")).to_have_text(["5", "4", "3", "2", "1"])
    listed = view.get_by_role("region", name=words.hits).get_by_role("button")
    expect(listed.first).to_contain_text(ALLIANCES)
    assert findings(visitor.page) == []
    listed.first.click()
    assert visitor.marked() == [ALLIANCES]
    visitor.see_first_mark()
    visitor.page.keyboard.press("Escape")
    before = view.locator(".star").get_attribute("transform")
    view.get_by_role("searchbox").fill("陈海英教授的项目")
    view.get_by_role("button", name=words.draw).click()
    expect(view.locator(".star title")).to_have_text(f"{words.asked}: 陈海英教授的项目")
    assert view.locator(".star").get_attribute("transform") != before
    view.get_by_role("searchbox").fill("")
    expect(view.locator(".star")).to_have_count(0)
    expect(listed).to_have_count(0)


@some_looks
def test_the_same_stands_in_a_list(bot: Bot, visit: Visit, look: Look) -> None:
    words = MAP_TEXTS[look.texts.language]
    visitor = visit(bot, **look.context)
    view = opened(visitor)
    view.get_by_text(words.listed, exact=True).click()
    rows = view.locator(".rows")
    expect(rows.locator("button")).to_have_count(bot.info().passages)
    expect(rows.locator("h3")).to_have_count(len(FILES))
    rows.get_by_role("button", name=ALLIANCES).click()
    assert visitor.marked() == [ALLIANCES]
    visitor.see_first_mark()


@some_looks
def test_it_is_zoomed_and_one_document_seen_alone(bot: Bot, visit: Visit, look: Look) -> None:
    words = MAP_TEXTS[look.texts.language]
    visitor = visit(bot, **look.context)
    view = opened(visitor)
    first = view.locator(".dot").first
    before = first.get_attribute("transform")
    expect(view.get_by_role("button", name=words.farther)).to_be_disabled()
    size = first.bounding_box()
    view.get_by_role("button", name=words.nearer).click()
    assert first.get_attribute("transform") != before
    now = first.bounding_box()
    assert size is not None
    assert now is not None
    assert now["width"] == pytest.approx(size["width"], abs=0.5)
    view.get_by_role("button", name=words.whole).click()
    assert first.get_attribute("transform") == before
    alone = view.get_by_title(GAOXIN)
    alone.click()
    expect(alone).to_have_attribute("aria-pressed", "true")
    count = sum(1 for one in bot.documents() if one.sources != (GAOXIN,))
    assert count == len(FILES) - 1
    expect(view.locator(".dot:not(.dim)")).to_have_count(
        next(one.points for one in bot.map().documents if one.source == GAOXIN)  # type: ignore[union-attr]
    )
    alone.click()
    expect(view.locator(".dim")).to_have_count(0)


def test_keys_alone_go_from_point_to_point_and_open(bot: Bot, visit: Visit) -> None:
    visitor = visit(bot)
    view = opened(visitor)
    view.locator(".picture-frame > svg").focus()
    told = view.locator("#map-read")
    heard = set()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "ArrowLeft", "ArrowUp"):
        visitor.page.keyboard.press(key)
        heard.add(told.inner_text())
    assert len(heard) >= 3
    visitor.page.keyboard.press("Enter")
    (marked, *_) = visitor.marked()
    visitor.see_first_mark()
    assert marked[:10] in told.inner_text()


def test_a_drag_moves_a_zoomed_picture(bot: Bot, visit: Visit) -> None:
    visitor = visit(bot)
    view = opened(visitor)
    view.get_by_role("button", name=ZH.nearer).click()
    dot = view.locator(".dot").first
    before = middle(dot)
    x, y = middle(view.locator(".picture-frame > svg"))
    visitor.page.mouse.move(x, y)
    visitor.page.mouse.down()
    visitor.page.mouse.move(x + 40, y + 25, steps=4)
    visitor.page.mouse.up()
    after = middle(dot)
    assert after[0] - before[0] == pytest.approx(40, abs=2)
    assert after[1] - before[1] == pytest.approx(25, abs=2)
    expect(visitor.panel).to_be_hidden()


def test_text_and_names_are_shown_as_text(bot: Bot, visit: Visit) -> None:
    visitor = visit(bot)
    view = opened(visitor)
    dot_of(visitor, view, HOSTILE)
    expect(view.locator(".tip .where")).to_have_text(HOSTILE_FILE)
    view.get_by_text(ZH.listed, exact=True).click()
    expect(view.locator(".rows").get_by_text(HOSTILE)).to_be_visible()
    expect(view.locator(".rows h3", has_text=HOSTILE_FILE)).to_be_visible()
    expect(view.locator("img")).to_have_count(0)


def test_dark_dots_stand_out(bot: Bot, visit: Visit) -> None:
    for scheme in ("light", "dark"):
        visitor = visit(bot, size=PHONE, color_scheme=scheme)
        view = opened(visitor)
        ratios = view.evaluate(
            """root => {
                const light = (rgb) => rgb.map((v) => v / 255)
                    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
                    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
                const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
                const paper = getComputedStyle(root.querySelector(".picture-frame"));
                const ground = light(rgb(paper.backgroundColor));
                const probe = root.querySelector(".dot path");
                return [..."01234567"].map((number) => {
                    probe.style.fill = `var(--c${number})`;
                    const own = light(rgb(getComputedStyle(probe).fill));
                    return (Math.max(own, ground) + 0.05) / (Math.min(own, ground) + 0.05);
                });
            }"""
        )
        assert min(ratios) > 3, (scheme, ratios)
