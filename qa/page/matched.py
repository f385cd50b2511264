"""Where the words of a question stand in a passage, to be marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from embeddings.lexical import search_form
from embeddings.records import Span


def matched(text: str, words: Iterable[str]) -> list[Span]:
    """Return the spans of `text` where words stand, rising, those that touch as one.

    Args:
        text: as it is written: full-width, Traditional, in capitals.
        words: in search form (`Signals.words`).
    """
    forms = [search_form(character) for character in text]
    owners = [at for at, form in enumerate(forms) for _ in form]
    whole = "".join(forms)
    found = sorted(span for word in words for span in _places(word, whole, owners))
    return _together(found)


def _places(word: str, whole: str, owners: Sequence[int]) -> Iterator[Span]:
    at = whole.find(word) if word else -1
    while at >= 0:
        end = at + len(word)
        if not (_goes_on(whole, at) or _goes_on(whole, end)):
            yield Span(owners[at], owners[end - 1] + 1)
        at = whole.find(word, at + 1)


def _goes_on(whole: str, at: int) -> bool:
    """Tell whether a Latin word or a number runs over this place: art is not in party."""
    pair = whole[max(0, at - 1) : at + 1]
    return len(pair) == 2 and at > 0 and pair.isascii() and pair.isalnum()


def _together(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for span in spans:
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found
