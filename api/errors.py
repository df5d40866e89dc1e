"""Errors as problem+json (RFC 9457): one table from class to status, one body, one place that logs.

Server faults are logged once with their traceback and answered with a fixed sentence and the request's id;
what the caller did wrong is logged at info without one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.events import edit_row
from api.open311_form import Open311Error, fault_response, handle_fault, is_open311
from gis_core import errors as core

__all__ = [
    "BROKEN",
    "PROBLEM_TYPE",
    "STATUS",
    "ProblemError",
    "add_error_handlers",
    "problem_of",
    "problem_response",
    "status_of",
]

PROBLEM_TYPE = "application/problem+json"
_LOG = logging.getLogger("wangge.api")
#: Values of a list that the parameters of a sentence hold.
_MOST_PARAMS = 20
#: What a caller is told of a fault of the server; nothing of the fault itself.
BROKEN = "Something went wrong in the server; its log has the details under this request id."


class ProblemError(HTTPException):
    """A fault of the request that only HTTP knows, such as a body that is too large."""

    def __init__(self, status: int, code: str, detail: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)
        self.code = code


#: Status of each class of the core's error tree; a subclass that is not named has its parent's.
STATUS: dict[type[core.GisCoreError], int] = {
    core.GisCoreError: 500,
    core.ParameterError: 400,
    core.CrsError: 400,
    core.EditError: 422,
    core.DatasetError: 422,
    core.InvalidGeometryError: 422,
    core.CoverageError: 422,
    core.DisconnectedGraphError: 422,
    core.InfeasiblePartitionError: 422,
    core.NotFoundError: 404,
    core.ConflictError: 409,
    core.StaleRevisionError: 412,
    core.LockedError: 409,
    core.NotPublishableError: 409,
    core.CancelledError: 409,
    core.CapabilityError: 501,
    core.StoreUnavailableError: 503,
}

#: Codes of the statuses that the framework itself answers.
_HTTP_CODES = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "unsupported-media-type"}
_HTTP_DETAILS = {
    404: "There is nothing at {path}.",
    405: "{method} is not possible at {path}.",
}


def status_of(error: core.GisCoreError) -> int:
    """Give the HTTP status of an error of the core."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem_response(
    request_id: str,
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[dict[str, Any]] = (),
    headers: dict[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """Build the one body that every error has; `more` are members that only some codes have."""
    body = {
        "type": f"urn:wangge:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": list(errors),
        **(more or {}),
    }
    if status >= 500:
        body["request_id"] = request_id
    return Response(orjson.dumps(body), status, headers, media_type=PROBLEM_TYPE)


def request_id_of(request: Request) -> str:
    """Give the id that the outer layer gave to this request."""
    return str(request.scope.get("state", {}).get("request_id", "-"))


def add_error_handlers(app: FastAPI) -> None:
    """Make every error of the app leave as problem+json."""
    app.add_exception_handler(core.GisCoreError, _core_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Open311Error, handle_fault)


def problem_of(request: Request, error: Exception) -> Response:
    """Give the body of an error where the status is sent already; what is no error of the core is logged."""
    if isinstance(error, core.GisCoreError):
        return _core_error(request, error)
    _LOG.error("%s %s failed (%s)", request.method, request.url.path, request_id_of(request), exc_info=error)
    return _answer(request, 500, "error", BROKEN)


def _core_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, core.GisCoreError)
    status, code = status_of(error), error.code
    if isinstance(error, core.DatasetError) and error.context.get("code") == "too-large":
        status, code = 413, "too-large"
    if status in {500, 503}:
        _LOG.error(
            "%s %s failed (%s)", request.method, request.url.path, request_id_of(request), exc_info=error
        )
    detail = BROKEN if status == 500 else error.message
    headers = {"Retry-After": "5"} if status == 503 else None
    faults = []
    if isinstance(error, core.EditError):
        faults = [
            {
                "where": name,
                "message": core.some_of(value if isinstance(value, list) else [value]),
                "kind": error.code,
            }
            for name, value in error.context.items()
            if name != "case"
        ]
    return _answer(request, status, code, detail, errors=faults, headers=headers, more=_more(error))


def _more(error: core.GisCoreError) -> dict[str, Any]:
    """Give what a client needs to go on, and to say it in words of its own: what changed, is locked, is open."""
    return {**_told(error), **_case(error)}


def _case(error: core.GisCoreError) -> dict[str, Any]:
    """Give which of the sentences of its code an error has, with the numbers and names in it."""
    if "case" not in error.context:
        return {}
    said = {name: value for name, value in error.context.items() if name != "case"}
    return {"case": error.context["case"], "params": {name: _param(value) for name, value in said.items()}}


def _param(value: object) -> object:
    """Write a value of a sentence for the wire, of a long list the first."""
    if isinstance(value, list | tuple):
        return list(value[:_MOST_PARAMS])
    return value if isinstance(value, str | int | float) else str(value)


def _told(error: core.GisCoreError) -> dict[str, Any]:
    if isinstance(error, core.StaleRevisionError):
        return {"revision": error.context.get("revision"), "edits": [edit_row(edit) for edit in error.edits]}  # type: ignore[arg-type]
    if isinstance(error, core.LockedError):
        return {name: error.context.get(name, []) for name in ("grids", "cells", "borders")}
    if isinstance(error, core.NotPublishableError):
        return {"items": [item.as_dict() for item in error.items]}  # type: ignore[attr-defined]
    return {}


def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [
        {
            "where": ".".join(str(part) for part in fault["loc"]),
            "message": fault["msg"],
            "kind": fault["type"],
        }
        for fault in error.errors()[:20]
    ]
    first = faults[0]
    detail = f"{first['where']}: {first['message']}."
    return _answer(request, 400, core.ParameterError.code, detail, errors=faults)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error, ProblemError):
        return _answer(
            request, error.status_code, error.code, error.detail, headers=dict(error.headers or {})
        )
    template = _HTTP_DETAILS.get(error.status_code, error.detail or HTTPStatus(error.status_code).phrase)
    detail = (
        template.format(path=request.url.path, method=request.method)
        if error.status_code in _HTTP_DETAILS
        else template
    )
    code = _HTTP_CODES.get(error.status_code, "http-error")
    return _answer(request, error.status_code, code, detail, headers=dict(error.headers or {}))


def _answer(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[dict[str, Any]] = (),
    headers: dict[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    if status < 500:
        _LOG.info("%s %s: %d %s", request.method, request.url.path, status, code)
    if is_open311(request.url.path):
        unknown = any(fault["where"] == "path.format" for fault in errors)
        return fault_response(request.url.path, 404 if unknown else status, [detail], headers)
    return problem_response(
        request_id_of(request), status, code, detail, errors=errors, headers=headers, more=more
    )
