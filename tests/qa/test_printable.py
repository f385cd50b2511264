"""Names and words of strangers on a terminal: shown, never obeyed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from qa.cli import main
from qa.printable import printable, printable_json, printable_line
from tests.generations import ENCODER
from tests.payloads import PAYLOADS, TURNING, file_name, told

STEERING = {*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), *TURNING} - {"\n", "\t"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("济南\n\t甲𠮷é👨‍👩‍👧", "济南\n\t甲𠮷é👨‍👩‍👧"),
        ("\x1b[2J\x9b", "\\x1b[2J\\x9b"),
        ("一\u202e二", "一\\u202e二"),
        ("一\r二\u2028", "一\\r二\\u2028"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_steers_is_named(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_name_stays_on_its_line() -> None:
    assert printable_line("一\n二\t\x1b") == "一\\n二\\t\\x1b"


@given(st.text(st.sampled_from([*STEERING, "甲", "\n", '"', "\\", "\ud800"])))
def test_json_reads_back_the_same(text: str) -> None:
    written = printable_json({text: [text]})
    assert json.loads(written) == {text: [text]}
    assert not STEERING & set(written)


NAMES = [file_name(one) for one in PAYLOADS.values()] + ["一\nskipped 二.txt", "坏\x1b[2J.txt"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for place in ("embeddings.encoder", "qa.bot"):
        monkeypatch.setattr(f"{place}.open_encoder", lambda *_, **__: ENCODER)
    monkeypatch.setenv("WENJU_INDEX", str(tmp_path / "index"))
    made = tmp_path / "pages"
    made.mkdir()
    for name, payload in zip(NAMES, [*PAYLOADS.values(), "坏", "坏"], strict=True):
        (made / name).write_text(f"题{payload}\n\n{told(payload)}\n", encoding="utf-8")
    return made


def said(*words: str) -> str:
    done = CliRunner().invoke(main, list(words), catch_exceptions=False)
    assert done.exit_code in (0, 1, 2)
    written: str = done.stdout + done.stderr
    assert not STEERING & set(written)
    return written


@pytest.mark.skipif("os.name == 'nt'", reason="Windows has no such names")
def test_no_command_obeys_a_document_or_the_name_of_a_file(folder: Path) -> None:
    skipped = "  skipped \\x1b]0;坏\\x07\\x1b[2J\\x1b[31m红\\x9b2J\\x08\\x7f.txt: "
    assert skipped in said("build", str(folder), "--dry-run")
    assert skipped in said("build", str(folder))
    listed = said("documents")
    assert "\\x1b]0;坏\\x07\\x1b[2J\\x1b[31m红\\x9b2J\\x08\\x7f.txt  " in listed
    assert "\n坏\\x1b[2J.txt  " in listed
    assert "\n一\\nskipped 二.txt  " in listed
    for payload in PAYLOADS.values():
        question = f"党建园区的{payload}项目有几家企业？"
        assert "\\u202e" in said("ask", question, "--json") or "\u202e" not in payload
        said("ask", question)
        said("retrieve", question, "-k", "30")
        said("inspect", str(folder / file_name(payload)))
        said("ask", question, "--source", file_name(payload) + "x")
    said("info")
    said("verify")
    (folder / NAMES[0]).unlink()
    said("build", str(folder))
    said("build", str(folder / "没有\x1b[2J"))


def test_exact_characters_are_in_the_json(folder: Path) -> None:
    said("build", str(folder))
    name = file_name(PAYLOADS["turned"])
    found = json.loads(said("ask", "党建园区有几家企业？", "--source", name, "--json"))
    assert found["citations"][0]["source"] == name
    original = (folder / name).read_text("utf-8")
    cited = found["citations"][0]
    assert original[cited["start"] : cited["end"]] == cited["quote"]
    assert "\u202e" in cited["quote"]
