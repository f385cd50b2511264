"""Fits the weights of `qa.support` on SQuAD files, and judges them on the file left out.

Run: python -m benchmarks.refusals SQUAD.json... [--write qa/support.json]

The contexts of all files become one index, as in ``wenju eval``. Every question is asked of it
three times: as it is; without the passages of the context that answers, so that the rest are near
misses; and of the contexts of other files only. For each file one fit is made of all others, and
judged: of the near misses and of the foreign ones, the share refused where the threshold lets 5 in
100 of the answerable questions be refused, and both shares at the threshold that ships.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.ranking import files_content, layers_of, open_retriever, standard
from qa import squad
from qa.bot import LEAST_SUPPORT
from qa.evidence import Evidence
from qa.ranking import Ranking
from qa.retrieval import Retriever
from qa.squad import SquadFile
from qa.support import COLUMNS, FORMAT, Support, columns

EPOCHS = 300
RATE = 0.01
DECAY = 0.05
FALSE_REFUSALS = 0.05


@dataclass(frozen=True)
class Asked:
    """One question's evidence, as asked of three indexes; None where nothing was found.

    Attributes:
        whole: all contexts.
        near: all but the one that answers.
        foreign: those of other files.
    """

    whole: Evidence
    near: Evidence | None
    foreign: Evidence | None


def main() -> None:
    """Ask, judge each fit on the file that it did not see, write the fits."""
    options = _arguments()
    files = [squad.read_squad(path) for path in options.files]
    retriever = open_retriever(files)
    asked = {file.name: ask(retriever, file) for file in files}
    fits = []
    print(
        "| file | refused at 5 % false: near misses | other files' contexts "
        f"| at {LEAST_SUPPORT:g}: near misses | other files' | false |\n|---|---|---|---|---|---|"
    )
    for file in files:
        others = {other.name: asked[other.name] for other in files if other is not file}
        ranking = Ranking.unseen(file.contexts)
        support = fit(others, ranking)
        print(judged(file.name, support, ranking, asked[file.name]), flush=True)
        fits.append(support)
    fits.insert(0, fit(asked, Ranking.shipped()))
    if options.write:
        content = {
            "format": FORMAT,
            "made_by": "python -m benchmarks.refusals " + " ".join(p.name for p in options.files),
            "columns": list(COLUMNS),
            "files": files_content(options.files, files),
            "fits": [one.to_json() for one in fits],
        }
        options.write.write_text(json.dumps(content) + "\n", "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+", help="SQuAD files (.json)")
    parser.add_argument("--write", type=Path, help="where the fits are kept")
    return parser.parse_args()


def ask(retriever: Retriever, file: SquadFile) -> list[Asked]:
    """Return the evidence of a file's questions; those whose context is not found are left out."""
    rows = rows_by_source(retriever)
    own = np.unique(np.concatenate([rows[squad.context_name(text)] for text in file.contexts]))
    every = retriever.generation.all_rows()
    foreign = np.setdiff1d(every, own)
    found = []
    for one in file.questions:
        question = one.question.text
        gold = rows[squad.context_name(one.context)]
        whole = retriever.gather(question)
        if whole is None or not np.isin(whole.rows, gold).any():
            continue
        others = (retriever.gather(question, rows) for rows in (np.setdiff1d(every, gold), foreign))
        found.append(Asked(whole.evidence, *(one.evidence if one else None for one in others)))
    return found


def rows_by_source(retriever: Retriever) -> dict[str, NDArray[np.int64]]:
    """Return the passage rows that stand in each file."""
    generation = retriever.generation
    return {
        source: generation.rows_of(generation.select([source])) for source in generation.sources
    }


def fit(asked: Mapping[str, Sequence[Asked]], ranking: Ranking) -> Support:
    """Return the weights under which answerable and unanswerable questions are told apart.

    Logistic regression (Adam); the two sorts weigh the same.
    """
    import torch

    torch.manual_seed(0)
    every = [one for questions in asked.values() for one in questions]
    positive = [_columns(one.whole, ranking) for one in every]
    near = [_columns(one.near, ranking) for one in every if one.near]
    foreign = [_columns(one.foreign, ranking) for one in every[::4] if one.foreign]
    found = np.stack([*positive, *near, *foreign])
    inputs, scaling = standard(found)
    labels = torch.tensor([1.0] * len(positive) + [0.0] * (len(near) + len(foreign)))
    balance = torch.where(labels > 0, 0.5 / len(positive), 0.5 / (len(near) + len(foreign)))
    linear = torch.nn.Linear(inputs.shape[1], 1)
    adam = torch.optim.AdamW(linear.parameters(), lr=RATE, weight_decay=DECAY)
    for epoch in range(EPOCHS):
        adam.param_groups[0]["lr"] = RATE * (1 - epoch / EPOCHS)
        odds = linear(inputs)[:, 0]
        losses = torch.nn.functional.binary_cross_entropy_with_logits(
            odds, labels, weight=balance, reduction="sum"
        )
        adam.zero_grad()
        losses.backward()  # type: ignore[no-untyped-call]
        adam.step()
    return Support(layers_of(scaling, [linear]), tuple(asked))


def _columns(evidence: Evidence, ranking: Ranking) -> NDArray[np.float32]:
    return columns(evidence, ranking(evidence))


def judged(name: str, support: Support, ranking: Ranking, asked: Sequence[Asked]) -> str:
    """Return a row of the table."""

    def likely(evidences: Sequence[Evidence | None]) -> NDArray[np.float64]:
        return np.array([support(_columns(e, ranking)) if e else 0.0 for e in evidences])

    whole = likely([one.whole for one in asked])
    near = likely([one.near for one in asked])
    foreign = likely([one.foreign for one in asked])
    least = float(np.quantile(whole, FALSE_REFUSALS))
    cells = [
        *(np.mean(each < least) for each in (near, foreign)),
        *(np.mean(each < LEAST_SUPPORT) for each in (near, foreign, whole)),
    ]
    return f"| {name} | " + " | ".join(f"{value:.3f}" for value in cells) + " |"


if __name__ == "__main__":
    main()
