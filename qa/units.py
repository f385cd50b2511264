"""Measure words and units, grouped by what they measure; in search form. Knows no questions."""

from __future__ import annotations

import re
from functools import cache

_MEASURES = {
    "length": "米 公里 千米 厘米 毫米 微米 纳米 公分 公尺 里 华里 英里 英尺 英寸 英呎 呎 尺 寸 丈 "
    "海里 浬 光年 "
    "码 km cm mm m metres metre meters meter kilometres kilometers centimetres centimeters miles "
    "mile feet foot ft inches inch yards yard light-years",
    "area": "平方米 平方公尺 平方公里 平方千米 平方英里 平方英尺 平方厘米 平米 亩 公顷 英亩 坪 "
    "km2 m2 "
    "square acres acre hectares hectare",
    "volume": "立方米 立方公里 立方厘米 升 毫升 公升 加仑 立方 桶 m3 litres liters gallons "
    "barrels cubic",
    "weight": "吨 公吨 公斤 千克 克 斤 毫克 磅 两重 盎司 kg g tons tonnes pounds lb kilograms "
    "grams "
    "gigatons",
    "money": "元 块钱 块 美元 港元 港币 日元 日圆 英镑 欧元 人民币 新台币 台币 法郎 卢布 马克 "
    "美金 银元 银圆 "
    "白银 dollars dollar euros pounds yuan rmb cents",
    "time": "年 个月 月 天 日 小时 个小时 钟头 分钟 分 秒钟 秒 毫秒 周 周年 个星期 星期 礼拜 世纪 "
    "个世纪 季度 "
    "季 昼夜 夜 years year months month weeks week days day hours hour minutes minute seconds "
    "second "
    "decades centuries",
    "age": "岁 周岁 years-old years",
    "percent": "% ‰ 成 百分点 个百分点 percent per-cent",
    "temperature": "℃ ℉ °c °f 度 摄氏度 华氏度 k degrees",
    "speed": "公里/小时 公里/时 千米/小时 米/秒 英里/小时 转/分钟 km/h mph m/s 节 马赫",
    "energy": "千瓦 兆瓦 瓦 千瓦时 伏 伏特 赫兹 兆赫 千赫 马力 卡路里 大卡 千卡 kw mw w hz mhz "
    "khz ghz hp "
    "volts watts horsepower",
    "data": "字节 比特 kb mb gb tb mbps kbps gbps bits bytes",
    "times": "倍 times",
}
_COUNTING = (
    "个 家 户 间 所 名 位 人 口 员 条 项 次 场 类 处 支 种 座 栋 幢 艘 架 辆 台 部 本 卷 册 集 首 "
    "张 件 份 "
    "篇 章 段 句 字 页 层 级 届 期 代 轮 回 颗 粒 枚 只 头 匹 尾 株 棵 朵 片 根 门 班 组 对 双 套 "
    "副 幅 面 道 "
    "顶 队 团 师 步 局 盘 胜 球 票 席 站 线 号 室 房 床 村 镇 县 市 省 州 国 校 院 系 党 派 族 点 "
    "股 批 趟 遍 "
    "把 尊 样 方 则 宗 起 例 节 课 款 档 环 科 属 目 人次 名额 公民 居民 城市 国家 学生 员工 字母 "
    "窝 辑 朝 区 层楼 "
    "区域 学校 地区 阶段 部分 车道 月台 轨道 乡 街道 岛 组织 路"
)
_ALIKE = (
    "人 名 位 口 员 人次 居民 公民",
    "家 户 间 所",
    "座 栋 幢 处",
    "本 册 卷 部 套",
    "集 期 话 回 章",
    "次 趟 遍",
)

_ENGLISH_NOUNS = {
    "books volumes titles": "册 本 部 套 卷 种",
    "people persons men women children members employees workers staff students teachers pupils "
    "residents participants players soldiers visitors graduates experts officials doctors "
    "patients cadres": "名 人 位 口 员",
    "companies company enterprises firms businesses factories shops households banks hotels "
    "restaurants stores": "家 户 间 所 个",
    "schools hospitals universities colleges museums libraries": "所 家 座 间 个",
    "times": "次 回 遍 趟 场 度",
    "meetings events activities lectures matches games fairs trainings sessions": "次 场 个 项 届",
    "vehicles cars trucks buses": "辆 台 部",
    "buildings towers bridges mountains temples": "座 栋 幢 处 个",
    "villages": "个 村",
    "jobs positions posts": "个 名 人",
    "organizations organisations branches committees alliances groups teams": "个 家 支",
    "problems issues projects measures tasks cases items": "个 项 件 条",
    "songs": "首 支 个",
    "articles papers": "篇 份 个",
}
_COUNTING_NOUNS = {
    noun: tuple(units.split()) for nouns, units in _ENGLISH_NOUNS.items() for noun in nouns.split()
}
COUNTS = tuple(_COUNTING.split())
"""Measure words that count things, the general one first."""


@cache
def units_of(measure: str) -> tuple[str, ...]:
    """Return the units of a measure (length, area, volume, weight, money, time, age, percent, …).

    Raises:
        KeyError: for a measure that is not known.
    """
    return tuple(unit.replace("-", " ") for unit in _MEASURES[measure].split())


@cache
def agreeing(unit: str) -> tuple[str, ...]:
    """Return the units that answer a question for `unit`, itself first; empty when unknown."""
    for measure, units in _MEASURES.items():
        if unit in units.split():
            return (unit, *(other for other in units_of(measure) if other != unit))
    if unit == COUNTS[0]:
        return COUNTS
    alike = next((group.split() for group in _ALIKE if unit in group.split()), [unit])
    found = [unit, *(other for other in alike if other != unit), COUNTS[0]]
    return tuple(found) if unit in COUNTS else ()


def counting(noun: str) -> tuple[str, ...]:
    """Return the measure words that count what an English noun names, or nothing."""
    return _COUNTING_NOUNS.get(noun, ())


@cache
def unit_pattern() -> str:
    """Return the pattern of one unit, longest first; Latin ones end at a word's end."""
    known = {*COUNTS, *(unit for measure in _MEASURES for unit in units_of(measure))}
    longest_first = sorted(known, key=lambda unit: (-len(unit), unit))
    chinese = [re.escape(unit) for unit in longest_first if not unit[-1].isascii() or unit == "%"]
    latin = [re.escape(unit) for unit in longest_first if unit[-1].isascii() and unit != "%"]
    return rf"(?:{'|'.join(chinese)}|(?:{'|'.join(latin)})(?![a-z]))"
