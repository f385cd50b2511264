"""Follow-ups are completed from the turns before; other questions stay as they are."""

from __future__ import annotations

import pytest

from qa.conversation import Turn, complete, points_back

FIRST = "天桥区有多少家直播电商企业？"


@pytest.mark.parametrize(
    "question",
    [
        "那从业人员呢？",
        "还有哪些?",
        "它列了哪三张清单？",
        "為什麼能這麼快？",
        "各园区层面的呢?",
        "具体怎么做的?",
        "What about its staff?",
        "Why?",
    ],
)
def test_follow_ups(question: str) -> None:
    assert points_back(question)
    assert complete(question, [FIRST]) == f"天桥区有多少家直播电商企业，{question}"


@pytest.mark.parametrize(
    "question",
    [
        "济南高新区“两新”组织这一块，现在总共建了多少个党组织？",
        "东明县年纪最轻的乡镇长是谁?",
        "成芯半导体是哪年哪月跟开发区把约签下来的?",
        "Who heads the development zone?",
    ],
)
def test_a_new_topic_stands_alone(question: str) -> None:
    assert complete(question, [FIRST]) == question


def test_nothing_before_nothing_to_complete() -> None:
    assert complete("那从业人员呢？", []) == "那从业人员呢？"
    assert complete("那从业人员呢？", ["", " \n"]) == "那从业人员呢？"


def test_a_chain_keeps_its_topic_until_a_new_one() -> None:
    assert complete("还有呢？", [FIRST, "那从业人员呢？"]) == (
        "天桥区有多少家直播电商企业，那从业人员呢，还有呢？"
    )
    other = "东明县年纪最轻的乡镇长是谁?"
    assert complete("那他多大？", [FIRST, other]) == "东明县年纪最轻的乡镇长是谁，那他多大？"


def test_turns_and_strings_are_the_same() -> None:
    assert complete("那呢？", [Turn(FIRST, "100余家。")]) == complete("那呢？", [FIRST])
