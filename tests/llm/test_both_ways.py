"""`wenju eval --llm`: both ways side by side, whatever the model does on the way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from embeddings.encoder import CountingEncoder
from qa.bot import Bot
from qa.both_ways import MOST_WAITED, TRIES, BothWays, as_answer
from qa.cli import main
from qa.evaluation import Evaluation, FileReport, Latency, to_table
from qa.records import Answer, Failure, Written, WrittenSentence
from qa.runs import read_run
from tests.llm.conftest import GOOD, KEY, QUESTION
from tests.llm.scripted_server import BEHAVIOURS, MODEL, Exchange, Server, scripted

GOLD: list[dict[str, Any]] = [
    {
        "id": "projects", "lang": "zh", "kind": "number", "question": QUESTION,
        "answers": [["22"]], "evidence": [{"source": "天桥.txt", "quote": "签约项目22个"}],
    },
    {
        "id": "alliances", "lang": "zh", "kind": "number", "question": "高新区组建多少个党建联盟？",
        "answers": [["8个"]], "evidence": [{"source": "高新.txt", "quote": "组建8个党建联盟"}],
    },
    {
        "id": "visits", "lang": "zh", "kind": "number", "question": "近年来走访企业多少家？",
        "answers": [["190"]], "evidence": [{"source": "濟陽.txt", "quote": "企業(yè)190余家"}],
    },
    {"id": "pandas", "lang": "zh", "kind": "unanswerable", "question": "熊猫吃什么？"},
]  # fmt: skip


@pytest.fixture(autouse=True)
def _with_the_counting_encoder(monkeypatch: pytest.MonkeyPatch, counting: CountingEncoder) -> None:
    for place in ("embeddings.encoder", "qa.bot"):
        monkeypatch.setattr(f"{place}.open_encoder", lambda *_, **__: counting)


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    file = tmp_path / "题.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in GOLD), "utf-8")
    return file


def run(server: Server, index: Path, *words: str | Path) -> str:
    env = {
        "WENJU_LLM_URL": server.url, "WENJU_LLM_MODEL": MODEL, "WENJU_LLM_KEY": KEY,
        "WENJU_LLM_TIMEOUT": "3",
    }  # fmt: skip
    found = CliRunner().invoke(
        main, ["eval", *map(str, words), "--llm", "--index", str(index)], env=env,
        catch_exceptions=False,
    )  # fmt: skip
    assert found.exit_code == 0
    return found.stdout


def test_a_model_that_copies_is_as_right_as_the_documents(index: Path, gold: Path) -> None:
    with scripted(key=KEY) as server:
        found = json.loads(run(server, index, gold, "--json"))
        assert len(server.requests) == 3
    (report,) = found["reports"]
    own, written = report["groups"]["all"], report["written"]
    assert (own["n"], own["answer"], own["cited"], own["refused"]) == (4, 1.0, 1.0, 1.0)
    same = {name: value for name, value in own.items() if name != "grounded"}
    assert written["groups"]["all"] == same
    assert (written["model"], written["asked"], written["written"]) == (MODEL, 3, 3)
    assert (written["sentences"], written["verified"], written["verified_share"]) == (3, 3, 1.0)
    assert written["failures"] == {}
    assert written["latency"]["p95"] > report["latency_ms"]["ask"]["p50"]
    assert [one["failure"] for one in written["questions"]] == [None] * 4
    assert written["questions"][0]["text"] == GOOD
    assert written["questions"][3]["text"] is None


def test_the_table_has_a_row_for_each_way(index: Path, gold: Path) -> None:
    with scripted("wrong_number", key=KEY) as server:
        lines = run(server, index, gold).splitlines()
    head = next(at for at, line in enumerate(lines) if "verified" in line)
    names = lines[head].split()
    assert names[0] == "题.jsonl"
    assert {"answer", "cited", "refused", "false_refusal"} < set(names)
    assert names[-6:] == ["verified", "written", "failed", "ask", "p50/p95", "ms"]
    own, other = lines[head + 1].split(), lines[head + 2].split()
    assert own[:3] == ["the", "documents'", "words"]
    assert other[:2] == ["by", MODEL]
    assert own[-4:-1] == ["-", "-", "-"]
    assert other[-4:-1] == ["0.0000", "3/3", "0"]
    answers = names.index("answer")
    assert (own[answers + 2], other[answers + 1]) == ("1.0000", "0.3333")  # 8 of "在2020年组建8个"


def test_failures_are_counted_and_end_nothing(index: Path, gold: Path, tmp_path: Path) -> None:
    names = ["cut", "good", "late"]

    def in_turn(to: Exchange) -> None:
        BEHAVIOURS[names[len(to.server.requests) - 1]](to)

    page, saved = tmp_path / "页.html", tmp_path / "run.json"
    with scripted(in_turn, key=KEY) as server:
        told = run(server, index, gold, "--html", page, "--save", saved)
        assert len(server.requests) == 3
    assert (
        "题.jsonl: the language model failed: broken 1, timeout 1; the documents' words count"
        in told
    )
    written = json.loads(saved.read_text("utf-8"))["reports"][0]["written"]
    assert (written["asked"], written["written"], written["verified"]) == (3, 1, 1)
    assert written["failures"] == {"broken": 1, "timeout": 1}
    assert written["groups"]["all"]["answer"] == 1.0  # a user is shown the documents' words
    assert [one["failure"] for one in written["questions"]] == ["broken", None, "timeout", None]
    shown = page.read_text("utf-8")
    assert f"by {MODEL}" in shown
    assert "failed: broken 1, timeout 1" in shown
    assert read_run(saved).conditions.options["llm"] == MODEL
    assert KEY not in shown + saved.read_text("utf-8")


def test_nothing_of_it_stands_in_an_evaluation_without(index: Path, gold: Path) -> None:
    found = CliRunner().invoke(main, ["eval", str(gold), "--index", str(index)])
    assert found.exit_code == 0
    assert "verified" not in found.stdout


def test_groups(index: Path, gold: Path) -> None:
    with scripted(key=KEY) as server:
        found = json.loads(run(server, index, gold, "--json", "--by", "kind"))
    groups = found["reports"][0]["written"]["groups"]
    assert list(groups) == ["all", "number", "unanswerable"]
    assert groups["number"]["n"] == 3


def test_squad_files(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embeddings.model.home", lambda: tmp_path)
    context = "天桥区建立4个产业链党组织,覆盖21家企业。园区完成签约项目22个。"
    asked = {
        "id": "1",
        "question": QUESTION,
        "answers": [{"text": "22个", "answer_start": context.index("22个")}],
    }
    data = {"data": [{"title": "题", "paragraphs": [{"context": context, "qas": [asked]}]}]}
    file = tmp_path / "题.json"
    file.write_text(json.dumps(data), "utf-8")
    with scripted(key=KEY) as server:
        found = json.loads(run(server, index, file, "--json"))
    written = found["reports"][0]["written"]
    assert written["groups"] == found["reports"][0]["groups"]
    assert written["verified_share"] == 1.0


def test_fitting_asks_no_model(index: Path, gold: Path) -> None:
    found = CliRunner().invoke(main, ["eval", str(gold), "--fit", "--llm", "--index", str(index)])
    assert found.exit_code == 2
    assert "leave out --llm" in found.stderr


def failed(answer: Answer, failure: Failure | None, wait: float | None = None) -> Written:
    return Written(answer, MODEL, failure=failure, wait=wait, passages=3)


@pytest.mark.parametrize(
    ("wait", "waits", "asks"),
    [(2.5, [2.5] * (TRIES - 1), TRIES), (None, [], 1), (MOST_WAITED + 1, [], 1)],
)
def test_a_busy_model_is_waited_for(
    bot: Bot, wait: float | None, waits: list[float], asks: int
) -> None:
    answer = bot.ask(QUESTION)
    asked: list[Answer] = []
    waited: list[float] = []

    def write(given: Answer) -> Written:
        asked.append(given)
        return failed(given, Failure.BUSY, wait)

    assert BothWays(write, waited.append).written(answer).failure is Failure.BUSY
    assert (waited, len(asked)) == (waits, asks)


def test_what_is_judged_is_what_a_user_is_shown(bot: Bot) -> None:
    answer = bot.ask(QUESTION)
    assert as_answer(failed(answer, Failure.BROKEN)) is answer
    (cited,) = answer.citations
    told = (WrittenSentence("乙。", (3,)), WrittenSentence("甲。", (1, 3)))
    citations = (replace(cited, number=1), replace(cited, number=3, source="别.txt"))
    shown = as_answer(replace(failed(answer, None), sentences=told, citations=citations))
    assert shown.text == "乙。甲。"
    assert [(one.number, one.source) for one in shown.citations] == [
        (1, "别.txt"), (2, cited.source),
    ]  # fmt: skip


def test_an_evaluation_of_nothing_is_a_table() -> None:
    written = BothWays(lambda answer: failed(answer, None)).report({"all": {"n": 0}})
    report = FileReport("空.jsonl", {"all": {"n": 0}}, Latency(None, None), (), written=written)
    assert "0/0" in to_table(Evaluation((report,), None))
