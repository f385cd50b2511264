"""Which sentences around a chosen one are said with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.neighbours import LONGEST_SUBJECT, with_neighbours
from qa.question import Wanted, analyse
from qa.series import LONGEST, LONGEST_LIST, MOST


def said(text: str, at: int, question: str) -> tuple[int, ...]:
    """Return what is said of the lines of `text` when line `at` was chosen."""
    return with_neighbours(text.strip().split("\n"), at, analyse(question), question)


ROLES = """
为加强指导，开发区派驻了75名指导员。
实际工作中，指导员发挥“四种角色”作用。
当好“组织者”。
支持和帮助联合党支部建立健全组织，培养一批入党积极分子，引导其向党组织靠拢。
当好“宣传员”。
积极宣传路线方针政策，教育引导企业依法经营、照章纳税。
强化对企业员工的职业道德教育。
当好“指导员”。
加强对企业党员的教育管理，引导党员亮身份。
当好“参谋员”。
充分发挥党员的能动性，多出主意。
"""
MEASURES = """
各支部加強溝通，採取了「四化」措施。
互動常態化。
定期聯繫中心企業，適時召開座談會，研究發展情況。
活動聯合化。
有效地開展聯合活動，激發職工工作積極性。
機制效能化。
積極協調各部門，提供政策支持和保障措施。
反饋及時化。
聽取指導員工作彙報，了解企業發展中遇到的問題。
"""
MECHANISMS = f"""
该区坚持把建设干部队伍作为重大使命，通过“三项机制”统筹抓好全链条{"，着力建设适应发展的队伍" * 3}。
完善选贤用能机制，开展专题调研，形成纪实档案和干部“三个信息库”，分类储备管理干部。
完善梯次培养机制，举办两个培训班，选派年轻干部到街道、信访、项目一线实践锻炼。
完善关爱监督机制，开展“双向约谈”等工作，坚持受处分干部关爱回访。
用人之要重在导向。
"""
CHAIN = """
建強組織體系，實現深度強鏈。
一是強化聯結，擴大覆蓋範圍。
以基礎好的企業為核心，組建3個產業鏈黨委。
二是優化架構，凝聚發展動能。
三是完善機制，推動融合發展。
健全問題處置流程。
提升服務效能，實現全面延鏈。
一是強化載體建設。
建設金融服務驛站。
二是強化資源互通。
三是強化人才招引。
"""
APART = """
一是加强领导。
成立专班，统一调度。
每周开会，研究问题。
每月通报，督促落实。
二是加大投入。
一是优化环境。
二是引进人才。
三是强化服务。
"""
STEPS = """
居住证可以在网上办理。
办理流程如下：
1.登录平台，填写申请表。
2.上传身份证和照片。
3.等待审核，领取证件。
办理不收取费用。
"""
BULLETS = """
申请补贴需要提交以下材料：
- 身份证复印件
- 户口簿
- 银行卡
材料不齐的不予受理。
"""
FIRST = """
学习外语要讲方法。
首先，要多听多读。
听力是基础，每天半小时就够。
其次，要大胆开口。
最后，要坚持复习。
"""
ROCKS = """
There are three types of rocks on Earth.
The first is igneous rock.
It forms when magma cools slowly under ground.
The second is sedimentary rock.
Finally, there is metamorphic rock.
"""
BRANCHES = """
The constitution names two chambers of parliament.
One is the Senate.
It sits in the north wing.
The other is the House of Commons.
"""
QUOTED = """
联盟从三个方面发力。
“联”上比学赶超，增强企业向心力。
建立共同学习机制。
“链”上抱团发展，增强企业凝聚力。
整合各方面的信息资源。
“质”上推陈出新，增强企业竞争力。
"""
PILLARS = """
选育专业人员。
高新区选派568名指导员，组成32个服务小组，深入园区开展指导。
突出精准服务。
高新区整合资源，梳理各方面需求共385项，建立问题清单。
探索智慧党建。
高新区建成多功能手机应用，汇集五十多种线上服务。
"""


@pytest.mark.parametrize(
    ("text", "at", "question", "numbers"),
    [
        (ROLES, 1, "指导员要发挥哪四种角色？", (1, 2, 4, 7, 9)),
        (ROLES, 2, "指导员要发挥哪四种角色？", (1, 2, 4, 7, 9)),
        (ROLES, 7, "指導員要發揮哪四種角色？", (1, 2, 4, 7, 9)),
        (ROLES, 5, "指导员要发挥哪四种角色？", (1, 2, 4, 7, 9)),
        (ROLES, 1, "指导员要发挥哪些角色？", (1, 2, 4, 7, 9)),
        (ROLES, 1, "什么是“四种角色”？", (1, 2, 4, 7, 9)),
        (ROLES, 1, "指导员要发挥几种角色？", (1,)),
        (ROLES, 1, "指导员要发挥哪三种角色？", (1,)),
        (ROLES, 1, "指导员要发挥的有哪一个角色？", (1,)),
        (ROLES, 0, "派驻了多少名指导员？", (0,)),
        (MEASURES, 0, "採取的「四化」措施是哪四個？", (0, 1, 3, 5, 7)),
        (MEASURES, 5, "采取的“四化”措施是哪四个？", (0, 1, 3, 5, 7)),
        (MEASURES, 0, "各支部採取了哪些措施？", (0, 1, 3, 5, 7)),
        (MECHANISMS, 0, "“三项机制”具体是哪三项？", (1, 2, 3)),
        (MECHANISMS, 2, "“三项机制”具体是哪三项？", (1, 2, 3)),
        (MEASURES + "大家都說好。", 0, "採取的「四化」措施是哪四個？", (0, 1, 3, 5, 7)),
        (APART, 0, "有哪些措施？", (0, 4)),
        (APART, 7, "有哪些措施？", (5, 6, 7)),
        (CHAIN, 0, "建強組織體系有哪些措施？", (0, 1, 3, 4)),
        (CHAIN, 3, "建强组织体系有哪几项举措？", (1, 3, 4)),
        (CHAIN, 10, "提升服務效能有哪些舉措？", (7, 9, 10)),
        (CHAIN, 6, "如何提升服务效能？", (6, 7, 9, 10)),
        (CHAIN, 2, "组建了多少个产业链党委？", (2,)),
        (STEPS, 1, "居住证怎么办理？", (1, 2, 3, 4)),
        (STEPS, 3, "办理居住证有哪些步骤？", (1, 2, 3, 4)),
        (STEPS, 5, "办理居住证要多少钱？", (5,)),
        (BULLETS, 0, "申请补贴需要哪些材料？", (0, 1, 2, 3)),
        (BULLETS, 2, "申请补贴需要哪些材料？", (0, 1, 2, 3)),
        (BULLETS, 2, "申请补贴需要哪三种材料？", (0, 1, 2, 3)),
        (FIRST, 0, "学习外语有什么方法？有哪些？", (0, 1, 3, 4)),
        (FIRST, 3, "学习外语有哪些要点？", (1, 3, 4)),
        (ROCKS, 0, "What are the three types of rocks?", (0, 1, 3, 4)),
        (ROCKS, 3, "Which three types of rocks are there?", (1, 3, 4)),
        (BRANCHES, 0, "What are the two chambers of parliament?", (0, 1, 3)),
        (QUOTED, 0, "联盟从哪三个方面发力？", (0, 1, 3, 5)),
        (PILLARS, 2, "高新区做了哪三件事？", (0, 2, 4)),
        ("操场大约分成两种。\n一种位于室内，一种位于室外。\n都很大。", 0, "操场有哪几种？", (0, 1)),
        ("會議有以下要求。\n①準時到場；②保持安靜。\n③關閉手機。", 0, "會議有哪些要求？", (0, 1, 2)),
        ("它建立了“需求、资源、服务”三张清单。\n定期更新。", 0, "列了哪三张清单？", (0,)),
        ("覆盖智能制造、医疗、新材料等领域。\n一是好事。", 0, "覆盖哪些领域？", (0,)),
    ],
)
def test_a_list_is_said_whole(text: str, at: int, question: str, numbers: tuple[int, ...]) -> None:
    assert said(text, at, question) == numbers


@pytest.mark.parametrize(
    ("text", "at", "question", "numbers"),
    [
        (
            "“弗赖永”源于古代词汇，意为自由。\n这是因为修道院拥有特权。",
            0,
            "修道院为什么叫“弗赖永”？",
            (0, 1),
        ),
        (
            "細小的雄蛛會很小心地走近雌蛛。\n因為若不小心，就會被雌蛛吃下。",
            0,
            "細小的雄蛛為什麼會很小心地走近雌蛛？",
            (1,),
        ),
        (
            "每年清明道路都会管制，市民须步行上山。\n因此管委会决定兴建一条新路。",
            1,
            "管委会为什么决定兴建新路？",
            (0, 1),
        ),
        ("由于资金不足，工程停工。\n因为下雨，路面湿滑。", 0, "工程为什么停工？", (0,)),
        (
            "The bridge was closed in May.\nThis was because the steel had cracked.",
            0,
            "Why was the bridge closed?",
            (0, 1),
        ),
        ("镇里遇到一件棘手事。\n工作队通过反复讲解政策打开了局面。", 0, "怎么打开局面的？", (0, 1)),
        ("旧村顺利复耕了。\n街道美化了。", 0, "旧村怎么复耕的？", (0,)),
        (
            "漫唐堂是动漫企业。\n主要进行漫画的企划、创作和发售。",
            0,
            "漫唐堂主要做哪些工作？",
            (0, 1),
        ),
        ("该馆位于市中心。\n它建于1987年，有三层。", 0, "该馆建于哪一年？", (0, 1)),
        ("该馆建于1987年。\n1990年重修。", 0, "该馆建于哪一年？", (0,)),
        ("开放时间：\n每天上午9时至下午5时。", 0, "什么时候开放？", (0, 1)),
        ("問：補貼什麼時候發放？\n答：每年3月。", 0, "補貼什麼時候發放？", (1,)),
        ("报名收费吗？\n报名需要哪些证件？\n身份证和户口簿。", 1, "报名需要哪些证件？", (2,)),
    ],
)
def test_the_sentence_beside_it_answers(
    text: str, at: int, question: str, numbers: tuple[int, ...]
) -> None:
    assert said(text, at, question) == numbers


@pytest.mark.parametrize(
    ("text", "question", "numbers"),
    [
        ("美方光通信产业园已开工。\n该项目年收入可达50亿元。", "光通信产业园年收入多少？", (0, 1)),
        ("張旭偉是2012年的選調生。\n他現在擔任鎮長。", "張旭偉現在擔任什麼職務？", (0, 1)),
        (
            "Tesla moved to Prague.\nHe studied there in 1880.",
            "When did Tesla move to Prague?",
            (0, 1),
        ),
        ("美方光通信产业园已开工。\n产业园年收入可达50亿元。", "光通信产业园年收入多少？", (1,)),
        ("天气很好。\n该项目年收入可达50亿元。", "光通信产业园年收入多少？", (1,)),
        ("美方光通信产业园已开工。\n其他项目年收入可达50亿元。", "光通信产业园年收入多少？", (1,)),
    ],
)
def test_the_subject_of_a_pronoun_is_said(
    text: str, question: str, numbers: tuple[int, ...]
) -> None:
    assert said(text, 1, question) == numbers


def test_a_long_sentence_is_not_added_for_its_subject() -> None:
    subject = f"光通信产业园{'很大' * 20}。"
    assert LONGEST_SUBJECT < len(subject) < 2 * LONGEST_SUBJECT
    assert said(f"{subject}\n该项目年收入50亿元。", 1, "光通信产业园年收入多少？") == (1,)


def test_an_announcement_is_left_out_of_a_long_list() -> None:
    announcement, *items, _ = MECHANISMS.strip().split("\n")
    longer = [item[:-1] + "，责任到人" * 8 + "。" for item in items]
    assert LONGEST < sum(map(len, longer)) <= LONGEST_LIST
    text = "\n".join([announcement, *longer])
    assert said(text, 0, "“三项机制”具体是哪三项？") == (1, 2, 3)


def test_two_short_headings_are_no_list_because_two_stands_before_them() -> None:
    question = "园区为职工提供了哪些服务？"
    begin = "服务“两新”组织，为职工提供政务、商务服务。\n创活联融方式。\n每月组织活动，在圆桌上联络情感。\n"
    end = "筹建孵化平台。\n开展培训，提高能力。"
    assert said(begin + end, 0, question) == (0,)
    three = begin.replace("“两新”组织", "“三专”服务") + end + "\n突出精准服务。"
    assert said(three, 0, question) == (0, 1, 3, 5)


def test_a_list_that_is_too_long_is_not_cut() -> None:
    items = "\n".join(f"{n}.{'材料' * 60}。" for n in (1, 2, 3))
    assert said(f"需要以下材料。\n{items}", 1, "需要哪些材料？") == (1,)


def test_more_items_than_are_said_together_are_not_cut() -> None:
    items = "\n".join(f"{n}.第{n}样。" for n in range(1, MOST + 2))
    assert said(f"需要以下材料。\n{items}", 1, "需要哪些材料？") == (1,)


def test_nothing_is_added_across_a_list_of_another_style() -> None:
    text = "一是加强领导。\n（一）成立小组。\n二是落实责任。\n（二）召开会议。"
    assert said(text, 0, "有哪些措施？") == (0, 2)
    assert said(text, 3, "有哪些措施？") == (1, 3)


MARKS = (
    "一是",
    "二是",
    "第三，",
    "1.",
    "2.",
    "①",
    "- ",
    "一种",
    "首先，",
    "最后，",
    "First, ",
    "One is ",
)
WORDS = (
    "四种角色",
    "三项",
    "如下：",
    "这是因为",
    "因此",
    "通过",
    "该项目",
    "它",
    "1987年",
    "A、B和C",
)
PIECES = (
    "當好",
    "“联”上",
    "。",
    "？",
    "化。",
    "\ud800",
    "٣.",
    " ",
    "two types",
    "机制，",
    "x" * 70,
)
PARTS = st.sampled_from((*MARKS, *WORDS, *PIECES))
LISTED = (
    "有哪四种角色？",
    "有哪些三项机制？",
    "什么是三项？",
    "What are the two types?",
    "怎么办？",
)
OTHERS = ("為什麼？", "多少家？", "哪一年？", "是谁？", "", "\ud800", "Why?", "How does it work?")
QUESTIONS = st.sampled_from((*LISTED, *OTHERS))


@given(
    st.lists(st.lists(PARTS, min_size=1, max_size=6).map("".join), min_size=1, max_size=20),
    st.data(),
    QUESTIONS,
)
def test_any_answer_is_rising_and_within_its_budget(
    sentences: list[str], data: st.DataObject, question: str
) -> None:
    at = data.draw(st.integers(0, len(sentences) - 1))
    numbers = with_neighbours(sentences, at, analyse(question), question)
    assert list(numbers) == sorted(set(numbers))
    assert set(numbers) <= set(range(len(sentences)))
    assert 1 <= len(numbers) <= MOST
    assert len(numbers) == 1 or sum(len(sentences[n]) for n in numbers) <= LONGEST_LIST


@given(st.lists(st.text(max_size=30), min_size=1, max_size=8), st.text(max_size=30), st.data())
def test_any_text_is_taken(sentences: list[str], question: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(sentences) - 1))
    assert with_neighbours(sentences, at, analyse(question), question)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=8), st.data())
def test_a_question_of_no_known_kind_keeps_the_chosen_or_adds_to_it(
    sentences: list[str], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(sentences) - 1))
    wanted: Wanted = analyse("天气好")
    assert at in with_neighbours(sentences, at, wanted, "天气好")
