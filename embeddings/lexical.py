"""Words for keyword search, and BM25 over memory-mapped postings.

Tokens are in search form: full-width folded (NFKC), Simplified, lower case. They carry no offsets:
what is shown or cited never comes from here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.cleaning import HAN

K1 = 1.2
"""Term frequency saturation of BM25."""

B = 0.75
"""Length normalisation of BM25, 0 (none) to 1 (full)."""

_RUN = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+(?:[.,:+\-/%&'][^\W_{HAN}]+)*%?", re.UNICODE)
_PART = re.compile(r"\d+|[^\W\d_]+", re.UNICODE)
_HAN_CHARACTER = re.compile(rf"[{HAN}]")
_HAN_START = re.compile(rf"[{HAN}]")
_DASHES = str.maketrans("‐‑‒–—―~～", "--------")


@cache
def _converter(name: str) -> Any:
    import opencc

    return opencc.OpenCC(name)


def to_simplified(text: str) -> str:
    """Return `text` with Traditional characters as Simplified ones."""
    return str(_converter("t2s").convert(text))


def to_traditional(text: str) -> str:
    """Return `text` with Simplified characters as Traditional ones."""
    return str(_converter("s2t").convert(text))


class Script(IntEnum):
    """The script that a text is written in."""

    OTHER = 0
    SIMPLIFIED = 1
    TRADITIONAL = 2


def script_of(text: str) -> Script:
    """Return the script of a text.

    Traditional has at least 2 in 100 characters that change when simplified; a text of which less
    than a fifth is Chinese is another script.
    """
    chinese = len(_HAN_CHARACTER.findall(text))
    if chinese * 5 < len(text) or not chinese:
        return Script.OTHER
    simplified = to_simplified(text)
    changed = sum(a != b for a, b in zip(text, simplified, strict=False))
    return Script.TRADITIONAL if changed * 50 >= len(text) else Script.SIMPLIFIED


def search_form(text: str) -> str:
    """Return the form in which texts are compared: NFKC, Simplified, lower case, plain dashes."""
    folded = unicodedata.normalize("NFKC", text).translate(_DASHES)
    return to_simplified(folded).lower()


class Tokenizer:
    """jieba with a cache folder of its own; safe to use from several threads."""

    def __init__(self, cache_folder: Path) -> None:
        import jieba

        jieba.setLogLevel(logging.WARNING)
        cache_folder.mkdir(parents=True, exist_ok=True)
        self._jieba = jieba.Tokenizer()
        self._jieba.tmp_dir = str(cache_folder)
        self._lock = threading.Lock()

    @property
    def fingerprint(self) -> str:
        """Name of the rules that made the tokens; postings of another are not comparable."""
        from importlib.metadata import version

        return f"jieba-{version('jieba')}/1"

    def tokens(self, text: str) -> list[str]:
        """Return the tokens of `text` in order; compounds stand beside their parts."""
        found: list[str] = []
        for run in _RUN.findall(search_form(text)):
            found.extend(self._search_words(run) if _HAN_START.match(run) else _mixed(run))
        return found

    def words(self, text: str) -> list[str]:
        """Return `text`, which is in search form, cut into words and marks; nothing is lost."""
        self._load()
        return self._jieba.lcut(text)  # type: ignore[no-any-return]

    def tag(self, word: str) -> str:
        """Return the dictionary's part of speech of a word (n, v, t, ns, nr, …), or empty."""
        return self._tags.get(word, "")

    @cached_property
    def _tags(self) -> dict[str, str]:
        self._load()
        with self._lock, self._jieba.get_dict_file() as file:
            rows = (line.split() for line in file.read().decode("utf-8").splitlines())
            return {row[0]: row[2] for row in rows if len(row) == 3}

    def log_probability(self, text: str) -> float:
        """Return that of the likeliest cut of `text` into dictionary words, in nats."""
        self._load()
        route: dict[int, tuple[float, int]] = {}
        self._jieba.calc(text, self._jieba.get_DAG(text), route)
        return float(route[0][0]) if text else 0.0

    def _search_words(self, run: str) -> Iterable[str]:
        self._load()
        return self._jieba.lcut_for_search(run)  # type: ignore[no-any-return]

    def _load(self) -> None:
        if not self._jieba.initialized:
            with self._lock:
                self._jieba.initialize()


def _mixed(run: str) -> list[str]:
    """Return a run of letters and digits whole, and its parts where it has several."""
    whole = run.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+", run) else run
    parts = _PART.findall(whole)
    return [whole] if len(parts) < 2 else [whole, *parts]


def term_hash(term: str) -> int:
    """Return the 64-bit key under which a term's postings are kept."""
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=8).digest(), "little")


