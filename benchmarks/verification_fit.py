"""Fits the network that `qa.verify` weighs the evidence of a sentence with."""

from __future__ import annotations

import numpy as np

from qa.ranking import Layers

HIDDEN = 24
EPOCHS = 400


def fit(matrix: np.ndarray, true: np.ndarray, kinds: np.ndarray, seed: int = 0) -> Layers:
    """Return a network whose number is high for true sentences; each kind weighs the same."""
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    mean, scale = matrix.mean(axis=0), np.maximum(matrix.std(axis=0), 1e-3)
    values = torch.tensor((matrix - mean) / scale, dtype=torch.float32)
    wanted = torch.tensor(true, dtype=torch.float32)
    weights = torch.tensor(_weights(true, kinds), dtype=torch.float32)
    first = torch.nn.Linear(values.shape[1], HIDDEN)
    second = torch.nn.Linear(HIDDEN, 1)
    steps = torch.optim.AdamW(
        [*first.parameters(), *second.parameters()], lr=0.02, weight_decay=0.02
    )
    for _ in range(EPOCHS):
        odds = second(torch.tanh(first(values)))[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(odds, wanted, weights)
        steps.zero_grad()
        loss.backward()
        steps.step()
    return Layers(
        mean.astype(np.float32), scale.astype(np.float32),
        (first.weight.detach().numpy().T.copy(), second.weight.detach().numpy().T.copy()),
        (first.bias.detach().numpy(), second.bias.detach().numpy()),
    )  # fmt: skip


def _weights(true: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Return weights by which true and corrupted ones, and the kinds of each, are worth the same."""
    weights = np.zeros(len(true))
    for side in (True, False):
        names = sorted(set(kinds[true == side]))
        for name in names:
            rows = (true == side) & (kinds == name)
            weights[rows] = len(true) / (2 * len(names) * rows.sum())
    return weights
