"""Documents, health and rebuilds over real HTTP; many at once, and clients that go."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from embeddings.locking import Writer
from qa import library_view
from qa.api import records
from qa.bot import Bot
from qa.conversation import Turn
from tests.qa.api.conftest import QUESTION, Served, error_of, serving
from tests.qa.conftest import PAGES

PATIENCE = 100.0


def test_the_list_is_that_of_the_command_line(served: Served) -> None:
    found = served.get("/api/documents").json()
    wanted = json.loads(json.dumps(library_view.to_json(served.service.library.listing())))
    assert found == {**wanted, "total": 3, "offset": 0}
    assert sorted(file["source"] for file in found["files"]) == sorted(PAGES)
    assert records.Files.model_validate_json(json.dumps(found)).model_dump(mode="json") == found


def test_the_list_in_parts(served: Served) -> None:
    whole = served.get("/api/documents").json()
    parts = [served.get(f"/api/documents?offset={at}&limit=2").json() for at in (0, 2, 4)]
    assert [len(part["files"]) for part in parts] == [2, 1, 0]
    assert [file for part in parts for file in part["files"]] == whole["files"]
    assert [part["total"] for part in parts] == [3, 3, 3]


@pytest.mark.parametrize("source", PAGES)
def test_a_document_as_it_was_read(served: Served, source: str) -> None:
    files = served.get("/api/documents").json()["files"]
    (listed,) = [file for file in files if file["source"] == source]
    found = served.get(f"/api/documents/{listed['document']}").json()
    text = PAGES[source]
    assert found["text"] == text
    assert (found["start"], found["end"], found["length"]) == (0, len(text), len(text))
    assert found["sources"] == [source]
    assert found["earlier"] is False
    assert records.Document.model_validate_json(json.dumps(found)).model_dump(mode="json") == found
    for passage in found["passages"]:
        marked = "".join(text[start:end] for start, end in passage["spans"])
        left = iter(marked)
        assert all(character in left for character in passage["text"].replace("\n", ""))


def test_a_part_of_a_document(served: Served) -> None:
    citation = served.bot.ask(QUESTION).citations[0]
    path = f"/api/documents/{citation.document}"
    whole = served.get(path).json()
    part = served.get(f"{path}?start={citation.start}&end={citation.end}").json()
    assert part["text"] == citation.quote
    assert [one["id"] for one in part["passages"]] == [
        one["id"]
        for one in whole["passages"]
        if any(start < citation.end and end > citation.start for start, end in one["spans"])
    ]
    assert len(part["passages"]) < len(whole["passages"])
    behind = served.get(f"{path}?start=100000&end=100001").json()
    assert served.get(f"{path}?start=3&end=3").json()["text"] == ""
    assert (behind["text"], behind["start"], behind["passages"]) == ("", whole["length"], [])


def test_health_searches(served: Served) -> None:
    found = served.get("/api/health").json()
    info = served.bot.info()
    assert (found["status"], found["warning"]) == ("ok", None)
    assert (found["documents"], found["passages"], found["generation"]) == (3, info.passages, 1)
    assert records.Health.model_validate(found)


def ended(served: Served) -> dict[str, Any]:
    limit = time.monotonic() + PATIENCE
    while (found := served.get("/api/rebuild").json())["running"]:
        assert time.monotonic() < limit
        time.sleep(0.05)
    state: dict[str, Any] = found
    return state


def test_a_rebuild_is_started_and_watched(fresh: tuple[Bot, Path, Path]) -> None:
    bot, root, index = fresh
    with serving(bot, index) as served:
        before = served.get("/api/rebuild").json()
        assert (before["number"], before["running"], before["report"]) == (0, False, None)
        assert records.Build.model_validate(before)
        cited = bot.ask(QUESTION).citations[0]
        text = PAGES["天桥.txt"].replace("22个", "33个")
        (root / "天桥.txt").write_bytes(text.encode())
        started = served.post("/api/rebuild")
        assert started.status_code == 202
        assert started.json()["started"] is True
        assert records.Started.model_validate(started.json())
        after = ended(served)
        assert (after["number"], after["error"], after["stage"]) == (1, None, "write")
        assert after["report"]["changes"]["changed"] == ["天桥.txt"]
        assert after["report"]["generation"] == 2
        answer = served.post("/api/ask", json={"question": QUESTION}).json()
        assert answer["text"] == "截至目前,园区完成签约项目33个。"
        # A citation of before is still the characters of before.
        old = served.get(f"/api/documents/{cited.document}?start={cited.start}&end={cited.end}")
        assert (old.json()["text"], old.json()["earlier"]) == (cited.quote, True)


def test_a_rebuild_that_fails_is_told(fresh: tuple[Bot, Path, Path]) -> None:
    bot, root, index = fresh
    for file in root.iterdir():
        file.unlink()
    root.rmdir()
    with serving(bot, index) as served:
        assert served.post("/api/rebuild").status_code == 202
        after = ended(served)
        assert after["report"] is None
        assert str(root) in after["error"]
        assert served.post("/api/ask", json={"question": QUESTION}).json()["answered"]


def test_a_rebuild_of_another_process_is_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Writer("building", 12345, "machine", "2026-11-23T08:00:00+00:00")
    monkeypatch.setattr(served.service.rebuilding, "other", lambda: other)
    error = error_of(served.post("/api/rebuild"), 409)
    assert "written by process 12345 on machine" in error["message"]
    assert served.get("/api/rebuild").json()["other"] == str(other)


def test_twenty_questions_at_once_and_a_rebuild_in_the_middle(
    fresh: tuple[Bot, Path, Path],
) -> None:
    """Each answer is whole, from one of both indexes, and its quotes stand in its document."""
    bot, root, index = fresh
    text = PAGES["天桥.txt"].replace("22个", "33个")
    answers: list[dict[str, Any]] = []
    with serving(bot, index) as served:

        def ask(at: int) -> None:
            if at == 10:
                (root / "天桥.txt").write_bytes(text.encode())
                assert served.post("/api/rebuild").status_code == 202
            answer = served.post("/api/ask", json={"question": QUESTION}).json()
            (citation,) = answer["citations"]
            part = f"?start={citation['start']}&end={citation['end']}"
            document = served.get(f"/api/documents/{citation['document']}{part}").json()
            assert document["text"] == citation["quote"]
            answers.append(answer)

        with ThreadPoolExecutor(20) as pool:
            list(pool.map(ask, range(20)))
        assert ended(served)["error"] is None
        ask(20)
    said = [answer["text"] for answer in answers]
    assert len(said) == 21
    assert set(said) <= {f"截至目前,园区完成签约项目{number}个。" for number in (22, 33)}
    assert said[-1] == "截至目前,园区完成签约项目33个。"


class Slow:
    """A bot that takes its time, and tells when it was asked."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self.asked = threading.Event()
        self.may_answer = threading.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._bot, name)

    def ask(self, question: str, history: list[str | Turn], *filters: Any) -> object:
        self.asked.set()
        assert self.may_answer.wait(PATIENCE)
        return self._bot.ask(question, history, *filters)


