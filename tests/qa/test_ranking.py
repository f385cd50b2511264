"""Weights by hand, the file that they come in, and that figures come from a fit without their set."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.errors import SettingError
from qa import squad
from qa.evidence import (
    PASSAGE_FEATURES,
    SENTENCE_FEATURES,
    Asked,
    Evidence,
    Signals,
    Texts,
    Words,
    weigh,
)
from qa.ranking import FOREIGN, FORMAT, SHIPPED, Layers, Ranking, clean_fit, digest, relative
from tests.rankings import ranking_by

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"

LINEAR = Layers(
    mean=np.array([1, 2], np.float32),
    scale=np.array([2, 4], np.float32),
    weights=(np.array([[3], [-1]], np.float32),),
    biases=(np.array([0.5], np.float32),),
)
HIDDEN = replace(
    LINEAR,
    weights=(np.array([[1, 0], [0, 2]], np.float32), np.array([[2], [3]], np.float32)),
    biases=(np.array([0, 1], np.float32), np.array([-1], np.float32)),
)


def evidence(counts: Sequence[int], dense: Sequence[float], cosines: Sequence[float]) -> Evidence:
    """Evidence of nothing but the cosines of passages and of sentences."""
    passages = np.zeros((len(counts), len(PASSAGE_FEATURES)), np.float32)
    sentences = np.zeros((sum(counts), len(SENTENCE_FEATURES)), np.float32)
    passages[:, PASSAGE_FEATURES.index("dense")] = dense
    sentences[:, SENTENCE_FEATURES.index("cosine")] = cosines
    return Evidence(passages, sentences, np.cumsum(counts) - np.array(counts))


BY_COSINES = ranking_by({"dense": 1.0}, {"cosine": 1.0})


def test_a_linear_model() -> None:
    """(3 - 1) / 2 * 3 - (6 - 2) / 4 + 0.5 = 2.5, and the mean itself gives the bias."""
    assert LINEAR(np.array([[3, 6], [1, 2]], np.float32)).tolist() == [2.5, 0.5]
    assert LINEAR(np.zeros((0, 2), np.float32)).shape == (0,)


def test_a_hidden_layer() -> None:
    """(1, 1) goes to (1, 3) before the tanh."""
    values = HIDDEN(np.array([[3, 6], [1, 2]], np.float32))
    assert values.tolist() == pytest.approx(
        [2 * np.tanh(1) + 3 * np.tanh(3) - 1, 3 * np.tanh(1) - 1], abs=1e-6
    )


def test_columns_are_compared_with_the_best() -> None:
    columns = np.array([[1, 5], [3, 2]], np.float32)
    assert relative(columns).tolist() == [[1, 5, -2, 0], [3, 2, 0, -3]]


def test_passages_by_hand() -> None:
    """Without a lift they are a softmax: e / (e + 1)."""
    weighed = BY_COSINES(evidence([2, 1], [1, 0], [0, 0, 0]))
    share = np.e / (np.e + 1)
    assert np.exp(weighed.passages).tolist() == pytest.approx([share, 1 - share])
    assert np.exp(weighed.sentences).tolist() == pytest.approx([share / 2, share / 2, 1 - share])


def test_a_sentence_is_as_likely_as_its_passage_trusts() -> None:
    """Without trust both passages count alike, with trust 1 as much as they are likely."""
    found = evidence([2, 1], [np.log(3), 0], [np.log(4), 0, 5])
    with_trust = np.exp(BY_COSINES(found).sentences)
    assert with_trust.tolist() == pytest.approx([0.75 * 0.8, 0.75 * 0.2, 0.25])
    without = np.exp(replace(BY_COSINES, trust=0.0)(found).sentences)
    assert without.tolist() == pytest.approx([0.5 * 0.8, 0.5 * 0.2, 0.5])


def test_the_best_sentence_lifts_its_passage() -> None:
    """e^ln 7 + e^0 = 8 against 2, to the power of the lift."""
    found = evidence([2, 2], [0, 0], [0, 0, np.log(7), 0])
    assert np.exp(BY_COSINES(found).passages).tolist() == pytest.approx([0.5, 0.5])
    lifted = np.exp(replace(BY_COSINES, lift=1.0)(found).passages)
    assert lifted.tolist() == pytest.approx([0.2, 0.8])
    half = np.exp(replace(BY_COSINES, lift=0.5)(found).passages)
    assert half.tolist() == pytest.approx([1 / 3, 2 / 3], abs=1e-6)


COSINES = st.floats(-1, 1, width=32)
CANDIDATES = st.lists(
    st.tuples(COSINES, st.lists(COSINES, min_size=1, max_size=5)), min_size=1, max_size=6
)


@settings(deadline=None)
@given(CANDIDATES, st.floats(0, 5), st.floats(0, 5), st.sampled_from([1.0, 50.0]))
def test_probabilities_sum_to_one(
    candidates: list[tuple[float, list[float]]], lift: float, trust: float, scale: float
) -> None:
    dense, cosines = zip(*candidates, strict=True)
    found = evidence(list(map(len, cosines)), dense, [one for own in cosines for one in own])
    ranking = ranking_by({"dense": scale}, {"cosine": -scale}, lift=lift, trust=trust)
    weighed = ranking(found)
    assert weighed.passages.shape == (len(candidates),)
    assert weighed.sentences.shape == (len(found.sentences),)
    for values in (weighed.passages, weighed.sentences):
        assert np.exp(values).sum() == pytest.approx(1)
        assert np.isfinite(values).all()
    within = np.logaddexp.reduceat(weighed.sentences, found.starts)
    assert within - within[0] == pytest.approx(trust * (weighed.passages - weighed.passages[0]))


def content(
    *fitted_on: tuple[str, ...], files: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Any]:
    """What benchmarks/ranking.py writes, with one fit for each group of files."""
    return {
        "format": FORMAT,
        "columns": [list(PASSAGE_FEATURES), list(SENTENCE_FEATURES)],
        "files": {
            name: {"contexts": " ".join(map(digest, texts))}
            for name, texts in (files or {}).items()
        },
        "fits": [
            ranking_by({"dense": at}, lift=at, fitted_on=names).to_json()
            for at, names in enumerate(fitted_on, 1)
        ],
    }


def written(folder: Path, made: Mapping[str, Any]) -> Path:
    path = folder / "weights.json"
    path.write_text(json.dumps(made), encoding="utf-8")
    return path


def test_layers_come_back_with_five_digits() -> None:
    exact = replace(LINEAR, biases=(np.array([0.123456789], np.float32),))
    again = Layers.from_json(json.loads(json.dumps(exact.to_json())))
    assert exact.to_json()["biases"] == [[0.12346]]
    assert again.biases[0].tolist() == np.array([0.12346], np.float32).tolist()
    assert again.to_json() == exact.to_json()
    columns = np.array([[3, 6], [1, 2]], np.float32)
    kept = Layers.from_json(json.loads(json.dumps(HIDDEN.to_json())))
    assert kept(columns).tolist() == HIDDEN(columns).tolist()
    assert [layer.shape for layer in kept.weights] == [(2, 2), (2, 1)]


def test_a_ranking_comes_back(tmp_path: Path) -> None:
    ranking = ranking_by(
        {"dense": 2.0, "terms": 0.25},
        {"cosine": -1.5},
        lift=0.375,
        trust=0.5,
        fitted_on=("甲.json",),
    )
    read = Ranking.read(written(tmp_path, {**content(("",)), "fits": [ranking.to_json()]}))
    assert (read.lift, read.trust, read.fitted_on) == (0.375, 0.5, ("甲.json",))
    found = evidence([2, 1], [0.5, 0.75], [0.25, 0.5, 0.125])
    assert read(found).passages.tolist() == ranking(found).passages.tolist()
    assert read(found).sentences.tolist() == ranking(found).sentences.tolist()
    assert read.to_json() == ranking.to_json()


@pytest.mark.parametrize(
    "other",
    [
        {"format": FORMAT + 1},
        {"columns": [list(PASSAGE_FEATURES), list(SENTENCE_FEATURES[:-1])]},
        {"columns": [list(PASSAGE_FEATURES[::-1]), list(SENTENCE_FEATURES)]},
    ],
    ids=["format", "a column less", "another order"],
)
def test_weights_for_other_columns_are_refused(tmp_path: Path, other: dict[str, Any]) -> None:
    path = written(tmp_path, {**content(("甲.json",)), **other})
    with pytest.raises(
        SettingError,
        match=r"weights\.json was fitted for other columns; run benchmarks/ranking\.py",
    ):
        Ranking.read(path)


FILES = {
    "甲.json": ["济南有名泉。", "黄河很长。"],
    "乙.json": ["濟南有名泉。"],
    "丙.json": ["黄河很长。", "A lake."],
}
FITS = content(
    ("甲.json", "乙.json", "丙.json"),
    ("乙.json", "丙.json"),
    ("甲.json", "丙.json"),
    ("乙.json",),
    files=FILES,
)


@pytest.mark.parametrize(
    ("texts", "lift"),
    [
        ([], 1),
        (["大明湖。"], 1),
        (["济南有名泉。"], 2),
        (["大明湖。", "濟南有名泉。"], 3),
        (["黄河很长。"], 4),
        (["济南有名泉。", "A lake."], 4),
        (["A lake.", "濟南有名泉。"], 1),
        (["济南有名泉"], 1),
    ],
    ids=[
        "none",
        "new",
        "one file",
        "with a new one",
        "two files",
        "of two",
        "of all",
        "a mark off",
    ],
)
def test_figures_come_from_the_first_fit_that_did_not_see_them(
    tmp_path: Path, texts: list[str], lift: float
) -> None:
    """Where all saw some of the texts, the first fit is taken."""
    assert clean_fit(FITS, texts)["lift"] == lift
    assert Ranking.read(written(tmp_path, FITS), frozenset(texts)).lift == lift


def test_a_digest_tells_texts_apart() -> None:
    assert digest("济南") == digest("济南")
    assert len({digest(text) for text in ("济南", "濟南", "", "济南 ", "\ud800")}) == 5
    assert {len(digest(text)) for text in ("", "济南" * 1000)} == {10}


def test_the_shipped_weights() -> None:
    """The first fit is on all files; of each file one fit has not seen it."""
    made = json.loads((ROOT / "qa" / SHIPPED).read_text(encoding="utf-8"))
    named = list(made["files"])
    first, *others = (fit["fitted_on"] for fit in made["fits"])
    assert Ranking.shipped().fitted_on == tuple(first)
    assert sorted(first) == sorted(named)
    for name in named:
        assert [one for one in others if name not in one]
        assert made["files"][name]["questions"] > 0
        assert len(made["files"][name]["sha256"]) == 64
    assert all(set(one) <= set(named) for one in others)
    assert made["made_by"].startswith("python -m benchmarks.ranking ")
    assert all(0 <= fit["lift"] < 10 and 0 <= fit["trust"] < 10 for fit in made["fits"])


def test_the_shipped_weights_find_the_sentence_that_answers() -> None:
    """Though the second passage is the nearer one in meaning."""
    sentences = [
        "近年来党建有力。",
        "天桥区建立4个产业链党组织。",
        "园区里有21家企业。",
        "联盟很活跃。",
    ]
    texts = Texts(["", ""], sentences, np.array([2, 2]))
    dense, bm25 = np.array([0.88, 0.885], np.float32), np.array([14.0, 3.0], np.float32)
    cosines = np.array([0.86, 0.9, 0.87, 0.85], np.float32)
    weights = {"天桥区": 5.0, "产业链": 4.0, "党组织": 4.0}
    asked = Asked("天桥区建立了几个产业链党组织？", Words(weights, weights.keys(), ["天桥区"]))
    weighed = Ranking.shipped()(weigh(asked, texts, Signals(dense, bm25, cosines)))
    assert weighed.passages[0] > np.log(0.8)
    assert weighed.sentences.argmax() == 1


def test_texts_that_nothing_saw_are_judged_by_the_shipped_weights() -> None:
    assert Ranking.unseen(["没有人见过的一段话。"]).to_json() == Ranking.shipped().to_json()


@pytest.mark.shared
@pytest.mark.skipif(not DATA.exists(), reason="no ../shared/data beside the project")
@pytest.mark.parametrize("name", ["cmrc_dev.json", "drcd_dev.json", "xquad.zh.json"])
def test_a_public_set_is_judged_by_weights_that_did_not_see_it(name: str) -> None:
    contexts = squad.read_squad(DATA / name).contexts
    made = json.loads((ROOT / "qa" / SHIPPED).read_text(encoding="utf-8"))
    assert made["files"][name]["contexts"].split() == [digest(one) for one in contexts]
    ranking = Ranking.unseen(contexts)
    assert set(ranking.fitted_on) == set(made["files"]) - {name}
    assert name not in Ranking.unseen(["没有人见过的一段话。", contexts[-1]]).fitted_on


def test_the_weights_are_packaged() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packaged = project["tool"]["setuptools"]["package-data"]
    for package in ("embeddings", "qa"):
        data = {path.name for path in (ROOT / package).glob("*.json")}
        assert data
        assert data - set(packaged[package]) == set()


def test_between_two_languages_sentences_are_weighed_by_hand() -> None:
    found = evidence([2], [0.5], [0.80, 0.82])
    found.sentences[0, SENTENCE_FEATURES.index("terms")] = 0.5
    found.sentences[0, SENTENCE_FEATURES.index("form")] = 0.9
    nats = FOREIGN["terms"] * 0.5 + FOREIGN["form"] * 0.9 - FOREIGN["cosine"] * 0.02
    first, second = BY_COSINES(found, known=np.zeros(1)).sentences
    assert first - second == pytest.approx(nats, abs=1e-5)
    assert BY_COSINES(found).sentences.argmax() == 1
