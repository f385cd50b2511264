"""`wenju doctor`: each matter brought out of order by a real cause, and told with what to do."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from embeddings import locking
from embeddings.locking import NOTE, Writer
from embeddings.model import model_folder
from qa import doctor
from qa.bot import Bot
from qa.cli import main
from qa.doctor import Finding, State, examine
from qa.page.chat import running
from tests.qa.conftest import PAGES

HOME = {name: os.environ[name] for name in ("WENJU_HOME",) if name in os.environ}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the packaged model."""
    folder = tmp_path_factory.mktemp("doctor")
    (folder / "pages").mkdir()
    for name, text in PAGES.items():
        (folder / "pages" / name).write_bytes(text.encode())
    done = CliRunner().invoke(
        main, ["build", str(folder / "pages"), "--index", str(folder / "index")]
    )
    assert done.exit_code == 0, done.output
    return folder / "index"


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free: int = taken.getsockname()[1]
    return free


@pytest.fixture
def index(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "index"))


def found(index: Path, port: int, **around: str) -> dict[str, Finding]:
    """Look at everything; return the findings by their matters, of extras the last."""
    environment = HOME | {"WENJU_PORT": str(port)} | around
    return {one.matter: one for one in examine({"index": str(index)}, environment)}


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *words], catch_exceptions=False)


