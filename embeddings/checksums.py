"""Checksums: of files, within what is kept as JSON, and the seal, which is kept beside a file.

Without a checksum, or beside a seal that is damaged itself, a content is taken as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

ENDING = ".sum"

_SHORT_DIGITS = 8
_FIELD = "sum"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, survive a power cut."""
    if os.name == "nt" and path.is_dir():
        return  # Windows has no fsync of folders; its renames are journalled
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def seal_of(path: Path) -> Path:
    """Return where the seal of a file is: ``library.sum`` of ``library.db``."""
    return path.with_suffix(ENDING)


def seal(path: Path) -> None:
    """Keep the checksum of a file that is complete and on the disk, and when it was written.

    Raises:
        OSError: when it cannot be read, or the seal not be written.
    """
    text = f"{sha256_of(path)} {path.stat().st_mtime_ns}"
    try:
        seal_of(path).write_text(f"{text} {short_sum(text)}\n", encoding="ascii")
    except OSError:
        with suppress(OSError):
            seal_of(path).unlink()
        raise


def unseal(path: Path) -> None:
    """Take the seal away, before the first change of the file reaches the disk.

    Raises:
        OSError: when the folder cannot be written.
    """
    if seal_of(path).exists():
        seal_of(path).unlink()
        sync(path.parent)


def is_broken(path: Path, *, untouched: bool = False) -> bool:
    """Tell whether a file is another than was sealed.

    Args:
        path: the file.
        untouched: only where it has the time that it was sealed with. Damage leaves that; a
            version of this program that knows no seals, or who puts a copy in its place, does not.
    """
    sealed = _sealed(path)
    if sealed is None:
        return False
    try:
        if untouched and str(path.stat().st_mtime_ns) != sealed.time:
            return False
        found = sha256_of(path)
    except OSError:
        return False  # whoever opens it is told why it cannot be read
    return found != sealed.digest and _sealed(path) == sealed  # else it was unsealed meanwhile


class _Seal(NamedTuple):
    """What a seal says: the SHA-256 of a file, and its time in nanoseconds."""

    digest: str
    time: str


def _sealed(path: Path) -> _Seal | None:
    """Return what a file was sealed with; None where no whole seal is."""
    try:
        text, _, own = seal_of(path).read_text(encoding="ascii").strip().rpartition(" ")
    except (OSError, ValueError):
        return None
    digest, _, time = text.partition(" ")
    return _Seal(digest, time) if own == short_sum(text) else None


def short_sum(text: str) -> str:
    """Return eight digits by which a text that was changed by chance is known."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_SHORT_DIGITS]


def with_sum(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields that are kept as JSON with one more that tells whether they changed."""
    return {**fields, _FIELD: _sum_of(fields)}


def is_whole(fields: Mapping[str, Any]) -> bool:
    """Tell whether fields are as `with_sum` gave them; those without a sum are."""
    own = {name: value for name, value in fields.items() if name != _FIELD}
    expected = _sum_of(own)
    return bool(fields.get(_FIELD, expected) == expected)


def _sum_of(fields: Mapping[str, Any]) -> str:
    return short_sum(json.dumps(fields, sort_keys=True))
