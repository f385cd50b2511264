"""What stands around the conversation: header, example questions and the question box."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qa.page.markup import Markup, element, join
from qa.page.protocols import IndexFacts
from qa.page.texts import TEXTS, Language, Texts, size

ASSETS = Path(__file__).parent / "assets"


def asset(name: str) -> str:
    """Return the text of a file that ships with the page."""
    return (ASSETS / name).read_text(encoding="utf-8")


def _logo(title: str) -> Markup:
    """Return the title; a short one has its last character in the accent colour."""
    if title != TEXTS[Language.ZH].title:
        return element("span", title, class_="logo")
    return element("span", title[:-1], element("span", title[-1]), class_="logo")


def _switch(texts: Texts) -> Markup:
    other = Language.EN if texts.language is Language.ZH else Language.ZH
    names = {Language.ZH: "中文", Language.EN: "EN"}
    shown = [
        element("span", name, class_="current" if language is texts.language else None)
        for language, name in names.items()
    ]
    return element(
        "button",
        shown[0],
        " / ",
        shown[1],
        type="button",
        class_="pill switch",
        data_act="language",
        data_language=other,
        aria_label=texts.other_language,
    )


def header_html(title: str, facts: IndexFacts | None, texts: Texts) -> Markup:
    """Return the header; `facts` is None when the index cannot be read."""
    known = size(texts, facts.documents, facts.passages) if facts is not None else ""
    older = facts is not None and facts.warning is not None
    clear = element("button", texts.clear, type="button", class_="pill clear", data_act="clear")
    return element(
        "header",
        _logo(title),
        element("span", class_="space"),
        clear,
        element("span", texts.older, class_="pill older", role="status") if older else Markup(),
        element("span", known, class_="pill size") if known else Markup(),
        _switch(texts),
        class_="top",
        data_html_language=texts.html_language,
        data_language=texts.language,
    )


def _example(question: str) -> Markup:
    return element(
        "button",
        question,
        type="button",
        class_="example",
        data_act="example",
        data_question=question,
    )


def dock_html(examples: Sequence[str], texts: Texts, *, ready: bool = True) -> Markup:
    """Return the example questions and the question box.

    Args:
        examples: none while they are still being made.
        texts: the words of the page.
        ready: whether the page is drawn to its end.
    """
    box = element(
        "form",
        element(
            "textarea",
            id="question",
            name="question",
            rows=1,
            placeholder=texts.placeholder,
            aria_label=texts.question,
            autocomplete="off",
            enterkeyhint="send",
        ),
        element("button", texts.ask, type="submit", class_="send"),
        class_="box",
        data_copied=texts.copied,
        data_looking=texts.looking,
        data_ready=ready,
    )
    chips = element(
        "div",
        *[_example(question) for question in examples],
        class_="examples",
        role="group",
        aria_label=texts.examples,
    )
    return join([chips, box])
