"""Whether an index really answers: a question is encoded and searched, its passage compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from qa.found import Period
from qa.records import Hit, OriginalDocument

_PROBE = "文档里说了什么？ What do the documents say?"


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
    """Search for something, and compare what is found with its document.

    Args:
        bot: over the index.
        passages: how many the index holds.

    Returns:
        What is wrong and what to do; None when all is well.
    """
    hits = bot.retrieve(_PROBE, 1)
    if passages and not hits:
        return "The index holds passages and finds none; check it: wenju verify"
    if not all(_stands(bot, hit) for hit in hits):
        return "A passage is not what stands at its place in the document; check it: wenju verify"
    return None


def _stands(bot: Probed, hit: Hit) -> bool:
    """Tell whether a passage's words stand in its document, where it says.

    Half of its characters suffice: the originals of HTML and Markdown write some otherwise.
    """
    original = bot.document(hit.document).text
    there = set("".join(span.of(original) for span in hit.spans))
    wanted = set("".join(hit.text.split()))
    return 2 * len(wanted & there) >= len(wanted)
