"""Finds what a reference names: the document as it was read, and its file where that is a PDF."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from threading import Lock

from embeddings.errors import UnreadableFileError, WenjuError
from embeddings.readers.apart import boxes, draw
from embeddings.readers.pdf_pages import Box, Drawn
from embeddings.records import document_id
from qa.page.protocols import AnsweringBot, IndexFacts
from qa.page.references import Reference
from qa.records import OriginalDocument

KEPT_PICTURES = 24
"""Pictures of pages that are remembered."""

LARGEST_FILE = 256 * 1024 * 1024
"""Bytes of the largest file whose pages are drawn."""


class Age(StrEnum):
    """How the document that a reference names stands to the files of today."""

    CURRENT = "current"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as it looks: where to get it, its size in pixels, and the frames on it."""

    address: str
    page: int
    width: int
    height: int
    frames: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """What the source panel shows.

    Attributes:
        reference: the place to show, with its section.
        document: the original, as it was when it was cited; None when it cannot be opened.
        age: whether the file is today as it was then.
        picture: the page, where the file is a PDF.
        problem: why there is no document, for other reasons than its age; empty otherwise.
    """

    reference: Reference
    document: OriginalDocument | None
    age: Age = Age.CURRENT
    picture: Picture | None = None
    problem: str = ""


class Originals:
    """Opens references over one bot; safe to use from several threads."""

    def __init__(self, bot: AnsweringBot) -> None:
        self._bot = bot
        self._pictures: OrderedDict[tuple[str, int], Drawn] = OrderedDict()
        self._lock = Lock()

    def open(self, reference: Reference) -> Opened:
        """Return what the panel shows for `reference`."""
        try:
            document = self._bot.document(reference.document)
        except WenjuError as error:
            return self._no_longer(reference, error)
        found = replace(reference, heading=self._heading(reference))
        return Opened(found, document, picture=self._picture(reference, document))

    def _no_longer(self, reference: Reference, error: WenjuError) -> Opened:
        try:
            facts = self._bot.info()
            earlier = self._bot.earlier_document(reference.document)
        except WenjuError:
            return Opened(reference, None, problem=str(error))
        age = Age.CHANGED if reference.source in facts.sources else Age.REMOVED
        return Opened(reference, earlier, age)

    def _heading(self, reference: Reference) -> str:
        """Return the section heading above the place."""
        if reference.heading or not reference.spans:
            return reference.heading
        start = reference.spans[0].start
        for passage in self._bot.passages(reference.document):
            if any(span.start <= start < span.end for span in passage.spans):
                return passage.heading
        return ""

    def _picture(self, reference: Reference, document: OriginalDocument) -> Picture | None:
        page = reference.page
        if page is None or not document.page_starts or not _is_pdf(reference.source):
            return None
        try:
            drawn = self.drawn(document.id, page)
            frames = self._frames(reference, document, page) if drawn is not None else []
        except UnreadableFileError:
            return None
        if drawn is None:
            return None
        address = f"/wenju/ask/page/{document.id}/{page}.png"
        return Picture(address, page, drawn.width, drawn.height, tuple(frames))

    def _frames(self, reference: Reference, document: OriginalDocument, page: int) -> list[Box]:
        """Return the frames around those pieces that stand on `page`."""
        data = self._file(document)
        starts = document.page_starts
        here = [span for span in reference.spans if bisect_right(starts, span.start) == page]
        if data is None or not here:
            return []
        before = document.text[starts[page - 1] : here[0].start]
        return boxes(data, page, [span.of(document.text) for span in here], before)

    def drawn(self, document: str, page: int) -> Drawn | None:
        """Return a page of a PDF of the index as it looks; None where its file has changed.

        Raises:
            UnreadableFileError: when there is no such page.
            WenjuError: when the index holds no such document.
        """
        key = document, page
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
                return self._pictures[key]
        data = self._file(self._bot.document(document))
        if data is None:
            return None
        found = draw(data, page)
        with self._lock:
            self._pictures[key] = found
            while len(self._pictures) > KEPT_PICTURES:
                self._pictures.popitem(last=False)
        return found

    def _file(self, document: OriginalDocument) -> bytes | None:
        """Return the bytes of a PDF that was read as `document`, if a file still has them."""
        for path in _paths(document, self._bot.info()):
            data = _bytes(path)
            if data is not None and document_id(data) == document.id:
                return data
        return None


def _is_pdf(source: str) -> bool:
    return source.lower().endswith(".pdf")


def _paths(document: OriginalDocument, facts: IndexFacts) -> Iterator[Path]:
    """Yield where the document's files may be: below the folder, or among the uploads."""
    for source in filter(_is_pdf, document.sources):
        for root in (facts.root, facts.index):
            if root:
                yield Path(root) / source


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.stat().st_size <= LARGEST_FILE else None
    except OSError:
        return None
