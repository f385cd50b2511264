"""Names of people, places, bodies and works in a folded sentence, by patterns only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from qa.kinds import Form, Wanted

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程"
    "苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝"
    "龚邵万钱严武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳"
    "甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶"
    "解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟"
    "邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝"
)
_DOUBLE = (
    "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|宇文|长孙|司徒|司空|夏侯|端木|独孤|"
    "南宫|拓跋|完颜|耶律|爱新觉罗|叶赫那拉|呼延|轩辕|闻人|西门|澹台|公冶|太史|申屠|赫连|"
    "鲜于|闾丘|钟离|东郭|百里|万俟"
)
_COMMON = (
    "王国室家位者牌 张湾佑掖 陈家 杨苗 黄河金冈石色州陂土昏家连陵沙山花安海鳝豆原骅纸道牌"
    "瓜埔 吴县国 周围恩期边年刊末长岁到二身六日一家五代坤三四易朝 徐州海 马上路蹄头力车铃"
    "鞍里场口 朱漆 胡乱须 何况必处以等时不在故人事种尝用苦方如者为止妨来物 高速度级兴中校"
    "考原手等于大温出层山低效呼尚声压血举涨产档空粱新高位亢端分程地处职贵额铁家利一能法检台价"
    "官炮频龄寒歌性唱下楼深科峰音差教傲点 林区业中兆地场 罗马田家城 郑州重克 谢罪 宋代朝"
    " 唐代朝宋初 许多家久配 韩国 曾经都 肖像 田地径间亩 董事家 于是 蔡甸 余种地家下"
    "万额年脉处亩米部孽名公个 叶片 程度序志式 苏联州维丹格区宁门打北木南俄共 魏国 丁卯 "
    "任务何期免职命教意用性由 沈阳 钟头表 陆续地游上路战 范围 金融属银额钱牌花牙星轮代丝"
    "台色箔子正黄锣利元针蛇华沙冠国鸡兵文发奖矿 石首油头桥化门窟膏器碑壁湖墨子板块灰刻兽雕棉"
    "榴牌华安室料匠棺像屋 夏天季商日至代秋 付出给款费 方面法式向案针便言才程丈位形略可解城"
    "圆始剂砖阵 白色天沙衣马族鳍人家嫩果纸带洋夜细血酒菜骨日垩眼面 秦腔国家属代 江南夏陵苏"
    "湖西汉北山淮水面中河豚岸东流城段浙底海道猪家边阴州 段落 雷电击 龙头门大袍泉船井舟骨山"
    "眼 史料学书记册方籍事家 陶器瓷 黎族 顾及源虑不 毛病尖笔皮利 万元吨亩公岁美历一年家"
    "多万辆千物余分里人向股尾名个头事斤户台民镑线学方安块能国 钱币 严重格肃厉峻密谨禁寒守整"
    "惩刑酷加义明 武汉器昌装当士力艺警官陵术将大备穴麻职学夷 莫非大过不名 向前来往上着下导"
    "量日 汤杯 温度暖和带柔差州热饱室水 施工行展主加用放 文化学章物字件艺库献书华人集革官"
    "科教凭体中本坛史职工汇昌峰选臣帝联盲档说笔 牛肉奶车筋皮市 樊城 葛洲 邢台 安全排装徽"
    "陆慰定置乡心理宁放庆稳葬顿内息七歇阳南上详好西 齐名国达 易于 庞大 颜色料面 庄严重稼"
    "家上 章程节法 岳家 殷墟 申请报诉花 欧洲盟元阳亚拉共美 关系于键注心闭节联中头山税上"
    "切门口东押照外内爱岛 兰州湖 焦点急山虑躁 左右手侧边臂派腿脚岸首眼路 柳州 甘肃泉蔗心"
    "愿薯地草 祝愿 包括含围袱裹装机扎金头厢揽办子容 宁夏愿波海 尚书未无有且可 符合号 舒"
    "服适畅展 纪念录律要委年事实检 梅毒 童年话装 凌晨 毕业竟生升 单位独纯行一个元刀词板"
    "人打身体调向薄兵果项方单于层性子 季节度风梁 霍都 涂料 成为立功绩长果员本分熟就都人效"
    "化交型年虫因排书群品色名败像天亲文方行婚形份规才全问法套 苗族条 谷地物子底城主 盛产行"
    "大开名会京情 曲折线调子酒面艺目 骆驼 蓝色牙 路线上桥边过面径子灯口旁程途段透易 游客"
    "行戏泳览击牧人离记子玩荡历街动艇艺说船 辛苦辣酸 管理辖道家制事教线子用 柴油草火 蒙古"
    "哥面受 华北表山夏中侨盛人东南瑞沙美尔 祁连 蒲团 房子间屋地中县里门价基产舍租贷 屈原"
    "服辱 解决释放除开答散体读脱剖析毒救题说围法 艾滋 尤其为 阳性新府台子极 时间候期代刻"
    "机辰分尚报常光时说而节任空日数速人不会装隔钟政下事段局 穆斯 农业民村产作历场田奴家药户"
    "用行牧夫具机林工 司法令机长空徒 卓著 古代墓城怪迹人典巴今希都称籍物时罗诗镇琴山月三尸"
    "玩朴书生堡 吉林利象凶 简单称介直历化易陋洁明史便短体略要朴 车程辆站上牌子间厢城体身长"
    "轮票夫队道里马窗型门 项目链 连续接忙连同夜声长锁年队带日任环结累绵发线通 芦花苇 景点"
    "观区象色物致山气 党中员委内组政派风支章人籍校项性 宫廷女中灯门里墙内颈室 费用力时解城"
    "心 冷静却冷战漠淡水落酷门气冻空风 席位卷 卫生士兵队国校铁 米兰饭业 宗教旨室族派人法"
    " 全国省部面市体球身年世都长党境军民力会书新然县家局场称文城线方区权邦州程集队天盘村岛过"
    "景歼真校能套日胜班美 应该用当付有聘届急城力试变为邀声酬选得考对答战 边缘界境防区上疆陲"
    "沿际 师父妹长弟徒团资大师门法 和平谐约解县谈丰田 仇恨人敌 隋唐朝代 商品业人量议城务"
    "店场贸用代朝洛学家标旅周定船贾丘会讨州机谈贩 沙漠市发湖河俄包湾子口鱼咀洋洲土场沙地 巫"
    "山 丛书中 仲裁 巩固 明显确代朝清天日明年知亮末教儿史月器晃摆快 池河塘际 查看询处出"
    "阅理找问获 麻烦袋布雀痹糖城辣将绳 迟疑早迟到缓钝"
)
_FOREIGN = (
    "阿埃艾爱安昂奥澳巴白拜班邦保鲍贝本比彼宾波伯勃博布查茨达戴丹当道德登迪蒂丁东杜多俄厄恩尔"
    "法凡菲费芬佛弗夫福盖甘冈高戈哥格根古瓜圭哈海汉豪赫黑亨洪胡华霍基吉加贾杰金卡凯坎康柯科克"
    "肯孔库夸奎昆拉莱赖兰朗劳勒雷李里理利莉丽连列林琳刘卢鲁路伦罗洛吕马玛迈麦曼芒梅门蒙米密明"
    "摩莫姆默穆纳娜乃南内尼妮宁纽努诺欧帕潘庞佩彭皮平珀蒲朴普奇齐恰强乔切琴琼丘让热日荣茹若萨"
    "塞桑森沙莎山舍申圣施什史士舒斯丝苏索塔泰坦汤唐陶特滕提廷图托瓦万旺威韦维魏温文翁沃乌武西"
    "希锡夏香肖谢辛欣休许雪逊雅亚扬耶叶伊依易因英尤于约泽扎詹珍芝治朱茱兹祖佐"
)
WORD = (
    r"[^\s\x00-\u2e7f\u3000-\u303f\ufe30-\ufe4f\uff00-\uffef"
    r"的是了在和与及于有被为以等从到而其之并也都个们这那此该每各由向对将把使令让但则又或因若如所当"
    r"且即就只还很更最后前时称叫名做说着过至随]"
)
"""One character of a name: Chinese, and none of those that only tie words together."""

_MARK = r"[，。、；：！？“”‘’「」『』《》〈〉()\s,;]|$"
_DOT = "[·・‧•∙]"
_FOREIGN_PART = rf"[{_FOREIGN}A-Z][{_FOREIGN}a-zA-Z.]{{0,7}}"
FOREIGN_NAME = rf"{_FOREIGN_PART}(?:{_DOT}{_FOREIGN_PART})+"
LATIN_NAME = (
    r"(?<![A-Za-z])[A-Z][a-zé'’]+(?:[ -](?:[A-Z][a-zé'’]+|[A-Z]\.|de|van|von|der|da|of|"
    r"the)){1,4}(?<! of)(?<! the)"
)
_BY = (
    "担任|出任|负责|执导|创办|创立|创建|建立|成立|设计|主持|主演|发现|发明|饰演|饰|演唱|作曲|作词|"
    "填词|谱曲|撰写|编写|写|提出|指挥|"
    "制作|开发|率领|领导|经营|监制|编剧|改编|配音|命名|主编|翻译|绘|接任|继任|继承|组成|兴建|牵头|"
    "于|在|所"
)
_ROLE = (
    "主任|书记|校长|院长|局长|部长|厂长|村长|队长|班长|团长|军长|师长|社长|馆长|所长|处长|科长|"
    "市长|省长|县长|镇长|州长|会长|董事长|行长|"
    "经理|总裁|总监|导演|作家|作者|演员|歌手|球员|选手|教练|总统|总理|首相|主席|国王|皇帝|女王|"
    "将军|上将|元帅|大使|教授|博士|专家|院士|学者|科学家|"
    "数学家|物理学家|化学家|历史学家|哲学家|文学家|音乐家|艺术家|建筑师|设计师|工程师|律师|医生|"
    "记者|编辑|主编|诗人|画家|漫画家|创始人|创办人|负责人|"
    "发言人|代表|委员|老师|同学|同志|女星|男星|艺人|主持人|制作人|作曲家|之子|之女|儿子|女儿|父亲|"
    "母亲|妻子|丈夫|哥哥|弟弟|姐姐|妹妹|前锋|后卫|中锋|门将|刺史|"
    "太守|太子|大臣|大将|武将|将领|传教士|探险家|飞行员|企业家|商人|政治家|诗人|王子|公主|公爵|"
    "主教|神父|牧师|秘书长"
)
_SAYS = (
    "说|表示|认为|指出|介绍|称|告诉|坦言|透露|回忆|担任|出任|提出|发明|发现|创办|创立|创建|主演|"
    "执导|领导|率|任|著|撰|饰|夺得|获|当选|设计|出生|逝世|"
    "去世|继位|即位|即|接替|取代|击败|写|宣布|决定|成为|曾|也|则|又|是|为|在|于|于是|与|和|及|等|"
    "的|所|以|因"
)
_CUE_ONE = r"[由被是为，。、和与及“「《以对向：；,()（的\s]"


@cache
def _common() -> frozenset[str]:
    """Return pairs of characters that begin like a name but are common words (高度, 方法)."""
    return frozenset(group[0] + second for group in _COMMON.split() for second in group[1:])


_PLACE_ENDS = (
    "省 市 县 区 镇 乡 村 街道 街 路 大道 山 山脉 河 江 湖 州 国 城 港 岛 群岛 湾 海 洋 洲 "
    "郡 府 寺 庙 宫 站 机场 桥 里 峡 峡谷 半岛 高原 平原 盆地 地区 流域 中心 广场 公园 大厦 "
    "海域 沿岸 一带 东部 西部 南部 北部 中部 境内 附近 西南 东南 东北 西北"
)
_COUNTRIES = (
    "中国|美国|英国|法国|德国|日本|韩国|朝鲜|俄罗斯|苏联|加拿大|澳大利亚|新西兰|印度|巴西|意大利|"
    "西班牙|葡萄牙|荷兰|比利时|瑞士|瑞典|挪威|芬兰|丹麦|波兰|捷克|奥地利|匈牙利|希腊|土耳其|"
    "伊朗|伊拉克|以色列|埃及|南非|肯尼亚|墨西哥|阿根廷|智利|秘鲁|古巴|越南|泰国|缅甸|老挝|柬埔寨|"
    "菲律宾|马来西亚|新加坡|印度尼西亚|印尼|巴基斯坦|孟加拉国?|尼泊尔|斯里兰卡|蒙古|爱尔兰|"
    "苏格兰|英格兰|威尔士|乌克兰|罗马尼亚|北京|上海|天津|重庆|广东|广西|香港|澳门|台湾|江苏|浙江|"
    "福建|山东|山西|河南|河北|湖南|湖北|四川|云南|贵州|西藏|新疆|青海|甘肃|宁夏|陕西|安徽|江西|"
    "海南|辽宁|吉林|黑龙江|内蒙古|广州|深圳|南京|杭州|武汉|西安|成都|济南|东京|大阪|京都|巴黎|"
    "伦敦|纽约|柏林|罗马|洛杉矶|芝加哥|华盛顿|加州|欧洲|亚洲|非洲|美洲|北美|南美|大洋洲|太平洋|"
    "大西洋|印度洋|"
    "东南亚|中东|地中海"
)
_SITS_IN = (
    "位于|地处|坐落[于在]?|设[于在]|建[于在]|出?生[于在]|来自|分布[于在]?|栖息[于在]|产[于自]|"
    "源[于自]|起源于|发源于|流经|迁[往至到]|移居|定都|定居|葬[于在]|生活[于在]|生长[于在]|"
    "居住[于在]|驻|前往|"
    "逃[往到至]|抵达|入籍|籍贯|祖籍|总部|故乡|设立于|举行于"
)
_BODY_ENDS = (
    "公司 集团 大学 学院 学校 中学 小学 委员会 委 局 部 部门 会 队 军 党 社 银行 政府 协会 "
    "联盟 "
    "中心 法院 研究所 研究院 俱乐部 厂 电视台 台 医院 组织 机构 基金会 议会 国会 署 厅 处 系 "
    "乐团 "
    "乐队 联合会 "
    "教会 工会 企业 出版社 实验室 院 组 支部 报 网"
)
_ENGLISH_BODIES = (
    "University|College|School|Company|Corporation|Inc|Committee|Council|Party|Church|Court|Bank|"
    "Institute|Association|League|Agency|Department|Ministry|Union|Army|Club|Group|Society|Center"
)
_CALLED = (
    "叫做|叫作|名叫|名为|称为|称作|称之为|称呼为|又称|又名|别名|别称|俗称|俗名|曾用名|商标名|队名|"
    "校名|站名|简称|通称|旧称|古称|原名|本名|原称|全称|全名|名称[为是]|名字[为是叫]|改名为?|"
    "更名为?|命名为|取名为?|译名|译为|译作|英文名|英语|学名|"
    "外号|绰号|昵称|笔名|艺名|号称|谥号?|字|号|题为|誉为|称|定名为?|原为|亦作|或称|亦称|也称|也叫|"
    "又叫|缩写"
)


class _Rule(NamedTuple):
    """A pattern, its group that is the name, how sure it is, and whether it is Latin only."""

    pattern: re.Pattern[str]
    group: int
    strength: float
    latin: bool


_CAPITAL = re.compile("[A-Za-z]{2}")


def _named(rules: tuple[_Rule, ...], folded: str) -> Iterator[Form]:
    latin = _CAPITAL.search(folded) is not None
    for pattern, group, sure, latin_only in rules:
        if latin or not latin_only:
            yield from (Form(*found.span(group), sure) for found in pattern.finditer(folded))


def _compiled(
    rules: tuple[tuple[str, float], ...], latin: tuple[tuple[str, float], ...] = ()
) -> tuple[_Rule, ...]:
    """Return rules for any text, and rules for Latin letters."""
    return tuple(
        _Rule(re.compile(rule), int("(?P<name>" in rule), sure, only)
        for table, only in ((rules, False), (latin, True))
        for rule, sure in table
    )


@cache
def _people() -> tuple[_Rule, ...]:
    spoken = rf"(?:{_DOUBLE}|[{_SURNAMES}]){WORD}{{1,2}}"
    end = rf"(?={_MARK}|{_SAYS})"
    return _compiled(
        (
            (rf"由(?P<name>(?:{WORD}|[A-Za-z.·・ ]){{2,16}}?)(?={_BY})", 0.9),
            (FOREIGN_NAME, 0.8),
            (rf"(?:{_ROLE})(?P<name>{spoken}?|[{_FOREIGN}]{{2,6}}){end}", 0.9),
            (rf"(?P<name>{WORD}{{2,6}})\(.{{0,20}}\d{{3,4}}年", 0.7),
            (
                rf"(?P<name>{WORD}{{2,5}}?)(?:先生|女士|小姐|夫人|教授|博士|爵士|将军|总统|"
                r"之[妻子女弟兄])",
                0.7,
            ),
            (rf"(?P<name>{WORD}{{2,5}})所(?:著|写|作|建|创|生|撰|编)", 0.8),
            (
                rf"(?P<name>{WORD}{{1,4}}(?:帝|宗|祖|王|皇后|太后|天皇|公主|王子|"
                rf"[一二三四五六七八九]世)){end}",
                0.6,
            ),
            (rf"(?:(?<={_CUE_ONE})|^)(?P<name>{spoken}?|[{_FOREIGN}]{{2}}){end}", 0.6),
            (
                rf"(?:(?<={_CUE_ONE})|^)(?P<name>{WORD}{{1,7}}[们人军队派兵者员师家会党司府]){end}",
                0.3,
            ),
            (rf"[{_FOREIGN}]{{3,6}}(?![{_FOREIGN}])", 0.5),
        ),
        ((LATIN_NAME, 0.7),),
    )


def people(folded: str, _wanted: Wanted) -> Iterator[Form]:
    """Yield names of people; the surer ones stand beside a role, a verb or a mark."""
    for form in _named(_people(), folded):
        if form.strength > 0.6 or folded[form.start : form.start + 2] not in _common():
            yield form


@cache
def _places() -> tuple[_Rule, ...]:
    part = rf"(?:{WORD}|[A-Za-z0-9·])"
    ends = _one_of(_PLACE_ENDS.split())
    capital = r"(?:[A-Z][\w'’.-]+)(?:,? (?:of |the )?[A-Z][\w'’.-]+)*"
    return _compiled(
        (
            (rf"(?:{_SITS_IN})(?:了|在|于)?(?P<name>{part}{{2,16}})", 0.9),
            (rf"(?:在|于|到|至|从|往|自)(?P<name>{part}{{0,10}}{ends})", 0.8),
            (rf"(?:在|于)(?P<name>{part}{{2,10}})", 0.4),
            (rf"(?:{_COUNTRIES})", 0.5),
        ),
        (
            (
                r"\b(?:in|at|from|to|near|of|into|across|through|on|between) (?:the "
                rf")?(?P<name>{capital})",
                0.7,
            ),
        ),
    )


def places(folded: str, _wanted: Wanted) -> Iterator[Form]:
    """Yield names of places: by their endings (市, 河), and what follows 位于, in and the like."""
    yield from ended(folded, _endings(_PLACE_ENDS), 0.6)
    yield from _named(_places(), folded)


@cache
def _bodies() -> tuple[_Rule, ...]:
    part = rf"(?:{WORD}|[A-Za-z0-9·&])"
    return _compiled(
        ((rf"由(?P<name>{part}{{2,16}}?)(?={_BY})", 0.9),),
        (
            (rf"(?:[A-Z][\w'’&.-]+ )+(?:{_ENGLISH_BODIES})\b", 0.9),
            (LATIN_NAME, 0.5),
            (r"(?<![A-Za-z])[A-Z][A-Za-z&]{2,}(?![A-Za-z])", 0.4),
        ),
    )


def bodies(folded: str, _wanted: Wanted) -> Iterator[Form]:
    """Yield names of organisations."""
    yield from ended(folded, _endings(_BODY_ENDS), 0.7)
    yield from _named(_bodies(), folded)


@cache
def _titles() -> tuple[_Rule, ...]:
    called = rf"(?:{_CALLED})(?:为|是|作|叫)?[:：]?\s?"
    return _compiled(
        (
            (rf"{called}[“「『《〈\"](?P<name>[^”」』》〉\"]{{1,30}})", 1.0),
            (rf"{called}(?P<name>[^，。；：、！？,;()（）“”「」『』《》\s]{{1,20}})", 0.8),
            (rf"(?P<name>{WORD}{{2,20}})，?(?:以下)?(?:简称|又称|俗称)", 0.6),
            (r"[《〈](?P<name>[^》〉]{1,40})[》〉]", 0.7),
            (r"[“「『\"](?P<name>[^”」』\"]{1,30})[”」』\"]", 0.6),
            (FOREIGN_NAME, 0.4),
        ),
        (
            (
                r"(?<![A-Za-z])[A-Z][A-Za-z0-9'’.-]*(?: [A-Za-z0-9'’.&-]+){0,5}"
                r"(?=[，。、；)）（(]|\s?[\u4e00-\u9fff])",
                0.4,
            ),
            (
                r"\b(?:called|named|known as|titled|entitled|nicknamed|termed|dubbed|referred to "
                r"as) "
                r"(?:the |a |an )?(?P<name>[\w'’.-]+(?: [\w'’.-]+){0,3})",
                1.0,
            ),
            (LATIN_NAME, 0.4),
        ),
    )


def titles(folded: str, _wanted: Wanted) -> Iterator[Form]:
    """Yield what things are called: in quotation marks, after 叫做, 又称, called and the like."""
    yield from _named(_titles(), folded)


@lru_cache(maxsize=256)
def _ending(endings: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of a run of name characters up to the last of `endings` in it."""
    part = rf"(?:{WORD}|[A-Za-z0-9·‧])"
    return re.compile(rf"(?<!{part}){part}+{_one_of(endings)}")


@cache
def _endings(words: str) -> tuple[str, ...]:
    return tuple(words.split())


def _one_of(endings: Iterable[str]) -> str:
    """Return the pattern of one of `endings`; single characters as a class, which is fast."""
    single = "".join(sorted(ending for ending in endings if len(ending) == 1))
    longer = sorted((ending for ending in endings if len(ending) > 1), key=len, reverse=True)
    return rf"(?:{'|'.join([*longer, *([f'[{single}]'] if single else [])])})"


LONGEST_NAME = 14
"""Characters of a name that is known by its ending."""


def ended(folded: str, endings: tuple[str, ...], sure: float) -> Iterator[Form]:
    """Yield words of at most `LONGEST_NAME` characters that end in one of `endings`."""
    if endings:
        for found in _ending(endings).finditer(folded):
            yield Form(max(found.start(), found.end() - LONGEST_NAME), found.end(), sure)
