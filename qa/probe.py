"""Whether an index really answers: a passage is searched by its own words and read at its place."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Protocol

from qa.found import Period
from qa.records import Hit, OriginalDocument

_ANY = "文档里说了什么？ What do the documents say?"

_WORDS = 200
"""Characters of a passage that it is searched by."""

_FIRST = 5
"""Ranks among which a passage must be found by its own words."""

_SAME = 0.8
"""Share of a passage's characters that stand in its document, in their order: the originals of
HTML and Markdown write some otherwise."""


class Probed(Protocol):
    """What is asked."""

    def retrieve(
        self,
        question: str,
        k: int = 5,
        sources: Sequence[str] | None = None,
        dates: Period | None = None,
    ) -> list[Hit]:
        """Return passages, best first."""

    def document(self, document: str, /) -> OriginalDocument:
        """Return a document by its id."""


def failure(bot: Probed, passages: int) -> str | None:
    """Search for something, then for what was found by its own words; compare it with its document.

    Args:
        bot: over the index.
        passages: how many the index holds.

    Returns:
        What is wrong and what to do; None when all is well.
    """
    hits = bot.retrieve(_ANY, 1)
    if passages and not hits:
        return "The index holds passages and finds none; check it: wenju verify"
    for hit in hits:
        if not any(_is_of(other, hit) for other in bot.retrieve(hit.text[:_WORDS], _FIRST)):
            return "A passage is not found by its own words; check the index: wenju verify"
        if not stands(hit, bot.document(hit.document).text):
            return (
                "A passage is not what stands at its place in the document; check the index: "
                "wenju verify"
            )
    return None


def stands(hit: Hit, original: str) -> bool:
    """Tell whether a passage's words stand in its document, where it says, in their order."""
    there = "".join(span.of(original) for span in hit.spans)
    wanted = _plain(hit.text)
    return any(
        _share(wanted, _plain(written)) >= _SAME for written in (there, html.unescape(there))
    )


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def _share(wanted: str, there: str) -> float:
    if wanted in there:
        return 1.0
    blocks = SequenceMatcher(None, wanted, there, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(wanted)


def _is_of(found: Hit, wanted: Hit) -> bool:
    """Tell whether a hit is a passage, or one that near repeats of it were folded into."""
    places = (place.document for place in found.places)
    is_alike = found.text[:_WORDS] == wanted.text[:_WORDS]  # as forms that are filled in below
    return found.id == wanted.id or is_alike or wanted.document in places
