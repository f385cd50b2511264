"""What a question wants, and the words of that form."""

from __future__ import annotations

import pytest

from qa.question import Kind, kind_of, marks_in


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("天桥区有多少家直播电商企业？", Kind.NUMBER),
        ("天橋區建了幾個產業鏈黨組織?", Kind.NUMBER),
        ("How many companies did it visit?", Kind.NUMBER),
        ("学院主阵地有多大？", Kind.NUMBER),
        ("大概几月份能开始试生产?", Kind.DATE),
        ("什麼時候開始的？", Kind.DATE),
        ("When did it start?", Kind.DATE),
        ("论坛隔多久办一次？", Kind.DATE),
        ("为什么要推这套做法?", Kind.OTHER),
        ("你好！", Kind.SMALL_TALK),
        ("您好，请问天桥区有多少家企业？", Kind.NUMBER),
        ("hello", Kind.SMALL_TALK),
    ],
)
def test_kind(question: str, kind: Kind) -> None:
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
