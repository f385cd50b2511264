"""Files made to use up time, memory or disk: each is read or refused within bounds.

WENJU_FUZZ, as `make torture` sets it, tries the large versions too.
"""

from __future__ import annotations

import io
import os
import resource
import shutil
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from embeddings.catalogue import Catalogue
from embeddings.documents import FileEntry, list_files, read_bytes, read_document
from embeddings.engine import LocalEngine
from embeddings.errors import UnreadableFileError
from embeddings.lexical import Tokenizer
from embeddings.readers import apart, blocks, packages, read, recognition
from embeddings.readers.numbers import shown
from embeddings.scan import Scan
from embeddings.segment import Segmenter
from tests.embeddings.readers import samples

TORTURE = "WENJU_FUZZ" in os.environ
MEGABYTE = 1 << 20

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux tells")


@contextmanager
def within(seconds: float, megabytes: int) -> Iterator[None]:
    """Hold the processor time and the growth of memory of this process and its readers."""
    apart._pool().end()
    began, before = _used(), _largest()
    yield
    apart._pool().end()
    assert _used() - began < seconds
    assert _largest() - before < megabytes


def _used() -> float:
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def _largest() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def refused(name: str, data: bytes) -> str:
    with pytest.raises(UnreadableFileError) as caught:
        read(name, data, apart.parse)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def text_or_reason(name: str, data: bytes) -> str:
    try:
        return read(name, data, apart.parse).text
    except UnreadableFileError as error:
        return str(error)


OFFICE: dict[str, tuple[Callable[[], bytes], str]] = {
    "a.docx": (samples.docx, "word/document.xml"),
    "a.xlsx": (samples.xlsx, "xl/sharedStrings.xml"),
    "a.pptx": (samples.pptx, "ppt/slides/slide1.xml"),
}


@pytest.mark.parametrize("name", OFFICE)
def test_a_zip_bomb(name: str) -> None:
    make, part = OFFICE[name]
    data = samples.with_part(make(), part, b"<a>" + bytes(200 * MEGABYTE))
    assert len(data) < MEGABYTE
    with within(30, 60):
        assert "unpacks to more than 134,217,728 bytes" in refused(name, data)


def test_zips_in_zips_are_not_unpacked() -> None:
    inner = bytes(20 * MEGABYTE)
    for _ in range(5):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", 8) as container:
            for number in range(10):
                container.writestr(f"{number}.zip", inner)
        inner = target.getvalue()
    data = samples.with_part(samples.docx(), "word/embeddings/a.zip", inner)
    with within(20, 60):
        assert read("a.docx", data, apart.parse).text == read("a.docx", samples.docx()).text


@pytest.mark.parametrize("name", [*OFFICE][: 3 if TORTURE else 1])
def test_many_parts(name: str) -> None:
    target = io.BytesIO(OFFICE[name][0]())
    with zipfile.ZipFile(target, "a") as container:
        for number in range(packages.MOST_PARTS):
            container.writestr(f"p{number}", b"")
    with within(30, 60):
        assert "parts; at most 10,000 are read" in refused(name, target.getvalue())


_ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
DOCTYPES = {
    "a billion laughs": f'<!DOCTYPE a [<!ENTITY e0 "哈">{_ENTITIES}]><a>&e11;</a>',
    "one long entity": f'<!DOCTYPE a [<!ENTITY e "{"x" * 60_000}">]><a>{"&e;" * 60_000}</a>',
    "a file of this machine": '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
    "a file of the network": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
    "a parameter": '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><a/>',
}


@pytest.mark.parametrize("coding", ["utf-8", "utf-16-be", "utf-16"][: 3 if TORTURE else 2])
@pytest.mark.parametrize("what", DOCTYPES)
@pytest.mark.parametrize("name", OFFICE)
def test_entities_are_refused(name: str, what: str, coding: str) -> None:
    make, part = OFFICE[name]
    data = samples.with_part(make(), part, DOCTYPES[what].encode(coding))
    assert "its XML declares entities" in refused(name, data)


