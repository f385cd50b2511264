"""A question that asks several things -> the questions that it is made of, each standing alone.

Splits only what is surely several questions: most questions are one, and stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from embeddings.cleaning import HAN
from embeddings.lexical import Tokenizer
from embeddings.records import Span
from qa import compound_english
from qa.chinese_words import PROPERTIES
from qa.each_asked import each_asked
from qa.noun_runs import ASKS, EACH, masked
from qa.phrases import Phrase, Sort
from qa.reading import Reading

MOST_PARTS = 4
"""Parts that are given at most; what is asked beyond them is left out."""

LONGEST = 240
"""Characters of a question that is looked at; a longer one is given as it is."""

LONGEST_LEAD = 30
"""Characters of an opening that later parts repeat."""

SHORTEST_CLAUSE = 3
"""Characters of a clause behind a comma that can be a question of its own."""

_HAN = re.compile(f"[{HAN}]")
_JOINERS = re.compile(
    r"[?？;；,，。!！、].*\w|[和与與跟及同暨比又还還并並對对]|各|分别|分別"
    r"|\b(?:and|or|compare|differ|versus|vs)\b",
    re.I | re.S,
)
"""What every question holds that is made of several."""

_SENTENCE = re.compile(r"[^?;。!\n]*[?;。!\n]+|[^?;。!\n]+$")
_MARKS = " \t\n?!;,。、:"
_OPENS = re.compile(
    r"^(?:那么?(?!个|些|家|里|儿|种)|另外|此外|以及|并且|而且|同时|与此同时|然后|还有(?=[^\w]|谁|哪|什么)|又|再|还|也|和|并|而|且|,|\s)+"
)
_SUBORDINATE = re.compile(
    r"^(?:当|如果|假如|因为?|由于|虽然|尽管|除了|自从|为了|既然)|(?:时候?|之?[后前]|以[后前]|的话|[况件提]下|过程中|期间)$"
)
_CONSEQUENCE = re.compile(
    r"^(?:使|让|令|导致|以(?!及)|从而|因此|所以|才|便|则|而不|但|即|为|.{0,4}就)"
)
_GOES_ON = re.compile(r"(?<=[^,]{6})(?=(?:又|并且?|还(?!是))[^,不没有]{2}[^,]{2})")
_PRONOUN = re.compile(
    r"(?P<one>[它他她]们?|此(?:事|人|地)(?!件))|(?P<its>其(?![中他它实余次间]))"
    r"|(?P<there>那里|那儿|当地|这里)"
    r"|(?P<such>(?:该|这一?|那一?)[家个座所项条部位款场本名支种](?!月|时)|该(?=[市区县省国校院厂]))"
)
_WHY = re.compile(r"(?:为什么|为何|为啥|怎么|如何|怎样|什么原因)(?:呢|样|的)?")
_CHOOSES = re.compile(r"谁|哪(?![里儿年月天些])")
_JOINS = re.compile(r"\s*(?:和|与|跟|及|以及|同|各|分别)")
_ORDINAL = re.compile(r"第[一二三四五六七八九十\d]+\w")
_OTHER = re.compile(r"(?P<part>[^,]{1,20}?)呢")
_NEVER = re.compile(r"无论|不论|不管|任何|随便|据说|知不知道|知道")
_SHARED_LEAD = re.compile(r"^(?:同样|同是|同为|都是|都|一样)")
_ADVERBIAL = re.compile(
    r"^(?:在|于|到|截至|截止|自从?|关于|对于|根据|按照?|据|针对|除了?)|(?:期间|年间|方面)$"
)


class Asked(NamedTuple):
    """A question as it stands in the text.

    Attributes:
        lead: what stands before it and is no question; None when nothing does.
        span: the question without its mark.
        mark: its mark as written, that of the last question where it has none.
    """

    lead: Span | None
    span: Span
    mark: str


def parts(question: str, tokenizer: Tokenizer) -> tuple[str, ...]:
    """Return the questions that `question` is made of, in the order in which they are asked.

    Words that several of them share are given to each, pronouns for what an earlier part is about
    are replaced by it: each stands alone. The script stays that of the question.

    Args:
        question: as the user wrote it, completed when it follows others.
        tokenizer: finds words.

    Returns:
        1 to `MOST_PARTS` questions; `question` itself, unchanged, when it asks one thing.
    """
    if len(question) > LONGEST or not _JOINERS.search(question):
        return (question,)
    if _HAN.search(question):
        found = _chinese(Phrase(question, tokenizer))
    else:
        found = compound_english.parts(question)
    several = tuple(dict.fromkeys(part for part in found if part.strip(_MARKS)))[:MOST_PARTS]
    return several if len(several) > 1 else (question,)


def _chinese(phrase: Phrase) -> list[str]:
    asked = _asked(phrase.text, masked(phrase.plain))
    found: list[str] = []
    for text, mark in _standing_alone(phrase, asked):
        found += [part.strip() + mark for part in each_asked(phrase.cut(text))]
    return found


def _asked(text: str, hidden: str) -> list[Asked]:
    """Return the questions in a text, what stands between two of them with the second."""
    end = len(hidden.rstrip(_MARKS))
    last_mark = text[end:].strip()[:1] if hidden[end:].strip()[:1] == "?" else ""
    found: list[Asked] = []
    start = 0
    for sentence in _SENTENCE.finditer(hidden):
        for piece in _questions(hidden, Span(*sentence.span())):
            mark_at = len(hidden[: piece.end].rstrip(_MARKS))
            mark = text[mark_at] if hidden[mark_at : mark_at + 1] == "?" else last_mark
            lead = Span(start, piece.start) if piece.start > start else None
            found.append(Asked(lead, Span(piece.start, mark_at), mark))
            start = piece.end
    return found


def _questions(hidden: str, sentence: Span) -> list[Span]:
    """Return the clauses of a sentence that ask, each with the clauses that belong to it."""
    bounds = [sentence.start, *_bounds(hidden, sentence), sentence.end]
    clauses = [Span(a, b) for a, b in pairwise(bounds)]
    asking = [clause for clause in clauses if _asks(hidden, clause)]
    if not asking:
        return []
    if any(_depends(hidden, one, other) for one, other in pairwise(asking)):
        return [sentence]
    ends = [clause.end for clause in asking[:-1]] + [sentence.end]
    return [Span(a, b) for a, b in zip([sentence.start, *ends], ends, strict=False)]


def _bounds(hidden: str, sentence: Span) -> list[int]:
    text = hidden[sentence.start : sentence.end]
    found = {match.end() for match in re.finditer(",", text)}
    found |= {match.start() for match in _GOES_ON.finditer(text)}
    return sorted(sentence.start + at for at in found if 0 < at < len(text))


def _asks(hidden: str, clause: Span) -> bool:
    return bool(ASKS.search(hidden[clause.start : clause.end].strip(_MARKS)))


def _depends(hidden: str, one: Span, other: Span) -> bool:
    """Tell whether two asking clauses of a sentence are one question."""
    first = hidden[one.start : one.end].strip(_MARKS)
    second = hidden[other.start : other.end].strip(_MARKS)
    tied = _NEVER.search(first) or _SUBORDINATE.search(first) or _CONSEQUENCE.match(second)
    return bool(tied) or len(second) < SHORTEST_CLAUSE


class Said(NamedTuple):
    """What the questions before a part give to it.

    Attributes:
        text: the question before, standing alone.
        about: what it is about; empty when it begins with the word that asks.
        place: the place at the head of `about`; empty when it has none.
        person: the person that it names first, or asks for with 谁; empty for none.
        opening: what is said once for all questions, with its comma.
        side_by_side: what it asks of several things, from the first to the last.
        counted: the noun whose number or choice it asks for, with what it belongs to.
    """

    text: str
    about: str
    place: str
    person: str
    opening: str
    side_by_side: str
    counted: str


def _standing_alone(phrase: Phrase, asked: Sequence[Asked]) -> list[tuple[str, str]]:
    """Return the questions with what they share, each with its mark; one when that is in doubt."""
    whole = phrase.text[: asked[-1].span.end] if asked else phrase.text
    alone = [(whole, asked[-1].mark if asked else "")]
    if len(asked) < 2:
        return alone
    background = phrase.of(asked[0].lead)
    opening, text, theme = _opened(phrase.cut(phrase.of(asked[0].span)))
    found = [(background + opening + text, asked[0].mark)]
    said = _said(phrase.cut(text), opening, theme)
    for each in asked[1:]:
        part = phrase.of(each.lead) + phrase.of(each.span)
        completed = _completed(phrase.cut(_without_opening_words(phrase.cut(part))), said)
        if completed is None:
            return alone
        shared = background if len(background) <= LONGEST_LEAD else ""
        found.append((shared + completed, each.mark))
        said = _next(said, phrase.cut(completed))
    return found


def _without_opening_words(part: Phrase) -> str:
    match = _OPENS.match(part.plain)
    return part.text[match.end() :] if match else part.text


def _opened(part: Phrase) -> tuple[str, str, str]:
    """Return what a first question says for all, the rest of it, and the thing so named."""
    comma = masked(part.plain).find(",")
    if comma < 1 or _asks(part.plain, Span(0, comma)) or comma > LONGEST_LEAD:
        return "", part.text, ""
    head = part.cut(part.text[:comma])
    shared = _SHARED_LEAD.match(head.plain)
    if shared:
        theme = head.of(head.quoted[-1]) if head.quoted else ""
        rest = part.cut(part.text[comma + 1 :].strip())
        if theme and _PRONOUN.search(masked(rest.plain)):
            return "", _replaced(rest, theme, "") or rest.text, theme
        return head.text[shared.end() :] + part.text[comma], rest.text, theme
    is_time = head.entities and head.entities[-1].span.end == len(head.plain)
    is_time = is_time and head.entities[-1].sort is Sort.TIME
    subject = Reading(head).subject
    goes_on = _JOINS.match(part.plain, comma + 1)
    is_topic = subject is not None and subject.end == len(head.plain) and not goes_on
    if _ADVERBIAL.search(head.plain) or is_time or is_topic:
        return part.text[: comma + 1], part.text[comma + 1 :], ""
    return "", part.text, ""


def _said(part: Phrase, opening: str, theme: str) -> Said:
    reading = Reading(part)
    about = theme or _about(reading)
    chain = reading.chains[0] if reading.chains else None
    several = part.text[: chain.end] if chain else ""
    person = reading.cut(about or part.text).person
    noun = part.of(part.asks.noun) if part.asks else ""
    counted = f"{about}的{noun}" if about and noun else ""
    return Said(part.text, about, reading.cut(about).place, person, opening, several, counted)


def _about(reading: Reading) -> str:
    """Return what a question is about, up to what it quotes before it asks."""
    if reading.hidden.startswith("谁是"):
        return reading.text[2:]
    subject = reading.subject
    if subject is None:
        return ""
    asks = ASKS.search(reading.hidden)
    end = asks.start() if asks else len(reading.text)
    quoted = [name.end for name in reading.phrase.quoted if subject.start <= name.start < end]
    told = max([subject.end, *quoted])
    if "," in reading.hidden[subject.end : told]:
        told = subject.end
    if told == subject.end:
        told = reading.end_behind_time(told, end)
    return reading.text[subject.start : told]


def _next(said: Said, part: Phrase) -> Said:
    """Return what a part gives to the next one: another subject, when it names its own."""
    about = _about(Reading(part))
    known = said.about and said.about in part.text
    if not about or known or not Reading(part.cut(about)).is_name:
        return said._replace(text=part.text)
    return _said(part, said.opening, "")


def _completed(part: Phrase, said: Said) -> str | None:
    """Return a later question with what it leaves unsaid; None when that cannot be known."""
    reading = Reading(part)
    other = _OTHER.fullmatch(reading.hidden)
    if other:
        return _of_another(reading.cut(part.of(Span(*other.span("part")))), said)
    opening = "" if any(entity.sort is Sort.TIME for entity in part.entities) else said.opening
    each = EACH.search(reading.hidden)
    if each and not reading.chains and not reading.first_noun:
        several = said.side_by_side or said.counted
        rest = part.text[0 if said.side_by_side else each.end() :]
        return opening + several + rest if several else None
    pronoun = _PRONOUN.search(reading.hidden)
    if pronoun:
        counted = said.counted if pronoun[0].endswith("们") else ""
        replaced = _replaced(part, counted or said.about, said.person)
        return replaced and opening + replaced
    lent = _lent(reading, said)
    if lent is None:
        return None
    apart = "，" if lent and each and lent[-1] != "的" else ""
    return opening + lent + apart + part.text


def _of_another(thing: Reading, said: Said) -> str | None:
    """Return the question before asked of another thing of the same sort."""
    replaced = ""
    thing = thing.cut(thing.text.removesuffix("的"))
    if thing.place == thing.text:
        replaced = said.place
    elif thing.is_time:
        replaced = next(iter(thing.cut(said.text).times), "")
    elif _ORDINAL.fullmatch(thing.hidden):
        alike = (found[0] for found in _ORDINAL.finditer(said.text))
        replaced = next((found for found in alike if found[-1] == thing.text[-1]), "")
    elif thing.is_name and thing.cut(said.about).is_name:
        replaced = said.about
    elif thing.text and said.about.split("的")[0].endswith(thing.text[-1]):
        replaced = said.about.split("的")[0]
    return said.text.replace(replaced, thing.text, 1) if replaced else None


def _replaced(part: Phrase, about: str, person: str) -> str | None:
    """Return a question with its pronoun replaced; None when it points at nothing known."""
    reading = Reading(part)
    match = _PRONOUN.search(reading.hidden)
    if match and match["one"] and match["one"] in "他她":
        if reading.names_before(match.start()):
            return part.text
        about = person or about
    if not match or not about:
        return None
    end = match.end()
    if match["such"]:
        noun = reading.noun_from(end)
        end = noun.end if noun else end
        if noun and part.plain[noun.end - 1] not in about:
            return None
    possessive = "的" if match["its"] else ""
    return part.text[: match.start()] + about + possessive + part.text[end:]


def _lent(reading: Reading, said: Said) -> str | None:
    """Return the words of an earlier question that belong before a later one."""
    first = reading.first_noun
    if _WHY.fullmatch(reading.hidden):
        return None
    if first is None:
        both = (reading.hidden, reading.cut(said.text).hidden)
        choose = all(_CHOOSES.match(hidden) for hidden in both)
        return said.about or ("" if choose else None)
    if reading.cut(reading.phrase.of(first)).is_name:
        return ""
    noun = reading.phrase.plain[first.start : first.end]
    if noun in PROPERTIES:
        return said.about + "的" if said.about else None
    owner = said.about.split("的")[0]
    own = reading.phrase.of(first)
    if owner.endswith(own):
        return owner.removesuffix(own)
    if owner != said.about and own[-1] == said.about[-1]:
        return owner + "的"
    alike = reading.verb_behind(first) == reading.cut(said.text).first_verb
    if alike:
        return said.place
    return said.about or None
