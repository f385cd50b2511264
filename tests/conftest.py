"""What several test modules share: one dictionary cache and the packaged model's cache."""

from __future__ import annotations

import pytest

from embeddings.lexical import Tokenizer
from embeddings.model import home


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """jieba, its dictionary cached where the program caches it."""
    return Tokenizer(home() / "jieba")
