"""True sentences, what is made of them, and a threshold that no sentence of a fit decides."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks import verification, verification_fit
from benchmarks.verification import Case, all_cases, group_of, judge, table, write_misses
from benchmarks.verification_corruptions import CORRUPTIONS, Corruptor, negation
from benchmarks.verification_facts import Fact, Passage, squad_facts
from benchmarks.verification_fit import Judged, fit, networks
from benchmarks.verification_statements import stated
from benchmarks.verification_truths import joined, reworded, rewritten, shortened, true_forms
from embeddings.lexical import Tokenizer
from qa.claim_evidence import COLUMNS
from qa.claim_words import WORD_COLUMNS
from qa.claims import tokens
from qa.kinds import Kind
from qa.verify import Evidence, odds

SENTENCE = "园区2019年3月5日动工，签约项目22个，引进企业15家。"
PASSAGE = Passage(
    0,
    (
        SENTENCE,
        "李明担任园区管理委员会主任，王芳担任书记。",
        "园区总投资2400万元，2021年10月投产。",
    ),
)
OTHER = Passage(1, ("大学位于长清区，占地3000亩。", "学校1952年成立，有教师480人，校长是赵刚。"))
FACT = Fact("园区签约了多少个项目？", "22个", Kind.NUMBER, SENTENCE, PASSAGE)
NAMED = Fact("园区管理委员会的主任是谁？", "李明", Kind.PERSON, PASSAGE.sentences[1], PASSAGE)
HEAD = Fact("校长是谁？", "赵刚", Kind.PERSON, OTHER.sentences[1], OTHER)


def numbers(text: str, tokenizer: Tokenizer) -> set[str]:
    return {token.text for token in tokens(text, tokenizer) if token.number}


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("园区签约了多少个项目？", "22个", "园区签约了22个项目。"),
        ("《长眠不醒》的作者是谁？", "雷蒙·钱德勒", "《长眠不醒》的作者是雷蒙·钱德勒。"),
        ("五羊新城由哪个公司开发？", "东华实业", "五羊新城由东华实业开发。"),
        ("史都華在哪一年獲頒終身成就獎?", "1985年", "史都華在1985年獲頒終身成就獎。"),
        ("二戰期間半島上唯一的城鎮為?", "九龍寨城", "二戰期間半島上唯一的城鎮為九龍寨城。"),
        ("Who founded McKinsey & Company?", "James O. McKinsey", "James O. McKinsey founded McKinsey & Company."),
        ("What is the population of Fresno?", "494,665", "The population of Fresno is 494,665."),
        ("为什么他离开？", "生病", ""),
        ("他怎么去的？", "坐船", ""),
        ("谁给了谁一本书？", "李明", ""),
        ("他是谁？", "", ""),
    ],
)  # fmt: skip
def test_a_question_as_a_statement(
    question: str, answer: str, expected: str, tokenizer: Tokenizer
) -> None:
    assert stated(question, answer, tokenizer) == expected


def test_true_forms_say_no_other_number(tokenizer: Tokenizer) -> None:
    there = numbers(PASSAGE.text, tokenizer)
    for seed in range(20):
        forms = dict(true_forms(FACT, random.Random(seed), tokenizer))
        assert forms["sentence"] == SENTENCE
        assert "22个" in forms["shorter"]
        assert len(forms["shorter"]) < len(SENTENCE)
        for form, claim in forms.items():
            assert numbers(claim, tokenizer) <= there, (form, claim)


def test_a_joined_sentence_begins_as_both(tokenizer: Tokenizer) -> None:
    passage = Passage(0, (NAMED.sentence, "园区总投资两千四百万元整，分三年付清。"))
    found = joined(Fact("", "", Kind.NAME, NAMED.sentence, passage), random.Random(1))
    assert sorted(found.rstrip("。").split("，")) == [
        "园区总投资两千四百万元整",
        "李明担任园区管理委员会主任",
    ]
    assert (
        joined(Fact("", "", Kind.NAME, "独一句。", Passage(0, ("独一句。",))), random.Random(1))
        == ""
    )


@pytest.mark.parametrize("text", ["总投资2400万元。", "总投资24,000,000元。", "2021年3月有352人。"])
def test_numbers_written_the_other_way_are_the_same(text: str, tokenizer: Tokenizer) -> None:
    found = {rewritten(text, random.Random(seed)) for seed in range(12)} - {""}
    assert found
    assert text not in found
    assert [numbers(one, tokenizer) for one in found] == [numbers(text, tokenizer)] * len(found)


def test_a_date_goes_to_the_front(tokenizer: Tokenizer) -> None:
    found = reworded("泰山队于1998年获得冠军。", random.Random(4), tokenizer)
    assert "1998年，泰山队" in found


def test_shortened_keeps_the_answer() -> None:
    assert all("22个" in shortened(FACT, random.Random(seed)) for seed in range(9))
    assert shortened(Fact("", "", Kind.NAME, "独一句。", PASSAGE), random.Random(1)) == ""


def test_each_corruption_says_something_else(tokenizer: Tokenizer) -> None:
    corruptor = Corruptor([FACT, NAMED, HEAD], [PASSAGE, OTHER], tokenizer)
    kinds = set()
    for seed in range(12):
        for fact in (FACT, NAMED):
            for one in corruptor.of(fact.sentence, fact, random.Random(seed)):
                kinds.add(one.kind)
                assert (one.claim != fact.sentence) is (one.kind != "wrong passage")
                assert (one.cited == OTHER) is (one.kind == "wrong passage")
                if one.near:
                    assert numbers(one.claim, tokenizer) <= numbers(PASSAGE.text, tokenizer)
                if one.kind == "name":
                    assert "赵刚" in one.claim
                    assert "李明" not in one.claim
    assert kinds == set(CORRUPTIONS)


def test_the_same_date_written_the_other_way_is_no_corruption(tokenizer: Tokenizer) -> None:
    passage = Passage(0, ("他1934年出生。",))
    fact = Fact("他哪一年出生？", "1934年", Kind.DATE, "他1934年出生。", passage)
    corruptor = Corruptor([fact], [passage], tokenizer)
    for claim in ("他一九三四年出生。", "他1934年1月出生。"):
        for seed in range(9):
            made = corruptor.of(claim, fact, random.Random(seed))
            assert [one for one in made if one.kind in ("date", "number")] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("李明是主任。", "李明不是主任。"), ("李明有三本书。", "李明没有三本书。"),
     ("He was born here.", "He was not born here."), ("他當選，是主席。", "他當選，不是主席。")],
)  # fmt: skip
def test_negation(text: str, expected: str) -> None:
    assert negation(text, random.Random(0)) == expected


def squad_file(path: Path) -> Path:
    texts = [passage.text for passage in (PASSAGE, OTHER)]
    asked = [[FACT, NAMED], [HEAD]]
    paragraphs = [
        {
            "context": text,
            "qas": [
                {"id": f"{at}-{number}", "question": one.question,
                 "answers": [{"text": one.answer, "answer_start": text.index(one.answer)}]}
                for number, one in enumerate(facts)
            ],
        }
        for at, (text, facts) in enumerate(zip(texts, asked, strict=True))
    ]  # fmt: skip
    path.write_text(
        json.dumps({"version": "1", "data": [{"title": "t", "paragraphs": paragraphs}]}), "utf-8"
    )
    return path


def test_facts_of_a_file(tmp_path: Path) -> None:
    found = list(squad_facts(squad_file(tmp_path / "one.json")))
    assert [(one.answer, one.sentence) for one in found] == [
        ("22个", SENTENCE), ("李明", NAMED.sentence), ("赵刚", HEAD.sentence)
    ]  # fmt: skip


def test_a_seed_gives_the_same_cases_again(tmp_path: Path, tokenizer: Tokenizer) -> None:
    file = squad_file(tmp_path / "one.json")
    first, again, other = (list(all_cases([file], None, 9, seed, tokenizer)) for seed in (1, 1, 2))
    assert first == again != other
    assert {case.corruption for case in first} == {"", *CORRUPTIONS}


@pytest.mark.parametrize(
    ("file", "group"), [("xquad.zh.json", "xquad"), ("cmrc_dev.json", "cmrc"), ("seeds", "seeds")]
)
def test_what_counts_as_one_file(file: str, group: str) -> None:
    assert group_of(file) == group


def judged(groups: Sequence[str], each: int = 300, seed: int = 0) -> Judged:
    """Sentences of which one column tells whether they are true, and of their words another."""
    drawn = np.random.default_rng(seed)
    true = drawn.random(each * len(groups)) < 0.5
    whole = drawn.normal(size=(len(true), len(COLUMNS)))
    whole[:, COLUMNS.index("covered")] += np.where(true, 1.5, -1.5)
    evidence = []
    for row, is_true in zip(whole, true, strict=True):
        words = drawn.normal(size=(3, len(WORD_COLUMNS)))
        words[0, WORD_COLUMNS.index("place")] += 3.0 if is_true else -3.0
        both = np.hstack([words, np.tile(row, (3, 1))])
        evidence.append(Evidence(row.astype(np.float32), both.astype(np.float32)))
    kinds = np.where(true, "sentence", "number")
    return Judged(evidence, true, kinds, np.repeat(list(groups), each))


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough steps for few sentences."""
    monkeypatch.setattr(verification_fit, "BATCH", 16)


