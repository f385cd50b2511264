"""The question before a follow-up with one part replaced, as 天桥区 by 济阳区 in 那济阳区呢."""

from __future__ import annotations

import re

from embeddings.records import Span
from qa.chinese_words import PROPERTIES, UNITS
from qa.earlier import Earlier
from qa.phrases import Asking, Phrase, Sort, is_name, sort_of, without_light_end

_END_MARKS = " 　?？!！。.，,;；、"
_MARKS = re.compile(r"[“”‘’「」『』《》〈〉\"]")


def with_part(earlier: Earlier, part: Phrase, rest: Phrase) -> str:
    """Return the earlier question asked about `part`.

    Args:
        earlier: the turn before.
        part: what is new, as it stands in the follow-up.
        rest: the whole follow-up, for when there is no place for the part.
    """
    if part.plain.rstrip(_END_MARKS).endswith("的"):
        core = part.cut(part.text.rstrip(_END_MARKS)[:-1])
        found = _time(earlier, core) or _place(earlier, core) or _attributive(earlier, part)
    else:
        found = _time(earlier, part) or _place(earlier, part) or _name(earlier, part)
        found = found or _attribute(earlier, part) or _noun(earlier, part) or _verb(earlier, part)
    return found or _behind_subject(earlier, part) or earlier.and_then(rest.text)


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
        subject = earlier.phrase.subject
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
    if sort_of(part) is not Sort.TIME:
        return ""
    new = part.text.strip(_END_MARKS)
    for entity in earlier.phrase.entities:
        if entity.sort is Sort.TIME:
            return _put(earlier, entity.span, new)
    subject = earlier.phrase.subject
    at = subject.end if subject else 0
    return earlier.phrase.text[:at] + new + earlier.phrase.text[at:]


def _place(earlier: Earlier, part: Phrase) -> str:
    is_foreign = bool(re.fullmatch(r"[A-Z][A-Za-z .'-]+", part.text.strip(_END_MARKS)))
    if sort_of(part) is not Sort.PLACE and not is_foreign:
        return ""
    new = part.text.strip(_END_MARKS)
    for entity in earlier.phrase.entities:
        if entity.sort is Sort.PLACE:
            return _put(earlier, entity.span, new)
    return _name(earlier, part)


def _name(earlier: Earlier, part: Phrase) -> str:
    """A name gives its place to one of the same sort, the more alike the better."""
    sort = sort_of(part)
    new = part.text.strip(_END_MARKS)
    plain = _MARKS.sub("", part.plain.strip(_END_MARKS))
    best, chosen = 1.0, None
    asks = earlier.asks
    is_proper = any(is_name(part, entity) for entity in part.entities) or _is_unknown(part, earlier)
    for span, kind in _places_for(earlier):
        if asks and asks.noun and asks.noun.start <= span.start < asks.noun.end:
            continue
        old = _MARKS.sub("", earlier.phrase.plain[span.start : span.end])
        alike = _alike(old, plain) + 2 * (kind is sort and sort is not Sort.THING and is_proper)
        if alike > best:
            best, chosen = alike, span
    if chosen is None and is_proper and sort is not Sort.PLACE:
        chosen = _short_subject(earlier)
    return _put(earlier, _with_modifier(earlier, part, chosen), new) if chosen else ""


def _is_unknown(part: Phrase, earlier: Earlier) -> bool:
    """Tell whether a part is a name although no dictionary says so."""
    first = part.words[0]
    is_odd = not first.tag or (earlier.owner is not None and first.tag == "a")
    return len(first.text) > 1 and is_odd


def _short_subject(earlier: Earlier) -> Span | None:
    """Return the subject when it is a name without a relative clause, or whose property it is."""
    if earlier.owner:
        return earlier.owner
    subject = earlier.phrase.subject
    return None if subject is None or "的" in earlier.subject else subject


def _with_modifier(earlier: Earlier, part: Phrase, old: Span) -> Span:
    """Return `old` with the modifier that a modifier of `part` replaces: 室内面积, 京沪高铁."""
    before = [word for word in earlier.phrase.words if word.span.end == old.start]
    new = part.plain.strip(_END_MARKS)
    same = new.endswith(earlier.phrase.plain[old.start : old.end])
    if not same or not before or not earlier.phrase.is_nounish(before[0]):
        return old
    modifier = new[: len(new) - (old.end - old.start)]
    return Span(before[0].span.start, old.end) if set(before[0].text) & set(modifier) else old


