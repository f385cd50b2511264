"""weights.json beside an index: kept, read, and left out when it is for something else."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embeddings.encoder import CountingEncoder
from embeddings.errors import IndexWriteError, SettingError
from qa import own_weights
from qa.bot import LEAST_SUPPORT, Bot
from qa.correction import SENTENCE_COLUMNS, Correction, Own
from qa.evidence import PASSAGE_FEATURES
from qa.own_weights import OwnWeights, QuestionFile, fitted_on, in_force, path_of, read, write
from qa.support import COLUMNS

MODEL = "f" * 32
FILE = QuestionFile("问题.jsonl", "0" * 64, 100, 20)
FIGURES = {"refused": {"n": 20.0, "before": 0.6, "after": 0.75}}


def correction(columns: int, seed: int = 1) -> Correction:
    rng = np.random.default_rng(seed)
    return Correction(1.25, rng.normal(size=columns), -0.5)


OWN = Own(
    correction(len(PASSAGE_FEATURES)), None, correction(len(COLUMNS)), 0.2914697699511925
)  # fmt: skip


def weights(own: Own = OWN, model: str = MODEL) -> OwnWeights:
    return OwnWeights(own, "2026-03-01T08:30:00+00:00", model, (FILE,), FIGURES)


def same(one: Correction | None, other: Correction | None) -> bool:
    if one is None or other is None:
        return one is other
    numbers = (one.factor, one.bias) == (other.factor, other.bias)
    return numbers and one.weights.tolist() == other.weights.tolist()


def test_they_come_back_as_they_were(tmp_path: Path) -> None:
    path = write(tmp_path, weights())
    assert path == tmp_path / "weights.json"
    found = read(tmp_path, MODEL)
    assert found is not None
    assert same(found.own.passages, OWN.passages)
    assert same(found.own.support, OWN.support)
    assert (found.own.sentences, found.own.least) == (None, OWN.least)
    assert (found.files, found.figures, found.made) == ((FILE,), FIGURES, weights().made)
    assert found.own.parts == ("passages", "threshold", "support")


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    content = json.loads(write(tmp_path, weights()).read_text("utf-8"))
    assert content["made_by"] == "wenju eval --fit"
    assert content["files"] == [
        {"name": "问题.jsonl", "sha256": "0" * 64, "answerable": 100, "unanswerable": 20}
    ]
    assert content["columns"]["sentences"] == list(SENTENCE_COLUMNS)
    assert content["own"]["sentences"] is None
    assert "问题" in path_of(tmp_path).read_text("utf-8")


def test_no_file_no_weights(tmp_path: Path) -> None:
    assert read(tmp_path, MODEL) is None
    assert read(tmp_path / "nowhere", MODEL) is None
    assert in_force(tmp_path, MODEL) == Own()


def changed(folder: Path, **keys: Any) -> None:
    path = write(folder, weights())
    content = json.loads(path.read_text("utf-8")) | keys
    del content["sum"]
    path.write_text(json.dumps(content), "utf-8")


def own(**keys: Any) -> dict[str, Any]:
    made = {"factor": 1.0, "bias": 0.0, "weights": [0.0] * len(PASSAGE_FEATURES)}
    return {"own": {"passages": made | keys, "sentences": None, "support": None, "least": None}}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"format": 2}, "has the format 2, and only 1 is known"),
        ({"columns": {"passages": ["dense"]}}, "was fitted for other columns"),
        ({"corrects": "another"}, "was fitted for other weights of the package"),
        ({"model": "e5"}, "was fitted for another model"),
        ({"own": None}, "is damaged"),
        (own(weights=[0.0]), "is damaged"),
        (own(weights=["1"] * len(PASSAGE_FEATURES)), "is damaged"),
        (own(factor=True), "is damaged"),
        (own(bias=float("nan")), "is damaged"),
        (own(factor=float("inf")), "is damaged"),
        ({"own": {**own()["own"], "least": 1.5}}, "is damaged"),
        ({"made": "yesterday"}, "is damaged"),
        ({"made": "2026-03-01"}, "is damaged"),
        ({"files": [{"name": "问题.jsonl"}]}, "is damaged"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_left_out_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, keys: dict[str, Any], said: str
) -> None:
    changed(tmp_path, **keys)
    with pytest.raises(SettingError, match=rf"weights\.json {said}.*; .* or remove the file\.$"):
        read(tmp_path, MODEL)
    with caplog.at_level(logging.WARNING):
        assert in_force(tmp_path, MODEL) == Own()
    assert said in caplog.text


def test_a_number_that_changed_by_itself_is_damage(tmp_path: Path) -> None:
    path = write(tmp_path, weights())
    path.write_text(path.read_text("utf-8").replace("0.2914", "0.2915"), "utf-8")
    with pytest.raises(SettingError, match="is damaged .it differs from its checksum.*remove the"):
        read(tmp_path, MODEL)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"[" * 100_000])
def test_a_damaged_file(tmp_path: Path, content: bytes) -> None:
    path_of(tmp_path).write_bytes(content)
    with pytest.raises(SettingError, match="is damaged"):
        read(tmp_path, MODEL)


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    path_of(tmp_path).mkdir()
    with pytest.raises(SettingError, match="cannot be read"):
        read(tmp_path, MODEL)
    with pytest.raises(IndexWriteError, match="cannot be written"):
        write(tmp_path, weights())
    assert [path.name for path in tmp_path.iterdir()] == ["weights.json"]


def test_no_index_folder(tmp_path: Path) -> None:
    with pytest.raises(IndexWriteError, match="make the index folder writable"):
        write(tmp_path / "nowhere", weights())


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = write(tmp_path, weights()).read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(IndexWriteError, match="No space left"):
        write(tmp_path, weights(Own(least=0.5)))
    assert path_of(tmp_path).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["weights.json"]


@pytest.fixture
def copied(
    index: Path, tmp_path: Path, counting: CountingEncoder, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An index of one's own, opened with the counting encoder."""
    monkeypatch.setattr("qa.bot.open_encoder", lambda *_: counting)
    monkeypatch.delenv("WENJU_REFUSE_BELOW", raising=False)
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(index, tmp_path / "index")


