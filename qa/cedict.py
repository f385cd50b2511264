"""CC-CEDICT read backwards: English words, and syllables of pinyin -> Chinese words.

Knows the dictionary's format only; which words a question has, `qa.bilingual` says.
"""

from __future__ import annotations

import mmap
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from embeddings.cleaning import HAN

FORMAT = 1
"""Changes whenever `pack` would write something else."""

MOST = 40
"""Chinese words that are kept for an English one, the likeliest first."""

LONGEST_KEY = 4
"""Words of an English key at most."""

SYLLABLE = "="
"""Before a syllable of pinyin without its tone: the characters that are read so."""

SURNAME = "=="
"""Before a syllable of pinyin: the surnames that are read so."""

_LINE = re.compile(r"(\S+) (\S+) \[([^\]]*)\] /(.*)/\s*")
_CHINESE = re.compile(rf"[{HAN}·]+")
_ASIDE = re.compile(r"\([^()]*\)|\[[^\]]*\]")
_REFERENCE = re.compile(
    r"CL:|(?:old |archaic |erhua |Japanese |unofficial )?variant of|see |also |used in |abbr\. |"
    r"Taiwan pr\.|pr\. |surname ",
    re.IGNORECASE,
)
_LEADING = re.compile(r"(?:to be |to |a |an |the )+", re.IGNORECASE)
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_POSSESSIVE = re.compile(r"'s?$")
_LIFE = re.compile(r"\([^(),\d]{0,8}\d{3,4} ?[-–]")
_SHORT_FORM = re.compile(r"(.+ .+) ([A-Z][A-Z0-9]+)")
_CHARACTERS = 4
_SURNAME = re.compile(r"(?:^|/)surname ")


class _Entry(NamedTuple):
    """One line: the Simplified word, its pinyin, its meanings as they stand between slashes."""

    word: str
    pinyin: str
    meanings: str

    @property
    def is_name(self) -> bool:
        return self.pinyin[:1].isupper()


class Lines:
    """Sorted lines of key, tab and values, in memory or mapped; looked up by halving.

    Args:
        buffer: what `pack` returned.

    Raises:
        ValueError: when it is no such file, or cut short.
    """

    def __init__(self, buffer: bytes | mmap.mmap) -> None:
        if buffer[:1] != b"\n" or buffer[-2:] != b"\n\n":
            raise ValueError("No list of words, or one that was cut short")
        self._buffer = buffer

    def values(self, key: str) -> tuple[str, ...]:
        """Return what stands behind `key`; nothing for an unknown one."""
        wanted, low, high = key.encode(), 0, len(self._buffer) - 2
        while low < high:
            start = self._buffer.rfind(b"\n", 0, (low + high) // 2 + 1) + 1
            end = self._buffer.find(b"\n", start)
            found, _, values = self._buffer[start:end].partition(b"\t")
            if found == wanted:
                return tuple(values.decode().split())
            low, high = (end, high) if found < wanted else (low, start - 1)
        return ()


def english_words(text: str) -> list[str]:
    """Return the words of an English text as keys have them: lower case, without accents or 's."""
    if not text.isascii():
        folded = unicodedata.normalize("NFKD", text.replace("’", "'"))
        text = "".join(one for one in folded if not unicodedata.combining(one))
    return [_POSSESSIVE.sub("", word) for word in _WORD.findall(text.lower())]


def pack(lines: Iterable[str]) -> bytes:
    """Return the file's content: what `Lines` looks up.

    Args:
        lines: of CC-CEDICT; such as have another form are left out.
    """
    entries = list(_entries(lines))
    common = _commonness(entries)
    ranks: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for entry in entries:
        for key, word, rank in (*_translations(entry), *_readings(entry)):
            ranks[key][word] = min(rank, ranks[key].get(word, rank))
    rows = []
    for key, words in ranks.items():
        best = sorted(words, key=lambda word: (words[word], -common[word], word))
        rows.append(f"{key}\t{' '.join(best[:MOST])}")
    return b"\n" + b"\n".join(sorted(row.encode() for row in rows)) + b"\n\n"


def _entries(lines: Iterable[str]) -> Iterator[_Entry]:
    for line in lines:
        if (found := _LINE.fullmatch(line)) and _CHINESE.fullmatch(found[2]):
            yield _Entry(*found.groups()[1:])


def _commonness(entries: Iterable[_Entry]) -> Counter[str]:
    """Return in how many words of the dictionary each word of up to four characters stands."""
    counts: Counter[str] = Counter()
    for word in {entry.word for entry in entries}:
        parts = {
            word[start : start + size]
            for size in range(1, min(_CHARACTERS, len(word)) + 1)
            for start in range(len(word) - size + 1)
        }
        counts.update(parts)
    return counts


def _translations(entry: _Entry) -> Iterator[tuple[str, str, int]]:
    """Yield English keys, the Chinese word of each, and the place of the meaning, from 0."""
    for rank, meaning in enumerate(entry.meanings.split("/")):
        if _REFERENCE.match(meaning):
            continue
        for gloss in _without_asides(meaning).split(";"):
            for words in _keys(gloss):
                yield " ".join(words), entry.word, rank
                if entry.is_name:
                    yield from _parts_of_name(entry, words, rank + 1)


def _without_asides(meaning: str) -> str:
    """Drop what stands in brackets, and in brackets in these."""
    if "(" not in meaning and "[" not in meaning:
        return meaning
    return _ASIDE.sub(" ", _ASIDE.sub(" ", meaning))


def _keys(gloss: str) -> Iterator[list[str]]:
    """Yield the words of a gloss; of “carbon dioxide CO2” those of both of its names."""
    head = _LEADING.sub("", gloss.split(",")[0].strip(), count=1)
    named_twice = _SHORT_FORM.fullmatch(head)
    for name in named_twice.groups() if named_twice else [head]:
        words = [word for word in english_words(name) if word]
        if 0 < len(words) <= LONGEST_KEY:
            yield words


def _parts_of_name(entry: _Entry, words: list[str], rank: int) -> Iterator[tuple[str, str, int]]:
    """Yield the parts of a foreign name: of 伊丽莎白·泰勒 each, of Frédéric Chopin the last."""
    parts = entry.word.split("·")
    if len(parts) == len(words) > 1:
        pairs = zip(words, parts, strict=True)
        yield from ((word, part, rank) for word, part in pairs if len(part) > 1)
    elif len(words) > 1 and _LIFE.search(entry.meanings) and not _is_pinyin(entry, words):
        yield words[-1], entry.word, rank


def _is_pinyin(entry: _Entry, words: list[str]) -> bool:
    return "".join(words) == "".join(_syllables(entry))


def _readings(entry: _Entry) -> Iterator[tuple[str, str, int]]:
    if len(entry.word) > 1:
        return
    (syllable,) = _syllables(entry)[:1] or [""]
    yield SYLLABLE + syllable, entry.word, 0
    if _SURNAME.search(entry.meanings):
        yield SURNAME + syllable, entry.word, 0


def _syllables(entry: _Entry) -> list[str]:
    """Return the syllables of its pinyin, without tones; ü as people type it."""
    return re.findall(r"[a-z]+", entry.pinyin.lower().replace("u:", "v"))
