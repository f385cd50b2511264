"""How one file was read: the records of an inspection, as JSON and as lines for a terminal.

It takes the file apart as a build would, and neither reads nor writes an index.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, groupby, pairwise
from pathlib import Path
from typing import Any

from embeddings import readers
from embeddings.cleaning import CleanText, clean
from embeddings.documents import FileEntry, read_bytes, read_document
from embeddings.errors import SourceError, UnreadableFileError
from embeddings.layout import lines
from embeddings.records import Document, Passage, Role, Span
from embeddings.segment import Block, Segmentation, Segmenter
from qa.printable import printable_line

PAGE_HEADER = "page header"
WHITE_SPACE = "white space"
GLOSS = "gloss"
INVISIBLE = "invisible"
MARKUP = "markup"
UNREAD = "unread"

LEFT_OUT = (Role.BOILERPLATE, PAGE_HEADER, GLOSS, INVISIBLE, MARKUP, WHITE_SPACE, UNREAD)
"""Kinds of characters that no passage shows. None is `UNREAD` unless text was lost by mistake."""

KINDS: tuple[str, ...] = (*Role, PAGE_HEADER, GLOSS, INVISIBLE, MARKUP, WHITE_SPACE, UNREAD)
"""What a character of the original is: the role of its block, or why it is in none."""

_CODES = {kind: code for code, kind in enumerate(KINDS)}
_TEXT_FORMATS = ("text", "markdown", "html")

Styled = tuple[str, str]
"""Some words of a line for the terminal, and their style: a kind, ``mute``, ``mark`` or none."""

Line = tuple[Styled, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A sentence of a passage, with the block that it stands in.

    Attributes:
        number: 1 for the first sentence of the document.
        passage, block: indices of its passage and its block.
        content: its characters.
    """

    number: int
    passage: int
    block: int
    content: CleanText


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How much of a kind was left out: places and characters of the original."""

    kind: str
    places: int
    characters: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """How a file was read.

    Attributes:
        document: what the reader found.
        encoding: codec of a text file; None for containers.
        segmentation: its blocks and passages.
        kinds: for each character of the original text the index in `KINDS` of what it is.
        sentences: those of all passages, in the order of the passages.
        left_out: what no passage shows; kinds of which there is nothing are not listed.
    """

    document: Document
    encoding: str | None
    segmentation: Segmentation
    kinds: bytes
    sentences: tuple[Placed, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def title(self) -> str:
        """Title of the document, as an index would show it."""
        return self.segmentation.title or self.document.title

    def kind(self, block: Block) -> str:
        """Return what a block is: its role, or a page header."""
        return KINDS[self.kinds[block.content.offsets[0]]]


def inspect(path: Path, segmenter: Segmenter) -> Inspection:
    """Read a file and take it apart.

    Raises:
        SourceError: when `path` is missing or a folder.
        UnreadableFileError: when the file cannot be read well.
    """
    if not path.is_file():
        raise SourceError(_no_file(path))
    entry = FileEntry(unicodedata.normalize("NFC", path.name), path)
    try:
        data = read_bytes(entry)
        document = read_document(entry, data)
    except UnreadableFileError as error:
        raise UnreadableFileError(f"The file {str(path)!r} is not read: {error}") from error
    return inspect_document(document, segmenter, _encoding(document, data))


def _no_file(path: Path) -> str:
    if path.is_dir():
        return (
            f"{str(path)!r} is a folder; inspect takes one file. "
            f"To see what of a folder is read: wenju build {path}"
        )
    return f"The file {str(path)!r} does not exist; give the path of one file"


def _encoding(document: Document, data: bytes) -> str | None:
    if document.reader.partition("/")[0] not in _TEXT_FORMATS:
        return None
    return readers.read(document.source, data).encoding or None


def inspect_document(
    document: Document, segmenter: Segmenter, encoding: str | None = None
) -> Inspection:
    """Take a document apart, and account for each of its characters."""
    taken = segmenter.segment(document)
    kinds = _kinds(document, taken.blocks)
    left_out = tuple(_left_out(kinds, taken.blocks))
    return Inspection(document, encoding, taken, kinds, tuple(_placed(taken)), left_out)


def _kinds(document: Document, blocks: Sequence[Block]) -> bytes:
    shown = readers.visible(document.text, document.reader, document.marks)
    cleaned = clean(shown.text)
    kinds = bytearray(_CODES[WHITE_SPACE if c.isspace() else MARKUP] for c in document.text)
    kept = set(cleaned.offsets)
    for at, (start, end) in enumerate(zip(shown.starts, shown.ends, strict=True)):
        kind = _kind_left_out(shown.text[at], at in kept)
        kinds[start:end] = bytes((_CODES[kind],)) * (end - start)
    found = lines(cleaned, shown.text)
    headers = {shown.starts[line.content.offsets[0]] for line in found if line.header}
    for block in blocks:
        is_header = block.role is Role.BOILERPLATE and block.content.offsets[0] in headers
        code = _CODES[PAGE_HEADER if is_header else block.role]
        for start, end in _characters(block.content):
            kinds[start:end] = bytes((code,)) * (end - start)
    return bytes(kinds)


def _kind_left_out(character: str, kept: bool) -> str:
    """Return what a character that is shown but in no block is; cleaning drops three kinds."""
    if character.isspace():
        return WHITE_SPACE
    if kept:
        return UNREAD
    return INVISIBLE if unicodedata.category(character) in ("Cf", "Cc") else GLOSS


def _characters(content: CleanText) -> Iterator[tuple[int, int]]:
    """Yield start and end in the original of each clean character."""
    ends = content.ends or tuple(offset + 1 for offset in content.offsets)
    return zip(content.offsets, ends, strict=True)


def _left_out(kinds: bytes, blocks: Sequence[Block]) -> Iterator[LeftOut]:
    places = Counter(code for code, _ in groupby(kinds))
    in_blocks = Counter(kinds[block.content.offsets[0]] for block in blocks)
    for kind in LEFT_OUT:
        code = _CODES[kind]
        if characters := kinds.count(code):
            yield LeftOut(str(kind), in_blocks[code] or places[code], characters)


def _placed(taken: Segmentation) -> Iterator[Placed]:
    places = sorted(
        (span.start, at) for at, block in enumerate(taken.blocks) for span in block.content.spans()
    )
    starts = [start for start, _ in places]
    numbers = count(1)
    for index, passage in enumerate(taken.passages):
        for sentence in passage.sentences:
            start = sentence.spans[0].start
            block = places[bisect_right(starts, start) - 1][1]
            content = taken.blocks[block].content
            at = bisect_left(content.offsets, start)
            yield Placed(next(numbers), index, block, content.cut(at, at + len(sentence.text)))


def pieces(content: CleanText) -> list[str]:
    """Return the text of each of its spans; between two, something was taken out."""
    edges = [0, *sorted(content.breaks), len(content)]
    return [content.text[start:end] for start, end in pairwise(edges)]


def gaps(content: CleanText) -> list[int]:
    """Return how many characters of the original stand between two of its spans, for each two."""
    return [after.start - before.end for before, after in pairwise(content.spans())]


def ranges(spans: Sequence[Span]) -> str:
    """Return character ranges for people: ``8-19, 44-60``, ends excluded."""
    return ", ".join(f"{span.start}-{span.end}" for span in spans)


def counted(count: int, noun: str) -> str:
    """Return ``1 place`` or ``1,200 places``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def facts(found: Inspection) -> dict[str, str]:
    """Return what is known of the whole file, by name; what it does not have is left out."""
    document, taken = found.document, found.segmentation
    made = [
        (len({block.section.article for block in taken.blocks}), "article"),
        (len(taken.blocks), "block"),
        (len(taken.passages), "passage"),
        (len(found.sentences), "sentence"),
    ]
    known = {
        "reader": document.reader,
        "encoding": found.encoding,
        "title": found.title,
        "date": document.date,
        "pages": f"{len(document.page_starts):,}" if document.page_starts else None,
        "characters": f"{len(document.text):,}",
        "made": ", ".join(counted(count, noun) for count, noun in made),
    }
    return {name: value for name, value in known.items() if value}


