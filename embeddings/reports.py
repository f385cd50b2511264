"""What a build did, or would do: frozen records without behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embeddings.catalogue import FileRecord


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different from the last published list of files that could be read.

    Attributes:
        new: sources that were not in the index, by name.
        changed: sources with another content than before.
        renamed: (old, new) source of a content that stands under another name.
        removed: sources that were in the index and no longer can be read, or are gone.
        unchanged: how many files are as they were.
    """

    new: tuple[str, ...]
    changed: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    removed: tuple[str, ...]
    unchanged: int


def changes_between(before: Mapping[str, str], after: Mapping[str, str]) -> Changes:
    """Return what became of the files, given the document of each source then and now."""
    gone = {source: document for source, document in before.items() if source not in after}
    by_document: dict[str, list[str]] = {}
    for source, document in gone.items():
        by_document.setdefault(document, []).append(source)
    new, renamed = [], []
    for source, document in after.items():
        if source not in before:
            old = by_document.get(document)
            renamed.append((old.pop(0), source)) if old else new.append(source)
    both = [source for source in after if source in before]
    changed = [source for source in both if before[source] != after[source]]
    removed = set(gone) - {old for old, _ in renamed}
    return Changes(
        tuple(sorted(new)),
        tuple(sorted(changed)),
        tuple(sorted(renamed)),
        tuple(sorted(removed)),
        len(both) - len(changed),
    )


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a build found done by one that was cut off.

    Attributes:
        files: files that need not be taken apart again.
        of_files: these, and those that were read now.
        texts: vectors that need not be made again.
        of_texts: these, and those that were made now.
    """

    files: int
    of_files: int
    texts: int
    of_texts: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a build would do.

    Attributes:
        changes: what is different from the index.
        skipped: the files that cannot be read, each with its reason.
        texts: texts that would be encoded.
        reused: texts whose vectors are known.
        publishes: whether a generation would be published.
        excluded: files that are there and left out on purpose, by name.
    """

    changes: Changes
    skipped: tuple[FileRecord, ...]
    texts: int
    reused: int
    publishes: bool
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did.

    Attributes:
        index: the index folder.
        generation: number of the published generation.
        published: False when nothing had changed and the generation is the one from before.
        read: sources of the files that are in the index, by name.
        skipped: the files that are not, each with its reason.
        documents, passages, sentences: how many the generation holds.
        encoded: texts that were encoded by this build.
        reused: texts whose vectors were kept from an earlier build; 0 when nothing had changed.
        seconds: how long it took.
        changes: what is different from the generation before.
        resumed: what was kept of a build that was cut off, or None when there was none.
        excluded: files that are there and left out on purpose, by name.
    """

    index: Path
    generation: int
    published: bool
    read: tuple[str, ...]
    skipped: tuple[FileRecord, ...]
    documents: int
    passages: int
    sentences: int
    encoded: int
    reused: int
    seconds: float
    changes: Changes
    resumed: Resumed | None
    excluded: tuple[str, ...] = ()
