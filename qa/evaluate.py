"""Runs question files through the bot and hands back rows of answers or figures.

A ``.jsonl`` file of questions is asked of an index that is there; the contexts of all ``.json``
(SQuAD) files become one index of their own, kept in the cache folder; so does the crowd of both.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from embeddings.errors import QuestionError, SettingError
from embeddings.progress import Meter, OnProgress, silence
from embeddings.settings import load
from qa import crowd as crowds
from qa import figures, outcomes, own_weights, squad
from qa.both_ways import BothWays, Write, as_answer
from qa.evaluation import (
    IN_A_CROWD,
    ContextIndex,
    CrowdIndex,
    Evaluation,
    FileReport,
    Latency,
    percentiles,
    to_json,
    to_table,
)
from qa.figures import AnswerRow
from qa.outcomes import QuestionOutcome
from qa.question_files import GoldQuestion, Question, read_gold_questions, read_questions
from qa.ranking import Ranking
from qa.read_support import ReadSupport
from qa.reader import SentenceReader
from qa.records import Answer, Hit, OriginalDocument
from qa.render import written_to_json
from qa.squad import Outcome, SquadFile, SquadQuestion
from qa.support import Support

if TYPE_CHECKING:
    from qa.bot import Bot
    from qa.generate import Writer

__all__ = [
    "IN_A_CROWD",
    "answer_rows",
    "evaluate",
    "read_questions",
    "to_json",
    "to_table",
    "written_rows",
]

PASSAGES = 30
"""Passages of an answer row: 1,500 characters are scored, and headlines and captions are short."""

SQUAD_PASSAGES = 50
"""Passages asked for so that 10 distinct contexts are among them."""

LABELS = ("kind", "lang", "sort")
"""What the questions of a .jsonl file can be grouped by."""

STAGE = "ask"
"""What progress is told beside the stages of a build: questions of one file."""

_WARM_UP = "这份文件说了什么？"

_Q = TypeVar("_Q")


class Asked(Protocol):
    """What an evaluation needs of a bot."""

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        """Answer a question after the user's turns before it."""
        ...

    def retrieve(
        self, question: str, k: int = 5, sources: Sequence[str] | None = None
    ) -> Sequence[Hit]:
        """Return the best `k` passages, best first, of these files or of all."""
        ...

    def documents(self) -> Iterable[OriginalDocument]:
        """Return every indexed document."""
        ...

    @property
    def least(self) -> float:
        """How likely it must be that the documents answer, 0 to 1."""
        ...


def answer_row(question: Question, answer: Answer, hits: Iterable[Hit]) -> AnswerRow:
    """Return the row of the batch format for a question, its answer and its passages."""
    return {
        "id": question.id,
        "answered": answer.answered,
        "answer": answer.text,
        "citations": [
            {"source": one.source, "start": one.start, "end": one.end, "quote": one.quote}
            for one in answer.citations
        ],
        "passages": [
            {"source": hit.source, "spans": [[span.start, span.end] for span in hit.spans]}
            for hit in hits
        ],
    }


def answer_rows(
    bot: Asked, questions: Iterable[Question], k: int = PASSAGES
) -> Iterator[AnswerRow]:
    """Yield the row of each question as soon as the bot has answered it.

    The passages are the best `k` for the question as the bot completed it.
    """
    for question in questions:
        answer = bot.ask(question.text, history=question.history)
        yield answer_row(question, answer, bot.retrieve(answer.question, k=k))


def written_rows(
    bot: Asked, questions: Iterable[Question], write: Write, k: int = PASSAGES
) -> Iterator[dict[str, Any]]:
    """Yield the same rows, with what a language model makes of each answer in ``written``."""
    for question in questions:
        answer = bot.ask(question.text, history=question.history)
        written = written_to_json(BothWays(write).written(answer))
        del written["answer"]
        row = answer_row(question, answer, bot.retrieve(answer.question, k=k))
        yield {**row, "written": written}


def write_of(bot: Bot, writer: Writer) -> Write:
    """Return what has the answers of a bot written."""
    return lambda answer: writer.write(answer, bot)


