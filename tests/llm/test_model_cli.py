"""`wenju ask --llm`: text, --json and --batch for each behaviour of a real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from embeddings.encoder import CountingEncoder
from qa.bot import Bot
from qa.cli import main
from qa.evaluate import answer_rows
from qa.question_files import Question
from qa.render import answer_to_json, answer_to_text, doubts
from tests.llm.conftest import GOOD, KEY, OUTCOMES, QUESTION, behaviours, seconds_for
from tests.llm.scripted_server import MODEL, Server, closed_url, scripted


@pytest.fixture(autouse=True)
def _with_the_counting_encoder(monkeypatch: pytest.MonkeyPatch, counting: CountingEncoder) -> None:
    for place in ("embeddings.encoder", "qa.bot"):
        monkeypatch.setattr(f"{place}.open_encoder", lambda *_, **__: counting)


def run(server: Server, index: Path, *words: str, **variables: str) -> str:
    """Return what a command prints; it must succeed, and say nothing else."""
    given = {
        "WENJU_LLM_URL": server.url, "WENJU_LLM_MODEL": MODEL, "WENJU_LLM_KEY": KEY,
        "WENJU_LLM_TIMEOUT": str(seconds_for(server)), **variables,
    }  # fmt: skip
    found = CliRunner().invoke(
        main, [*words, "--llm", "--index", str(index)], env=given, catch_exceptions=False
    )
    assert (found.exit_code, found.stderr) == (0, "")
    return found.stdout


@behaviours
def test_text(index: Path, bot: Bot, name: str) -> None:
    wanted = OUTCOMES[name]
    with scripted(name, key=KEY, other=closed_url()) as server:
        told = run(server, index, "ask", QUESTION)
    if wanted.failure:
        note, rest = told.split("\n\n", 1)
        assert note.startswith("语言模型")
        assert note.endswith("。")
        assert rest == answer_to_text(bot.ask(QUESTION)) + "\n"
        return
    said, *_, note, own = told.splitlines()
    assert note.startswith(f"由 {MODEL} 根据 ")
    assert f"{len(wanted.doubts)} 句中 {wanted.doubts.count(())} 句已核对原文" in note
    assert own == f"原句：{GOOD}"
    assert sum(said.count(f"（{one}）") for one in set(doubts())) == sum(map(bool, wanted.doubts))


@behaviours
def test_json_and_batch(index: Path, bot: Bot, name: str, tmp_path: Path) -> None:
    wanted = OUTCOMES[name]
    questions = tmp_path / "题.jsonl"
    quick = "busy_silent" if name.startswith("busy") else name  # a batch waits
    lines = [{"id": "a", "question": QUESTION}, {"id": "b", "question": "熊猫吃什么？"}]
    questions.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    with scripted(name, key=KEY, other=closed_url()) as server:
        found: dict[str, Any] = json.loads(run(server, index, "ask", QUESTION, "--json"))
    with scripted(quick, key=KEY, other=closed_url()) as server:
        rows = [
            json.loads(line)
            for line in run(
                server, index, "ask", "--batch", str(questions),
                WENJU_LLM_UNSUPPORTED="leave out",
            ).splitlines()
        ]  # fmt: skip
    assert found["failure"] == (wanted.failure and wanted.failure.value)
    assert [tuple(one["doubts"]) for one in found["sentences"]] == list(wanted.doubts)
    assert found["answer"] == json.loads(json.dumps(answer_to_json(bot.ask(QUESTION))))
    assert [row["id"] for row in rows] == ["a", "b"]
    plain = answer_rows(bot, [Question(one["id"], one["question"]) for one in lines])
    assert [{**row, "written": None} for row in rows] == [
        {**json.loads(json.dumps(row)), "written": None} for row in plain
    ]
    first, second = (row["written"] for row in rows)
    assert [tuple(one["doubts"]) for one in first["sentences"]] == list(wanted.kept)
    assert (second["sentences"], second["failure"], second["passages"]) == ([], None, 0)


def test_a_batch_waits_for_a_busy_model(index: Path, tmp_path: Path) -> None:
    questions = tmp_path / "题.jsonl"
    questions.write_text(json.dumps({"id": "a", "question": QUESTION}), "utf-8")

    def busy_once(to: Any) -> None:
        if len(to.server.requests) == 1:
            to.status(429, retry_after="1")
        else:
            to.say(GOOD[:-1] + "[1]。")

    with scripted(busy_once, key=KEY) as server:
        row = json.loads(run(server, index, "ask", "--batch", str(questions)))
        assert len(server.requests) == 2
    assert row["written"]["failure"] is None


def test_the_model_is_not_asked_without_the_option(index: Path, bot: Bot) -> None:
    with scripted() as server:
        env = {"WENJU_LLM_URL": server.url, "WENJU_LLM_MODEL": MODEL}
        found = CliRunner().invoke(main, ["ask", QUESTION, "--index", str(index)], env=env)
        assert server.requests == []
    assert found.stdout == answer_to_text(bot.ask(QUESTION)) + "\n"
