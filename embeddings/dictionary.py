"""jieba with its dictionary in a mapped file, of which a question reads only what it needs.

Cuts are jieba's own to the last word: nothing here decides about words. Importing this imports
jieba, so import it where it is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import math
import mmap
import os
import tempfile
import threading
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import jieba
import numpy as np
from numpy.typing import NDArray

_FORMAT = 1
_ALIGNMENT = 64
_ARRAYS = {"firsts": "<u4", "starts": "<u4", "bytes": "<u4", "counts": "<u4", "tags": "<u1"}


class Dictionary:
    """Words with their counts and parts of speech, grouped by first character.

    The file is a line of JSON, padded with blanks, and behind it the arrays that this names, then
    the words. `firsts` holds the first characters, rising; the words of the i-th are those from
    ``starts[i]`` to ``starts[i + 1]``, and stand, one a line, from ``bytes[i]`` to
    ``bytes[i + 1]`` of the words' UTF-8 text; `counts` and `tags` have an element a word.

    Args:
        buffer: what `Dictionary.pack` returned, in memory or mapped.

    Attributes:
        total: sum of all counts.

    Raises:
        ValueError: when the buffer is cut short or no such file.
    """

    def __init__(self, buffer: bytes | mmap.mmap) -> None:
        end = buffer.find(b"\n")
        header = json.loads(buffer[: max(end, 0)])
        self.total = int(header["total"])
        self._tag_names: list[str] = header["tags"]
        self._arrays: dict[str, NDArray[Any]] = {}
        at = end + 1
        for (name, kind), length in zip(_ARRAYS.items(), header["lengths"], strict=True):
            self._arrays[name] = np.frombuffer(buffer, kind, length, at)
            at += self._arrays[name].nbytes
        self._words = memoryview(buffer)[at:]
        if len(self._words) != header["words"]:
            raise ValueError(f"{len(self._words)} bytes of words instead of {header['words']}")

    @classmethod
    def open(cls, folder: Path, source: Path | None = None) -> Dictionary:
        """Map a dictionary; its file is written into `folder` the first time.

        Where `folder` cannot be written, it is kept in memory instead.

        Args:
            folder: where the file is kept, and found the next time.
            source: lines of word, count and part of speech; None for jieba's own.
        """
        own = Path(jieba.__file__).with_name(jieba.DEFAULT_DICT_NAME)
        lines = (source or own).read_bytes()
        name = f"{_FORMAT} {jieba.__version__} {hashlib.sha256(lines).hexdigest()}"
        path = folder / f"dictionary-{hashlib.sha256(name.encode()).hexdigest()[:16]}.bin"
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError), path.open("rb") as file:
            return cls(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        packed = cls.pack(*_read(lines))
        with contextlib.suppress(OSError):
            _write(path, packed)
        return cls(packed)

    @staticmethod
    def pack(counts: dict[str, int], total: int, tags: dict[str, str]) -> bytes:
        """Return the file's content.

        Args:
            counts: of every word, and 0 of every beginning of one that is no word itself.
            total: sum of all counts, those of repeated lines included.
            tags: parts of speech, such as ``nr``; a word may have none.
        """
        words = sorted(counts)
        names = ["", *sorted(set(tags.values()))]
        groups = [(first, list(group)) for first, group in groupby(words, lambda word: word[0])]
        texts = ["\n".join(group).encode() for _, group in groups]
        number = {name: at for at, name in enumerate(names)}
        values: list[Iterable[int]] = [
            (ord(first) for first, _ in groups),
            _sums(len(group) for _, group in groups),
            _sums(map(len, texts)),
            (counts[word] for word in words),
            (number[tags.get(word, "")] for word in words),
        ]
        kinds = _ARRAYS.values()
        arrays = [np.fromiter(v, kind) for v, kind in zip(values, kinds, strict=True)]
        header = {
            "total": total, "tags": names, "lengths": list(map(len, arrays)),
            "words": sum(map(len, texts)),
        }  # fmt: skip
        line = json.dumps(header).encode()
        padding = b" " * (-(len(line) + 1) % _ALIGNMENT)
        return b"".join([line, padding, b"\n", *(array.tobytes() for array in arrays), *texts])

    def counts(self, first: str) -> dict[str, int]:
        """Return the counts of all words that start with the character `first`."""
        found = self._group(first)
        return {} if found is None else dict(self._with("counts", found))

    def tags(self, first: str) -> dict[str, str]:
        """Return the parts of speech of all words that start with the character `first`."""
        found = self._group(first)
        if found is None:
            return {}
        return {word: self._tag_names[tag] for word, tag in self._with("tags", found)}

    def _group(self, first: str) -> int | None:
        firsts = self._arrays["firsts"]
        at = int(np.searchsorted(firsts, ord(first)))
        return at if at < len(firsts) and int(firsts[at]) == ord(first) else None

    def _with(self, name: str, group: int) -> Iterable[tuple[str, int]]:
        begin, end = self._arrays["bytes"][group : group + 2].tolist()
        words = str(self._words[begin:end], "utf-8").split("\n")
        begin, end = self._arrays["starts"][group : group + 2].tolist()
        return zip(words, self._arrays[name][begin:end].tolist(), strict=True)


class Cutter(jieba.Tokenizer):  # type: ignore[misc]
    """jieba's tokenizer over a `Dictionary`. Safe to use from several threads.

    jieba looks up nothing but beginnings of what follows a character of the text. So it needs the
    words that start with one of the text's characters, and they are read when a character comes for
    the first time; a long build soon holds the dictionary as jieba itself does.

    Args:
        dictionary: jieba's.
        own_words: words that count beside it, with their counts, by first character; the mapped
            file does not change with them, nor do the counts of other words.
    """

    def __init__(
        self, dictionary: Dictionary, own_words: Mapping[str, Mapping[str, int]] | None = None
    ) -> None:
        jieba.setLogLevel(logging.WARNING)
        super().__init__()
        self._mapped = dictionary
        self._own_words = own_words or {}
        self._known: set[str] = set()
        self._tags: dict[str, dict[str, str]] = {}
        self._reading = threading.Lock()
        self.total = dictionary.total
        self.initialized = True

    def count(self, word: str) -> int:
        """Return how often a word counts; 0 for one that the dictionary does not have."""
        if word[:1] not in self._known:
            self._read(word[:1])
        return int(self.FREQ.get(word, 0))

    def with_words(self, words: Iterable[tuple[str, int | None]]) -> Cutter:
        """Return a cutter that knows these words, of Chinese characters, as well.

        Args:
            words: words and their counts; None for one at which the word, where it stands alone,
                is cut out whole.
        """
        own: dict[str, dict[str, int]] = {}
        for word, count in words:
            own.setdefault(word[0], {})[word] = (
                self._count_of_whole(word) if count is None else count
            )
        return Cutter(self._mapped, own) if own else self

    def _count_of_whole(self, word: str) -> int:
        """Return a count at which `word` is likelier than its parts together."""
        in_parts = math.exp(self.log_probability(word)) * self.total
        return max(self.count(word), int(in_parts)) + 1

    def log_probability(self, text: str) -> float:
        """Return that of the likeliest cut of `text` into words, in nats."""
        route: dict[int, tuple[float, int]] = {}
        self.calc(text, self.get_DAG(text), route)
        return float(route[0][0]) if text else 0.0

    def get_DAG(self, sentence: str) -> dict[int, list[int]]:  # noqa: N802
        """Return, for each position, the last positions of the words that start there.

        As jieba does, but asking for each beginning once.
        """
        if not self._known.issuperset(sentence):
            self._read(sentence)
        counts, length = self.FREQ, len(sentence)
        found = {}
        for start in range(length):
            lasts, end = [], start + 1
            while end <= length and (count := counts.get(sentence[start:end])) is not None:
                if count:
                    lasts.append(end - 1)
                end += 1
            found[start] = lasts or [start]
        return found

    def calc(
        self,
        sentence: str,
        DAG: dict[int, list[int]],  # noqa: N803
        route: dict[int, tuple[float, int]],
    ) -> None:
        """Write the likeliest cut into `route`, as jieba does, in less time.

        Of each position it holds the log probability of what follows, and the last position of the
        word that starts there; the longer word of two as likely ones.
        """
        counts, whole, log = self.FREQ, math.log(self.total), math.log
        route[len(sentence)] = (0.0, 0)
        for start in range(len(sentence) - 1, -1, -1):
            best, end = -math.inf, start
            for last in DAG[start]:
                count = counts.get(sentence[start : last + 1]) or 1
                found = log(count) - whole + route[last + 1][0]
                if found >= best:
                    best, end = found, last
            route[start] = (best, end)

    def tag(self, word: str) -> str:
        """Return the dictionary's part of speech of a word, or empty."""
        first = word[:1]
        if first and first not in self._tags:
            self._tags[first] = self._mapped.tags(first)
        return self._tags[first].get(word, "") if first else ""

    def _read(self, sentence: str) -> None:
        with self._reading:
            for first in set(sentence) - self._known:
                self.FREQ.update(self._mapped.counts(first))
                self._add(self._own_words.get(first, {}))
                # Only now: another thread takes a known character's words for complete.
                self._known.add(first)

    def _add(self, words: Mapping[str, int]) -> None:
        self.FREQ.update(words)
        for word in words:
            for end in range(1, len(word)):
                self.FREQ.setdefault(word[:end], 0)


def _read(lines: bytes) -> tuple[dict[str, int], int, dict[str, str]]:
    """Return the counts, their sum and the parts of speech of a dictionary file."""
    counts, total = jieba.Tokenizer.gen_pfdict(io.BytesIO(lines))
    rows = (line.split() for line in lines.decode("utf-8").splitlines())
    return counts, total, {row[0]: row[2] for row in rows if len(row) == 3}


def _sums(lengths: Iterable[int]) -> Iterable[int]:
    total = 0
    yield total
    for length in lengths:
        total += length
        yield total


def _write(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
