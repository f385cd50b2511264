"""Strategies for files: real ones that were damaged, and garbage that has the right structure."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.embeddings.readers import samples
from tests.embeddings.readers.test_mutations import originals

File = tuple[str, bytes]

WORDS = st.sampled_from(
    ["天桥区", "企业120家。", "濟(jì)陽", "，", "“", "”", "\n", "\n\n", " ", "\u3000", "Mr. ", "a.", "...",
     "2021年6月16日", "&#20225;", "&#" + "9" * 5000 + ";", "&amp;", "&", "\u200b", "\u202e", "𠀀", "e\u0301",
     "<", ">", "图为", "记者 王某", "- ", "# ", "| ", "`", "*", "[", "](", "![", "~~", "---", "\r", "\x85", "\x0c"]
)  # fmt: skip
PROSE = st.lists(WORDS | st.text(max_size=8), max_size=40).map("".join)


@st.composite
def damaged(draw: st.DrawFn, files: dict[str, bytes]) -> File:
    """Return a real file with bytes changed, cut out, doubled or put in."""
    name = draw(st.sampled_from(sorted(files)))
    data = bytearray(files[name])
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        data[at : at + draw(st.sampled_from([0, 1, 1, 2, 40, 1 << 30]))] = draw(
            st.binary(max_size=4) | st.sampled_from([b"\xff" * 8, b"9" * 12, b"\0" * 64])
        )
    return name, bytes(data)


@st.composite
def damaged_inside(draw: st.DrawFn, files: dict[str, bytes]) -> File:
    """Return an Office file of which one part was damaged; its checksums are right."""
    name = draw(st.sampled_from(sorted(n for n in files if n.endswith("x"))))
    part = draw(st.sampled_from(_parts(files[name])))
    _, content = draw(damaged({"part": samples.part(files[name], part)}))
    return name, samples.with_part(files[name], part, content)


_UNREAD = (
    "theme",
    "Layout",
    "Master",
    "docProps",
    "ettings",
    "fontTable",
    "numbering",
    "WithEffects",
)


def _slim(data: bytes) -> bytes:
    """Return an Office file without the parts that nobody reads: a case takes a part of the time."""
    if not data.startswith(b"PK"):
        return data
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if not any(part in name for part in _UNREAD):
                new.writestr(name, old.read(name))
    return target.getvalue()


@cache
def _parts(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as container:
        return [name for name in container.namelist() if name.endswith((".xml", ".rels"))]


_NAMES = {
    "a.docx": "w:p w:r w:t w:tbl w:tr w:tc w:br w:tab w:sdt w:sdtContent w:txbxContent w:pPr w:rPr w:vanish "
    "w:numPr w:del mc:AlternateContent w:outlineLvl m:t",
    "a.pptx": "p:sp p:ph a:t a:p a:r a:br a:tbl a:tr a:tc p:graphicFrame p:grpSp p:txBody",
}
_ROOTS = {
    "a.docx": ("word/document.xml", "<w:document %s><w:body>%s</w:body></w:document>"),
    "a.pptx": ("ppt/slides/slide1.xml", "<p:sld %s>%s</p:sld>"),
}
_SPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
)


@st.composite
def trees(draw: st.DrawFn, files: dict[str, bytes]) -> File:
    """Return a Word or PowerPoint file of the right tags in any order."""
    name = draw(st.sampled_from(sorted(_NAMES)))
    tags = st.sampled_from(_NAMES[name].split())
    values = st.sampled_from(["", ' w:val="1"', ' w:val="x"', ' type="title"', ' type="body"'])
    element = st.recursive(
        st.sampled_from(["天桥", "x", ""]),
        lambda inner: st.tuples(tags, values, st.lists(inner, max_size=4)).map(_element),
        max_leaves=20,
    )
    part, form = _ROOTS[name]
    content = form % (_SPACES, "".join(draw(st.lists(element, max_size=5))))
    return name, samples.with_part(files[name], part, content.encode())


def _element(given: tuple[str, str, list[str]]) -> str:
    tag, value, inner = given
    return f"<{tag}{value}>{''.join(inner)}</{tag}>"


@st.composite
def sheets(draw: st.DrawFn, files: dict[str, bytes]) -> File:
    """Return a workbook whose cells have any place, type, value and format."""
    places = st.sampled_from(["A1", "XFD1", "B2", "A1048576", "A0", "ZZZZ9", "", "A99999999999"])
    kinds = st.sampled_from(["", "s", "b", "d", "e", "n", "str", "inlineStr", "q"])
    values = st.sampled_from(
        ["1", "-1", "1e300", "9" * 40, "x", "", "0.1", "1e999", "NaN", "2021-06-16"]
    )
    rows = st.lists(st.tuples(places, kinds, values, st.integers(-1, 9)), max_size=5)
    numbers = st.sampled_from(["1", "0", "1048576", "-1", "x", "9999999"])
    body = "".join(
        f'<row r="{number}">{"".join(_cell(*cell) for cell in row)}</row>'
        for number, row in draw(st.lists(st.tuples(numbers, rows), max_size=3))
    )
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    xml = f'<worksheet {space}><dimension ref="A1:XFD1048576"/><sheetData>{body}</sheetData></worksheet>'
    return "a.xlsx", samples.with_part(files["a.xlsx"], "xl/worksheets/sheet1.xml", xml.encode())


def _cell(place: str, kind: str, value: str, style: int) -> str:
    return f'<c r="{place}" t="{kind}" s="{style}"><v>{value}</v></c>'


@st.composite
def pdfs(draw: st.DrawFn) -> File:
    """Return a PDF of a few objects that refer to each other, or to themselves, in any way."""
    reference = st.integers(1, 8).map(lambda number: f"{number} 0 R")
    atoms = reference | st.sampled_from(
        ["null", "true", "-1", "0", "1e9", "999999999999", "/Page", "/Pages", "/Catalog", "/Type0", "(x)",
         "<feff5929>", "/FlateDecode", "[]", "/XObject", "/Form", "/Identity-H"]
    )  # fmt: skip
    keys = st.sampled_from(
        ["Type", "Kids", "Count", "Parent", "Contents", "Resources", "MediaBox", "Font", "F1", "Filter", "Length",
         "Subtype", "BBox", "XObject", "X", "Encoding", "ToUnicode", "DescendantFonts", "First", "N"]
    )  # fmt: skip
    values = atoms | st.lists(atoms, max_size=4).map(lambda items: f"[{' '.join(items)}]")
    body = "%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    body += "2 0 obj\n<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2/MediaBox[0 0 300 300]>>\nendobj\n"
    packed = zlib.compress(b"BT /F1 12 Tf (text) Tj /X Do ET")
    for number in range(3, 9):
        entries = draw(st.dictionaries(keys, values, max_size=6))
        said = "".join(f"/{key} {value}" for key, value in entries.items())
        stream = f"\nstream\n{packed.decode('latin-1')}\nendstream" if draw(st.booleans()) else ""
        body += f"{number} 0 obj\n<<{said}>>{stream}\nendobj\n"
    return "a.pdf", (body + "trailer\n<</Root 1 0 R/Size 9>>\n%%EOF").encode("latin-1")


_TAGS = st.sampled_from(
    ["<p>", "</p>", "<div", ">", "<table><tr><td>", "</table>", "<li>", "<nav>", "</nav>", "<script>", "</script>",
     "<!--", "-->", "<title>", "</title>", "<pre>", "<form>", "<meta charset=", "'", '"', "=", "<h1>", "<br>",
     "<style>", "<svg>", " hidden", " style=display:none", "<time datetime=2021-06-16>", "]]>", "<![CDATA[", "<?"]
)  # fmt: skip


def texts() -> st.SearchStrategy[File]:
    """Return text files of any kind: prose with marks, markup in disorder, encodings mixed up."""
    names = st.sampled_from(["a.txt", "a.md", "a.html", "a.htm", "a.markdown", "2021-06-16.txt"])
    codings = st.sampled_from(["utf-8", "gb18030", "big5hkscs", "utf-16", "utf-16-be", "latin-1"])
    markup = st.lists(_TAGS | WORDS, max_size=40).map("".join)
    contents = st.tuples(PROSE | markup, codings).map(lambda one: one[0].encode(one[1], "ignore"))
    clean = st.lists(WORDS | _TAGS, min_size=1, max_size=60).map(
        lambda parts: "".join(parts).encode()
    )
    plain = {n: d for n, d in originals().items() if not n.endswith(("x", "f"))}
    return (
        st.tuples(names, contents | clean | st.binary(max_size=200))
        | st.tuples(names, clean)
        | damaged(plain)
    )


def containers() -> st.SearchStrategy[File]:
    """Return office files and PDF of all kinds above."""
    files = {n: _slim(d) for n, d in originals().items() if n.endswith(("x", "f"))}
    made: list[Callable[..., Any]] = [damaged, damaged_inside, trees, sheets]
    return st.one_of(*(strategy(files) for strategy in made), pdfs())
