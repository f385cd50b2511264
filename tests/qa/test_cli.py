"""The commands: what they print, and one sentence with exit code 2 for what a user can mend."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from embeddings.documents import FORMATS
from embeddings.encoder import CountingEncoder
from qa.cli import main


@pytest.fixture(autouse=True)
def _with_the_counting_encoder(
    monkeypatch: pytest.MonkeyPatch, counting: CountingEncoder, tmp_path: Path
) -> None:
    for place in ("embeddings.encoder", "qa.bot"):
        monkeypatch.setattr(f"{place}.open_encoder", lambda *_, **__: counting)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WENJU_INDEX", raising=False)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


def refused(result: Result) -> str:
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("wenju: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_build_says_what_it_read_skipped_and_made(pages: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "甲.txt").write_text("天桥区有21家企业。", encoding="utf-8")
    (tmp_path / "docs" / "乙.xyz").touch()
    out = run("build", "docs", "--index", "new").stdout
    assert out.splitlines()[:4] == [
        "read     1 files, skipped 1",
        f"  skipped 乙.xyz: unknown format (.xyz); read are {', '.join(FORMATS)}",
        "made     1 documents, 1 passages, 1 sentences",
        "encoded  1 texts, 0 were known",
    ]
    again = json.loads(run("build", "docs", "--index", "new", "--json").stdout)
    assert (again["published"], again["encoded"], again["generation"]) == (False, 0, 1)


def test_strict_build_ends_with_3_when_a_file_was_skipped() -> None:
    Path("docs").mkdir()
    Path("docs", "甲.txt").write_text("天桥区有21家企业。", encoding="utf-8")
    assert run("build", "docs", "--index", "new", "--strict").exit_code == 0
    Path("docs", "乙.xyz").touch()
    strict = run("build", "docs", "--index", "new", "--strict")
    assert strict.exit_code == 3
    assert "skipped 乙.xyz" in strict.stdout
    assert run("build", "docs", "--index", "new", "--strict", "--json").exit_code == 3
    assert run("build", "docs", "--index", "new").exit_code == 0


def test_inspect(pages: Path) -> None:
    out = run("inspect", pages / "濟陽.txt").stdout
    assert "    2 ─ 近年來,濟陽區走訪企業190余家。  [17 characters]\n" in out
    assert out.endswith("gloss       5 places, 23 characters\nwhite space 2 places, 3 characters\n")
    found = json.loads(run("inspect", pages / "濟陽.txt", "--json").stdout)
    assert found["passages"][1]["text"] == "近年來,濟陽區走訪企業190余家。"


def test_inspect_writes_a_page(pages: Path) -> None:
    written = run("inspect", pages / "高新.txt", "--html", "页.html")
    assert written.stdout == "page written to 页.html\n"
    page = Path("页.html").read_bytes().decode()
    assert page.startswith("<!doctype html>\n")
    assert "高新区在2020年组建8个党建联盟。</span>&#13;\n&#13;\n" in page


def test_the_page_never_takes_the_place_of_the_document() -> None:
    Path("甲.html").write_text("<p>天桥区有21家企业。</p>", encoding="utf-8")
    assert "take the place of the document" in refused(
        run("inspect", "甲.html", "--html", "甲.html")
    )
    assert Path("甲.html").read_text(encoding="utf-8") == "<p>天桥区有21家企业。</p>"
    assert "cannot be written" in refused(run("inspect", "甲.html", "--html", "none/页.html"))


def test_ask_prints_sentences_and_sources(index: Path) -> None:
    out = run("ask", "天桥区建立了几个产业链党组织？", "--index", index).stdout
    assert out == (
        "天桥区建立4个产业链党组织,覆盖21家企业。[1]\n\n[1] 天桥区抓党建 · 天桥.txt · 8-30\n"
    )


def test_ask_json_is_the_answer(index: Path) -> None:
    answer = json.loads(
        run("ask", "天桥区建立了几个产业链党组织？", "--index", index, "--json").stdout
    )
    assert answer["answered"] is True
    assert answer["citations"][0]["quote"] == "天桥区建立4个产业链党组织,覆盖21家企业。"
    assert answer["nearest"][0]["spans"][0][0] == answer["citations"][0]["start"]


def test_a_refusal_is_in_the_language_of_the_question(index: Path) -> None:
    for question, line in [
        ("西红柿炒鸡蛋怎么做？", "文档里没有答案。"),
        ("西紅柿炒雞蛋怎麼做？", "文件裡沒有答案。"),
        ("hello", "Hello! I answer from your documents only"),
    ]:
        assert run("ask", question, "--index", index).stdout.startswith(line)


def test_retrieve(index: Path) -> None:
    out = run("retrieve", "高新区党建联盟", "-k", "2", "--index", index).stdout
    assert out.startswith("1. ")
    assert "\n\n2. " in out
    hits = json.loads(run("retrieve", "党建", "-k", "3", "--index", index, "--json").stdout)
    assert len(hits) == 3
    assert run("retrieve", "党建", "-k", "0", "--index", index, "--json").stdout == "[]\n"


def test_info(index: Path) -> None:
    found = json.loads(run("info", "--index", index, "--json").stdout)
    assert (found["documents"], found["generation"]) == (3, 1)
    assert "documents  3" in run("info", "--index", index).stdout


def test_batch_prints_a_row_a_question(index: Path, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    rows = [
        {"id": "1", "question": "天桥区建立了几个产业链党组织？"},
        {"id": "2", "question": "那企业呢？", "history": ["天桥区建立了几个产业链党组织？"]},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    out = [
        json.loads(line)
        for line in run("ask", "--batch", file, "--index", index).stdout.splitlines()
    ]
    assert [row["id"] for row in out] == ["1", "2"]
    assert set(out[0]) == {"id", "answered", "answer", "citations", "passages"}
    assert out[0]["citations"][0]["source"] == "天桥.txt"
    assert "21家" in out[1]["answer"]


@pytest.mark.parametrize("command", [["ask", "几家？"], ["retrieve", "几家？"], ["info"], ["chat"]])
def test_no_index_yet(command: list[str]) -> None:
    assert "There is no index in 'index' yet; build one first" in refused(run(*command))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["build", "none"], "'none' does not exist; give a folder that holds your files"),
        (["build", "empty"], "'empty' holds no file; put files there"),
        (["ask", " "], "The question is empty; write what you want to know"),
        (["ask"], "give a question"),
        (["ask", "x", "--batch", "y"], "give a question"),
        (["ask", "--batch", "none.jsonl"], "none.jsonl"),
        (["inspect", "none.txt"], "'none.txt' does not exist; give the path of one file"),
        (["inspect", "empty"], "'empty' is a folder; inspect takes one file"),
        (["chat", "--port", "0"], "Setting 'port' is 0; give a whole number from 1 to 65535"),
    ],
)
def test_bad_input(
    words: list[str], sentence: str, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("empty").mkdir()
    monkeypatch.setenv("WENJU_INDEX", str(index))
    if words[0] == "build":
        words = [*words, "--index", "other"]
    assert sentence in refused(run(*words))
    assert not Path("other").exists()


def test_an_unwritable_index_folder(pages: Path) -> None:
    Path("file").touch()
    assert "cannot be written" in refused(run("build", pages, "--index", "file/index"))


def test_a_port_in_use(index: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert str(port) in refused(run("chat", "--index", index, "--port", str(port)))
