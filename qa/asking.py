"""How questions ask: the patterns of each kind, in search form. Holds patterns only."""

from __future__ import annotations

import re
from functools import cache

from qa.kinds import Kind
from qa.units import unit_pattern

NUMERAL = "二两三四五六七八九十0-9"
CLASSIFIERS = "个座家所位名支种类部本首项条届场间只款张份样块组群代面套档门颗"
_TIME_UNIT = "(?:个?(?:月|小时|星期|世纪|礼拜|钟头|季度)|年|天|日|周|分钟|秒|昼夜)"
_END = r"(?:是|为|在|有|又|何|叫|[?]|$)"
_REASONS = "原因|理由|缘由|缘故|起因|目的|动机|成因|用意|意图|初衷"
_NAMES = (
    "名称|名字|全称|全名|简称|俗称|俗名|别名|别称|昵称|绰号|外号|英文名|艺名|本名|原名|真名|学名|"
    "笔名|称号|"
    "年号|谥号|庙号|旧称|美誉"
)
_OFFICES = "[省市区县镇乡村部局厅处科院所站校会队组]长|书记|主任|主席|经理|总裁|总理|总统"
_AMOUNTS = "排名|排行|数量|人口|面积|年龄|海拔|身高|体重|价格|温度|速度|深度|高度|长度|总数|人数|占"
# 多大学 is in 多伦多大学, 多高校 in 许多高校, 20几所 is no question.
_HOW = (
    r"多(?:大(?!学|陆|型|厦|家|部分|众|数|赛|会|使|臣|战)|长(?!老|官|城|江|篇|辈)|高(?!校|中|等|层|级|手|"
    r"速|官|楼|温|峰|原)|远|古|深(?!刻|受)|重(?!要|点|伤|庆|身份|含义|意义)|宽|快(?!餐)|厚)"
    r"(?!的?(?:影响|作用))"
)
_NO_FEW = r"(?<![的这那前后好头十\d])"
_ONLY = r"^(?!.*(?:哪|谁|什么(?!比|百分|数|人口|面积|年龄|价|温度|速度|排名))).*"
"""A noun of measure, or 几, asks for a number where no other word asks."""
_NO_REASON = "称名成改作视认译誉封任评选分变升尊立列转化命归"

SMALL_TALK = re.compile(
    r"^(?:(?:你|您)好(?:啊|呀|吗)?|嗨|哈喽|喂|在吗|早上好|下午好|晚上好"
    r"|谢谢(?:你|您)?|多谢|再见|拜拜"
    r"|(?:你|您)(?:是谁|叫什么(?:名字)?|会(?:做)?什么|能做什么|能干什么)"
    r"|hi|hello|hey|thanks?(?: you)?|bye|who are you|what can you do|how are you)"
    r"[\s!?。,.~呀啊吗]*$"
)


