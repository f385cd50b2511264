"""A page that is one file: its own style and script inside, and no request to anywhere."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from qa.page.markup import Markup, element, join

_ASSETS = Path(__file__).parent / "assets"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<link rel="icon" href="data:,">
{title}
<style>{style}</style>
</head>
<body>
{body}
<script>{script}</script>
</body>
</html>
"""


def single_page(title: str, *body: Markup, name: str) -> str:
    """Return the page.

    Args:
        title: of the window.
        body: what it holds, before the script.
        name: its style and script are the assets ``{name}.css`` and ``{name}.js``.
    """
    style, script = (
        (_ASSETS / f"{name}{ending}").read_text(encoding="utf-8") for ending in (".css", ".js")
    )
    return _PAGE.format(
        policy=_policy(style, script),
        title=element("title", title),
        style=style,
        body=join(body),
        script=script,
    )


def _policy(style: str, script: str) -> str:
    """Return a policy under which only the page's own style and script count."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
