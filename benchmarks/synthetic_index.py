"""A whole index over synthetic passages, published by the real build.

Documents are files of a folder: passages of three sentences, each put together from clauses of
real texts, with fresh words mixed in as Heaps' law wants them, so that postings have the
distribution of real ones. What a build would have read and encoded stands in the catalogue
beforehand: the vectors are synthetic (`benchmarks.synthetic_vectors`), those of sentences as near
to their passage's as real ones are. The build then finds nothing to read or encode, and publishes;
another build, after some files were changed, does what it does for a user.
"""

from __future__ import annotations

import os
import re
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.synthetic_vectors import Corpus, Floats
from embeddings.build import build
from embeddings.catalogue import Catalogue, ScanRecord
from embeddings.documents import LARGEST, reading_version
from embeddings.encoder import Encoder
from embeddings.halves import open_halves, write_halves
from embeddings.keys import known_keys
from embeddings.lexical import Tokenizer
from embeddings.progress import OnProgress, silence
from embeddings.records import (
    Document,
    FileStamp,
    Passage,
    Sentence,
    Span,
    document_id,
    passage_id,
)
from embeddings.reports import BuildReport
from embeddings.segment import Rules
from embeddings.store import IndexFolder

SENTENCES = 3
"""Of a passage."""

CLAUSES = 3
"""Of a sentence."""

PASSAGES = 50
"""Of a document."""

OWN = 0.919
"""Mean cosine of a real sentence and its passage (cmrc_dev, drcd_dev, xquad.zh)."""

DOCUMENTS, INDEX = "documents", "index"

_ALL = "all.npy"
_BATCH = 8192
_KEY = np.dtype("V16")
_A_DAY = 86_400
_MARK = re.compile("[，。\n]")
_SENTENCE = re.compile("[。！？!?\n]")
_CLAUSE = re.compile("[，,；;：:、]")
_FRESH = re.compile("(?:zq[a-z]{5})+$")


_Keys = NDArray[np.void]


class Words(NamedTuple):
    """What passages are put together from.

    Attributes:
        clauses: of real texts, with repeats, without their marks.
        scale, power: of Heaps' law: vocabulary = scale * tokens ** power.
        seen: tokens of all clauses together.
        mean: tokens of a clause.
    """

    clauses: Sequence[str]
    scale: float
    power: float
    seen: int
    mean: float

    @classmethod
    def of(cls, texts: Sequence[str], tokenizer: Tokenizer) -> Words:
        """Cut texts into clauses and see how their vocabulary grows."""
        sentences = [part for text in texts for part in _SENTENCE.split(text) if part.strip()]
        found = (part.strip() for sentence in sentences for part in _CLAUSE.split(sentence))
        clauses = [clause for clause in found if len(clause) > 1 and not _FRESH.search(clause)]
        tokens = [tokenizer.tokens(clause) for clause in clauses]
        scale, power = _heaps(tokens)
        seen = sum(map(len, tokens))
        return cls(clauses, scale, power, seen, seen / len(clauses))

    def passages(self, seed: int, before: int = 0) -> Iterator[list[str]]:
        """Yield passages without end, each as its sentences.

        Args:
            seed: which ones they are.
            before: passages that there are already: fewer words are new then.
        """
        drawn = np.random.default_rng(seed)
        length = SENTENCES * CLAUSES
        seen = self.seen + before * length * self.mean
        fresh = before
        while True:
            chosen = drawn.integers(0, len(self.clauses), length)
            clauses = [self.clauses[at] for at in chosen.tolist()]
            seen += length * self.mean
            new = self.scale * self.power * seen ** (self.power - 1) * length * self.mean
            # Half of all rare words come back, so twice as many places are taken by them.
            for at in drawn.integers(0, length, 2 * drawn.poisson(new)).tolist():
                again = fresh > 0 and drawn.random() < 0.5
                clauses[at] += _word(int(drawn.integers(fresh)) if again else fresh)
                fresh += not again
            starts = range(0, length, CLAUSES)
            yield ["，".join(clauses[at : at + CLAUSES]) + "。" for at in starts]


