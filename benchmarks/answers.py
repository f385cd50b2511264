"""What each part of an answer adds on each set of questions, as a table in Markdown.

    python -m benchmarks.answers --questions Q.jsonl --index DIR --squad FILE.json...
        [--cross FILE.json...] [--crowd] [--sample N] [--only VARIANT...]

Asks as `benchmarks.ablation` does, whose options it has. Each row takes a part away from the whole;
nothing is fitted anew for what is left, nor is the threshold of refusals moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from benchmarks.ablation import Columns, Figure, Variant, run, with_parts
from qa.bot import Bot
from qa.conversation import Turn
from qa.evidence import PASSAGE_FEATURES, SENTENCE_FEATURES
from qa.found import Parts, Period
from qa.fusion import DENSE_WEIGHT, SENTENCE_WEIGHT, SPREAD, WORDS_WEIGHT
from qa.ranking import Layers, Ranking
from qa.records import Answer
from qa.retrieval import Retriever

COLUMNS: Columns = {
    ".jsonl": (
        Figure("answer"),
        Figure("cited"),
        Figure("answer", "followup"),
        Figure("refused"),
        Figure("false_refusal"),
    ),
    ".json": (Figure("cites"),),
}


class Forgetful(Bot):
    """Takes every question for the first of its conversation."""

    def ask(
        self,
        question: str,
        history: Sequence[str | Turn] = (),  # noqa: ARG002
        sources: Sequence[str] | None = None,
        dates: Period | None = None,
    ) -> Answer:
        """See `Bot.ask`; the turns before are not looked at."""
        return super().ask(question, (), sources, dates)


def added(names: Sequence[str], weights: Mapping[str, float]) -> Layers:
    """Return layers that add the named columns of `names`, each times its weight."""
    nothing = np.zeros(2 * len(names), np.float32)
    weight = nothing.copy()
    weight[: len(names)] = [weights.get(name, 0.0) for name in names]
    return Layers(nothing, nothing + 1, (weight[:, None],), (np.zeros(1, np.float32),))


BY_HAND = Ranking(
    passage=added(
        PASSAGE_FEATURES,
        {
            "dense": DENSE_WEIGHT / SPREAD,
            "sentence": SENTENCE_WEIGHT / SPREAD,
            "terms": WORDS_WEIGHT,
        },
    ),
    sentence=added(SENTENCE_FEATURES, {"cosine": 1 / SPREAD, "terms": WORDS_WEIGHT}),
    lift=0.0,
    trust=1.0,
    fitted_on=(),
)
"""Cosines and shares of the question's words, as in `qa.fusion.fuse`, for sentences as well."""


def unfitted(parts: Parts) -> Variant:
    """Return the variant without fitted weights, neither for passages nor for sentences."""
    return Variant(
        lambda _, reader: partial(Retriever, ranking=BY_HAND, parts=parts, reader=reader)
    )


VARIANTS: dict[str, Variant] = {
    "everything": with_parts(Parts()),
    "everything but reading": with_parts(Parts(reading=False)),
    "everything but question types": with_parts(Parts(kinds=False)),
    "everything but neighbours": with_parts(Parts(neighbours=False)),
    "everything but shortening": with_parts(Parts(shortening=False)),
    "everything but fitted weights": unfitted(Parts(weights=False)),
    "everything but reading and fitted weights": unfitted(Parts(weights=False, reading=False)),
    "everything but completion": with_parts(Parts(), Forgetful),
}


def main() -> None:
    """Print the table."""
    run(__doc__.partition("\n")[0], VARIANTS, COLUMNS)


if __name__ == "__main__":
    main()
