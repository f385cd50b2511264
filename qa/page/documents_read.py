"""A document as it was read: its blocks in reading order, each with its role."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from embeddings.records import Role
from embeddings.segment import Block
from qa.inspect_view import PAGE_HEADER, Inspection, gaps, pieces, ranges
from qa.page.documents_texts import DocumentsTexts, counted
from qa.page.markup import Markup, element, join

BLOCKS = 300
"""Blocks that are drawn at a time."""


def read_html(found: Inspection, source: str, texts: DocumentsTexts) -> Markup:
    """Return the content of the dialog: what is known of the file, its roles, its first blocks."""
    return join(
        [
            _header(found, source, texts),
            element("div", blocks_html(found, 0, texts), id="documents-blocks", class_="blocks"),
            element("div", more_html(found, 0, texts), id="documents-read-more"),
        ]
    )


def _header(found: Inspection, source: str, texts: DocumentsTexts) -> Markup:
    document = found.document
    known = [source, document.date or ""]
    return element(
        "header",
        element("h2", found.title, tabindex=-1),
        element("p", " · ".join(filter(None, known)), class_="where", title=document.reader),
        element("p", *_legend(found, texts), class_="legend"),
        element(
            "button", "×", type="button", class_="close", data_act="close-read",
            aria_label=texts.close,
        ),
    )  # fmt: skip


def _legend(found: Inspection, texts: DocumentsTexts) -> Iterator[Markup]:
    roles = Counter(block.role for block in found.segmentation.blocks)
    for role in Role:
        if roles[role] and role is not Role.BOILERPLATE:
            yield _item(role, counted(texts.counts, roles[role]), texts)
    if found.left_out:
        yield element("span", texts.left_out, class_="where")
    for each in found.left_out:
        yield _item(each.kind, counted(texts.amount, each.characters), texts)


def _item(kind: str, amount: str, texts: DocumentsTexts) -> Markup:
    known = element("span", amount, class_="where")
    return element("span", _role(kind, texts), " ", known, class_="item")


def _role(kind: str, texts: DocumentsTexts) -> Markup:
    name = texts.roles.get(str(kind), str(kind))
    return element("i", name, class_=f"role {str(kind).replace(' ', '-')}")


def blocks_html(found: Inspection, start: int, texts: DocumentsTexts) -> Markup:
    """Return the blocks from number `start` on, under the titles of their articles."""
    blocks = found.segmentation.blocks
    shown = blocks[start : start + BLOCKS]
    last = blocks[start - 1].section.article if start else None
    parts: list[Markup] = []
    for article, group in groupby(shown, lambda block: block.section.article):
        ours = list(group)
        if article != last:
            parts.append(_article(ours[0], article + 1, texts))
        parts += [_block(found, block, texts) for block in ours]
    return join(parts)


def _article(block: Block, number: int, texts: DocumentsTexts) -> Markup:
    label = element("small", texts.article.format(number=number))
    return element("h3", label, " ", block.section.title or texts.untitled)


def _block(found: Inspection, block: Block, texts: DocumentsTexts) -> Markup:
    kind = found.kind(block)
    out = kind in (Role.BOILERPLATE, PAGE_HEADER)
    place = [texts.characters.format(range=ranges(block.content.spans()))]
    if block.page is not None:
        place.insert(0, texts.page.format(page=block.page))
    if out:
        place.append(texts.not_answered)
    return element(
        "section",
        element("p", _role(kind, texts), " ", element("span", " · ".join(place), class_="where")),
        element("p", *_words(block, texts), class_="words"),
        class_="block out" if out else "block",
        data_role=str(kind),
    )


def _words(block: Block, texts: DocumentsTexts) -> Iterator[Markup]:
    for piece, gap in zip(pieces(block.content), [*gaps(block.content), 0], strict=True):
        yield join([piece])
        if gap:
            told = texts.gap.format(count=gap)
            yield element("u", class_="gap", title=told, aria_label=told, role="img")


def more_html(found: Inspection, start: int, texts: DocumentsTexts) -> Markup:
    """Return the button for the blocks behind those; empty when there are none."""
    rest = len(found.segmentation.blocks) - start - BLOCKS
    if rest <= 0:
        return Markup()
    return element(
        "button", texts.more.format(count=f"{min(rest, BLOCKS):,}"), type="button", class_="button",
        data_act="more-blocks", data_start=start + BLOCKS, data_document=found.document.id,
    )  # fmt: skip