def _chinese() -> tuple[tuple[Kind, str], ...]:
    """Return the rules in the order in which they are tried; a kind may have several."""
    unit = unit_pattern()
    return (
        (
            Kind.REASON,
            rf"(?<![{_NO_REASON}])为什么(?!人)|^为什么|为何(?!物)|为啥|缘何|因何|何以|凭什么",
        ),
        (
            Kind.REASON,
            r"怎么(?:会|一度|还|又|没|不|就|这么|那么|突然)|(?:什么|何种|哪种)(?:原因|目的|理由|"
            r"缘由)",
        ),
        (Kind.DURATION, r"多久|多少?长?时间"),
        (Kind.NUMBER, r"百分之(?:几|多少)|第(?:几|多少)|几成|几分之"),
        (
            Kind.DATE,
            r"什么(?:时候|时间(?!段的)|时期|年代|时代|朝代|日子|年份|季节|世纪)|何(?:时|年|月|日)",
        ),
        (
            Kind.DATE,
            r"哪一?个?(?:年(?!龄)|天|日(?!本)|月|世纪|时期|朝代?|年代|时代|时间|季节|阶段)",
        ),
        (
            Kind.DATE,
            r"(?:公元|西元|公历|民国|[于在是])几年|几(?:月|号|日|点|几年|时)|多会儿|生卒年|(?:日期|时间|年份|生日)(?:是|为)?(?:什么|哪|"
            r"[?]|$)",
        ),
        (Kind.DURATION, rf"(?:多少|(?<![的这那前后好头])几){_TIME_UNIT}|历时|频率"),
        (Kind.DURATION, r"(?:时间|期限|寿命|时长|历史).{0,4}(?:有?多长|有?多少)"),
        (
            Kind.LIST,
            rf"哪些|哪几|哪[{NUMERAL}]+(?!年)|有哪|分别(?:是|为|叫|指|有|位于)|(?:还|都)有(?:什么|"
            r"谁)",
        ),
        (Kind.LIST, r"(?:包括|包含)(?:了|哪|什么)"),
        (
            Kind.NUMBER,
            rf"多少|{_HOW}|{_ONLY}{_NO_FEW}(?:几[多余]?{unit}|几[十百千万亿辑朝])",
        ),
        (
            Kind.NUMBER,
            rf"{_ONLY}(?:比例|百分比|比率|占比|(?:{_AMOUNTS})(?:大?约|大概)?(?:是|为)?(?:什么|几|[?]|$))",
        ),
        (
            Kind.COMPARISON,
            r"(?:哪|谁).{0,8}更|相比|有(?:什么|何|哪些)?(?:区别|不同|差别|差异|共同)",
        ),
        (Kind.COMPARISON, r"(?:区别|不同|差别|差异)(?:之处)?(?:是|在)|高还是低|[^是]还是"),
        (Kind.PERSON, r"谁|何人|什么人|哪一?[位名]|哪个人|姓什么"),
        (
            Kind.REASON,
            rf"(?:{_REASONS})(?:之一)?{_END}|图的是|(?:因为|由于|为了|出于|归因于|得益于)(?:什么|"
            r"何)",
        ),
        (Kind.REASON, r"(?:什么|何)(?:导致|造成|引起|引发|促使|驱使|使得)"),
        (
            Kind.PLACE,
            r"哪里|哪儿|何处|何地|什么地[方点区]|[在到]哪(?!一?[年种个位家])|什么位置|位于(?:什么|"
            r"何)|哪国",
        ),
        (Kind.PERSON, rf"(?:{_OFFICES})的?(?:名字|姓名)?(?:叫做?|是)什么(?:名字)?[?]?$|姓名{_END}"),
        (Kind.NAME, rf"(?:{_NAMES}){_END}"),
        (
            Kind.NAME,
            r"(?:叫|名为|称为|称作|称之为|叫做|叫作|称|又名|名曰|誉为|称呼|译[成为作]?)(?:了|是|"
            r"为)?(?:什么|何|啥)",
        ),
        (
            Kind.MANNER,
            r"如何(?![?]?$)|怎么(?!样?的[^?]|[样了]*[?]?$)|怎样(?!的[^?]|了?[?]?$)|(?:什么|何种|"
            r"哪种)(?:方式|方法|手段|途径|形式|手法)",
        ),
        (Kind.MANNER, r"(?:通过|依靠|利用|凭借|根据|靠)(?:什么|何)|咋"),
        (Kind.YES_NO, r"是否|能否|可否|有没有|是不是|会不会|能不能|有无|要不要|吗[?]?$"),
    )


_QUANTITIES = (
    "percent|percentage|proportion|fraction|number|amount|population|size|area|length|height|depth|"
    "temperature|cost|price|age|speed|weight|width|elevation|distance|rate|share|portion|score|"
    "ratio"
)
_TIMES = (
    "date|year|month|day|time|century|decade|era|period|season|years|dates|centuries|dynasty|age"
)
_AUXILIARIES = (
    "did|do|does|is|was|are|were|can|could|should|has|have|had|will|would|to|might|may|must"
)
_SPANS = "years|months|days|weeks|hours|minutes|seconds|decades|centuries"


