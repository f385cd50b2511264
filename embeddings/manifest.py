"""`manifest.json`: what a generation is made of, and whether its files are those that it lists.

Looks at sizes, and at checksums where all files together are small; `embeddings.checks` compares
those of every file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embeddings import checksums
from embeddings.damage import MANIFEST, build_command, damaged, reading
from embeddings.errors import IndexDamagedError, IndexFolderError, IndexFormatError
from embeddings.pieces import PieceInfo

FORMAT = 4
"""Version of a generation's files; one of a higher version is refused."""

PIECES_FORMAT = 5
"""Version of one that is made of several pieces; older readers ask for a newer wenju."""

CHECKED_UP_TO = 64 * 1024 * 1024
"""Bytes of a generation whose files are compared with their checksums whenever it is opened.

A bigger one is opened without; whoever goes on answering from it has it read meanwhile.
"""

MARK = "DAMAGED"
"""Beside a manifest: why its generation is not to be used, as `wenju verify` found."""

COUNTED = ("documents", "passages", "places", "sentences", "traditional")
"""What every manifest counts."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation is made of, as `manifest.json` has it.

    `before` is the number of the generation that was published before it, or None. `search` tells
    of an approximate search of passages (`approximate.Approximation`); it is None for an exact one,
    which no manifest names. `pieces` tells what a generation of several pieces is made of, its
    biggest first; it is None for one that was written whole, whose files lie in its own folder.
    `counts` are without what is deleted; `dropped` counts the passages that were deleted since a
    generation was written whole.
    """

    number: int
    created: str
    model: str
    fingerprint: str
    dimensions: int
    tokenizer: str
    segmenter: str
    root: str
    counts: dict[str, int]
    files: dict[str, dict[str, Any]]
    before: int | None = None
    search: dict[str, Any] | None = None
    pieces: tuple[PieceInfo, ...] | None = None
    dropped: int = 0

    def to_json(self) -> str:
        """Return the text of `manifest.json`."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        if self.search is None:
            del fields["search"]
        if self.pieces is None:
            del fields["pieces"], fields["dropped"]
        else:
            fields["pieces"] = [piece.to_json() for piece in self.pieces]
        written = FORMAT if self.pieces is None else PIECES_FORMAT
        return json.dumps({"format": written, **fields}, ensure_ascii=False, indent=1)


def describe_files(
    folder: Path, known: Mapping[str, dict[str, Any]] | None = None
) -> dict[str, dict[str, Any]]:
    """Return size and SHA-256 of each file below `folder`, by POSIX path.

    Args:
        folder: a generation.
        known: what is known of some of them already; those are not read.
    """
    found = dict(known or {})
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if name not in found:
            digest = checksums.sha256_of(path)
            found[name] = {"bytes": path.stat().st_size, "sha256": digest}
    return found


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write and seal `manifest.json` of a generation that is complete."""
    path = folder / MANIFEST
    path.write_text(manifest.to_json(), encoding="utf-8")
    checksums.seal(path)


def is_small(manifest: Manifest) -> bool:
    """Tell whether the files of a generation are compared with their checksums at its opening."""
    return bool(sum(about["bytes"] for about in manifest.files.values()) <= CHECKED_UP_TO)


def read_manifest(folder: Path, *, marked: bool = False) -> Manifest:
    """Return the manifest of a generation, after checking its format and its files.

    Args:
        folder: the generation.
        marked: accept one that `wenju verify` found damaged, and compare sizes alone.

    Raises:
        IndexFormatError: when it was made by a newer version.
        IndexDamagedError: when it, or a file that it lists, is missing, has another size, or (see
            `CHECKED_UP_TO`) differs from its checksum.
    """
    manifest = parse_manifest(folder)
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != expected["bytes"]:
            raise damaged(folder, name)
    if not marked and (folder / MARK).exists():
        index = folder.parent.parent
        raise IndexDamagedError(
            f"Generation {folder.name} in {str(index)!r} was found damaged (see `wenju verify`); "
            f"build the index again: {build_command(index)}"
        )
    if not marked and is_small(manifest):
        _check_content(folder, manifest)
    return manifest


def _check_content(folder: Path, manifest: Manifest) -> None:
    for name, expected in manifest.files.items():
        with reading(folder, name):
            same = checksums.sha256_of(folder / name) == expected["sha256"]
        if not same:
            raise damaged(folder, name)


def parse_manifest(folder: Path) -> Manifest:
    """Return the manifest of a generation without a look at its files.

    Raises:
        IndexFormatError: when it was made by a newer version.
        IndexDamagedError: when it is missing or cannot be read.
    """
    index = folder.parent.parent
    if checksums.is_broken(folder / MANIFEST):
        raise damaged(folder, MANIFEST)
    try:
        fields = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        written = fields.pop("format")
        if written > PIECES_FORMAT:
            raise IndexFormatError(
                f"The index {str(index)!r} has format {written}; this version reads "
                f"up to {PIECES_FORMAT}. Install a newer wenju, or build the index again: "
                f"{build_command(index)}"
            )
        if written < FORMAT:
            raise IndexFormatError(
                f"{str(index)!r} has format {written} of an older version; "
                f"build it again, which encodes only what is new: {build_command(index)}"
            )
        manifest = _read(fields, written)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(folder, MANIFEST) from error
    if not _is_well_formed(manifest):
        raise damaged(folder, MANIFEST)
    return manifest


def _read(fields: dict[str, Any], written: int) -> Manifest:
    """Return a manifest out of its fields.

    Raises:
        ValueError, KeyError, TypeError: when they are not those of a manifest of this version.
    """
    if ("pieces" in fields) != (written == PIECES_FORMAT):
        raise ValueError(f"format {written} does not say of what pieces it is made, or should not")
    if "pieces" in fields:
        fields["pieces"] = tuple(PieceInfo.read(piece) for piece in fields["pieces"])
    return Manifest(**fields)


def _is_well_formed(manifest: Manifest) -> bool:
    counts, files = manifest.counts, manifest.files
    return (
        isinstance(counts, dict)
        and isinstance(files, dict)
        and isinstance(manifest.search, dict | None)
        and isinstance(manifest.dropped, int)
        and manifest.pieces != ()
        and all(isinstance(counts.get(name), int) for name in COUNTED)
        and all(isinstance(f, dict) and {"bytes", "sha256"} <= f.keys() for f in files.values())
    )


def is_whole(folder: Path) -> bool:
    """Tell whether a generation can be opened, by its manifest and its files."""
    try:
        read_manifest(folder)
    except IndexFolderError:
        return False
    return True


def named_before(folder: Path) -> int | None:
    """Return which generation was published before this one, if its manifest says so."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("before")
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, int) else None
