"""Each part taken away changes the answers that it makes and no other; the table of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.ablation import Variant, gold_set, measure, squad_set, to_markdown, with_parts
from benchmarks.answers import BY_HAND, COLUMNS, VARIANTS, Forgetful
from embeddings.build import build
from embeddings.encoder import TokenStates
from embeddings.lexical import Tokenizer
from qa import squad
from qa.bot import Bot
from qa.conversation import Turn
from qa.evidence import PASSAGE_FEATURES, SENTENCE_FEATURES, Evidence
from qa.found import Parts
from qa.kinds import Kind
from qa.question import analyse
from qa.question_files import Question
from qa.ranking import Ranking
from qa.read_support import ReadSupport
from qa.reader import SentenceReader
from qa.records import Reason
from qa.squad import GoldAnswer, SquadFile, SquadQuestion
from qa.support import Support
from tests.benchmarks.test_ablation import SURE, Characters, always
from tests.rankings import ranking_by

FAIR = (
    "灯会从正月初一开到十五，街上人山人海，四方的游客都赶来看热闹，一直到半夜才散去；"
    "門票每張35元，老人和孩子減半，學生憑證也可以減半，售票處設在東門外的廣場上；"
    "停车的地方在东门外，外地来的车要早些到，晚了就没有位置，只好停到河对岸去；"
    "灯谜猜中了有奖，奖品有糖人、风车和小灯笼，每人每晚最多可以领三样，先到先得。"
)
GATE = "山门的匾额由康熙皇帝题写，字很大。山门的匾额，读者应知道，是后人仿的。"
PAGES = {
    "书.txt": "书院的学生很多，书院的学生都爱书。\n\n今年招收学生４２０名。\n",
    "泉.txt": "趵突泉在城南的山脚下。它一年四季水温不变。\n\n黑虎泉旁有古树。\n",
    "灯.txt": FAIR + "\n",
    "柿.txt": "后院有柿子树百棵。卖柿子的喊着柿子又软又甜。\n",
}
CUT = "門票每張35元，老人和孩子減半，學生憑證也可以減半，售票處設在東門外的廣場上"

RANKING = ranking_by({"terms": 5.0}, {"terms": 10.0, "form": 10.0}, lift=0.5)

ASKED: dict[str, tuple[str, ...]] = {
    "山门的匾额是谁题写的？": (),
    "书院的学生有多少名？": (),
    "趵突泉的水温怎样？": (),
    "灯会的门票每张多少元？": (),
    "讲讲柿子。": (),
    "它在哪里？": ("趵突泉的水温怎样？",),
}
"""Questions, and the turns before."""

SAID = [
    "山门的匾额，读者应知道，是后人仿的。",
    "今年招收学生４２０名。",
    "趵突泉在城南的山脚下。它一年四季水温不变。",
    CUT,
    "后院有柿子树百棵。",
    "趵突泉在城南的山脚下。",
]

CROWDED = "书院的学生很多，书院的学生都爱书。"

NEARER = "卖柿子的喊着柿子又软又甜。"
"""By its cosine; the words alone, by which `RANKING` goes, are the same as in the one before."""

OTHERWISE: dict[str, dict[int, str]] = {
    "everything": {},
    "everything but reading": {0: "山门的匾额由康熙皇帝题写，字很大。"},
    "everything but question types": {
        1: CROWDED + "今年招收学生４２０名。",
        2: "趵突泉在城南的山脚下。",  # that the other one answers a question of how is not seen
        3: FAIR,  # nor that one fact is asked for
    },
    "everything but neighbours": {2: "趵突泉在城南的山脚下。"},
    "everything but shortening": {3: FAIR},
    "everything but fitted weights": {4: NEARER},
    "everything but reading and fitted weights": {
        0: "山门的匾额由康熙皇帝题写，字很大。",
        1: CROWDED,
        4: NEARER,
    },
    "everything but completion": {5: "它一年四季水温不变。"},
}
"""What each variant says in another way, by the number of the question."""


class Scholar(SentenceReader):
    """Prefers the sentence that speaks of readers (读) to a question about a tablet (匾)."""

    __slots__ = ()

    def __call__(self, question: TokenStates, sentence: TokenStates, weight: float) -> float:
        return weight + 40.0 * (ord("匾") in question.ids and ord("读") in sentence.ids)


def encoder() -> Characters:
    return Characters("山门匾额书院学生趵突泉水温黑虎灯会票柿子树")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    folder = tmp_path_factory.mktemp("answers")
    squad.write_contexts([GATE], folder / "pages")
    for name, text in PAGES.items():
        (folder / "pages" / name).write_text(text, encoding="utf-8")
    build(folder / "pages", folder / "index", encoder(), tokenizer)
    return folder / "index"


@pytest.fixture(autouse=True)
def _fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that can be worked out by hand, whatever is asked."""
    fits = {
        Ranking: RANKING,
        SentenceReader: Scholar({}, ()),
        Support: always(9),
        ReadSupport: SURE,
    }
    for sort, fit in fits.items():
        monkeypatch.setattr(sort, "unseen", lambda texts, fit=fit: fit)


def bot_of(variant: Variant, index: Path, tokenizer: Tokenizer) -> Bot:
    return squad_set(SquadFile("泉.json", ()), index).bot(variant, encoder(), tokenizer)


def test_every_variant_is_looked_at() -> None:
    assert list(OTHERWISE) == list(VARIANTS)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_part_changes_its_answers_and_no_other(
    name: str, index: Path, tokenizer: Tokenizer
) -> None:
    bot = bot_of(VARIANTS[name], index, tokenizer)
    said = [bot.ask(question, history).text for question, history in ASKED.items()]
    assert said == [OTHERWISE[name].get(at, text) for at, text in enumerate(SAID)]


