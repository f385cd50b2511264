"""How likely it is that one piece of text goes on with another: the evidence at their joint."""

from __future__ import annotations

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from embeddings.cleaning import HAN
from embeddings.lexical import Tokenizer, search_form

TABLE = Path(__file__).with_name("joints.json")
"""Word habits and weights, written by benchmarks/joints.py; it says from what."""

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
_ADVERBIAL_IS_OPEN = 2.0
_LAST_WORD_WEIGHT = 1.3
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

    def log_odds(self, before: str, after: str) -> float:
        """Return the log odds, in nats, that `after` goes on with the sentence of `before`.

        Above 0 speaks for it. Both are clean texts, not empty, in any script.
        """
        one, other = search_form(before[-400:]).strip(), search_form(after[:400]).strip()
        if not one or not other:
            return 0.0
        if _CANNOT_START.match(other):
            return _STRONGEST
        weights = self._table["weights"]
        seen = self.evidence(one, other)._asdict()
        return float(weights["bias"] + sum(weights[name] * seen[name] for name in seen))

    def openness(self, before: str) -> float:
        """Return the log odds, in nats, that a piece that looks complete is broken off.

        0 where its last word says nothing.
        """
        text = search_form(before[-400:]).strip()
        if not text:
            return 0.0
        last = self._tokenizer.words(text[-2 * _REACH :])[-1]
        word = self._table["words"].get(last)
        habit: list[float] = word or self._table["tags"].get(self.tag(last), [0.0, 0.0])
        adverbial = _ADVERBIAL_IS_OPEN if _ADVERBIAL.match(text) else 0.0
        return adverbial + max(-1.0, -_LAST_WORD_WEIGHT * habit[1])

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
