"""Near repeats among the passages found for one question: texts that say the same once more.

Only compares; it never joins texts, and what is shown or cited never comes from here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import NamedTuple

from embeddings.lexical import Tokenizer, search_form
from embeddings.records import Role

CANDIDATES = 50
"""The best passages of a question that are compared with one another."""

SHARED = 0.85
"""Share of a text's character 5-grams that stand in the text which it repeats.

On newspaper pages that print an article whole and abridged, passages of the abridged form have
0.98 or more in those of the whole one, all other pairs at most 0.64.
"""

_WIDTH = 5
_ANCHORS = 8
_MOST_MISSED = 3
"""Of the anchors. A text that shares enough hardly ever misses more."""

_SPACE = re.compile(r"\s+")
_LATIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_CLAUSE_END = re.compile(r"[\s,.;:!?、。\"'“”‘’()<>\[\]《》〈〉「」『』【】…·]+")

_EXACT = re.compile(r"[\d〇零一二三四五六七八九十百千万亿两半双不没未无非否莫勿]")
"""Numerals and negations."""

_COMMON = ("v", "a", "d", "z")
"""Parts of speech whose words may be exchanged when they have two characters or more."""

_PARTICLES = ("u", "p", "c", "y")


class _Form(NamedTuple):
    """A text as it is compared: search form without idle blanks, and some of its 5-grams."""

    text: str
    anchors: tuple[str, ...]


class Repeats:
    """Tells near repeats, and remembers what it worked out about texts. Thread-safe."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._form = lru_cache(8192)(_form)

    def groups(self, texts: Sequence[tuple[Role, str]], k: int) -> list[list[int]]:
        """Return at most `k` groups of positions in `texts`, which come best first.

        The first of a group is its best; the others say nothing that it does not say. Only texts
        of one role stand in a group. What comes behind the k-th group and repeats none is left out.
        """
        forms = [self._form(text) for _, text in texts]
        found: list[list[int]] = []
        for at, (role, _) in enumerate(texts):
            alike = (
                group
                for group in found
                if texts[group[0]][0] is role and self._says_no_more(forms[at], forms[group[0]])
            )
            home = next(alike, None)
            if home is not None:
                home.append(at)
            elif len(found) < k:
                found.append([at])
        return found

    def repeats(self, text: str, better: str) -> bool:
        """Tell whether `text` says nothing that `better` does not say.

        A text that goes on where the better one ends is no repeat of it.
        """
        return self._says_no_more(self._form(text), self._form(better))

    def _says_no_more(self, form: _Form, better: _Form) -> bool:
        return _shares_enough(form, better.text) and not self._differ(form, better)

    def _differ(self, form: _Form, better: _Form) -> bool:
        """Tell whether a clause that `better` does not have says another thing.

        What `better` says beside it does not matter. A clause with a numeral or a negation must
        stand there as it is; of others, what may be a name must be the same on both sides.
        """
        clauses, others = _clauses(form.text), _clauses(better.text)
        matcher = SequenceMatcher(None, clauses, others, autojunk=False)
        for kind, start, end, better_start, better_end in matcher.get_opcodes():
            if kind in ("replace", "delete"):
                own = "".join(clauses[start:end])
                other = "".join(others[better_start:better_end])
                if _EXACT.search(own + other) or self._names(own) != self._names(other):
                    return True
        return False

    def _names(self, text: str) -> list[str]:
        """Return the words that may be a name or part of one: nouns and what no rule excludes."""
        return [word for word in self._tokenizer.words(text) if not self._is_common(word)]

    def _is_common(self, word: str) -> bool:
        tag = self._tokenizer.tag(word)
        return tag.startswith(_PARTICLES) or (len(word) > 1 and tag.startswith(_COMMON))


def _form(text: str) -> _Form:
    plain = _SPACE.sub(_kept, search_form(text))
    last = max(0, len(plain) - _WIDTH)
    starts = {last * at // (_ANCHORS - 1) for at in range(_ANCHORS)}
    anchors = tuple(plain[at : at + _WIDTH] for at in sorted(starts))
    return _Form(plain, anchors)


def _kept(blank: re.Match[str]) -> str:
    """Return a blank between two Latin words, and nothing for any other."""
    text, start, end = blank.string, blank.start(), blank.end()
    return " " if text[start - 1 : start] in _LATIN and text[end : end + 1] in _LATIN else ""


def _clauses(plain: str) -> list[str]:
    return [clause for clause in _CLAUSE_END.split(plain) if clause]


def _shares_enough(form: _Form, better: str) -> bool:
    missed = 0
    for anchor in form.anchors:
        missed += anchor not in better
        if missed > _MOST_MISSED:
            return False
    return share(form.text, better) >= SHARED


def share(text: str, better: str) -> float:
    """Return the share of the distinct 5-grams of `text` that stand in `better`, 0 to 1.

    A shorter text than that counts as one.
    """
    grams = {text[at : at + _WIDTH] for at in range(max(1, len(text) - _WIDTH + 1))}
    return sum(gram in better for gram in grams) / len(grams)
