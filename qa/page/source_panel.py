"""The original document beside the conversation: its own characters, with the cited ones marked.

Every character of the original inside the shown windows is in the page exactly once and in order;
whatever the panel adds (page numbers, notices) is drawn by the style sheet or stands outside.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from embeddings.records import Span
from qa.page.markup import Markup, element, escape, join
from qa.page.places import details, place, quoted
from qa.page.references import Pointer, Reference
from qa.page.texts import Texts, characters
from qa.records import OriginalDocument

SHOWN_AROUND = 20_000

# Three or more blank lines; they are shown as one by the style sheet.
_BLANK_LINES = re.compile(r"(?:\r?\n[^\S\n]*){3,}\n")


@dataclass(frozen=True, slots=True)
class Opened:
    """What the panel shows.

    Attributes:
        pointer: names the reference within the conversation.
        reference: the place to show.
        count: how many references of its kind the answer has.
        document: the original; None when it cannot be opened.
        problem: why not; empty otherwise.
    """

    pointer: Pointer
    reference: Reference
    count: int
    document: OriginalDocument | None
    problem: str = ""


def windows(length: int, spans: Sequence[Span], around: int = SHOWN_AROUND) -> list[Span]:
    """Return the stretches of a text of `length` characters to show: `around` each of `spans`.

    Stretches that touch are one. Ascending; one window over everything for a short text.
    """
    found: list[Span] = []
    for span in sorted(spans):
        start, end = max(0, span.start - around), min(length, span.end + around)
        if found and start <= found[-1].end:
            start = found.pop().start
        found.append(Span(start, end))
    return found


def _readable(text: str) -> Iterator[Markup]:
    end = 0
    for run in _BLANK_LINES.finditer(text):
        yield escape(text[end : run.start()])
        yield element("span", run.group(), class_="blank")
        end = run.end()
    yield escape(text[end:])


def _page_mark(document: OriginalDocument, offset: int, texts: Texts) -> Markup:
    if offset not in document.page_starts:
        return Markup()
    # Empty pages start at one offset: the last of them is the page whose text follows.
    number = bisect_right(document.page_starts, offset)
    return element("span", class_="page-start", data_label=texts.page.format(page=number))


def _cuts(window: Span, spans: Sequence[Span], page_starts: Sequence[int]) -> list[int]:
    edges = {edge for span in spans for edge in (span.start, span.end)} | set(page_starts)
    inside = {edge for edge in edges if window.start < edge < window.end}
    return sorted(inside | {window.start, window.end})


def original_text(
    document: OriginalDocument, window: Span, spans: Sequence[Span], texts: Texts
) -> Markup:
    """Return the characters of `window` as HTML, those of `spans` inside ``<mark>``."""
    parts: list[Markup] = []
    for start, end in pairwise(_cuts(window, spans, document.page_starts)):
        parts.append(_page_mark(document, start, texts))
        piece = join(_readable(document.text[start:end]))
        cited = any(span.start <= start < span.end for span in spans)
        parts.append(element("mark", piece) if cited else piece)
    return join(parts)


def _omitted(count: int, texts: Texts) -> Markup:
    if not count:
        return Markup()
    return element("p", texts.omitted.format(count=f"{count:,}"), class_="omitted")


def _whole(document: OriginalDocument, spans: Sequence[Span], texts: Texts) -> Markup:
    length, end = len(document.text), 0
    parts: list[Markup] = []
    for window in windows(length, spans):
        parts.append(_omitted(window.start - end, texts))
        shown = original_text(document, window, spans, texts)
        parts.append(element("div", shown, class_="text"))
        end = window.end
    return join([*parts, _omitted(length - end, texts)])


def _stored(opened: Opened, texts: Texts) -> Markup:
    """Show the words as they were cited, when the original is gone or reads differently."""
    reference = opened.reference
    words = reference.quotes or (reference.text,)
    return join(
        [
            element("p", texts.not_stored, " ", opened.problem, class_="omitted"),
            *(element("div", element("mark", quote), class_="text") for quote in words),
        ]
    )


def _reads_as_cited(document: OriginalDocument, reference: Reference) -> bool:
    if reference.spans[-1].end > len(document.text):
        return False
    pairs = zip(reference.quotes, reference.spans, strict=False)
    return all(span.of(document.text) == quote for quote, span in pairs)


def _body(opened: Opened, texts: Texts) -> Markup:
    document, reference = opened.document, opened.reference
    if document is None or not _reads_as_cited(document, reference):
        return _stored(opened, texts)
    return _whole(document, reference.spans, texts)


def _close(texts: Texts) -> Markup:
    return element(
        "button", "×", type="button", class_="close", data_act="close", aria_label=texts.close
    )


def _heading(opened: Opened, texts: Texts) -> Markup:
    reference = opened.reference
    parts = [*details(reference, texts), characters(texts, reference.spans), texts.original]
    return element(
        "header",
        element("h2", reference.title or reference.source, tabindex=-1),
        element("p", " · ".join(parts), title=place(reference, texts)),
        _close(texts),
    )


def _step(opened: Opened, step: int, label: Markup) -> Markup:
    pointer = opened.pointer
    number = pointer.number + step
    return element(
        "button",
        label,
        type="button",
        data_act="open",
        data_turn=pointer.turn,
        data_kind=pointer.kind,
        data_number=number,
        disabled=not 1 <= number <= opened.count,
    )


def _footer(opened: Opened, texts: Texts) -> Markup:
    position = f"{opened.pointer.number} / {opened.count}"
    copied = quoted(opened.reference, texts)
    return element(
        "footer",
        _step(opened, -1, join(["‹ ", texts.previous])),
        element("span", position, class_="position"),
        _step(opened, 1, join([texts.next, " ›"])),
        element(
            "button",
            texts.copy_source,
            type="button",
            class_="copy",
            data_act="copy",
            data_copy=copied,
        ),
    )


def panel_html(opened: Opened | None, texts: Texts) -> Markup:
    """Return the panel: an opened place, or None for the line that says what it is for."""
    if opened is None:
        hint = element("p", texts.nothing_open, class_="hint")
        return element("aside", hint, class_="panel empty", aria_label=texts.original)
    return element(
        "aside",
        _heading(opened, texts),
        element(
            "div", _body(opened, texts), class_="original", tabindex=0, aria_label=texts.original,
            role="region",
        ),
        _footer(opened, texts),
        class_="panel",
        aria_label=texts.original,
        data_turn=opened.pointer.turn,
        data_kind=opened.pointer.kind,
        data_number=opened.pointer.number,
    )  # fmt: skip
