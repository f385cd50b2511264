"""A sentence as its words, numbers, names and negations, in one form for every way of writing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from functools import cache, lru_cache
from typing import NamedTuple

from embeddings import numerals
from embeddings.cleaning import HAN
from embeddings.lexical import Tokenizer, to_simplified
from qa.units import units_of

LONGEST = 4000
"""Characters of a text that are read."""

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_NUMBER_WORDS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15,
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30,
    "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_SCALES = {
    "十": 10, "百": 100, "千": 10**3, "万": 10**4, "亿": 10**8, "hundred": 100,
    "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
}  # fmt: skip

_HAN_DIGITS = "二两三四五六七八九十百千"
_MEASURED = ("length", "area", "volume", "weight", "money", "time", "energy", "speed")
_END = re.compile(r"[。！？!?；;\n]|\.\s")
_COMMA = re.compile(r"[，,：:()（）—]")
_HAN_RUN = re.compile(rf"[{HAN}]+")
_TOKEN = re.compile(
    r"(?P<number>(?<![\d.])\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?P<scale>(?:[余多]?\s?(?:[十百千万亿]+(?![克瓦米卡])))"
    r"|(?:[ -](?:hundred|thousand|million|billion|trillion))+(?![a-z]))?"
    r"(?P<percent>\s?(?:%|percent\b|per cent\b))?"
    rf"|(?P<han>[{HAN}]+)|(?P<word>[^\W\d_{HAN}]+(?:['’][^\W\d_{HAN}]+)?)"
)
_SCALE = re.compile("|".join(_SCALES))
_IN_WORDS = re.compile(
    rf"\b(?:({'|'.join(_NUMBER_WORDS)})[- ])?({'|'.join(_NUMBER_WORDS)})\b", re.IGNORECASE
)
_HUNDREDS = re.compile(r"\b(?:a|one) (?=(?:hundred|thousand|million|billion)\b)", re.IGNORECASE)
_MONTH = "|".join(month.capitalize() for month in _MONTHS)
_MONTH_FIRST = re.compile(
    rf"\b({_MONTH})(?: (\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,? (\d{{3,4}})\b)?|,? (\d{{4}})\b)"
)
_DAY_FIRST = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?({_MONTH})(?:,? (\d{{3,4}}))?\b")
_DIGITS_ONLY = re.compile(
    r"(?<![\d./-])([12]\d{3})([-/.])(0?[1-9]|1[0-2])\2(0?[1-9]|[12]\d|3[01])(?![\d/-])"
)
_DAY = re.compile(r"(?<=月)(\s?\d{1,2}\s?)号")

_NEGATION = re.compile(
    "[不没未无非勿莫](?!锡|洲|论|数|常|来|仅|但|断|少|过|同|久|管|止|等|足|愧|妨)|(?:并非|从未|尚未|绝非|从不|毫无)"
)
_NOT_NEGATING = frozenset(
    [
        "非常",
        "未来",
        "无锡",
        "非洲",
        "无论",
        "无数",
        "莫斯科",
        "不丹",
        "南非",
        "北非",
        "是否",
        "能否",
        "除非",
        "莫非",
        "无非",
    ]
)
_ENGLISH_NEGATIONS = frozenset(
    [
        "not",
        "no",
        "never",
        "none",
        "nor",
        "neither",
        "without",
        "cannot",
        "nothing",
        "nobody",
        "hardly",
    ]
)
_NAME_TAGS = ("nr", "ns", "nt", "nz")
_IDLE_TAGS = frozenset(
    [
        "u",
        "p",
        "c",
        "y",
        "e",
        "o",
        "x",
        "r",
        "f",
        "d",
        "q",
        "m",
        "ul",
        "uj",
        "uz",
        "ug",
        "ud",
        "k",
        "h",
        "zg",
    ]
)
_ENGLISH_IDLE = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "from",
        "by",
        "with",
        "and",
        "or",
        "but",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "it",
        "its",
        "he",
        "she",
        "they",
        "his",
        "her",
        "their",
        "this",
        "that",
        "these",
        "those",
        "as",
        "which",
        "who",
        "whom",
        "what",
        "when",
        "where",
        "how",
        "why",
        "had",
        "has",
        "have",
        "did",
        "do",
        "does",
        "there",
        "than",
        "then",
        "so",
        "also",
        "into",
        "during",
        "about",
        "after",
        "before",
        "while",
        "i",
        "we",
        "you",
        "s",
        "t",
        "would",
        "could",
        "can",
        "may",
        "might",
        "will",
        "shall",
        "should",
        "not",
        "no",
    ]
)


class Token(NamedTuple):
    """One word or number.

    Attributes:
        text: in search form; a number as its value, ``#22`` or ``#5%``.
        weight: how much it says, about its rarity in nats; 0.5 and less for words that only tie.
        item: number of the name or number that it belongs to; tokens of one item stand together.
        number, name, negation: what it is; all False for plain words.
        pause: how many words the marks before it are worth.
    """

    text: str
    weight: float
    item: int
    number: bool = False
    name: bool = False
    negation: bool = False
    pause: int = 0


def tokens(text: str, tokenizer: Tokenizer) -> tuple[Token, ...]:
    """Return what `text` says, in order; marks and white space are left out.

    Args:
        text: in any script and width; at most `LONGEST` characters are read.
        tokenizer: cuts Chinese.
    """
    return _tokens(text[:LONGEST], tokenizer)


@lru_cache(512)
def _tokens(text: str, tokenizer: Tokenizer) -> tuple[Token, ...]:
    plain = to_simplified(unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode()))
    plain = _dates(_in_arabic(_english_numbers(plain), tokenizer))
    return tuple(_joined(_read(plain, tokenizer)))


def _english_numbers(text: str) -> str:
    """Return `text` with English numbers as digits; one stays, it is often no number."""
    text = _HUNDREDS.sub("1 ", text)
    return _IN_WORDS.sub(_word_value, text)


def _dates(text: str) -> str:
    """Return `text` with English dates and those of digits alone in the Chinese form."""
    text = _DAY_FIRST.sub(lambda found: _date(found[3], found[2], found[1]), text)
    text = _MONTH_FIRST.sub(lambda found: _date(found[3] or found[4], found[1], found[2]), text)
    text = _DIGITS_ONLY.sub(lambda found: f"{found[1]}年{int(found[3])}月{int(found[4])}日", text)
    return _DAY.sub(r"\1日", text)


def _date(year: str | None, month: str, day: str | None) -> str:
    number = _MONTHS.index(month.lower()) + 1
    return f"{year}年" * bool(year) + f"{number}月" + f"{day}日" * bool(day)


def _word_value(found: re.Match[str]) -> str:
    tens, ones = (_NUMBER_WORDS[part.lower()] if part else 0 for part in found.groups())
    return str(tens + ones) if not tens or (tens >= 20 and ones < 10) else f"{tens} {ones}"


def _in_arabic(text: str, tokenizer: Tokenizer) -> str:
    text = _measured().sub(_measured_value, text)
    found: list[numerals.Numeral] = []
    for run in _HAN_RUN.finditer(text):
        found += numerals.find(run[0], tokenizer.words(run[0]), run.start())
    return numerals.in_arabic(text, found)


@cache
def _measured() -> re.Pattern[str]:
    """Return the pattern of Chinese numerals before units of two characters and more.

    Cut into words, 三亿美元 is 三 and 亿美元.
    """
    units = [unit for measure in _MEASURED for unit in units_of(measure) if len(unit) > 1]
    units = sorted({re.escape(unit) for unit in units if not unit.isascii()}, key=len, reverse=True)
    return re.compile(
        rf"(?<![几数第点分{_HAN_DIGITS}])(?:[一{_HAN_DIGITS}]+[万亿]|[{_HAN_DIGITS}]+)"
        rf"(?=[多余]?(?:{'|'.join(units)}|[%‰℃a-zA-Z]))"
    )


def _measured_value(found: re.Match[str]) -> str:
    value = numerals.value(found[0])
    return found[0] if value is None else str(value)


def _read(plain: str, tokenizer: Tokenizer) -> Iterator[Token]:
    """Yield tokens; items are numbered later."""
    end = 0
    for found in _TOKEN.finditer(plain):
        pause = _pause(plain[end : found.start()])
        for token in _tokens_of(found, plain, tokenizer):
            yield token._replace(pause=pause)
            pause = 0
        end = found.end()


def _tokens_of(found: re.Match[str], plain: str, tokenizer: Tokenizer) -> Iterator[Token]:
    if found["number"]:
        yield Token(_value(found), 10.0, 0, number=True)
    elif found["han"]:
        for word in tokenizer.words(found["han"]):
            yield _chinese(word, tokenizer)
    else:
        yield _latin(found["word"], plain[: found.start()])


def _pause(marks: str) -> int:
    """Return what the marks between two words are worth: a sentence's end parts more."""
    if _END.search(marks):
        return 6
    return 2 if _COMMA.search(marks) else 0


