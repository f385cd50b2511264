"""Follow-ups over the shipped pages: what the completed question must hold, and what it must not."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from embeddings.lexical import Tokenizer
from qa.conversation import Turn, complete


class Case(NamedTuple):
    """A question, its answer (shortened), a follow-up, and pieces of its completed form."""

    asked: str
    answer: str
    follow_up: str
    holds: tuple[str, ...]
    lacks: tuple[str, ...] = ()


SHOPS = ("天桥区有多少家直播电商企业？", "拥有直播电商企业100余家、从业人员近千人的网红聚集区。")
CHAIN = (
    "天桥区在哪几个产业领域建了党组织？",
    "建立智能制造、产业运营孵化、医疗康养、新材料4个产业链党组织,覆盖21家企业。",
)
PROJECTS = (
    "天桥区的新材料产业园目前签下了多少个项目？",
    "截至目前,园区完成签约项目22个,实现总投资额77.57亿元,协调推进重点项目10个。",
)
ALLOY = (
    "3D打印合金粉的项目是哪位教授研发的？",
    "陈海英教授研发的“射频感应等离子体技术生产3D打印球形合金粉”项目,是济南市双创大赛获奖项目。",
)
VISITS = ("济阳区2024年上门走访了多少家企业？", "2024年走访企业190余家,发放政策200余份。")
TALENT = (
    "濟陽區靠線下招聘會引進了幾位博士？",
    "組織開展各類線下招聘會20余次,引進博士學歷人才21人、碩士120人。",
)
COMMUNITY = (
    "济南市第一个工业社区是哪个区打造的？",
    "聚焦企業需求,在濟南市率先打造第一個工業社區,建立“需求、資源、服務”三張清單。",
)
BASE = (
    "山东中医药大学跟哪家药企合作设了博士后创新实践基地？",
    "山東中醫藥大學與漢方制藥設立博士后創新實踐基地。",
)
FORUM = (
    "济南高新区全区层面的“红领论坛”多久办一回？",
    "全区层面的“红领论坛”每年由“两新”组织党工委组织举办1次。",
)
APP = ("“泉通APP”是哪个区试点建成的？", "济南高新区试点建成多功能园区党建APP——“泉通APP”。")
ACADEMY = (
    "“两新”组织党建学院的主阵地室内面积有多大？",
    "学院主阵地室内面积约2000平方米,建有教室、多功能活动室。",
)
GUIDES = (
    "济北开发区给非公企业派了多少名党建指导员？",
    "向辖区120家非公企业派驻75名党建指导员。",
)
ALLIANCES = (
    "济北开发区组建了哪些党建联盟？",
    "组建了智能制造、食品饮料、信息技术、服务行业、生物医药五大非公企业党建联盟。",
)
MUSIC = (
    "回河街道那条垃圾收运“音乐专线”是从哪天开始跑的？",
    "“音乐专线”自今年6月1日起正式投入运行,全长1公里。",
)
SIGNS = ("回河街道为什么要换掉北张街的老招牌？", "门头牌匾参差不齐,存在一定的安全隐患。")
CHIPS = ("成芯半導體從簽約到投產用了多久？", "項目從簽約到投產用時不到半年時間。")
SIGNED = ("成芯半导体是哪年哪月跟开发区签约的？", "成芯半导体项目于2022年1月完成签约。")
CABLES = ("岳程街道最近在小区周边整治什么？", "岳程街道办事处开展线缆治理工程。")
DRILL = (
    "压力容器泄漏的应急演练是在哪家公司里搞的？",
    "市开发区综合监管部在山东盛陶化工有限公司开展化工装置内压力容器事故应急专项演练。",
)
YOUNGEST = (
    "东明县年纪最轻的乡镇长是谁？",
    "东明县长兴集乡党委副书记、乡长刘中泉说起新村党建,思路清晰、胸有成竹。",
)
HEAD = (
    "Who heads the city development zone?",
    "市开发区党工委书记、管委会主任练建军说。",
)
QUANTONG = (
    "What is the Quantong app in the Jinan High-tech Zone?",
    "试点建成多功能园区党建APP——“泉通APP”。",
)
VISITED = (
    "How many companies did Jiyang District visit in 2024?",
    "2024年走访企业190余家。",
)
PARK = (
    "How many new jobs is the Meifang 5G optical communication park expected to create?",
    "新增就业岗位2000余个。",
)

CASES = [
    # one part replaced
    Case(*SHOPS, "那从业人员呢？", ("天桥区", "多少", "从业人员"), ("100",)),
    Case(*SHOPS, "那济阳区呢？", ("济阳区有多少家直播电商企业",), ("天桥",)),
    Case(*SHOPS, "济阳区有多少家？", ("济阳区有多少家直播电商企业",), ("天桥",)),
    Case(*SHOPS, "销售额过亿的呢？", ("天桥区", "销售额过亿的", "电商企业", "多少")),
    Case(*SHOPS, "那2020年呢？", ("天桥区2020年有多少家直播电商企业",)),
    Case(*VISITS, "那2023年呢？", ("济阳区2023年上门走访了多少家企业",), ("2024",)),
    Case(*VISITS, "天桥区呢？", ("天桥区2024年上门走访了多少家企业",), ("济阳",)),
    Case(*VISITS, "去年呢？", ("济阳区去年上门走访了多少家企业",), ("2024",)),
    Case(*VISITS, "发放了多少份政策？", ("济阳区", "发放了多少份政策")),
    Case(*TALENT, "那碩士呢？", ("濟陽區", "引進", "碩士"), ("博士",)),
    Case(*TALENT, "天橋區呢？", ("天橋區靠線下招聘會引進了幾位博士",), ("濟陽",)),
    Case(*PROJECTS, "那总投资呢？", ("天桥区的新材料产业园", "总投资", "多少")),
    Case(*PROJECTS, "重点项目呢？", ("新材料产业园", "多少", "重点项目")),
    Case(*BASE, "那江南大学食品学院呢？", ("江南大学食品学院", "哪家", "合作"), ("山东", "中医药")),
    Case(*FORUM, "各园区层面的呢？", ("济南高新区各园区层面的“红领论坛”多久办一回",), ("全区",)),
    Case(*FORUM, "红领沙龙呢？", ("济南高新区", "红领沙龙", "多久办一回"), ("论坛",)),
    Case(*ACADEMY, "室外面积呢？", ("党建学院", "室外面积", "多大"), ("室内",)),
    Case(*GUIDES, "党建联盟呢？", ("济北开发区", "党建联盟", "多少"), ("指导员",)),
    Case(*GUIDES, "那高新区呢？", ("高新区给非公企业派了多少名党建指导员",), ("济北",)),
    Case(*SIGNED, "那投产呢？", ("成芯半导体", "哪年哪月", "投产"), ("签约",)),
    Case(*SIGNED, "瀚邦智能制造产业园呢？", ("瀚邦智能制造产业园", "哪年哪月", "签约")),
    Case(*MUSIC, "那济阳街道呢？", ("济阳街道那条垃圾收运“音乐专线”是从哪天",), ("回河",)),
    Case(*SIGNS, "那垃圾桶呢？", ("回河街道", "垃圾桶")),
    Case(*YOUNGEST, "那曹县呢？", ("曹县年纪最轻的乡镇长是谁",), ("东明",)),
    # a pronoun
    Case(*COMMUNITY, "它列了哪三张清单？", ("工业社区列了哪三张清单",), ("它", "打造")),
    Case(*COMMUNITY, "这个社区有什么作用？", ("工业社区有什么作用",), ("这个",)),
    Case(*APP, "它能办哪些业务？", ("“泉通APP”能办哪些业务",), ("它",)),
    Case(*APP, "這個APP是誰開發的？", ("泉通APP”是誰開發的",), ("這個",)),
    Case(*GUIDES, "他们都是些什么人？", ("济北开发区", "党建指导员都是些什么人"), ("他们", "多少")),
    Case(
        *ALLIANCES,
        "它们覆盖了多少家企业？",
        ("济北开发区组建的党建联盟覆盖了多少家企业",),
        ("它们",),
    ),
    Case(
        *ALLIANCES, "这些联盟是怎么运作的？", ("济北开发区组建的党建联盟是怎么运作的",), ("这些",)
    ),
    Case(*DRILL, "这家公司在哪里？", ("山东盛陶化工有限公司在哪里",), ("这家",)),
    Case(*YOUNGEST, "他是哪一年出生的？", ("刘中泉", "是哪一年出生的"), ("他",)),
    Case(*ALLOY, "她的项目叫什么名字？", ("陈海英", "的项目叫什么名字"), ("她",)),
    Case(*ALLOY, "该项目获过什么奖？", ("3D打印合金粉的项目", "获过什么奖"), ("该",)),
    Case(*PROJECTS, "这些项目总投资多少？", ("新材料产业园", "项目总投资多少"), ("这些",)),
    Case(*SIGNED, "这个项目的负责人是谁？", ("成芯半导体", "项目的负责人是谁")),
    Case(*SHOPS, "其中最大的是哪个？", ("天桥区的直播电商企业中最大的是哪个",), ("其中",)),
    Case(*CHAIN, "其中新材料有几家企业？", ("天桥区", "新材料有几家企业"), ("其中",)),
    Case(*VISITS, "当地有哪些开发区？", ("济阳区有哪些开发区",), ("当地",)),
    # nothing named
    Case(*SHOPS, "在哪里？", ("天桥区的直播电商企业在哪里",)),
    Case(*SHOPS, "为什么？", ("天桥区", "直播电商企业", "为什么"), ("多少",)),
    Case(*SHOPS, "从业人员有多少？", ("天桥区", "直播电商", "从业人员有多少")),
    Case(*SHOPS, "后来呢？", ("天桥区", "直播电商企业", "后来呢"), ("多少",)),
    Case(*CHAIN, "还有哪些？", ("天桥区", "产业领域", "还有哪些"), ("哪几个",)),
    Case(*CHAIN, "覆盖了多少家企业？", ("天桥区", "覆盖了多少家企业")),
    Case(*FORUM, "谁负责？", ("济南高新区全区层面的“红领论坛”谁负责",), ("多久",)),
    Case(*FORUM, "那由谁来组织？", ("济南高新区全区层面的“红领论坛”由谁来组织",), ("多久",)),
    Case(*ACADEMY, "建有哪些教室？", ("党建学院", "建有哪些教室"), ("多大",)),
    Case(
        *MUSIC,
        "一天来收几趟，都是几点？",
        ("回河街道那条垃圾收运“音乐专线”一天来收几趟",),
        ("哪天",),
    ),
    Case(*MUSIC, "全长多少？", ("“音乐专线”全长多少",), ("哪天",)),
    Case(*SIGNS, "花了多长时间？", ("回河街道", "换掉北张街的老招牌", "花了多长时间"), ("为什么",)),
    Case(
        *SIGNS,
        "什么时候开始的？",
        ("回河街道", "换掉北张街的老招牌", "什么时候开始的"),
        ("为什么",),
    ),
    Case(*CHIPS, "為什麼能這麼快？", ("成芯半導體從簽約到投產", "為什麼能這麼快"), ("多久",)),
    Case(*CHIPS, "具體怎麼做到的？", ("成芯半導體從簽約到投產", "怎麼做到的"), ("多久",)),
    Case(*CABLES, "具体怎么做的？", ("岳程街道", "整治", "具体怎么做的"), ("什么",)),
    Case(*CABLES, "有什么好处？", ("岳程街道", "整治", "有什么好处")),
    Case(*DRILL, "谁组织的？", ("压力容器泄漏的应急演练", "谁组织的"), ("哪家",)),
    Case(*GUIDES, "主要做些什么？", ("济北开发区", "党建指导员主要做些什么"), ("多少",)),
    Case(*ALLIANCES, "另外还有哪些？", ("济北开发区", "党建联盟", "还有哪些")),
    # English
    Case(
        *VISITED,
        "What about Tianqiao?",
        ("companies did Tianqiao District visit in 2024",),
        ("Jiyang",),
    ),
    Case(
        *VISITED,
        "And in 2023?",
        ("How many companies did Jiyang District visit in 2023",),
        ("2024",),
    ),
    Case(
        *VISITED,
        "and the number of employees?",
        ("How many employees", "Jiyang District"),
        ("companies",),
    ),
    Case(*VISITED, "Why?", ("Why did Jiyang District visit companies in 2024",)),
    Case(*HEAD, "What did he say?", ("What did", "head", "the city development zone"), (" he ",)),
    Case(*HEAD, "When was it founded?", ("When was the city development zone founded",), (" it ",)),
    Case(
        *QUANTONG,
        "What kinds of services can people use on it?",
        ("use on the Quantong app",),
        (" it",),
    ),
    Case(*QUANTONG, "Who built it?", ("Who built the Quantong app",), (" it",)),
    Case(*QUANTONG, "How many services?", ("Quantong app", "ow many services")),
    Case(*PARK, "Where is it?", ("Where is the Meifang 5G optical communication park",), (" it",)),
    Case(
        *PARK, "Who leads it?", ("Who leads the Meifang 5G optical communication park",), (" it",)
    ),
    Case(
        *PARK,
        "What are its annual sales?",
        ("Meifang 5G optical communication park's annual sales",),
    ),
    Case(*SHOPS, "who leads it?", ("who leads", "天桥区", "直播电商企业"), (" it",)),
    Case(*SHOPS, "What about Jiyang?", ("Jiyang有多少家直播电商企业",), ("天桥",)),
    Case(*VISITED, "那天桥区呢？", ("天桥区", "How many companies", "2024"), ("Jiyang",)),
]


OTHERS: list[tuple[str, str, list[tuple[str, tuple[str, ...]]]]] = [
    (
        "《红楼梦》的作者是谁？",
        "《红楼梦》前八十回由曹雪芹所著。",
        [
            ("他是哪里人？", ("曹雪芹", "是哪里人")),
            ("那《西游记》呢？", ("《西游记》的作者是谁",)),
            ("写于哪一年？", ("《红楼梦》", "写于哪一年")),
            ("一共多少回？", ("《红楼梦》", "一共多少回")),
        ],
    ),
    (
        "苹果公司2019年的营收是多少？",
        "苹果公司2019年营收2601亿美元。",
        [
            ("2020年呢？", ("苹果公司2020年的营收是多少",)),
            ("那利润呢？", ("苹果公司2019年的利润是多少",)),
            ("微软呢？", ("微软", "2019年的营收是多少")),
            ("它的总部在哪里？", ("苹果公司", "的总部在哪里")),
        ],
    ),
    (
        "京沪高铁全长多少公里？",
        "京沪高铁全长1318公里,设24个车站。",
        [
            ("什么时候开通的？", ("京沪高铁什么时候开通的",)),
            ("车站有多少个？", ("京沪高铁", "车站有多少个")),
            ("设计时速是多少？", ("京沪高铁", "设计时速是多少")),
            ("那沪昆高铁呢？", ("沪昆高铁全长多少公里",)),
        ],
    ),
    (
        "公司差旅住宿标准是多少？",
        "一线城市每晚不超过500元。",
        [
            ("那交通费呢？", ("差旅", "交通费")),
            ("超标怎么办？", ("差旅住宿标准", "超标怎么办")),
            ("需要谁审批？", ("差旅住宿标准", "需要谁审批")),
        ],
    ),
    (
        "年假可以休几天？",
        "工作满一年可休5天。",
        [
            ("工作满十年的呢？", ("年假", "工作满十年", "几天")),
            ("怎么申请？", ("年假", "怎么申请")),
            ("能折算成工资吗？", ("年假", "能折算成工资吗")),
        ],
    ),
    (
        "故宮博物院在哪一年成立？",
        "故宮博物院成立於1925年。",
        [
            ("誰是第一任院長？", ("故宮博物院", "第一任院長")),
            ("那國家圖書館呢？", ("國家圖書館在哪一年成立",)),
            ("門票多少錢？", ("故宮博物院", "門票多少錢")),
            ("裡面有多少件文物？", ("故宮博物院", "有多少件文物")),
        ],
    ),
    (
        "台積電的創辦人是誰？",
        "台積電由張忠謀創辦。",
        [
            ("他多大年紀？", ("多大年紀",)),
            ("為什麼要創辦這家公司？", ("台積電", "為什麼要創辦")),
            ("聯電呢？", ("聯電的創辦人是誰",)),
        ],
    ),
    (
        "张三负责哪些项目？",
        "张三负责A项目和B项目。",
        [
            ("李四呢？", ("李四负责哪些项目",)),
            ("这些项目什么时候结束？", ("张三负责的项目什么时候结束",)),
            ("还有别的吗？", ("张三", "项目")),
        ],
    ),
    (
        "新能源汽车补贴政策有哪些变化？",
        "2023年起取消国家补贴。",
        [
            ("为什么取消？", ("新能源汽车补贴", "为什么取消")),
            ("地方补贴呢？", ("新能源汽车", "地方补贴")),
            ("从什么时候开始执行？", ("新能源汽车补贴政策", "从什么时候开始执行")),
        ],
    ),
    (
        "大熊猫主要吃什么？",
        "大熊猫主要以竹子为食。",
        [
            ("每天吃多少？", ("大熊猫", "每天吃多少")),
            ("分布在哪里？", ("大熊猫", "分布在哪里")),
            ("小熊猫呢？", ("小熊猫主要吃什么",)),
            ("寿命有多长？", ("大熊猫", "寿命有多长")),
        ],
    ),
    (
        "第三中学有多少名学生？",
        "第三中学有学生1200名。",
        [
            ("老师呢？", ("第三中学有多少", "老师")),
            ("校长是谁？", ("第三中学", "校长是谁")),
            ("那第五中学呢？", ("第五中学有多少名学生",)),
            ("男生有多少？", ("第三中学", "男生有多少")),
        ],
    ),
    (
        "Who wrote Hamlet?",
        "Hamlet was written by William Shakespeare.",
        [
            ("When was it written?", ("Hamlet",)),
            ("What about Faust?", ("Who wrote Faust",)),
        ],
    ),
    (
        "When did the Apollo 11 mission land on the Moon?",
        "July 20, 1969.",
        [
            ("And Apollo 12?", ("When did the Apollo 12 mission land",)),
            ("How long did they stay?", ("Apollo 11",)),
        ],
    ),
    (
        "What is the population of Berlin?",
        "3.6 million.",
        [
            ("And Hamburg?", ("What is the population of Hamburg",)),
            ("And the area?", ("area", "Berlin")),
            ("Since when?", ("Berlin",)),
        ],
    ),
    (
        "How many employees does Siemens have?",
        "311,000.",
        [
            ("Where is its headquarters?", ("Siemens' headquarters",)),
            ("What about Bosch?", ("How many employees does Bosch have",)),
            ("And in 2010?", ("Siemens", "in 2010")),
            ("Who is the CEO?", ("CEO", "Siemens")),
        ],
    ),
    (
        "泰山的最高峰叫什么名字？",
        "泰山主峰玉皇顶海拔1545米。",
        [
            ("海拔多少米？", ("泰山", "海拔多少米")),
            ("那华山呢？", ("华山的最高峰叫什么名字",)),
            ("爬上去要多久？", ("泰山", "爬上去要多久")),
        ],
    ),
    (
        "济南市2023年GDP是多少？",
        "济南市2023年GDP为12757亿元。",
        [
            ("同比增长多少？", ("济南市2023年", "GDP", "同比增长多少")),
            ("青岛呢？", ("青岛", "2023年GDP是多少")),
            ("2022年的呢？", ("济南市2022年", "GDP是多少")),
            ("人均呢？", ("济南市", "人均")),
        ],
    ),
    (
        "天桥区表扬了多少名先进个人？",
        "天桥区表扬先进集体314个、先进个人2128名。",
        [
            ("先进集体呢？", ("天桥区表扬了多少", "先进集体")),
            ("是哪个月表扬的？", ("天桥区", "是哪个月表扬")),
            ("他们做了什么？", ("天桥区表扬的先进个人做了什么",)),
        ],
    ),
    (
        "市开发区新建了市图书馆的哪两个分馆？",
        "新建了市图书馆岳程分馆、佃户屯分馆。",
        [
            ("它们什么时候开放？", ("市图书馆", "分馆什么时候开放")),
            ("第一个在哪里？", ("市图书馆", "第一个在哪里")),
            ("藏书有多少？", ("分馆", "藏书有多少")),
        ],
    ),
    (
        "張旭偉是哪一年的選調生？",
        "張旭偉是2012年的選調生。",
        [
            ("他現在擔任什麼職務？", ("張旭偉現在擔任什麼職務",)),
            ("劉中泉呢？", ("劉中泉是哪一年的選調生",)),
            ("他用了多久說服村民？", ("張旭偉用了多久說服村民",)),
        ],
    ),
    (
        "济阳区为企业提供了哪些金融服务？",
        "帮助20余家链上企业成功“牵手”12家金融机构。",
        [
            ("有多少家企业受益？", ("济阳区", "有多少家企业受益")),
            ("那法律服务呢？", ("济阳区", "法律服务")),
            ("效果怎么样？", ("济阳区", "效果怎么样")),
        ],
    ),
    (
        "美方5G光通信产业园预计几月试生产？",
        "预计9月份达到试生产条件。",
        [
            ("达产后销售额多少？", ("美方5G光通信产业园", "达产后销售额多少")),
            ("能新增多少就业岗位？", ("美方5G光通信产业园", "能新增多少就业岗位")),
            ("它主要生产什么？", ("美方5G光通信产业园主要生产什么",)),
        ],
    ),
    (
        "济北开发区的“四证齐发”是什么？",
        "提升“四证齐发”的速度和效率,仅用29分06秒为台稳精密机械项目完成了公司注册全部手续。",
        [
            ("最快用了多长时间？", ("“四证齐发”", "最快用了多长时间")),
            ("是给哪个项目办的？", ("“四证齐发”", "是给哪个项目办的")),
            ("这个纪录是谁创造的？", ("“四证齐发”", "纪录是谁创造的")),
        ],
    ),
    (
        "Which school signed an agreement with the Jibei Economic Development Zone?",
        "江南大学食品学院。",
        [
            ("When did they sign it?", ("Jibei Economic Development Zone",)),
            ("And who else?", ("Jibei Economic Development Zone",)),
            ("How many talents were recruited there?", ("in the Jibei Economic Development Zone",)),
        ],
    ),
    (
        "How many Party organizations are there in Jinan High-tech Zone?",
        "932家党组织。",
        [
            ("And members?", ("How many members are there in Jinan High-tech Zone",)),
            (
                "What about Tianqiao District?",
                ("How many Party organizations are there in Tianqiao District",),
            ),
            ("Who manages them?", ("manages", "Party organizations")),
        ],
    ),
    (
        "Where is the Quantong app used?",
        "济南高新区。",
        [
            ("How does it work?", ("How does the Quantong app work",)),
            ("Which technologies does it use?", ("Which technologies does the Quantong app use",)),
        ],
    ),
    (
        "员工请病假需要什么材料？",
        "需提供医院证明。",
        [
            ("那事假呢？", ("员工请事假需要什么材料",)),
            ("最多请几天？", ("请病假", "最多请几天")),
            ("工资怎么算？", ("病假", "工资怎么算")),
        ],
    ),
]
"""More questions, most on other documents: question, answer, follow-ups and what each must hold."""

CASES += [
    Case(asked, answer, follow_up, holds)
    for asked, answer, follow_ups in OTHERS
    for follow_up, holds in follow_ups
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.asked[:12]} {case.follow_up}")
def test_a_follow_up_says_what_it_left_unsaid(case: Case, tokenizer: Tokenizer) -> None:
    whole = complete(case.follow_up, [Turn(case.asked, case.answer)], tokenizer)
    assert [piece for piece in case.holds if piece not in whole] == [], whole
    assert [piece for piece in case.lacks if piece in whole] == [], whole


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.asked[:12]} {case.follow_up}")
def test_a_completed_question_stands_alone(case: Case, tokenizer: Tokenizer) -> None:
    turn = Turn(case.asked, case.answer)
    whole = complete(case.follow_up, [turn], tokenizer)
    assert complete(whole, [Turn("世界上最高的山有多高？", "")], tokenizer) == whole
