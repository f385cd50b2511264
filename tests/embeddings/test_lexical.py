"""Tokens in search form."""

from __future__ import annotations

from pathlib import Path

import pytest

from embeddings.lexical import Script, Tokenizer, script_of, search_form, to_traditional


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return Tokenizer(tmp_path_factory.mktemp("jieba"))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("“2510”倍增计划", ["2510", "倍增", "计划"]),
        ("濟陽區產業鏈", ["济阳", "区", "产业", "产业链"]),
        ("５Ｇ光通信", ["5g", "5", "g", "光通", "通信", "光通信"]),
        ("1+5+N模式", ["1+5+n", "1", "5", "n", "模式"]),
        ("总投资77.57亿元", ["总", "投资", "77.57", "77", "57", "亿元"]),
        ("12,000余人", ["12000", "余人"]),
        ("1—2个", ["1-2", "1", "2", "个"]),
        ("KPI绩效考核", ["kpi", "绩效", "绩效考核", "考核"]),
        ("。？！ \n", []),
        ("", []),
    ],
)
def test_tokens(tokenizer: Tokenizer, text: str, tokens: list[str]) -> None:
    assert sorted(tokenizer.tokens(text)) == sorted(tokens)


def test_traditional_and_simplified_have_the_same_tokens(tokenizer: Tokenizer) -> None:
    text = "天桥区有多少家直播电商企业"
    assert tokenizer.tokens(to_traditional(text)) == tokenizer.tokens(text)


def test_search_form_folds_width_case_and_dashes() -> None:
    assert search_form("ＡＰＰ１—２") == "app1-2"


def test_the_dictionary_cache_stays_in_its_folder(tmp_path: Path) -> None:
    Tokenizer(tmp_path).tokens("济南")
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("dictionary-")


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("天桥区有21家直播电商企业。", Script.SIMPLIFIED),
        ("天橋區有21家直播電商企業。", Script.TRADITIONAL),
        ("山水人口", Script.SIMPLIFIED),
        ("区" + "中" * 48 + "區", Script.TRADITIONAL),  # 1 in 50
        ("区" + "中" * 49 + "區", Script.SIMPLIFIED),
        ("济abcd", Script.SIMPLIFIED),  # a fifth
        ("济abcde", Script.OTHER),
        ("𠮷野家", Script.SIMPLIFIED),
        ("5.5%", Script.OTHER),
        ("", Script.OTHER),
    ],
)
def test_script_of(text: str, script: Script) -> None:
    assert script_of(text) is script
