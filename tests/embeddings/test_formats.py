"""A folder with all formats and encodings at once: every sentence still slices its original."""

from __future__ import annotations

from pathlib import Path

import pytest

from embeddings.build import BuildReport, build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from embeddings.records import Role
from embeddings.store import Generation, IndexFolder
from embeddings.texts import DocumentRow, PassageRow
from tests.embeddings.readers import samples

HTML = (
    "<html><head><title>园区</title><script>var a='天桥区';</script></head><body>"
    "<nav><a href='/'>首页</a></nav><h1>天桥区抓党建</h1><p>园区有<b>22个</b>项目&amp;"
    "总投资77.57亿元。</p><p>第二段。</p></body></html>"
)
MARKDOWN = "# 高新区建联盟\n\n高新区组建**8个**党建联盟。\n\n- 第一项\n- 第二项\n"
GBK = "济阳区走访企业190余家,发放政策200余份,受到企业的普遍欢迎和好评。\n" * 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("formats")
    (root / "a.html").write_text(HTML, encoding="utf-8")
    (root / "b.md").write_text(MARKDOWN, encoding="utf-8")
    (root / "c.txt").write_bytes(GBK.encode("gb18030"))
    (root / "d.docx").write_bytes(samples.docx())
    (root / "e.xlsx").write_bytes(samples.xlsx())
    (root / "f.pptx").write_bytes(samples.pptx())
    (root / "g.pdf").write_bytes(samples.pdf([["第一页说园区的事。"], ["第二页说企业的事。"]]))
    (root / "h.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    (root / "i.pdf").write_bytes(samples.pdf([["密文。"]], password="x"))
    (root / "j.docx").write_bytes(samples.docx()[:200])
    (root / "k.txt").mkdir()
    return root


@pytest.fixture(scope="module")
def report(folder: Path, tokenizer: Tokenizer) -> BuildReport:
    return build(folder, folder.with_name("formats-index"), CountingEncoder("济南"), tokenizer)


@pytest.fixture(scope="module")
def generation(report: BuildReport) -> Generation:
    return Generation(IndexFolder(report.index).current())


def document(generation: Generation, name: str) -> tuple[DocumentRow, list[PassageRow]]:
    selection = generation.select([name])
    passages = list(generation.passages(generation.rows_of(selection), selection).values())
    return generation.documents([passages[0].document])[passages[0].document], passages


def test_what_is_read_and_what_is_skipped_and_why(report: BuildReport) -> None:
    assert [name[0] for name in report.read] == list("abcdefg")
    reasons = {file.source[0]: file.reason or "" for file in report.skipped}
    assert set(reasons) == {"h", "i", "j"}
    assert ".docx" in reasons["h"]
    assert "password" in reasons["i"]


def test_every_span_of_every_format_slices_its_original(generation: Generation) -> None:
    for name in generation.sources:
        found, passages = document(generation, name)
        for passage in passages:
            for sentence in generation.sentences([passage]):
                pieces = [span.of(found.text) for span in sentence.spans]
                assert all(pieces), name
                if not name.endswith((".html", ".md")):
                    assert "".join("".join(pieces).split()) == "".join(sentence.text.split())


def test_html_shows_text_and_cites_markup(generation: Generation) -> None:
    found, passages = document(generation, "a.html")
    assert found.text == HTML
    body = next(p for p in passages if p.role is Role.BODY)
    assert body.text == "园区有22个项目&总投资77.57亿元。第二段。"
    first = generation.sentences([body])[0]
    assert [span.of(HTML) for span in first.spans] == [
        "园区有<b>22个</b>项目&amp;总投资77.57亿元。"
    ]
    assert body.title == "天桥区抓党建"
    assert not any("首页" in p.text or "var a" in p.text for p in passages)


def test_markdown_has_headings_and_lists(generation: Generation) -> None:
    _, passages = document(generation, "b.md")
    roles = {p.text: p.role for p in passages}
    assert roles["高新区建联盟"] is Role.HEADLINE
    assert roles["高新区组建8个党建联盟。"] is Role.BODY
    assert roles["第一项第二项"] is Role.LIST


def test_gbk_is_the_text_that_utf_8_would_be(generation: Generation) -> None:
    found, _ = document(generation, "c.txt")
    assert found.text == GBK


def test_pdf_pages_are_kept(generation: Generation) -> None:
    _, passages = document(generation, "g.pdf")
    assert [(p.page, p.text) for p in passages] == [
        (1, "第一页说园区的事。"),
        (2, "第二页说企业的事。"),
    ]
