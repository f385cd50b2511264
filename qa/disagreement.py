"""Two documents that state one fact with different values: which sentences are said, and in order.

A second sentence that is beside the point hurts every answer. So it must stand in another document,
have the wanted form once and with the same unit, and hold nearly the words of the question that the
first holds, all rare ones and places among them, also in the clause of the value; no word such as
新增 or 计划 and no other place makes it another thing; and both values cannot be right at once,
however they are written.

The newer document is said first, whichever is likelier: what is counted grows and what is planned
is put off, so a reader wants to know how it stands, and then how it was. Where one document has no
date, or both the same, the likelier sentence is first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import lru_cache
from typing import NamedTuple

from embeddings.lexical import search_form
from embeddings.records import Span
from qa import evidence
from qa.amounts import amount
from qa.days import PARTS, day
from qa.forms import forms_in, strength
from qa.kinds import Kind, Wanted
from qa.names import ended
from qa.values import Value, differ

CLEARLY_LESS = 4.0
"""Nats: the other sentence may be this much less likely than the first."""

WHOLE = 0.5
"""Share of the question's idf mass that each of the two sentences must hold."""

SHARED = 0.8
"""Share of what the first sentence holds of it that the other must hold."""

RARE = 0.6
"""Words of the first sentence with this share of its highest idf must stand in the other."""

SURE = 0.7
"""Strength of a form, see `qa.forms`, from which it is taken for the answer."""


class Statement(NamedTuple):
    """A sentence that may answer.

    Attributes:
        text: the sentence, in any script.
        above: title and heading over it, and the places asked for that its document names.
        document: id of its document.
        date: ISO 8601 date of its document, or None.
        weight: log probability that it answers.
    """

    text: str
    above: str
    document: str
    date: str | None
    weight: float


class Asked(NamedTuple):
    """A question.

    Attributes:
        question: as it is asked.
        wanted: what it wants.
        weights: idf of its words, which are in search form; of those that say what it is about and
            stand in the index.
    """

    question: str
    wanted: Wanted
    weights: Mapping[str, float]

    @classmethod
    def of(
        cls, question: str, wanted: Wanted, weights: Mapping[str, float], known: Set[str]
    ) -> Asked:
        """Take a question apart; `weights` is the idf of all its words, `known` those indexed."""
        terms = evidence.Asked(question, evidence.Words(weights, known)).terms
        return cls(question, wanted, {term: weights[term] for term in terms if term in known})

    def mass(self, words: Iterable[str]) -> float:
        """Return the idf mass of words of the question."""
        return sum(self.weights[word] for word in words)


class _Fact(NamedTuple):
    """What a sentence states.

    Attributes:
        value: the answer.
        text: the sentence and what stands above it, in search form.
        until: the sentence up to the end of the clause that the value stands in.
        clause: this clause.
        words: the question's words in the sentence or above it.
        near: those beside the value or above it, without those that name a place. The clause is
            beside it; all before is, too, where the clause names what is counted.
    """

    value: Value
    text: str
    until: str
    clause: str
    words: frozenset[str]
    near: frozenset[str]


def to_say(statements: Sequence[Statement], asked: Asked) -> tuple[int, ...]:
    """Return which statements are said, in this order: the first, or it and one that differs.

    Args:
        statements: sentences that may answer, the likeliest first; one at least.
        asked: one fact must be asked for.
    """
    other = differing(statements, asked)
    if other is None:
        return (0,)
    dates = statements[0].date, statements[other].date
    newer = None not in dates and str(dates[1]) > str(dates[0])
    return (other, 0) if newer else (0, other)


def differing(statements: Sequence[Statement], asked: Asked) -> int | None:
    """Return the likeliest statement of another document with another value than the first's."""
    first = statements[0]
    fact = _fact(first, asked)
    if fact is None:
        return None
    for at, other in enumerate(statements):
        if _may_differ(first, other, asked.question):
            stated = _fact(other, asked)
            if stated and _alike(fact, stated, asked) and differ(fact.value, stated.value):
                return at
    return None


def _may_differ(first: Statement, other: Statement, question: str) -> bool:
    """Tell whether another document speaks here, of the time that is asked for, and likely."""
    likely = first.weight - other.weight <= CLEARLY_LESS
    return likely and other.document != first.document and _same_time(first, other, question)


def _alike(first: _Fact, other: _Fact, asked: Asked) -> bool:
    """Tell whether two facts are about the same thing."""
    return (
        _kept(first.words, other.words, asked)
        and _kept(first.near, other.near, asked)
        and _role(first.clause, asked.wanted) == _role(other.clause, asked.wanted)
        and not _elsewhere(first, other, asked.question)
        and not _elsewhere(other, first, asked.question)
    )


def _kept(first: frozenset[str], other: frozenset[str], asked: Asked) -> bool:
    """Tell whether the other holds nearly all that the first holds, and all that is rare of it."""
    least = RARE * max((asked.weights[word] for word in first), default=0.0)
    exact = {word for word in first if any(map(str.isdigit, word))}
    exact |= first - _without_places(first, asked)
    must = exact | {word for word in first if asked.weights[word] >= least}
    return must <= other and asked.mass(first & other) >= SHARED * asked.mass(first)


