"""Whether the index of a server really answers, and what it holds; tried by one at a time."""

from __future__ import annotations

import shutil
import threading
import time
from datetime import UTC, datetime
from typing import Any

from embeddings.errors import WenjuError
from qa import probe
from qa.api.problems import ApiError
from qa.api.service import Service
from qa.bot import IndexInfo

KEPT_SECONDS = 2.0
"""How long what was found counts for others who ask, in seconds."""


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
        if (wrong := probe.failure(self._service.bot, info.passages)) is not None:
            raise ApiError(503, wrong)


def room(service: Service) -> int | None:
    """Return the free bytes on the disk of the index; None when its folder is not there."""
    try:
        return shutil.disk_usage(service.library.index).free
    except OSError:
        return None


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
