"""The page of `wenju inspect` in a browser: a sentence and its characters light up together."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from embeddings.lexical import Tokenizer
from embeddings.segment import Segmenter
from qa.inspect_page import to_html
from qa.inspect_view import inspect
from tests.browser.conftest import SEEDS

pytestmark = pytest.mark.browser


def test_a_sentence_shows_its_characters(
    chromium: Browser, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    found = inspect(SEEDS / "000_183aa9966193ac5e.txt", Segmenter(tokenizer))
    file = tmp_path / "page.html"
    file.write_text(to_html(found), encoding="utf-8", newline="")
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    try:
        requests: list[str] = []
        problems: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: problems.append(message.text))
        page.goto(file.as_uri())
        assert page.locator("#original").evaluate("it => it.textContent") == found.document.text
        lit = page.locator("#original .lit")
        expect(lit).to_have_count(0)
        page.locator("#made [data-s]", has_text="从业人员近千人").hover()
        expect(lit.first).to_have_text("伴随着网络直播带货的兴")
        expect(lit.first).to_be_in_viewport()
        page.mouse.move(5, 5)
        expect(lit).to_have_count(0)
        page.locator("#original [data-s]", has_text="编辑:彭传刚").click()
        expect(page.locator("#made .lit")).to_be_in_viewport()
        assert (requests, problems) == ([file.as_uri()], [])
    finally:
        page.close()
