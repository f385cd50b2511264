"""Pages drawn with a real font, as a scanner would give them: pictures without any text."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSerifCJK-Regular.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "C:/Windows/Fonts/simsun.ttc",
)
SIZE = 24
"""Pixels of a character: 11.5 points at 150 dots an inch."""


def page(columns: Sequence[Sequence[str]], title: str = "", *, noisy: bool = False) -> Image.Image:
    """Draw lines in columns below a title; noisy is turned by 0.8 degrees, dirty and grey."""
    found = next((path for path in FONTS if Path(path).exists()), None)
    if found is None:
        pytest.skip("no Chinese font to draw with; on Debian: fonts-noto-cjk")
    font = ImageFont.truetype(found, SIZE, index=2 if "CJK" in found else 0)
    width = max((font.getlength(line) for lines in columns for line in lines), default=300)
    step = int(width) + 2 * SIZE
    rows = max((len(lines) for lines in columns), default=5)
    picture = Image.new("L", (80 + step * len(columns), 160 + rows * 40), 255)
    pen = ImageDraw.Draw(picture)
    pen.text((40, 30), title, font=font, fill=10)
    for at, lines in enumerate(columns):
        for number, line in enumerate(lines):
            pen.text((40 + at * step, 90 + 40 * number), line, font=font, fill=10)
    return _scanned(picture) if noisy else picture


def _scanned(picture: Image.Image) -> Image.Image:
    turned = picture.rotate(0.8, resample=Image.Resampling.BICUBIC, fillcolor=255)
    grey = np.asarray(turned, dtype=np.float32) * 0.9
    grey += np.random.default_rng(5).normal(0, 14, grey.shape)
    return Image.fromarray(grey.clip(0, 255).astype(np.uint8))


def saved(pages: Sequence[Image.Image], kind: str = "PDF") -> bytes:
    """Return the pages as one file of this kind."""
    target = io.BytesIO()
    more = {"save_all": True, "append_images": pages[1:]} if len(pages) > 1 else {}
    if kind == "PDF":
        more["resolution"] = 150
    pages[0].save(target, kind, **more)
    return target.getvalue()


def joined(*files: bytes) -> bytes:
    """Return one PDF with the pages of all."""
    import pypdfium2

    whole = pypdfium2.PdfDocument.new()
    for data in files:
        whole.import_pages(pypdfium2.PdfDocument(data))
    target = io.BytesIO()
    whole.save(target)
    whole.close()
    return target.getvalue()
