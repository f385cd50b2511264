"""The commands: what they print, and one sentence with exit code 2 for what a user can mend."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from embeddings.documents import FORMATS
from embeddings.encoder import CountingEncoder
from qa.cli import main
from qa.render import as_written
from qa.terminal import unknown_sources

ROOT = Path(__file__).parents[2]


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


def test_a_hit_shows_why(index: Path) -> None:
    out = run("retrieve", "濟陽區走訪企業", "-k", "1", "--index", index).stdout
    (hit,) = json.loads(
        run("retrieve", "濟陽區走訪企業", "-k", "1", "--index", index, "--json").stdout
    )
    signals = hit["signals"]
    assert set(signals) == {"dense", "sentence", "bm25", "words"}
    assert sorted(signals["words"]) == sorted(["济阳", "走访", "区", "企业"])
    shown = {"济阳": "濟陽", "走访": "走訪", "区": "區", "企业": "企業"}
    assert out.splitlines()[2] == (
        f"   (dense {signals['dense']:.3f}, sentence {signals['sentence']:.3f}, "
        f"BM25 {signals['bm25']:.1f}, words {' '.join(shown[w] for w in signals['words'])})"
    )


def test_words_are_shown_as_the_question_writes_them() -> None:
    words = ("济阳", "5g", "kg", "1200", "企业")
    assert as_written(words, "濟陽的５Ｇ和㎏,1,200家企业\ud800") == {
        "济阳": "濟陽",
        "5g": "５Ｇ",
        "kg": "㎏",
        "1200": "1200",
        "企业": "企业",
    }
    assert as_written(["济阳"], "") == {"济阳": "济阳"}


def test_nothing_found(index: Path) -> None:
    assert run("retrieve", "党建", "--since", "2030-01-01", "--index", index).stdout == (
        "nothing found\n"
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("天橋.txt", "'天橋.txt'; near: 天桥.txt"),
        ("页/天桥.txt", "'页/天桥.txt'; near: 天桥.txt"),
        ("完全不同", "'完全不同'"),
        ("", "''"),
        ("甲\\", "'甲\\\\'"),
    ],
)
def test_a_file_that_the_index_does_not_hold(index: Path, source: str, said: str) -> None:
    for command in ("retrieve", "ask"):
        done = run(command, "党建", "--source", source, "--index", index, "--json")
        assert done.exit_code == 0
        assert done.stderr == f"wenju: the index holds no file or folder {said}\n"
        assert "天桥.txt" not in done.stdout
    known = run("retrieve", "党建", "--source", "天桥.txt", "--index", index)
    assert known.stderr == ""
    assert "天桥.txt" in known.stdout
    assert "高新.txt" not in known.stdout


def test_near_names() -> None:
    known = ("甲/乙/二.txt", "甲/三.txt", "报纸/2021-06-16.txt")
    lines = list(unknown_sources(["甲", "乙/", "2021-06-16.txt", "\ud800"], known))
    assert lines == [
        "the index holds no file or folder '甲'; near: 甲/",
        "the index holds no file or folder '乙/'; near: 甲/乙/",
        "the index holds no file or folder '2021-06-16.txt'; near: 报纸/2021-06-16.txt",
        "the index holds no file or folder '\\ud800'",
    ]
    assert list(unknown_sources(["甲/", "甲\\三.txt", "./甲/乙/"], known)) == []


@given(st.text(max_size=20), st.lists(st.text("甲乙/.a", min_size=1, max_size=6), max_size=4))
def test_any_name_may_be_unknown(source: str, known: list[str]) -> None:
    for sentence in unknown_sources([source], known):
        assert sentence.startswith(f"the index holds no file or folder {source!r}")


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
        (
            ["ask", "--batch", "x", "--source", "y"],
            "--batch asks all documents; leave out --source",
        ),
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


@pytest.mark.parametrize(("given", "found"), [(None, "1"), ("4", "4")])
def test_products_of_numpy_take_one_thread_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, given: str | None, found: str
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", given or "")
    if given is None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    refused(run("info", "--index", "nowhere"))
    assert os.environ["OPENBLAS_NUM_THREADS"] == found


def test_numpy_is_loaded_when_its_threads_are_chosen() -> None:
    """It reads the environment once: loaded with the commands, it would have read it before."""
    code = "import sys, qa.cli; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
