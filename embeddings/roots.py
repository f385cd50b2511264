"""What an index is made of: the files of its folder of documents and its uploads, less exclusions.

Lists only; opens no document.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from embeddings.documents import FORMATS, FileEntry, list_files
from embeddings.errors import SourceError
from embeddings.exclusions import excluded
from embeddings.uploads import Uploads


@dataclass(frozen=True, slots=True)
class Roots:
    """The files that an index would be built from.

    Attributes:
        entries: those that are looked into, by source; at least one.
        excluded: sources of those that are there and left out on purpose, by name.
        uploaded: sources among `entries` that are uploads.
        left_out: every source that is left out on purpose, also where no file is there.
        removed: uploads that were taken away and can still come back.
    """

    entries: tuple[FileEntry, ...]
    excluded: tuple[str, ...]
    uploaded: frozenset[str]
    left_out: frozenset[str]
    removed: tuple[str, ...]


def list_roots(root: Path, index: Path) -> Roots:
    """Return what the index in folder `index` would be built from now.

    Args:
        root: folder of documents.
        index: index folder, which need not be there; what it holds is no document of `root`.

    Raises:
        SourceError: when `root` is missing or cannot be listed.
        IndexDamagedError: when the list of exclusions cannot be read.
    """
    left_out = excluded(index)
    own = list_files(root, without=index)
    uploads = Uploads(index)
    uploaded = [_unlike(entry, {each.source for each in own}) for entry in uploads.entries()]
    entries = sorted([*own, *uploaded], key=lambda entry: entry.source)
    return Roots(
        tuple(entry for entry in entries if entry.source not in left_out),
        tuple(entry.source for entry in entries if entry.source in left_out),
        frozenset(entry.source for entry in uploaded),
        left_out,
        tuple(uploads.removed()),
    )


def _unlike(upload: FileEntry, own: set[str]) -> FileEntry:
    """Return an upload, or why it is not read: a folder of documents may have `uploads/` too."""
    if upload.source not in own:
        return upload
    problem = "the folder of documents has a file of this name; remove this one or rename that"
    return replace(upload, source=f"{upload.source} (uploaded)", problem=problem)


def check_not_empty(found: Roots, root: Path) -> None:
    """Refuse to build from nothing.

    Raises:
        SourceError: with what to do about it.
    """
    if found.entries:
        return
    if found.excluded:
        raise SourceError(
            f"All {len(found.excluded)} files of {str(root)!r} are excluded from the index; have "
            "one back: wenju documents --include FILE"
        )
    raise SourceError(
        f"The folder of documents {str(root)!r} holds no file; "
        f"put files there ({', '.join(FORMATS)}) and build again"
    )
