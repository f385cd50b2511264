"""Which part of an earlier question a new part stands for: scored by kind, form and place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from embeddings.records import Span
from qa.chinese_words import GENERAL_NOUNS, UNITS
from qa.earlier import Earlier
from qa.phrases import Asking, Phrase, Sort, Word, is_name, sort_of
from qa.topics import asked_of

LONGEST_SLOT = 6
"""Words of a slot at most."""

LEAST_SCORE = 0.15
"""A slot below this is no place for the new part."""

_END_MARKS = " 　?？!！。.，,;；、"
_MARKS = re.compile(r"[“”‘’「」『』《》〈〉\"]")
_LATIN = re.compile(r"[a-z][a-z0-9.&'-]*(?: ?[a-z0-9.&'-]+)*", re.I)
PERSONS = re.compile(r".*(?:[生员者人士师]|博士后|干部|老师|教授|学者|儿童|老人|专家|工人)$")
_COUNTED_BY = {
    "家": re.compile(r".*(?:[店行厂馆院社站所业司团部]|公司|企业|机构|单位|工厂|超市|酒店|药企)$"),
    "名": PERSONS,
    "位": PERSONS,
    "人": PERSONS,
    "辆": re.compile(r".*[车轿]$"),
    "匹": re.compile(r".*[马布]$"),
    "本": re.compile(r".*[书刊志典册籍]$"),
}
"""What a measure word counts, for those that say so."""


class Role(StrEnum):
    """What a slot is in the earlier question."""

    TOPIC = "topic"
    OWNER = "owner"
    HEAD = "head"
    ASKED = "asked"
    VERB = "verb"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of the earlier question that can give its place, with how well it fits."""

    span: Span
    role: Role
    score: float


def best_slot(earlier: Earlier, part: Phrase) -> Slot | None:
    """Return the part of the earlier question that `part` stands for; None when none fits."""
    scored = [Slot(span, role, _score(earlier, part, span, role)) for span, role in _slots(earlier)]
    fitting = [slot for slot in scored if slot.score >= LEAST_SCORE or _is_fallback(slot)]
    return max(fitting, key=lambda slot: slot.score, default=None)


def _is_fallback(slot: Slot) -> bool:
    return slot.role is Role.ASKED and slot.score > -1


def is_proper(part: Phrase) -> bool:
    """Tell whether a part is a name: one in the dictionary, or a word that no dictionary holds."""
    if any(is_name(part, entity) for entity in part.entities):
        return True
    words = [word for word in part.words if word.text[0].isalnum()]
    if not words:
        return False
    if asked_of(part.plain.strip(_END_MARKS)):
        return False
    return any(_is_unknown(word) for word in words) and not PERSONS.match(words[-1].text)


def _is_unknown(word: Word) -> bool:
    """Tell whether a word is a name: no dictionary holds it, or takes it for a person's."""
    return (not word.tag and len(word.text) > 1) or (word.tag == "nr" and len(word.text) > 2)


def _slots(earlier: Earlier) -> Iterator[tuple[Span, Role]]:
    phrase, topic = earlier.phrase, earlier.topic
    if topic:
        yield topic.span, Role.TOPIC
    if topic and topic.owner and topic.head:
        yield topic.owner, Role.OWNER
        yield topic.head, Role.HEAD
    if earlier.noun_asked:
        yield earlier.noun_asked, Role.ASKED
    for entity in phrase.entities:
        asked = earlier.noun_asked and _within(entity.span, earlier.noun_asked)
        if entity.sort is not Sort.TIME and not asked:
            yield _whole_name(phrase, entity.span), Role.OTHER
    for match in _LATIN.finditer(phrase.plain):
        yield Span(*match.span()), Role.OTHER
    for run in _runs(earlier):
        yield from ((span, Role.OTHER) for span in _parts(run))
    yield from ((word.span, Role.VERB) for word in phrase.words if _is_act(word))


def _whole_name(phrase: Phrase, span: Span) -> Span:
    places = [e.span for e in phrase.entities if e.sort is Sort.PLACE and e.span.end == span.start]
    return Span(places[0].start, span.end) if places else span


def _runs(earlier: Earlier) -> Iterator[list[Word]]:
    """Yield runs of nouns, without those asked for."""
    asks, run = earlier.asks, list[Word]()
    for word in earlier.phrase.words:
        asked = asks and asks.span.start <= word.span.start < (earlier.noun_asked or asks.span).end
        is_tail = asks and word.span.start >= asks.span.end and word.tag[:1] != "n"
        in_topic = earlier.topic and _within(word.span, earlier.topic.span) and word.text != "的"
        if not asked and not is_tail and (in_topic or earlier.phrase.is_nounish(word)):
            run.append(word)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _parts(run: list[Word]) -> Iterator[Span]:
    for first in range(len(run)):
        for last in range(first, min(len(run), first + LONGEST_SLOT)):
            span = Span(run[first].span.start, run[last].span.end)
            if span.end - span.start > 1:
                yield span


def _is_act(word: Word) -> bool:
    return word.tag in ("v", "vn") and len(word.text) > 1


