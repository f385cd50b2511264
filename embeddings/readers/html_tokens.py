"""HTML -> tokens with their offsets, as a browser would cut them; linear in time, never raises.

The parsers that libraries offer keep no character offsets, and citations need them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.entities import html5

_MARKUP = re.compile(
    r"<!--(?s:.*?)(?:--!?>|\Z)"
    r"|<(?P<slash>/?)(?P<name>[a-zA-Z][^\s/>]*+)"
    r"(?P<attributes>(?:[^>=]++|=\s*+(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z))|=)*+)(?:>|\Z)"
    r"|<[!?/][^>]*+(?:>|\Z)"
)


def names(words: str) -> frozenset[str]:
    """Return the names in a list parted by blanks."""
    return frozenset(words.split())


_RAW = frozenset(("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"))
_RAW_ENDS = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _RAW}
_ATTRIBUTE = re.compile(
    r"([^\s\"'<>/=]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"?|'([^']*+)'?|([^\s\"'>]++)))?"
)
# No character has such a number, and Python reads no number of thousands of digits.
_LONG_NUMBER = re.compile(r"&#(?:[0-9]{8}[0-9]*+|[xX][0-9a-fA-F]{8}[0-9a-fA-F]*+);?")
_REFERENCE = re.compile(
    r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};|(?:nbsp|amp|lt|gt|quot))"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A tag, or text between tags.

    Attributes:
        start, end: offsets in the file's text, end excluded.
        name: of the tag, in lower case; empty for text.
        closing: True for an end tag.
        attributes: their source text; see `attributes`.
    """

    start: int
    end: int
    name: str = ""
    closing: bool = False
    attributes: str = ""


def tokens(text: str) -> Iterator[Token]:
    """Yield the tags and texts of an HTML file; comments and declarations are left out."""
    at = 0
    while at < len(text):
        match = _MARKUP.search(text, at)
        start, end = match.span() if match else (len(text), len(text))
        if start > at:
            yield Token(at, start)
        at = end
        if match and match["name"]:
            tag = Token(
                start, end, match["name"].lower(), bool(match["slash"]), match["attributes"]
            )
            yield tag
            if tag.name in _RAW and not tag.closing:
                at = _raw_end(text, tag.name, end)
                if at > end:
                    yield Token(end, at)


def _raw_end(text: str, name: str, start: int) -> int:
    """Return where the content of an element ends in which markup means nothing."""
    match = _RAW_ENDS[name].search(text, start)
    return match.start() if match else len(text)


def attributes(source: str) -> dict[str, str]:
    """Return the attributes of a tag, names in lower case; the first of equal names counts."""
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(source[:20_000]):
        value = next((group for group in match.groups()[1:] if group is not None), "")
        found.setdefault(match[1].lower(), unescaped(value))
    return found


def unescaped(text: str) -> str:
    """Return a text with its character references as what they mean."""
    return html.unescape(_LONG_NUMBER.sub("\ufffd", text))


def references(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and meaning of the character references in a stretch of text."""
    for match in _REFERENCE.finditer(text, start, end):
        source = match[0]
        if source[1] == "#" or source[1:] in html5:
            yield match.start(), match.end(), html.unescape(source)
