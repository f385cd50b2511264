"""The page's benchmark: what counts as an error, its figures, and that it really asks the page."""

from __future__ import annotations

import argparse
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.page import (
    USERS,
    Asked,
    PageUser,
    ProgramUser,
    Question,
    Row,
    Server,
    ask_all,
    prepared,
    row_line,
)
from embeddings.errors import QuestionError
from qa.conversation import Turn
from qa.page.chat import running
from qa.records import Answer
from tests.browser.conftest import CHROMIUM
from tests.browser.scripted import ScriptedBot, answer, cite, document, hit

ORIGINAL = document("一.txt", "天桥区有企业100余家。从业人员近千人。", "天桥")
ASKED, FOLLOW_UP = "天桥区有多少家企业？", "那从业人员呢？"
EMPTY, WRONG, BROKEN, UNKNOWN = "空？", "错？", "炸？", "火星有多少座火山？"

FIRST = answer(ASKED, cite(ORIGINAL, "天桥区有企业100余家。"))
SCRIPT: dict[str, Answer | Exception] = {
    ASKED: FIRST,
    FOLLOW_UP: answer("天桥区从业人员有多少？", cite(ORIGINAL, "从业人员近千人。")),
    EMPTY: Answer("", True, (), (), EMPTY, ()),
    WRONG: QuestionError("That was nothing"),
    BROKEN: ZeroDivisionError(),
}


@pytest.fixture
def bot() -> ScriptedBot:
    return ScriptedBot({ORIGINAL.id: ORIGINAL}, SCRIPT, hits=[hit(ORIGINAL, "从业人员近千人。")])


@pytest.fixture
def address(bot: ScriptedBot) -> Iterator[str]:
    with running(bot) as found:
        yield found


@pytest.mark.parametrize(
    ("question", "error"),
    [
        (ASKED, None),
        (UNKNOWN, None),  # a refusal is an answer
        (EMPTY, "an empty answer"),
        (WRONG, "an error card"),
        (BROKEN, "the program failed"),
        ("长" * 2_001, "an error card"),
    ],
)
def test_what_counts_as_an_error_of_the_page(
    address: str, question: str, error: str | None
) -> None:
    with closing(PageUser(address)) as user:
        assert user.ask(Question(question)).error == error
        assert user.ask(Question(ASKED)).error is None  # the next one goes on


@pytest.mark.parametrize(
    ("question", "error"),
    [
        (ASKED, None),
        (UNKNOWN, None),
        (EMPTY, "an empty answer"),
        (WRONG, "event: error"),
        (BROKEN, "event: error"),
    ],
)
def test_what_counts_as_an_error_of_a_program(
    address: str, question: str, error: str | None
) -> None:
    with closing(ProgramUser(address)) as user:
        assert user.ask(Question(question)).error == error


def test_a_page_of_another_process_is_told_so(bot: ScriptedBot) -> None:
    with running(bot) as address, closing(PageUser(address)) as user:
        user._token = "of another process"
        assert user.ask(Question(ASKED)).error == "status 403"


def test_the_seconds_are_those_until_the_answer_has_come(bot: ScriptedBot) -> None:
    bot.seconds = 0.2
    with running(bot) as address, closing(PageUser(address)) as user:
        assert 0.2 <= user.ask(Question(ASKED)).seconds < 2.0