def to_json(found: Inspection) -> dict[str, Any]:
    """Return the JSON form of an inspection; spans are ``[start, end]``."""
    document, taken = found.document, found.segmentation
    numbers = iter(found.sentences)
    return {
        "source": document.source,
        "document": document.id,
        "reader": document.reader,
        "encoding": found.encoding,
        "title": found.title,
        "date": document.date,
        "pages": len(document.page_starts) or None,
        "characters": len(document.text),
        "blocks": [_block_to_json(found, block) for block in taken.blocks],
        "passages": [
            _passage_to_json(number, passage, [next(numbers).number for _ in passage.sentences])
            for number, passage in enumerate(taken.passages, 1)
        ],
        "left_out": [
            {"kind": each.kind, "places": each.places, "characters": each.characters}
            for each in found.left_out
        ],
    }


def _block_to_json(found: Inspection, block: Block) -> dict[str, Any]:
    return {
        "role": block.role,
        "page_header": found.kind(block) == PAGE_HEADER,
        "article": block.section.article,
        "title": block.section.title,
        "heading": block.section.heading,
        "page": block.page,
        "spans": _pairs(block.content.spans()),
        "pieces": pieces(block.content),
    }


def _passage_to_json(number: int, passage: Passage, sentences: Sequence[int]) -> dict[str, Any]:
    return {
        "number": number,
        "id": passage.id,
        "role": passage.role,
        "title": passage.title,
        "heading": passage.heading,
        "page": passage.page,
        "characters": len(passage.text),
        "spans": _pairs(passage.spans),
        "text": passage.text,
        "sentences": [
            {"number": at, "text": sentence.text, "spans": _pairs(sentence.spans)}
            for at, sentence in zip(sentences, passage.sentences, strict=True)
        ],
    }


