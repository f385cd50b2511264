"""Where gold evidence stands in an index, and what is asked of it without that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from embeddings.encoder import CountingEncoder
from embeddings.errors import QuestionError
from embeddings.lexical import Tokenizer
from qa.bot import Bot
from qa.correction import Own
from qa.gold import Gold, states_all
from qa.judging import supported
from qa.own_questions import MeasuredIndex
from qa.question_files import Evidence, GoldQuestion, Question
from qa.retrieval import Retriever


def gold_question(
    text: str,
    *evidence: tuple[str, str],
    answer: str = "",
    kind: str = "number",
    history: tuple[str, ...] = (),
) -> GoldQuestion:
    pieces = tuple(Evidence(source, (quote,)) for source, quote in evidence)
    answers = ((answer,),) if answer else ()
    return GoldQuestion(Question(text, text, history), {"kind": kind}, answers, pieces)


COVERED = gold_question(
    "天桥区的党组织覆盖多少家企业？", ("天桥.txt", "4个产业链党组织,覆盖21家企业"), answer="21家"
)


@pytest.fixture(scope="module")
def retriever(index: Path, counting: CountingEncoder, tokenizer: Tokenizer) -> Retriever:
    made: list[Retriever] = []

    def making(*engines: object) -> Retriever:
        made.append(Retriever(*engines))  # type: ignore[arg-type]
        return made[-1]

    Bot(index, counting, tokenizer, retriever=making)
    return made[0]


def texts_of(retriever: Retriever, rows: np.ndarray) -> list[str]:
    return [text for _, text in retriever.generation.texts(rows.tolist()).values()]


def test_the_rows_that_hold_evidence(retriever: Retriever) -> None:
    gold = Gold(retriever.generation, [COVERED])
    (text,) = texts_of(retriever, gold.rows(gold.locate(COVERED)))
    assert "覆盖21家企业" in text


def test_evidence_in_two_documents_is_in_two_rows(retriever: Retriever) -> None:
    both = gold_question("哪些区？", ("天桥.txt", "签约项目22个"), ("高新.txt", "联盟很活跃"))
    gold = Gold(retriever.generation, [both])
    found = texts_of(retriever, gold.rows(gold.locate(both)))
    assert len(found) == 2
    assert any("签约项目22个" in text for text in found)


def test_glosses_and_line_breaks_do_not_hide_evidence(retriever: Retriever) -> None:
    glossed = gold_question("濟陽區走訪了多少企業？", ("濟陽.txt", "濟陽區走訪企業190余家"))
    gold = Gold(retriever.generation, [glossed])
    (text,) = texts_of(retriever, gold.rows(gold.locate(glossed)))
    assert "190余家" in text


def test_the_candidates_that_hold_evidence(retriever: Retriever) -> None:
    gold = Gold(retriever.generation, [COVERED])
    found = retriever.gather(COVERED.question.text)
    assert found is not None
    passages, sentences = gold.marks(found, gold.locate(COVERED))
    assert passages.shape == (len(found.rows),)
    assert [found.texts.sentences[int(at)] for at in np.flatnonzero(sentences)] == [
        "天桥区建立4个产业链党组织,覆盖21家企业。"
    ]
    owner = np.searchsorted(found.evidence.starts, np.flatnonzero(sentences)[0], side="right") - 1
    assert np.flatnonzero(passages).tolist() == [owner]


def test_a_short_sentence_within_a_long_quote(retriever: Retriever) -> None:
    long = gold_question("联盟", ("高新.txt", "高新区在2020年组建8个党建联盟。\r\n\r\n联盟很活跃"))
    gold = Gold(retriever.generation, [long])
    found = retriever.gather("高新区的党建联盟")
    assert found is not None
    passages, sentences = gold.marks(found, gold.locate(long))
    held = {found.texts.sentences[int(at)] for at in np.flatnonzero(sentences)}
    assert held == {"高新区在2020年组建8个党建联盟。", "联盟很活跃。"}
    assert passages.any()


def test_a_quote_that_runs_through_several_passages_is_in_each(retriever: Retriever) -> None:
    through = gold_question("？", ("天桥.txt", "签约项目22个。\n\n人才支撑\n\n陈海英教授"))
    gold = Gold(retriever.generation, [through])
    found = texts_of(retriever, gold.rows(gold.locate(through)))
    assert len(found) > 1
    assert any("天桥区建立" in text for text in found)
    assert any("济南获奖" in text for text in found)


def test_evidence_outside_the_index(retriever: Retriever) -> None:
    elsewhere = gold_question("？", ("长清.txt", "没有"))
    with pytest.raises(QuestionError, match="长清.txt, which the index does not hold"):
        Gold(retriever.generation, [elsewhere]).locate(elsewhere)


def test_what_states_the_answer_after_all(retriever: Retriever) -> None:
    found = retriever.gather("企业")
    assert found is not None
    assert states_all(found, gold_question("？", answer="21家"))
    assert not states_all(found, gold_question("？", answer="1家"))
    assert not states_all(found, gold_question("？"))


@pytest.fixture
def measured(
    index: Path, counting: CountingEncoder, monkeypatch: pytest.MonkeyPatch
) -> MeasuredIndex:
    monkeypatch.setattr("qa.bot.open_encoder", lambda *_: counting)
    return MeasuredIndex(index)


def test_a_question_is_asked_with_and_without_its_evidence(measured: MeasuredIndex) -> None:
    (case,) = measured.cases([COVERED])
    assert case.answerable
    assert case.passages.sum() == case.sentences.sum() == 1
    assert case.near is not None
    kept, rest = case.found[0].evidence, case.near[0].evidence
    assert len(rest.passages) == len(kept.passages) - 1
    assert supported(case.near, Own()) < supported(case.found, Own())


def test_what_is_judged_is_what_the_bot_decides_by(measured: MeasuredIndex, bot: Bot) -> None:
    asked = [
        COVERED,
        gold_question(
            "高新区组建了多少个党建联盟？", ("高新.txt", "组建8个党建联盟"), answer="8个"
        ),
        gold_question("长清区有多少家企业？", kind="unanswerable"),
        gold_question("谁获奖了？", ("天桥.txt", "陈海英教授的项目在济南获奖"), kind="name"),
    ]
    for question, case in zip(asked, measured.cases(asked), strict=True):
        said = bot.ask(question.question.text).support
        assert supported(case.found, Own()) == pytest.approx(said)


def test_a_follow_up_is_asked_as_it_is_completed(measured: MeasuredIndex) -> None:
    evidence = ("高新.txt", "组建8个党建联盟")
    alone = gold_question("那高新区呢？", evidence)
    after = gold_question("那高新区呢？", evidence, history=("天桥区有多少个党建联盟？",))
    cases = measured.cases([alone, after])
    assert not np.array_equal(
        cases[0].found[0].evidence.passages, cases[1].found[0].evidence.passages
    )


def test_small_talk_finds_nothing(measured: MeasuredIndex) -> None:
    (case,) = measured.cases([gold_question("你好", kind="unanswerable")])
    assert (case.found, case.near, case.answerable) == ((), None, False)


def test_no_near_miss_where_the_rest_still_answers(measured: MeasuredIndex) -> None:
    stated = gold_question(
        "哪个区有党组织？", ("天桥.txt", "覆盖21家企业"), answer="高新区", kind="name"
    )
    (case,) = measured.cases([stated])
    assert case.near is None


def test_every_question_is_told(measured: MeasuredIndex) -> None:
    told: list[int] = []
    measured.cases([COVERED, COVERED], lambda at: told.append(at.done))
    assert told == [0, 1, 2]


def test_all_evidence_is_looked_for_before_anything_is_asked(measured: MeasuredIndex) -> None:
    told: list[int] = []
    with pytest.raises(QuestionError, match="does not hold the evidence"):
        measured.cases(
            [COVERED, gold_question("？", ("天桥.txt", "没有"))], lambda at: told.append(at.done)
        )
    assert told == []
