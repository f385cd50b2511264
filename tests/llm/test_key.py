"""The key is in the Authorization header and nowhere else: no log, error, repr, body or output."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner

from embeddings import settings
from embeddings.errors import SettingError
from embeddings.settings import Settings
from qa.api.service import service_of
from qa.bot import Bot
from qa.cli import main
from qa.generate import open_writer
from qa.model_access import Access, ModelFailedError
from qa.records import Failure
from tests.llm.conftest import KEY, OUTCOMES, QUESTION, Serving, behaviours, settings_for
from tests.llm.scripted_server import closed_url, scripted

SECRET = KEY.removeprefix("sk-")


class _Everything(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += [self.format(record), repr(record.args), repr(record.exc_info)]


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """All that any logger says, from DEBUG on."""
    handler, root = _Everything(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.lines
    root.setLevel(level)
    root.removeHandler(handler)


def chain(error: BaseException | None) -> str:
    """Return all that can be read of an exception, its causes and contexts."""
    told = []
    while error is not None:
        told += [repr(error), str(error), repr(vars(error)), *traceback.format_exception(error)]
        error = error.__cause__ or error.__context__
    return "\n".join(told)


@behaviours
def test_of_no_behaviour(
    bot: Bot,
    serving: Serving,
    name: str,
    logged: list[str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    with scripted(name, key=KEY, other=closed_url()) as server:
        chosen = settings_for(server, llm_timeout=1)
        writer = open_writer(chosen)
        written = bot.write(writer, QUESTION)
        with serving(chosen) as served:
            asked = {"question": QUESTION, "llm": True}
            told = served.post("/api/ask", json=asked)
            streamed = served.post("/api/ask", json={**asked, "stream": True})
            body = {"model": "wenju-llm", "messages": [{"role": "user", "content": QUESTION}]}
            chat = served.post("/v1/chat/completions", json=body)
        assert {one.authorization for one in server.requests} == {f"Bearer {KEY}"}
        for one in server.requests:
            others = {name: value for name, value in one.headers.items() if name != "authorization"}
            assert SECRET not in f"{others}{one.path}{one.body}"
    assert written.failure is OUTCOMES[name].failure
    assert [told.status_code, streamed.status_code, chat.status_code] == [200, 200, 200]
    out, err = capfd.readouterr()
    shown = [repr(written), repr(writer), repr(writer.model), out, err, *logged]
    shown += [f"{one.text}{one.headers}" for one in (told, streamed, chat)]
    assert logged
    assert not [text for text in shown if SECRET in text]


_OF_TEXT = (Failure.EMPTY, Failure.NONSENSE, Failure.WRONG_LANGUAGE, Failure.NO_ANSWER, None)
_OF_CLIENT = [name for name, one in OUTCOMES.items() if one.failure not in _OF_TEXT]


@pytest.mark.parametrize("name", _OF_CLIENT)
def test_of_no_exception(name: str) -> None:
    """`ModelFailedError` is caught before a user; whoever debugs it finds no key there either."""
    with scripted(name, key=KEY, other=closed_url()) as server:
        model = open_writer(settings_for(server, llm_timeout=1)).model
        messages = [
            {"role": "system", "content": "==abc=="},
            {"role": "user", "content": "==abc==\n甲\n有22个。\n==abc==\n问题：有几个？"},
        ]
        with pytest.raises(ModelFailedError) as failed:
            list(model.pieces(messages))
    assert failed.value.__cause__ is None
    assert failed.value.__context__ is None
    assert SECRET not in chain(failed.value)


def test_of_settings(bot: Bot, index: Path) -> None:
    chosen = Settings(llm_url="http://127.0.0.1:1/v1", llm_model="m", llm_key=KEY)
    assert SECRET not in repr(chosen)
    assert SECRET not in repr(Access.of(chosen))
    assert SECRET not in repr(service_of(bot, index, chosen))
    assert asdict(chosen)["llm_key"] == KEY  # so that the other lines can fail


def test_of_no_command_that_prints_settings(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENJU_LLM_KEY", KEY)
    monkeypatch.setenv("WENJU_LLM_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("WENJU_LLM_MODEL", "m")
    for words in (["info"], ["info", "--json"], ["documents", "--json"], ["verify", "--json"]):
        found = CliRunner().invoke(main, [*words, "--index", str(index)])
        assert found.exit_code == 0
        assert SECRET not in found.output


def test_no_option_takes_it() -> None:
    for name, command in main.commands.items():
        for option in command.params:
            assert not [one for one in option.opts if "llm" in one and one != "--llm"], name
            assert (option.envvar or "") != "WENJU_LLM_KEY"


@pytest.mark.parametrize(
    "content",
    [
        f"llm_key = {KEY}".encode(),
        f'llm_key = "{KEY}'.encode(),
        f'llm_key = "{KEY}"\nllm_key = "{KEY}"'.encode(),
        f'llm_key = "{KEY}"\nprot = 1'.encode(),
        f'llm_key = "{KEY}"\nllm_timeout = "soon"'.encode(),
        f'llm_key = "{KEY}" # 密钥'.encode("gb18030"),
        f'llm_key = "{KEY}"\n[llm'.encode("utf-16"),
    ],
)
def test_of_no_error_of_the_settings_file(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_bytes(content)
    with pytest.raises(SettingError) as refused:
        settings.load(environment={"WENJU_SETTINGS": str(file)})
    assert SECRET not in chain(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("key", [f"{KEY} x", f"{KEY}密", f"{KEY}\nX-Other: 1", f"ｓｋ{KEY}"])
def test_one_that_no_header_can_carry(key: str) -> None:
    chosen = Settings(llm_url="http://127.0.0.1:1/v1", llm_model="m", llm_key=key)
    with pytest.raises(SettingError, match="'llm_key' holds a space or a character") as refused:
        open_writer(chosen)
    assert SECRET not in chain(refused.value)


def test_white_space_around_it_is_not_of_it(bot: Bot) -> None:
    with scripted(key=KEY) as server:
        chosen = settings_for(server, llm_key=f" {KEY}\n")
        assert bot.write(open_writer(chosen), QUESTION).failure is None


def test_one_that_was_pasted_as_the_address() -> None:
    with pytest.raises(SettingError) as refused:
        open_writer(Settings(llm_url=KEY, llm_model="m"))
    assert SECRET not in chain(refused.value)