def _pairs(spans: Sequence[Span]) -> list[list[int]]:
    return [[span.start, span.end] for span in spans]


def to_lines(found: Inspection) -> list[Line]:
    """Return an inspection for the terminal: facts, blocks in reading order, what was left out."""
    taken = found.segmentation
    in_block = groupby(sorted(found.sentences, key=_in_reading_order), lambda each: each.block)
    sentences = {block: list(placed) for block, placed in in_block}
    last_of = {each.passage: each.number for each in found.sentences}
    first_of = {each.passage: each.number for each in reversed(found.sentences)}
    told = [_fact_line(name, value) for name, value in facts(found).items()]
    written: list[Line] = [((printable_line(found.document.source), "headline"),), *told]
    article = None
    for at, block in enumerate(taken.blocks):
        if block.section.article != article:
            article = block.section.article
            title = printable_line(block.section.title) or "(without a title)"
            written += [(), ((f"article {article + 1}", "mute"), (f"  {title}", "headline"))]
        written.append(_block_line(found, block))
        groups = groupby(sentences.get(at, []), lambda each: each.passage)
        for index, group in groups:
            fragment = list(group)
            starts = fragment[0].number == first_of[index]
            ends = fragment[-1].number == last_of[index]
            length = len(taken.passages[index].text) if ends else None
            written.append(_fragment_line(index + 1, fragment, block, starts, length))
        if at not in sentences:
            written.append((("        ", ""), *_styled(block.content, found.kind(block))))
    return [*written, *_left_out_lines(found)]


def _in_reading_order(placed: Placed) -> tuple[int, int]:
    return placed.block, placed.number


def _fact_line(name: str, value: str) -> Line:
    return (f"{name:12}", "mute"), (printable_line(value), "")


def _block_line(found: Inspection, block: Block) -> Line:
    kind = found.kind(block)
    place = [ranges(block.content.spans())]
    if block.page is not None:
        place.append(f"p. {block.page}")
    if block.section.heading:
        place.append(f"under {printable_line(block.section.heading)}")
    return (f"{kind:12}", kind), (" · ".join(place), "mute")


def _fragment_line(
    number: int, fragment: Sequence[Placed], block: Block, starts: bool, length: int | None
) -> Line:
    """Return what of a passage stands in a block; `length` is the passage's where it ends here."""
    bracket = {(True, True): "─", (True, False): "┌", (False, False): "│", (False, True): "└"}
    start = bisect_left(block.content.offsets, fragment[0].content.offsets[0])
    end = bisect_left(block.content.offsets, fragment[-1].content.offsets[-1]) + 1
    styled = _styled(block.content.cut(start, end), block.role)
    gutter = (f"{number:5} {bracket[starts, length is not None]} ", "mute")
    return (gutter, *styled, *_length(length))


def _length(length: int | None) -> Line:
    return () if length is None else ((f"  [{counted(length, 'character')}]", "mute"),)


def _styled(content: CleanText, kind: str) -> Iterator[Styled]:
    for piece, gap in zip(pieces(content), [*gaps(content), 0], strict=True):
        yield printable_line(piece), kind
        if gap:
            yield f"⟨{gap} taken out⟩", "mark"


def _left_out_lines(found: Inspection) -> Iterator[Line]:
    yield ()
    yield (("left out" if found.left_out else "nothing was left out", "mute"),)
    for each in found.left_out:
        amount = f"{counted(each.places, 'place')}, {counted(each.characters, 'character')}"
        yield (f"{each.kind:12}", "mute"), (amount, "")


def to_text(written: Sequence[Line]) -> str:
    """Return lines as plain text."""
    return "\n".join("".join(words for words, _ in line) for line in written)