def _score(earlier: Earlier, part: Phrase, span: Span, role: Role) -> float:
    old = _MARKS.sub("", earlier.phrase.plain[span.start : span.end])
    new = _MARKS.sub("", part.plain.strip(_END_MARKS))
    if old == new or not old:
        return 0.0
    score = _alike(old, new) + _same_sort(earlier, part, span, role) - 0.1 * _lengths(old, new)
    if len(old) > len(new) + 2 and old[-1:] == new[-1:] and not is_proper(part):
        score -= 0.5  # 地方补贴 is another 补贴, not another 新能源汽车补贴
    if _is_torn(earlier, span) and old[0] not in new:
        score -= 0.4
    if role is Role.ASKED:
        return score + _asked_prior(earlier, part)
    if role is Role.VERB:
        return score + _verb_prior(earlier, part, span)
    return score + _topic_prior(earlier, part, span, role)


def _is_torn(earlier: Earlier, span: Span) -> bool:
    """Tell whether a slot of several words begins in the middle of a noun: 汽车补贴."""
    words = [word for word in earlier.phrase.words if _within(word.span, span)]
    before = [word for word in earlier.phrase.words if word.span.end == span.start]
    return len(words) > 1 and bool(before) and earlier.phrase.is_nounish(before[0])


def _lengths(old: str, new: str) -> int:
    return min(abs(len(old) - len(new)), 3)


def _alike(old: str, new: str) -> float:
    """Return how many characters two names share at their ends and beginnings."""
    ends = next((n for n in range(min(len(old), len(new)), 0, -1) if old[-n:] == new[-n:]), 0)
    starts = next((n for n in range(min(len(old), len(new)), 0, -1) if old[:n] == new[:n]), 0)
    of_a_kind = 0.5 * (len(old) == len(new) == 2 and ends > 0)  # as 病假 and 事假
    return ends + 0.9 * starts + of_a_kind


def _same_sort(earlier: Earlier, part: Phrase, span: Span, role: Role) -> float:
    """Return what it says that both are places, bodies, persons or in quotation marks."""
    new, old = sort_of(part), earlier.sort_at(span)
    latin = re.compile(r"[a-z][\x00-\x7f]*", re.I)
    if latin.fullmatch(part.plain.strip(_END_MARKS)):
        if latin.fullmatch(earlier.phrase.plain[span.start : span.end]):
            return 2.0
        return 2.0 if old is Sort.PLACE else 0.0
    if role is Role.ASKED or new is Sort.THING:
        return 0.0
    return (2.0 if is_proper(part) else 0.5) * (new is old)


def _asked_prior(earlier: Earlier, part: Phrase) -> float:
    """Return how well a part stands for the noun that was counted or picked."""
    asks, asked = earlier.asks, earlier.noun_asked
    if asks is None or asked is None:
        return -9.0
    noun = earlier.phrase.plain[asked.start : asked.end]
    new = part.plain.strip(_END_MARKS)
    if noun.startswith(tuple(UNITS)) or (noun in GENERAL_NOUNS and noun != "人"):
        return -9.0
    if noun == "人" and not PERSONS.match(new):
        return -9.0
    prior = 0.6 if asks.wanted is Asking.COUNT else 0.1
    prior -= 2.0 * is_proper(part)
    return prior - 0.6 * _is_counted_otherwise(earlier, new)


def _is_counted_otherwise(earlier: Earlier, new: str) -> bool:
    """Tell whether the measure word of what was counted is for other things: 几家银行, 月球."""
    asks = earlier.asks
    counted = _COUNTED_BY.get(earlier.phrase.plain[asks.span.end - 1]) if asks else None
    return counted is not None and not counted.match(new)


def _topic_prior(earlier: Earlier, part: Phrase, span: Span, role: Role) -> float:
    """Return how well a part stands for what was asked about, or a part of it."""
    topic, asks = earlier.topic, earlier.asks
    proper = is_proper(part)
    if role is Role.HEAD or (topic and topic.head and _within(span, topic.head)):
        return -1.0 if proper else 0.0
    main = (topic.owner or topic.span) if topic else None
    if earlier.phrase.plain[: span.start].endswith(("到", "至", "往")):
        return 0.7  # of two places it is where one goes
    if main is None or not _within(span, main):
        is_object = asks and span.start >= asks.span.end
        is_strange = not proper and earlier.is_named(span)
        return (0.35 if is_object else 0.1) - 0.5 * is_strange
    counts = asks is not None and asks.wanted is Asking.COUNT and earlier.noun_asked is not None
    counts = counts and not _is_counted_otherwise(earlier, part.plain.strip(_END_MARKS))
    strange = not proper and earlier.is_named(main)
    prior = 0.5 if span == main else 0.3 * (span.start == main.start)
    prior -= 0.3 * ("的" in earlier.phrase.plain[span.start : span.end])
    prior += 1.0 if proper and span.start == main.start else 0.0
    if strange and earlier.sort_at(main) is Sort.PLACE:
        return prior - 2.0
    return prior - 0.8 * (strange and counts)


def _verb_prior(earlier: Earlier, part: Phrase, span: Span) -> float:
    words = [word for word in part.words if word.text[0].isalnum()]
    if len(words) != 1 or not _is_act(words[0]):
        return -9.0
    is_first = not earlier.phrase.plain[: span.start].strip()
    in_topic = earlier.topic is not None and _within(span, earlier.topic.span)
    return 0.6 if is_first and not in_topic else -0.5


def _within(inner: Span, outer: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