def _without_places(words: frozenset[str], asked: Asked) -> frozenset[str]:
    """Return words that stand in no name of a place in the question: a clause goes without it."""
    named = " ".join(_places(asked.question))
    return frozenset(word for word in words if word not in named)


def _elsewhere(one: _Fact, other: _Fact, question: str) -> bool:
    """Tell whether one of two facts is of a place or thing that the other does not speak of."""
    known = _places(question) | _places(other.text)
    said = f"{other.text} {search_form(question)}"
    return any(not _is_named(place, known, said) for place in _places(one.until))


def _is_named(place: str, known: frozenset[str], said: str) -> bool:
    """Tell whether a name is known: whole, without its ending (平阴县), or behind other words.

    济南市天桥区 is 天桥区, and 建成养老服务中心 is 养老服务中心; 第二人民医院 is not 人民医院.
    """
    if place[:-1] in said or place.endswith(tuple(known)):
        return True
    tails = (place[at:] for at in range(1, len(place) - _LEAST_TAIL + 1))
    tail = next((tail for tail in tails if tail in said), "")
    return bool(tail) and place[-len(tail) - 1] not in _DISTINGUISHING


_LEAST_TAIL = 4
_DISTINGUISHING = frozenset("一二三四五六七八九十东西南北中新老大小上下前后分0123456789")
_PLACE_ENDS = (
    "省", "市", "县", "区", "镇", "乡", "村", "州", "国", "街道", "路", "站", "线", "桥", "隧道",
    "河", "湖", "山", "江", "岛", "港", "机场", "馆", "楼", "塔", "寺", "剧场", "剧院", "影院",
    "广场", "公园", "基地", "店", "厂", "矿", "公司", "集团", "大学", "学院", "学校", "中学",
    "小学", "幼儿园", "医院", "银行", "中心", "委员会", "协会",
)  # fmt: skip
_NO_NAME = re.compile("[全本该我各园城市辖社地景][区市县镇乡村省州国馆楼校厂店]")

_TOLD_BY = re.compile(r"[^,，。;；]*(?:获悉|了解到?|介绍|报道|消息|通报|电|讯)[,，:：]")
"""记者从轨道集团获悉: who says so is no place that a value is of."""


@lru_cache(64)
def _places(text: str) -> frozenset[str]:
    """Return the names of places and bodies, in search form; 全区 and the like are none."""
    plain = _TOLD_BY.sub("", search_form(text))
    found = (plain[form.start : form.end] for form in ended(plain, _PLACE_ENDS, 1.0))
    return frozenset(place for place in found if not _NO_NAME.fullmatch(place))


def _fact(statement: Statement, asked: Asked) -> _Fact | None:
    """Return what a statement says; None where it says nothing certain, or several things."""
    text, wanted = statement.text, asked.wanted
    above = _held(statement.above, asked)
    words = _held(text, asked) | above
    if not words or asked.mass(words) < WHOLE * asked.mass(asked.weights):
        return None
    mark = _answering(text, asked)
    value = _value(text, mark, wanted, statement.date) if mark else None
    if mark is None or value is None:
        return None
    clause = _clause(text, mark)
    whole = search_form(f"{statement.above} {text}")
    beside = text[: clause.end] if _counted(wanted) else clause.of(text)
    return _Fact(
        value,
        whole,
        text[: clause.end],
        clause.of(text),
        words,
        _without_places(_held(beside, asked) | above, asked),
    )


def _answering(text: str, asked: Asked) -> Span | None:
    """Return the place of the answer; None where it is not certain, or where there are several."""
    if strength(text, asked.wanted, asked.question) < SURE:
        return None
    marks = _joined(forms_in(text, asked.wanted, asked.question), asked.wanted)
    mass = {mark: asked.mass(_held(_clause(text, mark).of(text), asked)) for mark in marks}
    best = [mark for mark in marks if mass[mark] == max(mass.values())]
    if len(best) != 1 or not _counts(asked.wanted, _clause(text, best[0]).of(text)):
        return None
    return best[0]


def _counts(wanted: Wanted, clause: str) -> bool:
    """Tell whether a clause names the thing that is to be counted, where one is."""
    return _counted(wanted) in search_form(clause)


def _counted(wanted: Wanted) -> str:
    """Return the noun that is to be counted; empty where only a measure or a rank is asked for."""
    measured = wanted.head in wanted.units or wanted.units[:1] == ("第",)
    return "" if measured or wanted.kind is not Kind.NUMBER else wanted.head


def _joined(marks: Sequence[Span], wanted: Wanted) -> list[Span]:
    """Return marks; the parts of one date, side by side (6月8日 and 上午9点), are one."""
    joined = list(marks[:1])
    for mark in marks[1:]:
        if wanted.kind is Kind.DATE and mark.start - joined[-1].end <= 1:
            joined[-1] = Span(joined[-1].start, mark.end)
        else:
            joined.append(mark)
    return joined


