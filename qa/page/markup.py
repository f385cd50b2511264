"""HTML is made here and nowhere else on the page: a plain string is always escaped.

Only what these functions return (`Markup`) goes into the page as it is.
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


def escape(text: str) -> Markup:
    """Return `text` as HTML that shows exactly these characters.

    A carriage return is written as a reference: a parser would turn a bare one into a line feed.
    """
    if isinstance(text, Markup):
        return text
    return Markup(html.escape(text, quote=True).replace("\r", "&#13;"))


def undirected(text: str) -> str:
    """Return text without the characters that would show it in another order than it has."""
    return _DIRECTING.sub("", text)


def join(parts: Iterable[str]) -> Markup:
    """Put parts together, escaping every plain string."""
    return Markup("".join(escape(part) for part in parts))


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    written = name.rstrip("_").replace("_", "-")
    return f" {written}" if value is True else f' {written}="{escape(str(value))}"'


def element(name: str, /, *children: str, **attributes: Attribute) -> Markup:
    """Return an HTML element.

    Args:
        name: tag name.
        children: plain strings are escaped, `Markup` is not.
        attributes: ``class_`` gives ``class``, ``data_turn`` gives ``data-turn``; True gives the
            bare name, None and False leave the attribute out. Values are escaped.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


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
    return Markup(f'<script type="application/json" id="{escape(name)}">{safe}</script>')
