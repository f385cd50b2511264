"""Whether an index is as it was built: every checksum, and generation against catalogue.

Changes nothing but a mark on a generation that is damaged, by which readers pass it over and the
next build replaces it. A build that was cut off, or a rollback, leaves nothing to complain about.
"""

from __future__ import annotations

import html
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings.catalogue import Catalogue
from embeddings.checks import checksums, counts
from embeddings.damage import MANIFEST, build_command, rollback_command
from embeddings.encoder import Encoder
from embeddings.errors import IndexDamagedError, IndexFolderError
from embeddings.keys import input_keys, repeat_key
from embeddings.locking import Hold
from embeddings.manifest import MARK, parse_manifest
from embeddings.records import Passage, Sentence, Span
from embeddings.store import Generation, IndexFolder
from embeddings.texts import DocumentRow, PassageRow, SentenceRow

MOST_LINES = 20
"""Problems that are listed one by one; of further ones only the number is told."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong: what it is, and the command, or the words, that mend it."""

    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at, and what is wrong.

    Attributes:
        generations: numbers of the generations whose files were read.
        files: how many files were compared with their checksums.
        bytes: their size.
        documents, passages, vectors: how many were compared with the catalogue.
        problems: what is wrong; empty when nothing is.
        notes: what is not wrong and still good to know.
    """

    generations: tuple[int, ...]
    files: int
    bytes: int
    documents: int
    passages: int
    vectors: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Found:
    generations: list[int] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    documents: int = 0
    passages: int = 0
    vectors: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, lines: Iterable[str], where: str, mend: str) -> bool:
        """Note what is wrong at some place; tell whether anything is."""
        waiting = iter(lines)
        listed = [Problem(f"{where}: {line}", mend) for line in islice(waiting, MOST_LINES)]
        more = sum(1 for _ in waiting)
        self.problems += listed
        if more:
            self.problems.append(Problem(f"{where}: {more} more of this kind", mend))
        return bool(listed)


def verify(path: Path, encoder: Encoder | None) -> Verification:
    """Read the whole index in folder `path` and compare it with itself.

    Args:
        path: the index folder.
        encoder: the one that made it; None leaves the vectors uncompared with the catalogue.

    Raises:
        IndexMissingError: when nothing was built there.
    """
    index, found = IndexFolder(path), _Found()
    current = _current(index, found)
    whole = []
    for number in index.numbers():
        with _held(index.folder(number)) as there:
            if there and _check_files(index, number, current, found):
                whole.append(number)
    if current in whole:
        _check_catalogue(index, index.folder(current), encoder, found)
    return Verification(
        tuple(found.generations), found.files, found.bytes, found.documents, found.passages,
        found.vectors, tuple(found.problems), tuple(found.notes),
    )  # fmt: skip


def _current(index: IndexFolder, found: _Found) -> int:
    """Return the number of the published generation; 0 when CURRENT names none."""
    try:
        return int(index.current().name)
    except IndexDamagedError as error:
        found.problems.append(Problem(str(error), build_command(index.path)))
        return 0


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Keep a generation from being removed; yield False when it was, in the meantime."""
    try:
        hold = Hold(folder / MANIFEST)
    except OSError:  # damaged, if it is there: then it has no manifest
        yield folder.is_dir()
        return
    yield True
    hold.release()


def _check_files(index: IndexFolder, number: int, current: int, found: _Found) -> bool:
    """Read all files of a generation; tell whether they are what its manifest says."""
    folder = index.folder(number)
    mend = build_command(index.path)
    if number == current and index.before(number) is not None:
        mend += f", or go back: {rollback_command(index.path)}"
    before = len(found.problems)
    damaged = found.add(_file_lines(folder, found), f"generation {number}", mend)
    _mark(folder, [problem.what for problem in found.problems[before:]])
    found.generations.append(number)
    return not damaged


