"""What is asked under load: an index that is made fast, or the one over the seeds."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from embeddings.build import build
from embeddings.encoder import Encoder, open_encoder
from embeddings.lexical import Tokenizer
from tests.generations import ENCODER
from tests.kills.scenarios import text_of
from tests.load.processes import ROOT

SMALL_QUESTIONS = (
    "天桥区有几家企业？",
    "济阳园的党建怎么样？",
    "高新园有多少家企业？",
    "园区的企业在哪里？",
    "火星上有多少座火山？",
    "你好",
)

SEEDS_QUESTIONS = (
    "天桥区有多少家直播电商企业？",
    "济北开发区派了多少名党建指导员？",
    "濟陽區組建了幾個產業鏈黨委？",
    "How many live-streaming companies are in Tianqiao District?",
    "天桥区签约项目有多少个？",
    "济阳区建了什么？",
    "火星上有多少座火山？",
    "你好",
)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Documents, the index over them, and the questions to ask.

    Attributes:
        documents: their folder.
        index: the index folder.
        questions: some are answered, one is refused, one is small talk.
        encoder: the one that made the index.
        tokenizer: likewise.
        real: whether the encoder is the packaged model.
    """

    documents: Path
    index: Path
    questions: tuple[str, ...]
    encoder: Encoder
    tokenizer: Tokenizer
    real: bool

    def change(self, version: int) -> None:
        """Change what a document says; the index follows when it is rebuilt."""
        text = (
            f"天桥区有{version}家企业。\n\n天桥区签约项目{version}个，济阳园的党建第{version}年。\n"
        )
        (self.documents / "变化.txt").write_text(text, encoding="utf-8")


def small(folder: Path, tokenizer: Tokenizer) -> Corpus:
    """Make an index whose questions take some milliseconds."""
    corpus = Corpus(
        folder / "documents", folder / "index", SMALL_QUESTIONS, ENCODER, tokenizer, real=False
    )
    corpus.documents.mkdir(parents=True)
    for number, name in enumerate(("济阳", "高新", "历下", "市中")):
        path = corpus.documents / f"{name}.txt"
        path.write_text(
            f"{name}园有{number + 7}家企业。\n\n{text_of(name, number)}", encoding="utf-8"
        )
    return _built(corpus)


def of_seeds(folder: Path, tokenizer: Tokenizer) -> Corpus:
    """Make the index over the seeds, with the packaged model."""
    shutil.copytree(ROOT / "seeds", folder / "documents")
    encoder = open_encoder()
    return _built(
        Corpus(
            folder / "documents", folder / "index", SEEDS_QUESTIONS, encoder, tokenizer, real=True
        )
    )


def _built(corpus: Corpus) -> Corpus:
    corpus.change(1)
    build(corpus.documents, corpus.index, corpus.encoder, corpus.tokenizer)
    return corpus
