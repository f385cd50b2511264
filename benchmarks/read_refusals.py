"""Fits the weights of `qa.read_support` on SQuAD files, and judges them on the file left out.

Run: python -m benchmarks.read_refusals SQUAD.json... [--cross ENGLISH.json...] [--sample N]
     [--write qa/read_support.json]

As in `benchmarks.refusals`, whose weights come first, every question is asked of all contexts,
without the one that answers, and of the contexts of other files only; then the likeliest sentences
are read. Weights, network and support are those that did not see the file. What is left is fitted
on the other files; for questions in another language on one half of their
contexts, and judged on the other.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.ranking import files_content, layers_of, standard
from benchmarks.reader import halves
from benchmarks.refusals import DECAY, FALSE_REFUSALS, RATE, rows_by_source
from embeddings.encoder import open_encoder
from embeddings.lexical import Tokenizer
from embeddings.model import home
from embeddings.opening import open_published
from embeddings.progress import silence
from embeddings.searchable import Searchable
from embeddings.store import IndexFolder
from qa import squad
from qa.answer import Answerer
from qa.bot import LEAST_SUPPORT
from qa.evaluate import open_contexts, sampled
from qa.ranking import Layers, Ranking
from qa.read_support import COLUMNS, FORMAT, ReadSupport, columns
from qa.reader import SentenceReader
from qa.retrieval import Retriever
from qa.squad import SquadFile
from qa.support import Support

EPOCHS = 400
SHARES = (0.5, 0.25, 0.5)
"""Weights of answerable questions, of near misses, and of those asked of other files' contexts,
each file's alone where there are several.
"""

Columns = NDArray[np.float32]

_LEVEL = Layers(
    np.zeros(len(COLUMNS), np.float32), np.ones(len(COLUMNS), np.float32),
    (np.zeros((len(COLUMNS), 1), np.float32),), (np.zeros(1, np.float32),),
)  # fmt: skip
_UNFITTED = ReadSupport(_LEVEL, _LEVEL, ())
"""Only what comes before it is asked for here."""


class Seen(NamedTuple):
    """What is seen of an answer.

    Attributes:
        columns: what is weighed, shape (len(COLUMNS),).
        doubt: nats that rules take off the odds, 0 or more; see `Answerer.doubt`.
    """

    columns: Columns
    doubt: float = 0.0


class Asked(NamedTuple):
    """One question as asked of three indexes; None where it was refused before reading.

    Attributes:
        whole: all contexts.
        near: all but the one that answers.
        other: those of other files.
        apart: those of each other file alone.
    """

    whole: Seen | None
    near: Seen | None
    other: Seen | None
    apart: tuple[Seen | None, ...] = ()


@dataclass(frozen=True)
class Weighing:
    """Everything fitted without one file, over one generation."""

    retriever: Retriever
    answerer: Answerer

    @classmethod
    def unseen(cls, generation: Searchable, file: SquadFile) -> Weighing:
        """Return what saw none of the contexts of `file`."""
        retriever = Retriever(
            generation, open_encoder(), Tokenizer(home() / "jieba"),
            Ranking.unseen(file.contexts), reader=SentenceReader.unseen(file.contexts),
        )  # fmt: skip
        return cls(retriever, Answerer(retriever, 0.0, Support.unseen(file.contexts), _UNFITTED))

    def seen(self, question: str, among: NDArray[np.int64] | None = None) -> Seen | None:
        """Return what is seen of a question's answer; None where it is refused before reading."""
        found = self.retriever.ranked(self.retriever.search(question, among))
        before = self.answerer.support_before(found)
        if before == 0 and not found.crosses_languages:
            return None
        read = self.retriever.read(found)
        if read.gathered is None or read.gathered.weighed is None:
            return None
        evidence, weighed = read.gathered.evidence, read.gathered.weighed
        return Seen(columns(before, evidence, weighed), self.answerer.doubt(read))


def main() -> None:
    """Ask, judge each fit on the file that it did not see, write the fits."""
    options = _arguments()
    files = [squad.read_squad(path) for path in options.files]
    kept, _ = open_contexts(files, None, silence)
    generation = open_published(IndexFolder(Path(kept.folder))).generation
    asked = {file.name: ask(generation, file, files, options.sample) for file in files}
    pairs = [squad.pair(squad.read_squad(path), file) for path in options.cross for file in files]
    parts = [half for one in pairs if one for half in halves(one)]
    crossed = {one.name: ask(generation, one, (), options.sample) for one in parts}
    print(
        "| file | refused at 5 % false: near misses | other files' contexts | each file's alone "
        f"| at {LEAST_SUPPORT:g}: near misses | other files' | false |\n|{7 * '---|'}"
    )
    foreign = fit([one for rows in crossed.values() for one in rows])
    fits = []
    for file in files:
        others = {name: rows for name, rows in asked.items() if name != file.name}
        own = fit([one for rows in others.values() for one in rows])
        print(judged(file.name, own, asked[file.name]), flush=True)
        fits.append(ReadSupport(own, foreign, tuple(others)))
    for name, rows in crossed.items():
        seen = [one for other, held in crossed.items() if other != name for one in held]
        print(judged(name, fit(seen), rows), flush=True)
    whole = fit([one for rows in asked.values() for one in rows])
    fits.insert(0, ReadSupport(whole, foreign, tuple(asked)))
    if options.write:
        _write(options.write, options.files, files, fits)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+", help="SQuAD files (.json)")
    parser.add_argument("--cross", type=Path, nargs="*", default=[], help="their translations")
    parser.add_argument("--sample", type=int, help="questions of each file; all without it")
    parser.add_argument("--write", type=Path, help="where the fits are kept")
    return parser.parse_args()


