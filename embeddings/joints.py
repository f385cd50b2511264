"""How likely it is that one piece of text goes on with another: the evidence at their joint."""

from __future__ import annotations

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from embeddings.cleaning import HAN
from embeddings.lexical import Tokenizer, search_form
from embeddings.network import Alphabet, Network

TABLE = Path(__file__).with_name("joints.json")
"""Alphabet and word habits, written by benchmarks/joints.py; it says from what."""

ARRAYS = Path(__file__).with_name("joints.npz")
"""The networks `pair`, `open` and `start`, written by the same script."""

FITTED = 11
"""The networks read this many pieces of `Evidence`; those after are too rare in clean text."""

NUMBER_SCALE = 3.0
"""Evidence is divided by this before a network reads it."""

_BEFORE, _AFTER = 14, 14
"""Characters on each side of a joint that a network reads."""

_TOPIC = 60
"""Characters after a joint that are held against what stands before it: is it the same matter?"""

_NETWORK, _LINEAR = 0.5, 0.4
"""What the two judges of a joint count: both see much the same, so less than 1 each.

Chosen by the likelihood of 2,500 joints of text that neither was fitted on.
"""

_SURENESS = 0.6
"""Networks are surer on the text that they were fitted on than they ought to be on other text."""

_REPEATED = -3.0
_QUOTATION = -3.0

_REACH = 6
"""Characters on each side of the joint in which a word may lie across it."""

_STRONGEST = 8.0
"""No single piece of evidence counts more than this, in nats."""

_HABIT = 3.0
"""The habit of a word counts at most this much, in nats."""

_HAN_END = re.compile(rf"[{HAN}]+$")
_HAN_START = re.compile(rf"^[{HAN}]+")
_CANNOT_START = re.compile(r"^[，,、；;：:。！？!?…）)】」』”’》〉%]")
_FIRST_CLAUSE = re.compile(rf"^([{HAN}]{{1,3}})[，,、]")
_ADVERBIAL = re.compile(
    r"^(?:为了?|在|对|随着|伴随着?|通过|按照|根据|由于|围绕|针对|作为|面对|自从?|当|将|把|让|使)"
    r"[^，,。；;：:！？!?]+$"
)
_ADVERBIAL_IS_OPEN = 3.0
_MARK_END = re.compile(r"[，,、；;：:（(《“‘「『—-]$")
_SPEAKS = re.compile(r"(?:[:：]|说|称|道|表示|指出|是|为|叫|做|作)$")
_QUOTED = re.compile(r"^[“「『\"].*[。！？!?][”」』\"]$", re.DOTALL)
_PAIRS = {"“": "”", "《": "》", "（": "）", "(": ")", "「": "」", "『": "』", "【": "】", "‘": "’"}


class Evidence(NamedTuple):
    """What is seen at a joint; each number grows with what speaks for one sentence.

    Attributes:
        across: gain, in nats, of cutting both sides into words together.
        first_word, first_tag: log odds that the second piece's first word (its part of speech)
            stands inside a sentence rather than at its start.
        last_word, last_tag: log odds that the first piece's last word (its part of speech) stands
            before another word rather than before a mark.
        pair: how much likelier the two parts of speech stand side by side than by chance, in nats.
        mark: 1 when the first piece ends with a comma or another mark that does not end.
        orphan: 1 or 2 when the second piece starts with a lone noun or character and a comma.
        shared: share of the second piece's longer words, of its first few, that the first has too.
        closed, still_open: 1 when a bracket of the first piece is closed, or not, in the second.
        repeated: 1 when a word would stand twice.
        quotation: 1 when the second piece is one quotation that nothing introduces.
    """

    across: float
    first_word: float
    first_tag: float
    last_word: float
    last_tag: float
    pair: float
    mark: float
    orphan: float
    closed: float
    still_open: float
    shared: float
    repeated: float
    quotation: float


