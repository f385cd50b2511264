"""``weights.json`` beside an index: what ``wenju eval --fit`` corrects of the shipped weights.

The file is small, readable and the user's: taking it away undoes the fit. One that was made for
other columns, other shipped weights or another model is left out, and the log says so.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from embeddings.checksums import is_whole, sync, with_sum
from embeddings.errors import IndexWriteError, SettingError
from embeddings.store import IndexFolder, read_manifest
from qa import ranking, read_support, reader, support
from qa.correction import SENTENCE_COLUMNS, Correction, Own
from qa.evidence import PASSAGE_FEATURES
from qa.support import COLUMNS

NAME = "weights.json"

FORMAT = 1

_COLUMNS = {"passages": PASSAGE_FEATURES, "sentences": SENTENCE_COLUMNS, "support": COLUMNS}

_SHIPPED = (ranking.SHIPPED, support.SHIPPED, reader.SHIPPED, reader.ARRAYS, read_support.SHIPPED)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """A file of questions that weights were fitted on.

    Attributes:
        name: without its folder.
        sha256: of its bytes.
        answerable, unanswerable: how many questions of either sort it holds.
    """

    name: str
    sha256: str
    answerable: int
    unanswerable: int


@dataclass(frozen=True, slots=True)
class OwnWeights:
    """What the file holds.

    Attributes:
        own: the corrections.
        made: when, ISO 8601 in UTC.
        model: fingerprint of the model that the index was made by.
        files: what they were fitted on.
        figures: name of a figure -> how many questions ``n``, their mean ``before`` and ``after``,
            each judged by weights that were fitted without it.
    """

    own: Own
    made: str
    model: str
    files: tuple[QuestionFile, ...]
    figures: Mapping[str, Mapping[str, float]]

    def saw(self, digest: str) -> bool:
        """Whether the weights were fitted on the question file with this SHA-256."""
        return any(file.sha256 == digest for file in self.files)


def path_of(index: Path) -> Path:
    """Return where the own weights of an index are kept."""
    return index / NAME


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file, as `OwnWeights.saw` knows it."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


@cache
def digest_of_shipped() -> str:
    """Return what tells the weights that come with the package from others."""
    folder = Path(__file__).parent
    return hashlib.sha256(
        "".join(digest_of(folder / name) for name in _SHIPPED).encode()
    ).hexdigest()


def in_force(index: Path, model: str) -> Own:
    """Return what is corrected for an index; nothing where there is no file, or none that fits.

    Args:
        index: the index folder.
        model: fingerprint of the model that made it.
    """
    found = summary(index, model)
    if found.problem is not None:
        _log.warning("%s", found.problem)
    return found.weights.own if found.weights else Own()


def read(index: Path, model: str) -> OwnWeights | None:
    """Read the own weights of an index; None where there are none.

    Args:
        index: the index folder.
        model: fingerprint of the model that made it.

    Raises:
        SettingError: when the file cannot be read, or was made for something else.
    """
    path = path_of(index)
    try:
        content = json.loads(path.read_bytes())
        problem = _problem(content, model)
        if problem is None:
            return _weights(content)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        problem = f"is damaged ({type(error).__name__})"
    raise SettingError(
        f"{path} {problem}; the weights of the package count. Fit again (wenju eval "
        "FILE --fit), or remove the file."
    )


def _problem(content: Mapping[str, Any], model: str) -> str | None:
    """Return why a file cannot be used here, as the end of a sentence; None when it can."""
    if content["format"] != FORMAT:
        return f"has the format {content['format']!r}, and only {FORMAT} is known"
    if content["columns"] != _columns_to_json():
        return "was fitted for other columns"
    if content["corrects"] != digest_of_shipped():
        return "was fitted for other weights of the package"
    if content["model"] != model:
        return "was fitted for another model"
    return None if is_whole(content) else "is damaged (it differs from its checksum)"


def _columns_to_json() -> dict[str, list[str]]:
    return {part: list(columns) for part, columns in _COLUMNS.items()}


def _weights(content: Mapping[str, Any]) -> OwnWeights:
    made = content["own"]
    parts = {
        part: _correction(made[part], len(columns))
        for part, columns in _COLUMNS.items()
        if made[part] is not None
    }
    least = None if made["least"] is None else _finite(made["least"])
    if least is not None and not 0 <= least <= 1:
        raise ValueError(f"{least} is no probability")
    if datetime.fromisoformat(content["made"]).utcoffset() is None:
        raise ValueError(f"{content['made']} is no time in UTC")
    files = tuple(QuestionFile(**file) for file in content["files"])
    own = Own(**parts, least=least)
    return OwnWeights(own, content["made"], content["model"], files, content["figures"])


def _correction(content: Mapping[str, Any], columns: int) -> Correction:
    weights = np.array([_finite(weight) for weight in content["weights"]], np.float64)
    if len(weights) != columns:
        raise ValueError(f"{len(weights)} weights for {columns} columns")
    return Correction(_finite(content["factor"]), weights, _finite(content["bias"]))


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def fitted_on(index: Path, file: Path) -> tuple[str, ...] | None:
    """Return the names of what the own weights of an index were fitted on, if `file` is among it.

    None where the index has no own weights that count, or they did not see these questions.
    """
    if not path_of(index).exists():
        return None
    weights = summary(index, read_manifest(IndexFolder(index).current()).fingerprint).weights
    if weights is None or not weights.saw(digest_of(file)):
        return None
    return tuple(one.name for one in weights.files)


def write(index: Path, weights: OwnWeights) -> Path:
    """Keep `weights` beside an index, whole or not at all, and return the file.

    Raises:
        IndexWriteError: when the folder cannot be written.
    """
    path = path_of(index)
    try:
        _replace(path, json.dumps(with_sum(_to_json(weights)), ensure_ascii=False, indent=1) + "\n")
    except OSError as error:
        raise IndexWriteError(
            f"{path} cannot be written ({error.strerror}); make the index folder writable, "
            "make room, or fit on a copy of it: wenju eval FILE --fit --index COPY"
        ) from error
    return path


def _replace(path: Path, text: str) -> None:
    """Write a file in one step that survives a power cut."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
        sync(path.parent)
    finally:
        Path(name).unlink(missing_ok=True)


def _to_json(weights: OwnWeights) -> dict[str, Any]:
    own = {part: getattr(weights.own, part) for part in _COLUMNS}
    return {
        "format": FORMAT,
        "made_by": "wenju eval --fit",
        "made": weights.made,
        "model": weights.model,
        "corrects": digest_of_shipped(),
        "files": [asdict(file) for file in weights.files],
        "figures": {name: dict(figure) for name, figure in weights.figures.items()},
        "columns": _columns_to_json(),
        "own": {part: one and _correction_to_json(one) for part, one in own.items()}
        | {"least": weights.own.least},
    }


def _correction_to_json(correction: Correction) -> dict[str, Any]:
    return {
        "factor": correction.factor,
        "bias": correction.bias,
        "weights": correction.weights.tolist(),
    }


@dataclass(frozen=True, slots=True)
class Summary:
    """What is said of the file in a line.

    Attributes:
        weights: what it holds; None when there is none, or a `problem` with it.
        problem: why it does not count; None when it does, and when there is none.
    """

    weights: OwnWeights | None
    problem: str | None = None


def summary(index: Path, model: str) -> Summary:
    """Return what is said of the own weights of an index; see `read` for what is given."""
    try:
        return Summary(read(index, model))
    except SettingError as error:
        return Summary(None, str(error))
