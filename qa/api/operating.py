"""Whether the index answers, and its rebuild, over HTTP."""

from __future__ import annotations

import shutil
import threading
import time
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from qa import build_report, probe
from qa.api import records
from qa.api.problems import ApiError, Json
from qa.api.service import Service
from qa.rebuilding import State

KEPT_SECONDS = 2.0
"""How long what was found counts for others who ask, in seconds."""


class Operating:
    """The handlers over one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._probing = threading.Lock()
        self._last: dict[str, Any] = {}
        self._probed_at = 0.0

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/api", tags=["operation"])
        router.get(
            "/health", response_model=records.Health, summary="Search for something, to see it work"
        )(self.health)
        router.get(
            "/rebuild",
            response_model=records.Build,
            summary="How far the rebuild is, or what it did",
        )(self.progress)
        router.post(
            "/rebuild",
            status_code=202,
            response_model=records.Started,
            summary="Bring the index up to date with its documents",
        )(self.rebuild)
        return router

    async def health(self) -> Response:
        """Opens what is published now, encodes a question, searches, and reads what it found.

        It does not wait behind questions: one that watches shall tell a busy server from a dead
        one. Of many who ask within two seconds one is served, the others get what it found.
        """
        return Json(await self._service.reading.run(self._health))

    def _health(self) -> dict[str, Any]:
        with self._probing:
            if self._health_is_new():
                return self._last
            self._last = self._probed()
            self._probed_at = time.monotonic()
            return self._last

    def _health_is_new(self) -> bool:
        is_same = self._last.get("generation") == self._service.bot.info().generation
        return is_same and time.monotonic() - self._probed_at < KEPT_SECONDS

    def _probed(self) -> dict[str, Any]:
        began = time.monotonic()
        info = self._service.bot.info()
        if (wrong := probe.failure(self._service.bot, info.passages)) is not None:
            raise ApiError(503, wrong)
        state = self._service.rebuilding.state()
        return {
            "status": "ok",
            "free_bytes": shutil.disk_usage(self._service.library.index).free,
            "rebuild_failed": state.error is not None and not state.running,
            "generation": info.generation,
            "built": info.built,
            "documents": info.documents,
            "passages": info.passages,
            "sentences": info.sentences,
            "model": info.model,
            "warning": info.warning,
            "seconds": round(time.monotonic() - began, 4),
        }

    async def progress(self) -> Response:
        """Questions are answered all the time; the new index takes over between two of them."""
        return Json(await self._service.reading.run(self._state))

    def _state(self) -> dict[str, Any]:
        rebuilding = self._service.rebuilding
        other = rebuilding.other()
        return {**state_to_json(rebuilding.state()), "other": str(other) if other else None}

    async def rebuild(self) -> Response:
        """Answers at once; ask GET /api/rebuild how far it is."""
        self._service.check_writable()
        return Json(await self._service.reading.run(self._start), 202)

    def _start(self) -> dict[str, Any]:
        other = self._service.rebuilding.other()
        if other is not None:
            raise ApiError(
                409, f"The index is being written by {other}; try again when it has ended"
            )
        return {"started": self._service.rebuilding.start(), **self._state()}


def state_to_json(state: State) -> dict[str, Any]:
    """Return the JSON form of what a rebuild does, or did."""
    at = state.at
    return {
        "number": state.number,
        "running": state.running,
        "stage": at.stage if at else None,
        "done": at.done if at else 0,
        "total": at.total if at else 0,
        "seconds_left": at.seconds_left if at else None,
        "seconds": round(state.seconds, 3),
        "error": "The rebuild failed; the server's log says how"
        if state.error == ""
        else state.error,
        "report": build_report.to_json(state.report) if state.report else None,
    }
