"""A disk in memory that loses its power: what is left when only what was synced is sure to be there.

The model is what POSIX promises, and not more. The bytes of a file are safe once the file was
synced; a name in a folder once the folder was. Of what was written since, any part may be there:
of the bytes of a file any writes, whole or torn; of the changes of a folder a beginning of their
row, for file systems keep their order. A move is one change, of the folder that it leads to.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

SECTOR = 512
"""Bytes that a disk writes whole or not at all."""


class Write(NamedTuple):
    """Bytes that were put at a place of a file, at a time; None for a new size."""

    time: int
    at: int
    data: bytes | None


class Change(NamedTuple):
    """A name that was set to a file or folder, at a time; None where it was taken away.

    `moved` is the folder and name that it came from.
    """

    time: int
    name: str
    node: Node | None
    moved: tuple[Node, str] | None = None


@dataclass(eq=False, slots=True)
class Node:
    """A file or a folder with all that was done to it, and the times at which it was synced.

    `names` and `bytes` are what it holds now.
    """

    name: str
    folder: bool
    writes: list[Write] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    syncs: list[int] = field(default_factory=list)
    names: dict[str, Node] = field(default_factory=dict)
    bytes: bytearray = field(default_factory=bytearray)

    def synced(self, time: int) -> int:
        """Return when it was synced last before `time`; -1 for never."""
        return max((at for at in self.syncs if at < time), default=-1)


class Loss(NamedTuple):
    """What is lost of what was not synced.

    Attributes:
        name: of the kind of loss.
        names: of so many changes of a folder, how many are there.
        data: of a write, the parts that are there, as (from, to); None where not even the size is.
    """

    name: str
    names: Callable[[int], int]
    data: Callable[[Write], tuple[int, int] | None]


def losses(chance: random.Random) -> Iterator[Loss]:
    """Yield the kinds of loss: all, the bytes alone, the names alone, and anything by chance."""
    yield Loss("all that was not synced", lambda _: 0, lambda _: None)
    yield Loss("bytes that were not synced", lambda count: count, lambda _: None)
    yield Loss("names that were not synced", lambda _: 0, _whole)
    yield Loss("any of both", lambda count: chance.randint(0, count), lambda w: _torn(w, chance))


def _whole(write: Write) -> tuple[int, int]:
    return 0, len(write.data or b"")


def _torn(write: Write, chance: random.Random) -> tuple[int, int] | None:
    size = len(write.data or b"")
    cut = min(size, SECTOR * chance.randint(0, size // SECTOR + 1))
    return chance.choice([None, (0, 0), (0, cut), (cut, size), (0, size)])


class Disk:
    """Folders and files, with their history.

    Attributes:
        time: how many things were done so far.
        marks: times right before and after a sync or a change of names.
    """

    def __init__(self, folder: Path) -> None:
        self.time = 0
        self.marks: list[int] = []
        self.root = Node("", folder=True)
        if folder.exists():
            self._take(folder, self.root)
        self.time = 1

    def _take(self, folder: Path, node: Node) -> None:
        """Take what is there as synced."""
        node.syncs.append(0)
        for path in folder.iterdir():
            own = Node(path.name, path.is_dir(), syncs=[0])
            self._change(node, Change(-1, path.name, own))
            if own.folder:
                self._take(path, own)
            else:
                self.write(own, 0, path.read_bytes())
                own.writes[-1] = own.writes[-1]._replace(time=-1)

    def _tick(self, mark: bool = False) -> int:
        if mark:
            self.marks += [self.time, self.time + 1]
        self.time += 1
        return self.time - 1

    def find(self, path: PurePosixPath) -> Node | None:
        """Return what has a path now."""
        node = self.root
        for part in path.parts:
            if part not in node.names:
                return None
            node = node.names[part]
        return node

    def _parent(self, path: PurePosixPath) -> Node:
        found = self.find(path.parent)
        assert found is not None, f"{path} is in no folder"
        return found

    def content(self, node: Node) -> bytes:
        return bytes(node.bytes)

    def make(self, path: PurePosixPath, *, folder: bool = False) -> Node:
        """Make a file or a folder."""
        node = Node(path.name, folder)
        if path.parts:
            self._change(self._parent(path), Change(self._tick(mark=True), path.name, node))
        return node

    def link(self, path: PurePosixPath, to: PurePosixPath) -> None:
        self._change(self._parent(to), Change(self._tick(mark=True), to.name, self.find(path)))

    def unlink(self, path: PurePosixPath) -> None:
        self._change(self._parent(path), Change(self._tick(mark=True), path.name, None))

    def move(self, path: PurePosixPath, to: PurePosixPath) -> None:
        node, source = self.find(path), self._parent(path)
        change = Change(self._tick(mark=True), to.name, node, (source, path.name))
        self._change(self._parent(to), change)
        assert node is not None
        node.name = to.name

    def write(self, node: Node, at: int, data: bytes) -> None:
        node.writes.append(Write(self._tick(), at, data))
        _put(node.bytes, node.writes[-1], (0, len(data)))

    def resize(self, node: Node, size: int) -> None:
        node.writes.append(Write(self._tick(), size, None))
        _put(node.bytes, node.writes[-1], (0, 0))

    def sync(self, node: Node) -> None:
        node.syncs.append(self._tick(mark=True))

    def _change(self, folder: Node, change: Change) -> None:
        folder.changes.append(change)
        _apply(
            folder.names,
            {id(change.moved[0]): change.moved[0].names} if change.moved else {},
            change,
        )

    def after(self, time: int, loss: Loss) -> dict[PurePosixPath, bytes | None]:
        """Return what is on the disk when the power goes at `time`: bytes by path, None a folder."""
        kept: list[tuple[Node, Change]] = []
        for folder in _folders(self.root):
            sure = folder.synced(time)
            before = [change for change in folder.changes if change.time < time]
            unsure = [change for change in before if change.time > sure]
            there = len(before) - len(unsure) + loss.names(len(unsure))
            kept += [(folder, change) for change in before[:there]]
        names: dict[int, dict[str, Node]] = {}
        for folder, change in sorted(kept, key=lambda each: each[1].time):
            _apply(names.setdefault(id(folder), {}), names, change)
        return dict(self._listed(self.root, names, PurePosixPath(), time, loss))

    def _listed(
        self,
        folder: Node,
        names: Mapping[int, Mapping[str, Node]],
        path: PurePosixPath,
        time: int,
        loss: Loss,
    ) -> Iterator[tuple[PurePosixPath, bytes | None]]:
        for name, node in names.get(id(folder), {}).items():
            if node.folder:
                yield path / name, None
                yield from self._listed(node, names, path / name, time, loss)
            else:
                yield path / name, _left(node, time, loss)


def _folders(root: Node) -> list[Node]:
    """Return all folders that ever were."""
    found, waiting = {id(root): root}, [root]
    while waiting:
        for change in waiting.pop().changes:
            node = change.node
            if node is not None and node.folder and id(node) not in found:
                found[id(node)] = node
                waiting.append(node)
    return list(found.values())


def _apply(own: dict[str, Node], all_names: Mapping[int, dict[str, Node]], change: Change) -> None:
    if change.moved is not None:
        source, name = change.moved
        all_names.get(id(source), {}).pop(name, None)
    if change.node is None:
        own.pop(change.name, None)
    else:
        own[change.name] = change.node


def _left(node: Node, time: int, loss: Loss) -> bytes:
    """Return the bytes of a file that are left."""
    sure, found = node.synced(time), bytearray()
    for write in node.writes:
        if write.time < sure:
            _put(found, write, _whole(write))
        elif write.time < time and (part := loss.data(write)) is not None:
            _put(found, write, part)
    return bytes(found)


def _put(into: bytearray, write: Write, part: tuple[int, int]) -> None:
    """Write a part of what was written; the rest of it is zero where it is new."""
    if write.data is None:
        del into[write.at :]
        into.extend(bytes(write.at - len(into)))
        return
    end = write.at + len(write.data)
    into.extend(bytes(max(0, end - len(into))))
    start, stop = part
    into[write.at + start : write.at + stop] = write.data[start:stop]


def put_on(folder: Path, files: Mapping[PurePosixPath, bytes | None]) -> None:
    """Write what is left of a disk into a folder."""
    folder.mkdir(parents=True)
    for path, data in files.items():
        if data is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(data)


def digest_of(files: Mapping[PurePosixPath, bytes | None]) -> bytes:
    """Return what is equal for equal disks."""
    digest = hashlib.sha256()
    for path in sorted(files):
        data = files[path]
        digest.update(f"{path}\0{None if data is None else len(data)}\0".encode())
        digest.update(data or b"")
    return digest.digest()
