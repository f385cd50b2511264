"""The ways in which one fact is said truly: as it stands, shortened, joined, written otherwise."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from benchmarks.verification_facts import Fact, is_english
from benchmarks.verification_statements import stated
from embeddings import numerals
from embeddings.lexical import Tokenizer, to_simplified, to_traditional

FORMS = ("sentence", "shorter", "rewritten", "joined", "reworded", "statement")
REWORDED = FORMS[3:]
"""Those that no passage holds as they stand, but for script and numerals."""

LEAST_CLAUSE = 10
"""Characters of a Chinese clause that is joined to another."""

_TIME = re.compile(r".{0,8}\d[\d年月日号]*(?:[年月日号代]).{0,4}")
"""A clause that says no more than when: what it belongs to would be lost."""

_CLAUSE = re.compile(r"(?<=[，；;])|(?<=,)(?!\d)")
_ENDS = "。！？!?.，,；; "


def true_forms(fact: Fact, draw: random.Random, tokenizer: Tokenizer) -> Iterator[tuple[str, str]]:
    """Yield (form, sentence), each form once where it can be made."""
    shorter = shortened(fact, draw)
    base = shorter or fact.sentence
    made = {
        "sentence": fact.sentence,
        "shorter": shorter,
        "rewritten": rewritten(draw.choice((base, fact.sentence)), draw),
        "joined": joined(fact, draw),
        "reworded": reworded(draw.choice((base, fact.sentence)), draw, tokenizer),
        "statement": stated(fact.question, fact.answer, tokenizer),
    }
    yield from ((form, text) for form, text in made.items() if text)


def shortened(fact: Fact, draw: random.Random) -> str:
    """Return the sentence without one clause that does not hold the answer; empty where none."""
    parts = _CLAUSE.split(fact.sentence)
    free = [at for at, part in enumerate(parts) if not fact.answer or fact.answer not in part]
    if len(parts) < 2 or not free or (fact.answer and len(free) == len(parts)):
        return ""
    gone = draw.choice(free)
    return "".join(part for at, part in enumerate(parts) if at != gone).strip()


def joined(fact: Fact, draw: random.Random) -> str:
    """Return the beginnings of two sentences of the passage as one; empty where it has but one."""
    others = [one for one in fact.passage.sentences if one != fact.sentence]
    if not others:
        return ""
    english = is_english(fact.sentence)
    heads = [_head(one) for one in draw.sample([fact.sentence, draw.choice(others)], 2)]
    if min(map(len, heads)) < LEAST_CLAUSE * (3 if english else 1):
        return ""
    if any(_TIME.fullmatch(head) for head in heads):
        return ""
    return f"{heads[0]}, and {heads[1]}." if english else f"{heads[0]}，{heads[1]}。"


def _head(sentence: str) -> str:
    return _CLAUSE.split(sentence)[0].strip(_ENDS)


# Script and numerals.

_DATE = re.compile(r"(?<!\d)(\d{3,4}年)(\d{1,2}月)(\d{1,2}[日号])")
_ARABIC = re.compile(r"(?<![\d.,A-Za-z])\d{1,4}(?![\d.,%A-Za-z])")
_SCALED = re.compile(r"(?<![\d.,A-Za-z])(\d{1,4}(?:\.\d{1,2})?)([万亿萬億])(?![\d余餘多万亿萬億])")
_GROUPED = re.compile(r"(?<![\d.,A-Za-z])(\d{1,3}(?:,\d{3})*0,000|\d{1,4}0000)(?![\d.,A-Za-z])")
_UNITS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_ENGLISH_NUMBERS = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "twelve": "12", "twenty": "20", "thirty": "30", "fifty": "50",
}  # fmt: skip
_IN_ENGLISH = re.compile(
    rf"\b(?:{'|'.join(_ENGLISH_NUMBERS)})\b(?![- ](?:[a-z]+ty|hundred|thousand|million))"
)


def rewritten(text: str, draw: random.Random) -> str:
    """Return `text` with its numbers and dates, mostly also its script, written the other way."""
    if is_english(text):
        other = _IN_ENGLISH.sub(lambda found: _ENGLISH_NUMBERS[found[0]], text)
        other = other.replace(" percent", "%")
        return other if other != text else _wide(text)
    other = _DATE.sub(
        lambda found: draw.choice((found[0], found[2] + found[3], found[1] + found[2])), text
    )
    other = _GROUPED.sub(_in_scale, _SCALED.sub(_written_out, other))
    if draw.random() < 0.7:
        other = _ARABIC.sub(lambda found: _han(found[0], other[found.end() :][:1]), other)
    if other == text or draw.random() < 0.7:
        other = to_traditional(other) if to_simplified(other) == other else to_simplified(other)
    return "" if other == text else other


def _wide(text: str) -> str:
    wide = re.sub(r"\d", lambda one: chr(ord(one[0]) - 48 + 0xFF10), text)
    return "" if wide == text else wide


def _written_out(found: re.Match[str]) -> str:
    value = round(float(found[1]) * _UNITS[found[2]])
    return f"{value:,}"


def _in_scale(found: re.Match[str]) -> str:
    value = int(found[1].replace(",", "")) // 10**4
    return f"{value}万"


def _han(digits: str, behind: str) -> str:
    if len(digits) == 4 and behind == "年":
        return "".join("〇一二三四五六七八九"[int(one)] for one in digits)
    value, text = int(digits), ""
    for unit, word in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        part, value = divmod(value, unit)
        if part:
            text += "一二三四五六七八九"[part - 1] + word
        elif text and value and not text.endswith("零"):
            text += "零"
    text = re.sub("^一十", "十", text)
    return text if text and numerals.value(text) == int(digits) and len(text) > 1 else digits


# Order and words.

_LEADS = {
    "zh": ("根据资料，", "据介绍，", "文中提到，", "资料显示，", "据报道，", "", "", "", ""),
    "en": ("According to the text, ", "The passage says that ", "In fact, ", "", "", ""),
}
_SAID_OTHERWISE = {
    "位于": "坐落于", "目前": "现在", "由于": "因为", "但是": "不过", "以及": "和", "称为": "叫做",
    "大约": "约", "超过": "多于", "因此": "所以", "为了": "为", "拥有": "有", "建立": "设立",
    "成立": "创立", "开始": "起初", "例如": "比如", "主要": "主要地", "并且": "而且",
    "于是": "因而",
    "包括": "包含", "曾经": "曾", "之后": "以后", "其中": "在这当中", "通常": "一般",
    "许多": "很多",
    "获得": "得到", "担任": "任", "发现": "找到", "使用": "用", "出生于": "生于", "需要": "须",
}  # fmt: skip
_ENGLISH_OTHERWISE = {
    "however": "but", "because": "since", "began": "started", "large": "big", "many": "a lot of",
    "located": "situated", "about": "around", "also": "as well", "such as": "like",
    "although": "though", "founded": "established", "often": "frequently", "known as": "called",
}  # fmt: skip
_LATER = re.compile(
    r"^(?P<subject>[^，,。\d]{2,16}?)[于於在](?P<date>\d{4}年(?:\d{1,2}月(?:\d{1,2}[日号])?)?)(?P<rest>[^，,。\d代至到前后起初底末间时-][^，,。]{3,}.*)$"
)
_EARLIER = re.compile(
    r"^在?(?P<date>\d{4}年(?:\d{1,2}月(?:\d{1,2}[日号])?)?)[，,]?(?P<rest>[^，,。\d代至到前后起初底末间时-][^，,。]{5,})(?P<behind>[，,。].*)$"
)
_PASSIVE = re.compile(r"^(?P<thing>[^，,。]{2,16})被(?P<behind>[^，,。]{4,}.*)$")


def reworded(text: str, draw: random.Random, tokenizer: Tokenizer) -> str:
    """Return `text` in another order and in other words; empty where nothing can be changed."""
    if is_english(text):
        other = _in_other_words(text, _ENGLISH_OTHERWISE)
        lead = draw.choice(_LEADS["en"])
        other = (
            lead
            + (
                other[:1].lower()
                if lead
                and other[1:2].islower()
                and other[:2] not in ("I ",)
                and other.split()[0].lower() in ("the", "a", "in", "it", "this", "these", "some")
                else other[:1]
            )
            + other[1:]
        )
    else:
        simplified = to_simplified(text)
        other = _in_other_words(_in_other_order(simplified, tokenizer), _SAID_OTHERWISE)
        other = draw.choice(_LEADS["zh"]) + other
        other = other if simplified == text else to_traditional(other)
    return "" if other == text else other


def _in_other_order(text: str, tokenizer: Tokenizer) -> str:
    if found := _PASSIVE.match(text):
        actor = _actor(found["behind"], tokenizer)
        if actor:
            return f"{actor}将{found['thing']}{found['behind'][len(actor) :]}"
    if found := _EARLIER.match(text):
        return f"{found['rest']}，时间是{found['date']}{found['behind']}"
    if found := _LATER.match(text):
        return f"{found['date']}，{found['subject']}{found['rest']}"
    return text


def _actor(behind: str, tokenizer: Tokenizer) -> str:
    """Return the nouns before the verb."""
    words: list[str] = []
    for word in tokenizer.words(behind):
        if not tokenizer.tag(word).startswith(("n", "j")):
            return "".join(words) if tokenizer.tag(word).startswith("v") else ""
        words.append(word)
    return ""


def _in_other_words(text: str, words: dict[str, str]) -> str:
    pattern = "|".join(words)
    if pattern.isascii():
        pattern = rf"\b(?:{pattern})\b"
    return re.sub(pattern, lambda found: words[found[0]], text)
