"""Raw text -> clean text in which every character still knows its place in the original.

Cleaning only leaves characters out, or shows a white-space character as a blank or a line break.
It never adds, moves or respells one, so a clean character and its original are one to one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from embeddings.records import Span

HAN = (
    "\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Character class (for use inside brackets) of Chinese characters."""

WIDE = HAN + "\u3000-\u303f\uff00-\uffef\u2014\u2018\u2019\u201c\u201d\u2026"
"""Chinese characters and the marks set as wide as they are; between two, white space is layout."""

_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f]+"
)
_TONED = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹḿ"
_GLOSS = re.compile(rf"(?<=[{HAN}])[^\S\n\r]*[(（]([a-zü{_TONED}]{{1,7}})[)）]")
_PLAIN_VOWELS = str.maketrans("āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹḿ", "aaaaeeeeiiiioooouuuuüüüünnnm")
_SYLLABLE = re.compile(
    r"(?:[bpmfdtnlgkhjqxrzcsyw]|[zcs]h)?"
    r"(?:iang|iong|uang|ueng|iao|ian|ing|uai|uan|ang|eng|ong|üan|ai|ei|ao|ou|an|en|er|ia|ie|iu|in"
    r"|ua|uo|ui|un|üe|ue|ün|a|o|e|i|u|ü|n|m|ng)"
)
_WHITE = re.compile(r"\s+")
_LINE_BREAK = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_SPACED_OUT = re.compile(rf"(?:^|\s)[{HAN}]$")
_IS_HAN = re.compile(rf"[{HAN}]")
_IS_WIDE = re.compile(rf"[{WIDE}]")


_GLOSSES_IN_A_ROW = 16
"""After one character at most so many are taken out; each needs a pass over the whole text."""


@dataclass(frozen=True, slots=True)
class CleanText:
    """Clean characters and the way back.

    Attributes:
        text: the clean characters.
        offsets: for each of them the offset of its character in the original text; rising.
        breaks: positions in `text` (1 to len - 1) before which a block that does not belong
            was taken out, so that a span may not run across.
        ends: for each character the offset behind its original, where one may be spelled with
            several (``&amp;``); None where each is one.
    """

    text: str
    offsets: tuple[int, ...]
    breaks: frozenset[int] = frozenset()
    ends: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if len(self.text) != len(self.offsets):
            raise ValueError(f"{len(self.text)} characters but {len(self.offsets)} offsets")

    def __len__(self) -> int:
        return len(self.text)

    def cut(self, start: int, end: int) -> CleanText:
        """Return the clean characters `start` to `end` (excluded), with their way back."""
        inner = frozenset(at - start for at in self.breaks if start < at < end)
        ends = None if self.ends is None else self.ends[start:end]
        return CleanText(self.text[start:end], self.offsets[start:end], inner, ends)

    def placed(self, starts: Sequence[int], ends: Sequence[int]) -> CleanText:
        """Return it with its offsets, which count in a shown text, as those of the original.

        Args:
            starts: for each shown character the offset of its first original character.
            ends: for each the offset behind its last one.
        """
        offsets = tuple(starts[offset] for offset in self.offsets)
        behind = tuple(ends[offset] for offset in self.offsets)
        return CleanText(self.text, offsets, self.breaks, behind)

    def strip(self) -> CleanText:
        """Return it without white space at either end."""
        start = len(self.text) - len(self.text.lstrip())
        return self.cut(start, max(start, len(self.text.rstrip())))

    def _behind(self, at: int) -> int:
        return self.offsets[at] + 1 if self.ends is None else self.ends[at]

    def spans(self) -> tuple[Span, ...]:
        """Return where it stands in the original: one span, or one for each broken piece."""
        if not self.text:
            return ()
        edges = [0, *sorted(self.breaks), len(self.text)]
        return tuple(
            Span(self.offsets[start], self._behind(end - 1)) for start, end in pairwise(edges)
        )


def _ends_of(parts: Sequence[CleanText]) -> tuple[int, ...] | None:
    if all(part.ends is None for part in parts):
        return None
    return tuple(
        end for part in parts for end in (part.ends or (offset + 1 for offset in part.offsets))
    )


