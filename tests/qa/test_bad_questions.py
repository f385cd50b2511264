"""Whatever is asked, of whatever index: a result or an empty one, never an error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embeddings.build import build
from embeddings.encoder import CountingEncoder, Encoder, open_encoder
from embeddings.errors import QuestionError
from embeddings.lexical import Tokenizer
from qa.bot import Bot
from qa.cli import main
from qa.conversation import Turn
from qa.records import Answer, Hit, Reason
from qa.render import answer_to_json, answer_to_text, hit_to_json, hits_to_text

BAD = {
    "one letter": "a",
    "one character": "济",
    "one digit": "7",
    "a mark": "？",
    "marks": "……！？、。《》“”()[]{}<>|\\/*&^%$#@~`",
    "an underscore": "___",
    "blanks around": "\u3000 济南 \u3000",
    "emoji": "😀🏙️👨‍👩‍👧‍👦🇨🇳",
    "NUL": "济\x00南",
    "control characters": "\x00\x01\x1b[31m\x7f\x85",
    "right to left": "\u202e济南\u202c \u200f\u200e\u2066x\u2069",
    "joiners": "\u200b\u200d\ufeff",
    "half a pair": "\ud800",
    "half a pair in text": "济南\udfff有几家企业？",
    "escaped bytes": "济南\udce6\udcb3",
    "private use": "\ue000\U000f0000\U0010ffff",
    "combining": "e" + "\u0301" * 500,
    "Thai": "ประเทศไทยมีกี่จังหวัด",
    "Arabic": "كم عدد الشركات؟",
    "Cyrillic": "Сколько предприятий?",
    "Japanese": "企業はいくつありますか？",
    "rare characters": "𠀀𪚥龘",
    "SQL": "' OR 1=1; DROP TABLE files --",
    "markup": "<script>alert(1)</script>{{x}}%s%n$(id)",
    "a number beyond all": "9" * 5000,
    "one word": "x" * 50_000,
    "one character often": "济" * 50_000,
    "many words": "济南天桥区有多少家企业？" * 4_200,
    "many marks": "。" * 50_000,
    "many blanks": " " * 50_000 + "济",
    "many lines": "济\n" * 25_000,
}
BLANK = ["", " ", "\u3000", "\n\t\r", "\u00a0\u2003\u2028", " " * 50_000]


def is_ranked(hits: list[Hit], k: int) -> bool:
    scores = [hit.score for hit in hits]
    return len(hits) <= max(0, k) and scores == sorted(scores, reverse=True)


def is_sound(answer: Answer, texts: dict[str, str]) -> bool:
    """Answered with exact quotes, or refused with a reason; and it can be shown."""
    for one in answer.citations:
        assert texts[one.source][one.start : one.end] == one.quote
    assert answer_to_text(answer)
    answer_to_json(answer)["question"].encode()
    return answer.answered is (answer.reason is None) is bool(answer.citations)


def texts_of(bot: Bot) -> dict[str, str]:
    return {source: document.text for document in bot.documents() for source in document.sources}


def made(root: Path, files: dict[str, str], encoder: Encoder, tokenizer: Tokenizer) -> Bot:
    for name, text in files.items():
        (root / "pages" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "pages" / name).write_text(text, encoding="utf-8")
    build(root / "pages", root / "index", encoder, tokenizer)
    return Bot(root / "index", encoder, tokenizer)


INDEXES = {
    "one passage": {"一.txt": "济南天桥区有21家企业。"},
    "one letter": {"一.txt": "a"},
    "marks alone": {"一.txt": "。。。！！"},
    "headlines": {"一.md": "# 济南天桥\n\n## 党建\n\n## 园区\n", "二.md": "# 高新区\n"},
    "three scripts": {
        "一.txt": "济南天桥区有21家企业。",
        "二.txt": "濟南天橋區有22家企業，產業園區很多。",
        "三.txt": "The district has 23 companies.",
    },
}


@pytest.fixture(scope="module", params=INDEXES)
def small(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    counting: CountingEncoder,
    tokenizer: Tokenizer,
) -> Bot:
    """A bot over very little."""
    return made(tmp_path_factory.mktemp("small"), INDEXES[request.param], counting, tokenizer)


@pytest.mark.parametrize("name", BAD)
def test_bad_questions(bot: Bot, name: str) -> None:
    question = BAD[name]
    assert is_ranked(bot.retrieve(question, 5), 5)
    assert is_sound(bot.ask(question), texts_of(bot))
    assert is_sound(bot.ask("那企业呢？", [question]), texts_of(bot))
    assert is_sound(bot.ask("那企业呢？", [Turn(question, question)]), texts_of(bot))
    assert is_sound(bot.ask(question, ["济南有几家企业？", question]), texts_of(bot))


@pytest.mark.parametrize("name", BAD)
def test_bad_questions_of_very_little(small: Bot, name: str) -> None:
    assert is_ranked(small.retrieve(BAD[name], 10_000), small.info().passages)
    assert is_sound(small.ask(BAD[name]), texts_of(small))


def test_very_little_is_found(small: Bot) -> None:
    hits = small.retrieve("济南天桥区有多少家企业？", 10_000)
    assert 1 <= len(hits) <= small.info().passages
    assert small.retrieve("济南", sources=["无.txt"]) == []


@pytest.mark.parametrize("question", BLANK)
def test_a_blank_question_finds_nothing_and_is_not_answered(bot: Bot, question: str) -> None:
    assert bot.retrieve(question) == []
    with pytest.raises(QuestionError, match="The question is empty; write what you want to know"):
        bot.ask(question)


@pytest.mark.parametrize("k", [-(2**63), -10_000, -1, 0, 1, 2, 10_000, 2**63])
def test_any_k(bot: Bot, k: int) -> None:
    count = min(max(0, k), bot.info().passages)
    for question in ("企业", "😀"):
        assert len(bot.retrieve(question, k)) <= count
    assert len(bot.retrieve("企业", k, ["天桥.txt"], ("1999-01-01", None))) == 0
    assert len(bot.retrieve("济南的企业", k)) == count


def test_a_filter_that_matches_nothing(bot: Bot) -> None:
    for sources, dates in (
        ([], None),
        (["无/"], None),
        (None, ("1999-01-01", "1999-12-31")),
        (["天桥.txt"], ("2021-01-01", None)),
    ):
        assert bot.retrieve("天桥区有几家企业？", 5, sources, dates) == []
        answer = bot.ask("天桥区有几家企业？", sources=sources, dates=dates)
        assert (answer.text, answer.reason) == ("", Reason.NOTHING_FOUND)
        assert answer_to_text(answer) == "文档里没有答案。"


ANYTHING = st.text(max_size=300) | st.text(
    st.sampled_from("济南天桥區企業有几家？。 a1+5G%\x00\u200f\ud83d\ude00\ud800ไٱЖ\n　’"),
    max_size=60,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANYTHING, st.integers(-3, 10_000))
def test_any_text(bot: Bot, question: str, k: int) -> None:
    hits = bot.retrieve(question, k)
    assert is_ranked(hits, k)
    assert len({hit.id for hit in hits}) == len(hits)
    json.dumps([hit_to_json(hit) for hit in hits], ensure_ascii=False).encode()
    hits_to_text(hits).encode()
    if question.strip():
        assert is_sound(bot.ask(question), texts_of(bot))


@settings(max_examples=100, deadline=None)
@given(st.lists(ANYTHING, max_size=4))
def test_any_history(bot: Bot, history: list[str]) -> None:
    assert is_sound(bot.ask("那企业呢？", history), texts_of(bot))


@pytest.fixture
def run(
    index: Path, counting: CountingEncoder, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    monkeypatch.setattr("qa.bot.open_encoder", lambda *_: counting)
    monkeypatch.setenv("WENJU_INDEX", str(index))
    return lambda *words: CliRunner().invoke(main, words, catch_exceptions=False)


@pytest.mark.parametrize("name", BAD)
def test_bad_questions_on_the_command_line(run: Callable[..., Result], name: str) -> None:
    for command in ("retrieve", "ask"):
        for form in ([], ["--json"]):
            done = run(command, *form, "--", BAD[name])
            assert done.exit_code == 0
            assert form == [] or json.loads(done.stdout) is not None


@pytest.mark.parametrize("k", ["0", "-5", "10000", "99999999999999999999"])
def test_any_k_on_the_command_line(run: Callable[..., Result], k: str) -> None:
    found = json.loads(run("retrieve", "济南的企业", "-k", k, "--json").stdout)
    assert len(found) == (
        0
        if int(k) <= 0
        else len(json.loads(run("retrieve", "济南的企业", "-k", "50", "--json").stdout))
    )


@pytest.mark.parametrize("question", [b"\xff\xfe", "济南".encode("gbk"), "\x1b[2J济".encode()])
def test_bytes_of_another_encoding(index: Path, question: bytes) -> None:
    program = (
        "import sys, qa.bot; from embeddings.encoder import CountingEncoder;"
        "from tests.qa.conftest import ALPHABET; from qa.cli import main;"
        "qa.bot.open_encoder = lambda *_: CountingEncoder(ALPHABET);"
        "main(sys.argv[1:])"
    )
    for command in ("retrieve", "ask"):
        words: list[Any] = [sys.executable, "-c", program, command, question, "--json"]
        done = subprocess.run(
            words,
            env={**os.environ, "WENJU_INDEX": str(index)},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert json.loads(done.stdout) is not None


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Bot:
    """A bot over three scripts, with the packaged model."""
    root = tmp_path_factory.mktemp("real")
    return made(root, INDEXES["three scripts"], open_encoder(), tokenizer)


@pytest.mark.model
@pytest.mark.parametrize("name", BAD)
def test_bad_questions_to_the_real_model(real: Bot, name: str) -> None:
    assert is_ranked(real.retrieve(BAD[name], 10_000), 10_000)
    assert is_sound(real.ask(BAD[name]), texts_of(real))
