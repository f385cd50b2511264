"""Fits the network of `qa.reader` on SQuAD files, and judges it on the file left out.

Run: python -m benchmarks.reader SQUAD.json... [--cross ENGLISH.json...] [--write qa/reader.json]

The contexts of all files become one index, as in ``wenju eval``. Of every question the likeliest
sentences are taken, weighed by a ranking that did not see the file, and the states of their tokens.
Each question counts twice: with the sentence that answers, which must beat the others and "none";
and without it, where "none" must win. For each set of contexts one fit is made of all other files,
and judged; the network that ships is fitted on all.

Questions in another language are judged by halves of their contexts: the network fitted without any
of them is fitted further on one half, in both languages, and judged on the other.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.ranking import example, files_content, open_retriever
from embeddings.encoder import OnnxEncoder, TokenStates, open_encoder
from qa import squad
from qa.found import Found
from qa.ranking import Ranking, digest
from qa.reader import (
    ARRAYS,
    FORMAT,
    HEADS,
    LEAST_WEIGHT,
    LONGEST,
    SentenceReader,
)
from qa.retrieval import Retriever
from qa.squad import SquadFile, SquadQuestion

WIDTH = 128
LAYERS = 2
CANDIDATES = 8
EPOCHS = 2
FURTHER_EPOCHS = 2
RATE = 1e-3
DECAY = 0.05
DROPPED = 0.2
AT_ONCE = 16
"""Questions of a step."""

PAIRS = 64
"""Pairs that go through the network together."""

FALSE_REFUSALS = 0.05


class Fitted(NamedTuple):
    """A network as it is kept.

    Attributes:
        arrays: its weights.
        fitted_on: names of the files.
        foreign: whether questions in another language were among them.
    """

    arrays: Mapping[str, NDArray[np.float16]]
    fitted_on: tuple[str, ...]
    foreign: bool


@dataclass(frozen=True)
class Read:
    """One question with its likeliest sentences, best first.

    Attributes:
        text: the question.
        question: number of its text.
        sentences: numbers of theirs.
        weights: log probability of each by the ranking.
        gold: which hold the answer.
    """

    text: str
    question: int
    sentences: tuple[int, ...]
    weights: NDArray[np.float64]
    gold: NDArray[np.bool_]


@dataclass(frozen=True)
class Library:
    """The texts of all questions and sentences, read once each."""

    questions: list[TokenStates]
    sentences: list[TokenStates]


def main() -> None:
    """Gather, fit without each set of contexts, judge, write."""
    options = _arguments()
    files = [squad.read_squad(path) for path in options.files]
    retriever = open_retriever(files)
    crossed = [squad.read_squad(path) for path in options.cross]
    pairs = (squad.pair(asked, file) for asked in crossed for file in files)
    every = [*files, *(one for one in pairs if one)]
    library, read = gather(retriever, every)
    print("| file | sentence first: by the ranking | read | near misses refused at 5 % false |")
    print("|---|---|---|---|", flush=True)
    fits: list[Fitted] = []
    for left_out in files:
        same = [one for one in every if set(one.contexts) & set(left_out.contexts)]
        names = [one.name for one in same]
        others = {name: rows for name, rows in read.items() if name not in names}
        network = fit(library, others, options.epochs)
        for name in names:
            print(judged(name, network, library, read[name]), flush=True)
        if len(same) > 1:
            fits += by_halves(network, library, read, same, tuple(others))
        fits.append(Fitted(arrays_of(network), tuple(others), False))
    whole = fit(library, read, options.epochs)
    fits.insert(0, Fitted(arrays_of(whole), tuple(read), bool(options.cross)))
    if options.write:
        _write(options.write, [*options.files, *options.cross], every, fits)


def halves(file: SquadFile) -> tuple[SquadFile, SquadFile]:
    """Return the questions over every other context, and the others."""
    contexts = file.contexts[::2], file.contexts[1::2]
    first, second = (
        replace(
            file,
            name=half_name(file.name, number),
            questions=tuple(one for one in file.questions if one.context in set(own)),
        )
        for number, own in enumerate(contexts, 1)
    )
    return first, second


def half_name(name: str, number: int) -> str:
    """Return what one half of a file is called, as something that a network was fitted on."""
    return f"{name}, half {number}"


def by_halves(
    network: Any,
    library: Library,
    read: Mapping[str, Sequence[Read]],
    files: Sequence[SquadFile],
    fitted_on: tuple[str, ...],
) -> list[Fitted]:
    """Fit a network further on one half of files with the same contexts; judge it on the other."""
    found = []
    for seen, left in ((1, 2), (2, 1)):
        own = {half_name(one.name, seen): _half(one, read[one.name], seen) for one in files}
        further = fit(library, own, FURTHER_EPOCHS, copy.deepcopy(network))
        for one in files:
            name = half_name(one.name, left)
            print(judged(name, further, library, _half(one, read[one.name], left)), flush=True)
        found.append(Fitted(arrays_of(further), (*fitted_on, *own), True))
    return found


def _half(file: SquadFile, read: Sequence[Read], number: int) -> list[Read]:
    wanted = {one.question.text for one in halves(file)[number - 1].questions}
    return [one for one in read if one.text in wanted]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+", help="SQuAD files (.json)")
    parser.add_argument("--cross", type=Path, nargs="*", default=[], help="their translations")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--write", type=Path, help="where the fits are kept")
    return parser.parse_args()


def gather(
    retriever: Retriever, files: Sequence[SquadFile]
) -> tuple[Library, dict[str, list[Read]]]:
    """Return the candidates of all questions, and all their texts, read."""
    questions: dict[str, int] = {}
    sentences: dict[str, int] = {}
    read: dict[str, list[Read]] = {}
    for file in files:
        ranking = Ranking.unseen(file.contexts)
        found = (_read(retriever, one, ranking, questions, sentences) for one in file.questions)
        read[file.name] = [one for one in found if one is not None]
    encoder = open_encoder()
    assert isinstance(encoder, OnnxEncoder)
    library = Library(
        encoder.read(list(questions), LONGEST), encoder.read(list(sentences), LONGEST)
    )
    return library, read


def _read(
    retriever: Retriever,
    question: SquadQuestion,
    ranking: Ranking,
    questions: dict[str, int],
    sentences: dict[str, int],
) -> Read | None:
    found: Found = retriever.ranked(retriever.search(question.question.text), ranking)
    gathered = found.gathered
    if gathered is None or gathered.weighed is None:
        return None
    gold = example(retriever, question, gathered).sentences
    best = np.argsort(-gathered.weighed.sentences, kind="stable")[:CANDIDATES]
    texts = [gathered.texts.sentences[at] for at in best]
    return Read(
        found.question,
        questions.setdefault(found.question, len(questions)),
        tuple(sentences.setdefault(text, len(sentences)) for text in texts),
        np.maximum(gathered.weighed.sentences[best], LEAST_WEIGHT),
        np.asarray(gold[best], bool),
    )


def new_network() -> Any:
    """Return the network of `qa.reader` for torch; its parameters have the same names."""
    import torch
    from torch import nn

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.into, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

        def forward(self, values: Any, shown: Any) -> Any:
            pairs, count, _ = values.shape
            each = self.into(values).view(pairs, count, 3, HEADS, WIDTH // HEADS)
            query, key, value = each.permute(2, 0, 3, 1, 4)
            mixed = nn.functional.scaled_dot_product_attention(
                query, key, value, attn_mask=shown[:, None, None, :]
            )
            return self.out(mixed.transpose(1, 2).reshape(pairs, count, WIDTH))

    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = Attention()
            self.first, self.second = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.wide, self.narrow = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
            self.dropped = nn.Dropout(DROPPED)

        def forward(self, values: Any, shown: Any) -> Any:
            values = values + self.dropped(self.attention(self.first(values), shown))
            wide = nn.functional.gelu(self.wide(self.second(values)), approximate="tanh")
            return values + self.dropped(self.narrow(self.dropped(wide)))

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            hidden = 384
            self.project_norm, self.project = nn.LayerNorm(hidden), nn.Linear(hidden, WIDTH)
            self.side, self.match = nn.Embedding(2, WIDTH), nn.Linear(3, WIDTH)
            self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
            self.attend = nn.Linear(WIDTH, 1)
            self.out_norm, self.out = nn.LayerNorm(2 * WIDTH + 4), nn.Linear(2 * WIDTH + 4, 1)
            self.dropped = nn.Dropout(DROPPED)
            self.trust = nn.Parameter(torch.tensor(1.0))
            self.none = nn.Parameter(torch.tensor(-3.0))

        def forward(self, asked: Any, told: Any, weights: Any) -> Any:
            states, shown = (torch.cat([asked[at], told[at]], 1) for at in (0, 2))
            count = asked[0].shape[1]
            matches = _match(asked, told)
            side = (torch.arange(states.shape[1]) >= count).long()
            values = self.project(self.project_norm(states)) + self.side(side)
            values = self.dropped(values + self.match(matches))
            for layer in self.layers:
                values = layer(values, shown)
            read, told_shown = values[:, count:], told[2]
            share = self.attend(read)[:, :, 0].masked_fill(~told_shown, -1e4).softmax(1)
            seen = _mean(values[:, :count], asked[2])
            least = [
                _mean(matches[:, :count, :2], asked[2]),
                told_shown.sum(1, keepdim=True) / 50,
                weights[:, None] / 5,
            ]
            together = torch.cat([(share[:, :, None] * read).sum(1), seen, *least], 1)
            own = self.out(self.dropped(self.out_norm(together)))[:, 0]
            return own + self.trust * weights - self.none

    return Network()


def _mean(values: Any, shown: Any) -> Any:
    return (values * shown[:, :, None]).sum(1) / shown.sum(1, keepdim=True)


def _match(asked: Any, told: Any) -> Any:
    """Return, for each token, its highest cosine beyond, whether it stands there, and its side."""
    import torch

    units = [torch.nn.functional.normalize(one[0], dim=2) for one in (asked, told)]
    both = asked[2][:, :, None] & told[2][:, None, :]
    cosines = torch.where(both, units[0] @ units[1].transpose(1, 2), -1.0)
    inner = asked[3][:, :, None] & told[3][:, None, :]
    same = ((asked[1][:, :, None] == told[1][:, None, :]) & inner).float()
    ones = torch.ones(asked[1].shape)
    question = torch.stack([cosines.amax(2), same.amax(2), ones], 2)
    zeros = torch.zeros(told[1].shape)
    return torch.cat([question, torch.stack([cosines.amax(1), same.amax(1), zeros], 2)], 1)


def _padded(texts: Sequence[TokenStates]) -> tuple[Any, Any, Any, Any]:
    """Return states, ids, which tokens are there, and which of them are no marks."""
    import torch

    counts = np.array([len(one.ids) for one in texts])
    states = np.zeros((len(texts), counts.max(), texts[0].states.shape[1]), np.float32)
    ids = np.full(states.shape[:2], -1, np.int64)
    for row, one in enumerate(texts):
        states[row, : counts[row]] = one.states
        ids[row, : counts[row]] = one.ids
    places = np.arange(states.shape[1])
    shown = places < counts[:, None]
    inner = (places > 0) & (places < counts[:, None] - 1)
    return tuple(torch.from_numpy(one) for one in (states, ids, shown, inner))  # type: ignore[return-value]


def odds(network: Any, library: Library, read: Sequence[Read]) -> list[Any]:
    """Return the network's number of each sentence, a tensor for each question."""
    import torch

    pairs = [(one, at) for one in read for at in range(len(one.sentences))]
    order = sorted(
        range(len(pairs)),
        key=lambda i: len(library.sentences[pairs[i][0].sentences[pairs[i][1]]].ids),
    )
    found = []
    for start in range(0, len(order), PAIRS):
        taken = [pairs[i] for i in order[start : start + PAIRS]]
        asked = _padded([library.questions[one.question] for one, _ in taken])
        told = _padded([library.sentences[one.sentences[at]] for one, at in taken])
        weights = torch.tensor([one.weights[at] for one, at in taken], dtype=torch.float32)
        found.append(network(asked, told, weights))
    back = torch.empty(len(order), dtype=torch.long)
    back[torch.tensor(order)] = torch.arange(len(order))
    counts = [len(one.sentences) for one in read]
    return list(torch.split(torch.cat(found)[back], counts))


