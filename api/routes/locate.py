"""Whose grid a point is in: one point by query, many by body."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute

from api.cells import cell_at
from api.force import Asked
from api.locating import answer_with, locate_points, locate_table
from api.middleware import TABLE_TYPES
from api.models import BulkAnswer, BulkQuery, CaseNear, GridAnswer, LocateAnswer, Place
from api.services import Services, ServicesDep, not_modified
from gis_core.errors import ParameterError
from gis_core.plan.dates import begin_of

if TYPE_CHECKING:
    from api.force import ForceView
    from api.views import PlanView


class _OrjsonRequest(Request):
    async def json(self) -> Any:
        return orjson.loads(await self.body())


class _OrjsonRoute(APIRoute):
    """Reads bodies of 100,000 points in a quarter of the time."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def read(request: Request) -> Response:
            return await handler(_OrjsonRequest(request.scope, request.receive))

        return read


router = APIRouter(prefix="/api/locate", tags=["locate"], route_class=_OrjsonRoute)

PlanQuery = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="None: what is in force.")]
AtQuery = Annotated[
    str | None,
    Query(max_length=40, description="A day, or a time with its offset: what was in force then."),
]
_BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
TABLE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "grid_code, status, border_m, nearest_code",
        "content": dict.fromkeys(TABLE_TYPES, _BYTES),
    }
}
TABLE_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": dict.fromkeys(TABLE_TYPES, _BYTES)}
}


@router.get("", response_model=LocateAnswer, response_model_exclude_unset=True)
def locate_one(
    services: ServicesDep,
    *,
    x: Annotated[float, Query(allow_inf_nan=False, description="Longitude, or metres east.")],
    y: Annotated[float, Query(allow_inf_nan=False, description="Latitude, or metres north.")],
    crs: Annotated[str, Query(max_length=40, description="wgs84, cgcs2000, gcj02, bd09 or EPSG:n")] = "wgs84",
    plan: PlanQuery = None,
    at: AtQuery = None,
    radius: Annotated[
        float | None, Query(ge=0, le=10_000, description="Accuracy of the fix in metres.")
    ] = None,
    near: Annotated[
        str | None,
        Query(max_length=400, description="Categories of facilities, by comma; all: each that there is."),
    ] = None,
    near_count: Annotated[int, Query(ge=1, le=20, description="How many of each category.")] = 1,
    staff: Annotated[
        int | None, Query(ge=1, le=20, description="How many people on duty near the place.")
    ] = None,
) -> dict[str, Any]:
    """Say whose grid one point is in; outside of all grids is an answer, not an error."""
    asked = _asked(plan, at)
    (answer,) = locate_points(_view(services, asked), [x, y], crs=crs, radius_m=radius)
    if answer["status"] == "no_position":
        raise ParameterError(
            f"{x:g}, {y:g} is no position in {crs}; degrees are longitude, then latitude.", x=x, y=y
        )
    grid_ix, place = answer.pop("grid_ix"), {"lon": answer["lon"], "lat": answer["lat"]}
    held = services.plan(answer["plan"] or _leading(services, asked))
    cell_ix = cell_at(services.store, held, **place, grid_ix=grid_ix)
    answer |= {"plan": held.record.id, "crs": crs, "cell_ix": cell_ix, "grid": held.grid(grid_ix)}
    if near is not None:
        from api.nearby import near_rows

        answer["near"] = near_rows(services, held.record.dataset_id, **place, near=near, count=near_count)
    if staff is not None:
        from api.on_duty import staff_rows

        force = services.force.look(asked, at_once=True)
        code = answer["grid_code"]
        answer["staff"] = staff_rows(services, force, **place, count=staff, at=asked.moment, grid_code=code)
    return answer


def _view(services: Services, asked: Asked) -> PlanView | ForceView:
    """Give the grids that are asked for: of a plan as it stands, or those in force at a time."""
    if asked.plan is not None and asked.at is None:
        return services.plan(asked.plan)
    return services.force.look(asked, at_once=True)


def _leading(services: Services, asked: Asked) -> int:
    """Name the plan that a place outside all grids is answered by."""
    return asked.plan or services.force.look(asked).main


