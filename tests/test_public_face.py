"""The public face is small, stable, and as documented."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import qa
from embeddings import errors
from embeddings.errors import WenjuError

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "gradio", "sentence_transformers", "transformers", "onnx", "rich", "pandas")


def test_exports() -> None:
    assert sorted(qa.__all__) == ["Bot", "retrieve"]


def test_signatures() -> None:
    assert list(inspect.signature(qa.retrieve).parameters) == [
        "question",
        "k",
        "sources",
        "index",
        "dates",
    ]
    assert list(inspect.signature(qa.Bot.open).parameters) == [
        "index",
        "model",
        "retriever",
        "chosen",
    ]
    assert list(inspect.signature(qa.Bot.retrieve).parameters) == [
        "self",
        "question",
        "k",
        "sources",
        "dates",
    ]
    assert list(inspect.signature(qa.Bot.ask).parameters) == [
        "self",
        "question",
        "history",
        "sources",
        "dates",
    ]
    assert inspect.signature(qa.retrieve).parameters["k"].default == 5


def loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


def test_importing_the_face_loads_nothing_heavy() -> None:
    assert not loaded_by("from qa import Bot, retrieve") & set(HEAVY)


def test_the_command_line_starts_with_nothing_heavy() -> None:
    assert not loaded_by("import qa.cli") & {*HEAVY, "numpy", "jieba", "onnxruntime", "faiss"}


def test_the_tree_of_errors_is_as_drawn() -> None:
    drawn = [
        line.split("── ")[1].split()[0]
        for line in (errors.__doc__ or "").splitlines()
        if "── " in line
    ]
    defined = [
        name
        for name, item in vars(errors).items()
        if isinstance(item, type) and issubclass(item, WenjuError) and item is not WenjuError
    ]
    assert drawn == defined
