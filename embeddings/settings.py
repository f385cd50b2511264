"""One table of settings: name, default, allowed values, help. File < environment < command line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from dataclasses import field as _field
from pathlib import Path
from typing import Any

from embeddings.errors import SettingError

FILE = "wenju.toml"
"""Settings file, looked for in the working folder; WENJU_SETTINGS names another."""


def _setting(
    default: Any,
    text: str,
    low: int | None = None,
    high: int | None = None,
    *,
    allowed: tuple[str, ...] = (),
    secret: bool = False,
) -> Any:
    limits = {"help": text, "low": low, "high": high, "allowed": allowed}
    return _field(default=default, repr=not secret, metadata=limits)


MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. Environment variables are the names in capitals behind ``WENJU_``."""

    documents: str = _setting("seeds", "folder of documents that a build reads")
    index: str = _setting("index", "index folder")
    model: str = _setting("", "sentence-transformers id or folder; empty for the packaged model")
    largest_file: int = _setting(64, "megabytes of the largest file that is read", 1, 4096)
    refuse_below: int = _setting(
        15, "percent: how likely the documents must answer a question; else it is refused", 0, 100
    )
    host: str = _setting("127.0.0.1", "address that the page or the API listens on")
    port: int = _setting(7860, "port that the page or the API listens on", 1, 65535)
    public_name: str = _setting("", "host name of a reverse proxy before the page or the API")
    log: str = _setting(
        "",
        "a line for each question that a server is asked: text or json; empty for none",
        allowed=("", "text", "json"),
    )
    log_text: str = _setting(
        "no", "whether such a line holds the question's words: yes or no", allowed=("no", "yes")
    )
    log_file: str = _setting("", "file that these lines are appended to; empty for standard error")
    token_file: str = _setting("", "file with the tokens that open the HTTP API, one a line")
    dictionary: str = _setting("", "file of own words, one a line, that a build searches by")
    title: str = _setting("", "name of the chat page; empty for the product's own")
    welcome: str = _setting("", "line above the first question of the chat page")
    accent: str = _setting("", "colour of the chat page's buttons and numbers, as #0f6b5c")
    most_uploads: int = _setting(1000, "files that may be uploaded, all together", 1, 100_000)
    uploads_size: int = _setting(2048, "megabytes of the uploaded files together", 1, 1_048_576)
    store: str = _setting("", "what keeps the index: local or milvus; empty for what it had before")
    uri: str = _setting("", "address of the Milvus server, as http://localhost:19530")
    collection: str = _setting("", "how the collections of the index in Milvus begin; empty: wenju")
    token: str = _setting("", "of the Milvus server: USER:PASSWORD, or a key", secret=True)
    llm_url: str = _setting("", "base URL of a language model's OpenAI-compatible server")
    llm_model: str = _setting("", "name of the language model there; empty for none")
    llm_key: str = _setting(
        "", "its key; from file or environment only, shown nowhere", secret=True
    )
    llm_timeout: int = _setting(
        60, "seconds that an answer of the language model may take", 1, 3600
    )
    llm_unsupported: str = _setting(
        "mark",
        "what becomes of its sentences that the documents do not support",
        allowed=("mark", "leave out"),
    )


def load(
    overrides: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Return the settings in force.

    Args:
        overrides: values from the command line; None values count as not given.
        environment: None for the process environment.

    Raises:
        SettingError: for a settings file that cannot be read, an unknown name, a wrong value.
    """
    values = _values(environment)
    values.update({name: v for name, v in (overrides or {}).items() if v is not None})
    return Settings(**{name: _checked(name, value) for name, value in values.items()})


def is_given(name: str, environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether settings file or environment set `name`, be it to its default.

    Args:
        name: of a setting.
        environment: None for the process environment.

    Raises:
        SettingError: for a settings file that cannot be read.
    """
    return name in _values(environment)


def _values(environment: Mapping[str, str] | None) -> dict[str, Any]:
    """Return what settings file and environment set, unchecked."""
    variables = os.environ if environment is None else environment
    values = _from_file(variables.get("WENJU_SETTINGS"))
    for name in _names():
        if value := variables.get(f"WENJU_{name.upper()}"):
            values[name] = value
    return values


def _names() -> list[str]:
    return [item.name for item in fields(Settings)]


def _from_file(name: str | None) -> dict[str, Any]:
    path = Path(name or FILE)
    if not name and not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        why = "it is not UTF-8"
    except (OSError, ValueError) as error:
        why = str(error)
    # Raised here, so that the error keeps nothing of the file, which may hold a key.
    raise SettingError(
        f"The settings file {str(path)!r} cannot be read ({why}); it must be TOML with "
        f"some of these names: {', '.join(_names())}"
    )


def _checked(name: str, value: Any) -> Any:
    known = {item.name: item for item in fields(Settings)}
    if name not in known:
        raise SettingError(f"Unknown setting {name!r}; settings are {', '.join(known)}")
    if not isinstance(known[name].default, int):
        return _allowed(name, str(value), known[name].metadata["allowed"])
    low, high = known[name].metadata["low"], known[name].metadata["high"]
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = low - 1
    if not low <= number <= high:
        raise SettingError(
            f"Setting {name!r} is {value!r}; give a whole number from {low} to {high}"
        )
    return number


def _allowed(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if allowed and value not in allowed:
        raise SettingError(f"Setting {name!r} is {value!r}; give one of: {', '.join(allowed)}")
    return value
