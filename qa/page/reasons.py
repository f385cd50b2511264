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
    "a Word document": " Word 文档", "an Excel workbook": " Excel 工作簿",
    "a PowerPoint presentation": " PowerPoint 演示文稿",
    "a binary Excel workbook": "二进制 Excel 工作簿", "an OFD file": " OFD 文件",
    "an e-book": "电子书", "an OpenDocument file": " OpenDocument 文件",
}  # fmt: skip

_SIZES = {"size", "there", "most"}


def said(sentence: str, language: Language) -> str:
    """Return a sentence of the write side in the page's language."""
    if language is not Language.ZH:
        return sentence
    for pattern, form in chinese():
        if found := pattern.fullmatch(sentence):
            parts = found.groupdict().items()
            return form.format(**{name: _part(name, value or "—") for name, value in parts})
    return sentence


def _part(name: str, value: str) -> str:
    """Return in Chinese what an English sentence says at one place."""
    if name == "what":
        return _WHAT.get(value, value)
    if name == "usual":
        return value.replace(", ", "、").replace(" or ", " 或 ")
    return value.replace(" bytes", " 字节") if name in _SIZES else value


@cache
def chinese() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the patterns of English sentences, each with its Chinese form."""
    pairs = (block.split("\n") for block in asset("reasons.zh.txt").strip().split("\n\n"))
    return tuple((re.compile(pattern, re.DOTALL), form) for pattern, form in pairs)
