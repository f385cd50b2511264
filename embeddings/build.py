"""A folder of documents -> an index on disk. The only writer of an index folder."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from embeddings import locking, schema, segment, stores, user_dictionary
from embeddings.catalogue import Catalogue, FileRecord
from embeddings.documents import LARGEST, reading_version
from embeddings.encoder import Encoder
from embeddings.engine import Batch, Engine, LocalEngine
from embeddings.errors import IndexFolderError, SourceError
from embeddings.lexical import Tokenizer
from embeddings.map import VERSION as MAP_VERSION
from embeddings.next_generation import NextGeneration
from embeddings.opened import infos_of
from embeddings.passage_vectors import suits
from embeddings.progress import Meter, OnProgress, Progress, silence
from embeddings.reports import BuildReport, Changes, Plan, Resumed, changes_between
from embeddings.roots import Roots, check_not_empty, list_roots
from embeddings.scan import Scan, Tally
from embeddings.store import FORMAT, IndexFolder, Manifest, read_manifest
from embeddings.uploads import Uploads
from embeddings.wanted import Wanted
from embeddings.words import KnownWords

if TYPE_CHECKING:
    from embeddings.store_milvus import MilvusStore

__all__ = ["BATCH", "BuildReport", "OnProgress", "Plan", "Progress", "build", "plan"]

BATCH = 32
"""Texts encoded between two commits."""

_UPLOADS = "uploads"
_RUNNING, _FULL, _DONE = "running", "full", "done"


def build(
    root: Path,
    index: Path,
    encoder: Encoder,
    tokenizer: Tokenizer,
    *,
    replace_root: bool = False,
    prune: bool = False,
    wait: bool = False,
    full: bool = False,
    check_content: bool = False,
    largest: int = LARGEST,
    rules: segment.Rules | None = None,
    engine: Engine | None = None,
    on_progress: OnProgress | None = None,
    store: MilvusStore | None = None,
) -> BuildReport:
    """Bring the index in folder `index` up to date with the documents below `root` and its uploads.

    Files that were excluded (`embeddings.exclusions`) are left out.
    Only files that changed are read, and only texts that are new are encoded. Every step is kept,
    so a build that was cut off is gone on with. The last published generation answers until the
    new one is complete.

    Args:
        root: folder of documents.
        index: index folder; made when it is missing.
        encoder: makes the vectors; questions must be encoded by the same one.
        tokenizer: makes the words for keyword search.
        replace_root: allow another folder than the one that the index was built from.
        prune: allow that more than half of the files are gone.
        wait: wait for another process that writes this index; else it is an error.
        full: forget what is known of documents and vectors, and do all again. One that was cut
            off is gone on with.
        check_content: read every file, also those that seem unchanged.
        largest: bytes of the largest file that is read.
        rules: how documents are taken apart; None for the default.
        engine: where documents are taken apart and texts encoded; None for this process.
        on_progress: told about progress; None for silence.
        store: what keeps the generations; None for the index folder.

    Raises:
        SourceError: when `root` is missing, or holds no file that can be read.
        IndexFolderError: when `index` cannot be used; see its subclasses.
    """
    started = time.monotonic()
    folder = IndexFolder(index)
    roots = _roots(root, folder)
    if store is not None:
        store.check(root, encoder, replace_root)
    with folder.writing(wait=wait), _telling(folder), Catalogue(folder.catalogue) as catalogue:
        if wait:  # perhaps for long: what was listed may be old
            roots = _roots(root, folder)
        work = _Work(root, folder, catalogue, encoder, tokenizer, rules, on_progress or silence)
        work.store = store
        work.engine = engine or work.engine
        work.begin(roots, full, replace_root, prune, reading_version(largest))
        work.scan(roots, check_content, prune or replace_root, largest)
        wanted = work.encode()
        manifest = work.publish(wanted) if wanted else work.same()
        work.end(roots)
    return BuildReport(
        index=index,
        generation=manifest.number,
        published=wanted is not None,
        read=tuple(file.source for file in work.files if file.document),
        skipped=tuple(file for file in work.files if file.reason),
        documents=manifest.counts["documents"],
        passages=manifest.counts["passages"],
        sentences=manifest.counts["sentences"],
        encoded=wanted.missing if wanted else 0,
        reused=wanted.total - wanted.missing if wanted else 0,
        seconds=time.monotonic() - started,
        changes=work.changes,
        resumed=work.resumed,
        excluded=roots.excluded,
    )


def plan(
    root: Path,
    index: Path,
    encoder: Encoder,
    tokenizer: Tokenizer,
    *,
    replace_root: bool = False,
    prune: bool = False,
    full: bool = False,
    check_content: bool = False,
    largest: int = LARGEST,
    rules: segment.Rules | None = None,
    on_progress: OnProgress | None = None,
    store: MilvusStore | None = None,
) -> Plan:
    """Return what `build` with these arguments would do; write nothing.

    Files that changed are read and taken apart, on a copy of the catalogue that is thrown away.

    Raises:
        SourceError, IndexFolderError: where `build` would.
    """
    folder = IndexFolder(index)
    roots = _roots(root, folder)
    if store is not None:
        store.check(root, encoder, replace_root)
    with _telling(folder), Catalogue.copy_of(folder.catalogue) as catalogue:
        work = _Work(root, folder, catalogue, encoder, tokenizer, rules, on_progress or silence)
        work.store = store
        work.begin(roots, full, replace_root, prune, reading_version(largest))
        work.scan(roots, check_content, prune or replace_root, largest)
        wanted = None if work.published() else Wanted(catalogue, encoder)
    return Plan(
        changes=work.changes,
        skipped=tuple(file for file in work.files if file.reason),
        texts=wanted.missing if wanted else 0,
        reused=wanted.total - wanted.missing if wanted else 0,
        publishes=wanted is not None,
        excluded=roots.excluded,
    )


def _roots(root: Path, folder: IndexFolder) -> Roots:
    found = list_roots(root, folder.path)
    folder.check_usable()
    check_not_empty(found, root)
    return found


@contextmanager
def _telling(folder: IndexFolder) -> Iterator[None]:
    """Turn what the catalogue's database refuses into a sentence for the user."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise schema.error_of(error, folder.catalogue) from error


