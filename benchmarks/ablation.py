"""What each part of the ranking adds on each set of questions, as a table in Markdown.

    python -m benchmarks.ablation --questions Q.jsonl --index DIR --squad FILE.json...
        [--cross FILE.json...] [--crowd] [--sample N] [--only VARIANT...]

Every variant is asked the same questions of the same indexes, each question once: one index over
the contexts of all SQuAD files, that of the .jsonl questions, and with `--crowd` one of both.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from embeddings.encoder import Encoder, TokenReader, open_encoder
from embeddings.lexical import Tokenizer
from embeddings.model import home
from embeddings.progress import OnProgress, Progress, silence
from embeddings.searchable import Searchable
from qa import squad
from qa.bot import Bot, Making
from qa.evaluate import (
    IN_A_CROWD,
    evaluate_gold,
    evaluate_squad,
    open_contexts,
    open_crowd,
    sampled,
)
from qa.evaluation import FileReport
from qa.found import Found, Parts, Period
from qa.question_files import GoldQuestion, read_gold_questions
from qa.ranking import Ranking
from qa.read_support import ReadSupport
from qa.reader import SentenceReader
from qa.retrieval import Retriever
from qa.squad import SquadFile
from qa.support import Support

DAMPING = 60
"""k of reciprocal rank fusion (Cormack, Clarke and Buettcher 2009)."""


class Figure(NamedTuple):
    """A column of a table: a figure of a report, over all questions or those of one kind."""

    name: str
    group: str = "all"

    @property
    def title(self) -> str:
        """What the column is called, behind the name of its set."""
        return self.name if self.group == "all" else f"{self.group} {self.name}"

    def of(self, report: FileReport) -> float:
        """Return its value, 0 to 1; NaN where no question of the set has it."""
        return report.groups.get(self.group, {}).get(self.name, math.nan)


Columns = Mapping[str, Sequence[Figure]]
"""Ending of a file of questions, ``.jsonl`` or ``.json`` -> the columns of such a set."""

COLUMNS: Columns = {
    ".jsonl": (Figure("hit@1"), Figure("cited")),
    ".json": (Figure("R@1"), Figure("cites")),
}
"""The best passage, and the citations."""

Values = Callable[[Found], NDArray[np.floating[Any]]]
"""A number for each candidate, the higher the better; NaN for one that is not to be found."""


class Reranked(Retriever):
    """Ranks the candidates by `values` in place of its own score."""

    def __init__(
        self,
        generation: Searchable,
        encoder: Encoder,
        tokenizer: Tokenizer,
        ranking: Ranking,
        reader: SentenceReader,
        *,
        values: Values,
    ) -> None:
        super().__init__(generation, encoder, tokenizer, ranking, Parts(weights=False), reader)
        self._values = values

    def find(
        self, question: str, sources: Sequence[str] | None = None, dates: Period | None = None
    ) -> Found:
        """See `Retriever.find`."""
        found = super().find(question, sources, dates)
        return ranked_by(found, self._values(found))


def matching(found: Found) -> NDArray[np.floating[Any]]:
    """Return BM25 of each candidate that holds a word of the question."""
    return np.where(found.bm25 > 0, found.bm25, np.nan)


def fused_ranks(found: Found) -> NDArray[np.floating[Any]]:
    """Return the sum of reciprocal ranks by cosine of the passage and by BM25."""
    words = np.nan_to_num(reciprocal_ranks(matching(found), found.rows))
    return reciprocal_ranks(found.dense, found.rows) + words


class Variant(NamedTuple):
    """What is measured.

    Attributes:
        making: given weights that were not fitted on the questions to come, says what is to search.
        bot: what is asked.
    """

    making: Callable[[Ranking, SentenceReader], Making]
    bot: type[Bot] = Bot


def with_parts(parts: Parts, bot: type[Bot] = Bot) -> Variant:
    """Return the variant in which these parts are at work."""
    return Variant(
        lambda ranking, reader: partial(Retriever, ranking=ranking, parts=parts, reader=reader), bot
    )


def _by(values: Values) -> Variant:
    return Variant(
        lambda ranking, reader: partial(Reranked, ranking=ranking, reader=reader, values=values)
    )


VARIANTS: dict[str, Variant] = {
    "passage vectors alone": _by(lambda found: found.dense),
    "sentence vectors alone": _by(lambda found: found.sentence),
    "words alone (BM25)": _by(matching),
    "reciprocal ranks of passage vectors and words": _by(fused_ranks),
    "a constant mix of passage vectors and words": with_parts(
        Parts(sentences=False, rule=False, dictionary=False, weights=False)
    ),
    "+ the rule: words count as far as they are found": with_parts(
        Parts(sentences=False, dictionary=False, weights=False)
    ),
    "+ sentence vectors": with_parts(Parts(dictionary=False, weights=False)),
    "+ English words looked up": with_parts(Parts(weights=False)),
    "+ fitted weights: everything": with_parts(Parts()),
    "everything but sentence vectors": with_parts(Parts(sentences=False)),
    "everything but the rule": with_parts(Parts(rule=False)),
}
"""Each part is added to those above it; the last rows take one away from the whole."""


def reciprocal_ranks(
    values: NDArray[np.floating[Any]], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return ``1 / (DAMPING + rank)`` for each value; the highest has rank 1, ties go by row.

    NaN stays NaN.
    """
    ranks = np.empty(len(values), np.float64)
    ranks[np.lexsort((rows, -values))] = np.arange(1, len(values) + 1)
    return np.where(np.isnan(values), np.nan, 1.0 / (DAMPING + ranks))


