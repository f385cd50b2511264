"""Follow-ups are completed from the turns before; other questions stay as they are."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.lexical import Tokenizer
from qa.bot import Bot
from qa.conversation import ANSWERED_TURNS, Turn, complete, recall

FIRST = "天桥区有多少家直播电商企业？"
OTHER = "东明县年纪最轻的乡镇长是谁？"
SHARED = Path(__file__).parents[3] / "shared"


def completed(question: str, history: Sequence[str | Turn], tokenizer: Tokenizer) -> str:
    """Complete a question whose earlier turns are all refused, as far as they are answered."""
    return complete(question, recall(question, history, tokenizer, lambda asked: ""), tokenizer)


@pytest.mark.parametrize(
    "question",
    [
        "济南高新区“两新”组织这一块，现在总共建了多少个党组织？",
        "那济阳区2024年走访了多少家企业？",
        "还有哪些地方成立了“党建联盟”？",
        "“泉通APP”是谁开发的？",
        "济南在哪里？",
        "东明县是谁管的？",
        "世界上最高的山有多高？",
        "西红柿炒鸡蛋怎么做才好吃？",
        "你今天心情怎么样？",
        "那不勒斯在哪个国家？",
        "其他国家的人工智能产业发展情况怎么样，跟国内的有哪些不同的地方？",
        "維他命C有什麼作用？",
        "Who heads the development zone of Jinan?",
        "How many people live in Berlin and what do they do?",
        "What is it called when a gas turns into a liquid?",
        "谢谢！",
        "？？？",
        " \n",
    ],
)
def test_a_new_topic_stands_alone(question: str, tokenizer: Tokenizer) -> None:
    assert complete(question, [Turn(FIRST, "直播电商企业100余家。")], tokenizer) == question


@pytest.mark.parametrize("history", [[], ["", " \n"], ["谢谢", "你好！", "好的。", "？"]])
def test_nothing_before_nothing_to_complete(history: list[str], tokenizer: Tokenizer) -> None:
    assert completed("那从业人员呢？", history, tokenizer) == "那从业人员呢？"


def test_small_talk_and_empty_turns_are_no_topic(tokenizer: Tokenizer) -> None:
    history = [FIRST, "谢谢！", "", "好的", "..."]
    assert completed("那济阳区呢？", history, tokenizer) == "济阳区有多少家直播电商企业？"


def test_a_chain_keeps_its_topic_until_a_new_one(tokenizer: Tokenizer) -> None:
    chain = [FIRST, "那济阳区呢？", "2020年呢？"]
    assert completed("在哪里？", chain, tokenizer) == "济阳区2020年的直播电商企业在哪里？"
    assert completed("那曹县呢？", [*chain, OTHER], tokenizer) == "曹县年纪最轻的乡镇长是谁？"


def test_completed_turns_and_words_are_the_same(tokenizer: Tokenizer) -> None:
    whole = "济阳区有多少家直播电商企业？"
    assert completed("在哪里？", [FIRST, "那济阳区呢？"], tokenizer) == completed(
        "在哪里？", [Turn(whole, "")], tokenizer
    )


def test_a_question_made_of_words_of_the_answer_goes_on_from_it(tokenizer: Tokenizer) -> None:
    question = "直播电商的从业人员一般有多少名？"
    said = "逐渐成为拥有直播电商企业100余家、从业人员近千人的网红聚集区。"
    assert complete(question, [Turn(FIRST, "")], tokenizer) == question
    assert complete(question, [Turn(FIRST, said)], tokenizer).startswith("天桥区的直播电商企业")


def test_the_answer_says_who_was_meant(tokenizer: Tokenizer) -> None:
    asked = "压力容器的演练是在哪家公司里搞的？"
    turn = Turn(asked, "综合监管部在山东盛陶化工有限公司开展专项演练。")
    assert complete("这家公司在哪里？", [turn], tokenizer) == "山东盛陶化工有限公司在哪里？"
    refused = complete("这家公司在哪里？", [Turn(asked, "")], tokenizer)
    assert refused == "压力容器的演练这家公司在哪里？"


def test_the_script_is_that_of_the_follow_up(tokenizer: Tokenizer) -> None:
    assert completed("那濟陽區呢？", [FIRST], tokenizer) == "濟陽區有多少家直播電商企業？"
    traditional = "天橋區有多少家直播電商企業？"
    assert completed("那济阳区呢？", [traditional], tokenizer) == "济阳区有多少家直播电商企业？"
    assert completed("在哪？", [traditional], tokenizer) == "天橋區的直播電商企業在哪？"


def test_traditional_characters_of_the_user_stay_as_they_are(tokenizer: Tokenizer) -> None:
    assert completed("他多大？", ["台積電的創辦人是誰？"], tokenizer) == "台積電的創辦人多大？"


class Answering:
    """Counts the questions that are answered again."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, asked: str) -> str:
        self.asked.append(asked)
        return "从业人员近千人。"