def _value(found: re.Match[str]) -> str:
    value = Decimal(found["number"].replace(",", ""))
    for scale in _SCALE.findall(found["scale"] or ""):
        value *= _SCALES[scale]
    sign = "%" if found["percent"] else ""
    return f"#{value.normalize():f}{sign}"


def _chinese(word: str, tokenizer: Tokenizer) -> Token:
    tag = tokenizer.tag(word)
    negation = _NEGATION.search(word) is not None and word not in _NOT_NEGATING
    idle = tag in _IDLE_TAGS and not negation
    weight = 0.4 if idle else min(13.0, max(4.0, -tokenizer.log_probability(word)))
    name = tag.startswith(_NAME_TAGS) or (not tag and not negation)
    return Token(word.lower(), weight, 0, name=name, negation=negation)


def _latin(word: str, before: str) -> Token:
    lower = word.lower().replace("’", "'")
    if lower in _ENGLISH_NEGATIONS or lower.endswith("n't"):
        return Token("not" if lower.endswith("n't") else lower, 6.0, 0, negation=True)
    if lower in _ENGLISH_IDLE:
        return Token(lower, 0.4, 0)
    starts = not before.rstrip(" \"“‘'(") or before.rstrip(" \"“‘'(")[-1] in ".!?。！？\n"
    name = word[:1].isupper() and not (starts and word[1:].islower())
    return Token(_stem(lower), 11.0 if name else min(10.0, 5.0 + len(lower) / 2), 0, name=name)


def _stem(word: str) -> str:
    word = word.removesuffix("'s")
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


def _joined(found: Iterator[Token]) -> Iterator[Token]:
    """Number the items: names that stand side by side are one, as are single characters."""
    item, before = 0, None
    for token in found:
        part = token.name or (
            len(token.text) == 1 and not token.text.isascii() and token.weight > 1
        )
        together = part and before is not None and before
        item += not together
        before = part and not token.number
        yield token._replace(item=item)
