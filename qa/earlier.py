"""What a Chinese follow-up can mean: the things named in the turn before, and how to name them."""

from __future__ import annotations

import re
from functools import cached_property

from embeddings.lexical import Script, Tokenizer, script_of, to_simplified, to_traditional
from embeddings.records import Span
from qa.chinese_words import GENERAL_NOUNS, UNITS
from qa.phrases import (
    Asking,
    Entity,
    Phrase,
    QuestionWord,
    Sort,
    folded,
    is_name,
    sort_of,
)
from qa.told import chosen, named, person_told
from qa.topics import Topic, asked_of, stem_end, topic_of

LONGEST_TOPIC = 60
"""A statement with more characters is not repeated; its subject stands for it."""

_END_MARKS = " 　?？!！。.，,;；、"
_YES_NO = re.compile(r"(?:吗|么|呢|吧|没有|没|否)+[\s?？!！。]*$")
_WHETHER = re.compile(r"是不是|是否|有没有|能不能|会不会|可不可以")
_SIGHT = re.compile(
    r".*[山河湖江海泉寺宫庙塔桥潭峰岛洞窟陵园馆楼城台岭峡谷瀑港站](?<!县城)(?<!全城)$"
)


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
            return text if script_of(text) is Script.SIMPLIFIED else to_simplified(text)
        return text if to_simplified(text) != text else to_traditional(text)

    def say(self, words: str) -> str:
        """Return Simplified words of ours in the script of the follow-up."""
        return to_traditional(words) if self._traditional else words

    @property
    def asks(self) -> QuestionWord | None:
        """The question word of the turn before."""
        return self.phrase.asks

    @cached_property
    def topic(self) -> Topic | None:
        """What was asked about; None when the question named nothing before its verb."""
        return topic_of(self.phrase)

    @property
    def subject_span(self) -> Span | None:
        """Where the topic stands."""
        return self.topic.span if self.topic else None

    @cached_property
    def subject(self) -> str:
        """The words of the topic; empty when there is none."""
        return self.phrase.of(self.subject_span).strip(_END_MARKS)

    def sort_at(self, span: Span) -> Sort:
        """Return what the words of a span name."""
        known = (e.sort for e in self.phrase.entities if e.span == span)
        return next(known, None) or sort_of(self.phrase.cut(self.phrase.of(span)))

    def is_named(self, span: Span) -> bool:
        """Tell whether a proper name stands in a span."""
        return any(_inside(e, span) and self._is_name(e) for e in self.phrase.entities)

    @cached_property
    def clause(self) -> str:
        """What was asked, as a statement without its question word."""
        asks = self.asks
        if asks is None:
            return self._unasked(self.phrase.text)
        if self._asks_value:
            return self.subject
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
        if asks is None or asks.noun is None or self._is_general(asks.noun):
            return ""
        if self._asks_for_one or self._asks_value:
            return ""
        noun = self.phrase.of(asks.noun)
        before = self._without_light_end(self.phrase.text[: asks.span.start])
        behind = re.split(r"[,，。?？!！;；]", self.phrase.text[asks.noun.end :])[0]
        behind = re.sub(r"^[里裡中上下内內]|[的了过呢吗嗎過]+$", "", behind.strip())
        if not before.strip(_END_MARKS):
            tells = behind and not self._picks_one and asks.wanted is Asking.WHICH
            return f"{behind}{self.say('的')}{noun}" if tells else noun
        head = re.sub(r"[,，]", "", before if len(before) < LONGEST_TOPIC else self.subject)
        return f"{re.sub('[了过過的]+$', '', head)}{behind}{self.say('的')}{noun}"

    @cached_property
    def _asks_value(self) -> bool:
        """Tell whether a question asks what something is or where: 阿里山在哪个县."""
        asks, topic = self.asks, self.subject_span
        if asks is None or topic is None or not self._picks_one or asks.noun is None:
            return False
        between = self.phrase.plain[topic.end : asks.span.start]
        behind = self.phrase.plain[asks.noun.end :].strip(_END_MARKS + "的")
        return not behind and re.fullmatch(r"是|在|属于?|位于|来自|为", between) is not None

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
        return self.asked_group or self.phrase.of(self.owner) or self.subject or self.clause

    @property
    def thing(self) -> str:
        """What 它 stands for: the subject, or what was asked for when that is a mere place."""
        picked = self._picked
        if self.owner:
            return self.phrase.of(self.owner)
        if self._chosen:
            return self._chosen
        if self.subject and (self._asks_value or not self._subject_is_place):
            return self.subject
        return picked or self.asked_group or self.subject or self.clause

    @property
    def thing_asked(self) -> str:
        """What a question without a subject is about."""
        if self._required:
            return self._required
        if self.asked_group and not self._has_things:
            return self.asked_group
        if self.owner and not self._is_payment:
            return self.phrase.of(self.owner)
        is_place = self._subject_is_place and not (self._asks_value or self._happens)
        if self.subject and not is_place:
            return self._activity or self.subject
        return self._and(self.clause)

    @cached_property
    def noun_asked(self) -> Span | None:
        """What is counted or picked, also when the dictionary takes it for a verb: 几条跑道."""
        asks = self.asks
        if asks is None or asks.noun or asks.wanted is not Asking.COUNT:
            return asks.noun if asks else None
        behind = [w for w in self.phrase.words if w.span.start >= asks.span.end]
        is_alone = behind and not self.phrase.plain[behind[0].span.end :].strip(_END_MARKS)
        has = self.phrase.plain[: asks.span.start].endswith("有")
        return behind[0].span if has and is_alone and len(behind[0].text) > 1 else None

    @property
    def whose(self) -> str:
        """Whose property a new one is: that of the things counted where a district has them."""
        if self.subject and not self._subject_is_region:
            return self.subject
        return self.thing_asked.rstrip("，")

    @property
    def _has_things(self) -> bool:
        """Tell whether it was asked how many parts a thing has, and not a district."""
        asks, topic = self.asks, self.subject_span
        if (
            asks is None
            or topic is None
            or not (asks.wanted is Asking.COUNT or self._lists_property)
        ):
            return False
        between = self.phrase.plain[topic.end : asks.span.start]
        has = re.fullmatch(r"(?:里|上|一共|总共|共|现在|目前|都)*有", between)
        return has is not None and not self._subject_is_region

    @property
    def _is_payment(self) -> bool:
        """Tell whether the property is money, which is itself asked about: 住院押金, 报名费."""
        return self.subject.endswith(("金", "费", "費"))

    @property
    def _lists_property(self) -> bool:
        """Tell whether the things asked for say how another is: 高血压有哪些症状."""
        asks = self.asks
        if asks is None or asks.wanted is not Asking.WHICH or asks.noun is None:
            return False
        return bool(asked_of(self.phrase.plain[asks.noun.start : asks.noun.end]))

    @property
    def _required(self) -> str:
        """What needs the things asked for: 申请护照 of 申请护照需要哪些材料; or empty."""
        asks = self.asks
        if asks is None or asks.wanted is not Asking.WHICH:
            return ""
        before = self.phrase.plain[: asks.span.start]
        needs = re.fullmatch(
            r"(.{2,16}?)(?:都|还)?(?:需要?|要|应该?|必须)(?:[带交办填准提][备供交]?)?", before
        )
        return self.phrase.text[: needs.end(1)].strip(_END_MARKS) if needs else ""

    @property
    def _happens(self) -> bool:
        """Tell whether it was asked when something happened to the topic, or who did it."""
        asks, topic = self.asks, self.subject_span
        if asks is None or topic is None or asks.wanted not in (Asking.WHEN, Asking.WHO):
            return False
        if topic.start >= asks.span.end:
            return True
        behind = Phrase(
            self.phrase.plain[asks.span.end :].strip(_END_MARKS + "的了"), self.tokenizer
        )
        between = self.phrase.plain[topic.end : asks.span.start]
        return between in ("", "是") and len(behind.words) == 1

    @property
    def _activity(self) -> str:
        """What is done, when nobody is named: 员工请病假 of 员工请病假需要什么材料; else empty."""
        asks, subject = self.asks, self.subject_span
        if asks is None or subject is None or any(map(self._is_name, self.phrase.entities)):
            return ""
        words = [word for word in self.phrase.words if word.span.end <= asks.span.start]
        while words and not (self.phrase.is_nounish(words[-1]) and words[-1].tag[:1] in ("n", "")):
            words.pop()
        return self.phrase.text[: max(words[-1].span.end, subject.end)] if words else ""

    def _is_name(self, entity: Entity) -> bool:
        return is_name(self.phrase, entity)

    @property
    def owner(self) -> Span | None:
        """Whose property was asked for: 苹果公司 in 苹果公司2019年的营收; None when nobody's."""
        topic = self.topic
        if topic is None or topic.owner is None or topic.head is None:
            return None
        is_rule = asked_of(self.phrase.plain[topic.head.start : topic.head.end]) == "是什么"
        return None if is_rule and topic.owner.end == topic.head.start else topic.owner

    @property
    def person(self) -> str:
        """Whom 他 stands for."""
        asks = self.asks
        if asks and asks.wanted is Asking.WHO and self._person_in_answer:
            return self._person_in_answer
        named = [e for e in self.phrase.entities if e.sort is Sort.PERSON]
        if self.asked_group and named and asks and asks.noun and _inside(named[-1], asks.noun):
            return self.asked_group
        if asks and asks.wanted is Asking.WHO and not self.phrase.plain[: asks.span.start].strip():
            return self.clause + self.say("的人")
        return self._owner_asked or (
            self.subject if self.subject and not self._subject_is_place else self.group
        )

    @property
    def _owner_asked(self) -> str:
        """Whose property was asked for, unless that is a person too: 王律师 of 王律师的电话."""
        head = self.topic.head if self.topic else None
        joint = self.subject.find("的")
        if head is None and joint > 0:
            whose = self.subject[:joint]
            return whose if sort_of(self.phrase.cut(whose)) is Sort.PERSON else ""
        if head is None or asked_of(self.phrase.plain[head.start : head.end]) == "是谁":
            return ""
        return self.phrase.of(self.topic.owner) if self.topic else ""

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
    def _subject_is_region(self) -> bool:
        """Tell whether the topic is a place with others in it, not a sight or a building."""
        return self._subject_is_place and not _SIGHT.match(folded(self.subject))

    @property
    def _subject_is_place(self) -> bool:
        subject = self.subject_span
        return subject is not None and any(
            entity.sort is Sort.PLACE and entity.span == subject for entity in self.phrase.entities
        )

    def _is_general(self, noun: Span) -> bool:
        return self.phrase.plain[noun.start : noun.end] in GENERAL_NOUNS | UNITS

    @cached_property
    def _said(self) -> Phrase:
        return Phrase(self.answer, self.tokenizer)

    @cached_property
    def _person_in_answer(self) -> str:
        return person_told(self.phrase, self._said)

    @cached_property
    def _chosen(self) -> str:
        """Which of two things the answer names: A和B哪家更早."""
        return chosen(self.phrase, self.answer)

    @cached_property
    def _picked(self) -> str:
        """The name in the answer that has the kind asked for: 哪家公司 -> …公司."""
        return named(self.phrase, self._said) if self._picks_one else ""

    def _without_light_end(self, text: str) -> str:
        return text[: stem_end(Phrase(text, self.tokenizer), len(text))]

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
