"""An inspection: exact text, every character accounted for, and a page that holds the original."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from embeddings.errors import SourceError, UnreadableFileError
from embeddings.lexical import Tokenizer
from embeddings.records import Role, Span
from embeddings.segment import Segmenter
from qa import terminal
from qa.inspect_page import to_html
from qa.inspect_view import KINDS, Inspection, inspect, to_json, to_lines, to_text

ROOT = Path(__file__).parents[2]
SEEDS = sorted((ROOT / "seeds").glob("*.txt"))
ASSETS = ROOT / "qa" / "page" / "assets"

TORN = (
    "天桥区党建引领园区发展\n\n记者 于悦\n\n伴随着网络直播带货的兴\n\n"
    "天桥区委组织部到药山街道开展调研。\n\n"
    "盛,位于天桥区的濟(jì)南市电商产业园已有\u200b直播企业100余家。从业人员近千人。\n\n"
    "扫码下载齐鲁壹点\n"
)

SHOWN = """\
页.txt
reader      text/1
encoding    utf-8
title       天桥区党建引领园区发展
characters  104
made        1 article, 5 blocks, 4 passages, 5 sentences

article 1  天桥区党建引领园区发展
headline    0-11
    1 ─ 天桥区党建引领园区发展  [11 characters]
byline      13-18
    2 ─ 记者 于悦  [5 characters]
body        20-31, 52-93
    3 ─ 伴随着网络直播带货的兴⟨21 taken out⟩盛,位于天桥区的濟南市电商产业园已有直播企业100余家。从业人员近千人。  [47 characters]
caption     33-50
    4 ─ 天桥区委组织部到药山街道开展调研。  [17 characters]
boilerplate 95-103
        扫码下载齐鲁壹点

left out
boilerplate 1 place, 8 characters
gloss       1 place, 4 characters
invisible   1 place, 1 character
white space 6 places, 11 characters"""

HTML = (
    "<!doctype html>\r\n<title>通知</title><nav><a href=/>首页</a></nav><h1>济南&amp;天桥</h1>\r\n"
    '<p>天桥区有<b>21</b>家企业。</p><script>alert("x")</script><p>园区很活跃。</p>\r\n'
)

AWKWARD = {
    "script.txt": "天桥区有<script>alert(1)</script>家企业。\n</div></section>&lt;b&gt;'\"\n",
    "returns.txt": "\n\n天桥区\r有21家企业。\r\n\r\n\t高新区很活跃。\x0c\u2028济南。\x1b[31m\u00ad\n\n",
    "page.html": HTML,
    "note.md": "# 天桥区 *党建*\n\n- 一是[联盟](http://example.org)\n- 二是人才 😀𠮷\n\n| 甲 | 乙 |\n|---|---|\n| 1 | 2 |\n",
    "long.txt": "天桥区有21家企业。\n" * 1500 + "没有句号的一长段" * 900,
}

Inspect = Callable[[Path], Inspection]


@pytest.fixture
def inspected(tokenizer: Tokenizer) -> Inspect:
    return lambda path: inspect(path, Segmenter(tokenizer))


@pytest.fixture(params=[*(path.name for path in SEEDS), "torn.txt", *AWKWARD])
def found(request: pytest.FixtureRequest, tmp_path: Path, inspected: Inspect) -> Inspection:
    """The inspection of a seed, the torn page, or a document hard to show."""
    name = str(request.param)
    if (ROOT / "seeds" / name).exists():
        return inspected(ROOT / "seeds" / name)
    (tmp_path / name).write_bytes(AWKWARD.get(name, TORN).encode())
    return inspected(tmp_path / name)


class Columns(HTMLParser):
    """The text of the left column, where each name stands in it, and what the right column says."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.original = ""
        self.marks: dict[str, list[tuple[int, int]]] = {}
        self.made: dict[str, str] = {}
        self.tags: list[str] = []
        self.policy = ""
        self._names: list[str | None] = []
        self._column = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        if tag == "section":
            self._column = found.get("id") or ""
        if tag == "meta" and "http-equiv" in found:
            self.policy = found["content"] or ""
        self._names.append(found.get("data-s"))

    def handle_endtag(self, tag: str) -> None:
        self._names.pop() if tag not in ("meta", "link") else None
        if tag == "section":
            self._column = ""

    def handle_data(self, data: str) -> None:
        name = next((name for name in reversed(self._names) if name), None)
        if self._column == "original":
            start = len(self.original)
            self.original += data
            if name:
                self.marks.setdefault(name, []).append((start, len(self.original)))
        elif self._column == "made" and name:
            self.made[name] = self.made.get(name, "") + data


