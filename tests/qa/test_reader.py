"""The reading of sentences: the network against torch's, the weights that come out, its file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.encoder import OnnxEncoder, TokenStates
from embeddings.errors import SettingError
from embeddings.model import model_folder
from qa import reader
from qa.ranking import Weighed
from qa.reader import READ, Reading, SentenceReader

HIDDEN = 384


def text(ids: list[int], seed: int = 0) -> TokenStates:
    drawing = np.random.default_rng([seed, *ids])
    states = drawing.normal(size=(len(ids) + 2, HIDDEN)).astype(np.float32)
    return TokenStates(np.array([0, *ids, 2]), states)


QUESTION = text([11, 12, 13])
SENTENCES = [text([11, 12, 40, 41]), text([50]), text([13, 60, 61, 62, 63, 64, 65])]
WEIGHTS = np.array([-0.5, -1.5, -30.0])


def test_as_the_network_that_was_fitted() -> None:
    """The same numbers as torch, for pairs that go through it padded, side by side."""
    torch = pytest.importorskip("torch")
    from benchmarks.reader import Library, Read, arrays_of, new_network, odds

    torch.manual_seed(3)
    network = new_network()
    for values in network.parameters():
        torch.nn.init.normal_(values, std=0.1)
    network.eval()
    held = {name: array.astype(np.float32) for name, array in arrays_of(network).items()}
    with torch.no_grad():
        for name, values in network.state_dict().items():
            values.copy_(values.half().float())  # as they are kept
            assert values.numel() > 0, name
        read = [
            Read("问", 0, (0, 1, 2), np.maximum(WEIGHTS, reader.LEAST_WEIGHT), np.zeros(3, bool))
        ]
        (expected,) = odds(network, Library([QUESTION], SENTENCES), read)
    own = SentenceReader(held, ())
    found = [own(QUESTION, *pair) for pair in zip(SENTENCES, WEIGHTS, strict=True)]
    np.testing.assert_allclose(found, expected.numpy(), atol=2e-4)
    assert np.ptp(found) > 0.01


def test_the_shipped_one_prefers_the_sentence_that_answers() -> None:
    question = "园区一共签约了多少个项目？"
    sentences = [
        "园区积极推进项目建设，势头强劲。",
        "截至目前，园区完成签约项目22个，实现总投资额77.57亿元。",
        "园区的食堂每天中午供应十种菜。",
    ]
    level = Weighed(np.zeros(1), np.log(np.full(3, 1 / 3)))
    weighed = Reading(OnnxEncoder(model_folder()), SentenceReader.shipped())(
        question, sentences, level, np.zeros(3)
    )
    assert weighed.sentences.argmax() == 1
    assert weighed.odds is not None
    assert weighed.odds[1] > weighed.odds[0]


class Shorter:
    """A network that prefers the sentences with fewer tokens, by as many nats."""

    def __call__(self, question: TokenStates, sentence: TokenStates, weight: float) -> float:
        return -float(len(sentence.ids))


class Characters:
    """Reads a text as its characters."""

    fingerprint = "characters"

    def __init__(self) -> None:
        self.read_so_far: list[str] = []

    def read(self, texts: list[str], longest: int = 512) -> list[TokenStates]:
        self.read_so_far += texts
        return [
            TokenStates(np.array([ord(c) for c in one[:longest]]), np.ones((len(one), 4), "f4"))
            for one in texts
        ]


@given(st.lists(st.text("一二三", min_size=1, max_size=6), min_size=1, max_size=20), st.data())
def test_probabilities_stay_probabilities(texts: list[str], data: st.DataObject) -> None:
    floats = st.floats(-20, 0)
    raw = np.array(data.draw(st.lists(floats, min_size=len(texts), max_size=len(texts))))
    before = raw - np.logaddexp.reduce(raw)
    weighed = Reading(Characters(), Shorter())(  # type: ignore[arg-type]
        "问", texts, Weighed(np.zeros(1), before), np.zeros(len(texts))
    )
    assert np.logaddexp.reduce(weighed.sentences) == pytest.approx(0, abs=1e-9)
    assert weighed.odds is not None
    read = np.isfinite(weighed.odds)
    assert read.sum() == min(READ, len(texts))
    np.testing.assert_allclose(weighed.sentences[~read], before[~read], atol=1e-9)
    assert before[read].min() >= (before[~read].max(initial=-np.inf) - 1e-9)
    best = int(np.where(read, weighed.sentences, -np.inf).argmax())
    assert len(texts[best]) == min(len(texts[at]) for at in np.flatnonzero(read))


def test_each_sentence_is_compared_in_its_own_script() -> None:
    encoder = Characters()
    Reading(encoder, Shorter())(  # type: ignore[arg-type]
        "濟陽區走訪了多少家企業",
        ["走訪企業190家", "走访企业300家"],
        Weighed(np.zeros(1), np.zeros(2)),
        np.zeros(2),
    )
    assert encoder.read_so_far[:2] == ["濟陽區走訪了多少家企業", "济阳区走访了多少家企业"]


def test_the_question_is_read_only_in_the_scripts_of_the_sentences() -> None:
    encoder = Characters()
    Reading(encoder, Shorter())(  # type: ignore[arg-type]
        "濟陽區走訪了多少家企業", ["走访企业300家"], Weighed(np.zeros(1), np.zeros(1)), np.zeros(1)
    )
    assert encoder.read_so_far == ["济阳区走访了多少家企业", "走访企业300家"]


class Trusting:
    """A network that says what the ranking says."""

    def __call__(self, question: TokenStates, sentence: TokenStates, weight: float) -> float:
        return weight


def test_a_sentence_without_the_number_that_was_asked_for_falls_behind() -> None:
    level = Weighed(np.zeros(1), np.log(np.array([0.6, 0.4])))
    weighed = Reading(Characters(), Trusting())(  # type: ignore[arg-type]
        "几家？", ["园区势头强劲。", "园区有22家。"], level, np.array([3.0, 0.0])
    )
    share = 0.4 / (0.4 + 0.6 * np.exp(-3.0))
    assert np.exp(weighed.sentences) == pytest.approx([1 - share, share])
    assert np.exp(weighed.unread().sentences) == pytest.approx([0.6, 0.4])
    assert weighed.unread().odds is None


def test_fits_say_what_they_were_fitted_on(tmp_path: Path) -> None:
    shipped = SentenceReader.shipped()
    assert shipped.fitted_on
    assert SentenceReader.unseen(["一段谁也没有见过的文字"]).fitted_on == shipped.fitted_on


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reader.json"
    path.write_text(json.dumps({"format": 99}))
    with pytest.raises(SettingError, match=r"reader\.json is of another format; run benchmarks"):
        SentenceReader.read(path)
