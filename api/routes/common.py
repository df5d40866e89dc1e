"""Parameters and answers that several routes share."""

from __future__ import annotations

import math
from typing import Any

from fastapi import Query, Response

from api.models import Problem
from gis_core.errors import ParameterError

__all__ = ["BBOX", "BINARY", "PROBLEMS", "GeoJsonResponse", "parse_bbox"]

BBOX = Query(
    description="west,south,east,north in degrees", examples=["116.38,39.9,116.4,39.92"], max_length=200
)

#: Of every route: all errors have one body. Naming a default keeps the framework's own error form out of
#: the schema.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What went wrong",
        "model": Problem,
    }
}
BINARY: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Typed arrays, see docs/http.md",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "The caller has this state already"},
}


class GeoJsonResponse(Response):
    """Bytes that are GeoJSON already (RFC 7946)."""

    media_type = "application/geo+json"


def parse_bbox(text: str | None) -> tuple[float, float, float, float] | None:
    """Read west,south,east,north.

    Raises
    ------
    ParameterError
        Where it is not four finite numbers in order.
    """
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise ParameterError("bbox must be four numbers: west,south,east,north.", bbox=text) from None
    if not all(math.isfinite(value) for value in (west, south, east, north)):
        raise ParameterError("bbox must be four finite numbers: west,south,east,north.", bbox=text)
    if west > east or south > north:
        raise ParameterError("bbox must have west <= east and south <= north.", bbox=text)
    return west, south, east, north
