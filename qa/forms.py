"""Where a sentence has something of the form that a question wants, and how surely.

Patterns only: no words are cut, no vectors made, so that a hundred sentences cost a few
milliseconds.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache

from embeddings.lexical import search_form, to_simplified
from embeddings.records import Span
from qa.clauses import comparisons, definitions, frames, lists, manners, reasons
from qa.kinds import Form, Kind, Wanted
from qa.moments import dates, durations
from qa.names import bodies, ended, people, places, titles
from qa.quantities import quantities

NEUTRAL = 0.5
"""Strength of every sentence for kinds that have no form: YES_NO and SMALL_TALK."""

MUCH_WEAKER = 0.25
"""Forms weaker than the best of their sentence by more than this are not marked."""

_LEAST = {
    Kind.YES_NO: NEUTRAL,
    Kind.SMALL_TALK: NEUTRAL,
    Kind.OTHER: 0.3,
    Kind.DEFINITION: 0.3,
    Kind.COMPARISON: 0.3,
    Kind.MANNER: 0.2,
    Kind.REASON: 0.1,
}
"""Strength of a sentence without the form, for kinds that can be answered without it."""

_APPROXIMATION = "约近超逾达共余多大过将至少不足到仅只为是有以上左右 "
_MARKS_KEPT = frozenset("，；：？！（）")

_Finder = Callable[[str, Wanted], Iterator[Form]]


def forms_in(text: str, wanted: Wanted, question: str) -> tuple[Span, ...]:
    """Return the places of `text` that have the wanted form and are not said in `question`.

    Args:
        text: one sentence, in any script, as it stands (full-width digits and all).
        wanted: what `question` wants, see `qa.question.analyse`.
        question: the question itself.

    Returns:
        Spans in `text`, in reading order, disjoint; empty when there are none, and for kinds
        without a form.
    """
    return tuple(Span(form.start, form.end) for form in _disjoint(_found(text, wanted, question)))


def strength(text: str, wanted: Wanted, question: str) -> float:
    """Return how surely `text` holds something of the wanted form, 0 to 1.

    About 0.9 with a unit or a cue that agrees, 1 where the question's own words stand beside it as
    well, 0.5 bare, 0 without. `NEUTRAL` for kinds without a form; for kinds that are often
    answered without one (reason, manner, definition, comparison, other) not 0 but 0.1 to 0.3.
    """
    least = _LEAST.get(wanted.kind, 0.0)
    return max((form.strength for form in _found(text, wanted, question)), default=least)


@cache
def _folding() -> dict[int, str]:
    """Return the table that makes a text Simplified and half-width, each character by itself."""
    codes = (*range(0x3400, 0xA000), *range(0xF900, 0xFB00))
    simplified = to_simplified("\n".join(map(chr, codes))).split("\n")
    table = dict(zip(codes, simplified, strict=True))
    wide = (code for code in range(0xFF01, 0xFF5F) if chr(code) not in _MARKS_KEPT)
    table.update((code, unicodedata.normalize("NFKC", chr(code))) for code in wide)
    table.update({ord("²"): "2", ord("³"): "3"})
    return {code: to for code, to in table.items() if len(to) == 1 and to != chr(code)}


@lru_cache(maxsize=512)
def _asked(question: str) -> str:
    """Return a question in the form in which what it says is looked up."""
    return search_form(question.encode("utf-8", "replace").decode()).replace(" ", "")


@lru_cache(maxsize=1024)
def _found(text: str, wanted: Wanted, question: str) -> tuple[Form, ...]:
    """Return the forms of `text`, overlapping ones too; kept, for both functions want them."""
    finder = _FINDERS.get(wanted.kind)
    if finder is None:
        return ()
    asked = _asked(question)
    folded = text.translate(_folding())
    typed = [form for form in finder(folded, wanted) if not _is_said(folded, form, asked)]
    framed = [form for form in frames(folded, wanted) if not _is_said(folded, form, asked)]
    alone = _FRAMED.get(wanted.kind, 1.0)
    return (*_confirmed(typed, framed), *(_scaled(framed, alone) if alone else ()))


def _confirmed(typed: Iterable[Form], framed: list[Form]) -> Iterator[Form]:
    """Yield typed forms, stronger where the question's own words stand beside them."""
    for form in typed:
        beside = any(form.start < other.end and other.start < form.end for other in framed)
        yield Form(form.start, form.end, min(1.0, form.strength + 0.2)) if beside else form


def _is_said(folded: str, form: Form, asked: str) -> bool:
    words = folded[form.start : form.end].strip(_APPROXIMATION).lower().replace(" ", "")
    return not words or words in asked


def _disjoint(forms: Sequence[Form]) -> list[Form]:
    """Return the strongest forms that do not overlap, in reading order; longer before shorter."""
    kept: list[Form] = []
    least = max((form.strength for form in forms), default=0.0) - MUCH_WEAKER
    for form in sorted(forms, key=lambda form: (-form.strength, form.start - form.end)):
        if form.strength >= least and all(
            form.end <= other.start or other.end <= form.start for other in kept
        ):
            kept.append(form)
    return sorted(kept)


def _scaled(forms: Iterable[Form], scale: float) -> Iterator[Form]:
    return (Form(start, end, scale * sure) for start, end, sure in forms)


def _places(folded: str, wanted: Wanted) -> Iterator[Form]:
    yield from ended(folded, wanted.endings, 0.9)
    yield from _scaled(places(folded, wanted), 0.7 if wanted.endings else 1.0)


def _bodies(folded: str, wanted: Wanted) -> Iterator[Form]:
    yield from ended(folded, wanted.endings, 0.9)
    yield from _scaled(bodies(folded, wanted), 0.6 if wanted.endings else 1.0)


def _titles(folded: str, wanted: Wanted) -> Iterator[Form]:
    yield from ended(folded, wanted.endings, 0.7)
    yield from titles(folded, wanted)
    yield from _of_noun(folded, wanted, 0.7)


def _lists(folded: str, wanted: Wanted) -> Iterator[Form]:
    yield from lists(folded, wanted)
    yield from _of_noun(folded, wanted, 0.5)


def _other(folded: str, wanted: Wanted) -> Iterator[Form]:
    yield from ended(folded, wanted.endings, 0.7)


def _of_noun(folded: str, wanted: Wanted, scale: float) -> Iterator[Form]:
    """Yield forms of the kind that the question's noun names (校长叫什么名字, 哪些城市)."""
    finder = _OF_NOUNS.get(wanted.noun)
    if finder is not None:
        yield from _scaled(finder(folded, wanted), scale)


_OF_NOUNS: dict[Kind, _Finder] = {
    Kind.PERSON: people,
    Kind.PLACE: _places,
    Kind.ORGANISATION: _bodies,
}
_FRAMED = {
    Kind.NUMBER: 0.0,
    Kind.DATE: 0.0,
    Kind.DURATION: 0.0,
    Kind.COMPARISON: 0.0,
    Kind.REASON: 0.6,
}
"""How far the place of the asking word is a form by itself; 1 for the kinds not named."""

_FINDERS: dict[Kind, _Finder] = {
    Kind.NUMBER: quantities,
    Kind.DATE: dates,
    Kind.DURATION: durations,
    Kind.PERSON: people,
    Kind.PLACE: _places,
    Kind.ORGANISATION: _bodies,
    Kind.NAME: _titles,
    Kind.REASON: reasons,
    Kind.MANNER: manners,
    Kind.DEFINITION: definitions,
    Kind.LIST: _lists,
    Kind.COMPARISON: comparisons,
    Kind.OTHER: _other,
}