class _Work:
    """The steps of one build, in their order: begin, scan, encode, publish, end.

    Attributes:
        engine: takes documents apart and encodes texts; this process when it is not set.
        files: what became of each file; empty before the scan.
        changes: what is different from the published generation.
        resumed: what was kept of a build that was cut off; None when there was none.
    """

    def __init__(
        self,
        root: Path,
        folder: IndexFolder,
        catalogue: Catalogue,
        encoder: Encoder,
        tokenizer: Tokenizer,
        rules: segment.Rules | None,
        tell: OnProgress,
    ) -> None:
        self._root, self._folder, self._catalogue = root, folder, catalogue
        self._encoder, self._tokenizer, self._tell = encoder, tokenizer, tell
        self._segmenter = segment.Segmenter(tokenizer, rules or segment.Rules())
        self._build, self._goes_on, self._full = 0, False, False
        self._before: dict[str, str] = {}
        self._losable: Set[str] = frozenset()
        self._tally = Tally()
        self.engine: Engine = LocalEngine()
        self.store: MilvusStore | None = None
        self.files: list[FileRecord] = []
        self.changes = Changes((), (), (), (), 0)
        self.resumed: Resumed | None = None

    def begin(
        self,
        roots: Roots,
        full: bool,
        replace_root: bool,
        prune: bool,
        reading: str,
    ) -> None:
        """Refuse another root or too many losses; take a number, or that of a build cut off."""
        catalogue = self._catalogue
        published = catalogue.published_files()
        self._before = {file.source: file.document for file in published if file.document}
        # What was left out or removed on purpose is no loss.
        self._losable = self._before.keys() - roots.left_out - _uploads_before(catalogue)
        _check_root(catalogue, self._root.resolve(), self._folder.path, replace_root)
        gone = self._losable - {entry.source for entry in roots.entries}
        if not prune and not replace_root:
            _check_losses(len(gone), len(self._losable), self._root, "are no longer in")
        number, _, state = (catalogue.get("build") or f"0 {_DONE}").partition(" ")
        self._goes_on = state == _FULL or (state == _RUNNING and not full)
        self._build = int(number) + (not self._goes_on)
        self._full = full or state == _FULL
        if full and state != _FULL:
            catalogue.forget_all("build", f"{self._build} {_FULL}")
        elif not self._goes_on:
            catalogue.put("build", f"{self._build} {_RUNNING}")
        self._distrust(reading)

    def _distrust(self, reading: str) -> None:
        """Have files looked into again that are in another root, or might be readable now."""
        root = str(self._root.resolve())
        if self._catalogue.get("scanning") != root:
            self._catalogue.distrust_scans("scanning", root)
        if self._catalogue.get("reading") != reading:
            self._catalogue.distrust_scans("reading", reading, skipped_only=True)

    def scan(self, roots: Roots, check_content: bool, prune: bool, largest: int) -> None:
        """Look into the files; refuse to go on when they vanish meanwhile."""
        scan = Scan(
            self._catalogue, self._segmenter, self._build, self.engine,
            check_content=check_content, largest=largest,
        )  # fmt: skip
        self.files = scan.run(roots.entries, self._tell)
        self._tally = scan.tally
        _check_still_there(self._root)
        _check_any_read(self.files, self._root)
        after = {file.source: file.document for file in self.files if file.document}
        if not prune:
            lost = len(self._losable - after.keys())
            _check_losses(lost, len(self._losable), self._root, "can no longer be read in")
        self.changes = changes_between(self._before, after)
        self._catalogue.put("root", str(self._root.resolve()))
        self._catalogue.put(_UPLOADS, json.dumps(sorted(roots.uploaded)))

    def encode(self) -> Wanted | None:
        """Encode every text that has no vector yet; return None when nothing is to be published."""
        if self.published():
            return None
        self._next = self._next_generation()
        wanted = self._next.wanted()
        self._note_resumed(wanted)
        meter = Meter("encode", wanted.missing, self._tell, wanted.characters)
        for batch, vectors in self.engine.encode(_batches(wanted), self._encoder):
            self._catalogue.add_vectors([key for key, _ in batch], vectors, self._build)
            meter.advance(len(batch), sum(len(text) for _, text in batch))
        return wanted

    def _next_generation(self) -> NextGeneration:
        return NextGeneration(
            self._folder, self._catalogue, self._encoder, self._tokenizer,
            self._segmenter.rules.version, self.files,
        )  # fmt: skip

    def _note_resumed(self, wanted: Wanted) -> None:
        files, texts = self._tally.kept, wanted.made_by(self._build) if self._goes_on else 0
        if self._goes_on and (files or texts):
            self.resumed = Resumed(files, files + self._tally.opened, texts, texts + wanted.missing)

    def publish(self, wanted: Wanted) -> Manifest:
        """Write and publish a generation; then forget what only older ones needed."""
        catalogue = self._catalogue
        meter = Meter("write", self._next.documents, self._tell)
        if self.store is not None:
            words = KnownWords(catalogue, self._tokenizer)
            manifest = self._publish_there(self.store, words, meter)
            wanted.forget_others()
            words.forget_others()
            return manifest
        try:
            number, partial = self._folder.start_generation()
            user_dictionary.keep(self._tokenizer.user_words, partial)
        except OSError as error:
            raise locking.unwritable(self._folder.path, error) from error
        manifest = self._next.write(partial, number, meter.advance)
        # Noted first: it counts only when CURRENT names this number, whenever a build is cut off.
        catalogue.put("published", f"{number} {self._state()}")
        self._folder.publish(partial)
        catalogue.accept(number)
        self._next.forget_others(wanted)
        return manifest

    def _publish_there(self, store: MilvusStore, words: KnownWords, meter: Meter) -> Manifest:
        """Publish a generation in another store than the index folder."""
        manifest = store.publish(
            self._catalogue, self._encoder, words, self._segmenter.rules.version,
            self._tokenizer.user_words, meter.advance, anew=self._full,
        )  # fmt: skip
        words.keep()
        self._catalogue.put("published", f"{manifest.number} {self._state()}")
        self._catalogue.accept(manifest.number)
        stores.remember(self._folder.path, store.address)
        return manifest

    def same(self) -> Manifest:
        """Return the published manifest when there was nothing to publish."""
        manifest = self.published()
        assert manifest is not None, "nothing was published"
        accepted = self._catalogue.get("accepted") == str(manifest.number)
        if not accepted or self._catalogue.published_files() != self.files:
            self._catalogue.accept(manifest.number)
        return manifest

    def end(self, roots: Roots) -> None:
        """Note that the build was not cut off; what was removed before it can go for good."""
        self._catalogue.put("build", f"{self._build} {_DONE}")
        if roots.removed:
            Uploads(self._folder.path).forget(roots.removed)

    def published(self) -> Manifest | None:
        """Return the published manifest when it was made from what the scan found and is whole."""
        number, _, state = (self._catalogue.get("published") or "").partition(" ")
        if state != self._state():
            return None
        if self.store is not None:
            there = self.store.published()
            return there if there and there.number == int(number) else None
        try:
            current = self._folder.current()
            manifest = read_manifest(current)
        except IndexFolderError:
            return None
        same = int(current.name) == int(number)
        suited = all(suits(piece.passages, piece.search) for piece in infos_of(manifest))
        return manifest if same and suited else None

    def _state(self) -> str:
        """Return a hash of all that a generation is made from."""
        digest = hashlib.sha256()
        rules = [self._encoder.fingerprint, self._tokenizer.fingerprint]
        rules += [self._segmenter.rules.version, f"{FORMAT}.{MAP_VERSION}"]
        rules += [self.store.key] if self.store is not None else []
        files = (f"{file.source}\0{file.document}" for file in self.files if file.document)
        for part in (*rules, *files):
            digest.update(part.encode("utf-8", "surrogateescape") + b"\n")
        return digest.hexdigest()


