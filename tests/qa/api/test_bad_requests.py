"""Each bad request has its status and one clear sentence, over real HTTP."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from embeddings.errors import IndexDamagedError, IndexMissingError, ModelMissingError
from embeddings.records import Span
from qa.api import limits, probe
from qa.api.bodies import PASSED_OVER
from qa.bot import Bot
from qa.probe import stands
from qa.records import Hit
from tests.qa.api.conftest import QUESTION, Served, error_of, serving

JSON = {"content-type": "application/json"}
CHAT = {"model": "wenju", "messages": [{"role": "user", "content": QUESTION}]}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "must be a JSON object"),
        (b"{", "The body is no JSON (Expecting property name enclosed in double quotes at"),
        (b"null", "must be a JSON object"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b'{"question": "\xff"}', "cannot be read as JSON in UTF-8"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b'{"question": ' + b"9" * 5000 + b"}", "cannot be read as JSON"),
        (b'{"question": "\\ud800"}', "'question' cannot be used"),
        (b"{}", "The field 'question' is missing"),
        (b'{"question": ""}', "at least 1 character"),
        (b'{"question": "\\u3000 "}', "The question is empty; write what you want to know"),
        (b'{"question": 7}', "'question' cannot be used: Input should be a valid string"),
        (
            b'{"question": "?", "k": 6}',
            "'k' cannot be used: Input should be less than or equal to 5",
        ),
        (b'{"question": "?", "k": true}', "'k' cannot be used"),
        (b'{"question": "?", "k": NaN}', "'k' cannot be used"),
        (b'{"question": "?", "stream": "yes"}', "'stream' cannot be used"),
        (b'{"question": "?", "qestion": 1}', "There is no field 'qestion' here"),
        (b'{"question": "?", "dates": ["2021-01-01"]}', "'dates.1' is missing"),
        (b'{"question": "?", "dates": ["x", null]}', "The date 'x' is no day of the calendar"),
        (b'{"question": "?", "dates": ["2021-02-02", "2021-02-01"]}', "The dates run backwards"),
        (b'{"question": "?", "sources": "a.txt"}', "'sources' cannot be used"),
        (b'{"question": "?", "history": [7]}', "'history.0.str' cannot be used"),
        (b'{"question": "?", "history": [{"answer": ""}]}', "'history.0"),
    ],
)
def test_bad_bodies(served: Served, body: bytes, sentence: str) -> None:
    error = error_of(served.post("/api/ask", content=body, headers=JSON), 400)
    assert sentence in error["message"]


@pytest.mark.parametrize(
    ("path", "body", "sentence", "param"),
    [
        ("/api/ask", {"question": "问" * 2001}, "at most 2000 characters", "question"),
        ("/api/ask", {"question": "?", "history": ["问"] * 101}, "at most 100 items", "history"),
        ("/api/ask", {"question": "?", "sources": ["a"] * 201}, "at most 200 items", "sources"),
        ("/api/retrieve", {"question": "?", "k": 101}, "less than or equal to 100", "k"),
        ("/api/retrieve", {"question": "?", "k": 0}, "greater than or equal to 1", "k"),
    ],
)  # fmt: skip
def test_limits(
    served: Served, path: str, body: dict[str, object], sentence: str, param: str
) -> None:
    error = error_of(served.post(path, json=body), 400)
    assert sentence in error["message"]
    assert error["param"] == param


def test_what_is_just_within_the_limits_is_answered(served: Served) -> None:
    body = {"question": "问" * 2000, "history": ["你好"] * 100, "sources": ["天桥.txt"] * 200}
    assert served.post("/api/ask", json=body).status_code == 200
    assert served.post("/api/retrieve", json={"question": "?", "k": 100}).status_code == 200


@pytest.mark.parametrize("path", ["/api/ask", "/api/retrieve", "/v1/chat/completions"])
def test_unknown_files_are_told_with_what_is_near(served: Served, path: str) -> None:
    body = {"question": QUESTION} if path.startswith("/api") else CHAT
    error = error_of(served.post(path, json={**body, "sources": ["天桥.md", "高新.txt"]}), 404)
    assert error["message"] == "The index holds no file or folder '天桥.md'; near: 天桥.txt"
    assert (error["param"], error["code"]) == ("sources", "unknown_source")


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "/api/nothing", 404, "There is nothing at '/api/nothing'"),
        ("GET", "/api/ask/", 404, "There is nothing at"),
        ("GET", "/api/ask", 405, "GET is not served at '/api/ask'"),
        ("DELETE", "/api/documents", 405, "DELETE is not served"),
        ("GET", "/api/documents/0123", 404, "The index holds no document '0123'"),
        ("GET", "/api/documents/%00%ff", 404, "The index holds no document"),
        ("GET", "/api/documents/x?start=-1", 400, "'start' cannot be used"),
        ("GET", "/api/documents/x?start=a", 400, "'start' cannot be used"),
        ("GET", "/api/documents/x?start=9&end=3", 400, "ends at 3, before it begins at 9"),
        ("GET", "/api/documents/x?end=99999999999999999999", 400, "'end' cannot be used"),
        ("GET", "/api/documents?limit=0", 400, "'limit' cannot be used"),
        ("GET", "/api/documents?limit=1001", 400, "'limit' cannot be used"),
        ("GET", "/v1/models/gpt-4o", 404, "There is no model 'gpt-4o' here; its name is 'wenju'"),
    ],
)
def test_bad_paths(served: Served, method: str, path: str, status: int, sentence: str) -> None:
    assert sentence in error_of(served.client.request(method, path), status)["message"]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({}, "'answer.text' is missing"),
        ({"marks": [[3, 1]]}, "The field 'answer' is no answer"),
        ({"verdict": "great"}, "'verdict' cannot be used"),
        ({"note": "长" * 1001}, "at most 1000 characters"),
        ({"id": "short"}, "'id' cannot be used"),
        ({"quote": "长" * 100_001}, "up to 100,000"),
    ],
)
def test_bad_feedback(served: Served, answer: dict[str, object], sentence: str) -> None:
    record = served.post("/api/ask", json={"question": QUESTION}).json()
    given: dict[str, object] = {"answer": record, "verdict": "up", **answer}
    if not answer:
        given["answer"] = {}
    if "marks" in answer:
        record["sentences"][0]["marks"] = given.pop("marks")
    if "quote" in answer:
        record["citations"][0]["quote"] = given.pop("quote")
    assert sentence in error_of(served.post("/api/feedback", json=given), 400)["message"]


# ---- chat completions ----


@pytest.mark.parametrize(
    ("fields", "status", "code", "param", "sentence"),
    [
        ({"model": "gpt-4o"}, 404, "model_not_found", "model", "no model 'gpt-4o' here"),
        ({"model": None}, 400, "invalid_request", "model", "valid string"),
        ({"messages": []}, 400, "invalid_request", "messages", "at least 1 item"),
        ({"messages": "?"}, 400, "invalid_request", "messages", "valid list"),
        ({"messages": [{"role": "user"}]}, 400, "invalid_request", None, "The question is empty"),
        ({"messages": [{"role": "system", "content": "x"}]}, 400, "invalid_request", "messages", "not the user's"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 400, "invalid_request", "messages", "not the user's"),
        ({"messages": [{"role": "tool", "content": "x"}]}, 400, "invalid_request", "messages", "the role 'tool'"),
        ({"messages": [{"role": "user", "content": "问" * 2001}]}, 400, "context_length_exceeded", "messages", "2,001 characters"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            400, "unsupported_content", "messages", "leave out the part of type 'image_url'",
        ),
        ({"tools": [{"type": "function"}]}, 400, "unsupported_parameter", "tools", "calls no tools"),
        ({"functions": [{}]}, 400, "unsupported_parameter", "functions", "calls nothing"),
        ({"n": 2}, 400, "unsupported_parameter", "n", "one answer"),
        ({"response_format": {"type": "json_object"}}, 400, "unsupported_parameter", "response_format", "plain text"),
        ({"logprobs": True}, 400, "unsupported_parameter", "logprobs", "no log probabilities"),
        ({"modalities": ["audio"]}, 400, "unsupported_parameter", "modalities", "text only"),
        ({"audio": {"voice": "x"}}, 400, "unsupported_parameter", "audio", "text only"),
        ({"dates": ["x", None]}, 400, "invalid_request", None, "'x' is no day"),
        ({"stream": 7}, 400, "invalid_request", "stream", "valid boolean"),
    ],
)  # fmt: skip
def test_bad_chats(
    served: Served, fields: dict[str, object], status: int, code: str, param: str, sentence: str
) -> None:
    error = error_of(served.post("/v1/chat/completions", json={**CHAT, **fields}), status)
    assert sentence in error["message"]
    assert (error["code"], error["param"]) == (code, param)


def test_what_tells_a_language_model_how_to_write_is_passed_over(served: Served) -> None:
    harmless = {
        "temperature": 0.2, "top_p": 1, "max_tokens": 5, "max_completion_tokens": 5, "stop": ["。"],
        "seed": 1, "user": "x", "frequency_penalty": 0, "logit_bias": {}, "n": 1, "tools": [],
        "response_format": {"type": "text"}, "modalities": ["text"], "metadata": {"a": "b"},
        "a_field_of_tomorrow": [1],
    }  # fmt: skip
    plain = served.post("/v1/chat/completions", json=CHAT).json()
    found = served.post("/v1/chat/completions", json={**CHAT, **harmless}).json()
    assert found["choices"] == plain["choices"]


# ---- size ----


def test_a_large_body_is_refused(served: Served) -> None:
    body = json.dumps({"question": "?", "history": ["x" * limits.LARGEST_BODY]}).encode()
    error = error_of(served.post("/api/ask", content=body, headers=JSON), 413)
    assert error["message"] == "The body is larger than 1,048,576 bytes; send less"
    assert error["code"] == "body_too_large"


def test_a_large_body_of_unsaid_size_is_refused(served: Served) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(17):
            yield b" " * 65536

    assert error_of(served.post("/v1/chat/completions", content=chunks(), headers=JSON), 413)


def test_an_endless_body_is_cut_off(served: Served) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * limits.LARGEST_BODY

    with suppress(httpx.TransportError):  # the refusal may be lost, the limit may not
        error_of(served.post("/api/ask", content=chunks(), headers=JSON), 413)
    assert sent < PASSED_OVER * 2
    assert served.get("/api/health").status_code == 200


def test_a_body_of_just_the_largest_size_is_read(served: Served) -> None:
    start = json.dumps({"question": "?"}).encode()
    body = start + b" " * (limits.LARGEST_BODY - len(start))
    assert served.post("/api/ask", content=body, headers=JSON).status_code == 200
    assert served.post("/api/ask", content=body + b" ", headers=JSON).status_code == 413


def test_a_client_that_goes_in_the_middle_of_its_body_leaves_the_server(served: Served) -> None:
    address = urlsplit(served.url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
        connection.sendall(
            b"POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 90\r\n\r\n{"
        )
    assert served.get("/api/health").status_code == 200


# ---- the index ----


class Broken:
    """A bot whose index fails."""

    def __init__(self, bot: object, error: Exception) -> None:
        self._bot, self._error = bot, error

    def __getattr__(self, name: str) -> object:
        return getattr(self._bot, name)

    def info(self) -> object:
        raise self._error

    def ask(self, *_: object) -> object:
        raise self._error

    def retrieve(self, *_: object) -> object:
        raise self._error


@pytest.mark.parametrize(
    "error",
    [
        IndexMissingError("There is no index at 'x'; build it"),
        IndexDamagedError("A file of 'x' is damaged; build it again"),
        ModelMissingError("No weights here; install them"),
    ],
)
def test_an_index_that_fails_is_told_as_unavailable(served: Served, error: Exception) -> None:
    with serving(Broken(served.bot, error), served.service.library.index) as broken:
        for response in (
            broken.get("/api/health"),
            broken.post("/api/ask", json={"question": "?"}),
            broken.post("/api/ask", json={"question": "?", "stream": True}),
            broken.post("/v1/chat/completions", json={**CHAT, "stream": True}),
            broken.get("/v1/models"),
        ):
            assert error_of(response, 503)["message"] == str(error)
            assert response.json()["error"]["code"] == "not_available"


@pytest.fixture
def watched(served: Served) -> Iterator[Served]:
    """A server of its own: what it found counts for others for a while."""
    with serving(served.bot, served.service.library.index) as found:
        yield found


def test_health_is_bad_when_nothing_is_found(
    watched: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "KEPT_SECONDS", 0.0)
    assert watched.get("/api/health").json()["status"] == "ok"
    monkeypatch.setattr(watched.bot, "retrieve", lambda *_: [])
    assert "finds none" in error_of(watched.get("/api/health"), 503)["message"]


def test_health_is_bad_when_a_passage_is_not_found_by_its_own_words(
    watched: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other, *_ = watched.bot.retrieve(QUESTION, 5)
    assert first.text != other.text
    answers = {1: [first], 5: [other]}
    monkeypatch.setattr(watched.bot, "retrieve", lambda _, k: answers[k])
    message = error_of(watched.get("/api/health"), 503)["message"]
    assert message == "A passage is not found by its own words; check the index: wenju verify"


def test_health_is_bad_when_a_passage_is_not_what_stands_there(
    watched: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = watched.bot.document
    monkeypatch.setattr(
        watched.bot, "document", lambda one: replace(original(one), text="0" * 10_000)
    )
    message = error_of(watched.get("/api/health"), 503)["message"]
    assert message == (
        "A passage is not what stands at its place in the document; check the index: wenju verify"
    )


def test_health_compares_characters_in_their_order(served: Served) -> None:
    (hit,) = served.bot.retrieve(QUESTION, 1)
    text = served.bot.document(hit.document).text
    assert stands(hit, text)
    assert not stands(hit, text[::-1])
    assert not stands(hit, text[len(hit.text) // 2 :] + " " * len(text))
    written = "".join(f"&#{ord(char)};" for char in hit.text)
    span = replace(hit, spans=(Span(0, len(written)),))
    assert stands(span, written)


def test_health_answers_while_everything_else_is_busy(
    watched: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    for gate in (watched.service.asking, watched.service.reading, watched.service.writing):
        monkeypatch.setattr(gate, "_inside", 10_000)
    assert watched.post("/api/ask", json={"question": "?"}).status_code == 503
    assert watched.get("/api/documents").status_code == 503
    found = watched.get("/api/health")
    assert found.status_code == 200
    assert (found.json()["questions"], found.json()["most_questions"]) == (10_000, 68)
    assert found.json()["free_bytes"] > 0
    assert found.json()["rebuild_failed"] is False


@pytest.mark.parametrize("is_bad", [False, True])
def test_health_is_no_lever(watched: Served, monkeypatch: pytest.MonkeyPatch, is_bad: bool) -> None:
    searched: list[int] = []
    at_once: list[int] = []
    own = watched.bot.retrieve

    def counted(*given: Any) -> list[Hit]:
        at_once.append(1)
        searched.append(len(at_once))
        time.sleep(0.05)
        found = [] if is_bad else own(*given)
        at_once.pop()
        return found

    monkeypatch.setattr(watched.bot, "retrieve", counted)
    monkeypatch.setattr(probe, "KEPT_SECONDS", 60.0)
    with ThreadPoolExecutor(20) as many:
        found = list(many.map(lambda _: watched.get("/api/health").status_code, range(20)))
    assert found == [503 if is_bad else 200] * 20
    assert searched == ([1] if is_bad else [1, 1])


def test_health_goes_on_where_the_folder_of_the_index_is_gone(
    fresh: tuple[Bot, Path, Path],
) -> None:
    bot, _, index = fresh
    with serving(bot, index) as found:
        index.rename(index.with_name("elsewhere"))
        told = found.get("/api/health")
        assert (told.status_code, told.json().get("free_bytes", 0)) == (200, None)


def test_too_many_waiting_are_told_to_come_again(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go = threading.Event()
    monkeypatch.setattr(served.service.asking, "_most", limits.ASKED_AT_ONCE + 2)
    monkeypatch.setattr(served.bot, "retrieve", lambda *_, **__: [] if may_go.wait(100) else None)
    statuses: list[int] = []
    full = threading.Semaphore(0)

    def ask() -> None:
        response = served.post("/api/retrieve", json={"question": "?"})
        statuses.append(response.status_code)
        if response.status_code == 503:
            error = error_of(response, 503)
            assert (error["code"], response.headers["retry-after"]) == ("busy", "1")
            full.release()

    threads = [threading.Thread(target=ask) for _ in range(limits.ASKED_AT_ONCE + 2 + 3)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        assert full.acquire(timeout=15)
    may_go.set()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * (limits.ASKED_AT_ONCE + 2) + [503] * 3
