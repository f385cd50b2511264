"""Questions, searches and feedback over real HTTP: the records of `qa.render`, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qa.api import records
from qa.api.events import said_in, said_to_json
from qa.bot import Bot
from qa.conversation import Turn
from qa.feedback import FeedbackStore, Verdict
from qa.records import Reason
from qa.render import answer_to_json, hit_to_json
from tests.qa.api.conftest import QUESTION, Served, error_of, serving, stream_of


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def test_an_answer_is_the_record_of_the_command_line(served: Served) -> None:
    found = served.post("/api/ask", json={"question": QUESTION})
    assert found.status_code == 200
    assert found.json() == as_json(answer_to_json(served.bot.ask(QUESTION)))
    assert found.json()["text"] == "截至目前,园区完成签约项目22个。"
    (citation,) = found.json()["citations"]
    original = served.get(f"/api/documents/{citation['document']}").json()["text"]
    assert original[citation["start"] : citation["end"]] == citation["quote"]
    assert found.headers["cache-control"] == "no-store"
    assert found.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("question", [QUESTION, "你好", "熊猫有多少只？", "近年来走访企业多少家？"])
def test_the_description_has_the_shape_of_what_is_sent(served: Served, question: str) -> None:
    answer = served.post("/api/ask", json={"question": question}).json()
    assert records.Answer.model_validate_json(json.dumps(answer)).model_dump(mode="json") == answer


def test_a_refusal_and_small_talk_are_answers(served: Served) -> None:
    refused = served.post("/api/ask", json={"question": "熊猫有多少只？"}).json()
    assert (refused["answered"], refused["text"]) == (False, "")
    assert refused["remark"] == "文档里没有答案。"
    greeted = served.post("/api/ask", json={"question": "你好"}).json()
    assert greeted["reason"] == Reason.SMALL_TALK


def test_filters_and_the_number_of_nearest_passages(served: Served) -> None:
    asked = {"question": QUESTION, "sources": ["高新.txt"], "k": 1}
    found = served.post("/api/ask", json=asked).json()
    answer = served.bot.ask(QUESTION, sources=["高新.txt"])
    assert found == as_json(answer_to_json(replace(answer, nearest=answer.nearest[:1])))
    assert {hit["source"] for hit in found["nearest"]} <= {"高新.txt"}
    dated = served.post("/api/ask", json={"question": QUESTION, "dates": ["2020-01-01", None]})
    assert dated.json()["reason"] == Reason.NOTHING_FOUND
    assert not served.post("/api/ask", json={"question": QUESTION, "k": 0}).json()["nearest"]


@pytest.mark.parametrize(
    ("history", "same"),
    [
        (["高新区组建多少个党建联盟？"], ["高新区组建多少个党建联盟？"]),
        (
            [{"question": "高新区组建多少个党建联盟？", "answer": "8个党建联盟"}],
            [Turn("高新区组建多少个党建联盟？", "8个党建联盟")],
        ),
        ([{"question": "高新区怎么样？"}], [Turn("高新区怎么样？", None)]),
    ],
)
def test_a_follow_up_is_completed(served: Served, history: Any, same: Any) -> None:
    found = served.post("/api/ask", json={"question": "那天桥区呢？", "history": history}).json()
    assert found == as_json(answer_to_json(served.bot.ask("那天桥区呢？", same)))
    assert found["question"] != "那天桥区呢？"


def test_hits_are_the_records_of_the_command_line(served: Served) -> None:
    found = served.post("/api/retrieve", json={"question": QUESTION, "k": 2})
    wanted = [hit_to_json(hit) for hit in served.bot.retrieve(QUESTION, 2)]
    assert found.json() == as_json(wanted)
    assert len(wanted) == 2
    for hit in found.json():
        assert records.Hit.model_validate_json(json.dumps(hit)).model_dump(mode="json") == hit


def test_a_stream_is_sentences_with_citations_then_the_record(served: Served) -> None:
    question = "天桥区有多少个产业链党组织，高新区有多少个党建联盟？"
    answer = served.bot.ask(question)
    assert len(answer.sentences) > 1
    with served.client.stream(
        "POST", "/api/ask", json={"question": question, "stream": True}
    ) as response:
        events = stream_of(response)
    assert [name for name, _ in events] == ["sentence"] * len(answer.sentences) + ["answer"]
    said = [json.loads(data) for _, data in events]
    assert said[:-1] == as_json([said_to_json(one) for one in said_in(answer)])
    assert [one for sentence in said[:-1] for one in sentence["citations"]] == as_json(
        answer_to_json(answer)["citations"]
    )
    assert "".join(sentence["text"] for sentence in said[:-1]) == said[-1]["text"]
    assert said[-1] == as_json(answer_to_json(answer))


def test_a_refused_question_streams_its_record(served: Served) -> None:
    asked = {"question": "熊猫有多少只？", "stream": True}
    with served.client.stream("POST", "/api/ask", json=asked) as response:
        ((name, data),) = stream_of(response)
    assert (name, json.loads(data)["answered"]) == ("answer", False)


def test_a_question_that_fails_does_not_begin_to_stream(served: Served) -> None:
    asked = {"question": QUESTION, "stream": True, "dates": ["2021-06-31", None]}
    error = error_of(served.post("/api/ask", json=asked), 400)
    assert "'2021-06-31' is no day" in error["message"]


def test_feedback_is_kept_beside_the_index(served: Served) -> None:
    answer = served.post("/api/ask", json={"question": QUESTION}).json()
    given = {
        "id": "visitor-0001",
        "answer": answer,
        "verdict": "down",
        "question": QUESTION,
        "history": ["高新区呢？"],
        "note": "少了",
        "missing": True,
    }
    found = served.post("/api/feedback", json=given)
    assert (found.status_code, found.json()) == (201, {"id": "visitor-0001", "verdict": "down"})
    (kept,) = FeedbackStore(served.service.library.index).all()
    assert (kept.verdict, kept.question, kept.note, kept.missing) == (
        Verdict.DOWN, QUESTION, "少了", True,
    )  # fmt: skip
    assert kept.citations == served.bot.ask(QUESTION).citations
    assert kept.items == ("22个",)
    assert kept.generation == 1
    back = served.post("/api/feedback", json={**given, "verdict": "none"})
    assert back.status_code == 201
    assert FeedbackStore(served.service.library.index).all() == []


def test_feedback_without_an_id_gets_one(fresh: tuple[Bot, Path, Path]) -> None:
    bot, _, index = fresh
    with serving(bot, index) as served:
        answer = served.post("/api/ask", json={"question": QUESTION}).json()
        ids = {
            served.post("/api/feedback", json={"answer": answer, "verdict": "up"}).json()["id"]
            for _ in range(2)
        }
    assert {one.id for one in FeedbackStore(index).all()} == ids
    assert len(ids) == 2


def test_a_read_only_server_takes_no_feedback_and_no_rebuild(
    fresh: tuple[Bot, Path, Path],
) -> None:
    bot, _, index = fresh
    with serving(bot, index, read_only=True) as served:
        answer = served.post("/api/ask", json={"question": QUESTION}).json()
        refused = served.post("/api/feedback", json={"answer": answer, "verdict": "up"})
        assert "read-only" in error_of(refused, 403)["message"]
        assert "read-only" in error_of(served.post("/api/rebuild"), 403)["message"]
    assert FeedbackStore(index).all() == []
    assert bot.info().generation == 1
