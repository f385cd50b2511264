"""Fits the weights of `qa.ranking` on SQuAD files, and judges them on the file left out.

Run: python -m benchmarks.ranking SQUAD.json... [--write qa/ranking.json]

The contexts of all files become one index, as in ``wenju eval``. For each file one fit is made of
all others and judged on it: share of questions whose passage comes first, and whose sentence does,
beside the ranking before any weights. A last fit is made of all files. `--write` keeps all fits,
with what each was fitted on, so that an evaluation can take one that did not see its questions.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ablation import Remembering
from embeddings.encoder import open_encoder
from embeddings.lexical import Tokenizer
from embeddings.model import home
from embeddings.opening import open_published
from embeddings.progress import silence
from embeddings.store import IndexFolder
from qa import squad
from qa.evaluate import open_contexts
from qa.evidence import PASSAGE_FEATURES, SENTENCE_FEATURES, Evidence
from qa.found import Gathered
from qa.ranking import FORMAT, Layers, Ranking, digest, relative
from qa.retrieval import Retriever
from qa.squad import SquadFile, SquadQuestion

HIDDEN = 16
EPOCHS = 120
RATE = 0.02
DECAY = 0.01
STEADY = 1e-4
"""A column whose spread is less says nothing, and is not made larger."""


@dataclass(frozen=True)
class Example:
    """One question: its evidence, and which passages and sentences are gold."""

    evidence: Evidence
    passages: NDArray[np.bool_]
    sentences: NDArray[np.bool_]


@dataclass(frozen=True)
class Batch:
    """Examples one below the other.

    Attributes:
        passages, sentences: relative columns, see `qa.ranking.relative`.
        asked: number of the question of each passage.
        owners: number of the passage of each sentence.
        gold_passages, gold_sentences: 1 where gold, else 0.
        size: how many questions.
    """

    passages: NDArray[np.float32]
    sentences: NDArray[np.float32]
    asked: NDArray[np.int64]
    owners: NDArray[np.int64]
    gold_passages: NDArray[np.float32]
    gold_sentences: NDArray[np.float32]
    size: int


def main() -> None:
    """Make the examples, judge each fit on the file that it did not see, write the fits."""
    options = _arguments()
    files = [squad.read_squad(path) for path in options.files]
    retriever = open_retriever(files)
    found = {file.name: examples(retriever, file) for file in files}
    fits = []
    print("| file | passage first: before | after | sentence first |\n|---|---|---|---|")
    for file in files:
        others = [other.name for other in files if other is not file]
        ranking = fit([one for name in others for one in found[name]], tuple(others))
        print(_judged(file.name, ranking, found[file.name]), flush=True)
        fits.append(ranking)
    everything = [one for each in found.values() for one in each]
    fits.insert(0, fit(everything, tuple(found)))
    if options.write:
        options.write.write_text(json.dumps(_content(options.files, files, fits)) + "\n", "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+", help="SQuAD files (.json)")
    parser.add_argument("--write", type=Path, help="where the fits are kept")
    return parser.parse_args()


def open_retriever(files: Sequence[SquadFile]) -> Retriever:
    """Return one over the contexts of all files."""
    kept, _ = open_contexts(files, None, silence)
    opened = open_published(IndexFolder(Path(kept.folder)))
    encoder = Remembering(open_encoder())
    return Retriever(opened.generation, encoder, Tokenizer(home() / "jieba"))


def examples(retriever: Retriever, file: SquadFile) -> list[Example]:
    """Return the questions of a file that find anything."""
    found = (_example(retriever, question) for question in file.questions)
    return [one for one in found if one is not None]


def _example(retriever: Retriever, question: SquadQuestion) -> Example | None:
    candidates = retriever.gather(question.question.text)
    return None if candidates is None else example(retriever, question, candidates)


def example(retriever: Retriever, question: SquadQuestion, candidates: Gathered) -> Example:
    """Return what was gathered for a question, with what of it is gold."""
    rows = [int(row) for row in candidates.rows]
    places = retriever.generation.places(rows)
    sources = retriever.generation.sources_of(p.document for held in places.values() for p in held)
    gold = squad.context_name(question.context)
    passages, sentences = [], []
    for row, count in zip(rows, candidates.texts.counts, strict=True):
        at = [p for p in places[row] if gold in sources[p.document]]
        passages.append(bool(at))
        spans = at[0].sentences if at else [()] * count
        sentences += [_holds_answer(spans_of_one, question) for spans_of_one in spans]
    return Example(candidates.evidence, np.array(passages), np.array(sentences))


def _holds_answer(spans: Sequence[Any], question: SquadQuestion) -> bool:
    return bool(spans) and any(
        spans[0].start <= answer.start and answer.end <= spans[-1].end
        for answer in question.answers
    )


def batch(examples: Sequence[Example]) -> Batch:
    """Put examples one below the other."""
    counts = [len(one.passages) for one in examples]
    sentences = [np.diff(np.append(e.evidence.starts, len(e.sentences))) for e in examples]
    return Batch(
        np.concatenate([relative(one.evidence.passages) for one in examples]),
        np.concatenate([relative(one.evidence.sentences) for one in examples]),
        np.repeat(np.arange(len(examples)), counts),
        np.repeat(np.arange(sum(counts)), np.concatenate(sentences)),
        np.concatenate([one.passages for one in examples]).astype(np.float32),
        np.concatenate([one.sentences for one in examples]).astype(np.float32),
        len(examples),
    )


def fit(examples: Sequence[Example], fitted_on: tuple[str, ...]) -> Ranking:
    """Return the weights under which gold passages and gold sentences are likeliest (Adam).

    Both likelihoods are those of a softmax over the candidates of each question; they are added.
    """
    import torch

    torch.manual_seed(0)
    data = batch(examples)
    passage, passage_scaling = standard(data.passages)
    sentence, sentence_scaling = standard(data.sentences)
    asked, owners = torch.tensor(data.asked), torch.tensor(data.owners)
    gold_passages, gold_sentences = map(torch.tensor, (data.gold_passages, data.gold_sentences))
    over_passages = torch.nn.Linear(passage.shape[1], 1)
    over_sentences = torch.nn.Sequential(
        torch.nn.Linear(sentence.shape[1], HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, 1)
    )
    lift, trust = (torch.nn.Parameter(torch.tensor(value)) for value in (0.3, 1.0))
    parts = [*over_passages.parameters(), *over_sentences.parameters(), lift, trust]
    adam = torch.optim.AdamW(parts, lr=RATE, weight_decay=DECAY)
    for epoch in range(EPOCHS):
        adam.param_groups[0]["lr"] = RATE * (1 - epoch / EPOCHS)
        own = over_sentences(sentence)[:, 0]
        together = _log_sums(own, owners, len(passage))
        weight = over_passages(passage)[:, 0] + lift * together
        loss = _surprise(weight, asked, gold_passages, data.size)
        share = (trust * weight - together)[owners]
        loss = loss + _surprise(own + share, asked[owners], gold_sentences, data.size)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return Ranking(
        layers_of(passage_scaling, [over_passages]),
        layers_of(sentence_scaling, [over_sentences[0], over_sentences[2]]),
        lift.item(), trust.item(), fitted_on,
    )  # fmt: skip


def standard(columns: NDArray[np.float32]) -> tuple[Any, tuple[Any, Any]]:
    """Return the columns as a tensor with mean 0 and spread 1, and what means and spreads were."""
    import torch

    mean, spread = columns.mean(axis=0), columns.std(axis=0)
    scale = np.where(spread > STEADY, spread, np.float32(1))
    return torch.tensor((columns - mean) / scale), (mean, scale)


def layers_of(scaling: tuple[Any, Any], linear: Sequence[Any]) -> Layers:
    """Return torch's linear layers as those of `qa.ranking`."""
    return Layers(
        *scaling,
        tuple(layer.weight.detach().numpy().T for layer in linear),
        tuple(layer.bias.detach().numpy() for layer in linear),
    )


