"""How alike the rankings of an index in Milvus and of one in a folder are, and how long they take.

    python -m benchmarks.milvus_overlap --uri http://localhost:19530 --folder seeds questions.jsonl
    python -m benchmarks.milvus_overlap --uri http://localhost:19530 --sample 100 xquad.zh.json

Of a .json file in SQuAD format the contexts are the documents. Both indexes are made from one
catalogue of vectors, so that only the stores differ. Overlap@10 is the share of the ten passages
of the folder's ranking that are among the ten of Milvus.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from embeddings.build import build
from embeddings.encoder import open_encoder
from embeddings.lexical import Tokenizer
from embeddings.milvus_address import Address
from embeddings.model import home
from embeddings.store_milvus import MilvusStore
from embeddings.stores import FolderStore
from qa.bot import Bot

K = 10


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print the figures."""
    options = _options(arguments)
    encoder, tokenizer = open_encoder(None), Tokenizer(home() / "jieba")
    with tempfile.TemporaryDirectory() as scratch:
        root, questions = _asked(options, Path(scratch))
        questions = random.Random(0).sample(questions, min(options.sample, len(questions)))
        build(root, Path(scratch) / "local", encoder, tokenizer)
        local = Bot(Path(scratch) / "local", encoder, tokenizer,
                    store=FolderStore(Path(scratch) / "local"))  # fmt: skip
        address = Address(options.uri, f"overlap_{uuid.uuid4().hex[:8]}")
        store = MilvusStore(Path(scratch) / "milvus", address)
        began = time.monotonic()
        report = build(root, Path(scratch) / "milvus", encoder, tokenizer, store=store)
        seconds = time.monotonic() - began
        remote = Bot(Path(scratch) / "milvus", encoder, tokenizer, store=store)
        figures = _compared(local, remote, questions, options.signals)
        print(json.dumps({
            "questions": len(questions), "passages": report.passages,
            "build_seconds": round(seconds, 1), **figures,
        }))  # fmt: skip


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("questions", type=Path)
    parser.add_argument("--uri", required=True)
    parser.add_argument("--folder", type=Path, help="documents, for questions in a .jsonl file")
    parser.add_argument("--sample", type=int, default=10_000)
    parser.add_argument("--signals", action="store_true", help="compare keyword search alone, too")
    return parser.parse_args(arguments)


def _asked(options: argparse.Namespace, scratch: Path) -> tuple[Path, list[str]]:
    """Return the folder of documents, and the questions."""
    text = options.questions.read_text(encoding="utf-8")
    if options.questions.suffix == ".jsonl":
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        return options.folder, [row["question"] for row in rows]
    root = scratch / "contexts"
    root.mkdir()
    contexts = [p for article in json.loads(text)["data"] for p in article["paragraphs"]]
    for number, context in enumerate(dict.fromkeys(p["context"] for p in contexts)):
        (root / f"{number:05}.txt").write_text(context, encoding="utf-8")
    return root, [asked["question"] for p in contexts for asked in p["qas"]]


def _compared(
    local: Bot, remote: Bot, questions: Sequence[str], signals: bool
) -> dict[str, object]:
    shared: list[float] = []
    times: dict[str, list[float]] = {"local": [], "milvus": []}
    for question in questions:
        ids = {}
        for name, bot in (("local", local), ("milvus", remote)):
            began = time.perf_counter()
            ids[name] = [hit.id for hit in bot.retrieve(question, K)]
            times[name].append(time.perf_counter() - began)
        shared.append(_overlap(ids["local"], ids["milvus"]))
    found: dict[str, object] = {
        "overlap": round(float(np.mean(shared)), 4), "least": round(min(shared), 2),
        **{f"{name}_{p}_ms": round(1000 * float(np.percentile(taken, q)))
           for name, taken in times.items() for p, q in (("p50", 50), ("p95", 95))},
    }  # fmt: skip
    if signals:
        found |= {"words": _words(local, remote, questions)}
    return found


def _words(local: Bot, remote: Bot, questions: Sequence[str]) -> float:
    """Return the overlap of the keyword halves alone, 60 passages each."""
    shared = []
    for question in questions:
        lists = [_best(bot, question) for bot in (local, remote)]
        shared.append(_overlap(*lists))
    return round(float(np.mean(shared)), 4)


def _best(bot: Bot, question: str) -> list[str]:
    generation = bot._snapshot.generation
    tokens = bot.engines[1].tokens(question)
    rows = generation.postings.match(tokens).best(60)
    found = generation.passages(rows.tolist())
    return [found[int(row)].id for row in rows]


def _overlap(wanted: Sequence[str], found: Sequence[str]) -> float:
    return len(set(wanted) & set(found)) / len(wanted) if wanted else 1.0


if __name__ == "__main__":
    main()
