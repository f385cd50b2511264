"""Asks an index questions as a user does, and tells how long each part of that took.

The parts are timed where they are called: their functions are wrapped for the whole process, which
is one of its own.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.approximate import exact
from embeddings.lexical import Tokenizer
from embeddings.opening import open_published
from embeddings.store import IndexFolder
from qa.bot import Bot

K = 10

PARTS = ("question", "dense", "words", "sentences", "text")
"""Encoding and cutting a question; vectors of passages; postings; vectors of sentences; text.db.

What is left of the whole is ranking.
"""

_TEXT = (
    "passages", "places", "places_in", "around", "texts", "sentence_texts", "sentences",
    "documents", "heads", "sources_of", "rows_in", "sentence_ranges",
)  # fmt: skip
_WARM_UP = ("天桥区有多少家企业？", "谁提出了这个理论？", "What is the name of the river?")

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]


class Clock:
    """Processor time by part; of calls in calls the inner one's counts for its own part only."""

    def __init__(self) -> None:
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._inner: list[float] = []

    def take(self) -> dict[str, float]:
        """Return milliseconds by part since the last time."""
        found = {part: 1000 * self._spent[part] for part in PARTS}
        self._spent.clear()
        return found

    def wrap(self, owner: type, names: Iterable[str], part: str) -> None:
        """Have functions of a class counted; those that it has not are left out."""
        for name in names:
            if callable(getattr(owner, name, None)):
                setattr(owner, name, self._counted(getattr(owner, name), part))

    def _counted(self, act: Callable[..., Any], part: str) -> Callable[..., Any]:
        @wraps(act)
        def counted(*given: Any, **named: Any) -> Any:
            self._inner.append(0.0)
            start = time.process_time()
            try:
                return act(*given, **named)
            finally:
                spent = time.process_time() - start
                self._spent[part] += spent - self._inner.pop()
                if self._inner:
                    self._inner[-1] += spent

        return counted


def ask_all(index: Path, questions: Sequence[str], peak: Callable[[], float]) -> dict[str, Any]:
    """Ask every question once, and return what that took and how good it was.

    Args:
        index: index folder.
        questions: distinct ones.
        peak: tells the most memory so far, in MB.
    """
    start = time.perf_counter()
    bot = Bot.open(index)
    opening = time.perf_counter() - start
    clock, seen = Clock(), _Searches()
    generation = open_published(IndexFolder(index)).generation
    _wrap(clock, bot, generation)
    nearest = type(generation.vectors)
    generation.close()
    for question in _WARM_UP:
        bot.retrieve(question, K)
    seen.watch(nearest)
    clock.take()
    times, by_clock, parts, hits = [], [], [], []
    for question in questions:
        start, clock_start = time.process_time(), time.perf_counter()
        found = bot.retrieve(question, K)
        times.append(1000 * (time.process_time() - start))
        by_clock.append(1000 * (time.perf_counter() - clock_start))
        parts.append(clock.take())
        hits.append([hit.id for hit in found])
    memory = peak()
    seen.answer_exactly(nearest)
    wanted = [[hit.id for hit in bot.retrieve(question, K)] for question in questions]
    return {
        "open": opening, "times": times, "clock": by_clock, "parts": parts, "memory": memory,
        "recall": seen.recall(), "same": _shared(hits, wanted),
    }  # fmt: skip


def _wrap(clock: Clock, bot: Bot, generation: Any) -> None:
    clock.wrap(type(bot.engines[0]), ("encode_query", "encode_queries"), "question")
    clock.wrap(Tokenizer, ("tokens", "words"), "question")
    clock.wrap(type(generation.vectors), ("search", "search_each", "vectors", "cosines"), "dense")
    clock.wrap(type(generation.postings), ("match",), "words")
    matches = type(generation.postings.match(["济南"]))
    clock.wrap(matches, ("best", "scores", "holds", "words", "coverage"), "words")
    clock.wrap(type(generation), ("sentence_vectors",), "sentences")
    clock.wrap(type(generation), _TEXT, "text")


class _Searches:
    """The searches that questions lead to, answered once as they are and once exactly."""

    def __init__(self) -> None:
        self._found: dict[bytes, Numbers] = {}
        self._exact: dict[bytes, tuple[Numbers, Floats]] = {}
        self._vectors: Any = None

    def watch(self, nearest: Any) -> None:
        """Note every search over all rows."""
        act = nearest.search_each

        @wraps(act)
        def noted(vectors: Any, queries: Floats, k: int, rows: Numbers | None = None) -> Any:
            found = act(vectors, queries, k, rows)
            self._vectors, self._most = vectors, max(k, getattr(self, "_most", 0))
            for query, (near, _) in zip(queries, found, strict=True):
                self._found[query.tobytes()] = near
            return found

        nearest.search_each = noted

    def answer_exactly(self, nearest: Any) -> None:
        """From now on answer the same searches with the rows that are truly nearest."""
        queries = np.array([np.frombuffer(key, np.float32) for key in self._found])
        rows = exact(_Rows(self._vectors), queries, self._most)  # type: ignore[arg-type]
        for key, query, near in zip(self._found, queries, rows, strict=True):
            cosines = self._vectors.cosines(query, near)
            order = np.lexsort((near, -cosines))
            self._exact[key] = near[order], cosines[order]
        exactly = self._exact

        def answered(_: Any, queries: Floats, k: int, _among: Numbers | None = None) -> Any:
            known = (exactly[query.tobytes()] for query in queries)
            return [(near[:k], cosines[:k]) for near, cosines in known]

        nearest.search_each = answered

    def recall(self) -> float:
        """Return the share of the truly nearest `K` among the first `K` found."""
        return _shared(
            [rows.tolist() for rows in self._found.values()],
            [self._exact[key][0][:K].tolist() for key in self._found],
        )


class _Rows:
    """The vectors of an index, sliced as an array is."""

    def __init__(self, vectors: Any) -> None:
        self._vectors = vectors
        self.shape = (vectors.size, vectors.dimensions)

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, part: slice) -> Floats:
        found: Floats = self._vectors.vectors(np.arange(len(self))[part])
        return found


def _shared(found: Sequence[Sequence[Any]], wanted: Sequence[Sequence[Any]]) -> float:
    """Return the mean share of the first `K` wanted that stand among the first `K` found."""
    pairs = zip(found, wanted, strict=True)
    return float(np.mean([len(set(a[:K]) & set(b[:K])) / len(b[:K]) for a, b in pairs if b]))