def _english() -> tuple[tuple[Kind, str], ...]:
    """Return the rules for questions without Chinese characters, in the same way."""
    return (
        (Kind.REASON, r"\bwhy\b|for what (?:reason|purpose)|what caused|what led\b"),
        (
            Kind.REASON,
            r"what (?:was|is|were|are) (?:the |one |a )?(?:\w+ )?(?:reason|purpose|cause|goal|aim|"
            r"motive)",
        ),
        (
            Kind.DURATION,
            r"how long (?:did|does|do|has|have|had|will|would|after|before|ago|until|can)\b",
        ),
        (
            Kind.DURATION,
            rf"how (?:often|frequently)|how many (?:{_SPANS})|how long was .* (?:for|in)\b",
        ),
        (Kind.DURATION, r"what (?:length|amount) of time"),
        (
            Kind.NUMBER,
            r"how (?:many|much|old|big|large|far|high|tall|deep|wide|long|fast|heavy|hot)\b",
        ),
        (
            Kind.NUMBER,
            rf"(?:what|which) (?:(?:is|was|are|were) )?(?:the )?(?:\w+ )?(?:{_QUANTITIES})\b|by "
            r"what percent",
        ),
        (Kind.DATE, rf"\bwhen\b|\b(?:what|which) (?:{_TIMES})\b"),
        (Kind.COMPARISON, r"\bdifferen(?:t|ces?) between|\bcompared? (?:to|with)"),
        (Kind.PERSON, r"\bwho(?:m|se)?\b|what (?:person|man|woman)\b"),
        (Kind.PLACE, r"\bwhere\b"),
        (
            Kind.MANNER,
            rf"\bhow (?:{_AUXILIARIES})\b|by what (?:means|method)|in what (?:way|manner)",
        ),
        (
            Kind.NAME,
            r"\bwhat\b.* (?:called|named|known as|referred to as|nicknamed|titled|dubbed|call|"
            r"termed)\b",
        ),
        (
            Kind.NAME,
            r"\bwhat(?:'s| is| was| are| were)? (?:the |another |a |an )?(?:\w+ )?(?:name|"
            r"nickname|term|title)\b",
        ),
        (Kind.NAME, r"called what|known as what|\banother name\b"),
        (
            Kind.YES_NO,
            r"^(?:is|are|was|were|do|does|did|can|could|has|have|had|will|would|should)\b",
        ),
    )


@cache
def rules(chinese: bool) -> tuple[tuple[Kind, re.Pattern[str]], ...]:
    """Return the rules of Chinese or English questions; the first that is found decides."""
    table = _chinese() if chinese else _english()
    return tuple((kind, re.compile(rule)) for kind, rule in table)


_MEASURED = (
    ("percent", r"多少的?百分"),
    ("area", r"面积|占地|\barea\b"),
    (
        "length",
        r"多[长高远深宽厚]|长度|全长|体长|高度|海拔|身高|距离|里程|深度|宽度|直径|半径|边长|周长|"
        r"水深",
    ),
    ("length", r"how (?:far|high|tall|deep|wide)|height|distance|elevation|depth|width"),
    ("weight", r"多重|重量|体重|how heavy|weight"),
    (
        "money",
        r"多少钱|(?:多少|几[百千万亿]).{0,2}(?:经费|赔偿|融资|贷款|拨款|款|补贴|补助|奖金|债|资产|赔款|"
        r"外资|内资|税(?!务))|"
        r"(?:支出|开支|花费|耗资|造价|学费|片酬|拨款|经费|赔偿金?|融资|贷款|补贴|补助|奖金|捐款|债务|资产|外资|内资|"
        r"税收|税款|税额|罚款|押金|贸易额|交易额|成交额|进出口额)"
        r"(?:总额|大?约|一?共|了|是|为|有|达|到)*多少|销售额|价格|售价|票价|金额|投资|收入|营收|产值|费用|成本|票房|工资|薪|资金|预算|"
        r"利润|市值",
    ),
    (
        "money",
        r"how much (?:money|did .* (?:cost|pay|earn|spend|raise)|does .* cost)|\bcost|price|"
        r"revenue",
    ),
    ("money", r"endowment|budget"),
    ("percent", r"百分|几成|比例|占比|比率|概率|份额|占据?多少|率(?:是|为|达|有|大约|约)?多少"),
    ("percent", r"percent|proportion|fraction|\bshare|portion|\brate\b|how much of"),
    ("age", r"(?:几|多少)岁|年龄|多大年纪|享年|高寿|how old|\bage\b"),
    ("temperature", r"温度|气温|水温|沸点|熔点|temperature|how (?:hot|cold)"),
    ("speed", r"速度|时速|转速|how fast|speed"),
    ("energy", r"功率|频率|电压|frequency|power output"),
)


