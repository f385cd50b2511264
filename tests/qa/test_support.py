"""Whether the documents answer: what speaks for it, the weights, and the rules about places."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from embeddings.errors import SettingError
from embeddings.lexical import Tokenizer
from qa.bot import Bot
from qa.evidence import PASSAGE_FEATURES, SENTENCE_FEATURES, Evidence
from qa.ranking import Layers, Weighed, digest
from qa.records import Reason
from qa.support import (
    COLUMNS,
    FORMAT,
    LEAST_FOREIGN_COSINE,
    LEAST_FOREIGN_TERMS,
    Support,
    columns,
    has_sign,
    mentions_a_place,
)
from qa.unnamed import names_place
from tests.rankings import numbers_of

TWO = [("甲", ["甲一", "甲二"]), ("乙", ["乙一"])]
WEIGHED = Weighed(np.log([0.75, 0.25]), np.log([0.2, 0.7, 0.1]))
"""The second sentence of the first passage is the best."""


def evidence() -> Evidence:
    return numbers_of("乙一是什么", {"乙一": 2.0}, TWO)


def named(found: np.ndarray, name: str) -> float:
    return float(found[COLUMNS.index(name)])


def test_the_best_sentence_its_passage_and_the_best_of_all() -> None:
    found = columns(evidence(), WEIGHED)
    assert found.shape == (len(COLUMNS),)
    assert named(found, "sentence terms") == 0
    assert named(found, "passage terms") == 0
    assert named(found, "best terms") == 1
    assert named(found, "sentence share") == pytest.approx(np.log(0.7))
    assert named(found, "sentence lead") == pytest.approx(np.log(0.7 / 0.2), abs=1e-5)
    assert named(found, "passage lead") == pytest.approx(np.log(3), abs=1e-5)


def test_a_single_candidate_leads_as_far_as_any_may() -> None:
    alone = numbers_of("甲一", {"甲一": 1.0}, [("甲", ["甲一"])])
    found = columns(alone, Weighed(np.zeros(1), np.zeros(1)))
    assert (named(found, "sentence lead"), named(found, "passage lead")) == (5.0, 5.0)


def test_nothing_that_differs_from_one_collection_to_the_next_counts() -> None:
    assert not {"passage length", "passage mass", "best missing", "sentence length"} & set(COLUMNS)


def with_passage(name: str, value: float) -> Evidence:
    found = evidence()
    found.passages[:, PASSAGE_FEATURES.index(name)] = value
    return found


def test_a_document_that_mentions_none_of_the_asked_places() -> None:
    assert not mentions_a_place(with_passage("places", 0.0), WEIGHED)
    assert mentions_a_place(with_passage("places", 0.5), WEIGHED)


def test_a_sign_between_two_languages() -> None:
    far = with_passage("terms", LEAST_FOREIGN_TERMS - 0.01)
    cosines = far.sentences[:, SENTENCE_FEATURES.index("cosine")]
    cosines[:] = LEAST_FOREIGN_COSINE - 0.01
    assert not has_sign(far, WEIGHED)
    cosines[1] = LEAST_FOREIGN_COSINE + 0.01
    assert has_sign(far, WEIGHED)
    cosines[1] = 0
    far.passages[0, PASSAGE_FEATURES.index("terms")] = LEAST_FOREIGN_TERMS
    assert has_sign(far, WEIGHED)


def linear(column: str, weight: float, bias: float) -> Layers:
    weights = np.zeros((len(COLUMNS), 1), np.float32)
    weights[COLUMNS.index(column)] = weight
    ones = np.ones(len(COLUMNS), np.float32)
    return Layers(0 * ones, ones, (weights,), (np.array([bias], np.float32),))


def test_a_probability_by_hand() -> None:
    support = Support(linear("best terms", 3.0, -1.0), ())
    found = columns(evidence(), WEIGHED)
    assert support(found) == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-6)
    assert support(found, -2.0) == pytest.approx(0.5, abs=1e-6)


def write(path: Path, **changed: object) -> Path:
    fits = [Support(linear("best terms", weight, 0.0), names).to_json() for weight, names in
            ((1.0, ("a", "b")), (2.0, ("b",)))]  # fmt: skip
    files = {name: {"contexts": digest(f"{name}篇")} for name in ("a", "b")}
    content = {"format": FORMAT, "columns": list(COLUMNS), "files": files, "fits": fits, **changed}
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_a_fit_that_did_not_see_the_texts_is_taken(tmp_path: Path) -> None:
    path = write(tmp_path / "support.json")
    assert Support.read(path).fitted_on == ("a", "b")
    assert Support.read(path, frozenset({"a篇"})).fitted_on == ("b",)
    assert Support.read(path, frozenset({"b篇"})).fitted_on == ("a", "b")


@pytest.mark.parametrize("changed", [{"format": 0}, {"columns": ["x"]}])
def test_weights_for_other_columns_are_refused(tmp_path: Path, changed: dict[str, object]) -> None:
    with pytest.raises(SettingError, match=r"other columns; run benchmarks/refusals\.py"):
        Support.read(write(tmp_path / "support.json", **changed))


def test_the_shipped_weights() -> None:
    support = Support.shipped()
    assert support.fitted_on == ("cmrc_dev.json", "drcd_dev.json", "xquad.zh.json")
    assert support.layers.weights[0].shape == (len(COLUMNS), 1)


@pytest.mark.parametrize(
    "question",
    ["青岛市有几个党建联盟？", "深圳组建了几个党建联盟？", "蘇州有多少家企業？", "历下区有几个党建联盟？",
     "曹縣組建了幾個黨建聯盟？", "章丘区有多少家企业？", "烟台有几个党建联盟？", "大連組建了幾個黨建聯盟？"],
)  # fmt: skip
def test_a_place_that_stands_nowhere_is_refused(bot: Bot, question: str) -> None:
    answer = bot.ask(question)
    assert (answer.answered, answer.reason) == (False, Reason.NOT_IN_DOCUMENTS)
    assert answer.nearest


@pytest.mark.parametrize(
    ("word", "is_one"),
    [("济南", True), ("烟台", True), ("大连", True), ("昌乐", True), ("桂林", True), ("和平", False),
     ("平安", False), ("大方", False), ("党建", False), ("企业", False), ("县", False), ("abc", False)],
)  # fmt: skip
def test_a_city_that_the_dictionary_calls_a_noun(
    tokenizer: Tokenizer, word: str, is_one: bool
) -> None:
    assert names_place(word, tokenizer) is is_one


def test_a_place_of_another_document_is_not_this_one(bot: Bot, tokenizer: Tokenizer) -> None:
    retriever = bot._snapshot.retriever
    for place in ("青岛", "烟台", "昌乐"):
        assert retriever.names_nowhere(retriever.find(f"{place}有几个党建联盟？"))
    assert not retriever.names_nowhere(retriever.find("济南有几个党建联盟？"))
    assert tokenizer.tag("济南") == "ns"


@pytest.mark.parametrize(
    ("question", "unknown"),
    [
        ("高新区有几家医院？", True), ("高新区的房价是多少？", True), ("天桥区区长是谁？", True),
        ("高新区有几个党建联盟？", False), ("天桥区排名第几？", False), ("党建的比例是多少？", False),
        ("济南在哪里？", False), ("How many hospitals are there?", False),
    ],
)  # fmt: skip
def test_what_is_counted_stands_nowhere(bot: Bot, question: str, unknown: bool) -> None:
    retriever = bot._snapshot.retriever
    assert retriever.asks_unknown(retriever.find(question)) is unknown


def test_a_sentence_that_answers_two_parts_is_said_once(bot: Bot) -> None:
    answer = bot.ask("天桥区建立了几个产业链党组织？又覆盖了多少家企业？")
    assert answer.text.count("天桥区建立4个产业链党组织") <= 1
