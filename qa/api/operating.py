"""Whether the index answers, and its rebuild, over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from qa import build_report
from qa.api import records
from qa.api.probe import Probe, room
from qa.api.problems import ApiError, Json
from qa.api.service import Service
from qa.rebuilding import State


class Operating:
    """The handlers over one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._probe = Probe(service)

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
        """Searches for a passage by its own words and compares what it finds with the original.

        It does not wait behind questions, reads or rebuilds: one that watches shall tell a busy
        server from a dead one. Of many who ask within two seconds one is served, the others get
        what it found.
        """
        return Json(await self._service.watching.run(self._health))

    def _health(self) -> dict[str, Any]:
        found = self._probe.found()
        state = self._service.rebuilding.state()
        return {
            "status": "ok",
            **found,
            "free_bytes": room(self._service),
            "rebuild_failed": state.error is not None and not state.running,
            "questions": self._service.asking.inside,
            "most_questions": self._service.asking.most,
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
