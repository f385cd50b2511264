"""Finds weights that are kept as pickles, by their names; nothing here opens them.

A pickle can run any program when it is opened, so a model that needs one is refused.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from embeddings.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PICKLED = frozenset({".bin", ".ckpt", ".dill", ".joblib", ".pickle", ".pkl", ".pt", ".pth"})
"""Endings of files that torch and others write as pickles."""

_SAFE = "model.safetensors"
_SHARDS = "model.safetensors.index.json"
# A model's settings may name it as what is loaded, whatever else stands beside it.
_ADAPTER = "adapter_model.bin"


def refuse_pickles(folder: Path, without: Iterable[str] = ()) -> None:
    """Refuse a model folder whose weights would be read from a pickle.

    Args:
        folder: of a sentence-transformers model.
        without: names of folders in it that are not loaded.

    Raises:
        ModelError: it holds such weights, and no safetensors in their place.
    """
    if (path := pickled(folder, frozenset(without))) is not None:
        raise ModelError(
            f"{path} holds weights as a pickle, which can run any program when it is opened; they "
            "must be safetensors. Where you trust the model, load it with sentence-transformers, "
            "write it with `save(FOLDER, safe_serialization=True)`, and give that folder."
        )


def pickled(folder: Path, without: frozenset[str] = frozenset()) -> Path | None:
    """Return the first file of a model folder that would be read as a pickle, or None."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if parts[0] in without or parts[0].startswith(".") or not path.is_file():
            continue
        if path.name == _SHARDS and not _names_safetensors_only(path):
            return path
        if path.name == _ADAPTER or (path.suffix.lower() in PICKLED and not _has_safe(path.parent)):
            return path
    return None


def _has_safe(folder: Path) -> bool:
    """Tell whether safetensors stand here: then libraries leave a pickle beside them alone."""
    return (folder / _SAFE).is_file() or (folder / _SHARDS).is_file()


def _names_safetensors_only(index: Path) -> bool:
    """Tell whether a list of shards names no file that would be opened in another way."""
    try:
        names = json.loads(index.read_text("utf-8"))["weight_map"].values()
        return all(str(name).endswith(".safetensors") for name in names)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
