"""What repair, articles and passage size each give, on the same questions in one run.

    python -m benchmarks.segmenting --documents seeds --questions Q.jsonl [--squad FILE.json...]

Each variant of `embeddings.segment.Rules` gets an index over the documents, and one over the first
`--contexts` of each SQuAD file, all in one. Vectors are shared between variants, so only texts
that a variant makes anew are encoded. `HEADLINES` matter only to documents that have some.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from embeddings import keys
from embeddings.build import build
from embeddings.encoder import Encoder, open_encoder
from embeddings.lexical import Tokenizer
from embeddings.model import home
from embeddings.records import Passage
from embeddings.segment import Rules
from qa import squad
from qa.bot import Bot
from qa.evaluate import evaluate_gold, evaluate_squad
from qa.evaluation import Evaluation, FileReport, to_table
from qa.question_files import read_gold_questions
from qa.squad import SquadFile

HEADLINES = "the same, headlines encoded"

VARIANTS = {
    "lines as they are": Rules(repair=False, articles=False),
    "repaired": Rules(articles=False),
    "repaired, articles (default)": Rules(),
    HEADLINES: Rules(),
    "passages 60 to 160": Rules(60, 160),
    "passages 80 to 220": Rules(80, 220),
    "passages 160 to 420": Rules(160, 420),
    "passages 250 to 600": Rules(250, 600),
}


class Remembering:
    """An encoder that encodes no passage twice."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}
        self.name = encoder.name
        self.dimensions = encoder.dimensions
        self.fingerprint = encoder.fingerprint

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """Return the vector of a question, shape (dimensions,)."""
        return self._encoder.encode_query(text)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of questions, shape (len(texts), dimensions)."""
        return self._encoder.encode_queries(texts)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of passages, shape (len(texts), dimensions)."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        self._known.update(zip(new, self._encoder.encode_passages(new), strict=True))
        return np.stack([self._known[text] for text in texts])

    def passage_input(self, text: str) -> str:
        """Return what the model reads for a passage."""
        return self._encoder.passage_input(text)


def with_headlines(passage: Passage) -> list[str]:
    """Return the texts to encode for a passage, with the headlines above it."""
    return [keys.found_by(passage), *(sentence.text for sentence in passage.sentences)]


@contextmanager
def encoding(name: str) -> Iterator[None]:
    """Encode as a variant wants it: only one of them encodes headlines."""
    if name != HEADLINES:
        yield
        return
    with patch.object(keys, "encoder_inputs", with_headlines):
        yield


def first_contexts(file: SquadFile, wanted: int) -> SquadFile:
    """Return the questions on the first `wanted` contexts of a SQuAD file."""
    kept = set(file.contexts[:wanted])
    return replace(file, questions=tuple(one for one in file.questions if one.context in kept))


def reports(
    name: str,
    rules: Rules,
    args: argparse.Namespace,
    encoder: Encoder,
    tokenizer: Tokenizer,
    work: Path,
) -> list[FileReport]:
    """Build with `rules` and ask the questions; the reports bear the variant's name."""
    index = work / f"seeds {name}"
    with encoding(name):
        build(args.documents, index, encoder, tokenizer, rules=rules)
    questions = read_gold_questions(args.questions)
    found = [evaluate_gold(Bot(index, encoder, tokenizer), name, questions, args.by)]
    files = [first_contexts(squad.read_squad(path), args.contexts) for path in args.squad]
    if files:
        every = (context for file in files for context in file.contexts)
        squad.write_contexts(every, work / "contexts")
        index = work / f"squad {name}"
        build(work / "contexts", index, encoder, tokenizer, rules=rules)
        bot = Bot(index, encoder, tokenizer)
        asked = [evaluate_squad(bot, file) for file in files]
        found += [FileReport(name, one.groups, one.latency, ()) for one in asked]
    return found


def main() -> None:
    """Print a table for the seeds-style questions, then one for each SQuAD file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--squad", type=Path, nargs="*", default=[])
    parser.add_argument("--by", choices=["kind", "lang", "sort"], help="group the first table")
    parser.add_argument("--contexts", type=int, default=240, help="of each SQuAD file")
    parser.add_argument("--only", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    args = parser.parse_args()
    encoder, tokenizer = Remembering(open_encoder()), Tokenizer(home() / "jieba")
    with tempfile.TemporaryDirectory() as work:
        rows = [
            reports(name, VARIANTS[name], args, encoder, tokenizer, Path(work))
            for name in args.only
        ]
    for column in zip(*rows, strict=True):
        print(to_table(Evaluation(column, None)), end="\n\n")


if __name__ == "__main__":
    main()