def _heaps(clauses: Sequence[Sequence[str]]) -> tuple[float, float]:
    """Return scale and power through a quarter and all of the clauses, in random order."""
    order = np.random.default_rng(1).permutation(len(clauses))
    points = []
    for share in (0.25, 1.0):
        taken = [clauses[at] for at in order[: int(len(order) * share)]]
        points.append((sum(map(len, taken)), len({word for one in taken for word in one})))
    (tokens, words), (all_tokens, all_words) = points
    power = float(np.log(all_words / words) / np.log(all_tokens / tokens))
    return all_words / all_tokens**power, power


def _word(number: int) -> str:
    """Return a word that no text has."""
    letters = (chr(ord("a") + number // 26**place % 26) for place in range(5))
    return "zq" + "".join(letters)


class ClauseTokenizer(Tokenizer):
    """Cuts each clause once: the same tokens, but for words that reach over a mark."""

    @cached_property
    def _known(self) -> dict[str, list[str]]:
        return {}

    def tokens(self, text: str) -> list[str]:
        """See `Tokenizer.tokens`."""
        found: list[str] = []
        for part in _MARK.split(text):
            fresh = _FRESH.search(part)
            found += self._cut(part[: fresh.start()] if fresh else part)
            found += [fresh.group()] if fresh else []
        return found

    def _cut(self, clause: str) -> list[str]:
        known = self._known.get(clause)
        if known is None:
            known = self._known[clause] = super().tokens(clause)
        return known


class SyntheticEncoder:
    """Stands for `encoder` before a build: new passages get synthetic vectors, by their text."""

    def __init__(self, encoder: Encoder, corpus: Corpus) -> None:
        self.name, self.dimensions = encoder.name, encoder.dimensions
        self.fingerprint, self.passage_input = encoder.fingerprint, encoder.passage_input
        self.encode_query, self.encode_queries = encoder.encode_query, encoder.encode_queries
        self._corpus = corpus

    def encode_passages(self, texts: Sequence[str]) -> Floats:
        """See `Encoder.encode_passages`."""
        seeds = [zlib.crc32(text.encode()) for text in texts]
        return np.concatenate([self._corpus.others(1, seed) for seed in seeds])


@dataclass(frozen=True)
class Source:
    """What indexes are made from.

    Attributes:
        corpus: vectors of passages; says how many passages there are.
        words: their texts.
        encoder: whose vectors they pass for, and which encodes the questions.
        tokenizer: cuts texts into words.
    """

    corpus: Corpus
    words: Words
    encoder: Encoder
    tokenizer: Tokenizer


def write_index(folder: Path, source: Source, tell: OnProgress = silence) -> BuildReport:
    """Write the files (`DOCUMENTS`) and the index (`INDEX`).

    Args:
        folder: an empty one.
        source: what is written.
        tell: told about the build's progress.
    """
    (folder / DOCUMENTS).mkdir()
    index = IndexFolder(folder / INDEX)
    with index.writing(), Catalogue(index.catalogue) as catalogue:
        catalogue.put("scanning", str((folder / DOCUMENTS).resolve()))
        catalogue.put("reading", reading_version(LARGEST))
        keys = _write_documents(folder / DOCUMENTS, catalogue, source)
        shape = ((1 + SENTENCES) * source.corpus.rows, source.encoder.dimensions)
        write_halves(folder / _ALL, _with_sentences(source.corpus), shape)
        _keep_vectors(catalogue, folder, keys)
    (folder / _ALL).unlink()
    return rebuild(folder, source, tell)


def rebuild(folder: Path, source: Source, tell: OnProgress = silence) -> BuildReport:
    """Build the index that `write_index` wrote again, after a change of its files."""
    encoder = SyntheticEncoder(source.encoder, source.corpus)
    return build(
        folder / DOCUMENTS, folder / INDEX, encoder, source.tokenizer, on_progress=tell
    )  # fmt: skip


def change(folder: Path, source: Source, passages: int, seed: int = 77) -> list[Path]:
    """Write other passages into some of the files, spread over all, and return these."""
    paths = sorted((folder / DOCUMENTS).rglob("*.txt"))
    chosen = [
        paths[at * len(paths) // (passages // PASSAGES)] for at in range(passages // PASSAGES)
    ]
    new = source.words.passages(seed, source.corpus.rows)
    for path in chosen:
        path.write_text(_text(path.stem, list(islice(new, PASSAGES))), encoding="utf-8")
    return chosen


def _write_documents(root: Path, catalogue: Catalogue, source: Source) -> _Keys:
    """Write the files and what a build would have read; return the key of every vector.

    They come by passage: its own, then those of its sentences; shape (passages, 1 + SENTENCES).
    """
    new = source.words.passages(source.corpus.seed)
    found: list[bytes] = []
    for number, start in enumerate(range(0, source.corpus.rows, PASSAGES)):
        size = min(PASSAGES, source.corpus.rows - start)
        document = _write_document(root, catalogue, number, list(islice(new, size)))
        for keys in known_keys(catalogue, document, source.encoder):
            found += keys.inputs
    return np.frombuffer(b"".join(found), dtype=_KEY)


def _write_document(
    root: Path, catalogue: Catalogue, number: int, passages: Sequence[Sequence[str]]
) -> str:
    """Write one file, keep what is read of it, and return the document's id."""
    name = f"{number // 1000:04}/{number:07}.txt"
    text = _text(f"{number:07}", passages)
    data = text.encode("utf-8")
    path = root / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    title, _, _ = text.partition("\n")
    document = Document(document_id(data), name, text, "text/1", title)
    taken = _taken(document, len(title) + 1, passages)
    catalogue.add(document, title, taken, Rules().version)
    catalogue.put_scan(ScanRecord(name, document.id, None, _aged(path), time.time_ns(), 1))
    return document.id


def _text(name: str, passages: Sequence[Sequence[str]]) -> str:
    """Return the text of a file: its title, then a paragraph for each passage."""
    return "\n".join([f"文件{name}", *("".join(sentences) for sentences in passages), ""])


def _aged(path: Path) -> FileStamp:
    """Let a file be older than what is noted of it, and return what its folder says of it."""
    then = int(time.time()) - _A_DAY
    os.utime(path, (then, then))
    found = path.stat()
    return FileStamp(found.st_size, found.st_mtime_ns, found.st_ino & (2**63 - 1))


def _taken(document: Document, at: int, passages: Sequence[Sequence[str]]) -> Iterator[Passage]:
    """Yield the passages of a document whose first begins at offset `at`."""
    for texts in passages:
        start = at
        sentences = []
        for text in texts:
            sentences.append(Sentence(text, (Span(at, at + len(text)),)))
            at += len(text)
        yield Passage(
            passage_id(document.id, start), document.id, "".join(texts), (Span(start, at),),
            tuple(sentences), document.title,
        )  # fmt: skip
        at += 1


def _with_sentences(corpus: Corpus) -> Iterator[Floats]:
    drawn = np.random.default_rng(corpus.seed + 3)
    for _, block in corpus.blocks():
        near = corpus.near(np.repeat(block, SENTENCES, axis=0), OWN, drawn)
        shape = (len(block), SENTENCES, block.shape[1])
        both = np.concatenate([block[:, None], near.reshape(shape)], axis=1)
        yield both.reshape(-1, block.shape[1])


def _keep_vectors(catalogue: Catalogue, folder: Path, keys: _Keys) -> None:
    """Put all vectors into the catalogue by rising keys: it is ordered by them."""
    vectors = open_halves(folder / _ALL)
    order = np.argsort(keys.view(">u8")[::2], kind="stable")
    for start in range(0, len(order), _BATCH):
        rows = order[start : start + _BATCH]
        own = [key.tobytes() for key in keys[rows]]
        catalogue.add_vectors(own, np.asarray(vectors[rows], dtype=np.float32), 1)
