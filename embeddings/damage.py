"""What is said of a damaged index: which file it is, and the command that mends it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embeddings.errors import IndexDamagedError

MANIFEST = "manifest.json"


def build_command(index: Path) -> str:
    """Return the command that builds the index in folder `index` from its own documents."""
    return f"wenju build {shlex.quote(_root(index))} --index {shlex.quote(str(index))}"


def rollback_command(index: Path) -> str:
    """Return the command that goes back to the generation before."""
    return f"wenju build --rollback --index {shlex.quote(str(index))}"


def _root(index: Path) -> str:
    """Return the folder of documents that the newest readable manifest names, or ``FOLDER``."""
    for manifest in sorted(index.glob(f"generations/*/{MANIFEST}"), reverse=True):
        try:
            root = json.loads(manifest.read_text(encoding="utf-8"))["root"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(root, str) and root:
            return root
    return "FOLDER"


def damaged(folder: Path, name: str) -> IndexDamagedError:
    """Return the error for file `name` of the generation in `folder`."""
    index = folder.parent.parent
    return IndexDamagedError(
        f"{name!r} of generation {folder.name} in {str(index)!r} is missing or damaged; "
        f"build the index again: {build_command(index)}"
    )


@contextmanager
def reading(folder: Path, name: str) -> Iterator[None]:
    """Turn whatever a damaged file does to its reader into the one error that says so."""
    try:
        yield
    except Exception as error:  # numpy alone raises five kinds, also its parser's
        raise damaged(folder, name) from error
