"""Makes the lock files: the versions of constraints.txt with a SHA-256 of every file of them.

They hold for every platform, by markers. Run by `make locks`; uv asks the index, pip installs them.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "locks"
CONSTRAINTS = ROOT / "constraints.txt"

OLDEST_PYTHON = "3.11"

TORCH_COMPANIONS = (
    "cuda-bindings", "cuda-toolkit", "nvidia-cudnn-cu13", "nvidia-cusparselt-cu13",
    "nvidia-nccl-cu13", "nvidia-nvshmem-cu13", "triton",
)  # fmt: skip
"""What torch itself asks for on Linux, in its build for GPUs only."""

_NEVER = "python_version < '3'"
_PIN = re.compile(r"([\w.-]+)==([^\s;\\]+)(?:\s*;\s*([^\\]+?))?\s*\\?")
_HASH = re.compile(r"\s+--hash=sha256:([0-9a-f]{64})\s*\\?")


@dataclass(frozen=True, slots=True)
class Lock:
    """How one lock file is made.

    Attributes:
        name: of the file, without its ending.
        about: what stands at its top.
        sources: files of requirements, as uv takes them, with options.
        wanted: requirements beside those.
        torch: with torch and what its builds for GPUs bring.
    """

    name: str
    about: str
    sources: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    torch: bool = False

    @property
    def path(self) -> Path:
        """Return where it is."""
        return FOLDER / f"{self.name}.txt"


@dataclass(frozen=True, slots=True)
class Pin:
    """One version in a lock file.

    Attributes:
        name: as the file writes it.
        version: without a local part.
        marker: where it is installed; None for everywhere.
        hashes: SHA-256 of each file that it may be installed from.
    """

    name: str
    version: str
    marker: str | None
    hashes: tuple[str, ...]


LOCKS = (
    Lock("build", "what builds packages that come as source, and this one", wanted=("setuptools",)),
    Lock("slim", "make chat SLIM=1", ("requirements-slim.txt",)),
    Lock("full", "make chat, without torch", ("pyproject.toml", "--extra", "english")),
    Lock("dev", "make test, without torch", ("pyproject.toml", "--extra", "dev")),
    Lock("torch", "torch of the index, with its builds for GPUs", wanted=("torch",), torch=True),
    Lock("tools", "make locks and make audit", wanted=("uv==0.13.9", "pip-audit==2.10.1")),
)
"""Beside them stands torch-cpu.txt, written by hand: see docs/supply.md."""


def pins(text: str) -> Iterator[Pin]:
    """Yield the versions of a lock file.

    Raises:
        ValueError: at a line that is neither a version nor a hash.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    heads = [at for at, line in enumerate(lines) if not line[0].isspace()]
    for at, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        head, hashes = _PIN.fullmatch(lines[at]), [_HASH.fullmatch(h) for h in lines[at + 1 : end]]
        if head is None or not all(hashes):
            raise ValueError(f"{lines[at]!r} is no version with hashes")
        yield Pin(head[1], head[2], head[3], tuple(found[1] for found in hashes if found))


def constraints() -> dict[str, str]:
    """Return the versions of constraints.txt by their names in one form, as ``ml-dtypes``."""
    lines = CONSTRAINTS.read_text("utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {key(name): version for name, version in pairs}


def key(name: str) -> str:
    """Return a package's name in the form in which equal ones are equal."""
    return re.sub(r"[-_.]+", "-", name).lower()


def make(lock: Lock, uv: str) -> None:
    """Write a lock file anew. Versions that it has and constraints.txt has not are kept.

    Args:
        lock: which one.
        uv: the command.

    Raises:
        subprocess.CalledProcessError: uv failed, and has said why.
    """
    with tempfile.TemporaryDirectory() as folder:
        override, wanted = Path(folder, "override.txt"), Path(folder, "wanted.in")
        apart = () if lock.torch else TORCH_COMPANIONS
        override.write_text("".join(f"{name} ; {_NEVER}\n" for name in apart), "utf-8")
        wanted.write_text("\n".join(lock.wanted), "utf-8")
        subprocess.run(_command(lock, uv, override, wanted), cwd=ROOT, check=True)
    made = lock.path.read_text("utf-8")
    lock.path.write_text(f"# {lock.about}. Made by `make locks`.\n{made}", "utf-8")


def _command(lock: Lock, uv: str, override: Path, wanted: Path) -> list[str]:
    return [
        uv, "pip", "compile", "--quiet", *lock.sources, *([str(wanted)] if lock.wanted else []),
        "--constraint", str(CONSTRAINTS), "--override", str(override),
        "--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes",
        "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links",
        *([] if lock.torch else ["--no-emit-package", "torch"]),
        "--output-file", str(lock.path),
    ]  # fmt: skip


def main() -> int:
    """Make every lock file; return the exit code."""
    uv = str(Path(sys.executable).with_name("uv"))
    try:
        for lock in LOCKS:
            make(lock, uv)
    except (OSError, subprocess.CalledProcessError) as error:
        print(
            f"make: the lock files could not be made ({error}); run `make locks`", file=sys.stderr
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
