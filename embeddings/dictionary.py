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
import mmap
import os
import tempfile
import threading
from collections.abc import Iterable
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
    """

    def __init__(self, dictionary: Dictionary) -> None:
        jieba.setLogLevel(logging.WARNING)
        super().__init__()
        self._mapped = dictionary
        self._known: set[str] = set()
        self._tags: dict[str, dict[str, str]] = {}
        self._reading = threading.Lock()
        self.total = dictionary.total
        self.initialized = True

    def get_DAG(self, sentence: str) -> dict[int, list[int]]:  # noqa: N802
        """Return, for each position, the last positions of the words that start there."""
        if not self._known.issuperset(sentence):
            self._read(sentence)
        return super().get_DAG(sentence)  # type: ignore[no-any-return]

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
                # Only now: another thread takes a known character's words for complete.
                self._known.add(first)


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