def fit(
    library: Library, read: Mapping[str, Sequence[Read]], epochs: int, network: Any = None
) -> Any:
    """Return the network under which gold sentences, and "none" without them, are likeliest.

    Args:
        library: all texts.
        read: the questions, by file.
        epochs: how often each is seen.
        network: what to begin with, and to change; None for a new one.
    """
    import torch

    torch.manual_seed(0)
    network = new_network() if network is None else network
    network.train()
    every = [one for rows in read.values() for one in rows]
    steps = epochs * len(every) // AT_ONCE
    adam = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    for step, taken in zip(range(steps), _batches(every), strict=False):
        adam.param_groups[0]["lr"] = RATE * min(1, (step + 1) / (0.05 * steps)) * (1 - step / steps)
        loss = _surprise(odds(network, library, taken), taken)
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        adam.step()
    network.eval()
    return network


def _batches(every: Sequence[Read]) -> Iterator[list[Read]]:
    """Yield questions at random, all of them before any comes again."""
    drawing = random.Random(0)
    while True:
        order = drawing.sample(range(len(every)), len(every))
        for start in range(0, len(order) - AT_ONCE + 1, AT_ONCE):
            yield [every[at] for at in order[start : start + AT_ONCE]]


def _surprise(found: Sequence[Any], read: Sequence[Read]) -> Any:
    """Return the mean of -log P(gold), and half of -log P(none) without gold."""
    import torch

    losses = []
    none = torch.zeros(1)
    for values, one in zip(found, read, strict=True):
        gold = torch.from_numpy(one.gold)
        if one.gold.any():
            losses.append(torch.cat([values, none]).logsumexp(0) - values[gold].logsumexp(0))
        if not one.gold.all():
            losses.append(0.5 * torch.cat([values[~gold], none]).logsumexp(0))
    return torch.stack(losses).sum() / len(read)