def join(parts: Sequence[CleanText], breaks: Iterable[int] = ()) -> CleanText:
    """Put clean texts together in reading order.

    Args:
        parts: pieces of one original text, none empty, each after the one before.
        breaks: indices of the parts before which a block was taken out.
    """
    broken = set(breaks)
    inner: set[int] = set()
    length = 0
    for index, part in enumerate(parts):
        if index in broken and length:
            inner.add(length)
        inner.update(at + length for at in part.breaks)
        length += len(part)
    offsets = tuple(offset for part in parts for offset in part.offsets)
    text = "".join(part.text for part in parts)
    return CleanText(text, offsets, frozenset(inner), _ends_of(parts))


def _is_gloss(reading: str, toned_only: bool) -> bool:
    plain = reading.translate(_PLAIN_VOWELS)
    return _SYLLABLE.fullmatch(plain) is not None and (plain != reading or not toned_only)


def glosses(text: str) -> list[tuple[int, int]]:
    """Return start and end of each pinyin gloss, brackets included: 濟(jì)南 -> [(1, 5)].

    A gloss is one pinyin syllable in brackets right after a Chinese character. One without a tone
    mark, such as 們(men), is taken for a gloss only in a text that has glosses with tone marks,
    since it could be an English word.
    """
    found = [(match.span(), match[1]) for match in _GLOSS.finditer(text)]
    toned_only = not any(_is_gloss(reading, toned_only=True) for _, reading in found)
    return [span for span, reading in found if _is_gloss(reading, toned_only)]


def _without(text: CleanText, dropped: Sequence[tuple[int, int]]) -> CleanText:
    """Return `text` without the ranges `dropped`, which rise and do not overlap."""
    edges = [0, *(edge for span in dropped for edge in span), len(text)]
    kept = [slice(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    offsets = tuple(offset for part in kept for offset in text.offsets[part])
    return CleanText("".join(text.text[part] for part in kept), offsets)


def _without_glosses(text: CleanText) -> CleanText:
    for _ in range(_GLOSSES_IN_A_ROW):
        if not (found := glosses(text.text)):
            break
        text = _without(text, found)
    return text


def _with_plain_blanks(text: CleanText) -> CleanText:
    """Return `text` with each run of white space as line breaks, one blank or nothing."""
    pieces: list[str] = []
    offsets: list[int] = []
    at = 0
    for match in [*_WHITE.finditer(text.text), None]:
        start, end = match.span() if match else (len(text), len(text))
        pieces.append(text.text[at:start])
        offsets.extend(text.offsets[at:start])
        for place, shown in _blanks(text.text, start, end):
            pieces.append(shown)
            offsets.append(text.offsets[place])
        at = end
    return CleanText("".join(pieces), tuple(offsets))


def _blanks(text: str, start: int, end: int) -> list[tuple[int, str]]:
    """Return place and form of what stands for the white space at start to end."""
    breaks = [match.start() + start for match in _LINE_BREAK.finditer(text[start:end])]
    if breaks:
        return [(at, "\n") for at in breaks[:2]]
    if start == 0 or end == len(text) or _is_layout(text, start, end):
        return []
    return [(start, " ")]


def _is_layout(text: str, start: int, end: int) -> bool:
    """Tell whether the blank only spaces wide characters out (通 知), and parts no words.

    A blank beside a phrase of several Chinese characters parts two phrases, as in headlines.
    """
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if not (_IS_WIDE.match(before[-1]) and _IS_WIDE.match(after[0])):
        return False
    if not (_IS_HAN.match(before[-1]) and _IS_HAN.match(after[0])):
        return True
    return bool(_SPACED_OUT.search(before) and _SPACED_OUT.search(after[::-1]))


def clean(original: str) -> CleanText:
    """Return the clean form of a whole original text.

    Left out: pinyin glosses, invisible characters, and white space between Chinese characters.
    Other white space becomes one blank; a run of it with line breaks becomes one line break, or
    two where at least one line is blank.
    """
    whole = CleanText(original, tuple(range(len(original))))
    invisible = [match.span() for match in _INVISIBLE.finditer(original)]
    return _with_plain_blanks(_without_glosses(_without(whole, invisible)))
