"""Whether an index really answers: a passage is searched by its own words and read at its place."""

from __future__ import annotations

import html
import shutil
import threading
import time
import unicodedata
from datetime import UTC, datetime
from difflib import SequenceMatcher
from typing import Any

from embeddings.errors import WenjuError
from qa.api.problems import ApiError
from qa.api.service import Service
from qa.bot import IndexInfo
from qa.records import Hit

KEPT_SECONDS = 2.0
"""How long what was found counts for others who ask, in seconds."""

_ANY = "文档里说了什么？ What do the documents say?"

_WORDS = 200
"""Characters of a passage that it is searched by."""

_FIRST = 5
"""Ranks among which a passage must be found by its own words."""

_SAME = 0.8
"""Share of a passage's characters that stand in its document, in their order: the originals of
HTML and Markdown write some otherwise."""


class Probe:
    """Tries an index, one at a time; who asks meanwhile gets what was found.

    Args:
        service: what is served.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._probing = threading.Lock()
        self._outcome: dict[str, Any] | ApiError | WenjuError | None = None
        self._number: int | None = None
        self._at = 0.0

    def found(self) -> dict[str, Any]:
        """Return what the index holds once it was seen to work.

        Raises:
            ApiError: when it does not find what it holds.
            WenjuError: when it cannot be read.
        """
        with self._probing:
            if not self._is_new():
                self._outcome, self._at = self._tried(), time.monotonic()
            if isinstance(self._outcome, Exception):
                raise self._outcome.with_traceback(None)
            assert self._outcome is not None
            return self._outcome

    def _is_new(self) -> bool:
        is_new = self._outcome is not None and time.monotonic() - self._at < KEPT_SECONDS
        return is_new and self._generation() == self._number

    def _generation(self) -> int | None:
        try:
            return self._service.bot.info().generation
        except WenjuError:
            return None

    def _tried(self) -> dict[str, Any] | ApiError | WenjuError:
        """Try it; once more where a rebuild was published in the middle."""
        for _ in range(2):
            self._number = self._generation()
            found = self._result()
            if self._generation() == self._number:
                break
        return found

    def _result(self) -> dict[str, Any] | ApiError | WenjuError:
        began = time.monotonic()
        try:
            info = self._service.bot.info()
            self._check(info)
        except (ApiError, WenjuError) as error:
            return error
        return {**_facts(info), "seconds": round(time.monotonic() - began, 4)}

    def _check(self, info: IndexInfo) -> None:
        bot = self._service.bot
        hits = bot.retrieve(_ANY, 1)
        if info.passages and not hits:
            raise ApiError(503, "The index holds passages and finds none; check it: wenju verify")
        for hit in hits:
            if not any(_is_of(other, hit) for other in bot.retrieve(hit.text[:_WORDS], _FIRST)):
                raise ApiError(
                    503, "A passage is not found by its own words; check the index: wenju verify"
                )
            if not stands(hit, bot.document(hit.document).text):
                raise ApiError(
                    503,
                    "A passage is not what stands at its place in the document; check the index: "
                    "wenju verify",
                )


def room(service: Service) -> int | None:
    """Return the free bytes on the disk of the index; None when its folder is not there."""
    try:
        return shutil.disk_usage(service.library.index).free
    except OSError:
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
    return found.id == wanted.id or found.text == wanted.text or wanted.document in places


def _facts(info: IndexInfo) -> dict[str, Any]:
    built = datetime.fromisoformat(info.built)
    age = datetime.now(UTC) - (built if built.tzinfo else built.replace(tzinfo=UTC))
    return {
        "generation": info.generation,
        "built": info.built,
        "age_seconds": max(0, round(age.total_seconds())),
        "documents": info.documents,
        "passages": info.passages,
        "sentences": info.sentences,
        "model": info.model,
        "warning": info.warning,
    }