def test_markup_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body = "<w:p/>" * (packages.LARGEST_MARKUP + 1)
    content = f"<w:document {space}><w:body>{body}</w:body></w:document>".encode()
    data = samples.with_part(samples.docx(), "word/document.xml", content)
    with within(30, 60):
        assert "more than 8,000,000 tags and attributes" in refused("a.docx", data)
    monkeypatch.setattr(apart, "MEMORY", 400 * MEGABYTE)
    content = content.replace(b"<w:p/>" * (len(body) // 6), b'<w:p a="" b="" c=""/>' * 1_900_000)
    data = samples.with_part(samples.docx(), "word/document.xml", content)
    with within(60, 60):
        assert "of memory to be read" in refused("a.docx", data)


def test_xml_nested_without_end() -> None:
    data = samples.with_part(samples.docx(), "word/document.xml", b"<a>" * 100_000)
    assert refused("a.docx", data).startswith("damaged (")


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">%s</worksheet>'
)
CELL = '<c r="{}" t="n"><v>7</v></c>'


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        ('<row r="1">' + CELL.format("A1") + "</row>", "7"),
        ('<row r="1048576">' + CELL.format("XFD1048576") + "</row>", "7"),
        ('<row r="999999999999">' + CELL.format("A999999999999") + "</row>", "cells; split the"),
        ("".join(f'<row r="{n}">{CELL.format(f"XFD{n}")}</row>' for n in range(1, 999)), "cells; "),
    ],
)
def test_a_sheet_that_claims_to_be_large(rows: str, outcome: str) -> None:
    content = SHEET % f'<dimension ref="A1:XFD1048576"/><sheetData>{rows}</sheetData>'
    data = samples.with_part(samples.xlsx(), "xl/worksheets/sheet1.xml", content.encode())
    with within(60, 60):
        assert outcome in text_or_reason("a.xlsx", data)


def pdf_of(*objects: bytes, trailer: bytes = b"<</Root 1 0 R/Size 99>>") -> bytes:
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (at, one) for at, one in enumerate(objects, 1))
    return b"%PDF-1.7\n" + body + b"trailer\n" + trailer + b"\n%%EOF"


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(data), data)


CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 300 300]>>"
PACKED = zlib.compress(zlib.compress(zlib.compress(bytes(300 * MEGABYTE), 9), 9), 9)


