"""One question in Chinese that asks the same of several things, taken apart.

Reads one question at a time; which questions a text is made of is not its matter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

from embeddings.records import Span
from qa.chinese_words import MEASURES
from qa.enumerations import Chain
from qa.noun_runs import ASKS, EACH, TOGETHER
from qa.phrases import Phrase, Sort
from qa.reading import Reading

_ALSO = re.compile(r"^[,\s]*(?:都|均|皆|又)(?!市|会|城)")
_SUMMED = re.compile(r"一共|总共|合计|共计|加起来|加在一起|总和|之和|之间|合起来")
_AND_SO_ON = re.compile(r"等(?!待|级|于|候|离)|之类")

_ADJECTIVES = {
    "多大": "大小",
    "多少": "多少",
    "多高": "高低矮",
    "多长": "长短",
    "什么时候": "早晚先",
    "多快": "快慢",
    "多远": "远近",
    "多重": "重轻",
    "多宽": "宽窄",
    "多深": "深浅",
    "多少钱": "贵",
    "多久": "久",
}
_ASKED = {adjective: asked for asked, all_ in _ADJECTIVES.items() for adjective in all_}
_MORE = "".join(_ASKED)
_WHEN = "什么时候"
_WHICH_ONE = rf"(?:哪一?[{MEASURES}年]|谁|何者)"
_WHICH_IS_MORE = re.compile(
    rf",?{_WHICH_ONE}(?P<what>[^,]{{0,14}}?)(?P<more>更加?|比较|较为?|最)(?P<is>[{_MORE}])"
    rf"(?:一些|一点|些|点)?(?P<rest>[^,]{{0,10}})$"
)
_MORE_OR_LESS = re.compile(
    rf"^(?:是)?(?P<one>[^,]+?)(?:更|比较)?(?P<is>[{_MORE}])(?:一些|些)?,?还是(?P<other>[^,]+?)"
    rf"(?:更|比较)?(?P=is)(?:一些|些)?$"
)
_MORE_THAN = re.compile(
    rf"^(?P<one>[^,]+?)比(?P<other>[^,]+?)(?P<is>[{_MORE}])(?:出来?)?了?"
    r"(?P<asked>(?:多少|几|哪|什么|何)[^,]*)$"
)
_BESIDE = re.compile(
    r"^(?:和|与|跟|同)(?P<other>[^,]+?)(?:相比|比起来|比较起来),(?P<one>[^,]+?)(?P<is>[多少])"
    r"(?:出来?)?了?(?P<asked>(?:多少|几|哪|什么|何)[^,]*)$"
)
_DIFFERENCE = r"(?:区别|不同|差别|差异|异同|不一样)(?:之处|点|的地方)?"
_DIFFERENT = re.compile(_DIFFERENCE)
_DIFFER = re.compile(
    rf"(?P<of>|的[^,]{{1,15}}?|在[^,]{{1,12}}(?:上|方面|中))(?:相比)?,?有(?:着|了)?(?:什么|哪些|哪|何|啥|怎样的|多大的?)[^,]{{0,4}}?"
    rf"{_DIFFERENCE}$|(?P<in>|的[^,]{{1,15}}?|在[^,]{{1,12}}(?:上|方面|中))(?:的|之间的?)?{_DIFFERENCE}(?:主要|究竟|到底)?(?:是|在|在于)"
    r"(?:什么|哪里|哪|何处)(?:地方|方面)?$"
)
_COMPARE = re.compile(r"^(?:请|请你|帮我|麻烦)?(?:比较|对比|比一比|对照)(?:一下|下)?")
_AMOUNT = rf"(?:多少[{MEASURES}]?|几[{MEASURES}年月天]|哪[些几个][{MEASURES}]?)"
_ASKED_TWICE = re.compile(
    rf"(?P<first>{_AMOUNT}[^,]{{1,14}}?)(?:、|和|与|以及|及|还有)(?P<second>{_AMOUNT}[^,]*)$"
)


def each_asked(phrase: Phrase) -> list[str]:
    """Return the questions that one question without its final mark asks; itself when it is one."""
    reading = Reading(phrase)
    for rule in (_distributed, _which_is_more, _compared, _differing, _asked_twice):
        found = rule(reading)
        if len(found) > 1:
            return found
    return [phrase.text]


def _distributed(reading: Reading) -> list[str]:
    """Ask of each what the question asks of several with 各 or 分别."""
    each = EACH.search(reading.hidden)
    if not each or not ASKS.search(reading.hidden, each.end()) or _SUMMED.search(reading.hidden):
        return []
    chains = [chain for chain in reading.chains if chain.end <= each.start()]
    if not chains or _AND_SO_ON.search(reading.hidden, chains[-1].names[-1].start, each.start()):
        return []
    nearest = reading.chain_before(each.start()) or _attributed(reading, chains[-1], each.start())
    chosen = nearest or chains[0]
    if nearest and len(chains) > 1:
        return _of_two(reading, chains[-2], chosen)
    return [_asked_of(reading, ((chosen, name),)) for name in chosen.names]


def _attributed(reading: Reading, chain: Chain, end: int) -> Chain | None:
    """Return a chain before 的 and a noun, if nothing else stands before `end`."""
    between = reading.hidden[chain.end : end]
    return chain if re.fullmatch(r"[的之][^,的]{1,12}[,\s都均]*", between) else None


def _of_two(reading: Reading, outer: Chain, inner: Chain) -> list[str]:
    """Ask of each of two enumerations: pair by pair when they belong together, else of all."""
    plain = reading.phrase.plain
    pairs = list(zip(outer.names, inner.names, strict=False))
    same = len(outer.names) == len(inner.names)
    if same and all(plain[b.start : b.end] in plain[a.start : a.end] for a, b in pairs):
        chosen = pairs
    elif len(outer.names) * len(inner.names) > 4:
        return [_asked_of(reading, ((inner, name),)) for name in inner.names]
    else:
        chosen = list(product(outer.names, inner.names))
    return [_asked_of(reading, ((outer, a), (inner, b))) for a, b in chosen]


def _asked_of(reading: Reading, choices: Sequence[tuple[Chain, Span]]) -> str:
    """Return the question with one name in the place of each chain, without the words for each."""
    found, at = "", 0
    for chain, name in choices:
        found += _cleaned(reading, at, chain.start) + reading.text[name.start : name.end]
        at = chain.end
        rest = reading.hidden[at:]
        at += len(rest) - len(_ALSO.sub("", TOGETHER.sub("", rest)))
    return found + _cleaned(reading, at, len(reading.text))


def _cleaned(reading: Reading, start: int, end: int) -> str:
    """Return a piece of the question without the words for each."""
    kept, at = "", start
    for match in EACH.finditer(reading.hidden, start, end):
        kept += reading.text[at : match.start()]
        at = match.end()
    rest = kept + reading.text[at:end]
    lone = re.match(r"[,，]\s*", rest) if start else None
    return rest[lone.end() :] if lone else rest


def _which_is_more(reading: Reading) -> list[str]:
    """Ask how large each is, and the like, when the question asks which is larger."""
    match = _WHICH_IS_MORE.search(reading.hidden)
    if match:
        chain, of = _compared_by(reading, match.start())
        if chain is None:
            return []
        what = reading.text[slice(*match.span("what"))].removesuffix("得")
        what = what[max(what.find("的"), 0) :]
        names = [reading.text[name.start : name.end] for name in chain.names]
        what = "" if any(name.endswith(what) for name in names) else what
        before = reading.text[: chain.start]
        return [before + _how_much(reading, name + of, what, match) for name in names]
    either = _MORE_OR_LESS.search(reading.hidden)
    if not either:
        return []
    asked = reading.written(_ASKED[either["is"]])
    return [reading.text[slice(*either.span(side))] + asked for side in ("one", "other")]


def _compared_by(reading: Reading, end: int) -> tuple[Chain | None, str]:
    """Return the chain before `end` and what of each is compared, with its 的."""
    near = reading.chain_before(end)
    if near or not reading.chains or reading.chains[-1].end > end:
        return near, ""
    chain = _attributed(reading, reading.chains[-1], end)
    return chain, reading.text[chain.end : end].strip(",， ") if chain else ""


def _how_much(reading: Reading, name: str, what: str, match: re.Match[str]) -> str:
    asked = _ASKED[match["is"]]
    what = _without_class(name, what)
    rest = reading.text[slice(*match.span("rest"))]
    if asked == _WHEN:
        return f"{name}{reading.written(asked if what or rest else '是' + asked)}{what}{rest}"
    return f"{name}{what}{reading.written(asked)}{rest}"


def _without_class(name: str, what: str) -> str:
    """Return what is asked about without the class that a name already ends with."""
    common = (end for end in range(len(what), 0, -1) if name.endswith(what[:end]))
    return what[next(common, 0) :]


def _compared(reading: Reading) -> list[str]:
    """Ask for both sides of a comparison with 比."""
    match = _MORE_THAN.search(reading.hidden) or _BESIDE.search(reading.hidden)
    if not match or not _stands_alone(reading, match.end("one")):
        return []
    one, other = Span(*match.span("one")), Span(*match.span("other"))
    if any(_is_time(reading, side) for side in (one, other)):
        return []
    asked = reading.text[slice(*match.span("asked"))]
    named = all(_is_named(reading, side) for side in (one, other))
    if match["asked"][0] in "多几" and not named and "的" not in reading.hidden[: one.end]:
        return []
    if match["is"] in "多少":
        verb = "" if reading.text[: one.end].endswith("有") else "有"
        asked = verb + asked
    else:
        asked = reading.written(_ASKED[match["is"]])
    noun = _shared_noun(reading, one, other)
    sides = [reading.text[one.start : one.end], reading.text[other.start : other.end] + noun]
    return [side + asked for side in sides]


def _stands_alone(reading: Reading, at: int) -> bool:
    """Tell whether the 比 or the comma behind `at` is a word of its own."""
    return any(word.span.start == at and len(word.text) == 1 for word in reading.words) or (
        reading.hidden[at] != "比"
    )


def _is_named(reading: Reading, side: Span) -> bool:
    """Tell whether a side of a comparison holds the name of a place, a body or a person."""
    part = reading.phrase.cut(reading.phrase.plain[side.start : side.end])
    return any(entity.sort not in (Sort.TIME, Sort.THING) for entity in part.entities)


def _is_time(reading: Reading, side: Span) -> bool:
    part = reading.phrase.cut(reading.phrase.plain[side.start : side.end])
    return any(entity.sort is Sort.TIME for entity in part.entities) or not part.words


def _shared_noun(reading: Reading, one: Span, other: Span) -> str:
    """Return what the second side of a comparison leaves out of the first, with its 的."""
    text, plain = reading.text, reading.phrase.plain
    attribute = plain.rfind("的", one.start, one.end)
    if "的" in plain[other.start : other.end]:
        return ""
    if attribute > 0 and plain[one.end - 1] != plain[other.end - 1]:
        return text[attribute : one.end]
    lead, sort = reading.lead(one)
    whole = reading.lead(other) == (other.end, sort) and sort is not None
    return text[lead : one.end] if whole else ""


def _differing(reading: Reading) -> list[str]:
    """Ask for each of the things whose difference is asked for."""
    order = _COMPARE.match(reading.hidden)
    if not (order or _DIFFERENT.search(reading.hidden)) or not reading.chains:
        return []
    chain = reading.chains[-1]
    if order and order.end() == chain.start:
        rest = reading.text[chain.end :]
        return [reading.text[name.start : name.end] + rest for name in chain.names]
    match = _DIFFER.match(reading.hidden, chain.end)
    if not match or _SUMMED.search(reading.hidden, 0, chain.end):
        return []
    group = "of" if match["of"] is not None else "in"
    of = reading.text[slice(*match.span(group))]
    of = of.removesuffix("上") if of[:1] in ("的", "之") else of
    asked = reading.written("是什么" if not of or of[0] in "的之" else "有什么特点")
    before = reading.text[: chain.start]
    return [before + reading.text[name.start : name.end] + of + asked for name in chain.names]


def _asked_twice(reading: Reading) -> list[str]:
    """Ask apart for two amounts or choices that are asked for side by side."""
    match = _ASKED_TWICE.search(reading.hidden)
    if not match:
        return []
    before = reading.text[: match.start()]
    return [before + reading.text[slice(*match.span(part))] for part in ("first", "second")]
