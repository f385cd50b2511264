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
from typing import Any

ENDING = ".sum"

_DIGITS = 64
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
    """Keep the checksum of a file that is complete and on the disk.

    Raises:
        OSError: when it cannot be read, or the seal not be written.
    """
    digest = sha256_of(path)
    try:
        seal_of(path).write_text(f"{digest} {short_sum(digest)}\n", encoding="ascii")
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


def is_broken(path: Path) -> bool:
    """Tell whether a file is another than was sealed."""
    expected = _sealed(path)
    if expected is None:
        return False
    try:
        found = sha256_of(path)
    except OSError:
        return False  # whoever opens it is told why it cannot be read
    return found != expected and _sealed(path) == expected  # else it was unsealed meanwhile


def _sealed(path: Path) -> str | None:
    """Return the checksum that a file was sealed with; None where no whole seal is."""
    try:
        text = seal_of(path).read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    digest, _, own = text.strip().partition(" ")
    return digest if len(digest) == _DIGITS and own == short_sum(digest) else None


def short_sum(text: str) -> str:
    """Return eight digits by which a text that was changed by chance is known."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_SHORT_DIGITS]


def with_sum(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields that are kept as JSON with one more that tells whether they changed."""
    return {**fields, _FIELD: _sum_of(fields)}


def is_whole(fields: Mapping[str, Any]) -> bool:
    """Tell whether fields are as `with_sum` gave them; those without a sum are."""
    own = {name: value for name, value in fields.items() if name != _FIELD}
    return fields.get(_FIELD, _sum_of(own)) == _sum_of(own)


def _sum_of(fields: Mapping[str, Any]) -> str:
    return short_sum(json.dumps(fields, sort_keys=True))