@pytest.mark.parametrize("path", ["/api/ask", "/v1/chat/completions"])
def test_a_client_that_goes_leaves_the_server_answering(served: Served, path: str) -> None:
    slow = Slow(served.bot)
    body: dict[str, Any] = {"question": QUESTION, "stream": True}
    if path.startswith("/v1"):
        body = {
            "model": "wenju",
            "messages": [{"role": "user", "content": QUESTION}],
            "stream": True,
        }
    with serving(slow, served.service.library.index) as found:
        for _ in range(6):  # more than are asked at once: none may be held
            slow.asked.clear()
            slow.may_answer.clear()
            with pytest.raises(httpx.ReadTimeout):
                found.post(path, json=body, timeout=httpx.Timeout(PATIENCE, read=0.3))
            assert slow.asked.wait(PATIENCE)
            slow.may_answer.set()
        again = found.post("/api/ask", json={"question": QUESTION})
        assert again.json()["answered"]


def test_a_stream_that_is_cut_leaves_the_server_answering(served: Served) -> None:
    body = {"question": QUESTION, "stream": True}
    for _ in range(6):
        with served.client.stream("POST", "/api/ask", json=body) as response:
            next(response.iter_bytes(1))
    assert served.post("/api/ask", json={"question": QUESTION}).status_code == 200
