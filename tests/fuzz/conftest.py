"""Tells at the end of a run what was fuzzed."""

from __future__ import annotations

import pytest

from embeddings.build import build
from embeddings.encoder import CountingEncoder
from embeddings.lexical import Tokenizer
from qa.bot import Bot
from tests.fuzz.counting import summary
from tests.qa.conftest import ALPHABET, PAGES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write how many cases were tried; a crash is a failed test above."""
    lines = summary()
    if lines and not terminalreporter.stats.get("failed"):
        terminalreporter.section("fuzzing")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Bot:
    """A bot over a few pages."""
    root = tmp_path_factory.mktemp("fuzz")
    (root / "pages").mkdir()
    for name, text in PAGES.items():
        (root / "pages" / name).write_bytes(text.encode())
    encoder = CountingEncoder(ALPHABET)
    build(root / "pages", root / "index", encoder, tokenizer)
    return Bot(root / "index", encoder, tokenizer)