@pytest.mark.parametrize("turn", ["那济阳区呢？", FIRST, "它在哪里？", "why?"])
def test_few_turns_of_a_long_history_are_answered(turn: str, tokenizer: Tokenizer) -> None:
    answering = Answering()
    recall("那济阳区呢？", [FIRST, *[turn] * 199], tokenizer, answering)
    assert len(answering.asked) <= ANSWERED_TURNS == 3


def test_nothing_is_answered_for_a_question_that_stands_alone(tokenizer: Tokenizer) -> None:
    answering = Answering()
    assert recall(OTHER, [FIRST] * 200, tokenizer, answering) == ()
    assert answering.asked == []


def test_only_turns_that_a_follower_needs_are_answered(tokenizer: Tokenizer) -> None:
    answering = Answering()
    recall("那曹县呢？", [FIRST, "那济阳区呢？", OTHER], tokenizer, answering)
    assert answering.asked == [FIRST, OTHER]


def test_given_answers_are_not_asked_for_again(tokenizer: Tokenizer) -> None:
    answering = Answering()
    recall("那济阳区呢？", [Turn(FIRST, "100余家。"), Turn(FIRST, "")], tokenizer, answering)
    assert answering.asked == []


_PIECES = [
    "那",
    "呢？",
    "它",
    "天桥区",
    "“两新”",
    "多少",
    "家",
    "的",
    "why",
    "it ",
    "?",
    "ß",
    "😀",
    "其中",
]


@settings(max_examples=200, deadline=None)
@given(
    question=st.lists(st.sampled_from(_PIECES), max_size=8).map("".join) | st.text(max_size=30),
    history=st.lists(
        st.lists(st.sampled_from(_PIECES), max_size=8).map("".join) | st.text(max_size=30),
        max_size=4,
    ),
)
def test_any_words_are_completed_to_words(
    question: str, history: list[str], tokenizer: Tokenizer
) -> None:
    whole = completed(question, history, tokenizer)
    assert isinstance(whole, str)
    assert bool(whole.strip()) == bool(question.strip())


HISTORIES: dict[str, list[str | Turn]] = {
    "long": ["天桥区建立了几个产业链党组织？", *["那高新区呢？"] * 199],
    "empty": ["", " ", "\n\n"],
    "other language": ["Combien d'entreprises y a-t-il ?", "いくつありますか", "Сколько?"],
    "small talk": ["你好", "谢谢", "hello"],
    "refusals": [Turn("火星上有多少家企业？", ""), Turn("世界上最高的山有多高？", "")],
    "not known": [Turn("天桥区建立了几个产业链党组织？", None)],
    "endless": ["天" * 50_000, Turn("桥" * 50_000, "区" * 50_000)],
    "no text": ["\ud800", "\x00\x1b", "😀😀"],
}


@pytest.mark.parametrize("follow_up", ["那高新区呢？", "为什么？", "它在哪里？", "What about it?"])
@pytest.mark.parametrize("kind", HISTORIES)
def test_any_history_gets_an_answer_or_a_refusal(bot: Bot, kind: str, follow_up: str) -> None:
    answer = bot.ask(follow_up, history=HISTORIES[kind])
    assert answer.answered == bool(answer.citations)
    assert answer.question.strip()


def test_the_bot_answers_the_completed_question(bot: Bot) -> None:
    first = "天桥区建立几个产业链党组织？"
    words = bot.ask("那高新区呢？", history=[first])
    turns = bot.ask("那高新区呢？", history=[Turn(first, bot.ask(first).text)])
    assert words.question == turns.question == "高新区建立几个产业链党组织？"
    assert words.text == turns.text


def test_conversations_do_not_know_of_each_other(bot: Bot) -> None:
    alone = bot.ask("那高新区呢？").question
    bot.ask("那高新区呢？", history=["天桥区建立几个产业链党组织？"])
    assert bot.ask("那高新区呢？").question == alone == "那高新区呢？"


def _questions(name: str) -> list[tuple[str, str]]:
    """Return the questions of a SQuAD file, each with the beginning of its context."""
    articles = json.loads((SHARED / "data" / name).read_text("utf-8"))["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    return [(q["question"], p["context"][:200]) for p in paragraphs for q in p["qas"]]


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "data").exists(), reason="no ../shared/data beside the project")
def test_questions_of_others_are_left_alone(tokenizer: Tokenizer) -> None:
    """The worst case for `known`: the turn before was answered with a whole passage."""
    questions = _questions("cmrc_dev.json") + _questions("drcd_dev.json")
    chance = random.Random(6)
    pairs = [chance.sample(questions, 2) for _ in range(300)]
    kept = [complete(q, [Turn(*before)], tokenizer) == q for (q, _), before in pairs]
    assert sum(kept) / len(kept) >= 0.97


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "questions").exists(), reason="no ../shared/questions")
def test_first_questions_of_the_pages_are_left_alone(tokenizer: Tokenizer) -> None:
    lines = (SHARED / "questions" / "seeds_dev.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    firsts = [row["question"] for row in rows if not row.get("history")]
    before = [*firsts[1:], firsts[0]]
    whole = [complete(q, [Turn(h, "")], tokenizer) for q, h in zip(firsts, before, strict=True)]
    assert whole == firsts