@pytest.mark.usefixtures("small_batches")
def test_networks_learn_what_tells_and_agree_with_the_fit() -> None:
    given = judged("ab")
    layers = networks(given)
    found = np.array([odds(one, *layers) for one in given.evidence])
    assert ((found > 0) == given.true).mean() > 0.9


def test_the_threshold_is_taken_on_files_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[frozenset[str]] = []

    def noted(part: Judged, seed: int = 0) -> object:
        fitted.append(frozenset(part.groups))
        return networks(part, seed)

    monkeypatch.setattr(verification_fit, "networks", noted)
    given = judged("abc", 200)
    weights = fit(given, 0.1)
    assert fitted == [frozenset("bc"), frozenset("ac"), frozenset("ab"), frozenset("abc")]
    held = []
    for group in "abc":
        layers = networks(given.part(given.groups != group))
        held += [
            odds(one, *layers) for one in given.part((given.groups == group) & given.true).evidence
        ]
    assert weights.least == pytest.approx(float(np.quantile(held, 0.1)))


def test_one_file_cannot_be_held_out() -> None:
    with pytest.raises(ValueError, match="give two or more"):
        fit(judged("a", 40), 0.05)


@pytest.mark.usefixtures("small_batches")
def test_no_file_judges_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[frozenset[str]] = []

    def noted(part: Judged, false_alarms: float) -> object:
        seen.append(frozenset(part.groups))
        return fit(part, false_alarms)

    monkeypatch.setattr(verification, "fit", noted)
    given = judged("abc", 200)
    passed, margins = judge(given)
    assert seen == [frozenset("bc"), frozenset("ac"), frozenset("ab")]
    assert (passed == (margins >= 0)).all()
    assert (~passed[given.true]).mean() < 0.12
    assert (~passed[~given.true]).mean() > 0.8


def test_the_table_and_the_misses(tmp_path: Path) -> None:
    cases = [
        Case("a", "sentence", "", False, "真", PASSAGE, "问"),
        Case("a", "sentence", "number", True, "假", PASSAGE, "问"),
        Case("a", "statement", "", False, "真", PASSAGE, "问"),
        Case("a", "statement", "date", False, "假", PASSAGE, "问"),
    ]
    passed = np.array([True, False, False, True])
    lines = dict(line[2:].split(" | ", 1) for line in table(cases, passed).splitlines()[2:])
    assert lines["all"].startswith("0.500 (2) | 0.500 (2) | 1.000 (1) | 0.000 (1) | -")
    assert lines["all reworded"].startswith("1.000 (1) | 0.000 (1)")
    assert lines["from the same passage"].startswith("- | 1.000 (1)")
    write_misses(tmp_path / "out.jsonl", cases, passed, np.arange(4.0))
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [(row["corruption"], row["odds"]) for row in rows] == [("", 2.0), ("date", 3.0)]
