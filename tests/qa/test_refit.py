"""`wenju eval --fit`, from question files to weights that count; and how it is told and undone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from qa import fit_view, own_weights
from qa.bot import Bot
from qa.cli import main
from qa.correction import Own
from qa.fitting import Fit, Part
from qa.folds import Difference
from qa.judging import Figure
from qa.refit import Refit

PLACES = (
    "天桥",
    "历下",
    "市中",
    "槐荫",
    "历城",
    "长清",
    "章丘",
    "济阳",
    "莱芜",
    "钢城",
    "平阴",
    "商河",
    "泉城",
    "芙蓉",
    "曲水",
    "明湖",
    "千佛",
    "黑虎",
    "趵突",
    "珍珠",
    "五龙",
    "大观",
)
ENCODER = CountingEncoder("天桥历下市中槐荫城长清章丘济阳莱芜企业党建园商户项目")


def line(
    name: str, text: str, kind: str, answer: str = "", source: str = "", quote: str = ""
) -> dict[str, Any]:
    gold = {"answers": [[answer]], "evidence": [{"source": source, "quote": quote}]}
    return {"id": name, "question": text, "kind": kind, **(gold if answer else {})}


def questions(places: Sequence[str] = PLACES) -> list[dict[str, Any]]:
    """Of each place a question that its document answers, and one that none does."""
    found = []
    for at, place in enumerate(places):
        quote = f"{place}街道走访企业{100 + at}家"
        text = f"{place}街道走访了多少家企业？"
        found.append(line(f"a{at}", text, "number", f"{100 + at}家", f"{place}.txt", quote))
        found.append(line(f"u{at}", f"{place}街道搬走了多少家企业？", "unanswerable"))
    return found


def write(path: Path, lines: Sequence[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in lines), "utf-8")
    return path


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    """A folder with an index; tests must not change it."""
    folder = tmp_path_factory.mktemp("streets")
    (folder / "docs").mkdir()
    for at, place in enumerate(PLACES):
        text = f"{place}简报\n\n{place}街道走访企业{100 + at}家。\n\n园区签约项目{40 + at}个,{place}很高兴。\n"
        (folder / "docs" / f"{place}.txt").write_text(text, "utf-8")
    build(folder / "docs", folder / "index", ENCODER, tokenizer)
    return folder


@pytest.fixture
def index(streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the index, and the questions beside it as 问题.jsonl."""
    for place in ("embeddings.encoder", "qa.bot"):
        monkeypatch.setattr(f"{place}.open_encoder", lambda *_, **__: ENCODER)
    monkeypatch.chdir(tmp_path)
    for name in ("WENJU_INDEX", "WENJU_REFUSE_BELOW"):
        monkeypatch.delenv(name, raising=False)
    write(tmp_path / "问题.jsonl", questions())
    return shutil.copytree(streets / "index", tmp_path / "index")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


def refused(result: Result) -> str:
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


def cells(out: str) -> dict[str, list[str]]:
    """The rows of the table by their name."""
    rows = [line.split("  ") for line in out.splitlines()[2:7]]
    return {row[0]: [cell.strip() for cell in row[1:] if cell.strip()] for row in rows}


UNANSWERABLE = "天桥街道搬走了多少家企业？"


def test_from_question_files_to_weights_that_count(index: Path) -> None:
    answered = Bot.open(index).ask(UNANSWERABLE)
    assert answered.answered
    out = run("eval", "问题.jsonl", "--fit").stdout
    rows = cells(out)
    assert out.splitlines()[0].startswith("22 answerable and 22 unanswerable questions; ")
    assert rows["passage first"][:3] == ["22", "1.0000", "1.0000"]
    assert rows["refused"][:3] == ["22", "0.0000", "1.0000"]
    assert rows["false refusals"] == ["22", "0.0000", "0.0000", "+0.0000", "0.0000"]
    assert "threshold: kept; refused +0." in out
    assert out.splitlines()[-1] == (
        "written to index/weights.json, which counts from now on, in an open chat when it starts again; "
        "remove the file to undo it"
    )
    bot = Bot.open(index)
    assert not bot.ask(UNANSWERABLE).answered
    assert bot.ask("天桥街道走访了多少家企业？").answered
    (index / "weights.json").unlink()
    assert Bot.open(index).ask(UNANSWERABLE) == answered


def test_the_json_form_and_what_is_said_afterwards(index: Path) -> None:
    assert json.loads(run("info", "--json").stdout)["weights"] is None
    assert "weights" not in run("info").stdout
    found = json.loads(run("eval", "问题.jsonl", "--fit", "--json").stdout)
    assert found["written"] == "index/weights.json"
    assert found["figures"]["refused"] == {
        "n": 22,
        "before": 0.0,
        "after": 1.0,
        "standard_error": 0.0,
    }
    assert found["parts"]["threshold"]["kept"] is True
    assert found["least"]["before"] == 0.15
    assert found["files"][0]["name"] == "问题.jsonl"
    said = json.loads(run("info", "--json").stdout)["weights"]
    assert said["files"] == found["files"]
    assert said["least"] == found["least"]["after"]
    assert "threshold" in said["corrects"]
    assert said["problem"] is None
    (row,) = (line for line in run("info").stdout.splitlines() if line.startswith("weights"))
    assert row.startswith("weights    own ")
    assert "fitted on 问题.jsonl" in row


