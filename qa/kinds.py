"""The kinds of answers, what a question wants, and a form found in a text. No behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What is asked for."""

    NUMBER = "number"
    DATE = "date"
    DURATION = "duration"
    PERSON = "person"
    PLACE = "place"
    ORGANISATION = "organisation"
    NAME = "name"
    REASON = "reason"
    MANNER = "manner"
    DEFINITION = "definition"
    LIST = "list"
    COMPARISON = "comparison"
    YES_NO = "yes_no"
    OTHER = "other"
    SMALL_TALK = "small_talk"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a question wants. All words are in search form.

    Attributes:
        kind: what is asked for.
        units: measure words and units that agree, the one asked for first; empty when any will do.
            Of a date: the parts asked for (年, 月, 日, 时, 季, 世纪, 朝). Of a frequency, which is
            a duration: 每. Of a rank: 第.
        head: the noun asked for, in Chinese where an English one is known; empty when there is
            none.
        endings: how the things that `head` names end (城市: 市, 城); empty when they have no such
            mark.
        noun: the kind of thing that `head` names, `Kind.OTHER` when it is not known. Of a list it
            is the kind of its items.
        focus: what is to be defined (什么是X), or empty.
        count: how many items the question itself wants (哪三张), at least 1, or None.
        before: the Chinese characters directly before the asking word, at most 6, without 是, 为
            and the like (校训是什么: 校训); a sentence that has them may go on with the answer.
        after: the same behind it (以什么为食: 为食). Both are empty in English.
    """

    kind: Kind
    units: tuple[str, ...] = ()
    head: str = ""
    endings: tuple[str, ...] = ()
    noun: Kind = Kind.OTHER
    focus: str = ""
    count: int | None = None
    before: str = ""
    after: str = ""


class Form(NamedTuple):
    """Something of a wanted form in a text.

    Attributes:
        start, end: its characters in the text, end excluded.
        strength: how surely it has the form, 0 to 1.
    """

    start: int
    end: int
    strength: float