def _value(text: str, mark: Span, wanted: Wanted, date: str | None) -> Value | None:
    if wanted.kind is Kind.DATE:
        return _as_asked(day(text, mark, date), wanted)
    if wanted.kind in (Kind.NUMBER, Kind.DURATION):
        return amount(text, mark, [unit for unit in wanted.units if unit.isascii()])
    return None


_FINEST = {"年": "year", "世纪": "year", "朝": "year", "月": "month", "季": "month", "日": "day"}


def _as_asked(value: Value | None, wanted: Wanted) -> Value | None:
    """Return the parts of a date up to the one asked for: of 1949年10月 the year, for 哪一年."""
    finest = _FINEST.get(wanted.units[0], PARTS[-1]) if wanted.units else PARTS[-1]
    kept = PARTS[: PARTS.index(finest) + 1]
    return {part: said for part, said in (value or {}).items() if part in kept} or None


_CLAUSE_END = re.compile(r"[，。；：！？、;:!?]|(?<!\d)[,.]|[,.](?!\d)")


def _clause(text: str, mark: Span) -> Span:
    """Return what stands around a mark between two marks of punctuation."""
    start = max((end.end() for end in _CLAUSE_END.finditer(text, 0, mark.start)), default=0)
    end = _CLAUSE_END.search(text, mark.end)
    return Span(start, end.start() if end else len(text))


_ROLES = {
    name: re.compile(rf"{chinese}|\b(?:{english})")
    for name, chinese, english in (
        (
            "growth",
            "新[增建设登注招签引开成认发入办]|(?:增加|增长|减少|下降|提高|提升|上涨)(?!到|至)|增幅|同比|环比",
            r"increase|rise|rose|grew|fell|dropp|declin|new(?:ly)?\b",
        ),
        (
            "period",
            r"(?<![截至到])(?:[今去当]年|本月|[上下]半年|季度|假期|期间|年来|\d{4}年)(?!底|末)",
            r"(?:this|last) (?:year|month)\b|in \d{4}\b",
        ),
        (
            "plan",
            "计划|规划|预计|预期|力争|目标|拟|将[会要有达建新再]|有望",
            r"plan|expect|project(?!s)|aim|target|will\b",
        ),
        (
            "part",
            r"其中|部分|首批|第[一二三四五六七八九十\d]+[批期]|余下|其余",
            "of which|of them|remaining",
        ),
        ("each", "每|平均|人均|户均", r"each\b|per\b|every\b|average"),
        ("sum", "累计|历年|历来", "cumulative|in total|altogether"),
        ("most", "以下|不超过|最多|至多|最高|最大|上限", r"at most|maximum|up to\b"),
        ("least", "最低|最少|最小|下限", "at least|minimum"),
    )
}
"""Words that make a value another thing: a growth, a plan, a part, a sum, a limit."""


_IDLE_ROLES = frozenset(("plan", "each", "period"))
"""Of a date: a planned or a daily hour is an hour."""


def _role(clause: str, wanted: Wanted) -> frozenset[str]:
    """Return what a value is beside a plain one."""
    plain = search_form(clause)
    found = frozenset(name for name, role in _ROLES.items() if role.search(plain))
    return found - _IDLE_ROLES if wanted.kind is Kind.DATE else found


def _held(text: str, asked: Asked) -> frozenset[str]:
    """Return the words of the question that stand in a text; those of other letters as a whole."""
    plain = search_form(text)
    return frozenset(word for word in asked.weights if word in plain and _whole(word).search(plain))


@lru_cache(1024)
def _whole(word: str) -> re.Pattern[str]:
    before, behind = (r"[^\W\d_一-鿿]" if one.isalpha() else r"\d" for one in (word[0], word[-1]))
    return re.compile(rf"(?<!{before}){re.escape(word)}(?!{behind})")


_YEAR = re.compile(r"(?<!\d)([12]\d{3})(?=\s?年|\b)(?!\d)")
_RELATIVE = re.compile(r"[今去明本前]年|[上下]半年|[本上]月|\b(?:this|last|next) (?:year|month)\b")
_MONTH = re.compile(r"(?<!\d)(1?\d)月")


def _same_time(first: Statement, other: Statement, question: str) -> bool:
    """Tell whether two statements are of the time that a question names; True where it names none.

    今年 is the year of each document: only documents of one year speak of the same.
    """
    plain = search_form(question)
    if _RELATIVE.search(plain) and _year_of(first) != (_year_of(other) or "unknown"):
        return False
    years, months = set(_YEAR.findall(plain)), set(_MONTH.findall(plain))
    return all(_is_of(one, years, months) for one in (first, other))


def _year_of(statement: Statement) -> str:
    return (statement.date or "")[:4]


def _is_of(statement: Statement, years: set[str], months: set[str]) -> bool:
    """Tell whether a statement is of these years and months, by its words or else by its date."""
    plain, date = search_form(statement.text), statement.date or ""
    said_years = set(_YEAR.findall(plain)) or {_year_of(statement)}
    said_months = set(_MONTH.findall(plain)) or {date[5:7].lstrip("0")}
    return years <= said_years and months <= said_months
