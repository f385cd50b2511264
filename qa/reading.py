"""A Chinese question as its rules read it: what it is about, and what it names side by side."""

from __future__ import annotations

import re
from functools import cached_property

from embeddings.lexical import to_simplified, to_traditional
from embeddings.records import Span
from qa.chinese_words import NOUNS_TOO
from qa.enumerations import Chain, chains
from qa.noun_runs import TOGETHER, NounRuns
from qa.phrases import Sort, is_name

_THIS = re.compile(r"[这那该本贵]|[我咱]们?")


def in_script(text: str, like: str) -> str:
    """Return Simplified `text` in the script of `like`."""
    return to_traditional(text) if to_simplified(like) != like else text


class Reading(NounRuns):
    """A question, what it is about, and what it names side by side."""

    def cut(self, text: str) -> Reading:
        """Return the reading of another text."""
        return Reading(self.phrase.cut(text))

    def written(self, simplified: str) -> str:
        """Return words of ours in the script of the question."""
        return in_script(simplified, self.text)

    @cached_property
    def chains(self) -> tuple[Chain, ...]:
        """What is named side by side, in order."""
        return tuple(chains(self))

    def chain_before(self, end: int) -> Chain | None:
        """Return the chain that ends at `end`, but for a comma or a word for all of them."""
        near = [chain for chain in self.chains if chain.end <= end]
        if not near:
            return None
        between = self.hidden[near[-1].end : end]
        return near[-1] if not TOGETHER.sub("", between.strip(", ")).strip(", ") else None

    @cached_property
    def subject(self) -> Span | None:
        """What the question is about, with all that is named beside it; None when it says none."""
        span = self.phrase.subject
        if span is None:
            return None
        first = self._first_of(span)
        ends = [chain.end for chain in self.chains if chain.start < span.end < chain.end]
        whole = Span(self.words[first].span.start, max([span.end, *ends, self._attributed(span)]))
        return whole if self._is_beginning(first) and self._is_sure(whole) else None

    def _first_of(self, span: Span) -> int:
        """Return the number of the word that a subject begins with, what stands before it added."""
        first = next((at for at, word in enumerate(self.words) if word.span.end > span.start), 0)
        while first and self.is_noun(first - 1) and not self.in_time(self.words[first - 1]):
            first -= 1
        before = self.words[first - 1] if first else None
        if before and (_THIS.match(before.text) or (first == 1 and before.tag == "v")):
            first -= 1
        return first

    def _is_beginning(self, at: int) -> bool:
        """Tell whether only times and adverbs stand before word number `at`."""
        before = [word for word in self.words[:at] if word.text.isalnum()]
        return all(word.tag in ("t", "d") or self.in_time(word) for word in before)

    def _is_sure(self, span: Span) -> bool:
        """Tell whether a subject ends in a noun or in a name."""
        last = [word for word in self.words if word.span.end <= span.end][-1]
        if any(e.span.end >= span.end > e.span.start for e in self.phrase.entities):
            return True
        attributed = self.phrase.plain[last.span.start - 1] == "的"
        is_noun = last.tag == "vn" or last.tag[:1] in ("n", "l", "j", "i", "s", "")
        return attributed or is_noun or last.text in NOUNS_TOO

    def _attributed(self, span: Span) -> int:
        """Return the end of a noun that a subject belongs to by 的, a verb before it included."""
        at = next((at for at, w in enumerate(self.words) if w.span.start == span.end), None)
        if at is None or self.words[at].text != "的":
            return span.end
        end = self.run(at + 1)
        if end == at + 1 and end < len(self.words) and self.words[end].tag == "v":
            end = self.run(end + 1)
        return self.words[end - 1].span.end

    def end_behind_time(self, start: int, stop: int) -> int:
        """Return the end of the noun behind a time at `start`; `start` when there is none."""
        times = [e.span for e in self.phrase.entities if e.sort is Sort.TIME]
        ends = [time.end for time in times if time.start == start]
        at = next((at for at, word in enumerate(self.words) if word.span.start in ends), 0)
        end = self.run(at) if at else 0
        behind = self.words[end - 1].span.end if end > at else start
        return behind if behind < stop else start

    @cached_property
    def first_noun(self) -> Span | None:
        """The noun phrase before anything is said or asked; None when there is none."""
        at = 0
        while at < len(self.words) and self.words[at].tag in ("t", "d"):
            if self.words[at].text[-1] in "朝代":
                break
            at += 1
        end = self.run(at)
        acts = end == at + 1 and self.words[at].text in NOUNS_TOO
        if acts and end < len(self.words) and self.words[end].tag == "v":
            return None
        return self.span(at, end) if end > at else None

    @property
    def is_name(self) -> bool:
        """Whether a proper name stands in the text."""
        return any(is_name(self.phrase, entity) for entity in self.phrase.entities)

    @property
    def times(self) -> list[str]:
        """The times in the text, in order."""
        return [self.phrase.of(e.span) for e in self.phrase.entities if e.sort is Sort.TIME]

    @property
    def is_time(self) -> bool:
        """Whether the text is a time and nothing else."""
        return self.times[:1] == [self.text]

    @property
    def first_verb(self) -> str:
        """What stands behind the first noun phrase; empty when it says no word."""
        return self.verb_behind(self.first_noun)

    def verb_behind(self, noun: Span | None) -> str:
        """Return the first word behind `noun` that is no adverb or time."""
        start = noun.end if noun else 0
        behind = (word for word in self.words if word.span.start >= start)
        return next((word.text for word in behind if word.tag not in ("d", "t")), "")

    @property
    def place(self) -> str:
        """The place at the head of the text; empty when there is none."""
        if not self.text:
            return ""
        end, sort = self.lead(Span(0, len(self.text)))
        return self.text[:end] if sort is Sort.PLACE else ""

    @property
    def person(self) -> str:
        """The name of a person at the head of the text, or the words for who is asked for."""
        if re.match(r"谁(?!是)..", self.hidden):
            return self.text[1:] + "的人"
        first = self.words[0] if self.words else None
        return first.text and self.text[: first.span.end] if first and first.tag == "nr" else ""

    def names_before(self, end: int) -> bool:
        """Tell whether a proper name stands before `end`."""
        return any(e.span.end <= end and is_name(self.phrase, e) for e in self.phrase.entities)

    def noun_from(self, start: int) -> Span | None:
        """Return the noun phrase that begins at `start`."""
        return self.phrase.nouns_from(start)