def evaluate(
    files: Sequence[Path],
    *,
    index: Path,
    cross: Sequence[Path] = (),
    model: str | None = None,
    sample: int | None = None,
    seed: int = 0,
    by: str | None = None,
    crowd: bool = False,
    writer: Writer | None = None,
    on_progress: OnProgress | None = None,
) -> Evaluation:
    """Ask the questions of all files and return the figures.

    Reports of ``.jsonl`` files come first, each with that of the crowd behind it, then those of
    SQuAD files, then the crossed ones.

    Args:
        files: ``.jsonl`` question files (see `qa.question_files`) and ``.json`` SQuAD files, mixed.
        index: index folder that the ``.jsonl`` questions are asked of.
        cross: SQuAD files whose questions are asked of the contexts of the given file with the
            same question ids, as English questions of Chinese contexts; the gold answers are
            those of that file.
        model: sentence-transformers id or folder of the model; None for the packaged one, and
            for the one that `index` was made by.
        sample: ask this many questions of each file; None for all.
        seed: which questions a sample takes: the same ones for the same file, seed and size.
        by: group ``.jsonl`` figures by this label, one of `LABELS`.
        crowd: ask the ``.jsonl`` questions also of one index over the documents of `index` and
            all contexts.
        writer: has a language model write each answer, too, which is measured beside the
            documents' own; None for theirs alone.
        on_progress: told about progress; None for silence.

    Raises:
        QuestionError: a file is not what it should be, or an option out of range.
        WenjuError: the index, the model or the cache folder cannot be used.
    """
    _check(sample, by)
    gold = {path: read_gold_questions(path) for path in files if _ending(path) == ".jsonl"}
    squads = {path: squad.read_squad(path) for path in files if _ending(path) == ".json"}
    crossed = _crossed(cross, list(squads.values()))
    _check_crowd(crowd, gold, squads)
    asking = _Asking(sample, seed, by, on_progress or silence, writer)
    reports: list[FileReport] = []
    contexts, among = None, None
    if gold:
        own = _open(index, model)
        reports = [
            replace(report, fitted_on=own_weights.fitted_on(index, path))
            for path, report in zip(gold, asking.gold(own, gold), strict=True)
        ]
    if squads:
        contexts, opening = open_contexts(squads.values(), model, asking.tell)
        if crowd:
            among, crowded = open_crowd(
                index, own.documents(), squads.values(), contexts, model, asking.tell
            )
            pairs = zip(reports, asking.gold(crowded, gold, IN_A_CROWD), strict=True)
            reports = [report for pair in pairs for report in pair]
        reports += asking.squad(opening, [*squads.values(), *crossed])
    return Evaluation(tuple(reports), contexts, among)


@dataclass(frozen=True, slots=True)
class _Asking:
    """Which questions are asked, how their figures are grouped, who is told, who writes."""

    sample: int | None
    seed: int
    by: str | None
    tell: OnProgress
    writer: Writer | None = None

    def _write(self, bot: Asked) -> Write | None:
        return None if self.writer is None else write_of(cast("Bot", bot), self.writer)

    def gold(
        self, bot: Asked, files: Mapping[Path, tuple[GoldQuestion, ...]], where: str = ""
    ) -> list[FileReport]:
        return [
            evaluate_gold(
                bot,
                path.name + where,
                sampled(asked, self.sample, self.seed),
                self.by,
                self.tell,
                self._write(bot),
            )
            for path, asked in files.items()
        ]

    def squad(self, opening: Opening, files: Iterable[SquadFile]) -> list[FileReport]:
        """Ask each file of a bot whose weights were fitted on none of its contexts."""
        reports = []
        for file in files:
            drawn = replace(file, questions=sampled(file.questions, self.sample, self.seed))
            bot = opening(file.contexts)
            report = evaluate_squad(bot, drawn, self.tell, self._write(bot))
            reports.append(replace(report, fitted_on=Ranking.unseen(file.contexts).fitted_on))
        return reports


def evaluate_gold(
    bot: Asked,
    name: str,
    questions: Sequence[GoldQuestion],
    by: str | None = None,
    tell: OnProgress = silence,
    write: Write | None = None,
) -> FileReport:
    """Ask the questions of a .jsonl file and judge the answers; `bot.ask` is timed.

    With `write` a language model's are judged by the same figures.

    Raises:
        QuestionError: the evidence is not in the index.
    """
    texts = {source: held.text for held in bot.documents() for source in held.sources}
    originals = figures.Originals(texts)
    watch = _Stopwatch(bot)
    judged: list[tuple[GoldQuestion, AnswerRow, dict[str, float]]] = []
    told: list[QuestionOutcome] = []
    both = BothWays(write) if write else None
    meter = Meter(STAGE, len(questions), tell)
    for question in questions:
        answer, took = watch.ask(question.question)
        hits = bot.retrieve(answer.question, k=PASSAGES)
        row = answer_row(question.question, answer, hits)
        values = figures.judge(question, row, originals)
        rank = figures.gold_rank(question, row, originals)
        judged.append((question, row, values))
        told.append(outcomes.of_gold(question, answer, hits, values, rank, took))
        if both:
            written = both.written(answer)
            shown = answer_row(question.question, as_answer(written), hits)
            both.add(written, figures.judge(question, shown, originals), took, question)
        meter.advance()
    return FileReport(
        file=name,
        groups=figures.table([(question, values) for question, _, values in judged], by),
        latency=watch.latency(),
        wrong=tuple(figures.describe(*one) for one in judged if figures.is_wrong(one[2])),
        outcomes=tuple(told),
        least=bot.least,
        written=both.report(both.gold_groups(by)) if both else None,
    )


