"""HTML is made here and nowhere else on the page: a plain string is always escaped.

Only what these functions return (`Markup`) goes into the page as it is. Characters that turn the
order of others stay in a text, but turn nothing: a name or a quote reads as its characters do.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from typing import Any

Attribute = str | int | bool | None

_DIRECTING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that are not seen and turn the order of others."""

_UNSAFE = re.compile("[<>&\u2028\u2029\ud800-\udfff]")
"""Ends a script element, begins a comment in one, or cannot be written as UTF-8."""


class Markup(str):
    """HTML that was put together here; inserted without being escaped again."""

    __slots__ = ()


_SHOWN_TO_PEOPLE = frozenset({"title", "aria_label", "alt", "placeholder", "data_label"})
"""Attributes that are read by people; they hold no elements, so turning characters are left out."""

_TEXT_ONLY = frozenset({"title", "textarea", "option"})
"""Elements that hold no others."""

_VOID = frozenset({"img", "input"})
"""Elements that hold nothing and are not closed."""


def escape(text: str) -> Markup:
    """Return `text` as HTML that shows exactly these characters.

    A character that would turn the order of others is put into a box of its own, where there is
    nothing to turn; the style sheet draws a sign for it. The text of the HTML is `text` still.
    """
    if isinstance(text, Markup):
        return text
    return Markup(_DIRECTING.sub(_boxed, _escaped(text)))


def _boxed(found: re.Match[str]) -> str:
    code = f"U+{ord(found[0]):04X}"
    return f'<span class="turning" title="{code}">{found[0]}</span>'


def _escaped(text: str) -> str:
    """Escape without elements; a parser would turn a bare carriage return into a line feed."""
    return html.escape(text, quote=True).replace("\r", "&#13;")


def undirected(text: str) -> str:
    """Return text without the characters that would show it in another order than it has."""
    return _DIRECTING.sub("", text)


def join(parts: Iterable[str]) -> Markup:
    """Put parts together, escaping every plain string."""
    return Markup("".join(escape(part) for part in parts))


def _text_only(parts: Iterable[str]) -> Markup:
    return Markup("".join(_escaped(undirected(part)) for part in parts))


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    written = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {written}"
    text = undirected(str(value)) if name in _SHOWN_TO_PEOPLE else str(value)
    return f' {written}="{_escaped(text)}"'


def element(name: str, /, *children: str, **attributes: Attribute) -> Markup:
    """Return an HTML element.

    Args:
        name: tag name.
        children: plain strings are escaped, `Markup` is not.
        attributes: ``class_`` gives ``class``, ``data_turn`` gives ``data-turn``; True gives the
            bare name, None and False leave the attribute out. Values are escaped.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    content = _text_only(children) if name in _TEXT_ONLY else join(children)
    return Markup(f"<{name}{written}>{content}</{name}>")


def data_block(name: str, value: Any) -> Markup:
    """Return a script element that no browser runs: JSON, for ``JSON.parse`` of its text.

    Nothing in `value` can end the element: marks of HTML are written as escapes of JSON.

    Args:
        name: id of the element.
        value: what JSON can hold.

    Raises:
        ValueError: it holds a number that JSON has no form for (NaN, infinity).
    """
    written = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    safe = _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", written)
    return Markup(f'<script type="application/json" id="{_escaped(name)}">{safe}</script>')
