"""A long sentence -> the part of it that holds what was asked for.

Reports and newspapers string whole paragraphs together with semicolons, and with commas where there
are none. What is left is still the exact characters of the original, and can be read at a glance.
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
_COMMA = re.compile(r"[;；，：]\s*|[,:]\s+|(?<=[^\d\W]),(?=\D)")


def answering_part(text: str, marks: Sequence[Span], words: Collection[str]) -> Span | None:
    """Return the part of a sentence that answers; None where it is to be said whole.

    Args:
        text: the sentence.
        marks: spans of it that have the form of the answer.
        words: the question's words in it, in search form.
    """
    if len(text) <= LONGEST:
        return None
    parts = list(_parts(text, _SEMICOLON))
    holding = [part for part in parts if any(_holds(part, mark) for mark in marks)]
    if len(parts) > 1 and holding:
        best = max(holding, key=lambda part: _shared(part.of(text), words))
        return best if len(best) <= LONGEST else _run(text, best, marks, words) or best
    return _run(text, Span(0, len(text)), marks, words)


def _run(text: str, whole: Span, marks: Sequence[Span], words: Collection[str]) -> Span | None:
    """Return the clauses side by side, at most `LONGEST` characters, that hold most.

    A mark counts more than any words, and these more than length; None where nothing is held.
    """
    found, most = None, (False, 0, 0)
    clauses = [one for one in _parts(text, _COMMA) if whole.start <= one.start < whole.end]
    for at, first in enumerate(clauses):
        for last in clauses[at:]:
            run = Span(first.start, last.end)
            if len(run) > LONGEST:
                break
            shared = _shared(run.of(text), words)
            holds = (any(_holds(run, mark) for mark in marks), shared, len(run))
            if holds > most and (holds[0] or shared):
                found, most = run, holds
    return found


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


def _parts(text: str, mark: re.Pattern[str]) -> Iterator[Span]:
    """Yield what stands between two marks, without them."""
    cuts = list(mark.finditer(text))
    starts, ends = [0, *(cut.end() for cut in cuts)], [*(cut.start() for cut in cuts), len(text)]
    yield from (Span(start, end) for start, end in zip(starts, ends, strict=True) if start < end)


def _holds(part: Span, mark: Span) -> bool:
    return part.start <= mark.start and mark.end <= part.end


def _shared(text: str, words: Collection[str]) -> int:
    plain = search_form(text)
    return sum(len(word) for word in words if word in plain)
