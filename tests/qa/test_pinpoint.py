"""Which sentences of a passage say what is written."""

from __future__ import annotations

from embeddings.lexical import Tokenizer
from qa.pinpoint import nearest, supporting

SENTENCES = [
    "园区签约22个项目。",
    "李明担任主任，王芳担任书记。",
    "园区引进15家企业，2021年投产。",
]


def test_the_sentence_with_the_words(tokenizer: Tokenizer) -> None:
    assert supporting("書記是王芳", SENTENCES, tokenizer) == [1]


def test_two_sentences_that_hold_it_together(tokenizer: Tokenizer) -> None:
    assert supporting("签约22个项目，15家企业2021年投产。", SENTENCES, tokenizer) == [0, 2]


def test_no_shared_word_means_all_of_them(tokenizer: Tokenizer) -> None:
    assert supporting("Completely different", SENTENCES, tokenizer) == [0, 1, 2]
    assert supporting("", SENTENCES, tokenizer) == [0, 1, 2]
    assert supporting("主任", [], tokenizer) == []


def test_the_nearest_are_those_with_most_weight_of_the_words(tokenizer: Tokenizer) -> None:
    assert nearest("园区引进15家企业，主任是李明", SENTENCES, tokenizer) == [2, 1, 0]
    assert nearest("Completely different", SENTENCES, tokenizer) == []