def test_questions_that_were_fitted_on_are_told_in_later_figures(index: Path) -> None:
    said = "问题.jsonl: ranked with weights fitted on 问题.jsonl, these very questions: the figures flatter"
    assert said not in run("eval", "问题.jsonl").stdout
    run("eval", "问题.jsonl", "--fit")
    assert said in run("eval", "问题.jsonl").stdout
    write(Path("其他.jsonl"), questions(PLACES[:3]))
    assert "flatter" not in run("eval", "其他.jsonl").stdout


def test_a_threshold_that_the_user_set_stays(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENJU_REFUSE_BELOW", "10")
    out = run("eval", "问题.jsonl", "--fit").stdout
    assert "threshold: not fitted" in out
    assert "refused is below 0.1, as the setting refuse_below says" in out
    found = own_weights.read(index, ENCODER.fingerprint)
    assert found is None or found.own.least is None


def test_a_fit_starts_from_the_shipped_weights(index: Path) -> None:
    first = json.loads(run("eval", "问题.jsonl", "--fit", "--json").stdout)
    again = json.loads(run("eval", "问题.jsonl", "--fit", "--json").stdout)
    assert again["figures"] == first["figures"]
    assert again["least"] == first["least"]


def test_several_files(index: Path) -> None:
    write(Path("一.jsonl"), questions(PLACES[:11]))
    write(Path("二.jsonl"), questions()[22:])
    found = json.loads(run("eval", "一.jsonl", "二.jsonl", "一.jsonl", "--fit", "--json").stdout)
    assert (found["answerable"], found["unanswerable"]) == (22, 22)
    assert [file["name"] for file in found["files"]] == ["一.jsonl", "二.jsonl"]


def test_too_few_questions(index: Path) -> None:
    write(Path("少.jsonl"), questions(PLACES[:3]))
    said = refused(run("eval", "少.jsonl", "--fit"))
    assert "needs 20 answerable questions at least, and 3 were given" in said
    assert not (index / "weights.json").exists()


def test_squad_files_are_refused(index: Path) -> None:
    Path("cmrc.json").write_text("{}", "utf-8")
    said = refused(run("eval", "cmrc.json", "--fit"))
    assert "cmrc.json is no file of questions about them; give .jsonl files" in said


@pytest.mark.parametrize("option", [["--sample", "5"], ["--crowd"], ["--wrong"], ["--by", "kind"]])
def test_other_options_do_not_go_with_it(index: Path, option: list[str]) -> None:
    assert f"leave out {option[0]}" in refused(run("eval", "问题.jsonl", "--fit", *option))


def test_a_damaged_file_is_told_and_does_not_count(index: Path) -> None:
    (index / "weights.json").write_text("{", "utf-8")
    assert "weights    index/weights.json is damaged" in run("info").stdout
    assert "is damaged" in json.loads(run("info", "--json").stdout)["weights"]["problem"]
    assert Bot.open(index).least == 0.15
    run("eval", "问题.jsonl", "--fit")
    assert Bot.open(index).least != 0.15


FOUND = Fit(
    Own(),
    (
        Part("passages", "log likelihood", Difference(-0.01, 0.02), False),
        Part("support", "log likelihood", None, False),
    ),
    (Figure("answered", 40, 0.95, 0.95, Difference(0.0, 0.0)),),
    40,
    0,
)


def test_nothing_better_is_said(tmp_path: Path) -> None:
    found = Refit(FOUND, (), 0.1, False, tmp_path / "weights.json", False)
    out = fit_view.to_text(found).splitlines()
    assert out[2].split() == ["false", "refusals", "40", "0.0500", "0.0500", "+0.0000", "0.0000"]
    assert out[-3:] == [
        "passages: left as shipped; log likelihood -0.0100 ± 0.0200",
        "support: not fitted",
        "nothing got better, nothing is written; the weights of the package count",
    ]
    earlier = replace(found, earlier="2026-03-01T08:30:00+00:00")
    assert fit_view.to_text(earlier).endswith("of 2026-03-01T08:30:00+00:00 counts on")
    assert fit_view.to_json(earlier)["written"] is None


def test_nothing_better_leaves_the_file_alone(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("eval", "问题.jsonl", "--fit")
    before = (index / "weights.json").read_bytes()
    monkeypatch.setattr("qa.refit.fit", lambda *_: FOUND)
    assert run("eval", "问题.jsonl", "--fit").stdout.endswith("counts on\n")
    assert (index / "weights.json").read_bytes() == before


def test_a_read_only_index(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", denied)
    said = refused_late(run("eval", "问题.jsonl", "--fit"))
    assert "index/weights.json cannot be written (Permission denied); make the index folder" in said


def refused_late(result: Result) -> str:
    """Refused after questions were asked: progress stands before the sentence."""
    assert result.exit_code == 2
    assert result.stdout == ""
    return result.stderr.splitlines()[-1]