QUESTION = "天桥区的党组织覆盖多少家企业？"


def test_a_bot_takes_them_into_account(copied: Path, counting: CountingEncoder) -> None:
    before = Bot.open(copied)
    assert before.least == LEAST_SUPPORT
    said = before.ask(QUESTION).support
    assert said is not None
    surer = Own(support=Correction(1.0, np.zeros(len(COLUMNS)), 1.0), least=0.3)
    write(copied, weights(surer, counting.fingerprint))
    bot = Bot.open(copied)
    assert bot.least == 0.3
    assert bot.ask(QUESTION).support == pytest.approx(1 / (1 + (1 / said - 1) / np.e))
    path_of(copied).unlink()
    assert Bot.open(copied).ask(QUESTION).support == said


def test_a_bot_chooses_sentences_by_them(copied: Path, counting: CountingEncoder) -> None:
    before = Bot.open(copied).ask("天桥区怎样？").citations[0].quote
    first = np.zeros(len(SENTENCE_COLUMNS))
    first[SENTENCE_COLUMNS.index("length")] = 50.0 if len(before) < 20 else -50.0
    write(copied, weights(Own(sentences=Correction(1.0, first), least=0.0), counting.fingerprint))
    after = Bot.open(copied).ask("天桥区怎样？").citations[0].quote
    assert (len(after) > len(before)) == (len(before) < 20)
    assert after != before


def test_a_bot_weighs_passages_by_them(copied: Path, counting: CountingEncoder) -> None:
    first = [hit.source for hit in Bot.open(copied).retrieve("济南的企业", k=3)]
    column = PASSAGE_FEATURES.index("length")
    short = np.zeros(len(PASSAGE_FEATURES))
    short[column] = -50.0
    write(copied, weights(Own(passages=Correction(1.0, short)), counting.fingerprint))
    found = Bot.open(copied).retrieve("济南的企业", k=3)
    assert [hit.source for hit in found] != first
    lengths = [len(hit.title + hit.heading + hit.text) for hit in found]
    assert lengths == sorted(lengths)


def test_what_the_user_set_wins(
    copied: Path, counting: CountingEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(copied, weights(Own(least=0.3), counting.fingerprint))
    monkeypatch.setenv("WENJU_REFUSE_BELOW", "10")
    assert Bot.open(copied).least == 0.1
    monkeypatch.delenv("WENJU_REFUSE_BELOW")
    Path("wenju.toml").write_text("refuse_below = 25\n", "utf-8")
    assert Bot.open(copied).least == 0.25


def test_weights_of_another_model_are_not_taken(
    copied: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(copied, weights(Own(least=0.3), "another"))
    bot = Bot.open(copied)
    assert bot.least == LEAST_SUPPORT
    assert "fitted for another model" in caplog.text


def test_measuring_takes_none(copied: Path, counting: CountingEncoder) -> None:
    write(copied, weights(Own(least=0.3), counting.fingerprint))
    from qa.retrieval import Retriever

    assert Bot.open(copied, retriever=Retriever).least == LEAST_SUPPORT


def test_questions_that_were_fitted_on_are_known(
    copied: Path, counting: CountingEncoder, tmp_path: Path
) -> None:
    seen, other = tmp_path / "问题.jsonl", tmp_path / "其他.jsonl"
    seen.write_text("{}", "utf-8")
    other.write_text("[]", "utf-8")
    assert fitted_on(copied, seen) is None
    file = QuestionFile(seen.name, own_weights.digest_of(seen), 1, 0)
    made = OwnWeights(Own(least=0.3), weights().made, counting.fingerprint, (file, FILE), {})
    write(copied, made)
    assert fitted_on(copied, seen) == ("问题.jsonl", "问题.jsonl")
    assert fitted_on(copied, other) is None
    seen.write_text("{ }", "utf-8")
    assert fitted_on(copied, seen) is None
