"""A folder of documents -> an index on disk. The only writer of an index folder."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from filelock import FileLock, Timeout

from embeddings import segment, store
from embeddings.catalogue import Catalogue, FileRecord
from embeddings.documents import FORMATS, FileEntry, list_files, read_bytes, read_document
from embeddings.encoder import Encoder
from embeddings.errors import (
    IndexFolderError,
    IndexLockedError,
    IndexWriteError,
    SourceError,
    UnreadableFileError,
)
from embeddings.generation import input_keys, repeat_key, write_generation
from embeddings.lexical import Tokenizer
from embeddings.records import document_id
from embeddings.store import Generation, IndexFolder, Manifest, read_manifest

BATCH = 32
"""Texts encoded between two commits."""

OnProgress = Callable[[str, int, int], None]
"""Called with a stage (``read``, ``encode``, ``write``), how many are done, and how many in all."""


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
        reused: texts whose vectors were kept from an earlier build.
        seconds: how long it took.
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


def build(
    root: Path,
    index: Path,
    encoder: Encoder,
    tokenizer: Tokenizer,
    *,
    replace_root: bool = False,
    prune: bool = False,
    rules: segment.Rules | None = None,
    on_progress: OnProgress | None = None,
) -> BuildReport:
    """Bring the index in folder `index` up to date with the documents below `root`.

    Only texts that are new are encoded. The last published generation answers until the new one
    is complete.

    Args:
        root: folder of documents.
        index: index folder; made when it is missing.
        encoder: makes the vectors; questions must be encoded by the same one.
        tokenizer: makes the words for keyword search.
        replace_root: allow another folder than the one that the index was built from.
        prune: allow that more than half of the files are gone.
        rules: how documents are taken apart; None for the default.
        on_progress: told about progress; None for silence.

    Raises:
        SourceError: when `root` is missing, or holds no file that can be read.
        IndexFolderError: when `index` cannot be used; see its subclasses.
    """
    started = time.monotonic()
    tell = on_progress or (lambda *_: None)
    entries = list_files(root)
    folder = IndexFolder(index)
    folder.check_usable()
    if not entries:
        raise SourceError(
            f"The folder of documents {str(root)!r} holds no file; "
            f"put files there ({', '.join(FORMATS)}) and build again"
        )
    with _locked(folder), Catalogue(folder.catalogue) as catalogue:
        _check_root(catalogue, root.resolve(), index, replace_root)
        _check_losses(catalogue, entries, root, prune or replace_root)
        segmenter = segment.Segmenter(tokenizer, rules or segment.Rules())
        work = _Work(folder, catalogue, encoder, tokenizer, segmenter, tell)
        files = work.read(entries)
        _check_any_read(files, root)
        catalogue.put("root", str(root.resolve()))
        catalogue.set_files(files)
        encoded, reused = work.encode()
        manifest, published = work.publish()
    return _report(index, manifest, published, files, (encoded, reused), started)


def _report(
    index: Path,
    manifest: Manifest,
    published: bool,
    files: Sequence[FileRecord],
    texts: tuple[int, int],
    started: float,
) -> BuildReport:
    return BuildReport(
        index=index,
        generation=manifest.number,
        published=published,
        read=tuple(file.source for file in files if file.document),
        skipped=tuple(file for file in files if file.reason),
        documents=manifest.counts["documents"],
        passages=manifest.counts["passages"],
        sentences=manifest.counts["sentences"],
        encoded=texts[0],
        reused=texts[1],
        seconds=time.monotonic() - started,
    )


@contextmanager
def _locked(folder: IndexFolder) -> Iterator[None]:
    lock = FileLock(folder.lock, timeout=0)
    try:
        folder.generations.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise IndexLockedError(
            f"Another process is building the index {str(folder.path)!r}; "
            "wait until it has finished, or build into another folder: --index FOLDER"
        ) from error
    except OSError as error:
        raise IndexWriteError(
            f"The index folder {str(folder.path)!r} cannot be written ({error.strerror}); "
            "allow writing to it or choose another: --index FOLDER"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _check_root(catalogue: Catalogue, root: Path, index: Path, replace: bool) -> None:
    before = catalogue.get("root")
    if before and before != str(root) and not replace:
        raise IndexFolderError(
            f"The index {str(index)!r} was built from {before!r}, not from {str(root)!r}; "
            "build into another folder (--index FOLDER) or put this one in its place: "
            "--replace-root"
        )


def _check_losses(
    catalogue: Catalogue, entries: Sequence[FileEntry], root: Path, allowed: bool
) -> None:
    known = {file.source for file in catalogue.files() if file.document}
    gone = known - {entry.source for entry in entries}
    if len(gone) * 2 > len(known) and not allowed:
        raise SourceError(
            f"{len(gone)} of the {len(known)} files in the index are no longer in {str(root)!r}; "
            "is a drive missing? If they are meant to leave the index, say so: --prune"
        )


def _check_any_read(files: Sequence[FileRecord], root: Path) -> None:
    if not any(file.document for file in files):
        first = files[0]
        raise SourceError(
            f"None of the {len(files)} files in {str(root)!r} could be read, for example "
            f"{first.source!r}: {first.reason}"
        )


@dataclass(frozen=True, slots=True)
class _Work:
    """The stages of one build, in their order: read, encode, publish."""

    folder: IndexFolder
    catalogue: Catalogue
    encoder: Encoder
    tokenizer: Tokenizer
    segmenter: segment.Segmenter
    tell: OnProgress

    def read(self, entries: Sequence[FileEntry]) -> list[FileRecord]:
        """Read each file and keep its document; return what became of each."""
        files = []
        for done, entry in enumerate(entries):
            self.tell("read", done, len(entries))
            try:
                files.append(FileRecord(entry.source, self._keep(entry), None))
            except UnreadableFileError as error:
                files.append(FileRecord(entry.source, None, str(error)))
        self.tell("read", len(entries), len(entries))
        return files

    def _keep(self, entry: FileEntry) -> str:
        """Return the id of the document in a file; new ones are taken apart and kept."""
        data = read_bytes(entry)
        document = document_id(data)
        version = self.segmenter.rules.version
        if not self.catalogue.has_document(document, version):
            read = self.catalogue.document(document) or read_document(entry, data)
            taken = self.segmenter.segment(read)
            self.catalogue.add(read, taken.title or read.title, taken.passages, version)
        return document

    def encode(self) -> tuple[int, int]:
        """Encode every text that has no vector yet; return how many had none, and how many had."""
        texts = self._texts()
        missing = self.catalogue.missing_vectors(texts)
        waiting = iter([(key, text) for key, text in texts.items() if key in missing])
        done = 0
        while batch := list(islice(waiting, BATCH)):
            self.tell("encode", done, len(missing))
            vectors = self.encoder.encode_passages([text for _, text in batch])
            self.catalogue.add_vectors([key for key, _ in batch], vectors)
            done += len(batch)
        self.tell("encode", done, len(missing))
        self.catalogue.forget_vectors_but(set(texts))
        return len(missing), len(texts) - len(missing)

    def _texts(self) -> dict[bytes, str]:
        """Return what is encoded, by key; a passage that repeats an earlier one adds nothing."""
        texts: dict[bytes, str] = {}
        seen = set()
        for _, _, passages in self.catalogue.documents():
            for passage in passages:
                repeat = repeat_key(passage)
                if repeat not in seen:
                    seen.add(repeat)
                    texts.update(input_keys(passage, self.encoder))
        return texts

    def publish(self) -> tuple[Manifest, bool]:
        """Write and publish a generation; return the one before when nothing has changed."""
        state = self._state()
        current = _unchanged(self.folder, self.catalogue, state)
        if current:
            return current, False
        number, partial = self.folder.start_generation()
        manifest = write_generation(
            partial, number, self.catalogue, self.encoder, self.tokenizer,
            segmenter=self.segmenter.rules.version, on_document=self._count_documents(),
        )  # fmt: skip
        Generation(partial).close()
        self.folder.publish(partial)
        self.catalogue.put("published", f"{number} {state}")
        return manifest, True

    def _count_documents(self) -> Callable[[], None]:
        total = len({file.document for file in self.catalogue.files() if file.document})
        done = count(1)
        return lambda: self.tell("write", next(done), total)

    def _state(self) -> str:
        """Return a hash of all that a generation is made from."""
        digest = hashlib.sha256()
        rules = [self.encoder.fingerprint, self.tokenizer.fingerprint]
        rules += [self.segmenter.rules.version, str(store.FORMAT)]
        files = [f"{f.source}\0{f.document}" for f in self.catalogue.files() if f.document]
        for part in [*rules, *files]:
            digest.update(part.encode("utf-8", "surrogateescape") + b"\n")
        return digest.hexdigest()


def _unchanged(folder: IndexFolder, catalogue: Catalogue, state: str) -> Manifest | None:
    """Return the published manifest when it was made from `state` and its files are whole."""
    number, _, published = (catalogue.get("published") or "").partition(" ")
    if published != state:
        return None
    try:
        current = folder.current()
        return read_manifest(current) if int(current.name) == int(number) else None
    except IndexFolderError:
        return None