def _file_lines(folder: Path, found: _Found) -> Iterator[str]:
    try:
        manifest = parse_manifest(folder)
    except IndexFolderError as error:
        yield str(error)
        return
    found.files += len(manifest.files)
    found.bytes += sum(item["bytes"] for item in manifest.files.values())
    lines = list(checksums(folder, manifest))
    yield from lines
    if lines:
        return
    try:
        generation = Generation(folder, marked=True)
    except IndexFolderError as error:
        yield str(error)
        return
    yield from counts(generation)
    generation.close()


def _mark(folder: Path, lines: Sequence[str]) -> None:
    """Mark a damaged generation, and take the mark from one that was mended."""
    with suppress(OSError):  # a folder that cannot be written is told of all the same
        if lines:
            (folder / MARK).write_text("\n".join(lines) + "\n", encoding="utf-8")
        else:
            (folder / MARK).unlink(missing_ok=True)


def _check_catalogue(
    index: IndexFolder, folder: Path, encoder: Encoder | None, found: _Found
) -> None:
    """Compare the published generation with the catalogue that it was made from."""
    build = build_command(index.path)
    lost = f"delete {str(index.catalogue)!r}, then encode all again: {build}"
    if not index.catalogue.exists():
        found.notes.append(f"there is no catalogue; the next build encodes all again: {build}")
        return
    generation = Generation(folder, marked=True)
    try:
        with Catalogue.copy_of(index.catalogue) as catalogue:
            compared = _Comparison(generation, catalogue, encoder, found)
            found.add(compared.lines(), "generation and catalogue", f"{build} --full")
    except IndexFolderError as error:
        found.problems.append(Problem(str(error), lost))
    except (sqlite3.DatabaseError, ValueError, TypeError, KeyError) as error:
        found.problems.append(Problem(f"'library.db' cannot be read: {error}", lost))
    finally:
        generation.close()


