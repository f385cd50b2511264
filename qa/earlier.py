"""What a Chinese follow-up can mean: the things named in the turn before, and how to name them."""

from __future__ import annotations

import re
from functools import cached_property

from embeddings.lexical import Script, Tokenizer, script_of, to_simplified, to_traditional
from embeddings.records import Span
from qa.chinese_words import GENERAL_NOUNS, PROPERTIES, SURNAMES, UNITS
from qa.phrases import (
    Asking,
    Entity,
    Phrase,
    QuestionWord,
    Sort,
    folded,
    is_name,
    is_person,
    without_light_end,
)

LONGEST_TOPIC = 60
"""A statement with more characters is not repeated; its subject stands for it."""

_END_MARKS = " 　?？!！。.，,;；、"
_YES_NO = re.compile(r"(?:吗|么|呢|吧|没有|没|否)+[\s?？!！。]*$")
_WHETHER = re.compile(r"是不是|是否|有没有|能不能|会不会|可不可以")
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


class Earlier:
    """The turn before a follow-up, in the script of the follow-up.

    Args:
        question: what was asked, completed.
        answer: what the bot said; empty for a refusal.
        script: of the follow-up; `Script.OTHER` leaves both as they are.
        tokenizer: finds words.
    """

    def __init__(self, question: str, answer: str, script: Script, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self._traditional = script is Script.TRADITIONAL or (
            script is Script.OTHER and script_of(question) is Script.TRADITIONAL
        )
        self.phrase = Phrase(self._written(question.strip(), script), tokenizer)
        self.answer = self._written(answer, script)

    def _written(self, text: str, script: Script) -> str:
        if script is Script.OTHER:
            return text
        if script is Script.SIMPLIFIED:
            return to_simplified(text)
        return text if to_simplified(text) != text else to_traditional(text)

    def say(self, words: str) -> str:
        """Return Simplified words of ours in the script of the follow-up."""
        return to_traditional(words) if self._traditional else words

    @property
    def asks(self) -> QuestionWord | None:
        """The question word of the turn before."""
        return self.phrase.asks

    @cached_property
    def subject(self) -> str:
        """What was asked about; empty when the question began with its verb."""
        return self.phrase.of(self.phrase.subject).strip(_END_MARKS)

    @cached_property
    def clause(self) -> str:
        """What was asked, as a statement without its question word."""
        asks = self.asks
        if asks is None:
            return self._unasked(self.phrase.text)
        noun = self.phrase.of(asks.noun)
        before = self.phrase.text[: asks.span.start]
        behind = self.phrase.text[(asks.noun or asks.span).end :]
        if not noun or (asks.wanted is Asking.COUNT and not before):
            before = self._without_light_end(before)
        whole = before + noun + behind
        return self._unasked(whole) if len(whole) <= LONGEST_TOPIC else self.subject or whole

    @cached_property
    def asked_group(self) -> str:
        """The things that were counted or picked from: 济阳区走访的企业; empty for other kinds."""
        asks = self.asks
        if asks is None or asks.noun is None or self._is_general(asks.noun) or self._asks_for_one:
            return ""
        noun = self.phrase.of(asks.noun)
        before = self._without_light_end(self.phrase.text[: asks.span.start])
        behind = re.split(r"[,，。?？!！;；]", self.phrase.text[asks.noun.end :])[0]
        behind = re.sub(r"^[里裡中上下内內]|[的了过呢吗嗎過]+$", "", behind.strip())
        if not before.strip(_END_MARKS):
            return noun
        head = re.sub(r"[,，]", "", before if len(before) < LONGEST_TOPIC else self.subject)
        return f"{re.sub('[了过過的]+$', '', head)}{behind}{self.say('的')}{noun}"

    @property
    def _asks_for_one(self) -> bool:
        """Tell whether one thing was asked for (哪家公司) about another that was named."""
        return self._picks_one and bool(self.subject) and not self._subject_is_place

    @property
    def _picks_one(self) -> bool:
        asks = self.asks
        if asks is None or asks.wanted is not Asking.WHICH:
            return False
        word = self.phrase.plain[asks.span.start : asks.span.end]
        return word != "哪些" and not re.match(r"什么样|哪[几两二三四五六七八九十\d]", word)

    @property
    def is_yes_no(self) -> bool:
        """Tell whether the turn before asked for a yes or a no."""
        return self.asks is None

    @property
    def group(self) -> str:
        """What 它们 and 其中 stand for."""
        return self.asked_group or self.subject or self.clause

    @property
    def thing(self) -> str:
        """What 它 stands for: the subject, or what was asked for when that is a mere place."""
        picked = self._picked
        if self.owner:
            return self.phrase.of(self.owner)
        if self.subject and not self._subject_is_place:
            return self.subject
        return picked or self.asked_group or self.subject or self.clause

    @property
    def thing_asked(self) -> str:
        """What a question without a subject is about."""
        if self.asked_group:
            return self.asked_group
        if self.owner:
            return self.phrase.of(self.owner)
        if self.subject and not self._subject_is_place:
            return self._activity or self.subject
        return self._and(self.clause)

    @property
    def _activity(self) -> str:
        """What is done, when nobody is named: 员工请病假 of 员工请病假需要什么材料; else empty."""
        asks, subject = self.asks, self.phrase.subject
        if asks is None or subject is None or any(map(self._is_name, self.phrase.entities)):
            return ""
        words = [word for word in self.phrase.words if word.span.end <= asks.span.start]
        while words and not self.phrase.is_nounish(words[-1]):
            words.pop()
        return self.phrase.text[: words[-1].span.end] if words else ""

    def _is_name(self, entity: Entity) -> bool:
        return is_name(self.phrase, entity)

    @cached_property
    def owner(self) -> Span | None:
        """Whose property was asked for: 苹果公司 in 苹果公司2019年的营收; None when nobody's."""
        subject = self.phrase.subject
        if subject is None:
            return None
        joint = self.phrase.plain.rfind("的", subject.start, subject.end)
        words = [w for w in self.phrase.words if subject.start <= w.span.start < subject.end]
        end = joint if joint > subject.start else words[-1].span.start
        tail = self.phrase.plain[end : subject.end].lstrip("的")
        asked = next((PROPERTIES[noun] for noun in PROPERTIES if tail.endswith(noun)), None)
        if asked is None or (joint <= subject.start and asked != "是多少"):
            return None
        times = [e.span for e in self.phrase.entities if e.sort is Sort.TIME]
        end = next((span.start for span in times if span.end == end), end)
        return Span(subject.start, end) if end > subject.start else None

    @property
    def person(self) -> str:
        """Whom 他 stands for."""
        asks = self.asks
        if asks and asks.wanted is Asking.WHO and self._person_in_answer:
            return self._person_in_answer
        named = [e for e in self.phrase.entities if e.sort is Sort.PERSON]
        if self.asked_group and named and asks and asks.noun and _inside(named[-1], asks.noun):
            return self.asked_group
        return self.subject if self.subject and not self._subject_is_place else self.group

    @property
    def place(self) -> str:
        """What 当地 stands for."""
        found = next((e for e in self.phrase.entities if e.sort is Sort.PLACE), None)
        return self.phrase.of(found.span) if found else self.thing

    def named_as(self, kind: str) -> str:
        """Return what was called a `kind` (公司, 项目), in the answer if it was asked for."""
        if self._picked:
            return self._picked
        if noun_ends(self.asked_group, kind):
            return self.asked_group
        for entity in self.phrase.entities:
            if noun_ends(self.phrase.plain[entity.span.start : entity.span.end], kind):
                return self._whole_name(entity)
        if kind in _PEOPLE:
            return self.person
        return ""

    def and_then(self, text: str) -> str:
        """Return a question that goes on from the statement of the turn before."""
        return self._and(self.clause) + text.strip()

    def _and(self, clause: str) -> str:
        has_verb = any(word.tag[:1] == "v" for word in Phrase(clause, self.tokenizer).words)
        return f"{clause}，" if has_verb else clause

    def _whole_name(self, entity: Entity) -> str:
        """Return a name with the place in front of it, as in 山东中医药大学."""
        start = entity.span.start
        for other in self.phrase.entities:
            if other.sort is Sort.PLACE and other.span.end == start:
                start = other.span.start
        return self.phrase.of(Span(start, entity.span.end))

    @property
    def _subject_is_place(self) -> bool:
        subject = self.phrase.subject
        return subject is not None and any(
            entity.sort is Sort.PLACE and entity.span == subject for entity in self.phrase.entities
        )

    def _is_general(self, noun: Span) -> bool:
        return self.phrase.plain[noun.start : noun.end] in GENERAL_NOUNS | UNITS

    @cached_property
    def _person_in_answer(self) -> str:
        match = _PERSON.search(self.answer)
        if match:
            return match["behind"] or match["before"]
        words = Phrase(self.answer, self.tokenizer).words
        names = {self.answer[w.span.start : w.span.end] for w in words if is_person(w)}
        return names.pop() if len(names) == 1 else ""

    @cached_property
    def _picked(self) -> str:
        """Return the name in the answer that has the kind asked for: 哪家公司 -> …公司."""
        asks = self.asks
        if asks is None or asks.noun is None or not self._picks_one:
            return ""
        kind = self.phrase.plain[asks.noun.start : asks.noun.end]
        ends = re.compile(rf".*(?:{_GROUPS.get(kind, re.escape(kind))})$")
        answer = Phrase(self.answer, self.tokenizer)
        found = [
            Span(_joined_start(answer, entity), entity.span.end)
            for entity in answer.entities
            if entity.sort in (Sort.BODY, Sort.PLACE, Sort.THING)
            and ends.match(answer.plain[entity.span.start : entity.span.end])
        ]
        names = {answer.of(span) for span in found if answer.of(span) not in self.phrase.text}
        return names.pop() if len(names) == 1 else ""

    def _without_light_end(self, text: str) -> str:
        plain = Phrase(text, self.tokenizer).plain
        return text[: len(without_light_end(plain))]

    def _unasked(self, text: str) -> str:
        phrase = Phrase(text.strip(_END_MARKS), self.tokenizer)
        end = _YES_NO.search(phrase.plain)
        plain = phrase.text[: end.start()] if end else phrase.text
        shape = Phrase(plain, self.tokenizer).plain
        for match in reversed(list(_WHETHER.finditer(shape))):
            kept = "" if match[0] in ("是不是", "是否") else plain[match.start()]
            plain = plain[: match.start()] + kept + plain[match.end() :]
        return re.sub(r"[的]+$", "", plain.strip(_END_MARKS))


_PEOPLE = frozenset(["人", "人员", "教授", "书记", "主任", "干部", "专家", "作者", "同志", "领导"])


def noun_ends(name: str, kind: str) -> bool:
    """Tell whether a name ends with the noun `kind`."""
    return bool(kind) and folded(name).rstrip("”」』》").endswith(kind)


def _inside(entity: Entity, span: Span) -> bool:
    return span.start <= entity.span.start and entity.span.end <= span.end


def _joined_start(phrase: Phrase, entity: Entity) -> int:
    """Return where a name begins, with the place in front of it."""
    before = [
        e for e in phrase.entities if e.sort is Sort.PLACE and e.span.end == entity.span.start
    ]
    return before[0].span.start if before else entity.span.start
