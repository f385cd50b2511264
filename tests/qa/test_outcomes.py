"""How a question went: what is kept of it, and its JSON form."""

from __future__ import annotations

import json
from dataclasses import replace

from embeddings.records import Span
from qa import outcomes, squad
from qa.question_files import Evidence, GoldQuestion, Question
from qa.records import Place
from qa.squad import GoldAnswer, SquadQuestion
from tests.evaluations import hit, judged, said

SPRING = "济南有七十二名泉，趵突泉居首。泉水常年十八度。"

ASKED = GoldQuestion(
    Question("甲", "那它呢？", ("泉在哪里？",)),
    {"kind": "number", "sort": "near"},
    (("十八度", "18度"),),
    (Evidence("泉.txt", ("常年十八度",)),),
)


def test_the_gold_passage_is_kept_wherever_it_stands() -> None:
    hits = [hit(f"第{at}段。") for at in range(1, 10)]
    found = outcomes.of_gold(ASKED, said("十八度。"), hits, {"answer": 1.0}, 8, 3.0)
    assert [(one.rank, one.gold) for one in found.passages] == [
        *((rank, False) for rank in range(1, 6)),
        (8, True),
    ]
    second = outcomes.of_gold(ASKED, said("十八度。"), hits, {"answer": 1.0}, 2, 3.0)
    assert [one.rank for one in second.passages if one.gold] == [2]
    assert len(second.passages) == outcomes.SHOWN


def test_right_is_what_the_figures_call_right() -> None:
    values = {"answer": 0.0, "cited": 1.0}
    assert outcomes.of_gold(ASKED, said("甲。"), [], values, None, 3.0).right is False
    assert outcomes.of_gold(ASKED, said(""), [], {"refused": 1.0}, None, 3.0).right is True


def test_nearest_are_not_kept_twice() -> None:
    answer = replace(said("十八度。"), nearest=(hit("段。"),))
    assert outcomes.of_gold(ASKED, answer, [], {}, None, 3.0).answer.nearest == ()


def squad_question(*answers: tuple[str, int]) -> SquadQuestion:
    gold = tuple(GoldAnswer(*one) for one in answers)
    return SquadQuestion(Question("乙", "泉水多少度？"), SPRING, gold)


def test_a_squad_question_knows_its_context_and_where_the_answers_stand() -> None:
    question = squad_question(("十八度", 19), ("18度", 19), ("十八度", 19))
    answer = said("泉水常年十八度。")
    elsewhere = hit("别的。", "b")
    beside = replace(
        elsewhere, places=(Place("d", squad.context_name(SPRING), (Span(0, 3),)),)
    )  # fmt: skip
    hits = [elsewhere, beside]
    found = outcomes.of_squad(squad.judge(question, hits, answer), answer, hits, None)
    assert found.gold.items == (("十八度", "18度"),)
    assert (found.gold.context, found.gold.places) == (SPRING, (Span(19, 22),))
    assert (found.rank, [one.gold for one in found.passages]) == (2, [False, True])
    assert found.figures["MRR@10"] == 0.5
    assert found.right is False


def test_a_trap_of_squad_has_no_item() -> None:
    found = outcomes.of_squad(
        squad.judge(squad_question(), [], said("")), said(""), [], None
    )  # fmt: skip
    assert found.gold.items == ()


def test_json_form() -> None:
    found = outcomes.to_json(judged("甲", question="那它呢？", history=["泉在哪里？"]))
    assert json.loads(json.dumps(found)) == {
        "id": "甲",
        "question": "那它呢？",
        "history": ["泉在哪里？"],
        "completed": "泉水多少度？",
        "labels": {"kind": "number", "lang": "zh"},
        "right": True,
        "figures": {"answer": 1.0},
        "answered": True,
        "reason": None,
        "support": 0.93,
        "answer": "泉水常年十八度。",
        "sentences": [{"text": "泉水常年十八度。", "number": 1, "marks": [[4, 7]]}],
        "citations": [
            {"number": 1, "source": "泉.txt", "start": 15, "end": 23, "quote": "泉水常年十八度。"}
        ],
        "gold": {
            "items": [["十八度", "18度"]],
            "evidence": [{"source": "泉.txt", "quotes": ["常年十八度"]}],
            "places": [],
        },
        "rank": 1,
        "passages": [
            {
                "rank": 1,
                "gold": True,
                "source": "泉.txt",
                "spans": [[0, 8]],
                "opening": "泉水常年十八度。",
                "score": 0.625,
                "dense": 0.8125,
                "sentence": 0.8438,
                "bm25": 7.5,
                "words": ["泉水"],
            }
        ],
        "milliseconds": 12.2,
    }


def test_json_form_of_a_refusal() -> None:
    found = outcomes.to_json(judged("甲", answer=said(""), milliseconds=None))
    assert (found["answered"], found["reason"]) == (False, "not_in_documents")
    assert (found["support"], found["completed"], found["milliseconds"]) == (0.0421, None, None)


def test_figures_are_not_rounded_so_that_a_saved_run_equals_itself() -> None:
    found = outcomes.to_json(judged("甲", figures={"MRR@10": 1 / 3}))
    assert json.loads(json.dumps(found))["figures"] == {"MRR@10": 1 / 3}
