"""`llm` of /api/ask, and the model wenju-llm of /v1, over real HTTP on both sides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import openai
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from embeddings.settings import Settings
from qa.api import records
from qa.api.footnotes import without_footnotes
from qa.bot import Bot
from qa.records import Doubt, Written, WrittenSentence
from qa.render import answer_to_json, doubts, written_note
from tests.llm.conftest import GOOD, KEY, OUTCOMES, QUESTION, Serving, behaviours, settings_for
from tests.llm.scripted_server import MODEL, closed_url, scripted
from tests.qa.api.conftest import Served, error_of, stream_of

ASKED = {"question": QUESTION, "llm": True}


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@pytest.fixture(name="both")
def _both(serving: Serving) -> Any:
    """An API whose model behaves as it is told."""

    @contextmanager
    def both(name: str, **more: object) -> Iterator[Served]:
        with (
            scripted(name, key=KEY, other=closed_url()) as server,
            serving(settings_for(server, **more)) as served,
        ):
            yield served

    return both


@behaviours
def test_one_record(both: Any, bot: Bot, name: str) -> None:
    wanted = OUTCOMES[name]
    with both(name) as served:
        response = served.post("/api/ask", json=ASKED)
    assert response.status_code == 200
    found = response.json()
    shape = records.Written.model_validate_json(response.text)
    assert shape.model_dump(mode="json") == found
    assert found["answer"] == as_json(answer_to_json(bot.ask(QUESTION)))
    assert found["failure"] == (wanted.failure and wanted.failure.value)
    assert [tuple(one["doubts"]) for one in found["sentences"]] == list(wanted.doubts)
    assert [one["verified"] for one in found["sentences"]] == [not one for one in wanted.doubts]
    assert (found["count"], found["verified"]) == (len(wanted.doubts), wanted.doubts.count(()))
    if wanted.failure:
        assert found["text"] == GOOD
        assert found["citations"] == []
        assert "以下是文档原句；" in found["note"]
    else:
        assert found["note"].startswith(f"由 {MODEL} 根据 {found['passages']} 个段落写成，")
        assert found["text"] == "".join(one["text"] for one in found["sentences"])


@behaviours
def test_events(both: Any, bot: Bot, name: str) -> None:
    wanted = OUTCOMES[name]
    with both(name, llm_unsupported="leave out") as served:
        found = stream_of(served.post("/api/ask", json={**ASKED, "stream": True}))
    kinds = [kind for kind, _ in found]
    assert kinds[:2] == ["sentence", "answer"]
    assert kinds[-1] == "written"
    assert set(kinds[2:-1]) <= {"written_sentence"}
    assert json.loads(found[1][1]) == as_json(answer_to_json(bot.ask(QUESTION)))
    whole = json.loads(found[-1][1])
    records.Written.model_validate(whole)
    sent = [json.loads(data) for kind, data in found if kind == "written_sentence"]
    assert [tuple(one["doubts"]) for one in whole["sentences"]] == list(wanted.kept)
    if whole["sentences"]:
        assert sent == whole["sentences"]
    else:
        assert whole["failure"] == (wanted.failure.value if wanted.failure else "unverified")
        assert whole["answer"]["text"] == GOOD


def test_sentences_are_sent_before_the_model_has_ended(serving: Serving) -> None:
    with scripted("hold") as server, serving(settings_for(server, llm_timeout=30)) as served:
        asked = {**ASKED, "stream": True}
        with served.client.stream("POST", "/api/ask", json=asked) as response:
            lines = response.iter_lines()
            named = next(line for line in lines if line == "event: written_sentence")
            assert named
            assert json.loads(next(lines).removeprefix("data: "))["text"] == GOOD
            assert server.held.wait(10)
            server.release()
            assert "event: written" in list(lines)


def test_plain_questions_are_answered_as_without_a_model(both: Any, bot: Bot) -> None:
    with both("late") as served:
        for k in (0, 1, 3):
            asked = {"question": QUESTION, "k": k}
            answer = bot.ask(QUESTION)
            wanted = as_json(answer_to_json(replace(answer, nearest=answer.nearest[:k])))
            assert served.post("/api/ask", json=asked).json() == wanted
            events = stream_of(served.post("/api/ask", json={**asked, "stream": True}))
            assert json.loads(events[-1][1]) == wanted


def test_k_bounds_what_is_sent_and_not_what_the_model_reads(serving: Serving) -> None:
    with scripted() as server, serving(settings_for(server)) as served:
        for stream in (False, True):
            response = served.post("/api/ask", json={**ASKED, "k": 1, "stream": stream})
            found = json.loads(stream_of(response)[-1][1]) if stream else response.json()
            assert len(found["answer"]["nearest"]) == 1
            assert found["passages"] > 1
            assert server.requests[-1].prompt.count("\n[") == found["passages"] - 1


@pytest.mark.parametrize("question", ["你好", "熊猫吃什么？"])
def test_a_refusal_is_one_with_a_model_too(both: Any, bot: Bot, question: str) -> None:
    with both("good") as served:
        found = served.post("/api/ask", json={"question": question, "llm": True}).json()
    assert found["answer"] == as_json(answer_to_json(bot.ask(question)))
    assert (found["sentences"], found["failure"], found["text"], found["note"]) == (
        [],
        None,
        "",
        "",
    )


def test_a_server_without_a_model(serving: Serving) -> None:
    with serving(Settings()) as served:
        for stream in (False, True):
            response = served.post("/api/ask", json={**ASKED, "stream": stream})
            error = error_of(response, 400)
            assert (error["code"], error["param"]) == ("no_language_model", "llm")
        body = {"model": "wenju-llm", "messages": [user(QUESTION)]}
        error = error_of(served.post("/v1/chat/completions", json=body), 404)
        assert error["message"] == "There is no model 'wenju-llm' here; its name is 'wenju'"
        assert (
            error_of(served.post("/api/ask", json={**ASKED, "llm": "yes"}), 400)["param"] == "llm"
        )


def test_a_slow_model_keeps_nobody_else_waiting(both: Any) -> None:
    """More wait for the model than questions are answered at once."""
    with (
        both("late", llm_timeout=4) as served,
        httpx.Client(base_url=served.url, trust_env=False, timeout=60) as client,
    ):
        import threading
        import time

        waiting = [
            threading.Thread(target=lambda: client.post("/api/ask", json=ASKED)) for _ in range(8)
        ]
        for one in waiting:
            one.start()
        time.sleep(0.7)
        began = time.monotonic()
        assert served.post("/api/ask", json={"question": QUESTION}).json()["text"] == GOOD
        assert time.monotonic() - began < 2
        for one in waiting:
            one.join()


def user(text: str) -> Any:
    return {"role": "user", "content": text}


def client_of(served: Served) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{served.url}/v1", api_key="any", max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=False, timeout=60),
    )  # fmt: skip


def test_two_models(both: Any) -> None:
    with both("good") as served, client_of(served) as client:
        assert [one.id for one in client.models.list()] == ["wenju", "wenju-llm"]
        assert client.models.retrieve("wenju-llm").owned_by == "wenju"
        with pytest.raises(openai.NotFoundError, match="their names are 'wenju' or 'wenju-llm'"):
            client.models.retrieve("qwen")


def test_the_plain_model_stays_extractive(serving: Serving, bot: Bot) -> None:
    with (
        scripted() as server,
        serving(settings_for(server)) as served,
        client_of(served) as client,
    ):
        found = client.chat.completions.create(model="wenju", messages=[user(QUESTION)])
        assert server.requests == []
    assert (found.choices[0].message.content or "").startswith(f"{GOOD}[1]\n\n---\n")
    assert found.model == "wenju"


@behaviours
def test_messages(both: Any, bot: Bot, name: str) -> None:
    wanted = OUTCOMES[name]
    with both(name) as served, client_of(served) as client:
        found = client.chat.completions.create(model="wenju-llm", messages=[user(QUESTION)])
        chunks = list(
            client.chat.completions.create(
                model="wenju-llm", messages=[user(QUESTION)], stream=True
            )
        )
        message = found.choices[0].message
        content = message.content or ""
        extra = message.model_extra or {}
        for noted in message.annotations or []:
            place = noted.url_citation
            document = served.get(place.url.removeprefix(served.url)).json()
            assert document["text"] in [one["quote"] for one in extra["citations"]]
    assert {found.model, *(chunk.model for chunk in chunks)} == {"wenju-llm"}
    assert found.choices[0].finish_reason == "stop"
    said, _, notes = content.partition("\n\n---\n")
    marks = [one for one in doubts() if f"（{one}）" in said]
    assert bool(marks) == any(wanted.doubts)
    if wanted.failure:
        assert said == f"{GOOD}[1]"
        assert "以下是文档原句；" in notes.splitlines()[-1]
        assert extra["citations"] == as_json(answer_to_json(bot.ask(QUESTION)))["citations"]
    else:
        assert f"由 {MODEL} 根据 " in notes
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    last = chunks[-1].choices[0]
    assert (chunks[0].choices[0].delta.role, last.finish_reason) == ("assistant", "stop")
    end = last.delta.model_extra or {}
    for one in end["annotations"]:
        place = one["url_citation"]
        assert streamed[place["start_index"] : place["end_index"]]
    if wanted.failure is None:
        assert streamed == content
        assert end["citations"] == extra["citations"]
    else:  # what was said before cannot be taken back; the answer stands below it
        assert streamed.endswith(notes.splitlines()[-1]) or "秒后可再试。" in streamed
        assert f"{GOOD}[1]\n\n---\n" in streamed
        place = end["annotations"][0]["url_citation"]
        assert streamed[place["start_index"] : place["end_index"]] == GOOD


def test_annotations_point_at_the_sentences(both: Any) -> None:
    with both("wrong_number_after_good") as served, client_of(served) as client:
        found = client.chat.completions.create(model="wenju-llm", messages=[user(QUESTION)])
    message = found.choices[0].message
    content = message.content or ""
    cited = [
        content[one.url_citation.start_index : one.url_citation.end_index]
        for one in message.annotations or []
    ]
    assert cited[0] == GOOD
    assert cited[-1].startswith("另据介绍，")


def test_a_written_message_comes_back_as_what_was_said(both: Any) -> None:
    for name in ("good", "wrong_number_after_good", "uncited", "wrong_citation"):
        with both(name) as served, client_of(served) as client:
            found = client.chat.completions.create(model="wenju-llm", messages=[user(QUESTION)])
            plain = served.post("/api/ask", json=ASKED).json()["text"]
        assert without_footnotes(found.choices[0].message.content or "") == plain


def test_english_marks_come_back_too(bot: Bot) -> None:
    from qa.api.footnotes import written_message_text

    answer = replace(bot.ask(QUESTION), question="How many?")
    told = (
        WrittenSentence("Twenty-two.", (1,)),
        WrittenSentence("Ninety.", (1, 2), (Doubt.NO_SUCH_PASSAGE, Doubt.NUMBER)),
    )
    written = Written(answer, MODEL, told, count=2, verified=1, passages=3)
    message = written_message_text(written)
    assert message.startswith(
        "Twenty-two.[1] Ninety.[1][2] (no such passage, number not in the source)\n\n---\n"
    )
    assert message.endswith(written_note(written))
    assert without_footnotes(message) == "Twenty-two. Ninety."


def test_usage_and_unsupported_parameters(both: Any) -> None:
    with both("good") as served, client_of(served) as client:
        chunks = list(
            client.chat.completions.create(
                model="wenju-llm", messages=[user(QUESTION)], stream=True,
                stream_options={"include_usage": True},
            )
        )  # fmt: skip
        assert chunks[-1].usage is not None
        with pytest.raises(openai.BadRequestError, match="leave out 'n'"):
            client.chat.completions.create(model="wenju-llm", messages=[user(QUESTION)], n=2)


def test_cases_of_the_description(both: Any) -> None:
    """No request with `llm` may be a server's error; what is sent has the described shape."""
    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    ]
    with both("wrong_number_after_good") as served:
        schema = schemathesis.openapi.from_dict(served.get("/api/openapi.json").json())

        @given(case=schema["/api/ask"]["POST"].as_strategy())
        @settings(
            max_examples=40, derandomize=True, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def asked(case: Any) -> None:
            if isinstance(case.body, dict):
                case.body["llm"] = True
            case.call_and_validate(base_url=served.url, timeout=60, checks=checks)

        asked()
