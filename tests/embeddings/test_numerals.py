"""Chinese and Arabic numerals say the same; idioms say no number."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from embeddings.lexical import Tokenizer
from embeddings.numerals import digits, find, in_arabic, quantities, value

DIGITS = "零一二三四五六七八九"


def four_digits(number: int) -> str:
    """Write a number below 10,000, without a leading zero."""
    written = ""
    for unit, sign in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            written += DIGITS[digit] + sign
        elif written and not written.endswith("零") and number % unit:
            written += "零"
    return written


def in_chinese(number: int) -> str:
    """Write a number from 1 to 10**16 as a newspaper does."""
    groups = []
    rest = number
    for sign in ("", "万", "亿", "万亿"):
        rest, group = divmod(rest, 10_000)
        groups.append((group, sign))
    written = ""
    for group, sign in reversed(groups):
        if not group:
            continue
        if written.endswith("万亿") and sign == "亿":
            written = written.removesuffix("亿")
        if written and group < 1000:
            written += "零"
        written += four_digits(group) + sign
    return written


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (10, "一十"),
        (1005, "一千零五"),
        (20_030, "二万零三十"),
        (120_003_400, "一亿二千万三千四百"),
        (10**12, "一万亿"),
    ],
)
def test_the_writer_of_these_tests(number: int, written: str) -> None:
    assert in_chinese(number) == written


@given(st.integers(1, 10**12))
@example(10**12)
@example(10_000_000_001)
@example(1_0200_0000_0000)
def test_a_number_comes_back(number: int) -> None:
    written = in_chinese(number)
    assert value(written) == number
    assert value(written.replace("二千", "两千").replace("二百", "两百")) == number


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("十", 10), ("十二", 12), ("二十", 20), ("一百二十", 120), ("一百二", 120),
        ("一百零二", 102), ("一百一十", 110), ("一百十五", 115), ("三千五", 3500), ("三千五百", 3500),
        ("三千零五", 3005), ("两万", 20_000), ("两万五", 25_000), ("两万零五", 20_005), ("二万五千", 25_000),
        ("一亿三千万", 130_000_000), ("一万亿", 10**12), ("九百六十万", 9_600_000),
    ],
)  # fmt: skip
def test_values(written: str, number: int) -> None:
    assert value(written) == number


@pytest.mark.parametrize(
    "written",
    [
        "",
        "三五百",
        "十四五",
        "千万",
        "百万",
        "万一",
        "亿万",
        "二三十",
        "七八",
        "一百零",
        "零五",
        "三万五千万",
        "百",
        "万",
        "二〇二一",
    ],
)
def test_what_is_no_value(written: str) -> None:
    assert value(written) is None


@pytest.mark.parametrize(
    ("written", "arabic"),
    [
        ("二〇二一", "2021"), ("一九四九", "1949"), ("二零二零", "2020"), ("零六", "06"), ("三〇一", "301"), ("九一八", "918"),
        ("二七", None), ("五四", None), ("一二三", None), ("三四五", None), ("两三", None), ("一百", None),
    ],
)  # fmt: skip
def test_digits_in_a_row(written: str, arabic: str | None) -> None:
    assert digits(written) == arabic


WORDS = (
    "一直 三农 万一 七上八下 一带一路 十分 统一 千万 十四五规划 五一劳动节 三七 二七广场 九江 三亚 四川 六安 百度 千佛山 万科 "
    "几十万 数十亿 十几 三十几 四五十人 三五百人 一二三产业 一些 一个 一家人 三心二意 五颜六色 九牛一毛 四周 三角 五行 大陆 "
    "第三方 第一百货 百年 千家万户 四通八达 两岸 两弹一星 三峡 半个 亿万 三三两两 一一"
)


@pytest.mark.parametrize("word", WORDS.split())
def test_words_are_no_numbers(tokenizer: Tokenizer, word: str) -> None:
    assert list(find(word, tokenizer.words(word))) == []


@pytest.mark.parametrize("word", WORDS.split())
def test_words_of_numerals_give_no_digits(tokenizer: Tokenizer, word: str) -> None:
    assert not [token for token in tokenizer.tokens(word) if any(map(str.isdecimal, token))]


@pytest.mark.parametrize(
    ("text", "arabic"),
    [
        ("统一一百二十家企业", "统一120家企业"),
        ("二〇二一年六月十六日", "2021年6月16日"),
        ("占百分之三十五点六", "占35.6%"),
        ("百分之百", "100%"),
        ("三分之二", "2/3"),
        ("第三届和第二十届", "第3届和第20届"),
        ("三点五亿元", "350000000元"),
        ("下午三点十五分", "下午3点15分"),
        ("叁拾伍万元", "350000元"),
        ("三个月", "3个月"),
        ("十分钟", "十分钟"),
        ("二十一世纪", "21世纪"),
        ("二十九分零六秒", "29分06秒"),
    ],
)
def test_numerals_in_a_text(tokenizer: Tokenizer, text: str, arabic: str) -> None:
    assert in_arabic(text, find(text, tokenizer.words(text))) == arabic


def test_places_are_those_of_the_text(tokenizer: Tokenizer) -> None:
    (found,) = find("共三千家", tokenizer.words("共三千家"), 10)
    assert (found.start, found.end, found.arabic, found.bare) == (11, 13, "3000", True)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("100家", ["100家"]),
        ("1,000余家", []),
        ("300多家", ["300家"]),
        ("29分06秒", ["29分", "06秒", "29分06秒"]),
        ("2021年6月16日", ["2021-06-16", "6月", "16日", "6月16日"]),
        ("2021-06-16", ["2021-06-16", "6月", "16日", "6月16日"]),
        ("2021/6/16", ["2021-06-16", "6月", "16日", "6月16日"]),
        ("3.5万", ["35000"]),
        ("1亿3000万", ["130000000"]),
        ("77.57亿元", ["7757000000"]),
        ("第3届", ["第3"]),
        ("5千米", ["5千米"]),
        ("前3百强", []),
        ("3.50元", []),
        ("10.1.2版", []),
        ("1" * 40 + "家", []),
        ("济南", []),
        ("", []),
    ],
)
def test_quantities(text: str, meant: list[str]) -> None:
    assert list(quantities(text)) == meant


@given(st.integers(2, 10**12).filter(lambda number: len(in_chinese(number)) != 2))
@example(100)
@example(10_000)
def test_both_forms_share_a_token(tokenizer: Tokenizer, number: int) -> None:
    """Behind 共 and before 家, as in a sentence: alone, 二 is no number.

    Of two characters jieba may guess a word with the one before: 共二 and 万家.
    """
    chinese = tokenizer.tokens(f"共{in_chinese(number)}家")
    arabic = tokenizer.tokens(f"共{number}家")
    shared = str(number) if number >= 1000 else f"{number}家"
    assert shared in chinese
    assert shared in arabic


@given(st.text(st.sampled_from("零〇一二三两十百千万亿点第分之家年月日0123.,-%年GB ")))
def test_any_text_can_be_read(tokenizer: Tokenizer, text: str) -> None:
    assert all(tokenizer.tokens(text))
    for numeral in find(text, tokenizer.words(text)):
        assert numeral.arabic.strip("%").replace("/", "").replace(".", "").isdecimal()
