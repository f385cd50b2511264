"""Nouns that questions ask for (哪座城市, which company): the kind of thing, how its names end."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from qa.kinds import Kind


class Noun(NamedTuple):
    """What is known of a noun.

    Attributes:
        name: the noun in Chinese.
        kind: the kind of thing it names.
        endings: how such things end in a Chinese text.
    """

    name: str
    kind: Kind
    endings: tuple[str, ...]


_NOUNS: tuple[tuple[Kind, str, str, str], ...] = (
    (
        Kind.PLACE,
        "市 城",
        "城市 市 都市 首都 首府 省会",
        "city town=市 capital=首都 cities",
    ),
    (
        Kind.PLACE,
        "国 国家",
        "国家 国 国籍 王国 帝国",
        "country nation countries nations kingdom=王国 empire=帝国",
    ),
    (
        Kind.PLACE,
        "省 州 省份",
        "省份 省 州",
        "province state=州 states=州",
    ),
    (
        Kind.PLACE,
        "区 地区 带 域",
        "地区 区域 区 行政区 大区",
        "region area district=区 neighborhood=区 regions areas",
    ),
    (
        Kind.PLACE,
        "县 郡",
        "县 郡",
        "county counties",
    ),
    (
        Kind.PLACE,
        "镇 乡 村 庄 街道",
        "镇 乡 村 村庄 村子 街道 乡镇",
        "village=村 township=镇",
    ),
    (
        Kind.PLACE,
        "路 街 道 公路 高速",
        "路 街 道路 公路 马路 大道 街",
        "street=街 road=路 highway=公路 route=公路 freeway=公路",
    ),
    (
        Kind.PLACE,
        "山 峰 岭 山脉",
        "山 山脉 高山 山峰",
        "mountain mountains=山脉",
    ),
    (
        Kind.PLACE,
        "河 江 川 溪",
        "河 江 河流 江河 支流 水系",
        "river=河流 rivers=河流 tributary=支流",
    ),
    (
        Kind.PLACE,
        "湖 海 洋 湾 海峡",
        "湖 海 大洋 海域 水域 海洋 湖泊 海湾",
        "lake=湖泊 ocean=大洋 sea=海 bay=海湾",
    ),
    (
        Kind.PLACE,
        "岛 群岛 半岛 屿",
        "岛 岛屿 群岛",
        "island=岛 islands=群岛",
    ),
    (
        Kind.PLACE,
        "洲 大陆",
        "洲 大洲 大陆",
        "continent=大洲",
    ),
    (
        Kind.PLACE,
        "站 机场 港",
        "车站 站 机场 港口 港",
        "station=车站 airport=机场 port=港口",
    ),
    (
        Kind.PLACE,
        "场 馆 园 公园 院 楼 宫 寺 庙 堂 厦 中心 桥 店 塔 陵 墓",
        "建筑 大楼 公园 广场 体育馆 体育场 球场 教堂 寺 寺庙 博物馆 图书馆 医院 剧院 大厦 桥 "
        "饭店 酒店 宫殿 场馆 赛场",
        "building park=公园 square=广场 stadium=体育场 church=教堂 temple=寺庙 museum=博物馆 "
        "library=图书馆 hospital=医院 theater=剧院 theatre=剧院 bridge=桥 hotel=酒店 "
        "palace=宫殿 venue=场馆",
    ),
    (
        Kind.PLACE,
        "",
        "地方 位置 地点 地址 场所 地 方向 所在地 产地 故乡 家乡 出生地 发源地 原产地 栖息地 "
        "籍贯 祖籍 震央 震中 总部 会址 校址 终点站 终点 起点",
        "place=地方 location=地点 places=地方 locations=地点 site=地点 headquarters=总部 "
        "birthplace=出生地",
    ),
    (
        Kind.ORGANISATION,
        "公司 集团 企业 厂 银行 行 社",
        "公司 企业 集团 厂商 工厂 品牌 开发商 银行 出版社 制造商 运营商 发行商 商家",
        "company=公司 corporation=公司 firm=公司 bank=银行 manufacturer=制造商 companies=公司 "
        "business=企业 brand=品牌 enterprise=企业 publisher=出版社",
    ),
    (
        Kind.ORGANISATION,
        "大学 学院 学校 中学 小学 系 学堂 书院 校",
        "大学 学校 学院 中学 小学 高中 院校 高校 研究所 系 专业 母校",
        "university=大学 school=学校 college=学院 institute=研究所 schools=学校 "
        "universities=大学 department=系",
    ),
    (
        Kind.ORGANISATION,
        "队 俱乐部 军 联 会",
        "球队 队 队伍 俱乐部 球会 战队 军队 部队 乐队 乐团 组合 团体 乐团 球团",
        "team=球队 club=俱乐部 army=军队 band=乐队 teams=球队 group=团体 groups=团体 force=部队",
    ),
    (
        Kind.ORGANISATION,
        "部 局 委员会 院 会 署 处 厅 组织 协会 党 联盟 中心 法院 政府 议会 基金会 机构 台",
        "机构 部门 组织 单位 政党 党 委员会 协会 联盟 法院 政府 机关 局 电视台 媒体 报纸 频道 "
        "团队 支部 实体 党派 主管机构 党组织",
        "organization=组织 organisation=组织 agency=机构 committee=委员会 party=政党 court=法院 "
        "institution=机构 government=政府 body=机构 association=协会 union=联盟 network=电视台 "
        "channel=频道 ministry=部门 council=委员会 league=联盟 commission=委员会 "
        "organizations=组织 entity=机构 entities=机构 newspaper=报纸 institutions=机构 "
        "parties=政党",
    ),
    (
        Kind.PERSON,
        "",
        "人 人物 作家 演员 导演 歌手 球员 教授 科学家 皇帝 总统 国王 主席 校长 学者 诗人 画家 "
        "将军 选手 运动员 艺术家 作者 设计师 建筑师 总理 市长 主教练 教练 父亲 母亲 妻子 丈夫 "
        "儿子 女儿 哥哥 弟弟 姐姐 妹妹 创始人 创办人 领导人 领袖 主角 女主角 男主角 女神 皇后 "
        "君主 队长 博士 专家 院士 老师 代表 书记 主任 负责人 发明家 哲学家 工程师 编剧 作曲家 "
        "明星 英雄 神祇 神 皇族 君王 大臣 官员 配音员 声优 主持人 制作人 角色 会长 董事长 总裁 "
        "经理 总经理 艺人 音乐家 记者 前辈 对手 老板 秘书长 师父 老师 徒弟 王 上将 司令 爵士 "
        "漫画家 飞行员 宇航员 四分卫 客人 女演员 男演员 传教士 神学家 朋友 姓名 嘉宾 前任 "
        "继任者 接班人 祖父 孙子 编导 原作者 研究人员 探险家 校友",
        "person=人 man=人 woman=人 people=人 author=作家 writer=作家 actor=演员 actress=演员 "
        "director=导演 singer=歌手 player=球员 players=球员 professor=教授 scientist=科学家 "
        "scientists=科学家 emperor=皇帝 president=总统 king=国王 queen=女王 chairman=主席 "
        "scholar=学者 poet=诗人 painter=画家 general=将军 athlete=运动员 artist=艺术家 "
        "designer=设计师 architect=建筑师 minister=总理 mayor=市长 coach=教练 father=父亲 "
        "mother=母亲 wife=妻子 husband=丈夫 son=儿子 daughter=女儿 brother=哥哥 sister=妹妹 "
        "founder=创始人 leader=领导人 leaders=领导人 character=角色 doctor=博士 expert=专家 "
        "engineer=工程师 philosopher=哲学家 inventor=发明家 composer=作曲家 quarterback=四分卫 "
        "khan=可汗 governor=总督 researcher=研究人员 secretary=秘书长 explorer=探险家 "
        "economist=经济学家 mathematician=数学家 physicist=物理学家 historian=历史学家 "
        "alumni=校友 alumnus=校友 biologist=生物学家 theologian=神学家 monarch=君主 ruler=君主 "
        "reformer=改革家 pope=教皇 bishop=主教 officer=官员 official=官员 astronaut=宇航员 "
        "individual=人 celebrity=明星 guest=嘉宾 linebacker=线卫 commander=司令 teacher=老师 "
        "senator=参议员 duke=公爵 prince=王子 princess=公主 chemist=化学家",
    ),
    (
        Kind.NAME,
        "书 经 集 传 志 记 史 曲 歌 剧 片 法 条约 条例 协定 协议 宣言 法案 章程 报 刊 措施 意见 "
        "办法 规定 方案 计划",
        "书 小说 作品 著作 电影 影片 电视剧 节目 歌 歌曲 专辑 单曲 杂志 文章 论文 剧 剧集 动画 "
        "漫画 游戏 唱片 主题曲 诗 曲 文献 典籍 戏剧 法律 条约 协议 条例 法案 刊物 诗歌 文件 "
        "报告 剧本 书籍 曲目 音乐剧 歌剧 丛书 片 史书 期刊 法令 宣言 规定 政策 办法 影集 纪录片 "
        "故事",
        "book=书 novel=小说 work=作品 movie=电影 film=电影 show=节目 song=歌曲 album=专辑 "
        "magazine=杂志 article=文章 paper=论文 series=剧集 game=游戏 poem=诗 law=法律 "
        "treaty=条约 agreement=协议 act=法案 report=报告 document=文件 journal=期刊 opera=歌剧 "
        "story=故事 policy=政策 books=书 hymn=歌曲 episode=剧集 program=节目 publication=刊物 "
        "legislation=法律",
    ),
    (
        Kind.NAME,
        "",
        "名称 名字 名 全称 全名 简称 俗称 别名 别称 昵称 绰号 外号 英文名 英文名称 艺名 本名 "
        "原名 真名 学名 字 号 名号 笔名 称号 外文名 别号 封号 谥号 庙号 年号 旧称 称呼 美誉 "
        "代号 花名 术语 词 名词 口号 校训 座右铭 头衔 标题 题目 译名 品名 主题 中文名 法号 书名 "
        "概念",
        "name=名称 nickname=昵称 term=术语 title=称号 word=词 motto=口号 names=名称 phrase=词 "
        "slogan=口号 abbreviation=简称 acronym=简称 terms=术语 concept=概念",
    ),
    (
        Kind.OTHER,
        "奖 奖项 奖牌 冠军 亚军 第一 大奖 金牌 银牌 铜牌",
        "奖 奖项 大奖 荣誉 殊荣 奖牌 成绩 名次",
        "award=奖项 prize=奖项 honor=荣誉 medal=奖牌 awards=奖项 trophy=奖项",
    ),
    (
        Kind.OTHER,
        "色",
        "颜色 色 色彩",
        "color=颜色 colour=颜色 colors=颜色",
    ),
    (
        Kind.OTHER,
        "语 文 话",
        "语言 语 语种 文字 方言",
        "language=语言 languages=语言",
    ),
    (
        Kind.OTHER,
        "族 人",
        "民族 族 种族 族群 部落",
        "ethnicity=民族 tribe=部落 ethnic=民族 tribes=部落",
    ),
    (
        Kind.OTHER,
        "教 派 宗",
        "宗教 教 教派 教会 宗派 信仰",
        "religion=宗教 church=教会 denomination=教派 faith=信仰",
    ),
    (
        Kind.OTHER,
        "学 系 专业",
        "学科 专业 学问 领域 科目",
        "subject=学科 field=领域 discipline=学科 major=专业 degree=学位",
    ),
    (
        Kind.OTHER,
        "博士 硕士 学士 学位",
        "学位 学历",
        "",
    ),
    (
        Kind.OTHER,
        "战 战役 战争 之役 之战 起义 事变 事件 运动 革命 条约 会战",
        "战役 战争 事件 战 运动 起义 革命 冲突",
        "battle=战役 war=战争 event=事件 movement=运动 conflict=冲突 revolution=革命 events=事件",
    ),
    (
        Kind.OTHER,
        "杯 赛 联赛 锦标赛 奥运会 运动会 会 节",
        "比赛 赛事 联赛 活动 锦标赛 大赛 节日 会议 运动会 典礼 仪式",
        "game=比赛 match=比赛 tournament=赛事 competition=比赛 festival=节日 conference=会议 "
        "ceremony=仪式 bowl=比赛",
    ),
    (
        Kind.OTHER,
        "线 铁路 号线",
        "线路 铁路 线 路线 地铁 航线",
        "line=线路 railway=铁路",
    ),
    (
        Kind.OTHER,
        "科 属 目 纲 门 种 亚科 类",
        "科 属 目 纲 科目 物种 种 生物 动物 植物 鱼类",
        "species=物种 genus=属 family=科 animal=动物 plant=植物 animals=动物 organism=生物",
    ),
    (
        Kind.OTHER,
        "病 症 炎 癌 瘤 疫",
        "疾病 病 病症 症状 癌症",
        "disease=疾病 illness=疾病 plague=疾病 cancer=癌症",
    ),
    (
        Kind.OTHER,
        "罪",
        "罪 罪名 罪行",
        "crime=罪名 charge=罪名",
    ),
    (
        Kind.OTHER,
        "长 员 师 官 家 任 总统 教授 书记 总理 秘书 经理 主席 职 手 卫 锋 将 督 使 卿 士 尉 校 "
        "爵 公 侯",
        "职位 职务 职业 职 身份 官职 官 工作 爵位 军衔 场上位置 职称 头衔 岗位 角色",
        "position=职位 job=职业 occupation=职业 profession=职业 rank=军衔 role=角色 office=职位 "
        "post=职位",
    ),
    (
        Kind.OTHER,
        "星 座 星系 星团",
        "星座 星系 行星 卫星 天体",
        "constellation=星座 planet=行星 galaxy=星系",
    ),
    (
        Kind.OTHER,
        "式 法 术 技术 方法 工艺 系统 机",
        "方式 方法 技术 工艺 系统 手段 手法 形式 模式 技巧 制度 体系 措施 做法 机制",
        "method=方法 technology=技术 technique=技术 system=系统 process=工艺 systems=系统 "
        "methods=方法",
    ),
    (
        Kind.OTHER,
        "论 学说 主义 定理 定律 理论 观 思想 原理 说",
        "理论 思想 学说 主义 定理 定律 理念 原则 观点 哲学 流派",
        "theory=理论 principle=原则 theorem=定理 philosophy=哲学 ideology=主义",
    ),
    (
        Kind.OTHER,
        "型 类 式 性 类型 机",
        "类型 型 型号 种类 形式 风格 机型 性质",
        "type=类型 kind=种类 sort=种类 style=风格 types=类型 kinds=种类",
    ),
    (
        Kind.OTHER,
        "形 状 形状",
        "形状 形 外形",
        "shape=形状",
    ),
    (
        Kind.OTHER,
        "气 素 酸 物 体 剂 铁 钢 铜 石 木 金 银 碱 盐 水 油",
        "材料 元素 物质 气体 材质 原料 化合物 成分 食材 金属 燃料 矿物",
        "material=材料 element=元素 substance=物质 gas=气体 materials=材料 compound=化合物 "
        "metal=金属 fuel=燃料 chemical=物质",
    ),
    (
        Kind.OTHER,
        "车 机 舰 船 艇 炮 枪 弹 箭 号",
        "车 飞机 舰 船 武器 交通工具 车型 战舰 飞船 列车 火箭 设备",
        "ship=船 car=车 plane=飞机 vehicle=交通工具 weapon=武器 aircraft=飞机 rocket=火箭 "
        "spacecraft=飞船",
    ),
    (
        Kind.OTHER,
        "气候 季风",
        "气候",
        "climate=气候",
    ),
    (
        Kind.OTHER,
        "鱼 虫 虾 类 肉 果 草 叶 子 物 昆虫",
        "食物 食材 猎物 主食 料理 饮食 菜 水果 食品",
        "food=食物 foods=食物",
    ),
)
"""Kind; how such things end; Chinese nouns; English ones, the Chinese one behind = or the first."""


@cache
def nouns() -> dict[str, Noun]:
    """Return what is known of nouns, by the Chinese noun and by the English one."""
    found: dict[str, Noun] = {}
    for kind, endings, chinese, english in _NOUNS:
        names = chinese.split()
        for name in names:
            found.setdefault(name, Noun(name, kind, tuple(endings.split())))
        for pair in english.split():
            word, _, name = pair.partition("=")
            found.setdefault(word, Noun(name or names[0], kind, tuple(endings.split())))
    return found
