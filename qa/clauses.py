"""Reasons, means, definitions, lists and comparisons in a folded sentence (see `qa.forms`).

Also the frame of a question: its own words around the asking one, with the answer in that place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from qa.kinds import Form, Wanted

_CLAUSE = r"[^，。；：！？,;!?\n]"
_BECAUSE = (
    "因为|由于|鉴于|为了|为免|以便|以免|以求|旨在|从而|目的[是在为]?|原因[是在为有]?|理由[是为]?|"
    "起因[是为]?|目标[是为]|"
    "之所以|出于|源于|归因于|得益于|有助于|因(?!此|而)|为(?=纪念|避免|防止|提高|解决|保护|配合|了)"
)
_EFFECTS = (
    "因此|因而|所以|于是|故而|使得|使|令|导致|造成|致使|引起|引发|促使|故(?!事|乡|宫|障|意|居)"
)
_REASONS = (
    (re.compile(rf"(?:{_BECAUSE})(?P<said>{_CLAUSE}{{2,60}})"), 1.0),
    (re.compile(rf"(?P<said>{_CLAUSE}{{2,60}})[，,]?(?:{_EFFECTS})"), 0.7),
    (
        re.compile(
            r"\b(?:because(?: of)?|due to|owing to|in order to|so that|as a result of|the reason|"
            r"caused by)\b"
            r"(?P<said>[^,.;]{2,120})"
        ),
        1.0,
    ),
    (
        re.compile(
            r"\b(?:to|for|as|since|so|therefore|thus|led to|resulted in|attributed to)\b "
            r"(?P<said>[^,.;]{2,80})"
        ),
        0.4,
    ),
)
_MEANS = (
    "通过|透过|采用|采取|利用|借助|运用|凭借|凭|依靠|按照|经由|经过|藉由|藉着?|借|使用|根据|依据|"
    "依|经|"
    "(?<![可难所足予加])以(?![及来后前致下上内外至为])|(?<![作利应使])用(?!于|户|途)|由(?!于)|将|把"
)
_MANNERS = (
    (re.compile(rf"(?P<said>(?:{_MEANS}){_CLAUSE}{{2,60}})"), 0.7),
    (
        re.compile(rf"(?P<said>{_CLAUSE}{{2,40}}(?:方式|方法|手段|形式|后|地){_CLAUSE}{{0,20}})"),
        0.5,
    ),
    (re.compile(r"\b(?P<said>(?:by|through|using|via|with) [^,.;]{2,100})"), 0.7),
)
_COMPARED = re.compile(
    r"相比|比起|较之|[高低多少大小优]于|超过|不如|不同|区别|差异|而[^，。]{1,20}则|(?<!对)比(?!赛|"
    r"例|如|利|分)|更|较|最"
    r"|\b(?:than|more|less|whereas|while|unlike|better|worse|higher|lower|larger)\b"
)


def _said(patterns: tuple[tuple[re.Pattern[str], float], ...], folded: str) -> Iterator[Form]:
    for pattern, sure in patterns:
        yield from (Form(*found.span("said"), sure) for found in pattern.finditer(folded))


def reasons(folded: str, _wanted: Wanted) -> Iterator[Form]:
    """Yield what follows words like 因为 and because, and what stands before 因此 and the like."""
    yield from _said(_REASONS, folded)


def manners(folded: str, _wanted: Wanted) -> Iterator[Form]:
    """Yield clauses of means, that is with 通过, 以, by and the like."""
    yield from _said(_MANNERS, folded)


def comparisons(folded: str, _wanted: Wanted) -> Iterator[Form]:
    """Yield the words that compare."""
    yield from (Form(*found.span(), 0.8) for found in _COMPARED.finditer(folded))


_SAYS_SO = frozenset(("即", "是指", "指是", "指的是", "意思是", "意为", "定义为"))


@lru_cache(maxsize=512)
def _definition_of(focus: str) -> re.Pattern[str]:
    """Return the pattern of a clause that says what `focus` is, or that calls something so."""
    name = re.escape(focus)
    if focus[0].isdigit():
        name = rf"(?<![\d.]){name}(?!\.?\d)"
    quoted = rf"[“「『《\"]?{name}[”」』》\"]?"
    return re.compile(
        rf"{quoted}(?:（[^）]*）|\([^)]*\))?[^。]{{0,24}}?(?P<how>是指|指的?是|意思是|意为|定义为|"
        r"是|为|即|属于?|"
        r"\b(?:is|are|was|were|means|refers to)\b|，)(?P<said>[^。！？!?\n]{2,80})"
        rf"|(?P<called>[^，。；]{{2,60}})[，,]?(?:称为|称作|叫做?|即|又称|简称|俗称|名为|（|\(|"
        rf"called |known as )(?:为|是)?{quoted}",
        re.IGNORECASE,
    )


def definitions(folded: str, wanted: Wanted) -> Iterator[Form]:
    """Yield clauses that say what the question's focus is."""
    if not wanted.focus:
        return
    for found in _definition_of(wanted.focus).finditer(folded):
        if found["called"]:
            yield Form(*found.span("called"), 0.9)
        else:
            said_so = found["how"] in _SAYS_SO
            weak = found["how"] == "，" or (found.start() > 12 and not said_so)
            yield Form(*found.span("said"), 0.7 if weak else 1.0)


