"""Lock files: every pin with its hashes, nothing else, and nothing else installed."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import Marker

from supply.locks import (
    FOLDER,
    LOCKS,
    ROOT,
    TORCH_COMPANIONS,
    Lock,
    Pin,
    constraints,
    key,
    make,
    pins,
)

HERE = {
    "implementation_name": "cpython", "os_name": "posix", "platform_machine": "x86_64",
    "platform_python_implementation": "CPython", "platform_system": "Linux",
    "python_full_version": "3.11.7", "python_version": "3.11", "sys_platform": "linux",
}  # fmt: skip
"""The platform of which constraints.txt holds the versions, wherever this runs."""

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")

NAMES = ["build", "slim", "full", "dev", "torch", "tools", "torch-cpu"]


def locked(name: str) -> dict[str, Pin]:
    found = list(pins((FOLDER / f"{name}.txt").read_text("utf-8")))
    by_name: dict[str, Pin] = {key(pin.name): pin for pin in found}
    assert len(by_name) == len(found)
    return by_name


def is_here(pin: Pin) -> bool:
    return pin.marker is None or Marker(pin.marker).evaluate(HERE)


@pytest.mark.parametrize("name", NAMES)
def test_every_version_has_hashes_and_no_address(name: str) -> None:
    assert [pin.name for pin in locked(name).values() if not pin.hashes] == []
    text = (FOLDER / f"{name}.txt").read_text("utf-8")
    assert re.search(r"://|--(index|extra|find)", text) is None


def test_each_file_is_known() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == sorted(NAMES)
    assert {lock.name for lock in LOCKS} == {*NAMES} - {"torch-cpu"}


def test_every_pin_is_locked_in_the_same_version() -> None:
    found = {name: pin.version for name, pin in {**locked("torch-cpu"), **locked("dev")}.items()}
    assert {name: found.get(name) for name in constraints()} == constraints()


@pytest.mark.parametrize("name", ["build", "slim", "full", "dev", "torch-cpu"])
def test_nothing_is_locked_that_is_not_pinned(name: str) -> None:
    """But for what other platforms need."""
    wrong = {
        pin.name: pin.version
        for at, pin in locked(name).items()
        if constraints().get(at) != pin.version and (at in constraints() or is_here(pin))
    }
    assert wrong == {}


def test_torch_brings_its_own_only() -> None:
    pinned, found = constraints(), locked("torch")
    assert found["torch"].version == pinned["torch"]
    rest = {at for at, pin in found.items() if pinned.get(at) != pin.version}
    assert not rest & pinned.keys()
    assert all(re.match("nvidia-|cuda-|triton", name) for name in rest)
    assert {key(name) for name in TORCH_COMPANIONS} <= rest


def test_each_kind_is_a_part_of_the_next() -> None:
    slim, full, dev = locked("slim"), locked("full"), locked("dev")
    for less, more in ((slim, full), (full, dev)):
        assert {name: more[name] for name in less} == less
    assert "sentence-transformers" in full.keys() - slim.keys()
    assert "pytest" in dev.keys() - full.keys()


def test_nothing_else_is_installed() -> None:
    known = {**locked("torch"), **locked("dev")}
    own = {"wenju", "pip"}
    strange = {
        one.name: one.version
        for one in metadata.distributions(path=[sysconfig.get_path("purelib")])  # Ray adds its own
        if (at := key(one.name)) not in own
        and (at not in known or known[at].version != one.version.partition("+")[0])
    }
    assert strange == {}


def wheel(folder: Path) -> Path:
    """Write a package of one module."""
    path, about = folder / "tiny-1.0-py3-none-any.whl", "tiny-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", "")
    return path


def test_a_file_with_another_hash_is_not_installed(tmp_path: Path) -> None:
    """By the options that the Makefile gives pip."""
    options = re.search(r"LOCKED_PIP := \S+ (-m pip install .*)", MAKEFILE)
    assert options is not None
    digest = hashlib.sha256(wheel(tmp_path).read_bytes()).hexdigest()
    for given, code in (("0" * 64, 1), (digest, 0)):
        lock = tmp_path / "lock.txt"
        lock.write_text(f"tiny==1.0 --hash=sha256:{given}\n", "utf-8")
        target = ["--target", str(tmp_path / given), "-r", str(lock)]
        apart = ["--no-index", "--find-links", str(tmp_path)]
        done = subprocess.run(
            [sys.executable, *options[1].split(), *target, *apart],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, (tmp_path / given / "tiny.py").exists()) == (code, code == 0)
        assert ("DO NOT MATCH THE HASHES" in done.stderr) == bool(code)


@pytest.mark.parametrize("kind", ["slim", "full", "dev"])
def test_make_locked_installs_by_hashes_alone(kind: str, tmp_path: Path) -> None:
    lines = installing(kind, tmp_path, "LOCKED=1", "TORCH=cpu")
    *by_hash, own = lines
    assert all("--require-hashes --no-deps" in line for line in by_hash)
    assert own.endswith("--no-deps --no-build-isolation -e .")
    files = re.findall(r"-r locks/([\w-]+)\.txt", "\n".join(lines))
    assert files == ["build", kind, *(["torch-cpu"] if kind != "slim" else [])]


def test_make_installs_by_constraints_otherwise(tmp_path: Path) -> None:
    for kind in ("slim", "full", "dev"):
        lines = installing(kind, tmp_path)
        assert lines
        assert all("-c constraints.txt" in line and "locks/" not in line for line in lines)


def installing(kind: str, folder: Path, *variables: str) -> list[str]:
    """Return the calls of pip by which make would make an environment."""
    target = str(folder / f"installed-{kind}")
    # What was given to a make that runs these tests would come to this one as well.
    given = ("MAKE", "MFLAGS", "LOCKED", "TORCH", "SLIM", "VENV")
    around = {name: value for name, value in os.environ.items() if not name.startswith(given)}
    done = subprocess.run(
        ["make", "--no-print-directory", "-n", f"VENV={folder}", *variables, target],
        cwd=ROOT, env=around, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [line for line in done.stdout.splitlines() if "pip install" in line]


class TestMaking:
    """With a stand-in for uv that writes what it was asked."""

    LOCK = Lock("asked", "what is asked", ("pyproject.toml",), ("setuptools",))

    def test_what_is_asked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        uv = tmp_path / "uv"
        uv.write_text('#!/bin/sh\nfor last; do :; done\necho "$@" > "$last"\n', "utf-8")
        uv.chmod(0o755)
        monkeypatch.setattr("supply.locks.FOLDER", tmp_path)
        make(self.LOCK, str(uv))
        first, asked = self.LOCK.path.read_text("utf-8").splitlines()
        assert first == "# what is asked. Made by `make locks`."
        for option in (
            "pyproject.toml", "--universal", "--generate-hashes", "--no-emit-index-url",
            "--no-emit-package torch", "--python-version 3.11", "constraints.txt",
        ):  # fmt: skip
            assert option in asked

    def test_lines_that_make_no_sense(self) -> None:
        with pytest.raises(ValueError, match="'torch>=2' is no version with hashes"):
            list(pins("torch>=2\n"))
        with pytest.raises(ValueError, match="no version with hashes"):
            list(pins("torch==2.13.0 \\\n    --hash=md5:00\n"))

    def test_markers_and_hashes(self) -> None:
        text = f"a.b==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:{'0' * 64}\nc==2\n"
        assert list(pins(text)) == [
            Pin("a.b", "1.0", "sys_platform == 'win32'", ("0" * 64,)), Pin("c", "2", None, ()),
        ]  # fmt: skip
