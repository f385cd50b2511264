"""Questions to start with, made from any corpus's own headlines, quoted terms and counted facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from pathlib import PurePosixPath

from qa.page.protocols import AnsweringBot
from qa.page.texts import ReplyLanguage, reply_language
from qa.records import Hit

WANTED = 3
_SOURCES_READ = 6
_PASSAGES_READ = 12
_TRIES = 12

# A quoted name with the noun it belongs to, as in “2+X”服务机制.
_NAMED = re.compile(
    r"[“「][^“”「」\n]{2,10}[”」][\u4e00-\u9fff]{0,6}?"
    r"(?:计划|計劃|机制|機制|模式|工程|行动|行動|品牌|政策|平台|战略|戰略|体系|體系|项目|項目)"
)
_QUOTED = re.compile(r"[“\"]([A-Za-z][^“”\"\n]{3,40})[”\"]")

# What is counted in a sentence, as in 拥有直播电商企业100余家, and by which measure.
_COUNTED = re.compile(
    r"(?:[拥擁共现現建设設]有|建成|建立|成立|组建|組建|引进|引進|培育|覆盖|覆蓋|吸纳|吸納|落实|落實|投入|新增)了?"
    r"([\u4e00-\u9fff]{2,8}?)(?:共|达到?|達到?|超过|超過|近|约|約|逾)?"
    r"(\d[\d,.]*)[多余餘]?([万萬亿億]?元|[家个個名人项項所台座处處户戶亩畝])"
)
_COUNTED_ENGLISH = re.compile(r"\b(\d[\d,]*) ((?:[a-z]+ )?[a-z]{3,}s)\b")
_LONGEST_TITLE = 24
_LONGEST_HEADLINE = 40

_WHAT_IS = {
    ReplyLanguage.SIMPLIFIED: "{name}是什么？",
    ReplyLanguage.TRADITIONAL: "{name}是什麼？",
    ReplyLanguage.ENGLISH: "What is “{name}”?",
}
_HOW_MANY = {
    ReplyLanguage.SIMPLIFIED: "{name}有多少{measure}？",
    ReplyLanguage.TRADITIONAL: "{name}有多少{measure}？",
    ReplyLanguage.ENGLISH: "How many {name} are there?",
}
_ABOUT = {
    ReplyLanguage.SIMPLIFIED: "《{name}》讲了什么？",
    ReplyLanguage.TRADITIONAL: "《{name}》講了什麼？",
    ReplyLanguage.ENGLISH: "What does “{name}” say?",
}


def example_questions(bot: AnsweringBot, wanted: int = WANTED) -> tuple[str, ...]:
    """Return up to `wanted` questions that `bot` answers, from different files where it can.

    Raises:
        WenjuError: when the index cannot be read.
    """
    sources = _spread(bot.info().sources)
    by_source = [list(_candidates(bot, source, turn)) for turn, source in enumerate(sources)]
    ranked = [one for row in zip_longest(*by_source) for one in row if one is not None]
    tried = list({one.question: one for one in ranked}.values())[:_TRIES]
    good = (one.question for one in tried if _is_answered(bot, one))
    return tuple(islice(good, wanted))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A question, and the number that must be marked in its answer; empty for none."""

    question: str
    number: str = ""


def _is_answered(bot: AnsweringBot, one: _Candidate) -> bool:
    """Say whether the number is answered, or more than the headline that the question is of."""
    answer = bot.ask(one.question)
    if one.number:
        marked = (mark.of(said.text) for said in answer.sentences for mark in said.marks)
        return answer.answered and any(one.number in text for text in marked)
    return answer.answered and len(answer.text) > _LONGEST_HEADLINE


def _spread(sources: tuple[str, ...]) -> list[str]:
    step = max(1, len(sources) // _SOURCES_READ)
    return list(sources[::step][:_SOURCES_READ])


def _candidates(bot: AnsweringBot, source: str, turn: int) -> Iterator[_Candidate]:
    """Yield questions about one file; which kind comes first changes from file to file."""
    hits = bot.retrieve(PurePosixPath(source).stem, k=_PASSAGES_READ, sources=[source])
    facts = (_counted(hits), _named(hits)) if turn % 2 else (_named(hits), _counted(hits))
    return chain(*facts, _titled(hits))


def _counted(hits: list[Hit]) -> Iterator[_Candidate]:
    for hit in hits:
        language = reply_language(hit.text)
        if language is ReplyLanguage.ENGLISH:
            found = [(name, number, "") for number, name in _COUNTED_ENGLISH.findall(hit.text)]
        else:
            found = _COUNTED.findall(hit.text)
        for name, number, measure in found:
            yield _Candidate(_HOW_MANY[language].format(name=name, measure=measure), number)


def _named(hits: list[Hit]) -> Iterator[_Candidate]:
    for hit in hits:
        language = reply_language(hit.text)
        pattern = _QUOTED if language is ReplyLanguage.ENGLISH else _NAMED
        for match in pattern.finditer(hit.text):
            name = match.group(match.lastindex or 0)
            yield _Candidate(_WHAT_IS[language].format(name=name))


def _titled(hits: list[Hit]) -> Iterator[_Candidate]:
    for hit in hits:
        for title in (hit.heading, hit.title):
            if 4 <= len(title) <= _LONGEST_TITLE:
                yield _Candidate(_ABOUT[reply_language(title)].format(name=title))
