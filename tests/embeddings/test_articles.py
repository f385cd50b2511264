"""Pages with several articles are split at their headlines."""

from __future__ import annotations

from pathlib import Path

import pytest

from embeddings.documents import FileEntry, read_document
from embeddings.lexical import Tokenizer
from embeddings.records import Document, Role, document_id
from embeddings.segment import Segmenter

SEEDS = Path(__file__).parents[2] / "seeds"


@pytest.fixture(scope="module")
def segmenter(tokenizer: Tokenizer) -> Segmenter:
    return Segmenter(tokenizer)


def titles(segmenter: Segmenter, name: str) -> list[str]:
    (path,) = SEEDS.glob(f"{name}_*.txt")
    taken = segmenter.segment(read_document(FileEntry(path.name, path), path.read_bytes()))
    return list(dict.fromkeys(block.section.title for block in taken.blocks))


def test_a_page_with_two_articles(segmenter: Segmenter) -> None:
    assert titles(segmenter, "003") == [
        "积极探索非公党建“双包联”模式 济北经济开发区助企“强筋健骨”",
        "统一牌匾,开通『音乐专线』 回河街道打造精品示范街",
    ]


def test_a_page_with_many_articles(segmenter: Segmenter) -> None:
    assert titles(segmenter, "004") == [
        "点燃高质量发展“强引擎”——市开发区大项目建设侧记",
        "高质量党建助力企业健康发展",
        "组建宣讲团队确保宣讲走深走实",
        "整治线缆 提升城市形象",
        "应急演练筑牢安全防线 重点项目建设如火如荼 科学赶超 后来居上 走进开发区",
        "近日,记者走进位于市开发区的中外合作产业园建设现……",
        "“兴东新村成立村党委后,将以党组织建设统领乡村发……",
        "东明培养选调生在基层成长成才",
    ]


@pytest.mark.parametrize("name", ["000", "001", "002"])
def test_a_page_with_one_article(segmenter: Segmenter, name: str) -> None:
    assert len(titles(segmenter, name)) == 1


def document(text: str, name: str = "text/1") -> Document:
    return Document(document_id(text.encode()), "a", text, name, "a")


def test_sections_have_headings(segmenter: Segmenter) -> None:
    text = "园区建设纪实\n\n引言说得很清楚。\n\n今年的打算\n\n正文也很清楚。\n"
    taken = segmenter.segment(document(text))
    assert [(p.role, p.title, p.heading) for p in taken.passages] == [
        (Role.HEADLINE, "园区建设纪实", ""),
        (Role.BODY, "园区建设纪实", ""),
        (Role.HEADLINE, "园区建设纪实", ""),
        (Role.BODY, "园区建设纪实", "今年的打算"),
    ]


def test_levels_of_markup_are_believed(segmenter: Segmenter) -> None:
    text = "# 第一篇\n\n甲。\n\n## 一节\n\n乙。\n\n# 第二篇\n\n丙。\n"
    taken = segmenter.segment(document(text, "markdown/1"))
    bodies = [p for p in taken.passages if p.role is Role.BODY]
    assert [(p.text, p.title, p.heading) for p in bodies] == [
        ("甲。", "第一篇", ""),
        ("乙。", "第一篇", "一节"),
        ("丙。", "第二篇", ""),
    ]


def test_passages_never_cross_articles(segmenter: Segmenter) -> None:
    text = "甲地新闻标题\n\n本报讯 甲地有事。\n\n乙地新闻标题\n\n本报讯 乙地有事。\n"
    taken = segmenter.segment(document(text))
    assert [p.title for p in taken.passages if p.role is Role.BODY] == [
        "甲地新闻标题",
        "乙地新闻标题",
    ]


def test_no_headline_no_title(segmenter: Segmenter) -> None:
    taken = segmenter.segment(document("只有一段话,没有标题。"))
    assert (taken.title, taken.passages[0].title) == ("", "")