def ask(
    generation: Searchable, file: SquadFile, files: Sequence[SquadFile], sample: int | None
) -> list[Asked]:
    """Return what is weighed for a file's questions; of those the index finds the context of.

    Args:
        generation: of the contexts of all files.
        file: whose questions are asked.
        files: all; each of the others is asked alone as well.
        sample: how many questions; None for all.
    """
    weighing = Weighing.unseen(generation, file)
    rows = rows_by_source(weighing.retriever)
    own = _rows_of(file, rows)
    alone = [_rows_of(other, rows) for other in files if other.name != file.name]
    every = generation.all_rows()
    found = []
    for one in sampled(file.questions, sample, 0):
        question, gold = one.question.text, rows[squad.context_name(one.context)]
        gathered = weighing.retriever.gather(question)
        if gathered is None or not np.isin(gathered.rows, gold).any():
            continue
        without = (np.setdiff1d(every, taken) for taken in (gold, own))
        near, other = (weighing.seen(question, rest) for rest in without)
        apart = tuple(weighing.seen(question, one) for one in alone)
        found.append(Asked(weighing.seen(question), near, other, apart))
    return found


def _rows_of(file: SquadFile, rows: Mapping[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.unique(np.concatenate([rows[squad.context_name(text)] for text in file.contexts]))


def fit(asked: Sequence[Asked]) -> Layers:
    """Return the weights that tell answerable questions from near misses and from others'.

    Logistic regression (Adam); near misses weigh half as much as either of the rest.
    """
    import torch

    torch.manual_seed(0)
    parts = [
        [one.columns for one in seen if one is not None]
        for seen in (
            [one.whole for one in asked],
            [one.near for one in asked],
            [each for one in asked for each in one.apart or (one.other,)],
        )
    ]
    if not parts[0] or not parts[1]:
        raise SystemExit("There is nothing to fit on: give the English questions with --cross.")
    inputs, scaling = standard(np.concatenate([np.stack(part) for part in parts if part]))
    shares = [share / len(part) for share, part in zip(SHARES, parts, strict=True) for _ in part]
    labels = torch.tensor([1.0] * len(parts[0]) + [0.0] * (len(inputs) - len(parts[0])))
    linear = torch.nn.Linear(inputs.shape[1], 1)
    adam = torch.optim.AdamW(linear.parameters(), lr=5 * RATE, weight_decay=DECAY)
    for epoch in range(EPOCHS):
        adam.param_groups[0]["lr"] = 5 * RATE * (1 - epoch / EPOCHS)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            linear(inputs)[:, 0], labels, weight=torch.tensor(shares), reduction="sum"
        )
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
    return layers_of(scaling, [linear])


def judged(name: str, layers: Layers, asked: Sequence[Asked]) -> str:
    """Return a row of the table."""

    def likely(found: Sequence[Seen | None]) -> NDArray[np.float64]:
        odds = [
            -np.inf if one is None else float(layers(one.columns[None, :])[0]) - one.doubt
            for one in found
        ]
        return np.asarray(1 / (1 + np.exp(-np.array(odds))), np.float64)

    whole, near, other = (
        likely([each(one) for one in asked]) for each in map(attrgetter, ("whole", "near", "other"))
    )
    apart = [likely(of_one) for of_one in zip(*(one.apart for one in asked), strict=True)]
    least = float(np.quantile(whole, FALSE_REFUSALS))
    cells = [
        *(f"{np.mean(each < least):.3f}" for each in (near, other)),
        " / ".join(f"{np.mean(each < least):.3f}" for each in apart) or "-",
        *(f"{np.mean(each < LEAST_SUPPORT):.3f}" for each in (near, other, whole)),
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


def _write(
    path: Path, paths: Sequence[Path], files: Sequence[SquadFile], fits: Sequence[ReadSupport]
) -> None:
    names = " ".join(one.name for one in paths)
    content: Mapping[str, object] = {
        "format": FORMAT,
        "made_by": f"python -m benchmarks.read_refusals {names} --cross xquad.en.json",
        "columns": list(COLUMNS),
        "files": files_content(paths, files),
        "fits": [one.to_json() for one in fits],
    }
    path.write_text(json.dumps(content) + "\n", "utf-8")


if __name__ == "__main__":
    main()
