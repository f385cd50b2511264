"""A user's questions as one index is asked them: what is found, with and without the evidence.

Weighs nothing for good: what is learned of it, `qa.fitting` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from embeddings.encoder import Encoder
from embeddings.lexical import Matches, Tokenizer
from embeddings.progress import Meter, OnProgress, silence
from embeddings.searchable import Searchable
from qa.answer import Answerer
from qa.bot import Bot
from qa.compound import parts
from qa.correction import Own
from qa.evidence import Evidence
from qa.figures import EvidencePlaces, Place
from qa.found import Found
from qa.fusion import known_odds
from qa.gold import Gold, states_all
from qa.question import Kind, kind_of
from qa.question_files import UNANSWERABLE, GoldQuestion
from qa.ranking import Ranking, Weighed
from qa.remembering import Remembering
from qa.retrieval import Retriever
from qa.support import Support

STAGE = "ask"
"""What progress is told: questions asked."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a bot makes of candidates before it decides, by shipped weights or corrected ones.

    Attributes:
        weighed: how likely passages and sentences are, what was read counted in.
        support: how likely it is that the documents answer, by the shipped weights; 0 to 1.
        open: whether that can be corrected: not where a rule decides, nor between two languages.
    """

    weighed: Weighed
    support: float
    open: bool


class Candidates(Protocol):
    """What was found for one question.

    Attributes:
        evidence: see `qa.evidence`.
        known: log odds of the passages where other means have ranked them, else None.
    """

    @property
    def evidence(self) -> Evidence:
        """See above."""
        ...

    @property
    def known(self) -> NDArray[np.float64] | None:
        """See above."""
        ...

    def told(self, own: Own) -> Told:
        """Return what is made of them with passages and sentences corrected."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """One question as the index was asked it.

    Attributes:
        answerable: whether the documents answer it.
        found: what was found for it and, where it asks several things, for each of these; nothing
            for small talk, and where nothing is found.
        near: the same without the passages that hold evidence; None of a question that is not
            answerable, and where what is left still states all that is asked for.
        passages, sentences: which candidates of the first of `found` hold evidence, shapes
            (passages,) and (sentences,).
        evidence: the places of the sentences that hold evidence; none if not answerable.
    """

    answerable: bool
    found: tuple[Candidates, ...]
    near: tuple[Candidates, ...] | None
    passages: NDArray[np.bool_]
    sentences: NDArray[np.bool_]
    evidence: frozenset[Place] = frozenset()


_NONE = np.zeros(0, np.bool_)


class MeasuredIndex:
    """An index that is asked as the bot asks it, by the weights that come with the package.

    Args:
        path: the index folder.
        model: sentence-transformers id or folder; None for the one that the index names.

    Raises:
        WenjuError: as `qa.bot.Bot.open`.
    """

    def __init__(self, path: Path, model: str | None = None) -> None:
        self._bot = Bot.open(path, model, retriever=self._make)

    def _make(self, generation: Searchable, encoder: Encoder, tokenizer: Tokenizer) -> Retriever:
        self._tokenizer = tokenizer
        once = Remembering(encoder)
        self._retriever = Retriever(generation, once, tokenizer, Ranking.shipped())
        return self._retriever

    @property
    def fingerprint(self) -> str:
        """Of the model that made the index."""
        return self._retriever.generation.manifest.fingerprint

    def cases(self, questions: Sequence[GoldQuestion], tell: OnProgress = silence) -> list[Case]:
        """Ask all questions.

        Raises:
            QuestionError: evidence is not in the index.
        """
        gold = Gold(self._retriever.generation, questions)
        places = [gold.locate(one) for one in questions]  # complains before it takes long
        meter = Meter(STAGE, len(questions), tell)
        found = []
        for question, evidence in zip(questions, places, strict=True):
            found.append(self._case(question, evidence, gold))
            meter.advance()
        return found

    def _case(self, question: GoldQuestion, evidence: EvidencePlaces, gold: Gold) -> Case:
        asked = self._completed(question)
        found = self._search(asked) if asked else ()
        answerable = question.kind != UNANSWERABLE
        if not answerable or not found:
            return Case(answerable, self._light(found), None, _NONE, _NONE, evidence.sentences)
        assert found[0].gathered is not None
        passages, sentences = gold.marks(found[0].gathered, evidence)
        every = self._retriever.generation.all_rows()
        near = self._search(asked, np.setdiff1d(every, gold.rows(evidence)))
        still = any(one.gathered and states_all(one.gathered, question) for one in near)
        kept = None if still else self._light(near)
        return Case(True, self._light(found), kept, passages, sentences, evidence.sentences)

    def _completed(self, gold: GoldQuestion) -> str:
        """Return a question as the bot completes it; nothing for small talk."""
        text, history = gold.question.text, gold.question.history
        if kind_of(text) is Kind.SMALL_TALK:
            return ""
        return self._bot.ask(text, history=history).question if history else text

    def _search(self, question: str, among: NDArray[np.int64] | None = None) -> tuple[Found, ...]:
        """Return what is found for a question, and for each that it is made of."""
        several = parts(question, self._tokenizer)
        asked = (question, *(several if len(several) > 1 else ()))
        first, *others = (self._retriever.search(one, among) for one in asked)
        return (first, *(one for one in others if one.gathered)) if first.gathered else ()

    def _light(self, found: Iterable[Found]) -> tuple[Candidates, ...]:
        return tuple(FoundCandidates(_light(one), self._retriever) for one in found)


def _light(found: Found) -> Found:
    """Return it without what is as long as the index: thousands are kept."""
    matches = Matches.unlisted(found.matches.weights, found.matches.held)
    return replace(found, matches=matches)


class FoundCandidates:
    """What a retriever found; see `Candidates`. The likeliest sentences are read once, here."""

    def __init__(self, found: Found, retriever: Retriever) -> None:
        assert found.gathered is not None
        self.evidence = found.gathered.evidence
        self.known = known_odds(found, len(found.gathered.rows))
        self._found, self._retriever = found, retriever
        self._answerer = Answerer(retriever, 0.0, Support.shipped())
        self._read = _weighed(retriever.read(retriever.ranked(found)))

    def told(self, own: Own) -> Told:
        """Return what is made of them with passages and sentences corrected."""
        ranked = self._retriever.ranked(self._found, own.ranking(Ranking.shipped()))
        assert ranked.gathered is not None
        weighed = replace(self._read, passages=_weighed(ranked).passages)
        weighed = own.chosen(self.evidence, weighed)
        found = replace(ranked, gathered=replace(ranked.gathered, weighed=weighed))
        support = self._answerer.support(found)
        return Told(weighed, support, support > 0 and not found.crosses_languages)


def _weighed(found: Found) -> Weighed:
    assert found.gathered is not None
    assert found.gathered.weighed is not None
    return found.gathered.weighed
