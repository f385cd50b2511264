"""What docs/promises.md names: every test is there, and every limit is the one of the code."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from embeddings import manifest, repair, schema
from embeddings.readers import apart, blocks, packages
from embeddings.settings import Settings
from qa import bot, connections, language_model
from qa.api import limits
from qa.page import acts
from qa.page import blocks as shell

ROOT = Path(__file__).parents[1]
PROMISES = (ROOT / "docs/promises.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PROMISES)))


@cache
def named_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_that_is_named_is_there(file: str, name: str) -> None:
    assert name in named_in(file)


def test_every_promise_names_a_test() -> None:
    promised = PROMISES.partition("## The last long runs")[0]
    rows = [
        line for line in promised.splitlines() if line.startswith("| ") and "attacked" not in line
    ]
    assert len(rows) > 25
    assert [row for row in rows if "`tests/" not in row] == []


def test_the_limits_are_those_of_the_code() -> None:
    wanted = [
        f"{Settings().largest_file} MB (`WENJU_LARGEST_FILE`)",
        f"{apart.SECONDS:.0f} s; {apart.PAGE_SECONDS:.0f} s for each page",
        f"{apart.DRAWING_SECONDS:.0f} s to draw",
        f"{apart.MEMORY >> 30} GB and three times",
        f"{packages.LARGEST_UNPACKED >> 20} MB unpacked, {packages.MOST_PARTS:,} parts",
        f"{packages.LARGEST_MARKUP:,} tags",
        f"| {bot.LONGEST_QUESTION:,} characters",
        f"| {limits.LARGEST_BODY >> 20} MB; a document",
        f"{limits.ASKED_AT_ONCE} at once and {limits.WAITING} that wait",
        f"through its queue | {acts.ASKED_AT_ONCE} at once and {acts.WAITING} that wait",
        f"| connections | {connections.MOST};",
        f"request whole within {connections.PATIENCE:.0f} s,",
        f"{connections.LEAST_BYTES >> 10} KB of a body in each {connections.PATIENCE:.0f} s",
        f"{Settings().most_uploads:,} files, {Settings().uploads_size >> 10} GB",
        f"{language_model.LONGEST:,} characters",
        f"| {blocks.LARGEST_TEXT:,} characters;",
        f"| {repair.MOST_JUDGED:,} are judged",
        f"the same time | {apart.AT_ONCE};",
        f"up to {manifest.CHECKED_UP_TO >> 20} MB",
        f"more than {schema.SEALED_UP_TO >> 20} MB carries no seal",
    ]
    assert (shell.ASKED_AT_ONCE, shell.QUEUE_LENGTH) == (acts.ASKED_AT_ONCE, acts.WAITING)
    assert [limit for limit in wanted if limit not in PROMISES] == []
