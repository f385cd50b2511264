"""What the answer of the turn before names: a person, one of two things, a thing of a kind."""

from __future__ import annotations

import re

from embeddings.records import Span
from qa.chinese_words import SURNAMES
from qa.phrases import Asking, Entity, Phrase, Sort, Word, is_person

_TITLE = (
    r"(?:教授|书记|主任|部长|局长|市长|区长|县长|镇长|乡长|校长|院长|董事长|总经理|经理"
    r"|负责人|主席|总统|记者)"
)
_NAME = rf"[{SURNAMES}][\u4e00-\u9fff]{{1,2}}?"
_PERSON = re.compile(
    rf"{_TITLE}(?P<behind>{_NAME})(?=说|表示|介绍|告诉|认为|指出|[,，。、:：“”(（]|$)"
    rf"|(?<![\u4e00-\u9fff])(?P<before>{_NAME})(?={_TITLE}|说[。,，:：]|表示|介绍)"
)
_GROUPS = {
    "公司": "公司|集团|企业|厂",
    "企业": "公司|集团|企业|厂",
    "药企": "制药|药业|公司|集团",
    "单位": "公司|局|委|部|院|中心",
}


def person_told(question: Phrase, answer: Phrase) -> str:
    """Return the one person that an answer names; empty when none or several."""
    match = _PERSON.search(answer.plain)
    if match:
        return answer.of(Span(*match.span("behind" if match["behind"] else "before")))
    doer = _doer(question, answer)
    if doer:
        return doer
    known = {answer.of(word.span) for word in answer.words if is_person(word)}
    likely = {answer.of(word.span) for word in answer.words if _may_be_person(word)}
    names = known or {name for name in likely if name not in question.text}
    return names.pop() if len(names) == 1 else ""


def chosen(question: Phrase, answer: str) -> str:
    """Return which of the things that a question names an answer names alone: A和B哪家更早."""
    asks = question.asks
    if asks is None or asks.wanted is not Asking.WHICH:
        return ""
    names = [question.of(e.span) for e in question.entities if e.span.end <= asks.span.start]
    said = [name for name in names if name in answer]
    joined = re.search(r"[和与跟、]|还是", question.plain[: asks.span.start])
    return said[0] if joined and len(names) > 1 and len(said) == 1 else ""


def named(question: Phrase, answer: Phrase) -> str:
    """Return the one name in an answer that has the kind asked for: 哪家公司 -> …公司."""
    asks = question.asks
    if asks is None or asks.noun is None:
        return ""
    kind = question.plain[asks.noun.start : asks.noun.end]
    ends = re.compile(rf".*(?:{_GROUPS.get(kind, re.escape(kind))})$")
    found = [
        Span(_joined_start(answer, entity), entity.span.end)
        for entity in answer.entities
        if entity.sort in (Sort.BODY, Sort.PLACE, Sort.THING)
        and ends.match(answer.plain[entity.span.start : entity.span.end])
    ]
    names = {answer.of(span) for span in found if answer.of(span) not in question.text}
    return names.pop() if len(names) == 1 else ""


def _doer(question: Phrase, answer: Phrase) -> str:
    """Return the name before the verb that was asked with: 毕昇 of 毕昇发明了, asked 谁发明了."""
    asks = question.asks
    behind = [word for word in question.words if asks and word.span.start >= asks.span.end]
    if not behind or behind[0].tag[:1] != "v" or len(behind[0].text) < 2:
        return ""
    match = re.search(rf"(?P<name>{_NAME})(?={re.escape(behind[0].text)})", answer.plain)
    return answer.of(Span(*match.span("name"))) if match else ""


def _may_be_person(word: Word) -> bool:
    """Tell whether a word that no dictionary holds has the form of a name."""
    return not word.tag and 2 <= len(word.text) <= 3 and word.text[0] in SURNAMES


def _joined_start(phrase: Phrase, entity: Entity) -> int:
    """Return where a name begins, with the place in front of it."""
    before = [
        e for e in phrase.entities if e.sort is Sort.PLACE and e.span.end == entity.span.start
    ]
    return before[0].span.start if before else entity.span.start
