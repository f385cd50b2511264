"""A long sentence -> the part of it, between two semicolons, that holds what was asked for.

Reports and newspapers string whole paragraphs together with semicolons. What is left is still the
exact characters of the original, and can be read at a glance.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from embeddings.cleaning import clean
from embeddings.lexical import search_form
from embeddings.records import Span

LONGEST = 150
"""Characters of a sentence that is said whole."""

_SEMICOLON = re.compile(r"[;；]\s*")


def answering_part(text: str, marks: Sequence[Span], words: Collection[str]) -> Span | None:
    """Return the part of a sentence that answers; None where it is to be said whole.

    Args:
        text: the sentence.
        marks: spans of it that have the form of the answer.
        words: the question's words in it, in search form.
    """
    if len(text) <= LONGEST:
        return None
    parts = [part for part in _parts(text) if any(_holds(part, mark) for mark in marks)]
    if not parts or len(parts[0]) == len(text):
        return None
    return max(parts, key=lambda part: _shared(part.of(text), words))


def spans_of(part: Span, text: str, whole: Span, original: str) -> tuple[Span, ...]:
    """Return where a part of a sentence stands in the original text; nothing where it is unsure.

    Args:
        part: of the sentence.
        text: the sentence, clean.
        whole: where it stands in `original`.
        original: the text of the document.
    """
    read = clean(whole.of(original))
    if read.text != text:
        return ()
    found = read.cut(part.start, part.end).spans()
    return tuple(Span(whole.start + one.start, whole.start + one.end) for one in found)


def _parts(text: str) -> Iterator[Span]:
    cuts = list(_SEMICOLON.finditer(text))
    starts, ends = [0, *(cut.end() for cut in cuts)], [*(cut.start() for cut in cuts), len(text)]
    yield from (Span(start, end) for start, end in zip(starts, ends, strict=True) if start < end)


def _holds(part: Span, mark: Span) -> bool:
    return part.start <= mark.start and mark.end <= part.end


def _shared(text: str, words: Collection[str]) -> int:
    plain = search_form(text)
    return sum(len(word) for word in words if word in plain)
