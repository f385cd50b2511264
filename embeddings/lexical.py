"""Words for keyword search.

Tokens are in search form: full-width folded (NFKC), Simplified, lower case. They carry no offsets:
what is shown or cited never comes from here.
"""

from __future__ import annotations

import operator
import re
import threading
import unicodedata
from collections.abc import Iterable
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embeddings.cleaning import HAN
from embeddings.postings import Matches, Postings, term_hash

if TYPE_CHECKING:
    from embeddings.dictionary import Cutter

__all__ = [
    "Matches",
    "Postings",
    "Script",
    "Tokenizer",
    "script_of",
    "search_form",
    "term_hash",
    "to_simplified",
    "to_traditional",
]

_RUN = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+(?:[.,:+\-/%&'][^\W_{HAN}]+)*%?", re.UNICODE)
_PART = re.compile(r"\d+|[^\W\d_]+", re.UNICODE)
_HAN_CHARACTER = re.compile(rf"[{HAN}]")
_HAN_RUN = re.compile(rf"[{HAN}]+")
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
    chinese = len(text) - len(_HAN_RUN.sub("", text))
    if chinese * 5 < len(text) or not chinese:
        return Script.OTHER
    simplified = to_simplified(text)
    changed = sum(map(operator.ne, text, simplified))
    return Script.TRADITIONAL if changed * 50 >= len(text) else Script.SIMPLIFIED


def search_form(text: str) -> str:
    """Return the form in which texts are compared: NFKC, Simplified, lower case, plain dashes."""
    folded = unicodedata.normalize("NFKC", text).translate(_DASHES)
    return to_simplified(folded).lower()


class Tokenizer:
    """jieba with a cache folder of its own; safe to use from several threads.

    Args:
        cache_folder: where jieba's dictionary is kept in a form that opens at once; made when the
            first text comes.
    """

    def __init__(self, cache_folder: Path) -> None:
        self._cache_folder = cache_folder
        self._lock = threading.Lock()
        self._opened: Cutter | None = None

    @property
    def fingerprint(self) -> str:
        """Name of the rules that made the tokens; postings of another are not comparable."""
        from importlib.metadata import version

        return f"jieba-{version('jieba')}/1"

    def tokens(self, text: str) -> list[str]:
        """Return the tokens of `text` in order; compounds stand beside their parts."""
        found: list[str] = []
        for run in _RUN.findall(search_form(text)):
            found.extend(self._search_words(run) if _HAN_CHARACTER.match(run) else _mixed(run))
        return found

    def words(self, text: str) -> list[str]:
        """Return `text`, which is in search form, cut into words and marks; nothing is lost."""
        return self._cutter.lcut(text)  # type: ignore[no-any-return]

    def tag(self, word: str) -> str:
        """Return the dictionary's part of speech of a word (n, v, t, ns, nr, …), or empty."""
        return self._cutter.tag(word)

    def log_probability(self, text: str) -> float:
        """Return that of the likeliest cut of `text` into dictionary words, in nats."""
        route: dict[int, tuple[float, int]] = {}
        self._cutter.calc(text, self._cutter.get_DAG(text), route)
        return float(route[0][0]) if text else 0.0

    def _search_words(self, run: str) -> Iterable[str]:
        return self._cutter.lcut_for_search(run)  # type: ignore[no-any-return]

    @property
    def _cutter(self) -> Cutter:
        with self._lock:
            if self._opened is None:
                from embeddings.dictionary import Cutter, Dictionary

                self._opened = Cutter(Dictionary.open(self._cache_folder))
            return self._opened


def _mixed(run: str) -> list[str]:
    """Return a run of letters and digits whole, and its parts where it has several."""
    whole = run.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+", run) else run
    parts = _PART.findall(whole)
    return [whole] if len(parts) < 2 else [whole, *parts]
