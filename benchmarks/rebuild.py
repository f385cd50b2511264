"""What a rebuild costs: all files new, none changed, one edited, one in ten renamed.

Run: python -m benchmarks.rebuild cmrc_dev.json drcd_dev.json xquad.zh.json [--fast]
     [--sample N] [--files 1000] [--texts 20000]

The distinct contexts of the SQuAD files become that many text files in a temporary folder. Each
build runs in a process of its own; the table gives the seconds of the whole process, of its stages,
of its processor (which other programs disturb less), and its highest resident memory. `--fast`
takes an encoder that hashes its texts: the seconds are those of all the rest. `--texts N` makes N
distinct passages out of the sentences of the files, with that encoder; it is about memory.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 384
AN_HOUR = 3_600_000_000_123
"""Nanoseconds, and a few: files that are changed in this moment would be read twice."""

COLUMNS = ("load", "read", "encode", "write", "build", "processor")


class HashingEncoder:
    """Hashes texts to vectors as long as those of the packaged model: fast, and worth nothing."""

    name, dimensions, fingerprint = "hashing", DIMENSIONS, "0" * 32

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a question, shape (dimensions,)."""
        row: NDArray[np.float32] = self.encode_passages([text])[0]
        return row

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of questions, shape (len(texts), dimensions)."""
        return self.encode_passages(texts)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of passages, shape (len(texts), dimensions)."""
        digests = [hashlib.shake_128(text.encode()).digest(DIMENSIONS) for text in texts]
        rows = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIMENSIONS) - np.float32(127)
        vectors: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return vectors

    def passage_input(self, text: str) -> str:
        """Return `text`."""
        return text


def main() -> None:
    """Build again and again, and print a row for each time."""
    options = _arguments()
    if options.step:
        print(json.dumps(_step(options.step, options.step.with_name("index"), options.fast)))
        return
    contexts = _contexts(options.squad)
    if options.texts:
        contexts = _made(contexts, options.texts)
    elif options.sample:
        contexts = contexts[:: max(1, len(contexts) // options.sample)][: options.sample]
    fast = options.fast or bool(options.texts)
    files = min(options.files, len(contexts))
    print(f"{len(contexts):,} contexts of {sum(map(len, contexts)):,} characters in {files} files;")
    print(f"vectors by {'an encoder that hashes its texts' if fast else 'the packaged model'}\n")
    with tempfile.TemporaryDirectory() as work:
        _run(Path(work) / "documents", contexts, files, fast)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("squad", type=Path, nargs="*", help="SQuAD files (.json)")
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--sample", type=int, help="take this many contexts")
    parser.add_argument("--texts", type=int, help="make this many distinct passages")
    parser.add_argument("--fast", action="store_true", help="an encoder that costs nothing")
    parser.add_argument("--step", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _contexts(paths: Iterable[Path]) -> list[str]:
    articles = [
        article for path in paths for article in json.loads(path.read_text("utf-8"))["data"]
    ]
    paragraphs = (paragraph for article in articles for paragraph in article["paragraphs"])
    return list(dict.fromkeys(paragraph["context"] for paragraph in paragraphs))


def _made(contexts: Sequence[str], count: int) -> list[str]:
    """Return `count` paragraphs, each long enough to be a passage, no two alike."""
    found = {
        part for context in contexts for part in re.findall(r"[^。！？]{20,90}[。！？]", context)
    }
    sentences, drawn = sorted(found), random.Random(0)
    made = []
    for number in range(count):
        text = f"第{number}条。"
        while len(text) < 150:
            text += drawn.choice(sentences).strip()
        made.append(text)
    return made


def _run(root: Path, contexts: Sequence[str], files: int, fast: bool) -> None:
    root.mkdir()
    for number in range(files):
        path = root / f"{number:05}.txt"
        path.write_text("\n\n".join(contexts[number::files]), encoding="utf-8")
        changed = time.time_ns() - AN_HOUR - number
        os.utime(path, ns=(changed, changed))
    print("| build | whole s | " + " | ".join(f"{c} s" for c in COLUMNS), end=" | ")
    print("texts encoded | known | MB before writing | peak MB |")
    print("|---" + "|--:" * (len(COLUMNS) + 5) + "|")
    _row("all new", root, fast)
    _row("nothing changed", root, fast)
    edited = root / f"{files // 2:05}.txt"
    edited.write_text(edited.read_text("utf-8") + "\n\n天桥区有新的产业园。", encoding="utf-8")
    _row("one file edited", root, fast)
    for number in range(0, files, 10):
        (root / f"{number:05}.txt").rename(root / f"renamed {number:05}.txt")
    _row("one in ten renamed", root, fast)


def _row(name: str, root: Path, fast: bool) -> None:
    command = [sys.executable, "-m", "benchmarks.rebuild", "--step", str(root)]
    started = time.perf_counter()
    done = subprocess.run(
        command + ["--fast"] * fast, check=True, stdout=subprocess.PIPE, text=True
    )
    whole = time.perf_counter() - started
    found = json.loads(done.stdout.splitlines()[-1])
    seconds = " | ".join(f"{found[column]:.2f}" for column in COLUMNS)
    print(f"| {name} | {whole:.2f} | {seconds} | {found['encoded']:,} ", end="| ")
    print(f"{found['reused']:,} | {found['before']:.0f} | {found['peak']:.0f} |", flush=True)


def _step(root: Path, index: Path, fast: bool) -> dict[str, Any]:
    """Build once; return the seconds of each stage, texts encoded, and peak memory in MB."""
    started = time.perf_counter()
    from embeddings.build import build
    from embeddings.encoder import Encoder, open_encoder
    from embeddings.lexical import Tokenizer
    from embeddings.model import home
    from embeddings.progress import Progress

    encoder: Encoder = HashingEncoder() if fast else open_encoder()
    tokenizer = Tokenizer(home() / "jieba")
    loaded = time.perf_counter()
    begun: dict[str, float] = {}
    peaks: dict[str, float] = {}

    def tell(at: Progress) -> None:
        if at.stage not in begun:
            begun[at.stage] = time.perf_counter()
            peaks[at.stage] = _peak()

    report = build(root, index, encoder, tokenizer, on_progress=tell)
    ended = time.perf_counter()
    # What stands between two stages, such as the search for missing vectors, counts to the first.
    times = [begun.get(stage) for stage in ("read", "encode", "write")]
    bounds = [at if at is not None else ended for at in times] + [ended]
    stages = dict(zip(COLUMNS[1:4], np.diff(bounds).tolist(), strict=True))
    return {
        "load": loaded - started, **stages, "build": ended - loaded,
        "processor": time.process_time(), "encoded": report.encoded, "reused": report.reused,
        "before": peaks.get("write", _peak()), "peak": _peak(),
    }  # fmt: skip


def _peak() -> float:
    """Return the highest resident memory of this process so far, in MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    main()
