"""What several test modules share: one dictionary cache and the packaged model's cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from embeddings.lexical import Tokenizer
from embeddings.model import home


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """jieba, its dictionary cached where the program caches it."""
    return Tokenizer(home() / "jieba")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests on one processor, for what they share; those of the browser as well."""
    browser = Path(__file__).parent / "browser"
    for item in items:
        group = "browser" if browser in item.path.parents else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
