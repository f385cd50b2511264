"""`wenju eval` with --html, --save and --compare: what is written, said, and refused beforehand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from embeddings.encoder import CountingEncoder
from embeddings.errors import SettingError
from qa.cli import main
from qa.eval_outputs import Outputs, prepare
from tests.evaluations import CONDITIONS, evaluation, judged, report

ONE = evaluation(report(judged("a")))

QUESTIONS = (
    {
        "id": "甲",
        "kind": "number",
        "question": "天桥区建立了几个产业链党组织？",
        "answers": [["4个"]],
        "evidence": [{"source": "天桥.txt", "quote": "天桥区建立4个产业链党组织"}],
    },
    {"id": "乙", "kind": "unanswerable", "question": "青岛的泉水多少度？"},
)


@pytest.fixture(autouse=True)
def _with_the_counting_encoder(
    monkeypatch: pytest.MonkeyPatch, counting: CountingEncoder, tmp_path: Path
) -> None:
    for place in ("embeddings.encoder", "qa.bot"):
        monkeypatch.setattr(f"{place}.open_encoder", lambda *_, **__: counting)
    monkeypatch.chdir(tmp_path)
    write_questions(*QUESTIONS)


def write_questions(*questions: dict[str, Any], name: str = "题.jsonl") -> None:
    lines = [json.dumps(one, ensure_ascii=False) for one in questions]
    Path(name).write_text("\n".join(lines), encoding="utf-8")


def run(index: Path, *words: str, file: str = "题.jsonl") -> Result:
    words = ("eval", file, "--index", str(index), *words)
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


def refused(result: Result) -> str:
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("wenju: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_a_page_and_a_run_are_written_and_named(index: Path, counting: CountingEncoder) -> None:
    result = run(index, "--html", "页.html", "--save", "旧.json")
    assert result.stdout.splitlines()[1].startswith("题.jsonl  2 ")
    assert result.stderr == "run saved in 旧.json\npage written to 页.html\n"
    assert "天桥区建立了几个产业链党组织？" in Path("页.html").read_text("utf-8")
    saved = json.loads(Path("旧.json").read_text("utf-8"))
    assert [one["id"] for one in saved["reports"][0]["questions"]] == ["甲", "乙"]
    assert saved["options"]["index"] == str(index)
    assert saved["options"]["refuse_below"] == 15
    assert saved["model"] == counting.name
    assert sorted(path.name for path in Path().iterdir()) == ["旧.json", "页.html", "题.jsonl"]


def test_a_run_compared_with_itself(index: Path) -> None:
    run(index, "--save", "旧.json")
    lines = run(index, "--compare", "旧.json").stdout.splitlines()
    at = lines.index("题.jsonl: 2 questions in both runs")
    assert lines[at - 3 : at] == ["", lines[at - 2], ""]
    assert lines[at - 2].startswith("compared with 旧.json of 2")
    assert all(line.split()[3:6] == ["+0.0000", "0", "0"] for line in lines[at + 2 :])


def test_what_changed_is_printed_and_in_the_json(index: Path) -> None:
    run(index, "--save", "旧.json")
    wrong = {**QUESTIONS[0], "answers": [["7个"]]}
    write_questions(wrong, QUESTIONS[1])
    out = run(index, "--compare", "旧.json").stdout
    assert out.endswith("\nlost  甲  天桥区建立了几个产业链党组织？  -answer\n")
    found = json.loads(run(index, "--compare", "旧.json", "--json").stdout)["comparison"]
    (change,) = found["files"][0]["changes"]
    assert (change["id"], change["verdict"], change["lost"]) == ("甲", "lost", ["answer"])


def test_json_without_a_comparison_is_as_it_was(index: Path) -> None:
    found = json.loads(run(index, "--json").stdout)
    assert found["comparison"] is None
    assert {"reports", "contexts", "crowd"} < set(found)
    assert "questions" not in found["reports"][0]


def test_other_options_are_named(index: Path) -> None:
    run(index, "--save", "旧.json")
    lines = run(index, "--compare", "旧.json", "--sample", "1", "--by", "kind").stdout.splitlines()
    assert "settings that differ: sample - -> 1" in lines
    assert "题.jsonl: 1 question in both runs (2 then, 1 now)" in lines


def test_a_run_may_take_the_place_of_the_one_it_was_compared_with(index: Path) -> None:
    run(index, "--save", "旧.json")
    again = run(index, "--compare", "旧.json", "--save", "旧.json", "--html", "页.html")
    assert again.exit_code == 0
    assert "题.jsonl: 2 questions in both runs" in Path("页.html").read_text("utf-8")


def test_a_run_without_any_of_the_files(index: Path) -> None:
    run(index, "--save", "旧.json")
    write_questions(*QUESTIONS, name="新.jsonl")
    assert refused(run(index, "--compare", "旧.json", file="新.jsonl")) == (
        "wenju: The earlier run '旧.json' has none of these files; it has 题.jsonl\n"
    )


def test_a_crossed_file_and_a_crowd_count_by_their_names(index: Path) -> None:
    for name in ("题.jsonl in a crowd", "题.jsonl -> 甲.json", "甲.json -> 题.jsonl"):
        found = evaluation(report(judged("甲"), file=name))
        Outputs(None, Path("旧.json"), None).write(found, CONDITIONS, None)
        assert prepare(None, None, "旧.json", ["题.jsonl"]).earlier is not None


def test_a_damaged_run_is_named_before_any_question_is_asked(index: Path) -> None:
    Path("旧.json").write_text("{", encoding="utf-8")
    said = refused(run(index, "--compare", "旧.json", "--save", "新.json"))
    assert said.startswith("wenju: The earlier run '旧.json' is not JSON, or not to its end")
    assert not Path("新.json").exists()


@pytest.mark.parametrize("option", ["--html", "--save"])
def test_the_questions_are_not_written_over(index: Path, option: str) -> None:
    before = Path("题.jsonl").read_bytes()
    assert refused(run(index, option, "./题.jsonl")) == (
        f"wenju: {option} would write over the questions in '题.jsonl'\n"
    )
    assert Path("题.jsonl").read_bytes() == before


@pytest.mark.parametrize("option", ["--html", "--save"])
def test_a_folder_that_is_not_there(index: Path, option: str) -> None:
    said = refused(run(index, option, "无/页"))
    assert said == (
        "wenju: '无/页' cannot be written: '无' is no folder that you may write to; "
        f"give a file in one: {option} FILE\n"
    )


def test_a_folder_is_no_file(index: Path) -> None:
    Path("夹").mkdir()
    assert refused(run(index, "--html", "夹")) == (
        "wenju: '夹' is no file to write; give a file: --html FILE\n"
    )


def test_one_file_for_both(index: Path) -> None:
    assert "both name" in refused(run(index, "--html", "页", "--save", "./页"))


def test_a_file_is_there_whole_or_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("页.html").write_text("从前", encoding="utf-8")

    def fails(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fails)
    with pytest.raises(SettingError, match=r"页\.html' cannot be written \(No space left"):
        Outputs(Path("页.html"), None, None).write(ONE, CONDITIONS, None)
    assert Path("页.html").read_text(encoding="utf-8") == "从前"
    assert sorted(path.name for path in Path().iterdir()) == ["页.html", "题.jsonl"]


def test_figures_are_printed_even_where_the_page_cannot_be_written(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fails)
    result = run(index, "--html", "页.html")
    assert result.exit_code == 2
    assert result.stdout.splitlines()[1].startswith("题.jsonl  2 ")
    assert "'页.html' cannot be written (No space left on device)" in result.stderr


def test_a_written_file_is_for_those_whom_the_umask_allows() -> None:
    before = os.umask(0o022)
    try:
        Outputs(Path("页.html"), None, None).write(ONE, CONDITIONS, None)
    finally:
        os.umask(before)
    assert Path("页.html").stat().st_mode & 0o777 == 0o644
