"""Words for keyword search, those of a user's dictionary among them.

Tokens are in search form: full-width folded (NFKC), Simplified, lower case. They carry no offsets:
what is shown or cited never comes from here.
"""

from __future__ import annotations

import hashlib
import operator
import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from functools import cache
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from embeddings import numerals
from embeddings.cleaning import HAN
from embeddings.matches import Matches
from embeddings.postings import Postings, term_hash

if TYPE_CHECKING:
    from embeddings.dictionary import Cutter

__all__ = [
    "Matches",
    "Postings",
    "Script",
    "Tokenizer",
    "UserWord",
    "script_of",
    "search_form",
    "term_hash",
    "to_simplified",
    "to_traditional",
]

_RUN = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+(?:[.,:+\-/%&'@_][^\W_{HAN}]+)*%?", re.UNICODE)
_PART = re.compile(r"\d+|[^\W\d_]+", re.UNICODE)
_QUOTED = re.compile(r"“([^“”]{2,24})”|《([^《》]{2,24})》|「([^「」]{2,24})」|『([^『』]{2,24})』")
_NAME = re.compile(r"\w+(?:[ ·.+\-&:/]\w+)*")
"""What is quoted as a name: nothing with the marks of a sentence."""

_CODE = re.compile(r"([A-Za-z](?<![\w.+\-/][A-Za-z])[A-Za-z/]*)[ -]?(\d[\d.]*)(?!\w)", re.ASCII)
_HAN_CHARACTER = re.compile(rf"[{HAN}]")
_HAN_RUN = re.compile(rf"[{HAN}]+")
_CUTTABLE = re.compile("[\u4e00-\u9fd5]+")
"""A word that jieba can cut out; others are looked for in the text."""

_DIGIT = re.compile(r"\d")
_LETTER = re.compile(rf"[^\W_{HAN}]")
_GROUPED_DIGITS = re.compile(r"\d{1,3}(?:,\d{3})+")
_DASHES = re.compile("[‐‑‒–—―~～]")


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
    chinese = len(text) - len(_HAN_RUN.sub("", text))
    if chinese * 5 < len(text) or not chinese:
        return Script.OTHER
    simplified = to_simplified(text)
    changed = sum(map(operator.ne, text, simplified))
    return Script.TRADITIONAL if changed * 50 >= len(text) else Script.SIMPLIFIED


def search_form(text: str) -> str:
    """Return the form in which texts are compared: NFKC, Simplified, lower case, plain dashes."""
    return _folded(text).lower()


def _folded(text: str) -> str:
    # `str.translate` takes five times as long as all the rest.
    return to_simplified(_DASHES.sub("-", unicodedata.normalize("NFKC", text)))


class UserWord(NamedTuple):
    """A word of a user's dictionary, in search form.

    `frequency` is how often it stands in a text of 60 million words, as jieba counts; None for as
    often as makes it one word.
    """

    word: str
    frequency: int | None = None


class Tokenizer:
    """jieba with a cache folder of its own; safe to use from several threads.

    Args:
        cache_folder: where jieba's dictionary is kept in a form that opens at once; made when the
            first text comes.
        user_words: words that `tokens` knows beside jieba's, whatever their script. How documents
            are taken apart does not depend on them.
    """

    def __init__(self, cache_folder: Path, user_words: Iterable[UserWord] = ()) -> None:
        self.user_words = tuple(sorted({entry.word: entry for entry in user_words}.values()))
        self._cache_folder = cache_folder
        self._lock = threading.RLock()
        self._opened: Cutter | None = None
        self._opened_for_search: Cutter | None = None
        cuttable = [bool(_CUTTABLE.fullmatch(entry.word)) for entry in self.user_words]
        self._cut_words = list(compress(self.user_words, cuttable))
        self._found_words = _grouped(
            entry.word for entry, cut in zip(self.user_words, cuttable, strict=True) if not cut
        )

    def with_words(self, user_words: Iterable[UserWord]) -> Tokenizer:
        """Return a tokenizer that knows these words, and no others, beside jieba's."""
        other = Tokenizer(self._cache_folder, user_words)
        if other.user_words == self.user_words:
            return self
        other._opened = self._opened
        return other

    @property
    def fingerprint(self) -> str:
        """Name of the rules that made the tokens; postings of another are not comparable."""
        from importlib.metadata import version

        rules = f"jieba-{version('jieba')}/2"
        if not self.user_words:
            return rules
        digest = hashlib.sha256(repr([tuple(entry) for entry in self.user_words]).encode())
        return f"{rules}+{digest.hexdigest()[:16]}"

    def tokens(self, text: str) -> list[str]:
        """Return the tokens of `text`; compounds stand beside their parts.

        Words come first, in order; then what numbers mean (120 for 一百二十, 100家, 2021-06-16),
        names in quotation marks, codes such as GB/T 19001 in one piece, and user words of several
        scripts.
        """
        cutter, folded = self._search_cutter, _folded(text)
        lower = folded.lower()
        found: list[str] = []
        written: list[numerals.Numeral] = []
        for match in _RUN.finditer(lower):
            run = match.group()
            if _HAN_CHARACTER.match(run):
                words = _cut(run, cutter)
                found += _with_parts(words, cutter.FREQ)
                written += numerals.find(run, words, match.start())
            else:
                found += _mixed(run)
        for numeral in written:
            found += _mixed(numeral.arabic) if numeral.bare else ()
        if written or _DIGIT.search(lower):
            found += numerals.quantities(numerals.in_arabic(lower, written))
        names = [*_quoted(lower), *_codes(folded), *_standing_in(lower, self._found_words)]
        known = set(found) if names else set()
        return found + [name for name in dict.fromkeys(names) if name not in known]

    def words(self, text: str) -> list[str]:
        """Return `text`, which is in search form, cut into words and marks; nothing is lost."""
        return self._cutter.lcut(text)  # type: ignore[no-any-return]

    def tag(self, word: str) -> str:
        """Return the dictionary's part of speech of a word (n, v, t, ns, nr, …), or empty."""
        return self._cutter.tag(word)

    def count(self, word: str) -> int:
        """Return how often a word stands in the text that the dictionary was counted on, or 0."""
        return self._cutter.count(word)

    def log_probability(self, text: str) -> float:
        """Return that of the likeliest cut of `text` into dictionary words, in nats."""
        return self._cutter.log_probability(text)

    @property
    def _cutter(self) -> Cutter:
        with self._lock:
            if self._opened is None:
                from embeddings.dictionary import Cutter, Dictionary

                self._opened = Cutter(Dictionary.open(self._cache_folder))
            return self._opened

    @property
    def _search_cutter(self) -> Cutter:
        with self._lock:
            if self._opened_for_search is None:
                plain = self._cutter
                self._opened_for_search = plain.with_words(self._cut_words)
            return self._opened_for_search


def _cut(run: str, cutter: Cutter) -> list[str]:
    """Cut a run of Chinese characters into words, with the particle 着 as in Simplified texts.

    Traditional ones write it 著, as in 著作, and character by character nothing tells them apart.
    """
    words: list[str] = cutter.lcut(run)
    if "著" not in run:
        return words
    read = "".join(_with_particle(word, cutter) for word in words)
    return words if read == run else cutter.lcut(read)


def _with_particle(word: str, cutter: Cutter) -> str:
    other = word.replace("著", "着")
    return word if cutter.count(word) > cutter.count(other) else other


def _with_parts(words: Iterable[str], counts: Mapping[str, int]) -> Iterator[str]:
    """Yield words behind the dictionary's words in them, as jieba's `lcut_for_search` does."""
    for word in words:
        length = len(word)
        if length > 2:
            pairs = (word[at : at + 2] for at in range(length - 1))
            yield from filter(counts.get, pairs)
        if length > 3:
            yield from filter(counts.get, (word[at : at + 3] for at in range(length - 2)))
        yield word


def _mixed(run: str) -> list[str]:
    """Return a run of letters and digits whole, and its parts where it has several."""
    whole = run.replace(",", "") if _GROUPED_DIGITS.fullmatch(run) else run
    parts = _PART.findall(whole)
    return [whole] if parts == [whole] else [whole, *parts]


def _quoted(text: str) -> Iterator[str]:
    for match in _QUOTED.finditer(text):
        name = match[match.lastindex or 0]
        if _NAME.fullmatch(name):
            yield name.replace(" ", "")


def _codes(text: str) -> Iterator[str]:
    """Yield codes of letters and digits in one piece, such as gb/t19001, covid19."""
    for letters, digits in _CODE.findall(text):
        if letters != letters.lower():
            yield f"{letters}{digits}".lower()


def _grouped(words: Iterable[str]) -> dict[str, list[str]]:
    """Return words by their first character, the longest first."""
    groups: dict[str, list[str]] = {}
    for word in sorted(words, key=len, reverse=True):
        groups.setdefault(word[0], []).append(word)
    return groups


def _standing_in(text: str, words: dict[str, list[str]]) -> Iterator[str]:
    """Yield the words that stand in `text`, not within another word or number, without blanks."""
    starts = (at for at, character in enumerate(text) if character in words) if words else ()
    for start in starts:
        for word in words[text[start]]:
            end = start + len(word)
            if text.startswith(word, start) and _is_bound(text, start) and _is_bound(text, end):
                yield word.replace(" ", "")


def _is_bound(text: str, at: int) -> bool:
    """Tell whether a Latin word or a number does not go on over position `at`."""
    sides = text[max(0, at - 1) : at + 1]
    return len(_LETTER.findall(sides)) < 2
