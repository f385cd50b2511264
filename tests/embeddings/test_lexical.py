"""Tokens in search form."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from embeddings.dictionary import Cutter, Dictionary
from embeddings.lexical import (
    Script,
    Tokenizer,
    UserWord,
    script_of,
    search_form,
    to_traditional,
)
from embeddings.model import home


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
        ("总投资77.57亿元", ["总", "投资", "77.57", "77", "57", "亿元", "7757000000"]),
        ("12,000余人", ["12000", "余人"]),
        ("1—2个", ["1-2", "1", "2", "个", "2个"]),
        ("29分06秒", ["29", "分", "06", "秒", "29分", "06秒", "29分06秒"]),
        ("3.5万", ["3.5", "3", "5", "万", "35000"]),
        ("2021-06-16", ["2021-06-16", "2021", "06", "16", "2021-06-16", "6月", "16日", "6月16日"]),
        ("按GB/T 19001", ["按", "gb/t", "gb", "t", "19001", "gb/t19001"]),
        ("GB/T19001", ["gb/t19001", "gb", "t", "19001"]),
        ("COVID-19", ["covid-19", "covid", "19", "covid19"]),
        ("１００％", ["100%", "100"]),
        ("“双招双引”", ["双招", "双引", "双招双引"]),
        ("《天桥》", ["天桥"]),
        ("“我说，好。”", ["我", "说", "好"]),
        ("info@jn-gov.cn", ["info@jn-gov.cn", "info", "jn", "gov", "cn"]),
        ("in 2021", ["in", "2021"]),
        ("三家", ["三家", "3家"]),
        ("第三", ["第三", "第3"]),
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


@pytest.mark.parametrize(
    ("one", "other", "token"),
    [
        ("一百二十家", "120家", "120家"),
        ("三千五百", "3500", "3500"),
        ("十二", "12", "12"),
        ("二〇二一年", "2021年", "2021"),
        ("两万人", "2万人", "20000"),
        ("35000人", "3.5万人", "35000"),
        ("百分之八", "8%", "8%"),
        ("第三届", "第3届", "第3"),
        ("三个月", "3个月", "3个"),
        ("一千余家", "1,000多家", "1000"),
        ("二〇二一年六月十六日", "2021-06-16", "2021-06-16"),
        ("二〇二一年六月十六日", "2021年6月16日", "6月16日"),
        ("兩萬三千人", "23000人", "23000"),
        ("iPhone 13", "iphone13", "iphone13"),
    ],
)
def test_two_ways_of_writing_meet(tokenizer: Tokenizer, one: str, other: str, token: str) -> None:
    assert token in tokenizer.tokens(one)
    assert token in tokenizer.tokens(other)


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [
        ("這裏的乾旱", "这里的干旱"),
        ("看著幹部穿著乾淨的衣服", "看着干部穿着干净的衣服"),
        ("著名的乾隆皇帝", "著名的乾隆皇帝"),
        ("隨著產業發展，有著顯著的意義", "随着产业发展，有着显著的意义"),
        ("他的著作意味著什麼", "他的著作意味着什么"),
        ("臺灣的麵條與頭髮", "台湾的面条与头发"),
        ("後來發現皇后", "后来发现皇后"),
        ("濟南市天橋區有多少家直播電商企業？", "济南市天桥区有多少家直播电商企业？"),
        ("「雙招雙引」", "「双招双引」"),
    ],
)
def test_scripts_meet(tokenizer: Tokenizer, traditional: str, simplified: str) -> None:
    assert tokenizer.tokens(traditional) == tokenizer.tokens(simplified)


@pytest.mark.parametrize(
    "text", ["天桥区产业链党建", "中华人民共和国国务院", "济南市天桥区人民政府办公室"]
)
def test_parts_are_those_of_jieba(tokenizer: Tokenizer, text: str) -> None:
    cutter = Cutter(Dictionary.open(home() / "jieba"))
    assert tokenizer.tokens(text) == cutter.lcut_for_search(text)


def test_books_keep_their_character(tokenizer: Tokenizer) -> None:
    assert tokenizer.tokens("名著著作顯著") == ["名著", "著作", "显著"]


def test_user_words(tokenizer: Tokenizer) -> None:
    words = [UserWord("双招双引"), UserWord("gb/t 19001"), UserWord("c++"), UserWord("〇〇七")]
    own = tokenizer.with_words(words)
    text = "雙招雙引，C++與gb/t 19001，〇〇七"
    assert "双招双引" not in tokenizer.tokens(text)
    assert [word for word in own.tokens(text) if word not in tokenizer.tokens(text)] == [
        "双招双引", "c++", "gb/t19001", "〇〇七",
    ]  # fmt: skip


def test_a_user_word_does_not_stand_within_another(tokenizer: Tokenizer) -> None:
    own = tokenizer.with_words([UserWord("a-1"), UserWord("直播ai")])
    assert "a-1" not in own.tokens("ba-1 a-12")
    assert "直播ai" in own.tokens("看直播AI课")
    assert "直播ai" not in own.tokens("看直播aid课")


def test_documents_are_taken_apart_without_user_words(tokenizer: Tokenizer) -> None:
    own = tokenizer.with_words([UserWord("双招双引")])
    assert own.words("双招双引") == tokenizer.words("双招双引")
    assert own.log_probability("双招双引") == tokenizer.log_probability("双招双引")


def test_the_fingerprint_names_the_user_words(tokenizer: Tokenizer) -> None:
    plain = tokenizer.fingerprint
    one, other = (tokenizer.with_words([UserWord(word)]) for word in ("双招", "双引"))
    assert len({plain, one.fingerprint, other.fingerprint}) == 3
    assert tokenizer.with_words([UserWord("双招", 5)]).fingerprint != one.fingerprint
    assert tokenizer.with_words([]).fingerprint == plain
    assert re.fullmatch(r"jieba-[\d.]+/2", plain)


def test_the_same_words_are_the_same_tokenizer(tokenizer: Tokenizer) -> None:
    own = tokenizer.with_words([UserWord("双招"), UserWord("双引")])
    assert own.with_words([UserWord("双引"), UserWord("双招"), UserWord("双招")]) is own
    assert own.with_words([]) is not own


def test_long_texts_of_numerals_take_no_time(tokenizer: Tokenizer) -> None:
    started = time.process_time()
    for text in ("三家" * 10_000, "1亿" * 10_000, "a/" * 10_000, "1,1" * 10_000, "百分之" * 5000):
        tokenizer.tokens(text)
    assert time.process_time() - started < 10
