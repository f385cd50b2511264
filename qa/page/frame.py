"""What stands around the conversation: header, example questions and the question box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qa.page.markup import Markup, element, join, undirected
from qa.page.protocols import IndexFacts
from qa.page.texts import TEXTS, Language, Texts, size
from qa.page.written_texts import WRITTEN_TEXTS

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
        aria_label=f"{' / '.join(names.values())}: {texts.other_language}",
    )


def facts_html(facts: IndexFacts | None, texts: Texts) -> Markup:
    """Return the size of the index; `facts` is None when it cannot be read."""
    if facts is None:
        return Markup()
    known = size(texts, facts.documents, facts.passages)
    older = element("span", texts.older, class_="pill older", role="status")
    return join(
        [
            older if facts.warning is not None else Markup(),
            element("span", known, class_="pill size"),
        ]
    )


def _navigation(titles: Mapping[str, str], texts: Texts) -> Markup:
    """Return the links to the views; a single view needs none."""
    links = [
        element("a", title, href=f"#{name}", data_act="go", data_view=name)
        for name, title in titles.items()
    ]
    return element("nav", *links, aria_label=texts.views) if len(links) > 1 else Markup()


def header_html(
    title: str, facts: IndexFacts | None, texts: Texts, titles: Mapping[str, str] | None = None
) -> Markup:
    """Return the header.

    Args:
        title: of the page.
        facts: what the index holds; None when it cannot be read.
        texts: the words of the page.
        titles: words of the navigation by the names of their views.
    """
    return element(
        "header",
        _logo(title),
        _navigation(titles or {}, texts),
        element("span", class_="space"),
        element("span", facts_html(facts, texts), id="index-facts"),
        _switch(texts),
        class_="top",
    )


def frame_html(
    header: Markup, ask: Markup, others: Mapping[str, str], panel: Markup, texts: Texts
) -> Markup:
    """Return the whole page.

    Args:
        header: from `header_html`.
        ask: content of the view that is shown first.
        others: titles of the other views by name; their content comes when they are looked at.
        panel: from `source_panel.panel_html`.
        texts: the words of the page.
    """
    views = [_section("ask", texts.conversation, ask)]
    views += [_section(name, title, Markup()) for name, title in others.items()]
    return element(
        "div",
        element("div", header, id="header"),
        element("p", texts.lost, id="lost", role="alert", hidden=True),
        element("main", *views, element("div", panel, id="panel"), id="workspace"),
        element("p", id="said", role="status"),
        id="page",
        data_language=texts.language,
        data_html_language=texts.html_language,
        data_copied=texts.copied,
        data_back=texts.back,
        data_failed=texts.failed,
    )


def _section(name: str, title: str, content: Markup) -> Markup:
    return element(
        "section",
        content,
        id=f"view-{name}",
        class_="view",
        data_view=name,
        aria_label=title,
        hidden=name != "ask",
    )


def _example(question: str) -> Markup:
    return element(
        "button",
        question,
        type="button",
        class_="example",
        data_act="ask",
        data_question=question,
    )


def examples_html(examples: Sequence[str]) -> Markup:
    """Return the example questions as buttons."""
    return join([_example(question) for question in examples])


def dock_html(examples: Sequence[str], texts: Texts, model: str = "") -> Markup:
    """Return the example questions, none while they are still being made, and the question box.

    Below it one can keep the language model of this name from writing; empty where there is none.
    """
    chips = element(
        "div",
        examples_html(examples),
        id="examples",
        class_="examples",
        role="group",
        aria_label=texts.examples,
    )
    allow = _allow(model, texts) if model else Markup()
    return join([chips, _editing(texts), _choice(texts), _box(texts), allow])


def _allow(model: str, texts: Texts) -> Markup:
    """Return the box that lets a language model write; the script remembers it."""
    words = WRITTEN_TEXTS[texts.language]
    tick = element("input", type="checkbox", id="allow", checked=True)
    return element(
        "label",
        tick,
        element("span", words.allow.format(model=undirected(model))),
        class_="allow",
        title=words.allow_why,
        data_missing=words.missing,
    )


def _editing(texts: Texts) -> Markup:
    keep = element("button", texts.stop_editing, type="button", class_="link", data_act="keep")
    return element("p", texts.editing, " ", keep, id="editing", role="status", hidden=True)


def _choice(texts: Texts) -> Markup:
    """Return the chip that tells which documents are asked; hidden while it is all of them."""
    chosen = element(
        "button", class_="pill chosen", type="button", data_act="go", data_view="documents"
    )
    every = element(
        "button", "×", type="button", class_="pill all", aria_label=texts.ask_all,
        title=texts.ask_all,
    )  # fmt: skip
    return element(
        "p",
        chosen,
        every,
        id="choice",
        hidden=True,
        data_one=texts.asking_one,
        data_many=texts.asking_many,
    )


def _box(texts: Texts) -> Markup:
    return element(
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
        element("button", texts.stop, type="button", class_="send stop", data_act="stop"),
        class_="box",
        data_looking=texts.looking,
        data_unexpected=texts.unexpected,
        data_full=texts.full,
    )