class _Comparison:
    """The documents that catalogue and generation share, one by one."""

    def __init__(
        self,
        generation: Generation,
        catalogue: Catalogue,
        encoder: Encoder | None,
        found: _Found,
    ) -> None:
        self._generation, self._catalogue, self._found = generation, catalogue, found
        manifest = generation.manifest
        self._encoder = encoder
        if encoder is None or encoder.fingerprint != manifest.fingerprint:
            found.notes.append("vectors are not compared: the index's model is not here")
            self._encoder = None
        # Rows of which a passage with their very text was met; one that has vectors in the
        # catalogue; one whose vectors are those of the row.
        self._rows = generation.all_rows()
        last = int(self._rows[-1]) if len(self._rows) else -1
        self._texts, self._encoded, self._vectors = np.zeros((3, last + 1), dtype=bool)

    def lines(self) -> Iterator[str]:
        """Yield a line for each thing that differs."""
        held = self._sources()
        same = self._lists(held) and self._same_rules(set(held.values()))
        for document in sorted(set(held.values())):
            if self._is_kept(document):
                yield from self._document(document)
        if same:
            yield from self._strays()
        else:
            self._found.notes.append(
                "the catalogue is not of the published generation: a build was cut off or rolled "
                "back; the next build publishes the state of the documents"
            )

    def _lists(self, held: dict[str, str]) -> bool:
        """Tell whether a list of the catalogue is that of the generation.

        It is that of the last scan where a build was cut off right after publishing.
        """
        lists = (self._catalogue.published_files(), self._catalogue.files())
        return held in [{f.source: f.document for f in files if f.document} for files in lists]

    def _sources(self) -> dict[str, str]:
        documents = self._generation.sources_of(self._generation.document_ids())
        return {source: document for document, held in documents.items() for source in held}

    def _same_rules(self, documents: Iterable[str]) -> bool:
        return all(self._is_kept(document) for document in documents)

    def _is_kept(self, document: str) -> bool:
        return self._catalogue.has_document(document, self._generation.manifest.segmenter)

    def _strays(self) -> Iterator[str]:
        """Yield a line for each row of the generation that no passage of the catalogue has."""
        for row in self._rows[~self._texts[self._rows]]:
            yield f"passage {row} is not in the catalogue"
        if self._encoder is None:
            return
        for row in np.flatnonzero(self._encoded & ~self._vectors):
            yield f"passage {row} has another vector than in the catalogue"
        missing = np.flatnonzero(self._texts & ~self._encoded)
        if self._catalogue.get("published") is not None:
            yield from (f"passage {row} has no vector in the catalogue" for row in missing)
        elif len(missing):
            self._found.notes.append(
                "the catalogue does not have all vectors: a full build was cut off; the next build "
                "encodes what it lacks"
            )

    def _document(self, document: str) -> Iterator[str]:
        kept = self._catalogue.document(document)
        held = self._generation.documents([document])[document]
        assert kept is not None
        for name in ("text", "title", "date", "page_starts"):
            if getattr(kept, name) != getattr(held, name):
                yield f"document {document} ({held.sources[0]}) has another {name}"
        places = {place.id: place for place in self._generation.places_in(document)}
        for passage in self._catalogue.passages(document):
            if passage.id in places:
                yield from self._passage(passage, places.pop(passage.id), held)
            else:
                yield f"passage {passage.id} is not in the generation"
        for stray in places:
            yield f"passage {stray} is not in the catalogue"
        self._found.documents += 1

    def _passage(self, passage: Passage, place: PassageRow, document: DocumentRow) -> Iterator[str]:
        self._found.passages += 1
        sentences = self._generation.sentences([place])
        for name in ("spans", "title", "heading", "page", "role"):
            if getattr(passage, name) != getattr(place, name):
                yield f"passage {passage.id} has another {name}"
        if place.sentences != tuple(sentence.spans for sentence in passage.sentences):
            yield f"passage {passage.id} has other sentence spans"
        found = tuple(Sentence(sentence.text, sentence.spans) for sentence in sentences)
        if repeat_key(replace(passage, role=place.role, sentences=found)) != repeat_key(passage):
            yield f"passage {passage.id} has another text"
        self._texts[place.row] |= place.text == passage.text
        for sentence in passage.sentences:
            if not says(document.text, sentence.spans, sentence.text):
                yield f"the original of passage {passage.id} does not say {sentence.text[:20]!r}"
        if self._encoder is not None and not self._vectors[place.row]:
            self._vectors[place.row] = self._same_vectors(passage, place, sentences, self._encoder)

    def _same_vectors(
        self,
        passage: Passage,
        place: PassageRow,
        sentences: Sequence[SentenceRow],
        encoder: Encoder,
    ) -> bool:
        """Tell whether a row's vectors, and those of its sentences, are those of `passage`."""
        keys = [key for key, _ in input_keys(passage, encoder)]
        try:
            own, *others = self._catalogue.vectors(keys, encoder.dimensions)
        except KeyError:
            return False  # a repeat, which is never encoded: the row is that of another passage
        self._encoded[place.row] = True
        rows, held = [sentence.row for sentence in sentences], self._generation.vectors
        same = _equal(held.vectors([place.row])[0], own, held.rounding) and _equal(
            self._generation.sentence_vectors(rows), np.array(others), 1e-3
        )
        self._found.vectors += same * len(keys)
        return same


def _equal(a: NDArray[np.float32], b: NDArray[np.float32], most: float) -> bool:
    return a.shape == b.shape and bool((np.abs(a - b) <= most).all())


def says(original: str, spans: Sequence[Span], text: str) -> bool:
    """Tell whether `text` is what the original says at `spans`.

    Cleaning leaves characters out, shows white space in another form, and reads HTML's names of
    characters; so its own characters, white space aside, stand there in their order, the first at
    the beginning and the last at the end.
    """
    rising = all(a.end <= b.start for a, b in pairwise(spans))
    if not spans or not rising or spans[-1].end > len(original):
        return False
    quoted = "".join(span.of(original) for span in spans)
    wanted = "".join(text.split())
    return any(_holds(form, wanted) for form in (quoted, html.unescape(quoted)))


def _holds(quoted: str, wanted: str) -> bool:
    bare = quoted.strip()
    if not wanted or not bare.startswith(wanted[0]) or not bare.endswith(wanted[-1]):
        return False
    rest = iter(bare)
    return all(character in rest for character in wanted)