@dataclass(frozen=True, slots=True)
class Matches:
    """BM25 scores of all rows for one question.

    Attributes:
        scores: shape (rows,), float32, 0 where no term matches.
        weights: idf of each distinct question term, also of those that no row holds.
        rows: for each distinct question term the rows that hold it, rising.
    """

    scores: NDArray[np.float32]
    weights: dict[str, float]
    rows: dict[str, NDArray[np.int32]]

    def words(self, row: int) -> tuple[str, ...]:
        """Return the question's terms that `row` holds, rarest first."""
        held = [term for term, rows in self.rows.items() if _holds(rows, row)]
        return tuple(sorted(held, key=lambda term: (-self.weights[term], term)))

    def coverage(self, row: int, *, known: bool = False) -> float:
        """Return the share of the question's idf mass that `row` holds, 0 to 1.

        Args:
            row: row of the postings.
            known: leave out of the mass the terms that no row holds.
        """
        terms = self.rows if known else self.weights
        total = sum(self.weights[term] for term in terms)
        return sum(self.weights[term] for term in self.words(row)) / total if total else 0.0


def _holds(rows: NDArray[np.int32], row: int) -> bool:
    at = int(np.searchsorted(rows, row))
    return at < len(rows) and int(rows[at]) == row


_ARRAYS = ("terms", "starts", "rows", "counts", "lengths")


class Postings:
    """An inverted index in five arrays, opened by memory map.

    Score of a row d for question terms q (Robertson and Zaragoza 2009, with Lucene's idf, which is
    never negative):
    ``sum over q of idf(q) * tf / (tf + K1 * (1 - B + B * |d| / mean |d|))`` with
    ``idf(q) = ln(1 + (N - df + 0.5) / (df + 0.5))``.
    """

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._arrays = arrays
        self.size = len(arrays["lengths"])
        self._mean = float(arrays["lengths"].mean()) if self.size else 1.0

    @classmethod
    def write(cls, folder: Path, rows: Iterable[Sequence[str]]) -> None:
        """Write the postings of `rows`, the tokens of row 0, 1, …, into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in _invert(rows).items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
        (folder / "postings.json").write_text(json.dumps({"k1": K1, "b": B}), encoding="utf-8")

    @classmethod
    def open(cls, folder: Path) -> Postings:
        """Map the postings of `folder` into memory."""
        return cls(
            {
                name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
                for name in _ARRAYS
            }
        )

    def match(self, tokens: Iterable[str]) -> Matches:
        """Score all rows against the distinct `tokens` of a question."""
        scores = np.zeros(self.size, dtype=np.float32)
        weights: dict[str, float] = {}
        held: dict[str, NDArray[np.int32]] = {}
        for term in dict.fromkeys(tokens):
            rows, counts = self._postings(term)
            weights[term] = self.idf(len(rows))
            if len(rows):
                held[term] = rows
                lengths = self._arrays["lengths"][rows]
                damped = counts + K1 * (1 - B + B * lengths / self._mean)
                scores[rows] += (weights[term] * counts / damped).astype(np.float32)
        return Matches(scores, weights, held)

    def idf(self, rows: int) -> float:
        """Return the inverse document frequency of a term that `rows` rows hold."""
        return float(np.log1p((self.size - rows + 0.5) / (rows + 0.5)))

    def _postings(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        terms = self._arrays["terms"]
        key = np.uint64(term_hash(term))
        at = int(np.searchsorted(terms, key))
        if at == len(terms) or terms[at] != key:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        start, end = (int(i) for i in self._arrays["starts"][at : at + 2])
        return (
            np.asarray(self._arrays["rows"][start:end]),
            np.asarray(self._arrays["counts"][start:end], dtype=np.float32),
        )


def _invert(rows: Iterable[Sequence[str]]) -> dict[str, NDArray[Any]]:
    keys: list[int] = []
    owners: list[int] = []
    counts: list[int] = []
    lengths: list[int] = []
    hashes: dict[str, int] = {}
    for row, tokens in enumerate(rows):
        lengths.append(len(tokens))
        for term, count in Counter(tokens).items():
            keys.append(hashes.setdefault(term, term_hash(term)))
            owners.append(row)
            counts.append(count)
    key_array = np.array(keys, dtype=np.uint64)
    order = np.argsort(key_array, kind="stable")
    terms, first = np.unique(key_array[order], return_index=True)
    return {
        "terms": terms,
        "starts": np.append(first, len(keys)).astype(np.int64),
        "rows": np.array(owners, dtype=np.int32)[order],
        "counts": np.minimum(np.array(counts, dtype=np.int64), 65535).astype(np.uint16)[order],
        "lengths": np.array(lengths, dtype=np.int32),
    }