def ranked_by(found: Found, values: NDArray[np.floating[Any]]) -> Found:
    """Return the candidates in the order of `values`, highest first, ties by row; NaN is left out.

    The new scores are shares of the highest value, from 0 to 1.
    """
    order = np.lexsort((found.rows, -values))[: np.count_nonzero(~np.isnan(values))]
    best = max(float(values[order].max(initial=0.0)), 1e-12)
    scores = np.clip(np.asarray(values, np.float64)[order] / best, 0.0, 1.0)
    return replace(found.only(order.tolist()), score=scores)


class Remembering:
    """An encoder that encodes no question twice, whatever variant asks it."""

    def __init__(self, encoder: Encoder) -> None:
        self.name = encoder.name
        self.dimensions = encoder.dimensions
        self.fingerprint = encoder.fingerprint
        self._encoder = encoder
        self._query = lru_cache(maxsize=None)(encoder.encode_query)
        if isinstance(encoder, TokenReader):
            self.read = encoder.read  # else there is none: what reads looks whether there is one

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """Return the vector of a question, shape (dimensions,)."""
        return self._query(text)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of questions, shape (len(texts), dimensions)."""
        return np.array([self._query(text) for text in texts]).reshape(-1, self.dimensions)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of passages, shape (len(texts), dimensions)."""
        return self._encoder.encode_passages(texts)

    def passage_input(self, text: str) -> str:
        """Return what the model reads for a passage."""
        return self._encoder.passage_input(text)


@dataclass(frozen=True)
class QuestionSet:
    """Questions of one file, and the index that they are asked of.

    Attributes:
        name: what its columns are called.
        ending: of their file, `.jsonl` or `.json`.
        index: its folder.
        ask: asks a bot all questions.
        texts: what the weights must not have been fitted on.
    """

    name: str
    ending: str
    index: Path
    ask: Callable[[Bot, OnProgress], FileReport]
    texts: tuple[str, ...] = ()

    def bot(self, variant: Variant, encoder: Encoder, tokenizer: Tokenizer) -> Bot:
        """Return the bot of a variant over the index, with weights fitted on none of `texts`."""
        return variant.bot(
            self.index,
            encoder,
            tokenizer,
            retriever=variant.making(Ranking.unseen(self.texts), SentenceReader.unseen(self.texts)),
            support=Support.unseen(self.texts),
            read_support=ReadSupport.unseen(self.texts),
        )


def gold_set(
    path: Path, index: Path, where: str = "", sample: int | None = None, seed: int = 0
) -> QuestionSet:
    """Return the questions of a .jsonl file as a set."""
    questions: Sequence[GoldQuestion] = sampled(read_gold_questions(path), sample, seed)
    name = path.stem + where
    return QuestionSet(
        name, ".jsonl", index, lambda bot, tell: evaluate_gold(bot, name, questions, "kind", tell)
    )


def squad_set(
    file: SquadFile, index: Path, sample: int | None = None, seed: int = 0
) -> QuestionSet:
    """Return the questions of a SQuAD file as a set."""
    drawn = replace(file, questions=sampled(file.questions, sample, seed))
    name = file.name.replace(".json", "")
    return QuestionSet(
        name, ".json", index, lambda bot, tell: evaluate_squad(bot, drawn, tell), file.contexts
    )


