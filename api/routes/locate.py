"""Whose grid a point is in: one point by query, many by body."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response

from api.cells import cell_at
from api.locating import locate_points
from api.models import BulkAnswer, BulkQuery, LocateAnswer
from api.services import ServicesDep
from gis_core.errors import ParameterError

router = APIRouter(prefix="/api/locate", tags=["locate"])


@router.get("", response_model=LocateAnswer, response_model_exclude_unset=True)
def locate_one(
    services: ServicesDep,
    *,
    x: Annotated[float, Query(allow_inf_nan=False, description="Longitude, or metres east.")],
    y: Annotated[float, Query(allow_inf_nan=False, description="Latitude, or metres north.")],
    crs: Annotated[str, Query(max_length=40, description="wgs84, cgcs2000, gcj02, bd09 or EPSG:n")] = "wgs84",
    plan: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    radius: Annotated[
        float | None, Query(ge=0, le=10_000, description="Accuracy of the fix in metres.")
    ] = None,
    near: Annotated[
        str | None,
        Query(max_length=400, description="Categories of facilities, by comma; all: each that there is."),
    ] = None,
    near_count: Annotated[int, Query(ge=1, le=20, description="How many of each category.")] = 1,
) -> dict[str, Any]:
    """Say whose grid one point is in; outside of all grids is an answer, not an error."""
    view = services.plan_or_newest(plan)
    (answer,) = locate_points(view, [x, y], crs=crs, radius_m=radius)
    if answer["status"] == "no_position":
        raise ParameterError(
            f"{x:g}, {y:g} is no position in {crs}; degrees are longitude, then latitude.", x=x, y=y
        )
    grid_ix = answer.pop("grid_ix")
    cell_ix = cell_at(services.store, view, answer["lon"], answer["lat"], grid_ix=grid_ix)
    answer |= {"plan": view.record.id, "crs": crs, "cell_ix": cell_ix, "grid": view.grid(grid_ix)}
    if near is not None:
        from api.nearby import near_rows

        place = {"lon": answer["lon"], "lat": answer["lat"]}
        answer["near"] = near_rows(services, view.record.dataset_id, **place, near=near, count=near_count)
    return answer


@router.post("", response_model=BulkAnswer)
def locate_many(services: ServicesDep, query: BulkQuery) -> Response:
    """Say whose grid each of many points is in, in their order."""
    limit = services.settings.max_points
    if len(query.points) > limit:
        raise ParameterError(
            f"{len(query.points)} points are too many at once; send at most {limit}.", limit=limit
        )
    view = services.plan_or_newest(query.plan)
    results = locate_points(view, query.points, crs=query.crs, radius_m=query.radius)
    for result in results:
        del result["grid_ix"]
    # Written past the model, which would take three times as long as finding the grids.
    body = orjson.dumps({"plan": view.record.id, "crs": query.crs, "results": results})
    return Response(body, media_type="application/json")
