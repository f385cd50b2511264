"""Encoders for tests of builds on Ray: opened in the workers, and seen from outside by files."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings.encoder import CountingEncoder
from embeddings.ray_worker import OpenEncoder
from tests.embeddings.building import ALPHABET

OTHER = "WENJU_TEST_ALPHABET"
"""A machine with this variable has another model."""


class Logged(CountingEncoder):
    """Writes down what it encodes, waits, and ends its process at a text that is poison."""

    def __init__(self, log: Path, pause: float, poison: str) -> None:
        super().__init__(os.environ.get(OTHER, ALPHABET))
        self._log, self._pause, self._poison = log, pause, poison

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with (self._log / str(os.getpid())).open("a", encoding="utf-8") as file:
            file.writelines(f"{text}\n" for text in texts)
        if any(self._poison and self._poison in text for text in texts):
            os._exit(1)
        time.sleep(self._pause)
        return super().encode_passages(texts)


def opened(log: Path, pause: float, poison: str, *, threads: int) -> Logged:
    return Logged(log, pause, poison)


def logged(log: Path, pause: float = 0.0, poison: str = "") -> OpenEncoder:
    """Return what opens such an encoder; its files go into the folder `log`."""
    log.mkdir(exist_ok=True)
    return partial(opened, log, pause, poison)


def encoded(log: Path) -> Counter[str]:
    """Return how often each text was begun to be encoded, by all workers together."""
    lines = [file.read_text(encoding="utf-8").splitlines() for file in log.iterdir()]
    return Counter(line for part in lines for line in part)
