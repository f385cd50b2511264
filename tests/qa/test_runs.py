"""A run saved and read again; files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from embeddings.errors import SettingError
from qa.evaluation import to_json as evaluation_to_json
from qa.runs import FORMAT, KIND, Past, Run, read_run, to_json
from tests.evaluations import CONDITIONS, evaluation, judged, report, said

SAVED = evaluation(
    report(
        judged("甲", False, figures={"answer": 0.0, "hit@5": 1 / 3}),
        judged("乙", question="那它呢？", history=["前一问"], answer=said("")),
    )
)


def write(folder: Path, content: Any) -> Path:
    path = folder / "旧.json"
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    assert read_run(write(tmp_path, to_json(SAVED, CONDITIONS))) == Run(
        "旧.json",
        CONDITIONS,
        {
            "题.jsonl": {
                ("甲", "泉水多少度？"): Past(
                    {"right": 0.0, "answer": 0.0, "hit@5": 1 / 3}, "泉水常年十八度。"
                ),
                ("乙", "那它呢？", "前一问"): Past({"right": 1.0, "answer": 1.0}, ""),
            }
        },
    )


def test_a_run_holds_the_figures_and_every_question() -> None:
    found = to_json(SAVED, CONDITIONS)
    assert (found["kind"], found["format"]) == (KIND, FORMAT)
    assert (found["made"], found["version"], found["model"], found["options"]) == (
        "2026-03-01T08:30:00+00:00", "0.1.0", "e5", {"sample": None, "refuse_below": 10},
    )  # fmt: skip
    (saved,) = found["reports"]
    assert saved["groups"] == {"all": {"n": 2, "answer": 0.5}}
    assert saved["refuse_below"] == 0.1
    assert [one["id"] for one in saved["questions"]] == ["甲", "乙"]
    assert "questions" not in evaluation_to_json(SAVED)["reports"][0]


def test_two_files_of_one_name_are_one(tmp_path: Path) -> None:
    both = evaluation(report(judged("甲")), report(judged("乙")))
    (held,) = read_run(write(tmp_path, to_json(both, CONDITIONS))).files.values()
    assert [key[0] for key in held] == ["甲", "乙"]


def test_a_run_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"无\.json' cannot be read \(No such file"):
        read_run(tmp_path / "无.json")


def test_a_folder_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"cannot be read .* wenju eval FILE\.\.\. --save"):
        read_run(tmp_path)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b'{"kind": NaN}', b"[" * 100_000])
def test_a_run_that_is_not_json(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "旧.json").write_bytes(data)
    with pytest.raises(SettingError, match=r"旧\.json' is not JSON, or not to its end"):
        read_run(tmp_path / "旧.json")


def test_every_cut_off_run_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path, to_json(SAVED, CONDITIONS))
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 37):
        path.write_bytes(whole[:length])
        with pytest.raises(SettingError, match="is not JSON, or not to its end"):
            read_run(path)


@pytest.mark.parametrize("content", [[], 3, {}, {"data": []}, {"kind": "else"}])
def test_a_foreign_file(tmp_path: Path, content: object) -> None:
    with pytest.raises(SettingError, match=r"旧\.json' is no saved run of `wenju eval`. Give a"):
        read_run(write(tmp_path, content))


def test_a_run_of_another_format(tmp_path: Path) -> None:
    content = {**to_json(SAVED, CONDITIONS), "format": 2}
    with pytest.raises(SettingError, match="has format 2; this version reads format 1. Make it"):
        read_run(write(tmp_path, content))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", 3), ("question", None), ("history", 7), ("history", [1]), ("right", 1),
        ("figures", [1]), ("figures", {"answer": "1"}), ("figures", {"answer": True}),
        ("answer", None),
    ],
)  # fmt: skip
def test_a_damaged_question(tmp_path: Path, key: str, value: object) -> None:
    content = to_json(SAVED, CONDITIONS)
    content["reports"][0]["questions"][0][key] = value
    with pytest.raises(SettingError, match=r"旧\.json' is damaged\. Give a file that was written"):
        read_run(write(tmp_path, content))


@pytest.mark.parametrize("key", ["made", "version", "model", "options", "reports"])
def test_a_run_without_a_part(tmp_path: Path, key: str) -> None:
    content = to_json(SAVED, CONDITIONS)
    del content[key]
    with pytest.raises(SettingError, match="is damaged"):
        read_run(write(tmp_path, content))
