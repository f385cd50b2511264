"""Sentences against what they cite: by rule, by weights, and any text whatever."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embeddings.encoder import CountingEncoder, Encoder, open_encoder
from embeddings.errors import SettingError
from embeddings.lexical import Tokenizer
from qa.claim_evidence import COLUMNS
from qa.claim_words import WORD_COLUMNS
from qa.claims import LONGEST
from qa.ranking import Layers
from qa.records import Doubt
from qa.verify import Check, Evidence, Gatherer, Verifier, Weights, odds

SHARED = Path(__file__).parents[3] / "shared"
PASSAGE = (
    "截至目前，园区完成签约项目22个，引进企业15家，实现总投资额77.57亿元。"
    "2019年3月5日园区动工，2021年10月投产。李明担任园区主任，王芳担任书记，园区不生产水泥。"
)


def only(column: str, of_words: bool = False) -> Weights:
    """Odds that are one column, of the whole or of the words; the other part is sure."""
    return Weights(
        _linear(COLUMNS, "" if of_words else column),
        _linear((*WORD_COLUMNS, *COLUMNS), column if of_words else ""),
        0.0,
    )


def _linear(names: tuple[str, ...], column: str) -> Layers:
    weight = np.zeros((len(names), 1), np.float32)
    if column:
        weight[names.index(column)] = 1
    size = len(names)
    bias = np.array([0.0 if column else 15.0], np.float32)
    return Layers(np.zeros(size, np.float32), np.ones(size, np.float32), (weight,), (bias,))


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return open_encoder()


@pytest.fixture(scope="module")
def verifier(encoder: Encoder, tokenizer: Tokenizer) -> Verifier:
    return Verifier(encoder, tokenizer)


@pytest.fixture(scope="module")
def by_hand(tokenizer: Tokenizer) -> Verifier:
    return Verifier(CountingEncoder("园区"), tokenizer)


def test_a_sentence_is_as_likely_as_its_least_likely_part() -> None:
    whole, words = _linear(COLUMNS, ""), _linear((*WORD_COLUMNS, *COLUMNS), "weight")
    rows = np.zeros((2, len(WORD_COLUMNS) + len(COLUMNS)), np.float32)
    rows[:, WORD_COLUMNS.index("weight")] = 3.0, -4.0
    found = odds(Evidence(np.zeros(len(COLUMNS), np.float32), rows), whole, words)
    assert found == pytest.approx(-np.log(np.exp(-15) + np.exp(-3) + np.exp(4)))


def test_without_words_the_whole_alone_decides() -> None:
    whole, words = _linear(COLUMNS, "covered"), _linear((*WORD_COLUMNS, *COLUMNS), "")
    row = np.zeros(len(COLUMNS), np.float32)
    row[COLUMNS.index("covered")] = 2.0
    empty = np.zeros((0, len(WORD_COLUMNS) + len(COLUMNS)), np.float32)
    assert odds(Evidence(row, empty), whole, words) == pytest.approx(2.0)


def test_the_cosine_is_that_of_the_nearest_sentence(tokenizer: Tokenizer) -> None:
    gather = Gatherer(CountingEncoder("项企"), tokenizer)
    # (2, 0) and (1, 1) of a passage: 2 / sqrt(5 * 3) apart from the role; with it (2 + 1) / sqrt(15).
    found = gather.cosine("项项目", ["企业和项目。主任。"])
    assert found == pytest.approx((2 * 1 + 1) / np.sqrt(5 * 3), abs=1e-6)


@pytest.mark.parametrize(
    "sentence",
    ["园区签约23个项目。", "园区签约二十三个项目。", "園區簽約２３個項目。",
     "总投资额77.75亿元。", "The park signed 23 projects.", "园区2020年投产。"],
)  # fmt: skip
def test_a_number_that_is_not_there_never_passes(sentence: str, tokenizer: Tokenizer) -> None:
    sure = Weights(_linear(COLUMNS, ""), _linear((*WORD_COLUMNS, *COLUMNS), ""), -30.0)
    found = Verifier(CountingEncoder("园区"), tokenizer, sure).check(sentence, [PASSAGE])
    assert found.doubts == (Doubt.NUMBER,)


@pytest.mark.parametrize(
    "sentence",
    ["截至目前，园区完成签约项目22个，引进企业15家。", "園區完成簽約項目二十二個，引進企業十五家。",
     "园区实现总投资额7,757,000,000元。", "李明担任园区主任。", "2019年3月5日园区动工。"],
)  # fmt: skip
def test_true_sentences_are_verified(sentence: str, verifier: Verifier) -> None:
    assert verifier.check(sentence, [PASSAGE]).doubts == ()


@pytest.mark.parametrize(
    ("sentence", "doubt"),
    [
        ("截至目前，园区完成签约项目15个，引进企业22家。", Doubt.UNSUPPORTED),
        ("2021年3月5日园区动工。", Doubt.UNSUPPORTED),
        ("济南大学新校区坐落在长清区。", Doubt.UNSUPPORTED),
        ("李明没有担任园区主任。", Doubt.NEGATION),
        ("截至目前，园区完成签约项目220个。", Doubt.NUMBER),
    ],
)
def test_false_sentences_are_doubted(sentence: str, doubt: Doubt, verifier: Verifier) -> None:
    found = verifier.check(sentence, [PASSAGE])
    assert found.doubts == (doubt,)


def test_any_of_several_passages_may_say_it(verifier: Verifier) -> None:
    other = "济南大学新校区坐落在长清区，占地3000亩。"
    assert verifier.check("李明担任园区主任。", [other, PASSAGE]).doubts == ()
    assert verifier.check("李明担任园区主任。", [other]).doubts == (Doubt.UNSUPPORTED,)


def test_across_languages_numbers_and_meaning_count(verifier: Verifier) -> None:
    text = "尼古拉·特斯拉于1881年搬到布达佩斯，在一家电报公司工作。他后来去了巴黎。"
    true = "Nikola Tesla moved to Budapest in 1881 and worked at a telegraph company."
    assert verifier.check(true, [text]).doubts == ()
    assert verifier.check(true.replace("1881", "1882"), [text]).doubts == (Doubt.NUMBER,)
    other = "Chloroplasts have their own DNA, often abbreviated as ctDNA."
    assert verifier.check(other, [text]).doubts == (Doubt.UNSUPPORTED,)


def test_english(verifier: Verifier) -> None:
    text = "Nikola Tesla moved to Budapest in 1881 and worked at a telegraph company."
    assert verifier.check("In 1881, Tesla moved to Budapest.", [text]).doubts == ()
    assert verifier.check("In 1882, Tesla moved to Budapest.", [text]).doubts == (Doubt.NUMBER,)
    assert verifier.check("Tesla did not move to Budapest in 1881.", [text]).doubts != ()


@pytest.mark.parametrize("sentence", ["", "  \n", "😀😀", "。，！", "\u200b", "\ud800"])
def test_what_says_nothing_is_not_verified(sentence: str, by_hand: Verifier) -> None:
    assert by_hand.check(sentence, [PASSAGE]) == Check(0.0, (Doubt.UNSUPPORTED,))


@pytest.mark.parametrize("cited", [[], [""], ["", "😀"]])
def test_nothing_cited_verifies_nothing(cited: list[str], by_hand: Verifier) -> None:
    assert by_hand.check("园区签约22个项目。", cited).doubts == (Doubt.UNSUPPORTED,)


pieces = st.sampled_from(
    ["园区", "22", "二十二", "2021年", "3月", "5日", "不", "not ", "Tesla ", "😀", "\ud800", "\udfff",
     "\u202e", "\x00", "，", "。", "\n", "%", "百分之", "萬", "簽約", "é", "ｱ", "𠮷", "١٢", "½", "²", "Ⅳ"]
)  # fmt: skip
texts = st.one_of(st.lists(pieces, max_size=15).map("".join), st.text(st.characters(), max_size=40))


@settings(deadline=None, max_examples=200)
@given(texts, st.lists(texts, max_size=3))
@example("\ud800园区", ["\udfff园区"])
@example("½", ["½"])
@example("٣٤", ["٣٤"])
def test_any_text_can_be_checked(by_hand: Verifier, sentence: str, cited: list[str]) -> None:
    found = by_hand.check(sentence, cited)
    assert 0 <= found.support <= 1
    assert found.doubts or found.support >= 0.5


def test_lone_surrogates_with_the_real_model(verifier: Verifier) -> None:
    assert verifier.check("\ud800李明担任园区主任。", ["\udfff" + PASSAGE]).support > 0
    assert verifier.check("\ud800Nikola Tesla lived here.", [PASSAGE]).doubts != ()


def test_a_sentence_that_is_not_read_to_its_end_is_not_verified(tokenizer: Tokenizer) -> None:
    sure = Weights(_linear(COLUMNS, ""), _linear((*WORD_COLUMNS, *COLUMNS), ""), -30.0)
    judge = Verifier(CountingEncoder("园区"), tokenizer, sure)
    assert judge.check("园区" * (LONGEST // 2), ["园区"]).doubts == ()
    found = judge.check("园区" * (LONGEST // 2) + "23", ["园区"])
    assert found == Check(0.0, (Doubt.UNSUPPORTED,))


def test_very_long_texts_take_bounded_time(verifier: Verifier) -> None:
    started = perf_counter()
    found = verifier.check("园区签约22个项目，" * 5000, [PASSAGE * 500] * 3)
    assert found.doubts == (Doubt.UNSUPPORTED,)  # what is not read is not verified
    verifier.check("园区签约22个项目，" * 100, [PASSAGE * 500] * 3)
    assert perf_counter() - started < 20


def test_a_check_is_quick(verifier: Verifier) -> None:
    verifier.check("李明担任主任。", [PASSAGE])
    took = []
    for number in range(15):
        started = perf_counter()
        verifier.check(f"2021年，李明担任园区第{number}任主任。", [PASSAGE * 3, "其他内容。"])
        took.append(perf_counter() - started)
    assert min(took) < 0.1


def test_weights_come_back_from_their_file(tmp_path: Path) -> None:
    weights, path = only("covered"), tmp_path / "weights.json"
    path.write_text(json.dumps(weights.to_json()), "utf-8")
    row = np.linspace(0, 1, len(COLUMNS), dtype=np.float32)
    evidence = Evidence(row, np.zeros((1, len(WORD_COLUMNS) + len(COLUMNS)), np.float32))
    read = Weights.read(path)
    assert read.support(evidence) == pytest.approx(weights.support(evidence), abs=1e-4)


@pytest.mark.parametrize("change", [{"format": 1}, {"columns": ["numbers"]}])
def test_weights_of_another_version_are_refused(change: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "weights.json"
    path.write_text(json.dumps(only("covered").to_json() | change), "utf-8")
    with pytest.raises(SettingError, match="weights of another version"):
        Weights.read(path)


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "data").exists(), reason="no ../shared/data beside the project")
def test_the_floor_on_public_sentences(encoder: Encoder, tokenizer: Tokenizer) -> None:
    """With the shipped weights, which know these files: the floor by files unseen is in README."""
    from benchmarks.verification import all_cases

    names = ("cmrc_dev.json", "drcd_dev.json", "xquad.zh.json", "xquad.en.json")
    files = [SHARED / "data" / name for name in names]
    cases = list(all_cases(files, None, 10, 5, tokenizer))
    verifier = Verifier(encoder, tokenizer)
    doubted = np.array([bool(verifier.check(one.claim, [one.cited.text]).doubts) for one in cases])
    corrupted = np.array([bool(one.corruption) for one in cases])
    assert corrupted.sum() > 300
    assert (~corrupted).sum() > 150
    assert doubted[corrupted].mean() >= 0.93
    assert doubted[~corrupted].mean() <= 0.07
