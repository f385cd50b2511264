"""The catalogue's passages -> the files of a generation. Writes into an unpublished folder only."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from embeddings.approximate import VECTORS, ApproximateIndex, Approximation
from embeddings.catalogue import Catalogue
from embeddings.centre import Centre, Sums
from embeddings.checks import Sample, check
from embeddings.damage import build_command
from embeddings.encoder import Encoder
from embeddings.errors import IndexFolderError, IndexWriteError
from embeddings.growable import is_big, write_growable
from embeddings.halves import Halves, open_halves, write_halves
from embeddings.keys import known_keys
from embeddings.lexical import Postings, Script
from embeddings.manifest import Manifest, describe_files, read_manifest, write_manifest
from embeddings.map import spread, write_map
from embeddings.passage_vectors import is_exact
from embeddings.postings import origins_of
from embeddings.store import IndexFolder
from embeddings.text_writer import Rows, writing_whole
from embeddings.vectors import VectorIndex
from embeddings.words import KnownWords

SAMPLES = 8
"""Passages that must find themselves before a generation is published."""

_SLICE = 4096
"""Vectors that are in memory at a time."""

QUERIES = 200
"""Sentences by which an approximate search of passages is measured."""


def write_generation(
    folder: Path,
    number: int,
    catalogue: Catalogue,
    encoder: Encoder,
    words: KnownWords,
    *,
    segmenter: str,
    on_document: Callable[[], None] = lambda: None,
) -> Manifest:
    """Write all files of generation `number` into `folder`, check them, and return its manifest.

    Every vector must be in the catalogue already. When it fails, `folder` is gone.

    Raises:
        IndexWriteError: when the disk refuses, for example because it is full.
        IndexDamagedError: when what was written does not pass `checks.check`.
    """
    with making(folder):
        rows = _write_text(folder / "text.db", catalogue, encoder, words, on_document)
        approximation = _write_vectors(folder, rows, catalogue, encoder)
        _write_postings(folder / "postings", rows, catalogue, words)
        manifest = _manifest(folder, number, catalogue, encoder, words, segmenter, rows)
        if approximation is not None:
            manifest = replace(manifest, search=approximation.to_json())
        write_manifest(folder, manifest)
        check(folder, samples(rows, catalogue, encoder, words))
    return manifest


@contextmanager
def making(folder: Path) -> Iterator[None]:
    """Have `folder` gone when writing it fails, and say so when the disk refuses.

    Raises:
        IndexWriteError: for what the disk, or SQLite, says.
    """
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _unwritten(folder.parent.parent, error) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _unwritten(index: Path, error: Exception) -> IndexWriteError:
    reason = getattr(error, "strerror", None) or str(error)
    return IndexWriteError(
        f"The new generation cannot be written to {str(index)!r} ({reason}); make room or allow "
        "writing, then build again, which encodes nothing twice: "
        f"{build_command(index)}. What was published before goes on answering"
    )


def _manifest(
    folder: Path,
    number: int,
    catalogue: Catalogue,
    encoder: Encoder,
    words: KnownWords,
    segmenter: str,
    rows: Rows,
) -> Manifest:
    counts = {
        "files": rows.files,
        "documents": rows.documents,
        "passages": len(rows.passage_keys),
        "places": rows.places,
        "sentences": len(rows.sentence_keys),
        "traditional": rows.scripts.count(Script.TRADITIONAL),
    }
    before = IndexFolder(folder.parent.parent).current_number()
    return made_of(
        number, catalogue, encoder, words, segmenter, counts, describe_files(folder), before
    )


def made_of(
    number: int,
    catalogue: Catalogue,
    encoder: Encoder,
    words: KnownWords,
    segmenter: str,
    counts: dict[str, int],
    files: dict[str, dict[str, Any]],
    before: int | None,
) -> Manifest:
    """Return the manifest of a generation that is made now, and whole; see `Manifest`."""
    return Manifest(
        number=number,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model=encoder.name,
        fingerprint=encoder.fingerprint,
        dimensions=encoder.dimensions,
        tokenizer=words.fingerprint,
        segmenter=segmenter,
        root=catalogue.get("root") or "",
        counts=counts,
        files=files,
        before=before,
    )


def samples(
    rows: Rows, catalogue: Catalogue, encoder: Encoder, words: KnownWords, offset: int = 0
) -> list[Sample]:
    """Return the first passage, the last, and some between, with the vectors of the catalogue.

    Args:
        rows: those that were written.
        catalogue: has their vectors.
        encoder: made these.
        words: those of the rows.
        offset: what is added to a row.
    """
    last = len(rows.passage_keys) - 1
    some = spread(last + 1, SAMPLES).tolist() if last >= 0 else []
    vectors = catalogue.vectors([rows.passage_keys[row] for row in some], encoder.dimensions)
    return [
        Sample(row + offset, vector, tokens_of(rows.words[row], words))
        for row, vector in zip(some, vectors, strict=True)
    ]


def _write_vectors(
    folder: Path, rows: Rows, catalogue: Catalogue, encoder: Encoder
) -> Approximation | None:
    """Write all vectors; return how good the search of passages is, None where it is exact."""
    search = write_search(folder, rows, catalogue, encoder)
    scripts = np.array(rows.scripts, dtype=np.uint8)
    of_sentences = np.repeat(scripts, rows.sentence_counts)
    centres = {
        "passage": Centre.of(search.passages, scripts),
        "sentence": Centre.of(open_halves(folder / "sentences.npy"), of_sentences),
    }
    for name, centre in centres.items():
        centre.write(folder, name)
    write_map(folder, search.passages)
    if is_big(len(scripts)):
        write_growable(folder, rows.by_key, rows.sentence_counts)
        for (name, centre), of_each in zip(centres.items(), (scripts, of_sentences), strict=True):
            Sums.of_means(centre.means, np.bincount(of_each, minlength=3)).write(folder, name)
    return search.about


class Search(NamedTuple):
    """What passages are searched by: how good it is, None where it is exact, and their vectors."""

    about: Approximation | None
    passages: NDArray[np.float32] | NDArray[np.float16]


def write_search(folder: Path, rows: Rows, catalogue: Catalogue, encoder: Encoder) -> Search:
    """Write scripts, sentence vectors, and the vectors of passages with what searches them."""
    scripts = np.array(rows.scripts, dtype=np.uint8)
    np.save(folder / "scripts.npy", scripts, allow_pickle=False)
    _copy_vectors(folder / "sentences.npy", rows.sentence_keys, catalogue, encoder)
    if is_exact(len(rows.passage_keys)):
        passages = catalogue.vectors(rows.passage_keys, encoder.dimensions)
        VectorIndex.write(folder / "vectors.faiss", passages)
        return Search(None, passages)
    _copy_vectors(folder / VECTORS, rows.passage_keys, catalogue, encoder)
    sentences = Halves(folder / "sentences.npy")
    queries = sentences.rows(spread(sentences.shape[0], QUERIES))
    return Search(ApproximateIndex.write(folder, queries), open_halves(folder / VECTORS))


def _copy_vectors(
    path: Path, keys: Sequence[bytes], catalogue: Catalogue, encoder: Encoder
) -> None:
    """Write vectors of the catalogue to a file; never all of them are in memory."""
    slices = (
        catalogue.vectors(keys[start : start + _SLICE], encoder.dimensions)
        for start in range(0, len(keys), _SLICE)
    )
    write_halves(path, slices, (len(keys), encoder.dimensions))


def write_tokens(folder: Path, rows: Rows, words: KnownWords) -> None:
    """Write postings of rows, all counted anew."""
    origins = origins_of(b"".join(keys) for keys in rows.words)
    Postings.write(folder, (tokens_of(keys, words) for keys in rows.words), None, origins)


def _write_postings(folder: Path, rows: Rows, catalogue: Catalogue, words: KnownWords) -> None:
    """Write postings; rows whose words the published ones have already are taken over."""
    origins = origins_of(b"".join(keys) for keys in rows.words)
    previous = _published_postings(folder.parent.parent.parent, catalogue)
    taken = previous.rows_of(origins).tolist() if previous else [-1] * len(origins)
    planned = (
        row if row >= 0 else tokens_of(keys, words)
        for row, keys in zip(taken, rows.words, strict=True)
    )
    Postings.write(folder, planned, previous, origins)


def _published_postings(index: Path, catalogue: Catalogue) -> Postings | None:
    """Return those that the last build published, if they are as it wrote them.

    None as well when all is to be done again: then that note is gone.
    """
    number, _, _ = (catalogue.get("published") or "").partition(" ")
    try:
        current = IndexFolder(index).current()
        manifest = read_manifest(current)
        found = describe_files(current / "postings")
        if number != str(manifest.number) or any(
            manifest.files.get(f"postings/{name}") != about for name, about in found.items()
        ):
            return None
        return Postings.open(current / "postings", for_rows=True)
    except (IndexFolderError, OSError, ValueError):
        return None


def tokens_of(keys: Sequence[bytes], words: KnownWords) -> list[str]:
    """Return the tokens of a row's text, then those of headlines that it does not have yet."""
    first, *others = keys
    tokens = words.tokens(first)
    known = set(tokens)
    for key in others:
        new = [word for word in words.tokens(key) if word not in known]
        tokens += new
        known.update(new)
    return tokens


def _write_text(
    path: Path,
    catalogue: Catalogue,
    encoder: Encoder,
    words: KnownWords,
    on_document: Callable[[], None],
) -> Rows:
    with writing_whole(path, words) as writer:
        for document, sources, passages in catalogue.documents():
            writer.document(document)
            writer.files(sources, document.id)
            writer.passages(passages, known_keys(catalogue, document.id, encoder))
            on_document()
    return writer.rows