@cache
def measures() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return how questions ask for a measure of `qa.units`; the first found decides."""
    return tuple((measure, re.compile(rule)) for measure, rule in _MEASURED)


DATE_PARTS = (
    (("世纪",), re.compile(r"世纪|centur")),
    (("日", "号"), re.compile(r"哪一?天|几号|哪一?日|何日|日期|\bdate\b|(?:what|which) day")),
    (("月",), re.compile(r"几月|哪一?个?月|什么月|\bmonth")),
    (("时", "点"), re.compile(r"几点|几时|what (?:time|hour)")),
    (("季",), re.compile(r"季节|\bseason")),
    (("朝", "代", "期", "世纪"), re.compile(r"朝|时期|年代|时代|dynasty|\bera\b|period|decade")),
    (("年", "年代"), re.compile(r"哪一?个?年|何年|几几年|年份|\byear")),
)
"""The parts of a date that are asked for, and how; the first found decides."""

ASKED_UNIT = re.compile(rf"(?:多少|几[多余十百千万亿]?)({unit_pattern()})?([\u4e00-\u9fff]{{0,4}})")
HOW_MANY = re.compile(
    r"how (?:many|much) (?:(?:more|different|total|new|key|major) )*"
    r"((?:[\"“]?[a-z-]+[\"”]? ?){0,3})"
)
PEOPLE = re.compile(
    r"人口|人数|people|persons|students|workers|employees|players|men\b|women|residents|members|"
    r"population|soldiers"
)
RANK = re.compile(r"第(?:几|多少)|排名|排行|名次|\brank")
FREQUENCY = re.compile(r"隔多久|多久.{0,6}一[次回]|每.{0,3}多久|频率|how (?:often|frequently)")

WHICH = re.compile(
    rf"(?P<which>哪(?:(?P<count>[{NUMERAL}]+)|一|几|些)?(?:[{CLASSIFIERS}])?)"
    r"(?P<run>[\u4e00-\u9fffa-z]{0,8})"
    r"|(?:什么(?:样的?|类型的?|种类的?)?|何种|怎么?样的|何(?!时))(?P<what>[\u4e00-\u9fff]{0,8})"
)
"""哪座城市, 什么颜色: the words behind stand in the groups `run` and `what`."""

WHICH_OF_MANY = re.compile(
    r"哪(?:些|几个?)(?:地方|地区|[区县市镇乡村]|街道|镇街|乡镇|开发区|园区|城市|国家|省份?|单位|部门|企业|"
    r"公司|机构|学校|医院|报道|文件|文章|文档)"
    r"|\bwhich (?:places|districts|counties|cities|towns|countries|companies|institutions|schools|"
    r"departments|documents|reports|articles|files)\b"
)
"""What is asked for may be told of in several documents, one by one."""

ASKING_WORD = re.compile(
    rf"(?:哪(?:[一几些{NUMERAL}]*)(?:[{CLASSIFIERS}]|年|天|里|儿|国)?|什么(?:时候|地方|样的?|"
    r"类型的?|人|时期)?|谁|"
    r"多少|几[个家名位人次条年天岁]?|何[时处地人种]|怎么?样的?|如何|怎么|多[大长高远深重宽久]|啥)"
)
"""The asking words themselves, without the noun behind."""

ENGLISH_WHICH = re.compile(
    r"\b(?:which|what|name (?:the|a|an|one)|whose)(?: (?:kinds?|types?|sorts?) of)?(?: of the)? "
    r"(?P<run>(?:[a-z'-]+ ?){1,5})"
)
ENGLISH_STOP = re.compile(
    r"\b(?:is|are|was|were|do|does|did|can|could|has|have|had|will|would|should|may|might|must|of|"
    r"in|"
    r"on|at|to|for|by|with|from|that|who|which|the|a|an|and|during|after|before)\b"
)
_DEFINED = (
    r"^(?:请问|那么?|简述|请?解释(?:一下)?)?(?:什么|啥)(?:是|叫做?)(?P<a>[^的]{1,20}?)[?]?$",
    r"^何[为谓](?P<b>[^的]{1,20}?)[?]?$",
    r"(?:^|,)(?P<c>[^,。]{1,30}?)的?(?:意思|含义|定义|意义)(?:是|指的?是)(?:什么|啥)[?]?$",
    r"(?:^|,)(?P<d>[^,。]{1,30}?)(?:一词|这个词)?(?:是指|指的?是|指|各?代表|意味着|意为|"
    r"都?是(?=.{2}意思))(?:什么|啥)(?:意思)?[?]?$",
    r"^(?P<e>[^,。的]{1,30}?)(?:又|到底|究竟)?是(?:一[个种])?(?:什么|啥|谁)(?:东西|意思|"
    r"概念)?[?]?$",
    r"^(?:请问?)?(?:介绍|解释|说明|定义)(?:一下)?(?P<f>.{1,20}?)[?。]?$",
    r"^what(?:'s| is| are| was| were) (?:an? |the )?(?P<g>(?:[\w'-]+ ?){1,4})[?]?$",
    r"what (?:does|do|did) (?P<h>.{1,40}?) (?:mean|stand for|refer to)\b",
    r"^define (?P<i>.{1,40}?)[.?]?$",
)
DEFINED = tuple(re.compile(rule) for rule in _DEFINED)
"""Questions for what something is; the one group is that thing."""
