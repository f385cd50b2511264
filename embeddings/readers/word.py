"""Word documents (.docx): paragraphs, headings, lists, tables and text boxes in reading order.

Left out: headers and footers, deleted and hidden text, comments, notes, field codes, and the
readings of phonetic guides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from embeddings.readers.blocks import Blocks
from embeddings.readers.packages import Package, refusing
from embeddings.readers.reading import Reading
from embeddings.records import Role

READER = f"word/1 lxml {etree.__version__}"

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_MATH_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_SKIPPED = {
    _W + name
    for name in (
        "del", "moveFrom", "instrText", "delText", "delInstrText", "rt", "rPr", "pPr", "tblPr",
        "sdtPr", "sdtEndPr", "sectPr", "fldData", "annotationRef",
    )
}  # fmt: skip
_FIXED = {_W + "tab": "\t", _W + "cr": "\n", _W + "noBreakHyphen": "-", _W + "ptab": "\t"}
_HEADING = re.compile(r"(?:heading|标题|標題)\s*([1-9])", re.IGNORECASE)


def read(data: bytes) -> Reading:
    """Read a document.

    Raises:
        UnreadableFileError: when it is encrypted, damaged, too large or of another kind.
    """
    with refusing(".docx"):
        package = Package(data, ".docx")
        body = package.xml("word/document.xml").find(_W + "body")
        headings = _headings(package)
        blocks = Blocks()
        if body is not None:
            _add_blocks(body, blocks, headings)
    return Reading(blocks.text, READER, marks=tuple(blocks.marks))


def _headings(package: Package) -> dict[str, int]:
    """Return the level of each heading style by its id, which depends on Word's language."""
    if "word/styles.xml" not in package:
        return {}
    found = {}
    for style in package.xml("word/styles.xml").iter(_W + "style"):
        name = _value(style.find(_W + "name"))
        match = _HEADING.fullmatch(name)
        if match:
            found[style.get(_W + "styleId", "")] = int(match[1])
        elif name.lower() in ("title", "标题", "標題"):
            found[style.get(_W + "styleId", "")] = 1
    return found


def _value(element: etree._Element | None) -> str:
    return "" if element is None else element.get(_W + "val", "")


def _add_blocks(parent: etree._Element, blocks: Blocks, headings: dict[str, int]) -> None:
    for child in parent:
        if child.tag == _W + "p":
            _add_paragraph(child, blocks, headings)
        elif child.tag == _W + "tbl":
            blocks.add(_table(child), Role.TABLE)
        elif child.tag not in _SKIPPED:
            _add_blocks(child, blocks, headings)


def _add_paragraph(paragraph: etree._Element, blocks: Blocks, headings: dict[str, int]) -> None:
    level = _level(paragraph, headings)
    listed = paragraph.find(f"{_W}pPr/{_W}numPr") is not None
    role = Role.HEADLINE if level else Role.LIST if listed else None
    blocks.add("".join(_inline(paragraph)), role, level)
    for box in _text_boxes(paragraph):
        _add_blocks(box, blocks, headings)


def _level(paragraph: etree._Element, headings: dict[str, int]) -> int:
    """Return the heading level 1 to 6 of a paragraph, or 0."""
    outline = _value(paragraph.find(f"{_W}pPr/{_W}outlineLvl"))
    if outline.isdecimal() and int(outline) < 9:
        return min(int(outline) + 1, 6)
    return min(headings.get(_value(paragraph.find(f"{_W}pPr/{_W}pStyle")), 0), 6)


def _inline(element: etree._Element) -> Iterator[str]:
    """Yield the text of a paragraph or a part of it, without its text boxes."""
    for child in _children(element):
        if child.tag in (_W + "t", _MATH_TEXT):
            yield child.text or ""
        elif child.tag in _FIXED:
            yield _FIXED[child.tag]
        elif child.tag == _W + "br":
            yield "\n"
        elif child.tag != _W + "txbxContent" and child.tag not in _SKIPPED:
            yield from _inline(child)


def _children(element: etree._Element) -> Iterator[etree._Element]:
    """Yield what is shown below an element: one form of two, and no hidden run."""
    if element.tag == _W + "r" and _is_hidden(element):
        return
    if element.tag == _MC + "AlternateContent":
        yield from list(element)[:1]
        return
    for child in element:
        if isinstance(child.tag, str):
            yield child


def _is_hidden(run: etree._Element) -> bool:
    mark = run.find(f"{_W}rPr/{_W}vanish")
    return mark is not None and _value(mark) not in ("0", "false")


def _text_boxes(element: etree._Element) -> Iterator[etree._Element]:
    for child in _children(element):
        if child.tag == _W + "txbxContent":
            yield child
        elif child.tag not in _SKIPPED:
            yield from _text_boxes(child)


def _table(table: etree._Element) -> str:
    """Return rows as lines and cells parted by tabs; lines inside a cell become blanks."""
    rows = (_cells(row) for row in _inside(table, "tr"))
    return "\n".join("\t".join(cells).rstrip() for cells in rows if any(cells))


def _cells(row: etree._Element) -> list[str]:
    return [
        " ".join(" ".join("".join(_inline(line)).split()) for line in cell.iter(_W + "p")).strip()
        for cell in _inside(row, "tc")
    ]


def _inside(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Yield the nearest elements of that name, through content controls but not inner tables."""
    for child in element:
        if child.tag == _W + name:
            yield child
        elif child.tag not in _SKIPPED and child.tag != _W + "tbl":
            yield from _inside(child, name)
