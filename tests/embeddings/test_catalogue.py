"""What the catalogue keeps comes back as it was: passages, vectors, keys, words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from embeddings.catalogue import Catalogue, ScanRecord
from embeddings.encoder import CountingEncoder
from embeddings.keys import INPUTS, input_keys, repeat_key
from embeddings.lexical import Tokenizer
from embeddings.records import Document, FileStamp, Passage, Role, Sentence, Span
from embeddings.wanted import Wanted
from embeddings.words import KnownWords

PASSAGE = Passage(
    "甲:3",
    "甲",
    "天桥区有21家企业。济南有党建联盟。",
    (Span(3, 12), Span(15, 24)),
    (
        Sentence("天桥区有21家企业。", (Span(3, 12),)),
        Sentence("济南有党建联盟。", (Span(15, 20), Span(21, 24))),
    ),
    "题",
    "节",
    Role.QUOTE,
    2,
)
DOCUMENT = Document("甲", "甲.txt", "原文", "text/1", "题")


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with Catalogue(tmp_path / "library.db") as opened:
        opened.add(DOCUMENT, "题", [PASSAGE, replace(PASSAGE, page=None)], "rules")
        opened.put_scan(ScanRecord("甲.txt", "甲", None, None, 0, 1))
        yield opened


def test_a_passage_comes_back(catalogue: Catalogue) -> None:
    assert catalogue.passages("甲") == [PASSAGE, replace(PASSAGE, page=None)]
    assert catalogue.passage("甲", 1) == replace(PASSAGE, page=None)


def test_a_passage_of_an_older_catalogue_comes_back(catalogue: Catalogue) -> None:
    kept = json.dumps(asdict(PASSAGE), ensure_ascii=False)
    catalogue.database.execute("UPDATE passages SET passage = ?", (kept,))
    assert catalogue.passages("甲") == [PASSAGE, PASSAGE]


def test_vectors_come_back_in_the_order_of_the_keys(catalogue: Catalogue) -> None:
    keys = [bytes([number % 256, number // 256]) for number in range(1100)]
    angles = np.linspace(0, 1, len(keys))
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    catalogue.add_vectors(keys, rows)
    wanted = [keys[7], *keys[::-1], keys[7]]
    found = catalogue.vectors(wanted, 2)
    assert np.abs(found - rows[[7, *range(1099, -1, -1), 7]]).max() < 1e-3
    assert np.abs(np.linalg.norm(found, axis=1) - 1).max() < 1e-6
    with pytest.raises(KeyError):
        catalogue.vectors([b"none"], 2)


def test_stamps_come_back(catalogue: Catalogue) -> None:
    scan = ScanRecord("乙.txt", None, "empty", FileStamp(3, 10**18, 2**63 - 1), 10**18, 7)
    catalogue.put_scan(scan)
    assert catalogue.scan_of("乙.txt") == scan
    assert catalogue.scans_of_inode(2**63 - 1) == [scan]
    assert catalogue.scan_of("丙.txt") is None
    catalogue.distrust_scans("note", "值", skipped_only=True)
    assert catalogue.scan_of("乙.txt") == scan._replace(scanned=0)


def test_keys_are_kept_until_the_encoder_changes(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def recorded(passage: Passage, encoder: CountingEncoder) -> list[tuple[bytes, str]]:
        asked.append(encoder.name)
        return list(input_keys(passage, encoder))

    for module in ("keys", "wanted"):
        monkeypatch.setattr(f"embeddings.{module}.input_keys", recorded)
    one, other = CountingEncoder("济南"), CountingEncoder("天桥")
    assert (Wanted(catalogue, one).total, Wanted(catalogue, one).missing) == (3, 3)
    # the repeat is asked for its keys too; the missing text is looked up to be measured
    assert asked == [one.name] * 4
    keys = [key for key, _ in input_keys(PASSAGE, one)]
    catalogue.add_vectors(keys, one.encode_passages(["济"] * 3))
    asked.clear()
    assert (Wanted(catalogue, one).missing, asked) == (0, [])
    assert Wanted(catalogue, other).missing == 3
    assert asked == [other.name] * 3


def test_the_rules_of_keys_have_a_version() -> None:
    """When this fails, kept keys are wrong: give `INPUTS` another number, then mend the test."""
    keys = [key.hex() for key, _ in input_keys(PASSAGE, CountingEncoder("济南"))]
    assert INPUTS == "inputs/3"
    assert (repeat_key(PASSAGE).hex()[:32], keys) == (
        "063161f8b3d217abfac3e19aa1a0c6a3",
        [
            "a8cb895ce31bc868cda635f57436a6d7",
            "4c57798428d729e9488b985c93bf9370",
            "9b05e0ffccc495190f64d2e93f973884",
        ],
    )


def test_words_come_back(
    catalogue: Catalogue, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["天桥区有21家企业。", "", "GDP增长5.5%", "𠮷野家"]
    expected = [tokenizer.tokens(text) for text in texts]
    words = KnownWords(catalogue, tokenizer)
    assert words.fingerprint == tokenizer.fingerprint
    for _ in range(2):  # before they are committed, and as they are
        assert [words.tokens(words.key(text)) for text in texts] == expected
    words.keep()
    monkeypatch.setattr(tokenizer, "tokens", lambda _: pytest.fail("asked again"))
    again = KnownWords(catalogue, tokenizer)
    assert [again.tokens(again.key(text)) for text in texts[:3]] == expected[:3]
    again.forget_others()
    assert catalogue.database.execute("SELECT count(*) FROM words").fetchone() == (3,)
