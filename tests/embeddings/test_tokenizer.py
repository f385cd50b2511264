from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embeddings.model import model_folder
from embeddings.tokenizer import (
    SPECIALS,
    UnigramTokenizer,
    _longest,
    tokenizer_json,
    write_fast_vocabulary,
)
from embeddings.weights import Vocabulary

SEEDS = Path(__file__).parents[2] / "seeds"
PIECES = [*SPECIALS, "▁", "直", "播", "直播", "▁直播", "▁a", "aa", "～"]
SCORES = [0, 0, 0, 0, 0, -2, -3, -3, -4, -9, -3, -1.5, -2]
REPLACEMENTS = {"\x00": "", "\n": " ", "\u3000": " ", "Ａ": "A"}


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary(PIECES, np.array(SCORES, np.float32), REPLACEMENTS)


@pytest.fixture
def small(vocabulary: Vocabulary, tmp_path: Path) -> UnigramTokenizer:
    write_fast_vocabulary(vocabulary, tmp_path)
    return UnigramTokenizer(tmp_path, 8)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("直播", ["▁", "直播"]),  # -6 is better than -9 and than -8
        ("播直", ["▁", "播", "直"]),
        ("直\n播", ["▁", "直", "▁", "播"]),
        ("直\u3000播", ["▁", "直", "▁", "播"]),
        ("直\x00播", ["▁", "直播"]),
        ("aaa", ["▁a", "aa"]),
        ("～", ["▁", "～"]),
        ("题题直", ["▁", "<unk>", "直"]),
        ("直<mask>播", ["▁", "直", "<mask>", "▁", "播"]),
        ("直 <mask></s>", ["▁", "直", "<mask>", "</s>"]),
    ],
)
def test_the_most_probable_cut(small: UnigramTokenizer, text: str, pieces: list[str]) -> None:
    assert [PIECES[i] for i in small.encode(text)] == ["<s>", *pieces, "</s>"]


def test_the_longest_piece_of_each_beginning() -> None:
    pieces = ["直", "直播", "直播电商", "直达", "▁", "▁a", "▁aa", "𠮷野家"]
    assert _longest(pieces) == {"直播": 4, "直达": 2, "▁a": 3, "𠮷野": 3}


def test_the_limit_keeps_the_end(small: UnigramTokenizer) -> None:
    assert small.encode("直" * 20) == [0, 5, 6, 6, 6, 6, 6, 2]


def test_the_library_cuts_alike(small: UnigramTokenizer, vocabulary: Vocabulary) -> None:
    from tokenizers import Tokenizer

    library = Tokenizer.from_str(tokenizer_json(vocabulary))
    for text in ("直播", "a a\n直\x00播", "题题直<mask>播", "～直", "ａａ"):
        assert small.encode(text) == library.encode(text).ids


@pytest.fixture(scope="module")
def fast() -> UnigramTokenizer:
    return UnigramTokenizer(model_folder() / "onnx", 512)


@pytest.fixture(scope="module")
def library() -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
    tokenizer.enable_truncation(512)
    return tokenizer


@pytest.mark.model
def test_known_ids(fast: UnigramTokenizer) -> None:
    assert fast.encode("query: 有多少家？～") == [0, 41, 1294, 12, 6, 138561, 1433, 32, 6087, 2]


@pytest.mark.model
def test_the_seeds_are_cut_as_by_the_library(fast: UnigramTokenizer, library: Any) -> None:
    for path in SEEDS.glob("*.txt"):
        text = path.read_text("utf-8")
        for part in (text, *text.splitlines()):
            assert fast.encode(part) == library.encode(part).ids


@pytest.mark.model
def test_random_characters_are_cut_as_by_the_library(fast: UnigramTokenizer, library: Any) -> None:
    dice = random.Random(7)
    ranges = [(1, 0x300), (0x300, 0x3100), (0x4E00, 0xA000), (0xE000, 0x11000), (0x1F000, 0x30000)]
    for _ in range(1000):
        points = (dice.randrange(*dice.choice(ranges)) for _ in range(dice.randrange(30)))
        text = "".join(map(chr, points)) + dice.choice(["", " <s> 字", "<mask>", "  ～ａ"])
        assert fast.encode(text) == library.encode(text).ids, ascii(text)
