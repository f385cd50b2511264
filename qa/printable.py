"""Text for a terminal: a character that would steer it, or turn what it shows, is named instead.

Names of files and words of documents come from strangers. An escape sequence in one could clear the
screen, change the window's title or write lines that nobody said.
"""

from __future__ import annotations

import json
import re
from typing import Any

_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Controls but for tab and line feed, characters of direction, halves of characters."""


def printable(text: str) -> str:
    r"""Return text that only shows: ``\x1b`` and ``\u202e`` for such characters, as Python does."""
    return _STEERING.sub(lambda found: ascii(found[0])[1:-1], text)


def printable_line(text: str) -> str:
    r"""Return it with ``\n`` and ``\t``, too: a name that begins a line of its own says nothing."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def printable_json(value: Any) -> str:
    r"""Return JSON on one line, with ``\u`` escapes for such characters: it reads back the same."""
    dumped = json.dumps(value, ensure_ascii=False)
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", dumped)
