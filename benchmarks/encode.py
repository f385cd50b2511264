"""How fast the engines encode: passages and characters a second, and the latency of one question.

Run: python benchmarks/encode.py SQUAD.json [--passages 60] [--questions 40] [--rounds 3]

Takes passages of mixed length from a SQuAD file, evenly over the file, and prints a table of
medians with the machine's float32 matrix speed beside it. Engines take turns within each round, so
that a machine whose clock changes treats them alike.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from embeddings.encoder import Encoder, OnnxEncoder, SentenceTransformersEncoder
from embeddings.model import model_folder

BATCH_SIZES = (1, 8, 32)
GEMM_SIZE = 2048

Result = TypeVar("Result")


@dataclass
class Timing:
    """Seconds that an engine took, a number for each round and for each question."""

    load: float
    passages: list[float] = field(default_factory=list)
    questions: list[float] = field(default_factory=list)


def main() -> None:
    """Read the file, time the engines, print the table."""
    options = _arguments()
    passages, questions = _read(options.file, options.passages, options.questions)
    openers = _engines(model_folder(print))
    encoders: dict[str, Encoder] = {}
    timings: dict[str, Timing] = {}
    for name, opener in openers.items():
        load, encoders[name] = _timed(opener)
        timings[name] = Timing(load)
    peaks = [_gemm_peak()]
    for _ in range(options.rounds):
        for name, encoder in encoders.items():
            _one_round(encoder, timings[name], passages, questions)
        peaks.append(_gemm_peak())
    _report(passages, questions, timings, peaks)
    _agreement(encoders, passages)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, help="a SQuAD file (.json)")
    parser.add_argument("--passages", type=int, default=60)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _read(path: Path, passages: int, questions: int) -> tuple[list[str], list[str]]:
    """Return distinct passages and questions, taken evenly over the file."""
    articles = json.loads(path.read_text("utf-8"))["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    contexts = list(dict.fromkeys(paragraph["context"] for paragraph in paragraphs))
    asked = [item["question"] for paragraph in paragraphs for item in paragraph["qas"]]
    return _evenly(contexts, passages), _evenly(asked, questions)


def _evenly(texts: list[str], count: int) -> list[str]:
    return texts[:: max(1, len(texts) // count)][:count]


def _engines(folder: Path) -> dict[str, Callable[[], Encoder]]:
    found: dict[str, Callable[[], Encoder]] = {"onnx int8": partial(OnnxEncoder, folder)}
    for size in BATCH_SIZES:
        open_reference = partial(SentenceTransformersEncoder, folder, "cpu", size)
        found[f"sentence-transformers, batch {size}"] = open_reference
    return found


def _one_round(encoder: Encoder, timing: Timing, passages: list[str], questions: list[str]) -> None:
    encoder.encode_query(questions[0])
    for question in questions:
        timing.questions.append(_timed(partial(encoder.encode_query, question))[0])
    timing.passages.append(_timed(partial(encoder.encode_passages, passages))[0])


def _timed(act: Callable[[], Result]) -> tuple[float, Result]:
    start = time.perf_counter()
    result = act()
    return time.perf_counter() - start, result


def _gemm_peak() -> float:
    """Return the float32 matrix speed of numpy on all cores, in GFLOP/s: the best of five."""
    matrix = np.ones((GEMM_SIZE, GEMM_SIZE), np.float32)
    seconds = min(_timed(lambda: matrix @ matrix)[0] for _ in range(5))
    return 2 * GEMM_SIZE**3 / seconds / 1e9


def _report(
    passages: list[str], questions: list[str], timings: dict[str, Timing], peaks: list[float]
) -> None:
    characters = sum(map(len, passages))
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    print(f"float32 matrices: {min(peaks):.0f} to {max(peaks):.0f} GFLOP/s over the run")
    print(f"{len(passages)} passages of {characters / len(passages):.0f} characters on average")
    print(f"{len(questions)} questions; medians of {len(peaks) - 1} rounds\n")
    print("| engine | load s | passages/s | characters/s | question ms | p95 ms |")
    print("|---|--:|--:|--:|--:|--:|")
    for name, timing in timings.items():
        seconds = statistics.median(timing.passages)
        latencies = [1000 * value for value in timing.questions]
        print(
            f"| {name} | {timing.load:.2f} | {len(passages) / seconds:.1f} "
            f"| {characters / seconds:.0f} | {statistics.median(latencies):.1f} "
            f"| {np.percentile(latencies, 95):.1f} |"
        )


def _agreement(encoders: dict[str, Encoder], passages: list[str]) -> None:
    fast, reference, *_ = encoders.values()
    cosines = (fast.encode_passages(passages) * reference.encode_passages(passages)).sum(axis=1)
    print(f"\ncosine of the two engines: lowest {cosines.min():.4f}, mean {cosines.mean():.4f}")


if __name__ == "__main__":
    main()
