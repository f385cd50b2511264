"""What tests of views share: an act's parts, and the text and tags of HTML."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from qa.page.options import Options
from qa.page.texts import TEXTS, Language
from qa.page.views import Part, Patch, Reply, View, Visit


def visit(language: Language = Language.ZH, options: Options | None = None) -> Visit:
    return Visit(language, TEXTS[language], options or Options())


def acted(
    view: View, name: str, data: Mapping[str, Any], language: Language = Language.ZH
) -> list[Part]:
    return list(view.act(name, data, visit(language)))


def patched(parts: list[Part], id_: str) -> str:
    """Return the new content of an element."""
    (found,) = (one for one in parts if isinstance(one, Patch) and one.id == id_)
    return str(found.html)


def replied(parts: list[Part]) -> Mapping[str, Any]:
    (found,) = (one for one in parts if isinstance(one, Reply))
    return found.data


class Read(HTMLParser):
    """HTML as a browser reads it: tags with attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str, class_: str = "") -> list[dict[str, str | None]]:
        """Return the attributes of elements with this name and class."""
        return [
            about
            for name, about in self.tags
            if name == tag and (not class_ or class_ in (about.get("class") or "").split())
        ]