def _batches(wanted: Wanted) -> Iterator[Batch]:
    for window in wanted.windows():
        for start in range(0, len(window), BATCH):
            yield window[start : start + BATCH]


def _uploads_before(catalogue: Catalogue) -> set[str]:
    """Return the sources that were uploads when the folders were last looked into."""
    return set(json.loads(catalogue.get(_UPLOADS) or "[]"))


def _check_root(catalogue: Catalogue, root: Path, index: Path, replace: bool) -> None:
    before = catalogue.get("root")
    if before and before != str(root) and not replace:
        raise IndexFolderError(
            f"The index {str(index)!r} was built from {before!r}, not from {str(root)!r}; "
            "build into another folder (--index FOLDER) or put this one in its place: "
            "--replace-root"
        )


def _check_losses(lost: int, known: int, root: Path, how: str) -> None:
    if lost * 2 > known:
        raise SourceError(
            f"{lost} of the {known} files in the index {how} {str(root)!r}; "
            "is a drive missing? If they are meant to leave the index, say so: --prune"
        )


def _check_still_there(root: Path) -> None:
    if not root.is_dir():
        raise SourceError(
            f"The folder of documents {str(root)!r} vanished while it was read; is a drive "
            "missing? The index is as it was; build again when the folder is back"
        )


def _check_any_read(files: Sequence[FileRecord], root: Path) -> None:
    if not any(file.document for file in files):
        first = files[0]
        raise SourceError(
            f"None of the {len(files)} files in {str(root)!r} could be read, for example "
            f"{first.source!r}: {first.reason}"
        )
