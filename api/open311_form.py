"""The form of Open311 on the wire: XML, or JSON by the Spark convention; errors as a list of code and description."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

import orjson
from fastapi import Request, Response

__all__ = ["PREFIX", "Open311Error", "fault_response", "handle_fault", "is_open311", "wire_response"]

#: What all paths of Open311 begin with.
PREFIX = "/open311/"
#: What the members of a list are called in XML.
_MEMBERS = {
    "services": "service",
    "service_requests": "request",
    "attributes": "attribute",
    "values": "value",
    "endpoints": "endpoint",
    "formats": "format",
    "errors": "error",
}
#: What XML 1.0 cannot hold.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KEPT = frozenset({403, 404, 500, 503})


class Open311Error(Exception):
    """What is wrong with a request of Open311: each fault with its sentence, under one status."""

    def __init__(self, status: int, *descriptions: str) -> None:
        super().__init__(*descriptions)
        self.status = status
        self.descriptions = descriptions


def is_open311(path: str) -> bool:
    """Tell whether a path is one of Open311, whose errors have a form of their own."""
    return path.startswith(PREFIX)


def wire_response(root: str, data: Any, *, as_json: bool, status: int = 200) -> Response:
    """Write an answer.

    Parameters
    ----------
    root : str
        Name of the outermost element in XML.
    data : list of dict or dict
        Values are texts, numbers, booleans, None, lists and dicts; empty texts count as None.
    """
    if as_json:
        return Response(orjson.dumps(_bare(data)), status, media_type="application/json; charset=utf-8")
    text = f'<?xml version="1.0" encoding="utf-8"?>\n{_element(root, data)}\n'
    return Response(text.encode(), status, media_type="text/xml")


def fault_response(
    path: str, status: int, descriptions: Sequence[str], headers: dict[str, str] | None = None
) -> Response:
    """Write an error in the form that the path asks for: 403, 404, 500 and 503 are told as such, all else is 400."""
    status = status if status in _KEPT else 400
    faults = [{"code": status, "description": one} for one in descriptions]
    answer = wire_response("errors", faults, as_json=path.endswith(".json"), status=status)
    answer.headers.update(headers or {})
    return answer


def handle_fault(request: Request, error: Exception) -> Response:
    """Answer what is wrong with a request."""
    assert isinstance(error, Open311Error)
    return fault_response(request.url.path, error.status, error.descriptions)


def _bare(data: Any) -> Any:
    """Put None in place of empty texts, as an empty element is written."""
    if isinstance(data, dict):
        return {name: _bare(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_bare(value) for value in data]
    return None if data == "" else data


def _element(name: str, data: Any) -> str:
    if isinstance(data, dict):
        inner = "".join(_element(key, value) for key, value in data.items())
    elif isinstance(data, list):
        inner = "".join(_element(_MEMBERS[name], value) for value in data)
    elif isinstance(data, bool):
        inner = "true" if data else "false"
    else:
        inner = "" if data is None else escape(_NOT_XML.sub("\ufffd", str(data)), {"\r": "&#13;"})
    return f"<{name}>{inner}</{name}>" if inner else f"<{name}/>"