def evaluate_squad(
    bot: Asked, file: SquadFile, tell: OnProgress = silence, write: Write | None = None
) -> FileReport:
    """Ask the questions of a SQuAD file of a bot over its contexts and judge what comes.

    `bot.ask` and `bot.retrieve` are timed in turns, each on the questions that it is the first
    to see: a bot that remembers a question would answer the second call too fast.
    """
    watch = _Stopwatch(bot)
    found: list[Outcome] = []
    told: list[QuestionOutcome] = []
    both, shown = BothWays(write) if write else None, list[Outcome]()
    meter = Meter(STAGE, len(file.questions), tell)
    for done, question in enumerate(file.questions):
        outcome, judged, (answer, hits) = _ask_squad(bot, watch, question, done % 2 == 0)
        found.append(outcome)
        if both:
            written = both.written(answer)
            shown.append(squad.judge(question, hits, as_answer(written)))
            both.add(written, squad.values(shown[-1]), judged.milliseconds)
        told.append(judged)
        meter.advance()
    return FileReport(
        file=file.name,
        groups={"all": squad.figures(found)},
        latency=watch.latency(),
        wrong=tuple(squad.describe(one) for one in found if one.is_wrong),
        left_out=file.left_out,
        outcomes=tuple(told),
        least=bot.least,
        written=both.report({"all": squad.figures(shown)}) if both else None,
    )


class _Stopwatch:
    """Times the calls of a bot that go through it, after one that is not counted."""

    def __init__(self, bot: Asked) -> None:
        self._bot = bot
        self._asks: list[float] = []
        self._retrievals: list[float] = []
        bot.ask(_WARM_UP)

    def ask(self, question: Question) -> tuple[Answer, float]:
        """Return the answer and the milliseconds that it took."""
        started = perf_counter()
        answer = self._bot.ask(question.text, history=question.history)
        self._asks.append((perf_counter() - started) * 1000)
        return answer, self._asks[-1]

    def retrieve(self, question: Question, k: int) -> Sequence[Hit]:
        started = perf_counter()
        hits = self._bot.retrieve(question.text, k=k)
        self._retrievals.append((perf_counter() - started) * 1000)
        return hits

    def latency(self) -> Latency:
        return Latency(percentiles(self._asks), percentiles(self._retrievals))


def _ask_squad(
    bot: Asked, watch: _Stopwatch, question: SquadQuestion, ask_first: bool
) -> tuple[Outcome, QuestionOutcome, tuple[Answer, Sequence[Hit]]]:
    asked, took = question.question, None
    if ask_first:
        answer, took = watch.ask(asked)
        hits = bot.retrieve(asked.text, k=SQUAD_PASSAGES)
    else:
        hits = watch.retrieve(asked, SQUAD_PASSAGES)
        answer = bot.ask(asked.text)
    outcome = squad.judge(question, hits, answer)
    return outcome, outcomes.of_squad(outcome, answer, hits, took), (answer, hits)


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in (".jsonl", ".json"):
        raise QuestionError(
            f"{path} is no question file. Give .jsonl files (questions with evidence) or .json "
            "files (SQuAD)."
        )
    return ending


def _check(sample: int | None, by: str | None) -> None:
    if sample is not None and sample < 1:
        raise SettingError(f"A sample of {sample} questions: give a whole number from 1 on.")
    if by is not None and by not in LABELS:
        raise SettingError(f"Figures by {by!r}: give one of {', '.join(LABELS)}.")


def _check_crowd(crowd: bool, gold: Sized, squads: Sized) -> None:
    if crowd and not (gold and squads):
        raise SettingError(
            "A crowd is the documents of the .jsonl questions among the contexts of SQuAD files: "
            "give at least one file of each, as in: wenju eval seeds.jsonl cmrc_dev.json --crowd"
        )


