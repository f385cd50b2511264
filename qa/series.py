"""The items of a list that runs over several sentences: 一是 … 二是 …, or headings built alike.

Patterns only; knows neither passages nor index.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from typing import NamedTuple

from embeddings.cleaning import HAN
from embeddings.lexical import search_form
from qa.forms import strength
from qa.kinds import Kind, Wanted

LONGEST = 150
"""No sentence is added to an answer that would have more characters than this."""

LONGEST_LIST = 300
"""The same for all items of a list that the question asks for: half of them would be wrong."""

LONGEST_HEAD = 14
"""A sentence of at most so many characters may be a heading of the explanation behind it."""

MOST = 6
"""Most sentences that are said together."""

REACH = 6
"""Two items of one list stand at most so many sentences apart."""

FEWEST_SHAPED = 3
"""Fewer headings that have nothing in common but being short are found behind any number."""

SINGLE = frozenset(
    {
        Kind.NUMBER,
        Kind.DATE,
        Kind.DURATION,
        Kind.PERSON,
        Kind.PLACE,
        Kind.ORGANISATION,
        Kind.NAME,
        Kind.YES_NO,
        Kind.SMALL_TALK,
    }
)
"""Kinds that want one thing, not all of a list."""


def fits(sentences: Sequence[str], numbers: Sequence[int], longest: int) -> bool:
    """Tell whether `numbers` are at most `MOST` sentences of `longest` characters together."""
    return len(numbers) <= MOST and sum(len(sentences[n]) for n in numbers) <= longest


@lru_cache(maxsize=2048)
def folded(text: str) -> str:
    """Return a text Simplified, half-width and in lower case."""
    return search_form(text.encode("utf-8", "replace").decode())


_NUMERALS = {numeral: n for n, numeral in enumerate("零一二三四五六七八九十")} | {"两": 2, "兩": 2}
_TWO_TO_TEN = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_ENGLISH_NUMERALS = {word: n for n, word in enumerate(_TWO_TO_TEN, 2)}
_LAST = 99
_PLACES = {
    **dict.fromkeys(("首先", "first", "firstly", "一方面", "one"), 1),
    **dict.fromkeys(("其次", "second", "secondly", "另一方面", "another"), 2),
    **dict.fromkeys(("再次", "third", "thirdly"), 3),
    **dict.fromkeys(("最后", "finally", "lastly", "the other"), _LAST),
    "fourth": 4,
    "fifth": 5,
}
"""Words that begin an item, and which it is; the last one ends any list."""

_FEW = "一二三四五六七八九十"
_STYLES = tuple(
    (style, re.compile(rf"(?:^|(?<=[;。,:\n])) ?(?:{pattern})"))
    for style, pattern in (
        ("each", r"一[种类]"),
        ("copula", rf"(?P<n>[{_FEW}])[是要]"),
        ("part", rf"其(?P<n>[{_FEW}])[,、是为:]"),
        (
            "rank",
            rf"第(?P<n>[{_FEW}]|\d)(?:[,、是:个项种类点步条要]|方面|阶段)"
            r"|(?P<w>首先|其次|再次|最后)",
        ),
        ("side", r"(?P<w>一方面|另一方面)"),
        ("bracket", rf"[(](?P<n>[{_FEW}]|\d{{1,2}})[)]"),
        ("dot", r"(?P<n>\d{1,2})(?:[.、](?!\d)|[)])"),
        ("comma", rf"(?P<n>[{_FEW}])、(?![{_FEW}])"),
        (
            "english",
            r"(?:the )?(?P<w>first(?:ly)?|second(?:ly)?|third(?:ly)?|fourth|fifth|finally|lastly)"
            r"(?=,| (?:is|was|are|were|one|step|type|kind|group|reason|part)\b)",
        ),
        ("other", r"(?P<w>one|another|the other)(?= (?:\w+ ){0,2}(?:is|was|are|were|has|had)\b)"),
    )
)
_CIRCLED = re.compile(r"[①-⑩]")
_BULLET = re.compile(r"\s*[-•·●▪■◆*]\s*(?=\S)")
_MARKED = re.compile(
    r"\s*(?:[一二三四五六七八九十其第首再最另(（\d①-⑩\-•·●▪■◆*]"
    r"|the |first|second|third|fourth|fifth|final|last|one |another )",
    re.IGNORECASE,
)


class _Marks(NamedTuple):
    """The marks in a sentence that begins with one.

    Attributes:
        style: which kind of mark, each list keeps to one.
        first, last: the number of the first and of the last item; 0 and -1 without numbers.
        size: how many items.
    """

    style: str
    first: int
    last: int
    size: int


@lru_cache(maxsize=2048)
def _marks(sentence: str) -> _Marks | None:
    """Return how an item begins (一是, 第二, 3., ①, First), or None where no item does."""
    if not _MARKED.match(sentence):
        return None
    if _BULLET.match(sentence):
        return _Marks("bullet", 0, -1, 1)
    plain = folded(_CIRCLED.sub(_in_brackets, sentence)).strip()
    for style, pattern in _STYLES:
        if pattern.match(plain):
            found = list(pattern.finditer(plain))
            return _Marks("each", 0, -1, len(found)) if style == "each" else _read(style, found)
    return None


def _in_brackets(circled: re.Match[str]) -> str:
    return f"({ord(circled[0]) - ord('①') + 1})"


def _read(style: str, found: Sequence[re.Match[str]]) -> _Marks:
    """Return marks with numbers, as far as these rise by one."""
    numbers = [_number_of(mark) for mark in found]
    last, size = numbers[0], 1
    for number in numbers[1:]:
        if number in (last + 1, _LAST):
            last, size = number, size + 1
    return _Marks(style, numbers[0], last, size)


def _number_of(mark: re.Match[str]) -> int:
    groups = mark.groupdict()
    if word := groups.get("w"):
        return _PLACES[word]
    numeral = groups["n"]
    return int(numeral) if numeral.isdecimal() else _NUMERALS[numeral]


class _List(NamedTuple):
    """Where a list stands: the sentence that announces it, if any, and its items."""

    lead: int | None
    items: Sequence[int]


def whole_list(
    sentences: Sequence[str], at: int, wanted: Wanted, question: str
) -> tuple[int, ...] | None:
    """Return all items of a list that `at` announces or belongs to, if the question wants them."""
    count = _count_asked(wanted, question)
    if wanted.kind in SINGLE or not _wants_all(sentences, at, wanted, question):
        return None
    found = _numbered(sentences, at, count) or _parallel(sentences, at, count)
    if found is None or (at not in found.items and _lists_all(sentences[at], wanted, question)):
        return None
    return _whole(sentences, found)


def _lists_all(sentence: str, wanted: Wanted, question: str) -> bool:
    """Tell whether a sentence by itself lists as many things as are asked for."""
    return wanted.count is not None and strength(sentence, wanted, question) >= 1.0


_ALL = re.compile(
    r"哪些|哪几|有何|有什么|分别|各是|列举"
    r"|什么(?:措施|特点|作用|内容|要求|条件|材料|好处|步骤|职能|办法)"
    r"|^(?:list|name)\b|\b(?:what|which) (?:are|were)\b"
    rf"|\b(?:what|which) (?:{'|'.join(_TWO_TO_TEN)})\b"
    r"|\bwhat (?:kinds|types|steps|measures|reasons|ways|conditions|documents|functions)\b"
)
_ONE = re.compile(r"哪[一1](?!些)|\b(?:which|what) one\b")
_ENGLISH_COUNT = re.compile(rf"\b({'|'.join(_TWO_TO_TEN)})\b")
_ANNOUNCES = re.compile(r"[:：]\s*$|以下|如下|下列|下面|the following", re.IGNORECASE)


def _wants_all(sentences: Sequence[str], at: int, wanted: Wanted, question: str) -> bool:
    """Tell whether all items are wanted: asked for, named as `at` names them, or announced by it.

    什么是“三项机制” names them; 怎么办理 is answered by every item behind 流程如下.
    """
    asked = folded(question)
    if _ONE.search(asked):
        return False
    if wanted.kind is Kind.LIST or _ALL.search(asked):
        return True
    if at + 1 < len(sentences) and _marks(sentences[at + 1]) and not _marks(sentences[at]):
        return True
    return any(folded(named) in asked for _, named in _counted(sentences[at]))


def _count_asked(wanted: Wanted, question: str) -> int | None:
    if wanted.count is not None:
        return wanted.count
    english = _ENGLISH_COUNT.search(folded(question))
    return _ENGLISH_NUMERALS[english[1]] if english else None


def _numbered(sentences: Sequence[str], at: int, count: int | None) -> _List | None:
    """Return the marked list (一是 … 二是 …) that `at` announces or stands in."""
    for first in range(min(at + 1, len(sentences) - 1), max(-1, at - MOST * REACH), -1):
        marks = _marks(sentences[first])
        if marks is None or marks.first > 1 or _continues(sentences, first, marks):
            continue
        items, size = _followed(sentences, first, marks)
        lead = first - 1 if _leads(sentences, first - 1, at) else None
        explained = count is not None and first < at < items[-1] + REACH
        inside = at == lead or at in items or explained
        if inside and size > 1 and count in (None, size):
            return _List(lead, items)
    return None


def _leads(sentences: Sequence[str], lead: int, at: int) -> bool:
    """Tell whether `lead`, if there is one, announces a list; the chosen `at` need not say so."""
    if lead < 0:
        return False
    return bool(_ANNOUNCES.search(sentences[lead])) or (lead == at and not _marks(sentences[at]))


def _continues(sentences: Sequence[str], at: int, marks: _Marks) -> bool:
    """Tell whether an item without a number has one before it."""
    before = _marks(sentences[at - 1]) if at and marks.first == 0 else None
    return before is not None and before.style == marks.style


def _followed(sentences: Sequence[str], first: int, marks: _Marks) -> tuple[list[int], int]:
    """Return the items from the first on, and how many marks they have."""
    items, last, size = [first], marks.last, marks.size
    reach = REACH if marks.first else 1
    for at in range(first + 1, len(sentences)):
        if at - items[-1] > reach or last == _LAST:
            break
        found = _marks(sentences[at])
        if found is None or found.style != marks.style:
            continue
        if found.first in (last + 1, _LAST):
            items.append(at)
            last, size = found.last, size + found.size
        elif found.first == 1:
            break
    return items, size


_OTHER_NUMBER = "第\\d.,百千万萬亿億零一二三四五六七八九十每几幾/"
_COUNTED = re.compile(
    rf"(?:[两兩二三四五六七八九十2-9２-９](?<![{_OTHER_NUMBER}].)|1[0-2](?<![{_OTHER_NUMBER}]..))"
    r"(?![\d.,%年月日时時岁歲元米公万萬亿億千百十余餘多来來分名人])"
    rf"[{HAN}][”’」』\"]?[{HAN}]{{1,2}}"
)
_ENGLISH_COUNTED = re.compile(rf"\b({'|'.join(_TWO_TO_TEN)}) (?:[a-z]+ )?[a-z]+s\b", re.IGNORECASE)


@lru_cache(maxsize=2048)
def _counted(sentence: str) -> tuple[tuple[int, str], ...]:
    """Return how many of what a sentence speaks of: (4, 四种角色), (3, three types)."""
    found = [(_size(match[0]), match[0]) for match in _COUNTED.finditer(sentence)]
    if sentence.isascii():
        english = _ENGLISH_COUNTED.finditer(sentence)
        found += [(_ENGLISH_NUMERALS[match[1].lower()], match[0]) for match in english]
    return tuple(found)


def _size(named: str) -> int:
    digits = re.match(r"\d+", named)
    return int(digits[0]) if digits else _NUMERALS[named[0]]


def _parallel(sentences: Sequence[str], at: int, count: int | None) -> _List | None:
    """Return the list of sentences built alike (当好“组织者”。… 当好“宣传员”。…)."""
    earliest = max(0, at - (count or 0) * REACH)
    for lead in range(at, earliest - 1, -1):
        for size, named in _counted(sentences[lead]):
            if count not in (None, size):
                continue
            items = _alike(sentences, lead + 1, size, named[-2:])
            if items and (lead == at or items[0] <= at < items[-1] + REACH):
                return _List(lead, items)
    return _around(sentences, at, count) if count and count > 2 else None


def _alike(sentences: Sequence[str], first: int, size: int, noun: str) -> list[int] | None:
    """Return `size` sentences built like sentence `first`, or None if there are not so many."""
    near = sentences[first : first + size * REACH]
    keys_of: tuple[Callable[[str], str], ...] = (*_KEYS, partial(_naming, noun=noun))
    for key in keys_of:
        if key is _shape and size < FEWEST_SHAPED:
            continue
        keys = [key(sentence) for sentence in near]
        items = [first + n for n, found in enumerate(keys) if found and found == keys[0]]
        if len(items) == size or (len(items) > size and items[size - 1] == first + size - 1):
            return items[:size]
    return None


def _around(sentences: Sequence[str], at: int, size: int) -> _List | None:
    """Return the headings built like `at`, if they are exactly as many as are asked for."""
    near = range(max(0, at - size * REACH), min(len(sentences), at + size * REACH))
    for key in _KEYS:
        own = key(sentences[at])
        items = [n for n in near if own and key(sentences[n]) == own]
        if len(items) == size and all(b - a <= REACH for a, b in pairwise(items)):
            return _List(None, items)
    return None


_QUOTED = re.compile(rf"[“‘「『\"][^”’」』\"]{{1,8}}[”’」』\"](?P<behind>[{HAN}])")
_CLOSING = "。！？!?；;：:，,.”’」』\"' "
_PAUSE = re.compile(r"[，,、：:；;]")


def _is_heading(sentence: str) -> bool:
    return len(sentence) <= LONGEST_HEAD and not _PAUSE.search(sentence)


def _start(sentence: str) -> str:
    """Return how a heading begins (当好“组织者”, 当好“宣传员”), or empty."""
    return sentence[:2] if _is_heading(sentence) else ""


def _end(sentence: str) -> str:
    """Return how a heading ends (互动常态化, 反馈及时化), or empty."""
    return sentence.rstrip(_CLOSING)[-1:] if _is_heading(sentence) else ""


def _quotation(sentence: str) -> str:
    """Return what follows the quotation a sentence begins with (“联”上…, “链”上…), or empty."""
    found = _QUOTED.match(sentence)
    return found["behind"] if found else ""


def _shape(sentence: str) -> str:
    """Return the same for all headings (选育专业人员, 突出精准服务), or empty."""
    return "heading" if _is_heading(sentence) else ""


def _naming(sentence: str, noun: str) -> str:
    """Return how a sentence begins that names what is counted (完善…机制，…), or empty."""
    clause = _PAUSE.split(sentence, maxsplit=1)[0]
    return clause[:2] if noun in clause[2:] else ""


_KEYS: tuple[Callable[[str], str], ...] = (_start, _quotation, _end, _shape)


def _whole(sentences: Sequence[str], found: _List) -> tuple[int, ...] | None:
    """Return the list with its announcement if that is short, else its items if they fit."""
    if found.lead is not None:
        announced = (found.lead, *found.items)
        if fits(sentences, announced, LONGEST):
            return announced
    return tuple(found.items) if fits(sentences, found.items, LONGEST_LIST) else None
