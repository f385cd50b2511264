"""PDF, Word, Excel and PowerPoint: what is read of real files, and what is refused."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time, timedelta

import pytest

from embeddings.errors import UnreadableFileError
from embeddings.readers import Mark, Reading, packages, pdf, read, recognition
from embeddings.readers.numbers import shown
from embeddings.records import Role

from . import samples

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def marked(found: Reading) -> list[tuple[Role, int, str]]:
    return [(mark.role, mark.level, found.text[mark.start : mark.end]) for mark in found.marks]


def test_word() -> None:
    found = read("a.docx", samples.docx())
    assert found.text == (
        "天桥区直播电商\n\n天桥区现有直播电商企业120多家。从业人员3万人。\n\n一是加强管理\n\n"
        "区\t家数\n天桥\t120\n\n末段"
    )
    assert marked(found) == [
        (Role.HEADLINE, 1, "天桥区直播电商"),
        (Role.TABLE, 0, "区\t家数\n天桥\t120"),
    ]
    assert found.reader.startswith("word/1 lxml 6")
    assert found.date is None


def word_of(body: str) -> str:
    document = f'<w:document xmlns:w="{WORD}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:body>{body}</w:body></w:document>'
    return read(
        "a.docx", samples.with_part(samples.docx(), "word/document.xml", document.encode())
    ).text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<w:p><w:ins><w:r><w:t>新增</w:t></w:r></w:ins><w:del><w:r><w:delText>删</w:delText></w:r></w:del></w:p>", "新增"),
        ("<w:sdt><w:sdtContent><w:p><w:r><w:t>控件</w:t></w:r></w:p></w:sdtContent></w:sdt>", "控件"),
        ("<w:p><w:r><w:t>甲</w:t><w:br/><w:tab/><w:t>乙</w:t></w:r></w:p>", "甲\n\t乙"),
        ("<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>隐</w:t></w:r><w:r><w:t>显</w:t></w:r></w:p>", "显"),
        ("<w:p><w:r><w:ruby><w:rt><w:r><w:t>jǐ</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>济</w:t></w:r></w:rubyBase></w:ruby></w:r></w:p>", "济"),
        ("<w:p><w:r><w:t>前</w:t><mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>框</w:t></w:r></w:p></w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent><w:p><w:r><w:t>框</w:t></w:r></w:p></w:txbxContent></mc:Fallback></mc:AlternateContent><w:t>后</w:t></w:r></w:p>", "前后\n\n框"),
        ("<w:tbl><w:tr><w:tc><w:p><w:r><w:t>甲</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:p><w:r><w:t>内</w:t></w:r></w:p></w:tc></w:tr></w:tbl></w:tc><w:tc><w:p/></w:tc></w:tr></w:tbl>", "甲 内"),
    ],
)  # fmt: skip
def test_what_is_shown_of_word(body: str, text: str) -> None:
    assert word_of(body) == text


def test_excel() -> None:
    found = read("a.xlsx", samples.xlsx())
    assert found.text == (
        "企业名录\n\n企业\t成立\t产值\t增速\n裕兴化工\t2021-06-16\t1,234,567.50\t12.5%\n\n第三张\t42"
    )
    assert [role for role, _, _ in marked(found)] == [Role.HEADLINE, Role.TABLE, Role.TABLE]
    assert found.reader == "excel/1 openpyxl 3.1.5"


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (None, "General", ""),
        (True, "General", "TRUE"),
        (42, "General", "42"),
        (42.0, "General", "42"),
        (0.1 + 0.2, "General", "0.3"),
        (1e20, "General", "1e+20"),
        (1234567, "#,##0", "1,234,567"),
        (2.675, "0.00", "2.68"),
        (0.4762, "0.00%", "47.62%"),
        (0.5, "0%", "50%"),
        (-5, "0.0_);(0.0)", "-5.0"),
        (120, '0"家"', "120家"),
        (1234.5, "[$¥-804]#,##0.00", "¥1,234.50"),
        (12345678, '#,##0.0,"千"', "12,345.7千"),
        (1.5, "0.##", "1.5"),
        (2, "0.##", "2"),
        (0.75, "# ?/?", "0.75"),
        (float("inf"), "0", "Infinity"),
        (" 济南 \n 市 ", "@", "济南 市"),
        (datetime(2021, 6, 16), "yyyy-m-d", "2021-06-16"),
        (datetime(2021, 6, 16, 8, 30), "yyyy-m-d", "2021-06-16 08:30"),
        (date(2021, 6, 16), "m/d", "2021-06-16"),
        (time(8, 30), "h:mm", "08:30"),
        (timedelta(hours=30), "[h]:mm", "1 day, 6:00:00"),
    ],
)
def test_cells_as_shown(value: object, form: str, text: str) -> None:
    assert shown(value, form) == text


def test_powerpoint() -> None:
    found = read("a.pptx", samples.pptx())
    assert found.text == "园区党建\n\n一是加强管理\n\n二是服务企业\n\n备注：共932家\n\n天桥\t120"
    assert marked(found) == [(Role.HEADLINE, 1, "园区党建"), (Role.TABLE, 0, "天桥\t120")]
    table = found.text.index("天桥\t")
    assert found.page_starts == (0, table, table)


def test_pdf() -> None:
    found = read(
        "a.pdf",
        samples.pdf([["天桥区有直播电商企业", "120多家。develop-", "ment"], ["第二页的⽂字"]]),
    )
    assert found.text == "天桥区有直播电商企业\n120多家。development\n\n第二页的文字"
    assert found.page_starts == (0, found.text.index("第二页"))
    assert found.reader.startswith("pdf/1 pypdfium2 5.")


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        (
            [[], ["第二页的文字第二页的文字"], []],
            r"scanned: 2 of 3 pages are pictures without text; install wenju\[ocr\]",
        ),
        ([[]], "scanned: 1 of 1 pages"),
        ([["\ue001\ue002\ue003\ue004" * 4]], "its fonts do not tell which characters|empty"),
    ],
)
def test_pdf_without_text_is_refused(
    pages: list[list[str]], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognition, "version", lambda: None)
    with pytest.raises(UnreadableFileError, match=reason):
        read("a.pdf", samples.pdf(pages))


def test_a_page_of_few_words_is_not_scanned() -> None:
    assert read("a.pdf", samples.pdf([["封面"]])).text == "封面"


def test_too_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "LARGEST_PAGES", 1)
    with pytest.raises(
        UnreadableFileError, match="has 2 pages; at most 1 are read; split the file"
    ):
        read("a.pdf", samples.pdf([["甲"], ["乙"]]))


def test_encrypted_files_are_refused() -> None:
    with pytest.raises(UnreadableFileError, match="encrypted; save a copy without a password"):
        read("a.pdf", samples.pdf([["甲"]], password="x"))
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    with pytest.raises(UnreadableFileError, match="encrypted, or of the old format before .docx"):
        read("a.docx", old)


def test_a_bomb_is_refused_while_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "LARGEST_UNPACKED", 1_000_000)
    bomb = b"<a>" + b" " * 3_000_000
    for name, package, part in (
        ("a.docx", samples.docx(), "word/document.xml"),
        ("a.xlsx", samples.xlsx(), "xl/worksheets/sheet1.xml"),
        ("a.pptx", samples.pptx(), "ppt/slides/slide1.xml"),
    ):
        data = samples.with_part(package, part, bomb)
        assert len(data) < 100_000
        with pytest.raises(UnreadableFileError, match="unpacks to more than 1,000,000 bytes"):
            read(name, data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_never_expanded(encoding: str) -> None:
    laughs = (
        '<!DOCTYPE x [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
        f'<w:document xmlns:w="{WORD}"><w:body><w:p><w:r><w:t>&b;&f;</w:t></w:r></w:p></w:body></w:document>'
    )
    data = samples.with_part(samples.docx(), "word/document.xml", laughs.encode(encoding))
    with pytest.raises(UnreadableFileError, match="declares entities"):
        read("a.docx", data)
    with pytest.raises(UnreadableFileError, match="declares entities"):
        read(
            "a.xlsx",
            samples.with_part(samples.xlsx(), "xl/worksheets/sheet1.xml", laughs.encode(encoding)),
        )


def test_a_broken_part_is_refused_with_what_to_do() -> None:
    data = samples.with_part(samples.docx(), "word/document.xml", b"<w:document>")
    with pytest.raises(
        UnreadableFileError,
        match=r"damaged \(XMLSyntaxError\); open it in its program and save it again as .docx",
    ):
        read("a.docx", data)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", samples.pdf([["甲"]]), "ends in .txt, but the content is a PDF; give it its true ending"),
        ("a.pdf", samples.docx(), "ends in .pdf, but the content is a zip container"),
        ("a.docx", samples.xlsx(), r"ends in .docx, but the content is an Excel workbook.*\(.xlsx\)"),
        ("a.xlsx", samples.pptx(), "but the content is a PowerPoint presentation"),
        ("a.docx", samples.pdf([["甲"]]), "ends in .docx, but the content is a PDF"),
        ("a.md", b"\x89PNG\r\n\x1a\n", "but the content is a picture"),
        ("a.txt", samples.PAGE.encode(), "ends in .txt, but the content is HTML"),
        ("a.docx", "文字".encode(), "not a .docx file, or damaged at its beginning"),
        ("a.txt", b"{\\rtf1 x}", "but the content is an RTF file"),
        ("a.doc", b"x", "^.doc is an old Word file; open it in Word, WPS or LibreOffice and save it as .docx"),
        ("a.WPS", b"x", "save it as .docx"),
        ("a.ofd", b"x", "export it as .pdf"),
        ("a.xls", b"x", "save it as .xlsx"),
        ("a.ppt", b"x", "save it as .pptx"),
        ("a.rtf", b"x", "save it as .docx"),
        ("a.epub", b"x", "convert it to .html or .pdf"),
        ("a.gif", b"x", "a picture; save it as .png, or run text recognition"),
        ("a.html", b"<p hidden></p>", "empty; nothing to index"),
        ("a.pdf", b" ", "empty; nothing to index"),
    ],
)  # fmt: skip
def test_other_formats_are_refused_with_what_to_do(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=reason):
        read(name, data)


def test_an_office_file_without_text_is_empty() -> None:
    import docx

    with pytest.raises(UnreadableFileError, match="empty; nothing to index"):
        read("a.docx", samples.saved(docx.Document()))


def test_reading_twice_gives_the_same() -> None:
    for name, data in (("a.docx", samples.docx()), ("a.pdf", samples.pdf([["天桥区"]]))):
        assert read(name, data) == read(name, data)


def test_a_zip_that_holds_something_else() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as container:
        container.writestr("OFD.xml", "<x/>")
    with pytest.raises(UnreadableFileError, match=r"the content is an OFD file"):
        read("a.docx", target.getvalue())


def test_marks_are_positions_in_the_text() -> None:
    found = read("a.xlsx", samples.xlsx())
    assert found.marks[0] == Mark(0, 4, Role.HEADLINE, 1)
