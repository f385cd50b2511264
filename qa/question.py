"""What kind of answer a question wants, and where a sentence has something of that form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from embeddings.lexical import search_form
from embeddings.records import Span


class Kind(StrEnum):
    """What is asked for."""

    NUMBER = "number"
    DATE = "date"
    OTHER = "other"
    SMALL_TALK = "small_talk"


_SMALL_TALK = re.compile(
    r"^(?:(?:你|您)好(?:啊|呀|吗)?|嗨|哈喽|喂|在吗|早上好|下午好|晚上好"
    r"|谢谢(?:你|您)?|多谢|再见|拜拜"
    r"|(?:你|您)(?:是谁|叫什么(?:名字)?|会(?:做)?什么|能做什么|能干什么)"
    r"|hi|hello|hey|thanks?(?: you)?|bye|who are you|what can you do|how are you)"
    r"[\s!?。,.~呀啊吗]*$"
)
_NUMBER = re.compile(
    r"多少|几(?:家|个|名|位|人|条|项|次|场|类|处|支|种|天|年|元|吨|公里|成|趟|倍)"
    r"|多大|多长|多高|多远|多重"
    r"|how (?:many|much|long|big|large|far|high)\b"
)
_DATE = re.compile(
    r"什么时候|何时|哪一?年|哪一?天|哪一?月|几月|几号|几点|哪日|什么时间|多久"
    r"|\bwhen\b|\bwhat (?:date|year|month|time)\b|\bwhich (?:date|year|month)\b|how often"
)
_NUMERAL = r"(?:\d[\d,.]*|[〇零一二三四五六七八九十百千万亿两半]{1,8})"
_QUANTITY = re.compile(
    rf"(?:近|约|超|逾|达)?{_NUMERAL}(?:余|多)?(?:[十百千万亿]+)?(?:余|多)?"
    r"(?:平方米|公里|[\u4e00-\u9fff%])?"
)
_MOMENT = re.compile(
    r"(?:\d{4}年|今年|去年|明年|当年|每年)?(?:\d{1,2}月)?(?:\d{1,2}[日号])?(?:[上下]午)?"
    r"(?:\d{1,2}(?:[:：]\d{2}|点|时))?(?:[上中下]旬)?(?:份)?|每(?:半年|季度|月|周|天)"
)


_SOLID = re.compile(r"\d|[一二三四五六七八九十百千万亿两半年]")


def kind_of(question: str) -> Kind:
    """Return what `question`, in any script, asks for."""
    plain = search_form(question).strip()
    if _SMALL_TALK.match(plain):
        return Kind.SMALL_TALK
    if _NUMBER.search(plain):
        return Kind.NUMBER
    return Kind.DATE if _DATE.search(plain) else Kind.OTHER


def marks_in(text: str, question: str, kind: Kind) -> tuple[Span, ...]:
    """Return the spans of `text` that have the wanted form and are not said in the question."""
    patterns = {Kind.NUMBER: _QUANTITY, Kind.DATE: _MOMENT}
    if kind not in patterns:
        return ()
    asked = search_form(question)
    return tuple(_spans(patterns[kind], text, asked))


def _spans(pattern: re.Pattern[str], text: str, asked: str) -> Iterator[Span]:
    for match in pattern.finditer(text):
        solid = len(match[0]) > 1 and _SOLID.search(match[0])
        if solid and search_form(match[0]) not in asked:
            yield Span(*match.span())
