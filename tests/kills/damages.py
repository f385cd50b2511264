"""What can happen to a file by itself: it goes, loses its end, or a bit of it turns."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that happens to one file.

    Attributes:
        file: POSIX path below the index.
        how: ``removed``, ``emptied``, ``cut``, ``longer``, ``a folder`` or ``flipped``.
        bit: of a flipped one, which bit of the file.
    """

    file: str
    how: str
    bit: int = 0

    def __str__(self) -> str:
        where = f" at bit {self.bit}" if self.how == "flipped" else ""
        return f"{self.file} {self.how}{where}"

    def do(self, index: Path) -> None:
        """Let it happen. Where a bit turns by itself, the time of the file does not tell."""
        path = index / self.file
        before, whole = path.stat(), path.read_bytes()
        if self.how in ("removed", "a folder"):
            path.unlink()
            if self.how == "a folder":
                path.mkdir()
            return
        path.chmod(0o644)
        path.write_bytes(self._changed(whole))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def _changed(self, whole: bytes) -> bytes:
        if self.how == "flipped":
            at = self.bit // 8
            return whole[:at] + bytes([whole[at] ^ 1 << self.bit % 8]) + whole[at + 1 :]
        return {"emptied": b"", "cut": whole[: len(whole) // 2], "longer": whole + b"\0"}[self.how]


def damages_of(index: Path, flips: int) -> Iterator[Damage]:
    """Yield all kinds of damage for every file of an index, and so many flipped bits of each."""
    for path in sorted(path for path in index.rglob("*") if path.is_file()):
        name, bits = path.relative_to(index).as_posix(), path.stat().st_size * 8
        kinds = ["removed", "a folder"] + ["emptied", "cut", "longer"] * (bits > 0)
        yield from (Damage(name, how) for how in kinds)
        steps = range(0, bits, max(1, bits // flips + 1)) if bits else ()
        yield from (Damage(name, "flipped", bit + bit // 7 % 8) for bit in steps if bit + 7 < bits)


def put_back(index: Path, whole: Path, damage: Damage) -> None:
    """Undo a damage; a file that has several names is one again in none."""
    path = index / damage.file
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    shutil.copy2(whole / damage.file, path)