@router.get("/grid", response_model=GridAnswer, response_model_exclude_unset=True)
def locate_grid(
    request: Request,
    response: Response,
    services: ServicesDep,
    *,
    x: Annotated[float, Query(allow_inf_nan=False, description="Longitude, or metres east.")],
    y: Annotated[float, Query(allow_inf_nan=False, description="Latitude, or metres north.")],
    crs: Annotated[str, Query(max_length=40, description="wgs84, cgcs2000, gcj02, bd09 or EPSG:n")] = "wgs84",
    plan: PlanQuery = None,
    at: AtQuery = None,
    radius: Annotated[
        float | None, Query(ge=0, le=10_000, description="Accuracy of the fix in metres.")
    ] = None,
    border: Annotated[
        bool, Query(description="Add the polygon of the grid, for the caller to keep.")
    ] = False,
) -> Any:
    """Say whose grid a point is in, quickly: the grid and plan that hold, until when, and metres to the border."""
    view = services.force.look(_asked(plan, at))
    etag = f'"{view.etag}"'
    same = not_modified(request, etag)
    if same is not None:
        return same
    response.headers["ETag"] = f"W/{etag}"
    response.headers["Cache-Control"] = "private, no-cache"
    return answer_with(view, x, y, crs=crs, radius_m=radius, border=border)


@router.get("/places", response_model=list[Place])
def read_places(
    services: ServicesDep,
    *,
    text: Annotated[str, Query(max_length=2000, description="Coordinates as they were pasted.")],
    crs: Annotated[str, Query(max_length=40, description="System of a text that names none.")] = "wgs84",
    plan: PlanQuery = None,
) -> list[dict[str, Any]]:
    """Read coordinates in any usual form, in every way that is possible, the likeliest first; none is an empty list."""
    from api.locating import places_of

    near = None if plan is None else services.store.plan(plan).bbox
    return places_of(text, crs=crs, near=near)


@router.get("/cases", response_model=list[CaseNear])
def cases_near(
    services: ServicesDep,
    *,
    x: Annotated[float, Query(allow_inf_nan=False, description="Longitude, or metres east.")],
    y: Annotated[float, Query(allow_inf_nan=False, description="Latitude, or metres north.")],
    crs: Annotated[str, Query(max_length=40)] = "wgs84",
    within: Annotated[float, Query(ge=0, le=5_000, description="Metres.")] = 300.0,
    accuracy: Annotated[float, Query(ge=0, le=10_000, description="Of the fix, in metres.")] = 0.0,
    category: Annotated[
        str,
        Query(max_length=200, description="What is about to be reported; without it none is called alike."),
    ] = "",
    words: Annotated[str, Query(max_length=2000)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[dict[str, Any]]:
    """List the open cases around a place, those that a report made here now may repeat first."""
    from gis_core.crs import to_wgs84

    lon, lat = (float(value) for value in to_wgs84(x, y, crs))
    if not (abs(lon) <= 360.0 and abs(lat) <= 90.0):
        raise ParameterError(
            f"{x:g}, {y:g} is no position in {crs}; degrees are longitude, then latitude.", x=x, y=y
        )
    return services.open_cases.near(
        lon, lat, within_m=within, accuracy_m=accuracy, category=category, words=words, limit=limit
    )


@router.post("/table", response_class=Response, responses=TABLE, openapi_extra=TABLE_BODY)
async def locate_rows(
    request: Request,
    services: ServicesDep,
    *,
    crs: Annotated[str, Query(max_length=40)] = "wgs84",
    plan: PlanQuery = None,
    at: AtQuery = None,
    borders: Annotated[bool, Query(description="Whether metres to the nearest border are wanted.")] = True,
) -> Response:
    """Say whose grid each row of a table is in, CSV for CSV and Arrow for Arrow, in their order."""
    body = await request.body()
    kind = request.headers["content-type"].partition(";")[0].strip().lower()

    def answer() -> bytes:
        from api.tables import read_table, write_table

        view = services.force.look(_asked(plan, at))
        limit = services.settings.max_points
        table = read_table(body, kind, most_mb=services.settings.max_body_mb, most_rows=limit)
        return write_table(locate_table(view, table, crs=crs, borders=borders, limit=limit), kind)

    return Response(await run_in_threadpool(answer), media_type=kind)


def _asked(plan: int | None, at: str | None) -> Asked:
    moment = begin_of(at, option="at")
    return Asked(plan, None if moment is None else moment.isoformat())


@router.post("", response_model=BulkAnswer)
def locate_many(services: ServicesDep, query: BulkQuery) -> Response:
    """Say whose grid each of many points is in, in their order."""
    limit = services.settings.max_points
    if len(query.points) > limit:
        raise ParameterError(
            f"{len(query.points)} points are too many at once; send at most {limit}.", limit=limit
        )
    asked = _asked(query.plan, query.at)
    results = locate_points(_view(services, asked), query.points, crs=query.crs, radius_m=query.radius)
    for result in results:
        del result["grid_ix"]
    # Written past the model, which would take three times as long as finding the grids.
    body = orjson.dumps({"plan": _leading(services, asked), "crs": query.crs, "results": results})
    return Response(body, media_type="application/json")