def _crossed(cross: Iterable[Path], answering: Sequence[SquadFile]) -> list[SquadFile]:
    found = []
    for path in cross:
        asked = squad.read_squad(path)
        pairs = [pair for file in answering if (pair := squad.pair(asked, file))]
        if not pairs:
            raise QuestionError(
                f"{path} shares no question id with a given SQuAD file. Give the translation of "
                "one of them, as in: wenju eval xquad.zh.json --cross xquad.en.json"
            )
        found += pairs
    return found


def sampled(questions: tuple[_Q, ...], sample: int | None, seed: int) -> tuple[_Q, ...]:
    """Draw questions, in the order of the file; the same ones for the same file and seed."""
    if sample is None or sample >= len(questions):
        return questions
    drawn = random.Random(seed).sample(range(len(questions)), sample)  # noqa: S311
    return tuple(questions[at] for at in sorted(drawn))


def _open(index: Path, model: str | None) -> Asked:
    from qa.bot import Bot

    return Bot.open(index, model)


Opening = Callable[[Sequence[str]], Asked]
"""Opens an index to be asked, with weights that were fitted on none of the texts given."""


def open_contexts(
    files: Iterable[SquadFile], model: str | None, tell: OnProgress
) -> tuple[ContextIndex, Opening]:
    """Bring the index over the contexts of all files up to date; return it and what opens it.

    It is kept in the cache folder, one for each set of contexts and model, so that the next run
    encodes nothing.
    """
    from embeddings.build import build
    from embeddings.encoder import open_encoder
    from embeddings.lexical import Tokenizer
    from embeddings.model import home
    from qa.bot import Bot
    from qa.retrieval import Retriever

    contexts = _distinct_contexts(files)
    encoder, tokenizer = open_encoder(model), Tokenizer(home() / "jieba")
    folder = home() / "eval" / squad.contexts_key(contexts)
    squad.write_contexts(contexts, folder / "contexts")
    index = folder / f"index-{encoder.fingerprint[:8]}"
    report = build(folder / "contexts", index, encoder, tokenizer, on_progress=tell)
    kept = ContextIndex(str(index), len(contexts), len(report.skipped), report.encoded)

    def opening(unseen: Sequence[str]) -> Bot:
        reader = SentenceReader.unseen(unseen)
        making = partial(Retriever, ranking=Ranking.unseen(unseen), reader=reader)
        support, read_support = Support.unseen(unseen), ReadSupport.unseen(unseen)
        return Bot(
            index, encoder, tokenizer,
            retriever=making, least=_least(), support=support, read_support=read_support,
        )  # fmt: skip

    return kept, opening


def _distinct_contexts(files: Iterable[SquadFile]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(context for file in files for context in file.contexts))


def open_crowd(
    index: Path,
    documents: Iterable[OriginalDocument],
    files: Iterable[SquadFile],
    kept: ContextIndex,
    model: str | None,
    tell: OnProgress,
) -> tuple[CrowdIndex, Asked]:
    """Bring the index over `documents`, those of `index`, and all contexts up to date; open it.

    It is kept as that of the contexts is, and takes the vectors that the two indexes have.
    """
    from embeddings.build import build
    from embeddings.encoder import open_encoder
    from embeddings.lexical import Tokenizer
    from embeddings.model import MODEL_NAME, home
    from embeddings.store import IndexFolder, read_manifest
    from qa.bot import Bot

    held, contexts = tuple(documents), _distinct_contexts(files)
    made_by = read_manifest(IndexFolder(index).current()).model
    encoder = open_encoder(model or (None if made_by == MODEL_NAME else made_by))
    tokenizer = Tokenizer(home() / "jieba")
    folder = home() / "eval" / f"crowd-{crowds.crowd_key(held, contexts)}"
    crowds.write_crowd(index, held, contexts, folder / crowds.DOCUMENTS)
    own = folder / f"index-{encoder.fingerprint[:8]}"
    crowds.take_vectors(own, [index, Path(kept.folder)])
    report = build(folder / crowds.DOCUMENTS, own, encoder, tokenizer, on_progress=tell)
    found = CrowdIndex(str(own), len(held), len(contexts), len(report.skipped), report.encoded)
    return found, Bot(own, encoder, tokenizer, least=_least())


def _least() -> float:
    """Return how likely an answer must be, 0 to 1, as the setting refuse_below says."""
    return load().refuse_below / 100
