"""The question before a follow-up with one part replaced, as 天桥区 by 济阳区 in 那济阳区呢."""

from __future__ import annotations

import re

from embeddings.records import Span
from qa.chinese_words import UNITS
from qa.earlier import Earlier
from qa.phrases import Asking, Phrase, Sort, Word, sort_of, without_light_end
from qa.slots import PERSONS, Role, best_slot, is_proper
from qa.topics import asked_of

_END_MARKS = " 　?？!！。.，,;；、"
_NUMERAL = r"第?[一二两三四五六七八九十百\d]+"
_ORDINAL = re.compile(rf"{_NUMERAL}(?P<tail>.{{1,6}})")
_DIRECTIONS = frozenset("到从在往对给向跟")


def with_part(earlier: Earlier, part: Phrase, rest: Phrase) -> str:
    """Return the earlier question asked about `part`.

    Args:
        earlier: the turn before.
        part: what is new, as it stands in the follow-up.
        rest: the whole follow-up, for when there is no place for the part.
    """
    if part.plain.rstrip(_END_MARKS).endswith("的"):
        core = part.cut(part.text.rstrip(_END_MARKS)[:-1])
        found = _time(earlier, core) or _ordinal(earlier, core)
        found = found or _place(earlier, core) or _attributive(earlier, part)
    else:
        found = _time(earlier, part) or _ordinal(earlier, part) or _direction(earlier, part)
        found = found or _attribute(earlier, part) or _verb(earlier, part) or _slot(earlier, part)
    return found or _behind_subject(earlier, part) or earlier.and_then(rest.text)


def _slot(earlier: Earlier, part: Phrase) -> str:
    """Put a part in the place of what it is most like."""
    slot = best_slot(earlier, part)
    if slot is None:
        return ""
    if slot.role is Role.ASKED:
        return _noun(earlier, part)
    return _put(earlier, slot.span, part.text.strip(_END_MARKS))


def _place(earlier: Earlier, part: Phrase) -> str:
    return _slot(earlier, part) if sort_of(part) is Sort.PLACE else ""


def _ordinal(earlier: Earlier, part: Phrase) -> str:
    """那二期呢: a number with the same word behind it as one of the question before."""
    new = part.text.strip(_END_MARKS)
    match = _ORDINAL.fullmatch(part.plain.strip(_END_MARKS))
    if match is None:
        return ""
    old = re.search(_NUMERAL + re.escape(match["tail"]), earlier.phrase.plain)
    return _put(earlier, Span(*old.span()), new) if old else ""


def _direction(earlier: Earlier, part: Phrase) -> str:
    """那到上海呢: what stands behind the same preposition."""
    if len(part.words) < 2 or part.words[0].text not in _DIRECTIONS:
        return ""
    for word in earlier.phrase.words:
        behind = earlier.phrase.nouns_from(word.span.end)
        if word.text == part.words[0].text and behind:
            return _put(earlier, Span(word.span.start, behind.end), part.text.strip(_END_MARKS))
    return ""


def _behind_subject(earlier: Earlier, part: Phrase) -> str:
    """那人均呢: before 是多少 or 有多大, when a noun stands there and nothing behind."""
    asks = earlier.asks
    if asks is None or earlier.phrase.plain[asks.span.end :].strip(_END_MARKS):
        return ""
    at = len(without_light_end(earlier.phrase.plain[: asks.span.start]))
    before = [word for word in earlier.phrase.words if word.span.end == at]
    if not before or not earlier.phrase.is_nounish(before[0]):
        return ""
    written = earlier.phrase.text[at : asks.span.end]
    return _put(earlier, Span(at, asks.span.end), part.text.strip(_END_MARKS) + written)


def _put(earlier: Earlier, span: Span, text: str) -> str:
    whole = earlier.phrase.text
    return whole[: span.start] + text + whole[span.end :]


def _attributive(earlier: Earlier, part: Phrase) -> str:
    """各园区层面的呢: the modifier that ends, or begins, the same gives its place."""
    core = part.text.rstrip(_END_MARKS)[:-1]
    plain = part.plain[: len(core)]
    question = earlier.phrase.plain
    for length in range(len(plain) - 1, 0, -1):
        at = question.find(plain[-length:] + "的")
        if at >= 0 and length > 0:
            return _put(earlier, Span(_modifier_start(earlier.phrase, at), at + length), core)
    for length in range(len(plain) - 1, 1, -1):
        at = question.find(plain[:length])
        end = question.find("的", at) if at >= 0 else -1
        if 0 <= at < end:
            return _put(earlier, Span(at, end), core)
    return _before_noun(earlier, core)


def _modifier_start(phrase: Phrase, end: int) -> int:
    """Return where the modifier before `end` begins; a name in front of it stays."""
    floor = max((e.span.end for e in phrase.entities if e.span.end <= end), default=0)
    start = end
    for word in reversed([word for word in phrase.words if word.span.end <= end]):
        if word.span.end <= floor or not phrase.is_nounish(word):
            break
        start = max(word.span.start, floor)
    while start > floor and phrase.plain[start - 1] in "全各本该":
        start -= 1
    return start