_ITEM = r"[^、，。；：！？,;:!?\n]"
_ENUMERATED = re.compile(rf"(?<!{_ITEM}){_ITEM}+(?:、{_ITEM}{{1,24}})+")
_NUMBERED = re.compile(
    r"(?:一是|其一|第一|首先|一方面|①|[(（]1[)）]|1[.、．]).{2,}?"
    r"(?:二是|其二|第二|其次|另一方面|②|[(（]2[)）]|2[.、．])[^。\n]{2,}"
)
_QUOTED = re.compile(r"(?:[“「『《][^”」』》]{1,24}[”」』》](?:[、和及与，]|以及)?){2,}")
_ENGLISH_LIST = re.compile(
    r"(?:[\w'’-]+(?: [\w'’-]+){0,3}, )+(?:and |or )?[\w'’-]+(?: [\w'’-]+){0,3}"
)
_AND = re.compile(r"以及|[和与及或]| and ")
_ITEM_BEFORE = re.compile(r"[^、，。；：！？,;:!?\n和与及]{1,16}$")
_ITEM_BEHIND = re.compile(rf"{_ITEM}{{1,16}}")
_LEAD_IN = re.compile(r".*(?:包括了?|包含了?|分别[是为有在]?|即|如|有|为|是|以|在|于|含有)")
_JOINT = re.compile(r"、|和|与|及|或|，|, | and | or ")
_BETWEEN_QUOTES = re.compile(r"[”」』》][、和及与，]?(?:以及)?[“「『《]|[、]")


def lists(folded: str, wanted: Wanted) -> Iterator[Form]:
    """Yield enumerations whole: A、B和C, 一是…二是…, “A”“B”; best with the number asked for."""
    yield from _enumerated(folded, wanted)
    yield from (Form(*found.span(), 0.9) for found in _NUMBERED.finditer(folded))
    for found in _QUOTED.finditer(folded):
        exact = len(_BETWEEN_QUOTES.findall(found[0])) + 1 == wanted.count
        yield Form(*found.span(), 1.0 if exact else 0.7)
    pair = 0.8 if wanted.count == 2 else 0.4
    for joint in _AND.finditer(folded):
        yield from _pair(folded, joint, pair)
    if ", " in folded:
        for found in _ENGLISH_LIST.finditer(folded):
            yield Form(*found.span(), _list_strength(found[0], wanted, 0.7))


def _enumerated(folded: str, wanted: Wanted) -> Iterator[Form]:
    if "、" not in folded:
        return
    for found in _ENUMERATED.finditer(folded):
        lead = _LEAD_IN.match(folded, found.start(), folded.index("、", found.start()))
        start = lead.end() if lead and lead.end() < found.end() - 3 else found.start()
        yield Form(start, found.end(), _list_strength(folded[start : found.end()], wanted, 0.8))


def _pair(folded: str, joint: re.Match[str], sure: float) -> Iterator[Form]:
    """Yield the two things that a word for "and" joins, each to the next mark."""
    start, end = joint.span()
    left = _ITEM_BEFORE.search(folded, max(0, start - 16), start)
    right = _ITEM_BEHIND.match(folded, end)
    if left and right:
        yield Form(left.start(), right.end(), sure)


def _list_strength(words: str, wanted: Wanted, usual: float) -> float:
    items = len(_JOINT.split(words))
    if wanted.count is not None:
        return 1.0 if items == wanted.count else 0.6
    return usual if items > 2 else usual - 0.2


_LINK = re.compile(
    r"[”」』》]?(?:（[^）]*）|\([^)]*\))?(?:则|也|还|主要|通常|一般|分别|大约|"
    r"约)?(?:[是为有叫於于在乃即达：:]|包括|分别)*"
)
_REST = re.compile(rf"{_CLAUSE}{{1,40}}")
_LEFT = re.compile(r"[^，。；：！？、,;!?\s的是在被由以]{1,12}$")


def frames(folded: str, wanted: Wanted) -> Iterator[Form]:
    """Yield what stands in a sentence where the question has its asking word.

    以什么为食 finds 水果 in 以水果为食, 校训是什么 what follows 校训为. At least two
    characters beside the asking word must agree.
    """
    lowered = folded.lower() if folded.isascii() else folded
    if len(wanted.before) > 1:
        yield from _behind(lowered, wanted.before, wanted.after)
    if len(wanted.after) > 1:
        yield from _ahead(lowered, wanted.after)


def _behind(folded: str, before: str, after: str) -> Iterator[Form]:
    """Yield what follows the longest ending of `before` that stands in the sentence."""
    for length in range(len(before), 1, -1):
        at = folded.find(before[-length:])
        if at < 0:
            continue
        link = _LINK.match(folded, at + length)
        start = link.end() if link else at + length
        if rest := _REST.match(folded, start):
            linked = start > at + length
            end = folded.find(after[:2], start, rest.end()) if len(after) > 1 else -1
            sure = 1.0 if end > start else min(0.9, 0.4 + 0.1 * length + 0.2 * linked)
            yield Form(start, end if end > start else rest.end(), sure)
        return


def _ahead(folded: str, after: str) -> Iterator[Form]:
    """Yield what stands before the longest beginning of `after` that stands in the sentence."""
    for length in range(len(after), 1, -1):
        at = folded.find(after[:length])
        if at < 0:
            continue
        if rest := _LEFT.search(folded, max(0, at - 13), at):
            yield Form(rest.start(), at, min(0.8, 0.4 + 0.1 * length))
        return