def forms(depth: int) -> list[bytes]:
    """Forms of which each draws the next one ten times."""
    draw = b"/X Do " * 10
    inner = [
        stream(draw, b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X %d 0 R>>>>" % (at + 1))
        for at in range(5, 5 + depth)
    ]  # fmt: skip
    last = stream(b"0 0 1 1 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]")
    page = b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>"
    return [CATALOG, PAGES, page, stream(draw), *inner, last]


PDFS: dict[str, Callable[[], bytes]] = {
    "pages in a circle": lambda: pdf_of(
        CATALOG, b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2147483647>>"
    ),
    "pages within pages": lambda: pdf_of(
        CATALOG,
        *[b"<</Type/Pages/Kids[%d 0 R]/Count 1>>" % (n + 1) for n in range(2, 30_000)],
    ),
    "a count of pages": lambda: pdf_of(CATALOG, b"<</Type/Pages/Kids[]/Count 999999999>>"),
    "a million objects": lambda: pdf_of(CATALOG, PAGES, *[b"null"] * 1_000_000),
    "a million objects in use": lambda: pdf_of(
        CATALOG, PAGES, b"<</Type/Page/Annots[%s]>>" % (b"4 0 R " * 1_000_000)
    ),
    "a stream packed thrice": lambda: pdf_of(
        CATALOG, PAGES, b"<</Type/Page/Parent 2 0 R/Contents 4 0 R>>",
        stream(PACKED, b"/Filter[/FlateDecode/FlateDecode/FlateDecode]"),
    ),
    "forms within forms": lambda: pdf_of(*forms(9)),
    "a form that draws itself": lambda: pdf_of(
        *forms(0)[:4],
        stream(b"/X Do /X Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>"),
    ),
    "objects in a stream of objects": lambda: pdf_of(
        CATALOG, PAGES, b"<</Type/Page/Parent 2 0 R/Contents 4 0 R>>",
        stream(b"0 0 " * 9, b"/Type/ObjStm/N 999999999/First 4/Extends 4 0 R"),
    ),
    "a giant picture": lambda: pdf_of(
        CATALOG, PAGES, b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>",
        stream(b"300 0 0 300 0 0 cm /X Do"),
        stream(zlib.compress(bytes(8 * MEGABYTE)),
               b"/Type/XObject/Subtype/Image/Width 60000/Height 60000/BitsPerComponent 8"
               b"/ColorSpace/DeviceRGB/Filter/FlateDecode"),
    ),
    "a stream as long as itself": lambda: pdf_of(
        CATALOG, PAGES, b"<</Type/Page/Parent 2 0 R/Contents 4 0 R>>",
        b"<</Length 4 0 R>>\nstream\nx\nendstream",
    ),
    "a table before itself": lambda: pdf_of(
        CATALOG, PAGES, trailer=b"<</Root 1 0 R/Prev 9/XRefStm 9>>\nstartxref\n9"
    ),
    "brackets without end": lambda: pdf_of(CATALOG, PAGES, b"[" * 1_000_000),
    "a page as wide as the world": lambda: pdf_of(
        CATALOG, PAGES, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 1e30 1e30]/UserUnit 1e9>>"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", PDFS)
@pytest.mark.parametrize("is_drawn", [False, True][: 2 if TORTURE else 1])
def test_a_pdf_that_asks_for_too_much(
    what: str, is_drawn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognition, "version", lambda: None)
    monkeypatch.setattr(apart, "SECONDS", 4.0)
    monkeypatch.setattr(apart, "DRAWING_SECONDS", 4.0)
    monkeypatch.setattr(apart, "MEMORY", 1024 * MEGABYTE)
    monkeypatch.setattr(apart, "_PROGRAM", without_recognition())
    data, told = PDFS[what](), ""
    with within(30, 60):
        try:
            if is_drawn:
                assert apart.draw(data, 1).width <= 1200
            else:
                assert read("a.pdf", data, apart.parse).text.strip()
        except UnreadableFileError as error:
            told = str(error)
    assert len(told.splitlines()) <= 1


def without_recognition() -> str:
    lines = "from embeddings.readers import recognition; recognition.version = lambda: None; "
    return apart._PROGRAM.replace("from", lines + "from", 1)


@pytest.mark.parametrize(
    "text",
    [
        "<div>" * 100_000 + "深",
        "<div>" * 100_000 + "深" + "</div>" * 100_000,
        "<b><p>" * 50_000 + "深",
    ],
    ids=["open", "closed", "crossed"],
)
def test_html_nested_without_end(text: str, tokenizer: Tokenizer) -> None:
    with within(20, 300):
        entry = FileEntry("a.html", Path("a.html"))
        document = read_document(entry, text.encode())
        assert [p.text for p in Segmenter(tokenizer).segment(document).passages] == ["深"]


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html"])
def test_one_line_that_is_too_long(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LARGEST_TEXT", 1_000_000)
    with within(10, 40):
        assert "holds more than 1,000,000 characters of text" in refused(name, b"x" * 3_000_000)
        told = refused(name, ("天桥" * 600_000).encode("gb18030"))
        assert "holds more than 1,000,000 characters of text" in told


def test_a_gigabyte(tmp_path: Path) -> None:
    path = tmp_path / "一行.txt"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    with within(2, 10), pytest.raises(UnreadableFileError, match=r"1,073,741,824 bytes; at most"):
        read_bytes(FileEntry(path.name, path))
    if TORTURE:
        path.write_bytes(b"x" * (1 << 30))
        with within(120, 4500):
            entry = FileEntry(path.name, path)
            with pytest.raises(UnreadableFileError, match="holds more than 16,000,000 characters"):
                read_document(entry, read_bytes(entry, 1 << 31))
        path.unlink()


def test_many_tiny_files(tmp_path: Path, tokenizer: Tokenizer) -> None:
    count = 1_000_000 if TORTURE else 5_000
    pages = tmp_path / "pages"
    for number in range(count):
        if number % 1000 == 0:
            (pages / str(number)).mkdir(parents=True)
        (pages / str(number // 1000 * 1000) / f"{number}.txt").write_text(f"第{number}家。")
    with (
        within(20 + count / 100, 60 + count // 500),
        Catalogue(tmp_path / "library.db") as catalogue,
    ):
        scan = Scan(catalogue, Segmenter(tokenizer), 1, LocalEngine(), check_content=False)
        found = scan.run(list_files(pages), lambda _: None)
        assert len(found) == count
        assert all(file.document for file in found)
    shutil.rmtree(pages)


def test_numbers_of_thousands_of_digits() -> None:
    page = f"<title>&#{'9' * 5000};年报</title><meta name=x content='&#x{'f' * 5000}'><p>天桥&#{'9' * 9};"
    assert read("a.html", page.encode()).title == "\ufffd年报"
    rows = '<row r="1"><c r="A1" t="n" s="2"><v>1e300</v></c></row>'
    content = SHEET % f"<sheetData>{rows}</sheetData>"
    data = samples.with_part(samples.xlsx(), "xl/worksheets/sheet1.xml", content.encode())
    assert "1e+300" in read("a.xlsx", data).text
    assert shown(1e30, "#,##0.00") == "1e+30"
    assert shown(370102199001011234, "0") == "370102199001011234"
    assert shown(1.5, f"0.{'0' * 40}") == "1.5"
    assert shown(1.5, "[$" * 1_000_000) == "1.5"
