"""What a question wants, and the words of that form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.question import Kind, Wanted, analyse, kind_of, marks_in


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("天桥区有多少家直播电商企业？", Kind.NUMBER),
        ("天橋區建了幾個產業鏈黨組織?", Kind.NUMBER),
        ("天桥区有２０２４年的企业多少家？", Kind.NUMBER),
        ("学院主阵地有多大？", Kind.NUMBER),
        ("他在富豪榜上排名第几？", Kind.NUMBER),
        ("How many companies did it visit?", Kind.NUMBER),
        ("What percentage of the forest was lost?", Kind.NUMBER),
        ("大概几月份能开始试生产?", Kind.DATE),
        ("什麼時候開始的？", Kind.DATE),
        ("他生于哪一年？", Kind.DATE),
        ("西元幾年建成？", Kind.DATE),
        ("向宠是什么时期的人？", Kind.DATE),
        ("In which year did it start?", Kind.DATE),
        ("论坛隔多久办一次？", Kind.DURATION),
        ("办齐手续用了多长时间？", Kind.DURATION),
        ("工程历经几年完工？", Kind.DURATION),
        ("How long did it last?", Kind.DURATION),
        ("是哪位教授搞出來的?", Kind.PERSON),
        ("誰創辦了這家公司？", Kind.PERSON),
        ("《最游记》是哪个日本漫画家的作品？", Kind.PERSON),
        ("Whose theory was it?", Kind.PERSON),
        ("總部設在何處？", Kind.PLACE),
        ("它位于哪座城市？", Kind.PLACE),
        ("李会晟的国籍是？", Kind.PLACE),
        ("Which city hosted it?", Kind.PLACE),
        ("矢井田瞳属于哪个唱片公司？", Kind.ORGANISATION),
        ("Which university did they sign with?", Kind.ORGANISATION),
        ("手机应用叫什么名字？", Kind.NAME),
        ("税务局局长叫什么名字？", Kind.PERSON),
        ("先鋒黨支部書記叫什麼？", Kind.PERSON),
        ("局长的笔名叫什么？", Kind.NAME),
        ("20呎标准货柜在大陆被简称为什么？", Kind.NAME),
        ("該校的校訓是什麼？", Kind.NAME),
        ("What is the river called?", Kind.NAME),
        ("为什么要推这套做法?", Kind.REASON),
        ("為何改名？", Kind.REASON),
        ("怎么一度怕交不了货?", Kind.REASON),
        ("Why was it built?", Kind.REASON),
        ("它是如何形成的？", Kind.MANNER),
        ("具體怎麼做的？", Kind.MANNER),
        ("How did it form?", Kind.MANNER),
        ("什么是进化枝？", Kind.DEFINITION),
        ("DECnet是什么？", Kind.DEFINITION),
        ("“双培养”是啥意思?", Kind.DEFINITION),
        ("What is autoimmunity?", Kind.DEFINITION),
        ("它列了哪三张清单？", Kind.LIST),
        ("还有哪些?", Kind.LIST),
        ("兩種方法有什麼區別？", Kind.COMPARISON),
        ("哪个城市的人口更多？", Kind.COMPARISON),
        ("他是否出席？", Kind.YES_NO),
        ("明天会下雨吗?", Kind.YES_NO),
        ("Did Norway join?", Kind.YES_NO),
        ("那从业人员呢？", Kind.OTHER),
        ("鱼体呈什么颜色？", Kind.OTHER),
        ("多倫多大學的教學深受哪個國家影響？", Kind.PLACE),
        ("許多高校因為哪一個革命遷出北京？", Kind.OTHER),
        ("20幾所學校在哪裡集會？", Kind.PLACE),
        ("哪位皇帝发动了几次战役？", Kind.PERSON),
        ("稻米的黏性与哪种淀粉的比例有关？", Kind.OTHER),
        ("这座塔有多高？", Kind.NUMBER),
        ("一共有几次会议？", Kind.NUMBER),
        ("人口是多少？", Kind.NUMBER),
        ("名字里的几个数字都是什么意思？", Kind.DEFINITION),
        ('Why did the district create the "一起益企" brand?', Kind.REASON),
        ("你好！", Kind.SMALL_TALK),
        ("hello", Kind.SMALL_TALK),
        ("", Kind.OTHER),
        ("？", Kind.OTHER),
        ("山", Kind.OTHER),
        ("谁", Kind.PERSON),
        ("😀\u0000\ud800", Kind.OTHER),
    ],
)
def test_kind_wanted(question: str, kind: Kind) -> None:
    assert analyse(question).kind is kind


@pytest.mark.parametrize(
    ("question", "units"),
    [
        ("有多少家企业？", ("家", "户", "间", "所", "个")),
        ("有多少人？", ("人", "名", "位", "口", "员", "人次", "居民", "公民", "个")),
        ("提高了多少倍？", ("倍", "times")),
        ("排名第几？", ("第", "名", "位")),
        ("隔多久办一次？", ("每",)),
        ("在哪个世纪？", ("世纪",)),
        ("在哪一天？", ("日", "号")),
        ("On what date did it open?", ("日", "号")),
        ("是哪一年？", ("年", "年代")),
        ("什么时候？", ()),
    ],
)
def test_units(question: str, units: tuple[str, ...]) -> None:
    assert analyse(question).units == units


@pytest.mark.parametrize(
    ("question", "unit"),
    [
        ("占地多大面积？", "亩"),
        ("一共花了多少钱？", "元"),
        ("兌現了多少資金？", "元"),
        ("这条路有多长？", "公里"),
        ("占百分之几？", "%"),
        ("占全市面积的多少百分比？", "%"),
        ("花了多少经费？", "元"),
        ("学院一年的经费是多少？", "元"),
        ("这次融资一共有多少？", "元"),
        ("开发它一共花了多少预算？", "元"),
        ("今年引进了多少外资？", "元"),
        ("去年的税收是多少？", "元"),
        ("交易额達到多少？", "元"),
        ("比例是多少？", "%"),
        ("历时多久？", "小时"),
        ("他享年多少岁？", "岁"),
        ("How many percent?", "percent"),
        ("How old was he?", "岁"),
        ("How big is the indoor area?", "平方米"),
        ("How many books does it hold?", "册"),
        ('How many "five-star" Party organizations are there?', "个"),
        ("How high is it?", "米"),
    ],
)
def test_units_of_a_measure(question: str, unit: str) -> None:
    assert unit in analyse(question).units


@pytest.mark.parametrize(
    "question", ["外资企业有多少家？", "有多少税务人员？", "税收优惠政策有多少项？"]
)
def test_what_is_counted_is_no_money(question: str) -> None:
    assert "元" not in analyse(question).units


@pytest.mark.parametrize(
    ("question", "unit"),
    [("How many books are there?", "人"), ("How many new jobs are there?", "家")],
)
def test_units_that_do_not_count_it(question: str, unit: str) -> None:
    assert unit not in analyse(question).units


@pytest.mark.parametrize(
    ("question", "head", "endings"),
    [
        ("它位于哪座城市？", "城市", ("市", "城")),
        ("哪个欧洲国家参加了？", "国家", ("国", "国家")),
        ("鱼体呈什么颜色？", "颜色", ("色",)),
        ("邹游的职业是什么？", "职业", None),
        ("Which city hosted it?", "城市", ("市", "城")),
        ("Which American television network aired it?", "电视台", None),
        ("各代表什么?", "", ()),
    ],
)
def test_noun(question: str, head: str, endings: tuple[str, ...] | None) -> None:
    wanted = analyse(question)
    assert wanted.head == head
    assert endings is None or wanted.endings == endings


@pytest.mark.parametrize(
    ("question", "count"),
    [("哪三张清单？", 3), ("哪兩個？", 2), ("哪12条？", 12), ("哪十五项？", 15), ("哪些？", None)],
)
def test_count(question: str, count: int | None) -> None:
    wanted = analyse(question)
    assert (wanted.kind, wanted.count) == (Kind.LIST, count)


def test_the_noun_of_a_list_tells_the_kind_of_its_items() -> None:
    wanted = analyse("它分布在哪些城市？")
    assert (wanted.kind, wanted.noun, wanted.head) == (Kind.LIST, Kind.PLACE, "城市")


@pytest.mark.parametrize(
    ("question", "focus"),
    [
        ("“1+7+N”里，中间那个7指的是啥？", "7"),
        ("“2510”倍增计划，名字里的几个数字都是什么意思？", "2510"),
        ("中国梦是什么意思？", "中国梦"),
        ("什么是「进化枝」？", "进化枝"),
        ("何謂苦力？", "苦力"),
        ("苦力的定义是什么？", "苦力"),
        ("What does CPI stand for?", "cpi"),
        ("鱼的颜色是什么？", ""),
    ],
)
def test_focus(question: str, focus: str) -> None:
    assert analyse(question).focus == focus


@pytest.mark.parametrize(
    ("question", "before", "after"),
    [
        ("笛鲷以什么为食？", "笛鲷以", "为食"),
        ("校訓是什麼？", "校训", ""),
        ("谁推荐项斯担任县尉？", "", "推荐项斯担任"),
        ("Who recommended him?", "", ""),
    ],
)
def test_words_beside_the_asking_word(question: str, before: str, after: str) -> None:
    wanted = analyse(question)
    assert (wanted.before, wanted.after) == (before, after)


@pytest.mark.parametrize(
    "question", ["為什麼改名？", "在哪裡？", "由何人創辦？", "有幾家企業？", "甚麼時候？"]
)
def test_traditional_is_simplified(question: str) -> None:
    simplified = {
        "為什麼改名？": "为什么改名？",
        "在哪裡？": "在哪里？",
        "由何人創辦？": "由何人创办？",
    }
    simplified |= {"有幾家企業？": "有几家企业？", "甚麼時候？": "什么时候？"}
    assert analyse(question) == analyse(simplified[question])


@given(st.text(max_size=80))
def test_any_text_is_a_question(question: str) -> None:
    wanted = analyse(question)
    assert isinstance(wanted, Wanted)
    assert wanted.count is None or wanted.count > 0


def test_an_endless_question_is_read_to_its_limit() -> None:
    assert analyse("有多少家企业" * 10_000).kind is Kind.NUMBER


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("天桥区有多少家直播电商企业？", Kind.NUMBER),
        ("什麼時候開始的？", Kind.DATE),
        ("论坛隔多久办一次？", Kind.DATE),
        ("为什么要推这套做法?", Kind.OTHER),
        ("您好，请问天桥区有多少家企业？", Kind.NUMBER),
        ("你好！", Kind.SMALL_TALK),
    ],
)
def test_coarse_kind(question: str, kind: Kind) -> None:
    assert kind_of(question) is kind


@pytest.mark.parametrize(
    ("text", "question", "marked"),
    [
        ("拥有企业100余家、从业人员近千人。", "有多少家企业", ["100余家", "近千人"]),
        ("实现总投资额77.57亿元。", "总投资多少", ["77.57亿元"]),
        ("面积约2000平方米。", "有多大", ["约2000平方米"]),
        ("2024年走访企业190余家。", "2024年走访了多少家企业", ["190余家"]),
        ("自今年6月1日起正式运行。", "什么时候开始运行", ["今年6月1日"]),
        ("由园区综合党委每半年举办1次。", "多久办一次", ["每半年"]),
        ("有100家企业。", "为什么", []),
    ],
)
def test_marks(text: str, question: str, marked: list[str]) -> None:
    spans = marks_in(text, question, kind_of(question))
    assert [span.of(text) for span in spans] == marked
