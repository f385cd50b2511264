"""The same vectors and states as before, each made once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from embeddings.encoder import CountingEncoder, Encoder, TokenReader, TokenStates
from qa import remembering
from qa.remembering import Remembering


class Reader(CountingEncoder):
    """States that tell the text and how much of it counts; and what was asked for."""

    def __init__(self) -> None:
        super().__init__("天桥")
        self.asked: list[str] = []
        self.queries: list[str] = []

    def encode_query(self, text: str) -> np.ndarray:
        self.queries.append(text)
        return super().encode_query(text)

    def read(self, texts: Sequence[str], longest: int = 512) -> list[TokenStates]:
        self.asked += texts
        return [
            TokenStates(
                np.array([ord(one) for one in text[:longest]]), np.zeros((1, 1), np.float32)
            )
            for text in texts
        ]


def texts_of(found: list[TokenStates]) -> list[str]:
    return ["".join(map(chr, one.ids)) for one in found]


def test_what_is_known_is_not_read_again() -> None:
    reader = Reader()
    encoder = Remembering(reader)
    assert isinstance(encoder, TokenReader)
    assert texts_of(encoder.read(["天桥", "高新", "天桥"], 8)) == ["天桥", "高新", "天桥"]
    assert texts_of(encoder.read(["济阳", "高新"], 8)) == ["济阳", "高新"]
    assert texts_of(encoder.read(["高新"], 1)) == ["高"]
    assert reader.asked == ["天桥", "高新", "济阳", "高新"]


def test_the_last_texts_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "READ", 2)
    reader = Reader()
    encoder = Remembering(reader)
    for text in ["甲", "乙", "甲", "丙", "甲", "乙"]:
        assert texts_of(encoder.read([text], 8)) == [text]
    assert reader.asked == ["甲", "乙", "丙", "乙"]


def test_more_texts_than_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "READ", 2)
    assert texts_of(Remembering(Reader()).read(list("甲乙丙丁"), 8)) == list("甲乙丙丁")


def test_an_encoder_that_does_not_read_still_does_not() -> None:
    assert not isinstance(Remembering(CountingEncoder("天桥")), TokenReader)


def test_the_same_vectors() -> None:
    reader = Reader()
    encoder: Encoder = Remembering(reader)
    plain = CountingEncoder("天桥")
    assert encoder.encode_query("天桥天").tolist() == plain.encode_query("天桥天").tolist()
    assert (
        encoder.encode_queries(["天", "天桥天"]).tolist()
        == plain.encode_queries(["天", "天桥天"]).tolist()
    )
    assert encoder.encode_queries([]).shape == (0, encoder.dimensions)
    assert encoder.encode_passages(["天"]).tolist() == plain.encode_passages(["天"]).tolist()
    assert (encoder.name, encoder.fingerprint) == (plain.name, plain.fingerprint)
    assert reader.queries == ["天桥天", "天"]
