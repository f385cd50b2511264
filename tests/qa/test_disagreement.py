"""Two documents with different values are both said, the newer one first; nothing else is added."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from qa.bot import Bot
from qa.disagreement import CLEARLY_LESS, Asked, Statement, to_say
from qa.evaluate import answer_row
from qa.figures import Originals, judge
from qa.question import analyse
from qa.question_files import Evidence, GoldQuestion, Question
from qa.records import Answer
from qa.render import answer_to_text
from tests.qa.test_answer import check_exact

FIRMS = "天桥区有多少家直播电商企业？"
FIRST = "目前,天桥区已集聚直播电商企业100余家。"
IDF = {"天桥区": 5.0, "天桥": 4.5, "直播": 6.0, "电商": 5.0, "企业": 1.5}


def asked(question: str, weights: dict[str, float]) -> Asked:
    return Asked(question, analyse(question), weights)


def statement(
    text: str, document: str = "b", above: str = "", date: str | None = None, weight: float = -1.0
) -> Statement:
    return Statement(text, above, document, date, weight)


def says_both(
    first: str, other: str, question: str = FIRMS, weights: dict[str, float] = IDF
) -> bool:
    pair = [statement(first, "a", weight=-0.5), statement(other)]
    return to_say(pair, asked(question, weights)) == (0, 1)


@pytest.mark.parametrize(
    "other",
    [
        "天桥区的直播电商企业发展到300多家。",
        "天桥区集聚了三百余家直播电商企业,从业人员8000人。",
        "天橋區直播電商企業超過３００家。",
        "全区发展加快,济南市天桥区已有直播电商企业三百家。",
        "记者从市商务集团获悉,天桥区直播电商企业增加到300余家。",
        "如今的天桥区,直播电商企业有300余家。",
        "天桥区再接再厉,直播电商企业发展到300余家。",
    ],
)
def test_another_value_is_said_as_well(other: str) -> None:
    assert says_both(FIRST, other)
    assert says_both(other, FIRST)


@pytest.mark.parametrize(
    "other",
    [
        "天桥区集聚直播电商企业一百多家。",  # the same in other words
        "天桥区直播电商企业达120家。",  # 100余 may be 120
        "天桥区直播电商企业有数百家。",  # no certain value
        "济阳区直播电商企业有300余家。",  # another place
        "天桥区泺口街道有直播电商企业30家。",  # a part of it
        "天桥区直播电商企业从20家增加到300家。",  # two values
        "天桥区今年新增直播电商企业30家。",  # a growth
        "去年天桥区有直播电商企业30家。",  # of one year
        "天桥区新登记直播电商企业30家。",  # new ones
        "天桥区创业中心有直播电商企业30家。",  # a part of it
        "天桥区计划到年底集聚直播电商企业500家。",  # a plan
        "其中,天桥区重点直播电商企业部分为20家。",  # a part
        "天桥区每个园区有直播电商企业20家。",  # of each
        "天桥区累计走访直播电商企业900家。",  # a sum
        "天桥区直播电商企业有从业人员8000人。",  # another unit
        "天桥区发展直播电商,走访商户190余家。",  # the value stands elsewhere
        "天桥区已有物流企业300余家。",  # another kind
        "天桥区是一家直播电商企业的所在地。",  # 一家 is no number here
    ],
)
def test_what_is_not_the_same_thing_or_no_other_value(other: str) -> None:
    assert not says_both(FIRST, other)
    assert not says_both(other, FIRST)


@pytest.mark.parametrize(
    ("question", "weights", "first", "other", "both"),
    [
        ("大會什麼時候召開？", {"大会": 4.0, "召开": 3.0}, "大會於6月5日召開。", "大会将改期,大会在2022年6月8日召开。", True),
        ("大会什么时候召开？", {"大会": 4.0, "召开": 3.0}, "大会于2022年6月5日召开。", "大会6月5日上午召开。", False),
        ("学校哪一年成立？", {"学校": 3.0, "成立": 2.0}, "学校于1949年9月成立。", "学校1949年10月1日成立。", False),
        ("学校什么时候成立？", {"学校": 3.0, "成立": 2.0}, "学校于1949年9月成立。", "学校1949年10月1日成立。", True),
        ("学校什么时候成立？", {"学校": 3.0, "成立": 2.0}, "学校于1949年成立。", "学校成立以来发展很快,1960年迁到城南。", False),
        ("几点开门？", {"开门": 3.0}, "每日上午9点开门。", "早上八点半开门。", True),
        ("展会何时举行？", {"展会": 4.0, "举行": 3.0}, "展会计划于3月12日举行。", "展会改于3月26日举行。", True),
        ("工程历时多久？", {"工程": 2.0, "历时": 4.0}, "工程历时三年完成。", "工程歷時5年完成。", True),
        ("工程历时多久？", {"工程": 2.0, "历时": 4.0}, "工程历时三年完成。", "工程历时36个月完成。", False),
        ("园区总投资多少？", {"园区": 3.0, "总": 1.0, "投资": 2.0}, "园区总投资77.57亿元。", "园区总投资约八十亿元。", False),
        ("平阴县种植玫瑰多少亩？", {"平阴": 5.0, "种植": 2.0, "玫瑰": 5.0, "亩": 2.0}, "平阴县种植玫瑰6万亩。", "平阴种植玫瑰6.5万亩。", True),
        ("园区总投资多少？", {"园区": 3.0, "总": 1.0, "投资": 2.0}, "园区总投资77.57亿元。", "園區總投資一百億元。", True),
    ],
)  # fmt: skip
def test_dates_durations_and_money(
    question: str, weights: dict[str, float], first: str, other: str, *, both: bool
) -> None:
    assert says_both(first, other, question, weights) is both


@pytest.mark.parametrize(
    ("other", "both"),
    [
        ("The park is home to about 1,200 companies today.", True),
        ("Today, the park holds three hundred companies.", False),
        ("The party was paid for by 900 companies.", False),
        ("The park has 900 new companies every year.", False),
        ("The park will hold 900 companies.", False),
    ],
)
def test_english(other: str, *, both: bool) -> None:
    weights = {"companies": 3.0, "park": 5.0}
    first = "The park holds 300 companies."
    assert says_both(first, other, "How many companies are in the park?", weights) is both


def test_what_stands_above_a_sentence_counts() -> None:
    bare = "目前,直播电商企业已有300余家。"
    first = statement(FIRST, "a")
    assert to_say([first, statement(bare)], asked(FIRMS, IDF)) == (0,)
    named = statement(bare, above="天桥区抓党建")
    assert to_say([first, named], asked(FIRMS, IDF)) == (0, 1)


def test_only_another_document_that_is_nearly_as_likely() -> None:
    other = "天桥区直播电商企业有300余家。"
    first = statement(FIRST, "a", weight=-0.5)
    for last, said in (
        (statement(other, "a"), (0,)),
        (statement(other, weight=-0.5 - CLEARLY_LESS), (0, 1)),
        (statement(other, weight=-0.6 - CLEARLY_LESS), (0,)),
    ):
        assert to_say([first, last], asked(FIRMS, IDF)) == said


@pytest.mark.parametrize(
    ("first", "other", "order"),
    [
        ("2021-06-16", "2022-01-05", (1, 0)),
        ("2022-01-05", "2021-06-16", (0, 1)),
        ("2022-01-05", "2022-01-05", (0, 1)),
        (None, "2022-01-05", (0, 1)),
        ("2022-01-05", None, (0, 1)),
    ],
)
def test_the_newer_is_first(first: str | None, other: str | None, order: tuple[int, int]) -> None:
    pair = [
        statement(FIRST, "a", date=first),
        statement("天桥区直播电商企业有300余家。", date=other),
    ]
    assert to_say(pair, asked(FIRMS, IDF)) == order


@pytest.mark.parametrize(
    ("asks", "text", "date", "both"),
    [
        ("2021年", "天桥区直播电商企业有300余家。", "2021-12-01", True),
        ("2021年", "天桥区直播电商企业有300余家。", "2022-01-05", False),
        ("2021年", "天桥区直播电商企业有300余家。", None, False),
        ("2021年", "2021年,天桥区直播电商企业有300余家。", "2022-01-05", True),
        ("2021年", "2019年,天桥区直播电商企业有300余家。", "2021-12-01", False),
        ("2021年6月", "天桥区直播电商企业有300余家。", "2021-12-01", False),
        ("2021年6月", "天桥区直播电商企业有300余家。", "2021-06-20", True),
        ("今年", "天桥区直播电商企业有300余家。", "2021-12-01", True),
        ("今年", "天桥区直播电商企业有300余家。", "2022-01-05", False),
        ("", "天桥区直播电商企业有300余家。", "2022-01-05", True),
    ],
)
def test_a_time_that_is_asked_for(asks: str, text: str, date: str | None, *, both: bool) -> None:
    pair = [statement(FIRST, "a", date="2021-06-16"), statement(text, date=date)]
    said = to_say(pair, asked(asks + FIRMS, IDF))
    assert (len(said) == 2) is both


@settings(deadline=None)
@given(st.integers(2, 10**7), st.integers(2, 10**7))
def test_plain_numbers_differ_unless_they_are_the_same(one: int, other: int) -> None:
    texts = (f"天桥区有直播电商企业{one}家。", f"天桥区有直播电商企业{other:,}家。")
    assert says_both(*texts) is (one != other)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["天桥区", "直播", "电商", "企业", "100余家", "三百家", "2021年", ",", "新增"])),
    st.lists(st.sampled_from(["天桥区", "直播", "电商", "企业", "100余家", "三百家", "2021年", ",", "新增"])),
    st.sampled_from([FIRMS, "谁是天桥区区长？", "天桥区哪一年建区？", "?", "为什么？"]),
)  # fmt: skip
def test_the_first_is_always_said(first: list[str], other: list[str], question: str) -> None:
    pair = [statement("".join(first), "a"), statement("".join(other))]
    said = to_say(pair, asked(question, IDF))
    assert 0 in said
    assert len(said) == len(set(said)) <= 2


PAGES = {
    "天桥_20210616.txt": "天桥区直播经济\n\n目前,天桥区已集聚直播电商企业100余家。园区有项目22个。\n",
    "濟陽_20211101.txt": "濟陽區產業\n\n濟陽區有直播電商企業55家。項目不多。\n",
    "天桥_20220105.txt": "天桥区产业兴旺\n\n天桥区的直播电商企业发展到三百餘家。企业名单公布。\n",
}


@pytest.fixture(scope="module")
def two(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bot, Path]:
    """A bot over dated documents of which two state one fact, and their folder."""
    folder = tmp_path_factory.mktemp("values")
    (folder / "pages").mkdir()
    for name, text in PAGES.items():
        (folder / "pages" / name).write_bytes(text.encode())
    counting = CountingEncoder("天桥区直播电商企业园项目济阳")
    build(folder / "pages", folder / "index", counting, tokenizer)
    return Bot(folder / "index", counting, tokenizer, least=0.0), folder / "pages"


def quotes(answer: Answer) -> list[tuple[int, str, str | None]]:
    return [(one.number, one.quote, one.date) for one in answer.citations]


@pytest.mark.parametrize("question", [FIRMS, "天橋區有多少家直播電商企業？"])
def test_both_are_cited_with_their_dates(two: tuple[Bot, Path], question: str) -> None:
    bot, pages = two
    answer = bot.ask(question)
    check_exact(answer, pages)
    assert quotes(answer) == [
        (1, "天桥区的直播电商企业发展到三百餘家。", "2022-01-05"),
        (2, "目前,天桥区已集聚直播电商企业100余家。", "2021-06-16"),
    ]
    marked = [mark.of(one.text) for one in answer.sentences for mark in one.marks]
    assert marked == ["三百餘家", "100余家"]


def test_the_answer_is_grounded_and_exact(two: tuple[Bot, Path]) -> None:
    bot, pages = two
    texts = {one.name: one.read_bytes().decode() for one in pages.iterdir()}
    evidence = (
        Evidence("天桥_20210616.txt", ("直播电商企业100余家",)),
        Evidence("天桥_20220105.txt", ("发展到三百餘家",)),
    )
    answers = (("100余家",), ("三百餘家",))
    gold = GoldQuestion(Question("1", FIRMS), {"kind": "multi"}, answers, evidence)
    row = answer_row(gold.question, bot.ask(FIRMS), bot.retrieve(FIRMS, k=5))
    judged = judge(gold, row, Originals(texts))
    wanted = {"exact": 1.0, "grounded": 1.0, "cited": 1.0, "answer": 1.0, "false_refusal": 0.0}
    assert judged.items() >= wanted.items()


def test_the_terminal_shows_both_dates(two: tuple[Bot, Path]) -> None:
    shown = answer_to_text(two[0].ask(FIRMS))
    assert "三百餘家。[1]" in shown
    assert "100余家。[2]" in shown
    sources = shown.splitlines()[-2:]
    assert [("2022-01-05" in line, "2021-06-16" in line) for line in sources] == [
        (True, False),
        (False, True),
    ]


def test_one_document_alone_says_its_own(two: tuple[Bot, Path]) -> None:
    bot, pages = two
    answer = bot.ask(FIRMS, sources=["天桥_20210616.txt"])
    check_exact(answer, pages)
    assert quotes(answer) == [(1, "目前,天桥区已集聚直播电商企业100余家。", "2021-06-16")]


def test_a_question_that_names_a_time(two: tuple[Bot, Path]) -> None:
    answer = two[0].ask("2021年天桥区有多少家直播电商企业？")
    assert len(answer.sentences) == 1