def test_without_question_types_nothing_is_marked(index: Path, tokenizer: Tokenizer) -> None:
    question = "书院的学生有多少名？"
    marks = []
    for parts in (Parts(), Parts(kinds=False)):
        (*_, sentence) = bot_of(with_parts(parts), index, tokenizer).ask(question).sentences
        marks.append([mark.of(sentence.text) for mark in sentence.marks])
    assert marks == [["４２０名"], []]


@pytest.mark.parametrize("question", ["你好", "谢谢！", "您好嗎"])
@pytest.mark.parametrize("name", VARIANTS)
def test_small_talk_stays_small_talk(
    name: str, question: str, index: Path, tokenizer: Tokenizer
) -> None:
    answer = bot_of(VARIANTS[name], index, tokenizer).ask(question, ["趵突泉的水温怎样？"])
    assert answer.reason is Reason.SMALL_TALK


@pytest.mark.parametrize("question", ["书院的学生有多少名？", "為什麼？", "Who wrote it?", ""])
def test_what_is_wanted_is_read_with_question_types_alone(question: str) -> None:
    assert Parts().wanted(question) == analyse(question)
    unread = Parts(kinds=False).wanted(question)
    assert (unread.kind, unread.units, unread.before, unread.after) == (Kind.OTHER, (), "", "")


@pytest.mark.parametrize("before", ["趵突泉的水温怎样？", Turn("趵突泉的水温怎样？", "不变。")])
def test_without_completion_each_question_is_the_first(
    before: str | Turn, index: Path, tokenizer: Tokenizer
) -> None:
    bot = bot_of(VARIANTS["everything but completion"], index, tokenizer)
    assert isinstance(bot, Forgetful)
    assert bot.ask("它在哪里？", [before]) == bot.ask("它在哪里？")
    limited = bot.ask("它在哪里？", [before], ["书.txt"])
    assert {one.source for one in limited.citations} == {"书.txt"}
    assert not bot.ask("它在哪里？", [before], dates=("2021-01-01", None)).nearest


def test_weights_by_hand() -> None:
    """Two passages of one sentence and of two, told by cosines and by the question's words."""
    passages = np.zeros((2, len(PASSAGE_FEATURES)), np.float32)
    sentences = np.zeros((3, len(SENTENCE_FEATURES)), np.float32)
    for name, values in {"dense": (0.9, 0.85), "sentence": (0.9, 0.9), "terms": (0, 1)}.items():
        passages[:, PASSAGE_FEATURES.index(name)] = values
    for name, parts in {"cosine": (0.9, 0.8, 0.9), "terms": (0, 1, 1)}.items():
        sentences[:, SENTENCE_FEATURES.index(name)] = parts
    for name in set(PASSAGE_FEATURES) - {"dense", "sentence", "terms"}:
        passages[:, PASSAGE_FEATURES.index(name)] = 7
    found = BY_HAND(Evidence(passages, sentences, np.array([0, 1])))
    # 0.05 of the passage's cosine weighs 0.6 * 0.05 / 0.02 nats, its words 3.
    assert found.passages[1] - found.passages[0] == pytest.approx(3 - 1.5, abs=1e-4)
    # 0.1 of a sentence's cosine weighs 0.1 / 0.02 nats.
    assert found.sentences[2] - found.sentences[1] == pytest.approx(5, abs=1e-4)


def rows() -> list[dict[str, object]]:
    evidence = [{"source": "泉.txt", "quote": "趵突泉在城南的山脚下"}]
    answers = [["城南"]]
    number = [{"source": "书.txt", "quote": "今年招收学生４２０名"}]
    return [
        {"id": "1", "kind": "number", "question": "书院的学生有多少名？", "answers": [["４２０"]],
         "evidence": number},
        {"id": "2", "kind": "followup", "question": "它在哪里？", "answers": answers,
         "history": ["趵突泉的水温怎样？"], "evidence": evidence},
        {"id": "3", "kind": "unanswerable", "question": "书院的厨师是谁？"},
    ]  # fmt: skip


def test_the_table(index: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(row) for row in rows())
    (tmp_path / "问题.jsonl").write_text(lines, encoding="utf-8")
    gold = (GoldAnswer("后人", GATE.index("后人")),)
    tablet = SquadQuestion(Question("1", "山门的匾额是谁题写的？"), GATE, gold)
    sets = [
        gold_set(tmp_path / "问题.jsonl", index),
        squad_set(SquadFile("门.json", (tablet,)), index),
    ]
    names = ["everything", "everything but reading", "everything but completion"]
    chosen = {name: VARIANTS[name] for name in names}
    found = list(measure(chosen, sets, encoder(), tokenizer, columns=COLUMNS))
    assert "\n".join(to_markdown(sets, found, COLUMNS)) == (
        "|  | 问题 answer | 问题 cited | 问题 followup answer | 问题 refused "
        "| 问题 false_refusal | 门 cites |\n"
        "| --- | --: | --: | --: | --: | --: | --: |\n"
        "| everything | 1.000 | 1.000 | 1.000 | 0.000 | 0.000 | 1.000 |\n"
        "| everything but reading | 1.000 | 1.000 | 1.000 | 0.000 | 0.000 | 0.000 |\n"
        "| everything but completion | 0.500 | 0.500 | 0.000 | 0.000 | 0.000 | 1.000 |"
    )
