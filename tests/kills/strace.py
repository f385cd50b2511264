"""What a process wrote, read from a log of `strace`: every write, fsync and change of a name.

SQLite and FAISS write below Python, so nothing in Python sees all of it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from tests.kills.disk import Disk, Node

CALLS = (
    "open,openat,creat,write,pwrite64,writev,pwritev,lseek,dup,dup2,dup3,fcntl,ftruncate,fallocate,"
    "fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,"
    "sendfile,copy_file_range,truncate,symlink,symlinkat,mmap"
)

LONGEST = 1 << 24
"""Bytes of one write that are logged."""

_LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)(.*)", re.DOTALL)
_STARTED = re.compile(r"(\d+) +(\w+\(.*) <unfinished \.\.\.>$", re.DOTALL)
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)$", re.DOTALL)
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_HANDLE = re.compile(r"(-?\w+)<((?:\\x[0-9a-f]{2})*)>")


def is_here() -> bool:
    """Tell whether processes can be traced: only tried, for a container may forbid it."""
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False)
    return tried.returncode == 0


def record(arguments: Sequence[str], log: Path, folder: Path) -> None:
    """Run a Python module under `strace`; what it prints is an error."""
    command = ["strace", "-f", "-y", "-xx", "-s", str(LONGEST), "-e", f"trace={CALLS}"]
    command += [
        "-e",
        "signal=none",
        "--seccomp-bpf",
        "-o",
        str(log),
        sys.executable,
        "-m",
        *arguments,
    ]
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def lines(log: Path) -> Iterator[str]:
    """Yield the calls of a log, each when it was done; those of several threads mix."""
    waiting: dict[str, str] = {}
    with log.open(encoding="ascii") as file:
        for line in file:
            if found := _STARTED.match(line.rstrip("\n")):
                waiting[found[1]] = found[2]
            elif found := _RESUMED.match(line.rstrip("\n")):
                yield f"{found[1]} {waiting.pop(found[1])}{found[2]}"
            else:
                yield line.rstrip("\n")


class Replay:
    """Gives the calls of a log to a disk.

    Args:
        root: folder whose files they are about; others are passed over.
        disk: what was there before.
    """

    def __init__(self, root: Path, disk: Disk) -> None:
        self.root, self.disk = root, disk
        self._at: dict[int, list[int]] = {}

    def run(self, log: Path) -> Disk:
        """Take every call of a log that went well."""
        for line in lines(log):
            found = _LINE.match(line)
            if found and int(found[4]) >= 0:
                self._call(found[2], found[3], int(found[4]), found[5])
        return self.disk

    def _call(self, name: str, given: str, result: int, behind: str) -> None:
        if name in ("openat", "open", "creat"):
            self._open(name, given, result)
        elif name in ("dup", "dup2", "dup3") or (name == "fcntl" and "F_DUPFD" in given):
            handle = _HANDLE.match(given)
            if handle and int(handle[1]) in self._at:
                self._at[result] = self._at[int(handle[1])]
        elif name in _NAMING:
            self._names(name, given)
        else:
            self._content(name, given, result)

    def _open(self, name: str, given: str, result: int) -> None:
        (path,) = self._paths(given)
        self._at[result] = [0]
        if path is None:
            return
        node = self.disk.find(path)
        if node is None:
            assert "O_CREAT" in given or name == "creat", given
            node = self.disk.make(path)
        elif "O_TRUNC" in given:
            self.disk.resize(node, 0)
        if "O_APPEND" in given:
            self._at[result] = [len(self.disk.content(node))]

    def _names(self, name: str, given: str) -> None:
        paths = self._paths(given)
        if paths == [None] * len(paths):
            return
        first = paths[0]
        assert None not in paths, f"{name} leads out of the folder: {given}"
        assert first is not None
        if name.startswith("rename"):
            self.disk.move(first, self._known(paths[1]))
        elif name.startswith("link"):
            self.disk.link(first, self._known(paths[1]))
        elif name.startswith("mkdir"):
            self.disk.make(first, folder=True)
        else:
            self.disk.unlink(first)

    @staticmethod
    def _known(path: PurePosixPath | None) -> PurePosixPath:
        assert path is not None
        return path

    def _content(self, name: str, given: str, result: int) -> None:
        handle = _HANDLE.search(given) if name == "mmap" else _HANDLE.match(given)
        if name == "sendfile" or name == "copy_file_range":
            self._copy(name, given, result)
            return
        if handle is None:
            assert name in ("mmap", "truncate"), f"{name} is not understood: {given}"
            return
        node = self._node(handle)
        own = self._at.setdefault(int(handle[1]), [0])
        if name == "lseek":
            own[0] = result
        elif node is not None:
            self._change(name, node, own, given, result)

    def _change(self, name: str, node: Node, own: list[int], given: str, result: int) -> None:
        numbers = [part.strip() for part in _HANDLE.sub("", given).rsplit(",")]
        if name in ("fsync", "fdatasync"):
            self.disk.sync(node)
        elif name == "ftruncate":
            self.disk.resize(node, int(numbers[-1]))
        elif name == "fallocate":
            self.disk.resize(node, max(len(self.disk.content(node)), int(numbers[-1])))
        elif name in ("write", "writev"):
            self.disk.write(node, own[0], _data(given)[:result])
            own[0] += result
        elif name in ("pwrite64", "pwritev"):
            self.disk.write(node, int(numbers[-1]), _data(given)[:result])
        elif name == "mmap":
            shared = "MAP_SHARED" in given and "PROT_WRITE" in given
            assert not shared or node.name.endswith("-shm"), f"written through memory: {given}"

    def _copy(self, name: str, given: str, result: int) -> None:
        """Take a copy that the kernel makes of one whole file."""
        handles = list(_HANDLE.finditer(given))
        to, source = handles if name == "sendfile" else handles[::-1]
        node = self._node(to)
        if node is None:
            return
        path = self._path(_text(source[2]))
        known = self.disk.find(path) if path is not None else None
        data = self.disk.content(known) if known else Path(_text(source[2])).read_bytes()
        own = self._at.setdefault(int(to[1]), [0])
        self.disk.write(node, own[0], data[own[0] : own[0] + result])
        own[0] += result

    def _node(self, handle: re.Match[str]) -> Node | None:
        path = self._path(_text(handle[2]))
        return self.disk.find(path) if path is not None else None

    def _paths(self, given: str) -> list[PurePosixPath | None]:
        """Return the paths of a call below the root; None for others."""
        found: list[PurePosixPath | None] = []
        folder = ""
        for part in re.finditer(f"{_HANDLE.pattern}|{_TEXT.pattern}", given):
            if part[1] is not None:
                folder = _text(part[2])
            else:
                found.append(self._path(os.path.normpath(os.path.join(folder, _text(part[3])))))  # noqa: PTH118 - no look at the disk
        return found

    def _path(self, path: str) -> PurePosixPath | None:
        path = path.removesuffix(" (deleted)")
        inside = PurePosixPath(path)
        return inside.relative_to(self.root) if inside.is_relative_to(self.root) else None


_NAMING = {
    "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "link",
    "linkat", "symlink", "symlinkat",
}  # fmt: skip


def _text(digits: str) -> str:
    return os.fsdecode(_bytes(digits))


def _bytes(digits: str) -> bytes:
    return bytes.fromhex(digits.replace("\\x", ""))


def _data(given: str) -> bytes:
    """Return what was written, of all parts of a vector."""
    found = list(_TEXT.finditer(given))
    assert not any(part[2] for part in found), "a write was longer than is logged"
    return b"".join(_bytes(part[1]) for part in found)
