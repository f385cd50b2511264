"""Fits the networks that `qa.verify` weighs the evidence of a sentence with, and their threshold.

The threshold is never taken on sentences of the fit: each file of the fit is judged by networks of
the others, and the threshold lets the given share of all true sentences so judged be taken for
corrupted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from qa.ranking import Layers
from qa.verify import Evidence, Weights, odds

HIDDEN = 48
EPOCHS = 24
BATCH = 256
RATE = 0.01
DECAY = 0.1

WORTH = {"statement": 2.0}
"""How often a kind counts: a language model writes most like questions put as statements."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """Sentences with their evidence.

    Attributes:
        evidence: of each, in order.
        true: whether its passage says it.
        kinds: its form or corruption; each kind of a side weighs the same in a fit.
        groups: files that are judged together, such as one set in two languages.
    """

    evidence: Sequence[Evidence]
    true: NDArray[np.bool_]
    kinds: NDArray[np.str_]
    groups: NDArray[np.str_]

    def part(self, rows: NDArray[np.bool_]) -> Judged:
        """Return some of them."""
        chosen = [self.evidence[at] for at in np.flatnonzero(rows).tolist()]
        return Judged(chosen, self.true[rows], self.kinds[rows], self.groups[rows])


def fit(judged: Judged, false_alarms: float, seed: int = 0) -> Weights:
    """Return networks fitted on all sentences, with a threshold from files held out of the fit.

    Args:
        judged: of two files at least.
        false_alarms: share of the true sentences that are to fall below the threshold.
        seed: of the networks' first weights and of the order of sentences.

    Raises:
        ValueError: there is but one file.
    """
    if len(set(judged.groups)) < 2:
        raise ValueError("One file cannot be held out of a fit; give two or more, three to judge.")
    held = np.concatenate(list(_held_out(judged, seed)))
    least = float(np.quantile(held, false_alarms))
    return Weights(*networks(judged, seed), least)


def _held_out(judged: Judged, seed: int) -> Iterator[Numbers]:
    """Yield the odds of the true sentences of each file, by a fit of the others."""
    for group in sorted(set(judged.groups)):
        own = judged.groups == group
        layers = networks(judged.part(~own), seed)
        yield np.array([odds(one, *layers) for one in judged.part(own & judged.true).evidence])


def networks(judged: Judged, seed: int = 0) -> tuple[Layers, Layers]:
    """Return the network over the sentence as a whole, and the one over each of its words."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    batches = _Batches(judged)
    whole, words = _network(batches.whole.shape[1]), _network(batches.words.shape[1])
    steps = EPOCHS * batches.count
    optimiser = torch.optim.AdamW(
        [*whole.parameters(), *words.parameters()], RATE, weight_decay=DECAY
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATE, total_steps=steps + 1, pct_start=0.2
    )
    drawing = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        for rows in batches.drawn(drawing):
            loss = batches.loss(rows, whole, words)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return _layers(whole, *batches.scales[0]), _layers(words, *batches.scales[1])


def _network(columns: int) -> torch.nn.Sequential:
    last = torch.nn.Linear(HIDDEN, 1)
    with torch.no_grad():
        last.bias.add_(2.0)
    return torch.nn.Sequential(torch.nn.Linear(columns, HIDDEN), torch.nn.Tanh(), last)


def _layers(network: torch.nn.Sequential, mean: Numbers, scale: Numbers) -> Layers:
    first, first_bias, last, last_bias = (
        values.detach().numpy().astype(np.float32) for values in network.parameters()
    )
    return Layers(
        mean.astype(np.float32),
        scale.astype(np.float32),
        (first.T.copy(), last.T.copy()),
        (first_bias, last_bias),
    )


class _Batches:
    """The evidence of sentences, standardised, in batches."""

    def __init__(self, judged: Judged) -> None:
        whole = np.stack([one.whole for one in judged.evidence])
        words = np.concatenate([one.words for one in judged.evidence])
        self.scales = [
            (one.mean(axis=0), np.maximum(one.std(axis=0), 1e-3)) for one in (whole, words)
        ]
        self.whole, self.words = (
            torch.tensor((one - mean) / scale, dtype=torch.float32)
            for one, (mean, scale) in zip((whole, words), self.scales, strict=True)
        )
        self.ends = np.cumsum([len(one.words) for one in judged.evidence])
        self.wanted = torch.tensor(judged.true, dtype=torch.float32)
        self.worth = torch.tensor(_worth(judged.true, judged.kinds), dtype=torch.float32)
        self.count = max(1, len(whole) // BATCH)

    def drawn(self, drawing: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """Yield rows of sentences, each row once."""
        return iter(np.array_split(drawing.permutation(len(self.whole)), self.count))

    def loss(
        self, rows: NDArray[np.int64], whole: torch.nn.Module, words: torch.nn.Module
    ) -> torch.Tensor:
        """Return the mean loss of some sentences: each is as likely as its least likely part."""
        starts = np.concatenate([[0], self.ends])
        places = [np.arange(starts[row], starts[row + 1]) for row in rows]
        owner = torch.tensor(np.repeat(np.arange(len(rows)), [len(one) for one in places]))
        against = torch.exp(-whole(self.whole[rows])[:, 0].clamp(-15, 15))
        parts = words(self.words[np.concatenate(places)])[:, 0]
        against = against.index_add(0, owner, torch.exp(-parts.clamp(-15, 15)))
        return torch.nn.functional.binary_cross_entropy_with_logits(
            -torch.log(against), self.wanted[rows], self.worth[rows]
        )


def _worth(true: NDArray[np.bool_], kinds: NDArray[np.str_]) -> Numbers:
    """Return weights by which both sides are worth the same, their kinds as `WORTH` says."""
    worth = np.zeros(len(true))
    for side in (True, False):
        names = sorted(set(kinds[true == side]))
        whole = sum(WORTH.get(name, 1.0) for name in names)
        for name in names:
            rows = (true == side) & (kinds == name)
            worth[rows] = WORTH.get(name, 1.0) * len(true) / (2 * whole * rows.sum())
    return worth