def judged(name: str, network: Any, library: Library, read: Sequence[Read]) -> str:
    """Return a row of the table."""
    import torch

    found: list[NDArray[np.float32]] = []
    with torch.no_grad():
        for start in range(0, len(read), AT_ONCE):
            taken = odds(network, library, read[start : start + AT_ONCE])
            found += [one.numpy() for one in taken]
    both = list(zip(read, found, strict=True))
    before = np.mean([one.gold[0] for one in read])
    after = np.mean([one.gold[values.argmax()] for one, values in both])
    right = [values.max() for one, values in both if one.gold.any()]
    near = [values[~one.gold].max() for one, values in both if not one.gold.all()]
    refused = np.mean(np.array(near) < np.quantile(right, FALSE_REFUSALS))
    return f"| {name} | {before:.4f} | {after:.4f} | {refused:.3f} |"


def arrays_of(network: Any) -> dict[str, NDArray[np.float16]]:
    """Return torch's parameters under the names of `qa.reader`, matrices turned."""
    found = {}
    for name, values in network.state_dict().items():
        array = values.detach().numpy()
        if name.endswith("weight") and array.ndim == 2 and name != "side.weight":
            array = array.T
        found[_own_name(name)] = np.ascontiguousarray(array, np.float16)
    return found


def _own_name(name: str) -> str:
    name = name.replace("layers.", "layer").replace("attention.out.", "from.")
    name = name.replace("attention.", "").replace("side.weight", "side")
    for norm in ("project_norm", "out_norm"):
        name = name.replace(f"{norm}.", f"{norm.removesuffix('_norm')}.norm.")
    for norm in ("first", "second"):
        name = name.replace(f".{norm}.", f".{norm}.norm.")
    return name


def _write(
    path: Path,
    paths: Sequence[Path],
    read: Sequence[SquadFile],
    fits: Sequence[Fitted],
) -> None:
    held = {f"{n}.{name}": a for n, one in enumerate(fits) for name, a in one.arrays.items()}
    both = [half for one in read for half in halves(one)]
    np.savez_compressed(path.with_name(ARRAYS), **held)  # type: ignore[arg-type]
    content = {
        "format": FORMAT,
        "made_by": "python -m benchmarks.reader " + " ".join(one.name for one in paths),
        "files": {**files_content(paths, read), **_contexts_of(both)},
        "fits": [
            {"number": n, "fitted_on": list(one.fitted_on), "foreign": one.foreign}
            for n, one in enumerate(fits)
        ],
    }
    path.write_text(json.dumps(content) + "\n", "utf-8")


def _contexts_of(files: Sequence[SquadFile]) -> dict[str, Any]:
    return {one.name: {"contexts": " ".join(map(digest, one.contexts))} for one in files}


__all__ = ["SentenceReader", "fit", "gather", "judged"]

if __name__ == "__main__":
    main()
