"""An inspection as one HTML page: the original on the left, what was made of it on the right.

The page holds all it needs and asks for nothing. The left column holds every character of the
original exactly once and in order; whatever is added to it is drawn by the style sheet.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from embeddings.records import Role
from embeddings.segment import Block
from qa.inspect_view import (
    INVISIBLE,
    KINDS,
    WHITE_SPACE,
    Inspection,
    Placed,
    counted,
    facts,
    gaps,
    pieces,
    ranges,
)
from qa.page.markup import Markup, element, join
from qa.page.single import single_page

CHUNK = 4_000
"""The original is laid out in stretches of at least this many characters, each when it is seen."""

_LINE_END = re.compile(r"\n")


def to_html(found: Inspection) -> str:
    """Return the page."""
    columns = element(
        "main",
        element("section", *_original(found), id="original", tabindex=0, aria_label="Original"),
        element("section", *_made(found), id="made", tabindex=0, aria_label="What was made of it"),
    )
    title = f"{found.document.source} · wenju inspect"
    return single_page(title, _header(found), columns, name="inspect")


def _class(kind: str) -> str:
    return kind.replace(" ", "-")


def _header(found: Inspection) -> Markup:
    known = [element("span", f"{name} ", element("b", value)) for name, value in _known(found)]
    return element(
        "header",
        element("h1", found.title),
        element("p", element("span", element("b", found.document.source)), *known, class_="facts"),
        element("p", *_legend(found), class_="legend"),
    )


def _known(found: Inspection) -> Iterator[tuple[str, str]]:
    for name, value in facts(found).items():
        if name == "made":
            yield "", value
        elif name != "title":
            yield name, value


def _legend(found: Inspection) -> Iterator[Markup]:
    """Yield each role with its blocks, then what was left out with its characters."""
    roles = Counter(block.role for block in found.segmentation.blocks)
    for role in Role:
        if roles[role] and role is not Role.BOILERPLATE:
            yield element("span", element("i", role, class_=role), f" {roles[role]:,}")
    if found.left_out:
        yield element("span", "left out:", class_="mute")
    for each in found.left_out:
        amount = f"{counted(each.places, 'place')}, {counted(each.characters, 'character')}"
        name = element("i", each.kind, class_=_class(each.kind))
        yield element("span", name, f" {each.places:,}", title=amount)


def _original(found: Inspection) -> Iterator[Markup]:
    text, kinds, page_starts = found.document.text, found.kinds, found.document.page_starts
    names, owners = _owners(found)
    edges = _edges(text, kinds, owners, page_starts)
    pages = set(page_starts)
    passages = {p.spans[0].start: at for at, p in enumerate(found.segmentation.passages, 1)}
    for chunk in _chunks(text, edges):
        parts: list[Markup] = []
        for start, end in chunk:
            if start in pages:
                label = f"page {bisect_right(page_starts, start)}"
                parts.append(element("span", class_="page-start", data_label=label))
            kind, name = KINDS[kinds[start]], names[owners[start]]
            parts.append(_atom(text[start:end], kind, name, passages.get(start)))
        yield element("div", *parts)


def _owners(found: Inspection) -> tuple[list[str | None], array[int]]:
    """Return the names that the right column has for what it shows, and for each character one.

    Sentences are named by their number, blocks that no passage shows by ``b`` and their index.
    """
    names: list[str | None] = [None]
    owners = array("l", bytes(array("l").itemsize * len(found.document.text)))
    shown = [(str(placed.number), placed.content) for placed in found.sentences]
    unshown = [(f"b{at}", block.content) for at, block in _not_in_passages(found)]
    for name, content in [*shown, *unshown]:
        for span in content.spans():
            owners[span.start : span.end] = array("l", (len(names),)) * len(span)
        names.append(name)
    return names, owners


def _not_in_passages(found: Inspection) -> list[tuple[int, Block]]:
    shown = {placed.block for placed in found.sentences}
    blocks = enumerate(found.segmentation.blocks)
    return [(at, block) for at, block in blocks if at not in shown]


def _edges(text: str, kinds: bytes, owners: Sequence[int], page_starts: Sequence[int]) -> list[int]:
    """Return where the kind or the owner of the characters changes, with both ends of the text."""
    pairs = zip(kinds, owners, kinds[1:], owners[1:], strict=False)
    found = {at for at, (a, b, c, d) in enumerate(pairs, 1) if a != c or b != d}
    return sorted(found | set(page_starts) | {0, len(text)})


def _chunks(text: str, edges: Sequence[int]) -> Iterator[list[tuple[int, int]]]:
    """Yield stretches of the text, each cut at `edges`; all but the last end with a line."""
    cuts = set()
    at = 0
    while match := _LINE_END.search(text, at + CHUNK):
        cuts.add(at := match.end())
    chunk: list[tuple[int, int]] = []
    for start, end in pairwise(sorted({*edges, *cuts})):
        if start in cuts:
            yield chunk
            chunk = []
        chunk.append((start, end))
    yield chunk


def _atom(text: str, kind: str, name: str | None, passage: int | None) -> Markup:
    """Return characters of one kind; `passage` is the number of the one that begins here."""
    if kind == WHITE_SPACE and name is None:
        return join([text])
    codes = " ".join(f"U+{ord(c):04X}" for c in text) if kind == INVISIBLE else None
    return element(
        "span", text, class_=_class(kind), data_s=name, data_codes=codes, data_passage=passage
    )


def _made(found: Inspection) -> Iterator[Markup]:
    """Yield the articles, each with its passages and what was left out, in reading order."""
    blocks = found.segmentation.blocks
    cards = [*_passages(found), *_unshown(found)]
    in_order = sorted(cards, key=lambda card: blocks[card[0]].content.offsets[0])
    for article, group in groupby(in_order, lambda card: blocks[card[0]].section.article):
        shown = list(group)
        title = blocks[shown[0][0]].section.title or "(without a title)"
        label = element("small", f"article {article + 1}")
        yield element("article", element("h2", label, title), *(card for _, card in shown))


def _passages(found: Inspection) -> Iterator[tuple[int, Markup]]:
    """Yield the first block of each passage, and the passage."""
    for index, group in groupby(found.sentences, lambda placed: placed.passage):
        passage, placed = found.segmentation.passages[index], list(group)
        place = [counted(len(passage.text), "character"), ranges(passage.spans)]
        if passage.page is not None:
            place.append(f"p. {passage.page}")
        label = _label(passage.role, f"passage {index + 1} · {' · '.join(place)}", passage.heading)
        shown = element("p", *map(_sentence, placed), class_=passage.role)
        yield placed[0].block, element("div", label, shown, class_="passage")


def _unshown(found: Inspection) -> Iterator[tuple[int, Markup]]:
    for at, block in _not_in_passages(found):
        kind = found.kind(block)
        label = _label(kind, f"left out · {ranges(block.content.spans())}")
        words = element("span", *pieces(block.content), data_s=f"b{at}", tabindex=0)
        shown = element("p", words, class_=_class(kind))
        yield at, element("div", label, shown, class_="passage out")


def _label(kind: str, place: str, heading: str = "") -> Markup:
    above = element("span", "under ", heading, class_="above") if heading else Markup()
    return element("header", element("i", kind, class_=_class(kind)), f" {place}", above)


def _sentence(placed: Placed) -> Markup:
    parts: list[str] = []
    for piece, gap in zip(pieces(placed.content), [*gaps(placed.content), 0], strict=True):
        parts.append(piece)
        if gap:
            told = f"{counted(gap, 'character')} of the original taken out here"
            parts.append(element("u", class_="gap", title=told, aria_label=told))
    return element("span", *parts, data_s=str(placed.number), tabindex=0)
