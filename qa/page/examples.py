"""Questions to start with, made from any corpus's own headlines and quoted terms."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
_LONGEST_TITLE = 24
_LONGEST_HEADLINE = 40

_WHAT_IS = {
    ReplyLanguage.SIMPLIFIED: "{name}是什么？",
    ReplyLanguage.TRADITIONAL: "{name}是什麼？",
    ReplyLanguage.ENGLISH: "What is “{name}”?",
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
    by_source = [list(_candidates(bot, source)) for source in _spread(bot.info().sources)]
    ranked = [question for row in zip_longest(*by_source) for question in row if question]
    tried = list(dict.fromkeys(ranked))[:_TRIES]
    return tuple(islice((question for question in tried if _is_answered(bot, question)), wanted))


def _is_answered(bot: AnsweringBot, question: str) -> bool:
    """Say whether the answer is more than the headline that the question was made from."""
    answer = bot.ask(question)
    return answer.answered and len(answer.text) > _LONGEST_HEADLINE


def _spread(sources: tuple[str, ...]) -> list[str]:
    step = max(1, len(sources) // _SOURCES_READ)
    return list(sources[::step][:_SOURCES_READ])


def _candidates(bot: AnsweringBot, source: str) -> Iterator[str]:
    hits = bot.retrieve(PurePosixPath(source).stem, k=_PASSAGES_READ, sources=[source])
    return chain(_named(hits), _titled(hits))


def _named(hits: list[Hit]) -> Iterator[str]:
    for hit in hits:
        language = reply_language(hit.text)
        pattern = _QUOTED if language is ReplyLanguage.ENGLISH else _NAMED
        for match in pattern.finditer(hit.text):
            name = match.group(match.lastindex or 0)
            yield _WHAT_IS[language].format(name=name)


def _titled(hits: list[Hit]) -> Iterator[str]:
    for hit in hits:
        for title in (hit.heading, hit.title):
            if 4 <= len(title) <= _LONGEST_TITLE:
                yield _ABOUT[reply_language(title)].format(name=title)
