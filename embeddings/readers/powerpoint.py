"""PowerPoint presentations (.pptx): slides in order, the title first, tables, then the notes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress

from lxml import etree

from embeddings.readers.blocks import Blocks
from embeddings.readers.packages import Package, refusing
from embeddings.readers.reading import Reading
from embeddings.records import Role

READER = f"powerpoint/1 lxml {etree.__version__}"

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_MAIN = "ppt/presentation.xml"
_TITLES = ("title", "ctrTitle")
_FURNITURE = ("sldNum", "dt", "ftr", "hdr", "sldImg")


def read(data: bytes) -> Reading:
    """Read a presentation; its pages are the slides, hidden ones are counted but left out.

    Raises:
        UnreadableFileError: when it is encrypted, damaged, too large or of another kind.
    """
    blocks = Blocks()
    with refusing(".pptx"):
        package = Package(data, ".pptx")
        for part in _slides(package):
            blocks.start_page()
            _add_slide(package, part, blocks)
    return Reading(blocks.text, READER, page_starts=blocks.pages, marks=tuple(blocks.marks))


def _slides(package: Package) -> Iterator[str]:
    parts = package.relationships(_MAIN)
    for slide in package.xml(_MAIN).iter(_P + "sldId"):
        yield parts[slide.get(_ID, "")][1]


def _add_slide(package: Package, part: str, blocks: Blocks) -> None:
    slide = package.xml(part)
    if slide.get("show") in ("0", "false"):
        return
    shapes = list(_shapes(slide))
    are_titles = [_placeholder(shape) in _TITLES for shape in shapes]
    for shape in compress(shapes, are_titles):
        blocks.add(" ".join(_paragraphs(shape)), Role.HEADLINE, 1)
    for shape, is_title in zip(shapes, are_titles, strict=True):
        if not is_title:
            _add_shape(shape, blocks)
    for kind, target in package.relationships(part).values():
        if kind == "notesSlide" and target in package:
            _add_notes(package.xml(target), blocks)


def _shapes(slide: etree._Element) -> Iterator[etree._Element]:
    """Yield shapes and tables, those of groups too."""
    for element in slide.iter(_P + "sp", _P + "graphicFrame"):
        if _placeholder(element) not in _FURNITURE:
            yield element


def _placeholder(shape: etree._Element) -> str:
    mark = next(shape.iter(_P + "ph"), None)
    return "" if mark is None else mark.get("type", "body")


def _add_shape(shape: etree._Element, blocks: Blocks) -> None:
    tables = list(shape.iter(_A + "tbl"))
    for table in tables:
        rows = ([" ".join(_paragraphs(cell)) for cell in row.iter(_A + "tc")]
                for row in table.iter(_A + "tr"))  # fmt: skip
        lines = ("\t".join(cells).rstrip() for cells in rows if any(cells))
        blocks.add("\n".join(lines), Role.TABLE)
    for paragraph in () if tables else _paragraphs(shape):
        blocks.add(paragraph)


def _paragraphs(element: etree._Element) -> Iterator[str]:
    for paragraph in element.iter(_A + "p"):
        pieces = ("\n" if part.tag == _A + "br" else part.text or ""
                  for part in paragraph.iter(_A + "t", _A + "br"))  # fmt: skip
        text = "".join(pieces).replace("\v", "\n").strip()
        if text:
            yield text


def _add_notes(notes: etree._Element, blocks: Blocks) -> None:
    for shape in _shapes(notes):
        if _placeholder(shape) == "body":
            for paragraph in _paragraphs(shape):
                blocks.add(paragraph)
