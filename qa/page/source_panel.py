"""The original document beside the conversation: its own characters, with the cited ones marked.

Every character of the original inside the shown windows is in the page exactly once and in order;
whatever the panel adds (page numbers, notices) is drawn by the style sheet or stands outside.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from embeddings.records import Span
from qa.page.markup import Markup, element, escape, join
from qa.page.originals import Age, Opened, Picture
from qa.page.places import details, place, quoted
from qa.page.references import Reference, reference_data
from qa.page.texts import Texts, characters
from qa.page.views import Patch
from qa.records import OriginalDocument

SHOWN_AROUND = 20_000

# Three or more blank lines; they are shown as one by the style sheet.
_BLANK_LINES = re.compile(r"(?:\r?\n[^\S\n]*){3,}\n")


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
    for window in windows(length, spans or [Span(0, 1)] * (length > 0)):
        parts.append(_omitted(window.start - end, texts))
        shown = original_text(document, window, spans, texts)
        parts.append(element("div", shown, class_="text"))
        end = window.end
    return join([*parts, _omitted(length - end, texts)])


def _stored(opened: Opened, texts: Texts) -> Markup:
    """Show the words as they were cited, when the original is gone or reads differently."""
    reference = opened.reference
    words = reference.quotes or (reference.text,)
    why = texts.gone_version if opened.age is not Age.CURRENT else texts.not_stored
    return join(
        [
            _notice(_aged(opened, texts), why, opened.problem),
            *(element("div", element("mark", quote), class_="text") for quote in words),
        ]
    )


def _aged(opened: Opened, texts: Texts) -> str:
    """Return the sentence that says what became of the file; empty when nothing did."""
    sentences = {Age.CHANGED: texts.file_changed, Age.REMOVED: texts.file_removed}
    return sentences.get(opened.age, "")


def _notice(*sentences: str) -> Markup:
    return element("p", " ".join(filter(None, sentences)), class_="notice", role="note")


def _reads_as_cited(document: OriginalDocument, reference: Reference) -> bool:
    if reference.spans and reference.spans[-1].end > len(document.text):
        return False
    pairs = zip(reference.quotes, reference.spans, strict=False)
    return all(span.of(document.text) == quote for quote, span in pairs)


def _body(opened: Opened, texts: Texts) -> Markup:
    document, reference = opened.document, opened.reference
    if document is None or not _reads_as_cited(document, reference):
        return _stored(opened, texts)
    aged = _aged(opened, texts)
    notice = _notice(aged, texts.earlier_version) if aged else Markup()
    return join([notice, _whole(document, reference.spans, texts)])


def _per_cent(part: float) -> str:
    return f"{part * 100:.2f}%"


def _pictured(picture: Picture, reference: Reference, texts: Texts) -> Markup:
    """Return a page as it looks, with the place framed."""
    frames = [
        element(
            "span",
            class_="frame",
            style=(
                f"left:{_per_cent(box.left)};top:{_per_cent(box.top)};"
                f"width:{_per_cent(box.right - box.left)};"
                f"height:{_per_cent(box.bottom - box.top)}"
            ),
        )
        for box in picture.frames
    ]
    shown = element(
        "img",
        src=picture.address,
        width=picture.width,
        height=picture.height,
        alt=texts.picture_of.format(source=reference.source, page=picture.page),
    )
    return element("div", element("div", shown, *frames, class_="sheet-of-paper"), class_="picture")


def _faces(texts: Texts) -> Markup:
    """Return the buttons that choose between a page as it looks, larger too, and its text."""
    named = (("picture", texts.picture), ("text", texts.text))
    zoom = element("button", texts.zoom, type="button", class_="zoom", data_act="zoom")
    return element(
        "span",
        *[
            element("button", name, type="button", data_act="face", data_face=face)
            for face, name in named
        ],
        zoom,
        class_="faces",
        role="group",
    )


def _heading(opened: Opened, texts: Texts) -> Markup:
    reference = opened.reference
    range_ = [characters(texts, reference.spans)] if reference.spans else []
    parts = [*details(reference, texts), *range_, texts.original]
    section = reference.heading if reference.heading != reference.title else ""
    return element(
        "header",
        element("h2", reference.title or reference.source, tabindex=-1),
        element("p", section, class_="section") if section else Markup(),
        element("p", " · ".join(parts), class_="where", title=place(reference, texts)),
        _faces(texts) if opened.picture is not None else Markup(),
        element(
            "button", "×", type="button", class_="close", data_act="close", aria_label=texts.close
        ),
    )


def _step(reference: Reference, step: int, label: Markup) -> Markup:
    number = reference.number + step
    return element(
        "button",
        label,
        type="button",
        data_act="step",
        data_number=number,
        disabled=not 1 <= number <= reference.count,
    )


def _footer(opened: Opened, texts: Texts) -> Markup:
    reference = opened.reference
    steps = (
        _step(reference, -1, join(["‹ ", texts.previous])),
        element("span", f"{reference.number} / {reference.count}", class_="position"),
        _step(reference, 1, join([texts.next, " ›"])),
    )
    copy = element(
        "button",
        texts.copy_source,
        type="button",
        class_="copy",
        data_act="copy",
        data_copy=quoted(reference, texts),
    )
    return element("footer", *steps, copy)


def panel_html(opened: Opened | None, texts: Texts) -> Markup:
    """Return the panel: an opened place, or None for the line that says what it is for."""
    if opened is None:
        hint = element("p", texts.nothing_open, class_="hint")
        return element("aside", hint, class_="panel empty", aria_label=texts.original)
    text = element(
        "div",
        _body(opened, texts),
        class_="original",
        tabindex=0,
        aria_label=texts.original,
        role="region",
    )
    picture = opened.picture
    return element(
        "aside",
        _heading(opened, texts),
        _pictured(picture, opened.reference, texts) if picture is not None else Markup(),
        text,
        _footer(opened, texts) if opened.reference.text else Markup(),
        class_="panel",
        aria_label=texts.original,
        data_reference=reference_data(opened.reference),
        data_pictured=picture is not None,
    )


def panel_patch(opened: Opened, texts: Texts) -> Patch:
    """Return the patch that fills the source panel, beside whatever view is shown."""
    return Patch("panel", panel_html(opened, texts))
