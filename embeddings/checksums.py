"""Checksums of files, and the seal: a checksum that is kept beside a file that nobody may change.

Without its seal, or beside one that is damaged itself, a file is taken as it is.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

ENDING = ".sum"

_DIGITS = 64
_OWN_DIGITS = 8


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
        seal_of(path).write_text(f"{digest} {_own(digest)}\n", encoding="ascii")
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
    return digest if len(digest) == _DIGITS and own == _own(digest) else None


def _own(digest: str) -> str:
    return hashlib.sha256(digest.encode()).hexdigest()[:_OWN_DIGITS]
