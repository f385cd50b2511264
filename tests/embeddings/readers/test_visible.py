"""What is shown of HTML and Markdown, and that every character of it knows its place."""

from __future__ import annotations

import html as library
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.readers import Mark, VisibleText, read, visible
from embeddings.readers.html import head
from embeddings.readers.html_tokens import attributes, tokens
from embeddings.records import Role

from .samples import MARKDOWN, PAGE


def shown(markup: str, reader: str = "html/1") -> str:
    return visible(markup, reader).text


def marked(markup: str, reader: str = "html/1") -> list[tuple[Role, int, str]]:
    found = visible(markup, reader)
    return [(mark.role, mark.level, found.text[mark.start : mark.end]) for mark in found.marks]


def check_map(source: str, found: VisibleText) -> None:
    """Every character is its original, a white space, a cell's bar, or what a reference means."""
    assert list(found.starts) == sorted(set(found.starts))
    for character, start, end in zip(found.text, found.starts, found.ends, strict=True):
        assert 0 <= start < end <= len(source)
        original = source[start:end]
        assert (
            character == original
            or character in "\n\t "
            or character in library.unescape(source[source.rfind("&", 0, start + 1) : end])
        )


def test_a_page() -> None:
    found = visible(PAGE, "html/1")
    assert found.text == (
        "天桥&区\n\n天桥区有直播电商企业20家。\n\n第二段\n换行\n\n区\t家\n天桥\t20"
    )
    check_map(PAGE, found)
    assert marked(PAGE) == [
        (Role.HEADLINE, 1, "天桥&区"),
        (Role.TABLE, 0, "区\t家\n天桥\t20"),
    ]


def test_a_reference_is_covered_whole() -> None:
    source = "<p>天&#20225;&amp;b&hellip;</p>"
    found = visible(source, "html/1")
    assert found.text == "天企&b…"
    assert [source[s:e] for s, e in zip(found.starts, found.ends, strict=True)] == [
        "天", "&#20225;", "&amp;", "b", "&hellip;",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>济南\n 市</p>", "济南市"),
        ("<p>GDP\n rose  5%</p>", "GDP rose 5%"),
        ("<p>甲</p>\n\n<p>乙</p>", "甲\n\n乙"),
        ("甲<br>乙<br><br>丙", "甲\n乙\n\n丙"),
        ("<div><div>甲</div></div><div>乙</div>", "甲\n\n乙"),
        ("<ul><li>一是<li>二是</ul>", "一是\n二是"),
        ("<pre>甲\n  乙</pre>", "甲\n  乙"),
        ("甲<script>if (a<b) '</p>'</script><style>p{}</style>乙", "甲乙"),
        ("甲<!-- <p>不</p> -->乙", "甲乙"),
        ("甲<noscript>请启用</noscript><template>模</template>乙", "甲乙"),
        ("<nav>首页</nav><p>甲</p><aside>广告</aside><footer>版权</footer>", "甲"),
        ("<div class='main nav'>首页</div><div role=banner>站</div><p>甲</p>", "甲"),
        ("<p hidden>隐</p><p style='display: none'>隐</p><p>甲</p>", "甲"),
        (
            "<header>站名</header><article><header><h1>题</h1></header>正文正文正文</article>",
            "题\n\n正文正文正文",
        ),
        ("<form><p>一页都在表单里的正文</p></form><p>尾</p>", "一页都在表单里的正文\n\n尾"),
        ("<form>搜索</form><p>这是一篇正文这是一篇正文</p>", "这是一篇正文这是一篇正文"),
        ("<nav>首页<p>没有结束标签的导航不是导航</p>", "首页\n\n没有结束标签的导航不是导航"),
        ("<nav>只有导航</nav>", "只有导航"),
        ("<p title=\"a>b\" data-x='>'>甲</p>", "甲"),
        ("<p title=it's>甲</p>乙's", "甲\n\n乙's"),
        ("1 < 2 & 3 &unknown; &#0;", "1 < 2 & 3 &unknown; \ufffd"),
        ("<title>题</title><body>文", "文"),
        ("<table><tr><td><p>甲</p><p>乙</p></td><td>丙</td></tr></table>", "甲 乙\t丙"),
        (f"<table><tr><td>栏<td><p>{'长' * 201}</p><p>末</p></table>", f"栏\n\n{'长' * 201}\n\n末"),
        ("甲<a", "甲"),
        ("", ""),
    ],
)
def test_what_is_shown_of_html(markup: str, text: str) -> None:
    found = visible(markup, "html/1")
    assert found.text == text
    check_map(markup, found)


def test_a_table_that_lays_out_the_page_is_not_marked() -> None:
    assert marked(f"<table><tr><td><h2>题</h2>{'长' * 201}</table>") == [(Role.HEADLINE, 2, "题")]


@pytest.mark.parametrize(
    ("written", "title"),
    [("甲 -\n\n", "甲"), ("甲 \n - \t 乙网", "甲"), (" | 乙网", "| 乙网"), ("甲-乙", "甲-乙")],
)
def test_the_name_of_the_site_is_no_title(written: str, title: str) -> None:
    assert head(f"<title>{written}</title>").title == title


