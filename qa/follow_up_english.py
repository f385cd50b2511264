"""English follow-ups: what one leaves unsaid, and the question that says it.

Knows a closed list of function words and common verbs, no dictionary of nouns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from qa.english_words import KINDS, LIGHT_WORDS, PREPOSITIONS, PROPERTIES, VERBS


class Reference(StrEnum):
    """How a question points back."""

    PART = "part"
    PRONOUN = "pronoun"
    BARE = "bare"
    GOES_ON = "goes_on"


@dataclass(frozen=True, slots=True)
class Pointing:
    """A question that points back.

    Attributes:
        reference: how.
        rest: the question without the words that only lead on (and, so, ok).
        start, end: place in `rest` of the pronoun or of the new part.
    """

    reference: Reference
    rest: str
    start: int = 0
    end: int = 0


_END_MARKS = " ?!.,;:"
_OPENING = re.compile(
    r"^(?:(?:and|but|so|ok|okay|then|well|also|now|right|yes|no|great|thanks"
    r"|by the way)\b[\s,:.!-]*)+",
    re.I,
)
_PART = re.compile(r"^(?:what|how) about\s+(?P<part>.+?)[\s?!.]*$", re.I)
_WH = r"(?:what|which|who|whom|whose|when|where|why|how)"
_BARE = re.compile(
    rf"^(?:{_WH}|how (?:so|come|many|much|long|often|big|far|high|exactly)|why not"
    r"|which ones?|what for|since when|by whom"
    r"|where exactly|when exactly|who else|for whom|how many exactly"
    r"|who(?:'s| is| was) (?:in charge|responsible)|in (?:which|what) year|on (?:which"
    r"|what) (?:date|day)"
    r"|for what (?:reason|purpose)|for how long|what (?:date|year|time|reason|purpose"
    r"|size))[\s?!.]*$",
    re.I,
)
_GOES_ON = re.compile(
    r"^(?:what else|anything else|any others?|are there (?:any )?(?:others?|more)|more"
    r"|tell me more|go on|continue"
    r"|can you (?:elaborate|explain)(?: more)?|for example|such as|like what|really"
    r"|what (?:happened )?(?:next|then|after(?:wards)?)"
    r"|what are the (?:others|rest)|(?:and )?the (?:others|rest)|in what way"
    r"|what do you mean|what (?:is|are) the others?"
    r"|which others?|what others?|who else|where else|when else|how else)[\s?!.]*$",
    re.I,
)
_PRONOUN = re.compile(
    r"\b(?:(?P<one>it|this|that|these|those|they|them|he|him|she)|(?P<whose>its|their|his"
    r"|her|hers|theirs)"
    r"|(?P<place>there))\b",
    re.I,
)
_NOT_ONE = re.compile(
    r"^(?:it\s+\w+ed\s+(?:how|that|when|whether|to)\b|it\s+(?:takes?|took|possible|true"
    r"|necessary|important|mean|cost|called|called when|rain\w*|snow\w*)\b.*\b(?:to|for"
    r"|that|when|if)\b"
    r"|there\s+(?:is|are|was|were|be|been|a|an|any|many|no|in|at|on)\b)",
    re.I,
)
_DEFINITE = re.compile(r"\b(?:the same|(?:this|that|these|those|such)\s+[a-z]+)\b", re.I)
_AUXILIARY = (
    r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|shall|should|may"
    r"|might|must)"
)
_CAPITALS = re.compile(
    r"(?:[A-Z0-9][\w.'&-]*)(?:\s+(?:of|and|the|de|for)\s+(?=[A-Z])|\s+(?=[A-Z0-9]))?"
)
_NAME = re.compile(
    r"(?:[A-Z][\w.'&-]*|\d+[A-Z]\w*)(?:\s+(?:of\s+(?:the\s+)?|and\s+)?(?:[A-Z][\w.'&-]*"
    r"|\d+[A-Z]?\w*))*"
)
_TIME = re.compile(
    r"\b(?:in |during |by |since )?(?:(?:19|20)\d\d|(?:last|this|next) (?:year|month|week)"
    r"|(?:January|February|March|April|May"
    r"|June|July|August|September|October|November|December)(?: (?:19|20)\d\d)?)\b",
    re.I,
)


_PROPERTY = re.compile(
    rf"^(?i:{_WH})(?:'s| is| are| was| were) the (?:[a-z]+ )?(?:{'|'.join(PROPERTIES)}|CEO"
    r"|CFO|GDP)[\s?]*$"
)
_COUNTS = re.compile(r"^how many(?: [a-z-]+){1,2}[\s?]*$", re.I)


def pointing(question: str) -> Pointing | None:
    """Return how `question` points back, or None when it stands alone."""
    match = _OPENING.match(question.strip())
    rest = question.strip()[match.end() :] if match else question.strip()
    if not rest.strip(_END_MARKS):
        return None
    if _GOES_ON.match(rest) or _BARE.match(rest):
        return Pointing(Reference.GOES_ON if _GOES_ON.match(rest) else Reference.BARE, rest)
    part = _PART.match(rest)
    if part:
        return Pointing(Reference.PART, rest, *part.span("part"))
    if _is_fragment(rest, opened=match is not None):
        return Pointing(Reference.PART, rest, 0, len(rest.rstrip(_END_MARKS)))
    return _pronoun(rest) or _left_out(rest)


def completed(found: Pointing, earlier: str, topic: str = "") -> str:
    """Return the question that says what `found` leaves unsaid.

    Args:
        found: how the question points back.
        earlier: the question before it.
        topic: what that was about, when it is Chinese; empty when it is English.
    """
    rest = found.rest
    about = topic or subject_of(earlier)
    if found.reference is Reference.PART:
        part = rest[found.start : found.end]
        return with_part(earlier, part) if not topic else f"{about}, {part}?"
    if found.reference is Reference.PRONOUN:
        whom = re.match(r"^who\s+(?!is|are|was|were)\w+s\s.+", earlier, re.I)
        if whom and re.match(r"(?:he|him|his|she|her)\b", rest[found.start :], re.I):
            about = f"the person {_small(whom[0]).rstrip(_END_MARKS)}"
        return _with_referent(found, about)
    if _COUNTS.match(rest) and about:
        return f"{rest.rstrip(_END_MARKS)} are there in {about}?"
    if _PROPERTY.match(rest) and about:
        return f"{rest.rstrip(_END_MARKS)} of {owner_of(about)}?"
    if topic or not about:
        return f"{topic or earlier.rstrip(_END_MARKS)}, {rest}"
    if found.reference is Reference.GOES_ON:
        return f"{earlier.rstrip(_END_MARKS)}, and {_small(rest)}"
    return (
        _counted(earlier, rest)
        or _asked_otherwise(earlier, rest)
        or f"{earlier.rstrip(_END_MARKS)}, and {_small(rest)}"
    )


def subject_of(question: str) -> str:
    """Return the noun phrase that an English question is about; empty when none is found."""
    plain = question.strip().rstrip(_END_MARKS)
    defined = re.match(
        r"^(?i:what|who|where|which)(?:'s|\s+(?:is|are|was|were))\s+((?:(?:the|an?)\s"
        r"|[A-Z0-9]).*)$",
        plain,
    )
    if defined:
        return _noun_phrase(defined[1])
    counted = re.match(r"^how many (.+?) (?:are|were) there (.+)$", plain, re.I)
    if counted:
        return f"the {counted[1]} {counted[2]}"
    inverted = re.search(rf"\b{_AUXILIARY}\s+(.+)$", plain, re.I)
    if inverted and re.match(rf"^(?:{_WH}|in|on|at|for|from|by|{_AUXILIARY})\b", plain, re.I):
        phrase = _noun_phrase(inverted[1])
        if phrase:
            return phrase
    names = sorted((m for m in _NAME.finditer(plain) if m.start() > 0), key=lambda m: -len(m[0]))
    if not names:
        acts = re.match(rf"^{_WH}\s+\w+\s+(.+)$", plain, re.I)
        return acts[1] if acts else ""
    return _with_article(plain, names[0])


def owner_of(phrase: str) -> str:
    """Return whose property a phrase names: Berlin of the population of Berlin; else itself."""
    match = re.match(rf"^the (?:[a-z]+ )?(?:{'|'.join(PROPERTIES)}) of (.+)$", phrase)
    return match[1] if match else phrase


def _with_article(text: str, name: re.Match[str]) -> str:
    """Return a name with its article and the common nouns that end it."""
    start, end = name.span()
    article = re.search(r"\b(?:the|a|an)\s+(?:[a-z-]+\s+)?$", text[:start])
    tail = re.match(rf"\s+(?:{'|'.join(KINDS)})\b", text[end:])
    return text[article.start() if article else start : end + (tail.end() if tail else 0)]


def _noun_phrase(text: str) -> str:
    """Return the words up to the first verb or preposition but of and in."""
    kept: list[str] = []
    if re.match(r"(?:[a-z]+(?:ed|ing)|there)\b", text):
        return ""
    for word in text.split():
        plain = word.strip(_END_MARKS + "()\"'“”").lower()
        ends = plain in VERBS or plain in PREPOSITIONS or (plain.endswith("ed") and word.islower())
        if kept and ends and (word.islower() or plain in PREPOSITIONS):
            break
        kept.append(word)
        if word.endswith((",", ";")):
            break
    phrase = " ".join(kept).strip(_END_MARKS)
    return phrase if kept and not _PRONOUN.fullmatch(phrase) else ""


def with_part(earlier: str, part: str) -> str:
    """Return the earlier question asked about `part`: a place, a time, a number of things."""
    new = re.sub(r"^(?:in|for|of|by|with|at) (?=[A-Z\u4e00-\u9fff])", "", part.strip(_END_MARKS))
    if re.fullmatch(_TIME, new):
        return _put_time(earlier, new)
    whose = re.match(r"^(?:its|their|his|her) (.+)$", new, re.I)
    if whose and subject_of(earlier):
        return f"What is the {whose[1]} of {owner_of(subject_of(earlier))}?"
    counted = re.match(r"^the (?:number|amount|total) of (.+)$", new, re.I)
    how_many = re.match(
        r"^(how (?:many|much))\s+((?:[\w'-]+\s+){0,5}?[\w'-]+)(?=\s+" + _AUXILIARY + r"\b)(.*)$",
        earlier,
        re.I | re.S,
    )
    if how_many and (counted or not is_name(new)):
        noun = counted[1] if counted else re.sub(r"^the ", "", new)
        return f"{how_many[1]} {noun}{how_many[3]}"
    if is_name(new):
        return _put_name(earlier, new)
    alike = _put_noun(earlier, new)
    if alike:
        return alike
    first = new.split()[1:2] if new.lower().startswith("the ") else new.split()[:1]
    about = subject_of(earlier)
    if about and (counted or (first and first[0].lower() in PROPERTIES)):
        return f"What is {new} of {owner_of(about)}?"
    return f"{earlier.rstrip(_END_MARKS)}, and what about {new}?"


def is_name(text: str) -> bool:
    """Tell whether words in English name one thing: they begin with a capital, or are one word."""
    return bool(re.match(r"^(?:the )?[A-Z\u4e00-\u9fff“\"]", text)) or (
        text.islower() and " " not in text and not text.endswith("s")
    )


def _put_name(earlier: str, new: str) -> str:
    """A name gives its place to one that ends alike, else to the first."""
    names = [m for m in _NAME.finditer(earlier) if m.start() > 0]
    if not names:
        return f"{earlier.rstrip(_END_MARKS)}, and what about {new}?"
    last = new.split()[-1].lower()
    alike = [m for m in names if m[0].split()[-1].lower() == last]
    of_a_kind = [m for m in names if m[0].split()[-1].lower() in KINDS]
    old = (alike or (of_a_kind if last in KINDS else []) or names)[0]
    words = old[0].split()
    kept = ""
    if not alike and words[-1].lower() in KINDS and last not in KINDS and len(new.split()) == 1:
        kept = " " + words[-1]
    name = new[0].upper() + new[1:]
    before = earlier[: old.start()]
    if new.lower().startswith("the ") and re.search(r"\bthe $", before):
        name = new[4:]
    return before + name + kept + earlier[old.end() :]


def _put_noun(earlier: str, new: str) -> str:
    """A common noun with an article gives its place to one with the same last word."""
    words = new.split()
    if len(words) < 2 or words[0].lower() not in ("the", "a", "an", "this", "our"):
        return ""
    old = re.search(
        rf"\b(?:the|an?|this|our)\s+(?:[\w-]+\s+){{0,2}}{re.escape(words[-1])}\b", earlier
    )
    return earlier[: old.start()] + new + earlier[old.end() :] if old else ""


def _put_time(earlier: str, new: str) -> str:
    bare = re.sub(r"^(?:in|during|by|since) ", "", new, flags=re.I)
    old = _TIME.search(earlier)
    if old:
        preposition = re.match(r"^(?:in|during|by|since) ", old[0], re.I)
        is_year = bare[:1].isdigit() or bare[:1].isupper()
        return (
            earlier[: old.start()]
            + (preposition[0] if preposition and is_year else "")
            + bare
            + earlier[old.end() :]
        )
    joint = "in " if bare[:1].isdigit() or bare[:1].isupper() else ""
    return f"{earlier.rstrip(_END_MARKS)} {joint}{bare}?"


def _is_fragment(rest: str, opened: bool) -> bool:
    """Tell whether a question is a noun phrase only: and the number of employees?"""
    words = rest.strip(_END_MARKS).split()
    if not rest.rstrip().endswith("?") and not opened:
        return False
    has_verb = any(w.lower() in VERBS or re.fullmatch(_AUXILIARY, w, re.I) for w in words)
    asks = re.search(rf"\b{_WH}\b", rest, re.I)
    begins = re.match(r"^(?:the|in|for|of|its|their)\b", rest, re.I)
    return not has_verb and not asks and len(words) <= 7 and bool(opened or begins)


def _pronoun(rest: str) -> Pointing | None:
    for match in _PRONOUN.finditer(rest):
        if _NOT_ONE.match(rest[match.start() :]) or _is_conjunction(rest, match):
            continue
        if _has_antecedent(rest[: match.start()], match[0].lower()):
            return None
        return Pointing(Reference.PRONOUN, rest, *match.span())
    return None


def _is_conjunction(rest: str, match: re.Match[str]) -> bool:
    """Tell whether `that` joins clauses, and `this` or `those` begins what is named at once."""
    word = match[0].lower()
    behind = rest[match.end() :].strip()
    if word == "there":
        if re.search(r"\b(?:is|are|was|were)\s*$", rest[: match.start()]):
            return True
        return bool(behind.strip(_END_MARKS)) and not re.match(r"^(?:now|today|then)", behind)
    if word in ("that", "those"):
        lead = re.search(
            r"(?:^|\b(?:is|are|was|were|do|does|did|of|in|on|for|by|about|with|from|at|to"
            r"|why|how|after|before))\s*$",
            rest[: match.start()],
            re.I,
        )
        return not lead or bool(re.match(r"^(?:who|which|of)\b", behind))
    return False


def _has_antecedent(before: str, pronoun: str) -> bool:
    """Tell whether what a pronoun stands for was named in the same question."""
    if re.search(r"(?<=\s)[A-Z][\w&.-]+", before) or re.search(r"[\u4e00-\u9fff\"“]", before):
        return True
    if re.search(r"\b(?:the|a|an)\s+(?!same|way|number)[a-z]+", before):
        return True
    plurals = re.findall(r"(?<=\s)([a-z]+)s\b", before)
    of_many = [noun for noun in plurals if noun not in VERBS and f"{noun}s" not in LIGHT_WORDS]
    begins = re.match(r"(?i:who|which|what)\s+[a-z]+s\s*$", before)
    return pronoun in ("they", "them", "their") and bool(of_many) and not begins


def _is_light(word: str) -> bool:
    plain = word.lower()
    return plain in LIGHT_WORDS or bool(re.fullmatch(f"{_WH}|{_AUXILIARY}", plain))


def _left_out(rest: str) -> Pointing | None:
    """Return a question that names nothing: How many employees? When was the area built?"""
    words = re.findall(r"[\w'-]+", rest)
    if _PROPERTY.match(rest):
        return Pointing(Reference.BARE, rest)
    if re.match(r"^how (?:many|much)(?: [a-z-]+){1,2}[\s?]*$", rest, re.I):
        return Pointing(Reference.BARE, rest)
    if (
        len(words) <= 7
        and re.match(rf"^(?:{_WH}|{_AUXILIARY})\b", rest, re.I)
        and all(map(_is_light, words))
    ):
        return Pointing(Reference.BARE, rest)
    return None


def _with_referent(found: Pointing, about: str) -> str:
    rest = found.rest
    match = _PRONOUN.match(rest, found.start)
    assert match is not None, f"no pronoun at {found.start} in {rest!r}"
    named = about or "the same"
    if match["whose"]:
        named += "'" if named.endswith("s") else "'s"
    if match["place"]:
        named = f"in {named}"
    behind = rest[found.end :]
    if match["one"] and match["one"].lower() in ("this", "that", "these", "those"):
        behind = re.sub(
            r"^\s+(?!is|are|was|were|happen|do|did|does|so|in|on|at|of|work)[a-z]+\b", "", behind
        )
    return rest[: found.start] + named + behind


def _counted(earlier: str, rest: str) -> str:
    """Return a question how many there were of the things that were picked from."""
    which = re.match(r"^(?:which|what)\s+(?=\w+s\b)(.+)$", earlier.strip(), re.I)
    asked = rest.strip(_END_MARKS)
    return f"{asked} {which[1]}" if which and asked.lower() == "how many" else ""


def _asked_otherwise(earlier: str, rest: str) -> str:
    """Return the earlier question with another question word: Why did … visit companies?"""
    match = re.match(
        rf"^(?:(?:how many|how much|which|what)\s+(?P<noun>(?:[\w'-]+\s+){{0,4}}?[\w'-]+)"
        rf"|when|where|why|how|what)\s+(?P<aux>{_AUXILIARY})\s+(?P<tail>.+)$",
        earlier.strip().rstrip(_END_MARKS),
        re.I | re.S,
    )
    asked = rest.strip(_END_MARKS)
    if (
        match is None
        or not re.fullmatch(rf"{_WH}|how come|by whom", asked, re.I)
        or asked.lower() in ("who", "which", "what", "whose")
    ):
        return ""
    tail = match["tail"]
    if match["noun"]:
        joint = re.search(
            r"\s(?:in|on|at|from|to|with|for|through|under|during|by|last|this)\s", tail
        )
        at = joint.start() if joint else len(tail)
        tail = f"{tail[:at]} {match['noun']}{tail[at:]}"
    return f"{asked} {match['aux']} {tail}?"


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]