def _log_sums(values: Any, owners: Any, size: int) -> Any:
    """Return the log of the sum of exponentials of the values of each owner."""
    import torch

    highest = torch.full((size,), -1e9).scatter_reduce(0, owners, values.detach(), "amax")
    sums = torch.zeros(size).index_add_(0, owners, torch.exp(values - highest[owners]))
    return torch.log(sums + 1e-30) + highest


def _surprise(values: Any, asked: Any, gold: Any, size: int) -> Any:
    """Return the mean of -log P(gold) over the questions that have any."""
    import torch

    has_gold = torch.zeros(size).index_add_(0, asked, gold) > 0
    right = _log_sums(values + torch.where(gold > 0, 0.0, -1e9), asked, size)
    return (_log_sums(values, asked, size) - right)[has_gold].mean()


def _judged(name: str, ranking: Ranking, examples: Sequence[Example]) -> str:
    """Return a row of the table; candidates come in the order before any weights."""
    weighed = [ranking(one.evidence) for one in examples]
    before = np.mean([one.passages[0] for one in examples])
    pairs = list(zip(examples, weighed, strict=True))
    after = np.mean([one.passages[values.passages.argmax()] for one, values in pairs])
    sentence = np.mean([one.sentences[values.sentences.argmax()] for one, values in pairs])
    return f"| {name} | {before:.4f} | {after:.4f} | {sentence:.4f} |"


def _content(
    paths: Sequence[Path], read: Sequence[SquadFile], fits: Sequence[Ranking]
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "made_by": "python -m benchmarks.ranking " + " ".join(path.name for path in paths),
        "columns": [list(PASSAGE_FEATURES), list(SENTENCE_FEATURES)],
        "files": files_content(paths, read),
        "fits": [ranking.to_json() for ranking in fits],
    }


def files_content(paths: Sequence[Path], read: Sequence[SquadFile]) -> dict[str, Any]:
    """Return what tells the question files that weights were fitted on: hashes and digests."""
    return {
        file.name: {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "questions": len(file.questions),
            "contexts": " ".join(map(digest, file.contexts)),
        }
        for path, file in zip(paths, read, strict=True)
    }


if __name__ == "__main__":
    main()