def joined(marks: list[tuple[int, int]]) -> tuple[Span, ...]:
    """Put marks that touch together."""
    spans: list[Span] = []
    for start, end in marks:
        if spans and spans[-1].end == start:
            start = spans.pop().start
        spans.append(Span(start, end))
    return tuple(spans)


def test_what_a_terminal_shows(tmp_path: Path, inspected: Inspect) -> None:
    (tmp_path / "页.txt").write_text(TORN, encoding="utf-8")
    assert to_text(to_lines(inspected(tmp_path / "页.txt"))) == SHOWN


def test_a_passage_of_several_blocks_is_bracketed(tmp_path: Path, inspected: Inspect) -> None:
    (tmp_path / "a.md").write_text(
        "# 措施\n\n- 一是抓党建。\n- 二是聚人才。\n- 三是促发展。\n", "utf-8"
    )
    shown = to_text(to_lines(inspected(tmp_path / "a.md"))).splitlines()
    assert [line for line in shown if re.match(r" +2 ", line)] == [
        "    2 ┌ 一是抓党建。",
        "    2 │ 二是聚人才。",
        "    2 └ 三是促发展。  [18 characters]",
    ]


def test_control_characters_are_named_on_the_terminal(tmp_path: Path, inspected: Inspect) -> None:
    (tmp_path / "a.html").write_text(
        "<title>坏\x1b[2J</title><p>天桥区有21家企业。</p>" + "好" * 999, "utf-8"
    )
    shown = to_text(to_lines(inspected(tmp_path / "a.html")))
    assert "title       坏\\x1b[2J" in shown
    assert "\x1b" not in shown


def test_every_character_is_of_one_kind(found: Inspection) -> None:
    counts = {kind: found.kinds.count(code) for code, kind in enumerate(KINDS)}
    assert sum(counts.values()) == len(found.document.text)
    assert counts["unread"] == 0
    shown = sum(counts[role] for role in Role if role is not Role.BOILERPLATE)
    assert shown + sum(each.characters for each in found.left_out) == len(found.document.text)


def test_what_was_left_out(inspected: Inspect) -> None:
    left = {each.kind: (each.places, each.characters) for each in inspected(SEEDS[1]).left_out}
    assert left == {"boilerplate": (3, 15), "gloss": (372, 1878), "white space": (8, 8)}


def test_page_headers_are_counted_apart(tmp_path: Path, inspected: Inspect) -> None:
    page = "济南日报要闻\n\n{}区有21家企业。\n\n从业人员近千人。\n\n园区很活跃。\n\n"
    (tmp_path / "a.txt").write_text("".join(map(page.format, "甲乙丙丁")), encoding="utf-8")
    found = inspected(tmp_path / "a.txt")
    assert (found.left_out[0].kind, found.left_out[0].places) == ("page header", 4)
    assert to_text(to_lines(found)).count("page header ") == 5


def test_encodings(tmp_path: Path, inspected: Inspect) -> None:
    for encoding in ("utf-8", "gb18030", "utf-16-le"):
        (tmp_path / "a.txt").write_bytes(TORN.replace("濟(jì)", "济").encode(encoding))
        assert inspected(tmp_path / "a.txt").encoding == encoding


def test_the_sentences_are_those_of_the_passages(found: Inspection) -> None:
    written = [s for passage in found.segmentation.passages for s in passage.sentences]
    assert [placed.content.text for placed in found.sentences] == [s.text for s in written]
    assert [placed.content.spans() for placed in found.sentences] == [s.spans for s in written]


def test_json_is_the_same_records(found: Inspection) -> None:
    written = json.loads(json.dumps(to_json(found)))
    text = found.document.text
    assert written["characters"] == len(text)
    assert [p["id"] for p in written["passages"]] == [p.id for p in found.segmentation.passages]
    numbers = [s["number"] for p in written["passages"] for s in p["sentences"]]
    assert numbers == [placed.number for placed in found.sentences]
    for block, source in zip(written["blocks"], found.segmentation.blocks, strict=True):
        assert "".join(block["pieces"]) == source.content.text
        assert len(block["pieces"]) == len(block["spans"])


