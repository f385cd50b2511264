"""The names of places in a question that end as places are named: 历下区, 单县, 仓前街道.

The dictionary's parts of speech know few of them. Patterns only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_ENDS = "省|市|县|区|镇|乡|村|州|旗|街道|街|路"
_WHOLE = re.compile(
    rf"(?P<name>[\u4e00-\u9fff]{{2,5}}?)(?:{_ENDS})|(?P<one>[\u4e00-\u9fff])县"  # 单县, 曹县
)
# A name that the dictionary lacks may be cut behind its ending: 章丘 区有 多少.
_END = re.compile(rf"(?P<end>{_ENDS})[有在是和与及去共内里]?")
_NAME = re.compile(r"[\u4e00-\u9fff]{2,4}")
# 哪个省 asks for one, 每一旗 means all; and 青海地区 ends in 地区.
_NO_NAME = re.compile(r"[哪什么几每条个位种]|多少|[一二两三四五六七八九十][个条]?$|地$")

_NOT_NAMES = re.compile(
    "城|社|园|校|郊|山|景|地|小|辖|市|县|片|新|老|旧|特|灾|滩|库|矿|林|牧|战|军|选|厂|街|港|专|禁|营|都|"
    "股|超|门|夜|上|楼|集|闹|黑|省|古|重|乡|家|故|农|渔|国|红|党|锦|神|九|全|本|各|该|我|这|那|某|外|多|整|"
    "大|邻|道|铁|公|马|出|思|线|问|网|水|陆|航|半|同|有|无|让|走|路|城市|开发|高新|经济|工业|商业|住宅|自治|"
    "保护|风景|示范|试验|实验|度假|旅游|保税|中心|生活|办公|居住|商务|功能|产业|服务|休息|作业|安全|危险|重点|"
    "文化|居民|沿海|内陆|[东西南北中]部|地级|县级|直辖|副省级|行政|自然|贫困|周边|主城|老城|新城|步行|高速"
)
"""With an ending they are words of the language and no names (城区, 超市, 农村, 铁路)."""


def divisions(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield how each division may be written: 历下区, 历下; 曹县 only so.

    Args:
        words: of a question, in search form, in their order.
    """
    for at, word in enumerate(words):
        if found := _WHOLE.fullmatch(word):
            name, full = found["name"] or found["one"], word
        elif at and (found := _END.fullmatch(word)) and _NAME.fullmatch(words[at - 1]):
            name, full = words[at - 1], words[at - 1] + found["end"]
        else:
            continue
        if not (_NOT_NAMES.fullmatch(name) or _NO_NAME.search(name)):
            yield (full, name) if len(name) > 1 else (full,)
