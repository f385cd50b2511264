"""Forms in sentences, and how sure they are."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qa.forms import NEUTRAL, forms_in, strength
from qa.question import Kind, analyse
from qa.units import COUNTS, agreeing, units_of


def found(text: str, question: str) -> list[str]:
    return [span.of(text) for span in forms_in(text, analyse(question), question)]


def sure(text: str, question: str) -> float:
    return strength(text, analyse(question), question)


@pytest.mark.parametrize(
    ("text", "question", "forms"),
    [
        ("拥有企业100余家、从业人员近千人。", "有多少家企业？", ["100余家"]),
        ("擁有企業１００餘家、從業人員近千人。", "有多少家企業？", ["１００餘家"]),
        ("拥有企业100余家、从业人员近千人。", "从业人员有多少人？", ["近千人"]),
        ("2024年走访企业190余家。", "2024年走访了多少家企业？", ["190余家"]),
        ("实现总投资额约77.57亿元，占地30亩。", "总投资多少钱？", ["约77.57亿元"]),
        ("康熙年間至乾隆年间形成。", "什么时候形成？", ["康熙年間", "乾隆年间"]),
        ("鱼体长65-70厘米，重3公斤。", "大约有多长？", ["65-70厘米"]),
        ("第三次会议有三项议题。", "有几项议题？", ["三项"]),
        ("约占百分之三十，共40人。", "占百分之几？", ["百分之三十"]),
        ("肯尼亚在2012年排名第139位。", "排名第几？", ["排名第139位"]),
        ("He made 21 touchdowns in 2010.", "How many touchdowns did he make?", ["21"]),
        ("It costs $3.5 million in 12 states.", "How much money did it cost?", ["$3.5 million"]),
        ("有100家企业。", "100家企业里有多少家？", []),
        ("建于1950年，共三期。", "有多少人？", []),
    ],
)
def test_numbers(text: str, question: str, forms: list[str]) -> None:
    assert found(text, question) == forms


@pytest.mark.parametrize(
    ("text", "question", "forms"),
    [
        ("自今年6月1日起运行。", "什么时候运行？", ["今年6月1日"]),
        ("該校創立於１９４６年。", "該校何時創立？", ["１９４６年"]),
        ("民国38年迁台。", "哪一年迁台？", ["民国38年"]),
        ("约在19世纪末传入。", "什么时候传入？", ["19世纪末"]),
        ("它在清朝建成。", "什么时期建成？", ["清朝"]),
        ("1989年上映，1990年下映。", "1989年上映的片子哪年下映？", ["1990年"]),
        ("每天下午3点30分开门。", "几点开门？", ["下午3点30分"]),
        ("It opened in July 1998.", "When did it open?", ["July 1998"]),
        ("有三个人。", "什么时候？", []),
    ],
)
def test_dates(text: str, question: str, forms: list[str]) -> None:
    assert found(text, question) == forms


@pytest.mark.parametrize(
    ("text", "question", "forms"),
    [
        ("手续用了29分06秒办齐。", "办齐手续用了多长时间？", ["29分06秒"]),
        ("工程历时三年多。", "工程历时多久？", ["历时三年多"]),
        ("由综合党委每半年举办1次。", "隔多久办一次？", ["每半年"]),
        ("It lasted ten years.", "How long did it last?", ["ten years"]),
    ],
)
def test_durations(text: str, question: str, forms: list[str]) -> None:
    assert found(text, question) == forms


@pytest.mark.parametrize(
    ("text", "question", "name"),
    [
        ("由龙头企业党组织书记担任。", "由什么人担任？", "龙头企业党组织书记"),
        ("在教授陈海英说起这件事以前。", "是哪位教授？", "陈海英"),
        ("由潘恩·斯托克於1908年設計。", "誰設計的？", "潘恩·斯托克"),
        ("《平妖传》为明朝罗贯中所著。", "《平妖传》的作者是谁？", "罗贯中"),
        ("It was led by Robert Kintner in 1950.", "Who led it?", "Robert Kintner"),
    ],
)
def test_people(text: str, question: str, name: str) -> None:
    assert any(name in form for form in found(text, question))


def test_a_common_word_is_no_name() -> None:
    assert found("高度，方法，金融。", "是谁？") == []


@pytest.mark.parametrize(
    ("text", "question", "form"),
    [
        ("总部位于济南市天桥区。", "总部在哪里？", "济南市天桥区"),
        ("總部設在臺北市。", "總部在何處？", "臺北市"),
        ("他生于湖北武汉市。", "他生于哪座城市？", "湖北武汉市"),
        ("It was founded in New York by two men.", "Where was it founded?", "New York"),
        ("与江南大学签了合作协议。", "与哪所大学签了协议？", "江南大学"),
        ("它屬於青空唱片公司。", "它屬於哪家公司？", "青空唱片公司"),
        ("手机应用名为“泉通”。", "手机应用叫什么名字？", "泉通"),
        ("鯉魚門天后廟，又稱鯉魚門天后宮，是一所廟。", "天后廟又稱什麼？", "鯉魚門天后宮"),
        ("配套出台了《若干措施》。", "配套订了一份什么文件？", "若干措施"),
        ("雄鱼呈赤红色，有斑。", "雄鱼是什么颜色？", "雄鱼呈赤红色"),
    ],
)
def test_names(text: str, question: str, form: str) -> None:
    assert form in found(text, question)


@pytest.mark.parametrize(
    ("text", "question", "form"),
    [
        ("因为招牌破损，所以全部更换。", "为什么更换？", "招牌破损"),
        ("為了提升競爭力，推出新的做法。", "為什麼推出？", "提升競爭力"),
        ("It moved because of the flood.", "Why did it move?", " the flood"),
        ("它通过点单派单解决。", "问题是怎么解决的？", "通过点单派单解决"),
        ("苦力是指从事劳动的工人。", "什么是苦力？", "从事劳动的工人"),
        ("包括需求清单、资源清单、服务清单。", "有哪三张？", "需求清单、资源清单、服务清单"),
        ("一是选人，二是育人，三是管人。", "有哪些做法？", "一是选人，二是育人，三是管人"),
        ("它以水果和昆虫为食。", "该鸟以什么为食？", "水果和昆虫"),
        ("該校校訓為明道進德。", "校訓是什麼？", "明道進德"),
    ],
)
def test_clauses(text: str, question: str, form: str) -> None:
    assert form in found(text, question) or form + "为食" in found(text, question)


@pytest.mark.parametrize(
    ("better", "worse", "question"),
    [
        ("有企业100家。", "有企业100个项目。", "有多少家企业？"),
        ("有企业100家。", "有企业100。", "有多少家企业？"),
        ("有企业100。", "有企业投产。", "有多少家企业？"),
        ("于1950年成立。", "于当年成立。", "哪一年成立？"),
        ("于1950年成立。", "于5月成立。", "哪一年成立？"),
        ("于5月成立。", "下午3点成立。", "哪一年成立？"),
        ("海拔3000米，面积2000平方米。", "面积2000平方米，长3000米。", "海拔有多高？"),
        ("包括A、B、C。", "包括A、B、C、D、E。", "包括哪三项？"),
        ("因为下雨而改期。", "比赛已经改期。", "为什么改期？"),
        ("比赛因为下雨而改期。", "比赛已经改期。", "比賽為什麼改期？"),
        ("校训为明道进德。", "学校共有三个校区。", "校训是什么？"),
        ("“1”即党委；“7”即7个组织。", "构建“1+7+N”架构。", "“1+7+N”里，中间的7指什么？"),
        ("实施“2510”计划(即2支队伍)。", "实施“2510”计划。", "“2510”是什么意思？"),
    ],
)
def test_order_of_strengths(better: str, worse: str, question: str) -> None:
    assert sure(better, question) > sure(worse, question)


@pytest.mark.parametrize(
    ("text", "question", "value"),
    [
        ("共有企业100家。", "有多少家企业？", 0.9),
        ("共有企业100。", "有多少家企业？", 0.5),
        ("全长100米。", "有多少家企业？", 0.0),
        ("面积为100亩。", "面积为多少？", 1.0),
        ("海拔3000米。", "他是否出席？", NEUTRAL),
        ("", "有多少家企业？", 0.0),
        ("每天8:00至9:00收运。", "一天收运多少吨垃圾？", 0.0),
        ("每天收运80。", "一天收运多少吨垃圾？", 0.7),
        ("开设4大类课程，构建“1+7+N”架构。", "经费是多少？", 0.0),
        ("经费约500。", "经费是多少？", 0.7),
        ("约占7%。", "有多少医生配药？", 0.3),
        ("家", "", 0.3),
    ],
)
def test_strength(text: str, question: str, value: float) -> None:
    assert sure(text, question) == pytest.approx(value)


def test_what_the_question_says_is_no_answer() -> None:
    assert found("2008年的海报印于2009年。", "2008年的海报是哪年印的？") == ["2009年"]
    assert sure("2008年的海报。", "2008年的海报是哪年印的？") == 0.0


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("“你们公司里有几名党员?有没有党支部?”他问。", []),
        ("你們公司裡有幾名黨員？他說有22名。", ["22名"]),
        ("当时只有几名党员,后来呢?", ["几名"]),
        ("十几名党员来了?", ["十几名"]),
    ],
)
def test_what_a_document_asks_is_no_number(text: str, form: list[str]) -> None:
    question = "有多少名党员？"
    found = forms_in(text, analyse(question), question)
    assert [text[one.start : one.end] for one in found] == form


QUESTIONS = (
    "有多少家企业？",
    "什么时候上映？",
    "历时多久？",
    "谁执导的？",
    "在哪里？",
    "位于哪座城市？",
    "哪家公司？",
    "叫什么名字？",
    "为什么改名？",
    "如何改名？",
    "什么是师范学院？",
    "有哪三所学校？",
    "哪个更大？",
    "以什么为食？",
    "他是否出席？",
    "",
    "你好",
    "Who led the 3 clubs?",
)


def test_the_questions_of_the_property_test_are_of_every_kind() -> None:
    assert {analyse(question).kind for question in QUESTIONS} == set(Kind)


WORDS = st.sampled_from(
    [
        "一",
        "两家",
        "2024年",
        "１０",
        "位于",
        "王",
        "明·",
        "、",
        "，",
        "「",
        "」",
        "因为",
        "以",
        "为食",
        "市",
        "公司",
        "是",
        "A ",
        "。",
    ]
)


@given(st.text(max_size=60) | st.lists(WORDS, max_size=20).map("".join), st.sampled_from(QUESTIONS))
@example("İ２０２４年ﬁ㍿", "什么时候上映？")
@example("\ud800一", "有多少家企业？")
def test_spans_lie_in_the_text_in_order_and_apart(text: str, question: str) -> None:
    wanted = analyse(question)
    spans = forms_in(text, wanted, question)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert 0.0 <= strength(text, wanted, question) <= 1.0


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_question_and_any_text(text: str, question: str) -> None:
    assert 0.0 <= sure(text, question) <= 1.0


def test_units_are_known_by_their_measure() -> None:
    assert agreeing("亩")[0] == "亩"
    assert set(agreeing("亩")) == set(units_of("area"))
    assert agreeing("个") == COUNTS
    assert agreeing("企业") == ()


def test_an_unknown_measure() -> None:
    with pytest.raises(KeyError, match="charm"):
        units_of("charm")