Row = tuple[str, list[float]]
"""A variant, and the value of each column."""


def measure(
    variants: Mapping[str, Variant],
    sets: Sequence[QuestionSet],
    encoder: Encoder,
    tokenizer: Tokenizer,
    tell: Callable[[str, str], OnProgress] = lambda *_: silence,
    columns: Columns = COLUMNS,
) -> Iterator[Row]:
    """Yield the row of each variant when all its questions have been asked.

    Args:
        variants: by name.
        sets: the questions.
        encoder: makes the vectors of questions.
        tokenizer: makes their words.
        tell: given the names of variant and set, returns what is told about progress.
        columns: what is measured of each set.
    """
    for name, variant in variants.items():
        values: list[float] = []
        for asked in sets:
            bot = asked.bot(variant, encoder, tokenizer)
            report = asked.ask(bot, tell(name, asked.name))
            values += (figure.of(report) for figure in columns[asked.ending])
        yield name, values


def to_markdown(
    sets: Sequence[QuestionSet], rows: Iterable[Row], columns: Columns = COLUMNS
) -> Iterator[str]:
    """Yield the lines of the table: a row for each variant, its columns for each set."""
    heads = [f"{one.name} {figure.title}" for one in sets for figure in columns[one.ending]]
    yield _line(["", *heads])
    yield _line(["---", *["--:"] * len(heads)])
    for name, values in rows:
        yield _line([name, *map(_cell, values)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _telling(variant: str, asked: str) -> OnProgress:
    """Say on standard error how far a set is, every hundred questions."""

    def on_progress(at: Progress) -> None:
        if at.done and (at.done % 100 == 0 or at.done == at.total):
            print(f"{variant}, {asked}: {at.done} of {at.total}", file=sys.stderr)

    return on_progress


def _sets(args: argparse.Namespace) -> Iterator[QuestionSet]:
    """Bring the indexes up to date and yield the sets: .jsonl files first, then SQuAD files."""
    drawn = {"sample": args.sample, "seed": args.seed}
    files = [squad.read_squad(path) for path in args.squad]
    contexts = open_contexts(files, None, silence)[0] if files else None
    if args.questions:
        yield from (gold_set(path, args.index, **drawn) for path in args.questions)
    if args.questions and args.crowd and contexts:
        documents = Bot.open(args.index).documents()
        crowd, _ = open_crowd(args.index, documents, files, contexts, None, silence)
        among = Path(crowd.folder)
        yield from (gold_set(path, among, IN_A_CROWD, **drawn) for path in args.questions)
    if contexts:
        every = Path(contexts.folder)
        yield from (squad_set(file, every, **drawn) for file in [*files, *_crossed(args, files)])


def _crossed(args: argparse.Namespace, files: Sequence[SquadFile]) -> Iterator[SquadFile]:
    for asked in map(squad.read_squad, args.cross):
        yield from filter(None, (squad.pair(asked, file) for file in files))


def _arguments(description: str, variants: Mapping[str, Variant]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--questions", type=Path, nargs="*", default=[], help=".jsonl files")
    parser.add_argument("--index", type=Path, default=Path("index"), help="what they are asked of")
    parser.add_argument("--squad", type=Path, nargs="*", default=[], help="SQuAD files (.json)")
    parser.add_argument("--cross", type=Path, nargs="*", default=[], help="asked of their contexts")
    parser.add_argument("--crowd", action="store_true", help=".jsonl files also among all contexts")
    parser.add_argument("--sample", type=int, help="questions of each file")
    parser.add_argument("--seed", type=int, default=0, help="which questions a sample takes")
    parser.add_argument("--only", nargs="*", choices=variants, default=list(variants))
    return parser.parse_args()


def run(description: str, variants: Mapping[str, Variant], columns: Columns) -> None:
    """Print the table of what was asked for on the command line, each row once it is known."""
    args = _arguments(description, variants)
    encoder, tokenizer = Remembering(open_encoder()), Tokenizer(home() / "jieba")
    chosen = {name: variants[name] for name in args.only}
    sets = list(_sets(args))
    rows = measure(chosen, sets, encoder, tokenizer, _telling, columns)
    for line in to_markdown(sets, rows, columns):
        print(line, flush=True)


def main() -> None:
    """Print the table."""
    run(__doc__.partition("\n")[0], VARIANTS, COLUMNS)


if __name__ == "__main__":
    main()