def _before_noun(earlier: Earlier, core: str) -> str:
    """市级的呢: before the noun asked for, in place of a modifier with the same last character."""
    asks = earlier.asks
    if asks is None:
        return ""
    noun = asks.noun
    if noun is None or earlier.phrase.plain[noun.start : noun.end] in UNITS:
        subject = earlier.subject_span
        if subject is None:
            return ""
        first = Span(subject.start, subject.start + 1)
        return _put(earlier, first, core + earlier.say("的") + _first(subject, earlier))
    for word in earlier.phrase.words:
        inside = noun.start <= word.span.start and word.span.end < noun.end
        if inside and word.text[-1:] == core[-1:]:
            return _put(earlier, word.span, core)
    return _put(
        earlier, Span(noun.start, noun.start + 1), core + earlier.say("的") + _first(noun, earlier)
    )


def _first(noun: Span, earlier: Earlier) -> str:
    return earlier.phrase.text[noun.start]


def _time(earlier: Earlier, part: Phrase) -> str:
    if not _is_time(part):
        return ""
    new = part.text.strip(_END_MARKS)
    for entity in earlier.phrase.entities:
        if entity.sort is Sort.TIME:
            return _put(earlier, entity.span, new)
    for word in earlier.phrase.words:
        if word.tag == "t" and not (earlier.topic and earlier.topic.head):
            return _put(earlier, word.span, new)
    subject = earlier.subject_span
    at = subject.end if subject else 0
    return earlier.phrase.text[:at] + new + earlier.phrase.text[at:]


def _is_time(part: Phrase) -> bool:
    words = [word for word in part.words if word.text[0].isalnum()]
    return sort_of(part) is Sort.TIME or (bool(words) and all(w.tag == "t" for w in words))


def _attribute(earlier: Earlier, part: Phrase) -> str:
    """那总投资呢: a property of what was asked about, with the question word that it takes."""
    new, topic, asks = part.text.strip(_END_MARKS), earlier.topic, earlier.asks
    asked = asked_of(part.plain.strip(_END_MARKS))
    if not asked or is_proper(part) or _is_counted(earlier, part):
        return ""
    picks = topic is not None and asks is not None and asks.wanted is Asking.WHICH
    if asks and asks.noun and not picks and asked_of(_plain(earlier, asks.noun)):
        return _put(earlier, asks.noun, new)
    if topic is None:
        return f"{earlier.thing_asked}{earlier.say('的')}{new}{earlier.say(asked)}？"
    old = topic.head or topic.span
    plain = earlier.phrase.plain[old.start : old.end]
    known = asked_of(plain)
    if not known:
        if part.plain.strip(_END_MARKS)[-2:] in earlier.phrase.plain:
            return ""
        return f"{earlier.whose}{earlier.say('的')}{new}{earlier.say(asked)}？"
    is_joined = topic.owner is None or topic.owner.end == old.start
    if is_joined and plain[-2:] == part.plain.strip(_END_MARKS)[-2:]:
        return ""
    if known == asked:
        return _put(earlier, old, new)
    return f"{earlier.phrase.text[: old.start]}{new}{earlier.say(asked)}？"


def _plain(earlier: Earlier, span: Span) -> str:
    return earlier.phrase.plain[span.start : span.end]


def _is_counted(earlier: Earlier, part: Phrase) -> bool:
    """Tell whether people were counted and a part names people: 多少名学生, 那老师呢."""
    asks = earlier.asks
    asked = earlier.noun_asked
    if asks is None or asked is None or asks.wanted is not Asking.COUNT:
        return False
    noun = earlier.phrase.plain[asked.start : asked.end]
    return all(PERSONS.match(text) for text in (noun, part.plain.strip(_END_MARKS)))


def _noun(earlier: Earlier, part: Phrase) -> str:
    """那从业人员呢: a noun takes the place of the noun asked for, modifiers stay."""
    asks, noun = earlier.asks, earlier.noun_asked
    if asks is None or noun is None:
        return ""
    new = part.text.strip(_END_MARKS)
    start = _noun_start(earlier, part, noun)
    asked = _put(earlier, Span(start, noun.end), new)
    same = earlier.phrase.plain[noun.end - 1] == part.plain.strip(_END_MARKS)[-1:]
    if asks.wanted is not Asking.COUNT or same:
        return asked
    return asked[: asks.span.start] + earlier.say("多少") + asked[asks.span.end :]


def _noun_start(earlier: Earlier, part: Phrase, noun: Span) -> int:
    words: list[Word] = [w for w in earlier.phrase.words if _within(w.span, noun)]
    nouns = [w for w in part.words if part.is_nounish(w)]
    keeps = len(words) > 1 and len(nouns) == 1 and words[-1].text not in part.plain
    return words[-1].span.start if keeps else noun.start


def _verb(earlier: Earlier, part: Phrase) -> str:
    """那投产呢: a verb takes the place of what stands behind the question word."""
    asks = earlier.asks
    if asks is None or not part.words or part.words[0].tag[:1] != "v":
        return ""
    if asks.wanted not in (Asking.WHEN, Asking.WHERE, Asking.HOW, Asking.WHY, Asking.WHO):
        return ""
    behind = earlier.phrase.text[asks.span.end :].strip(_END_MARKS)
    if not behind:
        return ""
    end = earlier.say("的") if behind.endswith("的") else ""
    return f"{earlier.phrase.text[: asks.span.end]}{part.text.strip(_END_MARKS)}{end}？"


def _within(inner: Span, outer: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
