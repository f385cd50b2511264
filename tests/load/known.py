"""The answers that are right: what each generation says when it is asked alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from qa.api.problems import written
from qa.bot import Bot
from qa.render import answer_to_json
from tests.load.corpus import Corpus
from tests.load.ways import Outcome, Record, cut


@dataclass(slots=True)
class Known:
    """What one generation says.

    Attributes:
        number: of the generation.
        records: by question.
        since: when it may have begun to answer, in seconds of the monotonic clock.
        until: when it answered nobody any more who asked from then on.
    """

    number: int
    records: dict[str, Record]
    since: float = -inf
    until: float = inf

    def says(self, outcome: Outcome) -> bool:
        """Tell whether an outcome is this generation's answer, at a time when it answered."""
        is_time = outcome.ended >= self.since and outcome.began <= self.until
        return is_time and outcome.record == self.records[outcome.question]


def known_by(corpus: Corpus, since: float = -inf) -> Known:
    """Ask the published generation of an index alone, with a bot of its own.

    Every citation is held against the original: its characters are the quote.
    """
    bot = Bot(corpus.index, corpus.encoder, corpus.tokenizer)
    records = {question: cut(_asked(bot, question)) for question in corpus.questions}
    return Known(bot.info().generation, records, since)


def _asked(bot: Bot, question: str) -> Record:
    answer = bot.ask(question)
    for cited in answer.citations:
        original = bot.document(cited.document).text
        assert original[cited.start : cited.end] == cited.quote, cited
    record: Record = json.loads(
        written(answer_to_json(answer))
    )  # as it comes: JSON knows no tuples
    return record


def wrong(outcomes: Iterable[Outcome], generations: Sequence[Known]) -> list[Outcome]:
    """Return those whose record is not that of one generation, whole, that answered then."""
    return [
        outcome
        for outcome in outcomes
        if outcome.record is not None and not any(known.says(outcome) for known in generations)
    ]
