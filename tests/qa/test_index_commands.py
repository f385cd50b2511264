"""`wenju info`, `wenju verify` and `wenju build --rollback`."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from embeddings.errors import ModelMissingError
from embeddings.lexical import Tokenizer
from qa.cli import main
from qa.index_view import ago, size
from tests.generations import ENCODER, Changing


@pytest.fixture(autouse=True)
def _with_the_counting_encoder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for place in ("embeddings.encoder", "qa.bot"):
        monkeypatch.setattr(f"{place}.open_encoder", lambda *_, **__: ENCODER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WENJU_INDEX", "index")


@pytest.fixture
def changing(tmp_path: Path, tokenizer: Tokenizer) -> Changing:
    changing = Changing(tmp_path, tokenizer)
    for version in (1, 2):
        changing.publish(version)
    return changing


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


def damage(changing: Changing, number: int) -> None:
    (changing.folder.folder(number) / "sentences.npy").write_bytes(b"")


def test_info_names_every_generation(changing: Changing) -> None:
    out = run("info").stdout.splitlines()
    assert re.fullmatch(r"index      index, \d+\.\d kB", out[0])
    assert out[1:9] == [
        f"root       {changing.documents}",
        f"model      {ENCODER.name}, fingerprint {ENCODER.fingerprint}",
        "tokenizer  jieba-0.42.1/2",
        "search     exact",
        "files      2",
        "documents  2",
        "passages   2",
        "sentences  4",
    ]
    held = r"(just now|\d+ seconds? ago), \d+\.\d kB, 2 files, 2 documents, 2 passages, 4 sentences"
    assert re.fullmatch(rf"generation 2 published, {held}", out[9])
    assert re.fullmatch(rf"generation 1 before, {held}", out[10])
    assert len(out) == 11


def test_info_tells_of_an_approximate_search(
    changing: Changing, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert json.loads(run("info", "--json").stdout)["search"] == {"kind": "exact"}
    monkeypatch.setattr("embeddings.passage_vectors.EXACT_UP_TO", 1)
    changing.publish(3)
    assert (
        "search     approximate, 1 of 1 lists, exactly re-scored: recall@10 1.000 on 4 sentences"
        in run("info").stdout.splitlines()
    )
    assert json.loads(run("info", "--json").stdout)["search"] == {
        "kind": "ivf-rabitq", "lists": 1, "probed": 1, "recall": 1.0, "at": 10, "sample": 4,
    }  # fmt: skip


def test_info_as_json(changing: Changing) -> None:
    found = json.loads(run("info", "--json").stdout)
    assert {name: found[name] for name in ("documents", "passages", "sentences", "files")} == {
        "documents": 2,
        "passages": 2,
        "sentences": 4,
        "files": 2,
    }
    assert (found["generation"], found["warning"]) == (2, None)
    assert found["fingerprint"] == ENCODER.fingerprint
    on_disk = sum(path.stat().st_size for path in changing.index.rglob("*") if path.is_file())
    assert found["total_bytes"] == on_disk
    first, second = found["generations"]
    assert (first["number"], first["state"], first["problem"]) == (2, "published", None)
    assert (second["number"], second["state"], second["passages"]) == (1, "before", 2)
    assert 0 <= first["age_seconds"] <= second["age_seconds"] + 1 < 600


def test_info_says_when_another_generation_answers(changing: Changing) -> None:
    damage(changing, 2)
    out = run("info").stdout.splitlines()
    assert "generation 2 published" in out[9]
    assert out[9].endswith(", damaged")
    assert out[-1].startswith(
        "warning    Generation 1 answers, not the published one: 'sentences.npy'"
    )
    found = json.loads(run("info", "--json").stdout)
    assert (found["generation"], found["generations"][1]["problem"]) == (1, None)
    assert "'sentences.npy' of generation 000002" in found["generations"][0]["problem"]


def test_info_without_any_whole_generation(changing: Changing) -> None:
    for number in (1, 2):
        damage(changing, number)
    result = run("info")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'sentences.npy' of generation 000002" in result.stderr


def test_info_when_current_names_nothing(changing: Changing) -> None:
    (changing.index / "CURRENT").write_text("000009", encoding="utf-8")
    found = json.loads(run("info", "--json").stdout)
    assert found["generation"] == 2
    assert "names generation '000009', which is not there" in found["warning"]
    assert [state["state"] for state in found["generations"]] == ["kept", "kept"]


def test_verify_of_a_clean_index(changing: Changing) -> None:
    result = run("verify")
    assert result.exit_code == 0
    assert re.fullmatch(
        r"read     generations 1, 2: 32 files, \d+\.\d kB\n"
        r"compared 2 documents, 2 passages and 6 vectors with the catalogue\n"
        r"clean    nothing is wrong\n",
        result.stdout,
    )
    found = json.loads(run("verify", "--json").stdout)
    assert (found["clean"], found["problems"], found["vectors"]) == (True, [], 6)


def test_verify_says_what_is_wrong_and_what_mends_it(changing: Changing) -> None:
    damage(changing, 2)
    result = run("verify")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[2:] == [
        "wrong    generation 2: 'sentences.npy' has 0 bytes, not 224",
        f"  mend   wenju build {changing.documents} --index index, "
        "or go back: wenju build --rollback --index index",
    ]
    found = run("verify", "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["clean"] is False


def test_the_commands_that_verify_names_mend(changing: Changing) -> None:
    damage(changing, 2)
    assert run("verify").exit_code == 1
    assert run("build", "--rollback").exit_code == 0
    assert run("build", str(changing.documents)).exit_code == 0
    assert run("verify").exit_code == 0
    assert json.loads(run("info", "--json").stdout)["generation"] == 3


def test_verify_without_the_model(changing: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ModelMissingError("The model is not here")

    monkeypatch.setattr("embeddings.encoder.open_encoder", missing)
    result = run("verify")
    assert result.exit_code == 0
    assert result.stderr == "The model is not here\n"
    assert "note     vectors are not compared: the index's model is not here\n" in result.stdout


@pytest.mark.parametrize("command", [["info"], ["verify"], ["build", "--rollback"]])
def test_no_index(command: list[str]) -> None:
    result = run(*command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "There is no index in 'index' yet; build one first" in result.stderr
    assert not Path("index").exists()


def test_rollback_says_where_it_went_and_stops_where_nothing_is_kept(changing: Changing) -> None:
    out = run("build", "--rollback").stdout
    assert re.fullmatch(
        r"back to generation 1 of 20[\d:T+-]+ \(2 files, 2 documents, 2 passages, 4 sentences\); "
        r"it answers until the next wenju build, which publishes the documents as they are then\n",
        out,
    )
    assert "1家" in run("ask", "天桥区有几家企业？").stdout
    again = run("build", "--rollback")
    assert again.exit_code == 2
    assert "keeps no whole generation before 1" in again.stderr
    states = json.loads(run("info", "--json").stdout)["generations"]
    assert [(s["number"], s["state"]) for s in states] == [(2, "kept"), (1, "published")]


def test_rollback_as_json(changing: Changing) -> None:
    found = json.loads(run("build", "--rollback", "--json").stdout)
    assert (found["generation"], found["passages"]) == (1, 2)


def test_rollback_out_of_a_current_that_names_nothing(changing: Changing) -> None:
    (changing.index / "CURRENT").write_text("000009", encoding="utf-8")
    shutil.rmtree(changing.folder.folder(2))
    assert run("build", "--rollback").stdout.startswith("back to generation 1 of")


def test_a_build_while_another_writes_names_it(changing: Changing) -> None:
    with changing.folder.writing():
        result = run("build", str(changing.documents))
    assert result.exit_code == 2
    assert re.search(
        r"is building the index 'index' \(process \d+ on .*\); wait .*--wait", result.stderr
    )


def test_ages_and_sizes() -> None:
    assert [ago(s) for s in (0.2, 1, 61, 7300, 90000, 200000)] == [
        "just now", "1 second ago", "1 minute ago", "2 hours ago", "1 day ago", "2 days ago",
    ]  # fmt: skip
    assert [size(n) for n in (0, 999, 1000, 5_100_000, 7_200_000_000_000)] == [
        "0 bytes", "999 bytes", "1.0 kB", "5.1 MB", "7200.0 GB",
    ]  # fmt: skip
