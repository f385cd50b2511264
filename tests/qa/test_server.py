"""`wenju serve` as a command, and the API beside the page."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from embeddings.encoder import CountingEncoder
from embeddings.errors import SettingError
from embeddings.lexical import Tokenizer
from embeddings.settings import Settings
from qa.api import beside, tokens
from qa.bot import Bot
from qa.cli import main
from qa.page.chat import running
from qa.page.options import Options
from tests.qa.conftest import PAGES

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-that-is-long-enough"
QUESTION = {"question": "天桥区签约项目有多少个？"}


def run(*words: str, token: str = "") -> Result:
    environment = {tokens.VARIABLE: token, "WENJU_TOKEN_FILE": ""}
    return CliRunner().invoke(main, ["serve", *words], env=environment, catch_exceptions=False)


def test_other_machines_are_not_let_in_without_a_token(index: Path) -> None:
    found = run("--index", str(index), "--host", "0.0.0.0")
    assert found.exit_code == 2
    assert found.stderr == (
        "wenju: Listening on '0.0.0.0' lets other machines ask, and there is no token; set one "
        "(WENJU_TOKENS, or wenju serve --token-file FILE) or stay on 127.0.0.1\n"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--token", "short"], "A token has 5 characters; it needs 16 or more"),
        (["--token-file", "none.txt"], "The file of tokens 'none.txt' cannot be read"),
        (["--origin", "*"], "'*' is no origin of a web page"),
        (["--index", "nowhere"], "'nowhere'"),
        (["--port", "99999"], "Setting 'port' is 99999"),
    ],
)
def test_what_cannot_be_served_is_told(
    words: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = run(*words)
    assert found.exit_code == 2
    assert found.stderr.startswith("wenju: ")
    assert found.stderr.count("\n") == 1
    assert sentence in found.stderr


def test_a_wrong_token_of_the_environment_is_not_told(index: Path) -> None:
    found = run("--index", str(index), token="geheim words")
    assert found.exit_code == 2
    assert "geheim" not in found.output


@pytest.mark.model
def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    documents, index = tmp_path / "documents", tmp_path / "index"
    documents.mkdir()
    (documents / "天桥.txt").write_text(PAGES["天桥.txt"], encoding="utf-8")
    environment = {**os.environ, tokens.VARIABLE: TOKEN, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "qa.cli"]
    build = [*command, "build", str(documents), "--index", str(index)]
    subprocess.run(build, check=True, capture_output=True, env=environment, cwd=tmp_path)
    serve = [*command, "serve", "--index", str(index)]
    port = ["--host", "127.0.0.1", "--port", str(_free_port())]
    with subprocess.Popen(
        [*serve, *port], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment, cwd=tmp_path,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            url = process.stdout.readline().strip()
            with httpx.Client(base_url=url, trust_env=False, timeout=120) as client:
                assert client.post("/api/ask", json=QUESTION).status_code == 401
                client.headers["authorization"] = f"Bearer {TOKEN}"
                assert client.get("/api/health").json()["status"] == "ok"
                assert "22个" in client.post("/api/ask", json=QUESTION).json()["text"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()


def _free_port() -> int:
    from qa.addresses import listening

    with listening("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
    return port


# ---- beside the page ----


@contextmanager
def page_of(bot: Bot, index: Path, auth: str | None = None) -> Iterator[httpx.Client]:
    options = Options(index=index)
    added = beside.add(bot, Settings(index=str(index)), options, auth)
    with (
        running(bot, options=added.options, auth=auth, beside=added.wrap) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=120) as client,
    ):
        yield client


@pytest.fixture
def own_index(index: Path, tmp_path: Path) -> Path:
    """A copy of the index that may be changed."""
    import shutil

    return Path(shutil.copytree(index, tmp_path / "index"))


@pytest.fixture
def own_bot(own_index: Path, counting: CountingEncoder, tokenizer: Tokenizer) -> Bot:
    return Bot(own_index, counting, tokenizer)


def test_the_page_and_the_api_on_one_server(
    own_bot: Bot, own_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(tokens.VARIABLE, raising=False)
    with page_of(own_bot, own_index) as client:
        assert client.get("/").text.startswith("<!doctype html>")
        assert client.get("/api/health").json()["status"] == "ok"
        assert client.post("/api/ask", json=QUESTION).json()["text"].endswith("22个。")
        assert client.get("/v1/models").json()["data"][0]["id"] == "wenju"
        assert client.get("/wenju/state").status_code == 200
        assert client.get("/openapi.json").status_code == 404
        elsewhere = {"origin": "https://other.example"}
        assert client.get("/api/health", headers=elsewhere).status_code == 403


def test_both_have_one_rebuild(
    own_bot: Bot, own_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(tokens.VARIABLE, raising=False)
    with page_of(own_bot, own_index) as client:
        token = client.get("/wenju/state").json()["token"]
        headers = {"x-wenju-token": token}
        assert client.get("/api/rebuild").json()["number"] == 0
        client.post("/wenju/act/documents/rebuild", json={}, headers=headers)
        assert client.get("/api/rebuild").json()["number"] == 1


def test_each_stands_behind_its_own_check(
    own_bot: Bot, own_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(tokens.VARIABLE, TOKEN)
    basic = {"authorization": "Basic " + base64.b64encode("名:密".encode()).decode()}
    bearer = {"authorization": f"Bearer {TOKEN}"}
    with page_of(own_bot, own_index, "名:密") as client:
        statuses = {
            (path, name): client.get(path, headers=headers).status_code
            for path in ("/wenju/state", "/api/health", "/v1/models")
            for name, headers in (("none", {}), ("basic", basic), ("bearer", bearer))
        }
    assert {key for key, status in statuses.items() if status == 200} == {
        ("/wenju/state", "basic"), ("/api/health", "bearer"), ("/v1/models", "bearer"),
    }  # fmt: skip
    assert set(statuses.values()) == {200, 401}


@pytest.mark.parametrize(
    ("host", "auth", "token", "is_there"),
    [
        ("127.0.0.1", None, "", True),
        ("127.0.0.1", "a:b", "", False),
        ("0.0.0.0", None, "", False),
        ("0.0.0.0", "a:b", "", False),
        ("0.0.0.0", None, TOKEN, True),
        ("127.0.0.1", "a:b", TOKEN, True),
    ],
)
def test_the_api_is_beside_the_page_only_where_it_is_guarded(
    bot: Bot, index: Path, monkeypatch: pytest.MonkeyPatch,
    host: str, auth: str | None, token: str, is_there: bool,
) -> None:  # fmt: skip
    monkeypatch.setenv(tokens.VARIABLE, token)
    settings = Settings(index=str(index), host=host)
    added = beside.add(bot, settings, Options(index=index), auth)
    assert (added.wrap is not None) == is_there
    assert added.options.rebuilding is not None


def test_a_read_only_page_has_a_read_only_api(own_bot: Bot, own_index: Path) -> None:
    options = Options(index=own_index, read_only=True)
    added = beside.add(own_bot, Settings(index=str(own_index)), options, None)
    with (
        running(own_bot, options=added.options, beside=added.wrap) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=120) as client,
    ):
        assert client.post("/api/rebuild").status_code == 403


def test_a_token_file_of_the_settings_opens_the_api(bot: Bot, index: Path, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text(TOKEN, encoding="utf-8")
    settings = Settings(index=str(index), host="0.0.0.0", token_file=str(tmp_path / "tokens"))
    assert beside.add(bot, settings, Options(index=index), None).wrap is not None
    (tmp_path / "tokens").unlink()
    with pytest.raises(SettingError, match="The file of tokens"):
        beside.add(bot, settings, Options(index=index), None)