def test_the_head_of_a_page() -> None:
    about = head(PAGE)
    assert (about.title, about.dates) == ("天桥区：直播电商", ("2021-06-16 10:00",))
    found = read("a.html", PAGE.encode())
    assert (found.title, found.date, found.text) == ("天桥区：直播电商", "2021-06-16", PAGE)
    assert (
        head("<meta name=description content='摘 要'><time datetime=2021-06-16>").description
        == "摘 要"
    )


def test_a_charset_in_the_page() -> None:
    page = PAGE.replace("utf-8", "gb2312")
    found = read("a.htm", page.encode("gbk"))
    assert (found.text, found.encoding) == (page, "gb18030")


def test_tokens_and_attributes() -> None:
    source = "a<B CLASS='x y' hidden data-n=1>c</b >"
    assert [(t.name, t.closing, source[t.start : t.end]) for t in tokens(source)] == [
        ("", False, "a"),
        ("b", False, "<B CLASS='x y' hidden data-n=1>"),
        ("", False, "c"),
        ("b", True, "</b >"),
    ]
    assert attributes(" CLASS='x y' hidden data-n=1 class=z") == {
        "class": "x y", "hidden": "", "data-n": "1",
    }  # fmt: skip


HTML_PIECES = re.split(
    " ",
    "<p> </p> <div> </div> <nav> </nav> <td> <tr> <table> </table> <li> <b> </b> <br> <h1> </h1> "
    "<!-- --> <script> </script> &amp; &#20013; &lt &; < > \" ' 天桥区 20家 <a&href='x>",
)
MARKDOWN_PIECES = re.split(" ", r"# ** * _ ` ``` [ ]( ) ![ > - | |-| \ 天桥 a &lt; <b> <!-- -->")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*HTML_PIECES, " ", "\n", "\t"]), max_size=40))
def test_any_html_keeps_the_map(pieces: list[str]) -> None:
    source = "".join(pieces)
    check_map(source, visible(source, "html/1"))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*MARKDOWN_PIECES, " ", "\n"]), max_size=40))
def test_any_markdown_keeps_the_map(pieces: list[str]) -> None:
    source = "".join(pieces)
    check_map(source, visible(source, "markdown/1"))


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("# 天桥区 #\n正文", "天桥区\n正文"),
        ("标题\n===\n正文", "标题\n\n正文"),
        ("有**粗体**和*斜体*、__粗__、~~旧~~", "有粗体和斜体、粗、旧"),
        ("济南**“强筋”**计划", "济南“强筋”计划"),
        ("snake_case 3*4*5 a * b", "snake_case 3*4*5 a * b"),
        ("`code *x*` 和 \\*星\\*", "code *x* 和 *星*"),
        ("见[链接](http://a.b/c \"题\")和[乙][1]", "见链接和乙"),
        ("![图](x.png)甲<b>乙</b>", "甲乙"),
        ("- 一是\n* 二是\n+ [x] 三是\n1. 四是", "一是\n二是\n三是\n1. 四是"),
        ("> 引文\n> 第二行", "引文\n第二行"),
        ("|区|家|\n|---|:-:|\n|天桥|120|", "区\t家\n天桥\t120"),
        ("```python\n# 不是**标题**\n```\n文", "\n# 不是**标题**\n\n文"),
        ("甲<!-- 不 -->乙&amp;丙", "甲乙&丙"),
        ("#标签 不是标题", "#标签 不是标题"),
        ("---\ntitle: 题\n---\n文", "文"),
        ("[1]: http://a.b\n文", "\n文"),
    ],
)  # fmt: skip
def test_what_is_shown_of_markdown(markup: str, text: str) -> None:
    found = visible(markup, "markdown/1")
    assert found.text == text
    check_map(markup, found)


def test_marks_of_markdown() -> None:
    assert marked(MARKDOWN + "\n|甲|\n|-|\n|乙|\n", "markdown/1") == [
        (Role.HEADLINE, 1, "天桥区"),
        (Role.LIST, 0, "一是"),
        (Role.LIST, 0, "二是"),
        (Role.TABLE, 0, "甲\n乙"),
    ]


def test_front_matter_gives_title_and_date() -> None:
    found = read("a.md", '---\ntitle: "天桥区"\ndate: 2021-06-16\n---\n正文。'.encode())
    assert (found.title, found.date) == ("天桥区", "2021-06-16")


def test_every_character_of_plain_text_is_shown() -> None:
    marks = (Mark(0, 1, Role.TABLE),)
    assert visible("甲\n", "text/1", marks) == VisibleText("甲\n", (0, 1), (1, 2), marks)


@pytest.mark.parametrize(
    "unit", ["<div>", "<b>", "<a ", '<a href="', "</p>", "<!--", "&", "<td><tr>"]
)
def test_html_takes_time_in_proportion(unit: str) -> None:
    def seconds(count: int) -> float:
        started = time.process_time()
        shown(unit * count + "文")
        return time.process_time() - started

    assert seconds(10_000) < 40 * seconds(1_000) + 2.0


@pytest.mark.parametrize("unit", ["*a ", "[", "`", "[a](", "<a", "_a ", "|", "> "])
def test_markdown_takes_time_in_proportion(unit: str) -> None:
    started = time.process_time()
    shown(unit * 20_000, "markdown/1")
    assert time.process_time() - started < 5
