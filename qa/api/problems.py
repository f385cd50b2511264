"""What is answered when something is wrong: one form, that of the OpenAI protocol, in one place.

``{"error": {"message": …, "type": …, "param": …, "code": …}}``; the message is one clear sentence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from embeddings.errors import (
    IndexFolderError,
    IndexLockedError,
    ModelError,
    QuestionError,
    SourceError,
    WenjuError,
)

DOCS = "/api/docs"

_STATUSES: tuple[tuple[type[WenjuError], int], ...] = (
    (QuestionError, 400),
    (SourceError, 404),
    (IndexLockedError, 409),
    (IndexFolderError, 503),
    (ModelError, 503),
)

_CODES = {
    400: "invalid_request",
    401: "invalid_api_key",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    409: "index_locked",
    413: "body_too_large",
    415: "not_json",
    503: "not_available",
}


class ApiError(Exception):
    """What a request asks for that cannot be given.

    Attributes:
        status: of HTTP.
        message: one sentence for a person.
        code: one word for a program; None for that of the status.
        param: field of the request that it is about, or None.
        headers: further ones of the response.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param = status, message, param
        self.code = code or _CODES.get(status, "failed")
        self.headers = dict(headers or {})


class Json(Response):
    """A response in JSON; names of files that are no Unicode are written with ``?``."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the bytes of the body."""
        return written(content).encode("utf-8", "replace")


def written(value: Any) -> str:
    """Return a value as one line of JSON."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def problem_of(error: WenjuError) -> ApiError:
    """Return what is answered to an error that a user can mend."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
    return ApiError(status, str(error))


def body_of(problem: ApiError) -> dict[str, Any]:
    """Return the body that tells of a problem."""
    kind = "server_error" if problem.status >= 500 else "invalid_request_error"
    said = {
        "message": problem.message,
        "type": kind,
        "param": problem.param,
        "code": problem.code,
    }
    return {"error": said}


def response_of(problem: ApiError) -> Response:
    """Return the response that tells of a problem."""
    return Json(body_of(problem), problem.status, problem.headers)


def handle(application: FastAPI) -> None:
    """Have every error of an application answered in the one form."""
    application.add_exception_handler(ApiError, _told)
    application.add_exception_handler(WenjuError, _mendable)
    application.add_exception_handler(RequestValidationError, _invalid)
    application.add_exception_handler(HTTPException, _refused)
    application.add_exception_handler(Exception, _failed)


async def _told(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return response_of(error)


async def _mendable(_: Request, error: Exception) -> Response:
    assert isinstance(error, WenjuError)
    return response_of(problem_of(error))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if _is_of_another_type(request):
        return response_of(
            ApiError(415, "The body is not said to be JSON; send Content-Type: application/json")
        )
    return response_of(problem_with(error.errors()))


def _is_of_another_type(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or kind.endswith("+json")
    return request.method == "POST" and not is_json


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = {
        404: f"There is nothing at {request.url.path!r}; the paths are listed at {DOCS}",
        405: f"{request.method} is not served at {request.url.path!r}; see {DOCS}",
        400: "The body cannot be read as JSON in UTF-8; send an object as shown at " + DOCS,
    }
    message = said.get(error.status_code, str(error.detail))
    return response_of(ApiError(error.status_code, message, headers=error.headers))


async def _failed(_: Request, __: Exception) -> Response:
    return response_of(ApiError(500, "The program has failed; the server's log says how"))


def problem_with(errors: Sequence[Any]) -> ApiError:
    """Return what is answered to fields that cannot be used; the first one is told."""
    first = errors[0]
    path = [str(part) for part in first["loc"][1:]]
    if first["type"] == "json_invalid":
        why, at = first["ctx"]["error"], first["loc"][-1]
        return ApiError(400, f"The body is no JSON ({why} at character {at}); see {DOCS}")
    if not path:
        return ApiError(400, f"The body must be a JSON object; see {DOCS}")
    return ApiError(400, f"{said_of(first, '.'.join(path))}; see {DOCS}", param=path[0])


def said_of(error: Mapping[str, Any], field: str) -> str:
    """Return what is wrong with a field, out of what pydantic says; without a full stop."""
    if error["type"] == "missing":
        return f"The field {field!r} is missing"
    if error["type"] == "extra_forbidden":
        return f"There is no field {field!r} here"
    return f"The field {field!r} cannot be used: {error['msg'].rstrip('.')}"