class Joints:
    """Judges joints by jieba's dictionary and a fitted table. Safe to use from several threads.

    Args:
        tokenizer: cuts words and knows their parts of speech.
        table: what benchmarks/joints.py wrote; None for the table of this package.
    """

    def __init__(self, tokenizer: Tokenizer, table: dict[str, Any] | None = None) -> None:
        self._tokenizer = tokenizer
        self._given = table

    @cached_property
    def _table(self) -> dict[str, Any]:
        if self._given:
            return self._given
        table: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
        return table

    @cached_property
    def _alphabet(self) -> Alphabet:
        return Alphabet(self._table["characters"])

    @cached_property
    def _networks(self) -> dict[str, Network]:
        with np.load(ARRAYS, allow_pickle=False) as file:
            arrays = {name: np.asarray(file[name]) for name in file.files}
        names = ("pair", "open", "start")
        return {
            name: Network(
                {
                    key.removeprefix(f"{name}."): array
                    for key, array in arrays.items()
                    if key.startswith(f"{name}.")
                }
            )
            for name in names
        }

    def log_odds(self, before: str, after: str) -> float:
        """Return the log odds, in nats, that `after` goes on with the sentence of `before`.

        Above 0 speaks for it. Both are clean texts, not empty, in any script.
        """
        one, other = search_form(before[-400:]).strip(), search_form(after[:400]).strip()
        if not one or not other:
            return 0.0
        if _CANNOT_START.match(other):
            return _STRONGEST
        seen = self.evidence(one, other)
        fits = _NETWORK * self._pair(one, other, seen) + _LINEAR * self._weighed(seen)
        return fits + _REPEATED * seen.repeated + _QUOTATION * seen.quotation

    def _pair(self, before: str, after: str, seen: Evidence) -> float:
        scaled = [number / NUMBER_SCALE for number in seen[:FITTED]]
        return self._networks["pair"](self.pair_rows(before, after), scaled)

    def _weighed(self, seen: Evidence) -> float:
        weights = self._table["weights"]
        names = Evidence._fields[:FITTED]
        return float(weights["bias"] + sum(weights[name] * getattr(seen, name) for name in names))

    def openness(self, before: str) -> float:
        """Return the log odds, in nats, that a piece without an end mark is broken off.

        Against it stand headlines and whole sentences; 0 where nothing is known.
        """
        text = search_form(before[-400:]).strip()
        if not text:
            return 0.0
        numbers = self.open_numbers(text)
        found = self._networks["open"](self.open_rows(text), numbers)
        return _SURENESS * found + _ADVERBIAL_IS_OPEN * numbers[1]

    def starts_inside(self, after: str) -> float:
        """Return the log odds, in nats, that a piece goes on with a sentence begun elsewhere.

        0 where nothing is known.
        """
        text = search_form(after[:400]).strip()
        return _SURENESS * self._networks["start"](self.start_rows(text)) if text else 0.0

    def pair_rows(self, before: str, after: str) -> list[int]:
        """Return what the network `pair` reads of two texts in search form."""
        return self._alphabet.before(before, _BEFORE) + self._alphabet.after(after, _AFTER)

    def open_rows(self, before: str) -> list[int]:
        """Return what the network `open` reads of a text in search form."""
        return self._alphabet.before(before, _BEFORE)

    def open_numbers(self, before: str) -> list[float]:
        """Return the numbers that `open` reads of a text in search form.

        They are the habit of its last word, and whether the whole is an adverbial that waits for
        its clause, such as 为提升…的核心.
        """
        last = self._tokenizer.words(before[-2 * _REACH :])[-1]
        unknown = self._table["tags"].get(self.tag(last), [0.0, 0.0])
        habit: list[float] = self._table["words"].get(last, unknown)
        return [_bounded(-habit[1]) / NUMBER_SCALE, float(bool(_ADVERBIAL.match(before)))]

    def start_rows(self, after: str) -> list[int]:
        """Return what the network `start` reads of a text in search form."""
        return self._alphabet.after(after, _AFTER)

    def evidence(self, before: str, after: str) -> Evidence:
        """Return what is seen at the joint of two texts in search form, neither empty."""
        last = self._tokenizer.words(before[-2 * _REACH :])[-1]
        first = self._tokenizer.words(after[: 2 * _REACH])[0]
        last_tag, first_tag = self.tag(last), self.tag(first)
        words, tags = self._table["words"], self._table["tags"]
        waiting = unclosed(before)
        closes = _closes(after, waiting)
        return Evidence(
            across=self._word_across(before, after),
            first_word=_bounded(-words.get(first, [0.0, 0.0])[0]),
            first_tag=_bounded(-tags.get(first_tag, [0.0, 0.0])[0]),
            last_word=_bounded(-words.get(last, [0.0, 0.0])[1]),
            last_tag=_bounded(-tags.get(last_tag, [0.0, 0.0])[1]),
            pair=self._table["pairs"].get(f"{last_tag} {first_tag}", 0.0),
            mark=float(bool(_MARK_END.search(before))),
            orphan=self._orphan(after),
            closed=float(bool(waiting) and closes),
            still_open=float(bool(waiting) and not closes),
            shared=self._shared(before, after),
            repeated=float(len(first) > 1 and before.endswith(first)),
            quotation=float(bool(_QUOTED.match(after)) and not _SPEAKS.search(before)),
        )

    def tag(self, word: str) -> str:
        """Return the first letter of a word's part of speech; m for digits, w for marks, x else."""
        known = self._tokenizer.tag(word)
        if known:
            return known[0]
        if word[0].isdigit():
            return "m"
        return "e" if word[0].isascii() and word[0].isalpha() else "x" if word[0].isalpha() else "w"

    def _word_across(self, before: str, after: str) -> float:
        """Return the gain of cutting both together: above 0 where a word lies across the joint."""
        left, right = _HAN_END.search(before), _HAN_START.search(after)
        if not left or not right:
            return 0.0
        tail, head = left[0][-_REACH:], right[0][:_REACH]
        apart = self._tokenizer.log_probability(tail) + self._tokenizer.log_probability(head)
        return min(_STRONGEST, self._tokenizer.log_probability(tail + head) - apart)

    def _shared(self, before: str, after: str) -> float:
        words = [word for word in self._tokenizer.words(after[:_TOPIC]) if len(word) > 1]
        telling = [word for word in words if word not in self._table["words"]]
        return sum(word in before for word in telling) / len(telling) if telling else 0.0

    def _orphan(self, after: str) -> float:
        """Judge a first clause that is no clause: a lone noun (1), or a lone character (2).

        Words that do stand alone before a comma are times, adverbs and conjunctions: 近日,…
        """
        clause = _FIRST_CLAUSE.match(after)
        if not clause or clause[1] in self._table["words"]:
            return 0.0
        if len(clause[1]) == 1:
            return 2.0
        return float(self._tokenizer.tag(clause[1]).startswith("n"))


def _bounded(log_odds: float) -> float:
    """Keep one habit from outweighing everything else."""
    return max(-_HABIT, min(_HABIT, log_odds))


def unclosed(text: str) -> str:
    """Return the brackets and quotation marks that are still to be closed, innermost last."""
    waiting: list[str] = []
    for character in text:
        if character in _PAIRS:
            waiting.append(_PAIRS[character])
        elif waiting and character == waiting[-1]:
            waiting.pop()
    return "".join(waiting)


def _closes(after: str, waiting: str) -> bool:
    """Tell whether `after` closes the innermost waiting bracket before it opens another like it."""
    if not waiting:
        return False
    opening = next(one for one, other in _PAIRS.items() if other == waiting[-1])
    closes, opens = after.find(waiting[-1]), after.find(opening)
    return closes >= 0 and (opens < 0 or closes < opens)
