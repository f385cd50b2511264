"""An evaluation saved as a file, and what a later one needs of it. Measures nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from embeddings.errors import SettingError
from qa import outcomes
from qa.evaluation import Evaluation
from qa.evaluation import to_json as evaluation_to_json
from qa.outcomes import QuestionOutcome

FORMAT = 1
"""Version of a saved run; one of another version is refused."""

KIND = "wenju eval"
"""Tells a saved run from other JSON files."""

RIGHT = "right"
"""The figure of a question that says whether nothing should have been better."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a run was made with.

    Attributes:
        made: when, ISO 8601 in UTC, to the second.
        version: of the program.
        model: name of the embedding model.
        options: options and settings by name, as JSON has them.
    """

    made: str
    version: str
    model: str
    options: Mapping[str, Any]

    @property
    def when(self) -> str:
        """`made` for people."""
        return self.made.replace("T", " ").replace("+00:00", " UTC")


@dataclass(frozen=True, slots=True)
class Past:
    """How a question went in a saved run.

    Attributes:
        figures: by name, each 0 to 1, `RIGHT` first; those that applied.
        said: the answer; empty for a refusal.
    """

    figures: Mapping[str, float]
    said: str


Key = tuple[str, ...]
"""See `QuestionOutcome.key`."""


@dataclass(frozen=True, slots=True)
class Run:
    """A saved run.

    Attributes:
        name: of the file that it was read from.
        conditions: what it was made with.
        files: the questions of each file, by file name and key; two files of one name are one.
    """

    name: str
    conditions: Conditions
    files: Mapping[str, Mapping[Key, Past]]


def past(judged: QuestionOutcome) -> Past:
    """Return of a question what a comparison needs."""
    return Past({RIGHT: float(judged.right), **judged.figures}, judged.answer.text)


def to_json(evaluation: Evaluation, conditions: Conditions) -> dict[str, Any]:
    """Return the JSON form: that of the evaluation, and how each question went."""
    found = evaluation_to_json(evaluation)
    for shown, report in zip(found["reports"], evaluation.reports, strict=True):
        del shown["wrong"]
        shown["refuse_below"] = report.least
        shown["questions"] = [outcomes.to_json(one) for one in report.outcomes]
    return {"kind": KIND, "format": FORMAT, **asdict(conditions), **found}


def read_run(path: Path) -> Run:
    """Read a run that was saved in the form of `to_json`.

    Raises:
        SettingError: it cannot be read, is no saved run, is damaged, or of another format.
    """
    try:
        content = json.loads(path.read_bytes().decode("utf-8"), parse_constant=_refuse)
    except OSError as error:
        raise SettingError(
            f"The earlier run {str(path)!r} cannot be read ({error.strerror}). {_GIVE}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise SettingError(
            f"The earlier run {str(path)!r} is not JSON, or not to its end ({error}). {_GIVE}"
        ) from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise SettingError(f"{str(path)!r} is no saved run of `wenju eval`. {_GIVE}")
    if content.get("format") != FORMAT:
        raise SettingError(
            f"The earlier run {str(path)!r} has format {content.get('format')!r}; this version "
            f"reads format {FORMAT}. Make it again with this version: wenju eval FILE... --save"
        )
    try:
        return _run(path.name, content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SettingError(f"The earlier run {str(path)!r} is damaged. {_GIVE}") from error


_GIVE = "Give a file that was written by: wenju eval FILE... --save RUN.json"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _run(name: str, content: Mapping[str, Any]) -> Run:
    conditions = Conditions(
        _text(content["made"]),
        _text(content["version"]),
        _text(content["model"]),
        dict(content["options"]),
    )
    files: dict[str, dict[Key, Past]] = {}
    for one in content["reports"]:
        files.setdefault(_text(one["file"]), {}).update(_questions(one["questions"]))
    return Run(name, conditions, files)


def _questions(given: list[Mapping[str, Any]]) -> dict[Key, Past]:
    return {_key(one): _past(one) for one in given}


def _key(one: Mapping[str, Any]) -> Key:
    return (_text(one["id"]), _text(one["question"]), *map(_text, one["history"]))


def _past(one: Mapping[str, Any]) -> Past:
    if not isinstance(one["right"], bool):
        raise TypeError("right is no truth value")
    figures = {name: _number(value) for name, value in one["figures"].items()}
    return Past({RIGHT: float(one["right"]), **figures}, _text(one["answer"]))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)