def test_follow_ups_carry_the_answers_before_them(
    bot: ScriptedBot, address: str, tmp_path: Path
) -> None:
    path = tmp_path / "questions.jsonl"
    lines: list[dict[str, object]] = [
        {"id": "1", "question": ASKED},
        {"id": "2", "question": FOLLOW_UP, "history": [ASKED]},
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    questions = prepared(address, path)
    turn = {"question": ASKED, "answer": FIRST.text}
    assert questions == [Question(ASKED), Question(FOLLOW_UP, (turn,))]
    for through, history in (("page", [Turn(ASKED, FIRST.text)]), ("program", [ASKED])):
        assert ask_all(address, questions[1:], 1, 1, through).errors == {}
        assert bot.asked[-1] == (FOLLOW_UP, history)


@pytest.mark.parametrize("through", USERS)
def test_users_ask_side_by_side_and_every_question_is_counted(
    bot: ScriptedBot, through: str
) -> None:
    bot.seconds = 0.1
    questions = [Question(ASKED), Question(UNKNOWN), Question(EMPTY)]
    with running(bot) as address:
        row = ask_all(address, questions, 4, 12, through)
    assert (row.users, len(row.asked), row.errors) == (4, 12, {"an empty answer": 4})
    assert sorted(question for question, _ in bot.asked) == sorted([ASKED, UNKNOWN, EMPTY] * 4)
    assert 0.3 <= row.seconds < 1.2  # one after the other it would be 1.2 at least


def test_a_server_that_goes_away_is_an_error(
    bot: ScriptedBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(bot) as address:
        user = PageUser(address)
    with closing(user):
        error = user.ask(Question(ASKED)).error
    broken = {"BrokenPipeError", "ConnectionResetError", "RemoteDisconnected"}
    assert error in {"ConnectionRefusedError", *broken}
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    row = ask_all(address, [Question(ASKED)], 2, 3)
    assert row.errors == {"no server": 3}


def test_the_figures_of_a_row() -> None:
    asked = [Asked(number / 100) for number in range(1, 101)]
    row = Row("page", 8, [*asked[::-1][:-1], Asked(0.01, "status 503")], 4.0)
    assert (row.percentile(0.5), row.percentile(0.95), row.percentile(1.0)) == (0.51, 0.96, 1.0)
    assert row_line(row) == "| page | 8 | 100 | 510 | 960 | 1,000 | 25.0 | 1 |"


def test_the_memory_of_a_process_is_read() -> None:
    size = Server("", os.getpid()).resident()
    assert size is not None
    assert 20 < size < 20_000
    assert Server("", 2**22 + 1).resident() is None


def test_the_growth_is_that_since_the_warm_up(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = iter([100.0, 101.0, 103.0, 104.0, 106.0])
    monkeypatch.setattr(Server, "resident", lambda _: next(sizes))
    rows: list[Row] = []
    growth = page._memory(Server(address, 0), [Question(ASKED)], 10, rows)
    assert growth == pytest.approx(6.0)
    assert [len(row.asked) for row in rows] == [10, 2, 2, 3, 3]
    assert "| 100.0 | 101.0 | 103.0 | 104.0 | 106.0 | +6.0% |" in capsys.readouterr().out


def test_without_a_browser_a_sentence_says_so(address: str) -> None:
    given = argparse.Namespace(chromium=Path("/nowhere/chromium"), paints=1)
    assert page._paints(address, given, [ASKED]) == (
        "Nothing was measured in a browser: there is none at /nowhere/chromium"
    )


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")
def test_a_browser_sees_the_answer(bot: ScriptedBot) -> None:
    bot.seconds = 0.3
    with running(bot) as address:
        given = argparse.Namespace(chromium=CHROMIUM, paints=2)
        lines = page._paints(address, given, [ASKED]).splitlines()
    assert lines[0] == "| in Chromium, 2 times | median ms | lowest | highest |"
    found = {line.split("|")[1].strip(): line.split("|")[3] for line in lines[2:]}
    lowest = {name: int(cell.replace(",", "")) for name, cell in found.items()}
    assert list(lowest) == ["first paint", "question box", "Enter to answer on screen"]
    assert 0 < lowest["first paint"] <= lowest["question box"]
    assert 300 <= lowest["Enter to answer on screen"] < 20_000


@pytest.mark.model
def test_the_whole_of_it_over_the_real_thing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps({"id": "1", "question": "天桥区有多少家直播电商企业？"}), "utf-8")
    given = ["--questions", str(path), "--users", "2", "--total", "4", "--chromium", "/nowhere"]
    monkeypatch.setattr("sys.argv", ["page.py", *given])
    monkeypatch.setattr(page, "FEWEST", 4)
    monkeypatch.setattr(page, "LARGEST_GROWTH", 1000.0)
    with pytest.raises(SystemExit) as ended:
        page.main()
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert re.search(r"\| page \| 2 \| 8 \|( [\d,.]+ \|){4} 0 \|\n", out)
    assert re.search(r"\|( [\d.]+ \|){5} [+-][\d.]+% \|\n", out)
    assert out.endswith("there is none at /nowhere\n")
