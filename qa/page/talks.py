"""The bar above a conversation: those that the browser keeps, a new one, and what to do with them.

The browser fills the list; it knows them, the server does not.
"""

from __future__ import annotations

from qa.page.markup import Attribute, Markup, element
from qa.page.texts import Texts


def _button(label: str, act: str, class_: str = "", **attributes: Attribute) -> Markup:
    return element(
        "button", label, type="button", class_=class_ or None, data_act=act, **attributes
    )


def _row(texts: Texts) -> Markup:
    """Return what the browser copies for each conversation."""
    return element(
        "template",
        element(
            "li",
            _button("", "talk", "name"),
            _button(texts.rename, "rename"),
            _button(texts.delete, "delete", data_confirm=texts.delete_sure),
        ),
        id="talk-row",
    )


def _menu(texts: Texts) -> Markup:
    exports = element(
        "div",
        _button(texts.export_markdown, "export", data_form="md"),
        _button(texts.export_html, "export", data_form="html"),
        class_="exports",
    )
    return element(
        "details",
        element("summary", texts.talks, id="talk-name"),
        element(
            "div",
            element("ul", id="talk-list", aria_label=texts.talks, data_rename=texts.rename),
            element("p", texts.no_talks, class_="none"),
            exports,
            class_="menu",
        ),
        id="talks",
    )


def bar_html(texts: Texts) -> Markup:
    """Return the bar; it is empty to look at while nothing was asked and nothing is kept."""
    return element(
        "div",
        _menu(texts),
        element("span", class_="space"),
        _button(texts.new_talk, "new", "button new"),
        _button(texts.clear, "clear", "button clear"),
        _row(texts),
        class_="bar",
    )
