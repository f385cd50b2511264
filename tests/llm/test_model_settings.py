"""Settings of a language model that cannot be used: one sentence each, exit code 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from embeddings.errors import SettingError
from embeddings.settings import Settings
from qa.cli import main
from qa.generate import open_writer, writer_of
from qa.language_model import LONGEST
from qa.model_access import Access
from qa.model_client import LONGEST_WAIT, MOST_BYTES, seconds_of
from tests.llm.conftest import QUESTION

URL = "http://127.0.0.1:11434/v1"

BAD = {
    "127.0.0.1:11434/v1": "does not begin with http:// or https://",
    "localhost": "does not begin with http:// or https://",
    "ftp://127.0.0.1/v1": "does not begin with http:// or https://",
    "file:///etc/passwd": "does not begin with http:// or https://",
    "http://127.0.0.1:11434 /v1": "holds a space",
    "http://127.0.0.1\u3000/v1": "holds a space",
    "http://user:password@127.0.0.1/v1": "holds a user name or a password",
    "http://sk-secret@127.0.0.1/v1": "holds a user name or a password",
    "http:///v1": "names no server",
    "http://:11434": "names no server",
    "http://127.0.0.1:0/v1": "has the port 0",
    "http://127.0.0.1:99999/v1": "is no address",
    "http://[::1/v1": "is no address",
    "http://127.0.0.1/v1?key=sk-secret": "goes on with ? or #",
    "http://127.0.0.1/v1#a": "goes on with ? or #",
}


@pytest.mark.parametrize(("url", "why"), BAD.items())
def test_addresses(url: str, why: str) -> None:
    with pytest.raises(SettingError) as refused:
        open_writer(Settings(llm_url=url, llm_model="m"))
    told = str(refused.value)
    assert told.startswith(f"The setting 'llm_url' {why}")
    assert told.endswith("such as http://127.0.0.1:11434/v1")
    assert "password@" not in told
    assert "sk-secret" not in told


@pytest.mark.parametrize(
    "url",
    [URL, "https://api.example.com/v1", "HTTP://HOST:1/", "http://[::1]:8000/v1", f" {URL}\n"],
)
def test_addresses_that_are_some(url: str) -> None:
    assert open_writer(Settings(llm_url=url, llm_model="m")).model.access.url == url.strip()


def test_only_a_server_of_this_machine_is_asked_past_a_proxy() -> None:
    assert [
        Access(url, "m").is_local
        for url in (URL, "http://localhost/v1", "http://[::1]/v1", "https://api.example.com/v1")
    ] == [True, True, True, False]


def test_what_is_set_in_part() -> None:
    with pytest.raises(SettingError, match="'llm_url' names a server, but 'llm_model' is empty"):
        writer_of(Settings(llm_url=URL))
    with pytest.raises(SettingError, match="'llm_model' names a language model, but 'llm_url'"):
        writer_of(Settings(llm_model="m"))
    with pytest.raises(SettingError, match="No language model is set; give llm_url and llm_model"):
        open_writer(Settings())
    assert writer_of(Settings()) is None
    assert writer_of(Settings(llm_key="sk-alone")) is None


def ask(index: Path, *words: str, **variables: str) -> Result:
    given = {"WENJU_LLM_URL": "", "WENJU_LLM_MODEL": "", "WENJU_LLM_KEY": "", **variables}
    return CliRunner().invoke(main, [*words, "--index", str(index)], env=given)


def refused(found: Result) -> str:
    assert (found.exit_code, found.stdout) == (2, "")
    assert found.stderr.startswith("wenju: ")
    assert found.stderr.count("\n") == 1
    return found.stderr


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "No language model is set"),
        ({"WENJU_LLM_URL": URL}, "'llm_model' is empty"),
        ({"WENJU_LLM_URL": "ftp://h/v1", "WENJU_LLM_MODEL": "m"}, "does not begin with http://"),
        ({"WENJU_LLM_TIMEOUT": "0"}, "'llm_timeout' is '0'; give a whole number from 1 to 3600"),
        ({"WENJU_LLM_TIMEOUT": "3601"}, "give a whole number from 1 to 3600"),
        ({"WENJU_LLM_TIMEOUT": "1.5"}, "give a whole number from 1 to 3600"),
        ({"WENJU_LLM_UNSUPPORTED": "hide"}, "'hide'; give one of: mark, leave out"),
    ],
)
def test_commands(index: Path, variables: dict[str, str], told: str, tmp_path: Path) -> None:
    assert told in refused(ask(index, "ask", QUESTION, "--llm", **variables))
    questions = tmp_path / "题.jsonl"
    questions.write_text('{"id": "1", "question": "有几个？"}\n', "utf-8")
    assert told in refused(ask(index, "ask", "--batch", str(questions), "--llm", **variables))
    assert told in refused(ask(index, "eval", str(questions), "--llm", **variables))


def test_servers_refuse_what_is_set_in_part(
    index: Path, monkeypatch: pytest.MonkeyPatch, counting: object
) -> None:
    monkeypatch.setattr("qa.bot.open_encoder", lambda *_: counting)
    for command in ("serve", "chat", "mcp"):
        told = refused(ask(index, command, WENJU_LLM_URL=URL))
        assert "'llm_model' is empty" in told


def test_without_the_package(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    monkeypatch.delitem(sys.modules, "qa.model_client")
    told = refused(ask(index, "ask", QUESTION, "--llm", WENJU_LLM_URL=URL, WENJU_LLM_MODEL="m"))
    assert told == (
        "wenju: A language model is set, but the package openai is not installed; "
        "install it: pip install 'wenju[llm]'\n"
    )


def test_nothing_of_it_is_imported_without_a_model() -> None:
    code = (
        "import sys, qa.bot, qa.cli, qa.api.service, qa.evaluate\n"
        "print([name for name in ('openai', 'httpx2', 'qa.model_client') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("7", 7), (" 7 ", 7), ("0", 0), ("1.5", 1.5), ("999999999", LONGEST_WAIT),
        ("Mon, 23 Nov 2026 16:00:30 GMT", 30), ("Mon, 23 Nov 2026 15:00:00 GMT", 0),
        ("Wed, 01 Jan 2998 00:00:00 GMT", LONGEST_WAIT),
        ("", None), ("soon", None), ("-3", None), ("７", None), ("1e9", None), ("nan", None),
        ("9" * 40, None),
    ],
)  # fmt: skip
def test_how_long_to_wait(given: str, seconds: float | None) -> None:
    assert seconds_of(given, now=1_795_449_600) == seconds


def test_limits_agree() -> None:
    assert MOST_BYTES > 300 * LONGEST