def test_the_left_column_is_the_original(found: Inspection) -> None:
    assert Columns(to_html(found)).original == found.document.text


def test_every_sentence_and_every_block_left_out_is_addressed(found: Inspection) -> None:
    page = Columns(to_html(found))
    sentences = {str(placed.number): placed.content for placed in found.sentences}
    blocks = {
        f"b{at}": block.content
        for at, block in enumerate(found.segmentation.blocks)
        if block.role is Role.BOILERPLATE
    }
    wanted = sentences | blocks
    assert {name: joined(marks) for name, marks in page.marks.items()} == {
        name: content.spans() for name, content in wanted.items()
    }
    assert page.made == {name: content.text for name, content in wanted.items()}


def test_the_page_holds_no_markup_of_the_document(tmp_path: Path, inspected: Inspect) -> None:
    (tmp_path / "<script>x<b>.txt").write_text(AWKWARD["script.txt"], encoding="utf-8")
    page = to_html(inspected(tmp_path / "<script>x<b>.txt"))
    columns = Columns(page)
    assert columns.tags.count("script") == 1
    assert "<script>alert(1)</script>" in columns.original
    assert columns.policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in columns.policy


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    for name in ("inspect.css", "inspect.js"):
        text = (ASSETS / name).read_text(encoding="utf-8")
        assert re.findall(r"//[\w.]+\.\w|@import|url\(|fetch\(", text) == []


def test_invisible_characters_are_named(tmp_path: Path, inspected: Inspect) -> None:
    (tmp_path / "a.txt").write_text("天桥区\u200b\u00ad有21家企业。", encoding="utf-8")
    assert 'data-codes="U+200B U+00AD"' in to_html(inspected(tmp_path / "a.txt"))


def test_colour_only_on_a_terminal(
    tmp_path: Path, inspected: Inspect, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "页.txt").write_text(TORN, encoding="utf-8")
    found = inspected(tmp_path / "页.txt")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert terminal.inspection_to_text(found) == SHOWN
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = terminal.inspection_to_text(found)
    assert "\x1b[36mcaption     \x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == SHOWN
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.inspection_to_text(found) == SHOWN


def test_what_cannot_be_inspected(tmp_path: Path, inspected: Inspect) -> None:
    with pytest.raises(SourceError, match="none.txt' does not exist; give the path of one file"):
        inspected(tmp_path / "none.txt")
    with pytest.raises(SourceError, match="is a folder; inspect takes one file"):
        inspected(tmp_path)
    (tmp_path / "a.xyz").write_text("天桥区", encoding="utf-8")
    with pytest.raises(UnreadableFileError, match=r"a.xyz' is not read: unknown format \(.xyz\)"):
        inspected(tmp_path / "a.xyz")
    (tmp_path / "a.txt").write_text(" \n", encoding="utf-8")
    with pytest.raises(UnreadableFileError, match="a.txt' is not read: empty"):
        inspected(tmp_path / "a.txt")


def test_a_long_original_is_laid_out_in_stretches_of_whole_lines(
    tmp_path: Path, inspected: Inspect
) -> None:
    (tmp_path / "a.txt").write_text(AWKWARD["long.txt"], encoding="utf-8")
    page = to_html(inspected(tmp_path / "a.txt"))
    left = page.partition('id="original"')[2].partition("</section>")[0]
    stretches = left.split("<div>")[1:]
    assert len(stretches) == 5
    assert [stretch[-7:] for stretch in stretches[:-1]] == ["\n</div>"] * 4


def test_pages_are_told_and_drawn(tmp_path: Path, inspected: Inspect) -> None:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(tmp_path / "a.pdf"))
    for words in ("Tianqiao has 21 companies.", "Jiyang has 190 companies."):
        canvas.drawString(72, 720, words)
        canvas.showPage()
    canvas.save()
    found = inspected(tmp_path / "a.pdf")
    shown = to_text(to_lines(found))
    assert found.encoding is None
    assert "\npages       2\n" in shown
    assert re.findall(r"p\. \d", shown) == ["p. 1", "p. 2"]
    assert re.findall(r'data-label="(.*?)"', to_html(found)) == ["page 1", "page 2"]