def _places_for(earlier: Earlier) -> list[tuple[Span, Sort]]:
    """Return the names and nouns that can give their place."""
    phrase = earlier.phrase
    found: list[tuple[Span, Sort]] = []
    for entity in phrase.entities:
        start = entity.span.start
        if entity.sort is Sort.BODY:
            before = [e for e in phrase.entities if e.sort is Sort.PLACE and e.span.end == start]
            start = before[0].span.start if before else start
        found.append((Span(start, entity.span.end), entity.sort))
    found += [
        (word.span, Sort.THING)
        for word in phrase.words
        if len(word.text) > 1 and phrase.is_nounish(word)
    ]
    return found


def _alike(old: str, new: str) -> float:
    """Return how many characters two names share at their ends and beginnings."""
    if old == new:
        return 0.0
    ends = next((n for n in range(min(len(old), len(new)), 0, -1) if old[-n:] == new[-n:]), 0)
    starts = next((n for n in range(min(len(old), len(new)), 0, -1) if old[:n] == new[:n]), 0)
    of_a_kind = 0.5 * (len(old) == len(new) == 2 and ends > 0)  # as 病假 and 事假
    return ends + 0.9 * starts + of_a_kind


def _attribute(earlier: Earlier, part: Phrase) -> str:
    """那总投资呢: a property of what was asked about, with the question word that it takes."""
    whole = part.plain.strip(_END_MARKS)
    tails = (whole[at:] for at in range(max(len(whole) - 1, 1)))
    noun = next((tail for tail in tails if tail in PROPERTIES), None)
    if noun is None:
        return ""
    asks = earlier.asks
    if asks and asks.noun and earlier.phrase.plain[asks.noun.start : asks.noun.end] in PROPERTIES:
        return _put(earlier, asks.noun, part.text.strip(_END_MARKS))
    if asks and asks.wanted is Asking.COUNT and PROPERTIES[noun] == "是谁":
        return _noun(earlier, part)
    if earlier.owner and earlier.phrase.subject:
        joint = earlier.phrase.plain.rfind("的", earlier.owner.end, earlier.phrase.subject.end) + 1
        asked = earlier.phrase.text[: joint or earlier.owner.end] + part.text.strip(_END_MARKS)
        return f"{asked}{earlier.say(PROPERTIES[noun])}？"
    whose = earlier.thing_asked + earlier.say("的")
    return f"{whose}{part.text.strip(_END_MARKS)}{earlier.say(PROPERTIES[noun])}？"


def _noun(earlier: Earlier, part: Phrase) -> str:
    """那从业人员呢: a noun takes the place of the noun asked for, modifiers stay."""
    asks = earlier.asks
    if asks is None or not any(map(part.is_nounish, part.words)):
        return ""
    if asks.noun is None:
        return _last_noun(earlier, part)
    new = part.text.strip(_END_MARKS)
    words = [w for w in earlier.phrase.words if _within(w.span, asks.noun)]
    nouns = [w for w in part.words if part.is_nounish(w)]
    keeps = len(words) > 1 and len(nouns) == 1 and words[-1].text not in part.plain
    start = words[-1].span.start if keeps and words else asks.noun.start
    asked = _put(earlier, Span(start, asks.noun.end), new)
    if (
        asks.wanted is not Asking.COUNT
        or earlier.phrase.plain[asks.noun.end - 1] == part.plain[-1:]
    ):
        return asked
    return asked[: asks.span.start] + earlier.say("多少") + asked[asks.span.end :]


def _last_noun(earlier: Earlier, part: Phrase) -> str:
    """Put a noun in place of the last one of the subject: 住宿标准是多少 -> 交通费是多少."""
    subject, asks = earlier.phrase.subject, earlier.asks
    if subject is None or asks is None or asks.wanted not in (Asking.COUNT, Asking.DEGREE):
        return ""
    words = [word for word in earlier.phrase.words if _within(word.span, subject)]
    if len(words) < 2:
        return ""
    return _put(earlier, Span(words[-1].span.start, subject.end), part.text.strip(_END_MARKS))


def _verb(earlier: Earlier, part: Phrase) -> str:
    """那投产呢: a verb takes the place of what stands behind the question word."""
    asks = earlier.asks
    if asks is None or not part.words or part.words[0].tag[:1] != "v":
        return ""
    if asks.wanted not in (Asking.WHEN, Asking.WHERE, Asking.HOW, Asking.WHY, Asking.WHO):
        return ""
    behind = earlier.phrase.text[asks.span.end :].rstrip(_END_MARKS)
    end = earlier.say("的") if behind.endswith("的") else ""
    return f"{earlier.phrase.text[: asks.span.end]}{part.text.strip(_END_MARKS)}{end}？"


def _within(inner: Span, outer: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
