"""Gold answers in their sentences and passages: what `benchmarks.verification` makes cases of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from embeddings.cleaning import HAN, clean
from embeddings.sentences import split
from qa import squad
from qa.kinds import Kind
from qa.question import analyse

LONGEST_PASSAGE = {"zh": 320, "en": 1000}
"""Characters of the passages that contexts are cut into, as an index would hold them."""

LEAST_QUOTE = 9
"""Characters of a quote of evidence from which its sentence is looked for."""

_HAN = re.compile(f"[{HAN}]")


@dataclass(frozen=True)
class Passage:
    """Sentences that are cited together; `context` says which belong to one article."""

    context: int
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """The sentences as one text."""
        return (" " if is_english(self.sentences[0]) else "").join(self.sentences)


@dataclass(frozen=True)
class Fact:
    """A gold answer in its sentence; the answer is empty where none stands there as it is."""

    question: str
    answer: str
    kind: Kind
    sentence: str
    passage: Passage


def is_english(text: str) -> bool:
    """Tell whether a text has no Chinese character."""
    return not _HAN.search(text)


def squad_facts(path: Path) -> Iterator[Fact]:
    """Yield the facts of a SQuAD file, in its order."""
    held = squad.read_squad(path)
    passages = {
        context: list(_passages(number, [one.text for one in split(clean(context))]))
        for number, context in enumerate(held.contexts)
    }
    for item in held.questions:
        answer = next((one for one in item.answers if one.stands_in(item.context)), None)
        if answer and (at := _place(answer, item.context, passages[item.context])):
            kind = analyse(item.question.text).kind
            yield Fact(item.question.text, answer.text, kind, *at)


def _place(
    answer: squad.GoldAnswer, context: str, passages: Sequence[Passage]
) -> tuple[str, Passage] | None:
    """Return the sentence that holds an answer, with its passage; None where it is unsure."""
    near = re.split(r"[。！？!?\n.,，]", context[: answer.start])[-1].strip()[-8:]
    for passage in passages:
        held = [sentence for sentence in passage.sentences if answer.text in sentence]
        if held:
            sure = [sentence for sentence in held if near and near in sentence]
            best = (sure or (held if len(held) == 1 else []))[:1]
            return (best[0], passage) if best else None
    return None


def _passages(context: int, sentences: Sequence[str]) -> Iterator[Passage]:
    limit = LONGEST_PASSAGE["en" if sentences and is_english(sentences[0]) else "zh"]
    held: list[str] = []
    for sentence in sentences:
        if held and sum(map(len, held)) + len(sentence) > limit:
            yield Passage(context, tuple(held))
            held = []
        held.append(sentence)
    if held:
        yield Passage(context, tuple(held))


def seed_facts(questions: Path, folder: Path) -> Iterator[Fact]:
    """Yield the facts of a file of questions with evidence in a folder of texts."""
    texts = {path.name: clean(path.read_text("utf-8")) for path in sorted(folder.glob("*.txt"))}
    held = {
        name: list(_passages(at, [_tight(one.text) for one in split(text)]))
        for at, (name, text) in enumerate(texts.items())
    }
    for line in questions.read_text("utf-8").splitlines():
        item = json.loads(line)
        for evidence in item.get("evidence") or ():
            quote = _tight(clean(evidence["quote"]).text)
            if len(quote) >= LEAST_QUOTE:
                yield from _seed_fact(item, quote[:40], held[evidence["source"]])


def _seed_fact(item: dict[str, object], quote: str, passages: Sequence[Passage]) -> Iterator[Fact]:
    groups: list[list[str]] = item.get("answers") or []  # type: ignore[assignment]
    question = str(item["question"])
    for passage in passages:
        for sentence in passage.sentences:
            if quote in sentence:
                answers = (one for group in groups for one in group if one in sentence)
                yield Fact(question, next(answers, ""), analyse(question).kind, sentence, passage)


def _tight(text: str) -> str:
    return re.sub(r"\s+", "", text)