def test_all_is_well(made: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = found(made, port)
    assert [one for one in looked.values() if one.state is State.BAD] == []
    assert looked["model"].said == "multilingual-e5-small encodes as it should"
    assert looked["index"].said.startswith("answers: generation 1, 3 documents, ")
    assert looked["port"].said == f"127.0.0.1:{port} is free"
    for name in ("python", "settings", "model", "index", "disk", "rights", "port"):
        assert looked[name].state is State.GOOD
    monkeypatch.setenv("WENJU_PORT", str(port))
    done = run("--index", str(made))
    assert (done.exit_code, done.stderr) == (0, "")
    assert "ok    index     answers: generation 1" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Nothing is wrong, ")


def test_as_json(made: Path, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENJU_PORT", str(port))
    told = json.loads(run("--index", str(made), "--json").stdout)
    assert told["ok"] is True
    assert {"matter", "state", "said"} == told["findings"][0].keys()
    done = run("--index", str(tmp_path / "none"), "--json")
    assert (done.exit_code, json.loads(done.stdout)["ok"]) == (1, False)


def test_there_is_no_index(tmp_path: Path, port: int) -> None:
    looked = found(tmp_path / "none", port)
    assert looked["index"].state is State.BAD
    assert "build one first: wenju build FOLDER" in looked["index"].said
    assert looked["disk"].state is looked["rights"].state is State.GOOD


def test_a_damaged_index(index: Path, port: int) -> None:
    (index / "generations" / "000001" / "text.db").write_bytes(b"x")
    looked = found(index, port)
    assert looked["index"].state is State.BAD
    assert "text.db" in looked["index"].said
    assert "wenju build" in looked["index"].said


def test_a_passage_that_is_not_there(
    index: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bot, "retrieve", lambda *_, **__: [])
    assert found(index, port)["index"] == Finding(
        "index", State.BAD, "The index holds passages and finds none; check it: wenju verify"
    )


def test_a_model_that_is_missing_and_one_that_encodes_nonsense(
    index: Path, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = found(index, port, WENJU_MODEL=str(tmp_path / "no model"))["model"]
    assert looked.state is State.BAD
    assert "no model" in looked.said
    monkeypatch.setattr("embeddings.encoder.open_encoder", lambda _: Nonsense())
    looked = found(index, port)["model"]
    assert looked.state is State.BAD
    assert looked.said.endswith("make the model again: wenju model, or choose another one")


class Nonsense:
    """Encodes everything alike."""

    name = "nonsense"

    def encode_passages(self, texts: list[str]) -> list[Alike]:
        return [Alike()] * len(texts)

    def encode_query(self, _: str) -> Alike:
        return Alike()


class Alike:
    def __matmul__(self, other: object) -> float:
        return 1.0


def test_a_damaged_cache_of_the_model_is_made_again(
    index: Path, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("WENJU_HOME", str(cache))
    folder = model_folder()
    weights = max(folder.rglob("*"), key=lambda one: one.stat().st_size)
    size = weights.stat().st_size
    with weights.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"damaged")
    assert found(index, port, WENJU_HOME=str(cache))["model"].state is State.GOOD


def test_ports(index: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        looked = found(index, port)["port"]
    assert looked.state is State.BAD
    assert looked.said.endswith(f"choose another port: --port {port + 1}")
    with running(Bot.open(index)) as address:
        own = int(address.rstrip("/").rpartition(":")[2])
        assert found(index, own)["port"] == Finding(
            "port", State.GOOD, f"a Wenju answers at 127.0.0.1:{own}"
        )


def test_settings_that_are_wrong_or_unknown(index: Path, port: int, tmp_path: Path) -> None:
    looked = found(index, port, WENJU_REFUSE_BELOW="200")
    assert looked["settings"].state is State.BAD
    assert "'refuse_below' is '200'" in looked["settings"].said
    assert "index" in looked, "the rest is looked at all the same"
    looked = found(index, port, WENJU_INDEKS="x")
    assert looked["settings"].state is State.HINT
    assert looked["settings"].said.startswith("WENJU_INDEKS: no setting has this name")
    (tmp_path / "wenju.toml").write_text("port = = 1", encoding="utf-8")
    looked = found(index, port, WENJU_SETTINGS=str(tmp_path / "wenju.toml"))
    assert looked["settings"].state is State.BAD
    assert "it must be TOML" in looked["settings"].said


def test_every_variable_that_the_code_reads_is_known() -> None:
    root = Path(doctor.__file__).parents[1]
    code = "".join(
        one.read_text("utf-8")
        for one in [*root.glob("qa/**/*.py"), *root.glob("embeddings/**/*.py")]
    )
    read = {
        name for name in ("WENJU_HOME", "WENJU_SETTINGS", "WENJU_TOKENS") if f'"{name}"' in code
    }
    assert read == doctor._OTHER_VARIABLES


def test_a_full_disk_and_folders_that_may_only_be_read(
    index: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "LEAST_FREE", 2**60)
    looked = found(index, port)["disk"]
    assert looked.state is State.HINT
    assert "make room on the disk of" in looked.said
    # Root may write everywhere, so the system's word is taken.
    monkeypatch.setattr(os, "access", lambda path, _: "index" not in str(path))
    looked = found(index, port)["rights"]
    assert looked.state is State.HINT
    assert "answers work, builds need the right" in looked.said


def test_who_is_building(index: Path, port: int) -> None:
    assert "builder" not in found(index, port)
    with locking.writing(index / "build.lock"):
        assert "by process" in found(index, port)["builder"].said
    gone = Writer("building", 2**22 - 1, socket.gethostname(), "2021-06-16T00:00:00+00:00")
    (index / NOTE).write_text(json.dumps(asdict(gone)), encoding="utf-8")
    assert "builder" not in found(index, port)


def test_a_clock_that_goes_wrong(index: Path, port: int) -> None:
    assert "clock" not in found(index, port)
    later = time.time() + 7 * 86_400
    os.utime(index / "CURRENT", (later, later))
    assert found(index, port)["clock"].said.endswith("set the clock of this machine")


def test_proxies_that_catch_this_machine(index: Path, port: int) -> None:
    assert "proxy" not in found(index, port)
    for given, is_told in (
        ({"HTTP_PROXY": "http://proxy:3128"}, True),
        ({"http_proxy": "http://proxy:3128", "no_proxy": "example.org, localhost"}, False),
        ({"ALL_PROXY": "socks5://proxy", "NO_PROXY": "*"}, False),
        ({"https_proxy": "http://proxy:3128"}, False),
        ({"HTTP_PROXY": "", "NO_PROXY": ""}, False),
        ({"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "127.0.0.10"}, True),
    ):
        assert ("proxy" in found(index, port, **given)) == is_told, given


def test_parts_that_are_not_installed(
    index: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = importlib.util.find_spec
    gone = {"rapidocr", "gradio"}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in gone else own(name)
    )
    looked = found(index, port)
    assert looked["python"].state is State.BAD
    assert ", without gradio; install Wenju again" in looked["python"].said
    assert looked["extras"] == Finding(
        "extras", State.HINT,
        "text in pictures and scanned pages: not installed; pip install 'wenju[ocr]' if it is wanted",
    )  # fmt: skip


def test_no_font_with_chinese_characters(
    index: Path, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for output, state in (("", State.HINT), ("Noto Sans CJK SC", State.GOOD)):
        command = tmp_path / "fc-list"
        command.write_text(f"#!/bin/sh\nprintf '{output}'\n", encoding="utf-8")
        command.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        assert found(index, port)["fonts"].state is state
