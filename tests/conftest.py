"""What several test modules share: one dictionary cache and the packaged model's cache."""

from __future__ import annotations

from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from embeddings.lexical import Tokenizer
from embeddings.model import home


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """jieba, its dictionary cached where the program caches it."""
    return Tokenizer(home() / "jieba")


class _ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps a file's tests on one worker, for what they share; those of the browser as well.

    One browser at a time leaves the others a processor, and its waits are theirs. Marks for
    ``--dist loadgroup`` that a conftest sets come too late for xdist 3.8.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "browser" if file.startswith("tests/browser/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _ByFile:
    """Share the tests out among the workers of ``-n``, those that take longest first."""
    config.option.loadscopereorder = False
    return _ByFile(config, log)


_LONGEST = (
    "browser",
    "embeddings/test_ray_engine",
    "kills",
    "embeddings/test_store_milvus",
    "fuzz",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put those files first that take minutes: begun last, one worker would be left with them."""
    here = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        name = item.path.relative_to(here).as_posix()
        return next((at for at, one in enumerate(_LONGEST) if name.startswith(one)), len(_LONGEST))

    items.sort(key=rank)
