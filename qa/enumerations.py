"""Things that a Chinese question names side by side: where they stand and what they share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from embeddings.records import Span
from qa.noun_runs import COORDINATORS, HIDDEN, NounRuns
from qa.phrases import Sort

_NUMBER_OF_ALL = re.compile(
    r"(?:[两二三四五六七八](?:者|方|地|家|国|省|市|区|县|校|院|部|种|类)|双方)$"
)


class Chain(NamedTuple):
    """Things that are named side by side.

    Attributes:
        start, end: where they stand in a text, from the first to the last.
        names: each of them.
    """

    start: int
    end: int
    names: tuple[Span, ...]


class Side(NamedTuple):
    """What stands on one side of a coordinator, as numbers of words, the last excluded.

    Attributes:
        start, end: the whole.
        head: where the noun begins that an attribute with 的 may stand before.
        clause: whether that attribute is a relative clause.
    """

    start: int
    head: int
    end: int
    clause: bool = False


def chains(runs: NounRuns) -> Iterator[Chain]:
    """Yield what is named side by side, in order."""
    at, words = 0, runs.words
    while at < len(words):
        if not _is_coordinator(runs, at) or (left := _left(runs, at)) is None:
            at += 1
            continue
        sides = [left]
        while at < len(words) and _is_coordinator(runs, at):
            right = _right(runs, at + 1, clause=left.clause)
            if right is None:
                break
            sides.append(right)
            at = right.end + _comma_before_coordinator(runs, right.end)
        if len(sides) > 1:
            yield _chain(runs, [_of_equal_length(runs, sides[0], sides[-1]), *sides[1:]])
        at = max(at, sides[-1].end) if len(sides) > 1 else at + 1


def _of_equal_length(runs: NounRuns, first: Side, last: Side) -> Side:
    """Return the first side with the verb that is its attribute, as in 独裁政体和民主政体."""
    before = first.start - 1
    noun = runs.words[last.head - 2 if last.head > last.start else last.end - 1]
    alike = noun.text.endswith(runs.words[first.end - 1].text)
    if before < 0:
        return first
    lengths = [len(runs.span(side.start, side.end)) for side in (first, last)]
    if not alike or lengths[0] >= lengths[1] or before != runs.clause_start(before):
        return first
    attribute = runs.words[before].tag in ("v", "vn", "a", "b", "d")
    return Side(before, before, first.end) if attribute else first


def _comma_before_coordinator(runs: NounRuns, at: int) -> int:
    more = at + 1 < len(runs.words) and runs.words[at].text == ","
    return int(more and _is_coordinator(runs, at + 1))


def _is_coordinator(runs: NounRuns, at: int) -> bool:
    word = runs.words[at]
    return word.text in COORDINATORS and runs.hidden[word.span.start] != HIDDEN


def _left(runs: NounRuns, coordinator: int) -> Side | None:
    """Return what ends before a coordinator."""
    end = coordinator
    if end and runs.words[end - 1].text == ",":
        end -= 1
    head = runs.run_back(end)
    if head == end:
        return None
    if head < 2 or runs.words[head - 1].text not in ("的", "之"):
        return Side(head, head, end)
    start = runs.run_back(head - 1)
    if start == head - 1:
        return Side(runs.clause_start(start), head, end, clause=True)
    return Side(start, head, end)


def _right(runs: NounRuns, start: int, *, clause: bool) -> Side | None:
    """Return what begins behind a coordinator; with an attribute like that of the left side."""
    end = runs.run(start)
    while end - 1 > start and runs.in_time(runs.words[end - 1]) and not _is_time(runs, start):
        end -= 1
    if end == start:
        return None
    if end < len(runs.words) and runs.words[end].text in ("的", "之"):
        further = runs.run(end + 1)
        return Side(start, end + 1, further) if further > end + 1 else Side(start, start, end)
    if clause:
        stop = runs.clause_end(start)
        attributes = [at for at in range(start, stop) if runs.words[at].text == "的"]
        if attributes and runs.run(attributes[-1] + 1) == stop > attributes[-1] + 1:
            return Side(start, attributes[-1] + 1, stop, clause=True)
    return Side(start, start, end)


def _is_time(runs: NounRuns, at: int) -> bool:
    return runs.in_time(runs.words[at])


def _chain(runs: NounRuns, sides: Sequence[Side]) -> Chain:
    """Return what is enumerated: whole sides, or parts of them with something shared."""
    first, last = sides[0], sides[-1]
    spans = [runs.span(side.start, side.end) for side in sides]
    attributed = [side.head > side.start for side in sides]
    if attributed[0] and not any(attributed[1:]) and not runs.is_named(last.start):
        spans[0] = runs.span(first.head, first.end)
    elif attributed[-1] and not any(attributed[:-1]):
        spans[-1] = runs.span(last.start, last.head - 1)
    elif not any(attributed):
        spans[0], spans[-1] = _without_shared(runs, spans[0], spans[-1])
    end = spans[-1].end
    spans[-1] = _without_number(runs, spans[-1])
    return Chain(spans[0].start, end, tuple(spans))


def _without_number(runs: NounRuns, span: Span) -> Span:
    """Return the last name without the number of all, as in 政府和商家双方."""
    match = _NUMBER_OF_ALL.search(runs.hidden, span.start, span.end)
    return Span(span.start, match.start()) if match and match.start() > span.start else span


def _without_shared(runs: NounRuns, first: Span, last: Span) -> tuple[Span, Span]:
    """Return two names without the time or place that only one of them holds."""
    lead, sort = runs.lead(first)
    other, other_sort = runs.lead(last)
    if lead == first.end and other_sort is sort and other < last.end:
        return first, Span(last.start, other)
    shared = sort is not None and other_sort is not sort and lead < first.end
    if shared and (sort is Sort.TIME or _differ_in_kind(runs, first, last)):
        return _without_shared(runs, Span(lead, first.end), last)
    return first, last


def _differ_in_kind(runs: NounRuns, first: Span, last: Span) -> bool:
    """Tell whether a name that holds a place stands beside a common noun."""
    plain = runs.phrase.plain
    begins = next((at for at, w in enumerate(runs.words) if w.span.start == last.start), None)
    alike = plain[first.end - 1] == plain[last.end - 1] and len(plain) > 1
    return begins is not None and not alike and not runs.is_named(begins)
