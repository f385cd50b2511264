"""Real files, made by the libraries that people's programs use."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

SEEDS = sorted((Path(__file__).parents[3] / "seeds").glob("*.txt"))

TEXT = "天桥区现有直播电商企业120多家，从业人员3万人。\n济南高新区“两新”组织共有932家党组织。\n"
TRADITIONAL = "濟南市濟陽區積極探索非公企業黨建工作科學路徑，堅持黨建引領，著力構建嚴密組織體系。\n"
PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>天桥区：直播电商_大众网</title>
<meta name="PubDate" content="2021-06-16 10:00"></head>
<body><nav><a>首页</a></nav><h1>天桥&amp;区</h1><p>天桥区有
直播电商&#20225;业<b>20</b>家。<p>第二段<br>换行<!-- 注释 -->
<table><tr><th>区<th>家<tr><td>天桥<td>20</table><footer>版权所有</footer></body></html>
"""
MARKDOWN = "# 天桥区\n\n直播电商**企业**有[120家](http://a.b)。\n\n- 一是\n- 二是\n"


def docx() -> bytes:
    import docx as library

    document = library.Document()
    document.add_heading("天桥区直播电商", 1)
    document.add_paragraph("天桥区现有直播电商企业120多家。").add_run("从业人员3万人。")
    document.add_paragraph("一是加强管理", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ["区", "家数", "天桥", "120"], strict=True):
        cell.text = text
    document.sections[0].header.paragraphs[0].text = "页眉不读"
    document.add_paragraph("末段")
    return saved(document)


def xlsx() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "企业名录"
    rows: list[list[Any]] = [
        ["企业", "成立", "产值", "增速"],
        [],
        ["裕兴化工", datetime(2021, 6, 16), 1234567.5, 0.125],
    ]
    for row in rows:
        sheet.append(row)
    sheet["C3"].number_format = "#,##0.00"
    sheet["D3"].number_format = "0.0%"
    hidden = book.create_sheet("隐藏")
    hidden.append(["看不见"])
    hidden.sheet_state = "hidden"
    book.create_sheet("Sheet3").append(["第三张", 42])
    return saved(book)


def pptx() -> bytes:
    import pptx as library
    from pptx.util import Inches

    deck = library.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.placeholders[1].text = "一是加强管理\n二是服务企业"
    first.shapes.title.text = "园区党建"
    first.notes_slide.notes_text_frame.text = "备注：共932家"
    deck.slides.add_slide(deck.slide_layouts[6])
    third = deck.slides.add_slide(deck.slide_layouts[6])
    size = Inches(1)
    table = third.shapes.add_table(1, 2, size, size, size, size).table
    table.cell(0, 0).text, table.cell(0, 1).text = "天桥", "120"
    return saved(deck)


def pdf(pages: Sequence[Sequence[str]], password: str = "") -> bytes:
    """Return a PDF with these lines on its pages; a page of no lines gets a drawing."""
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    target = io.BytesIO()
    canvas = Canvas(target, encrypt=StandardEncryption(password) if password else None)
    for lines in pages:
        canvas.setFont("STSong-Light", 12)
        for number, line in enumerate(lines):
            canvas.drawString(72, 760 - 20 * number, line)
        if not lines:
            canvas.rect(72, 72, 300, 300, fill=1)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def saved(document: Any) -> bytes:
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def with_part(package: bytes, name: str, content: bytes) -> bytes:
    """Return an Office file with one part put in the place of another, or added."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(target, "w", 8) as new:
        for item in old.namelist():
            if item != name:
                new.writestr(item, old.read(item))
        new.writestr(name, content)
    return target.getvalue()


def part(package: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(package)) as container:
        return container.read(name)
