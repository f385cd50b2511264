"""Chinese follow-ups: what one leaves unsaid, and the question that says it.

Looks only at the words of a question and of the turn before it, never at documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from embeddings.records import Span
from qa.bare import (
    LONGEST_PREDICATE,
    SUPERLATIVE,
    content,
    has_name,
    lacks_subject,
    overlap,
    says_nothing,
)
from qa.chinese_words import LIGHT_WORDS
from qa.earlier import Earlier, noun_ends
from qa.phrases import Asking, Phrase, Sort, is_name
from qa.replacing import with_part
from qa.topics import asked_of

LONGEST_BARE = 24
"""Longer questions without a name are taken to stand alone, unless a word in them points back."""


class Reference(StrEnum):
    """How a question points back."""

    PART = "part"
    PRONOUN = "pronoun"
    INSTEAD = "instead"
    GOES_ON = "goes_on"
    AMONG = "among"
    BARE = "bare"
    SUBJECTLESS = "subjectless"


@dataclass(frozen=True, slots=True)
class Pointing:
    """A question that points back.

    Attributes:
        reference: how.
        rest: the question without the words that only lead on (那, 对了).
        span: of `rest`: the new part, the pronoun, or the words that name the whole; None for the
            other references.
    """

    reference: Reference
    rest: Phrase
    span: Span | None = None


_MARKS = r"[\s?？!！。.,，、;；~…]*"
_OPENING = re.compile(
    r"(?:那么?(?!些|个|家|里|儿|时|年|次|座|条|位|种|样|边|天|所|项|本|部|场|届|只|张|份|句"
    r"|批|段)"
    r"|(?:嗯|哦|噢|啊|好|好的|好吧|对了|还有|另外|此外|所以|然后|不过|但是|可是|而且|顺便)[,，]"
    r"|(?:嗯+|哦+|对了|请问|想问一?下?|我想(?:问|知道|了解)一?下?|再问一?下?|还想问"
    r"|顺便问一?下?|但是|不过|所以)"
    r")[,，、\s]*"
)
_GOES_ON = re.compile(
    r"(?:然后|后来|之后|接着|接下来|还有|具体|具体点|详细点?|结果|继续|比如|例如|举个例子"
    r"|再?说?详细(?:一?点|一?些)?"
    r"|(?:再|请)?(?:详细|具体|多|展开)(?:地|的)?(?:说说|讲讲|介绍一?下?|说一下|讲一下)"
    r"|怎么说|此话怎讲|真的|确定"
    rf"|展开说说|说说看|再说说)?(?:呢|吗|吧|么)?{_MARKS}"
)
_MORE = re.compile(
    r"(?:除此之外|除了(?:这|它|他|她|这|那)[个些家位种条项]?们?(?:之?外|以外)?[,，]?|此外"
    r"|另外|还有|其他|其它|其余|剩下|别的|另一|再"
    r"|前者|后者|上述|上面|前面|刚才|同样|第[一二两三四五六七八九十\d]+[个条项家位种类点步])"
)
_AMONG = re.compile(
    r"(?:在?(?:其中|这其中|当中|这当中|里面|这里面|那里面|这里头|里头)|它们中|他们中|她们中"
    r"|(?:这|那)(?:些|几[个家位种条项])(?:里面?|当?中))(?:的|[,，])?"
)
_ENDS_SHORT = re.compile(rf"(?:呢|咧){_MARKS}$")
_PRONOUN = re.compile(
    r"(?:它们|他们|她们|它|他|她)(?![乡国人])|当地|那里|这里|那儿|这儿|此处"
    r"|(?:当|那|这)(?:时候?|天(?![气空然花])|年(?!代|轻))|(?:这些|那些|这几|那几|该|此|这|那|上述)(?:一"
    r"|两|几)?"
    r"[家个位条项场类处种趟张份座所间台部本篇层批段款届次]?|^其(?![他它中实余次])|同年|次年"
)
_NO_PRONOUN = re.compile(
    r"(?:此外|此后|此前|那么|这样|那样|这么|其实|该不该|应该|本该|因此|如此|彼此|从此|此类)"
)
_SO = re.compile(r"这么|那么|这样|那样|如此")
_SPEAKERS = re.compile(r"[你您我咱]")
_ELLIPTIC = re.compile(
    r"(?:的|[,，])?(?:也|又|则|一共|总共|现在|目前|大概|大约)*(?:(?:有|是|为|建|办|派|来"
    r"|占|达到?)了?)?(?:多少|几)"
    rf"[家个名位条项次场类处支种座所间只辆台部本篇]?(?:呢|啊)?{_MARKS}"
    r"|(?:也|又|则|也是|是不是也|是否也)(?:有|是|一样|如此|这样|这么(?:做|说|干))?(?:吗|么"
    rf"|没有|呢){_MARKS}"
    rf"|(?:有吗|有没有|有没有呢|也有吗){_MARKS}"
)
_ASKS_SO = re.compile(r"(?:吗|么|没有|没)[\s?？]*$|是不是|是否|有没有|能不能|会不会|可不可以")
_CHANGES = re.compile(r"^(?:比|较|同比|又|一共|总共)*(?:增|减|涨|跌|降|提高|上升|变化|超过|翻|占)")


def pointing(question: Phrase, known: Callable[[], str]) -> Pointing | None:
    """Return how `question` points back, or None when it stands alone.

    Args:
        question: the newest question.
        known: gives question and answer of the turn before, folded; only asked when in doubt.
    """
    rest, is_opened = _without_opening(question)
    if _GOES_ON.fullmatch(rest.plain):
        return Pointing(Reference.GOES_ON, rest) if rest.plain.strip(" ?？!！。.") else None
    return (
        _part(rest, is_opened)
        or _among(rest)
        or _more(rest)
        or _pronoun(rest)
        or _bare(rest, known)
    )


def completed(found: Pointing, earlier: Earlier) -> str:
    """Return the question that says what `found` leaves unsaid."""
    rest = found.rest
    if found.reference in (Reference.PART, Reference.INSTEAD) and found.span:
        return with_part(earlier, Phrase(rest.of(found.span), earlier.tokenizer), rest)
    if found.reference is Reference.PRONOUN and found.span:
        return _with_referent(rest, found.span, earlier)
    if found.reference is Reference.AMONG:
        return _among_which(rest, found.span, earlier)
    if found.reference is Reference.GOES_ON:
        return earlier.and_then(rest.text)
    return _with_topic(rest, found.reference, earlier)


def _without_opening(question: Phrase) -> tuple[Phrase, bool]:
    first = question.words[0].text if question.words else ""
    match = _OPENING.match(question.plain)
    is_place = first not in ("那", "那么") and question.words[0].tag == "ns" if first else False
    if match is None or (first.startswith("那") and is_place):
        return question, False
    rest = question.text[match.end() :]
    if not rest.strip(" ?？呢"):
        return question, False
    inner, _ = _without_opening(question.cut(rest))
    return inner, True


def _part(rest: Phrase, is_opened: bool) -> Pointing | None:
    """Return a part that shall stand in place of another: 那从业人员呢."""
    marks = _ENDS_SHORT.search(rest.plain)
    if marks and not rest.asks and not _ASKS_SO.search(rest.plain[: marks.start()]):
        start = len(rest.plain) - len(
            re.sub(r"^(?:说到|至于|关于|换成|如果是|要是)", "", rest.plain)
        )
        is_clause = "," in rest.plain[start : marks.start()]
        if 0 < marks.start() - start <= LONGEST_BARE and not is_clause:
            return Pointing(Reference.PART, rest, Span(start, marks.start()))
    stem = len(re.sub(rf"{_MARKS}$", "", rest.plain))
    asks = rest.asks or _ASKS_SO.search(rest.plain) or any(w.tag == "v" for w in rest.words)
    if is_opened and not asks and 0 < stem <= LONGEST_PREDICATE:
        return Pointing(Reference.PART, rest, Span(0, stem))
    for entity in rest.entities[:1]:
        if (
            entity.sort is not Sort.THING
            and entity.span.start == 0
            and _ELLIPTIC.fullmatch(rest.plain[entity.span.end :])
        ):
            return Pointing(Reference.INSTEAD, rest, entity.span)
    return None


def _among(rest: Phrase) -> Pointing | None:
    match = _AMONG.match(rest.plain)
    return Pointing(Reference.AMONG, rest, Span(*match.span())) if match else None


def _more(rest: Phrase) -> Pointing | None:
    match = _MORE.match(rest.plain)
    if match is None or has_name(rest) or len(rest.plain) > LONGEST_BARE:
        return None
    heavy = [word for word in content(rest) if word.span.start >= match.end()]
    return Pointing(Reference.GOES_ON, rest) if len(heavy) <= 1 else None


def _pronoun(rest: Phrase) -> Pointing | None:
    for match in _PRONOUN.finditer(rest.plain):
        if _NO_PRONOUN.match(rest.plain[match.start() :]) or _is_inside_word(rest, match.start()):
            continue
        if has_name(rest, match.start()) or any(
            word.span.end <= match.start() for word in content(rest)
        ):
            return None
        span = Span(*match.span())
        return Pointing(Reference.PRONOUN, rest, span) if _is_left_open(rest, span) else None
    return None


def _is_inside_word(rest: Phrase, at: int) -> bool:
    holder = next(word for word in rest.words if word.span.start <= at < word.span.end)
    return holder.span.start < at or (
        len(holder.text) > 2 and bool(holder.tag) and holder.tag != "r"
    )


def _is_time(pronoun: str) -> bool:
    return pronoun[0] in "当同次" or pronoun[-1] in "时候天年"


def _is_left_open(rest: Phrase, span: Span) -> bool:
    """Tell whether what stands behind 这, 该, … does not say what is meant by itself."""
    if _is_time(rest.plain[span.start : span.end]):
        return not has_name(rest)
    if rest.plain[span.start] in "它他她其":
        return True
    if rest.plain[span.start : span.end] in ("这里", "那里", "这儿", "那儿", "此处"):
        return True
    noun = rest.nouns_from(span.end)
    end = noun.end if noun else span.end
    clause = rest.plain[span.end : rest.asks.span.start if rest.asks else len(rest.plain)]
    names = [entity for entity in rest.entities if entity.span.end <= end]
    return "的" not in clause[end - span.end + 1 :] and not any(is_name(rest, e) for e in names)


def _bare(rest: Phrase, known: Callable[[], str]) -> Pointing | None:
    """Return a question that says nothing of what it is about: 谁负责, 一天来收几趟."""
    asks = rest.asks is not None or _ASKS_SO.search(rest.plain)
    if not asks or len(rest.plain) > LONGEST_BARE or has_name(rest) or _SPEAKERS.search(rest.plain):
        return None
    if SUPERLATIVE.match(rest.plain):
        return Pointing(Reference.AMONG, rest)
    if says_nothing(rest):
        return Pointing(Reference.BARE, rest)
    return Pointing(Reference.SUBJECTLESS, rest) if lacks_subject(rest, known) else None


def _among_which(rest: Phrase, span: Span | None, earlier: Earlier) -> str:
    behind = rest.text[span.end if span else 0 :].lstrip("，, ")
    if not earlier.asked_group and earlier.is_yes_no:
        return earlier.and_then(rest.text)
    return f"{earlier.group}{earlier.say('中')}{behind}"


def _with_referent(rest: Phrase, span: Span, earlier: Earlier) -> str:
    """Put what a pronoun stands for in its place."""
    word = rest.plain[span.start : span.end]
    before, behind = rest.text[: span.start], rest.text[span.end :]
    if word[0] in "他她":
        return before + earlier.person + behind
    if word in ("当地", "那里", "这里", "那儿", "这儿", "此处"):
        return f"{before}{earlier.place}{behind}"
    if _is_time(word):
        return earlier.and_then(rest.text)
    if word[0] in "它其":
        referent = earlier.group if word.endswith("们") else earlier.thing
        joint = earlier.say("的") if word[0] == "其" else ""
        return before + referent + joint + behind
    noun = rest.nouns_from(span.end)
    if noun is None:
        return before + earlier.thing + behind
    return before + _named_again(rest, span, noun, earlier)


def _named_again(rest: Phrase, span: Span, noun: Span, earlier: Earlier) -> str:
    """Return a question from 这个项目 on, with the project that was named."""
    inside = [word.span.end for word in rest.words if noun.start < word.span.end <= noun.end]
    for end in reversed(inside):
        kind = rest.plain[noun.start : end]
        named = earlier.named_as(kind) or earlier.group
        if noun_ends(named, kind):
            return named + rest.text[end:]
    demonstrative = rest.text[span.start : span.end]
    if rest.plain[span.start : span.end] in ("该", "此", "上述"):
        demonstrative = earlier.say("这个")
    whose = earlier.phrase.of(earlier.owner) or named
    return whose + demonstrative + rest.text[noun.start :]


def _with_topic(rest: Phrase, reference: Reference, earlier: Earlier) -> str:
    """Put in front what a question is about."""
    if _CHANGES.search(rest.plain) and earlier.owner:
        return earlier.subject + rest.text
    if earlier.asks and earlier.asks.wanted is Asking.WHY and not _says_again(rest, earlier):
        return earlier.and_then(rest.text)
    if _asks_post(rest):
        return earlier.whose + rest.text
    if reference is Reference.SUBJECTLESS or _says_before(rest):
        return earlier.thing_asked + rest.text
    asks = rest.asks.wanted if rest.asks else None
    tells_how = asks in (Asking.WHY, Asking.HOW) or _SO.search(rest.plain)
    if tells_how or (asks is Asking.WHEN and not _has_verb(rest)):
        return earlier.and_then(rest.text)
    return earlier.thing_asked + rest.text


def _asks_post(rest: Phrase) -> bool:
    """Tell whether a question asks who has an office: 主教练是谁."""
    match = re.fullmatch(rf"(?P<post>.+?)(?:是|叫)(?:谁|什么名字){_MARKS}", rest.plain)
    return match is not None and asked_of(match["post"]) == "是谁"


def _says_before(rest: Phrase) -> bool:
    """Tell whether a question names a case before it asks how: 逾期怎么办."""
    asks = rest.asks
    if asks is None or asks.wanted is not Asking.HOW:
        return False
    before = [word for word in rest.words if word.span.end <= asks.span.start]
    return any(len(w.text) > 1 and w.tag[:1] in "nv" and w.text not in LIGHT_WORDS for w in before)


def _says_again(rest: Phrase, earlier: Earlier) -> bool:
    """Tell whether a question begins with the verb of the one before: 推迟到什么时候."""
    return bool(rest.words) and rest.words[0].text in earlier.phrase.plain


def _has_verb(rest: Phrase) -> bool:
    """Tell whether a question says what happened: 什么时候去世的."""
    return any(
        word.tag[:1] in ("v", "n", "t")
        and word.text not in "是有能要会"
        and not (rest.asks and overlap(rest.asks.span, word.span))
        for word in rest.words
    )
