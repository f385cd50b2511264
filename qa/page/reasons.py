"""Reasons why a file is not read or not taken, in the page's language.

The write side says them in English; a sentence that is not known here stays as it is. The Chinese
ones stand in `assets/reasons.zh.txt`: a pattern and below it what is said, then an empty line.
"""

from __future__ import annotations

import re
from functools import cache

from qa.page.frame import asset
from qa.page.texts import Language

_WHAT = {
    "a PDF": " PDF", "a zip container": "压缩包（或 Office 文件）",
    "an old or encrypted Office file": "旧版或加密的 Office 文件", "an RTF file": " RTF 文件",
    "a picture": "图片", "an archive": "压缩包", "a database": "数据库", "HTML": " HTML",
}  # fmt: skip


def said(sentence: str, language: Language) -> str:
    """Return a sentence of the write side in the page's language."""
    if language is not Language.ZH:
        return sentence
    for pattern, form in chinese():
        if found := pattern.fullmatch(sentence):
            parts = {name: value or "—" for name, value in found.groupdict().items()}
            if "what" in parts:
                parts["what"] = _WHAT.get(parts["what"], parts["what"])
            return form.format(**parts)
    return sentence


@cache
def chinese() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the patterns of English sentences, each with its Chinese form."""
    pairs = (block.split("\n") for block in asset("reasons.zh.txt").strip().split("\n\n"))
    return tuple((re.compile(pattern, re.DOTALL), form) for pattern, form in pairs)
